//! Bags, as far as counting says something about them.

use super::elements::Step;
use super::refuted::Refuted;
use super::repeated::{self, Gives};
use crate::linearizable::item::Item;
use crate::model::BagOp;

const fn step(op: &BagOp<u32>) -> Step {
    match *op {
        BagOp::Enqueue(value) => Step::Put(value),
        BagOp::Dequeue(value) => Step::Take(value),
        BagOp::Front(value) => Step::Look(value),
        BagOp::Empty => Step::Empty,
    }
}

/// That there is no order, as far as counting shows it; `None` says nothing.
pub(in crate::linearizable) fn refute(items: &[Item<BagOp<u32>>]) -> Option<Refuted> {
    repeated::refute(items, step, Gives::Other)
}
