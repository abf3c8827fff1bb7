//! Linearizability of single operations: reads, writes and compare-and-sets of registers.
//!
//! - [`ENTRY`]: the check. [`Witness`], [`Certificate`]: proofs of both answers;
//!   [`confirm_witness`], [`confirm_certificate`]: the code that checks them.
//! - [`Online`]: the same while events arrive, as far as that is decided by distinct values.
//! - [`check_model`]: the same for a model of one's own, without histories.
//! - `register`: what is known of registers; distinct values in near-linear time.
//! - `sequence`: objects that grow, in near-linear time.
//! - `search`: everything else; two halves that take turns, `breadth` and `lazy`.
//!
//! Kinds of violations: `phantom-read`, a value that nobody wrote, or had begun to write;
//! `stale-read`, a value that had been replaced before the operation began, or that is older than
//! what another operation had found before; `lost-write`, the same where a compare-and-set replaced
//! the older value, and the newer one with it; `cas-double-success`, a value that was written once
//! and replaced twice; `non-linearizable`, everything else.
//!
//! Terms: `a` precedes `b` when `a` ended before `b` began. A key is linearizable when its
//! operations have an order that keeps this, in which every operation has its result in the
//! sequential specification (Herlihy & Wing, *Linearizability*, TOPLAS 1990). Operations of
//! unknown outcome may be in the order at any place after their beginning, or not at all.

use std::collections::BTreeSet;

use polygraph_history::{Guarantee, History, Key, OperationId};
use rayon::prelude::*;
use rustc_hash::FxHashSet;

use crate::{Anomaly, Budget, Entry, Options, Reason, Validity, Verdict};

mod check_model;
mod confirm;
mod container;
mod decide;
mod item;
mod linear;
mod minimal;
mod models;
mod objects;
mod online;
mod orders;
mod pattern;
mod proof;
mod register;
mod search;
mod sequence;
mod tally;
#[cfg(test)]
mod tests;
mod witness;

pub use check_model::{Backwards, Interval, Judgement, Possible, Query, check_model};
pub use confirm::{
    Confirmed, ConfirmedObject, Effort, Impasse, NotConfirmed, Refused, confirm,
    confirm_certificate, confirm_certificate_within, confirm_witness, impasses,
};
pub use online::{Deferred, Online, Violation};
pub use pattern::Pattern;
pub use proof::{Certificate, Kept, Proof, Rule};
pub use tally::Tally;
pub use witness::{Linearization, ModelName, Witness};

use decide::{Decision, deadline, decide_all};
use objects::{Judged, Object, Split, judge_all, split};
use register::evidence::{Piece, minimal};
use register::explain::explain;
use register::view::{KeyView, View};
use search::{Answer, Limits, Wanted};

/// The registry's entry.
pub const ENTRY: Entry = Entry {
    guarantee: Guarantee::Linearizable,
    opportunity: "pairs of overlapping operations on a key",
    minimum: 1,
    check,
};

