//! Which level implies which.
//!
//! The implications are theorems over the definitions of `level`, for histories whose sessions
//! are in real time; tests hold them against random histories. As in Adya 1999 (figure 4-1) and
//! Cerone, Bernardi, Gotsman 2015, but:
//! - *serializable* implies *snapshot isolation*: Adya's snapshots have times that the system
//!   chooses, and the times of a serial order do (also Crooks et al., PODC 2017).
//! - *snapshot isolation* implies neither *prefix consistency* nor *parallel snapshot isolation*,
//!   for these keep the order of sessions; *strong session snapshot isolation* implies both.
//! - *repeatable read* implies *read atomic*, but not *consistent view*: a read of a predicate may
//!   be fractured there.

use polygraph_history::Guarantee as G;

/// The implications that follow from no others: the first of each pair implies the second.
pub const IMPLICATIONS: &[(G, G)] = &[
    (G::StrictSerializable, G::StrongSessionSerializable),
    (G::StrictSerializable, G::StrongSnapshotIsolation),
    (G::StrongSessionSerializable, G::Serializable),
    (
        G::StrongSessionSerializable,
        G::StrongSessionSnapshotIsolation,
    ),
    (
        G::StrongSnapshotIsolation,
        G::StrongSessionSnapshotIsolation,
    ),
    (G::StrongSessionSnapshotIsolation, G::SnapshotIsolation),
    (
        G::StrongSessionSnapshotIsolation,
        G::ParallelSnapshotIsolation,
    ),
    (G::StrongSessionSnapshotIsolation, G::PrefixConsistency),
    (G::Serializable, G::SnapshotIsolation),
    (G::Serializable, G::RepeatableRead),
    (G::Serializable, G::UpdateSerializable),
    (G::SnapshotIsolation, G::ConsistentView),
    (G::UpdateSerializable, G::ConsistentView),
    (G::ParallelSnapshotIsolation, G::ConsistentView),
    (G::ParallelSnapshotIsolation, G::TransactionalCausal),
    (G::PrefixConsistency, G::TransactionalCausal),
    (G::TransactionalCausal, G::ReadAtomic),
    (G::ConsistentView, G::ReadAtomic),
    (G::ConsistentView, G::MonotonicView),
    (G::ConsistentView, G::CursorStability),
    (G::RepeatableRead, G::ReadAtomic),
    (G::RepeatableRead, G::CursorStability),
    (G::ReadAtomic, G::MonotonicAtomicView),
    (G::MonotonicView, G::MonotonicAtomicView),
    (G::MonotonicAtomicView, G::ReadCommitted),
    (G::CursorStability, G::ReadCommitted),
    (G::ReadCommitted, G::ReadUncommitted),
];

/// All levels of transactions, each after all that imply it.
pub const LEVELS: &[G] = &[
    G::StrictSerializable,
    G::StrongSessionSerializable,
    G::Serializable,
    G::StrongSnapshotIsolation,
    G::StrongSessionSnapshotIsolation,
    G::SnapshotIsolation,
    G::ParallelSnapshotIsolation,
    G::PrefixConsistency,
    G::UpdateSerializable,
    G::RepeatableRead,
    G::ConsistentView,
    G::TransactionalCausal,
    G::ReadAtomic,
    G::MonotonicView,
    G::CursorStability,
    G::MonotonicAtomicView,
    G::ReadCommitted,
    G::ReadUncommitted,
];

/// Whether every history that keeps the first level keeps the second. Each implies itself.
#[must_use]
pub fn implies(stronger: G, weaker: G) -> bool {
    stronger == weaker
        || IMPLICATIONS
            .iter()
            .any(|&(from, to)| from == stronger && implies(to, weaker))
}
