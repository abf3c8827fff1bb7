//! Operations: everything that a client can do, as values.

use std::borrow::Borrow;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Micro, NodeId, Text, Value};

/// The name of a register, list, set or other object of the store.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Key(pub Text);

impl From<&str> for Key {
    fn from(name: &str) -> Key {
        Key(name.into())
    }
}

impl Borrow<str> for Key {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An operation. Invocation and completion carry the same operation; the completion has the
/// results filled in. In a read `value` is `None` while not known, `Some(Value::Null)` when the
/// store answered that nothing was ever written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Op {
    /// Read a register, or a whole list or set.
    Read {
        /// What is read.
        key: Key,
        /// What was seen.
        #[serde(
            default,
            skip_serializing_if = "Option::is_none",
            deserialize_with = "known"
        )]
        value: Option<Value>,
    },
    /// Replace the value of a register.
    Write {
        /// What is written to.
        key: Key,
        /// The new value.
        value: Value,
    },
    /// Compare-and-set: replace `from` by `to`, or fail with `cas-mismatch`.
    Cas {
        /// What is changed.
        key: Key,
        /// The value that must be there.
        from: Value,
        /// The value that replaces it.
        to: Value,
    },
    /// Read one replica, without any side effect.
    Peek {
        /// What is read.
        key: Key,
        /// The replica.
        node: NodeId,
        /// What was seen.
        #[serde(
            default,
            skip_serializing_if = "Option::is_none",
            deserialize_with = "known"
        )]
        value: Option<Value>,
    },
    /// Add an element to a set.
    Add {
        /// The set.
        key: Key,
        /// The element.
        value: Value,
    },
    /// Remove an element from a set.
    Remove {
        /// The set.
        key: Key,
        /// The element.
        value: Value,
    },
    /// Ask whether an element is in a set.
    Contains {
        /// The set.
        key: Key,
        /// The element.
        value: Value,
        /// What was seen.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        found: Option<bool>,
    },
    /// Put an element at the end of a queue.
    Enqueue {
        /// The queue.
        key: Key,
        /// The element.
        value: Value,
    },
    /// Take the first element of a queue.
    Dequeue {
        /// The queue.
        key: Key,
        /// What was taken; [`Value::Null`] if the queue was empty.
        #[serde(
            default,
            skip_serializing_if = "Option::is_none",
            deserialize_with = "known"
        )]
        value: Option<Value>,
    },
    /// Put an element on a stack.
    Push {
        /// The stack.
        key: Key,
        /// The element.
        value: Value,
    },
    /// Take the topmost element of a stack.
    Pop {
        /// The stack.
        key: Key,
        /// What was taken; [`Value::Null`] if the stack was empty.
        #[serde(
            default,
            skip_serializing_if = "Option::is_none",
            deserialize_with = "known"
        )]
        value: Option<Value>,
    },
    /// Put an element into a priority queue.
    Insert {
        /// The priority queue.
        key: Key,
        /// The element; the greater comes first.
        value: Value,
    },
    /// Take the greatest element of a priority queue.
    Extract {
        /// The priority queue.
        key: Key,
        /// What was taken; [`Value::Null`] if the queue was empty.
        #[serde(
            default,
            skip_serializing_if = "Option::is_none",
            deserialize_with = "known"
        )]
        value: Option<Value>,
    },
    /// Look at the element that would be taken next from a queue, stack or priority queue.
    Front {
        /// The container.
        key: Key,
        /// What was seen; [`Value::Null`] if the container was empty.
        #[serde(
            default,
            skip_serializing_if = "Option::is_none",
            deserialize_with = "known"
        )]
        value: Option<Value>,
    },
    /// Take a lock, or one permit of a semaphore.
    Acquire {
        /// The lock.
        key: Key,
        /// Whether others may hold it at the same time, if they share it too.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        shared: bool,
        /// The fencing token that came with it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        token: Option<u64>,
    },
    /// Give a lock or a permit back.
    Release {
        /// The lock.
        key: Key,
    },
    /// Add to a counter.
    Increment {
        /// The counter.
        key: Key,
        /// How much; may be negative.
        by: i64,
        /// What the counter was afterwards, where the store says it.
        #[serde(
            default,
            skip_serializing_if = "Option::is_none",
            deserialize_with = "known"
        )]
        value: Option<Value>,
    },
    /// Ask for an identifier that nobody else gets.
    Generate {
        /// The source.
        key: Key,
        /// The identifier.
        #[serde(
            default,
            skip_serializing_if = "Option::is_none",
            deserialize_with = "known"
        )]
        value: Option<Value>,
    },
    /// Put an element at the end of a log or a list.
    Append {
        /// The log.
        key: Key,
        /// The element.
        value: Value,
        /// Where it is, counted from 0, where the store says it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        offset: Option<u64>,
    },
    /// Read a log from an offset on.
    Poll {
        /// The log.
        key: Key,
        /// The first offset that is read, counted from 0.
        from: u64,
        /// The elements from there on, as a list; not necessarily to the end of the log.
        #[serde(
            default,
            skip_serializing_if = "Option::is_none",
            deserialize_with = "known"
        )]
        value: Option<Value>,
    },
    /// A transaction of several operations, all or nothing.
    Txn(Vec<Micro>),
    /// Anything else, carried without loss and understood by nobody here.
    Custom {
        /// What it is.
        name: String,
        /// Its arguments and results.
        args: serde_json::Value,
    },
}

