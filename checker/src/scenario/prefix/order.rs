//! The circles of writes: reads of one scope as a chain, real time as a chain of its own, and the
//! strongly connected components of all of it.

use std::collections::VecDeque;

use super::Link;
use super::view::{Read, View};
use crate::graph::{Edge, Graph, strongly_connected};

/// A chain of sets: what each shows besides the one before it, and a read that shows it.
struct Chain {
    scope: u32,
    /// The reads, by place, each greater than the one before.
    reads: Vec<u32>,
}

/// How many contradictions there are, and circles of the first: each item comes before the next
/// for the reason that stands with it.
pub(super) fn find(view: &View<'_>, most: usize) -> (u64, Vec<Vec<(u32, Link)>>) {
    let (forks, chains) = chains(view);
    let mut count = forks.len() as u64;
    let mut circles: Vec<Vec<(u32, Link)>> = forks
        .iter()
        .take(most)
        .map(|&(small, large)| fork(view, small, large))
        .collect();
    let net = Net::new(view, &chains);
    let components = strongly_connected(&net.graph, ALL);
    count += components.len() as u64;
    for component in components.iter().take(most.saturating_sub(circles.len())) {
        circles.push(net.circle(view, component));
    }
    (count, circles)
}

/// Whether every item of one sorted set is in another.
fn is_within(small: &[u32], large: &[u32]) -> bool {
    let mut rest = large.iter();
    small.iter().all(|item| rest.any(|other| other == item))
}

/// The reads of each scope as a chain, as far as they are one; and pairs of reads that are not
/// comparable.
fn chains(view: &View<'_>) -> (Vec<(u32, u32)>, Vec<Chain>) {
    let mut order: Vec<u32> = (0..view.reads.len() as u32).collect();
    // Among reads of the same size the first is compared, so that equal ones come together.
    order.sort_by(|&a, &b| {
        let (a, b): (&Read, &Read) = (&view.reads[a as usize], &view.reads[b as usize]);
        let size = |read: &Read| (read.scope, read.present.len());
        size(a)
            .cmp(&size(b))
            .then_with(|| a.present.cmp(&b.present))
    });
    let mut forks = Vec::new();
    let mut chains: Vec<Chain> = Vec::new();
    for at in order {
        let read = &view.reads[at as usize];
        match chains.last_mut().filter(|chain| chain.scope == read.scope) {
            None => chains.push(Chain {
                scope: read.scope,
                reads: vec![at],
            }),
            Some(chain) => {
                let last = chain.reads[chain.reads.len() - 1];
                let before = &view.reads[last as usize].present;
                if *before == read.present {
                    continue;
                }
                match is_within(before, &read.present) {
                    true => chain.reads.push(at),
                    false => forks.push((last, at)),
                }
            }
        }
    }
    (forks, chains)
}

/// The circle of two reads of which neither shows all that the other does.
fn fork(view: &View<'_>, small: u32, large: u32) -> Vec<(u32, Link)> {
    let (left, right) = (&view.reads[small as usize], &view.reads[large as usize]);
    let only = |of: &Read, other: &Read| {
        let mut items = of.present.iter();
        items
            .find(|item| other.present.binary_search(item).is_err())
            .copied()
    };
    let event = |read: &Read| super::super::event(view.history, read.operation as usize);
    // Of different sets the smaller has something that the larger has not, or it were within.
    let first = only(left, right).unwrap_or_default();
    let second = only(right, left).unwrap_or_default();
    vec![
        (first, Link::Read(event(left))),
        (second, Link::Read(event(right))),
    ]
}

const ALL: u8 = 1;

/// Items, then the sets of all chains, then moments in real time.
struct Net {
    graph: Graph,
    /// The read of each set.
    sets: Vec<u32>,
    items: u32,
}

