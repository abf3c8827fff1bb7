//! Coordination: locks and fencing tokens, identifiers, delivery from queues, decisions.
//!
//! - The entries of the registry stand here, one beside the other; [`Proof`], `confirm`: the
//!   evidence. `locks`, `ids`, `queues`, `decisions`: how each is decided.
//!
//! Unlike linearizability these promise little, so that stores may keep them that are not
//! linearizable at all. Each is decided from what certainly took place: nothing is said of
//! operations that failed or whose outcome is not known, except where these might explain away
//! what is missing.
//!
//! Decisions have no operation of their own. They are read from these custom ones, with any text
//! or number as an argument:
//!
//! | name | arguments | promise |
//! |---|---|---|
//! | `propose`, `decide` | `instance`, `value` | `agreement`, `validity` |
//! | `lead` | `epoch`, `leader` | `one-leader-per-epoch` |
//! | `resolve` | `transaction`, `outcome` | `atomic-commit` |
//! | `claim` | `name`, `by` | `unique-claim` |
//! | `fenced-write` | `key`, `token` | `fencing-tokens` |

mod confirm;
mod decisions;
mod ids;
mod locks;
mod queues;

use polygraph_history::{Guarantee, History, Key, Op, OperationId, Outcome};

pub(crate) use self::confirm::confirm;
use crate::{Anomaly, Entry, Options, Reason, Validity, Verdict};

/// Evidence. Operations are named by the events that began them.
#[derive(Clone, Debug)]
pub enum Proof {
    /// Two operations of which the promise allows only one, or not in this order.
    Pair {
        /// The promise.
        guarantee: Guarantee,
        /// One operation.
        left: u64,
        /// The other.
        right: u64,
    },
    /// Two held a lock at once: of each the acquisition and the release.
    Held {
        /// One holder.
        first: (u64, u64),
        /// The other.
        second: (u64, u64),
    },
    /// An element was taken more often than it was put in.
    Repeated {
        /// So many takings, one more than there were puttings.
        takings: Vec<u64>,
    },
    /// An element was put in before the queue was found empty, and nobody took it.
    Undelivered {
        /// Who put it in.
        put: u64,
        /// Who found the queue empty, last of all.
        empty: u64,
    },
    /// Two elements were put in one after the other and taken in the reverse order.
    Overtaken {
        /// The earlier element: put in and taken.
        first: (u64, u64),
        /// The later one.
        second: (u64, u64),
    },
    /// A decision for what nobody had proposed.
    Invented {
        /// The decision.
        decision: u64,
    },
}

macro_rules! entries {
    ($($name:ident $guarantee:ident $check:expr, $opportunity:literal;)*) => {
        $(
            /// The registry's entry.
            pub const $name: Entry = Entry {
                guarantee: Guarantee::$guarantee,
                opportunity: $opportunity,
                minimum: 1,
                check: $check,
            };
        )*
    };
}

entries! {
    MUTUAL_EXCLUSION MutualExclusion locks::mutual_exclusion,
        "times that a lock was held, from the end of its acquisition to the begin of its release";
    FENCING_TOKENS FencingTokens locks::fencing_tokens,
        "acquisitions with a token and writes that carry one";
    UNIQUE_IDS UniqueIds ids::unique, "identifiers that were given out";
    ORDERED_IDS OrderedIds ids::ordered, "identifiers that were given out";
    AT_MOST_ONCE AtMostOnce queues::at_most_once, "elements that were taken";
    AT_LEAST_ONCE AtLeastOnce queues::at_least_once,
        "elements that were put into a queue which was later found empty";
    EXACTLY_ONCE ExactlyOnce queues::exactly_once,
        "elements that were put into a queue which was later found empty";
    FIFO_DELIVERY FifoDelivery queues::fifo, "elements that were put in once and taken once";
    AGREEMENT Agreement decisions::agreement, "decisions of the same instance";
    VALIDITY Validity decisions::validity, "decisions";
    ONE_LEADER OneLeaderPerEpoch decisions::one_leader, "leaders of the same epoch";
    ATOMIC_COMMIT AtomicCommit decisions::atomic_commit, "outcomes of the same transaction";
    UNIQUE_CLAIM UniqueClaim decisions::unique_claim, "acknowledged claims of the same name";
}

/// The promises that a history is made for, told by custom operations that no other history has.
#[must_use]
pub fn recognise(history: &History) -> &'static [Guarantee] {
    // Those that are transactions are not spelled out for this.
    let others = history.operations().iter();
    let names = others
        .filter(|it| history.micros(it).is_none())
        .filter_map(|it| match history.op(it) {
            Op::Custom { name, .. } => Some(name.as_str()),
            _ => None,
        });
    let told = names.filter_map(|name| {
        Some::<&'static [Guarantee]>(match name {
            "propose" | "decide" => &[Guarantee::Agreement, Guarantee::Validity],
            "lead" => &[Guarantee::OneLeaderPerEpoch],
            "resolve" => &[Guarantee::AtomicCommit],
            "claim" => &[Guarantee::UniqueClaim],
            "fenced-write" => &[Guarantee::FencingTokens, Guarantee::MutualExclusion],
            _ => return None,
        })
    });
    told.into_iter().next().unwrap_or_default()
}

