//! `partition`: links between nodes are cut or held.
//!
//! Fault model: over a cut link every message is lost, also what was under way; over a held link
//! messages are kept, and arrive late when it is released. Links to clients are never touched: a
//! client sits on its node's side. A correct system keeps its guarantees on every side, and those
//! that need a majority may stop answering elsewhere.

use polygraph_history::random::Random;
use polygraph_history::{Effect, FaultFamily, FaultKind, Link, NodeId};

use crate::planned::between;
use crate::{Env, Nemesis, Planned, Role, What, Window};

pub(crate) struct Partition;

const KINDS: &[FaultKind] = &[
    FaultKind::PartitionCut,
    FaultKind::PartitionHold,
    FaultKind::PartitionOneWay,
];

impl Nemesis for Partition {
    fn family(&self) -> FaultFamily {
        FaultFamily::Partition
    }

    fn about(&self) -> &'static str {
        "cuts or holds links between nodes: one node, halves, a majority, a ring of majorities, a bridge, one way, the leader alone"
    }

    fn kinds(&self) -> &'static [FaultKind] {
        KINDS
    }

    fn draw(&self, env: &Env, window: Window, random: &mut Random) -> Vec<Planned> {
        let able = env.able(KINDS);
        let hold = able.contains(&FaultKind::PartitionHold) && random.below(4) == 0;
        let mut shapes = vec![Shape::One, Shape::Halves, Shape::Majority, Shape::OneWay];
        // A majority of two is both, with nobody left to be parted from.
        if env.nodes.len() < 3 {
            shapes.retain(|&shape| shape != Shape::Majority);
        }
        if env.nodes.len() >= 4 {
            shapes.extend([Shape::Ring, Shape::Bridge]);
        }
        if env.has_leader {
            shapes.extend([Shape::LeaderAlone, Shape::LeaderAlone]);
        }
        let shape = *random.choose(&shapes);
        let mut nodes = env.nodes.clone();
        random.shuffle(&mut nodes);
        let what = match shape {
            Shape::LeaderAlone => What::Alone {
                role: Role::Leader,
                hold,
            },
            _ => {
                let links = shape.links(&nodes);
                What::Effect(if hold {
                    Effect::Hold(links)
                } else {
                    Effect::Cut(links)
                })
            }
        };
        vec![Planned {
            id: 0,
            family: FaultFamily::Partition,
            shape: shape.name().to_owned(),
            start: window.start,
            end: window.end,
            what,
        }]
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// One node is cut off from all others.
    One,
    /// Two halves; of an odd number, one more on one side.
    Halves,
    /// A smallest majority and the rest.
    Majority,
    /// Every node sees a majority, itself included, and no two see the same.
    Ring,
    /// Two halves that share one node, which sees all.
    Bridge,
    /// Some nodes hear the others, who do not hear them.
    OneWay,
    /// Whoever leads is cut off from all others.
    LeaderAlone,
}

impl Shape {
    const fn name(self) -> &'static str {
        match self {
            Shape::One => "one",
            Shape::Halves => "halves",
            Shape::Majority => "majority-minority",
            Shape::Ring => "majorities-ring",
            Shape::Bridge => "bridge",
            Shape::OneWay => "one-way",
            Shape::LeaderAlone => "leader-alone",
        }
    }

    /// The links that are broken, for nodes in an order drawn at random.
    fn links(self, nodes: &[NodeId]) -> Vec<Link> {
        let count = nodes.len();
        match self {
            Shape::One | Shape::LeaderAlone => between(&nodes[..1], nodes),
            Shape::Halves => between(&nodes[..count / 2], nodes),
            Shape::Majority => between(&nodes[..count / 2 + 1], nodes),
            Shape::OneWay => {
                let some = &nodes[..count.div_ceil(2).min(count - 1)];
                let mut links = between(some, nodes);
                links.retain(|link| some.contains(&link.from));
                links
            }
            Shape::Bridge => {
                let (some, others) = nodes[1..].split_at((count - 1) / 2);
                let parted = |a: &NodeId, b: &NodeId| some.contains(a) && others.contains(b);
                let mut links = between(some, nodes);
                links.retain(|link| parted(&link.from, &link.to) || parted(&link.to, &link.from));
                links
            }
            Shape::Ring => {
                // Around the circle each node sees as many neighbours on either side as make a
                // majority with itself.
                let reach = (count / 2).div_ceil(2);
                let mut links = Vec::new();
                for (at, &from) in nodes.iter().enumerate() {
                    for (other, &to) in nodes.iter().enumerate() {
                        let apart = at.abs_diff(other);
                        if apart.min(count - apart) > reach {
                            links.push(Link { from, to });
                        }
                    }
                }
                links
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sees(links: &[Link], nodes: &[NodeId], from: NodeId) -> Vec<NodeId> {
        let cut = |to: NodeId| links.contains(&Link { from, to });
        nodes.iter().copied().filter(|&to| !cut(to)).collect()
    }

    #[test]
    fn in_a_ring_every_node_sees_another_majority() {
        for count in 4..10 {
            let nodes = NodeId::all(count);
            let links = Shape::Ring.links(&nodes);
            let mut seen: Vec<_> = nodes
                .iter()
                .map(|&node| sees(&links, &nodes, node))
                .collect();
            assert!(seen.iter().all(|seen| seen.len() > count / 2), "{count}");
            seen.sort();
            seen.dedup();
            // Where a majority is all there is to see, all see the same.
            assert!(seen.len() == count || links.is_empty(), "{count}: {seen:?}");
        }
        assert!(!Shape::Ring.links(&NodeId::all(5)).is_empty());
    }

    #[test]
    fn a_bridge_sees_all_and_parts_the_others() {
        let nodes = NodeId::all(5);
        let links = Shape::Bridge.links(&nodes);
        assert_eq!(sees(&links, &nodes, nodes[0]).len(), 5);
        assert!(
            nodes[1..]
                .iter()
                .all(|&node| sees(&links, &nodes, node).len() == 3)
        );
    }

    #[test]
    fn one_way_leaves_the_way_back() {
        for count in 2..8 {
            let links = Shape::OneWay.links(&NodeId::all(count));
            assert!(!links.is_empty());
            assert!(links.iter().all(|link| !links.contains(&Link {
                from: link.to,
                to: link.from
            })));
        }
    }
}
