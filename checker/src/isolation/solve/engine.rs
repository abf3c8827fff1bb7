//! Saturation: whatever order of runs the known order forces, until nothing new follows.
//!
//! If a run begins before another of its key ends, it comes before it, for they must not overlap;
//! that orders its readers before the other's writer, which may force more. The same rule serves
//! before the search and after each of its decisions, and learned clauses besides.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;

use super::facts::Facts;
use super::graph::{Graph, Mark, NONE, Tag};
use super::layout::{Layout, Rule, Run};
use super::problem::Isolation;

/// One run before another of the same key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Before {
    pub(super) first: u32,
    pub(super) second: u32,
}

impl Before {
    pub(super) fn reversed(self) -> Before {
        Before {
            first: self.second,
            second: self.first,
        }
    }
}

/// Why an order of runs was taken.
#[derive(Clone, Copy, Debug)]
pub(super) enum Reason {
    /// To see what follows.
    Decision,
    /// The rule, from what was known.
    Rule(Rule),
    /// All else that a learned clause allows is excluded.
    Clause(u32),
}

/// An order of runs that was taken, and how many edges there were before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) before: Before,
    pub(super) reason: Reason,
    pub(super) edges: u32,
}

/// Two things that exclude each other.
#[derive(Clone, Debug)]
pub(super) enum Conflict {
    /// An order that is forced, though its contrary is known.
    Contrary(Entry),
    /// A clause of which nothing is left.
    Clause(u32),
    /// Edges that form a cycle; only before the search.
    Cycle(Vec<u32>),
}

/// A clause that the search learned: one of these orders holds.
#[derive(Clone, Debug)]
pub(super) struct Clause {
    pub(super) literals: Vec<Before>,
    /// From what it follows, besides entries of the trail and other clauses.
    pub(super) facts: Facts,
    /// Those entries, which are none of the search's decisions, and clauses.
    pub(super) entries: Vec<u32>,
    pub(super) clauses: Vec<u32>,
}

impl Clause {
    fn size(&self) -> usize {
        8 * self.literals.len() + 12 * self.facts.len() + 4 * self.entries.len() + 128
    }
}

/// How many readers of a version are asked whether an order is known already.
const ASKED: usize = 8;

/// From how many orders at once on the graph is sorted anew instead of mended.
const BULK: usize = 256;

pub(super) struct Engine<'a> {
    pub(super) layout: Layout<'a>,
    pub(super) graph: Graph,
    pub(super) trail: Vec<Entry>,
    levels: Vec<(usize, Mark)>,
    pending: VecDeque<(Before, Reason)>,
    pub(super) clauses: Vec<Clause>,
    /// The clauses that watch an order become impossible, and how many orders of each run's being
    /// first are watched.
    watches: FxHashMap<Before, Vec<u32>>,
    watched: Vec<u32>,
    impossible: VecDeque<Before>,
    handled: usize,
}

