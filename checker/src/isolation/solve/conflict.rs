//! What a conflict teaches: a clause, or that there is no order at all, and from which facts.
//!
//! Entries of the trail are resolved with their reasons, latest first, until one of the last
//! decision's is left (Marques-Silva and Sakallah, *GRASP*, 1996; Zhang et al., *Efficient
//! Conflict Driven Learning*, ICCAD 2001). A reason is a path in the graph, looked for only now.

use std::collections::{BinaryHeap, VecDeque};

use rustc_hash::FxHashSet;

use super::engine::{Before, Clause, Conflict, Engine, Entry, Reason};
use super::facts::Facts;
use super::graph::{NONE, Tag};
use super::layout::Rule;
use super::problem::{Because, Precedes};

/// What a conflict teaches.
pub(super) enum Lesson {
    /// A clause, and the level at which all of it but its first literal is excluded.
    Clause(Clause, usize),
    /// These facts contradict each other.
    Refuted(Facts),
}

/// A question whose answer explains something: by which edges, of those with numbers below a
/// bound, the first comes before the second.
struct Query {
    ways: [Option<(u32, u32)>; 2],
    below: u32,
}

impl Engine<'_> {
    /// What a conflict teaches; nothing if some reason is not found again, which would be an error
    /// of the search.
    pub(super) fn learn_from(&mut self, conflict: &Conflict) -> Option<Lesson> {
        let mut told = Told::default();
        let mut heap = BinaryHeap::new();
        let queries = match conflict {
            Conflict::Cycle(edges) => {
                let mut edges = edges.clone();
                let seam = self.seam(&edges);
                edges.rotate_left(seam);
                self.tell(&edges, &mut told);
                Vec::new()
            }
            Conflict::Contrary(entry) => {
                self.tell_runs(entry.before, &mut told.facts);
                let mut queries = self.queries(entry);
                queries.push(self.known_by(entry.before.reversed(), entry.edges));
                queries
            }
            Conflict::Clause(number) => {
                told.clauses.push(*number);
                let now = self.graph.edge_count() as u32;
                let literals = &self.clauses[*number as usize].literals;
                literals
                    .iter()
                    .map(|literal| self.known_by(literal.reversed(), now))
                    .collect()
            }
        };
        self.answer(queries, &mut told)?;
        let mut seen = FxHashSet::default();
        let sort_in = |told: &mut Told,
                       heap: &mut BinaryHeap<u32>,
                       seen: &mut FxHashSet<u32>,
                       engine: &Self| {
            for entry in std::mem::take(&mut told.fresh) {
                if seen.insert(entry) {
                    if engine.level_of(entry) == 0 {
                        told.entries.push(entry);
                    } else {
                        heap.push(entry);
                    }
                }
            }
        };
        sort_in(&mut told, &mut heap, &mut seen, self);
        let Some(&latest) = heap.peek() else {
            return Some(Lesson::Refuted(self.unfold(told)?));
        };
        let level = self.level_of(latest);
        loop {
            let latest = heap.pop()?;
            if heap.peek().is_none_or(|&next| self.level_of(next) < level) {
                heap.push(latest);
                break;
            }
            let entry = self.trail[latest as usize];
            self.tell_runs(entry.before, &mut told.facts);
            if let Reason::Clause(number) = entry.reason {
                told.clauses.push(number);
            }
            let queries = self.queries(&entry);
            self.answer(queries, &mut told)?;
            sort_in(&mut told, &mut heap, &mut seen, self);
        }
        let mut literals: Vec<Before> = Vec::with_capacity(heap.len());
        let mut back_to = 0;
        while let Some(number) = heap.pop() {
            let before = self.trail[number as usize].before;
            if literals.len() == 1 {
                back_to = self.level_of(number);
            }
            if !literals.contains(&before.reversed()) {
                literals.push(before.reversed());
            }
            self.tell_runs(before, &mut told.facts);
        }
        let Told {
            mut facts,
            entries,
            mut clauses,
            ..
        } = told;
        facts.complete();
        clauses.sort_unstable();
        clauses.dedup();
        Some(Lesson::Clause(
            Clause {
                literals,
                facts,
                entries,
                clauses,
            },
            back_to,
        ))
    }

    /// What explains an entry.
    fn queries(&self, entry: &Entry) -> Vec<Query> {
        match entry.reason {
            Reason::Decision => Vec::new(),
            Reason::Rule(rule) => vec![Query {
                ways: [Some(self.condition(entry.before, rule)), None],
                below: entry.edges,
            }],
            Reason::Clause(number) => {
                let literals = self.clauses[number as usize].literals.iter();
                let others = literals.filter(|&&literal| literal != entry.before);
                others
                    .map(|literal| self.known_by(literal.reversed(), entry.edges))
                    .collect()
            }
        }
    }

    /// What explains that one run is known to come before another.
    fn known_by(&self, before: Before, below: u32) -> Query {
        let ways = [Rule::Overlap, Rule::Conflict].map(|rule| {
            let possible = rule == Rule::Overlap
                || self.layout.level.isolation == super::problem::Isolation::Snapshot;
            (possible && self.applies(before, rule)).then(|| self.condition(before, rule))
        });
        Query { ways, below }
    }

    fn answer(&mut self, queries: Vec<Query>, told: &mut Told) -> Option<()> {
        for query in queries {
            let path = query
                .ways
                .into_iter()
                .flatten()
                .find_map(|(from, to)| self.path(from, to, query.below))?;
            self.tell(&path, told);
        }
        Some(())
    }

    /// A path by edges with numbers below a bound: of those that need the fewest edges since the
    /// first decision the shortest.
    fn path(&mut self, from: u32, to: u32, below: u32) -> Option<Vec<u32>> {
        let free = if self.level() == 0 {
            0
        } else {
            self.edges_for_good()
        };
        let (mut near, mut far) = (VecDeque::from([(to, NONE)]), VecDeque::new());
        let stamp = self.graph.begin_walk();
        let mut next = rustc_hash::FxHashMap::default();
        let mut steps = 0;
        while !near.is_empty() {
            while let Some((node, edge)) = near.pop_front() {
                if !self.graph.visit(node, stamp) {
                    continue;
                }
                next.insert(node, edge);
                if node == from {
                    let mut path = Vec::new();
                    let mut at = edge;
                    while at != NONE {
                        path.push(at);
                        at = next[&self.graph.edge(at).to];
                    }
                    self.graph.steps += steps;
                    return Some(path);
                }
                for (number, edge) in self.graph.edges_into(node) {
                    steps += 1;
                    if number < below && self.graph.reaches(from, edge.from) {
                        let queue = if number < free || free == 0 {
                            &mut near
                        } else {
                            &mut far
                        };
                        queue.push_back((edge.from, number));
                    }
                }
            }
            std::mem::swap(&mut near, &mut far);
        }
        self.graph.steps += steps;
        None
    }

    /// Why the order of two transactions is known, where an edge says only that.
    fn known_because(&self, edge: u32) -> Option<Because> {
        match self.graph.edge(edge).tag {
            Tag::Known(number) => Some(self.layout.problem.precedes[number as usize].because),
            Tag::Time => Some(Because::RealTime),
            _ => None,
        }
    }

    /// Where a cycle can be cut without cutting orders of one kind that follow each other.
    fn seam(&self, cycle: &[u32]) -> usize {
        let within = |edge: u32| self.graph.edge(edge).tag == Tag::Within;
        let kinds = cycle.iter().enumerate().filter(|&(_, &edge)| !within(edge));
        let mut kinds = kinds.map(|(at, &edge)| (at, self.known_because(edge)));
        let Some((at, first)) = kinds.next() else {
            return 0;
        };
        if first.is_none() {
            return at;
        }
        kinds
            .find(|&(_, kind)| kind != first)
            .map_or(0, |(at, _)| at)
    }

    /// The facts that a path rests on, and the entries of the trail.
    fn tell(&self, path: &[u32], told: &mut Told) {
        let mut known: Option<(u32, u32, Because)> = None;
        for &number in path {
            let edge = self.graph.edge(number);
            if edge.tag == Tag::Within {
                continue;
            }
            if let Some(because) = self.known_because(number) {
                // Orders of one kind that follow each other are one: who is between is of no matter.
                let (from, to) = (
                    self.layout.transaction(edge.from),
                    self.layout.transaction(edge.to),
                );
                let open = known.filter(|&(.., open)| open == because);
                if open.is_none() {
                    told.order(known.take());
                }
                let before = open.map_or(from, |(before, ..)| Some(before));
                let after = to.or(open.map(|(_, after, _)| after));
                known = before.map(|before| (before, after.unwrap_or(before), because));
                continue;
            }
            told.order(known.take());
            match edge.tag {
                Tag::Read(read) => self.layout.tell_read(read, &mut told.facts),
                Tag::Overwritten(read, tied) => {
                    self.layout.tell_read(read, &mut told.facts);
                    self.layout.tell_tie(tied, &mut told.facts);
                }
                Tag::First(run) => {
                    let initial = self.layout.initial_run(self.layout.runs[run as usize].key);
                    self.layout.tell_run(initial, &mut told.facts);
                    self.layout.tell_run(run, &mut told.facts);
                }
                Tag::Entry(entry) => {
                    told.fresh.push(entry);
                    self.tell_runs(self.trail[entry as usize].before, &mut told.facts);
                }
                Tag::Within | Tag::Known(_) | Tag::Time => {}
            }
        }
        told.order(known);
    }

    fn tell_runs(&self, before: Before, facts: &mut Facts) {
        self.layout.tell_run(before.first, facts);
        self.layout.tell_run(before.second, facts);
    }

    /// All facts behind something that holds before every decision.
    fn unfold(&mut self, mut told: Told) -> Option<Facts> {
        let mut seen_entries = FxHashSet::default();
        let mut seen_clauses = FxHashSet::default();
        loop {
            told.entries.append(&mut told.fresh);
            if let Some(number) = told.clauses.pop() {
                if seen_clauses.insert(number) {
                    let clause = &self.clauses[number as usize];
                    told.facts.extend(&clause.facts);
                    told.entries.extend(&clause.entries);
                    told.clauses.extend(&clause.clauses);
                }
            } else if let Some(number) = told.entries.pop() {
                if seen_entries.insert(number) {
                    let entry = self.trail[number as usize];
                    self.tell_runs(entry.before, &mut told.facts);
                    if let Reason::Clause(clause) = entry.reason {
                        told.clauses.push(clause);
                    }
                    let queries = self.queries(&entry);
                    self.answer(queries, &mut told)?;
                }
            } else {
                break;
            }
        }
        let mut facts = told.facts;
        facts.complete();
        Some(facts)
    }
}

/// What has been told so far.
#[derive(Default)]
struct Told {
    facts: Facts,
    /// Entries that nobody has looked at.
    fresh: Vec<u32>,
    /// Entries from before the first decision.
    entries: Vec<u32>,
    clauses: Vec<u32>,
}

impl Told {
    fn order(&mut self, known: Option<(u32, u32, Because)>) {
        if let Some((before, after, because)) = known {
            self.facts.precedes.push(Precedes {
                before,
                after,
                because,
            });
        }
    }
}
