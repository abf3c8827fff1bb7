//! `no-resurrection`: an element that was removed does not come back.
//!
//! The mirror of `durable`: an acknowledged removal is lost if the element is in the last answer
//! of every replica, though nobody can have added it again. Every add of the element must have
//! ended before the removal began, and the remover must have known it: its session added the
//! element itself, or had read it, and it was added once. Otherwise a store that removes only
//! what the remover has seen (an observed-remove set: Shapiro et al., *A comprehensive study of
//! Convergent and Commutative Replicated Data Types*, INRIA 2011, 3.3.5) rightly keeps it.

use polygraph_history::{Guarantee, History, Key, Op, OperationId, Outcome, Value};
use rustc_hash::{FxHashMap, FxHashSet};

use super::finals::{KeyFinals, Shape, Update, elements, finals};
use super::{Proof, client, event};
use crate::{Anomaly, Options, Reason, Validity, Verdict};

/// The operations that touch one element of a set, until something rules it out.
#[derive(Default)]
struct Fate {
    adds: Vec<OperationId>,
    /// The first acknowledged removal of each session.
    removals: Vec<OperationId>,
}

/// When a session first ended a read of a set that showed an element, as a rank.
type Known<'h> = FxHashMap<(u32, &'h Key, &'h Value), u64>;

/// What sessions read of the elements of sets that somebody removes.
fn known<'h>(history: &'h History, keys: &[KeyFinals<'h>]) -> Known<'h> {
    let removed: FxHashSet<(&Key, &Value)> = keys
        .iter()
        .flat_map(|key| {
            key.updates
                .iter()
                .map(move |&(_, update)| (key.key, update))
        })
        .filter_map(|(key, update)| match update {
            Update::Remove(value) => Some((key, value)),
            _ => None,
        })
        .collect();
    let mut known = Known::default();
    if removed.is_empty() {
        return known;
    }
    for operation in history
        .operations()
        .iter()
        .filter(|it| it.outcome == Outcome::Ok)
    {
        let Op::Read {
            key,
            value: Some(value),
        } = history.op(operation)
        else {
            continue;
        };
        for element in elements(value)
            .iter()
            .filter(|it| removed.contains(&(key, *it)))
        {
            let ended = known
                .entry((operation.session, key, element))
                .or_insert(u64::MAX);
            *ended = (*ended).min(operation.end);
        }
    }
    known
}

/// Decides it.
pub(super) fn check(history: &History, options: &Options) -> Verdict {
    let mut verdict = Verdict::holds(Guarantee::NoResurrection, "last-answers");
    let keys = finals(history);
    let known = known(history, &keys);
    let mut silent = false;
    for key in keys.iter().filter(|key| key.shape() == Shape::Set) {
        let mut fates: FxHashMap<&Value, Fate> = FxHashMap::default();
        let mut removed: Vec<&Value> = Vec::new();
        let operations = history.operations();
        for &(id, update) in &key.updates {
            match update {
                Update::Add(value) => fates.entry(value).or_default().adds.push(id),
                Update::Remove(value) if operations[id].outcome == Outcome::Ok => {
                    let fate = fates.entry(value).or_default();
                    if fate.removals.is_empty() {
                        removed.push(value);
                    }
                    fate.removals.push(id);
                }
                _ => {}
            }
        }
        verdict.operations_checked += key.updates.len() as u64;
        for element in removed {
            let Some((add, removal)) = settled(history, key, element, &fates[element], &known)
            else {
                continue;
            };
            if !key.silent().is_empty() || key.replicas.is_empty() {
                silent = true;
                continue;
            }
            verdict.opportunities += 1;
            if key
                .answers()
                .all(|(_, answer)| elements(answer.value).contains(element))
            {
                verdict.anomaly_count += 1;
                if verdict.anomalies.len() < options.max_anomalies {
                    verdict
                        .anomalies
                        .push(anomaly(history, key, element, add, removal));
                }
            }
        }
    }
    if verdict.anomaly_count > 0 {
        verdict.validity = Validity::Violated;
    } else if silent {
        return verdict.unknown(Reason::NotObservable);
    } else if verdict.opportunities == 0 {
        return verdict.unknown(Reason::NotApplicable);
    }
    verdict
}

/// The last add of an element and a removal that must have taken it away for good, if there is
/// one.
fn settled(
    history: &History,
    key: &KeyFinals<'_>,
    element: &Value,
    fate: &Fate,
    known: &Known<'_>,
) -> Option<(OperationId, OperationId)> {
    let operations = history.operations();
    let last = *fate.adds.iter().max_by_key(|&&id| operations[id].end)?;
    fate.removals.iter().copied().find_map(|removal| {
        let remover = &operations[removal];
        let precede = |id: &OperationId| operations[*id].precedes(remover);
        let own = |id: &OperationId| operations[*id].session == remover.session;
        if !fate.adds.iter().all(precede) {
            return None;
        }
        if fate.adds.iter().all(own) {
            return Some((last, removal));
        }
        let read = known.get(&(remover.session, key.key, element));
        let saw = read.is_some_and(|&ended| ended < remover.start);
        (fate.adds.len() == 1 && saw).then_some((last, removal))
    })
}

fn anomaly(
    history: &History,
    key: &KeyFinals<'_>,
    element: &Value,
    add: OperationId,
    removal: OperationId,
) -> Anomaly {
    let at = |id: OperationId| {
        let operation = &history.operations()[id];
        history
            .completed_at(operation)
            .unwrap_or_else(|| history.invoked_at(operation))
    };
    let answers: Vec<u64> = key
        .answers()
        .map(|(_, answer)| event(history, answer.operation))
        .collect();
    let nodes: Vec<String> = key.answers().map(|(node, _)| node.to_string()).collect();
    let mut operations = vec![event(history, add), event(history, removal)];
    operations.extend(answers.iter().take(6));
    Anomaly {
        kind: "resurrected",
        explanation: format!(
            "{} removed {element} from {} (acknowledged at {}), which it knew and nobody added \
             again after {}; in the end all replicas have it ({})",
            client(history, removal),
            key.key,
            at(removal),
            at(add),
            nodes.join(" "),
        ),
        operations,
        key: Some(key.key.clone()),
        proof: crate::Proof::Replicas(Proof::Resurrected {
            key: key.key.clone(),
            element: element.clone(),
            removal: event(history, removal),
            answers,
        }),
    }
}
