//! From a history of registers to a verdict.

use polygraph_history::{Guarantee, History};

use crate::{Anomaly, Options, Reason, Validity, Verdict};

use super::super::register::{Chains, Fault, INIT, NONE, View};
use super::super::schedule::{Schedule, at_one_moment, confirm_schedule};
use super::evidence::Proof;
use super::facts::Facts;
use super::problem::{Because, Isolation, Key, Level, Order, Precedes, Problem, Read, Span};
use super::search::{Budget, Effort, RanOut, Undecided};
use super::tree::{Case, Choice, Refutation, Why};
use super::witness::Moment;
use super::words::{Names, tell};
use super::{Answer, Unknown, decide};

const ALGORITHM: &str = "version-order-saturation";

/// How many keys and transactions are named where the answer is unknown.
const NAMED: usize = 8;

/// What is counted here is the look at an entry of a clock: so many are as quick as a step of other
/// searches.
const STEPS: u64 = 16;

/// What a guarantee asks, if it is one that this decides.
#[must_use]
pub const fn level(guarantee: Guarantee) -> Option<Level> {
    let (isolation, order) = match guarantee {
        Guarantee::Serializable => (Isolation::Serializable, Order::Free),
        Guarantee::StrongSessionSerializable => (Isolation::Serializable, Order::Sessions),
        Guarantee::StrictSerializable => (Isolation::Serializable, Order::RealTime),
        Guarantee::SnapshotIsolation => (Isolation::Snapshot, Order::Free),
        Guarantee::StrongSessionSnapshotIsolation => (Isolation::Snapshot, Order::Sessions),
        Guarantee::StrongSnapshotIsolation => (Isolation::Snapshot, Order::RealTime),
        Guarantee::PrefixConsistency => (Isolation::Prefix, Order::Sessions),
        _ => return None,
    };
    Some(Level { isolation, order })
}

/// Decides a guarantee of a history of transactions over registers whose version order is not
/// known. Opportunities are reads of registers that two transactions wrote.
///
/// *Unknown* for want of a guarantee that this decides, of transactions over registers, of values
/// whose writer is certain, or of budget; what remains undecided is then among the warnings.
#[must_use]
pub fn check(guarantee: Guarantee, history: &History, options: &Options) -> Verdict {
    match View::new(history) {
        Ok(view) => check_instance(guarantee, &view, &Instance::new(&view), options),
        Err(why) => {
            let verdict = Verdict::holds(guarantee, ALGORITHM);
            let mut verdict = verdict.unknown(Reason::NotApplicable);
            verdict.warnings.push(why);
            verdict
        }
    }
}

/// A history as a problem.
pub(in super::super) struct Instance {
    problem: Problem,
    /// The transaction of the view that each of the problem's is.
    txns: Vec<u32>,
}

impl Instance {
    pub(in super::super) fn new(view: &View<'_>) -> Instance {
        let (problem, txns) = problem(view);
        Instance { problem, txns }
    }
}

/// The same of a history that was looked at already.
pub(in super::super) fn check_instance(
    guarantee: Guarantee,
    view: &View<'_>,
    instance: &Instance,
    options: &Options,
) -> Verdict {
    let verdict = Verdict::holds(guarantee, ALGORITHM);
    let Some(level) = level(guarantee) else {
        return verdict.unknown(Reason::NotApplicable);
    };
    let check = Check {
        view,
        level,
        verdict,
    };
    check.decide(instance, options)
}

/// A view as a problem, and the transaction of the view that each of the problem's is.
fn problem(view: &View<'_>) -> (Problem, Vec<u32>) {
    let txns: Vec<u32> = (0..view.len() as u32)
        .filter(|&txn| view.committed(txn))
        .collect();
    let mut number = vec![NONE; view.len()];
    for (at, &txn) in (0..).zip(&txns) {
        number[txn as usize] = at;
    }
    let mut problem = Problem {
        transactions: txns.len() as u32,
        keys: vec![Key::default(); view.keys.len()],
        ..Problem::default()
    };
    let chains = Chains::new(view);
    for (at, &txn) in (0..).zip(&txns) {
        let operation = view.operation(txn);
        problem.spans.push(Span {
            begin: operation.start,
            end: operation.end,
        });
        let previous = chains.previous[txn as usize];
        let across = chains.across_to(txn).iter().map(|pair| pair.0);
        for before in across.chain((previous != NONE).then_some(previous)) {
            problem.precedes.push(Precedes {
                before: number[before as usize],
                after: at,
                because: Because::Session,
            });
        }
        for write in view.writes_of(txn) {
            problem.keys[write.key as usize].writers.push(at);
        }
        for read in view.reads_of(txn) {
            let from = match read.author {
                NONE => continue,
                INIT => None,
                author => Some(number[author as usize]),
            };
            let read_of = Read { reader: at, from };
            let reads = &mut problem.keys[read.key as usize].reads;
            // The same read again says nothing new.
            let own = reads.iter().rev().take_while(|other| other.reader == at);
            if !own.clone().any(|other| *other == read_of) {
                reads.push(read_of);
            }
        }
    }
    (problem, txns)
}

