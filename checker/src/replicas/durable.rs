//! Whether anything that was acknowledged is gone in the end.
//!
//! Sets and lists: an acknowledged element that nothing may have removed must be at some replica.
//! Registers: if everything that survives is the initial value or was written by operations that
//! had ended before an acknowledged write began, then nothing that was written at the same time
//! or later has replaced it, and it is lost. A write that is itself replaced by an acknowledged
//! one which is lost counts with it. Two concurrent writes prove nothing.

use polygraph_history::{Guarantee, History, OperationId, Outcome, Value};
use rustc_hash::{FxHashMap, FxHashSet};

use super::finals::{Answer, KeyFinals, Shape, Update, elements, finals};
use super::{Proof, client, event, some};
use crate::{Anomaly, Options, Reason, Validity, Verdict};

/// What is found about a key.
enum Finding {
    /// Nothing is lost.
    Kept,
    Lost(Box<Anomaly>),
    /// The history does not show it.
    Hidden,
    /// It shows something, but not enough, and why.
    Unclear(&'static str),
}

/// Decides it.
pub(super) fn check(history: &History, options: &Options) -> Verdict {
    let mut verdict = Verdict::holds(Guarantee::Durable, "last-answers");
    let (mut hidden, mut observed) = (0_u64, 0_u64);
    let mut unclear: Vec<(&'static str, String)> = Vec::new();
    let fault = history.faults().last().map(|(event, _)| event.index);
    let keys = finals(history);
    verdict.measured = super::elements::measure(history, &keys);
    for key in &keys {
        if key.updates.is_empty() {
            continue;
        }
        let operations = history.operations();
        let outcome = |id: OperationId| operations[id].outcome;
        verdict.operations_checked += key.updates.len() as u64;
        let open = key
            .updates
            .iter()
            .filter(|&&(id, _)| outcome(id) == Outcome::Info);
        verdict.indeterminate += open.count() as u64;
        let finding = judge(history, key);
        if !matches!(finding, Finding::Hidden) {
            observed += 1;
            let counts = |&&(id, update): &&(OperationId, Update<'_>)| {
                outcome(id) == Outcome::Ok
                    && !matches!(update, Update::Remove(_))
                    && fault.is_none_or(|fault| event(history, id) < fault)
            };
            verdict.opportunities += key.updates.iter().filter(counts).count() as u64;
        }
        match finding {
            Finding::Kept => {}
            Finding::Hidden => hidden += 1,
            Finding::Unclear(why) => unclear.push((why, key.key.to_string())),
            Finding::Lost(anomaly) => {
                verdict.anomaly_count += 1;
                if verdict.anomalies.len() < options.max_anomalies {
                    verdict.anomalies.push(*anomaly);
                }
            }
        }
    }
    if hidden > 0 && observed > 0 {
        verdict.warnings.push(format!(
            "not-observed: {hidden} keys were not looked at in the end; nothing is said of them"
        ));
    }
    if let Some((why, key)) = unclear.first() {
        verdict.warnings.push(match unclear.len() {
            1 => format!("{why} (key {key})"),
            count => format!("{why} (key {key}, … {count} keys in all)"),
        });
    }
    if verdict.anomaly_count > 0 {
        verdict.validity = Validity::Violated;
        return verdict;
    }
    match (hidden + observed, observed) {
        (0, _) => verdict.unknown(Reason::NotApplicable),
        (_, 0) => verdict.unknown(Reason::NotObservable),
        _ if !unclear.is_empty() => verdict.unknown(Reason::NotObservable),
        _ => verdict,
    }
}

const SILENT: &str =
    "no-answer: a replica gave no answer in the end, and the others do not settle it";

fn judge(history: &History, key: &KeyFinals<'_>) -> Finding {
    match key.shape() {
        Shape::Mixed => Finding::Unclear("mixed-types: operations of several data types were done"),
        Shape::Register => register(history, key),
        Shape::Set | Shape::List => elements_kept(history, key),
    }
}

/// Sets and lists.
fn elements_kept(history: &History, key: &KeyFinals<'_>) -> Finding {
    let peeked = !key.replicas.is_empty();
    let answers: Vec<Answer<'_>> = match peeked {
        true => key.answers().map(|(_, answer)| answer).collect(),
        false => key.reads.clone(),
    };
    if answers.is_empty() && !peeked {
        return Finding::Hidden;
    }
    let present: FxHashSet<&Value> = answers
        .iter()
        .flat_map(|answer| elements(answer.value))
        .collect();
    let operations = history.operations();
    let mut removed: FxHashMap<&Value, u64> = FxHashMap::default();
    for &(id, update) in &key.updates {
        if let Update::Remove(value) = update {
            let until = removed.entry(value).or_insert(0);
            *until = (*until).max(operations[id].end);
        }
    }
    let mut lost: Vec<(OperationId, &Value)> = Vec::new();
    for &(id, update) in &key.updates {
        let Update::Add(value) = update else {
            continue;
        };
        let operation = &operations[id];
        let gone = removed
            .get(value)
            .is_some_and(|&until| until >= operation.start);
        if operation.outcome == Outcome::Ok && !gone && !present.contains(value) {
            lost.push((id, value));
        }
    }
    let Some(&(first, element)) = lost.first() else {
        return Finding::Kept;
    };
    if !key.silent().is_empty() {
        return Finding::Unclear(SILENT);
    }
    let values: Vec<&Value> = lost.iter().map(|&(_, value)| value).collect();
    let whereabouts = match peeked {
        true => "on no replica",
        false => "in no final read",
    };
    let acknowledged = acknowledged(history, first);
    let explanation = match values.len() {
        1 => format!(
            "the add of {element} to {}, {acknowledged}, is {whereabouts}, and nobody removed it",
            key.key
        ),
        count => format!(
            "{count} acknowledged adds to {} are {whereabouts}, and nobody removed them: {}; the first, {element}, was {acknowledged}",
            key.key,
            some(&values)
        ),
    };
    let answers: Vec<u64> = answers
        .iter()
        .map(|answer| event(history, answer.operation))
        .collect();
    let named = lost.iter().take(3).map(|&(id, _)| event(history, id));
    let operations = named.chain(answers.iter().copied().take(6)).collect();
    Finding::Lost(Box::new(Anomaly {
        kind: "lost-add",
        explanation,
        operations,
        key: Some(key.key.clone()),
        proof: crate::Proof::Replicas(Proof::LostAdd {
            key: key.key.clone(),
            element: element.clone(),
            add: event(history, first),
            answers,
        }),
    }))
}

fn acknowledged(history: &History, id: OperationId) -> String {
    let operation = &history.operations()[id];
    let client = client(history, id);
    match history.completed_at(operation) {
        Some(time) => format!("acknowledged to {client} at {time}"),
        None => format!("acknowledged to {client}"),
    }
}

/// Registers.
fn register(history: &History, key: &KeyFinals<'_>) -> Finding {
    if key.replicas.is_empty() {
        return Finding::Hidden;
    }
    let operations = history.operations();
    let answers: Vec<Answer<'_>> = key.answers().map(|(_, answer)| answer).collect();
    if !key
        .updates
        .iter()
        .any(|&(id, _)| operations[id].outcome == Outcome::Ok)
    {
        return Finding::Kept;
    }
    if answers.is_empty() {
        return Finding::Unclear(SILENT);
    }
    let siblings = key.has_siblings();
    let mut survivors: FxHashSet<&Value> = FxHashSet::default();
    for answer in &answers {
        match answer.value {
            Value::List(all) if siblings => survivors.extend(all.iter()),
            value => {
                survivors.insert(value);
            }
        }
    }
    // When the last operation ended that may have written a survivor.
    let mut newest: Option<(u64, OperationId)> = None;
    let mut explained: FxHashSet<&Value> = FxHashSet::default();
    for &(id, update) in &key.updates {
        if let Update::Write(value) = update
            && survivors.contains(value)
        {
            explained.insert(value);
            newest = newest.max(Some((operations[id].end, id)));
        }
    }
    let unknown = |value: &&&Value| ***value != Value::Null && !explained.contains(**value);
    if survivors.iter().any(|value| unknown(&value)) {
        return Finding::Unclear("phantom-value: a value survives that nobody wrote");
    }
    let lost = |&&(id, _): &&(OperationId, Update<'_>)| {
        let operation = &operations[id];
        let older = newest.is_none_or(|(end, _)| end < operation.start);
        operation.outcome == Outcome::Ok && older
    };
    let all: Vec<OperationId> = key.updates.iter().filter(lost).map(|&(id, _)| id).collect();
    let Some(&last) = all.iter().max_by_key(|&&id| operations[id].start) else {
        return Finding::Kept;
    };
    if !key.silent().is_empty() {
        return Finding::Unclear(SILENT);
    }
    let is_last = |&&(id, _): &&(OperationId, Update<'_>)| id == last;
    let written = key.updates.iter().rev().find(is_last);
    let value = match written {
        Some((_, Update::Write(value))) => value.to_string(),
        _ => "a value".to_owned(),
    };
    let survives = match newest {
        None => "all its replicas hold the initial value".to_owned(),
        Some((_, id)) => {
            let mut values: Vec<&Value> = survivors.iter().copied().collect();
            values.sort_unstable();
            format!(
                "its replicas hold {}, last written by {} (finished {})",
                some(&values),
                client(history, id),
                history.completed_at(&operations[id]).unwrap_or_default(),
            )
        }
    };
    let more = match all.len() {
        1 => String::new(),
        count => format!(" ({count} acknowledged writes came after what survives)"),
    };
    let explanation = format!(
        "{}={value}, {}, is lost: {survives}{more}",
        key.key,
        acknowledged(history, last),
    );
    let answers: Vec<u64> = answers
        .iter()
        .map(|answer| event(history, answer.operation))
        .collect();
    let mut named = vec![event(history, last)];
    named.extend(newest.map(|(_, id)| event(history, id)));
    named.extend(answers.iter().take(6));
    Finding::Lost(Box::new(Anomaly {
        kind: "lost-write",
        explanation,
        operations: named,
        key: Some(key.key.clone()),
        proof: crate::Proof::Replicas(Proof::LostWrite {
            key: key.key.clone(),
            write: event(history, last),
            answers,
        }),
    }))
}
