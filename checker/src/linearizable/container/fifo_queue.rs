//! FIFO queues, in O(n log n).
//!
//! Without looks: an element overtook another if it was put in after the other, and taken before
//! it, both without overlap; an order exists when no element overtook another, nobody found the
//! queue empty who could not, and nothing is wrong with any element alone (Henzinger, Sezgin &
//! Vafeiadis, *Aspect-oriented linearizability proofs*, CONCUR 2013; Lee & Mathur, *Efficient
//! decrease-and-conquer linearizability monitoring*, OOPSLA 2025).
//!
//! With looks three elements may be in a circle of which no two are, so `sequence` looks for an
//! order of all elements. Whoever found nothing is an element that comes and goes at a moment at
//! which nothing was certainly in: then no circle goes through it. For if `e` comes before an
//! element, that was not yet in at the moment of `e`, and so was none that comes after it.
//!
//! Takes of unknown outcome: where nobody found nothing, and nobody looked, an element that was
//! overtaken and not taken must have been taken by one that began before the first take that
//! overtook it ended. Earliest deadlines first decides whether there are enough of them.

use super::elements::{Bound, Element, Elements, NEVER, NOBODY, Step};
use super::pattern::{Pattern, known_by};
use super::presence::not_empty;
use super::refuted::{Refuted, Why};
use super::repeated::{self, Gives};
use super::schedule::queue;
use super::sequence::{Node, sequence};
use crate::linearizable::item::Item;
use crate::model::FifoQueueOp;

type Queue = [Item<FifoQueueOp<u32>>];

const fn step(op: &FifoQueueOp<u32>) -> Step {
    match *op {
        FifoQueueOp::Enqueue(value) => Step::Put(value),
        FifoQueueOp::Dequeue(value) => Step::Take(value),
        FifoQueueOp::Front(value) => Step::Look(value),
        FifoQueueOp::Empty => Step::Empty,
    }
}

const fn is_take(op: &FifoQueueOp<u32>) -> bool {
    matches!(op, FifoQueueOp::Dequeue(_))
}

/// Says whether these operations have an order; `None` if no near-linear way is known.
pub(in crate::linearizable) fn decide(items: &Queue) -> Option<Result<(), Refuted>> {
    Some(solve(items)?.map(|_| ()))
}

/// That there is no order, as far as counting shows it; `None` says nothing.
pub(in crate::linearizable) fn refute(items: &Queue) -> Option<Refuted> {
    repeated::refute(items, step, Gives::First)
}

/// An order, as indices of items, if [`decide`] says that there is one.
pub(in crate::linearizable) fn order(items: &Queue) -> Option<Vec<usize>> {
    let elements = solve(items)?.ok()?;
    queue(items, &elements, step)
}

/// The elements, those that were taken by operations of unknown outcome included.
fn solve(items: &Queue) -> Option<Result<Elements, Refuted>> {
    let mut elements = match Elements::of(items, step)? {
        Ok(elements) => elements,
        Err(refuted) => return Some(Err(refuted)),
    };
    let Err(pattern) = check(items, &elements) else {
        return Some(Ok(elements));
    };
    if elements.pending_takes.is_empty() || !pattern.stays {
        return Some(Err(pattern.refuted(items, is_take)));
    }
    let looks = elements.list.iter().any(|element| element.looks > 0);
    if looks || !elements.empties.is_empty() {
        return None;
    }
    if let Err(refuted) = take_what_was_overtaken(items, &mut elements) {
        return Some(Err(refuted));
    }
    Some(match check(items, &elements) {
        Ok(()) => Ok(elements),
        Err(pattern) => Err(pattern.refuted(items, is_take)),
    })
}

fn check(items: &Queue, elements: &Elements) -> Result<(), Pattern> {
    overtaken(elements)?;
    if elements.list.iter().any(Element::forward) {
        circle(elements)?;
    }
    not_empty(items, elements)
}

