//! Session guarantees: what one session may expect of what it has itself done and seen.
//!
//! - [`READ_YOUR_WRITES`], [`MONOTONIC_READS`]: the registry's entries; [`check`]: any set of
//!   rules at once. [`Proof`], [`confirm`]: the evidence.
//!
//! The definitions are axiomatic (Viotti and Vukolić, *Consistency in non-transactional
//! distributed storage systems*, ACM CSUR 2016): what is *visible* to a read is the least that the
//! [`Rules`] demand, and a read returns the latest visible write in one *arbitration order* of the
//! writes of its key. The plain guarantees demand besides that this order extends the real-time
//! order of writes that do not overlap, session order, and what the data prove: a compare-and-set
//! immediately follows what it replaced, and lists show their order.
//!
//! With unique values this is exact: visibility is a least fixpoint, every rule turns it into
//! constraints on the order, and an order exists exactly if these have no cycle. Values that
//! several operations wrote are resolved where every possibility gives the same answer; else the
//! key is unknown, as it is where the orders contradict each other without any rule, where a read
//! returned what nobody wrote (an aborted or phantom read is another anomaly), and where the
//! types of operations are mixed. Failed operations, failed compare-and-sets among them, and
//! indeterminate reads say nothing; indeterminate writes exist only if somebody saw them.
//!
//! **Invariant:** linearizable histories keep every guarantee here.

mod confirm;
mod confirm_links;
mod context;
mod elements;
mod evidence;
mod example;
mod graph;
mod log;
mod orders;
mod register;

use std::collections::{BTreeMap, BTreeSet};

use polygraph_history::{Guarantee, History, Key, Value};
use rayon::prelude::*;
use rustc_hash::FxHashSet;

pub use self::confirm::confirm;
use self::context::Context;
use self::elements::Checked;
use self::evidence::Case;
pub use self::example::{Act, example};
use self::log::{KeyLog, Shape, Split, split};
use self::orders::Judged;
use self::register::{Doubt, Register};
use crate::{Entry, Options, Reason, Validity, Verdict};

/// A set of rules that make writes visible to the reads of a session. All of a set are asked
/// jointly: one order of writes must do for all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Read your writes: a session's own acknowledged writes are visible to its later reads.
    pub own_writes: bool,
    /// Monotonic reads: what a session has seen is visible to its later reads.
    pub seen_reads: bool,
    /// Monotonic writes: whoever sees a write sees every earlier write of its session.
    pub session_writes: bool,
    /// Writes follow reads: whoever sees a write sees what its session had read before.
    pub read_context: bool,
    /// Whether the order of the writes of a key extends the real-time order of those that do not
    /// overlap (the plain forms) or need not (the axiomatic forms).
    pub real_time: bool,
}

impl Rules {
    /// No rule, by orders that extend real time.
    pub const NONE: Rules = Rules {
        own_writes: false,
        seen_reads: false,
        session_writes: false,
        read_context: false,
        real_time: true,
    };
    /// Only read-your-writes.
    pub const READ_YOUR_WRITES: Rules = Rules {
        own_writes: true,
        ..Rules::NONE
    };
    /// Only monotonic-reads.
    pub const MONOTONIC_READS: Rules = Rules {
        seen_reads: true,
        ..Rules::NONE
    };
    /// Only monotonic writes.
    pub const MONOTONIC_WRITES: Rules = Rules {
        session_writes: true,
        ..Rules::NONE
    };
    /// Only writes-follow-reads.
    pub const WRITES_FOLLOW_READS: Rules = Rules {
        read_context: true,
        ..Rules::NONE
    };
    /// Read-your-writes, monotonic reads and monotonic writes by one order: PRAM.
    pub const PRAM: Rules = Rules {
        session_writes: true,
        ..Rules::BOTH
    };
    /// All of them by one order: causal consistency.
    pub const CAUSAL: Rules = Rules {
        read_context: true,
        ..Rules::PRAM
    };
    /// Both, by one order.
    pub const BOTH: Rules = Rules {
        own_writes: true,
        seen_reads: true,
        ..Rules::NONE
    };

