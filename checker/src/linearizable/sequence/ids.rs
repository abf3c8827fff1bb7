//! Identifiers: any order will do, if none was given out twice. O(n log n).

use std::collections::hash_map::Entry;
use std::hash::Hash;

use rustc_hash::FxHashMap;

use super::{Refuted, Why};
use crate::linearizable::item::Item;
use crate::model::Generate;

/// Whether the operations of a source of identifiers have an order: always decided.
pub(in crate::linearizable) fn decide<V: Eq + Hash>(
    items: &[Item<Generate<V>>],
) -> Option<Result<(), Refuted>> {
    let mut by_end: Vec<usize> = (0..items.len())
        .filter(|&at| !items[at].pending())
        .collect();
    by_end.sort_by_key(|&at| items[at].end);
    let mut given = FxHashMap::default();
    for at in by_end {
        match given.entry(&items[at].action.0) {
            Entry::Vacant(free) => {
                free.insert(at);
            }
            Entry::Occupied(other) => {
                return Some(Err(Refuted {
                    by: items[at].end,
                    operations: vec![*other.get(), at],
                    why: Why::SamePlace,
                }));
            }
        }
    }
    Some(Ok(()))
}

/// An order of them, if they have one.
pub(in crate::linearizable) fn order<V: Eq + Hash>(
    items: &[Item<Generate<V>>],
) -> Option<Vec<usize>> {
    decide(items)?.ok()?;
    let mut by_start: Vec<usize> = (0..items.len())
        .filter(|&at| !items[at].pending())
        .collect();
    by_start.sort_by_key(|&at| items[at].start);
    Some(by_start)
}
