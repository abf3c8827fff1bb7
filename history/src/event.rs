//! Events: one line of the record.

use serde::{Deserialize, Serialize};

use crate::{ErrorName, FaultEvent, NodeId, Op, Process, Session, Time};

/// What an event says of its operation or fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// It begins: recorded before anything is sent.
    Invoke,
    /// It took place between its invocation and this.
    Ok,
    /// It certainly did not take place and never will: only when refused before any effect.
    Fail,
    /// Not known: it may take effect at any later moment, or never.
    Info,
}

/// What an event is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// An operation of a client.
    Op(Op),
    /// A fault of the nemesis.
    Fault(FaultEvent),
}

/// One line of the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its place in the order, counted from zero without gaps, faults included.
    pub index: u64,
    /// When it was recorded.
    pub time: Time,
    /// Whose it is.
    pub process: Process,
    /// Invocation or completion.
    pub kind: Kind,
    /// The operation or fault.
    pub body: Body,
    /// The node that was asked, where known.
    pub node: Option<NodeId>,
    /// The session, where it is not the process.
    pub session: Option<Session>,
    /// The version that the store returned, where it did: of a transaction the one that it made,
    /// of which its commit timestamp is one.
    pub version: Option<u64>,
    /// The version that a transaction read from, where the store says it: its snapshot, of which
    /// its start timestamp is one.
    pub snapshot: Option<u64>,
    /// When the plan wanted it invoked, where its client was busy then.
    pub intended: Option<Time>,
    /// Why it failed or is not known.
    pub error: Option<ErrorName>,
    /// The same for a person.
    pub detail: Option<String>,
    /// How a fault was seen to have happened.
    pub verified: Option<Verification>,
}

/// How a fault was seen to have happened, otherwise than by its switch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    /// By what: `probe`, `clock`, `process`, `disk`, `messages`.
    pub how: String,
    /// How often.
    pub count: u64,
}

impl Event {
    /// An event with nothing but the obligatory fields.
    #[must_use]
    pub fn new(index: u64, time: Time, process: Process, kind: Kind, body: Body) -> Event {
        Event {
            index,
            time,
            process,
            kind,
            body,
            node: None,
            session: None,
            version: None,
            snapshot: None,
            intended: None,
            error: None,
            detail: None,
            verified: None,
        }
    }

    /// The operation, if it is a client's event.
    #[must_use]
    pub const fn op(&self) -> Option<&Op> {
        match &self.body {
            Body::Op(op) => Some(op),
            Body::Fault(_) => None,
        }
    }

    /// The fault, if it is the nemesis's event.
    #[must_use]
    pub const fn fault(&self) -> Option<&FaultEvent> {
        match &self.body {
            Body::Op(_) => None,
            Body::Fault(fault) => Some(fault),
        }
    }
}