    /// What two sets ask for together; `None` if one counts real time and the other does not.
    #[must_use]
    pub const fn and(self, other: Rules) -> Option<Rules> {
        if self.real_time != other.real_time {
            return None;
        }
        Some(Rules {
            own_writes: self.own_writes || other.own_writes,
            seen_reads: self.seen_reads || other.seen_reads,
            session_writes: self.session_writes || other.session_writes,
            read_context: self.read_context || other.read_context,
            real_time: self.real_time,
        })
    }

    /// The same without real time.
    #[must_use]
    pub const fn axiomatic(self) -> Rules {
        Rules {
            real_time: false,
            ..self
        }
    }
}

/// A step of an operation, by the position of the invocation's event; single operations have
/// one step, transactions one for each micro-operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct At {
    /// The event that began the operation.
    pub event: u64,
    /// The step inside a transaction, counted from zero.
    pub step: usize,
}

/// What a step does: a compare-and-set reads and then writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The step.
    pub at: At,
    /// Whether its write is meant, and not its read.
    pub writes: bool,
}

/// Why one thing comes before another, whatever their keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    /// One session did both, and the rules carry from one to the other.
    Session {
        /// The earlier one.
        before: Place,
        /// The later one.
        after: Place,
    },
    /// A read returned a write.
    ReadsFrom {
        /// The write.
        write: At,
        /// The read.
        read: At,
    },
    /// A write had ended before another of its key began.
    RealTime {
        /// The earlier one.
        before: At,
        /// The later one.
        after: At,
    },
    /// A compare-and-set replaced a write.
    Replaced {
        /// What it replaced.
        from: At,
        /// The compare-and-set.
        to: At,
    },
    /// A write was visible to a read, which returned another.
    Saw {
        /// From the visible write to the read, by sessions and by what reads returned.
        path: Vec<Place>,
        /// What the read returned.
        returned: At,
    },
}

/// What a proof is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The rules that the proof may use.
    pub rules: Rules,
    /// The key.
    pub key: Key,
    /// The element of a set whose presence is the register in question.
    pub element: Option<Value>,
}

/// A fact: one write comes before another in every order that is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact {
    /// The session had to see one write when it read another.
    Saw {
        /// The write that it had to see.
        visible: At,
        /// Its own operation by which it had to: this write itself, or a read that returned it.
        because: At,
        /// What its later read returned.
        returned: At,
        /// That read.
        read: At,
    },
    /// One write had ended before another began.
    RealTime {
        /// The earlier one.
        before: At,
        /// The later one.
        after: At,
    },
    /// One session made both, one after the other.
    Session {
        /// The earlier one.
        before: At,
        /// The later one.
        after: At,
    },
    /// The initial value was there before everything.
    Initial {
        /// What came later.
        after: At,
    },
}

/// Evidence that a session saw what it must not.
#[derive(Clone, Debug)]
pub enum Proof {
    /// Whoever wrote what a read returned had ended before a visible write began, or the read
    /// returned the initial value.
    Stale {
        /// What it is about.
        subject: Subject,
        /// The write that the session had to see.
        visible: At,
        /// By which operation it had to.
        because: At,
        /// The read.
        read: At,
    },
    /// Facts that go in a circle. Where one ends at another write than the next begins at, both
    /// are of one chain of compare-and-sets, which no other write can interrupt.
    Cycle {
        /// What it is about.
        subject: Subject,
        /// The facts, in order; the last leads to the first.
        facts: Vec<Fact>,
    },
    /// A read lacks an element that nobody removes.
    Missing {
        /// What it is about; the element is the one that is missing.
        subject: Subject,
        /// The session's own add, or its earlier read that listed the element.
        because: At,
        /// The read.
        read: At,
    },
    /// A read lists two elements in the reverse of the order that the session knows.
    Reversed {
        /// What it is about.
        subject: Subject,
        /// The elements, in the order in which they should be.
        elements: (Value, Value),
        /// The session's own appends of them, or its earlier read twice.
        because: (At, At),
        /// The read.
        read: At,
    },
    /// A write was visible to a read that returned the initial value.
    Unseen {
        /// The rules that the proof may use.
        rules: Rules,
        /// From the write to the read, by sessions and by what reads returned.
        path: Vec<Place>,
    },
    /// Links that go in a circle.
    Circle {
        /// The rules that the proof may use.
        rules: Rules,
        /// The links, in order; the last leads to the first.
        links: Vec<Link>,
    },
}

