//! Tries all orders (Wing & Gong, *Testing and verifying concurrent objects*, JPDC 1993), and
//! remembers which sets of operations were tried with which state (Lowe, *Testing for
//! linearizability*, CCPE 2017).

use rustc_hash::FxHashSet;

use super::object::Recorded;
use super::{NotConfirmed, TOO_LARGE};
use crate::model::Model;

/// No more partial orders than this are tried.
const MAX_TRIED: usize = 4_000_000;
/// Nor is more looked at in all than so many operations of partial orders.
const MAX_WORK: usize = 1_000_000_000;

/// Whether no order explains these operations.
pub(super) fn no_order<M: Model>(
    model: &M,
    operations: &[Recorded<M::Op>],
) -> Result<(), NotConfirmed> {
    match has_order(model, operations) {
        Some(false) => Ok(()),
        Some(true) => Err(NotConfirmed::Wrong(
            "an order explains these operations".to_owned(),
        )),
        None => Err(NotConfirmed::TooLarge(format!(
            "{} operations are {TOO_LARGE}",
            operations.len()
        ))),
    }
}

/// Which operations are placed, a bit each.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Placed(Box<[u64]>);

impl Placed {
    pub(super) fn none(of: usize) -> Placed {
        Placed(vec![0; of.div_ceil(64)].into())
    }

    pub(super) fn has(&self, at: usize) -> bool {
        self.0[at / 64] >> (at % 64) & 1 == 1
    }

    pub(super) fn and(mut self, at: usize) -> Placed {
        self.0[at / 64] |= 1 << (at % 64);
        self
    }
}

/// Whether an order explains these operations; `None` if there is too much to try.
fn has_order<M: Model>(model: &M, operations: &[Recorded<M::Op>]) -> Option<bool> {
    let mut tried: FxHashSet<(Placed, M::State)> = FxHashSet::default();
    let mut open = vec![(Placed::none(operations.len()), model.initial())];
    while let Some((placed, state)) = open.pop() {
        let left = || (0..operations.len()).filter(|&at| !placed.has(at));
        // Nothing may come before what had ended when it began.
        let first_end = left().map(|at| operations[at].end).min();
        if first_end.is_none_or(|end| end == u64::MAX) {
            return Some(true);
        }
        if !tried.insert((placed.clone(), state.clone())) {
            continue;
        }
        if tried.len() > MAX_TRIED || tried.len() * operations.len() > MAX_WORK {
            return None;
        }
        let follows = |at: usize| {
            let first = first_end.is_none_or(|end| operations[at].start <= end);
            let next = first.then(|| model.step(&state, &operations[at].op).ok());
            next.flatten().map(|next| (at, next))
        };
        let mut next: Vec<(usize, M::State)> = left().filter_map(follows).collect();
        // What observes only can as well come at once: whatever came before it can follow it.
        let observes = |(at, _): &(usize, M::State)| model.only_observes(&operations[*at].op);
        if let Some(observer) = next.iter().position(observes) {
            next = vec![next.swap_remove(observer)];
        }
        let place = |(at, state)| (placed.clone().and(at), state);
        open.extend(next.into_iter().map(place));
    }
    Some(false)
}
