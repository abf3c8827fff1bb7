//! Which transaction must come before which, as a data model tells it.
//!
//! Adya, *Weak Consistency*, PhD thesis, MIT 1999, section 4.4: *ww* if the second wrote the
//! version after one of the first, *wr* if it read what the first wrote, *rw* if the first read a
//! version and the second wrote the next one.

use crate::graph::{Edge, Labels};

/// The second wrote after the first, over what that had written.
pub(super) const WW: Labels = 1;
/// The second read what the first wrote.
pub(super) const WR: Labels = 2;
/// The first read an item before the second wrote it.
pub(super) const RW: Labels = 4;
/// The second follows the first in a session, and began after the first had ended.
pub(super) const PROCESS: Labels = 8;
/// The second began after the first had ended.
pub(super) const REALTIME: Labels = 16;
/// The first evaluated a predicate before the second changed what it says.
pub(super) const PREDICATE: Labels = 32;
/// The second follows the first in a session, as far as the order of the events tells; the clock
/// says nothing.
pub(super) const SESSION: Labels = 64;

/// A read that missed a write.
pub(super) const MISSED: Labels = RW | PREDICATE;
/// What data alone show.
pub(super) const DATA: Labels = WW | WR | MISSED;
/// The order of sessions.
pub(super) const IN_SESSION: Labels = PROCESS | SESSION;

/// What data show: edges between transactions, each of which must hold in every order of the
/// versions that explains the history. Transitive ones may be left out, but for *rw*: where levels
/// ask that two *rw* do not follow one another, an *rw* to each version that may come next is
/// needed (and one to a later version does no harm).
pub(super) struct Relations {
    pub(super) txns: u32,
    /// Transactions, then *meetings*.
    pub(super) nodes: u32,
    pub(super) edges: Vec<Edge>,
}

impl Relations {
    /// None yet among so many transactions; room for so many edges.
    pub(super) fn new(txns: u32, edges: usize) -> Relations {
        Relations {
            txns,
            nodes: txns,
            edges: Vec::with_capacity(edges),
        }
    }

    /// An edge with one label. One from a transaction to itself is none.
    pub(super) fn add(&mut self, from: u32, to: u32, label: Labels) {
        if from != to {
            self.edges.push(Edge { from, to, label });
        }
    }

    /// An edge from each of these transactions to each of those but itself. Both are sorted, and
    /// name nobody twice. If there are many, a *meeting* stands for the edges: a node besides the
    /// transactions that all of the first lead to and that leads to all of the second.
    ///
    /// Only for *rw*, and only if two of the first that are also among the second are a cycle
    /// that every level has which looks at *rw*: two that read the same and both wrote.
    pub(super) fn add_each(&mut self, readers: &[u32], writers: &[u32], label: Labels) {
        let is_writer = |txn: &u32| writers.binary_search(txn).is_ok();
        if readers.len() * writers.len() <= 4 * (readers.len() + writers.len()) {
            for &reader in readers {
                for &writer in writers {
                    self.add(reader, writer, label);
                }
            }
            return;
        }
        let meeting = self.nodes;
        self.nodes += 1;
        for &writer in writers {
            self.add(meeting, writer, label);
        }
        for &reader in readers.iter().filter(|reader| !is_writer(reader)) {
            self.add(reader, meeting, label);
        }
        // Two readers that also wrote are a cycle already, and so is every further one with
        // the first of them: their other edges can decide nothing.
        let mut both = readers.iter().copied().filter(is_writer);
        let Some(first) = both.next() else { return };
        for &writer in writers {
            self.add(first, writer, label);
        }
        for other in both {
            self.add(other, first, label);
        }
    }
}
