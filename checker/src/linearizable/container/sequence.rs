//! An order of the elements of a queue: that in which they came and went.
//!
//! `a` must come before `b` if its put ended (or it was seen or taken) before the put of `b`
//! began, or if one of its takes and looks ended before one of those of `b` began. An element is
//! next if no other must come before it. As both conditions compare an end of one with a
//! beginning of the other, the smallest ends of all that are left tell who is next, and four
//! sorted lists are enough: O(n log n).

use super::elements::{Element, NEVER};

/// The moments of an element that matter for its place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    /// The beginning of its put.
    pub(super) put_start: u64,
    /// By when it was in.
    pub(super) inside: u64,
    /// The first end of its takes and looks.
    pub(super) first_end: u64,
    /// The last beginning of them.
    pub(super) last_start: u64,
}

impl Node {
    /// An element.
    pub(super) const fn of(element: &Element) -> Node {
        Node {
            put_start: element.put_start,
            inside: element.inside.rank,
            // Who took it is not known to have ended, and still comes before what stays.
            first_end: if element.first_end.rank == NEVER && element.last_start.rank != NEVER {
                NEVER - 1
            } else {
                element.first_end.rank
            },
            last_start: element.last_start.rank,
        }
    }

    /// A moment at which the queue is empty: an element that comes and goes in it.
    pub(super) const fn moment(rank: u64) -> Node {
        Node {
            put_start: rank,
            inside: rank,
            first_end: rank,
            last_start: rank,
        }
    }
}

/// Puts elements in an order.
///
/// # Errors
/// Two or three of which each must come before the next, and the last before the first.
pub(super) fn sequence(nodes: &[Node]) -> Result<Vec<u32>, Vec<u32>> {
    let mut left = Left::new(nodes);
    let by_put = sorted(nodes, |node| node.put_start);
    let by_last = sorted(nodes, |node| node.last_start);
    let (mut next_put, mut next_last) = (0, 0);
    // How many of the two conditions hold.
    let mut holds = vec![0_u8; nodes.len()];
    let mut ready: Vec<u32> = Vec::new();
    let mut order = Vec::with_capacity(nodes.len());
    while order.len() < nodes.len() {
        let (inside, first_end) = left.smallest();
        while next_put < by_put.len() && by_put[next_put].0 <= nodes[inside as usize].inside {
            let node = by_put[next_put].1;
            next_put += 1;
            holds[node as usize] += 1;
            if holds[node as usize] == 2 {
                ready.push(node);
            }
        }
        while next_last < by_last.len()
            && by_last[next_last].0 <= nodes[first_end as usize].first_end
        {
            let node = by_last[next_last].1;
            next_last += 1;
            holds[node as usize] += 1;
            if holds[node as usize] == 2 {
                ready.push(node);
            }
        }
        while ready.last().is_some_and(|&node| left.gone(node)) {
            ready.pop();
        }
        let next = match ready.pop() {
            Some(node) => node,
            None => left.only(inside, first_end)?,
        };
        left.remove(next);
        order.push(next);
    }
    Ok(order)
}

fn sorted(nodes: &[Node], key: impl Fn(&Node) -> u64) -> Vec<(u64, u32)> {
    let mut all: Vec<(u64, u32)> = (0_u32..)
        .zip(nodes)
        .map(|(at, node)| (key(node), at))
        .collect();
    all.sort_unstable();
    all
}

/// The elements that have no place yet.
struct Left<'a> {
    nodes: &'a [Node],
    gone: Vec<bool>,
    by_inside: Vec<(u64, u32)>,
    by_first_end: Vec<(u64, u32)>,
    next_inside: usize,
    next_first_end: usize,
}

impl<'a> Left<'a> {
    fn new(nodes: &'a [Node]) -> Left<'a> {
        Left {
            nodes,
            gone: vec![false; nodes.len()],
            by_inside: sorted(nodes, |node| node.inside),
            by_first_end: sorted(nodes, |node| node.first_end),
            next_inside: 0,
            next_first_end: 0,
        }
    }

    fn gone(&self, node: u32) -> bool {
        self.gone[node as usize]
    }

    fn remove(&mut self, node: u32) {
        self.gone[node as usize] = true;
    }

    /// Who was inside first, and who has the first end.
    fn smallest(&mut self) -> (u32, u32) {
        while self.gone[self.by_inside[self.next_inside].1 as usize] {
            self.next_inside += 1;
        }
        while self.gone[self.by_first_end[self.next_first_end].1 as usize] {
            self.next_first_end += 1;
        }
        (
            self.by_inside[self.next_inside].1,
            self.by_first_end[self.next_first_end].1,
        )
    }

    /// The element with the first end, which nothing but its own looks keeps from being next; or
    /// a circle, if there is something.
    fn only(&self, inside: u32, first: u32) -> Result<u32, Vec<u32>> {
        let nodes = self.nodes;
        let mut others = self.by_first_end[self.next_first_end + 1..].iter();
        let second = others
            .find(|other| !self.gone(other.1))
            .map(|other| other.1);
        // Who must come before this one?
        let before = |at: u32| {
            let node = &nodes[at as usize];
            if nodes[inside as usize].inside < node.put_start {
                return Some(inside);
            }
            let first = if at == first { second } else { Some(first) };
            first.filter(|&first| nodes[first as usize].first_end < node.last_start)
        };
        if before(first).is_none() {
            return Ok(first);
        }
        let mut path = vec![inside];
        loop {
            let last = path[path.len() - 1];
            let Some(earlier) = before(last) else {
                // Nothing keeps this one from being next.
                return Ok(last);
            };
            if let Some(from) = path.iter().position(|&at| at == earlier) {
                path.drain(..from);
                path.reverse();
                return Err(path);
            }
            path.push(earlier);
        }
    }
}
