//! Tries all orders (Wing & Gong, *Testing and verifying concurrent objects*, JPDC 1993), and
//! remembers which sets of operations were tried with which state (Lowe, *Testing for
//! linearizability*, CCPE 2017).

use rustc_hash::FxHashSet;

use super::object::Recorded;
use super::{NotConfirmed, TOO_LARGE};
use crate::model::Model;

/// No more partial orders than this are remembered.
const MAX_TRIED: usize = 4_000_000;
/// Nor are more operations looked at, over all of them.
const MAX_STEPS: usize = 20_000_000;

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
    let first = (Placed::none(operations.len()), model.initial());
    let mut tried: FxHashSet<(Placed, M::State)> = FxHashSet::from_iter([first.clone()]);
    let mut open = vec![first];
    let mut steps = 0;
    while let Some((placed, state)) = open.pop() {
        let left: Vec<usize> = (0..operations.len())
            .filter(|&at| !placed.has(at))
            .collect();
        // Nothing may come before what had ended when it began.
        let ends = left.iter().map(|&at| operations[at].end);
        let Some(first_end) = ends.min().filter(|&end| end != u64::MAX) else {
            return Some(true);
        };
        steps += left.len();
        if tried.len() > MAX_TRIED || steps > MAX_STEPS {
            return None;
        }
        let may_be_next = left.iter().filter(|&&at| operations[at].start <= first_end);
        let step = |&at: &usize| Some((at, model.step(&state, &operations[at].op).ok()?));
        let mut next: Vec<(usize, M::State)> = may_be_next.filter_map(step).collect();
        // What observes only can as well come at once: whatever came before it can follow it.
        let observes = |(at, _): &(usize, M::State)| model.only_observes(&operations[*at].op);
        if let Some(observer) = next.iter().position(observes) {
            next = vec![next.swap_remove(observer)];
        }
        for (at, state) in next {
            let longer = (placed.clone().and(at), state);
            if tried.insert(longer.clone()) {
                open.push(longer);
            }
        }
    }
    Some(false)
}
