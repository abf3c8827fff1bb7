//! The names of what can go wrong, worst first.

/// What is wrong, from the most telling on. The names are Adya's, and Elle's where Adya has none.
///
/// Every kind without a suffix contradicts *serializable*; one with the suffix `-realtime` only
/// contradicts *strict-serializable*, and `-process` a level that keeps the order of sessions
/// (and *strict-serializable* where the session's order is one of real time).
///
/// The order is that of severity, as Elle has it: all cycles of data alone come before those that
/// need a session's order, and these before those that need real time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
    /// A transaction saw an element of an aborted transaction.
    G1a,
    /// A committed append stands on top of an aborted one.
    DirtyUpdate,
    /// A transaction saw a state from the middle of another transaction.
    G1b,
    /// Two transactions changed a list that both had read in the same state.
    LostUpdate,
    /// A cycle of dependencies.
    Cycle(Suffix, Class),
}

/// What a cycle is made of, besides orders of sessions and real time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Appends that follow one another.
    G0,
    /// These, and reads of what was appended.
    G1c,
    /// These, and exactly one read of a state before an append.
    GSingle,
    /// These, and several reads of a state before an append, no two of them in a row.
    GNonadjacent,
    /// These, and several such reads, two of them in a row.
    G2Item,
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
    pub const ALL: [Class; 5] = [
        Class::G0,
        Class::G1c,
        Class::GSingle,
        Class::GNonadjacent,
        Class::G2Item,
    ];
}

impl Suffix {
    /// All, from the weakest order on.
    pub const ALL: [Suffix; 3] = [Suffix::Plain, Suffix::Process, Suffix::Realtime];
}

impl Kind {
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
            Kind::LostUpdate => "lost-update",
            Kind::Cycle(Plain, Class::G0) => "G0",
            Kind::Cycle(Plain, Class::G1c) => "G1c",
            Kind::Cycle(Plain, Class::GSingle) => "G-single",
            Kind::Cycle(Plain, Class::GNonadjacent) => "G-nonadjacent",
            Kind::Cycle(Plain, Class::G2Item) => "G2-item",
            Kind::Cycle(Process, Class::G0) => "G0-process",
            Kind::Cycle(Process, Class::G1c) => "G1c-process",
            Kind::Cycle(Process, Class::GSingle) => "G-single-process",
            Kind::Cycle(Process, Class::GNonadjacent) => "G-nonadjacent-process",
            Kind::Cycle(Process, Class::G2Item) => "G2-item-process",
            Kind::Cycle(Realtime, Class::G0) => "G0-realtime",
            Kind::Cycle(Realtime, Class::G1c) => "G1c-realtime",
            Kind::Cycle(Realtime, Class::GSingle) => "G-single-realtime",
            Kind::Cycle(Realtime, Class::GNonadjacent) => "G-nonadjacent-realtime",
            Kind::Cycle(Realtime, Class::G2Item) => "G2-item-realtime",
        }
    }
}
