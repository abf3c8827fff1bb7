//! Transactions in columns: of each operation inside them a number, a letter and a value, in one
//! place for all. An [`Op`] of a transaction is three times as large, and an allocation besides.

use std::sync::OnceLock;

use rustc_hash::FxHashMap;

use super::micros::Micros;
use crate::{Key, Micro, Op, Value};

/// How many transactions are made into operations together, where one of them is asked for as
/// such.
const BLOCK: usize = 32;

/// What an operation inside a transaction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Read,
    /// A read of which it is not known what it saw.
    ReadUnknown,
    Append,
    Write,
    /// The first of an operation that is kept as a whole: the number of its key is its place.
    Elsewhere,
}

/// Operations of which the first, and nearly all others, are transactions of reads, appends and
/// writes.
#[derive(Clone, Debug, Default)]
pub(super) struct Columns {
    /// Of each operation where it begins in the next three.
    first: Vec<u32>,
    pub(super) keys: Vec<u32>,
    pub(super) whats: Vec<What>,
    pub(super) values: Vec<Value>,
    pub(super) names: Vec<Key>,
    /// Keys by the address of their name: equal ones nearly always have the same.
    numbers: FxHashMap<usize, u32>,
    /// Operations that are something else.
    elsewhere: Vec<Op>,
    /// Operations that were asked for as such, by blocks.
    shown: Vec<OnceLock<Box<[Op]>>>,
}

/// Where an operation is.
enum Place<'c> {
    Elsewhere(&'c Op),
    Here(usize, usize),
}

impl Columns {
    pub(super) const fn len(&self) -> usize {
        self.first.len()
    }

    /// Whether there is no room for many more operations inside transactions.
    pub(super) const fn is_full(&self) -> bool {
        self.keys.len() >= (u32::MAX - (1 << 20)) as usize
    }

    /// Adds an operation behind all others.
    pub(super) fn push(&mut self, op: Op) {
        self.first.push(self.keys.len() as u32);
        match op {
            Op::Txn(micros) if micros.iter().all(fits) => {
                for micro in micros {
                    self.add(micro);
                }
            }
            op => {
                self.keys.push(self.elsewhere.len() as u32);
                self.whats.push(What::Elsewhere);
                self.values.push(Value::Null);
                self.elsewhere.push(op);
            }
        }
    }

    fn add(&mut self, micro: Micro) {
        let (what, key, value) = match micro {
            Micro::Read { key, value } => match value {
                Some(value) => (What::Read, key, value),
                None => (What::ReadUnknown, key, Value::Null),
            },
            Micro::Append { key, value } => (What::Append, key, value),
            Micro::Write { key, value } => (What::Write, key, value),
            // Whoever adds has looked.
            _ => return,
        };
        let address = key.0.as_ptr().addr();
        let names = &mut self.names;
        let number = *self.numbers.entry(address).or_insert_with(|| {
            names.push(key);
            names.len() as u32 - 1
        });
        self.keys.push(number);
        self.whats.push(what);
        self.values.push(value);
    }