/// By the beginnings of puts: has anything that was in before it gone later?
fn overtaken(elements: &Elements) -> Result<(), Pattern> {
    let list = &elements.list;
    let mut by_inside: Vec<(u64, u32)> = (0_u32..)
        .zip(list)
        .map(|(at, element)| (element.inside.rank, at))
        .collect();
    by_inside.sort_unstable();
    let mut earlier = by_inside.into_iter().peekable();
    // Of those that were in, the one that was so for longest.
    let mut longest: Option<&Element> = None;
    for at in by_put(list) {
        let element = &list[at as usize];
        while let Some((_, other)) = earlier.next_if(|other| other.0 < element.put_start) {
            let other = &list[other as usize];
            if longest.is_none_or(|longest| longest.last_start.rank < other.last_start.rank) {
                longest = Some(other);
            }
        }
        if let Some(other) = longest
            && element.first_end.rank < other.last_start.rank
            && element.first_end.rank != NEVER
        {
            return Err(overtakes(other, element));
        }
    }
    Ok(())
}

fn by_put(list: &[Element]) -> Vec<u32> {
    let mut order: Vec<u32> = (0..list.len() as u32).collect();
    order.sort_by_key(|&at| list[at as usize].put_start);
    order
}

fn overtakes(first: &Element, second: &Element) -> Pattern {
    let stays = first.last_start.item == NOBODY;
    let mut operations = first.witnesses();
    // Who got it comes last.
    let got = if stays { None } else { operations.pop() };
    operations.extend([second.put as usize, second.first_end.item as usize]);
    operations.extend(got);
    Pattern {
        why: if stays { Why::Lost } else { Why::Overtaken },
        operations,
        stays,
    }
}

fn circle(elements: &Elements) -> Result<(), Pattern> {
    let nodes: Vec<Node> = elements.list.iter().map(Node::of).collect();
    let Err(circle) = sequence(&nodes) else {
        return Ok(());
    };
    let of_circle = || circle.iter().map(|&at| &elements.list[at as usize]);
    Err(Pattern {
        why: Why::Circle,
        operations: of_circle().flat_map(Element::zone_witnesses).collect(),
        stays: of_circle().any(|element| element.last_start.item == NOBODY),
    })
}

/// Gives every element that was overtaken and not taken a take of unknown outcome.
fn take_what_was_overtaken(items: &Queue, elements: &mut Elements) -> Result<(), Refuted> {
    let mut takes = std::mem::take(&mut elements.pending_takes);
    takes.sort_by_key(|&at| items[at as usize].start);
    let due = deadlines(&elements.list);
    for (position, &(deadline, at, _)) in due.iter().enumerate() {
        let take = takes
            .get(position)
            .map(|&take| (take, items[take as usize].start));
        let Some((take, start)) = take.filter(|&(_, start)| start <= deadline) else {
            let mut operations: Vec<usize> = due[..=position]
                .iter()
                .flat_map(|&(_, at, _)| elements.list[at as usize].witnesses())
                .collect();
            for &(_, _, by) in &due[..=position] {
                let by = &elements.list[by as usize];
                operations.extend([by.put as usize, by.first_end.item as usize]);
            }
            operations.extend(takes[..position].iter().map(|&take| take as usize));
            operations.sort_unstable();
            operations.dedup();
            return Err(Refuted {
                by: known_by(items, &operations, true, is_take),
                operations,
                why: Why::TooFewTakes,
            });
        };
        let element = &mut elements.list[at as usize];
        element.take = take;
        element.last_start = Bound {
            rank: start.max(element.put_start),
            item: if start > element.put_start {
                take
            } else {
                element.put
            },
        };
    }
    Ok(())
}

/// Of every element that was overtaken and not taken: by when it must have been taken, which one,
/// and who overtook it; in order.
fn deadlines(list: &[Element]) -> Vec<(u64, u32, u32)> {
    let order = by_put(list);
    // Who is the first to be taken of those put in from here on?
    let mut first = vec![NOBODY; order.len() + 1];
    for (position, &at) in order.iter().enumerate().rev() {
        let later = first[position + 1];
        let sooner = later == NOBODY
            || list[at as usize].first_end.rank < list[later as usize].first_end.rank;
        first[position] = if sooner { at } else { later };
    }
    let mut due = Vec::new();
    for (at, element) in (0_u32..).zip(list) {
        let after =
            order.partition_point(|&other| list[other as usize].put_start <= element.inside.rank);
        let by = first[after];
        if element.take == NOBODY && by != NOBODY && list[by as usize].first_end.rank != NEVER {
            due.push((list[by as usize].first_end.rank, at, by));
        }
    }
    due.sort_unstable();
    due
}
