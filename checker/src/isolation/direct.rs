//! Anomalies that a single list or a single transaction shows, without any cycle.

use std::collections::BTreeMap;

use polygraph_history::EventIndex;

use super::orders::Orders;
use super::view::{NONE, Read, View};
use super::{At, Evidence, Kind};

/// Anomalies as they are found: all are counted, a few of each kind are kept.
pub(super) struct Findings {
    keep: usize,
    pub(super) counts: BTreeMap<Kind, u64>,
    pub(super) kept: BTreeMap<Kind, Vec<Evidence>>,
}

impl Findings {
    pub(super) const fn new(keep: usize) -> Findings {
        Findings {
            keep,
            counts: BTreeMap::new(),
            kept: BTreeMap::new(),
        }
    }

    /// Adds what others found.
    pub(super) fn take(&mut self, others: Findings) {
        for (kind, count) in others.counts {
            *self.counts.entry(kind).or_default() += count;
        }
        for (kind, evidence) in others.kept {
            let kept = self.kept.entry(kind).or_default();
            let room = self.keep - kept.len().min(self.keep);
            kept.extend(evidence.into_iter().take(room));
        }
    }

    /// Forgets all but these kinds.
    pub(super) fn retain(&mut self, keep: impl Fn(Kind) -> bool) {
        self.counts.retain(|&kind, _| keep(kind));
        self.kept.retain(|&kind, _| keep(kind));
    }

    pub(super) fn add(&mut self, kind: Kind, evidence: impl FnOnce() -> Evidence) {
        *self.counts.entry(kind).or_default() += 1;
        let kept = self.kept.entry(kind).or_default();
        if kept.len() < self.keep {
            kept.push(evidence());
        }
    }
}

impl View<'_> {
    /// The event that invoked a transaction.
    pub(super) fn invocation(&self, txn: u32) -> EventIndex {
        let operation = self.txns[txn as usize].operation as usize;
        self.history.operations()[operation].invoke
    }

    /// Where a read stands in the history.
    pub(super) fn at_read(&self, read: u32) -> At {
        let read = &self.reads[read as usize];
        At {
            transaction: self.invocation(read.txn),
            position: read.position as usize,
        }
    }

    /// Where an append stands in the history.
    pub(super) fn at_append(&self, append: u32) -> At {
        let append = &self.appends[append as usize];
        At {
            transaction: self.invocation(append.txn),
            position: append.position as usize,
        }
    }
}

/// Finds everything that needs no cycle, in time linear in the elements read.
pub(super) fn find(view: &View<'_>, orders: &Orders, findings: &mut Findings) {
    for &(txn, position) in &view.not_lists {
        let at = At {
            transaction: view.invocation(txn),
            position: position as usize,
        };
        findings.add(Kind::ThinAirRead, || Evidence::NotAList { read: at });
    }
    let faults: Vec<Option<Box<Faults>>> = (0..view.keys.len() as u32)
        .map(|key| Faults::of_order(view, orders, key))
        .collect();
    let unfinished = unfinished(view, orders);
    for (at, read) in view.reads.iter().enumerate() {
        let at = at as u32;
        if orders.fits[at as usize] {
            if let Some(faults) = &faults[read.key as usize] {
                report(view, at, faults, findings);
            }
            let last = unfinished[orders.state(read.key, read.len())];
            if last != NONE {
                intermediate(view, at, last, findings);
            }
        } else {
            let longest = orders.longest[read.key as usize];
            findings.add(Kind::IncompatibleOrder, || Evidence::Diverged {
                read: view.at_read(at),
                other: view.at_read(longest),
            });
            let elements: Vec<u32> = read
                .values()
                .iter()
                .map(|value| view.element(read.key, value).unwrap_or(NONE))
                .collect();
            report(view, at, &Faults::of(view, &elements), findings);
            let last = elements.last().filter(|&&element| element != NONE);
            if let Some(append) =
                last.and_then(|&element| view.elements[element as usize].only_append())
            {
                intermediate(view, at, append, findings);
            }
        }
    }
    for key in 0..view.keys.len() as u32 {
        lists(view, orders, key, findings);
    }
    Transactions::new(view, orders).find(findings);
}

/// The first position of a read at which something is wrong, by what that is.
#[derive(Default)]
struct Faults {
    unwritten: Option<usize>,
    aborted: Option<usize>,
    duplicate: Option<usize>,
}

impl Faults {
    /// Those of the order of a list, if there are any.
    fn of_order(view: &View<'_>, orders: &Orders, key: u32) -> Option<Box<Faults>> {
        let elements = orders.elements(key);
        let mut placed = elements.iter().enumerate();
        let sound = placed.all(|(position, &element)| {
            element != NONE
                && orders.position[element as usize] == position as u32
                && view.elements[element as usize].appends > 0
        });
        (!sound).then(|| Box::new(Faults::of(view, elements)))
    }