/// Decides whether every object of a history is linearizable.
fn check(history: &History, options: &Options) -> Verdict {
    let deadline = deadline(&options.budget);
    let Split {
        has_registers,
        objects,
    } = split(history, options);
    let mut keys = if has_registers {
        let Some(view) = View::new(history, options.failed_cas) else {
            let mut verdict = Verdict::holds(Guarantee::Linearizable, "none");
            let warning = "there are more events than can be numbered: 2^32";
            verdict.warnings.push(warning.to_owned());
            return verdict.unknown(Reason::BudgetMemory);
        };
        view.keys
    } else {
        Vec::new()
    };
    if !objects.is_empty() {
        let elsewhere: FxHashSet<&Key> = objects.iter().flat_map(|object| &object.keys).collect();
        keys.retain(|key| !elsewhere.contains(&key.key));
    }
    let size = objects.iter().map(|object| object.operations.len());
    let (of_registers, of_objects) = shares(options.budget, history.operations().len(), size.sum());
    let wanted = match options.witness {
        true => Wanted::Order,
        false => Wanted::Answer,
    };
    let decisions = decide_all(history, &keys, &of_registers, deadline, wanted);
    let judged = judge_all(history, options, deadline, &objects, of_objects);

    let mut verdict = Verdict::holds(Guarantee::Linearizable, "none");
    for key in keys.iter().filter(|key| key.foreign.is_empty()) {
        verdict.operations_checked += key.operations;
        verdict.indeterminate += key.indeterminate;
        verdict.opportunities += key.overlaps;
    }
    for object in judged.iter().flatten() {
        verdict.operations_checked += object.operations;
        verdict.indeterminate += object.indeterminate;
        verdict.opportunities += object.overlaps;
    }
    verdict.algorithm = algorithm(&decisions, &judged);
    warn_of_foreign(&keys, &objects, &judged, &mut verdict);
    let answers = || {
        let registers = decisions.iter().map(|it| it.as_ref().map(|it| it.answer));
        registers.chain(judged.iter().map(|it| it.as_ref().map(|it| it.answer)))
    };
    if answers().all(|answer| answer.is_none()) {
        return verdict.unknown(Reason::NotApplicable);
    }
    let violated = answers()
        .filter(|answer| matches!(answer, Some(Answer::Violated { .. })))
        .count();
    warn_of_undecided(history, &keys, &decisions, &mut verdict);
    warn_of_growth(history, &objects, &judged, &mut verdict);
    let of_registers = decisions.iter().flatten().map(|decision| decision.steps);
    let of_objects = judged.iter().flatten().map(|judged| judged.steps);
    let used = of_registers.chain(of_objects).sum();
    if violated > 0 {
        verdict.validity = Validity::Violated;
        verdict.anomaly_count = violated as u64;
        let worked_out = violated.min(options.max_anomalies.max(1)) as u64;
        let limits = Limits {
            steps: left_for_evidence(options.budget.max_steps, used) / worked_out,
            bytes: options.budget.max_memory / worked_out,
            deadline,
            stop: None,
        };
        let found = [
            of_keys(history, options, &limits, &keys, &decisions),
            of_others(history, options, &limits, &objects, &judged),
        ];
        verdict = with_evidence(verdict, options, &limits, found.concat());
    } else if let Some((reason, explained)) = ran_out(answers().flatten()) {
        verdict.established = explained.map(|event| format!("linearizable up to event {event}"));
        verdict = verdict.unknown(reason);
    } else if answers().any(|answer| answer.is_none()) {
        verdict = verdict.unknown(Reason::NotApplicable);
    }
    if options.witness && verdict.validity == Validity::Holds {
        let limits = Limits {
            steps: left_for_evidence(options.budget.max_steps, used),
            bytes: options.budget.max_memory,
            deadline,
            stop: None,
        };
        verdict.witness = orders::witness(history, options, &limits, &keys, &decisions, &judged);
    }
    verdict
}

/// The budget of registers, and the steps of all other objects, by the number of operations.
fn shares(budget: Budget, all: usize, of_objects: usize) -> (Budget, u64) {
    let steps = u128::from(budget.max_steps) * of_objects as u128 / all.max(1) as u128;
    let steps = steps as u64;
    let of_registers = Budget {
        max_steps: budget.max_steps - steps,
        ..budget
    };
    (of_registers, steps)
}

/// How hard to try to confirm evidence: no harder than to find it.
fn effort(limits: &Limits<'_>) -> Effort {
    Effort::within(limits.steps, limits.bytes, limits.deadline)
}

/// How many steps evidence may take: what deciding left of them, and an eighth of all besides, so
/// that there is some where that took all.
const fn left_for_evidence(all: u64, used: u64) -> u64 {
    all.saturating_sub(used).saturating_add(all / 8)
}

/// Which ways decided.
fn algorithm(decisions: &[Option<Decision>], judged: &[Option<Judged>]) -> String {
    let of_registers = |decision: &Decision| match decision.searched {
        true => "windowed-search",
        false => "zones",
    };
    let names: BTreeSet<&str> = decisions
        .iter()
        .flatten()
        .map(of_registers)
        .chain(judged.iter().flatten().map(|judged| judged.algorithm))
        .collect();
    match names.is_empty() {
        true => "none".to_owned(),
        false => Vec::from_iter(names).join("+"),
    }
}

/// An anomaly with the moment by which it shows, and whether it was confirmed.
type Shown = ((u64, u64), Anomaly, Result<(), NotConfirmed>);