    fn place(&self, id: usize) -> Place<'_> {
        let first = self.first[id] as usize;
        let end = self.first.get(id + 1);
        let end = end.map_or(self.keys.len(), |&end| end as usize);
        match first < end && self.whats[first] == What::Elsewhere {
            true => Place::Elsewhere(&self.elsewhere[self.keys[first] as usize]),
            false => Place::Here(first, end),
        }
    }

    /// What a transaction does; `None` for any other operation.
    #[inline]
    pub(super) fn micros(&self, id: usize) -> Option<Micros<'_>> {
        match self.place(id) {
            Place::Here(first, end) => Some(Micros::of_columns(self, first, end)),
            Place::Elsewhere(Op::Txn(micros)) => Some(Micros::of(micros)),
            Place::Elsewhere(_) => None,
        }
    }

    /// An operation by itself.
    pub(super) fn to_op(&self, id: usize) -> Op {
        match self.place(id) {
            Place::Elsewhere(op) => op.clone(),
            Place::Here(first, end) => {
                let micros = Micros::of_columns(self, first, end);
                Op::Txn(micros.map(|micro| micro.to_micro()).collect())
            }
        }
    }

    /// The operation that was added and is none of the transactions in columns.
    pub(super) fn elsewhere(&self, id: usize) -> Option<&Op> {
        match self.place(id) {
            Place::Elsewhere(op) => Some(op),
            Place::Here(..) => None,
        }
    }

    /// An operation, which stays as long as the history.
    pub(super) fn op(&self, id: usize) -> &Op {
        if let Some(op) = self.elsewhere(id) {
            return op;
        }
        let (block, at) = (id / BLOCK, id % BLOCK);
        let block = self.shown[block].get_or_init(|| {
            let end = self.len().min((block + 1) * BLOCK);
            (block * BLOCK..end).map(|id| self.to_op(id)).collect()
        });
        &block[at]
    }

    /// Puts another operation in the place of one.
    pub(super) fn replace(&mut self, id: usize, op: Op) {
        let (first, end) = match self.place(id) {
            Place::Here(first, end) => (first, end),
            Place::Elsewhere(_) => {
                let at = self.keys[self.first[id] as usize];
                self.elsewhere[at as usize] = op;
                return;
            }
        };
        match op {
            Op::Txn(micros) if micros.len() == end - first && micros.iter().all(fits) => {
                for (at, micro) in (first..end).zip(micros) {
                    self.put(at, micro);
                }
            }
            op if first < end => {
                self.keys[first] = self.elsewhere.len() as u32;
                self.whats[first] = What::Elsewhere;
                // What stood there is nobody's any more.
                self.whats[first + 1..end].fill(What::Append);
                self.values[first..end].fill(Value::Null);
                self.elsewhere.push(op);
            }
            // An empty transaction has no place of its own: those behind it move.
            op => {
                let moved = self.elsewhere.len() as u32;
                self.keys.insert(first, moved);
                self.whats.insert(first, What::Elsewhere);
                self.values.insert(first, Value::Null);
                self.elsewhere.push(op);
                for first in &mut self.first[id + 1..] {
                    *first += 1;
                }
            }
        }
    }

    fn put(&mut self, at: usize, micro: Micro) {
        let same = |key: &Key| key.0.as_ptr() == self.names[self.keys[at] as usize].0.as_ptr();
        match micro {
            Micro::Read { key, value } if same(&key) => {
                (self.whats[at], self.values[at]) = match value {
                    Some(value) => (What::Read, value),
                    None => (What::ReadUnknown, Value::Null),
                };
            }
            Micro::Append { key, value } if same(&key) => {
                (self.whats[at], self.values[at]) = (What::Append, value);
            }
            Micro::Write { key, value } if same(&key) => {
                (self.whats[at], self.values[at]) = (What::Write, value);
            }
            micro => {
                let end = self.keys.len();
                self.add(micro);
                let added = (self.keys.pop(), self.whats.pop(), self.values.pop());
                debug_assert_eq!(self.keys.len(), end);
                if let (Some(key), Some(what), Some(value)) = added {
                    (self.keys[at], self.whats[at], self.values[at]) = (key, what, value);
                }
            }
        }
    }

    /// Lets `change` say what each read saw that says something, by its key and what it says now.
    pub(super) fn change_reads(
        &mut self,
        mut change: impl FnMut(&Key, Option<Value>) -> Option<Value>,
    ) {
        for at in 0..self.keys.len() {
            if self.whats[at] == What::Read {
                let key = &self.names[self.keys[at] as usize];
                let value = std::mem::replace(&mut self.values[at], Value::Null);
                match change(key, Some(value)) {
                    Some(value) => self.values[at] = value,
                    None => self.whats[at] = What::ReadUnknown,
                }
            }
        }
        for op in &mut self.elsewhere {
            let Op::Txn(micros) = op else { continue };
            for micro in micros {
                if let Micro::Read { key, value } = micro
                    && value.is_some()
                {
                    *value = change(key, value.take());
                }
            }
        }
    }

    /// Nothing is added any more.
    pub(super) fn close(&mut self) {
        self.numbers = FxHashMap::default();
        let blocks = self.len().div_ceil(BLOCK);
        self.shown.resize_with(blocks, OnceLock::new);
    }
}

/// Whether an operation inside a transaction can be kept in columns.
const fn fits(micro: &Micro) -> bool {
    matches!(
        micro,
        Micro::Read { .. } | Micro::Append { .. } | Micro::Write { .. }
    )
}
