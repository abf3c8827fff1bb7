//! The lines of a file, as they are written and read. Unknown fields are ignored: later versions
//! may add some.

use std::collections::BTreeMap;

use polygraph_checker::isolation::Violation;
use polygraph_history::{Key, Value};
use serde::{Deserialize, Serialize};

/// Which answer a file proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Kind {
    /// *Holds*.
    Witness,
    /// *Violated*.
    Certificate,
    /// *Holds*, of transactions.
    Schedule,
    /// *Violated*, of transactions.
    Violation,
}

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Header {
    pub(super) polygraph: u32,
    pub(super) proof: Kind,
    pub(super) guarantee: String,
    pub(super) failed_cas: String,
    pub(super) objects: usize,
}

/// Moments of a schedule, in order.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Moments {
    pub(super) moments: Vec<usize>,
}

/// An anomaly of transactions.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Shown {
    pub(super) violation: Violation,
    // This informs a reader; nothing is decided by it, so that nothing reads it.
    #[serde(skip_deserializing)]
    pub(super) explanation: String,
}

/// Which object a line is about.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Orders {
    /// Present in the first line of an object; the lines after it go on with its order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) key: Option<Key>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) keys: Option<Vec<Key>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) model: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) parameters: BTreeMap<String, Value>,
    pub(super) order: Vec<usize>,
}

/// A sub-history that no order explains.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Cut {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) key: Option<Key>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) keys: Option<Vec<Key>>,
    pub(super) model: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) parameters: BTreeMap<String, Value>,
    pub(super) rule: String,
    /// The operation that all others come after, if it does not begin with the first state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) since: Option<usize>,
    pub(super) until: usize,
    pub(super) operations: Vec<usize>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) as_writes: Vec<usize>,
    // What follows informs a reader; nothing is decided by it, so that nothing reads it.
    #[serde(skip_deserializing)]
    pub(super) kind: String,
    #[serde(skip_deserializing)]
    pub(super) explanation: String,
    #[serde(skip_deserializing, skip_serializing_if = "Vec::is_empty")]
    pub(super) before: Vec<State>,
}

/// A state that is possible just before the event that ends the prefix.
#[derive(Debug, Serialize)]
pub(super) struct State {
    pub(super) order: Vec<usize>,
    pub(super) refused: Vec<Refusal>,
}

/// An operation that is not possible there.
#[derive(Debug, Serialize)]
pub(super) struct Refusal {
    pub(super) operation: usize,
    pub(super) why: String,
}
