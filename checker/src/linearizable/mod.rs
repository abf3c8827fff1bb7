//! Linearizability of single operations.

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
pub const ENTRY: Entry = Entry {
    guarantee: Guarantee::Linearizable,
    opportunity: "",
    minimum: 1,
    check: |_: &History, _: &Options| {
        Verdict::holds(Guarantee::Linearizable, "none").unknown(Reason::NotApplicable)
    },
};
