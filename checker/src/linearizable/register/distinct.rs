//! What is known of a register without a search of the whole, where every value was written once.

use super::certificate::{Certificate, certificate};
use super::order::order as order_of;
use super::placement::{Placed, order_of_all, place};
use super::rows::Rows;
use super::view::Item;
use super::zones::Zones;
use crate::linearizable::search::Limits;

/// What distinct values decide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::linearizable) enum Known {
    /// There is an order.
    Linearizable,
    /// There is none by this rank; these operations show it, failed compare-and-sets aside.
    Violated(u64, Option<Certificate>),
    /// Nothing: a value has two writers, or a failed compare-and-set found no place.
    Open,
}

/// Looks for an order of rows. Says also how many steps small searches took.
pub(in crate::linearizable) fn decide(rows: &Rows, limits: &Limits) -> (Known, u64) {
    match Zones::new(rows) {
        None => (Known::Open, 0),
        Some((zones, Err(conflict))) => {
            let certificate = certificate(rows, &zones, conflict);
            (Known::Violated(certificate.by, Some(certificate)), 0)
        }
        Some((_, Ok(()))) if rows.mismatches.is_empty() => (Known::Linearizable, 0),
        Some((zones, Ok(()))) => match place(rows, &zones, limits) {
            (Placed::All, steps) => (Known::Linearizable, steps),
            (Placed::Impossible(by), steps) => (Known::Violated(by, None), steps),
            (Placed::NotAll, steps) => (Known::Open, steps),
        },
    }
}

/// The same of items.
pub(in crate::linearizable) fn decide_items(items: &[Item], limits: &Limits) -> (Known, u64) {
    Rows::of(items).map_or((Known::Open, 0), |rows| decide(&rows, limits))
}

/// The operations that show that there is no order, failed compare-and-sets aside.
pub(super) fn refuted(rows: &Rows) -> Option<Certificate> {
    let (zones, result) = Zones::new(rows)?;
    let conflict = result.err()?;
    Some(certificate(rows, &zones, conflict))
}

/// The places of items in an order that explains them, without those that did not happen. `None`
/// unless every value was written once, and an order is found.
pub(in crate::linearizable) fn order(items: &[Item], limits: &Limits) -> Option<Vec<usize>> {
    let order = order_of_rows(&Rows::of(items)?, limits)?;
    Some(order.into_iter().map(|place| place as usize).collect())
}

/// The same of rows, as operations.
pub(in crate::linearizable) fn order_of_rows(rows: &Rows, limits: &Limits) -> Option<Vec<u32>> {
    let (zones, result) = Zones::new(rows)?;
    result.ok()?;
    if !rows.mismatches.is_empty() {
        return order_of_all(rows, &zones, limits);
    }
    let order = order_of(rows, &zones).into_iter();
    Some(order.map(|row| rows.list[row as usize].operation).collect())
}
