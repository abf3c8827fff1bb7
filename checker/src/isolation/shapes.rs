//! Whether one strongly connected component has a cycle of the shape that a level proscribes.
//!
//! Each shape is decided completely: as a cycle of a graph (for *no two in a row* and *prefix* of
//! one with every node twice, by what may follow), or as an edge that closes a cycle of an acyclic
//! one (`reach`). Only what is not linear there is bounded by steps.

use crate::graph::{Edge, Graph, Labels};

use super::cycles::{Cycle, Part};
use super::inside::Inside;
use super::level::{Level, Shape};
use super::model::Model;
use super::reach::closed;
use super::relations::{IN_SESSION, MISSED, RW, WR};
use super::{Suffix, ring};

/// What was found in a component.
pub(super) enum Found {
    /// There is no such cycle.
    Nothing,
    Cycle(Cycle),
    /// A transaction misses a write of one of which it saw another, by number.
    Fractured {
        reader: u32,
        writer: u32,
        /// By a later read.
        later: bool,
    },
    /// A cycle that leaves its first transaction by a read at one position, and comes back to it
    /// at an earlier one.
    Monotonic {
        cycle: Cycle,
        missed_at: u32,
        arrived_at: u32,
    },
    /// The steps did not suffice.
    OutOfSteps,
    /// The data model does not tell what the level is about.
    NotShown,
}

impl Found {
    /// Whether it is evidence.
    pub(super) const fn is_violation(&self) -> bool {
        matches!(
            self,
            Found::Cycle(_) | Found::Fractured { .. } | Found::Monotonic { .. }
        )
    }
}

/// Looks for such a cycle with the weakest orders that one needs.
pub(super) fn look(part: &Part<'_>, level: Level, model: &impl Model, steps: &mut u64) -> Found {
    let mut rest = Found::Nothing;
    let mut before = 0;
    for suffix in Suffix::ALL {
        // Whatever is left counts in the last.
        let labels = match suffix {
            Suffix::Realtime => level.labels,
            _ => level.labels & suffix.labels(),
        };
        if labels == before {
            continue;
        }
        before = labels;
        match (Look {
            part,
            labels,
            model,
        })
        .shape(level.shape, steps)
        {
            Found::Nothing => {}
            found if found.is_violation() => return found,
            found => rest = found,
        }
    }
    rest
}

/// A component, and the labels that count there.
pub(super) struct Look<'p, 'c, M> {
    pub(super) part: &'p Part<'c>,
    pub(super) labels: Labels,
    pub(super) model: &'p M,
}

impl<M: Model> Look<'_, '_, M> {
    fn shape(&self, shape: Shape, steps: &mut u64) -> Found {
        match shape {
            Shape::Writes | Shape::Any | Shape::NeverShown => self.ring(self.labels),
            Shape::NoneInARow => self.doubled(|_| true, steps),
            Shape::Prefix => self.doubled(|label| label & (WR | IN_SESSION) != 0, steps),
            Shape::OneMissed => self.without_missed(|| self.one_missed(steps)),
            Shape::OneReader => self.one_reader(steps),
            Shape::Fractured { later } => {
                self.without_missed(|| self.inside(|inside| inside.fractured(later, steps)))
            }
            Shape::Causal => self.without_missed(|| self.inside(|inside| inside.causal(steps))),
            Shape::Monotonic => {
                self.without_missed(|| self.inside(|inside| inside.monotonic(steps)))
            }
        }
    }

    /// Some cycle of these labels, if there is one.
    fn ring(&self, labels: Labels) -> Found {
        match ring::shortest(&self.part.graph, labels) {
            None => Found::Nothing,
            Some(walk) => self.cycle(&ring::simple(self.transactions(walk), |_| true)),
        }
    }

    /// First a cycle of which no edge is a read that missed a write.
    fn without_missed(&self, then: impl FnOnce() -> Found) -> Found {
        match self.ring(self.labels & !MISSED) {
            Found::Nothing => then(),
            found => found,
        }
    }

    /// Of a walk through the component the transactions, each with the label of the edge by which
    /// it is left.
    pub(super) fn transactions(&self, mut walk: Vec<(u32, Labels)>) -> Vec<(u32, Labels)> {
        walk.retain(|&(node, _)| node < self.part.txns);
        walk
    }

    pub(super) fn cycle(&self, walk: &[(u32, Labels)]) -> Found {
        Found::Cycle(self.part.as_cycle(walk))
    }