/// Tells `null` (never written) from an absent field (not known).
pub(crate) fn known<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// The name of an operation without its arguments: what a target supports and a workload needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OpKind {
    /// [`Op::Read`].
    Read,
    /// [`Op::Write`].
    Write,
    /// [`Op::Cas`].
    Cas,
    /// [`Op::Peek`].
    Peek,
    /// [`Op::Add`].
    Add,
    /// [`Op::Remove`].
    Remove,
    /// [`Op::Contains`].
    Contains,
    /// [`Op::Enqueue`].
    Enqueue,
    /// [`Op::Dequeue`].
    Dequeue,
    /// [`Op::Push`].
    Push,
    /// [`Op::Pop`].
    Pop,
    /// [`Op::Insert`].
    Insert,
    /// [`Op::Extract`].
    Extract,
    /// [`Op::Front`].
    Front,
    /// [`Op::Acquire`].
    Acquire,
    /// [`Op::Release`].
    Release,
    /// [`Op::Increment`].
    Increment,
    /// [`Op::Generate`].
    Generate,
    /// [`Op::Append`].
    Append,
    /// [`Op::Poll`].
    Poll,
    /// [`Op::Txn`].
    Txn,
    /// [`Op::Custom`].
    Custom,
}

impl OpKind {
    /// Every kind, in the order in which they are shown.
    pub const ALL: &[OpKind] = &[
        OpKind::Read,
        OpKind::Write,
        OpKind::Cas,
        OpKind::Peek,
        OpKind::Add,
        OpKind::Remove,
        OpKind::Contains,
        OpKind::Enqueue,
        OpKind::Dequeue,
        OpKind::Push,
        OpKind::Pop,
        OpKind::Insert,
        OpKind::Extract,
        OpKind::Front,
        OpKind::Acquire,
        OpKind::Release,
        OpKind::Increment,
        OpKind::Generate,
        OpKind::Append,
        OpKind::Poll,
        OpKind::Txn,
        OpKind::Custom,
    ];

    /// The name as it is written in a history.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            OpKind::Read => "read",
            OpKind::Write => "write",
            OpKind::Cas => "cas",
            OpKind::Peek => "peek",
            OpKind::Add => "add",
            OpKind::Remove => "remove",
            OpKind::Contains => "contains",
            OpKind::Enqueue => "enqueue",
            OpKind::Dequeue => "dequeue",
            OpKind::Push => "push",
            OpKind::Pop => "pop",
            OpKind::Insert => "insert",
            OpKind::Extract => "extract",
            OpKind::Front => "front",
            OpKind::Acquire => "acquire",
            OpKind::Release => "release",
            OpKind::Increment => "increment",
            OpKind::Generate => "generate",
            OpKind::Append => "append",
            OpKind::Poll => "poll",
            OpKind::Txn => "txn",
            OpKind::Custom => "custom",
        }
    }
}

