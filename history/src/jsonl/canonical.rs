//! Lines of client events just as [`Writer`](super::Writer) writes them, read byte by byte.
//!
//! Most lines of most histories are of this form. Whatever is not, down to a space or another
//! order of fields, is left to the general parser.

use crate::history::{Builder, Head, Rare};
use crate::scan::Cursor;
use crate::{ErrorName, InvalidHistory, Key, Kind, Micro, Op, Session, Time, Value};

/// Adds the event of the line that begins at `start`, if the line ends with a newline, is
/// canonical and has the next index: where the next line begins, and what the history says to the
/// event.
pub(super) fn line(
    text: &[u8],
    start: usize,
    builder: &mut Builder,
) -> Option<(usize, Result<(), InvalidHistory>)> {
    let mut cursor = Cursor::new(text, start);
    cursor.eat(b"{\"index\":")?;
    if cursor.number()? != builder.len() as u64 {
        return None;
    }
    cursor.eat(b",\"time\":")?;
    let time = Time(cursor.number()?);
    cursor.eat(b",\"process\":")?;
    let process = cursor.number()?;
    cursor.eat(b",\"type\":\"")?;
    let kind = kind(&mut cursor)?;
    cursor.eat(b",\"op\":{\"")?;
    let head = Head {
        time,
        process,
        kind,
    };
    let op = Ops { head, builder }.op(&mut cursor)?;
    if cursor.eats(b"}\n") {
        return Some((cursor.at(), builder.client(head, op)));
    }
    let rare = rare_fields(&mut cursor)?;
    cursor.eat(b"}\n")?;
    Some((cursor.at(), builder.client_with(head, op, rare)))
}

fn kind(cursor: &mut Cursor<'_>) -> Option<Kind> {
    match cursor.peek()? {
        b'o' => cursor.eat(b"ok\"").map(|()| Kind::Ok),
        b'f' => cursor.eat(b"fail\"").map(|()| Kind::Fail),
        _ if cursor.eats(b"invoke\"") => Some(Kind::Invoke),
        _ => cursor.eat(b"info\"").map(|()| Kind::Info),
    }
}

/// The fields behind the operation, in the order in which they are written.
fn rare_fields(cursor: &mut Cursor<'_>) -> Option<Rare> {
    let mut rare = Rare::default();
    if cursor.eats(b",\"node\":\"") {
        rare.node = Some(cursor.string()?.parse().ok()?);
    }
    if cursor.eats(b",\"session\":\"") {
        rare.session = Some(Session(cursor.string()?.into()));
    }
    if cursor.eats(b",\"version\":") {
        rare.version = Some(cursor.number()?);
    }
    if cursor.eats(b",\"snapshot\":") {
        rare.snapshot = Some(cursor.number()?);
    }
    if cursor.eats(b",\"intended\":") {
        rare.intended = Some(Time(cursor.number()?));
    }
    if cursor.eats(b",\"error\":\"") {
        rare.error = Some(ErrorName::new(cursor.string()?));
    }
    if cursor.eats(b",\"detail\":\"") {
        rare.detail = Some(cursor.string()?.to_owned());
    }
    Some(rare)
}

/// Reads operations whose keys are known to a builder.
struct Ops<'b> {
    head: Head,
    builder: &'b mut Builder,
}

impl Ops<'_> {
    /// An operation from within the quotes of its name to the end of its object.
    fn op(&mut self, cursor: &mut Cursor<'_>) -> Option<Op> {
        let name = cursor.string()?;
        if name == "txn" {
            return self.transaction(cursor).map(Op::Txn);
        }
        cursor.eat(b":{\"key\":\"")?;
        let key = cursor.string()?;
        let key = self.builder.key_of(self.head.process, key);
        let op = match name {
            "read" => Op::Read {
                key,
                value: result(cursor)?,
            },
            "write" => Op::Write {
                key,
                value: argument(cursor)?,
            },
            "cas" => {
                cursor.eat(b",\"from\":")?;
                let from = value(cursor)?;
                cursor.eat(b",\"to\":")?;
                let to = value(cursor)?;
                Op::Cas { key, from, to }
            }
            _ => container(name, key, cursor)?,
        };
        cursor.eat(b"}}")?;
        Some(op)
    }

    fn transaction(&mut self, cursor: &mut Cursor<'_>) -> Option<Vec<Micro>> {
        cursor.eat(b":[")?;
        let mut micros = std::mem::take(&mut self.builder.micros);
        micros.clear();
        let whole = self.micros(cursor, &mut micros);
        let transaction = whole.map(|()| {
            // Of just the capacity that it needs.
            let mut transaction = Vec::with_capacity(micros.len());
            transaction.append(&mut micros);
            transaction
        });
        self.builder.micros = micros;
        transaction
    }

    /// The operations of a transaction from behind its opening bracket.
    fn micros(&mut self, cursor: &mut Cursor<'_>, micros: &mut Vec<Micro>) -> Option<()> {
        if cursor.eats(b"]}") {
            return Some(());
        }
        loop {
            cursor.eat(b"{\"")?;
            let name = cursor.string()?;
            cursor.eat(b":{\"key\":\"")?;
            let (key, number) = self.builder.numbered_key(cursor.string()?);
            micros.push(match name {
                "read" => Micro::Read {
                    key,
                    value: self.seen(number, cursor)?,
                },
                "append" => Micro::Append {
                    key,
                    value: argument(cursor)?,
                },
                "write" => Micro::Write {
                    key,
                    value: argument(cursor)?,
                },
                _ => return None,
            });
            cursor.eat(b"}}")?;
            if !cursor.eats(b",") {
                cursor.eat(b"]}")?;
                return Some(());
            }
        }
    }

    /// The field of what a transaction read, where it is there.
    fn seen(&mut self, key: u32, cursor: &mut Cursor<'_>) -> Option<Option<Value>> {
        if !cursor.eats(b",\"value\":") {
            return Some(None);
        }
        // Only what a transaction read that took place is never compared while reading goes on.
        if self.head.kind == Kind::Ok && cursor.peek() == Some(b'[') {
            let start = *cursor;
            let comma = |cursor: &mut Cursor<'_>| cursor.eat(b",");
            if let Some(list) = self.builder.chains.list(key, cursor, comma) {
                return Some(Some(Value::List(list)));
            }
            *cursor = start;
        }
        value(cursor).map(Some)
    }
}