impl<'a> Engine<'a> {
    pub(super) fn new(layout: Layout<'a>, graph: Graph) -> Engine<'a> {
        let watched = vec![0; layout.runs.len()];
        Engine {
            layout,
            graph,
            trail: Vec::new(),
            levels: Vec::new(),
            pending: VecDeque::new(),
            clauses: Vec::new(),
            watches: FxHashMap::default(),
            watched,
            impossible: VecDeque::new(),
            handled: 0,
        }
    }

    pub(super) fn level(&self) -> usize {
        self.levels.len()
    }

    /// The level at which an entry was taken.
    pub(super) fn level_of(&self, entry: u32) -> usize {
        self.levels
            .partition_point(|&(trail, _)| trail <= entry as usize)
    }

    /// How many edges there were before the first decision.
    pub(super) fn edges_for_good(&self) -> u32 {
        let first = self
            .trail
            .get(self.levels.first().map_or(usize::MAX, |&(trail, _)| trail));
        first.map_or(self.graph.edge_count() as u32, |entry| entry.edges)
    }

    /// The moments of which the first must come before the second for a rule to apply.
    pub(super) fn condition(&self, before: Before, rule: Rule) -> (u32, u32) {
        let x = &self.layout.runs[before.first as usize];
        let y = &self.layout.runs[before.second as usize];
        match rule {
            Rule::Overlap => (x.begins, y.ends),
            Rule::Conflict => (self.layout.start(x.first), self.layout.commit(y.last)),
        }
    }

    /// Whether one run is known to come before another.
    pub(super) fn known(&self, before: Before) -> bool {
        self.applies(before, Rule::Overlap)
            || self.layout.level.isolation == Isolation::Snapshot
                && self.applies(before, Rule::Conflict)
    }

    pub(super) fn applies(&self, before: Before, rule: Rule) -> bool {
        let (from, to) = self.condition(before, rule);
        self.graph.reaches(from, to)
    }

    /// Whether all that an order of runs says is in the graph.
    fn implied(&self, before: Before) -> bool {
        let x: &Run = &self.layout.runs[before.first as usize];
        let y = &self.layout.runs[before.second as usize];
        let ended = if self.graph.lane(x.ends) == NONE {
            let mut readers = self.layout.last_readers(before.first);
            let few = readers
                .by_ref()
                .take(ASKED)
                .all(|read| self.graph.reaches(read, y.begins));
            few && readers.next().is_none()
        } else {
            self.graph.reaches(x.ends, y.begins)
        };
        ended
            && (self.layout.level.isolation != Isolation::Snapshot
                || self
                    .graph
                    .reaches(self.layout.commit(x.last), self.layout.start(y.first)))
    }

    /// Draws every conclusion.
    pub(super) fn saturate(&mut self) -> Result<(), Conflict> {
        self.graph.settle();
        loop {
            self.react();
            if self.levels.is_empty() && self.pending.len() >= BULK {
                self.take_all()?;
            } else if let Some((before, reason)) = self.pending.pop_front() {
                self.take(before, reason)?;
            } else if let Some(before) = self.impossible.pop_front() {
                self.narrow(before)?;
            } else {
                break;
            }
        }
        if self.levels.is_empty() {
            self.graph.forget_changes();
            self.handled = 0;
        }
        Ok(())
    }

    /// Decides an order, to see what follows.
    pub(super) fn decide(&mut self, before: Before) -> Result<(), Conflict> {
        self.levels.push((self.trail.len(), self.graph.mark()));
        self.handled = self.graph.changes().len();
        self.take(before, Reason::Decision)?;
        self.saturate()
    }

    /// Takes back all decisions above a level.
    pub(super) fn back_to(&mut self, level: usize) {
        self.pending.clear();
        self.impossible.clear();
        if let Some(&(trail, mark)) = self.levels.get(level) {
            self.graph.back_to(mark);
            self.trail.truncate(trail);
            self.levels.truncate(level);
        }
        self.handled = self.graph.changes().len();
    }

    fn take(&mut self, before: Before, reason: Reason) -> Result<(), Conflict> {
        if self.implied(before) {
            return Ok(());
        }
        let entry = Entry {
            before,
            reason,
            edges: self.graph.edge_count() as u32,
        };
        if self.known(before.reversed()) {
            return Err(Conflict::Contrary(entry));
        }
        let tag = Tag::Entry(self.trail.len() as u32);
        self.trail.push(entry);
        let graph = &mut self.graph;
        self.layout.order(before.first, before.second, |from, to| {
            graph.insert(from, to, tag);
        });
        Ok(())
    }

    /// Takes all that is pending before it looks what follows: at first there is much of it.
    fn take_all(&mut self) -> Result<(), Conflict> {
        let first = self.graph.edge_count() as u32;
        while let Some((before, reason)) = self.pending.pop_front() {
            if self.implied(before) {
                continue;
            }
            let tag = Tag::Entry(self.trail.len() as u32);
            let edges = self.graph.edge_count() as u32;
            self.trail.push(Entry {
                before,
                reason,
                edges,
            });
            let graph = &mut self.graph;
            self.layout.order(before.first, before.second, |from, to| {
                graph.link(from, to, tag);
            });
        }
        let places: Vec<u32> = (0..self.graph.nodes() as u32)
            .map(|node| self.graph.place(node))
            .collect();
        if let Err(cyclic) = self.graph.sort(|node| u64::from(places[node as usize])) {
            return Err(Conflict::Cycle(cycle(&mut self.graph, &cyclic)));
        }
        for edge in first..self.graph.edge_count() as u32 {
            self.graph.join(edge);
        }
        self.graph.settle();
        Ok(())
    }

    /// Looks at what grew.
    fn react(&mut self) {
        while let Some(&change) = self.graph.changes().get(self.handled) {
            self.handled += 1;
            for at in self.layout.triggers(change.node) {
                let trigger = self.layout.trigger(at);
                let now = self.graph.clock(change.node, change.lane);
                // A transaction's start is one step before its commit.
                let ahead = u32::from(trigger.rule == Rule::Conflict);
                let key = self.layout.runs[trigger.run as usize].key;
                let (from, to) = (change.old + ahead, now + ahead);
                let starts = self.layout.starts_within(key, change.lane, from, to);
                self.graph.steps += 1;
                let others = || starts.iter().rev().filter(|start| start.run != trigger.run);
                if let Some(last) = others().next() {
                    let before = Before {
                        first: last.run,
                        second: trigger.run,
                    };
                    self.pending.push_back((before, Reason::Rule(trigger.rule)));
                }
                if self.watched[trigger.run as usize] > 0 {
                    for other in others() {
                        let before = Before {
                            first: trigger.run,
                            second: other.run,
                        };
                        if self.watches.contains_key(&before) {
                            self.impossible.push_back(before);
                        }
                    }
                }
            }
        }
    }

    /// Looks at the clauses that watch an order which has become impossible.
    fn narrow(&mut self, before: Before) -> Result<(), Conflict> {
        let watching = self.watches.get(&before).cloned().unwrap_or_default();
        for number in watching {
            self.graph.steps += 1;
            let clause = &self.clauses[number as usize];
            let at = usize::from(clause.literals.first() != Some(&before));
            if clause.literals.get(at) != Some(&before) {
                continue;
            }
            let other = clause.literals.get(1 - at).copied();
            if other.is_some_and(|other| self.known(other)) {
                continue;
            }
            let open =
                (2..clause.literals.len()).find(|&at| !self.known(clause.literals[at].reversed()));
            if let Some(open) = open {
                self.watch_instead(number, at, open);
                continue;
            }
            match other {
                Some(other) if !self.known(other.reversed()) => {
                    self.pending.push_back((other, Reason::Clause(number)));
                }
                _ => return Err(Conflict::Clause(number)),
            }
        }
        Ok(())
    }

    fn watch_instead(&mut self, number: u32, at: usize, open: usize) {
        let literals = &mut self.clauses[number as usize].literals;
        let old = literals[at];
        literals.swap(at, open);
        let new = literals[at];
        self.unwatch(old, number);
        self.watch(new, number);
    }

    fn watch(&mut self, before: Before, number: u32) {
        self.watches.entry(before).or_default().push(number);
        self.watched[before.first as usize] += 1;
    }

    fn unwatch(&mut self, before: Before, number: u32) {
        if let Some(list) = self.watches.get_mut(&before) {
            list.retain(|&other| other != number);
            if list.is_empty() {
                self.watches.remove(&before);
            }
            self.watched[before.first as usize] -= 1;
        }
    }

    /// Adds a clause of which only the first order is still possible, and draws the conclusions.
    /// The second is the one that became impossible last.
    pub(super) fn learn(&mut self, clause: Clause) -> Result<(), Conflict> {
        let number = self.clauses.len() as u32;
        for &literal in clause.literals.iter().take(2) {
            self.watch(literal, number);
        }
        let first = clause.literals[0];
        self.clauses.push(clause);
        self.take(first, Reason::Clause(number))?;
        self.saturate()
    }

    /// Roughly what is held, in bytes.
    pub(super) fn bytes(&self) -> u64 {
        let clauses: usize = self.clauses.iter().map(|clause| clause.size()).sum();
        self.graph.bytes() + (self.trail.len() * size_of::<Entry>() + clauses) as u64
    }
}

/// A cycle among moments of which each has another of them before it, as edges: the shortest of
/// those through some of them.
pub(super) fn cycle(graph: &mut Graph, among: &[u32]) -> Vec<u32> {
    let mut best: Vec<u32> = Vec::new();
    let mut inside = vec![false; graph.nodes()];
    for &node in among {
        inside[node as usize] = true;
    }
    // Going back from any of them ends in a cycle; that one gives the moments to begin at.
    let mut turn = vec![u32::MAX; graph.nodes()];
    let mut walked = Vec::new();
    let Some(&start) = among.first() else {
        return best;
    };
    let mut at = start;
    while turn[at as usize] == u32::MAX {
        turn[at as usize] = walked.len() as u32;
        let back = graph
            .edges_into(at)
            .find(|(_, edge)| inside[edge.from as usize]);
        let Some((edge, from)) = back.map(|(number, edge)| (number, edge.from)) else {
            return best;
        };
        walked.push(edge);
        at = from;
    }
    walked.drain(..turn[at as usize] as usize);
    walked.reverse();
    best.clone_from(&walked);
    let mut next = vec![NONE; graph.nodes()];
    let budget = graph.steps + 200_000 + 4 * graph.edge_count() as u64;
    for &edge in &walked {
        if graph.steps > budget {
            break;
        }
        let root = graph.edge(edge).to;
        if let Some(found) = shortest_through(graph, root, &inside, &mut next, best.len()) {
            best = found;
        }
    }
    best
}

/// The shortest cycle through a moment, if it has fewer edges than a bound.
fn shortest_through(
    graph: &mut Graph,
    root: u32,
    inside: &[bool],
    next: &mut [u32],
    bound: usize,
) -> Option<Vec<u32>> {
    let stamp = graph.begin_walk();
    let mut found = VecDeque::from([(root, 0usize)]);
    let mut steps = 0;
    while let Some((node, far)) = found.pop_front() {
        if far + 1 >= bound {
            break;
        }
        let into: Vec<(u32, u32)> = graph
            .edges_into(node)
            .map(|(number, edge)| (number, edge.from))
            .collect();
        steps += into.len() as u64;
        for (edge, from) in into {
            if from == root {
                let mut cycle = vec![edge];
                let mut at = node;
                while at != root {
                    cycle.push(next[at as usize]);
                    at = graph.edge(next[at as usize]).to;
                }
                graph.steps += steps;
                return Some(cycle);
            }
            if inside[from as usize] && graph.visit(from, stamp) {
                next[from as usize] = edge;
                found.push_back((from, far + 1));
            }
        }
    }
    graph.steps += steps;
    None
}
