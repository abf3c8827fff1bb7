//! Stacks, in O(n log n): the elements are ranked by `eliminate`, and then placed as those of a
//! priority queue are, but that whoever is put in must not find anything of higher rank either.
//!
//! Takes of unknown outcome: only if none of them matters.

use super::buried::buried;
use super::elements::{Elements, Step};
use super::eliminate::eliminate;
use super::pattern::Pattern;
use super::placement::{Plan, Rules, place_all};
use super::presence::not_empty;
use super::refuted::Refuted;
use super::repeated::{self, Gives};
use super::schedule::Looks;
use crate::linearizable::item::Item;
use crate::model::StackOp;

type Stack = [Item<StackOp<u32>>];

const fn step(op: &StackOp<u32>) -> Step {
    match *op {
        StackOp::Push(value) => Step::Put(value),
        StackOp::Pop(value) => Step::Take(value),
        StackOp::Front(value) => Step::Look(value),
        StackOp::Empty => Step::Empty,
    }
}

/// Says whether these operations have an order; `None` if no near-linear way is known.
pub(in crate::linearizable) fn decide(items: &Stack) -> Option<Result<(), Refuted>> {
    Some(solve(items)?.map(|_| ()))
}

/// That there is no order, as far as counting shows it; `None` says nothing.
pub(in crate::linearizable) fn refute(items: &Stack) -> Option<Refuted> {
    repeated::refute(items, step, Gives::Other)
}

/// An order, as indices of items, if [`decide`] says that there is one.
pub(in crate::linearizable) fn order(items: &Stack) -> Option<Vec<usize>> {
    let Ranked {
        elements,
        looks,
        mut order,
    } = solve(items)?.ok()?;
    order.reverse();
    let rules = Rules {
        from_greatest: &order,
        lifo: true,
    };
    let mut plan = Plan::default();
    place_all(items, &elements, &looks, &rules, &mut plan).ok()?;
    Some(plan.order())
}

/// The elements with an order of them, from the lowest rank up.
struct Ranked {
    elements: Elements,
    looks: Looks,
    order: Vec<u32>,
}

fn solve(items: &Stack) -> Option<Result<Ranked, Refuted>> {
    let elements = match Elements::of(items, step)? {
        Ok(elements) => elements,
        Err(refuted) => return Some(Err(refuted)),
    };
    let looks = Looks::new(items, &elements, step);
    let pattern = match rank(items, &elements, &looks) {
        Ok(order) => {
            return Some(Ok(Ranked {
                elements,
                looks,
                order,
            }));
        }
        Err(pattern) => pattern,
    };
    let unknown = pattern.stays && !elements.pending_takes.is_empty();
    (!unknown).then(|| Err(pattern.refuted(items, |op| matches!(op, StackOp::Pop(_)))))
}

fn rank(items: &Stack, elements: &Elements, looks: &Looks) -> Result<Vec<u32>, Pattern> {
    not_empty(items, elements)?;
    eliminate(items, elements, looks).map_err(|stuck| {
        buried(items, elements, &stuck, |operations| {
            let part: Vec<Item<StackOp<u32>>> =
                operations.iter().map(|&at| items[at].clone()).collect();
            has_no_ranks(&part)
        })
    })
}

/// Whether these operations, which are all that happened to some elements, have no order.
fn has_no_ranks(items: &Stack) -> bool {
    let Some(Ok(elements)) = Elements::of(items, step) else {
        return false;
    };
    let looks = Looks::new(items, &elements, step);
    eliminate(items, &elements, &looks).is_err()
}
