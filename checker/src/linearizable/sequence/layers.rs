//! Operations in layers: whether real time allows that each layer comes behind the one before.
//!
//! An order exists when no operation ended before one began that must come before it. Pairs
//! suffice: real time is an interval order (Fishburn, *Interval orders and interval graphs*,
//! 1985), so that of any longer cycle two operations alone are one. Additions of which nothing is
//! known fill gaps, the one with the last possible place nearest first; as their possible places
//! are intervals, that succeeds whenever anything does (Glover, *Maximum matching in a convex
//! bipartite graph*, Naval Research Logistics 1967). O(n log n).

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;

use crate::linearizable::item::Item;

/// When an operation began and ended.
pub(super) type Span = (u64, u64);

/// The spans of items.
pub(super) fn spans<A>(items: &[Item<A>]) -> Vec<Span> {
    items.iter().map(|item| (item.start, item.end)).collect()
}

/// What is known of the order of operations: they stand in layers, each of which comes behind all
/// of those before it.
#[derive(Debug, Default)]
pub(super) struct Layers {
    /// When the operations were.
    pub(super) spans: Vec<Span>,
    /// How many layers there are.
    pub(super) count: usize,
    /// Operations with their layers.
    pub(super) entries: Vec<(usize, usize)>,
    /// How many free operations there must be in a layer besides; by layer.
    pub(super) gaps: Vec<(usize, u64)>,
    /// Operations that come anywhere behind the first so many layers.
    pub(super) late: Vec<(usize, usize)>,
    /// Operations that fill a gap or come behind all layers; pending ones that do neither did not
    /// happen.
    pub(super) free: Vec<usize>,
}

/// Why the layers cannot be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Conflict {
    /// `early` ended before `late` began, which must come before it.
    Order { early: usize, late: usize },
    /// There are not enough free operations for the gaps up to a layer.
    Short {
        /// Which.
        layer: usize,
        /// The operation that ended first of those that come behind it.
        shown_by: usize,
    },
    /// There are too many free operations for the gaps in some layers.
    Crowded {
        /// Which: they must go there.
        layers: Range<usize>,
        /// An operation of the last of these layers that began after all of them had ended.
        before: usize,
        /// An operation behind the layers before these that ended before any of them began; if
        /// there are layers before.
        behind: Option<usize>,
        /// The free operations: one more than there are gaps.
        free: Vec<usize>,
    },
}

/// Where free operations go.
#[derive(Debug, Default)]
pub(super) struct Placement {
    /// The layer of each; the number of layers for those behind all.
    places: Vec<(usize, usize)>,
}

/// Where a free operation may go.
struct Window {
    first: usize,
    last: usize,
}

impl Layers {
    fn start(&self, item: usize) -> u64 {
        self.spans[item].0
    }

    fn end(&self, item: usize) -> u64 {
        self.spans[item].1
    }

    fn pending(&self, item: usize) -> bool {
        self.end(item) == u64::MAX
    }

    /// For each number of layers, the operation in them that began last.
    fn last_started(&self) -> Vec<Option<usize>> {
        let mut list = vec![None; self.count + 1];
        let later = |a: Option<usize>, b: Option<usize>| {
            a.into_iter().chain(b).max_by_key(|&item| self.start(item))
        };
        for &(layer, item) in &self.entries {
            list[layer + 1] = later(list[layer + 1], Some(item));
        }
        for at in 1..list.len() {
            list[at] = later(list[at], list[at - 1]);
        }
        list
    }

    /// For each layer, and all of them, the operation that must come behind it and ended first.
    fn first_ended(&self) -> Vec<Option<usize>> {
        let mut list = vec![None; self.count + 1];
        let sooner = |a: Option<usize>, b: Option<usize>| {
            a.into_iter().chain(b).min_by_key(|&item| self.end(item))
        };
        for &(behind, item) in self.entries.iter().chain(&self.late) {
            if let Some(last) = behind.checked_sub(1) {
                list[last] = sooner(list[last], Some(item));
            }
        }
        for at in (1..list.len()).rev() {
            list[at - 1] = sooner(list[at - 1], list[at]);
        }
        list
    }

    /// Finds places for all operations.
    ///
    /// # Errors
    /// Why there are none.
    pub(super) fn settle(&self) -> Result<Placement, Conflict> {
        let last_started = self.last_started();
        if let Some(conflict) = self.out_of_order(&last_started) {
            return Err(conflict);
        }
        let first_ended = self.first_ended();
        let mut windows: Vec<(Window, usize)> = (self.free.iter())
            .map(|&item| {
                let ended_before =
                    |&by: &Option<usize>| by.is_some_and(|by| self.end(by) < self.start(item));
                let begun_by =
                    |&by: &Option<usize>| by.is_none_or(|by| self.start(by) <= self.end(item));
                let window = Window {
                    first: first_ended.partition_point(ended_before),
                    last: last_started.partition_point(begun_by) - 1,
                };
                (window, item)
            })
            .collect();
        windows.sort_by_key(|(window, _)| Reverse(window.first));
        self.fill(windows, &last_started, &first_ended)
    }

