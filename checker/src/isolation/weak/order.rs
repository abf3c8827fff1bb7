//! Whether transactions can be put in an order.

use super::super::register::{Chains, INIT, NONE, View};

/// A transaction that must come before another, because a reader saw the one and read from the
/// other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Forced {
    pub(super) before: u32,
    /// The transaction that was read from, or [`INIT`]: then no order is possible.
    pub(super) after: u32,
    pub(super) reader: u32,
    pub(super) key: u32,
}

/// Of each transaction those that are forced before it.
#[derive(Default)]
pub(super) struct Incoming {
    first: Vec<u32>,
    before: Vec<u32>,
}

impl Incoming {
    pub(super) fn new(count: usize, forced: &[Forced]) -> Incoming {
        if forced.is_empty() {
            return Incoming::default();
        }
        let mut first = vec![0_u32; count + 2];
        for pair in forced {
            first[pair.after as usize + 2] += 1;
        }
        for at in 2..first.len() {
            first[at] += first[at - 1];
        }
        let mut before = vec![0; forced.len()];
        for pair in forced {
            let place = &mut first[pair.after as usize + 1];
            before[*place as usize] = pair.before;
            *place += 1;
        }
        Incoming { first, before }
    }

    fn get(&self, txn: u32, at: usize) -> Option<u32> {
        let first = *self.first.get(txn as usize)? as usize;
        let end = self.first[txn as usize + 1] as usize;
        self.before[first..end].get(at).copied()
    }
}

/// What must come before what, each by the transaction that comes after.
pub(super) struct Before<'v, 'h> {
    pub(super) view: &'v View<'h>,
    /// The order of sessions, where it counts.
    pub(super) chains: Option<&'v Chains>,
    pub(super) forced: Incoming,
}

impl Before<'_, '_> {
    /// The transaction at this place among those before `txn`: [`NONE`] for a place that is
    /// empty, nothing at the end.
    pub(super) fn get(&self, txn: u32, place: usize) -> Option<u32> {
        let reads = self.view.reads_of(txn);
        if let Some(read) = reads.get(place) {
            return Some(if read.author == INIT {
                NONE
            } else {
                read.author
            });
        }
        let mut place = place - reads.len();
        if let Some(chains) = self.chains {
            if place == 0 {
                return Some(chains.previous[txn as usize]);
            }
            let across = chains.across_to(txn);
            if let Some(pair) = across.get(place - 1) {
                return Some(pair.0);
            }
            place -= 1 + across.len();
        }
        self.forced.get(txn, place)
    }

    /// Visits the transactions that took place such that each comes after all that must come
    /// before it. Returns whether there is such an order; if not, some are not visited.
    ///
    /// A depth-first search in the order of invocations, in which almost everything that must come
    /// before a transaction was visited already. Linear.
    pub(super) fn visit(&self, mut done: impl FnMut(u32)) -> bool {
        const UNSEEN: u8 = 0;
        const OPEN: u8 = 1;
        const DONE: u8 = 2;
        let mut state = vec![UNSEEN; self.view.len()];
        // The path, each with the place to go on from.
        let mut path: Vec<(u32, usize)> = Vec::new();
        for root in 0..self.view.len() as u32 {
            if state[root as usize] != UNSEEN || !self.view.committed(root) {
                continue;
            }
            state[root as usize] = OPEN;
            path.push((root, 0));
            while let Some((txn, place)) = path.last_mut() {
                let Some(earlier) = self.get(*txn, *place) else {
                    state[*txn as usize] = DONE;
                    done(*txn);
                    path.pop();
                    continue;
                };
                *place += 1;
                if earlier == NONE {
                    continue;
                }
                match state[earlier as usize] {
                    DONE => {}
                    OPEN => return false,
                    _ => {
                        state[earlier as usize] = OPEN;
                        path.push((earlier, 0));
                    }
                }
            }
        }
        true
    }
}
