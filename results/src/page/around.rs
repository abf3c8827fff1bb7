//! What else happened around a piece of evidence: the other operations on the same keys.

use maud::{Markup, html};
use polygraph_history::{History, Key, Micro, Op, Operation, Outcome, Time};

use super::evidence::clip;
use crate::cycle::short_op;

/// How many operations are shown.
const MOST: usize = 30;
/// How many operations before and after the evidence are looked at.
const REACH: usize = 2000;

/// Operations around those that these events invoked, on the same keys.
pub(super) fn table(history: &History, invocations: &[u64]) -> Option<Markup> {
    let operations = history.operations();
    let place = |&event: &u64| {
        operations
            .binary_search_by_key(&event, |it| it.invoke as u64)
            .ok()
    };
    let evidence: Vec<usize> = invocations.iter().filter_map(place).collect();
    let (first, last) = (*evidence.iter().min()?, *evidence.iter().max()?);
    let mut keys: Vec<&Key> = evidence
        .iter()
        .flat_map(|&at| keys(history.op(&operations[at])))
        .collect();
    keys.sort();
    keys.dedup();
    let to = (last + REACH).min(operations.len() - 1);
    let about = |at: &usize| {
        self::keys(history.op(&operations[*at]))
            .iter()
            .any(|it| keys.contains(it))
    };
    // The nearest ones: of a long stretch those next to the evidence.
    let distance = |at: usize| {
        evidence
            .iter()
            .map(|&it| it.abs_diff(at))
            .min()
            .unwrap_or(0)
    };
    let candidates = first.saturating_sub(REACH)..=to;
    let mut near: Vec<usize> = match last - first {
        span if span <= 20 * REACH => candidates.filter(about).collect(),
        _ => evidence
            .iter()
            .flat_map(|&at| at.saturating_sub(REACH)..=(at + REACH).min(operations.len() - 1))
            .filter(about)
            .collect(),
    };
    near.sort_unstable();
    near.dedup();
    near.sort_by_key(|&at| distance(at));
    near.truncate(MOST.max(evidence.len()));
    near.sort_unstable();
    if near.len() <= evidence.len() {
        return None;
    }
    Some(html! {
        details {
            summary { "Operations around it on the same " @if keys.len() == 1 { "key" } @else { "keys" } }
            div.scroll { table.list.around {
                thead { tr { th { "event" } th { "client" } th { "node" } th { "operation" } th { "when" } th { "outcome" } } }
                tbody {
                    @for (nth, &at) in near.iter().enumerate() {
                        @if nth > 0 && between(&near, nth, operations, history, &keys) {
                            tr.gap { td colspan="6" { "⋮" } }
                        }
                        (row(history, &operations[at], evidence.contains(&at)))
                    }
                }
            } }
        }
    })
}

/// Whether something on the same keys happened between this row and the one before it.
fn between(
    near: &[usize],
    nth: usize,
    operations: &[Operation],
    history: &History,
    keys: &[&Key],
) -> bool {
    let mut between = (near[nth - 1] + 1..near[nth]).take(2 * REACH);
    between.any(|at| {
        self::keys(history.op(&operations[at]))
            .iter()
            .any(|it| keys.contains(it))
    })
}

fn row(history: &History, operation: &Operation, is_evidence: bool) -> Markup {
    let node = history.node(operation.invoke);
    let error = history
        .completion(operation)
        .and_then(|it| it.error.as_ref());
    let from = history.invoked_at(operation).to_string();
    let end = history
        .completed_at(operation)
        .filter(|_| operation.outcome != Outcome::Info);
    let outcome = match operation.outcome {
        Outcome::Ok => "ok",
        Outcome::Fail => "✗ failed",
        Outcome::Info => "? unknown",
    };
    html! {
        tr.evidence[is_evidence] {
            td { @if is_evidence { "▶ " } (operation.invoke) }
            td { (operation.process) }
            td { @if let Some(node) = node { (node) } }
            td { code { (clip(&short_op(history.op(operation)), 160)) } }
            td.nowrap { @match end { Some(end) => { (from.trim_end_matches(" s")) "–" (Time(end.as_nanos())) }, None => { "from " (from) } } }
            td { (outcome) @if let Some(error) = error { ": " (error) } }
        }
    }
}

/// The keys that an operation is about.
fn keys(op: &Op) -> Vec<&Key> {
    match op {
        Op::Txn(micros) => micros.iter().filter_map(Micro::key).collect(),
        op => op.key().into_iter().collect(),
    }
}
