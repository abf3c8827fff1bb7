//! A directed graph with labelled edges in three arrays.

/// A set of labels: a bit for each.
pub(crate) type Labels = u8;

/// An edge, before the graph is built. Exactly one bit of `label` is set.
///
/// There are ten million of them to a million transactions: a quarter of their room would be
/// padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(C, packed)]
pub(crate) struct Edge {
    pub(crate) from: u32,
    pub(crate) to: u32,
    pub(crate) label: Labels,
}

/// A directed graph: of each node the edges that begin there, in the order in which they were
/// given.
#[derive(Clone, Debug, Default)]
pub(crate) struct Graph {
    /// Where the edges of a node begin in the other two; one more than there are nodes.
    first: Vec<u32>,
    to: Vec<u32>,
    label: Vec<Labels>,
}

impl Graph {
    /// Sorts edges by where they begin, in linear time.
    pub(crate) fn new(nodes: usize, edges: &[Edge]) -> Graph {
        let mut first = vec![0_u32; nodes + 1];
        for edge in edges {
            first[edge.from as usize + 1] += 1;
        }
        for node in 0..nodes {
            first[node + 1] += first[node];
        }
        let mut next = first.clone();
        let mut to = vec![0; edges.len()];
        let mut label = vec![0; edges.len()];
        for edge in edges {
            let place = &mut next[edge.from as usize];
            to[*place as usize] = edge.to;
            label[*place as usize] = edge.label;
            *place += 1;
        }
        Graph { first, to, label }
    }

    /// How many nodes there are.
    pub(crate) fn nodes(&self) -> usize {
        self.first.len().saturating_sub(1)
    }

    /// How many edges there are.
    pub(crate) fn edge_count(&self) -> usize {
        self.to.len()
    }

    /// The edges that begin at a node, as positions for [`Graph::edge`].
    pub(crate) fn places(&self, node: u32) -> std::ops::Range<u32> {
        self.first[node as usize]..self.first[node as usize + 1]
    }

    /// Where the edge at this place leads, and its label.
    pub(crate) fn edge(&self, place: u32) -> (u32, Labels) {
        (self.to[place as usize], self.label[place as usize])
    }

    /// Where the edges of a node lead.
    pub(crate) fn targets(&self, node: u32) -> &[u32] {
        let places = self.places(node);
        &self.to[places.start as usize..places.end as usize]
    }

    /// The edges that begin at a node: where they lead, and their labels.
    pub(crate) fn edges(&self, node: u32) -> impl Iterator<Item = (u32, Labels)> + '_ {
        self.places(node).map(|place| self.edge(place))
    }
}