/// Works out the evidence of the registers that were violated first.
fn of_keys(
    history: &History,
    options: &Options,
    limits: &Limits<'_>,
    keys: &[KeyView],
    decisions: &[Option<Decision>],
) -> Vec<Shown> {
    let mut violated: Vec<(u64, u64, &KeyView, &Decision)> = keys
        .iter()
        .zip(decisions)
        .filter_map(|(key, decision)| match decision.as_ref()?.answer {
            Answer::Violated { from, by } => Some((by, from, key, decision.as_ref()?)),
            _ => None,
        })
        .collect();
    violated.sort_by_key(|&(by, from, ..)| (by, from));
    // At least one, for a verdict needs evidence.
    violated.truncate(options.max_anomalies.max(1));
    violated
        .into_par_iter()
        .map(|(by, from, key, decision)| {
            let pieces = minimal(history, key, decision.refuted.as_ref(), (from, by), limits);
            let anomaly = anomaly(history, options, key, &pieces);
            let certificate = anomaly.certificate().expect("it is that of a register");
            let confirmed = confirm_certificate_within(history, &certificate, &effort(limits));
            let confirmed = confirmed.map(|_| ());
            ((by, from), anomaly, confirmed)
        })
        .collect()
}

/// The same of the other objects.
fn of_others(
    history: &History,
    options: &Options,
    limits: &Limits<'_>,
    objects: &[Object],
    judged: &[Option<Judged>],
) -> Vec<Shown> {
    let mut violated: Vec<(u64, u64, &Object, &Judged)> = objects
        .iter()
        .zip(judged)
        .filter_map(|(object, judged)| match judged.as_ref()?.answer {
            Answer::Violated { from, by } => Some((by, from, object, judged.as_ref()?)),
            _ => None,
        })
        .collect();
    violated.sort_by_key(|&(by, from, ..)| (by, from));
    violated.truncate(options.max_anomalies.max(1));
    violated
        .into_par_iter()
        .map(|(by, from, object, judged)| {
            let (anomaly, confirmed) = objects::anomaly(history, options, object, judged, limits);
            ((by, from), anomaly, confirmed)
        })
        .collect()
}

/// Takes over what was confirmed; what shows first comes first, and of equals what is small. Where
/// nothing was, because all is too large for that, the answer is not known.
fn with_evidence(
    mut verdict: Verdict,
    options: &Options,
    limits: &Limits<'_>,
    mut found: Vec<Shown>,
) -> Verdict {
    found.sort_by_key(|&(moment, ..)| moment);
    let mut shown: Vec<(Anomaly, bool)> = Vec::with_capacity(found.len());
    for (_, anomaly, confirmed) in found {
        match confirmed {
            Ok(()) => {
                shown.push((anomaly, true));
            }
            Err(NotConfirmed::TooLarge(problem)) => {
                verdict.warnings.push(format!(
                    "a violation was found whose evidence could not be confirmed: {problem}"
                ));
                shown.push((anomaly, false));
            }
            // A bug of ours must not accuse anybody.
            Err(NotConfirmed::Wrong(problem)) => {
                verdict.warnings.push(format!(
                    "evidence was rejected, a bug of the checker: {problem}"
                ));
                verdict.anomaly_count -= 1;
            }
        }
    }
    if !shown.iter().any(|&(_, confirmed)| confirmed) {
        verdict.anomaly_count = 0;
        return verdict.unknown(match shown.is_empty() {
            false => limits.interrupted().unwrap_or(Reason::BudgetSteps),
            true => Reason::NotObservable,
        });
    }
    shown.sort_by_key(|(anomaly, _)| anomaly.operations.len());
    shown.truncate(options.max_anomalies.max(1));
    (verdict.anomalies, verdict.confirmed) = shown.into_iter().unzip();
    verdict
}

/// The evidence of one key that has no order.
fn anomaly(history: &History, options: &Options, key: &KeyView, pieces: &[Piece]) -> Anomaly {
    let explanation = explain(history, key, pieces);
    let invoke = |piece: &Piece| history.operations()[piece.item.operation].invoke;
    let mut operations: Vec<Kept> = pieces
        .iter()
        .map(|piece| Kept {
            invoke: invoke(piece),
            expectation: piece.expectation,
        })
        .collect();
    operations.sort_by_key(|kept| kept.invoke);
    let named: BTreeSet<u64> = operations
        .iter()
        .map(|kept| kept.invoke)
        .chain(explanation.besides)
        .map(|event| event as u64)
        .collect();
    let last = pieces
        .iter()
        .filter(|piece| !piece.item.pending())
        .max_by_key(|piece| piece.item.end);
    Anomaly {
        kind: explanation.kind,
        explanation: explanation.text,
        operations: named.into_iter().collect(),
        key: Some(key.key.clone()),
        proof: crate::Proof::Linearizable(Proof {
            key: key.key.clone(),
            until: last.map_or(0, |piece| piece.item.returned),
            operations,
            failed_cas: options.failed_cas,
        }),
    }
}

