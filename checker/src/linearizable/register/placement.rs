//! Failed compare-and-sets as observations, where every value was written once: somewhere in its
//! time the register must have held another value than it had named.
//!
//! 1. What is wrong without them is wrong with them: that was decided before.
//! 2. An order without them is made. In it, each value stands in one stretch; a failed
//!    compare-and-set has a place if its own stretch reaches beyond that.
//! 3. If it has none although the register certainly held the value throughout, nothing helps:
//!    an operation that wrote or found it had ended before, and one that found it begins after.
//! 4. Otherwise the operations around it are put into another order by a search, with the value
//!    before them and after them as they were. What lies outside stays in order: whoever is
//!    outside and must come first was placed before the window already. If no order is found
//!    the window grows, and in the end it is the whole key.

use rustc_hash::FxHashMap;

use super::clusters::Clusters;
use super::obligations::Obligations;
use super::order::order;
use super::rows::{Mismatch, NONE, Row, Rows};
use super::view::{Action, INITIAL, Item, ValueId};
use super::zones::Zones;
use crate::linearizable::search::{Answer, Limits, Wanted, search_with};
use crate::model::CasRegister;

/// How far a window reaches beyond the operation without a place, at first.
const FIRST_REACH: u32 = 4;
/// By how much it grows, and how often.
const GROWTH: u32 = 8;
const ROUNDS: u32 = 4;
/// How many steps the search of a window may take.
const WINDOW_STEPS: u64 = 1 << 14;

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Placed {
    /// All have a place.
    All,
    /// One has no place in any order; known by this rank.
    Impossible(u64),
    /// Not known: at least one has no place in the orders that were tried.
    NotAll,
}

/// Looks for places of all failed compare-and-sets among rows that have an order. Says also how
/// many steps were searched.
pub(super) fn place(rows: &Rows, zones: &Zones, limits: &Limits) -> (Placed, u64) {
    let (placed, steps, _) = find(rows, zones, limits, Wanted::Answer);
    (placed, steps)
}

/// An order of all, as operations, if one is found.
pub(super) fn order_of_all(rows: &Rows, zones: &Zones, limits: &Limits) -> Option<Vec<u32>> {
    find(rows, zones, limits, Wanted::Order).2
}

/// What came of it, in how many steps, and an order if there is one and it is wanted.
fn find(
    rows: &Rows,
    zones: &Zones,
    limits: &Limits,
    wanted: Wanted,
) -> (Placed, u64, Option<Vec<u32>>) {
    if let Some(by) = impossible(rows, &zones.clusters) {
        return (Placed::Impossible(by), 0, None);
    }
    let line = Line::new(rows, order(rows, zones));
    let mut steps = 0;
    let mut reach = FIRST_REACH;
    let mut windows: Vec<Window> = Vec::new();
    for _ in 0..ROUNDS {
        for _ in 0..ROUNDS {
            let Assigned { stuck, .. } = line.assign(&mut windows);
            if stuck.is_empty() {
                break;
            }
            let around = stuck.iter().map(|span| line.around(span, reach));
            windows = merged(windows.into_iter().chain(around).collect());
        }
        let Assigned { stuck, places } = line.assign(&mut windows);
        if !stuck.is_empty() {
            break;
        }
        for window in windows.iter_mut().filter(|window| !window.ordered) {
            let left = Limits {
                steps: WINDOW_STEPS.min(limits.steps.saturating_sub(steps)),
                ..*limits
            };
            let (items, operations) = line.items(window);
            let model = CasRegister { initial: INITIAL };
            let obligations = |of_item: &[u32]| Obligations::new(&items, of_item);
            let found = search_with(&model, &items, obligations, &left, wanted);
            steps += found.steps + items.len() as u64;
            window.ordered = found.answer == Answer::Linearizable;
            let order = found.order.unwrap_or_default().into_iter();
            window.order = order.filter_map(|at| operations[at]).collect();
        }
        if windows.iter().all(|window| window.ordered) {
            let order = (wanted == Wanted::Order).then(|| line.order_with(&windows, &places));
            return (Placed::All, steps, order);
        }
        if steps >= limits.steps {
            break;
        }
        reach *= GROWTH;
        for window in windows.iter_mut().filter(|window| !window.ordered) {
            line.widen(window, reach);
        }
        windows = merged(windows);
    }
    (Placed::NotAll, steps, None)
}

