//! The graph whose cycles are anomalies: what data show, and the orders of sessions and real time.
//!
//! **Invariant:** with all edges, and if no read is wrong by itself, it has a cycle exactly if no
//! order of the transactions explains the history; weaker levels ask for cycles of some shape.

use crate::graph::{Edge, Graph, Labels};

use super::participants::Participants;
use super::relations::{PROCESS, REALTIME, Relations, SESSION};
use super::timeline::Moment;
use super::view::NONE;

/// The graph. Its nodes are the transactions by number, then *meetings* that stand for an edge
/// from each of many readers to each of many writers, then *barriers* that stand for an edge from
/// everything that ended before to everything that began after.
pub(super) struct Dependencies {
    pub(super) graph: Graph,
    /// How many nodes are transactions.
    pub(super) txns: u32,
    /// The first node that is a barrier.
    pub(super) barriers: u32,
    /// Of each node its number in the graph of all transactions, ascending; empty if it is that.
    pub(super) names: Vec<u32>,
}

impl Dependencies {
    /// Adds to what data show the orders among these labels, and builds the graph, in time linear
    /// in edges and transactions.
    pub(super) fn new(
        mut relations: Relations,
        participants: &Participants<'_>,
        orders: Labels,
    ) -> Dependencies {
        if orders & (PROCESS | SESSION) != 0 {
            for (from, to, in_real_time) in participants.sessions() {
                let label = if in_real_time { PROCESS } else { SESSION };
                if orders & label != 0 {
                    relations.add(from, to, label);
                }
            }
        }
        let barriers = relations.nodes;
        if orders & REALTIME != 0 {
            // One to and one from each transaction, and one from each barrier.
            let more = 3 * participants.count() as usize;
            relations.edges.reserve_exact(more);
            real_time(&mut relations, participants);
        }
        Dependencies {
            graph: Graph::new(relations.nodes as usize, &relations.edges),
            txns: relations.txns,
            barriers,
            names: Vec::new(),
        }
    }

    /// The number of a node in the graph of all transactions.
    pub(super) fn number(&self, node: u32) -> u32 {
        self.names.get(node as usize).copied().unwrap_or(node)
    }

    /// The part of this graph, of all transactions, that consists of these components: all
    /// cycles, whatever the labels that count.
    pub(super) fn within(&self, components: &[Vec<u32>]) -> Dependencies {
        let mut names: Vec<u32> = components.iter().flatten().copied().collect();
        names.sort_unstable();
        let mut local = vec![NONE; self.graph.nodes()];
        for (at, &node) in names.iter().enumerate() {
            local[node as usize] = at as u32;
        }
        let mut edges = Vec::new();
        for (at, &node) in names.iter().enumerate() {
            for (to, label) in self.graph.edges(node) {
                let (from, to) = (at as u32, local[to as usize]);
                if to != NONE {
                    edges.push(Edge { from, to, label });
                }
            }
        }
        let before = |bound: u32| names.partition_point(|&node| node < bound) as u32;
        Dependencies {
            graph: Graph::new(names.len(), &edges),
            txns: before(self.txns),
            barriers: before(self.barriers),
            names,
        }
    }
}

/// From everything that ended to everything that began later, by a chain of barriers: each
/// beginning follows the last barrier, and each barrier what ended since the one before.
fn real_time(relations: &mut Relations, participants: &Participants<'_>) {
    let mut ended: Vec<u32> = Vec::new();
    let mut barrier = NONE;
    for moment in participants.timeline().moments() {
        match moment {
            Moment::End(txn) => ended.push(txn),
            Moment::Begin(txn) => {
                if !ended.is_empty() {
                    let next = relations.nodes;
                    relations.nodes += 1;
                    if barrier != NONE {
                        relations.add(barrier, next, REALTIME);
                    }
                    for earlier in ended.drain(..) {
                        relations.add(earlier, next, REALTIME);
                    }
                    barrier = next;
                }
                if barrier != NONE {
                    relations.add(barrier, txn, REALTIME);
                }
            }
        }
    }
}
