//! Evidence against a weak level, in terms of the history alone.
//!
//! Transactions are named by the event that invoked them, their reads and writes by position in
//! the transaction; a single read, write or compare-and-set is at position 0. Nothing here refers
//! to what the finder inferred.

use polygraph_history::{EventIndex, History, Key, Micro, Op, Operation, Value};
use serde::{Deserialize, Serialize};

/// What is wrong, from the most telling on. The names are Adya's where he has one.
///
/// The suffix `-process` says that the order of a session is needed, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "&'static str", try_from = "String")]
pub enum Kind {
    /// A read returned something that nobody wrote.
    ThinAirRead,
    /// A read contradicts what the same transaction had written.
    Internal,
    /// A read returned what the same transaction wrote only afterwards.
    FutureRead,
    /// A read returned what an aborted transaction wrote.
    G1a,
    /// A read returned what its transaction went on to replace.
    G1b,
    /// Transactions read from one another in a circle.
    G1c,
    /// The same, with the order of a session.
    G1cProcess,
    /// A transaction read from another, and then something older than that one's writes: the
    /// observed transaction vanishes (Adya; Bailis et al.).
    Otv,
    /// The same, with the order of a session.
    OtvProcess,
    /// Two reads of a register by one transaction, without a write between, differ.
    NonRepeatableRead,
    /// Two transactions wrote over a version that both had read.
    LostUpdate,
    /// A transaction read some writes of another, and something older than its other writes.
    FracturedRead,
    /// The same, with the order of a session.
    FracturedReadProcess,
    /// A transaction read the initial value of a register although a write to it is in its causal
    /// past (Bouajjani et al., *On verifying causal consistency*, POPL 2017).
    WriteCoInitRead,
    /// A transaction read from a write although a later one to that register is in its causal past
    /// (as above).
    WriteCoRead,
    /// No order of conflicting writes agrees with what transactions read from their causal pasts
    /// (as above).
    CyclicCf,
}

impl Kind {
    /// All, from the most telling on.
    pub(in super::super) const ALL: [Kind; 16] = [
        Kind::ThinAirRead,
        Kind::Internal,
        Kind::FutureRead,
        Kind::G1a,
        Kind::G1b,
        Kind::G1c,
        Kind::G1cProcess,
        Kind::Otv,
        Kind::OtvProcess,
        Kind::NonRepeatableRead,
        Kind::LostUpdate,
        Kind::FracturedRead,
        Kind::FracturedReadProcess,
        Kind::WriteCoInitRead,
        Kind::WriteCoRead,
        Kind::CyclicCf,
    ];

    /// The name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Kind::ThinAirRead => "thin-air-read",
            Kind::Internal => "internal",
            Kind::FutureRead => "future-read",
            Kind::G1a => "G1a",
            Kind::G1b => "G1b",
            Kind::G1c => "G1c",
            Kind::G1cProcess => "G1c-process",
            Kind::Otv => "OTV",
            Kind::OtvProcess => "OTV-process",
            Kind::NonRepeatableRead => "non-repeatable-read",
            Kind::LostUpdate => "lost-update",
            Kind::FracturedRead => "fractured-read",
            Kind::FracturedReadProcess => "fractured-read-process",
            Kind::WriteCoInitRead => "WriteCOInitRead",
            Kind::WriteCoRead => "WriteCORead",
            Kind::CyclicCf => "CyclicCF",
        }
    }
}

/// Evidence of an anomaly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// What it is evidence of.
    pub kind: Kind,
    /// The facts.
    pub evidence: Evidence,
}

/// One operation of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct At {
    /// The event that invoked the transaction.
    pub transaction: EventIndex,
    /// The position of the operation in the transaction, counted from zero.
    pub position: usize,
}

/// The facts of which evidence consists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Evidence {
    /// A read of what nobody ever wrote.
    Unwritten {
        /// The read.
        read: At,
    },
    /// A read that differs from the last write before it by the same transaction.
    Internal {
        /// The read.
        read: At,
        /// The write.
        write: At,
    },
    /// A read of what the same transaction alone wrote, afterwards.
    Future {
        /// The read.
        read: At,
    },
    /// A read of what only failed transactions wrote.
    Aborted {
        /// The read.
        read: At,
        /// The event that invoked one of them.
        writer: EventIndex,
    },
    /// A read of what its only writer went on to replace.
    Intermediate {
        /// The read.
        read: At,
        /// The last write to that register by the same transaction.
        last: At,
    },
    /// A read that differs from the one before it by the same transaction, with no write of its
    /// own to that register before.
    NonRepeatable {
        /// The read.
        read: At,
        /// The earlier read.
        earlier: At,
    },
    /// Two transactions that read the same and then wrote the register.
    LostUpdate {
        /// The read of one.
        read: At,
        /// Its write.
        write: At,
        /// The read of the other.
        other_read: At,
        /// Its write.
        other_write: At,
    },
    /// A read of the initial value by somebody who had seen a write.
    Initial(Overlooked),
    /// Transactions of which each must come before the next, and the last before the first.
    Cycle(Vec<Step>),
}

