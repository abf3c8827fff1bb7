//! Decides all keys within one budget.
//!
//! The budget is divided in a way that depends on nothing but the history: first every key gets
//! half of it by the number of its operations; what is left over then goes to the undecided keys, one after the other. Keys
//! run in parallel in a fixed number of lanes, each with its part of the memory.

use std::time::Instant;

use polygraph_history::History;
use rayon::prelude::*;

use super::register::distinct::{self, Known};
use super::register::refute::impossible;
use super::register::relevance::reduce;
use super::register::view::{Item, KeyView};
use super::search::{self, Answer, Limits};
use crate::{Budget, Reason};

/// How many keys are searched at the same time, at most.
const LANES: usize = 16;

/// What is known about a key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Decision {
    /// The answer.
    pub(super) answer: Answer,
    /// How many steps it took.
    pub(super) steps: u64,
    /// Whether a search was needed.
    pub(super) searched: bool,
}

/// Looks for an order of the operations of a key, by the fastest way that applies.
fn decide_key(history: &History, key: &KeyView, limits: &Limits) -> Decision {
    if limits.steps == 0 {
        return decide(&key.items(history), limits);
    }
    let (known, steps) = distinct::decide(&key.rows, limits);
    match decided(known, key.rows.len(), steps) {
        Some(decision) => decision,
        None => search_rest(&key.items(history), limits, steps),
    }
}

/// Looks for an order of these items, sorted by start, by the fastest way that applies.
pub(super) fn decide(items: &[Item], limits: &Limits) -> Decision {
    if !items.is_empty() && limits.steps == 0 {
        return Decision {
            answer: search::out_of(Reason::BudgetSteps),
            steps: 0,
            searched: false,
        };
    }
    let (known, steps) = distinct::decide_items(items, limits);
    match decided(known, items.len(), steps) {
        Some(decision) => decision,
        None => search_rest(items, limits, steps),
    }
}

/// The same where distinct values did not decide, which took so many steps.
fn search_rest(items: &[Item], limits: &Limits, before: u64) -> Decision {
    if let Some(by) = impossible(items) {
        return Decision {
            answer: Answer::Violated { from: 0, by },
            steps: before + items.len() as u64,
            searched: false,
        };
    }
    let limits = Limits {
        steps: limits.steps.saturating_sub(before),
        ..*limits
    };
    // Values that nobody can observe any more may leave distinct ones.
    let reduced = reduce(items);
    let (known, steps) = match before {
        0 => distinct::decide_items(&reduced, &limits),
        _ => (Known::Open, 0),
    };
    if let Some(decision) = decided(known, items.len(), before + steps) {
        return decision;
    }
    let (answer, used) = search::search(&reduced, &limits);
    Decision {
        answer,
        steps: before + steps + used,
        searched: true,
    }
}

fn decided(known: Known, operations: usize, searched: u64) -> Option<Decision> {
    let answer = match known {
        Known::Linearizable => Answer::Linearizable,
        Known::Violated(by) => Answer::Violated { from: 0, by },
        Known::Open => return None,
    };
    Some(Decision {
        answer,
        steps: searched + operations as u64,
        searched: searched > 0,
    })
}

/// When a check must stop.
pub(super) fn deadline(budget: &Budget) -> Option<Instant> {
    budget
        .max_time
        .and_then(|time| Instant::now().checked_add(time))
}

/// Decides every key; `None` for those with operations that no model here understands.
pub(super) fn decide_all(
    history: &History,
    keys: &[KeyView],
    budget: &Budget,
    deadline: Option<Instant>,
) -> Vec<Option<Decision>> {
    let understood: Vec<usize> = (0..keys.len())
        .filter(|&at| keys[at].foreign.is_empty())
        .collect();
    let all: usize = understood.iter().map(|&at| keys[at].rows.len()).sum();
    // A key that is alone needs to leave nothing for others.
    let first = if understood.len() > 1 {
        budget.max_steps / 2
    } else {
        budget.max_steps
    };
    let limits = |key: &KeyView| Limits {
        steps: share(first, key.rows.len(), all),
        bytes: budget.max_memory / understood.len().clamp(1, LANES) as u64,
        deadline,
    };
    let mut decisions = vec![None; keys.len()];
    let lanes: Vec<Vec<(usize, Decision)>> = (0..LANES)
        .into_par_iter()
        .map(|lane| {
            let keys_of_lane = understood.iter().skip(lane).step_by(LANES);
            keys_of_lane
                .map(|&at| (at, decide_key(history, &keys[at], &limits(&keys[at]))))
                .collect()
        })
        .collect();
    for (at, decision) in lanes.into_iter().flatten() {
        decisions[at] = Some(decision);
    }
    // One violated key settles the verdict.
    let violated = |decision: &Option<Decision>| {
        decision.is_some_and(|decision| matches!(decision.answer, Answer::Violated { .. }))
    };
    if !decisions.iter().any(violated) {
        decide_rest(history, keys, budget, deadline, &mut decisions);
    }
    decisions
}

/// Gives what is left of the budget to the keys that are not decided, one after the other.
fn decide_rest(
    history: &History,
    keys: &[KeyView],
    budget: &Budget,
    deadline: Option<Instant>,
    decisions: &mut [Option<Decision>],
) {
    let used: u64 = decisions
        .iter()
        .flatten()
        .map(|decision| decision.steps)
        .sum();
    let mut left = budget.max_steps.saturating_sub(used);
    let open: Vec<usize> = (0..keys.len())
        .filter(|&at| decisions[at].is_some_and(|decision| ran_out(decision.answer)))
        .collect();
    for (position, &at) in open.iter().enumerate() {
        let limits = Limits {
            steps: left / (open.len() - position) as u64,
            bytes: budget.max_memory,
            deadline,
        };
        let decision = decide_key(history, &keys[at], &limits);
        left = left.saturating_sub(decision.steps);
        let established = |decision: &Decision| match decision.answer {
            Answer::Unknown { explained, .. } => explained,
            _ => Some(usize::MAX),
        };
        if decisions[at].is_none_or(|first| established(&first) <= established(&decision)) {
            decisions[at] = Some(decision);
        }
        if matches!(decision.answer, Answer::Violated { .. }) {
            return;
        }
    }
}

/// The part of a whole that belongs to `size` of `all`.
const fn share(whole: u64, size: usize, all: usize) -> u64 {
    let all = if all == 0 { 1 } else { all as u128 };
    (whole as u128 * size as u128 / all) as u64
}

const fn ran_out(answer: Answer) -> bool {
    matches!(
        answer,
        Answer::Unknown {
            reason: Reason::BudgetSteps | Reason::BudgetMemory,
            ..
        }
    )
}
