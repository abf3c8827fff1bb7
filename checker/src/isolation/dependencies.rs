//! Which transaction must come before which: the graph whose cycles are anomalies.
//!
//! Every edge holds in every order that explains the history, because lists only grow and a read
//! shows all that was appended before it:
//! - *ww* from an element to the next of the order, and from the last to those never read;
//! - *wr* from an element to who read it; *rw* from a read to what it lacks;
//! - sessions and real time.
//!
//! Adya, *Weak Consistency*, PhD thesis, MIT 1999, section 4.4, for lists as in Elle, section 4.
//!
//! **Invariant:** if no read is wrong by itself (`direct`), and no element has two appends, the
//! graph has a cycle exactly if no order explains the history: in any topological order the
//! appends of a list come in the order of its longest read, each transaction's together, and
//! each read between the right two.

use polygraph_history::Outcome;

use crate::graph::{Edge, Graph, Labels};

use super::orders::Orders;
use super::timeline::{Moment, Timeline};
use super::view::{NONE, View};

/// The second's element follows the first's.
pub(super) const WW: Labels = 1;
/// The second read what the first appended.
pub(super) const WR: Labels = 2;
/// The first read a list before the second appended to it.
pub(super) const RW: Labels = 4;
/// The second follows the first in a session.
pub(super) const PROCESS: Labels = 8;
/// The second began after the first had ended.
pub(super) const REALTIME: Labels = 16;
/// What data alone show.
pub(super) const DATA: Labels = WW | WR | RW;

/// Which sessions' orders count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sessions {
    /// None.
    Ignored,
    /// Where the order is also one of real time.
    InRealTime,
    /// All.
    All,
}

/// The graph. Its nodes are the transactions by number, then *meetings* that stand for an edge
/// from each of many readers to each of many appends, then *barriers* that stand for an edge from
/// everything that ended before to everything that began after.
pub(super) struct Dependencies {
    pub(super) graph: Graph,
    /// How many nodes are transactions.
    pub(super) txns: u32,
    /// The first node that is a barrier.
    pub(super) barriers: u32,
}

impl Dependencies {
    /// Builds the graph, in time linear in reads, appends and transactions.
    pub(super) fn new(
        view: &View<'_>,
        orders: &Orders,
        sessions: Sessions,
        timeline: Option<&Timeline>,
    ) -> Dependencies {
        let txns = view.txns.len() as u32;
        let mut builder = Builder {
            view,
            orders,
            edges: Vec::with_capacity(view.reads.len() * 2 + view.appends.len()),
            nodes: txns,
        };
        builder.appends();
        builder.reads();
        builder.session_orders(sessions);
        let barriers = builder.nodes;
        if let Some(timeline) = timeline {
            builder.real_time(timeline);
        }
        Dependencies {
            graph: Graph::new(builder.nodes as usize, &builder.edges),
            txns,
            barriers,
        }
    }
}

struct Builder<'v, 'h> {
    view: &'v View<'h>,
    orders: &'v Orders,
    edges: Vec<Edge>,
    nodes: u32,
}

impl Builder<'_, '_> {
    fn edge(&mut self, from: u32, to: u32, label: Labels) {
        if from != to {
            self.edges.push(Edge { from, to, label });
        }
    }

    fn node(&mut self) -> u32 {
        self.nodes += 1;
        self.nodes - 1
    }

    fn author(&self, append: u32) -> u32 {
        self.view.appends[append as usize].txn
    }

    /// *ww*: along the order of each list.
    fn appends(&mut self) {
        for key in 0..self.view.keys.len() as u32 {
            let mut last = NONE;
            for append in self.orders.known(self.view, key) {
                let author = self.author(append);
                if last != NONE {
                    self.edge(last, author, WW);
                }
                last = author;
            }
            if last != NONE {
                for append in self.orders.unobserved(key) {
                    self.edge(last, self.author(append), WW);
                }
            }
        }
    }

    /// *wr* and *rw*: from the states that were read.
    fn reads(&mut self) {
        let (view, orders) = (self.view, self.orders);
        // Readers of everything that the longest read shows, of lists with appends beyond.
        let mut full: Vec<(u32, u32)> = Vec::new();
        let beyond: Vec<bool> = (0..view.keys.len() as u32)
            .map(|key| orders.unobserved(key).next().is_some())
            .collect();
        for (at, read) in view.reads.iter().enumerate() {
            if !orders.fits[at] {
                self.misfit(at as u32);
                continue;
            }
            let length = read.values.len();
            if let Some(append) = orders.known_before(view, read.key, length) {
                self.edge(self.author(append), read.txn, WR);
            }
            match orders.known_from(view, read.key, length) {
                Some(append) => self.edge(read.txn, self.author(append), RW),
                None if beyond[read.key as usize] => full.push((read.key, read.txn)),
                None => {}
            }
        }
        full.sort_unstable();
        full.dedup();
        for readers in full.chunk_by(|a, b| a.0 == b.0) {
            let mut authors: Vec<u32> = orders
                .unobserved(readers[0].0)
                .map(|append| self.author(append))
                .collect();
            authors.sort_unstable();
            authors.dedup();
            let readers: Vec<u32> = readers.iter().map(|&(_, txn)| txn).collect();
            self.beyond(&readers, &authors);
        }
    }

