//! Was it correct: pure functions from a history to a verdict with evidence.
//!
//! - [`GUARANTEES`], [`Entry`]: start here; every guarantee that can be checked, by name.
//! - [`Verdict`], [`Anomaly`], [`Validity`]: what a check answers.
//! - [`Options`], [`Budget`]: how hard it may try, and how it reads what is ambiguous.
//! - [`lint()`], [`Finding`]: what to know of a history before any verdict.
//! - [`model`]: sequential specifications.
//! - [`linearizable`]: single operations. [`isolation`]: transactions. [`session`]: what one
//!   session may expect. [`available`]: who is answered during faults.
//!   [`staleness`]: how old what reads return may be. [`coordination`]: locks, identifiers,
//!   delivery, decisions. [`replicas`]: what the copies of a key look like in the end.
//!   [`measured`]: what was counted and timed besides. [`scenario`]: banks, prefixes, logs: promises that workloads are made for.
//!
//! **Invariant:** no input or output, no clock that decides a verdict, no random number. Budgets
//! are steps and bytes, so that the same history gives the same answer on every machine.
//!
//! **Invariant:** *violated* is said only with evidence that [`Anomaly::confirm`] accepts, and
//! confirming shares no code with finding.

pub mod available;
pub mod coordination;
mod graph;
mod guarantees;
pub mod isolation;
pub mod linearizable;
pub mod lint;
pub mod measured;
pub mod model;
mod numbers;
mod options;
mod recovers;
pub mod replicas;
pub mod scenario;
pub mod session;
pub mod staleness;
mod verdict;

pub use guarantees::{Entry, GUARANTEES, entry};
pub use lint::{Finding, lint};
pub use measured::Measured;
pub use options::{Budget, FailedCas, Options};
pub use recovers::RECOVERY_DEADLINE;
pub use verdict::{Anomaly, Proof, Reason, Validity, Verdict};
