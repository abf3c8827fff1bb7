//! Priority queues, greatest first, in O(n α(n)) from sorted operations.
//!
//! From the greatest element down: whoever takes or sees an element needs a moment at which none
//! that is greater was certainly in (Lee & Mathur, *Efficient decrease-and-conquer linearizability
//! monitoring*, OOPSLA 2025); see `placement`.
//!
//! Takes of unknown outcome: only if none of them matters.

use std::cmp::Reverse;

use super::elements::{Elements, Step};
use super::placement::{Ignore, Places, Plan, Rules, place_all};
use super::refuted::Refuted;
use super::repeated::{self, Gives};
use super::schedule::Looks;
use crate::linearizable::item::Item;
use crate::model::PriorityQueueOp;

type Queue = [Item<PriorityQueueOp<u32>>];

const fn step(op: &PriorityQueueOp<u32>) -> Step {
    match *op {
        PriorityQueueOp::Insert(value) => Step::Put(value),
        PriorityQueueOp::Extract(value) => Step::Take(value),
        PriorityQueueOp::Front(value) => Step::Look(value),
        PriorityQueueOp::Empty => Step::Empty,
    }
}

/// Says whether these operations have an order; `None` if no near-linear way is known. The
/// numbers of elements are in the order of the elements.
pub(in crate::linearizable) fn decide(items: &Queue) -> Option<Result<(), Refuted>> {
    solve(items, &mut Ignore)
}

/// That there is no order, as far as counting shows it; `None` says nothing. The numbers of elements are in
/// the order of the elements.
pub(in crate::linearizable) fn refute(items: &Queue) -> Option<Refuted> {
    repeated::refute(items, step, Gives::Greatest)
}

/// An order, as indices of items, if [`decide`] says that there is one.
pub(in crate::linearizable) fn order(items: &Queue) -> Option<Vec<usize>> {
    let mut plan = Plan::default();
    solve(items, &mut plan)?.ok()?;
    Some(plan.order())
}

fn solve(items: &Queue, places: &mut impl Places) -> Option<Result<(), Refuted>> {
    let elements = match Elements::of(items, step)? {
        Ok(elements) => elements,
        Err(refuted) => return Some(Err(refuted)),
    };
    let mut from_greatest: Vec<u32> = (0..elements.list.len() as u32).collect();
    from_greatest.sort_unstable_by_key(|&at| Reverse(elements.list[at as usize].value));
    let looks = Looks::new(items, &elements, step);
    let rules = Rules {
        from_greatest: &from_greatest,
        lifo: false,
    };
    match place_all(items, &elements, &looks, &rules, places) {
        Ok(()) => Some(Ok(())),
        Err(pattern) if pattern.stays && !elements.pending_takes.is_empty() => None,
        Err(pattern) => {
            Some(Err(pattern.refuted(items, |op| {
                matches!(op, PriorityQueueOp::Extract(_))
            })))
        }
    }
}
