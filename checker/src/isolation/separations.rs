//! The smallest histories that tell neighbouring levels apart.

use polygraph_history::Guarantee as G;

/// A history that the weaker of two levels allows and the stronger does not.
#[derive(Clone, Copy, Debug)]
pub struct Separation {
    /// What it contradicts.
    pub stronger: G,
    /// What it keeps.
    pub weaker: G,
    /// The history.
    pub history: &'static [Sketch],
}

/// A transaction, acknowledged, of a small history.
#[derive(Clone, Copy, Debug)]
pub struct Sketch {
    /// Who performed it.
    pub client: u64,
    /// When it began, and when it ended: two overlap unless one ends at a lesser moment than the
    /// other begins.
    pub span: (u64, u64),
    /// What it did.
    pub operations: &'static [Did],
}

/// An operation of a transaction.
#[derive(Clone, Copy, Debug)]
pub enum Did {
    /// Appended an element to a list.
    Append(&'static str, i64),
    /// Read a list, and what it saw.
    Read(&'static str, &'static [i64]),
}

use Did::{Append, Read};

/// A transaction that overlaps all others.
const fn by(client: u64, operations: &'static [Did]) -> Sketch {
    Sketch {
        client,
        span: (0, 1),
        operations,
    }
}

/// One that comes after them.
const fn later(client: u64, operations: &'static [Did]) -> Sketch {
    Sketch {
        client,
        span: (2, 3),
        operations,
    }
}

/// A read that misses what had been acknowledged to another client.
const STALE: &[Sketch] = &[by(1, &[Append("x", 1)]), later(2, &[Read("x", &[])])];

/// A read that misses what its own client had done.
const FORGETFUL: &[Sketch] = &[by(1, &[Append("x", 1)]), later(1, &[Read("x", &[])])];

/// Each misses what the other writes.
const WRITE_SKEW: &[Sketch] = &[
    by(1, &[Read("x", &[]), Append("y", 1)]),
    by(2, &[Read("y", &[]), Append("x", 1)]),
];

/// Both change what both had read.
const LOST_UPDATE: &[Sketch] = &[
    by(1, &[Read("x", &[]), Append("x", 1)]),
    by(2, &[Read("x", &[]), Append("x", 2)]),
];

/// Two see two changes in opposite orders.
const LONG_FORK: &[Sketch] = &[
    by(1, &[Append("x", 1)]),
    by(2, &[Append("y", 1)]),
    by(3, &[Read("x", &[1]), Read("y", &[])]),
    by(4, &[Read("y", &[1]), Read("x", &[])]),
];

/// Sees one of two changes that were made together, by a later read than misses the other.
const HALF_BEFORE: &[Sketch] = &[
    by(1, &[Append("x", 1), Append("y", 1)]),
    by(2, &[Read("y", &[]), Read("x", &[1])]),
];

/// Sees one of two changes that were made together, and then misses the other.
const HALF_AFTER: &[Sketch] = &[
    by(1, &[Append("x", 1), Append("y", 1)]),
    by(2, &[Read("x", &[1]), Read("y", &[])]),
];

/// Sees what depends on a change, and then misses the change.
const BACKWARD: &[Sketch] = &[
    by(1, &[Append("x", 1)]),
    by(2, &[Read("x", &[1]), Append("y", 1)]),
    by(3, &[Read("y", &[1]), Read("x", &[])]),
];

/// Each sees what the other does.
const CIRCULAR: &[Sketch] = &[
    by(1, &[Append("x", 1), Read("y", &[1])]),
    by(2, &[Append("y", 1), Read("x", &[1])]),
];

const fn separation(stronger: G, weaker: G, history: &'static [Sketch]) -> Separation {
    Separation {
        stronger,
        weaker,
        history,
    }
}

/// One for each pair of [`super::IMPLICATIONS`] that histories of items without cursors can tell
/// apart: not *serializable* and *repeatable read*, which differ by predicates, and no pair whose
/// weaker level is *cursor stability*, which nothing shows to hold.
pub const SEPARATIONS: &[Separation] = &[
    separation(G::StrictSerializable, G::StrongSessionSerializable, STALE),
    separation(
        G::StrictSerializable,
        G::StrongSnapshotIsolation,
        WRITE_SKEW,
    ),
    separation(G::StrongSessionSerializable, G::Serializable, FORGETFUL),
    separation(
        G::StrongSessionSerializable,
        G::StrongSessionSnapshotIsolation,
        WRITE_SKEW,
    ),
    separation(
        G::StrongSnapshotIsolation,
        G::StrongSessionSnapshotIsolation,
        STALE,
    ),
    separation(
        G::StrongSessionSnapshotIsolation,
        G::SnapshotIsolation,
        FORGETFUL,
    ),
    separation(
        G::StrongSessionSnapshotIsolation,
        G::ParallelSnapshotIsolation,
        LONG_FORK,
    ),
    separation(
        G::StrongSessionSnapshotIsolation,
        G::PrefixConsistency,
        LOST_UPDATE,
    ),
    separation(G::Serializable, G::SnapshotIsolation, WRITE_SKEW),
    separation(G::Serializable, G::UpdateSerializable, LONG_FORK),
    separation(G::SnapshotIsolation, G::ConsistentView, LONG_FORK),
    separation(G::UpdateSerializable, G::ConsistentView, WRITE_SKEW),
    separation(G::ParallelSnapshotIsolation, G::ConsistentView, FORGETFUL),
    separation(
        G::ParallelSnapshotIsolation,
        G::TransactionalCausal,
        LOST_UPDATE,
    ),
    separation(G::PrefixConsistency, G::TransactionalCausal, LONG_FORK),
    separation(G::TransactionalCausal, G::ReadAtomic, FORGETFUL),
    separation(G::ConsistentView, G::ReadAtomic, LOST_UPDATE),
    separation(G::ConsistentView, G::MonotonicView, LOST_UPDATE),
    separation(G::RepeatableRead, G::ReadAtomic, WRITE_SKEW),
    separation(G::ReadAtomic, G::MonotonicAtomicView, HALF_BEFORE),
    separation(G::MonotonicView, G::MonotonicAtomicView, BACKWARD),
    separation(G::MonotonicAtomicView, G::ReadCommitted, HALF_AFTER),
    separation(G::CursorStability, G::ReadCommitted, LOST_UPDATE),
    separation(G::ReadCommitted, G::ReadUncommitted, CIRCULAR),
];
