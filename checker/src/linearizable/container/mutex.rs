//! Mutexes, in O(n log n): see `sections`; those that anybody releases, see `permits`.

use super::permits::{PermitStep, schedule};
use super::refuted::{Refuted, Why};
use super::sections::{LockStep, exclusive, order as order_of, sections};
use crate::linearizable::item::Item;
use crate::model::{Mutex, MutexOp};

type Lock = [Item<MutexOp>];

const fn owned(op: &MutexOp) -> LockStep {
    match *op {
        MutexOp::Acquire(process) => LockStep::Acquire {
            process,
            shared: false,
        },
        MutexOp::Release(process) => LockStep::Release(process),
    }
}

const fn anybodys(op: &MutexOp) -> PermitStep {
    match op {
        MutexOp::Acquire(_) => PermitStep::Acquire,
        MutexOp::Release(_) => PermitStep::Release,
    }
}

/// Says whether these operations have an order; `None` if only the holder may release the lock,
/// and a process did several things at once, or went on after an operation of unknown outcome.
pub(in crate::linearizable) fn decide(items: &Lock, model: Mutex) -> Option<Result<(), Refuted>> {
    if model.owned {
        return Some(sections(items, owned)?.and_then(|sections| exclusive(items, &sections)));
    }
    let named = |refuted: Refuted| Refuted {
        why: match refuted.why {
            Why::NotFree => Why::NotExclusive,
            _ => Why::NotHeld,
        },
        ..refuted
    };
    Some(schedule(items, anybodys, 1, 1).map(|_| ()).map_err(named))
}

/// An order, as indices of items, if [`decide`] says that there is one.
pub(in crate::linearizable) fn order(items: &Lock, model: Mutex) -> Option<Vec<usize>> {
    if !model.owned {
        return schedule(items, anybodys, 1, 1).ok();
    }
    let sections = sections(items, owned)?.ok()?;
    exclusive(items, &sections).ok()?;
    Some(order_of(items, &sections))
}
