//! What each level proscribes, over the dependencies of the transactions.
//!
//! Each level is anomalies that need no cycle, and cycles of a shape, by data and some orders
//! besides. A level of *items*: where there are predicates, only those levels look at them that
//! say so.
//!
//! | level | cycles that it proscribes | source |
//! |---|---|---|
//! | read uncommitted | of *ww* (G0) | Adya 1999, PL-1 |
//! | read committed | of *ww* and *wr* (G1c) | Adya, PL-2 |
//! | monotonic atomic view | G1c; *wr* in and, by a later read, missing the same writer | Bailis et al., VLDB 7(3), 2013 |
//! | read atomic | G1c; *wr* in and missing the same writer | Cerone, Bernardi, Gotsman, CONCUR 2015 |
//! | transactional causal | G1c and sessions; (session ∪ *wr*)⁺ in and missing that writer | Biswas, Enea, OOPSLA 2019 |
//! | monotonic view | one *rw*, of a read after what closes the cycle | Adya, PL-2L |
//! | cursor stability | not to be seen without cursors | Adya, PL-CS |
//! | consistent view | at most one *rw* | Adya, PL-2+ |
//! | repeatable read | any, of items | Adya, PL-2.99 |
//! | parallel snapshot isolation | at most one *rw*, with sessions | Cerone, Gotsman, J. ACM 65(2), 2018 |
//! | prefix consistency | each *rw* right after a *wr* or session step | Biswas, Enea, axiom Prefix |
//! | snapshot isolation | no two *rw* in a row; strong session: with sessions; strong: with real time | Cerone, Gotsman, theorem 9 |
//! | update serializable | any, with at most one transaction that only reads | Adya, PL-3U |
//! | serializable | any; strong session: with sessions; strict: with real time | Adya, PL-3 |
//!
//! Where documents differ:
//! - A read of a list depends on the author of its last element only, as a read of a version does
//!   in Adya's and Elle's model; a store of the list as one value promises no more.
//! - *Read uncommitted* says nothing of reads, so that contradictory reads leave open in which
//!   order the writes came: then it is *not observable*. An unknown transaction that was observed
//!   need not have been committed there, so that it counts only from *read committed* on.
//! - *Internal* contradictions count from *read atomic*, *consistent view* and *repeatable read*
//!   on, as axiom INT (Cerone et al.) and as Adya's histories demand (section 4.2.1); weaker
//!   levels are given the benefit of the doubt, as in Elle.
//! - Sessions are part of causality, and so of *causal*, *prefix* and *parallel snapshot
//!   isolation*, but not of plain *snapshot isolation*, which therefore does not imply them;
//!   *strong session snapshot isolation* does.
//! - *Cursor stability*: two transactions that read an item in one state and then both changed it
//!   count against it, as in Elle; that no cursor lost anything else cannot be seen.

use polygraph_history::Guarantee;

use crate::graph::Labels;

use super::Kind;
use super::relations::{DATA, IN_SESSION, PREDICATE, PROCESS, REALTIME, WR, WW};

/// A level.
#[derive(Clone, Copy, Debug)]
pub(super) struct Level {
    pub(super) guarantee: Guarantee,
    /// The edges that may be part of a cycle that it proscribes.
    pub(super) labels: Labels,
    pub(super) shape: Shape,
}

/// The shape of the cycles that a level proscribes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Writes of transactions that said that they took place.
    Writes,
    /// All.
    Any,
    /// All, but that none is found does not mean that it holds.
    NeverShown,
    /// A transaction sees one write of another and misses a second one, by a later read if so.
    Fractured { later: bool },
    /// A transaction misses a write of what it depends on by sessions and reads.
    Causal,
    /// A read misses what an earlier operation of the same transaction depends on.
    Monotonic,
    /// At most one read that missed a write.
    OneMissed,
    /// Each read that missed a write right after a read of what was written, or a session's step.
    Prefix,
    /// No two reads that missed a write in a row.
    NoneInARow,
    /// At most one transaction that only reads.
    OneReader,
}

impl Level {
    /// The level of this name, if it is one of transactions.
    pub(super) const fn of(guarantee: Guarantee) -> Option<Level> {
        use Guarantee as G;
        let (labels, shape) = match guarantee {
            G::ReadUncommitted => (WW, Shape::Writes),
            G::ReadCommitted => (WW | WR, Shape::Any),
            G::MonotonicAtomicView => (DATA, Shape::Fractured { later: true }),
            G::ReadAtomic => (DATA, Shape::Fractured { later: false }),
            G::TransactionalCausal => (DATA | IN_SESSION, Shape::Causal),
            G::MonotonicView => (DATA, Shape::Monotonic),
            G::CursorStability => (WW | WR, Shape::NeverShown),
            G::ConsistentView => (DATA, Shape::OneMissed),
            G::RepeatableRead => (DATA & !PREDICATE, Shape::Any),
            G::ParallelSnapshotIsolation => (DATA | IN_SESSION, Shape::OneMissed),
            G::PrefixConsistency => (DATA | IN_SESSION, Shape::Prefix),
            G::SnapshotIsolation => (DATA, Shape::NoneInARow),
            G::StrongSessionSnapshotIsolation => (DATA | IN_SESSION, Shape::NoneInARow),
            G::StrongSnapshotIsolation => (DATA | PROCESS | REALTIME, Shape::NoneInARow),
            G::UpdateSerializable => (DATA, Shape::OneReader),
            G::Serializable => (DATA, Shape::Any),
            G::StrongSessionSerializable => (DATA | IN_SESSION, Shape::Any),
            G::StrictSerializable => (DATA | PROCESS | REALTIME, Shape::Any),
            _ => return None,
        };
        Some(Level {
            guarantee,
            labels,
            shape,
        })
    }

    /// Whether an anomaly that needs no cycle contradicts this level.
    pub(super) const fn proscribes(self, kind: Kind) -> bool {
        use Guarantee as G;
        match kind {
            Kind::ThinAirRead | Kind::DuplicateElements => true,
            Kind::CyclicVersions
            | Kind::IncompatibleOrder
            | Kind::FutureRead
            | Kind::G1a
            | Kind::DirtyUpdate
            | Kind::G1b => !matches!(self.guarantee, G::ReadUncommitted),
            Kind::Internal => !matches!(
                self.guarantee,
                G::ReadUncommitted
                    | G::ReadCommitted
                    | G::MonotonicAtomicView
                    | G::MonotonicView
                    | G::CursorStability
            ),
            Kind::LostUpdate => matches!(
                self.guarantee,
                G::CursorStability
                    | G::ConsistentView
                    | G::RepeatableRead
                    | G::ParallelSnapshotIsolation
                    | G::SnapshotIsolation
                    | G::StrongSessionSnapshotIsolation
                    | G::StrongSnapshotIsolation
                    | G::UpdateSerializable
                    | G::Serializable
                    | G::StrongSessionSerializable
                    | G::StrictSerializable
            ),
            Kind::PredicateReadMiss => matches!(
                self.guarantee,
                G::Serializable | G::StrongSessionSerializable | G::StrictSerializable
            ),
            // Found by their cycles.
            Kind::FracturedRead
            | Kind::GMonotonic
            | Kind::WriteSkew
            | Kind::LongFork
            | Kind::Cycle(..) => false,
        }
    }
}
