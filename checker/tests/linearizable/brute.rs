//! The definition, tried out: every order of all operations of all keys together.

use std::collections::BTreeMap;

use polygraph_checker::FailedCas;
use polygraph_history::{ErrorName, History, Key, Op, Operation, Outcome, Value};

/// Whether the operations of a history have an order that the definition allows.
pub(crate) fn linearizable(history: &History, failed_cas: FailedCas) -> bool {
    let operations: Vec<&Operation> = history
        .operations()
        .iter()
        .filter(|operation| counts(history, operation, failed_cas))
        .collect();
    let mut placed = vec![false; operations.len()];
    place(history, &operations, &mut placed, &BTreeMap::new())
}

fn counts(history: &History, operation: &Operation, failed_cas: FailedCas) -> bool {
    match (history.op(operation), operation.outcome) {
        (Op::Read { value, .. }, Outcome::Ok) => value.is_some(),
        (Op::Write { .. } | Op::Cas { .. }, Outcome::Ok | Outcome::Info) => true,
        (Op::Cas { .. }, Outcome::Fail) => {
            let error = &history.event(operation.complete.unwrap()).error;
            failed_cas == FailedCas::Observe
                && (error.is_none() || *error == Some(ErrorName::CAS_MISMATCH))
        }
        _ => false,
    }
}

fn place(
    history: &History,
    operations: &[&Operation],
    placed: &mut [bool],
    state: &BTreeMap<Key, Value>,
) -> bool {
    let needed = |at: usize| operations[at].outcome != Outcome::Info;
    if (0..operations.len()).all(|at| placed[at] || !needed(at)) {
        return true;
    }
    for next in 0..operations.len() {
        let too_early = |other: usize| {
            !placed[other] && needed(other) && operations[other].precedes(operations[next])
        };
        if placed[next] || (0..operations.len()).any(too_early) {
            continue;
        }
        if let Some(state) = perform(history, operations[next], state) {
            placed[next] = true;
            if place(history, operations, placed, &state) {
                placed[next] = false;
                return true;
            }
            placed[next] = false;
        }
    }
    false
}

fn perform(
    history: &History,
    operation: &Operation,
    state: &BTreeMap<Key, Value>,
) -> Option<BTreeMap<Key, Value>> {
    let holds = |key: &Key| state.get(key).cloned().unwrap_or(Value::Null);
    let with = |key: &Key, value: &Value| {
        let mut state = state.clone();
        state.insert(key.clone(), value.clone());
        state
    };
    match (history.op(operation), operation.outcome) {
        (Op::Read { key, value }, _) => {
            (holds(key) == *value.as_ref().unwrap()).then(|| state.clone())
        }
        (Op::Write { key, value }, _) => Some(with(key, value)),
        (Op::Cas { key, from, .. }, Outcome::Fail) => (holds(key) != *from).then(|| state.clone()),
        (Op::Cas { key, from, to }, _) => (holds(key) == *from).then(|| with(key, to)),
        _ => unreachable!("filtered before"),
    }
}
