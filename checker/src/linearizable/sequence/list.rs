//! Lists with reads of all: each read is the beginning of every longer one, which fixes the order
//! of the appends that were seen. O(n log n) besides the size of the reads.
//!
//! Applies unless a value that was read had been appended twice; then only what `counting` finds
//! wrong is.

use std::hash::Hash;

use super::Refuted;
use super::layers::{Layers, Placement, spans};
use super::positions::{self, Fact};
use crate::linearizable::item::Item;
use crate::model::ListOp;

/// Whether the operations of a list have an order.
pub(in crate::linearizable) fn decide<V: Eq + Hash>(
    items: &[Item<ListOp<V>>],
) -> Option<Result<(), Refuted>> {
    settle(items).map(|settled| settled.map(|_| ()))
}

/// An order of them, if they have one.
pub(in crate::linearizable) fn order<V: Eq + Hash>(
    items: &[Item<ListOp<V>>],
) -> Option<Vec<usize>> {
    let (layers, placement) = settle(items)?.ok()?;
    Some(layers.order(&placement))
}

fn settle<V: Eq + Hash>(items: &[Item<ListOp<V>>]) -> Option<Result<(Layers, Placement), Refuted>> {
    let facts = items.iter().map(|item| match &item.action {
        ListOp::Append(value) => Fact::Append {
            value,
            offset: None,
        },
        ListOp::Read(values) => Fact::Whole(values),
    });
    let facts = facts.collect();
    positions::settle(facts, spans(items))
}
