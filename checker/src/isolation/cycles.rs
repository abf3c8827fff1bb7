//! From the graph to named cycles.
//!
//! Whether there is a cycle is decided for all of the graph at once and in linear time
//! ([`Cycles::new`]). Which one is shown is searched for within each strongly connected
//! component, the most severe kind first: the shortest cycle of that kind if the steps suffice,
//! else the best seen so far, else any.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::graph::{Edge, Graph, Labels, strongly_connected};

use super::dependencies::Dependencies;
use super::participants::{Participants, Spans};
use super::relations::{
    DATA, IN_SESSION, MISSED, PREDICATE, PROCESS, REALTIME, RW, SESSION, WR, WW,
};
use super::search::Search;
use super::{Class, Kind, Suffix};

/// A cycle: the transactions in order, by number, and of each the label of the edge to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cycle {
    pub(super) kind: Kind,
    pub(super) txns: Vec<u32>,
    pub(super) labels: Vec<Labels>,
}

impl Suffix {
    /// The labels that a cycle with this suffix may have.
    pub(super) const fn labels(self) -> Labels {
        match self {
            Suffix::Plain => DATA,
            Suffix::Process => DATA | IN_SESSION,
            Suffix::Realtime => DATA | REALTIME,
        }
    }
}

/// The strongly connected components of a graph.
pub(super) struct Cycles<'d> {
    dependencies: &'d Dependencies,
    /// The labels that count.
    labels: Labels,
    components: Vec<Vec<u32>>,
    /// When transactions begin and end, for edges of real time between any two.
    spans: Spans,
    /// Scratch: of each node its number in the part that is looked at.
    local: Vec<u32>,
}

impl<'d> Cycles<'d> {
    /// Finds the components, by the edges with these labels.
    pub(super) fn new(
        dependencies: &'d Dependencies,
        participants: &Participants<'_>,
        labels: Labels,
    ) -> Cycles<'d> {
        let components = strongly_connected(&dependencies.graph, labels);
        let (spans, local) = match components.is_empty() {
            true => (Spans::default(), Vec::new()),
            false => (
                participants.spans(),
                vec![u32::MAX; dependencies.graph.nodes()],
            ),
        };
        Cycles {
            dependencies,
            labels,
            components,
            spans,
            local,
        }
    }

    /// How many components there are, each with at least one cycle.
    pub(super) fn count(&self) -> usize {
        self.components.len()
    }

    /// A cycle of each kind with this suffix that is found.
    pub(super) fn each_kind(&mut self, suffix: Suffix, steps: u64) -> BTreeMap<Kind, Cycle> {
        let mut found: BTreeMap<Kind, Cycle> = BTreeMap::new();
        let count = self.components.len();
        let mut left = steps;
        for at in 0..count {
            let part = self.part(at);
            let mut budget = left / (count - at) as u64;
            let spent = budget;
            for class in Class::ALL {
                if found.contains_key(&Kind::Cycle(suffix, class)) {
                    continue;
                }
                let mut share = budget / 2;
                let before = share;
                if class.has_predicates() && !part.has_predicates() {
                    continue;
                }
                if let Some(cycle) = Search::new(&part, class, suffix).run(&mut share) {
                    found.entry(cycle.kind).or_insert(cycle);
                }
                budget -= before - share;
            }
            if found.is_empty() {
                found.extend(part.any(suffix).map(|cycle| (cycle.kind, cycle)));
            }
            left -= spent - budget;
        }
        found
    }

    /// One component as a graph of its own.
    pub(super) fn part(&mut self, at: usize) -> Part<'_> {
        let members = &self.components[at];
        for (local, &node) in members.iter().enumerate() {
            self.local[node as usize] = local as u32;
        }
        let mut edges = Vec::new();
        for (local, &node) in members.iter().enumerate() {
            for (to, label) in self.dependencies.graph.edges(node) {
                let to = self.local[to as usize];
                if to != u32::MAX && label & self.labels != 0 {
                    edges.push(Edge {
                        from: local as u32,
                        to,
                        label,
                    });
                }
            }
        }
        for &node in members {
            self.local[node as usize] = u32::MAX;
        }
        let before = |bound: u32| members.partition_point(|&node| node < bound) as u32;
        let txns = before(self.dependencies.txns);
        let mut by_start: Vec<u32> = (0..txns).collect();
        by_start.sort_by_key(|&txn| {
            let number = self.dependencies.number(members[txn as usize]);
            self.spans.start[number as usize]
        });
        Part {
            graph: Graph::new(members.len(), &edges),
            members: Cow::Borrowed(members),
            names: &self.dependencies.names,
            tried: Vec::new(),
            txns,
            barriers: before(self.dependencies.barriers),
            spans: &self.spans,
            in_real_time: self.labels & REALTIME != 0,
            by_start,
        }
    }
}

