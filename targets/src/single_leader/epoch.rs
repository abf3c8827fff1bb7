//! Epochs, reigns and positions: what tells one leader's log from another's.

use std::fmt;

use polygraph_history::NodeId;
use serde::{Deserialize, Serialize};

/// The time of one leader: a number, and the node that leads. Totally ordered, by number first;
/// no two nodes can have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Epoch {
    /// Counts promotions, from one.
    pub(crate) number: u64,
    /// Who leads.
    pub(crate) leader: NodeId,
}

impl Epoch {
    /// What every node believes that never heard of another: the first node leads.
    pub(crate) fn first() -> Epoch {
        Epoch {
            number: 1,
            leader: NodeId::at(0),
        }
    }

    /// A number in the order of epochs.
    pub(crate) fn rank(self) -> u64 {
        (self.number << 16) + self.leader.position() as u64
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.leader)
    }
}

/// An epoch as one disk knows it. A node whose disk was emptied may lead in an epoch of the same
/// name again, with other entries at the same places; the nonce tells the two apart, as a system
/// identifier does in real stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reign {
    /// Which epoch.
    pub(crate) epoch: Epoch,
    /// Drawn when it began.
    pub(crate) nonce: u64,
}

/// A place in a log: so many entries, the last of which was made in this reign.
///
/// **Invariant:** if two logs hold the same position, they are equal up to it. One node makes the
/// entries of a reign, it sends only those that its disk cannot forget, and a follower appends
/// only behind a position that it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Position {
    /// How many entries.
    pub(crate) index: u64,
    /// Who made the last one; `None` if there is none.
    pub(crate) reign: Option<Reign>,
}

impl Position {
    /// Before the first entry.
    pub(crate) const START: Position = Position {
        index: 0,
        reign: None,
    };
}

/// As a transcript shows it: `7@2/n3`.
impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.reign {
            Some(reign) => write!(f, "{}@{}", self.index, reign.epoch),
            None => write!(f, "{}", self.index),
        }
    }
}
