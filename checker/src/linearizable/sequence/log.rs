//! Logs: offsets and reads give elements their places, and appends of unknown offset fill the
//! places that remain. O(n log n) besides the size of the reads.
//!
//! Applies unless a value that was read had been appended twice, with one of the offsets unknown;
//! then only what `counting` finds wrong is.

use std::hash::Hash;

use super::Refuted;
use super::layers::{Layers, Placement, spans};
use super::positions::{self, Fact};
use crate::linearizable::item::Item;
use crate::model::LogOp;

/// Whether the operations of a log have an order.
pub(in crate::linearizable) fn decide<V: Eq + Hash>(
    items: &[Item<LogOp<V>>],
) -> Option<Result<(), Refuted>> {
    settle(items).map(|settled| settled.map(|_| ()))
}

/// An order of them, if they have one.
pub(in crate::linearizable) fn order<V: Eq + Hash>(items: &[Item<LogOp<V>>]) -> Option<Vec<usize>> {
    let (layers, placement) = settle(items)?.ok()?;
    Some(layers.order(&placement))
}

fn settle<V: Eq + Hash>(items: &[Item<LogOp<V>>]) -> Option<Result<(Layers, Placement), Refuted>> {
    let fact = |action| match action {
        &LogOp::Append { ref value, offset } => Fact::Append { value, offset },
        &LogOp::Poll { from, ref values } => Fact::Poll { from, values },
        LogOp::Read(values) => Fact::Whole(values),
    };
    let facts = items.iter().map(|item| fact(&item.action)).collect();
    positions::settle(facts, spans(items))
}