/// One strongly connected component as a graph of its own.
pub(super) struct Part<'c> {
    pub(super) graph: Graph,
    /// Of each node its number in the whole graph, ascending: transactions, meetings, barriers.
    members: Cow<'c, [u32]>,
    /// Of the whole graph's nodes their numbers in the history, where they differ.
    names: &'c [u32],
    /// Orders that are tried for writes that nobody ordered: which of two comes first, of a key.
    pub(super) tried: Vec<(u32, u32, u32)>,
    /// How many nodes are transactions.
    pub(super) txns: u32,
    /// The first node that is a barrier.
    pub(super) barriers: u32,
    spans: &'c Spans,
    /// Whether real time counts.
    in_real_time: bool,
    /// The transactions by when they begin.
    pub(super) by_start: Vec<u32>,
}

impl<'c> Part<'c> {
    pub(super) fn start(&self, txn: u32) -> u64 {
        self.spans.start[self.number(txn) as usize]
    }

    pub(super) fn end(&self, txn: u32) -> u64 {
        self.spans.end[self.number(txn) as usize]
    }

    /// The number of a transaction in the history.
    pub(super) fn number(&self, txn: u32) -> u32 {
        let member = self.members[txn as usize];
        self.names.get(member as usize).copied().unwrap_or(member)
    }

    /// Of a transaction of the history its number here, if it is here.
    pub(super) fn local(&self, number: u32) -> Option<u32> {
        let member = match self.names {
            [] => number,
            names => names.binary_search(&number).ok()? as u32,
        };
        let txns = &self.members[..self.txns as usize];
        txns.binary_search(&member).ok().map(|at| at as u32)
    }

    /// The same with further edges *ww*.
    pub(super) fn with(&self, tried: Vec<(u32, u32, u32)>) -> Part<'c> {
        let mut edges = Vec::with_capacity(self.graph.edge_count() + tried.len());
        for from in 0..self.graph.nodes() as u32 {
            let known = self.graph.edges(from);
            edges.extend(known.map(|(to, label)| Edge { from, to, label }));
        }
        let label = WW;
        edges.extend(tried.iter().map(|&(from, to, _)| Edge { from, to, label }));
        Part {
            graph: Graph::new(self.graph.nodes(), &edges),
            members: self.members.clone(),
            by_start: self.by_start.clone(),
            tried,
            ..*self
        }
    }

    /// A cycle of these transactions, each with the label by which it is left.
    pub(super) fn as_cycle(&self, walk: &[(u32, Labels)]) -> Cycle {
        let labels: Vec<Labels> = walk.iter().map(|&(_, label)| label).collect();
        let all = labels.iter().fold(0, |all, label| all | label);
        let suffix = match (all & REALTIME != 0, all & IN_SESSION != 0) {
            (true, _) => Suffix::Realtime,
            (_, true) => Suffix::Process,
            _ => Suffix::Plain,
        };
        Cycle {
            kind: Kind::Cycle(suffix, class(&labels)),
            txns: walk.iter().map(|&(txn, _)| self.number(txn)).collect(),
            labels,
        }
    }

    /// Whether a node stands for an edge from each of many readers to each of many writers.
    pub(super) const fn is_meeting(&self, node: u32) -> bool {
        node >= self.txns && node < self.barriers
    }

    /// Whether there are reads of predicates.
    pub(super) fn has_predicates(&self) -> bool {
        let nodes = 0..self.graph.nodes() as u32;
        nodes.into_iter().any(|node| {
            let mut edges = self.graph.edges(node);
            edges.any(|(_, label)| label == PREDICATE)
        })
    }

    /// All labels that an edge from one transaction to another has.
    fn labels(&self, from: u32, to: u32) -> Labels {
        let mut labels = 0;
        for (node, label) in self.graph.edges(from) {
            let meets = self.is_meeting(node) && self.graph.targets(node).contains(&to);
            if node == to || meets {
                labels |= label;
            }
        }
        if self.in_real_time && self.end(from) < self.start(to) {
            labels |= REALTIME;
        }
        labels
    }

    /// Names a cycle, by the weakest orders that it can do with and then by the most severe
    /// class. `None` if it is none with these orders.
    pub(super) fn name(&self, txns: &[u32], most: Suffix) -> Option<Cycle> {
        let present: Vec<Labels> = (0..txns.len())
            .map(|at| self.labels(txns[at], txns[(at + 1) % txns.len()]))
            .collect();
        let suffixes: &[Suffix] = match most {
            Suffix::Plain => &[Suffix::Plain],
            Suffix::Process => &[Suffix::Plain, Suffix::Process],
            Suffix::Realtime => &[Suffix::Plain, Suffix::Process, Suffix::Realtime],
        };
        suffixes.iter().find_map(|&suffix| {
            let order = suffix.labels() & !DATA;
            let labels = present.iter().map(|&present| {
                [WW, PROCESS, SESSION, REALTIME, WR, RW, PREDICATE]
                    .into_iter()
                    .find(|&label| present & label & (DATA | order) != 0)
            });
            let labels: Vec<Labels> = labels.collect::<Option<_>>()?;
            let (txns, labels) = without_detours(txns, &labels, order);
            Some(Cycle {
                kind: Kind::Cycle(suffix, class(&labels)),
                txns: txns.iter().map(|&txn| self.number(txn)).collect(),
                labels,
            })
        })
    }

    /// Some cycle of data and this order: the shortest through some transaction.
    fn any(&self, suffix: Suffix) -> Option<Cycle> {
        let cyclic = strongly_connected(&self.graph, suffix.labels());
        let mut starts = cyclic.iter().flatten().filter(|&&node| node < self.txns);
        starts.find_map(|&start| Search::through(self, start, suffix))
    }
}