macro_rules! entries {
    ($($name:ident $guarantee:ident $rules:expr, $opportunity:literal;)*) => {
        $(
            /// The registry's entry.
            pub const $name: Entry = Entry {
                guarantee: Guarantee::$guarantee,
                opportunity: $opportunity,
                minimum: 1,
                check: |history: &History, options: &Options| {
                    check(history, options, Guarantee::$guarantee, $rules)
                },
            };
        )*

        /// The rules of a session guarantee; `None` for all others.
        #[must_use]
        pub const fn rules(guarantee: Guarantee) -> Option<Rules> {
            match guarantee {
                $(Guarantee::$guarantee => Some($rules),)*
                _ => None,
            }
        }
    };
}

entries! {
    READ_YOUR_WRITES ReadYourWrites Rules::READ_YOUR_WRITES,
        "reads of keys that the session wrote before";
    MONOTONIC_READS MonotonicReads Rules::MONOTONIC_READS,
        "reads of keys that the session read before";
    MONOTONIC_WRITES MonotonicWrites Rules::MONOTONIC_WRITES,
        "reads of keys of which another write than the one returned had to be visible";
    WRITES_FOLLOW_READS WritesFollowReads Rules::WRITES_FOLLOW_READS,
        "reads of keys of which another write than the one returned had to be visible";
    PRAM Pram Rules::PRAM,
        "reads of keys of which another write than the one returned had to be visible";
    CAUSAL Causal Rules::CAUSAL,
        "reads of keys of which another write than the one returned had to be visible";
    READ_YOUR_WRITES_AXIOMATIC ReadYourWritesAxiomatic Rules::READ_YOUR_WRITES.axiomatic(),
        "reads of keys that the session wrote before";
    MONOTONIC_READS_AXIOMATIC MonotonicReadsAxiomatic Rules::MONOTONIC_READS.axiomatic(),
        "reads of keys that the session read before";
    MONOTONIC_WRITES_AXIOMATIC MonotonicWritesAxiomatic Rules::MONOTONIC_WRITES.axiomatic(),
        "reads of keys of which another write than the one returned had to be visible";
    WRITES_FOLLOW_READS_AXIOMATIC WritesFollowReadsAxiomatic
        Rules::WRITES_FOLLOW_READS.axiomatic(),
        "reads of keys of which another write than the one returned had to be visible";
    PRAM_AXIOMATIC PramAxiomatic Rules::PRAM.axiomatic(),
        "reads of keys of which another write than the one returned had to be visible";
    CAUSAL_AXIOMATIC CausalAxiomatic Rules::CAUSAL.axiomatic(),
        "reads of keys of which another write than the one returned had to be visible";
}

/// What was found about a key.
enum Found<'h> {
    Register(Box<Judged<'h>>),
    Elements(&'h Key, Checked<'h>),
    Mixed,
}

