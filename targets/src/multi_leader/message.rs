//! What multi-leader nodes say to each other, and the entries of their logs.

use std::fmt;

use polygraph_history::{Key, NodeId, Value};
use serde::{Deserialize, Serialize};

/// The version of a register: the greatest one wins. A node never uses a time twice, so that no
/// two writes have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Stamp {
    /// The wall clock of the node that took the write, nanoseconds.
    pub(super) time: i64,
    /// That node.
    pub(super) node: NodeId,
}

/// A write as it stands in the log of the node that took it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// Its place in that log, counted from one.
    pub(super) number: u64,
    pub(super) stamp: Stamp,
    pub(super) key: Key,
    /// Whether it adds the value to the set `key`, instead of writing it to the register.
    pub(super) element: bool,
    pub(super) value: Value,
}

impl Entry {
    /// In whose log it stands.
    pub(super) const fn origin(&self) -> NodeId {
        self.stamp.node
    }
}

/// For each node, by position, how many entries of its log somebody has, without a gap and synced.
pub(super) type Vector = Vec<u64>;

/// What nodes say to each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Message {
    /// Entries that you are not known to have, each log's in order.
    Ship {
        entries: Vec<Entry>,
        /// What the sender has.
        known: Vector,
        /// There are more, which follow when these are confirmed.
        more: bool,
    },
    /// What I have.
    Known {
        known: Vector,
        /// As it stood in the [`Message::Ship`] that this answers.
        more: bool,
    },
}

/// As a protocol transcript shows it: `#3@n1 x=7` is the third entry of n1's log.
impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.element { "+" } else { "=" };
        let (number, origin) = (self.number, self.origin());
        write!(f, "#{number}@{origin} {}{sign}{}", self.key, self.value)
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Message::Ship {
                entries,
                known,
                more,
            } => {
                let shown: Vec<_> = entries.iter().map(Entry::to_string).collect();
                let more = if *more { " and more" } else { "" };
                write!(f, "ship {}{more}; known {known:?}", shown.join(", "))
            }
            Message::Known { known, .. } => write!(f, "known {known:?}"),
        }
    }
}
