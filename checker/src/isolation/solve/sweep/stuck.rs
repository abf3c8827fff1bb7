//! Where a sweep was stuck, and what surrounds that place.

use super::super::Key;
use super::super::problem::{Precedes, Problem, Read};

/// Where a sweep found no way on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stuck {
    /// Whether it ran out of choices rather than of steps.
    pub exhausted: bool,
    /// Transactions by the moment at which they began.
    pub(super) order: Vec<u32>,
    /// How many were taken when most were.
    pub(super) taken: usize,
}

/// A part of a problem: the transactions around the place where a sweep was stuck, with all that
/// is known of them alone. Whatever contradicts the part contradicts the whole.
pub(in super::super) struct Window {
    pub(in super::super) problem: Problem,
    /// Of each transaction of the part its number in the whole.
    pub(in super::super) txns: Vec<u32>,
    pub(in super::super) keys: Vec<u32>,
}

impl Stuck {
    /// How many transactions were taken when most were.
    #[must_use]
    pub const fn taken(&self) -> usize {
        self.taken
    }

    /// So many transactions before the place, and so many after it.
    pub(in super::super) fn window(&self, problem: &Problem, size: usize) -> Window {
        let from = self.taken.saturating_sub(size);
        let to = (self.taken + size).min(self.order.len());
        let mut txns = self.order[from..to].to_vec();
        txns.sort_unstable();
        let place = |txn: u32| txns.binary_search(&txn).ok().map(|at| at as u32);
        let mut inside = Problem {
            transactions: txns.len() as u32,
            ..Problem::default()
        };
        if !problem.spans.is_empty() {
            inside.spans = txns
                .iter()
                .map(|&txn| problem.spans[txn as usize])
                .collect();
        }
        inside.precedes = problem
            .precedes
            .iter()
            .filter_map(|pair| {
                Some(Precedes {
                    before: place(pair.before)?,
                    after: place(pair.after)?,
                    because: pair.because,
                })
            })
            .collect();
        let mut keys = Vec::new();
        for (key, register) in (0..).zip(&problem.keys) {
            let writers = register.writers.iter().filter_map(|&writer| place(writer));
            let reads = register.reads.iter().filter_map(|read| {
                Some(Read {
                    reader: place(read.reader)?,
                    from: match read.from {
                        None => None,
                        Some(from) => Some(place(from)?),
                    },
                })
            });
            let part = Key {
                writers: writers.collect(),
                reads: reads.collect(),
            };
            if !part.writers.is_empty() {
                keys.push(key);
                inside.keys.push(part);
            }
        }
        Window {
            problem: inside,
            txns,
            keys,
        }
    }
}
