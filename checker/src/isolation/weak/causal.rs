//! What causality forces.
//!
//! Møldrup and Pavlogiannis, *AWDIT*, PLDI 2025, section 6: with a vector clock for each
//! transaction over the chains of sessions, the last write of each chain to a register that is in
//! the causal past of a reader is found by looking among that register's writes. O(n·k) for n
//! operations and k chains, and less where clocks share what they agree on.

use super::super::register::{Chains, INIT, NONE, Read, View};
use super::clocks::{Clock, Clocks, Row};
use super::order::{Before, Forced};

/// Registers with at most so many writes are gone through one by one.
const FEW: usize = 48;

/// Who wrote each register: a chain and the place in it, sorted.
struct Writers {
    first: Vec<u32>,
    /// As chain and place.
    all: Vec<(u32, u32)>,
}

impl Writers {
    fn new(view: &View<'_>, chains: &Chains) -> Writers {
        let mut first = vec![0_u32; view.keys.len() + 2];
        for txn in (0..view.len() as u32).filter(|&txn| view.committed(txn)) {
            for write in view.writes_of(txn) {
                first[write.key as usize + 2] += 1;
            }
        }
        for at in 2..first.len() {
            first[at] += first[at - 1];
        }
        let mut all = vec![(0, 0); first[first.len() - 1] as usize];
        for (chain, txns) in chains.members().enumerate() {
            for (place, &txn) in txns.iter().enumerate() {
                for write in view.writes_of(txn) {
                    let next = &mut first[write.key as usize + 1];
                    all[*next as usize] = (chain as u32, place as u32);
                    *next += 1;
                }
            }
        }
        Writers { first, all }
    }

    fn of(&self, key: u32) -> &[(u32, u32)] {
        let key = key as usize;
        &self.all[self.first[key] as usize..self.first[key + 1] as usize]
    }
}

/// Calls `force` for all pairs that causality forces but those that follow from it; returns
/// whether the causal order has no cycle. `visited` is called with each transaction in such an
/// order.
pub(super) fn causal(
    view: &View<'_>,
    chains: &Chains,
    mut force: impl FnMut(Forced),
    mut visited: impl FnMut(u32),
) -> bool {
    let before = Before {
        view,
        chains: Some(chains),
        forced: Default::default(),
    };
    let mut pasts = Pasts::new(&before, view, chains);
    before.visit(|txn| {
        visited(txn);
        pasts.visit(txn, &mut force);
    })
}

struct Pasts<'v, 'h> {
    before: &'v Before<'v, 'h>,
    view: &'v View<'h>,
    chains: &'v Chains,
    writers: Writers,
    clocks: Clocks,
    clock: Clock,
    /// Of each transaction how many others still need its clock.
    uses: Vec<u32>,
    rows: Vec<Row>,
}

impl<'v, 'h> Pasts<'v, 'h> {
    fn new(before: &'v Before<'v, 'h>, view: &'v View<'h>, chains: &'v Chains) -> Pasts<'v, 'h> {
        let mut uses = vec![0_u32; view.len()];
        for txn in (0..view.len() as u32).filter(|&txn| view.committed(txn)) {
            let mut place = 0;
            while let Some(earlier) = before.get(txn, place) {
                if earlier != NONE {
                    uses[earlier as usize] += 1;
                }
                place += 1;
            }
        }
        let clocks = Clocks::new(chains.lengths.len());
        Pasts {
            before,
            view,
            chains,
            writers: Writers::new(view, chains),
            clock: clocks.clock(),
            clocks,
            uses,
            rows: vec![NONE; view.len()],
        }
    }

    fn visit(&mut self, txn: u32, force: &mut impl FnMut(Forced)) {
        let previous = self.chains.previous[txn as usize];
        let follows = previous != NONE && self.uses[previous as usize] == 1;
        if follows {
            self.uses[previous as usize] = 0;
            let row = std::mem::replace(&mut self.rows[previous as usize], NONE);
            self.clocks.take(&mut self.clock, row);
        }
        let mut place = 0;
        while let Some(earlier) = self.before.get(txn, place) {
            place += 1;
            if earlier != NONE && !(follows && earlier == previous) {
                self.clocks
                    .join(&mut self.clock, self.rows[earlier as usize]);
            }
        }
        let reads = self.view.reads_of(txn);
        for (at, read) in reads.iter().enumerate() {
            let again = |other: &Read| other.key == read.key && other.author == read.author;
            let known = at <= FEW && reads[..at].iter().any(again);
            if read.author != NONE && !known {
                self.look(txn, *read, force);
            }
        }
        let mut place = 0;
        while let Some(earlier) = self.before.get(txn, place) {
            place += 1;
            if earlier == NONE || (follows && earlier == previous) {
                continue;
            }
            let uses = &mut self.uses[earlier as usize];
            *uses -= 1;
            if *uses == 0 {
                let row = std::mem::replace(&mut self.rows[earlier as usize], NONE);
                self.clocks.forget(row);
            }
        }
        if self.uses[txn as usize] > 0 {
            let chain = self.chains.of[txn as usize];
            let count = self.chains.place[txn as usize] + 1;
            self.clocks.set(&mut self.clock, chain, count);
            self.rows[txn as usize] = self.clocks.keep(&mut self.clock);
        } else {
            self.clocks.reset(&mut self.clock);
        }
    }

    /// Forces what the causal past has of the register that was read, of each chain the last,
    /// before the author of the read; but not what is in the author's own past.
    fn look(&self, reader: u32, read: Read, force: &mut impl FnMut(Forced)) {
        let writers = self.writers.of(read.key);
        let author = match read.author {
            INIT => NONE,
            author => self.rows[author as usize],
        };
        let mut found = |chain: u32, place: u32| {
            let before = self.chains.member(chain, place);
            if before != read.author {
                force(Forced {
                    before,
                    after: read.author,
                    reader,
                    key: read.key,
                });
            }
        };
        // What lies between the past of the author and that of the reader.
        let bounds = |chain: u32| {
            let known = match author {
                NONE => 0,
                row => self.clocks.kept(row, chain),
            };
            (known, self.clocks.get(&self.clock, chain))
        };
        if writers.len() <= FEW {
            for (at, &(chain, place)) in writers.iter().enumerate() {
                let (known, seen) = bounds(chain);
                let last = writers.get(at + 1);
                let last = last.is_none_or(|next| next.0 != chain || next.1 >= seen);
                if place >= known && place < seen && last {
                    found(chain, place);
                }
            }
            return;
        }
        for chunk in 0..self.clocks.width() {
            if author != NONE && self.clocks.share(&self.clock, author, chunk) {
                continue;
            }
            let range = self.clocks.chains(chunk);
            let first = writers.partition_point(|writer| writer.0 < range.start);
            let mut rest = &writers[first..];
            while let Some(&(chain, _)) = rest.first().filter(|writer| writer.0 < range.end) {
                let (known, seen) = bounds(chain);
                let end = gallop(rest, |writer| writer.0 <= chain);
                let within = gallop(&rest[..end], |writer| writer.1 < seen);
                if within > 0 && rest[within - 1].1 >= known {
                    found(chain, rest[within - 1].1);
                }
                rest = &rest[end..];
            }
        }
    }
}

/// How many items at the beginning are such, where all such come first; in time logarithmic in
/// that number.
fn gallop<T>(items: &[T], is: impl Fn(&T) -> bool) -> usize {
    let mut end = 1;
    while end < items.len() && is(&items[end - 1]) {
        end *= 2;
    }
    let start = end / 2;
    let end = end.min(items.len());
    start + items[start..end].partition_point(is)
}
