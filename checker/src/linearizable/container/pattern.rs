//! A pattern that no order has, before it is known by when.

use super::elements::{Element, NOBODY};
use super::refuted::{Refuted, Why};
use crate::linearizable::item::Item;

/// What was found wrong.
pub(super) struct Pattern {
    pub(super) why: Why,
    /// Indices of items.
    pub(super) operations: Vec<usize>,
    /// Whether it relies on an element that was never taken.
    pub(super) stays: bool,
}

impl Pattern {
    /// That these operations are not possible together with the presence of these elements.
    pub(super) fn of(why: Why, mut operations: Vec<usize>, cover: &[&Element]) -> Pattern {
        operations.extend(cover.iter().flat_map(|element| element.witnesses()));
        Pattern {
            why,
            operations,
            stays: cover.iter().any(|element| element.take == NOBODY),
        }
    }

    /// The same with the rank by which it is there.
    pub(super) fn refuted<A>(self, items: &[Item<A>], is_take: impl Fn(&A) -> bool) -> Refuted {
        Refuted {
            by: known_by(items, &self.operations, self.stays, is_take),
            operations: self.operations,
            why: self.why,
        }
    }
}

/// By when these operations had ended, and with them, if it matters what was not taken, all takes
/// that had begun by then.
pub(super) fn known_by<A>(
    items: &[Item<A>],
    operations: &[usize],
    stays: bool,
    is_take: impl Fn(&A) -> bool,
) -> u64 {
    let ends = operations.iter().map(|&at| &items[at]);
    let ended = ends.filter(|item| !item.pending()).map(|item| item.end);
    let by = ended.max().unwrap_or(0);
    if !stays {
        return by;
    }
    let takes = items
        .iter()
        .filter(|item| item.start <= by && !item.pending());
    let takes = takes.filter(|item| is_take(&item.action));
    takes.map(|item| item.end).fold(by, u64::max)
}
