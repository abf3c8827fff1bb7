//! What nodes say to each other.

use polygraph_cluster::RequestId;
use polygraph_history::{ErrorName, Key, Op, Value};
use serde::{Deserialize, Serialize};

use super::epoch::{Epoch, Position, Reign};
use super::log::{Command, Start};

/// A message: who the sender believes to lead, and what it says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Message {
    /// The sender's epoch.
    pub(crate) epoch: Epoch,
    /// What it says.
    pub(crate) body: Body,
}

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Body {
    /// I lead; this is where my durable log ends. `new` when I have just made myself leader.
    Lead { end: Position, new: bool },
    /// Give me what comes behind this position.
    Pull { from: Position },
    /// A piece of the log.
    Entries(Entries),
    /// Your position is none of mine; these are the reigns of my durable log, and its length.
    Diverged { starts: Vec<Start>, end: u64 },
    /// I have synced your log up to this position.
    Synced { to: Position },
    /// I do not lead; my epoch says who does, as far as I know.
    NotLeader,
    /// Do this for a client of mine.
    Forward { request: RequestId, ask: Ask },
    /// This became of it.
    Answer { request: RequestId, answer: Answer },
}

/// A piece of a leader's durable log, made in one reign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entries {
    /// What it comes behind.
    pub(crate) prev: Position,
    /// Who made it; `None` if it is empty.
    pub(crate) reign: Option<Reign>,
    /// The entries.
    pub(crate) commands: Vec<Command>,
    /// How long the leader's durable log is.
    pub(crate) end: u64,
    /// Whether it was asked for.
    pub(crate) pulled: bool,
}

/// What a client asks of the leader.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Ask {
    /// Read a register or a set.
    Read(Key),
    /// Change something, whatever is there.
    Change(Command),
    /// Replace the second value by the third.
    Cas(Key, Value, Value),
}

impl Ask {
    /// What an operation asks of the leader; `None` if the store does not offer it.
    pub(super) fn of(op: &Op) -> Option<Ask> {
        match op.clone() {
            Op::Read { key, .. } => Some(Ask::Read(key)),
            Op::Write { key, value } => Some(Ask::Change(Command::Write(key, value))),
            Op::Add { key, value } => Some(Ask::Change(Command::Add(key, value))),
            Op::Cas { key, from, to } => Some(Ask::Cas(key, from, to)),
            _ => None,
        }
    }
}

/// What the leader answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Answer {
    /// This is what the read saw.
    Value(Value),
    /// It is done.
    Done,
    /// The compare-and-set found another value, and nothing was done.
    Mismatch,
    /// Nothing was done: who was asked does not lead.
    NotLeader,
    /// Nothing was done: the leader is about to lead, or who was asked knows of none.
    Unavailable,
    /// It may be done or not: who was asked led no longer, or not in time.
    Unknown(Unknown),
}

/// Why an answer is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Unknown {
    /// The leader gave way to another while the request was in its log.
    LeadershipLost,
    /// Too few confirmed it in time.
    Timeout,
}

/// The error of a request that was in the log of a leader which gave way to another.
pub(super) const LEADERSHIP_LOST: &str = "leadership-lost";

impl Answer {
    /// The reply for the client that asked for this operation.
    pub(super) fn reply(self, op: &Op) -> polygraph_cluster::Reply {
        use polygraph_cluster::Reply;
        match self {
            Answer::Value(value) => Reply::ok(with_value(op, value)),
            Answer::Done => Reply::ok(op.clone()),
            Answer::Mismatch => Reply::fail(ErrorName::CAS_MISMATCH),
            Answer::NotLeader => Reply::fail(ErrorName::NOT_LEADER),
            Answer::Unavailable => Reply::fail(ErrorName::UNAVAILABLE),
            Answer::Unknown(Unknown::LeadershipLost) => {
                Reply::info(ErrorName::new(LEADERSHIP_LOST))
            }
            Answer::Unknown(Unknown::Timeout) => Reply::info(ErrorName::TIMEOUT),
        }
    }
}

/// A read or peek with what it saw.
pub(super) fn with_value(op: &Op, seen: Value) -> Op {
    let mut op = op.clone();
    if let Op::Read { value, .. } | Op::Peek { value, .. } = &mut op {
        *value = Some(seen);
    }
    op
}