impl fmt::Display for OpKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Op {
    /// The operation's name.
    #[must_use]
    pub const fn kind(&self) -> OpKind {
        match self {
            Op::Read { .. } => OpKind::Read,
            Op::Write { .. } => OpKind::Write,
            Op::Cas { .. } => OpKind::Cas,
            Op::Peek { .. } => OpKind::Peek,
            Op::Add { .. } => OpKind::Add,
            Op::Remove { .. } => OpKind::Remove,
            Op::Contains { .. } => OpKind::Contains,
            Op::Enqueue { .. } => OpKind::Enqueue,
            Op::Dequeue { .. } => OpKind::Dequeue,
            Op::Push { .. } => OpKind::Push,
            Op::Pop { .. } => OpKind::Pop,
            Op::Insert { .. } => OpKind::Insert,
            Op::Extract { .. } => OpKind::Extract,
            Op::Front { .. } => OpKind::Front,
            Op::Acquire { .. } => OpKind::Acquire,
            Op::Release { .. } => OpKind::Release,
            Op::Increment { .. } => OpKind::Increment,
            Op::Generate { .. } => OpKind::Generate,
            Op::Append { .. } => OpKind::Append,
            Op::Poll { .. } => OpKind::Poll,
            Op::Txn(_) => OpKind::Txn,
            Op::Custom { .. } => OpKind::Custom,
        }
    }

    /// The one key that the operation is about; `None` for transactions and custom operations.
    #[must_use]
    pub const fn key(&self) -> Option<&Key> {
        match self {
            Op::Read { key, .. }
            | Op::Write { key, .. }
            | Op::Cas { key, .. }
            | Op::Peek { key, .. }
            | Op::Add { key, .. }
            | Op::Remove { key, .. }
            | Op::Contains { key, .. }
            | Op::Enqueue { key, .. }
            | Op::Dequeue { key, .. }
            | Op::Push { key, .. }
            | Op::Pop { key, .. }
            | Op::Insert { key, .. }
            | Op::Extract { key, .. }
            | Op::Front { key, .. }
            | Op::Acquire { key, .. }
            | Op::Release { key, .. }
            | Op::Increment { key, .. }
            | Op::Generate { key, .. }
            | Op::Append { key, .. }
            | Op::Poll { key, .. } => Some(key),
            Op::Txn(_) | Op::Custom { .. } => None,
        }
    }

    /// The same, to be changed.
    pub(crate) const fn key_mut(&mut self) -> Option<&mut Key> {
        match self {
            Op::Read { key, .. }
            | Op::Write { key, .. }
            | Op::Cas { key, .. }
            | Op::Peek { key, .. }
            | Op::Add { key, .. }
            | Op::Remove { key, .. }
            | Op::Contains { key, .. }
            | Op::Enqueue { key, .. }
            | Op::Dequeue { key, .. }
            | Op::Push { key, .. }
            | Op::Pop { key, .. }
            | Op::Insert { key, .. }
            | Op::Extract { key, .. }
            | Op::Front { key, .. }
            | Op::Acquire { key, .. }
            | Op::Release { key, .. }
            | Op::Increment { key, .. }
            | Op::Generate { key, .. }
            | Op::Append { key, .. }
            | Op::Poll { key, .. } => Some(key),
            Op::Txn(_) | Op::Custom { .. } => None,
        }
    }