struct Check<'a, 'h> {
    view: &'a View<'h>,
    level: Level,
    verdict: Verdict,
}

impl Check<'_, '_> {
    fn decide(mut self, instance: &Instance, options: &Options) -> Verdict {
        let Instance { problem, txns } = instance;
        self.begin(problem);
        for faulty in &self.view.faults {
            if let Some(fault) = name(faulty.fault) {
                self.verdict.anomaly_count += 1;
                if self.verdict.anomalies.len() < options.max_anomalies.max(1) {
                    let anomaly = self.fault(faulty.txn, faulty.position, fault);
                    self.verdict.anomalies.push(anomaly);
                }
            }
        }
        let budget = Budget {
            max_steps: options.budget.max_steps.saturating_mul(STEPS),
            max_bytes: options.budget.max_memory,
        };
        let (answer, effort) = decide(problem, self.level, budget);
        if effort.decisions > 0 {
            self.verdict.algorithm = "version-order-search".to_owned();
        }
        if let Answer::Violated(refutation) = &answer {
            self.verdict.anomaly_count += 1;
            let anomaly = self.no_order(refutation, txns);
            self.verdict.anomalies.push(anomaly);
        }
        if self.verdict.anomaly_count > 0 {
            self.verdict.validity = Validity::Violated;
            return self.verdict;
        }
        match answer {
            Answer::Unknown(unknown) => self.unknown(&unknown, txns, effort),
            _ if self.view.ambiguous > 0 => {
                self.verdict.warnings.push(format!(
                    "{} reads returned values that several transactions may have written",
                    self.view.ambiguous
                ));
                self.verdict.unknown(Reason::NotObservable)
            }
            _ if problem.transactions == 0 => self.verdict.unknown(Reason::TooFewOpportunities),
            Answer::Holds(moments) if options.witness => {
                self.verdict.schedule = self.schedule(&moments, txns);
                self.verdict
            }
            _ => self.verdict,
        }
    }

    /// The order that was found, in terms of the history.
    fn schedule(&self, moments: &[Moment], txns: &[u32]) -> Option<Schedule> {
        let guarantee = self.verdict.guarantee;
        let named = moments.iter().filter_map(|moment| match *moment {
            Moment::Start(txn) => (!at_one_moment(guarantee)).then_some(txn),
            Moment::Commit(txn) => Some(txn),
        });
        let schedule = Schedule {
            guarantee,
            moments: named
                .map(|txn| self.view.invocation(txns[txn as usize]))
                .collect(),
        };
        confirm_schedule(self.view.history, &schedule)
            .is_ok()
            .then_some(schedule)
    }

    fn begin(&mut self, problem: &Problem) {
        let count = self.view.len() as u32;
        let info =
            |&txn: &u32| self.view.operation(txn).outcome == polygraph_history::Outcome::Info;
        self.verdict.operations_checked = u64::from(count);
        self.verdict.indeterminate = (0..count).filter(info).count() as u64;
        let contested = problem.keys.iter().filter(|key| key.writers.len() > 1);
        self.verdict.opportunities = contested.map(|key| key.reads.len() as u64).sum();
        if self.view.left_out > 0 {
            self.verdict.warnings.push(format!(
                "{} operations on no register were not looked at",
                self.view.left_out
            ));
        }
    }