impl<'h> Found<'h> {
    fn new(history: &'h History, log: &KeyLog<'h>, rules: Rules) -> Found<'h> {
        match log.shape() {
            Shape::Register => {
                let register = Register::of(history, log.key, &log.parts);
                Found::Register(Box::new(Judged::new(register, rules)))
            }
            Shape::Set | Shape::List => {
                Found::Elements(log.key, elements::check(history, log, rules))
            }
            Shape::Mixed => Found::Mixed,
        }
    }

    fn opportunities(&self) -> u64 {
        match self {
            Found::Register(judged) => judged.swept.opportunities,
            Found::Elements(_, checked) => checked.opportunities,
            Found::Mixed => 0,
        }
    }

    fn doubts(&self) -> BTreeSet<Doubt> {
        match self {
            Found::Register(judged) => judged.decided.doubts.iter().copied().collect(),
            Found::Elements(_, checked) => checked.doubts.iter().copied().collect(),
            Found::Mixed => BTreeSet::from([Doubt::MixedTypes]),
        }
    }

    /// Everything that wants an explanation.
    fn cases(&self) -> Vec<Case<'_, 'h>> {
        let of = |judged: &'_ Judged<'h>| 0..judged.decided.violations.len();
        match self {
            Found::Register(judged) => of(judged).map(|at| Case::Violation(judged, at)).collect(),
            Found::Elements(key, checked) => {
                let breaches = checked
                    .breaches
                    .iter()
                    .map(|breach| Case::Breach(key, breach));
                let removable = checked.removable.iter();
                let removable = removable
                    .flat_map(|judged| of(judged).map(move |at| Case::Violation(judged, at)));
                breaches.chain(removable).collect()
            }
            Found::Mixed => Vec::new(),
        }
    }
}

/// Decides a set of rules; the verdict carries the name that is given.
#[must_use]
pub fn check(history: &History, options: &Options, name: Guarantee, rules: Rules) -> Verdict {
    let split = split(history);
    if !rules.session_writes && !rules.read_context {
        return keyed(history, &split, options, name, rules).0;
    }
    let within = Rules {
        session_writes: false,
        read_context: false,
        ..rules
    };
    // Whoever reads single keys sees things together only by monotonic reads.
    let together = Rules {
        seen_reads: true,
        ..within
    };
    if rules.own_writes && !rules.seen_reads {
        let (alone, _) = keyed(history, &split, options, name, within);
        if alone.validity == Validity::Violated {
            return alone;
        }
    }
    if !rules.seen_reads {
        let seen = Rules {
            own_writes: false,
            ..together
        };
        let (mut reads, _) = keyed(history, &split, options, name, seen);
        if reads.validity == Validity::Violated {
            reads.anomalies.clear();
            reads.anomaly_count = 0;
            reads.warnings.push(format!(
                "no-monotonic-reads: monotonic-reads are violated by themselves, so that reads of \
                 single keys do not tell of {name}"
            ));
            return reads.unknown(Reason::NotObservable);
        }
    }
    let (mut verdict, cyclic) = keyed(history, &split, options, name, together);
    if verdict.validity == Validity::Violated || split.ok == 0 {
        return verdict;
    }
    let all = (0..).zip(&split.keys);
    let registers: Vec<(u32, &KeyLog<'_>)> = all
        .filter(|(_, log)| log.shape() == Shape::Register)
        .collect();
    let full = Rules {
        seen_reads: true,
        ..rules
    };
    let context = Context::new(history, full, &registers);
    let found = context::decide(&context, &cyclic);
    verdict.opportunities = found.opportunities;
    let mut doubted: BTreeMap<Doubt, Vec<&Key>> = BTreeMap::new();
    for log in &split.keys {
        if matches!(log.shape(), Shape::Set | Shape::List) {
            doubted.entry(Doubt::Elements).or_default().push(log.key);
        }
    }
    let new: BTreeSet<(Doubt, u32)> = found.doubts.iter().copied().collect();
    for (doubt, key) in new {
        let key = split.keys[key as usize].key;
        doubted.entry(doubt).or_default().push(key);
    }
    for (doubt, keys) in &doubted {
        let warning = warning(*doubt, keys, name);
        if !verdict.warnings.contains(&warning) {
            verdict.warnings.push(warning);
        }
    }
    if !found.conflicts.is_empty() {
        verdict.validity = Validity::Violated;
        verdict.reason = None;
        verdict.anomaly_count = found.conflicts.len() as u64;
        let told = found.conflicts.iter().take(options.max_anomalies);
        verdict.anomalies = told
            .map(|conflict| context::tell(&context, conflict))
            .collect();
        return verdict;
    }
    match doubted.is_empty() || verdict.validity == Validity::Unknown {
        true => verdict,
        false => verdict.unknown(Reason::NotObservable),
    }
}

/// Decides the rules that matter within one key, and tells of which keys the orders contradict
/// each other.
fn keyed(
    history: &History,
    split: &Split<'_>,
    options: &Options,
    name: Guarantee,
    rules: Rules,
) -> (Verdict, FxHashSet<u32>) {
    let mut cyclic = FxHashSet::default();
    let mut verdict = Verdict::holds(name, "saturation");
    verdict.operations_checked = split.operations;
    verdict.indeterminate = split.indeterminate;
    if split.ok == 0 {
        let verdict = verdict.unknown(match split.operations {
            0 => Reason::NotApplicable,
            _ => Reason::TooFewOpportunities,
        });
        return (verdict, cyclic);
    }
    let keys: Vec<KeyResult<'_>> = split
        .keys
        .par_iter()
        .map(|log| KeyResult::new(Found::new(history, log, rules)))
        .collect();
    let mut doubted: BTreeMap<Doubt, Vec<&Key>> = BTreeMap::new();
    for ((log, result), number) in split.keys.iter().zip(&keys).zip(0..) {
        if result.doubts.contains(&Doubt::CyclicOrders) {
            cyclic.insert(number);
        }
        verdict.opportunities += result.opportunities;
        for &doubt in &result.doubts {
            doubted.entry(doubt).or_default().push(log.key);
        }
    }
    for (doubt, keys) in &doubted {
        verdict.warnings.push(warning(*doubt, keys, name));
    }
    let violated = keys.iter().filter_map(|result| result.violated.as_ref());
    let mut cases: Vec<Case<'_, '_>> = violated.flat_map(Found::cases).collect();
    verdict.anomaly_count = cases.len() as u64;
    if !cases.is_empty() {
        cases.sort_by_key(|case| (case.read().operation, case.read().step));
        cases.truncate(options.max_anomalies);
        verdict.validity = Validity::Violated;
        verdict.anomalies = evidence::explain(history, rules, &cases);
        return (verdict, cyclic);
    }
    let verdict = match doubted.is_empty() {
        true => verdict,
        false => verdict.unknown(Reason::NotObservable),
    };
    (verdict, cyclic)
}

/// What is kept of a key: the details only if there is something to explain.
struct KeyResult<'h> {
    opportunities: u64,
    doubts: BTreeSet<Doubt>,
    violated: Option<Found<'h>>,
}

