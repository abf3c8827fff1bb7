//! The anomalies that can be planted.

use std::fmt;

use polygraph_checker::isolation::implies;
use polygraph_history::Guarantee;

use super::script::{Script, script};
use super::{Plan, Workload};

macro_rules! anomalies {
    ($($variant:ident $name:literal $about:literal
       $of:ident [$($level:ident)*] $order:literal $clients:literal [$($txn:literal)*])*) => {
        /// An anomaly, by the name that Adya, Elle or the literature on its level gives it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Anomaly {
            $(#[doc = $about] $variant,)*
        }

        impl Anomaly {
            /// Every anomaly.
            pub const ALL: &[Anomaly] = &[$(Anomaly::$variant),*];

            /// The name, as on the command line.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Anomaly::$variant => $name),* }
            }

            /// What it is, in a sentence.
            #[must_use]
            pub const fn about(self) -> &'static str {
                match self { $(Anomaly::$variant => $about),* }
            }

            /// The weakest levels that rule it out; so do all that are stronger.
            #[must_use]
            pub const fn violates(self) -> &'static [Guarantee] {
                match self { $(Anomaly::$variant => &[$(Guarantee::$level),*]),* }
            }

            const fn of(self) -> Of {
                match self { $(Anomaly::$variant => Of::$of),* }
            }

            /// What its transactions do.
            pub(super) const fn script(self) -> Script {
                match self { $(Anomaly::$variant => script($order, $clients, &[$($txn),*])),* }
            }
        }
    };
}

/// Of what an anomaly can be proven.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    /// Of lists and registers.
    Both,
    /// Of lists only: of registers nobody knows which of two blind writes came first.
    Lists,
}

