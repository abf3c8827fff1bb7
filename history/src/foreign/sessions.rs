//! Transactions on registers as tools for isolation levels write them: who took part in which
//! order, and nothing of when.
//!
//! - **Order**: that of a session is the order of its transactions in the file; between sessions
//!   there is none ([`Order::Session`]).
//! - **0** is the initial value of every key: who reads it reads what was never written. Where
//!   somebody writes 0 to a key, the formats differ: see [`Zero`].
//! - **Aborted** transactions failed. What they read says nothing.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::history::{Builder, Head, Rare};
use crate::{History, Key, Kind, Micro, Op, Order, ReadError, Time, Value};

/// Numbers of sessions below this are the process's.
const PLAIN: i64 = 1 << 32;

/// Numbers of keys below this are looked up in a table.
const DENSE: usize = 1 << 22;

/// What it means to read 0 of a key to which somebody writes 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Zero {
    /// That write: the initial value is another then.
    Written,
    /// That write or the initial value: what was read is not known.
    Either,
}

/// The transactions so far.
pub(super) struct Sessions {
    builder: Builder,
    zero: Zero,
    dense: Vec<Option<Key>>,
    sparse: FxHashMap<i64, Key>,
    processes: FxHashMap<i64, u64>,
    /// Keys to which somebody writes 0.
    zeros: FxHashSet<Key>,
    pub(super) warnings: Vec<String>,
}

/// A transaction but for what it did.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Header {
    pub(super) session: i64,
    pub(super) committed: bool,
    /// The version of the store that it read from, and the one that it made.
    pub(super) versions: Option<(u64, u64)>,
}

impl Sessions {
    pub(super) fn new(zero: Zero) -> Sessions {
        Sessions {
            builder: Builder::new(false),
            zero,
            dense: Vec::new(),
            sparse: FxHashMap::default(),
            processes: FxHashMap::default(),
            zeros: FxHashSet::default(),
            warnings: Vec::new(),
        }
    }

    /// The key of this number.
    #[inline]
    pub(super) fn key(&mut self, number: i64) -> Key {
        if let Ok(at) = usize::try_from(number)
            && let Some(Some(key)) = self.dense.get(at)
        {
            return key.clone();
        }
        self.new_key(number)
    }

    fn new_key(&mut self, number: i64) -> Key {
        if let Some(key) = self.sparse.get(&number) {
            return key.clone();
        }
        let key = self.builder.key(&number.to_string());
        match usize::try_from(number) {
            // A table with few gaps, or that costs little.
            Ok(at) if at < DENSE.min(self.dense.len() * 2 + 4096) => {
                if at >= self.dense.len() {
                    self.dense.resize(at + 1, None);
                }
                self.dense[at] = Some(key.clone());
            }
            _ => drop(self.sparse.insert(number, key.clone())),
        }
        key
    }

    /// What was read; of 0 it is said in the end what it means, where that is not clear yet.
    #[inline]
    pub(super) fn read(&mut self, key: i64, value: i64) -> Micro {
        Micro::Read {
            key: self.key(key),
            value: Some(match (value, self.zero) {
                (0, Zero::Either) => Value::Null,
                _ => Value::Int(value),
            }),
        }
    }

    /// That nothing was read which anybody wrote.
    pub(super) fn read_nothing(&mut self, key: i64) -> Micro {
        Micro::Read {
            key: self.key(key),
            value: Some(Value::Null),
        }
    }

    /// What was written.
    #[inline]
    pub(super) fn write(&mut self, key: i64, value: i64) -> Micro {
        let key = self.key(key);
        if value == 0 {
            self.zeros.insert(key.clone());
        }
        Micro::Write {
            key,
            value: Value::Int(value),
        }
    }

    /// Forgets that these keys were written 0.
    pub(super) fn forget_zeros(&mut self, micros: &[Micro]) {
        for key in micros.iter().filter_map(Micro::key) {
            self.zeros.remove(key);
        }
    }

    /// How many transactions there are.
    pub(super) const fn len(&self) -> usize {
        self.builder.len()
    }

    /// Adds a transaction behind those of its session.
    ///
    /// # Errors
    /// If there are too many.
    pub(super) fn add(
        &mut self,
        header: Header,
        micros: Vec<Micro>,
        place: (usize, usize),
    ) -> Result<(), ReadError> {
        let head = Head {
            time: Time::ZERO,
            process: self.process(header.session),
            kind: match header.committed {
                true => Kind::Ok,
                false => Kind::Fail,
            },
        };
        let op = Op::Txn(micros);
        let added = match header.versions {
            Some((snapshot, version)) => {
                let rare = Rare {
                    snapshot: Some(snapshot),
                    version: Some(version),
                    ..Rare::default()
                };
                self.builder.client_with(head, op, rare)
            }
            None => self.builder.client(head, op),
        };
        added.map_err(|invalid| ReadError::at(place, invalid.problem, invalid.expected))
    }

    /// Adds operations to a transaction that was added before.
    pub(super) fn extend(&mut self, transaction: usize, more: impl IntoIterator<Item = Micro>) {
        self.builder.extend(transaction, more);
    }

    fn process(&mut self, session: i64) -> u64 {
        match u64::try_from(session) {
            Ok(process) if session < PLAIN => process,
            _ => {
                let next = PLAIN as u64 + self.processes.len() as u64;
                *self.processes.entry(session).or_insert(next)
            }
        }
    }

    /// The history of all transactions.
    ///
    /// # Errors
    /// If there is none.
    pub(super) fn finish(mut self) -> Result<History, ReadError> {
        if self.builder.len() == 0 {
            let expected = "a transaction";
            return Err(ReadError::at((1, 1), "the history has no event", expected));
        }
        let ambiguous = self.settle_zeros();
        if ambiguous > 0 {
            self.warnings.push(format!(
                "reads of 0 from keys to which 0 is written: {ambiguous}; they may be of the \
                 initial value, so that what they read is not known"
            ));
        }
        let history = self.builder.finish(None, Order::Session);
        Ok(history.with_warnings(self.warnings))
    }

    /// Says what reads of 0 read; how many may be of two things.
    fn settle_zeros(&mut self) -> usize {
        let mut ambiguous = 0;
        let unclear = match self.zero {
            Zero::Written => Value::Int(0),
            // Most histories are through here.
            Zero::Either if self.zeros.is_empty() => return 0,
            Zero::Either => Value::Null,
        };
        let (zero, zeros) = (self.zero, &self.zeros);
        self.builder.change_reads(|key, value| {
            if value.as_ref() != Some(&unclear) {
                return value;
            }
            let value = match (zero, zeros.contains(key)) {
                (_, false) => Some(Value::Null),
                (Zero::Written, true) => Some(Value::Int(0)),
                (Zero::Either, true) => None,
            };
            ambiguous += usize::from(value.is_none());
            value
        });
        ambiguous
    }
}
