//! Reader-writer locks, in O(n log n): see `sections`.

use super::refuted::Refuted;
use super::sections::{LockStep, exclusive, order as order_of, sections};
use crate::linearizable::item::Item;
use crate::model::RwLockOp;

type Lock = [Item<RwLockOp>];

const fn step(op: &RwLockOp) -> LockStep {
    match *op {
        RwLockOp::Acquire { process, shared } => LockStep::Acquire { process, shared },
        RwLockOp::Release(process) => LockStep::Release(process),
    }
}

/// Says whether these operations have an order; `None` if a process did several things at once, or
/// went on after an operation of unknown outcome.
pub(in crate::linearizable) fn decide(items: &Lock) -> Option<Result<(), Refuted>> {
    Some(sections(items, step)?.and_then(|sections| exclusive(items, &sections)))
}

/// An order, as indices of items, if [`decide`] says that there is one.
pub(in crate::linearizable) fn order(items: &Lock) -> Option<Vec<usize>> {
    let sections = sections(items, step)?.ok()?;
    exclusive(items, &sections).ok()?;
    Some(order_of(items, &sections))
}
