//! From pairs that contradict one another to evidence.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;

use crate::graph::{Edge, Graph, Labels, strongly_connected};

use super::super::register::{Chains, Fault, Faulty, INIT, NONE, View};
use super::order::{Before, Forced};
use super::{At, Because, Evidence, Link, Overlooked, Step};

const READ: Labels = 1;
const SESSION: Labels = 2;
const FORCED: Labels = 4;

/// Says what was found by the events and positions of the history.
pub(in super::super) struct Witness<'v, 'h> {
    pub(in super::super) view: &'v View<'h>,
    /// The order of sessions, where it counts.
    pub(in super::super) chains: Option<&'v Chains>,
}

/// Parts of the graph in which everything must come before everything.
pub(super) struct Circles {
    graph: Graph,
    /// By transaction that comes first and second.
    forced: Vec<Forced>,
    /// Each with the edges that make it one part, the most telling first.
    parts: Vec<(Labels, Vec<u32>)>,
}

impl Circles {
    /// How many there are.
    pub(super) const fn count(&self) -> usize {
        self.parts.len()
    }
}

impl Witness<'_, '_> {
    fn at(&self, txn: u32, position: u32) -> At {
        At {
            transaction: self.view.invocation(txn),
            position: position as usize,
        }
    }

    /// The evidence that a read is wrong by itself.
    pub(in super::super) fn faulty(&self, faulty: &Faulty) -> Evidence {
        let read = self.at(faulty.txn, faulty.position);
        match faulty.fault {
            Fault::ThinAir => Evidence::Unwritten { read },
            Fault::Internal => Evidence::Internal {
                read,
                write: self.at(faulty.txn, faulty.other),
            },
            Fault::Future => Evidence::Future { read },
            Fault::Aborted => Evidence::Aborted {
                read,
                writer: self.view.invocation(faulty.other),
            },
            Fault::Intermediate => {
                let reads = self.view.reads_of(faulty.txn);
                let key = reads.iter().find(|read| read.position == faulty.position);
                let key = key.map_or(NONE, |read| read.key);
                Evidence::Intermediate {
                    read,
                    last: self.write(faulty.other, key),
                }
            }
            Fault::NonRepeatable => Evidence::NonRepeatable {
                read,
                earlier: self.at(faulty.txn, faulty.other),
            },
        }
    }

    /// The evidence that two transactions wrote over what both had read, at these positions.
    pub(in super::super) fn lost_update(
        &self,
        (txn, read): (u32, u32),
        (other, other_read): (u32, u32),
        key: u32,
    ) -> Evidence {
        Evidence::LostUpdate {
            read: self.at(txn, read),
            write: self.write(txn, key),
            other_read: self.at(other, other_read),
            other_write: self.write(other, key),
        }
    }

    fn write(&self, txn: u32, key: u32) -> At {
        let writes = self.view.writes_of(txn);
        let write = writes.iter().find(|write| write.key == key);
        self.at(txn, write.map_or(0, |write| write.position))
    }

    /// The evidence that a reader overlooked a write.
    pub(super) fn overlooked(&self, forced: &Forced) -> Overlooked {
        let reads = self.view.reads_of(forced.reader);
        let from_seen = |position| (self.view.invocation(forced.reader), Link::Read(position));
        let of_key = || {
            reads
                .iter()
                .filter(|read| read.key == forced.key && read.author == forced.after)
        };
        let seen = reads.iter().find(|read| read.author == forced.before);
        let seen = seen.map(|read| read.position);
        // A read before the one in question says more than one after it.
        let after_seen = of_key().find(|read| seen.is_some_and(|seen| read.position > seen));
        let read = after_seen.or_else(|| of_key().next());
        let seen = match seen {
            Some(seen) => vec![from_seen(seen as usize)],
            None => self.path(forced.before, forced.reader),
        };
        Overlooked {
            write: self.write(forced.before, forced.key),
            read: self.at(forced.reader, read.map_or(0, |read| read.position)),
            seen,
        }
    }

