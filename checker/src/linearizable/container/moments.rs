//! Moments that are enough to find an order, some of which are ruled out.
//!
//! At a beginning nothing gets worse: an operation has become possible, or an element need not be
//! in any longer. So of all moments only the last before an end matters, each after as many
//! beginnings as possible. Beginnings come before ends of the same rank.

use crate::linearizable::item::Item;

/// The moments that matter.
pub(super) struct Moments {
    /// The ranks, sorted; empty if every rank is its own place in `of_rank`.
    ranks: Vec<u64>,
    /// The moment to which what happens at a rank belongs: a beginning comes before it, an end
    /// after it.
    of_rank: Vec<u32>,
    count: u32,
}

const BEGINS: u8 = 1;
const ENDS: u8 = 2;

impl Moments {
    /// Of all operations.
    pub(super) fn of<A>(items: &[Item<A>]) -> Moments {
        let starts = || items.iter().map(|item| item.start);
        let ended = || items.iter().filter(|item| !item.pending());
        let ends = || ended().map(|item| item.end);
        let last = starts().chain(ends()).max().unwrap_or(0);
        let mut ranks = Vec::new();
        if last > 8 * items.len() as u64 + 64 {
            ranks.extend(starts().chain(ends()));
            ranks.sort_unstable();
            ranks.dedup();
        }
        let mut moments = Moments {
            of_rank: vec![
                0;
                if ranks.is_empty() {
                    last as usize + 1
                } else {
                    ranks.len()
                }
            ],
            ranks,
            count: 0,
        };
        let mut happens = vec![0_u8; moments.of_rank.len()];
        for item in items {
            happens[moments.place(item.start)] |= BEGINS;
            if !item.pending() {
                happens[moments.place(item.end)] |= ENDS;
            }
        }
        let mut after_end = false;
        for (moment, happens) in moments.of_rank.iter_mut().zip(happens) {
            if happens & BEGINS != 0 && after_end {
                moments.count += 1;
                after_end = false;
            }
            after_end |= happens & ENDS != 0;
            *moment = moments.count;
        }
        moments.count += 1;
        moments
    }

    fn place(&self, rank: u64) -> usize {
        if self.ranks.is_empty() {
            rank as usize
        } else {
            self.ranks.partition_point(|&other| other < rank)
        }
    }

    /// How many there are; also the number of what never comes.
    pub(super) const fn count(&self) -> u32 {
        self.count
    }

    /// The moment to which a rank of an operation belongs.
    pub(super) fn number(&self, rank: u64) -> u32 {
        if rank == u64::MAX {
            return self.count;
        }
        self.of_rank[self.place(rank)]
    }
}

/// Which moments are still possible: union-find over those that are not (Tarjan, *Efficiency of a
/// good but not linear set union algorithm*, J. ACM 22, 1975).
pub(super) struct Possible {
    /// Of an impossible moment, a later one up to which none is possible.
    later: Vec<u32>,
    /// The same backwards, with all moments one further; 0 is before all.
    earlier: Vec<u32>,
}

impl Possible {
    /// All.
    pub(super) fn all(count: u32) -> Possible {
        Possible {
            later: (0..=count).collect(),
            earlier: (0..=count + 1).collect(),
        }
    }

    /// The first possible moment from here on; the number of moments if there is none.
    pub(super) fn next(&mut self, from: u32) -> u32 {
        find(&mut self.later, from)
    }

    /// The last possible moment up to here.
    pub(super) fn last(&mut self, to: u32) -> Option<u32> {
        find(&mut self.earlier, to + 1).checked_sub(1)
    }

    /// Rules out what lies strictly between two moments.
    pub(super) fn rule_out(&mut self, after: u32, before: u32) {
        let mut at = self.next((after + 1).min(before));
        while at < before {
            self.later[at as usize] = at + 1;
            self.earlier[at as usize + 1] = at;
            at = self.next(at + 1);
        }
    }
}

fn find(parents: &mut [u32], mut at: u32) -> u32 {
    while parents[at as usize] != at {
        let parent = parents[at as usize];
        parents[at as usize] = parents[parent as usize];
        at = parents[at as usize];
    }
    at
}