    /// A read that contradicts the order still shows its own elements, and lacks others.
    fn misfit(&mut self, at: u32) {
        let (view, orders) = (self.view, self.orders);
        let read = &view.reads[at as usize];
        let last = read.values.iter().rev().find_map(|value| {
            let element = view.element(read.key, value)?;
            view.elements[element as usize].only_append()
        });
        if let Some(append) = last {
            self.edge(self.author(append), read.txn, WR);
        }
        let missed = orders.known(view, read.key).find(|&append| {
            let append = &view.appends[append as usize];
            !read.values.contains(append.value)
        });
        if let Some(append) = missed {
            self.edge(read.txn, self.author(append), RW);
        }
    }

    /// *rw* from each of these readers to each of these authors but itself.
    fn beyond(&mut self, readers: &[u32], authors: &[u32]) {
        let is_author = |txn: &u32| authors.binary_search(txn).is_ok();
        if readers.len() * authors.len() <= 4 * (readers.len() + authors.len()) {
            for &reader in readers {
                for &author in authors {
                    self.edge(reader, author, RW);
                }
            }
            return;
        }
        let meeting = self.node();
        for &author in authors {
            self.edge(meeting, author, RW);
        }
        for &reader in readers.iter().filter(|reader| !is_author(reader)) {
            self.edge(reader, meeting, RW);
        }
        // Two readers that also appended are a cycle already, and so is every further one with
        // the first of them: their other edges can decide nothing.
        let mut both = readers.iter().copied().filter(is_author);
        let Some(first) = both.next() else { return };
        for &author in authors {
            self.edge(first, author, RW);
        }
        for other in both {
            self.edge(other, first, RW);
        }
    }

    /// From each transaction to the next ones of its session. A session that two processes share
    /// may do several things at once.
    fn session_orders(&mut self, sessions: Sessions) {
        if sessions == Sessions::Ignored {
            return;
        }
        let operations = self.view.history.operations();
        let count = operations.iter().map(|op| op.session as usize + 1).max();
        // Of each session the acknowledged transactions that nothing later replaces.
        let mut latest: Vec<Vec<u32>> = vec![Vec::new(); count.unwrap_or(0)];
        let operation = |txn: u32| &operations[self.view.txns[txn as usize].operation as usize];
        let followed_by = |a: u32, b: u32| {
            let (a, b) = (operation(a), operation(b));
            a.complete.is_some_and(|end| end < b.invoke)
        };
        let mut edges = Vec::new();
        for txn in 0..self.view.txns.len() as u32 {
            if !self.orders.committed[txn as usize] {
                continue;
            }
            let latest = &mut latest[operation(txn).session as usize];
            let before: Vec<u32> = latest
                .iter()
                .copied()
                .filter(|&earlier| followed_by(earlier, txn))
                .collect();
            let replaced = |earlier: u32| before.iter().any(|&other| followed_by(earlier, other));
            latest.retain(|&earlier| !(before.contains(&earlier) && replaced(earlier)));
            for &earlier in before.iter().filter(|&&earlier| !replaced(earlier)) {
                let counts =
                    sessions == Sessions::All || operation(earlier).precedes(operation(txn));
                if counts {
                    edges.push((earlier, txn));
                }
            }
            if self.view.txns[txn as usize].outcome == Outcome::Ok {
                latest.push(txn);
            }
        }
        for (from, to) in edges {
            self.edge(from, to, PROCESS);
        }
    }

    /// From everything that ended to everything that began later, by a chain of barriers: each
    /// beginning follows the last barrier, and each barrier what ended since the one before.
    fn real_time(&mut self, timeline: &Timeline) {
        let mut ended: Vec<u32> = Vec::new();
        let mut barrier = NONE;
        for moment in timeline.moments() {
            match moment {
                Moment::End(txn) => ended.push(txn),
                Moment::Begin(txn) => {
                    if !ended.is_empty() {
                        let next = self.node();
                        if barrier != NONE {
                            self.edge(barrier, next, REALTIME);
                        }
                        for earlier in ended.drain(..) {
                            self.edge(earlier, next, REALTIME);
                        }
                        barrier = next;
                    }
                    if barrier != NONE {
                        self.edge(barrier, txn, REALTIME);
                    }
                }
            }
        }
    }
}
