//! What the copies of a key look like in the end.
//!
//! - [`CONVERGES`], [`DURABLE`], [`NO_RESURRECTION`]: the registry's entries. [`Proof`], [`confirm`]: the evidence.
//!
//! The replicas of a key are the nodes at which it was peeked. What counts is the last peek at
//! each, begun after every operation that may change the key was over for its client and after
//! the last event of the nemesis; a replica whose last peek did not succeed, or came earlier, has
//! not answered. The harness peeks in rounds until all answer alike or the deadline has passed,
//! so that the last round decides.

mod confirm;
mod converges;
mod durable;
mod elements;
mod finals;
mod resurrected;
mod together;

use polygraph_history::{Guarantee, History, Key, OperationId, Value};

pub use self::confirm::confirm;
use crate::Entry;

/// Evidence that replicas disagree or lack something. Operations are named by the events that
/// began them.
#[derive(Clone, Debug)]
pub enum Proof {
    /// Two replicas answered differently in the end.
    Diverged {
        /// The key.
        key: Key,
        /// The last peek at one.
        left: u64,
        /// The last peek at the other.
        right: u64,
    },
    /// An acknowledged element is nowhere.
    LostAdd {
        /// The key.
        key: Key,
        /// The element.
        element: Value,
        /// The add.
        add: u64,
        /// The last peek at every replica, or every final read where there are no peeks.
        answers: Vec<u64>,
    },
    /// An acknowledged write is nowhere, and everything that is there is older.
    LostWrite {
        /// The key.
        key: Key,
        /// The write.
        write: u64,
        /// The last peek at every replica.
        answers: Vec<u64>,
    },
    /// An element is everywhere although its removal was acknowledged.
    Resurrected {
        /// The key.
        key: Key,
        /// The element.
        element: Value,
        /// The removal.
        removal: u64,
        /// The last peek at every replica.
        answers: Vec<u64>,
    },
}

/// The registry's entry.
pub const CONVERGES: Entry = Entry {
    guarantee: Guarantee::Converges,
    opportunity: "keys peeked at two or more replicas in the end",
    minimum: 1,
    check: converges::check,
};

/// The registry's entry.
pub const DURABLE: Entry = Entry {
    guarantee: Guarantee::Durable,
    opportunity: "adds and writes acknowledged before or during a fault, if there are faults",
    minimum: 1,
    check: durable::check,
};

/// The registry's entry.
pub const NO_RESURRECTION: Entry = Entry {
    guarantee: Guarantee::NoResurrection,
    opportunity: "acknowledged removals of elements that the remover knew and nobody added again",
    minimum: 0,
    check: resurrected::check,
};

/// Clients keep their number when they go on as another process.
fn client(history: &History, operation: OperationId) -> String {
    let process = history.operations()[operation].process;
    let clients = history.spec().map_or(0, |spec| spec.clients as u64);
    format!("client {}", process.checked_rem(clients).unwrap_or(process))
}

/// The event that began an operation.
fn event(history: &History, operation: OperationId) -> u64 {
    history.operations()[operation].invoke as u64
}

/// A few of many, for a sentence: `5, 9, 12 …`.
fn some(all: &[&Value]) -> String {
    const NAMED: usize = 3;
    let mut named: Vec<String> = all.iter().take(NAMED).map(|value| shorten(value)).collect();
    if all.len() > NAMED {
        let last = named.len() - 1;
        named[last].push_str(" …");
    }
    named.join(", ")
}

/// A value for a sentence, long lists cut.
fn shorten(value: &Value) -> String {
    const SHOWN: usize = 8;
    match value {
        Value::List(all) if all.len() > SHOWN => {
            let first: Vec<String> = all.iter().take(SHOWN).map(ToString::to_string).collect();
            format!("[{} … {} in all]", first.join(" "), all.len())
        }
        other => other.to_string(),
    }
}
