//! What clients ask for and what they are answered, as the log and the links carry it.

use polygraph_cluster::Reply;
use polygraph_history::{ErrorName, Key, Micro, Op, Value};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A change of the state machine: what one entry of the log holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Command {
    /// Nothing: with it a leader begins its term, so that it has an entry of its own to commit.
    Begin,
    /// Replace the value of a register.
    Write(Key, Value),
    /// Replace the second value by the third, if it is there.
    Cas(Key, Value, Value),
    /// Add an element to a set.
    Add(Key, Value),
    /// Remove an element from a set.
    Remove(Key, Value),
    /// All of these, one after the other, with nothing between them.
    Txn(Vec<Step>),
}

/// An operation inside a transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Step {
    /// Read whatever is there.
    Read(Key),
    /// Append an element to a list.
    Append(Key, Value),
    /// Replace the value of a register.
    Write(Key, Value),
}

/// What a client asks of the leader.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Ask {
    /// A read of one key, without an entry in the log.
    Read(Key),
    /// Everything else, transactions that only read among them.
    Change(Arc<Command>),
}

/// What the leader answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Answer {
    /// Done; the version is the index of the entry.
    Done {
        /// That index; 0 where it says nothing about one register.
        version: u64,
    },
    /// What a read found.
    Found {
        /// The value, a whole list or set.
        value: Value,
        /// The index of the entry that wrote the register last; 0 if it is none.
        version: u64,
    },
    /// What the reads of a transaction found, in order.
    AllFound(Vec<Value>),
    /// A compare-and-set found another value.
    Mismatch,
}

impl Ask {
    /// What an operation asks of the leader; `None` if that is nothing a leader knows.
    pub(super) fn of(op: &Op) -> Option<Ask> {
        let command = match op {
            Op::Read { key, .. } => return Some(Ask::Read(key.clone())),
            Op::Write { key, value } => Command::Write(key.clone(), value.clone()),
            Op::Cas { key, from, to } => Command::Cas(key.clone(), from.clone(), to.clone()),
            Op::Add { key, value } => Command::Add(key.clone(), value.clone()),
            Op::Remove { key, value } => Command::Remove(key.clone(), value.clone()),
            Op::Txn(micros) => Command::Txn(micros.iter().map(step).collect::<Option<_>>()?),
            _ => return None,
        };
        Some(Ask::Change(Arc::new(command)))
    }

    /// The reply to a client who asked for this and is answered that.
    pub(super) fn reply(self, answer: Answer) -> Reply {
        let (answer, version) = match answer {
            Answer::Mismatch => return Reply::fail(ErrorName::CAS_MISMATCH),
            Answer::Done { version } => (Answer::Done { version }, version),
            Answer::Found { value, version } => (Answer::Found { value, version }, version),
            other => (other, 0),
        };
        Reply::Ok {
            op: self.completed(answer),
            version: (version > 0).then_some(version),
        }
    }

    fn completed(self, answer: Answer) -> Op {
        let command = match (self, answer) {
            (Ask::Read(key), Answer::Found { value, .. }) => {
                let value = Some(value);
                return Op::Read { key, value };
            }
            (Ask::Read(key), _) => return Op::Read { key, value: None },
            (Ask::Change(command), Answer::AllFound(values)) => {
                if let Command::Txn(steps) = &*command {
                    return Op::Txn(filled(steps, values));
                }
                command
            }
            (Ask::Change(command), _) => command,
        };
        match &*command {
            Command::Begin => Op::Txn(Vec::new()),
            Command::Write(key, value) => Op::Write {
                key: key.clone(),
                value: value.clone(),
            },
            Command::Cas(key, from, to) => Op::Cas {
                key: key.clone(),
                from: from.clone(),
                to: to.clone(),
            },
            Command::Add(key, value) => Op::Add {
                key: key.clone(),
                value: value.clone(),
            },
            Command::Remove(key, value) => Op::Remove {
                key: key.clone(),
                value: value.clone(),
            },
            Command::Txn(steps) => Op::Txn(filled(steps, Vec::new())),
        }
    }
}

fn step(micro: &Micro) -> Option<Step> {
    Some(match micro {
        Micro::Read { key, .. } => Step::Read(key.clone()),
        Micro::Append { key, value } => Step::Append(key.clone(), value.clone()),
        Micro::Write { key, value } => Step::Write(key.clone(), value.clone()),
        _ => return None,
    })
}

/// The steps of a transaction with what its reads found.
fn filled(steps: &[Step], found: Vec<Value>) -> Vec<Micro> {
    let mut found = found.into_iter();
    let micro = |step: &Step| match step {
        Step::Read(key) => Micro::Read {
            key: key.clone(),
            value: found.next(),
        },
        Step::Append(key, value) => Micro::Append {
            key: key.clone(),
            value: value.clone(),
        },
        Step::Write(key, value) => Micro::Write {
            key: key.clone(),
            value: value.clone(),
        },
    };
    steps.iter().map(micro).collect()
}
