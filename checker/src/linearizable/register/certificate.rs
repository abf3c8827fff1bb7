//! The handful of operations that show why distinct values have no order, directly from the
//! chains in conflict.
//!
//! Two chains conflict when an operation of each ended before one of the other began: four
//! operations, and for each chain the writes and compare-and-sets that tie its two together. Of
//! all such operations those are taken whose conflict was complete first; then those that are
//! tied together by the fewest. Everything between two of them in their chain overlaps the
//! conflict, or would be in conflict itself; so there are no more than clients.

use polygraph_history::History;
use rustc_hash::FxHashMap;

use super::clusters::{Clusters, Fault};
use super::evidence::Piece;
use super::rows::{NONE, Row, Rows};
use super::view::{INITIAL, ValueId, item};
use super::zones::{Conflict, Zones};

/// Operations that have no order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::linearizable) struct Certificate {
    /// Their rows, sorted.
    pub(super) rows: Vec<u32>,
    /// The rank by which they have none.
    pub(in crate::linearizable) by: u64,
    /// The value that was found and that nobody writes, if that is what is wrong.
    unwritten: Option<ValueId>,
}

impl Certificate {
    /// The operations as evidence. A compare-and-set counts as a write if it is there for what it
    /// wrote: if what it replaced has a writer that is not among them.
    pub(super) fn pieces(&self, history: &History, rows: &Rows) -> Vec<Piece> {
        let picked = || self.rows.iter().map(|&row| &rows.list[row as usize]);
        let explained = |row: &Row| {
            row.needs == NONE
                || row.needs == INITIAL
                || picked().any(|writer| writer.leaves == row.needs)
                || self.unwritten == Some(row.needs)
        };
        picked()
            .map(|row| Piece {
                item: item(history, row),
                expectation: explained(row),
            })
            .collect()
    }
}

/// The evidence for a conflict.
pub(super) fn certificate(rows: &Rows, zones: &Zones, conflict: Conflict) -> Certificate {
    let clusters = &zones.clusters;
    let mut picked = match conflict {
        Conflict::Value(fault) => of_value(rows, clusters, fault),
        Conflict::Inside(root) => {
            let chain = Chain::of(rows, clusters, &chain_values(rows, clusters, root));
            chain.inside().unwrap_or_default()
        }
        Conflict::Circle(value) => of_circle(rows, clusters, value),
        Conflict::Between(one, other) => {
            let [one, other] = [one, other].map(|root| chain_values(rows, clusters, root));
            let mut chains = Chain::several(rows, clusters, &[&one, &other]);
            let (other, one) = (chains.pop(), chains.pop());
            match (one, other) {
                (Some(one), Some(other)) => between(&one, &other),
                _ => Vec::new(),
            }
        }
    };
    picked.sort_unstable();
    picked.dedup();
    let ends = picked.iter().map(|&row| rows.list[row as usize].end);
    let by = ends.filter(|&end| end != NONE).max().unwrap_or(1);
    // What certainly took effect by then is enough; the rest may have happened later.
    Certificate {
        rows: picked,
        by: u64::from(by) - 1,
        unwritten: match conflict {
            Conflict::Value(Fault::Unwritten(value)) => Some(value),
            _ => None,
        },
    }
}

/// The values of the chain that begins with this one.
fn chain_values(rows: &Rows, clusters: &Clusters, root: ValueId) -> Vec<ValueId> {
    let after = |value: &ValueId| clusters.successor(rows, *value);
    std::iter::successors(Some(root), after).collect()
}

/// A reader of a value that ended first.
fn first_reader(rows: &Rows, clusters: &Clusters, value: ValueId) -> Option<u32> {
    let end = clusters.first_end[value as usize];
    let is = |row: &Row| row.needs == value && row.leaves == NONE && row.end == end;
    let at = rows.list.iter().position(is);
    at.filter(|_| end != NONE).map(|at| at as u32)
}

/// The rows by which it is known that this one took effect.
fn support(rows: &Rows, clusters: &Clusters, row: u32) -> Vec<u32> {
    let mut support = vec![row];
    let mut at = row;
    while rows.list[at as usize].pending() && support.len() <= rows.list.len() {
        let value = rows.list[at as usize].leaves;
        if let Some(reader) = first_reader(rows, clusters, value) {
            support.push(reader);
            break;
        }
        at = clusters.next[value as usize];
        support.push(at);
    }
    support
}

fn of_value(rows: &Rows, clusters: &Clusters, fault: Fault) -> Vec<u32> {
    match fault {
        Fault::Unwritten(value) => {
            if let Some(reader) = first_reader(rows, clusters, value) {
                return vec![reader];
            }
            support(rows, clusters, clusters.next[value as usize])
        }
        Fault::ReplacedTwice(one, other) => {
            let mut picked = support(rows, clusters, one);
            picked.extend(support(rows, clusters, other));
            let value = rows.list[one as usize].needs;
            let writer = clusters.writer[value as usize];
            picked.extend((writer != NONE).then_some(writer));
            picked
        }
    }
}

