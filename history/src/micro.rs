//! Operations inside a transaction.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::op::{known, write_read};
use crate::{Key, Value};

/// An operation inside a transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Micro {
    /// Read a register or a whole list.
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
    /// Append an element to a list.
    Append {
        /// The list.
        key: Key,
        /// The element.
        value: Value,
    },
    /// Replace the value of a register.
    Write {
        /// What is written to.
        key: Key,
        /// The new value.
        value: Value,
    },
    /// Create an object that does not exist.
    Insert {
        /// The object.
        key: Key,
        /// Its value.
        value: Value,
    },
    /// Remove an object: it has no value any more, and no predicate matches it.
    Delete {
        /// The object.
        key: Key,
    },
    /// Read all objects that match a predicate.
    PredicateRead(Box<PredicateRead>),
    /// Establish all objects that exist in the beginning, before anybody else does anything.
    Init {
        /// All of them, as they were when this was done.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        objects: Option<Box<[Item]>>,
    },
    /// Put a message at the end of a log, as producers of Kafka do.
    Send(Box<Message>),
    /// Take the next messages from the logs that the client is assigned or subscribed to, as
    /// consumers of Kafka do.
    Poll {
        /// Those that came: in order of each log.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        messages: Option<Box<[Message]>>,
    },
}

/// A read of all objects that match a predicate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PredicateRead {
    /// What they had to match.
    pub predicate: Predicate,
    /// Those that were found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<Box<[Item]>>,
}

/// What a value may match. An object that does not exist matches nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Predicate {
    /// Any value.
    Any,
    /// This value.
    Equal(Value),
    /// An integer that leaves a rest when it is divided (both taken as in arithmetic modulo: the
    /// rest has the sign of the divisor).
    Modulo {
        /// The divisor.
        by: i64,
        /// The rest.
        rest: i64,
    },
}

impl Predicate {
    /// Whether a value matches.
    #[must_use]
    pub fn matches(&self, value: &Value) -> bool {
        match (self, value) {
            (Predicate::Any, _) => true,
            (Predicate::Equal(wanted), value) => wanted == value,
            (Predicate::Modulo { by, rest }, Value::Int(number)) => {
                // Wide enough for every pair of integers; nothing has a rest by nothing.
                let (number, by) = (i128::from(*number), i128::from(*by));
                by != 0 && ((number % by) + by) % by == i128::from(*rest)
            }
            (Predicate::Modulo { .. }, _) => false,
        }
    }
}

/// An object and its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// The object.
    pub key: Key,
    /// What it held.
    pub value: Value,
}

/// A message of a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The log (a partition of a topic).
    pub key: Key,
    /// What was sent.
    pub value: Value,
    /// Its place in the log, where the store says it. Places may be left out between messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
}

impl Micro {
    /// The key that the operation is about; `None` for one that names none, whatever it found:
    /// [`Micro::PredicateRead`], [`Micro::Init`] and [`Micro::Poll`].
    #[must_use]
    pub fn key(&self) -> Option<&Key> {
        match self {
            Micro::Read { key, .. }
            | Micro::Append { key, .. }
            | Micro::Write { key, .. }
            | Micro::Insert { key, .. }
            | Micro::Delete { key } => Some(key),
            Micro::Send(message) => Some(&message.key),
            Micro::PredicateRead(_) | Micro::Init { .. } | Micro::Poll { .. } => None,
        }
    }

    /// All its keys, also those that it found, to be changed.
    pub(crate) fn for_each_key(&mut self, mut each: impl FnMut(&mut Key)) {
        match self {
            Micro::Read { key, .. }
            | Micro::Append { key, .. }
            | Micro::Write { key, .. }
            | Micro::Insert { key, .. }
            | Micro::Delete { key } => each(key),
            Micro::Send(message) => each(&mut message.key),
            Micro::PredicateRead(read) => {
                let found = read.found.iter_mut().flatten();
                found.for_each(|item| each(&mut item.key));
            }
            Micro::Init { objects } => {
                let objects = objects.iter_mut().flatten();
                objects.for_each(|item| each(&mut item.key));
            }
            Micro::Poll { messages } => {
                let messages = messages.iter_mut().flatten();
                messages.for_each(|message| each(&mut message.key));
            }
        }
    }

    /// Whether it can have no effect on what the store holds.
    pub(crate) const fn is_read_only(&self) -> bool {
        matches!(
            self,
            Micro::Read { .. } | Micro::PredicateRead(_) | Micro::Poll { .. }
        )
    }