/// The class of a cycle with these labels.
fn class(labels: &[Labels]) -> Class {
    let missed = |at: usize| labels[at % labels.len()] & MISSED != 0;
    let count = (0..labels.len()).filter(|&at| missed(at)).count();
    let in_a_row = (0..labels.len()).any(|at| missed(at) && missed(at + 1));
    let items = !labels.contains(&PREDICATE);
    match count {
        0 if labels.contains(&WR) => Class::G1c,
        0 => Class::G0,
        1 if items => Class::GSingleItem,
        1 => Class::GSingle,
        _ if in_a_row && items => Class::G2Item,
        _ if in_a_row => Class::G2,
        _ if items => Class::GNonadjacentItem,
        _ => Class::GNonadjacent,
    }
}

/// Steps in a row by an order that is transitive, as one step.
fn without_detours(txns: &[u32], labels: &[Labels], order: Labels) -> (Vec<u32>, Vec<Labels>) {
    let mut kept = (Vec::new(), Vec::new());
    for at in 0..txns.len() {
        let previous = labels[(at + txns.len() - 1) % txns.len()];
        if labels[at] & order != 0 && previous & order != 0 {
            continue;
        }
        kept.0.push(txns[at]);
        kept.1.push(labels[at]);
    }
    kept
}

/// The most severe cycle of one of these classes and the weakest of these suffixes that has one;
/// the shortest if the steps suffice, or none if they do not suffice for any. Whether `all` cycles
/// are of these classes.
pub(super) fn most_severe(
    part: &Part<'_>,
    suffixes: &[Suffix],
    classes: &[Class],
    all: bool,
    budget: &mut u64,
) -> Option<Cycle> {
    let predicates = part.has_predicates();
    for &suffix in suffixes {
        if strongly_connected(&part.graph, suffix.labels()).is_empty() {
            continue;
        }
        let mut best: Option<Cycle> = None;
        for &class in classes {
            if class.has_predicates() && !predicates {
                continue;
            }
            // A walk may fall into cycles of a class that was not asked for.
            let found = Search::new(part, class, suffix).run(budget);
            let found = found.filter(|cycle| match cycle.kind {
                Kind::Cycle(_, class) => classes.contains(&class),
                _ => false,
            });
            best = best.into_iter().chain(found).min_by_key(severity);
            let enough = |best: &Cycle| best.kind <= Kind::Cycle(suffix, class);
            if best.as_ref().is_some_and(enough) {
                break;
            }
        }
        // Where each cycle is of one of the classes, there is one with this suffix.
        if best.is_some() || all {
            return best;
        }
    }
    None
}

/// The more severe is the less, and of one kind the shorter.
pub(super) fn severity(cycle: &Cycle) -> (Kind, usize) {
    (cycle.kind, cycle.txns.len())
}
