//! `available`: operations on the side that is named are answered in time, faults or not.
//!
//! - [`AVAILABLE`]: the registry's entry. [`Proof`], `confirm`: the evidence.
//! - Whatever the answer, the verdict carries which share of the operations was answered: by
//!   node, by kind, in the window of every fault, and how long it took to recover after it.
//!
//! An operation counts if it was invoked while a fault was in effect that had been seen to begin
//! at least [`SETTLED`] before, and no fault began or ended from so long before its invocation to
//! its completion; so that the cluster had the time to arrange itself with what there is. It must
//! have been invoked at a node that was alive and on the side: cuts and holds divide the nodes
//! into groups that can talk to each other in both directions. Where some of a group can do so only
//! through others (a bridge, a ring) there are no sides, and only `any` says something. The replicas
//! of a key are known only if it was peeked.
//!
//! Answered is `ok`, and also a compare-and-set or a transaction that the store refused for what
//! it found (`cas-mismatch`, `conflict`): those are answers.

mod confirm;
mod measure;
mod windows;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use polygraph_history::{
    Bound, ErrorName, Guarantee, History, Key, NodeId, Op, Operation, OperationId, Outcome, Side,
};

pub(crate) use self::confirm::confirm;
pub(crate) use self::windows::{Window, windows};
use crate::{Anomaly, Entry, Options, Reason, Validity, Verdict};

/// How long a cluster has to arrange itself with a fault before it must answer.
pub const SETTLED: Duration = Duration::from_secs(2);

/// The registry's entry.
pub const AVAILABLE: Entry = Entry {
    guarantee: Guarantee::Available,
    opportunity: "operations on the side that is named, when a fault had been there for 2 s and \
                  nothing changed until they ended",
    minimum: 0,
    check,
};

/// An operation that had to be answered and was not.
#[derive(Clone, Debug)]
pub struct Proof {
    /// The event that began it.
    pub operation: u64,
    /// The side on which it had to be.
    pub side: Side,
}

/// Whether the store answered, as far as availability goes.
pub(crate) fn answered(history: &History, operation: &Operation) -> bool {
    let refused =
        |error: &ErrorName| [ErrorName::CAS_MISMATCH, ErrorName::CONFLICT].contains(error);
    match operation.outcome {
        Outcome::Ok => true,
        Outcome::Fail => history
            .completion(operation)
            .and_then(|it| it.error.as_ref())
            .is_some_and(refused),
        Outcome::Info => false,
    }
}

fn check(history: &History, options: &Options) -> Verdict {
    let side = match options.bound {
        Some(Bound::Side(side)) => side,
        _ => Side::Majority,
    };
    let mut verdict = Verdict::holds(Guarantee::Available, "record-scan");
    let cluster = Cluster::of(history);
    let windows = windows(history);
    verdict.measured = measure::measure(history, &windows);
    let mut unplaced = 0_u64;
    for (id, operation) in history.operations().iter().enumerate() {
        let op = history.op(operation);
        if matches!(op, Op::Peek { .. }) {
            continue;
        }
        verdict.operations_checked += 1;
        verdict.indeterminate += u64::from(operation.outcome == Outcome::Info);
        let Some(completed) = history.completed_at(operation) else {
            continue;
        };
        let Some(active) = windows::settled(&windows, history.invoked_at(operation), completed)
        else {
            continue;
        };
        let Some(node) = history.node(operation.invoke) else {
            unplaced += 1;
            continue;
        };
        let Some(group) = cluster.group(&active, node) else {
            continue;
        };
        let on_side = match side {
            Side::Any => true,
            Side::Majority => is_clean(&active, &group) && group.len() * 2 > cluster.nodes.len(),
            Side::QuorumOfKey => is_clean(&active, &group) && cluster.has_quorum(&group, &keys(op)),
        };
        if !on_side {
            continue;
        }
        verdict.opportunities += 1;
        if answered(history, operation) {
            continue;
        }
        verdict.anomaly_count += 1;
        if verdict.anomalies.len() < options.max_anomalies {
            let group: Vec<String> = group.iter().map(ToString::to_string).collect();
            verdict
                .anomalies
                .push(anomaly(history, id, &active, &group, side));
        }
    }
    if unplaced > 0 {
        verdict.warnings.push(format!(
            "no-node: {unplaced} operations do not say which node was asked; nothing is said of them"
        ));
    }
    if verdict.anomaly_count > 0 {
        verdict.validity = Validity::Violated;
        return verdict;
    }
    match (verdict.opportunities, unplaced) {
        (0, 0) => verdict.unknown(Reason::NotApplicable),
        (0, _) => verdict.unknown(Reason::NotObservable),
        _ => verdict,
    }
}

