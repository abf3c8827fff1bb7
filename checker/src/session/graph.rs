//! Small directed graphs whose edges carry facts: components, and shortest chains of facts.

use std::collections::VecDeque;

/// An edge: from, to, and the number of the fact that it stands for.
pub(super) type Edge = (u32, u32, u32);

/// A graph in compressed rows.
#[derive(Debug)]
pub(super) struct Graph {
    offsets: Vec<u32>,
    edges: Vec<(u32, u32)>,
}

/// Which component every node is in, and how many nodes each has.
#[derive(Debug)]
pub(super) struct Components {
    pub(super) of: Vec<u32>,
    pub(super) sizes: Vec<u32>,
}

impl Components {
    /// Whether an edge between two nodes lies on a cycle.
    pub(super) fn together(&self, a: u32, b: u32) -> bool {
        self.of[a as usize] == self.of[b as usize]
    }

    /// Whether the graph has no cycle; edges from a node to itself do not count.
    pub(super) fn acyclic(&self) -> bool {
        self.sizes.iter().all(|&size| size == 1)
    }
}

impl Graph {
    pub(super) fn new(nodes: usize, list: &[Edge]) -> Graph {
        let mut offsets = vec![0_u32; nodes + 1];
        for &(from, _, _) in list {
            offsets[from as usize + 1] += 1;
        }
        for node in 0..nodes {
            offsets[node + 1] += offsets[node];
        }
        let mut next = offsets.clone();
        let mut edges = vec![(0, 0); list.len()];
        for &(from, to, fact) in list {
            let at = &mut next[from as usize];
            edges[*at as usize] = (to, fact);
            *at += 1;
        }
        Graph { offsets, edges }
    }

    const fn nodes(&self) -> usize {
        self.offsets.len() - 1
    }

    fn out(&self, node: u32) -> &[(u32, u32)] {
        let node = node as usize;
        &self.edges[self.offsets[node] as usize..self.offsets[node + 1] as usize]
    }

    /// Strongly connected components over the facts below `limit` (Tarjan, *Depth-first search
    /// and linear graph algorithms*, SIAM J. Comput. 1972), without recursion.
    pub(super) fn components(&self, limit: u32) -> Components {
        const NEW: u32 = u32::MAX;
        let nodes = self.nodes();
        let (mut number, mut low) = (vec![NEW; nodes], vec![0_u32; nodes]);
        let mut components = Components {
            of: vec![NEW; nodes],
            sizes: Vec::new(),
        };
        let (mut stack, mut calls) = (Vec::new(), Vec::<(u32, u32)>::new());
        let mut numbered = 0;
        for root in 0..nodes as u32 {
            if number[root as usize] != NEW {
                continue;
            }
            calls.push((root, self.offsets[root as usize]));
            while let Some(&mut (node, ref mut at)) = calls.last_mut() {
                let here = node as usize;
                if number[here] == NEW {
                    number[here] = numbered;
                    low[here] = numbered;
                    numbered += 1;
                    stack.push(node);
                }
                if *at < self.offsets[here + 1] {
                    let (to, fact) = self.edges[*at as usize];
                    *at += 1;
                    let there = to as usize;
                    if fact >= limit {
                        continue;
                    }
                    if number[there] == NEW {
                        calls.push((to, self.offsets[there]));
                    } else if components.of[there] == NEW {
                        low[here] = low[here].min(number[there]);
                    }
                    continue;
                }
                calls.pop();
                if let Some(&(parent, _)) = calls.last() {
                    low[parent as usize] = low[parent as usize].min(low[here]);
                }
                if low[here] == number[here] {
                    let component = components.sizes.len() as u32;
                    let mut size = 0;
                    while let Some(member) = stack.pop() {
                        components.of[member as usize] = component;
                        size += 1;
                        if member == node {
                            break;
                        }
                    }
                    components.sizes.push(size);
                }
            }
        }
        components
    }

