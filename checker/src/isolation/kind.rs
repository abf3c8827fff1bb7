//! The names of what can go wrong, worst first.

use serde::{Deserialize, Serialize};

/// What is wrong, from the most telling on. The names are Adya's, and Elle's where Adya has none.
///
/// Every kind without a suffix contradicts *serializable*; one with the suffix `-realtime` only
/// contradicts *strict-serializable*, and `-process` a level that keeps the order of sessions
/// (and *strict-serializable* where the session's order is one of real time).
///
/// Some kinds are cycles of a telling shape, which have the name of their class as well: a
/// *fractured read* and *G-monotonic* are a G-single, *write skew* is a G2 of two transactions
/// (Berenson et al., *A Critique of ANSI SQL Isolation Levels*, SIGMOD 1995, A5B), a *long fork*
/// a G-nonadjacent of two writers and two readers (Sovran et al., *Transactional storage for
/// geo-replicated systems*, SOSP 2011).
///
/// The order is that of severity, as Elle has it: all cycles of data alone come before those that
/// need a session's order, and these before those that need real time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "&'static str", try_from = "String")]
pub enum Kind {
    /// A read returned something that no transaction wrote.
    ThinAirRead,
    /// A read returned an element more often than it was appended.
    DuplicateElements,
    /// Reads of a list contradict one another, or the order in which a transaction appended.
    IncompatibleOrder,
    /// A transaction's read contradicts what it had read or appended before.
    Internal,
    /// A transaction read an element that it only appended afterwards.
    FutureRead,
    /// A transaction saw a write of an aborted transaction.
    G1a,
    /// A committed write stands on top of an aborted one.
    DirtyUpdate,
    /// A transaction saw a state from the middle of another transaction.
    G1b,
    /// The orders that values of a key must have come in form a circle.
    CyclicVersions,
    /// A transaction saw one write of another and missed a second one.
    FracturedRead,
    /// A transaction read an older state than one that it had seen, or that this one depends on.
    GMonotonic,
    /// Two transactions changed a key that both had read in the same state.
    LostUpdate,
    /// Of two transactions each missed what the other changed, and they changed different keys.
    WriteSkew,
    /// Two readers saw two changes in opposite orders.
    LongFork,
    /// The result of a predicate lacks what it must show, or shows what it must lack.
    PredicateReadMiss,
    /// A cycle of dependencies.
    Cycle(Suffix, Class),
}

/// What a cycle is made of, besides orders of sessions and real time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Writes that follow one another.
    G0,
    /// These, and reads of what was written.
    G1c,
    /// These, and exactly one read of an item before a write.
    GSingleItem,
    /// These, and exactly one read before a write, which is of a predicate.
    GSingle,
    /// These, and several reads of items before writes, no two of them in a row.
    GNonadjacentItem,
    /// The same, with reads of predicates.
    GNonadjacent,
    /// These, and several reads of items before writes, two of them in a row.
    G2Item,
    /// The same, with reads of predicates.
    G2,
}

/// The weakest order beyond data that a cycle needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Suffix {
    /// None: data dependencies alone.
    Plain,
    /// The order of a session.
    Process,
    /// Real time.
    Realtime,
}

impl Class {
    /// All, from the most severe on.
    pub const ALL: [Class; 8] = [
        Class::G0,
        Class::G1c,
        Class::GSingleItem,
        Class::GSingle,
        Class::GNonadjacentItem,
        Class::GNonadjacent,
        Class::G2Item,
        Class::G2,
    ];

    /// Whether such a cycle has a read of a predicate.
    #[must_use]
    pub const fn has_predicates(self) -> bool {
        matches!(self, Class::GSingle | Class::GNonadjacent | Class::G2)
    }
}

impl Suffix {
    /// All, from the weakest order on.
    pub const ALL: [Suffix; 3] = [Suffix::Plain, Suffix::Process, Suffix::Realtime];
}

