//! Makes the problem smaller before anything is searched, without changing the answer.
//!
//! - What is written and can never be compared with anything afterwards becomes [`OTHER`]: such
//!   values are interchangeable.
//! - An operation of unknown outcome whose effect nobody can observe is dropped: leaving it out
//!   is always at least as good. (By hand in etcd's tests: etcd PR 20131 and 20161.)
//! - A value with one possible writer was written before its first observer ended, and its
//!   observers took place after the writer began. That bounds both, and makes an operation of
//!   unknown outcome that was observed a completed one.
//!
//! With distinct values nothing of unknown outcome is left, so that such operations cost nothing.

use super::view::{Action, INITIAL, Item, OTHER, ValueId, size_of_domain};

/// How often a rule is applied before the rest is left to the search: each round is linear, and
/// chains of unknown outcomes are short.
const ROUNDS: usize = 8;

/// The same problem, smaller. Ends that were drawn in keep the event that bounds them.
pub(in crate::linearizable) fn reduce(items: &[Item]) -> Vec<Item> {
    let mut items = items.to_vec();
    for _ in 0..ROUNDS {
        if !drop_unobservable(&mut items) {
            break;
        }
    }
    for _ in 0..ROUNDS {
        if !draw_in(&mut items) {
            break;
        }
    }
    items.sort_by_key(|item| (item.start, item.operation));
    items
}

/// Until when each value can be compared with, and until when a failed compare-and-set can tell
/// any two values apart.
struct Observed {
    last: Vec<u64>,
    last_mismatch: u64,
}

impl Observed {
    fn of(items: &[Item]) -> Observed {
        let mut observed = Observed {
            last: vec![0; size_of_domain(items)],
            last_mismatch: 0,
        };
        for item in items {
            let value = match &item.action {
                Action::Mismatch(value) => {
                    observed.last_mismatch = observed.last_mismatch.max(item.end);
                    value
                }
                Action::Read(value) | Action::Cas { from: value, .. } => value,
                Action::Write(_) => continue,
            };
            let last = &mut observed.last[*value as usize];
            *last = item.end.max(*last);
        }
        observed
    }

    /// Whether something that compares with a value may take place after this moment; at equal
    /// times it may.
    fn after(&self, value: ValueId, start: u64) -> bool {
        self.last[value as usize] >= start
    }
}

/// Applies the first two rules once; says whether anything was dropped.
fn drop_unobservable(items: &mut Vec<Item>) -> bool {
    let observed = Observed::of(items);
    let mut written = vec![false; observed.last.len()];
    for item in items.iter() {
        if let Some(&value) = item.action.writes()
            && value != OTHER
        {
            written[value as usize] = true;
        }
    }
    let before = items.len();
    items.retain_mut(|item| {
        let start = item.start;
        let pending = item.pending();
        match &mut item.action {
            Action::Cas { from, to } if from == to => return true,
            Action::Write(to) | Action::Cas { to, .. } => {
                if *to != OTHER && !observed.after(*to, start) {
                    *to = OTHER;
                }
                if pending && *to == OTHER && observed.last_mismatch < start {
                    return false;
                }
            }
            Action::Read(_) | Action::Mismatch(_) => return true,
        }
        let never_there = |from: ValueId| from != INITIAL && !written[from as usize];
        !(pending && matches!(item.action, Action::Cas { from, .. } if never_there(from)))
    });
    items.len() < before
}

/// Who writes a value.
#[derive(Clone, Copy)]
enum Writer {
    None,
    One(usize),
    Many,
}

/// Applies the third rule once; says whether an unknown outcome became known.
fn draw_in(items: &mut [Item]) -> bool {
    let mut writers = vec![Writer::None; size_of_domain(items)];
    for (at, item) in items.iter().enumerate() {
        if let Some(&value) = item.action.writes()
            && value != INITIAL
            && value != OTHER
        {
            let writer = &mut writers[value as usize];
            *writer = match writer {
                Writer::None => Writer::One(at),
                Writer::One(_) | Writer::Many => Writer::Many,
            };
        }
    }
    let mut decided = false;
    for reader in 0..items.len() {
        let Some(&value) = items[reader].action.requires() else {
            continue;
        };
        let Writer::One(writer) = writers[value as usize] else {
            continue;
        };
        let (end, returned) = (items[reader].end, items[reader].returned);
        let start = items[writer].start;
        // An observer that ended before the writer began is left for the search to refute.
        if items[reader].pending() || end < start || writer == reader {
            continue;
        }
        items[reader].start = items[reader].start.max(start);
        if end < items[writer].end {
            decided |= items[writer].pending();
            items[writer].end = end;
            items[writer].returned = returned;
        }
    }
    decided
}
