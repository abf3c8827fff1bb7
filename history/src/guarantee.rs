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
    Serializable "serializable"
        "Some order of the transactions, one after the other, explains everything that they saw."
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
    Converges "converges"
        "When faults have ended and writes have stopped, all replicas of a key soon answer alike."
    Durable "durable"
        "Nothing that was acknowledged is gone in the end."
    Available "available"
        "Operations on the side that the claim names are answered in time, faults or not."
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
