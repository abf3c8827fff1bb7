//! Which *rw* edges lie on a cycle that has no other: what makes a G-single.
//!
//! Without *rw* the component is acyclic (else it has a more severe cycle), so that 64 edges are
//! decided by one pass in topological order, with a bit for each. Edges that begin close together
//! in that order are taken together, and a pass ends where the last of its edges can be closed.

use crate::graph::Labels;

use super::cycles::Part;
use super::dependencies::RW;

/// Of these edges, each from a transaction to a transaction or meeting, those from whose end the
/// beginning can be reached by edges with the labels `by`. Stops when the steps run out. `None`
/// if these edges alone form a cycle.
pub(super) fn closed(
    part: &Part<'_>,
    edges: &[(u32, u32)],
    by: Labels,
    steps: &mut u64,
) -> Option<Vec<(u32, u32)>> {
    let order = topological(part, by)?;
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

    let mut found = Vec::new();
    let mut reached = vec![0_u64; order.len()];
    for batch in open.chunks(64) {
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
            for (to, label) in part.graph.edges(order[at]) {
                *steps = steps.saturating_sub(1);
                if follows(part, order[at], label, by) && place(to) <= last {
                    reached[place(to)] |= bits;
                }
            }
        }
        for (bit, &edge) in batch.iter().enumerate() {
            if reached[place(edge.0)] & 1 << bit != 0 {
                found.push(edge);
            }
        }
        *steps = steps.saturating_sub((last - first) as u64);
        if *steps == 0 {
            break;
        }
        reached[first..=last].fill(0);
    }
    Some(found)
}

/// What leaves a meeting belongs to the *rw* that led there.
const fn follows(part: &Part<'_>, node: u32, label: Labels, by: Labels) -> bool {
    let meeting = node >= part.txns && node < part.barriers;
    label & by != 0 || (meeting && label == RW)
}

/// All nodes in an order that these edges allow, if there is one.
fn topological(part: &Part<'_>, by: Labels) -> Option<Vec<u32>> {
    let nodes = part.graph.nodes();
    let mut before = vec![0_u32; nodes];
    let followers = |node: u32| {
        let edges = part.graph.edges(node);
        edges.filter(move |&(_, label)| follows(part, node, label, by))
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