/// The operations without a form of their own that are read here.
#[must_use]
pub fn understands(name: &str) -> bool {
    [
        "propose",
        "decide",
        "lead",
        "resolve",
        "claim",
        "fenced-write",
    ]
    .contains(&name)
}

/// The operations that certainly took place, with what they are.
fn certain(history: &History) -> impl Iterator<Item = (OperationId, &Op)> {
    let all = history.operations().iter().enumerate();
    let ok = all.filter(|(_, operation)| {
        operation.outcome == Outcome::Ok && history.micros(operation).is_none()
    });
    ok.map(|(id, operation)| (id, history.op(operation)))
}

/// A verdict while it is put together.
struct Finding<'h> {
    history: &'h History,
    verdict: Verdict,
    most: usize,
}

impl<'h> Finding<'h> {
    /// Of a promise about operations of some kind.
    fn of(
        history: &'h History,
        options: &Options,
        guarantee: Guarantee,
        concerns: impl Fn(&Op) -> bool,
    ) -> Finding<'h> {
        let mut verdict = Verdict::holds(guarantee, "record-scan");
        for operation in history
            .operations()
            .iter()
            .filter(|it| history.micros(it).is_none() && concerns(history.op(it)))
        {
            verdict.operations_checked += 1;
            verdict.indeterminate += u64::from(operation.outcome == Outcome::Info);
        }
        Finding {
            history,
            verdict,
            most: options.max_anomalies,
        }
    }

    fn add(
        &mut self,
        kind: &'static str,
        key: Option<&Key>,
        operations: &[OperationId],
        explain: impl FnOnce() -> String,
        proof: Proof,
    ) {
        self.verdict.anomaly_count += 1;
        if self.verdict.anomalies.len() < self.most {
            self.verdict.anomalies.push(Anomaly {
                kind,
                explanation: explain(),
                operations: operations
                    .iter()
                    .map(|&id| event(self.history, id))
                    .collect(),
                key: key.cloned(),
                proof: crate::Proof::Coordination(proof),
            });
        }
    }

    /// Two operations that cannot both be.
    fn pair(
        &mut self,
        kind: &'static str,
        key: Option<&Key>,
        (left, right): (OperationId, OperationId),
        explain: impl FnOnce() -> String,
    ) {
        let proof = Proof::Pair {
            guarantee: self.verdict.guarantee,
            left: event(self.history, left),
            right: event(self.history, right),
        };
        self.add(kind, key, &[left, right], explain, proof);
    }

    fn conclude(mut self) -> Verdict {
        if self.verdict.anomaly_count > 0 {
            self.verdict.validity = Validity::Violated;
            return self.verdict;
        }
        match (self.verdict.operations_checked, self.verdict.opportunities) {
            (0, _) => self.verdict.unknown(Reason::NotApplicable),
            (_, 0) => self.verdict.unknown(Reason::NotObservable),
            _ => self.verdict,
        }
    }
}

/// The event that began an operation.
fn event(history: &History, id: OperationId) -> u64 {
    history.operations()[id].invoke as u64
}

/// Who performed an operation: clients keep their number when they go on as another process.
fn client(history: &History, id: OperationId) -> String {
    let process = history.operations()[id].process;
    let clients = history.spec().map_or(0, |spec| spec.clients as u64);
    format!("client {}", process.checked_rem(clients).unwrap_or(process))
}

/// When an operation ended, for a sentence.
fn ended(history: &History, id: OperationId) -> String {
    let at = history.completed_at(&history.operations()[id]);
    at.unwrap_or_default().to_string()
}

/// When it began.
fn began(history: &History, id: OperationId) -> String {
    history.invoked_at(&history.operations()[id]).to_string()
}

/// Of numbered operations each that is not greater than one which had ended before it began, with
/// the greatest such.
fn inversions(
    history: &History,
    numbered: &[(OperationId, i128)],
) -> Vec<(OperationId, OperationId)> {
    let operations = history.operations();
    let mut by_start: Vec<(OperationId, i128)> = numbered.to_vec();
    by_start.sort_by_key(|&(id, _)| operations[id].start);
    let mut by_end: Vec<(OperationId, i128)> = numbered.to_vec();
    by_end.sort_by_key(|&(id, _)| operations[id].end);
    let mut over = by_end.into_iter().peekable();
    let mut greatest: Option<(OperationId, i128)> = None;
    let mut found = Vec::new();
    for (id, number) in by_start {
        while let Some((earlier, other)) =
            over.next_if(|&(it, _)| operations[it].precedes(&operations[id]))
        {
            if greatest.is_none_or(|(_, greatest)| other > greatest) {
                greatest = Some((earlier, other));
            }
        }
        if let Some((earlier, greatest)) = greatest
            && number <= greatest
        {
            found.push((earlier, id));
        }
    }
    found
}
