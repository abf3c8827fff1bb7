//! What an attempt to take an element shows, for all containers alike.

use polygraph_history::{ErrorName, Op, Outcome, Value};

use super::Call;
use crate::FailedCas;

/// Whether a take or a look found its container empty: it says so with [`Value::Null`], or failed
/// because nothing was there, where failures are observations.
pub(super) fn found_nothing(call: &Call<'_>) -> bool {
    match call.outcome {
        Outcome::Ok => result(call.op) == Some(&Value::Null),
        Outcome::Fail => failed_with(call, &ErrorName::ABSENT),
        Outcome::Info => false,
    }
}

/// Whether an operation failed with this error, and its failure is an observation.
pub(super) fn failed_with(call: &Call<'_>, error: &ErrorName) -> bool {
    call.outcome == Outcome::Fail
        && call.failed_cas == FailedCas::Observe
        && call.error == Some(error)
}

/// What a take or a look got; `None` if nobody knows.
pub(super) fn taken(call: &Call<'_>) -> Option<Value> {
    match call.outcome {
        Outcome::Ok => result(call.op).cloned(),
        Outcome::Fail | Outcome::Info => None,
    }
}

fn result(op: &Op) -> Option<&Value> {
    match op {
        Op::Dequeue { value, .. }
        | Op::Pop { value, .. }
        | Op::Extract { value, .. }
        | Op::Front { value, .. } => value.as_ref(),
        _ => None,
    }
}
