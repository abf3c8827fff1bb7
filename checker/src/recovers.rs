//! `recovers`: after all faults have ended, every node answers again within a deadline.
//!
//! Decided from the record: the last fault's end, and for each node of the cluster the first
//! operation invoked at it after that and answered ok. A `peek` does not count, since it asks one
//! copy and not the store.

use std::collections::BTreeMap;
use std::time::Duration;

use polygraph_history::{Guarantee, History, NodeId, Op, Operation, Outcome, Phase, Process, Time};

use crate::verdict::Proof as AnyProof;
use crate::{Anomaly, Entry, Options, Reason, Validity, Verdict};

/// How long a cluster may take to answer everywhere after everything was healed.
pub const RECOVERY_DEADLINE: Duration = Duration::from_secs(10);

/// A node that never answered in time.
#[derive(Clone, Debug)]
pub struct Proof {
    /// The node.
    pub node: NodeId,
}

pub(crate) const RECOVERS: Entry = Entry {
    guarantee: Guarantee::Recovers,
    opportunity: "a node that was asked after the last fault had ended",
    minimum: 1,
    check,
};

fn check(history: &History, _: &Options) -> Verdict {
    let mut verdict = Verdict::holds(Guarantee::Recovers, "record-scan");
    let healed = healed_at(history);
    let mut nodes: BTreeMap<NodeId, Vec<&Operation>> = BTreeMap::new();
    for operation in history.operations() {
        if let Some(node) = asked(history, operation)
            && history.invoked_at(operation) >= healed
        {
            nodes.entry(node).or_default().push(operation);
            verdict.operations_checked += 1;
            verdict.indeterminate += u64::from(operation.outcome == Outcome::Info);
        }
    }
    verdict.opportunities = nodes.len() as u64;
    let mut unsettled = false;
    for (&node, operations) in &nodes {
        let in_time = |operation: &&&Operation| answered_in_time(history, operation, healed);
        if operations.iter().any(|operation| in_time(&operation)) {
            continue;
        }
        let last = operations
            .iter()
            .map(|operation| history.invoked_at(operation))
            .max();
        // Whoever stopped asking before the deadline cannot say that no answer would have come.
        if last
            .is_none_or(|last| last.since(healed) + 2 * Duration::from_secs(1) < RECOVERY_DEADLINE)
        {
            unsettled = true;
            continue;
        }
        let errors = errors(history, operations);
        verdict.anomaly_count += 1;
        verdict.anomalies.push(Anomaly {
            kind: "no-recovery",
            explanation: format!(
                "everything was healed at {healed}, and for {} s after that {node} answered none of {} operations ({errors})",
                RECOVERY_DEADLINE.as_secs(),
                operations.len(),
            ),
            operations: operations.iter().take(3).map(|operation| operation.invoke as u64).collect(),
            key: None,
            proof: AnyProof::Recovers(Proof { node }),
        });
    }
    if verdict.anomaly_count > 0 {
        verdict.validity = Validity::Violated;
    } else if nodes.is_empty() {
        return verdict.unknown(Reason::NotApplicable);
    } else if unsettled {
        return verdict.unknown(Reason::NotObservable);
    }
    verdict
}

/// Checks that the node was asked up to the deadline and never answered in time.
pub(crate) fn confirm(history: &History, proof: &Proof) -> Result<(), String> {
    let mut healed = Time::ZERO;
    let (mut asked_at, mut answers) = (None, 0);
    for event in history.events() {
        if event.process == Process::Nemesis && event.fault().is_some_and(|f| f.phase == Phase::End)
        {
            healed = healed.max(event.time);
        }
    }
    for operation in history.operations() {
        let event = history.event(operation.invoke);
        if event.node != Some(proof.node) || event.time < healed {
            continue;
        }
        if matches!(event.op(), Some(Op::Peek { .. })) {
            continue;
        }
        asked_at = Some(event.time);
        let completed = history.completed_at(operation);
        let ok = completed.filter(|_| operation.outcome == Outcome::Ok);
        answers += usize::from(ok.is_some_and(|at| at.since(healed) <= RECOVERY_DEADLINE));
    }
    match (asked_at, answers) {
        (None, _) => Err(format!(
            "{} was not asked after everything was healed",
            proof.node
        )),
        (Some(_), 0) => Ok(()),
        (Some(_), count) => Err(format!("{} answered {count} operations", proof.node)),
    }
}

fn healed_at(history: &History) -> Time {
    let ends = history
        .faults()
        .filter(|(_, fault)| fault.phase == Phase::End);
    ends.map(|(event, _)| event.time)
        .max()
        .unwrap_or(Time::ZERO)
}

/// The node that an operation asked, if it asked the store and not one copy.
fn asked(history: &History, operation: &Operation) -> Option<NodeId> {
    match history.op(operation) {
        Op::Peek { .. } => None,
        _ => history.node(operation.invoke),
    }
}

fn answered_in_time(history: &History, operation: &Operation, healed: Time) -> bool {
    operation.outcome == Outcome::Ok
        && history
            .completed_at(operation)
            .is_some_and(|at| at.since(healed) <= RECOVERY_DEADLINE)
}

fn errors(history: &History, operations: &[&Operation]) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for operation in operations {
        let error = history
            .completion(operation)
            .and_then(|event| event.error.as_ref());
        let name = error.map_or_else(|| "no answer".to_owned(), ToString::to_string);
        *counts.entry(name).or_default() += 1;
    }
    let counts: Vec<_> = counts
        .iter()
        .map(|(name, count)| format!("{name} {count}×"))
        .collect();
    counts.join(", ")
}
