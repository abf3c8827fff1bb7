//! Strongly connected components, without recursion.
//!
//! Tarjan, *Depth-first search and linear graph algorithms*, SIAM J. Comput. 1(2), 1972, with an
//! explicit stack. Linear in nodes and edges.

use super::{Graph, Labels};

const UNSEEN: u32 = u32::MAX;
const DONE: u32 = u32::MAX - 1;

/// The components of at least two nodes of the graph that has only the edges whose label is in
/// `allowed`. Each is sorted, and they are sorted by their least node.
pub(crate) fn strongly_connected(graph: &Graph, allowed: Labels) -> Vec<Vec<u32>> {
    let nodes = graph.nodes();
    let mut search = Search {
        graph,
        allowed,
        // While a node is open, the least place on the stack that it is known to reach.
        low: vec![UNSEEN; nodes],
        open: Vec::new(),
        path: Vec::new(),
        components: Vec::new(),
    };
    for root in 0..nodes as u32 {
        if search.low[root as usize] == UNSEEN {
            search.run(root);
        }
    }
    let mut components = search.components;
    components.sort_unstable();
    components
}

/// A node on the path from the root, and the place of the edge that it takes next.
struct Visit {
    node: u32,
    /// The node's own place on the stack of open nodes.
    at: u32,
    next: u32,
}

struct Search<'g> {
    graph: &'g Graph,
    allowed: Labels,
    low: Vec<u32>,
    open: Vec<u32>,
    path: Vec<Visit>,
    components: Vec<Vec<u32>>,
}

impl Search<'_> {
    fn run(&mut self, root: u32) {
        self.enter(root);
        while let Some(visit) = self.path.last_mut() {
            let node = visit.node;
            if visit.next < self.graph.places(node).end {
                let (to, label) = self.graph.edge(visit.next);
                visit.next += 1;
                if label & self.allowed == 0 {
                    continue;
                }
                match self.low[to as usize] {
                    UNSEEN => self.enter(to),
                    DONE => {}
                    low => self.low[node as usize] = self.low[node as usize].min(low),
                }
                continue;
            }
            let at = visit.at;
            self.path.pop();
            let low = self.low[node as usize];
            if let Some(parent) = self.path.last() {
                let parent = &mut self.low[parent.node as usize];
                *parent = (*parent).min(low);
            }
            if low == at {
                self.close(at);
            }
        }
    }

    fn enter(&mut self, node: u32) {
        let at = self.open.len() as u32;
        self.low[node as usize] = at;
        self.open.push(node);
        self.path.push(Visit {
            node,
            at,
            next: self.graph.places(node).start,
        });
    }

    /// Everything open from this place on is one component.
    fn close(&mut self, at: u32) {
        let members = &self.open[at as usize..];
        for &member in members {
            self.low[member as usize] = DONE;
        }
        if members.len() > 1 {
            let mut component = members.to_vec();
            component.sort_unstable();
            self.components.push(component);
        }
        self.open.truncate(at as usize);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Edge, Graph};
    use super::strongly_connected;

    /// A small generator: splitmix64.
    fn next(state: &mut u64) -> u64 {
        *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = *state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    #[test]
    fn agrees_with_petgraph_on_random_graphs() {
        let mut state = 1;
        for round in 0..2_000 {
            let nodes = 1 + next(&mut state) % 12;
            let edges: Vec<Edge> = (0..next(&mut state) % 24)
                .map(|_| Edge {
                    from: (next(&mut state) % nodes) as u32,
                    to: (next(&mut state) % nodes) as u32,
                    label: 1,
                })
                .collect();
            let graph = Graph::new(nodes as usize, &edges);
            let mut expected: Vec<Vec<u32>> = petgraph::algo::tarjan_scc(&graph)
                .into_iter()
                .filter(|component| component.len() > 1)
                .map(|mut component| {
                    component.sort_unstable();
                    component
                })
                .collect();
            expected.sort_unstable();
            assert_eq!(strongly_connected(&graph, 1), expected, "round {round}");
        }
    }

    #[test]
    fn a_long_ring_is_one_component_and_labels_can_cut_it() {
        let nodes = 300_000;
        let edges: Vec<Edge> = (0..nodes)
            .map(|from| Edge {
                from,
                to: (from + 1) % nodes,
                label: if from == 7 { 2 } else { 1 },
            })
            .collect();
        let graph = Graph::new(nodes as usize, &edges);
        assert_eq!(strongly_connected(&graph, 3).len(), 1);
        assert!(strongly_connected(&graph, 1).is_empty());
    }
}