    fn of(view: &View<'_>, elements: &[u32]) -> Faults {
        let mut faults = Faults::default();
        let mut sorted: Vec<(u32, usize)> = Vec::with_capacity(elements.len());
        for (position, &element) in elements.iter().enumerate() {
            if element == NONE {
                faults.unwritten.get_or_insert(position);
                continue;
            }
            if view.elements[element as usize].appends == 0 {
                faults.aborted.get_or_insert(position);
            }
            sorted.push((element, position));
        }
        sorted.sort_unstable();
        for same in sorted.chunk_by(|a, b| a.0 == b.0) {
            let appends = view.elements[same[0].0 as usize].appends.max(1);
            if let Some(&(_, position)) = same.get(appends as usize) {
                let first = faults.duplicate.get_or_insert(position);
                *first = position.min(*first);
            }
        }
        faults
    }
}

/// Reports the faults that lie within what a read shows.
fn report(view: &View<'_>, at: u32, faults: &Faults, findings: &mut Findings) {
    let read = &view.reads[at as usize];
    let shown = |position: Option<usize>| position.filter(|&position| position < read.len());
    if let Some(position) = shown(faults.unwritten) {
        findings.add(Kind::ThinAirRead, || Evidence::Unwritten {
            read: view.at_read(at),
            element: read.values()[position].clone(),
        });
    }
    if let Some(position) = shown(faults.duplicate) {
        findings.add(Kind::DuplicateElements, || Evidence::Duplicate {
            read: view.at_read(at),
            element: read.values()[position].clone(),
        });
    }
    if let Some(position) = shown(faults.aborted)
        && let Some(element) = view.element(read.key, &read.values()[position])
    {
        let append = view.elements[element as usize].aborted;
        findings.add(Kind::G1a, || Evidence::Aborted {
            read: view.at_read(at),
            append: view.at_append(append),
        });
    }
}

/// Of each state of each list the append of its last element, if only one can have added it and
/// the same transaction appended again later; or [`NONE`].
fn unfinished(view: &View<'_>, orders: &Orders) -> Vec<u32> {
    let mut unfinished = vec![NONE; orders.states()];
    for key in 0..view.keys.len() as u32 {
        let after_first = orders.state(key, 1);
        for (at, &element) in orders.elements(key).iter().enumerate() {
            if element != NONE
                && let Some(append) = view.elements[element as usize].only_append()
                && view.appends[append as usize].next != NONE
            {
                unfinished[after_first + at] = append;
            }
        }
    }
    unfinished
}

/// Reports a read whose last element comes from this append, if another transaction made it and
/// went on to append.
fn intermediate(view: &View<'_>, at: u32, append: u32, findings: &mut Findings) {
    let found = view.appends[append as usize];
    if found.txn != view.reads[at as usize].txn && found.next != NONE {
        findings.add(Kind::G1b, || Evidence::Intermediate {
            read: view.at_read(at),
            append: view.at_append(append),
            later: view.at_append(found.next),
        });
    }
}

/// What the order of one list shows: appends on aborted ones, and transactions whose own appends
/// stand in another order than they were made.
fn lists(view: &View<'_>, orders: &Orders, key: u32, findings: &mut Findings) {
    let longest = orders.longest[key as usize];
    let mut aborted = None;
    // Every later append stands on the aborted one as well: one report a list.
    let mut reported = false;
    for (position, &element) in orders.elements(key).iter().enumerate() {
        // What stands here for the second time is wrong in any case, and shows no order.
        if element == NONE || orders.position[element as usize] != position as u32 {
            continue;
        }
        let known = &view.elements[element as usize];
        if known.appends == 0 {
            aborted.get_or_insert(known.aborted);
        }
        let Some(append) = known.only_append() else {
            continue;
        };
        if let Some(aborted) = aborted.filter(|_| !std::mem::replace(&mut reported, true)) {
            findings.add(Kind::DirtyUpdate, || Evidence::OnAborted {
                read: view.at_read(longest),
                aborted: view.at_append(aborted),
                committed: view.at_append(append),
            });
        }
        let earlier = view.appends[append as usize].previous;
        if earlier == NONE {
            continue;
        }
        let element = view.appends[earlier as usize].element;
        if view.elements[element as usize].only_append().is_none() {
            continue;
        }
        let place = orders.position[element as usize];
        if place == NONE || place as usize > position {
            findings.add(Kind::IncompatibleOrder, || Evidence::Reordered {
                read: view.at_read(longest),
                earlier: view.at_append(earlier),
                later: view.at_append(append),
            });
        }
    }
}

/// What a transaction shows by itself, and with others that changed a list from the same state.
struct Transactions<'v, 'h> {
    view: &'v View<'h>,
    orders: &'v Orders,
    /// Of each list what the transaction that used it last did.
    lists: Vec<Last>,
    /// Of each state of each list the read of a transaction that went on to change it.
    changed_from: Vec<u32>,
}

