//! What can be refuted without a search: a value was found that nobody can have left there.
//!
//! Most violations of real stores are of this kind, stale reads above all, and a search would
//! have to exhaust every order to see it.

use super::view::{INITIAL, Item, OTHER, ValueId, size_of_domain};

/// The end of the first operation, by its end, that found a value which nobody can have left
/// there: every writer of it either began after that operation had ended, or was certainly
/// overwritten before that operation began. The prefix up to there has no order.
pub(in crate::linearizable) fn impossible(items: &[Item]) -> Option<u64> {
    let overwritten = Overwritten::new(items);
    let writers = Writers::new(items);
    items
        .iter()
        .filter(|item| !item.pending())
        .filter(|item| {
            let Some(&value) = item.action.requires() else {
                return false;
            };
            let since = overwritten.before(item.start);
            let initially = value == INITIAL && since.is_none();
            let written = writers
                .last_end(value, item.end)
                .is_some_and(|end| since.is_none_or(|start| end >= start));
            !initially && !written
        })
        .map(|item| item.end)
        .min()
}

/// The latest start of all writers that certainly took effect, by when they ended.
pub(in crate::linearizable) struct Overwritten {
    by_end: Vec<(u64, u64)>,
}

impl Overwritten {
    /// Of these operations.
    pub(in crate::linearizable) fn new<'a>(
        items: impl IntoIterator<Item = &'a Item>,
    ) -> Overwritten {
        let certain = |item: &&Item| !item.pending() && item.action.writes().is_some();
        let mut by_end: Vec<(u64, u64)> = items
            .into_iter()
            .filter(certain)
            .map(|item| (item.end, item.start))
            .collect();
        by_end.sort_unstable();
        let mut latest = 0;
        for (_, start) in &mut by_end {
            latest = latest.max(*start);
            *start = latest;
        }
        Overwritten { by_end }
    }

    /// The latest start of those that had ended before this moment: what ended before that was
    /// certainly overwritten.
    pub(in crate::linearizable) fn before(&self, moment: u64) -> Option<u64> {
        let ended = self.by_end.partition_point(|&(end, _)| end < moment);
        ended.checked_sub(1).map(|last| self.by_end[last].1)
    }
}

/// By value: the latest end of all writers, by when they began. One list, cut by value.
struct Writers {
    begin: Vec<u32>,
    list: Vec<(u64, u64)>,
}

impl Writers {
    /// Of items that are sorted by start.
    fn new(items: &[Item]) -> Writers {
        let named = |item: &Item| {
            item.action
                .writes()
                .copied()
                .filter(|&value| value != OTHER)
        };
        let mut begin = vec![0_u32; size_of_domain(items) + 1];
        for value in items.iter().filter_map(named) {
            begin[value as usize + 1] += 1;
        }
        for at in 1..begin.len() {
            begin[at] += begin[at - 1];
        }
        let mut next = begin.clone();
        let mut list = vec![(0, 0); begin.last().map_or(0, |&all| all as usize)];
        for item in items {
            if let Some(value) = named(item) {
                let at = &mut next[value as usize];
                let first = *at == begin[value as usize];
                let before = if first { 0 } else { list[*at as usize - 1].1 };
                list[*at as usize] = (item.start, item.end.max(before));
                *at += 1;
            }
        }
        Writers { begin, list }
    }

    /// The latest end of those that wrote this value and had begun by this moment.
    fn last_end(&self, value: ValueId, moment: u64) -> Option<u64> {
        let value = value as usize;
        let writers = &self.list[self.begin[value] as usize..self.begin[value + 1] as usize];
        let begun = writers.partition_point(|&(start, _)| start <= moment);
        begun.checked_sub(1).map(|last| writers[last].1)
    }
}
