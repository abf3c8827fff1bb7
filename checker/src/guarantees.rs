//! The registry: every guarantee that can be checked.

use polygraph_history::{Guarantee, History};

use crate::{
    Options, Verdict, available, coordination, isolation, linearizable, recovers, replicas,
    scenario, session, staleness,
};

/// A guarantee that can be checked.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Its name.
    pub guarantee: Guarantee,
    /// What counts as an opportunity: what must have happened for the answer to mean something.
    pub opportunity: &'static str,
    /// How many opportunities a test must give before *holds* is said. With 0 a test may be
    /// without any: a claim is then not exercised.
    pub minimum: u64,
    /// Decides it.
    pub check: fn(&History, &Options) -> Verdict,
}

/// Every guarantee that can be checked, in the order in which they are shown.
pub const GUARANTEES: &[Entry] = &[
    linearizable::ENTRY,
    isolation::READ_UNCOMMITTED,
    isolation::READ_COMMITTED,
    isolation::MONOTONIC_ATOMIC_VIEW,
    isolation::READ_ATOMIC,
    isolation::TRANSACTIONAL_CAUSAL,
    isolation::MONOTONIC_VIEW,
    isolation::CURSOR_STABILITY,
    isolation::CONSISTENT_VIEW,
    isolation::REPEATABLE_READ,
    isolation::PARALLEL_SNAPSHOT_ISOLATION,
    isolation::PREFIX_CONSISTENCY,
    isolation::SNAPSHOT_ISOLATION,
    isolation::STRONG_SESSION_SNAPSHOT_ISOLATION,
    isolation::STRONG_SNAPSHOT_ISOLATION,
    isolation::UPDATE_SERIALIZABLE,
    isolation::SERIALIZABLE,
    isolation::STRONG_SESSION_SERIALIZABLE,
    isolation::STRICT_SERIALIZABLE,
    session::READ_YOUR_WRITES,
    session::MONOTONIC_READS,
    session::MONOTONIC_WRITES,
    session::WRITES_FOLLOW_READS,
    session::PRAM,
    session::CAUSAL,
    session::READ_YOUR_WRITES_AXIOMATIC,
    session::MONOTONIC_READS_AXIOMATIC,
    session::MONOTONIC_WRITES_AXIOMATIC,
    session::WRITES_FOLLOW_READS_AXIOMATIC,
    session::PRAM_AXIOMATIC,
    session::CAUSAL_AXIOMATIC,
    scenario::CONSISTENT_PREFIX_TOTAL,
    scenario::CONSTANT_SUM,
    scenario::EXCLUSIVE_INSERT,
    scenario::LOG_INTEGRITY,
    scenario::LOG_ORDER,
    replicas::CONVERGES,
    replicas::DURABLE,
    replicas::NO_RESURRECTION,
    staleness::BOUNDED_STALENESS,
    staleness::K_ATOMIC,
    coordination::MUTUAL_EXCLUSION,
    coordination::FENCING_TOKENS,
    coordination::UNIQUE_IDS,
    coordination::ORDERED_IDS,
    coordination::AT_MOST_ONCE,
    coordination::AT_LEAST_ONCE,
    coordination::EXACTLY_ONCE,
    coordination::FIFO_DELIVERY,
    coordination::AGREEMENT,
    coordination::VALIDITY,
    coordination::ONE_LEADER,
    coordination::ATOMIC_COMMIT,
    coordination::UNIQUE_CLAIM,
    available::AVAILABLE,
    recovers::RECOVERS,
];

/// The checker of a guarantee, if there is one yet.
#[must_use]
pub fn entry(guarantee: Guarantee) -> Option<&'static Entry> {
    GUARANTEES.iter().find(|entry| entry.guarantee == guarantee)
}