// Name, meaning, what it is of, the weakest levels that rule it out, and the script: in which
// order transactions begin (small letters) and end (capitals), whose clients they are, and what
// they do (see `script`).
anomalies! {
    G0 "G0"
        "Two transactions overwrite each other."
        Lists [ReadUncommitted]
        "abABcdCD" "1212" ["wx1 wy1" "wx2 wy2" "rx12" "ry21"]
    G1a "G1a"
        "A transaction reads what a failed one wrote."
        Both [ReadCommitted]
        "abAB" "12" ["!wx1" "rx1"]
    G1b "G1b"
        "A transaction reads what the writer overwrote itself."
        Both [ReadCommitted]
        "abAB" "12" ["wx1 wx2" "rx1"]
    G1c "G1c"
        "Each of two transactions reads what the other wrote."
        Both [ReadCommitted]
        "abAB" "12" ["wx1 ry1" "wy1 rx1"]
    GSingle "G-single"
        "A transaction misses a write on which what it reads depends."
        Both [TransactionalCausal ConsistentView RepeatableRead]
        "abcABC" "123" ["rx. ry1" "wx1 wz1" "rz1 wy1"]
    GNonadjacent "G-nonadjacent"
        "Each of two transactions misses what the other one saw, and both write."
        Both [PrefixConsistency SnapshotIsolation UpdateSerializable RepeatableRead]
        "abcdABCD" "1234" ["rx. rv1 wu1" "wx1" "rx1 rz. wt1" "wz1 wv1"]
    G2Item "G2-item"
        "Each of three transactions misses what the next one writes."
        Both [UpdateSerializable RepeatableRead]
        "abcABC" "123" ["rx. wy1" "ry. wz1" "rz. wx1"]
    LostUpdate "lost-update"
        "Two transactions change a key that both had read in the same state."
        Both [CursorStability]
        "abABcC" "121" ["rx. wx1" "rx. wx2" "rx12"]
    WriteSkew "write-skew"
        "Two transactions read two keys in the same state, and each writes one of them."
        Both [UpdateSerializable RepeatableRead]
        "abAB" "12" ["rx. ry. wx1" "rx. ry. wy1"]
    LongFork "long-fork"
        "Two readers see two writes in different orders."
        Both [PrefixConsistency SnapshotIsolation RepeatableRead]
        "abcdABCD" "1234" ["wx1" "wy1" "rx1 ry." "rx. ry1"]
    FracturedRead "fractured-read"
        "A transaction sees one of another's writes, and had missed the other one."
        Both [ReadAtomic]
        "abAB" "12" ["wx1 wy1" "rx. ry1"]
    GMonotonic "G-monotonic"
        "A transaction misses a write on which depends what it had read before."
        Both [TransactionalCausal MonotonicView RepeatableRead]
        "abcABC" "123" ["ry1 rx." "wx1 wz1" "rz1 wy1"]
    ObservedVanishes "observed-transaction-vanishes"
        "A transaction has seen one of another's writes, and then misses the other one."
        Both [MonotonicAtomicView]
        "abAB" "12" ["wx1 wy1" "rx1 ry."]
    DirtyUpdate "dirty-update"
        "A committed append stands on top of one of a failed transaction."
        Lists [ReadCommitted]
        "abABcC" "121" ["!wx1" "wx2" "rx12"]
    Internal "internal"
        "A transaction does not see what it wrote itself."
        Both [ReadAtomic]
        "aA" "1" ["wx1 rx."]
    FutureRead "future-read"
        "A transaction reads what it only writes afterwards."
        Both [ReadCommitted]
        "aA" "1" ["rx1 wx1"]
    DuplicateElements "duplicate-elements"
        "A list shows an element twice that was appended once."
        Lists [ReadUncommitted]
        "abAB" "12" ["wx1" "rx11"]
    IncompatibleOrder "incompatible-order"
        "Two reads show the elements of a list in different orders."
        Lists [ReadCommitted]
        "abABcdCD" "1212" ["wx1" "wx2" "rx12" "rx21"]
    ThinAirRead "thin-air-read"
        "A transaction reads what nobody wrote."
        Both [ReadUncommitted]
        "aA" "1" ["rx9"]
    G0Process "G0-process"
        "The second write of a session comes before its first."
        Lists [TransactionalCausal]
        "aAbBcC" "112" ["wx1" "wx2" "rx21"]
    G1cProcess "G1c-process"
        "A session reads what it only writes afterwards."
        Both [TransactionalCausal]
        "aAbB" "11" ["rx1" "wx1"]
    GSingleProcess "G-single-process"
        "A session misses what it wrote before."
        Both [TransactionalCausal]
        "aAbB" "11" ["wx1" "rx."]
    GNonadjacentProcess "G-nonadjacent-process"
        "Each of two sessions writes, and then misses what the other one wrote."
        Both [PrefixConsistency]
        "acACbdBD" "1122" ["wx1" "ry." "wy1" "rx."]
    G2ItemProcess "G2-item-process"
        "A session misses what a transaction wrote that had missed what the session wrote before."
        Both [StrongSessionSerializable]
        "caAbBC" "112" ["wy1" "rx." "wx1 ry."]
    G0Realtime "G0-realtime"
        "A write comes before one that had ended when it began."
        Lists [StrongSnapshotIsolation]
        "aAbBcC" "121" ["wx1" "wx2" "rx21"]
    G1cRealtime "G1c-realtime"
        "A transaction reads what is only written after its end."
        Both [StrongSnapshotIsolation]
        "aAbB" "12" ["rx1" "wx1"]
    GSingleRealtime "G-single-realtime"
        "A transaction misses what had been written before it began."
        Both [StrongSnapshotIsolation]
        "aAbB" "12" ["wx1" "rx."]
    GNonadjacentRealtime "G-nonadjacent-realtime"
        "Two readers see two writes in different orders, one of them because it came later."
        Both [StrongSnapshotIsolation]
        "abcCdDAB" "1234" ["wx1" "rx1 ry." "wy1" "rx."]
    G2ItemRealtime "G2-item-realtime"
        "A reader misses what a transaction wrote that had missed what had ended before the reader."
        Both [StrictSerializable]
        "caAbBC" "132" ["wy1" "rx." "wx1 ry."]
}

impl Anomaly {
    /// The smallest history of it: one that has nothing else. Of lists.
    #[must_use]
    pub fn alone(self) -> Plan {
        let script = self.script();
        Plan {
            clients: script.clients(),
            transactions: script.transactions(),
            anomaly: Some(self),
            ..Plan::default()
        }
    }

    /// Whether one level rules it out, and another does not.
    #[must_use]
    pub fn separates(self, stronger: Guarantee, weaker: Guarantee) -> bool {
        let rules_out = |level| self.violates().iter().any(|&it| implies(level, it));
        rules_out(stronger) && !rules_out(weaker)
    }

    /// Whether histories of a workload can prove it.
    #[must_use]
    pub fn fits(self, workload: Workload) -> bool {
        workload == Workload::Append || self.of() == Of::Both
    }

    /// Whether it is one of real time.
    pub(super) fn needs_times(self) -> bool {
        self.name().ends_with("-realtime")
    }

    /// Whether one of its transactions fails.
    pub(super) fn needs_failure(self) -> bool {
        self.script().needs_failure()
    }
}

impl fmt::Display for Anomaly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
