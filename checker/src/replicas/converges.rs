//! Whether all replicas of a key answer alike in the end.

use polygraph_history::{Guarantee, History, NodeId, Op, Value};

use super::finals::{Answer, KeyFinals, elements, finals};
use super::{Proof, client, event, shorten, together};
use crate::{Anomaly, Options, Reason, Validity, Verdict};

/// Decides it.
pub(super) fn check(history: &History, options: &Options) -> Verdict {
    let mut verdict = Verdict::holds(Guarantee::Converges, "last-peeks");
    let is_peek = |op: &Op| matches!(op, Op::Peek { .. });
    let peeks = history
        .operations()
        .iter()
        .filter(|&operation| is_peek(history.op(operation)));
    verdict.operations_checked = peeks.count() as u64;
    let mut silent = 0_u64;
    let keys = finals(history);
    verdict.measured = together::measure(history, &keys);
    for key in keys.iter().filter(|key| key.replicas.len() > 1) {
        verdict.opportunities += 1;
        if let Some(anomaly) = diverged(history, key) {
            verdict.anomaly_count += 1;
            if verdict.anomalies.len() < options.max_anomalies {
                verdict.anomalies.push(anomaly);
            }
        } else if !key.silent().is_empty() {
            silent += 1;
            if silent == 1 {
                let nodes: Vec<String> = key.silent().iter().map(ToString::to_string).collect();
                verdict.warnings.push(format!(
                    "no-answer: {} gave no answer for {} in the end",
                    nodes.join(", "),
                    key.key
                ));
            }
        }
    }
    if silent > 1 {
        verdict
            .warnings
            .push(format!("no-answer: so it is with {silent} keys in all"));
    }
    if verdict.anomaly_count > 0 {
        verdict.validity = Validity::Violated;
        return verdict;
    }
    match silent > 0 || verdict.opportunities == 0 {
        true => verdict.unknown(Reason::NotObservable),
        false => verdict,
    }
}

fn diverged(history: &History, key: &KeyFinals<'_>) -> Option<Anomaly> {
    let answers: Vec<(NodeId, Answer<'_>)> = key.answers().collect();
    let unordered = key.unordered();
    let &(_, first) = answers.first()?;
    let &(_, other) = answers
        .iter()
        .find(|(_, other)| !alike(first.value, other.value, unordered))?;
    let said: Vec<String> = answers
        .iter()
        .map(|(node, answer)| {
            let at = history.invoked_at(&history.operations()[answer.operation]);
            format!("{node} answers {} (peeked at {at})", shorten(answer.value))
        })
        .collect();
    let last = key
        .updates
        .iter()
        .max_by_key(|&&(id, _)| history.operations()[id].start);
    let since = last.map_or(String::new(), |&(id, _)| {
        let at = history.invoked_at(&history.operations()[id]);
        format!(
            "; the last operation that could change it was {}'s, begun at {at}",
            client(history, id)
        )
    });
    Some(Anomaly {
        kind: "diverged",
        explanation: format!(
            "the replicas of {} differ in the end: {}{since}",
            key.key,
            said.join(", ")
        ),
        operations: answers
            .iter()
            .map(|(_, answer)| event(history, answer.operation))
            .collect(),
        key: Some(key.key.clone()),
        proof: crate::Proof::Replicas(Proof::Diverged {
            key: key.key.clone(),
            left: event(history, first.operation),
            right: event(history, other.operation),
        }),
    })
}

/// Whether two answers mean the same.
pub(super) fn alike(a: &Value, b: &Value, unordered: bool) -> bool {
    let (left, right) = (elements(a), elements(b));
    if left == right {
        return true;
    }
    let sorted = |values: &[Value]| {
        let mut values = values.to_vec();
        values.sort_unstable();
        values.dedup();
        values
    };
    unordered && sorted(left) == sorted(right)
}