/// Goes around the circle twice, so that whoever comes first in one round is also the later one
/// of a pair.
fn of_circle(rows: &Rows, clusters: &Clusters, value: ValueId) -> Vec<u32> {
    let mut circle = vec![value];
    let after = |value: ValueId| clusters.successor(rows, value).unwrap_or(value);
    let mut at = after(value);
    while at != value && circle.len() <= clusters.writer.len() {
        circle.push(at);
        at = after(at);
    }
    let twice: Vec<ValueId> = circle.iter().chain(&circle).copied().collect();
    let chain = Chain::of(rows, clusters, &twice);
    if let Some(picked) = chain.inside() {
        return picked;
    }
    let mut picked: Vec<u32> = circle
        .iter()
        .map(|&value| clusters.writer[value as usize])
        .collect();
    if picked.iter().all(|&row| rows.list[row as usize].pending()) {
        let readers = circle
            .iter()
            .filter_map(|&value| first_reader(rows, clusters, value));
        picked.extend(readers.take(1));
    }
    picked
}

/// An operation of a chain.
#[derive(Clone, Copy, Debug)]
struct Link {
    start: u32,
    /// When it had certainly taken effect: when it ended, or somebody did who comes after it.
    known: u32,
    /// When it ended.
    end: u32,
    /// Twice the place of its value in the chain, and one more for readers.
    layer: u32,
    /// [`NONE`] stands for the initial value.
    row: u32,
}

/// The operations of a chain, by layer.
struct Chain {
    links: Vec<Link>,
    /// For each link, the one by which it is known.
    known_by: Vec<usize>,
}

impl Chain {
    fn of(rows: &Rows, clusters: &Clusters, values: &[ValueId]) -> Chain {
        let mut chains = Chain::several(rows, clusters, &[values]);
        chains.pop().unwrap_or(Chain {
            links: Vec::new(),
            known_by: Vec::new(),
        })
    }

    /// The chains of these values; a value may be in one twice.
    fn several(rows: &Rows, clusters: &Clusters, values: &[&[ValueId]]) -> Vec<Chain> {
        let mut places: FxHashMap<ValueId, Vec<(usize, u32)>> = FxHashMap::default();
        let mut links: Vec<Vec<Link>> = Vec::new();
        for (chain, values) in values.iter().enumerate() {
            let writer = |(at, &value): (usize, &ValueId)| {
                places
                    .entry(value)
                    .or_default()
                    .push((chain, 2 * at as u32 + 1));
                let row = clusters.writer[value as usize];
                let (start, end) = match row {
                    NONE => (0, 0),
                    row => (rows.list[row as usize].start, rows.list[row as usize].end),
                };
                Link {
                    start,
                    known: end,
                    end,
                    layer: 2 * at as u32,
                    row,
                }
            };
            links.push(values.iter().enumerate().map(writer).collect());
        }
        let readers = (0..).zip(&rows.list);
        for (at, row) in readers.filter(|(_, row)| row.leaves == NONE) {
            for &(chain, layer) in places.get(&row.needs).into_iter().flatten() {
                links[chain].push(Link {
                    start: row.start,
                    known: row.end,
                    end: row.end,
                    layer,
                    row: at,
                });
            }
        }
        links.into_iter().map(Chain::new).collect()
    }

    fn new(mut links: Vec<Link>) -> Chain {
        links.sort_by_key(|link| link.layer);
        let mut known_by: Vec<usize> = (0..links.len()).collect();
        // The first to end in all layers after this one, and in this and those.
        let (mut after, mut since): (Option<usize>, Option<usize>) = (None, None);
        for at in (0..links.len()).rev() {
            if links
                .get(at + 1)
                .is_some_and(|next| next.layer > links[at].layer)
            {
                after = since;
            }
            if let Some(other) = after
                && links[other].known < links[at].known
            {
                links[at].known = links[other].known;
                known_by[at] = known_by[other];
            }
            if since.is_none_or(|since| links[at].known < links[since].known) {
                since = Some(at);
            }
        }
        Chain { links, known_by }
    }

    /// Rows of these links, and of all that tie them together and show that they took effect.
    fn tied(&self, picked: &[usize]) -> Vec<u32> {
        let all = picked.iter().flat_map(|&at| [at, self.known_by[at]]);
        let all: Vec<usize> = all.collect();
        let layers = || all.iter().map(|&at| self.links[at].layer);
        let (first, last) = (
            layers().min().unwrap_or(0) / 2,
            layers().max().unwrap_or(0) / 2,
        );
        let from = self.links.partition_point(|link| link.layer < 2 * first);
        let to = self.links.partition_point(|link| link.layer <= 2 * last);
        let writers = self.links[from..to]
            .iter()
            .filter(|link| link.layer % 2 == 0);
        let rows = writers.map(|link| link.row);
        let rows = rows.chain(all.iter().map(|&at| self.links[at].row));
        rows.filter(|&row| row != NONE).collect()
    }

