//! A schedule from a graph without the cycles that a level proscribes: any order that follows its
//! edges.

use polygraph_history::Guarantee;

use crate::graph::{Edge, Graph, Labels};

use super::super::dependencies::Dependencies;
use super::super::model::Model;
use super::super::relations::{MISSED, WW};
use super::{Schedule, at_one_moment, confirm_schedule, has_schedules};

/// A schedule that proves a level which nothing contradicts; none where the graph does not tell
/// enough, as of writes that nobody read.
///
/// What a transaction missed came after its snapshot; everything else that an edge says came
/// between a commit and a snapshot (the begin-commit graphs of Zhang et al., *Viper*, EuroSys
/// 2023).
pub(in super::super) fn schedule(
    model: &impl Model,
    guarantee: Guarantee,
    dependencies: &Dependencies,
) -> Option<Schedule> {
    if !has_schedules(guarantee) {
        return None;
    }
    let participants = model.participants();
    let at_once = at_one_moment(guarantee);
    let order = match at_once {
        true => in_order(&dependencies.graph),
        false => in_order(&begins_and_commits(dependencies, guarantee)),
    }?;
    let txns = order.into_iter().filter_map(|node| match at_once {
        true => (node < dependencies.txns).then_some(node),
        false => (node < 2 * dependencies.txns).then_some(node / 2),
    });
    let took_place = txns.filter(|&txn| participants.committed[txn as usize]);
    let schedule = Schedule {
        guarantee,
        moments: took_place.map(|txn| participants.invocation(txn)).collect(),
    };
    confirm_schedule(participants.history, &schedule)
        .is_ok()
        .then_some(schedule)
}

/// The same graph with two nodes a transaction: the even one is its snapshot, the odd one its
/// commit. The other nodes come after these.
fn begins_and_commits(dependencies: &Dependencies, guarantee: Guarantee) -> Graph {
    let (graph, txns) = (&dependencies.graph, dependencies.txns);
    let missed = |label: Labels| label & MISSED != 0;
    // What writes the same may overlap there.
    let commits_only = |label: Labels| guarantee == Guarantee::PrefixConsistency && label & WW != 0;
    let begin = |node: u32| match node < txns {
        true => 2 * node,
        false => txns + node,
    };
    let commit = |node: u32| begin(node) + u32::from(node < txns);
    let mut edges = Vec::with_capacity(graph.edge_count() + txns as usize);
    for node in 0..graph.nodes() as u32 {
        if node < txns {
            edges.push(Edge {
                from: begin(node),
                to: commit(node),
                label: 1,
            });
        }
        for (to, label) in graph.edges(node) {
            let (from, to) = if missed(label) {
                (begin(node), commit(to))
            } else if commits_only(label) {
                (commit(node), commit(to))
            } else {
                (commit(node), begin(to))
            };
            edges.push(Edge { from, to, label });
        }
    }
    Graph::new(graph.nodes() + txns as usize, &edges)
}

/// All nodes, each after those from which an edge leads to it (Kahn, CACM 5(11), 1962); none if
/// there is a cycle.
fn in_order(graph: &Graph) -> Option<Vec<u32>> {
    let nodes = graph.nodes();
    let mut before = vec![0_u32; nodes];
    for node in 0..nodes as u32 {
        for &to in graph.targets(node) {
            before[to as usize] += 1;
        }
    }
    let mut order: Vec<u32> = (0..nodes as u32)
        .filter(|&node| before[node as usize] == 0)
        .collect();
    let mut next = 0;
    while let Some(&node) = order.get(next) {
        next += 1;
        for &to in graph.targets(node) {
            before[to as usize] -= 1;
            if before[to as usize] == 0 {
                order.push(to);
            }
        }
    }
    (order.len() == nodes).then_some(order)
}
