//! The names of the guarantees, closed: what each means stands in the checkers' registry.

use std::fmt;
use std::str::FromStr;

macro_rules! guarantees {
    ($($variant:ident $name:literal $about:literal)*) => {
        /// A guarantee that a store may claim and a history may be asked for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Guarantee {
            $(#[doc = $about] $variant,)*
        }

        impl Guarantee {
            /// Every name, in the order in which they are shown.
            pub const ALL: &[Guarantee] = &[$(Guarantee::$variant),*];

            /// The name on the command line and in reports.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Guarantee::$variant => $name),* }
            }

            /// What it promises, in one sentence.
            #[must_use]
            pub const fn about(self) -> &'static str {
                match self { $(Guarantee::$variant => $about),* }
            }
        }
    };
}

guarantees! {
    Linearizable "linearizable"
        "Every operation seems to take effect at one instant between its invocation and its completion."
    ReadUncommitted "read-uncommitted"
        "Writes of different transactions are not interleaved: all keys agree on whose came first."
    ReadCommitted "read-committed"
        "Transactions read only what was committed, never what was aborted or overwritten before the commit, and no information flows in a circle."
    MonotonicAtomicView "monotonic-atomic-view"
        "Read committed, and once a transaction has seen one effect of another, it sees all its effects from then on."
    ReadAtomic "read-atomic"
        "A transaction sees of another either all its effects or none."
    TransactionalCausal "transactional-causal-consistency"
        "Every transaction sees all effects of those that it causally depends on, each as a whole."
    MonotonicView "monotonic-view"
        "Read committed, and what a transaction has seen at one moment it still sees, or something newer, at every later one."
    CursorStability "cursor-stability"
        "Read committed, and no update is lost of what a cursor stands on."
    ConsistentView "consistent-view"
        "A transaction reads a consistent state: none of what it sees depends on something that it misses."
    RepeatableRead "repeatable-read"
        "Serializable as far as single items are read, not the results of predicates."
    ParallelSnapshotIsolation "parallel-snapshot-isolation"
        "Each transaction reads a causally closed snapshot, and of two that write the same key one comes first; others may be seen in different orders."
    PrefixConsistency "prefix-consistency"
        "Each transaction reads a prefix of one order of all commits."
    SnapshotIsolation "snapshot-isolation"
        "Each transaction reads from a snapshot, a prefix of one order of all commits, and of two concurrent ones that write the same key only one commits."
    StrongSessionSnapshotIsolation "strong-session-snapshot-isolation"
        "Snapshot isolation, by snapshots that show at least all that the same session did before."
    StrongSnapshotIsolation "strong-snapshot-isolation"
        "Snapshot isolation, by snapshots that show at least all that had ended when the transaction began."
    UpdateSerializable "update-serializable"
        "The transactions that write are serializable, and each that only reads sees a state of some such order."
    Serializable "serializable"
        "Some order of the transactions, one after the other, explains everything that they saw."
    StrongSessionSerializable "strong-session-serializable"
        "Serializable, by an order that keeps that of each session."
    StrictSerializable "strict-serializable"
        "Serializable, by an order in which no transaction comes before one that had already ended when it began."
    ReadYourWrites "read-your-writes"
        "A session reads nothing older than what it has itself written."
    MonotonicReads "monotonic-reads"
        "A session reads nothing older than what it has already read."
    MonotonicWrites "monotonic-writes"
        "Whoever has seen a write of a session sees no older state of any key than its earlier writes left; decided together with monotonic reads."
    WritesFollowReads "writes-follow-reads"
        "Whoever has seen a write sees nothing older than what its session had read before; decided together with monotonic reads."
    Pram "pram"
        "Read-your-writes, monotonic reads and monotonic writes by one order: the writes of each session are seen in their order by all."
    Causal "causal"
        "Pram and writes-follow-reads by one order: whoever has seen an effect sees its causes, and concurrent writes have one order for all."
    ReadYourWritesAxiomatic "read-your-writes-axiomatic"
        "Read-your-writes, where writes of different sessions may be ordered against real time."
    MonotonicReadsAxiomatic "monotonic-reads-axiomatic"
        "Monotonic reads, where writes of different sessions may be ordered against real time."
    MonotonicWritesAxiomatic "monotonic-writes-axiomatic"
        "Monotonic writes, where writes of different sessions may be ordered against real time."
    WritesFollowReadsAxiomatic "writes-follow-reads-axiomatic"
        "Writes-follow-reads, where writes of different sessions may be ordered against real time."
    PramAxiomatic "pram-axiomatic"
        "Pram, where writes of different sessions may be ordered against real time."
    CausalAxiomatic "causal-axiomatic"
        "Causal consistency with convergence, where writes of different sessions may be ordered against real time."
    ConsistentPrefixTotal "consistent-prefix-total"
        "The reads of all clients are prefixes of one order that extends the real-time order of writes that do not overlap."
    ConstantSum "constant-sum"
        "Whoever reads all accounts at once sees the same total, whatever is moved between them."
    ExclusiveInsert "exclusive-insert"
        "Of two transactions that insert only if nothing matches their predicate yet, at most one commits."
    LogIntegrity "log-integrity"
        "Every acknowledged message of a log is delivered, at one offset, and nothing is that was not sent."
    LogOrder "log-order"
        "The messages of a log lie in the order in which each client sent them, and each client gets them in that order, without gaps."
    Converges "converges"
        "When faults have ended and writes have stopped, all replicas of a key soon answer alike."
    Durable "durable"
        "Nothing that was acknowledged is gone in the end."
    NoResurrection "no-resurrection"
        "An element whose removal was acknowledged does not come back without being added again."
    Available "available"
        "Operations on the side that the claim names are answered in time, faults or not."
    BoundedStaleness "bounded-staleness"
        "A read returns nothing that had been replaced for longer than the bound when it began."
    KAtomic "k-atomic"
        "One order of all operations extends real time, and each read returns one of the k latest versions in it."
    MutualExclusion "mutual-exclusion"
        "No two hold a lock at the same time, unless they share it."
    FencingTokens "fencing-tokens"
        "The tokens of a lock grow from holder to holder, and the storage takes no write with an older token than it has taken."
    UniqueIds "unique-ids"
        "No identifier is given out twice."
    OrderedIds "ordered-ids"
        "Who asks for an identifier after another was given out gets a greater one."
    AtMostOnce "at-most-once"
        "No element of a queue is delivered more often than it was put in."
    AtLeastOnce "at-least-once"
        "Every acknowledged element of a queue is delivered before the queue is found empty for good."
    ExactlyOnce "exactly-once"
        "Every acknowledged element of a queue is delivered, and none twice."
    FifoDelivery "fifo-delivery"
        "Elements of a queue are delivered in the order in which they were put in, one after the other."
    Agreement "agreement"
        "Nobody decides otherwise than another, nor than itself before."
    Validity "validity"
        "Only what was proposed is decided."
    OneLeaderPerEpoch "one-leader-per-epoch"
        "No epoch has two leaders."
    AtomicCommit "atomic-commit"
        "All participants of a transaction learn the same outcome, and none learns another later."
    UniqueClaim "unique-claim"
        "No name is acknowledged to two claimants."
    Recovers "recovers"
        "Every node answers again within the deadline after all faults have ended."
}

impl fmt::Display for Guarantee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Guarantee {
    type Err = String;

    fn from_str(text: &str) -> Result<Guarantee, String> {
        Guarantee::ALL
            .iter()
            .copied()
            .find(|g| g.name() == text)
            .ok_or_else(|| {
                let names: Vec<_> = Guarantee::ALL.iter().map(|g| g.name()).collect();
                format!(
                    "`{text}` is not a guarantee; there are {}",
                    names.join(", ")
                )
            })
    }
}
