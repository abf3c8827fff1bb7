//! Linearizability of single operations: reads, writes and compare-and-sets of registers.
//!
//! - [`ENTRY`]: the check. [`Proof`], [`confirm`]: its evidence, and the code that checks it.
//! - [`Online`]: the same while events arrive, as far as that is decided by distinct values.
//! - `register`: what is known of registers; distinct values in near-linear time.
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
use std::time::Instant;

use polygraph_history::{Guarantee, History};
use rayon::prelude::*;

use crate::{Anomaly, Entry, Options, Reason, Validity, Verdict};

mod confirm;
mod decide;
mod item;
mod online;
mod proof;
mod register;
mod search;
#[cfg(test)]
mod tests;

pub use confirm::confirm;
pub use online::{Deferred, Online, Violation};
pub use proof::{Kept, Proof};

use decide::{Decision, deadline, decide_all};
use register::evidence::{Piece, minimal};
use register::explain::explain;
use register::view::{KeyView, View};
use search::{Answer, Limits};

/// The registry's entry.
pub const ENTRY: Entry = Entry {
    guarantee: Guarantee::Linearizable,
    opportunity: "pairs of overlapping operations on a key",
    minimum: 1,
    check,
};

/// Decides whether every key of a history is linearizable.
fn check(history: &History, options: &Options) -> Verdict {
    let deadline = deadline(&options.budget);
    let Some(view) = View::new(history, options.failed_cas) else {
        let mut verdict = Verdict::holds(Guarantee::Linearizable, "zones");
        verdict
            .warnings
            .push("there are more events than can be numbered: 2^32".to_owned());
        return verdict.unknown(Reason::BudgetMemory);
    };
    let decisions = decide_all(history, &view.keys, &options.budget, deadline);
    let searched = decisions.iter().flatten().any(|decision| decision.searched);
    let algorithm = if searched { "windowed-search" } else { "zones" };
    let mut verdict = Verdict::holds(Guarantee::Linearizable, algorithm);
    for key in view.keys.iter().filter(|key| key.foreign.is_empty()) {
        verdict.operations_checked += key.operations;
        verdict.indeterminate += key.indeterminate;
        verdict.opportunities += key.overlaps;
    }
    warn_of_foreign(&view.keys, &mut verdict);
    if decisions.iter().all(Option::is_none) {
        return verdict.unknown(Reason::NotApplicable);
    }
    let violated = decisions
        .iter()
        .flatten()
        .filter(|decision| matches!(decision.answer, Answer::Violated { .. }))
        .count();
    warn_of_undecided(&view.keys, &decisions, &mut verdict);
    if violated > 0 {
        verdict.validity = Validity::Violated;
        verdict.anomaly_count = violated as u64;
        verdict = with_evidence(history, options, deadline, &view.keys, &decisions, verdict);
    } else if let Some((reason, explained)) = ran_out(&decisions) {
        verdict.established = explained.map(|event| format!("linearizable up to event {event}"));
        verdict = verdict.unknown(reason);
    } else if decisions.iter().any(Option::is_none) {
        verdict = verdict.unknown(Reason::NotApplicable);
    }
    verdict
}

/// Works out the evidence of the keys that were violated first.
fn with_evidence(
    history: &History,
    options: &Options,
    deadline: Option<Instant>,
    keys: &[KeyView],
    decisions: &[Option<Decision>],
    mut verdict: Verdict,
) -> Verdict {
    let mut violated: Vec<(u64, u64, &KeyView)> = keys
        .iter()
        .zip(decisions)
        .filter_map(|(key, decision)| match decision.as_ref()?.answer {
            Answer::Violated { from, by } => Some((from, by, key)),
            _ => None,
        })
        .collect();
    violated.sort_by_key(|&(from, by, _)| (by, from));
    // At least one, for a verdict needs evidence.
    violated.truncate(options.max_anomalies.max(1));
    let limits = Limits {
        steps: options.budget.max_steps / violated.len() as u64,
        bytes: options.budget.max_memory / violated.len() as u64,
        deadline,
    };
    let found: Vec<(Anomaly, Result<(), String>)> = violated
        .into_par_iter()
        .map(|(from, by, key)| {
            let pieces = minimal(history, key, (from, by), &limits);
            let anomaly = anomaly(history, options, key, &pieces);
            let confirmed = anomaly.confirm(history);
            (anomaly, confirmed)
        })
        .collect();
    for (anomaly, confirmed) in found {
        match confirmed {
            Ok(()) => verdict.anomalies.push(anomaly),
            Err(problem) if problem.ends_with(confirm::TOO_LARGE) => {
                verdict
                    .warnings
                    .push(format!("the evidence could not be confirmed: {problem}"));
                verdict.anomalies.push(anomaly);
            }
            // A bug of ours must not accuse anybody.
            Err(problem) => {
                verdict.warnings.push(format!(
                    "evidence was rejected, a bug of the checker: {problem}"
                ));
                verdict.anomaly_count -= 1;
            }
        }
    }
    if verdict.anomalies.is_empty() {
        return verdict.unknown(Reason::NotObservable);
    }
    verdict
        .anomalies
        .sort_by_key(|anomaly| anomaly.operations.len());
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

/// What ran out first, by the order of keys, and up to which event every key is explained.
fn ran_out(decisions: &[Option<Decision>]) -> Option<(Reason, Option<usize>)> {
    let mut unknown = decisions
        .iter()
        .flatten()
        .filter_map(|decision| match decision.answer {
            Answer::Unknown { reason, explained } => Some((reason, explained)),
            _ => None,
        });
    let (reason, explained) = unknown.next()?;
    Some((
        reason,
        unknown.fold(explained, |least, (_, explained)| least.min(explained)),
    ))
}

fn warn_of_foreign(keys: &[KeyView], verdict: &mut Verdict) {
    let foreign: Vec<&KeyView> = keys.iter().filter(|key| !key.foreign.is_empty()).collect();
    let Some(first) = foreign.first() else {
        return;
    };
    let names: BTreeSet<&str> = foreign
        .iter()
        .flat_map(|key| key.foreign.iter().map(String::as_str))
        .collect();
    let names: Vec<&str> = names.into_iter().collect();
    verdict.warnings.push(format!(
        "{} with operations that the register models do not know ({}) {} not checked: {}{}",
        counted(foreign.len(), "key"),
        names.join(", "),
        if foreign.len() == 1 { "was" } else { "were" },
        first.key,
        if foreign.len() == 1 { "" } else { ", …" },
    ));
}

fn warn_of_undecided(keys: &[KeyView], decisions: &[Option<Decision>], verdict: &mut Verdict) {
    let undecided: Vec<&KeyView> = keys
        .iter()
        .zip(decisions)
        .filter(|(_, decision)| {
            decision.is_some_and(|decision| matches!(decision.answer, Answer::Unknown { .. }))
        })
        .map(|(key, _)| key)
        .collect();
    if let Some(first) = undecided.first() {
        verdict.warnings.push(format!(
            "the budget ended before {} could be decided: {}{}",
            counted(undecided.len(), "key"),
            first.key,
            if undecided.len() == 1 { "" } else { ", …" },
        ));
    }
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