    /// Two that come in one order in the chain and in the other in time, as near to each other as
    /// the first such ones are.
    fn inside(&self) -> Option<Vec<u32>> {
        let links = &self.links;
        // The latest start in all layers before, and of those and this one.
        let (mut before, mut here) = (0, 0);
        for at in 0..links.len() {
            if at > 0 && links[at].layer > links[at - 1].layer {
                before = here;
            }
            if links[at].end < before {
                let earlier = (0..at).rev().find(|&other| {
                    links[other].layer < links[at].layer && links[other].start > links[at].end
                })?;
                return Some(self.tied(&[earlier, at]));
            }
            here = here.max(links[at].start);
        }
        None
    }
}

/// Four operations of two chains, of which one of each ended before one of the other began.
fn between(one: &Chain, other: &Chain) -> Vec<u32> {
    let Some((chain, other, last)) = first_conflict(one, other) else {
        return Vec::new();
    };
    // `last` began after an operation of the other chain was over. What was over in its own
    // chain before one of the other began?
    let moment = chain.links[last].known;
    let seen = |chain: &Chain| -> Vec<usize> {
        (0..chain.links.len())
            .filter(|&at| chain.links[at].known <= moment)
            .collect()
    };
    let (own, others) = (seen(chain), seen(other));
    let latest = others.iter().map(|&at| other.links[at].start).max();
    let distance = |at: &usize| {
        let layer = chain.links[*at].layer;
        (layer / 2).abs_diff(chain.links[last].layer / 2) + layer % 2
    };
    let first = own
        .iter()
        .copied()
        .filter(|&at| latest.is_some_and(|latest| chain.links[at].known < latest))
        .min_by_key(distance);
    let Some(first) = first else {
        return Vec::new();
    };
    let over = |at: usize| other.links[at].known < chain.links[last].start;
    let begun = |at: usize| other.links[at].start > chain.links[first].known;
    let Some(pair) = nearest(other, &others, over, begun) else {
        return Vec::new();
    };
    let mut picked = chain.tied(&[first, last]);
    picked.extend(other.tied(&pair));
    picked
}

/// Goes through both chains in the order in which operations are known, until each has one that
/// was over before one of the other began. Gives the chain of the last, the other one, and the
/// last.
fn first_conflict<'a>(one: &'a Chain, other: &'a Chain) -> Option<(&'a Chain, &'a Chain, usize)> {
    let chains = [one, other];
    let mut all: Vec<(u32, usize, usize)> = Vec::new();
    for (which, chain) in chains.iter().enumerate() {
        all.extend((0..chain.links.len()).map(|at| (chain.links[at].known, which, at)));
    }
    all.sort_unstable();
    let (mut first_known, mut last_start) = ([NONE; 2], [0; 2]);
    for (known, which, at) in all {
        first_known[which] = first_known[which].min(known);
        last_start[which] = last_start[which].max(chains[which].links[at].start);
        if first_known[0] < last_start[1] && first_known[1] < last_start[0] {
            // Where times tie it may be the other chain that begins too late.
            let begins_late = chains[which].links[at].start > first_known[1 - which];
            let last = |chain: &Chain| {
                let seen = (0..chain.links.len()).filter(|&at| chain.links[at].known <= known);
                seen.max_by_key(|&at| chain.links[at].start)
            };
            if begins_late {
                return Some((chains[which], chains[1 - which], at));
            }
            return Some((chains[0], chains[1], last(chains[0])?));
        }
    }
    None
}

/// Of these links, sorted by layer, one of each kind, with the fewest operations between them.
/// Whoever wrote what is found is named anyway, and so costs nothing.
fn nearest(
    chain: &Chain,
    links: &[usize],
    one: impl Fn(usize) -> bool,
    other: impl Fn(usize) -> bool,
) -> Option<[usize; 2]> {
    let layer = |at: usize| chain.links[at].layer;
    let both = |at: &usize| one(*at) && other(*at);
    if let Some(at) = links
        .iter()
        .copied()
        .filter(both)
        .min_by_key(|&at| layer(at) % 2)
    {
        return Some([at, at]);
    }
    let (mut last_one, mut last_other) = (None, None);
    let mut best: Option<(u32, [usize; 2])> = None;
    for &at in links {
        if one(at) {
            last_one = Some(at);
        }
        if other(at) {
            last_other = Some(at);
        }
        if let (Some(one), Some(other)) = (last_one, last_other) {
            let between = (layer(one) / 2).abs_diff(layer(other) / 2);
            let cost = between + layer(one) % 2 + layer(other) % 2;
            if best.is_none_or(|(least, _)| cost < least) {
                best = Some((cost, [one, other]));
            }
        }
    }
    best.map(|(_, pair)| pair)
}