fn anomaly(
    history: &History,
    id: OperationId,
    active: &[&Window],
    group: &[String],
    side: Side,
) -> Anomaly {
    let operation = &history.operations()[id];
    let clients = history.spec().map_or(0, |spec| spec.clients as u64);
    let process = operation.process;
    let client = process.checked_rem(clients).unwrap_or(process);
    let error = history
        .completion(operation)
        .and_then(|it| it.error.as_ref());
    let error = error.map_or_else(|| "no answer".to_owned(), ToString::to_string);
    let since: Vec<String> = active
        .iter()
        .map(|window| format!("{} since {}", window.name, window.from))
        .collect();
    let node = history.node(operation.invoke);
    let node = node.map_or_else(|| "a node".to_owned(), |it| it.to_string());
    Anomaly {
        kind: "unavailable",
        explanation: format!(
            "client {client} asked {node} for `{}` at {} and was not answered ({error}), though \
             {node} was alive and among {} that could talk to each other ({})",
            history.op(operation),
            history.invoked_at(operation),
            group.join(" "),
            since.join(", "),
        ),
        operations: vec![operation.invoke as u64],
        key: history.op(operation).key().cloned(),
        proof: crate::Proof::Available(Proof {
            operation: operation.invoke as u64,
            side,
        }),
    }
}

/// The keys that an operation is about.
fn keys(op: &Op) -> Vec<&Key> {
    match op {
        Op::Txn(micros) => micros.iter().filter_map(|micro| micro.key()).collect(),
        op => op.key().into_iter().collect(),
    }
}

/// The nodes, and which of them have a copy of which key.
struct Cluster<'h> {
    nodes: Vec<NodeId>,
    replicas: BTreeMap<&'h Key, BTreeSet<NodeId>>,
}

impl<'h> Cluster<'h> {
    /// The nodes are those of the spec, or all that are named; the replicas of a key those at
    /// which it was peeked.
    fn of(history: &'h History) -> Cluster<'h> {
        let mut replicas: BTreeMap<&Key, BTreeSet<NodeId>> = BTreeMap::new();
        let mut named: BTreeSet<NodeId> = BTreeSet::new();
        for operation in history.operations() {
            named.extend(history.node(operation.invoke));
            if let Op::Peek { key, node, .. } = history.op(operation) {
                named.insert(*node);
                replicas.entry(key).or_default().insert(*node);
            }
        }
        let nodes = match history.spec() {
            Some(spec) => NodeId::all(spec.nodes),
            None => named.into_iter().collect(),
        };
        Cluster { nodes, replicas }
    }

    /// The nodes that are alive and can talk to this one, itself among them; `None` if it is not
    /// alive.
    fn group(&self, active: &[&Window], node: NodeId) -> Option<BTreeSet<NodeId>> {
        let down = |node: &NodeId| active.iter().any(|window| window.down.contains(node));
        if down(&node) {
            return None;
        }
        let mut group = BTreeSet::from([node]);
        let mut todo = vec![node];
        while let Some(from) = todo.pop() {
            for &to in &self.nodes {
                let cut = active.iter().any(|window| window.cuts(from, to));
                if !cut && !down(&to) && group.insert(to) {
                    todo.push(to);
                }
            }
        }
        Some(group)
    }

    /// Whether a group has a majority of the replicas of each of these keys. Where the replicas of
    /// a key are is known only if it was peeked.
    fn has_quorum(&self, group: &BTreeSet<NodeId>, keys: &[&Key]) -> bool {
        keys.iter().all(|key| {
            let replicas = self.replicas.get(key);
            replicas.is_some_and(|all| all.intersection(group).count() * 2 > all.len())
        })
    }
}

/// Whether all of a group can talk to each other without going through others: a partition that
/// leaves a bridge or a ring has no sides.
fn is_clean(active: &[&Window], group: &BTreeSet<NodeId>) -> bool {
    let direct = |a: NodeId, b: NodeId| !active.iter().any(|window| window.cuts(a, b));
    group
        .iter()
        .all(|&a| group.iter().all(|&b| a == b || direct(a, b)))
}
