//! How long the copies of a key took to become alike, and since which operation they differ.
//!
//! A key is quiet from the last operation that may change it and the last event of the nemesis
//! on. It became alike with the answer by which the latest answers of all its replicas agreed for
//! good: that is an upper bound, for nobody looks all the time.

use polygraph_history::{History, OperationId, Outcome, Value};
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BTreeMap;

use super::converges::alike;
use super::finals::{KeyFinals, Update, elements};
use super::{client, some};
use crate::measured::{Figure, Measured, spread};

/// How many keys are named.
const NAMED: usize = 5;

/// The tables of `converges`: all keys together, and those that are apart or took longest.
pub(super) fn measure(history: &History, keys: &[KeyFinals<'_>]) -> Vec<Measured> {
    let mut counts = [0_u64; 4];
    let mut spans: Vec<u64> = Vec::new();
    let mut apart: Vec<&KeyFinals<'_>> = Vec::new();
    let mut slow: Vec<(u64, &KeyFinals<'_>)> = Vec::new();
    for key in keys.iter().filter(|key| key.replicas.len() > 1) {
        match state(history, key) {
            State::Alike { first, after } => {
                counts[usize::from(!first)] += 1;
                spans.push(after);
                if !first {
                    slow.push((after, key));
                }
            }
            State::Apart => {
                counts[2] += 1;
                apart.push(key);
            }
            State::Silent => counts[3] += 1,
        }
    }
    if counts == [0; 4] {
        return Vec::new();
    }
    spans.sort_unstable();
    let mut row: Vec<Figure> = counts.map(Figure::Count).to_vec();
    row.extend(spread(&spans));
    let mut tables = vec![Measured {
        name: "convergence",
        about: "keys whose replicas answered alike when they were first looked at in the end, or \
                later, or never; and how long after the last change and the last fault that was \
                known",
        columns: &[
            "at_once",
            "later",
            "apart",
            "unanswered",
            "median_ns",
            "p99_ns",
            "longest_ns",
        ],
        rows: vec![row],
    }];
    slow.sort_by_key(|&(after, _)| std::cmp::Reverse(after));
    let apart = apart.iter().map(|key| {
        vec![
            Figure::Text(key.key.to_string()),
            "apart".into(),
            Figure::Nothing,
            since(history, key).map_or(Figure::Nothing, Figure::Text),
        ]
    });
    let slow = slow.iter().map(|&(after, key)| {
        let key = Figure::Text(key.key.to_string());
        vec![
            key,
            "alike".into(),
            Figure::span(Some(after)),
            Figure::Nothing,
        ]
    });
    let rows: Vec<Vec<Figure>> = apart.take(NAMED).chain(slow.take(NAMED)).collect();
    if !rows.is_empty() {
        tables.push(Measured {
            name: "slowest keys",
            about: "keys whose replicas stay apart, and since which operation, and those that took \
                    longest to become alike",
            columns: &["key", "state", "after_ns", "since"],
            rows,
        });
    }
    tables
}

enum State {
    /// Alike, from the first look on or not, so many nanoseconds after the key became quiet.
    Alike {
        first: bool,
        after: u64,
    },
    Apart,
    /// Some replica gave no answer in the end, and the others do not differ.
    Silent,
}

fn state(history: &History, key: &KeyFinals<'_>) -> State {
    let unordered = key.unordered();
    let differ = |answers: &[&Value]| {
        answers
            .iter()
            .any(|answer| !alike(answer, answers[0], unordered))
    };
    let last: Vec<&Value> = key.answers().map(|(_, answer)| answer.value).collect();
    if differ(&last) {
        return State::Apart;
    }
    if !key.silent().is_empty() {
        return State::Silent;
    }
    let operations = history.operations();
    let changed = key.updates.iter().map(|&(id, _)| {
        let update = &operations[id];
        history
            .completed_at(update)
            .unwrap_or_else(|| history.invoked_at(update))
    });
    let healed = history.faults().map(|(event, _)| event.time);
    let quiet = changed.chain(healed).max().unwrap_or_default();
    let mut looks: Vec<_> = key
        .looks
        .iter()
        .map(|(node, answer)| {
            let at = history.completed_at(&operations[answer.operation]);
            (at.unwrap_or_default(), *node, answer.value)
        })
        .collect();
    looks.sort_by_key(|&(at, ..)| at);
    let mut latest = BTreeMap::new();
    let (mut since, mut rounds) = (None, 0);
    for (at, node, value) in looks {
        latest.insert(node, value);
        if latest.len() < key.replicas.len() {
            continue;
        }
        let answers: Vec<&Value> = latest.values().copied().collect();
        if differ(&answers) {
            since = None;
            rounds += 1;
        } else {
            since.get_or_insert(at);
        }
    }
    match since {
        Some(at) => State::Alike {
            first: rounds == 0,
            after: u64::try_from(at.since(quiet).as_nanos()).unwrap_or(u64::MAX),
        },
        None => State::Apart,
    }
}

/// The first operation whose effect some replica has and another has not, in words.
fn since(history: &History, key: &KeyFinals<'_>) -> Option<String> {
    let answers: Vec<&Value> = key.answers().map(|(_, answer)| answer.value).collect();
    let mut holders: FxHashMap<&Value, usize> = FxHashMap::default();
    for answer in &answers {
        let mut once: FxHashSet<&Value> = FxHashSet::default();
        let each = elements(answer).iter().filter(|value| once.insert(value));
        each.for_each(|value| *holders.entry(value).or_default() += 1);
    }
    let partly = |value: &Value| {
        holders
            .get(value)
            .is_some_and(|&count| count < answers.len())
    };
    // An element that all have lost is no difference; one that some still have, though it was
    // removed, differs since its removal.
    let operations = history.operations();
    let removals = key.updates.iter().filter_map(|&(id, update)| match update {
        Update::Remove(value) if operations[id].outcome == Outcome::Ok => Some(value),
        _ => None,
    });
    let removed: FxHashSet<&Value> = removals.collect();
    let mut earliest: Option<OperationId> = None;
    for &(id, update) in &key.updates {
        let differs = match update {
            Update::Write(value) | Update::Add(value) | Update::Remove(value) => partly(value),
        };
        let is_later = matches!(update, Update::Add(value) if removed.contains(value));
        if differs && !is_later {
            let start = |id: OperationId| operations[id].start;
            earliest = match earliest {
                Some(other) if start(other) <= start(id) => Some(other),
                _ => Some(id),
            };
        }
    }
    let id = earliest?;
    let (what, value) = key.updates.iter().find_map(|&(other, update)| {
        let named = match update {
            Update::Write(value) => ("wrote", value),
            Update::Add(value) => ("added", value),
            Update::Remove(value) => ("removed", value),
        };
        (other == id && partly(named.1)).then_some(named)
    })?;
    let at = history.invoked_at(&history.operations()[id]);
    let has: Vec<String> = key
        .answers()
        .filter(|(_, answer)| elements(answer.value).contains(value))
        .map(|(node, _)| node.to_string())
        .collect();
    Some(format!(
        "{} {what} {} at {at}; {} {} it",
        client(history, id),
        some(&[value]),
        has.join(" "),
        if has.len() == 1 { "has" } else { "have" },
    ))
}