    fn fault(&self, txn: u32, position: u32, fault: &'static str) -> Anomaly {
        let operation = self.view.operation(txn);
        let what = match fault {
            "internal" => "contradicts what the same transaction had written before",
            "G1a" => "returned what only a failed transaction wrote",
            "G1b" => "returned what its transaction overwrote before it committed",
            "future-read" => "returned what the same transaction wrote only afterwards",
            _ => "returned what nobody wrote",
        };
        Anomaly {
            kind: fault,
            explanation: format!(
                "Operation {position} of the transaction of process {} at event {}, {}, {what}.",
                operation.process,
                operation.invoke,
                self.view.history.op(operation)
            ),
            operations: vec![operation.invoke as u64],
            key: None,
            proof: crate::Proof::VersionOrder(Proof::Faulty {
                transaction: operation.invoke,
                position: position as usize,
                fault,
            }),
        }
    }

    fn no_order(&self, refutation: &Refutation, txns: &[u32]) -> Anomaly {
        let used = refutation.facts.transactions();
        let mut keys: Vec<u32> = refutation
            .facts
            .writes
            .iter()
            .map(|write| write.key)
            .collect();
        keys.extend(refutation.facts.reads.iter().map(|saw| saw.key));
        keys.sort_unstable();
        keys.dedup();
        let place = |all: &[u32], one: u32| all.partition_point(|&other| other < one) as u32;
        let refutation = refutation.renumber(&|txn| place(&used, txn), &|key| place(&keys, key));
        let operations = used
            .iter()
            .map(|&txn| self.view.operation(txns[txn as usize]));
        let events: Vec<usize> = operations
            .clone()
            .map(|operation| operation.invoke)
            .collect();
        let names = Names {
            transaction: &|txn| format!("T{}", txn + 1),
            key: &|key| self.view.keys[keys[key as usize] as usize].to_string(),
        };
        let lets: Vec<String> = operations
            .zip(1..)
            .take(2 * NAMED)
            .map(|(operation, number)| {
                let op = self.view.history.op(operation);
                let (process, event) = (operation.process, operation.invoke);
                format!("T{number} = (process {process}, event {event}) {op}")
            })
            .collect();
        let explanation = format!("Let {}. {}", lets.join(", "), tell(&refutation, &names));
        let key = if let [only] = keys.as_slice() {
            Some(*only)
        } else {
            None
        };
        Anomaly {
            kind: kind(&refutation),
            explanation,
            operations: events.iter().map(|&event| event as u64).collect(),
            key: key.map(|key| self.view.keys[key as usize].clone()),
            proof: crate::Proof::VersionOrder(Proof::NoOrder {
                refutation,
                transactions: events,
                keys: keys
                    .iter()
                    .map(|&key| self.view.keys[key as usize].clone())
                    .collect(),
            }),
        }
    }

    fn unknown(mut self, unknown: &Unknown, txns: &[u32], effort: Effort) -> Verdict {
        let (reason, warning) = match unknown {
            Unknown::Undecided(Undecided {
                ran_out,
                keys,
                transactions,
            }) => {
                let shown = |numbers: &[u32], name: &dyn Fn(u32) -> String| {
                    let mut names: Vec<String> = numbers
                        .iter()
                        .take(NAMED)
                        .map(|&number| name(number))
                        .collect();
                    if numbers.len() > NAMED {
                        names.push(format!("{} more", numbers.len() - NAMED));
                    }
                    names.join(", ")
                };
                let event = |txn: u32| {
                    let operation = self.view.operation(txns[txn as usize]);
                    format!("event {}", operation.invoke)
                };
                let text = format!(
                    "after {} steps, {} decisions and {} conflicts the versions of {} keys are in \
                     no order ({}), written by {} transactions ({})",
                    effort.steps,
                    effort.decisions,
                    effort.conflicts,
                    keys.len(),
                    shown(keys, &|key| self.view.keys[key as usize].to_string()),
                    transactions.len(),
                    shown(transactions, &event)
                );
                match ran_out {
                    RanOut::Steps => (Reason::BudgetSteps, text),
                    RanOut::Bytes => (Reason::BudgetMemory, text),
                }
            }
            Unknown::Unproved(facts) => (
                Reason::BudgetSteps,
                format!(
                    "no order was found to exist, but the proof is too long to be checked: it \
                     rests on {} transactions",
                    Facts::transactions(facts).len()
                ),
            ),
            Unknown::Malformed(why) => (Reason::NotObservable, why.clone()),
        };
        self.verdict.warnings.push(warning);
        self.verdict.unknown(reason)
    }
}

