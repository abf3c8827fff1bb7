//! Every value with who wrote it, who found it and who replaced it, as columns; and which
//! operations of unknown outcome took effect.
//!
//! With distinct values that is known: what was written by an operation of unknown outcome took
//! effect if its value was found by an operation that completed, or replaced by one that took
//! effect itself; else leaving it out is always at least as good.

use super::rows::{NONE, Row, Rows};
use super::view::{INITIAL, ValueId};

/// Why operations with distinct values have no order, or that they may have one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// A value was found that nobody writes.
    Unwritten(ValueId),
    /// Two compare-and-sets, by their rows, replaced the same.
    ReplacedTwice(u32, u32),
}

/// By value: the writer, the readers, the successor.
pub(super) struct Clusters {
    /// The row that writes it, or [`NONE`].
    pub(super) writer: Vec<u32>,
    /// The first end of those that read it, or [`NONE`].
    pub(super) first_end: Vec<u32>,
    /// The last start of those that read it, or 0.
    pub(super) last_start: Vec<u32>,
    /// The row that replaced it by compare-and-set and took effect, or [`NONE`].
    pub(super) next: Vec<u32>,
    /// What is wrong already.
    pub(super) fault: Option<Fault>,
}

impl Clusters {
    /// `None` where a value has two writers.
    pub(super) fn new(rows: &Rows) -> Option<Clusters> {
        let values = rows.values as usize;
        let mut clusters = Clusters {
            writer: vec![NONE; values],
            first_end: vec![NONE; values],
            last_start: vec![0; values],
            next: vec![NONE; values],
            fault: None,
        };
        let mut undecided = Vec::new();
        for (at, row) in rows.list.iter().enumerate() {
            if row.leaves != NONE {
                let writer = &mut clusters.writer[row.leaves as usize];
                if row.leaves == INITIAL || *writer != NONE {
                    return None;
                }
                *writer = at as u32;
            }
            if row.needs == NONE {
                continue;
            }
            if row.pending() {
                undecided.push(at as u32);
            } else if row.leaves == NONE {
                let value = row.needs as usize;
                clusters.first_end[value] = clusters.first_end[value].min(row.end);
                clusters.last_start[value] = clusters.last_start[value].max(row.start);
            } else {
                clusters.replace(at as u32, row);
            }
        }
        clusters.decide(rows, &undecided);
        clusters.find_unwritten();
        Some(clusters)
    }

    fn replace(&mut self, at: u32, row: &Row) {
        let next = &mut self.next[row.needs as usize];
        if *next == NONE {
            *next = at;
        } else {
            self.fault = self.fault.or(Some(Fault::ReplacedTwice(*next, at)));
        }
    }

    /// Which compare-and-sets of unknown outcome took effect: those whose value was found, and
    /// so whoever wrote what they replaced.
    fn decide(&mut self, rows: &Rows, undecided: &[u32]) {
        for &first in undecided {
            let mut at = first;
            loop {
                let row = &rows.list[at as usize];
                if !self.found(row.leaves) || self.next[row.needs as usize] == at {
                    break;
                }
                self.replace(at, row);
                if self.next[row.needs as usize] != at {
                    break;
                }
                at = self.writer[row.needs as usize];
                if at == NONE || !rows.list[at as usize].pending() {
                    break;
                }
                if rows.list[at as usize].needs == NONE {
                    break;
                }
            }
        }
    }

    /// This is the simplest to tell, so it goes before the other fault.
    fn find_unwritten(&mut self) {
        for value in INITIAL + 1..self.writer.len() as u32 {
            if self.writer[value as usize] == NONE && self.found(value) {
                self.fault = Some(Fault::Unwritten(value));
                return;
            }
        }
    }

    /// Whether somebody certainly found this value.
    pub(super) fn found(&self, value: ValueId) -> bool {
        self.first_end[value as usize] != NONE || self.next[value as usize] != NONE
    }

    /// Whether the row, which writes, certainly took effect.
    pub(super) fn took_effect(&self, row: &Row) -> bool {
        !row.pending() || self.found(row.leaves)
    }

    /// The value that a row left which replaced this one.
    pub(super) fn successor(&self, rows: &Rows, value: ValueId) -> Option<ValueId> {
        let next = self.next[value as usize];
        (next != NONE).then(|| rows.list[next as usize].leaves)
    }
}