impl Net {
    fn new(view: &View<'_>, chains: &[Chain]) -> Net {
        let items = view.items.len() as u32;
        let mut sets: Vec<u32> = Vec::new();
        let mut edges: Vec<Edge> = Vec::new();
        let mut edge = |from, to| {
            let label = ALL;
            edges.push(Edge { from, to, label });
        };
        for chain in chains {
            let mut before: &[u32] = &[];
            let mut last = None;
            for &at in &chain.reads {
                let node = items + sets.len() as u32;
                sets.push(at);
                let present = &view.reads[at as usize].present;
                for &item in present
                    .iter()
                    .filter(|item| before.binary_search(item).is_err())
                {
                    edge(item, node);
                    if let Some(last) = last {
                        edge(last, item);
                    }
                }
                if let Some(last) = last {
                    edge(last, node);
                }
                (before, last) = (present, Some(node));
            }
            let scope = &view.scopes[chain.scope as usize];
            if let Some(last) = last {
                for &item in scope
                    .iter()
                    .filter(|item| before.binary_search(item).is_err())
                {
                    edge(last, item);
                }
            }
        }
        let first_moment = items + sets.len() as u32;
        let moments = real_time(view, first_moment, &mut edge);
        Net {
            graph: Graph::new((first_moment + moments) as usize, &edges),
            sets,
            items,
        }
    }

    /// A shortest circle through the least item of a component, as items and why each comes
    /// before the next.
    fn circle(&self, view: &View<'_>, component: &[u32]) -> Vec<(u32, Link)> {
        let inside = |node: &u32| component.binary_search(node).is_ok();
        // Items come first in a component, and none is without one: sets and moments only lead on
        // to others of their chain.
        let root = component[0];
        let mut from: Vec<u32> = vec![u32::MAX; component.len()];
        let place = |node: u32| component.binary_search(&node).unwrap_or_default();
        let mut queue = VecDeque::from([root]);
        let mut path = Vec::new();
        'search: while let Some(node) = queue.pop_front() {
            for &next in self.graph.targets(node).iter().filter(|next| inside(next)) {
                if next == root {
                    path.push(node);
                    break 'search;
                }
                if from[place(next)] == u32::MAX {
                    from[place(next)] = node;
                    queue.push_back(next);
                }
            }
        }
        while let Some(&last) = path.last().filter(|&&last| last != root) {
            path.push(from[place(last)]);
        }
        path.reverse();
        let mut circle: Vec<(u32, Link)> = Vec::new();
        for node in path {
            if node < self.items {
                circle.push((node, Link::RealTime));
            } else if let Some(&set) = self.sets.get((node - self.items) as usize)
                && let Some((_, link)) = circle.last_mut()
            {
                // The last set of a stretch shows the item before it and misses the one after.
                let reader = view.reads[set as usize].operation;
                *link = Link::Read(super::super::event(view.history, reader as usize));
            }
        }
        shorten(view, circle)
    }
}

/// Real time: a moment for each end of a write, in order; gives how many there are.
fn real_time(view: &View<'_>, first: u32, edge: &mut impl FnMut(u32, u32)) -> u32 {
    let operations = view.history.operations();
    let span = |item: u32| {
        let operation = &operations[view.items[item as usize].operation as usize];
        (operation.start, operation.end)
    };
    let items = 0..view.items.len() as u32;
    let mut ends: Vec<(u64, u32)> = items
        .clone()
        .map(|item| (span(item).1, item))
        .filter(|&(end, _)| end != u64::MAX)
        .collect();
    ends.sort_unstable();
    for (at, &(_, item)) in ends.iter().enumerate() {
        let moment = first + at as u32;
        edge(item, moment);
        if at > 0 {
            edge(moment - 1, moment);
        }
    }
    for item in items {
        let start = span(item).0;
        let ended = ends.partition_point(|&(end, _)| end < start);
        if ended > 0 {
            edge(first + ended as u32 - 1, item);
        }
    }
    ends.len() as u32
}

/// Writes that are before each other in real time, one after the other, are so without those
/// between.
fn shorten(view: &View<'_>, circle: Vec<(u32, Link)>) -> Vec<(u32, Link)> {
    let operations = view.history.operations();
    let of = |item: u32| &operations[view.items[item as usize].operation as usize];
    let mut kept: Vec<(u32, Link)> = Vec::with_capacity(circle.len());
    for &(item, link) in &circle {
        if let [.., (before, Link::RealTime), (_, Link::RealTime)] = kept.as_slice()
            && of(*before).precedes(of(item))
        {
            kept.pop();
        }
        kept.push((item, link));
    }
    kept
}
