//! The definition: try all orders.

use std::collections::BTreeMap;

use polygraph_checker::isolation::{Class, Kind, Suffix};
use polygraph_history::{History, Key, Micro, Op, Operation, Outcome, Value};

fn micros<'h>(history: &'h History, operation: &Operation) -> &'h [Micro] {
    match history.op(operation) {
        Op::Txn(micros) => micros,
        _ => &[],
    }
}

/// Whether some order of all acknowledged and any of the unknown transactions explains what the
/// acknowledged ones read, such that whatever must come `before` something else does.
pub(crate) fn explained(
    history: &History,
    before: impl Fn(&Operation, &Operation) -> bool,
) -> bool {
    let operations: Vec<&Operation> = history
        .operations()
        .iter()
        .filter(|operation| operation.outcome != Outcome::Fail)
        .collect();
    let mut placed = vec![false; operations.len()];
    place(history, &operations, &before, &mut placed, &BTreeMap::new())
}

fn place(
    history: &History,
    operations: &[&Operation],
    before: &impl Fn(&Operation, &Operation) -> bool,
    placed: &mut [bool],
    lists: &BTreeMap<Key, Vec<Value>>,
) -> bool {
    let needed = |at: usize, placed: &[bool]| operations[at].outcome == Outcome::Ok && !placed[at];
    if !(0..operations.len()).any(|at| needed(at, placed)) {
        return true;
    }
    for at in 0..operations.len() {
        // What must come before and takes place at all must have its place already.
        let blocked = (0..operations.len())
            .any(|other| needed(other, placed) && before(operations[other], operations[at]));
        if placed[at] || blocked {
            continue;
        }
        let mut lists = lists.clone();
        if run(history, operations[at], &mut lists) {
            placed[at] = true;
            if place(history, operations, before, placed, &lists) {
                return true;
            }
            placed[at] = false;
        }
    }
    false
}

fn run(history: &History, operation: &Operation, lists: &mut BTreeMap<Key, Vec<Value>>) -> bool {
    for micro in micros(history, operation) {
        match micro {
            Micro::Append { key, value } => {
                lists.entry(key.clone()).or_default().push(value.clone());
            }
            Micro::Read {
                key,
                value: Some(value),
            } if operation.outcome == Outcome::Ok => {
                let list = lists.get(key).map_or(&[][..], Vec::as_slice);
                if value.elements() != Some(list) {
                    return false;
                }
            }
            _ => {}
        }
    }
    true
}

/// Whether the transactions are serializable.
pub(crate) fn serializable(history: &History) -> bool {
    explained(history, |_, _| false)
}

/// Whether they are, in an order that extends real time.
pub(crate) fn strict_serializable(history: &History) -> bool {
    explained(history, Operation::precedes)
}

/// One transaction came before the other in their session.
pub(crate) fn in_session(a: &Operation, b: &Operation) -> bool {
    a.session == b.session
        && a.outcome == Outcome::Ok
        && a.complete.is_some_and(|end| end < b.invoke)
}

/// Whether they are, in an order that extends that of each session.
pub(crate) fn session_serializable(history: &History) -> bool {
    explained(history, in_session)
}

