//! Decides all keys within one budget.
//!
//! The budget is divided in a way that depends on nothing but the history: first the keys share
//! half of it by the numbers of their operations; what is left over then goes to the undecided
//! keys, one after the other. Keys run in parallel, the largest first, in a fixed number of lanes,
//! each with its part of the memory.

use std::cmp::Reverse;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use polygraph_history::{History, OperationId};
use rayon::prelude::*;

use super::register::certificate::Certificate;
use super::register::distinct::{self, Known};
use super::register::obligations::Obligations;
use super::register::refute::impossible;
use super::register::relevance::reduce;
use super::register::view::{INITIAL, Item, KeyView};
use super::search::{self, Answer, Limits, Wanted};
use crate::model::CasRegister;
use crate::{Budget, Reason};

/// How many keys are searched at the same time, at most.
const LANES: usize = 16;

/// What is known about a key.
#[derive(Clone, Debug)]
pub(super) struct Decision {
    /// The answer.
    pub(super) answer: Answer,
    /// How many steps it took.
    pub(super) steps: u64,
    /// Whether a search was needed.
    pub(super) searched: bool,
    /// The operations that show that there is no order, where distinct values do: by their places
    /// among the rows of the key.
    pub(super) refuted: Option<Certificate>,
    /// If a search did not end: how many possibilities there were.
    pub(super) frontier: usize,
    /// And which operations made them many, the worst first.
    pub(super) branching: Vec<OperationId>,
    /// An order, if a search found one and it was wanted.
    pub(super) order: Option<Vec<OperationId>>,
}

impl Decision {
    /// Without a search.
    const fn linear(answer: Answer, steps: u64) -> Decision {
        Decision {
            answer,
            steps,
            searched: false,
            refuted: None,
            frontier: 0,
            branching: Vec::new(),
            order: None,
        }
    }
}

/// Looks for an order of the operations of a key, by the fastest way that applies.
fn decide_key(history: &History, key: &KeyView, limits: &Limits, wanted: Wanted) -> Decision {
    if limits.steps == 0 {
        return decide(&key.items(history), limits);
    }
    let (known, steps) = distinct::decide(&key.rows, limits);
    match decided(known, key.rows.len(), steps) {
        Some(decision) => decision,
        None => search_rest(&key.items(history), limits, steps, wanted),
    }
}

/// An order of the operations of a key that distinct values decided.
pub(super) fn order_of_distinct(
    history: &History,
    key: &KeyView,
    limits: &Limits,
) -> Option<Vec<OperationId>> {
    if let Some(order) = distinct::order_of_rows(&key.rows, limits) {
        return Some(order.into_iter().map(|at| at as OperationId).collect());
    }
    let reduced = reduce(&key.items(history));
    let order = distinct::order(&reduced, limits)?.into_iter();
    Some(order.map(|at| reduced[at].operation).collect())
}

/// Looks for an order of these items, sorted by start, by the fastest way that applies.
pub(super) fn decide(items: &[Item], limits: &Limits) -> Decision {
    if !items.is_empty() && limits.steps == 0 {
        return Decision::linear(search::out_of(Reason::BudgetSteps), 0);
    }
    let (known, steps) = distinct::decide_items(items, limits);
    match decided(known, items.len(), steps) {
        Some(decision) => decision,
        None => search_rest(items, limits, steps, Wanted::Answer),
    }
}

/// The same where distinct values did not decide, which took so many steps.
fn search_rest(items: &[Item], limits: &Limits, before: u64, wanted: Wanted) -> Decision {
    if let Some(by) = impossible(items) {
        let answer = Answer::Violated { from: 0, by };
        return Decision::linear(answer, before + items.len() as u64);
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
    if let Some(mut decision) = decided(known, items.len(), before + steps) {
        // It names rows of the smaller problem.
        decision.refuted = None;
        return decision;
    }
    let model = CasRegister { initial: INITIAL };
    let obligations = |of_item: &[u32]| Obligations::new(&reduced, of_item);
    let found = search::search_with(&model, &reduced, obligations, &limits, wanted);
    let named = |at: usize| reduced[at].operation;
    Decision {
        answer: found.answer,
        steps: before + steps + found.steps,
        searched: true,
        refuted: None,
        frontier: found.growth.frontier,
        branching: (found.growth.items.iter())
            .map(|&(_, at)| named(at as usize))
            .collect(),
        order: (found.order).map(|order| order.into_iter().map(named).collect()),
    }
}

fn decided(known: Known, operations: usize, searched: u64) -> Option<Decision> {
    let mut refuted = None;
    let answer = match known {
        Known::Linearizable => Answer::Linearizable,
        Known::Violated(by, certificate) => {
            refuted = certificate;
            Answer::Violated { from: 0, by }
        }
        Known::Open => return None,
    };
    Some(Decision {
        searched: searched > 0,
        refuted,
        ..Decision::linear(answer, searched + operations as u64)
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
    wanted: Wanted,
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
        stop: None,
    };
    let mut decisions = vec![None; keys.len()];
    let mut largest_first = understood.clone();
    largest_first.sort_by_key(|&at| (Reverse(keys[at].rows.len()), at));
    let next = AtomicUsize::new(0);
    let lanes: Vec<Vec<(usize, Decision)>> = (0..LANES.min(largest_first.len()))
        .into_par_iter()
        .with_max_len(1)
        .map(|_| {
            let taken = std::iter::from_fn(|| {
                let at = *largest_first.get(next.fetch_add(1, Ordering::Relaxed))?;
                Some((
                    at,
                    decide_key(history, &keys[at], &limits(&keys[at]), wanted),
                ))
            });
            taken.collect()
        })
        .collect();
    for (at, decision) in lanes.into_iter().flatten() {
        decisions[at] = Some(decision);
    }
    // One violated key settles the verdict.
    let violated = |decision: &Option<Decision>| {
        let answer = decision.as_ref().map(|decision| decision.answer);
        matches!(answer, Some(Answer::Violated { .. }))
    };
    if !decisions.iter().any(violated) {
        decide_rest(history, keys, budget, deadline, wanted, &mut decisions);
    }
    decisions
}

/// Gives what is left of the budget to the keys that are not decided, one after the other.
fn decide_rest(
    history: &History,
    keys: &[KeyView],
    budget: &Budget,
    deadline: Option<Instant>,
    wanted: Wanted,
    decisions: &mut [Option<Decision>],
) {
    let used: u64 = decisions
        .iter()
        .flatten()
        .map(|decision| decision.steps)
        .sum();
    let mut left = budget.max_steps.saturating_sub(used);
    let open: Vec<usize> = (0..keys.len())
        .filter(|&at| (decisions[at].as_ref()).is_some_and(|decision| ran_out(decision.answer)))
        .collect();
    for (position, &at) in open.iter().enumerate() {
        let limits = Limits {
            steps: left / (open.len() - position) as u64,
            bytes: budget.max_memory,
            deadline,
            stop: None,
        };
        let decision = decide_key(history, &keys[at], &limits, wanted);
        left = left.saturating_sub(decision.steps);
        let established = |decision: &Decision| match decision.answer {
            Answer::Unknown { explained, .. } => explained,
            _ => Some(usize::MAX),
        };
        let violated = matches!(decision.answer, Answer::Violated { .. });
        let first = decisions[at].as_ref();
        if first.is_none_or(|first| established(first) <= established(&decision)) {
            decisions[at] = Some(decision);
        }
        if violated {
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
