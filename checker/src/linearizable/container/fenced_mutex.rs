//! Locks with tokens, in O(n log n): the sections follow one another, and with them the tokens.

use super::pattern::known_by;
use super::refuted::{Refuted, Why};
use super::sections::{LockStep, Section, exclusive, order as order_of, sections};
use crate::linearizable::item::Item;
use crate::model::FencedMutexOp;

type Lock = [Item<FencedMutexOp>];

const fn step(op: &FencedMutexOp) -> LockStep {
    match *op {
        FencedMutexOp::Acquire { process, .. } => LockStep::Acquire {
            process,
            shared: false,
        },
        FencedMutexOp::Release(process) => LockStep::Release(process),
    }
}

/// Says whether these operations have an order; `None` if a process did several things at once, or
/// went on after an operation of unknown outcome.
pub(in crate::linearizable) fn decide(items: &Lock) -> Option<Result<(), Refuted>> {
    Some(solve(items)?.map(|_| ()))
}

/// An order, as indices of items, if [`decide`] says that there is one.
pub(in crate::linearizable) fn order(items: &Lock) -> Option<Vec<usize>> {
    let sections = solve(items)?.ok()?;
    Some(order_of(items, &sections))
}

fn solve(items: &Lock) -> Option<Result<Vec<Section>, Refuted>> {
    Some(sections(items, step)?.and_then(|sections| {
        exclusive(items, &sections)?;
        tokens(items, &sections)?;
        Ok(sections)
    }))
}

/// Whether every token is greater than those before. One that is not known is one more than the
/// last one at least.
fn tokens(items: &Lock, sections: &[Section]) -> Result<(), Refuted> {
    let mut least = Some(0);
    // The section whose token was known last.
    let mut known = None;
    for (at, section) in sections.iter().enumerate() {
        let acquire = section.operations[0];
        let token = match items[acquire].action {
            FencedMutexOp::Acquire { token, .. } => token,
            FencedMutexOp::Release(_) => None,
        };
        let Some(smallest) = least.filter(|&least| token.is_none_or(|token| least <= token)) else {
            let since = &sections[known.unwrap_or(0)..=at];
            let operations: Vec<usize> = since
                .iter()
                .flat_map(|section| section.operations.iter().copied())
                .collect();
            return Err(Refuted {
                by: known_by(items, &operations, false, |_| false),
                operations,
                why: Why::TokenOrder,
            });
        };
        if token.is_some() {
            known = Some(at);
        }
        least = token.unwrap_or(smallest).checked_add(1);
    }
    Ok(())
}