impl<'h> KeyResult<'h> {
    fn new(found: Found<'h>) -> KeyResult<'h> {
        KeyResult {
            opportunities: found.opportunities(),
            doubts: found.doubts(),
            violated: (!found.cases().is_empty()).then_some(found),
        }
    }
}

/// What a reader should know of keys that stay unknown.
fn warning(doubt: Doubt, keys: &[&Key], name: Guarantee) -> String {
    const NAMED: usize = 3;
    let mut list: Vec<String> = keys.iter().take(NAMED).map(|key| key.to_string()).collect();
    if keys.len() > NAMED {
        list.push(format!("… {} keys in all", keys.len()));
    }
    let list = list.join(", ");
    let (id, why) = match doubt {
        Doubt::CyclicOrders => (
            "cyclic-version-order",
            "real-time order, session order and the data contradict each other",
        ),
        Doubt::AmbiguousValue => (
            "ambiguous-value",
            "a value that was read may come from several operations",
        ),
        Doubt::PhantomValue => (
            "phantom-value",
            "a value was read that nobody wrote, or only an operation that failed",
        ),
        Doubt::OpenOrder => (
            "open-order",
            "it stays open whether compare-and-sets can follow immediately what they replaced",
        ),
        Doubt::Elements => (
            "elements",
            "what writes bring with them is decided on registers, not on sets and lists",
        ),
        Doubt::MixedTypes => ("mixed-types", "operations of several data types were done"),
    };
    format!("{id}: {why}; what is not violated of {name} there is unknown (key {list})")
}
