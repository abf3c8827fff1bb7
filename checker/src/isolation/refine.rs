//! Cycles of a telling shape that have a name of their own: write skew and long fork.

use super::Kind;
use super::cycles::{Cycle, Part};
use super::model::Model;
use super::relations::{RW, WR};

/// In one component a search takes at most so many steps.
const STEPS: u64 = 1_000_000;

/// A write skew and a long fork of this component, if they are found within the steps.
pub(super) fn telling(part: &Part<'_>, model: &impl Model, steps: &mut u64) -> Vec<Cycle> {
    let given = STEPS.min(*steps);
    let (mut first, mut second) = (given / 2, given / 2);
    let mut found = Vec::new();
    found.extend(write_skew(part, model, &mut first));
    found.extend(long_fork(part, &mut second));
    *steps -= given - first - second;
    found
}

fn leads(part: &Part<'_>, from: u32, to: u32, label: u8, steps: &mut u64) -> bool {
    *steps = steps.saturating_sub(part.graph.targets(from).len() as u64);
    let mut edges = part.graph.edges(from);
    edges.any(|edge| edge == (to, label))
}

/// Two transactions that each missed what the other wrote, with no key that both wrote.
fn write_skew(part: &Part<'_>, model: &impl Model, steps: &mut u64) -> Option<Cycle> {
    for one in 0..part.txns {
        for (other, label) in part.graph.edges(one) {
            let pair = label == RW && one < other && other < part.txns;
            if pair
                && leads(part, other, one, RW, steps)
                && !model.write_a_common_key(part.number(one), part.number(other))
            {
                let mut cycle = part.as_cycle(&[(one, RW), (other, RW)]);
                cycle.kind = Kind::WriteSkew;
                return Some(cycle);
            }
            if *steps == 0 {
                return None;
            }
        }
    }
    None
}

/// Two transactions of which each saw one of two others and missed the second.
fn long_fork(part: &Part<'_>, steps: &mut u64) -> Option<Cycle> {
    let graph = &part.graph;
    let next = |node: u32, wanted: u8| {
        let edges = graph.edges(node);
        edges
            .filter(move |&(to, label)| label == wanted && to < part.txns)
            .map(|(to, _)| to)
    };
    for reader in 0..part.txns {
        for missed in next(reader, RW) {
            for other in next(missed, WR).filter(|&other| other != reader) {
                for seen in next(other, RW).filter(|&seen| seen != missed && seen != reader) {
                    if *steps == 0 {
                        return None;
                    }
                    if leads(part, seen, reader, WR, steps) {
                        let walk = [(reader, RW), (missed, WR), (other, RW), (seen, WR)];
                        let mut cycle = part.as_cycle(&walk);
                        cycle.kind = Kind::LongFork;
                        return Some(cycle);
                    }
                }
            }
        }
    }
    None
}
