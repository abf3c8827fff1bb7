//! What leaderless nodes say to each other, and the versions they compare.

use std::fmt;

use polygraph_cluster::RequestId;
use polygraph_history::{Key, NodeId, Value};
use serde::{Deserialize, Serialize};

/// The version of a register: the greatest one wins. No two writes have the same, since no two
/// requests do.
///
/// With `version=lww` the counter is the coordinator's wall clock in nanoseconds, with
/// `version=abd` one more than the greatest that a read quorum knew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Stamp {
    pub(super) counter: i64,
    pub(super) node: NodeId,
    /// Which start of the node; on its disk before it is used.
    pub(super) incarnation: u64,
    pub(super) request: RequestId,
}

/// A register with its version: the value of a key, or one element of a set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Cell {
    /// Whether the register is `key/value`, which says that the set `key` has this element.
    pub(super) element: bool,
    pub(super) value: Value,
    pub(super) stamp: Stamp,
}

impl Cell {
    /// Which register of its key it is: the key's own, or that of an element.
    pub(super) fn slot(&self) -> Option<&Value> {
        self.element.then_some(&self.value)
    }
}

/// Which registers of a key are asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Which {
    /// All: the key's own and those of its elements.
    All,
    /// One: the key's own, or that of an element.
    One(Option<Value>),
}

/// What a coordinator asks of a replica, and its answers. A request may take several rounds; an
/// answer counts only for the round that asked for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Message {
    pub(super) request: RequestId,
    pub(super) round: u32,
    pub(super) body: Body,
}

/// What a [`Message`] says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Body {
    /// Tell what you hold.
    Fetch { key: Key, which: Which },
    /// This is what I hold, all of it synced.
    Fetched(Vec<Cell>),
    /// Hold these, unless you hold newer ones.
    Store {
        key: Key,
        cells: Vec<Cell>,
        /// Whether they were found by a read, which brings them to where they are missing.
        repair: bool,
    },
    /// I hold these or newer ones, synced.
    Stored,
}

/// As a protocol transcript shows it: `7@n2` is counter 7 of node n2.
impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.counter, self.node)
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.element { "+" } else { "" };
        write!(f, "{sign}{} {}", self.value, self.stamp)
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cells = |cells: &[Cell]| match cells.is_empty() {
            true => "nothing".to_owned(),
            false => {
                let cells: Vec<_> = cells.iter().map(Cell::to_string).collect();
                cells.join(", ")
            }
        };
        write!(f, "r{}", self.request.0)?;
        if self.round > 0 {
            write!(f, ".{}", self.round)?;
        }
        match &self.body {
            Body::Fetch { key, which } => match which {
                Which::All | Which::One(None) => write!(f, " fetch {key}"),
                Which::One(Some(element)) => write!(f, " fetch {key}/{element}"),
            },
            Body::Fetched(held) => write!(f, " fetched {}", cells(held)),
            Body::Store {
                key,
                cells: new,
                repair,
            } => {
                let verb = if *repair { "repair" } else { "store" };
                write!(f, " {verb} {key}: {}", cells(new))
            }
            Body::Stored => f.write_str(" stored"),
        }
    }
}
