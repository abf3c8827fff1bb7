//! When transactions have to be taken, and versions have to be there.

use super::rows::Rows;
use super::{NONE, Sweep};

impl Sweep<'_> {
    /// When each has to be taken at the latest: at its end, and before whoever read from it or
    /// follows it has to. A guess where these overlap, for it guides only what is tried first.
    pub(super) fn find_due(&mut self) {
        let txns = self.problem.transactions;
        self.due = (0..txns).map(|txn| self.end(txn)).collect();
        for _ in 0..2 {
            for &txn in self.by_begin.iter().rev() {
                let after = self.followers.of(txn).iter();
                let due = after.map(|&next| self.due[next as usize]).min();
                let due = due.unwrap_or(u64::MAX).min(self.due[txn as usize]);
                self.due[txn as usize] = due;
                for &(_, version) in self.reads.of(txn) {
                    let author = self.writer[version as usize];
                    if author != NONE {
                        let known = &mut self.due[author as usize];
                        *known = due.min(*known);
                    }
                }
            }
        }
        // From when on each can have been taken: it began, and so had whom it read from.
        let mut since: Vec<u64> = (0..txns).map(|txn| self.begin(txn)).collect();
        for &txn in &self.by_begin {
            for &(_, version) in self.reads.of(txn) {
                let author = self.writer[version as usize];
                if author != NONE {
                    since[txn as usize] = since[txn as usize].max(since[author as usize]);
                }
            }
            for &next in self.followers.of(txn) {
                since[next as usize] = since[next as usize].max(since[txn as usize]);
            }
        }
        for txn in 0..txns {
            let (due, since) = (self.due[txn as usize], since[txn as usize]);
            for &(_, version) in self.writes.of(txn) {
                self.wanted[version as usize] = due;
                self.needed[version as usize] = self.needed[version as usize].max(since);
            }
            for &(_, version) in self.reads.of(txn) {
                self.needed[version as usize] = self.needed[version as usize].max(since);
            }
        }
        let pairs = (0..txns).flat_map(|txn| self.writes.of(txn).iter().copied());
        let mut by_wanted = Rows::new(self.settled.len(), pairs);
        for key in 0..self.settled.len() {
            let bounds = by_wanted.first[key] as usize..by_wanted.first[key + 1] as usize;
            let wanted = |&version: &u32| self.wanted[version as usize];
            by_wanted.items[bounds].sort_unstable_by_key(wanted);
        }
        self.by_wanted = by_wanted;
    }

    /// Whether another version of a key has to be there before the last reader of this one can
    /// have begun.
    pub(super) fn is_too_early(&self, key: u32, version: u32) -> bool {
        let versions = &self.by_wanted.of(key)[self.settled[key as usize] as usize..];
        let mut others = versions
            .iter()
            .filter(|&&other| other != version && !self.version_taken[other as usize]);
        let first = others.next();
        first.is_some_and(|&other| self.wanted[other as usize] < self.needed[version as usize])
    }
}
