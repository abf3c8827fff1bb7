//! What the copies of a key look like in the end.

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
pub const CONVERGES: Entry = Entry {
    guarantee: Guarantee::Converges,
    opportunity: "",
    minimum: 1,
    check: |_: &History, _: &Options| {
        Verdict::holds(Guarantee::Converges, "none").unknown(Reason::NotApplicable)
    },
};

/// The registry's entry.
pub const DURABLE: Entry = Entry {
    guarantee: Guarantee::Durable,
    opportunity: "",
    minimum: 1,
    check: |_: &History, _: &Options| {
        Verdict::holds(Guarantee::Durable, "none").unknown(Reason::NotApplicable)
    },
};