    /// Whether anything that only its completion can know is filled in.
    pub(crate) fn has_results(&self) -> bool {
        match self {
            Micro::Read { value, .. } => value.is_some(),
            Micro::PredicateRead(read) => read.found.is_some(),
            Micro::Init { objects } => objects.is_some(),
            Micro::Send(message) => message.offset.is_some(),
            Micro::Poll { messages } => messages.is_some(),
            Micro::Append { .. }
            | Micro::Write { .. }
            | Micro::Insert { .. }
            | Micro::Delete { .. } => false,
        }
    }

    /// Takes out what only its completion can know.
    pub(crate) fn forget_results(&mut self) {
        match self {
            Micro::Read { value, .. } => *value = None,
            Micro::PredicateRead(read) => read.found = None,
            Micro::Init { objects } => *objects = None,
            Micro::Send(message) => message.offset = None,
            Micro::Poll { messages } => *messages = None,
            Micro::Append { .. }
            | Micro::Write { .. }
            | Micro::Insert { .. }
            | Micro::Delete { .. } => {}
        }
    }

    /// Whether `completed` is this with results filled in.
    pub(crate) fn repeated_by(&self, completed: &Micro) -> bool {
        match (self, completed) {
            (Micro::Read { key: a, .. }, Micro::Read { key: b, .. }) => a == b,
            (Micro::PredicateRead(a), Micro::PredicateRead(b)) => a.predicate == b.predicate,
            (Micro::Init { .. }, Micro::Init { .. }) => true,
            (Micro::Send(a), Micro::Send(b)) => a.key == b.key && a.value == b.value,
            (Micro::Poll { .. }, Micro::Poll { .. }) => true,
            (a, b) => a == b,
        }
    }
}

impl fmt::Display for Micro {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Micro::Read { key, value } => write_read(f, "read", key, value.as_ref()),
            Micro::Append { key, value } => write!(f, "append {key} {value}"),
            Micro::Write { key, value } => write!(f, "write {key} {value}"),
            Micro::Insert { key, value } => write!(f, "insert {key} {value}"),
            Micro::Delete { key } => write!(f, "delete {key}"),
            Micro::PredicateRead(read) => {
                write!(f, "read all that are {}", read.predicate)?;
                write_items(f, read.found.as_deref())
            }
            Micro::Init { objects } => {
                f.write_str("begin with")?;
                write_items(f, objects.as_deref())
            }
            Micro::Send(message) => {
                write!(f, "send {} {}", message.key, message.value)?;
                let offset = message.offset;
                offset.map_or(Ok(()), |offset| write!(f, " → offset {offset}"))
            }
            Micro::Poll { messages } => {
                f.write_str("poll")?;
                let Some(messages) = messages else {
                    return Ok(());
                };
                let words = messages.iter().map(|message| {
                    let offset = message.offset;
                    let offset = offset.map_or("?".to_owned(), |offset| offset.to_string());
                    format!("{} {} at {offset}", message.key, message.value)
                });
                write!(f, " → {{{}}}", words.collect::<Vec<_>>().join(", "))
            }
        }
    }
}

fn write_items(f: &mut fmt::Formatter<'_>, items: Option<&[Item]>) -> fmt::Result {
    let Some(items) = items else { return Ok(()) };
    let words = items
        .iter()
        .map(|item| format!("{} {}", item.key, item.value));
    write!(f, " → {{{}}}", words.collect::<Vec<_>>().join(", "))
}

impl fmt::Display for Predicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Predicate::Any => f.write_str("there"),
            Predicate::Equal(value) => write!(f, "{value}"),
            Predicate::Modulo { by, rest } => write!(f, "{rest} modulo {by}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Predicate, Value};

    #[test]
    fn predicates_match_values() {
        let modulo = |by, rest, number| Predicate::Modulo { by, rest }.matches(&Value::Int(number));
        assert!(modulo(2, 1, 3) && modulo(2, 1, -3) && !modulo(2, 1, 4));
        assert!(modulo(-3, -1, 2) && !modulo(0, 0, 0) && !modulo(-1, 1, i64::MIN));
        assert!(modulo(i64::MIN, 0, i64::MIN));
        let text = Value::from("a");
        assert!(Predicate::Any.matches(&Value::Null));
        assert!(Predicate::Equal(text.clone()).matches(&text));
        assert!(!Predicate::Equal(text.clone()).matches(&Value::Int(3)));
        assert!(!Predicate::Modulo { by: 2, rest: 1 }.matches(&text));
    }
}
