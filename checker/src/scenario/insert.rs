//! `exclusive-insert`: transactions insert a row under a predicate only if none is there; of two
//! for one predicate at most one is acknowledged (Jepsen's G2, Adya's anti-dependency cycle by
//! predicates).
//!
//! The operation is `insert` of `[predicate [id nil]]` or `[predicate [nil id]]`, or keyed alike.

use polygraph_history::{Guarantee, History, Op, OperationId, Outcome};
use rustc_hash::FxHashMap;

use super::{Proof, event, took_place, who};
use crate::verdict::Proof as AnyProof;
use crate::{Anomaly, Entry, Options, Reason, Validity, Verdict};

/// The registry's entry.
pub const EXCLUSIVE_INSERT: Entry = Entry {
    guarantee: Guarantee::ExclusiveInsert,
    opportunity: "predicates under which two transactions tried to insert, one of them with success",
    minimum: 1,
    check,
};

/// What is known of a predicate: the first insert that was acknowledged, and how many were tried.
#[derive(Clone, Copy, Default)]
struct Tried {
    first: Option<OperationId>,
    inserts: usize,
}

fn check(history: &History, options: &Options) -> Verdict {
    let mut verdict = Verdict::holds(Guarantee::ExclusiveInsert, "one-a-predicate");
    let mut predicates: FxHashMap<String, Tried> = FxHashMap::default();
    for (id, operation) in history.operations().iter().enumerate() {
        let Some(predicate) = predicate(history.op(operation)) else {
            continue;
        };
        verdict.operations_checked += 1;
        verdict.indeterminate += u64::from(operation.outcome == Outcome::Info);
        let tried = predicates.entry(predicate).or_default();
        tried.inserts += 1;
        match tried.first {
            _ if operation.outcome != Outcome::Ok => {}
            None => tried.first = Some(id),
            Some(first) => {
                verdict.anomaly_count += 1;
                if verdict.anomalies.len() < options.max_anomalies {
                    verdict.anomalies.push(anomaly(history, first, id));
                }
            }
        }
    }
    let shown = |tried: &&Tried| tried.inserts > 1 && tried.first.is_some();
    verdict.opportunities = predicates.values().filter(shown).count() as u64;
    if verdict.anomaly_count > 0 {
        verdict.validity = Validity::Violated;
        return verdict;
    }
    match (verdict.operations_checked, verdict.opportunities) {
        (0, _) => verdict.unknown(Reason::NotApplicable),
        (_, 0) => verdict.unknown(Reason::NotObservable),
        _ => verdict,
    }
}

fn anomaly(history: &History, first: OperationId, second: OperationId) -> Anomaly {
    let (left, right) = (event(history, first), event(history, second));
    Anomaly {
        kind: "G2",
        explanation: format!(
            "{} and {} both inserted under one predicate, each after having found nothing there: \
             each overlooked the other's row",
            who(history, first),
            who(history, second)
        ),
        operations: vec![left, right],
        key: None,
        proof: AnyProof::Scenario(Proof::Inserts { left, right }),
    }
}

/// The predicate under which an operation inserts.
pub(super) fn predicate(op: &Op) -> Option<String> {
    let Op::Custom { name, args } = op else {
        return None;
    };
    if name != "insert" {
        return None;
    }
    let (predicate, ids) = match args {
        serde_json::Value::Array(parts) if parts.len() == 2 => (&parts[0], &parts[1]),
        serde_json::Value::Object(map) => (map.get("key")?, map.get("value")?),
        _ => return None,
    };
    let ids = ids.as_array().filter(|ids| ids.len() == 2)?;
    (ids[0].is_null() != ids[1].is_null()).then(|| predicate.to_string())
}

/// Checks that two different inserts under one predicate took place.
pub(super) fn confirm(history: &History, left: u64, right: u64) -> Result<(), String> {
    let read = |event: u64| -> Result<serde_json::Value, String> {
        match history.op(took_place(history, event)?) {
            Op::Custom { name, args } if name == "insert" => {
                let of = args.get("key").or_else(|| args.get(0));
                of.cloned()
                    .ok_or_else(|| format!("event {event} names no predicate"))
            }
            op => Err(format!("`{op}` is no insert")),
        }
    };
    if left == right {
        return Err("it is one insert".to_owned());
    }
    match read(left)? == read(right)? {
        true => Ok(()),
        false => Err("the inserts are under different predicates".to_owned()),
    }
}