/// The rank by which one is seen that found another value while the register certainly held the
/// one it had named.
fn impossible(rows: &Rows, clusters: &Clusters) -> Option<u64> {
    let certainly = |mismatch: &&Mismatch| {
        let value = mismatch.forbids as usize;
        let written = match clusters.writer[value] {
            NONE if mismatch.forbids == INITIAL => 0,
            NONE => NONE,
            row => rows.list[row as usize].end,
        };
        let still = match clusters.next[value] {
            NONE => 0,
            row => rows.list[row as usize].start,
        };
        written.min(clusters.first_end[value]) < mismatch.start
            && still.max(clusters.last_start[value]) > mismatch.end
    };
    let value = rows.mismatches.iter().find(certainly)?.forbids;
    // By then at the latest.
    let about = |row: &&Row| row.needs == value && !row.pending();
    let ends = rows.list.iter().filter(about).map(|row| row.end);
    let next = clusters.next[value as usize];
    let pending = next != NONE && rows.list[next as usize].pending();
    let mut last = ends.max().unwrap_or(0);
    if pending {
        let all = rows.list.iter().filter(|row| !row.pending());
        last = all.map(|row| row.end).max().unwrap_or(0);
    }
    let own = rows
        .mismatches
        .iter()
        .filter(|other| other.forbids == value);
    let last = own.map(|own| own.end).fold(last, u32::max);
    Some(u64::from(last) - 1)
}

/// The places in an order where an operation may stand: before the operation at each.
#[derive(Clone, Copy, Debug)]
struct Span {
    from: u32,
    to: u32,
    /// What it must not find.
    forbids: ValueId,
}

/// Part of an order, that may be put into another.
#[derive(Clone, Debug)]
struct Window {
    from: u32,
    to: u32,
    /// The failed compare-and-sets that must have their place in it.
    mismatches: Vec<u32>,
    /// Whether an order of it with them was found.
    ordered: bool,
    /// That order, as operations, if it was wanted.
    order: Vec<u32>,
}

/// Where failed compare-and-sets go.
struct Assigned {
    /// The possible places of those that go nowhere.
    stuck: Vec<Span>,
    /// Of each twice the place before which it goes, and one more if it goes into the window that
    /// begins there.
    places: Vec<u32>,
}

/// Windows that overlap made one.
fn merged(mut windows: Vec<Window>) -> Vec<Window> {
    windows.sort_unstable_by_key(|window| (window.from, window.to));
    let mut merged: Vec<Window> = Vec::with_capacity(windows.len());
    for window in windows {
        match merged.last_mut() {
            Some(last) if window.from <= last.to => {
                last.to = last.to.max(window.to);
                last.ordered = false;
            }
            _ => merged.push(window),
        }
    }
    merged
}

/// An order, and what is known about its places.
struct Line<'a> {
    rows: &'a Rows,
    order: Vec<u32>,
    /// By place: the latest start up to it.
    last_start: Vec<u32>,
    /// By place: the first end from it on.
    first_end: Vec<u32>,
    /// By value: the first and the last place where it is held; none if the first is [`NONE`].
    held: Vec<(u32, u32)>,
    /// The values that are held, with the first place of each.
    values: Vec<(u32, ValueId)>,
}