    /// Two operations that real time puts in the wrong order: those of which it is known first.
    fn out_of_order(&self, last_started: &[Option<usize>]) -> Option<Conflict> {
        let all = self.entries.iter().chain(&self.late);
        all.filter_map(|&(after, early)| {
            let late = last_started[after]?;
            (self.end(early) < self.start(late)).then_some((early, late))
        })
        .min_by_key(|&(early, late)| (self.start(late), self.end(early)))
        .map(|(early, late)| Conflict::Order { early, late })
    }

    /// Fills the gaps with free operations, which are sorted by first place, backwards.
    fn fill(
        &self,
        mut waiting: Vec<(Window, usize)>,
        last_started: &[Option<usize>],
        first_ended: &[Option<usize>],
    ) -> Result<Placement, Conflict> {
        // By last place. Those that ended earlier come first, so that real time is kept.
        let mut open: BinaryHeap<Reverse<(usize, u64, usize)>> = BinaryHeap::new();
        let mut filled: Vec<Filled> = Vec::new();
        for &(layer, gaps) in self.gaps.iter().chain([&(self.count, u64::MAX)]) {
            while let Some((window, item)) = waiting.pop_if(|(window, _)| window.first <= layer) {
                open.push(Reverse((window.last, self.end(item), item)));
            }
            for _ in 0..gaps {
                match open.pop() {
                    Some(Reverse((last, _, item))) if last < layer => {
                        let stuck = Filled { layer, last, item };
                        return Err(self.crowded(&stuck, &filled, last_started, first_ended));
                    }
                    Some(Reverse((last, _, item))) => filled.push(Filled { layer, last, item }),
                    None if layer == self.count => break,
                    None => {
                        let shown_by = first_ended[layer].unwrap_or_default();
                        return Err(Conflict::Short { layer, shown_by });
                    }
                }
            }
        }
        let happened = |filled: &Filled| filled.layer < self.count || !self.pending(filled.item);
        let places = filled.into_iter().filter(happened);
        Ok(Placement {
            places: places.map(|filled| (filled.layer, filled.item)).collect(),
        })
    }

    /// What shows that a free operation has no place: those that must go where it must.
    fn crowded(
        &self,
        stuck: &Filled,
        filled: &[Filled],
        last_started: &[Option<usize>],
        first_ended: &[Option<usize>],
    ) -> Conflict {
        let last = stuck.last;
        // Where one was put that could have come behind, nobody waited who could not.
        let after = (filled.iter())
            .filter(|filled| filled.layer <= last && filled.last > last)
            .map(|filled| filled.layer)
            .max();
        let mut free: Vec<usize> = (filled.iter())
            .filter(|filled| filled.layer <= last && Some(filled.layer) > after)
            .map(|filled| filled.item)
            .collect();
        free.push(stuck.item);
        let begun = free
            .iter()
            .map(|&item| self.start(item))
            .min()
            .unwrap_or_default();
        let ended = free
            .iter()
            .map(|&item| self.end(item))
            .max()
            .unwrap_or_default();
        // As few layers as possible between which they all are.
        let behind = first_ended
            .partition_point(|by| by.is_some_and(|by| self.end(by) < begun))
            .checked_sub(1);
        let until = last_started.partition_point(|by| by.is_none_or(|by| self.start(by) <= ended));
        let from = behind.map_or(0, |layer| layer + 1);
        let until = until.min(self.count);
        let inside = |&&(layer, _): &&(usize, u64)| (from..until).contains(&layer);
        let gaps: u64 = self.gaps.iter().filter(inside).map(|(_, gaps)| gaps).sum();
        free.reverse();
        free.truncate(usize::try_from(gaps).map_or(usize::MAX, |gaps| gaps.saturating_add(1)));
        Conflict::Crowded {
            layers: from..until,
            before: last_started[until].unwrap_or_default(),
            behind: behind.and_then(|layer| first_ended[layer]),
            free,
        }
    }

    /// The operations in the order that a placement gives them.
    pub(super) fn order(&self, placement: &Placement) -> Vec<usize> {
        // Twice the layer, or one more for what comes behind it.
        let mut keys: Vec<(usize, u64, usize)> = Vec::new();
        let placed = self.entries.iter().chain(&placement.places);
        keys.extend(placed.map(|&(layer, item)| (2 * layer, self.start(item), item)));
        let mut ends: BinaryHeap<Reverse<(u64, usize)>> = (keys.iter())
            .map(|&(key, _, item)| Reverse((self.end(item), key)))
            .collect();
        let mut late = self.late.clone();
        late.sort_by_key(|&(_, item)| self.start(item));
        let mut ended = 0;
        for (after, item) in late {
            while let Some(&Reverse((end, key))) = ends.peek()
                && end < self.start(item)
            {
                ended = ended.max(key);
                ends.pop();
            }
            let least = (2 * after).saturating_sub(1);
            let key = least.max(ended);
            keys.push((key, self.start(item), item));
            ends.push(Reverse((self.end(item), key)));
        }
        keys.sort_unstable();
        keys.into_iter().map(|(_, _, item)| item).collect()
    }
}

/// A free operation with its place.
struct Filled {
    layer: usize,
    /// The last layer where it could have been.
    last: usize,
    item: usize,
}
