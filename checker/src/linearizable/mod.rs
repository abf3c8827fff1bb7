//! Linearizability of single operations: reads, writes and compare-and-sets of registers.
//!
//! - [`ENTRY`]: the check. [`Proof`], [`confirm`]: its evidence, and the code that checks it.
//! - `view`: the operations of every key. `relevance`: the same problem, smaller.
//! - `search`: two halves that take turns, `breadth` and `lazy`.
//!
//! Terms: `a` precedes `b` when `a` ended before `b` began. A key is linearizable when its
//! operations have an order that keeps this, in which every operation has its result in the
//! sequential specification (Herlihy & Wing, *Linearizability*, TOPLAS 1990). Operations of
//! unknown outcome may be in the order at any place after their beginning, or not at all.

use std::collections::BTreeSet;

use polygraph_history::{Guarantee, History};

use crate::{Entry, Options, Reason, Validity, Verdict};

mod breadth;
mod config;
mod decide;
mod expand;
mod lazy;
mod machine;
mod relevance;
mod search;
mod timeline;
mod view;

use decide::{Decision, deadline, decide_all};
use search::Answer;
use view::{KeyView, View};

/// Evidence, by operation.
#[derive(Clone, Debug)]
pub struct Proof {}

/// Checks the evidence against the history.
///
/// # Errors
/// What is wrong with it.
pub fn confirm(_history: &History, _proof: &Proof) -> Result<(), String> {
    Err("not built yet".to_owned())
}

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
    let view = View::new(history, options.failed_cas);
    let decisions = decide_all(&view.keys, &options.budget, deadline);
    let mut verdict = Verdict::holds(Guarantee::Linearizable, "windowed-search");
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
    } else if let Some((reason, explained)) = ran_out(&decisions) {
        verdict.established = explained.map(|event| format!("linearizable up to event {event}"));
        verdict = verdict.unknown(reason);
    } else if decisions.iter().any(Option::is_none) {
        verdict = verdict.unknown(Reason::NotApplicable);
    }
    verdict
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
