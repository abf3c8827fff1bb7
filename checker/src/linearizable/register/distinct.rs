//! What is known of a register without a search, where every value was written once.

use super::certificate::{Certificate, certificate};
use super::order::order as order_of;
use super::rows::Rows;
use super::view::Item;
use super::zones::Zones;

/// What distinct values decide.
#[derive(Clone, Debug)]
pub(in crate::linearizable) enum Known {
    /// There is an order.
    Linearizable,
    /// There is none.
    Violated(Certificate),
    /// Nothing: a value has two writers, or a failed compare-and-set has no place.
    Open,
}

/// Looks for an order of rows without a search.
pub(in crate::linearizable) fn decide(rows: &Rows) -> Known {
    match Zones::new(rows) {
        None => Known::Open,
        Some((zones, Err(conflict))) => Known::Violated(certificate(rows, &zones, conflict)),
        Some((_, Ok(()))) if rows.mismatches.is_empty() => Known::Linearizable,
        Some((_, Ok(()))) => Known::Open,
    }
}

/// The same of items; failed compare-and-sets among them leave it open, unless there is no order
/// without them.
pub(in crate::linearizable) fn decide_items(items: &[Item]) -> Known {
    Rows::of(items).map_or(Known::Open, |rows| decide(&rows))
}

/// The places of items in an order that explains them, without those that did not happen. `None`
/// unless every value was written once, no compare-and-set failed, and there is an order.
pub(in crate::linearizable) fn order(items: &[Item]) -> Option<Vec<usize>> {
    let rows = Rows::of(items)?;
    if !rows.mismatches.is_empty() {
        return None;
    }
    let (zones, result) = Zones::new(&rows)?;
    result.ok()?;
    let place = |row: u32| rows.list[row as usize].operation as usize;
    Some(order_of(&rows, &zones).into_iter().map(place).collect())
}
