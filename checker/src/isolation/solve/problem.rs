//! What is asked: transactions over registers, and the level they are held against.

use serde::{Deserialize, Serialize};

/// What happened, as far as it matters for isolation: who wrote what, who read whose version, and
/// what is known of the order of the transactions. Transactions and keys are counted from zero.
///
/// Only committed transactions belong here, each key at most once a writer, and only reads that
/// do not see the transaction's own write.
#[derive(Clone, Debug, Default)]
pub struct Problem {
    /// How many transactions there are.
    pub transactions: u32,
    /// What came before what. Sessions give consecutive pairs; the rest follows.
    pub precedes: Vec<Precedes>,
    /// When each transaction began and ended, where real time is known; one entry a transaction.
    pub spans: Vec<Span>,
    /// The registers.
    pub keys: Vec<Key>,
}

/// Two transactions of which one came first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Precedes {
    /// The one that committed before the other started.
    pub before: u32,
    /// The other.
    pub after: u32,
    /// How that is known.
    pub because: Because,
}

/// How the order of two transactions is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Because {
    /// One session performed both, one after the other.
    Session,
    /// One had ended when the other began.
    RealTime,
}

/// When a transaction was open. Intervals are closed: who ends at the moment when another begins
/// does not precede it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// When it began.
    pub begin: u64,
    /// When it ended; `u64::MAX` where nobody knows.
    pub end: u64,
}

/// One register.
#[derive(Clone, Debug, Default)]
pub struct Key {
    /// The transactions that wrote it, each once: a transaction leaves one version of a key.
    pub writers: Vec<u32>,
    /// Who read which version.
    pub reads: Vec<Read>,
}

/// A read of a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Read {
    /// The transaction that read.
    pub reader: u32,
    /// The transaction whose version it read; `None` where it was the initial one.
    pub from: Option<u32>,
}

/// What a history is held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Level {
    /// What a transaction sees, and who may commit.
    pub isolation: Isolation,
    /// What the order of the transactions must extend.
    pub order: Order,
}

/// What a transaction sees, and who may commit.
///
/// All are told by moments: a transaction starts and commits, it reads of every key what was
/// committed last before it started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Isolation {
    /// Start and commit are one moment.
    Serializable,
    /// Between start and commit nobody else commits a key that the transaction writes (Berenson et
    /// al., *A Critique of ANSI SQL Isolation Levels*, SIGMOD 1995; as a graph Cerone and Gotsman,
    /// *Analysing Snapshot Isolation*, J. ACM 65(2), 2018).
    Snapshot,
    /// Nothing is asked of writes: every transaction sees a prefix of one order of commits.
    Prefix,
}

/// What the order of the transactions must extend: each more than the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// Nothing.
    Free,
    /// That of each session: a transaction starts after the one before it committed.
    Sessions,
    /// Besides, who had ended when another began commits before that one starts.
    RealTime,
}

impl Problem {
    /// Whether a known order counts at a level.
    #[must_use]
    pub(super) fn counts(order: Order, because: Because) -> bool {
        match because {
            Because::Session => order >= Order::Sessions,
            Because::RealTime => order >= Order::RealTime,
        }
    }

    /// Whether anything is known of an order.
    pub(super) fn knows(&self, order: Order) -> bool {
        let known = |because| self.precedes.iter().any(|pair| pair.because == because);
        match order {
            Order::Free => false,
            Order::Sessions => known(Because::Session),
            Order::RealTime => !self.spans.is_empty() || known(Because::RealTime),
        }
    }

    /// Looks for what contradicts the description of a problem.
    ///
    /// # Errors
    /// What is wrong, as a sentence.
    pub fn validate(&self) -> Result<(), String> {
        let known = |txn: u32| txn < self.transactions;
        let pairs = self.precedes.iter();
        if !pairs
            .clone()
            .all(|pair| known(pair.before) && known(pair.after))
        {
            return Err("an order names a transaction that does not exist".to_owned());
        }
        if !self.spans.is_empty() && self.spans.len() != self.transactions as usize {
            return Err("times are known of some transactions only".to_owned());
        }
        let mut writes = vec![u32::MAX; self.transactions as usize];
        for (number, key) in self.keys.iter().enumerate() {
            for &writer in &key.writers {
                if !known(writer) {
                    return Err(format!("key {number} has a writer that does not exist"));
                }
                if std::mem::replace(&mut writes[writer as usize], number as u32) == number as u32 {
                    return Err(format!("transaction {writer} writes key {number} twice"));
                }
            }
            for read in &key.reads {
                if !known(read.reader) {
                    return Err(format!("key {number} has a reader that does not exist"));
                }
                let from = read.from;
                if from.is_some_and(|txn| !known(txn) || writes[txn as usize] != number as u32) {
                    return Err(format!(
                        "a version of key {number} was read that nobody wrote"
                    ));
                }
            }
        }
        Ok(())
    }
}
