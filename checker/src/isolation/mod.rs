//! Isolation of transactions.

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
pub const SERIALIZABLE: Entry = Entry {
    guarantee: Guarantee::Serializable,
    opportunity: "",
    minimum: 1,
    check: |_: &History, _: &Options| {
        Verdict::holds(Guarantee::Serializable, "none").unknown(Reason::NotApplicable)
    },
};

/// The registry's entry.
pub const STRICT_SERIALIZABLE: Entry = Entry {
    guarantee: Guarantee::StrictSerializable,
    opportunity: "",
    minimum: 1,
    check: |_: &History, _: &Options| {
        Verdict::holds(Guarantee::StrictSerializable, "none").unknown(Reason::NotApplicable)
    },
};