    /// A cycle in which what missed a write follows only edges after which it `may`.
    fn doubled(&self, may: impl Fn(Labels) -> bool + Copy, steps: &mut u64) -> Found {
        let part = self.part;
        let graph = doubled(part, self.labels, may);
        *steps = steps.saturating_sub(graph.edge_count() as u64);
        let Some(walk) = ring::shortest(&graph, self.labels) else {
            return Found::Nothing;
        };
        let walk = walk
            .iter()
            .map(|&(node, label)| (node / 2, label))
            .collect();
        let fits = |walk: &[(u32, Labels)]| {
            (0..walk.len()).all(|at| {
                let before = walk[(at + walk.len() - 1) % walk.len()].1;
                walk[at].1 & MISSED == 0 || (before & MISSED == 0 && may(before))
            })
        };
        self.cycle(&ring::simple(self.transactions(walk), fits))
    }

    /// A read that missed a write, and from that write a way back.
    fn one_missed(&self, steps: &mut u64) -> Found {
        let part = self.part;
        let (missed, rest) = (self.labels & MISSED, self.labels & !MISSED);
        let follows = |node: u32, label: Labels| {
            label & rest != 0 || (part.is_meeting(node) && label & missed != 0)
        };
        let starts = || {
            (0..part.txns).flat_map(|from| {
                let edges = part.graph.edges(from);
                edges
                    .filter(|&(_, label)| label & missed != 0)
                    .map(move |(to, label)| (from, to, label))
            })
        };
        let edges: Vec<(u32, u32)> = starts().map(|(from, to, _)| (from, to)).collect();
        let back = match self.close(&part.graph, follows, &edges, steps) {
            Ok(back) => back,
            Err(found) => return found,
        };
        let label = starts().find(|&(from, to, _)| from == back.goal && to == back.start);
        let mut walk = vec![(back.goal, label.map_or(RW, |(.., label)| label))];
        walk.extend(self.transactions(back.way));
        self.cycle(&walk)
    }

    /// The shortest way that closes one of these edges, by what follows in an acyclic graph.
    pub(super) fn close(
        &self,
        graph: &Graph,
        follows: impl Fn(u32, Labels) -> bool + Copy,
        edges: &[(u32, u32)],
        steps: &mut u64,
    ) -> Result<ring::Way, Found> {
        // What was asked for is acyclic, or its cycle would have been found.
        let Some(closed) = closed(graph, follows, edges, steps) else {
            return Err(Found::OutOfSteps);
        };
        match ring::best_way(graph, follows, &closed.edges) {
            Some(way) => Ok(way),
            None if closed.complete => Err(Found::Nothing),
            None => Err(Found::OutOfSteps),
        }
    }

    /// A cycle with at most one transaction that only reads.
    fn one_reader(&self, steps: &mut u64) -> Found {
        let part = self.part;
        let reads_only =
            |node: u32| node < part.txns && !self.model.writes_something(part.number(node));
        let mut edges = Vec::new();
        let mut starts = Vec::new();
        for from in 0..part.graph.nodes() as u32 {
            for (to, label) in part.graph.edges(from) {
                if label & self.labels == 0 {
                    continue;
                }
                if reads_only(from) {
                    starts.push((from, to));
                } else {
                    edges.push(Edge { from, to, label });
                }
            }
        }
        let graph = Graph::new(part.graph.nodes(), &edges);
        if let Some(walk) = ring::shortest(&graph, self.labels) {
            return self.cycle(&ring::simple(self.transactions(walk), |_| true));
        }
        let back = match self.close(&graph, |_, _| true, &starts, steps) {
            Ok(back) => back,
            Err(found) => return found,
        };
        let mut left = part.graph.edges(back.goal);
        let label = left.find(|&(to, label)| to == back.start && label & self.labels != 0);
        let mut walk = vec![(back.goal, label.map_or(RW, |(_, label)| label))];
        walk.extend(self.transactions(back.way));
        self.cycle(&walk)
    }

    fn inside(&self, shape: impl FnOnce(&Inside<'_, '_, M>) -> Found) -> Found {
        match Inside::new(self) {
            None => Found::NotShown,
            Some(inside) => shape(&inside),
        }
    }
}

/// The graph with each node twice: `2n` where a read that missed a write may come next, `2n + 1`
/// where it must not.
fn doubled(part: &Part<'_>, labels: Labels, may: impl Fn(Labels) -> bool) -> Graph {
    let mut edges = Vec::new();
    for from in 0..part.graph.nodes() as u32 {
        for (to, label) in part.graph.edges(from) {
            if label & labels == 0 {
                continue;
            }
            let mut add = |from, to| edges.push(Edge { from, to, label });
            if label & MISSED == 0 {
                let next = 2 * to + u32::from(!may(label));
                add(2 * from, next);
                add(2 * from + 1, next);
            } else if part.is_meeting(to) {
                add(2 * from, 2 * to);
            } else {
                add(2 * from, 2 * to + 1);
            }
        }
    }
    Graph::new(2 * part.graph.nodes(), &edges)
}