/// The operations of sets, queues, stacks, locks, counters and logs.
fn container(name: &str, key: Key, cursor: &mut Cursor<'_>) -> Option<Op> {
    Some(match name {
        "add" => Op::Add {
            key,
            value: argument(cursor)?,
        },
        "remove" => Op::Remove {
            key,
            value: argument(cursor)?,
        },
        "contains" => {
            let value = argument(cursor)?;
            let found = match cursor.eats(b",\"found\":") {
                false => None,
                true if cursor.eats(b"true") => Some(true),
                true => cursor.eat(b"false").map(|()| Some(false))?,
            };
            Op::Contains { key, value, found }
        }
        "enqueue" => Op::Enqueue {
            key,
            value: argument(cursor)?,
        },
        "dequeue" => Op::Dequeue {
            key,
            value: result(cursor)?,
        },
        "push" => Op::Push {
            key,
            value: argument(cursor)?,
        },
        "pop" => Op::Pop {
            key,
            value: result(cursor)?,
        },
        "insert" => Op::Insert {
            key,
            value: argument(cursor)?,
        },
        "extract" => Op::Extract {
            key,
            value: result(cursor)?,
        },
        "front" => Op::Front {
            key,
            value: result(cursor)?,
        },
        "acquire" => Op::Acquire {
            key,
            shared: cursor.eats(b",\"shared\":true"),
            token: match cursor.eats(b",\"token\":") {
                true => Some(cursor.number()?),
                false => None,
            },
        },
        "release" => Op::Release { key },
        "increment" => {
            cursor.eat(b",\"by\":")?;
            let by = cursor.integer()?;
            Op::Increment {
                key,
                by,
                value: result(cursor)?,
            }
        }
        "generate" => Op::Generate {
            key,
            value: result(cursor)?,
        },
        "append" => {
            let value = argument(cursor)?;
            let offset = match cursor.eats(b",\"offset\":") {
                true => Some(cursor.number()?),
                false => None,
            };
            Op::Append { key, value, offset }
        }
        "poll" => {
            cursor.eat(b",\"from\":")?;
            let from = cursor.number()?;
            Op::Poll {
                key,
                from,
                value: result(cursor)?,
            }
        }
        "peek" => {
            cursor.eat(b",\"node\":\"")?;
            let node = cursor.string()?.parse().ok()?;
            Op::Peek {
                key,
                node,
                value: result(cursor)?,
            }
        }
        _ => return None,
    })
}

/// The field of what was read, where it is there.
#[inline]
fn result(cursor: &mut Cursor<'_>) -> Option<Option<Value>> {
    match cursor.eats(b",\"value\":") {
        true => value(cursor).map(Some),
        false => Some(None),
    }
}

/// The field of what is written.
#[inline]
fn argument(cursor: &mut Cursor<'_>) -> Option<Value> {
    cursor.eat(b",\"value\":")?;
    value(cursor)
}

#[inline]
fn value(cursor: &mut Cursor<'_>) -> Option<Value> {
    match cursor.peek()? {
        b'0'..=b'9' | b'-' => cursor.integer().map(Value::Int),
        b'n' => cursor.eat(b"null").map(|()| Value::Null),
        b'"' => {
            cursor.next();
            cursor.string().map(Value::from)
        }
        b'[' => list(cursor),
        _ => None,
    }
}

/// A list of anything but lists.
fn list(cursor: &mut Cursor<'_>) -> Option<Value> {
    cursor.eat(b"[")?;
    let mut values = Vec::new();
    if cursor.eats(b"]") {
        return Some(Value::List(values.into()));
    }
    loop {
        if cursor.peek() == Some(b'[') {
            return None;
        }
        values.push(value(cursor)?);
        match cursor.next()? {
            b',' => {}
            b']' => return Some(Value::List(values.into())),
            _ => return None,
        }
    }
}