/// The most severe kind among all simple cycles, with all edges that hold, found by enumeration.
/// Only for histories without any other anomaly.
pub(crate) fn most_severe_cycle(history: &History, real_time: bool) -> Option<Kind> {
    let reads = |operation: &Operation| -> Vec<(Key, Vec<Value>)> {
        let shown = micros(history, operation)
            .iter()
            .filter_map(|micro| match micro {
                Micro::Read {
                    key,
                    value: Some(value),
                } => Some((key.clone(), value.elements()?.to_vec())),
                _ => None,
            });
        match operation.outcome {
            Outcome::Ok => shown.collect(),
            _ => Vec::new(),
        }
    };
    let appends = |operation: &Operation| -> Vec<(Key, Value)> {
        let made = micros(history, operation)
            .iter()
            .filter_map(|micro| match micro {
                Micro::Append { key, value } => Some((key.clone(), value.clone())),
                _ => None,
            });
        made.collect()
    };
    let all_reads: Vec<(Key, Vec<Value>)> = history.operations().iter().flat_map(reads).collect();
    let seen = |operation: &Operation| {
        appends(operation).iter().any(|(key, value)| {
            all_reads
                .iter()
                .any(|(list, shown)| list == key && shown.contains(value))
        })
    };
    let nodes: Vec<&Operation> = history
        .operations()
        .iter()
        .filter(|operation| match operation.outcome {
            Outcome::Ok => true,
            Outcome::Info => seen(operation),
            Outcome::Fail => false,
        })
        .collect();
    // Labels of an edge: ww, wr, rw, session, real time.
    let edge = |a: &Operation, b: &Operation| -> [bool; 5] {
        let after = |key: &Key, first: &Value, second: &Value| {
            all_reads.iter().any(|(list, shown)| {
                let place = |value| shown.iter().position(|other| other == value);
                list == key
                    && place(first)
                        .is_some_and(|first| place(second).is_none_or(|second| first < second))
            }) && !all_reads.iter().any(|(list, shown)| {
                // Not the order of two that no read shows together: the longest does.
                let place = |value| shown.iter().position(|other| other == value);
                list == key && place(first).is_none() && place(second).is_some()
            })
        };
        let ww = appends(a).iter().any(|(key, first)| {
            appends(b)
                .iter()
                .any(|(list, second)| key == list && after(key, first, second))
        });
        let wr = reads(b).iter().any(|(key, shown)| {
            appends(a)
                .iter()
                .any(|(list, value)| key == list && shown.contains(value))
        });
        let rw = reads(a).iter().any(|(key, shown)| {
            appends(b)
                .iter()
                .any(|(list, value)| key == list && !shown.contains(value))
        });
        [
            ww,
            wr,
            rw,
            real_time && in_session(a, b) && a.precedes(b),
            real_time && a.precedes(b),
        ]
    };
    let edges: Vec<Vec<[bool; 5]>> = nodes
        .iter()
        .map(|a| nodes.iter().map(|b| edge(a, b)).collect())
        .collect();
    let mut best = None;
    let mut path = Vec::new();
    for start in 0..nodes.len() {
        path.push(start);
        extend(&edges, start, &mut path, &mut best);
        path.pop();
    }
    best
}

fn extend(edges: &[Vec<[bool; 5]>], start: usize, path: &mut Vec<usize>, best: &mut Option<Kind>) {
    let last = path[path.len() - 1];
    for next in start..edges.len() {
        if next == last || !edges[last][next].contains(&true) {
            continue;
        }
        if next == start {
            let found = name(edges, path);
            *best = (*best).into_iter().chain(found).min();
        } else if !path.contains(&next) {
            path.push(next);
            extend(edges, start, path, best);
            path.pop();
        }
    }
}

/// The most severe name over all choices of a label for each edge.
fn name(edges: &[Vec<[bool; 5]>], path: &[usize]) -> Option<Kind> {
    let count = path.len() as u32;
    (0..5_usize.pow(count))
        .filter_map(|choice| {
            let labels: Vec<usize> = (0..count).map(|at| choice / 5_usize.pow(at) % 5).collect();
            let ring = |at: usize| (at + 1) % path.len();
            let allowed = (0..path.len()).all(|at| edges[path[at]][path[ring(at)]][labels[at]]);
            if !allowed {
                return None;
            }
            let rw = labels.iter().filter(|&&label| label == 2).count();
            let adjacent = (0..path.len()).any(|at| labels[at] == 2 && labels[ring(at)] == 2);
            let class = match rw {
                0 if labels.contains(&1) => Class::G1c,
                0 => Class::G0,
                1 => Class::GSingleItem,
                _ if adjacent => Class::G2Item,
                _ => Class::GNonadjacentItem,
            };
            let suffix = match (labels.contains(&4), labels.contains(&3)) {
                (true, _) => Suffix::Realtime,
                (_, true) => Suffix::Process,
                _ => Suffix::Plain,
            };
            Some(Kind::Cycle(suffix, class))
        })
        .min()
}
