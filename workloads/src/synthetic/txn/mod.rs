//! Histories of transactions with a verdict by construction.
//!
//! - [`Plan`], [`write()`]: start here. [`Summary`]: what was written.
//! - [`Workload`], [`Store`], [`Anomaly`], [`Spread`], [`Format`]: what there is to choose from.
//!
//! A small multi-version store is simulated, one for each level of isolation, and clients that
//! run transactions on it without a pause. The store keeps its level because of how it works, and
//! below the strongest it does use its freedom: a snapshot store shows write skews. Into such a
//! history one anomaly can be planted: a handful of transactions on keys of their own, whose
//! reads have been written beforehand. Nothing else touches these keys, so the anomaly is there
//! whatever the others did, and on a strictly serializable store nothing else is wrong.
//!
//! Terms: a transaction takes 1.5 ms on average and clients rest 0.1 ms; of the crashed ones half
//! take effect, 20 ms after their invocation on average. All of this is exponentially distributed.

use std::io::Write;

mod anomaly;
#[cfg(test)]
mod definitions;
mod keys;
mod pen;
mod plan;
mod plot;
mod replicas;
mod run;
mod script;
#[cfg(test)]
mod tests;
mod versions;

pub use super::Error;
pub use anomaly::Anomaly;
pub use plan::{Format, Plan, Spread, Store, Workload};

/// What was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// How many transactions.
    pub transactions: u64,
    /// How many of them failed.
    pub failed: u64,
    /// How many of them have an unknown outcome.
    pub indeterminate: u64,
    /// How many events; lines where the format has no events.
    pub events: u64,
    /// How many bytes.
    pub bytes: u64,
    /// Where the anomaly is, if one was planted.
    pub planted: Option<Planted>,
}

/// Where an anomaly is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Planted {
    /// The indices of the invocations of its transactions.
    pub operations: Vec<u64>,
    /// Its keys, which nothing else uses.
    pub keys: Vec<String>,
}

/// Writes a history. Writing is buffered; memory is that of the keys and of what is in flight.
///
/// # Errors
/// If the plan contradicts itself, or for what writing gives.
pub fn write(plan: &Plan, out: impl Write) -> Result<Summary, Error> {
    plan.check().map_err(Error::Plan)?;
    Ok(run::Run::new(plan, out).finish()?)
}
