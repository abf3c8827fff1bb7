//! Promises that a store is put to by a workload made for them: a bank, groups of keys that are
//! written once, a predicate that two insert under, logs in the manner of Kafka.
//!
//! - [`CONSTANT_SUM`] (bank), [`CONSISTENT_PREFIX_TOTAL`] (long fork, causal reverse),
//!   [`EXCLUSIVE_INSERT`] (G2 by predicate insertion), [`LOG_INTEGRITY`] and [`LOG_ORDER`]
//!   (Kafka): the registry's entries. [`Proof`], [`confirm`]: the evidence.
//! - [`recognise`]: which of them a history is made for, which `check` then asks for; [`understands`]: operations without a
//!   form of their own that they read.
//! - [`hermitage`]: the ten interleavings of transactions that tell isolation levels apart.
//!
//! Each is a guarantee like any other, for what a store keeps or breaks is a promise and not a
//! workload: *violated* has evidence that a second, simple function confirms, and a history that
//! has not what a promise is about says *not applicable* or *not observable*.
//!
//! Sequential writes read in reverse order are `monotonic-writes` ([`crate::session`]); counters
//! that only grow are `linearizable` and `monotonic-reads`.

mod bank;
pub mod hermitage;
mod insert;
mod log;
mod prefix;

use polygraph_history::{Guarantee, History, Micro, MicroRef, Op, Operation, OperationId, Outcome};

pub use self::bank::CONSTANT_SUM;
pub use self::insert::EXCLUSIVE_INSERT;
pub use self::log::{LOG_INTEGRITY, LOG_ORDER, Proof as LogProof};
pub use self::prefix::{CONSISTENT_PREFIX_TOTAL, Item, Link};

/// Evidence. Operations are named by the events that began them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// Two reads of all accounts do not add up to the same.
    Sum {
        /// One read.
        left: u64,
        /// The other.
        right: u64,
    },
    /// Two inserts under one predicate were both acknowledged.
    Inserts {
        /// One insert.
        left: u64,
        /// The other.
        right: u64,
    },
    /// Writes that go in a circle: each comes before the next, and the last before the first.
    Order(Vec<(Item, Link)>),
    /// Of a log.
    Log(LogProof),
}

/// Checks evidence with nothing but the history.
///
/// # Errors
/// What is wrong with the evidence, as a sentence.
pub fn confirm(history: &History, proof: &Proof) -> Result<(), String> {
    match proof {
        Proof::Sum { left, right } => bank::confirm(history, *left, *right),
        Proof::Inserts { left, right } => insert::confirm(history, *left, *right),
        Proof::Order(circle) => prefix::confirm(history, circle),
        Proof::Log(proof) => log::confirm(history, proof),
    }
}

/// The operations without a form of their own that are read here.
#[must_use]
pub fn understands(name: &str) -> bool {
    const NAMES: &[&str] = &["transfer", "insert", "assign", "subscribe", "crash"];
    NAMES.contains(&name)
}

const LOG: &[Guarantee] = &[Guarantee::LogIntegrity, Guarantee::LogOrder];
const BANK: &[Guarantee] = &[Guarantee::ConstantSum];
const INSERTS: &[Guarantee] = &[Guarantee::ExclusiveInsert];

/// The guarantees that a history is made for, told by operations that no other history has.
#[must_use]
pub fn recognise(history: &History) -> &'static [Guarantee] {
    let told = history.operations().iter().find_map(|operation| {
        if let Some(mut micros) = history.micros(operation) {
            let of = |other: &Micro| matches!(other, Micro::Send(_) | Micro::Poll { .. });
            let log = micros.any(|micro| matches!(micro, MicroRef::Other(other) if of(other)));
            return log.then_some(LOG);
        }
        match history.op(operation) {
            Op::Custom { name, .. } if name == "transfer" => Some(BANK),
            op if insert::predicate(op).is_some() => Some(INSERTS),
            op if bank::is_map(op) => Some(BANK),
            _ => None,
        }
    });
    told.unwrap_or_default()
}

/// The operation that began with an event.
fn operation(history: &History, event: u64) -> Result<&Operation, String> {
    let operations = history.operations();
    let found = operations.binary_search_by_key(&event, |operation| operation.invoke as u64);
    let at = found.map_err(|_| format!("no operation begins with event {event}"))?;
    Ok(&operations[at])
}

/// The same, if it took place.
fn took_place(history: &History, event: u64) -> Result<&Operation, String> {
    let operation = operation(history, event)?;
    match operation.outcome {
        Outcome::Ok => Ok(operation),
        _ => Err(format!(
            "the operation of event {event} is not known to have taken place"
        )),
    }
}

/// Who performed an operation, and when: `client 3 (event 7)`.
fn who(history: &History, id: OperationId) -> String {
    let Operation {
        process, invoke, ..
    } = history.operations()[id];
    let clients = history.spec().map_or(0, |spec| spec.clients as u64);
    let client = process.checked_rem(clients).unwrap_or(process);
    match history.time(invoke) {
        polygraph_history::Time::ZERO => format!("client {client} (event {invoke})"),
        at => format!("client {client} at {at} (event {invoke})"),
    }
}

/// The event that began an operation.
fn event(history: &History, id: OperationId) -> u64 {
    history.operations()[id].invoke as u64
}