    /// Whether the operation can have no effect on the store.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        match self {
            Op::Read { .. }
            | Op::Peek { .. }
            | Op::Contains { .. }
            | Op::Front { .. }
            | Op::Poll { .. } => true,
            Op::Txn(micros) => micros.iter().all(Micro::is_read_only),
            Op::Write { .. }
            | Op::Cas { .. }
            | Op::Add { .. }
            | Op::Remove { .. }
            | Op::Enqueue { .. }
            | Op::Dequeue { .. }
            | Op::Push { .. }
            | Op::Pop { .. }
            | Op::Insert { .. }
            | Op::Extract { .. }
            | Op::Acquire { .. }
            | Op::Release { .. }
            | Op::Increment { .. }
            | Op::Generate { .. }
            | Op::Append { .. }
            | Op::Custom { .. } => false,
        }
    }

    /// Whether anything that only its completion can know is filled in.
    pub(crate) fn has_results(&self) -> bool {
        match self {
            Op::Read { value, .. }
            | Op::Peek { value, .. }
            | Op::Dequeue { value, .. }
            | Op::Pop { value, .. }
            | Op::Extract { value, .. }
            | Op::Front { value, .. }
            | Op::Increment { value, .. }
            | Op::Generate { value, .. }
            | Op::Poll { value, .. } => value.is_some(),
            Op::Contains { found, .. } => found.is_some(),
            Op::Acquire { token, .. } => token.is_some(),
            Op::Append { offset, .. } => offset.is_some(),
            Op::Txn(micros) => micros.iter().any(Micro::has_results),
            Op::Write { .. }
            | Op::Cas { .. }
            | Op::Add { .. }
            | Op::Remove { .. }
            | Op::Enqueue { .. }
            | Op::Push { .. }
            | Op::Insert { .. }
            | Op::Release { .. }
            | Op::Custom { .. } => false,
        }
    }

    /// The operation without what only its completion can know: what was invoked, if nobody
    /// filled in a result before. Custom operations are left as they are.
    pub(crate) fn without_results(&self) -> Op {
        let mut op = self.clone();
        match &mut op {
            Op::Read { value, .. }
            | Op::Peek { value, .. }
            | Op::Dequeue { value, .. }
            | Op::Pop { value, .. }
            | Op::Extract { value, .. }
            | Op::Front { value, .. }
            | Op::Increment { value, .. }
            | Op::Generate { value, .. }
            | Op::Poll { value, .. } => *value = None,
            Op::Contains { found, .. } => *found = None,
            Op::Acquire { token, .. } => *token = None,
            Op::Append { offset, .. } => *offset = None,
            Op::Txn(micros) => micros.iter_mut().for_each(Micro::forget_results),
            Op::Write { .. }
            | Op::Cas { .. }
            | Op::Add { .. }
            | Op::Remove { .. }
            | Op::Enqueue { .. }
            | Op::Push { .. }
            | Op::Insert { .. }
            | Op::Release { .. }
            | Op::Custom { .. } => {}
        }
        op
    }

    /// Whether `completed` is this operation with results filled in: the same but for what reads
    /// returned. Custom operations only keep their name.
    #[must_use]
    pub fn repeated_by(&self, completed: &Op) -> bool {
        match (self, completed) {
            (Op::Read { key: a, .. }, Op::Read { key: b, .. })
            | (Op::Dequeue { key: a, .. }, Op::Dequeue { key: b, .. })
            | (Op::Pop { key: a, .. }, Op::Pop { key: b, .. })
            | (Op::Extract { key: a, .. }, Op::Extract { key: b, .. })
            | (Op::Front { key: a, .. }, Op::Front { key: b, .. })
            | (Op::Generate { key: a, .. }, Op::Generate { key: b, .. }) => a == b,
            (
                Op::Contains {
                    key: a, value: v, ..
                },
                Op::Contains {
                    key: b, value: w, ..
                },
            )
            | (
                Op::Append {
                    key: a, value: v, ..
                },
                Op::Append {
                    key: b, value: w, ..
                },
            ) => a == b && v == w,
            (
                Op::Acquire {
                    key: a, shared: s, ..
                },
                Op::Acquire {
                    key: b, shared: t, ..
                },
            ) => a == b && s == t,
            (Op::Increment { key: a, by: n, .. }, Op::Increment { key: b, by: m, .. }) => {
                a == b && n == m
            }
            (
                Op::Poll {
                    key: a, from: n, ..
                },
                Op::Poll {
                    key: b, from: m, ..
                },
            ) => a == b && n == m,
            (
                Op::Peek {
                    key: a, node: n, ..
                },
                Op::Peek {
                    key: b, node: m, ..
                },
            ) => a == b && n == m,
            (Op::Txn(a), Op::Txn(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.repeated_by(b))
            }
            (Op::Custom { name: a, .. }, Op::Custom { name: b, .. }) => a == b,
            (a, b) => a == b,
        }
    }
}

