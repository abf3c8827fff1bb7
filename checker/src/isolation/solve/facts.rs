//! A part of a problem: the facts from which a contradiction follows.
//!
//! Leaving facts out is sound: whatever explains the whole explains the part. A read may be
//! dropped, and with it the reason why its transaction is there; a write may be dropped unless a
//! read that stays saw it; an order between two transactions stays what it is when those between
//! them go.

use serde::{Deserialize, Serialize};

use rustc_hash::FxHashMap;

use super::problem::{Because, Key, Precedes, Problem, Read};

/// A version, by the key and the transaction that wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Write {
    /// The register.
    pub key: u32,
    /// The transaction.
    pub writer: u32,
}

/// A read of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Saw {
    /// The register.
    pub key: u32,
    /// Who read whose version.
    pub read: Read,
}

/// Facts of a history, in ascending order and each once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Transactions of which one came first.
    pub precedes: Vec<Precedes>,
    /// Reads.
    pub reads: Vec<Saw>,
    /// Writes, those that the reads saw among them.
    pub writes: Vec<Write>,
}

/// A part of a problem as a problem of its own.
pub(super) struct Part {
    pub(super) problem: Problem,
    txns: Vec<u32>,
    keys: Vec<u32>,
}

impl Facts {
    /// How many they are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.precedes.len() + self.reads.len() + self.writes.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The transactions they speak of, in ascending order.
    #[must_use]
    pub fn transactions(&self) -> Vec<u32> {
        let orders = self
            .precedes
            .iter()
            .flat_map(|pair| [pair.before, pair.after]);
        let reads = self.reads.iter().map(|saw| saw.read.reader);
        let writes = self.writes.iter().map(|write| write.writer);
        let mut txns: Vec<u32> = orders.chain(reads).chain(writes).collect();
        txns.sort_unstable();
        txns.dedup();
        txns
    }

    /// Adds other facts.
    pub(super) fn extend(&mut self, other: &Facts) {
        self.precedes.extend_from_slice(&other.precedes);
        self.reads.extend_from_slice(&other.reads);
        self.writes.extend_from_slice(&other.writes);
    }

    /// Adds the writes that the reads saw, and puts everything in order.
    pub(super) fn complete(&mut self) {
        self.writes.extend(self.reads.iter().filter_map(|saw| {
            saw.read.from.map(|writer| Write {
                key: saw.key,
                writer,
            })
        }));
        self.precedes.sort_unstable();
        self.precedes.dedup();
        self.reads.sort_unstable();
        self.reads.dedup();
        self.writes.sort_unstable();
        self.writes.dedup();
    }

    /// Facts of a part as facts of the whole, of which these are the transactions and keys.
    pub(super) fn outside(&self, txns: &[u32], keys: &[u32]) -> Facts {
        let txn = |inner: u32| txns[inner as usize];
        let mut outer = Facts::default();
        outer
            .precedes
            .extend(self.precedes.iter().map(|pair| Precedes {
                before: txn(pair.before),
                after: txn(pair.after),
                because: pair.because,
            }));
        outer.reads.extend(self.reads.iter().map(|saw| Saw {
            key: keys[saw.key as usize],
            read: Read {
                reader: txn(saw.read.reader),
                from: saw.read.from.map(txn),
            },
        }));
        outer.writes.extend(self.writes.iter().map(|write| Write {
            key: keys[write.key as usize],
            writer: txn(write.writer),
        }));
        outer.complete();
        outer
    }

    /// The part of the problem that they are.
    pub(super) fn part(&self) -> Part {
        let txns = self.transactions();
        let mut keys: Vec<u32> = self.writes.iter().map(|write| write.key).collect();
        keys.extend(self.reads.iter().map(|saw| saw.key));
        keys.sort_unstable();
        keys.dedup();
        let number = |all: &[u32]| -> FxHashMap<u32, u32> {
            all.iter()
                .zip(0..)
                .map(|(&name, number)| (name, number))
                .collect()
        };
        let (txn, key) = (number(&txns), number(&keys));
        let mut problem = Problem {
            transactions: txns.len() as u32,
            keys: vec![Key::default(); keys.len()],
            ..Problem::default()
        };
        problem
            .precedes
            .extend(self.precedes.iter().map(|pair| Precedes {
                before: txn[&pair.before],
                after: txn[&pair.after],
                because: pair.because,
            }));
        for write in &self.writes {
            problem.keys[key[&write.key] as usize]
                .writers
                .push(txn[&write.writer]);
        }
        for saw in &self.reads {
            problem.keys[key[&saw.key] as usize].reads.push(Read {
                reader: txn[&saw.read.reader],
                from: saw.read.from.map(|writer| txn[&writer]),
            });
        }
        Part {
            problem,
            txns,
            keys,
        }
    }
}

impl Part {
    /// Facts of the part as facts of the whole.
    pub(super) fn outside(&self, facts: &Facts) -> Facts {
        facts.outside(&self.txns, &self.keys)
    }
}

impl Because {
    /// As it is said in evidence.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Because::Session => "session order",
            Because::RealTime => "real time",
        }
    }
}