/// One transaction came before another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The event that invoked the first.
    pub from: EventIndex,
    /// The event that invoked the second.
    pub to: EventIndex,
    /// Why.
    pub because: Because,
}

/// Why one transaction came before another in every order that explains the history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Because {
    /// There is information that goes from the first to the second.
    Link(Link),
    /// Somebody read from the second although the first was to be seen.
    Overlooked(Overlooked),
}

/// How one transaction learns of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Link {
    /// It read what the other wrote, at this position.
    Read(usize),
    /// It follows in the same session.
    Session,
}

/// A read that overlooks a write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overlooked {
    /// The write that the read does not show.
    pub write: At,
    /// The read, which shows what another transaction wrote, or the initial value.
    pub read: At,
    /// How the reader had seen the transaction of the write: from there to the reader, each with
    /// the event that invoked the transaction that learns.
    pub seen: Vec<(EventIndex, Link)>,
}

/// The operation that an event invoked.
pub(super) fn operation(history: &History, event: EventIndex) -> Option<&Operation> {
    let operations = history.operations();
    let at = operations.binary_search_by_key(&event, |operation| operation.invoke);
    at.ok().map(|at| &operations[at])
}

impl At {
    fn op(self, history: &History) -> Option<&Op> {
        operation(history, self.transaction).map(|operation| history.op(operation))
    }

    /// What was read here, if it is a read whose answer is known.
    pub(in super::super) fn read(self, history: &History) -> Option<(&Key, &Value)> {
        match (self.op(history)?, self.position) {
            (Op::Txn(micros), at) => match micros.get(at)? {
                Micro::Read { key, value } => Some((key, value.as_ref()?)),
                _ => None,
            },
            (Op::Read { key, value }, 0) => Some((key, value.as_ref()?)),
            (Op::Cas { key, from, .. }, 0) => Some((key, from)),
            _ => None,
        }
    }

    /// What was written here, if it is a write.
    pub(super) fn write(self, history: &History) -> Option<(&Key, &Value)> {
        match (self.op(history)?, self.position) {
            (Op::Txn(micros), at) => match micros.get(at)? {
                Micro::Write { key, value } => Some((key, value)),
                _ => None,
            },
            (Op::Write { key, value }, 0) => Some((key, value)),
            (Op::Cas { key, to, .. }, 0) => Some((key, to)),
            _ => None,
        }
    }
}

/// What must be seen for a read to overlook a write.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Sight {
    /// An earlier read of the same transaction.
    Earlier,
    /// Any read of it, or the order of its session.
    Direct,
    /// Information over several steps.
    Indirect,
}

impl Overlooked {
    fn sight(&self) -> Sight {
        match self.seen.as_slice() {
            [(_, Link::Read(at))] if *at < self.read.position => Sight::Earlier,
            [_] => Sight::Direct,
            _ => Sight::Indirect,
        }
    }

    fn needs_session(&self) -> bool {
        self.seen.iter().any(|&(_, link)| link == Link::Session)
    }
}

impl Evidence {
    /// What such evidence is called.
    pub(in super::super) fn kind(&self) -> Kind {
        match self {
            Evidence::Unwritten { .. } => Kind::ThinAirRead,
            Evidence::Internal { .. } => Kind::Internal,
            Evidence::Future { .. } => Kind::FutureRead,
            Evidence::Aborted { .. } => Kind::G1a,
            Evidence::Intermediate { .. } => Kind::G1b,
            Evidence::NonRepeatable { .. } => Kind::NonRepeatableRead,
            Evidence::LostUpdate { .. } => Kind::LostUpdate,
            Evidence::Initial(overlooked) => {
                let causal = Kind::WriteCoInitRead;
                kind(overlooked.sight(), overlooked.needs_session(), causal)
            }
            Evidence::Cycle(steps) => {
                let overlooked = steps.iter().filter_map(|step| match &step.because {
                    Because::Overlooked(overlooked) => Some(overlooked),
                    Because::Link(_) => None,
                });
                let session = steps.iter().any(|step| match &step.because {
                    Because::Overlooked(overlooked) => overlooked.needs_session(),
                    Because::Link(link) => *link == Link::Session,
                });
                let causal = match overlooked.clone().count() {
                    1 => Kind::WriteCoRead,
                    _ => Kind::CyclicCf,
                };
                match overlooked.map(Overlooked::sight).max() {
                    None if session => Kind::G1cProcess,
                    None => Kind::G1c,
                    Some(sight) => kind(sight, session, causal),
                }
            }
        }
    }
}

const fn kind(sight: Sight, session: bool, causal: Kind) -> Kind {
    match (sight, session) {
        (Sight::Earlier, false) => Kind::Otv,
        (Sight::Earlier, true) => Kind::OtvProcess,
        (Sight::Direct, false) => Kind::FracturedRead,
        (Sight::Direct, true) => Kind::FracturedReadProcess,
        (Sight::Indirect, _) => causal,
    }
}