/// As a person reads it: `read x → 7`, `write x 7`, `cas x 1 → 2`.
impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Op::Read { key, value } => write_read(f, "read", key, value.as_ref()),
            Op::Write { key, value } => write!(f, "write {key} {value}"),
            Op::Cas { key, from, to } => write!(f, "cas {key} {from} → {to}"),
            Op::Peek { key, node, value } => {
                write_read(f, "peek", key, value.as_ref())?;
                write!(f, " at {node}")
            }
            Op::Add { key, value } => write!(f, "add {key} {value}"),
            Op::Remove { key, value } => write!(f, "remove {key} {value}"),
            Op::Contains { key, value, found } => {
                write!(f, "contains {key} {value}")?;
                match found {
                    Some(true) => f.write_str(" → yes"),
                    Some(false) => f.write_str(" → no"),
                    None => Ok(()),
                }
            }
            Op::Enqueue { key, value } => write!(f, "enqueue {key} {value}"),
            Op::Dequeue { key, value } => write_read(f, "dequeue", key, value.as_ref()),
            Op::Push { key, value } => write!(f, "push {key} {value}"),
            Op::Pop { key, value } => write_read(f, "pop", key, value.as_ref()),
            Op::Insert { key, value } => write!(f, "insert {key} {value}"),
            Op::Extract { key, value } => write_read(f, "extract", key, value.as_ref()),
            Op::Front { key, value } => write_read(f, "front", key, value.as_ref()),
            Op::Acquire { key, shared, token } => {
                write!(f, "acquire {key}{}", if *shared { " shared" } else { "" })?;
                token.map_or(Ok(()), |token| write!(f, " → token {token}"))
            }
            Op::Release { key } => write!(f, "release {key}"),
            Op::Increment { key, by, value } => {
                write!(f, "increment {key} by {by}")?;
                value
                    .as_ref()
                    .map_or(Ok(()), |value| write!(f, " → {value}"))
            }
            Op::Generate { key, value } => write_read(f, "generate", key, value.as_ref()),
            Op::Append { key, value, offset } => {
                write!(f, "append {key} {value}")?;
                offset.map_or(Ok(()), |offset| write!(f, " → offset {offset}"))
            }
            Op::Poll { key, from, value } => {
                write!(f, "poll {key} from {from}")?;
                value
                    .as_ref()
                    .map_or(Ok(()), |value| write!(f, " → {value}"))
            }
            Op::Txn(micros) => {
                f.write_str("txn {")?;
                for (at, micro) in micros.iter().enumerate() {
                    f.write_str(if at > 0 { ", " } else { " " })?;
                    write!(f, "{micro}")?;
                }
                f.write_str(" }")
            }
            Op::Custom { name, args } => write!(f, "{name} {args}"),
        }
    }
}

pub(crate) fn write_read(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    key: &Key,
    value: Option<&Value>,
) -> fmt::Result {
    write!(f, "{name} {key}")?;
    match value {
        Some(value) => write!(f, " → {value}"),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Micro, Op};

    /// A history holds one for every operation.
    #[test]
    fn an_operation_is_small() {
        assert!(size_of::<Op>() <= 56, "{}", size_of::<Op>());
        assert!(size_of::<Micro>() <= 32, "{}", size_of::<Micro>());
    }
}
