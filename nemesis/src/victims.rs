//! Whom a fault hits: one node, some, or most.

use polygraph_history::NodeId;
use polygraph_history::random::Random;

/// A choice of nodes, with the name of its shape.
pub(crate) fn draw(nodes: &[NodeId], random: &mut Random) -> (&'static str, Vec<NodeId>) {
    let mut shuffled = nodes.to_vec();
    random.shuffle(&mut shuffled);
    let majority = nodes.len() / 2 + 1;
    let (shape, count) = match random.below(10) {
        0..=4 => ("one", 1),
        5..=6 => ("minority", nodes.len() - majority),
        7..=8 => ("majority", majority),
        _ => ("all", nodes.len()),
    };
    shuffled.truncate(count.max(1));
    shuffled.sort_unstable();
    (shape, shuffled)
}
