//! Deciding one level.

use polygraph_history::{Guarantee, History, Order, Outcome};

use crate::{Anomaly, Entry, Options, Reason, Validity, Verdict};

use super::closed;
use super::cycles::{Cycle, Cycles, Part, most_severe, severity};
use super::dependencies::Dependencies;
use super::direct::Findings;
use super::explain;
use super::level::{Level, Shape};
use super::lists::Lists;
use super::model::Model;
use super::participants::Participants;
use super::registers::{self, Decider};
use super::relations::{IN_SESSION, MISSED, PREDICATE, REALTIME};
use super::schedule::schedule;
use super::shapes::{Found, look};
use super::unread::orders_exist;
use super::{Class, Kind, Proof, Suffix};

const OPPORTUNITY: &str = "two acknowledged transactions overlap in time and use a common list \
                           that at least one of them appends to; of registers, one reads what \
                           the other wrote";

/// How many such pairs a test must have before *holds* means something.
const MINIMUM: u64 = 10;

macro_rules! entries {
    ($($entry:ident $guarantee:ident)*) => {
        $(
            #[doc = concat!("[`Guarantee::", stringify!($guarantee), "`].")]
            pub const $entry: Entry = Entry {
                guarantee: Guarantee::$guarantee,
                opportunity: OPPORTUNITY,
                minimum: MINIMUM,
                check: |history, options| check(history, options, Guarantee::$guarantee),
            };
        )*
    };
}

entries! {
    READ_UNCOMMITTED ReadUncommitted
    READ_COMMITTED ReadCommitted
    MONOTONIC_ATOMIC_VIEW MonotonicAtomicView
    READ_ATOMIC ReadAtomic
    TRANSACTIONAL_CAUSAL TransactionalCausal
    MONOTONIC_VIEW MonotonicView
    CURSOR_STABILITY CursorStability
    CONSISTENT_VIEW ConsistentView
    REPEATABLE_READ RepeatableRead
    PARALLEL_SNAPSHOT_ISOLATION ParallelSnapshotIsolation
    PREFIX_CONSISTENCY PrefixConsistency
    SNAPSHOT_ISOLATION SnapshotIsolation
    STRONG_SESSION_SNAPSHOT_ISOLATION StrongSessionSnapshotIsolation
    STRONG_SNAPSHOT_ISOLATION StrongSnapshotIsolation
    UPDATE_SERIALIZABLE UpdateSerializable
    SERIALIZABLE Serializable
    STRONG_SESSION_SERIALIZABLE StrongSessionSerializable
    STRICT_SERIALIZABLE StrictSerializable
}

fn check(history: &History, options: &Options, guarantee: Guarantee) -> Verdict {
    Levels::new(history, options).check(guarantee)
}

/// A history that is asked for several levels: of registers, what these have in common is built
/// once, and what follows from a level that was asked for before is not decided again.
pub struct Levels<'h> {
    history: &'h History,
    options: Options,
    by_predicates: bool,
    registers: Option<Result<Decider<'h>, String>>,
}

