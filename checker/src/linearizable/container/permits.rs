//! Permits that anybody gives back, in O(n log n).
//!
//! Nothing happens before it must: an operation when it ends, and if it is not possible then, just
//! before it one that makes it possible, of those that have begun the one that ends first. Of two
//! operations that do the same the one that ends first may go first, and what is done later than
//! it could be is no worse done later. So if there is none, there is no order.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::pattern::known_by;
use super::refuted::{Refuted, Why};
use crate::linearizable::item::Item;

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PermitStep {
    /// Takes a permit.
    Acquire,
    /// Gives one back.
    Release,
    /// Shows that there is none.
    Exhausted,
}

/// An order, as indices of items, of all that take permits and give them back.
///
/// # Errors
/// If there is none.
pub(super) fn schedule<A>(
    items: &[Item<A>],
    step: impl Fn(&A) -> PermitStep,
    permits: u32,
    limit: u32,
) -> Result<Vec<usize>, Refuted> {
    let step = |at: usize| step(&items[at].action);
    let mut due: Vec<usize> = (0..items.len())
        .filter(|&at| !items[at].pending() && step(at) != PermitStep::Exhausted)
        .collect();
    due.sort_unstable_by_key(|&at| (items[at].end, at));
    let mut by_start: Vec<usize> = (0..items.len()).collect();
    by_start.sort_by_key(|&at| items[at].start);
    let mut begun = by_start.into_iter().peekable();
    let (mut acquires, mut releases) = (BinaryHeap::new(), BinaryHeap::new());
    let mut done = vec![false; items.len()];
    let mut order = Vec::with_capacity(items.len());
    let mut free = permits;
    for at in due {
        while let Some(next) = begun.next_if(|&next| items[next].start <= items[at].end) {
            match step(next) {
                PermitStep::Acquire => acquires.push(Reverse((items[next].end, next))),
                PermitStep::Release => releases.push(Reverse((items[next].end, next))),
                PermitStep::Exhausted => {}
            }
        }
        if done[at] {
            continue;
        }
        let acquires_now = step(at) == PermitStep::Acquire;
        let possible = if acquires_now { free > 0 } else { free < limit };
        if !possible {
            let others = if acquires_now {
                &mut releases
            } else {
                &mut acquires
            };
            let other = loop {
                match others.pop() {
                    Some(Reverse((_, other))) if done[other] => {}
                    Some(Reverse((_, other))) => break other,
                    None => return Err(refuted(items, at, acquires_now)),
                }
            };
            done[other] = true;
            order.push(other);
            free = if acquires_now { free + 1 } else { free - 1 };
        }
        done[at] = true;
        order.push(at);
        free = if acquires_now { free - 1 } else { free + 1 };
    }
    Ok(order)
}

/// All that had begun when an operation ended that was not possible.
fn refuted<A>(items: &[Item<A>], at: usize, acquires: bool) -> Refuted {
    let mut operations: Vec<usize> = (0..items.len())
        .filter(|&other| items[other].start <= items[at].end)
        .collect();
    operations.retain(|&other| other != at);
    operations.push(at);
    Refuted {
        by: known_by(items, &operations, false, |_| false),
        operations,
        why: if acquires {
            Why::NotFree
        } else {
            Why::NotTaken
        },
    }
}
