//! Session guarantees.

use polygraph_history::{Guarantee, History};

use crate::{Entry, Options, Reason, Verdict};

/// Evidence, by operation.
#[derive(Clone, Debug)]
pub struct Proof {}

/// Checks the evidence against the history.
///
/// # Errors
/// What is wrong with it.
pub fn confirm(_history: &History, _proof: &Proof) -> Result<(), String> {
    Err("not built yet".to_owned())
}

/// The registry's entry.
pub const READ_YOUR_WRITES: Entry = Entry {
    guarantee: Guarantee::ReadYourWrites,
    opportunity: "",
    minimum: 1,
    check: |_: &History, _: &Options| {
        Verdict::holds(Guarantee::ReadYourWrites, "none").unknown(Reason::NotApplicable)
    },
};

/// The registry's entry.
pub const MONOTONIC_READS: Entry = Entry {
    guarantee: Guarantee::MonotonicReads,
    opportunity: "",
    minimum: 1,
    check: |_: &History, _: &Options| {
        Verdict::holds(Guarantee::MonotonicReads, "none").unknown(Reason::NotApplicable)
    },
};