impl<'h> Levels<'h> {
    /// Looks at a history.
    #[must_use]
    pub fn new(history: &'h History, options: &Options) -> Levels<'h> {
        let used = registers::are_used(history);
        Levels {
            history,
            options: *options,
            by_predicates: closed::are_used(history),
            registers: used.then(|| Decider::new(history, options)),
        }
    }

    /// The verdict of a level; *unknown* for want of applicability if it is none.
    pub fn check(&mut self, guarantee: Guarantee) -> Verdict {
        let Some(level) = Level::of(guarantee) else {
            let why = format!("{guarantee} is no level of transactions");
            return not_applicable(guarantee, why);
        };
        if level.labels & REALTIME != 0 && self.history.order() == Order::Session {
            let why = format!(
                "the history does not tell when anything happened, which {guarantee} is about"
            );
            return not_applicable(guarantee, why);
        }
        if self.by_predicates {
            return closed::check(self.history, &self.options, level);
        }
        match &mut self.registers {
            Some(Ok(decider)) => decider.check(level),
            Some(Err(why)) => not_applicable(guarantee, why.clone()),
            None => lists(self.history, &self.options, level),
        }
    }
}

fn not_applicable(guarantee: Guarantee, why: String) -> Verdict {
    let verdict = Verdict::holds(guarantee, "list-append-cycles");
    let mut verdict = verdict.unknown(Reason::NotApplicable);
    verdict.warnings.push(why);
    verdict
}

fn lists(history: &History, options: &Options, level: Level) -> Verdict {
    match Lists::new(history) {
        Ok(lists) => {
            let mut verdict = decide(&lists, options, level);
            if lists.view.left_out > 0 {
                verdict.warnings.push(format!(
                    "{} operations that are no transactions were not looked at",
                    lists.view.left_out
                ));
            }
            verdict
        }
        Err(why) => not_applicable(level.guarantee, why),
    }
}

/// Decides whether transactions over any sort of data keep a level.
pub(super) fn decide(model: &impl Model, options: &Options, level: Level) -> Verdict {
    let participants = model.participants();
    let mut verdict = Verdict::holds(level.guarantee, model.algorithm());
    verdict.operations_checked = u64::from(participants.count());
    verdict.indeterminate = outcomes(participants, Outcome::Info);
    verdict.opportunities = model.opportunities();

    let mut findings = Findings::new(options.max_anomalies);
    model.find_direct(&mut findings);
    let contradictory = findings.counts.contains_key(&Kind::IncompatibleOrder);
    findings.retain(|kind| level.proscribes(kind));
    verdict.anomaly_count = findings.counts.values().sum();

    let relations = match level.shape {
        Shape::Writes => model.writes(),
        _ => model.relations(),
    };
    let dependencies = Dependencies::new(relations, participants, level.labels);
    let judged = judge(model, level, &dependencies, &mut findings, options);
    verdict.anomaly_count += judged.violations;
    if verdict.anomaly_count > 0 {
        verdict.validity = Validity::Violated;
        verdict.anomalies = work_out(participants.history, findings, options.max_anomalies);
        return verdict;
    }
    match judged.open(model, level, contradictory) {
        Some((reason, why)) => {
            verdict.warnings.push(why);
            verdict.unknown(reason)
        }
        None if !took_place(participants) => verdict.unknown(Reason::TooFewOpportunities),
        None => {
            if options.witness {
                verdict.schedule = schedule(model, level.guarantee, &dependencies);
            }
            verdict
        }
    }
}

/// What the components of a graph say of a level.
#[derive(Default)]
pub(super) struct Judged {
    /// How many components contradict it.
    pub(super) violations: u64,
    out_of_steps: bool,
    not_shown: bool,
    no_order: bool,
}

impl Judged {
    /// Why a level of which nothing contradicts does not hold for certain, if it does not.
    pub(super) fn open(
        &self,
        model: &impl Model,
        level: Level,
        contradictory: bool,
    ) -> Option<(Reason, String)> {
        let name = level.guarantee;
        let not_observable = |why: String| Some((Reason::NotObservable, why));
        if self.out_of_steps {
            let why = format!("the steps did not suffice to decide {name}");
            return Some((Reason::BudgetSteps, why));
        }
        if let Some(why) = model.doubt() {
            return not_observable(why);
        }
        if level.shape == Shape::NeverShown {
            return not_observable(format!("the history has no cursors, which {name} is about"));
        }
        if contradictory && level.shape == Shape::Writes {
            let why = "reads contradict one another, so that the order of the writes is not known";
            return not_observable(why.to_owned());
        }
        if self.not_shown {
            let why = format!("the order of the versions does not tell enough to decide {name}");
            return not_observable(why);
        }
        if self.no_order {
            let why = format!(
                "whether {name} holds depends on the order of writes that nobody read, and none \
                 that was tried explains the history"
            );
            return not_observable(why);
        }
        None
    }
}

/// Looks at all components, and adds what contradicts the level to the findings.
pub(super) fn judge(
    model: &impl Model,
    level: Level,
    dependencies: &Dependencies,
    findings: &mut Findings,
    options: &Options,
) -> Judged {
    let mut judged = Judged::default();
    let mut cycles = Cycles::new(dependencies, model.participants(), level.labels);
    let count = cycles.count();
    let any_cycle = matches!(level.shape, Shape::Writes | Shape::Any | Shape::NeverShown);
    let looked_at = if any_cycle {
        judged.violations = count as u64;
        count.min(options.max_anomalies)
    } else {
        count
    };
    let unordered = match count {
        0 => Vec::new(),
        _ if any_cycle => Vec::new(),
        _ => model.unordered(),
    };
    let mut left = options.budget.max_steps;
    for at in 0..looked_at {
        let part = cycles.part(at);
        let share = left / (looked_at - at) as u64;
        let mut budget = share;
        if any_cycle {
            let cycle = typed(&part, level, &mut budget);
            let found = match cycle {
                Some(cycle) => Found::Cycle(cycle),
                None => look(&part, level, model, &mut budget),
            };
            add(model, found, findings);
        } else {
            match look(&part, level, model, &mut budget) {
                Found::Nothing => {
                    let order = orders_exist(&part, level, model, &unordered, &mut budget);
                    judged.no_order |= order.is_none();
                }
                Found::OutOfSteps => judged.out_of_steps = true,
                Found::NotShown => judged.not_shown = true,
                found => {
                    judged.violations += 1;
                    if judged.violations <= options.max_anomalies as u64 {
                        add(model, better(&part, level, found, &mut budget), findings);
                    }
                }
            }
        }
        left -= share - budget;
    }
    judged
}

/// The more telling cycle of a component, if there is one that is.
fn better(part: &Part<'_>, level: Level, found: Found, budget: &mut u64) -> Found {
    match found {
        Found::Cycle(cycle) => {
            let typed = typed(part, level, budget);
            let best = typed
                .into_iter()
                .chain([cycle.clone()])
                .min_by_key(severity);
            Found::Cycle(best.unwrap_or(cycle))
        }
        found => found,
    }
}

/// The most severe cycle, for levels that proscribe whole classes.
fn typed(part: &Part<'_>, level: Level, budget: &mut u64) -> Option<Cycle> {
    let most = match level.shape {
        Shape::Writes => Class::G0,
        Shape::Any if level.labels & MISSED != 0 => Class::G2,
        Shape::Any | Shape::NeverShown => Class::G1c,
        Shape::OneMissed => Class::GSingle,
        Shape::NoneInARow => Class::GNonadjacent,
        _ => return None,
    };
    let classes: Vec<Class> = Class::ALL
        .into_iter()
        .filter(|&class| class <= most)
        .filter(|class| level.labels & PREDICATE != 0 || !class.has_predicates())
        .collect();
    let suffixes: Vec<Suffix> = Suffix::ALL
        .into_iter()
        .filter(|suffix| match suffix {
            Suffix::Plain => true,
            Suffix::Process => level.labels & IN_SESSION != 0,
            Suffix::Realtime => level.labels & REALTIME != 0,
        })
        .collect();
    let all = !matches!(level.shape, Shape::OneMissed | Shape::NoneInARow);
    most_severe(part, &suffixes, &classes, all, budget)
}

fn add(model: &impl Model, found: Found, findings: &mut Findings) {
    match found {
        Found::Cycle(cycle) => findings.add(cycle.kind, || model.prove(&cycle)),
        Found::Fractured {
            reader,
            writer,
            later,
        } => {
            if let Some(evidence) = model.fractured(reader, writer, later) {
                findings.add(Kind::FracturedRead, || evidence);
            }
        }
        Found::Monotonic {
            cycle,
            missed_at,
            arrived_at,
        } => findings.add(Kind::GMonotonic, || {
            model.prove_at(&cycle, Some(missed_at), Some(arrived_at))
        }),
        Found::Nothing | Found::OutOfSteps | Found::NotShown => {}
    }
}

fn outcomes(participants: &Participants<'_>, outcome: Outcome) -> u64 {
    let all = 0..participants.count();
    let matching = all.filter(|&txn| participants.operation(txn).outcome == outcome);
    matching.count() as u64
}

fn took_place(participants: &Participants<'_>) -> bool {
    let mut all = 0..participants.count();
    all.any(|txn| participants.operation(txn).outcome == Outcome::Ok)
}

/// The most telling anomalies in full: the first of each kind, then more of each.
pub(super) fn work_out(history: &History, findings: Findings, most: usize) -> Vec<Anomaly> {
    let mut chosen: Vec<(usize, Kind, Proof)> = Vec::new();
    for (kind, kept) in findings.kept {
        for (at, evidence) in kept.into_iter().enumerate() {
            chosen.push((at, kind, Proof { kind, evidence }));
        }
    }
    chosen.sort_by_key(|&(at, kind, _)| (at > 0, kind, at));
    chosen.truncate(most.max(1));
    chosen.sort_by_key(|&(at, kind, _)| (kind, at));
    chosen
        .into_iter()
        .map(|(_, kind, proof)| {
            let told = explain::tell(history, &proof);
            Anomaly {
                kind: kind.name(),
                explanation: told.explanation,
                operations: told.operations,
                key: told.key,
                proof: crate::Proof::Isolation(proof),
            }
        })
        .collect()
}