/// What a transaction did to a list so far, each [`NONE`] if nothing.
#[derive(Clone, Copy)]
struct Last {
    txn: u32,
    read: u32,
    append: u32,
    longest_read: u32,
}

impl Last {
    const fn nothing(txn: u32) -> Last {
        Last {
            txn,
            read: NONE,
            append: NONE,
            longest_read: NONE,
        }
    }
}

impl<'v, 'h> Transactions<'v, 'h> {
    fn new(view: &'v View<'h>, orders: &'v Orders) -> Transactions<'v, 'h> {
        Transactions {
            view,
            orders,
            lists: vec![Last::nothing(NONE); view.keys.len()],
            changed_from: vec![NONE; orders.states()],
        }
    }

    fn find(&mut self, findings: &mut Findings) {
        for txn in 0..self.view.txns.len() as u32 {
            let reads = self.view.reads_of(txn);
            if reads.is_empty() {
                continue;
            }
            let mut appends = self.view.appends_of(txn);
            for read in reads {
                let position = self.view.reads[read as usize].position;
                while !appends.is_empty()
                    && self.view.appends[appends.start as usize].position < position
                {
                    self.append(appends.start, findings);
                    appends.start += 1;
                }
                self.read(read, findings);
            }
            for append in appends {
                self.append(append, findings);
            }
        }
    }

    /// What this transaction did to a list so far.
    fn last(&mut self, key: u32, txn: u32) -> &mut Last {
        let last = &mut self.lists[key as usize];
        if last.txn != txn {
            *last = Last::nothing(txn);
        }
        last
    }

    fn read(&mut self, at: u32, findings: &mut Findings) {
        let read = self.view.reads[at as usize];
        let Read { txn, key, .. } = read;
        let last = *self.last(key, txn);
        if (last.read, last.append) != (NONE, NONE) && !self.is_as_expected(at, last) {
            findings.add(Kind::Internal, || Evidence::Internal {
                read: self.view.at_read(at),
            });
        }
        let longest = match last.longest_read {
            NONE => at,
            other if self.view.reads[other as usize].len() < read.len() => at,
            other => other,
        };
        self.lists[key as usize] = Last {
            read: at,
            longest_read: longest,
            ..last
        };
    }

    /// Whether a read is what the one before it showed and what was appended since, or ends with
    /// what was appended if there is none before it.
    fn is_as_expected(&self, at: u32, last: Last) -> bool {
        let read = self.view.reads[at as usize];
        let (key, values) = (read.key, read.values());
        let fits = self.orders.fits[at as usize];
        let before = (last.read != NONE).then(|| &self.view.reads[last.read as usize]);
        let mut left = values.len();
        let mut append = last.append;
        while append != NONE {
            let own = &self.view.appends[append as usize];
            if before.is_some_and(|read| own.position < read.position) {
                break;
            }
            let Some(place) = left.checked_sub(1) else {
                return false;
            };
            let same = match fits {
                true => self.orders.elements(key)[place] == own.element,
                false => values[place] == *own.value,
            };
            if !same {
                return false;
            }
            left = place;
            append = own.previous;
        }
        match before {
            None => true,
            Some(read) => {
                let both_fit = fits && self.orders.fits[last.read as usize];
                left == read.len() && (both_fit || values[..left] == *read.values())
            }
        }
    }

    fn append(&mut self, at: u32, findings: &mut Findings) {
        let append = self.view.appends[at as usize];
        let last = *self.last(append.key, append.txn);
        if last.read != NONE {
            let element = self.view.elements[append.element as usize];
            let value = append.value;
            // Of reads that do not contradict one another the longest shows what any does.
            let shows = |read| self.orders.shows(self.view, read, append.element, value);
            if element.only_append() == Some(at)
                && let Some(read) = [last.read, last.longest_read]
                    .into_iter()
                    .find(|&read| shows(read))
            {
                findings.add(Kind::FutureRead, || Evidence::Future {
                    read: self.view.at_read(read),
                    append: self.view.at_append(at),
                });
            }
            if append.previous == NONE && self.orders.fits[last.read as usize] {
                self.change(last.read, at, findings);
            }
        }
        self.lists[append.key as usize].append = at;
    }

    /// A transaction read a list and then changes it for the first time.
    fn change(&mut self, read: u32, append: u32, findings: &mut Findings) {
        let Read { key, .. } = self.view.reads[read as usize];
        let state = self.orders.state(key, self.view.reads[read as usize].len());
        let earlier = self.changed_from[state];
        if earlier == NONE {
            self.changed_from[state] = read;
            return;
        }
        let txn = self.view.reads[earlier as usize].txn;
        let earlier_append = self
            .view
            .appends_of(txn)
            .find(|&append| self.view.appends[append as usize].key == key)
            .unwrap_or(append);
        findings.add(Kind::LostUpdate, || Evidence::SameState {
            read: self.view.at_read(earlier),
            append: self.view.at_append(earlier_append),
            other_read: self.view.at_read(read),
            other_append: self.view.at_append(append),
        });
    }
}