/// What is wrong with a read, if every level decided here forbids it by itself. Reads that differ
/// within a transaction need no name of their own: no order explains both.
const fn name(fault: Fault) -> Option<&'static str> {
    match fault {
        Fault::ThinAir => Some("thin-air-read"),
        Fault::Internal => Some("internal"),
        Fault::Future => Some("future-read"),
        Fault::Aborted => Some("G1a"),
        Fault::Intermediate => Some("G1b"),
        Fault::NonRepeatable => None,
    }
}

/// The name of a contradiction: that of the cycle, if it is one cycle whatever the version order.
fn kind(refutation: &Refutation) -> &'static str {
    let facts = &refutation.facts;
    if let [one, other] = facts.reads.as_slice() {
        let same = one.key == other.key && one.read.from == other.read.from;
        let wrote = |reader| {
            facts
                .writes
                .iter()
                .any(|write| write.key == one.key && write.writer == reader)
        };
        if same && facts.precedes.is_empty() && wrote(one.read.reader) && wrote(other.read.reader) {
            return "lost-update";
        }
    }
    match (refutation.cases.as_slice(), refutation.level.isolation) {
        ([Case::Cycle(arcs)], isolation) => {
            let missed = arcs
                .iter()
                .filter(|arc| matches!(arc.because, Why::Initial { .. }));
            let strength = arcs.iter().filter_map(|arc| match arc.because {
                Why::Known(because) => Some(because),
                _ => None,
            });
            match (missed.count(), strength.max(), isolation) {
                (0, None, _) => "G1c",
                (0, Some(Because::Session), _) => "G1c-process",
                (0, Some(Because::RealTime), _) => "G1c-realtime",
                (1, None, _) => "G-single",
                (1, Some(Because::Session), _) => "G-single-process",
                (1, Some(Because::RealTime), _) => "G-single-realtime",
                (_, None, Isolation::Serializable) => "G2-item",
                (_, Some(Because::Session), Isolation::Serializable) => "G2-item-process",
                (_, Some(Because::RealTime), Isolation::Serializable) => "G2-item-realtime",
                (_, None, _) => "G-nonadjacent",
                (_, Some(Because::Session), _) => "G-nonadjacent-process",
                (_, Some(Because::RealTime), _) => "G-nonadjacent-realtime",
            }
        }
        (_, Isolation::Serializable) => "no-serial-order",
        (_, Isolation::Snapshot) => "no-snapshot-order",
        (_, Isolation::Prefix) => "no-prefix-order",
    }
}

impl Refutation {
    /// The same with other numbers, which must be in the same order.
    fn renumber(&self, txn: &dyn Fn(u32) -> u32, key: &dyn Fn(u32) -> u32) -> Refutation {
        let mut renumbered = self.clone();
        for pair in &mut renumbered.facts.precedes {
            (pair.before, pair.after) = (txn(pair.before), txn(pair.after));
        }
        for saw in &mut renumbered.facts.reads {
            saw.key = key(saw.key);
            saw.read = Read {
                reader: txn(saw.read.reader),
                from: saw.read.from.map(txn),
            };
        }
        for write in &mut renumbered.facts.writes {
            (write.key, write.writer) = (key(write.key), txn(write.writer));
        }
        for case in &mut renumbered.cases {
            match case {
                Case::Either { choice, .. } => {
                    *choice = match *choice {
                        Choice::Overwritten {
                            key: at,
                            from,
                            reader,
                            other,
                        } => Choice::Overwritten {
                            key: key(at),
                            from: txn(from),
                            reader: txn(reader),
                            other: txn(other),
                        },
                        Choice::Conflicting {
                            key: at,
                            one,
                            other,
                        } => Choice::Conflicting {
                            key: key(at),
                            one: txn(one),
                            other: txn(other),
                        },
                    };
                }
                Case::Cycle(arcs) => {
                    for arc in arcs {
                        arc.from = arc.from.renumber(txn);
                        arc.to = arc.to.renumber(txn);
                        arc.because = match arc.because {
                            Why::Read { key: at } => Why::Read { key: key(at) },
                            Why::Initial { key: at } => Why::Initial { key: key(at) },
                            other => other,
                        };
                    }
                }
            }
        }
        renumbered
    }
}
