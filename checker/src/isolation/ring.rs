//! Short closed walks of a graph, and short ways in an acyclic one.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;

use crate::graph::{Graph, Labels, strongly_connected};

/// From so many nodes a short cycle is looked for.
const STARTS: usize = 16;

/// A short cycle of edges with these labels, each node with the label of the edge by which it is
/// left; `None` if there is none. Within the smallest component, the shortest through one of its
/// first nodes.
pub(super) fn shortest(graph: &Graph, labels: Labels) -> Option<Vec<(u32, Labels)>> {
    let components = strongly_connected(graph, labels);
    let members = components.iter().min_by_key(|component| component.len())?;
    let mut best: Option<Vec<(u32, Labels)>> = None;
    // Every cycle passes through another node soon: a few starts suffice for a short one.
    for &start in members.iter().take(STARTS) {
        let follows = |_, label| label & labels != 0;
        let mut seen = Seen::default();
        let cycle = graph
            .edges(start)
            .filter(|&(to, label)| label & labels != 0 && members.binary_search(&to).is_ok())
            .find(|&(to, _)| to == start)
            .map(|(_, label)| vec![(start, label)])
            .or_else(|| seen.search(graph, follows, start, start));
        if let Some(cycle) = cycle
            && best.as_ref().is_none_or(|best| cycle.len() < best.len())
        {
            best = Some(cycle);
        }
    }
    best
}

/// A way that closes an edge.
pub(super) struct Way {
    /// Where the edge begins and the way ends.
    pub(super) goal: u32,
    /// Where the edge ends and the way begins.
    pub(super) start: u32,
    /// The nodes from the start to the last before the goal, each with the label by which it is
    /// left.
    pub(super) way: Vec<(u32, Labels)>,
}

/// The shortest way that closes one of the first of these edges.
pub(super) fn best_way(
    graph: &Graph,
    follows: impl Fn(u32, Labels) -> bool + Copy,
    edges: &[(u32, u32)],
) -> Option<Way> {
    let ways = edges.iter().take(STARTS).filter_map(|&(goal, start)| {
        let way = Seen::default().search(graph, follows, start, goal)?;
        Some(Way { goal, start, way })
    });
    ways.min_by_key(|way| way.way.len())
}

/// A breadth-first search: of each node reached, from where and by which label.
#[derive(Default)]
struct Seen {
    from: FxHashMap<u32, (u32, Labels)>,
    queue: VecDeque<u32>,
}

impl Seen {
    /// The nodes from `start` to the last before `goal`, which may be the same.
    fn search(
        &mut self,
        graph: &Graph,
        follows: impl Fn(u32, Labels) -> bool,
        start: u32,
        goal: u32,
    ) -> Option<Vec<(u32, Labels)>> {
        self.queue.push_back(start);
        while let Some(node) = self.queue.pop_front() {
            for (to, label) in graph.edges(node) {
                if !follows(node, label) {
                    continue;
                }
                if to == goal {
                    return Some(self.way(start, node, label));
                }
                if to != start && !self.from.contains_key(&to) {
                    self.from.insert(to, (node, label));
                    self.queue.push_back(to);
                }
            }
        }
        None
    }

    fn way(&self, start: u32, last: u32, label: Labels) -> Vec<(u32, Labels)> {
        let mut way = vec![(last, label)];
        let mut node = last;
        while node != start {
            let (from, label) = self.from[&node];
            way.push((from, label));
            node = from;
        }
        way.reverse();
        way
    }
}

/// A closed walk with no node twice, part of this one, that `fits` as this one does. Where a walk
/// comes to a node again it falls into two, and if the whole has no bad pair of edges in a row,
/// one of the two has none: each has one new pair, and both new pairs are bad only if a pair of
/// the whole is.
pub(super) fn simple(
    mut walk: Vec<(u32, Labels)>,
    fits: impl Fn(&[(u32, Labels)]) -> bool,
) -> Vec<(u32, Labels)> {
    loop {
        let mut places: FxHashMap<u32, usize> = FxHashMap::default();
        let again = (0..walk.len())
            .find_map(|at| places.insert(walk[at].0, at).map(|earlier| (earlier, at)));
        let Some((earlier, at)) = again else {
            return walk;
        };
        let inner = walk[earlier..at].to_vec();
        walk.drain(earlier..at);
        if (fits(&inner) && inner.len() <= walk.len()) || !fits(&walk) {
            walk = inner;
        }
    }
}