/// What ran out first, by the order of objects, and up to which event every object is explained.
fn ran_out(answers: impl Iterator<Item = Answer>) -> Option<(Reason, Option<usize>)> {
    let mut unknown = answers.filter_map(|answer| match answer {
        Answer::Unknown { reason, explained } => Some((reason, explained)),
        _ => None,
    });
    let (reason, explained) = unknown.next()?;
    Some((
        reason,
        unknown.fold(explained, |least, (_, explained)| least.min(explained)),
    ))
}

fn warn_of_foreign(
    keys: &[KeyView],
    objects: &[Object],
    judged: &[Option<Judged>],
    verdict: &mut Verdict,
) {
    let of_keys = keys.iter().filter(|key| !key.foreign.is_empty());
    let of_keys = of_keys.map(|key| (key.key.to_string(), &key.foreign));
    let of_objects = objects.iter().zip(judged).filter(|(_, it)| it.is_none());
    let of_objects = of_objects.map(|(object, _)| {
        let first = object.keys.first().map(ToString::to_string);
        (first.unwrap_or_default(), &object.names)
    });
    let foreign: Vec<(String, &BTreeSet<String>)> = of_keys.chain(of_objects).collect();
    let Some((first, _)) = foreign.first() else {
        return;
    };
    let names: BTreeSet<&str> = foreign
        .iter()
        .flat_map(|(_, names)| names.iter().map(String::as_str))
        .collect();
    let names: Vec<&str> = names.into_iter().collect();
    verdict.warnings.push(format!(
        "{} with operations that are of no model here together ({}) {} not checked: {first}{}",
        counted(foreign.len(), "key"),
        names.join(", "),
        if foreign.len() == 1 { "was" } else { "were" },
        if foreign.len() == 1 { "" } else { ", …" },
    ));
}

/// Says of objects that were not decided how far the search had grown, and by what.
fn warn_of_growth(
    history: &History,
    objects: &[Object],
    judged: &[Option<Judged>],
    verdict: &mut Verdict,
) {
    for (object, judged) in objects.iter().zip(judged) {
        let Some(judged) = judged else { continue };
        if !matches!(judged.answer, Answer::Unknown { .. }) {
            continue;
        }
        let key = object.keys.first().map(ToString::to_string);
        let key = key.unwrap_or_default();
        verdict.warnings.push(format!(
            "the budget ended before {key} could be decided{}",
            grown(
                history,
                &key,
                judged.growth.frontier,
                judged
                    .growth
                    .items
                    .iter()
                    .map(|&(_, operation)| operation as OperationId)
            ),
        ));
    }
}

fn warn_of_undecided(
    history: &History,
    keys: &[KeyView],
    decisions: &[Option<Decision>],
    verdict: &mut Verdict,
) {
    let undecided = |decision: &Decision| matches!(decision.answer, Answer::Unknown { .. });
    let undecided: Vec<(&KeyView, &Decision)> = keys
        .iter()
        .zip(decisions)
        .filter_map(|(key, decision)| Some((key, decision.as_ref().filter(|it| undecided(it))?)))
        .collect();
    let Some((key, decision)) = undecided.first() else {
        return;
    };
    let mut warning = format!(
        "the budget ended before {} could be decided: {}{}",
        counted(undecided.len(), "key"),
        key.key,
        if undecided.len() == 1 { "" } else { ", …" },
    );
    warning += &grown(
        history,
        &key.key.to_string(),
        decision.frontier,
        decision.branching.iter().copied(),
    );
    verdict.warnings.push(warning);
}

/// How far a search had grown, and because of which operations.
fn grown(
    history: &History,
    key: &str,
    frontier: usize,
    by: impl Iterator<Item = OperationId>,
) -> String {
    let events: Vec<String> = by
        .map(|operation| history.operations()[operation].invoke.to_string())
        .collect();
    if events.is_empty() {
        return String::new();
    }
    format!(
        "; of {key} there were {} possible in the end, most of them because of the operations \
         begun at events {}",
        counted(frontier, "configuration"),
        events.join(", "),
    )
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
