//! Rows of EDN as Jepsen prints nearly all of them, read byte by byte.
//!
//! `{:type :invoke, :f :write, :value 3, :process 0, :time 17, :index 4}` in any order of fields,
//! on one line, with values of integers, nil, lists of integers, tuples of these, and
//! transactions of them. Every other row, field or value is the general reader's.

use super::ops::Ops;
use super::rows::{Entry, Rows};
use crate::scan::Cursor;
use crate::value::Chains;
use crate::{Key, Kind, Micro, Op, Value};

/// Adds the row that begins at `start`, if it is of this form and whole: where it ends.
pub(super) fn row(
    text: &[u8],
    start: usize,
    place: (usize, usize),
    ops: &mut Ops,
    rows: &mut Rows,
) -> Option<usize> {
    let mut cursor = Cursor::new(text, start);
    cursor.eats(b"#jepsen.history.Op");
    cursor.eat(b"{")?;
    let mut fields = Fields::default();
    while !cursor.eats(b"}") {
        cursor.eat(b":")?;
        fields.field(&mut cursor, ops, &mut rows.lists)?;
        if cursor.peek() != Some(b'}') {
            space(&mut cursor)?;
        }
    }
    let (kind, name) = (fields.kind?, fields.name?);
    let process = fields.process?;
    let (op, bare) = match (fields.op, fields.value) {
        (Some(op), _) => op,
        (None, Some((mut value, end))) => {
            let lists = &mut rows.lists;
            let mut reader = Reader {
                kind,
                name,
                ops,
                lists,
            };
            let op = reader.op(&mut value)?;
            (value.at() == end).then_some(op)?
        }
        (None, None) => return None,
    };
    if ops.single().is_none() && !matches!(op, Op::Txn(_)) {
        ops.note_tuple();
    }
    rows.push(Entry {
        process,
        kind,
        time: fields.time,
        index: fields.index,
        place,
        op,
        bare,
        rare: None,
    });
    Some(cursor.at())
}

/// The fields of a row so far.
#[derive(Default)]
struct Fields<'a> {
    kind: Option<Kind>,
    name: Option<&'a [u8]>,
    process: Option<u64>,
    time: Option<u64>,
    index: Option<i64>,
    /// Where the value begins and ends.
    value: Option<(Cursor<'a>, usize)>,
    /// The operation and whether it is bare, where kind and name stood before the value.
    op: Option<(Op, bool)>,
}

impl<'a> Fields<'a> {
    /// Reads a field from behind its colon to the end of its value.
    fn field(&mut self, cursor: &mut Cursor<'a>, ops: &Ops, lists: &mut Lists) -> Option<()> {
        let name = cursor.word();
        cursor.eat(b" ")?;
        match name {
            b"type" if self.kind.is_none() => {
                cursor.eat(b":")?;
                self.kind = Some(match cursor.word() {
                    b"invoke" => Kind::Invoke,
                    b"ok" => Kind::Ok,
                    b"fail" => Kind::Fail,
                    b"info" => Kind::Info,
                    _ => return None,
                });
            }
            b"f" if self.name.is_none() => {
                cursor.eat(b":")?;
                let name = cursor.word();
                // A colon alone is no keyword.
                self.name = Some(name).filter(|name| !name.is_empty());
                self.name?;
            }
            b"process" if self.process.is_none() => {
                self.process = Some(u64::try_from(cursor.integer()?).ok()?);
            }
            b"time" if self.time.is_none() => {
                self.time = Some(u64::try_from(cursor.integer()?).ok()?);
            }
            b"index" if self.index.is_none() => {
                self.index = Some(cursor.integer().filter(|&index| index >= 0)?);
            }
            b"value" if self.value.is_none() => {
                let value = *cursor;
                match (self.kind, self.name) {
                    (Some(kind), Some(name)) => {
                        let mut reader = Reader {
                            kind,
                            name,
                            ops,
                            lists,
                        };
                        self.op = Some(reader.op(cursor)?);
                    }
                    _ => skip(cursor)?,
                }
                self.value = Some((value, cursor.at()));
            }
            _ => return None,
        }
        Some(())
    }
}

/// Passes over the space that must stand between two forms.
fn space(cursor: &mut Cursor<'_>) -> Option<()> {
    if !cursor.eats(b", ") {
        cursor.eat(b" ")?;
    }
    while matches!(cursor.peek(), Some(b' ' | b',')) {
        cursor.next();
    }
    Some(())
}

/// Passes over a value without strings, maps, sets and comments.
fn skip(cursor: &mut Cursor<'_>) -> Option<()> {
    let mut depth = 0_usize;
    loop {
        match cursor.peek()? {
            b'[' => depth += 1,
            b']' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    cursor.next();
                    return Some(());
                }
            }
            b' ' | b',' | b'}' if depth == 0 => return Some(()),
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b':' | b' ' | b',' => {}
            _ => return None,
        }
        cursor.next();
    }
}

