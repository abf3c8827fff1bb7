//! The graph whose cycles are anomalies: what data show, and the orders of sessions and real time.
//!
//! **Invariant:** with all edges, and if no read is wrong by itself, it has a cycle exactly if no
//! order of the transactions explains the history; weaker levels ask for cycles of some shape.

use crate::graph::{Graph, Labels};

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
            real_time(&mut relations, participants);
        }
        Dependencies {
            graph: Graph::new(relations.nodes as usize, &relations.edges),
            txns: relations.txns,
            barriers,
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