    /// The shortest way of information from one transaction to another.
    fn path(&self, from: u32, to: u32) -> Vec<(usize, Link)> {
        if self.in_session(from, to) {
            return vec![(self.view.invocation(to), Link::Session)];
        }
        let before = Before {
            view: self.view,
            chains: self.chains,
            forced: Default::default(),
        };
        // Of each transaction that was reached the one that learns from it.
        let mut learns: FxHashMap<u32, u32> = FxHashMap::default();
        let mut queue = VecDeque::from([to]);
        'search: while let Some(txn) = queue.pop_front() {
            let mut place = 0;
            while let Some(earlier) = before.get(txn, place) {
                place += 1;
                if earlier == NONE || earlier == to || learns.contains_key(&earlier) {
                    continue;
                }
                learns.insert(earlier, txn);
                if earlier == from {
                    break 'search;
                }
                queue.push_back(earlier);
            }
        }
        let mut links: Vec<(usize, Link)> = Vec::new();
        let mut at = from;
        // Where the last steps of one session began.
        let mut session = None;
        while let Some(&next) = learns.get(&at) {
            let read = self
                .view
                .reads_of(next)
                .iter()
                .find(|read| read.author == at);
            let event = self.view.invocation(next);
            match read {
                Some(read) => {
                    session = None;
                    links.push((event, Link::Read(read.position as usize)));
                }
                None if session.is_some_and(|start| self.in_session(start, next)) => {
                    links.pop();
                    links.push((event, Link::Session));
                }
                None => {
                    session = Some(at);
                    links.push((event, Link::Session));
                }
            }
            at = next;
        }
        links
    }

    fn in_session(&self, from: u32, to: u32) -> bool {
        let (first, second) = (self.view.operation(from), self.view.operation(to));
        self.chains.is_some()
            && first.session == second.session
            && self.view.acknowledged(from)
            && first.complete.is_some_and(|end| end < second.invoke)
    }

    /// Finds what must come before itself.
    pub(super) fn circles(&self, mut forced: Vec<Forced>) -> Circles {
        forced.sort_unstable();
        forced.dedup_by_key(|pair| (pair.before, pair.after));
        let mut edges = Vec::new();
        for to in (0..self.view.len() as u32).filter(|&txn| self.view.committed(txn)) {
            let reads = self.view.reads_of(to).iter();
            let authors = reads
                .map(|read| read.author)
                .filter(|&author| author < INIT);
            edges.extend(authors.map(|from| Edge {
                from,
                to,
                label: READ,
            }));
            let Some(chains) = self.chains else { continue };
            let across = chains.across_to(to).iter().map(|pair| pair.0);
            let before = across.chain([chains.previous[to as usize]]);
            edges.extend(before.filter(|&from| from != NONE).map(|from| Edge {
                from,
                to,
                label: SESSION,
            }));
        }
        let between = forced.iter().filter(|pair| pair.after != INIT);
        edges.extend(between.map(|pair| Edge {
            from: pair.before,
            to: pair.after,
            label: FORCED,
        }));
        let graph = Graph::new(self.view.len(), &edges);
        drop(edges);
        let mut parts = Vec::new();
        let mut known = vec![false; self.view.len()];
        for labels in [READ, READ | SESSION, READ | SESSION | FORCED] {
            for part in strongly_connected(&graph, labels) {
                if !part.iter().any(|&txn| known[txn as usize]) {
                    part.iter().for_each(|&txn| known[txn as usize] = true);
                    parts.push((labels, part));
                }
            }
        }
        Circles {
            graph,
            forced,
            parts,
        }
    }

    /// The evidence of one of them: the shortest circle that is found in so many steps.
    pub(super) fn circle(&self, circles: &Circles, at: usize, steps: u64) -> Evidence {
        let (labels, part) = &circles.parts[at];
        let mut within: FxHashMap<u32, u32> = FxHashMap::default();
        within.extend(part.iter().zip(0..).map(|(&txn, number)| (txn, number)));
        let mut search = Shortest {
            graph: &circles.graph,
            labels: *labels,
            within,
            reached: vec![(NONE, NONE, 0); part.len()],
            round: 0,
        };
        let mut best: Vec<(u32, Labels)> = Vec::new();
        let mut left = steps.max(1);
        for &start in part {
            let limit = if best.is_empty() {
                usize::MAX
            } else {
                best.len()
            };
            let found = search.from(start, limit, &mut left);
            if let Some(found) = found {
                best = found;
            }
            if left == 0 || best.len() == 2 {
                break;
            }
        }
        let count = best.len();
        let steps = (0..count).map(|at| {
            let ((from, label), (to, _)) = (best[at], best[(at + 1) % count]);
            self.step(circles, from, to, label)
        });
        Evidence::Cycle(steps.collect())
    }

    fn step(&self, circles: &Circles, from: u32, to: u32, label: Labels) -> Step {
        let because = match label {
            READ => {
                let read = self
                    .view
                    .reads_of(to)
                    .iter()
                    .find(|read| read.author == from);
                let position = read.map_or(0, |read| read.position);
                Because::Link(Link::Read(position as usize))
            }
            SESSION => Because::Link(Link::Session),
            _ => {
                let at = circles
                    .forced
                    .partition_point(|pair| (pair.before, pair.after) < (from, to));
                Because::Overlooked(self.overlooked(&circles.forced[at]))
            }
        };
        Step {
            from: self.view.invocation(from),
            to: self.view.invocation(to),
            because,
        }
    }
}

/// A breadth-first search for a circle within one part of the graph.
struct Shortest<'g> {
    graph: &'g Graph,
    labels: Labels,
    within: FxHashMap<u32, u32>,
    /// By number in the part: the round in which it was reached, from whom, by which edge.
    reached: Vec<(u32, u32, Labels)>,
    round: u32,
}

impl Shortest<'_> {
    /// The shortest circle through `start` of less than `limit` transactions, each with the label
    /// of the edge to the next. The first search goes to its end whatever is left.
    fn from(&mut self, start: u32, limit: usize, left: &mut u64) -> Option<Vec<(u32, Labels)>> {
        let first = limit == usize::MAX;
        self.round += 1;
        let mut queue = VecDeque::from([(start, 1)]);
        while let Some((txn, length)) = queue.pop_front() {
            if length >= limit {
                return None;
            }
            for (to, label) in self.graph.edges(txn) {
                let Some(&number) = self.within.get(&to).filter(|_| label & self.labels != 0)
                else {
                    continue;
                };
                if to == start {
                    return Some(self.way(start, txn, label));
                }
                let reached = &mut self.reached[number as usize];
                if reached.0 != self.round {
                    *reached = (self.round, txn, label);
                    queue.push_back((to, length + 1));
                }
            }
            *left = left.saturating_sub(1);
            if *left == 0 && !first {
                return None;
            }
        }
        None
    }

    fn way(&self, start: u32, last: u32, label: Labels) -> Vec<(u32, Labels)> {
        let mut way = vec![(last, label)];
        let mut at = last;
        while at != start {
            let (_, from, label) = self.reached[self.within[&at] as usize];
            way.push((from, label));
            at = from;
        }
        way.reverse();
        way
    }
}
