//! Sets that only grow.

use polygraph_history::Value;
use rustc_hash::FxHashMap;

use super::{Pattern, SetOperation, any_pair};
use crate::model::GrowSetOp;
use crate::model::persistent::Members;

/// What a read found that had ended.
fn found(operation: &SetOperation) -> Option<&Members<Value>> {
    match &operation.said {
        GrowSetOp::Read(members) if operation.certain() => Some(members),
        _ => None,
    }
}

/// What was added, whether for certain or not.
const fn added(operation: &SetOperation) -> Option<&Value> {
    match &operation.said {
        GrowSetOp::Add(value) => Some(value),
        GrowSetOp::Read(_) => None,
    }
}

fn has(members: &Members<Value>, value: &Value) -> bool {
    members.binary_search(value).is_ok()
}

fn contains(large: &Members<Value>, small: &Members<Value>) -> bool {
    small.iter().all(|value| has(large, value))
}

/// Whether what is kept shows the pattern.
pub(super) fn show(prefix: &[SetOperation], pattern: Pattern) -> bool {
    let reads = |read: &SetOperation, other: &SetOperation| {
        Some((found(read)?.clone(), found(other)?.clone()))
    };
    match pattern {
        Pattern::Diverge => any_pair(prefix, |one, other| {
            reads(one, other)
                .is_some_and(|(one, other)| !contains(&one, &other) && !contains(&other, &one))
        }),
        Pattern::Phantom | Pattern::NotYet => prefix
            .iter()
            .filter(|operation| operation.kept)
            .any(|read| found(read).is_some_and(|members| unexplained(prefix, read.end, members))),
        Pattern::Missed => any_pair(prefix, |addition, read| {
            let missed = added(addition).zip(found(read));
            let missed = missed.is_some_and(|(value, members)| !has(members, value));
            missed && addition.end < read.start
        }),
        Pattern::Older => any_pair(prefix, |earlier, later| {
            let less = reads(earlier, later);
            let less = less.is_some_and(|(earlier, later)| !contains(&later, &earlier));
            less && earlier.end < later.start
        }),
        Pattern::Reversed => reversed(prefix),
        Pattern::Twice
        | Pattern::SamePlace
        | Pattern::TooMuch
        | Pattern::TooFew
        | Pattern::TooMany => false,
    }
}

/// Whether one of these was not added by anybody who had begun by a moment.
fn unexplained(prefix: &[SetOperation], by: u64, members: &Members<Value>) -> bool {
    let begun = prefix.iter().filter(|operation| operation.start <= by);
    let mut added: Vec<&Value> = begun.filter_map(added).collect();
    added.sort_unstable();
    members
        .iter()
        .any(|value| added.binary_search(&value).is_err())
}

/// Whether an addition had ended before anybody began to add an element with which a read does not
/// show it.
fn reversed(prefix: &[SetOperation]) -> bool {
    let mut begun: FxHashMap<&Value, u64> = FxHashMap::default();
    for operation in prefix {
        if let Some(value) = added(operation) {
            let first = begun.entry(value).or_insert(operation.start);
            *first = operation.start.min(*first);
        }
    }
    any_pair(prefix, |early, read| {
        added(early)
            .zip(found(read))
            .is_some_and(|(value, members)| {
                let later =
                    |other: &Value| begun.get(other).is_some_and(|&begun| early.end < begun);
                !has(members, value) && members.iter().any(later)
            })
    })
}
