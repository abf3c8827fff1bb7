//! The records of the write-ahead log, as bytes: written often, read at start only.

use std::sync::Arc;

use polygraph_history::{Key, NodeId, Value};

use super::command::{Command, Step};
use super::message::Entry;

/// A record of the write-ahead log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Record {
    /// The term that the node is in, and whom it has voted for in it.
    State(u64, Option<NodeId>),
    /// The log from this index on; whatever was there before is gone.
    Entries(u64, Vec<Entry>),
}

impl Record {
    /// The bytes of [`Record::State`].
    pub(super) fn state(term: u64, vote: Option<NodeId>) -> Vec<u8> {
        let mut out = vec![b'S'];
        number(&mut out, term);
        number(&mut out, vote.map_or(0, |node| node.position() as u64 + 1));
        out
    }

    /// The bytes of [`Record::Entries`].
    pub(super) fn entries(first: u64, entries: &[Entry]) -> Vec<u8> {
        let mut out = Vec::with_capacity(16 + 32 * entries.len());
        out.push(b'E');
        number(&mut out, first);
        number(&mut out, entries.len() as u64);
        for entry in entries {
            number(&mut out, entry.term);
            command(&mut out, &entry.command);
        }
        out
    }

    /// Reads a record; `None` if it is none of ours.
    pub(super) fn read(bytes: &[u8]) -> Option<Record> {
        let mut input = Input(bytes);
        let record = match input.byte()? {
            b'S' => {
                let term = input.number()?;
                let vote = match input.number()? {
                    0 => None,
                    place @ 1..0xffff => Some(NodeId::at(place as usize - 1)),
                    _ => return None,
                };
                Record::State(term, vote)
            }
            b'E' => Record::Entries(input.number()?, input.many(Input::entry)?),
            _ => return None,
        };
        input.0.is_empty().then_some(record)
    }
}

/// Seven bits a byte, the lowest first; the eighth says that more follow.
fn number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn text(out: &mut Vec<u8>, text: &str) {
    number(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

fn value(out: &mut Vec<u8>, given: &Value) {
    match given {
        Value::Null => out.push(0),
        Value::Int(int) => {
            out.push(1);
            // Small numbers of either sign are short.
            number(out, ((int << 1) ^ (int >> 63)).cast_unsigned());
        }
        Value::Text(given) => {
            out.push(2);
            text(out, given);
        }
        Value::List(values) => {
            out.push(3);
            number(out, values.len() as u64);
            for element in values.iter() {
                value(out, element);
            }
        }
    }
}

fn command(out: &mut Vec<u8>, command: &Command) {
    let one = |out: &mut Vec<u8>, tag, key: &Key, given: &Value| {
        out.push(tag);
        text(out, &key.0);
        value(out, given);
    };
    match command {
        Command::Begin => out.push(0),
        Command::Write(key, given) => one(out, 1, key, given),
        Command::Cas(key, from, to) => {
            one(out, 2, key, from);
            value(out, to);
        }
        Command::Add(key, given) => one(out, 3, key, given),
        Command::Remove(key, given) => one(out, 4, key, given),
        Command::Txn(steps) => {
            out.push(5);
            number(out, steps.len() as u64);
            for step in steps {
                match step {
                    Step::Read(key) => {
                        out.push(0);
                        text(out, &key.0);
                    }
                    Step::Append(key, given) => one(out, 1, key, given),
                    Step::Write(key, given) => one(out, 2, key, given),
                }
            }
        }
    }
}

/// What is left to read.
struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    fn many<T>(&mut self, mut one: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        (0..self.number()?).map(|_| one(self)).collect()
    }

    fn text(&mut self) -> Option<Arc<str>> {
        let length = usize::try_from(self.number()?).ok()?;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(std::str::from_utf8(text).ok()?.into())
    }

    fn key(&mut self) -> Option<Key> {
        self.text().map(|text| Key(text.into()))
    }

    fn value(&mut self) -> Option<Value> {
        Some(match self.byte()? {
            0 => Value::Null,
            1 => {
                let zigzag = self.number()?;
                Value::Int((zigzag >> 1).cast_signed() ^ -(zigzag & 1).cast_signed())
            }
            2 => Value::Text(self.text()?.into()),
            3 => Value::list(self.many(Input::value)?),
            _ => return None,
        })
    }

    fn step(&mut self) -> Option<Step> {
        Some(match self.byte()? {
            0 => Step::Read(self.key()?),
            1 => Step::Append(self.key()?, self.value()?),
            2 => Step::Write(self.key()?, self.value()?),
            _ => return None,
        })
    }

    fn command(&mut self) -> Option<Command> {
        Some(match self.byte()? {
            0 => Command::Begin,
            1 => Command::Write(self.key()?, self.value()?),
            2 => Command::Cas(self.key()?, self.value()?, self.value()?),
            3 => Command::Add(self.key()?, self.value()?),
            4 => Command::Remove(self.key()?, self.value()?),
            5 => Command::Txn(self.many(Input::step)?),
            _ => return None,
        })
    }

    fn entry(&mut self) -> Option<Entry> {
        Some(Entry {
            term: self.number()?,
            command: Arc::new(self.command()?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_survive_their_bytes_and_no_part_of_one_is_a_record() {
        let key = || Key::from("kä");
        let values = [
            Value::Null,
            Value::Int(i64::MIN),
            Value::Int(-1),
            Value::Int(300),
            Value::list([1.into(), "a".into()]),
        ];
        let mut commands = vec![Command::Begin];
        for value in values {
            commands.push(Command::Write(key(), value.clone()));
            commands.push(Command::Cas(key(), value.clone(), 1.into()));
            commands.push(Command::Add(key(), value.clone()));
            commands.push(Command::Remove(key(), value.clone()));
            commands.push(Command::Txn(vec![
                Step::Read(key()),
                Step::Append(key(), value.clone()),
                Step::Write(key(), value),
            ]));
        }
        let entry = |(term, command): (usize, Command)| Entry {
            term: term as u64 * 1000,
            command: Arc::new(command),
        };
        let entries: Vec<_> = commands.into_iter().enumerate().map(entry).collect();
        let bytes = Record::entries(1 << 40, &entries);
        assert_eq!(
            Record::read(&bytes),
            Some(Record::Entries(1 << 40, entries))
        );
        for cut in 0..bytes.len() {
            assert_eq!(Record::read(&bytes[..cut]), None);
        }
        for vote in [None, Some(NodeId::at(0)), Some(NodeId::at(400))] {
            let bytes = Record::state(u64::MAX, vote);
            assert_eq!(Record::read(&bytes), Some(Record::State(u64::MAX, vote)));
        }
    }
}