/// What transactions are made of.
#[derive(Default)]
pub(super) struct Lists {
    /// What they read, by the number of the key.
    pub(super) chains: Chains,
    /// The transaction that is being read.
    micros: Vec<Micro>,
}

/// Reads the operations of rows of a kind and a name.
struct Reader<'a> {
    kind: Kind,
    name: &'a [u8],
    ops: &'a Ops,
    lists: &'a mut Lists,
}

impl Reader<'_> {
    /// The operation of a value, and whether it is bare, as [`Ops::jepsen`] has them.
    fn op(&mut self, cursor: &mut Cursor<'_>) -> Option<(Op, bool)> {
        if cursor.eats(b"[[") {
            return Some((Op::Txn(self.transaction(cursor)?), false));
        }
        match self.ops.single() {
            Some(single) => self.single(single.clone(), cursor),
            None => {
                cursor.eat(b"[")?;
                let (key, _) = self.key(cursor)?;
                space(cursor)?;
                let (op, bare) = self.single(key, cursor)?;
                cursor.eat(b"]")?;
                // A tuple in place of a lost value counts as an error too.
                (!bare || self.kind == Kind::Ok).then_some((op, bare))
            }
        }
    }

    /// An operation on a key that is known.
    fn single(&self, key: Key, cursor: &mut Cursor<'_>) -> Option<(Op, bool)> {
        let value = value(cursor)?;
        let bare = self.kind != Kind::Invoke && value == Value::Null;
        let op = match (self.name, value) {
            (b"read", value) => Op::Read {
                key,
                value: (self.kind == Kind::Ok).then_some(value),
            },
            (b"write", value) => Op::Write { key, value },
            (b"cas", Value::List(pair)) => match &*pair {
                [from, to] => Op::Cas {
                    key,
                    from: from.clone(),
                    to: to.clone(),
                },
                _ => return None,
            },
            (b"add", value) => Op::Add { key, value },
            (b"remove", value) => Op::Remove { key, value },
            _ => return None,
        };
        Some((op, bare))
    }

    /// The micro-operations of a transaction from behind two brackets.
    fn transaction(&mut self, cursor: &mut Cursor<'_>) -> Option<Vec<Micro>> {
        self.lists.micros.clear();
        loop {
            cursor.eat(b":")?;
            let name = cursor.word();
            space(cursor)?;
            let (key, number) = self.key(cursor)?;
            space(cursor)?;
            let micro = match name {
                b"r" | b"read" => Micro::Read {
                    key,
                    value: self.seen(number, cursor)?,
                },
                b"w" | b"write" => Micro::Write {
                    key,
                    value: value(cursor)?,
                },
                b"append" => Micro::Append {
                    key,
                    value: value(cursor)?,
                },
                _ => return None,
            };
            self.lists.micros.push(micro);
            cursor.eat(b"]")?;
            if cursor.eats(b"]") {
                // Of just the capacity that it needs.
                return Some(self.lists.micros.drain(..).collect());
            }
            space(cursor)?;
            cursor.eat(b"[")?;
        }
    }

    /// What a transaction read of a key. Only what one read that took place is shared: it is never
    /// looked at while reading goes on.
    fn seen(&mut self, key: u32, cursor: &mut Cursor<'_>) -> Option<Option<Value>> {
        if self.kind != Kind::Ok {
            return value(cursor).map(|_| None);
        }
        Some(Some(match cursor.peek()? {
            b'[' => Value::List(self.lists.chains.list(key, cursor, space)?),
            _ => value(cursor)?,
        }))
    }

    /// A key that stood in an earlier row, an integer or a keyword, and its number.
    fn key(&self, cursor: &mut Cursor<'_>) -> Option<(Key, u32)> {
        let start = *cursor;
        if cursor.eats(b":") {
            cursor.word();
            return self.ops.keys().known(start.until(cursor)?).cloned();
        }
        self.ops.keys().known_number(cursor.number()?).cloned()
    }
}

/// An integer, nil, or a list of integers.
fn value(cursor: &mut Cursor<'_>) -> Option<Value> {
    match cursor.peek()? {
        b'n' => cursor.eat(b"nil").map(|()| Value::Null),
        b'[' => list(cursor),
        _ => cursor.integer().map(Value::Int),
    }
}

fn list(cursor: &mut Cursor<'_>) -> Option<Value> {
    cursor.eat(b"[")?;
    let mut values = Vec::new();
    if cursor.eats(b"]") {
        return Some(Value::List(values.into()));
    }
    loop {
        values.push(Value::Int(cursor.integer()?));
        if cursor.eats(b"]") {
            return Some(Value::List(values.into()));
        }
        space(cursor)?;
    }
}
