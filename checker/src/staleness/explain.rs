//! Evidence in words.

use std::time::Duration;

use polygraph_history::{History, Key, Op, OperationId, format_duration};

use super::Proof;
use super::bounded::Conflict;
use super::k_atomic::Step;
use super::view::{Register, end, start};
use crate::Anomaly;

/// Who did what: `client 3's write of x=7`.
fn what(history: &History, id: OperationId) -> String {
    let operation = &history.operations()[id];
    let clients = history.spec().map_or(0, |spec| spec.clients as u64);
    let process = operation.process;
    let client = process.checked_rem(clients).unwrap_or(process);
    match history.op(operation) {
        Op::Write { key, value } | Op::Cas { key, to: value, .. } => {
            format!("client {client}'s write of {key}={value}")
        }
        Op::Read {
            key,
            value: Some(value),
        } => {
            format!("client {client}'s read of {key}={value}")
        }
        op => format!("client {client}'s `{op}`"),
    }
}

fn began(history: &History, id: OperationId) -> String {
    history.invoked_at(&history.operations()[id]).to_string()
}

fn ended(history: &History, id: OperationId) -> String {
    let at = history.completed_at(&history.operations()[id]);
    at.unwrap_or_default().to_string()
}

fn event(history: &History, id: OperationId) -> u64 {
    history.operations()[id].invoke as u64
}

/// Two values of which each must come first.
pub(super) fn conflict(
    history: &History,
    key: &Key,
    bound: Duration,
    Conflict { first, second }: Conflict,
) -> Anomaly {
    let before = |earlier: Option<OperationId>, later: OperationId| {
        let had = earlier.map_or_else(
            || "the initial value was there".to_owned(),
            |it| format!("{} had ended at {}", what(history, it), ended(history, it)),
        );
        format!(
            "{had} before {} began at {}",
            what(history, later),
            began(history, later)
        )
    };
    let late = match bound {
        Duration::ZERO => String::new(),
        bound => format!(" (a read by more than {})", format_duration(bound)),
    };
    let named = [first.0, Some(second.1), second.0, Some(first.1)];
    let mut operations: Vec<u64> = named
        .iter()
        .flatten()
        .map(|&id| event(history, id))
        .collect();
    operations.sort_unstable();
    operations.dedup();
    let events = |(a, b): (Option<OperationId>, OperationId)| {
        (a.map(|id| event(history, id)), event(history, b))
    };
    Anomaly {
        kind: "stale-read",
        explanation: format!(
            "{}, and {}: each value was replaced by the other{late}",
            before(first.0, second.1),
            before(second.0, first.1),
        ),
        operations,
        key: Some(key.clone()),
        proof: crate::Proof::Staleness(Proof::Conflict {
            key: key.clone(),
            bound,
            first: events(first),
            second: events(second),
        }),
    }
}

/// A read of a version though so many newer ones were there.
pub(super) fn too_old(
    history: &History,
    register: &Register<'_>,
    read: OperationId,
    versions: u32,
) -> Anomaly {
    let operations = history.operations();
    let look = register.looks.iter().find(|it| it.read == read);
    let returned = look.map_or(0, |it| it.version);
    let returned = &register.versions[returned];
    let began_at = start(&operations[read]);
    let newer: Vec<(OperationId, OperationId)> = register
        .versions
        .iter()
        .filter(|it| it.start > returned.took && it.took < began_at)
        .filter_map(|it| Some((it.write?, it.shown_by?)))
        .take(versions as usize)
        .collect();
    debug_assert!(newer.iter().all(|&(_, by)| end(&operations[by]) < began_at));
    let shown: Vec<String> = newer
        .iter()
        .take(4)
        .map(|&(write, by)| format!("{} (there at {})", what(history, write), ended(history, by)))
        .collect();
    let mut named: Vec<OperationId> = returned.shown_by.into_iter().collect();
    named.extend(newer.iter().flat_map(|&(write, by)| [write, by]));
    named.push(read);
    named.sort_unstable();
    named.dedup();
    Anomaly {
        kind: "stale-read",
        explanation: format!(
            "{} began at {}, when {versions} newer {} there: {}",
            what(history, read),
            began(history, read),
            if versions == 1 {
                "version was"
            } else {
                "versions were"
            },
            shown.join(", "),
        ),
        operations: named.into_iter().map(|id| event(history, id)).collect(),
        key: Some(register.key.clone()),
        proof: crate::Proof::Staleness(Proof::TooOld {
            key: register.key.clone(),
            read: event(history, read),
            returned: returned.shown_by.map(|id| event(history, id)),
            newer: newer
                .iter()
                .map(|&(write, by)| (event(history, write), event(history, by)))
                .collect(),
        }),
    }
}

/// Operations that no order explains.
pub(super) fn no_order(history: &History, key: &Key, versions: u32, steps: &[Step]) -> Anomaly {
    let mut ids: Vec<OperationId> = steps.iter().map(|it| it.id).collect();
    ids.sort_unstable();
    let all: Vec<String> = ids.iter().map(|&id| what(history, id)).collect();
    let operations: Vec<u64> = ids.iter().map(|&id| event(history, id)).collect();
    Anomaly {
        kind: "no-order",
        explanation: format!(
            "no order of {} gives every read one of the {versions} latest versions",
            all.join(", ")
        ),
        operations: operations.clone(),
        key: Some(key.clone()),
        proof: crate::Proof::Staleness(Proof::NoOrder {
            key: key.clone(),
            versions,
            operations,
        }),
    }
}