impl Kind {
    /// All, worst first within those of one shape.
    pub(super) fn all() -> impl Iterator<Item = Kind> {
        let cycles = Suffix::ALL.into_iter().flat_map(|suffix| {
            let classes = Class::ALL.into_iter();
            classes.map(move |class| Kind::Cycle(suffix, class))
        });
        let others = [
            Kind::ThinAirRead,
            Kind::DuplicateElements,
            Kind::IncompatibleOrder,
            Kind::Internal,
            Kind::FutureRead,
            Kind::G1a,
            Kind::DirtyUpdate,
            Kind::G1b,
            Kind::CyclicVersions,
            Kind::FracturedRead,
            Kind::GMonotonic,
            Kind::LostUpdate,
            Kind::WriteSkew,
            Kind::LongFork,
            Kind::PredicateReadMiss,
        ];
        others.into_iter().chain(cycles)
    }

    /// The name in reports: `G1a`, `G-single-realtime`, `lost-update`, …
    #[must_use]
    pub const fn name(self) -> &'static str {
        use Suffix::{Plain, Process, Realtime};
        match self {
            Kind::ThinAirRead => "thin-air-read",
            Kind::DuplicateElements => "duplicate-elements",
            Kind::IncompatibleOrder => "incompatible-order",
            Kind::Internal => "internal",
            Kind::FutureRead => "future-read",
            Kind::G1a => "G1a",
            Kind::DirtyUpdate => "dirty-update",
            Kind::G1b => "G1b",
            Kind::CyclicVersions => "cyclic-versions",
            Kind::FracturedRead => "fractured-read",
            Kind::GMonotonic => "G-monotonic",
            Kind::LostUpdate => "lost-update",
            Kind::WriteSkew => "write-skew",
            Kind::LongFork => "long-fork",
            Kind::PredicateReadMiss => "predicate-read-miss",
            Kind::Cycle(Plain, Class::G0) => "G0",
            Kind::Cycle(Plain, Class::G1c) => "G1c",
            Kind::Cycle(Plain, Class::GSingleItem) => "G-single-item",
            Kind::Cycle(Plain, Class::GSingle) => "G-single",
            Kind::Cycle(Plain, Class::GNonadjacentItem) => "G-nonadjacent-item",
            Kind::Cycle(Plain, Class::GNonadjacent) => "G-nonadjacent",
            Kind::Cycle(Plain, Class::G2Item) => "G2-item",
            Kind::Cycle(Plain, Class::G2) => "G2",
            Kind::Cycle(Process, Class::G0) => "G0-process",
            Kind::Cycle(Process, Class::G1c) => "G1c-process",
            Kind::Cycle(Process, Class::GSingleItem) => "G-single-item-process",
            Kind::Cycle(Process, Class::GSingle) => "G-single-process",
            Kind::Cycle(Process, Class::GNonadjacentItem) => "G-nonadjacent-item-process",
            Kind::Cycle(Process, Class::GNonadjacent) => "G-nonadjacent-process",
            Kind::Cycle(Process, Class::G2Item) => "G2-item-process",
            Kind::Cycle(Process, Class::G2) => "G2-process",
            Kind::Cycle(Realtime, Class::G0) => "G0-realtime",
            Kind::Cycle(Realtime, Class::G1c) => "G1c-realtime",
            Kind::Cycle(Realtime, Class::GSingleItem) => "G-single-item-realtime",
            Kind::Cycle(Realtime, Class::GSingle) => "G-single-realtime",
            Kind::Cycle(Realtime, Class::GNonadjacentItem) => "G-nonadjacent-item-realtime",
            Kind::Cycle(Realtime, Class::GNonadjacent) => "G-nonadjacent-realtime",
            Kind::Cycle(Realtime, Class::G2Item) => "G2-item-realtime",
            Kind::Cycle(Realtime, Class::G2) => "G2-realtime",
        }
    }
}
