//! Which blind writes would end nowhere.

use super::{NONE, Sweep};

/// How many transactions are looked at for each key.
const LOOKS: usize = 128;

impl Sweep<'_> {
    /// Whether another writer of a key must come before a reader of what this transaction would
    /// write there, by what was read, by sessions or by time: then it must come before this one,
    /// too, for it cannot come between. May overlook it.
    pub(super) fn is_doomed(&mut self, txn: u32) -> bool {
        let count = self.writes.of(txn).len();
        (0..count).any(|at| {
            let (key, version) = self.writes.of(txn)[at];
            self.is_doomed_on(txn, key, version)
        })
    }

    fn is_doomed_on(&mut self, txn: u32, key: u32, version: u32) -> bool {
        let mut seen: Vec<u32> = Vec::new();
        let roots = self.read_by.of(version);
        seen.extend(roots.iter().take(LOOKS));
        let roots = seen.len();
        let mut at = 0;
        while at < seen.len() && seen.len() < LOOKS {
            let next = seen[at];
            at += 1;
            let known = seen.len();
            let mut add = |other: u32| {
                if other != txn && !self.is_taken[other as usize] {
                    seen.push(other);
                }
            };
            for &(_, version) in self.reads.of(next) {
                let author = self.writer[version as usize];
                if author != NONE {
                    add(author);
                }
            }
            for &(written, _) in self.writes.of(next) {
                // Those of keys that this transaction writes will have been read by then.
                if !self.writes.of(txn).iter().any(|own| own.0 == written) {
                    let current = self.current[written as usize];
                    for &reader in self.read_by.of(current).iter().filter(|&&it| it != next) {
                        add(reader);
                    }
                }
            }
            for &before in self.leaders.of(next) {
                add(before);
            }
            let begin = self.begin(next);
            for &other in &self.window {
                if self.due[other as usize] < begin {
                    add(other);
                }
            }
            self.steps += 1;
            // Each once; the readers themselves may be met again.
            let mut kept = known;
            for place in known..seen.len() {
                let other = seen[place];
                if self.writes.of(other).iter().any(|write| write.0 == key) {
                    return true;
                }
                if !seen[roots.min(kept)..kept].contains(&other) && !seen[..roots].contains(&other)
                {
                    seen[kept] = other;
                    kept += 1;
                }
            }
            seen.truncate(kept);
        }
        false
    }
}
