//! Evidence of an anomaly, in terms of the history alone.
//!
//! Transactions are named by the event that invoked them, their reads and appends by position in
//! the transaction. Nothing here refers to what the finder inferred: every fact can be looked up
//! in the events.

use polygraph_history::{EventIndex, Key, Value};
use serde::{Deserialize, Serialize};

use super::register::Fact;
use super::{Kind, weak};

/// Evidence of an anomaly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// What it is evidence of.
    pub kind: Kind,
    /// The facts.
    pub evidence: Evidence,
}

/// One operation of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct At {
    /// The event that invoked the transaction.
    pub transaction: EventIndex,
    /// The position of the operation in the transaction, counted from zero.
    pub position: usize,
}

/// The facts of which evidence consists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Evidence {
    /// Transactions of which each must come before the next, and the last before the first.
    Cycle(Vec<Step>),
    /// A read that returned something other than a list.
    NotAList {
        /// The read.
        read: At,
    },
    /// A read that returned an element that nobody appended.
    Unwritten {
        /// The read.
        read: At,
        /// The element.
        element: Value,
    },
    /// A read that returned an element more often than it was appended.
    Duplicate {
        /// The read.
        read: At,
        /// The element.
        element: Value,
    },
    /// Two reads of a list of which neither returned a prefix of the other.
    Diverged {
        /// One.
        read: At,
        /// The other.
        other: At,
    },
    /// A read that returned what an append added, but not before it what the same transaction
    /// had appended earlier.
    Reordered {
        /// The read.
        read: At,
        /// The earlier append.
        earlier: At,
        /// The later append, whose element the read shows.
        later: At,
    },
    /// A read that contradicts an earlier read of the same transaction and the appends between,
    /// or the transaction's own appends before it.
    Internal {
        /// The read.
        read: At,
    },
    /// A read of an element that the same transaction appended only afterwards.
    Future {
        /// The read.
        read: At,
        /// The append.
        append: At,
    },
    /// A read of an element whose transaction failed.
    Aborted {
        /// The read.
        read: At,
        /// The append that did not happen.
        append: At,
    },
    /// A read that shows the append of a failed transaction before that of one that took place.
    OnAborted {
        /// The read.
        read: At,
        /// The append that did not happen.
        aborted: At,
        /// The append on top of it.
        committed: At,
    },
    /// A read whose last element is not the last that its transaction appended.
    Intermediate {
        /// The read.
        read: At,
        /// The append whose element ends the read.
        append: At,
        /// A later append of the same transaction to the same list.
        later: At,
    },
    /// A transaction that read a list as another one left it, and read a list without another
    /// append of that one.
    Fractured {
        /// The read that shows the other.
        seen: At,
        /// The append whose element ends it.
        write: At,
        /// The read that lacks the other.
        missing: At,
        /// The append that it lacks.
        missed: At,
    },
    /// Of transactions over registers.
    Register(weak::Evidence),
    /// Two transactions that read a list in the same state and then appended to it.
    SameState {
        /// The first read.
        read: At,
        /// The append after it.
        append: At,
        /// The read of the other.
        other_read: At,
        /// The append after that.
        other_append: At,
    },
}

/// One transaction came before another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The event that invoked the first.
    pub from: EventIndex,
    /// The event that invoked the second.
    pub to: EventIndex,
    /// Why.
    pub because: Because,
}

/// Why one transaction came before another in every order that explains the history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Because {
    /// *ww*: a read shows the first's element before the second's, or shows the first's and lacks
    /// the second's.
    Followed {
        /// The list.
        key: Key,
        /// The first's element.
        element: Value,
        /// The second's.
        next: Value,
        /// The read.
        read: At,
    },
    /// *wr*: the second read an element that the first appended.
    Observed {
        /// The list.
        key: Key,
        /// The element.
        element: Value,
        /// The position of the read in the second.
        position: usize,
    },
    /// *rw*: the first read a list without an element that the second appended.
    Missed {
        /// The list.
        key: Key,
        /// The element.
        element: Value,
        /// The position of the read in the first.
        position: usize,
    },
    /// Of transactions over registers.
    Register(Fact),
    /// The same session performed the first, saw its end, and then performed the second.
    Session,
    /// The first had ended when the second began.
    RealTime,
}