impl<'a> Line<'a> {
    fn new(rows: &'a Rows, order: Vec<u32>) -> Line<'a> {
        let row = |at: &u32| &rows.list[*at as usize];
        let mut latest = 0;
        let starts = order.iter().map(|at| {
            latest = row(at).start.max(latest);
            latest
        });
        let last_start: Vec<u32> = starts.collect();
        let mut first_end = vec![NONE; order.len()];
        let mut first = NONE;
        for (place, at) in order.iter().enumerate().rev() {
            first = row(at).end.min(first);
            first_end[place] = first;
        }
        let mut held = vec![(NONE, NONE); rows.values as usize];
        let mut values = vec![(0, INITIAL)];
        held[INITIAL as usize].0 = 0;
        let mut holds = INITIAL;
        for (place, at) in (0_u32..).zip(&order) {
            let leaves = row(at).leaves;
            if leaves != NONE {
                held[holds as usize].1 = place;
                held[leaves as usize].0 = place + 1;
                values.push((place + 1, leaves));
                holds = leaves;
            }
        }
        held[holds as usize].1 = order.len() as u32;
        Line {
            rows,
            order,
            last_start,
            first_end,
            held,
            values,
        }
    }

    /// Where a failed compare-and-set may stand.
    fn span(&self, mismatch: &Mismatch) -> Span {
        let ended = |end: &u32| *end < mismatch.start;
        let begun = |start: &u32| *start <= mismatch.end;
        Span {
            from: self.first_end.partition_point(ended) as u32,
            to: self.last_start.partition_point(begun) as u32,
            forbids: mismatch.forbids,
        }
    }

    /// The first place from one to another, within the span, that has another value.
    fn free(&self, span: &Span, from: u32, to: u32) -> Option<u32> {
        let (from, to) = (span.from.max(from), span.to.min(to));
        let (first, last) = self.held[span.forbids as usize];
        let place = if first == NONE || from < first {
            from
        } else {
            from.max(last + 1)
        };
        (place <= to).then_some(place)
    }

    /// The value at a place.
    fn value(&self, place: u32) -> ValueId {
        let until = self.values.partition_point(|&(first, _)| first <= place);
        self.values[until - 1].1
    }

    fn around(&self, span: &Span, reach: u32) -> Window {
        let mut window = Window {
            from: span.from,
            to: span.to,
            mismatches: Vec::new(),
            ordered: false,
            order: Vec::new(),
        };
        self.widen(&mut window, reach);
        window
    }

    fn widen(&self, window: &mut Window, reach: u32) {
        window.from = window.from.saturating_sub(reach);
        window.to = (window.to + reach).min(self.order.len() as u32);
    }

    /// Gives every failed compare-and-set the first place that it can have outside the windows
    /// after all that had ended before it began, or else gives it to a window. Those for which
    /// there is neither are stuck.
    fn assign(&self, windows: &mut [Window]) -> Assigned {
        let mismatches = &self.rows.mismatches;
        let mut of_window: Vec<Vec<u32>> = vec![Vec::new(); windows.len()];
        let mut stuck = Vec::new();
        let mut by_end: Vec<u32> = (0..mismatches.len() as u32).collect();
        by_end.sort_by_key(|&at| mismatches[at as usize].end);
        let mut ended = by_end.into_iter().peekable();
        let mut places = vec![0_u32; mismatches.len()];
        let mut least = 0;
        for (at, mismatch) in mismatches.iter().enumerate() {
            let over = |&at: &u32| mismatches[at as usize].end < mismatch.start;
            while let Some(before) = ended.next_if(over) {
                least = least.max(places[before as usize]);
            }
            let span = self.span(mismatch);
            places[at] = match self.outside(&span, least, windows) {
                Some(place) => 2 * place,
                None => match inside(&span, least, windows) {
                    Some(which) => {
                        of_window[which].push(at as u32);
                        2 * windows[which].from + 1
                    }
                    None => {
                        stuck.push(span);
                        least
                    }
                },
            };
        }
        for (window, mismatches) in windows.iter_mut().zip(of_window) {
            window.ordered &= window.mismatches == mismatches;
            window.mismatches = mismatches;
        }
        Assigned { stuck, places }
    }

    /// All operations in order: the windows in theirs, and failed compare-and-sets where they go.
    fn order_with(&self, windows: &[Window], places: &[u32]) -> Vec<u32> {
        let mismatches = &self.rows.mismatches;
        // Of those at the same place none ended before one began that comes before it.
        let mut outside: Vec<(u32, u32, usize)> = (places.iter().enumerate())
            .filter(|(_, place)| *place % 2 == 0)
            .map(|(at, place)| (place / 2, mismatches[at].start, at))
            .collect();
        outside.sort_unstable();
        let mut outside = outside.into_iter().peekable();
        let mut windows = windows.iter().peekable();
        let mut order = Vec::with_capacity(self.order.len() + mismatches.len());
        let mut place = 0;
        loop {
            while let Some((_, _, at)) = outside.next_if(|next| next.0 <= place) {
                order.push(mismatches[at].operation);
            }
            if let Some(window) = windows.next_if(|window| window.from <= place) {
                order.extend_from_slice(&window.order);
                place = window.to;
                continue;
            }
            let Some(&row) = self.order.get(place as usize) else {
                return order;
            };
            order.push(self.rows.list[row as usize].operation);
            place += 1;
        }
    }

    /// The first free place in no window, at least this (doubled) one.
    fn outside(&self, span: &Span, least: u32, windows: &[Window]) -> Option<u32> {
        let mut span = *span;
        let end = self.order.len() as u32;
        // What a window leaves that nothing comes after is not known.
        if windows.last().is_some_and(|last| last.to == end) {
            span.to = span.to.min(end.checked_sub(1)?);
        }
        let span = &span;
        let mut from = span.from.max(least.div_ceil(2));
        let next = windows.partition_point(|window| window.to <= from);
        for window in &windows[next..] {
            if window.from > span.to {
                break;
            }
            if let Some(place) = self.free(span, from, window.from) {
                return Some(place);
            }
            from = from.max(window.to);
        }
        self.free(span, from, span.to)
    }

    /// The operations of a window as a problem of its own: what was there before it is written
    /// first, what must be there after it is read last. With the operations that they are.
    fn items(&self, window: &Window) -> (Vec<Item>, Vec<Option<u32>>) {
        /// After every rank.
        const AFTERWARDS: u64 = 1 << 40;
        let mut numbers: FxHashMap<ValueId, ValueId> = FxHashMap::default();
        numbers.insert(INITIAL, INITIAL);
        let mut number = |value: ValueId| {
            let next = numbers.len() as ValueId;
            *numbers.entry(value).or_insert(next)
        };
        let mut items: Vec<(Item, Option<u32>)> = Vec::new();
        let item = |action: Action, start: u64, end: u64, operation: Option<u32>| {
            let item = Item {
                operation: 0,
                action,
                start,
                end,
                returned: 0,
            };
            (item, operation)
        };
        let end = |end: u32| {
            if end == NONE {
                u64::MAX
            } else {
                u64::from(end)
            }
        };
        let before = Action::Write(number(self.value(window.from)));
        items.push(item(before, 0, 0, None));
        for &at in &self.order[window.from as usize..window.to as usize] {
            let row = &self.rows.list[at as usize];
            let action = match (row.needs, row.leaves) {
                (needs, NONE) => Action::Read(number(needs)),
                (NONE, leaves) => Action::Write(number(leaves)),
                (from, to) => Action::Cas {
                    from: number(from),
                    to: number(to),
                },
            };
            let operation = Some(row.operation);
            items.push(item(action, row.start.into(), end(row.end), operation));
        }
        for &at in &window.mismatches {
            let mismatch = &self.rows.mismatches[at as usize];
            let action = Action::Mismatch(number(mismatch.forbids));
            let operation = Some(mismatch.operation);
            items.push(item(
                action,
                mismatch.start.into(),
                end(mismatch.end),
                operation,
            ));
        }
        if window.to < self.order.len() as u32 {
            let after = Action::Read(number(self.value(window.to)));
            items.push(item(after, AFTERWARDS, AFTERWARDS + 1, None));
        }
        items.sort_by_key(|(item, _)| item.start);
        for (at, (item, _)) in items.iter_mut().enumerate() {
            item.operation = at;
        }
        items.into_iter().unzip()
    }
}

/// The first window that reaches into the span, at least at this (doubled) place.
fn inside(span: &Span, least: u32, windows: &[Window]) -> Option<usize> {
    let first =
        windows.partition_point(|window| window.to < span.from || 2 * window.from + 1 < least);
    let window = windows.get(first)?;
    (window.from <= span.to).then_some(first)
}