    /// A shortest path over the facts below `limit`, as edges; nodes from `free` on cost nothing.
    pub(super) fn path(&self, from: u32, to: u32, free: u32, limit: u32) -> Option<Vec<Edge>> {
        self.cheapest(from, to, |next, _| u32::from(next < free), limit)
    }

    /// A cheapest path over the facts below `limit`, as edges; the cost of an edge, which is zero
    /// or one, is told by the node to which it leads and its fact.
    pub(super) fn cheapest(
        &self,
        from: u32,
        to: u32,
        cost: impl Fn(u32, u32) -> u32,
        limit: u32,
    ) -> Option<Vec<Edge>> {
        let mut distance = vec![u32::MAX; self.nodes()];
        let mut parent = vec![(0_u32, 0_u32); self.nodes()];
        let mut queue = VecDeque::from([from]);
        distance[from as usize] = 0;
        while let Some(node) = queue.pop_front() {
            let here = distance[node as usize];
            for &(next, fact) in self.out(node) {
                let cost = cost(next, fact);
                if fact >= limit || distance[next as usize] <= here + cost {
                    continue;
                }
                distance[next as usize] = here + cost;
                parent[next as usize] = (node, fact);
                match cost {
                    0 => queue.push_front(next),
                    _ => queue.push_back(next),
                }
            }
        }
        if distance[to as usize] == u32::MAX {
            return None;
        }
        let mut path = Vec::new();
        let mut node = to;
        while node != from {
            let (previous, fact) = parent[node as usize];
            path.push((previous, node, fact));
            node = previous;
        }
        path.reverse();
        Some(path)
    }
}

/// When a group of writes that stand together was there: it precedes another group in real time
/// if one of its members ended before one of the other's began.
#[derive(Clone, Copy, Debug)]
pub(super) struct Zone {
    /// The earliest end of a member.
    pub(super) end: u64,
    /// The latest begin of a member.
    pub(super) start: u64,
}

impl Zone {
    pub(super) const fn precedes(self, other: Zone) -> bool {
        self.end < other.start
    }
}

/// Real-time order of zones with a linear number of edges, all of the same fact: whoever begins
/// comes after a barrier, behind which stands whoever had ended by then. Gives the number of
/// nodes with the barriers, which follow the zones.
///
/// A zone that ends before it begins (some member ended before another began) would come before
/// itself through the barriers. It stands at its end instead: what it comes after is known there
/// but for what ends while it lasts, and that gets an edge of its own.
pub(super) fn real_time(zones: &[Zone], fact: u32, edges: &mut Vec<Edge>) -> usize {
    const BEGINS: u64 = 0;
    const ENDS: u64 = 1;
    let mut moments: Vec<(u64, u64, u32)> = Vec::with_capacity(2 * zones.len());
    for (zone, at) in zones.iter().zip(0..) {
        if zone.end >= zone.start {
            moments.push((zone.start, BEGINS, at));
        }
        if zone.end != u64::MAX {
            moments.push((zone.end, ENDS, at));
        }
    }
    moments.sort_unstable();
    let mut nodes = zones.len();
    let mut barrier = None;
    let mut ended: Vec<u32> = Vec::new();
    let mut lasting: Option<(u32, u64)> = None;
    for (rank, kind, at) in moments {
        let zone = zones[at as usize];
        if kind == BEGINS || zone.end < zone.start {
            if !ended.is_empty() {
                let next = u32::try_from(nodes).expect("fewer barriers than 2^32");
                nodes += 1;
                edges.extend(barrier.map(|previous| (previous, next, fact)));
                edges.extend(ended.drain(..).map(|zone| (zone, next, fact)));
                barrier = Some(next);
            }
            edges.extend(barrier.map(|barrier| (barrier, at, fact)));
        }
        if kind == ENDS {
            if let Some((other, until)) = lasting
                && rank < until
            {
                edges.push((at, other, fact));
            }
            ended.push(at);
            if zone.end < zone.start && lasting.is_none_or(|(_, until)| until < zone.start) {
                lasting = Some((at, zone.start));
            }
        }
    }
    nodes
}
