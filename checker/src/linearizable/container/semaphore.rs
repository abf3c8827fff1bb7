//! Semaphores: see `permits`. Where somebody found no permit free, near-linear only if something
//! is wrong even without that.

use super::permits::{PermitStep, schedule};
use super::refuted::Refuted;
use crate::linearizable::item::Item;
use crate::model::{Semaphore, SemaphoreOp};

type Operations = [Item<SemaphoreOp>];

const fn step(op: &SemaphoreOp) -> PermitStep {
    match op {
        SemaphoreOp::Acquire => PermitStep::Acquire,
        SemaphoreOp::Release => PermitStep::Release,
        SemaphoreOp::Exhausted => PermitStep::Exhausted,
    }
}

/// Says whether these operations have an order; `None` if no near-linear way is known.
pub(in crate::linearizable) fn decide(
    items: &Operations,
    model: Semaphore,
) -> Option<Result<(), Refuted>> {
    match schedule(items, step, model.permits, model.limit) {
        Err(refuted) => Some(Err(refuted)),
        Ok(_) if observed(items) => None,
        Ok(_) => Some(Ok(())),
    }
}

/// An order, as indices of items, if [`decide`] says that there is one.
pub(in crate::linearizable) fn order(items: &Operations, model: Semaphore) -> Option<Vec<usize>> {
    let order = schedule(items, step, model.permits, model.limit).ok()?;
    (!observed(items)).then_some(order)
}

fn observed(items: &Operations) -> bool {
    let looks = |item: &Item<SemaphoreOp>| item.action == SemaphoreOp::Exhausted;
    items.iter().any(|item| looks(item) && !item.pending())
}
