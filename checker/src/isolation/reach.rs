//! Which edges close a cycle: from whose end their beginning can be reached in an acyclic graph.
//!
//! 64 edges are decided by one pass in topological order, with a bit for each. Edges that begin
//! close together in that order are taken together, and a pass ends where the last of its edges
//! can be closed.

use crate::graph::{Graph, Labels};

/// Edges that close a cycle.
pub(super) struct Closed {
    pub(super) edges: Vec<(u32, u32)>,
    /// Whether the steps sufficed for all.
    pub(super) complete: bool,
}

/// Of these edges those from whose end the beginning can be reached by what `follows`, a node and
/// the label of an edge that begins there. Stops when the steps run out. `None` if what follows
/// forms a cycle by itself.
pub(super) fn closed(
    graph: &Graph,
    follows: impl Fn(u32, Labels) -> bool + Copy,
    edges: &[(u32, u32)],
    steps: &mut u64,
) -> Option<Closed> {
    let order = topological(graph, follows)?;
    let mut place = vec![0_u32; order.len()];
    for (at, &node) in order.iter().enumerate() {
        place[node as usize] = at as u32;
    }
    let place = |node: u32| place[node as usize] as usize;
    let mut open: Vec<(u32, u32)> = edges
        .iter()
        .copied()
        .filter(|&(from, to)| place(to) < place(from))
        .collect();
    open.sort_by_key(|&(from, to)| (place(to), place(from)));

    let mut found = Closed {
        edges: Vec::new(),
        complete: true,
    };
    let mut reached = vec![0_u64; order.len()];
    let batches = open.chunks(64);
    let count = batches.len();
    for (number, batch) in batches.enumerate() {
        let first = place(batch[0].1);
        let last = batch.iter().map(|&(from, _)| place(from)).max()?;
        for (bit, &(_, to)) in batch.iter().enumerate() {
            reached[place(to)] |= 1 << bit;
        }
        for at in first..last {
            let bits = reached[at];
            if bits == 0 {
                continue;
            }
            for (to, label) in graph.edges(order[at]) {
                *steps = steps.saturating_sub(1);
                if follows(order[at], label) && place(to) <= last {
                    reached[place(to)] |= bits;
                }
            }
        }
        for (bit, &edge) in batch.iter().enumerate() {
            if reached[place(edge.0)] & 1 << bit != 0 {
                found.edges.push(edge);
            }
        }
        *steps = steps.saturating_sub((last - first) as u64);
        if *steps == 0 {
            found.complete = number + 1 == count;
            break;
        }
        reached[first..=last].fill(0);
    }
    Some(found)
}

/// All nodes in an order that these edges allow, if there is one.
pub(super) fn topological(
    graph: &Graph,
    follows: impl Fn(u32, Labels) -> bool + Copy,
) -> Option<Vec<u32>> {
    let nodes = graph.nodes();
    let mut before = vec![0_u32; nodes];
    let followers = |node: u32| {
        let edges = graph.edges(node);
        edges.filter(move |&(_, label)| follows(node, label))
    };
    for node in 0..nodes as u32 {
        for (to, _) in followers(node) {
            before[to as usize] += 1;
        }
    }
    let mut order: Vec<u32> = (0..nodes as u32)
        .filter(|&node| before[node as usize] == 0)
        .collect();
    let mut at = 0;
    while let Some(&node) = order.get(at) {
        at += 1;
        for (to, _) in followers(node) {
            before[to as usize] -= 1;
            if before[to as usize] == 0 {
                order.push(to);
            }
        }
    }
    (order.len() == nodes).then_some(order)
}
