//! The order of a list's elements, from the longest read of it.
//!
//! Kingsbury and Alvaro, *Elle*, VLDB 14(3), 2020, section 4: a read of a list shows all states
//! that the list went through (traceability), and an element tells who appended it
//! (recoverability). Elements that the longest read lacks come after all that it shows, in an
//! order that nobody knows.

use polygraph_history::{Outcome, Value};
use rayon::prelude::*;

use super::view::{NONE, Read, View};

/// The orders of all lists, and what follows at once: which reads fit, who committed.
pub(super) struct Orders {
    /// Of each list the number of its longest read, or [`NONE`].
    pub(super) longest: Vec<u32>,
    /// Of each list where its states begin in the next three; a list of `n` elements has `n + 1`
    /// states. One more than there are lists.
    first: Vec<u32>,
    /// The element at this position, or [`NONE`] if nobody appended it.
    element: Vec<u32>,
    /// In this state, the last position before it that is known for certain, or [`NONE`].
    known_before: Vec<u32>,
    /// From this state on, the first such position, or [`NONE`].
    known_from: Vec<u32>,
    /// Of each element its position in the order, or [`NONE`].
    pub(super) position: Vec<u32>,
    /// Of each read whether it is a prefix of the longest.
    pub(super) fits: Vec<bool>,
    /// Appends that took place and that the longest read lacks, by list.
    unobserved: Vec<(u32, u32)>,
}

impl Orders {
    /// The orders, and of each transaction whether it certainly took place: it said so, or was
    /// observed.
    pub(super) fn new(view: &View<'_>) -> (Orders, Vec<bool>) {
        let longest = longest_reads(view);
        let fits = fitting_reads(view, &longest);
        let lengths = longest.iter().map(|&read| match read {
            NONE => 1,
            read => view.reads[read as usize].len() + 1,
        });
        let states = lengths.sum();
        let mut orders = Orders {
            longest,
            first: Vec::with_capacity(view.keys.len() + 1),
            element: Vec::with_capacity(states),
            known_before: Vec::with_capacity(states),
            known_from: Vec::with_capacity(states),
            position: vec![NONE; view.elements.len()],
            fits,
            unobserved: Vec::new(),
        };
        let outcomes = view.txns.iter().map(|txn| txn.outcome);
        let mut committed: Vec<bool> = outcomes.map(|outcome| outcome == Outcome::Ok).collect();
        for key in 0..view.keys.len() as u32 {
            orders.add_list(view, key, &mut committed);
        }
        orders.first.push(orders.element.len() as u32);
        orders.commit_what_misfits_observed(view, &mut committed);
        orders.find_unobserved(view, &committed);
        (orders, committed)
    }

    fn add_list(&mut self, view: &View<'_>, key: u32, committed: &mut [bool]) {
        let first = self.element.len();
        self.first.push(first as u32);
        let longest = self.longest[key as usize];
        let values: &[Value] = match longest {
            NONE => &[],
            read => view.reads[read as usize].values(),
        };
        let mut known = NONE;
        for (position, value) in values.iter().enumerate() {
            self.known_before.push(known);
            let element = view.element(key, value).unwrap_or(NONE);
            self.element.push(element);
            if element == NONE {
                continue;
            }
            let place = &mut self.position[element as usize];
            if *place != NONE {
                // A second time: wrong in any case, and it shows no order.
                continue;
            }
            *place = position as u32;
            if let Some(append) = view.elements[element as usize].only_append() {
                known = position as u32;
                committed[view.appends[append as usize].txn as usize] = true;
            }
        }
        // The state with all elements.
        self.known_before.push(known);
        self.element.push(NONE);
        self.known_from.resize(self.element.len(), NONE);
        for state in (first..self.element.len() - 1).rev() {
            let known = self.known_before[state + 1];
            let here = (state - first) as u32;
            self.known_from[state] = if known == here {
                here
            } else {
                self.known_from[state + 1]
            };
        }
    }

    fn commit_what_misfits_observed(&self, view: &View<'_>, committed: &mut [bool]) {
        for (read, _) in self.misfits(view) {
            for value in view.reads[read as usize].values() {
                if let Some(append) = view
                    .element(view.reads[read as usize].key, value)
                    .and_then(|element| view.elements[element as usize].only_append())
                {
                    committed[view.appends[append as usize].txn as usize] = true;
                }
            }
        }
    }

    fn find_unobserved(&mut self, view: &View<'_>, committed: &[bool]) {
        for (at, append) in view.appends.iter().enumerate() {
            if committed[append.txn as usize] && self.position[append.element as usize] == NONE {
                self.unobserved.push((append.key, at as u32));
            }
        }
        self.unobserved.sort_unstable();
    }

    /// Reads that are no prefix of the longest, each with that.
    pub(super) fn misfits(&self, view: &View<'_>) -> Vec<(u32, u32)> {
        let reads = 0..view.reads.len() as u32;
        reads
            .filter(|&read| !self.fits[read as usize])
            .map(|read| (read, self.longest[view.reads[read as usize].key as usize]))
            .collect()
    }

    /// The elements of a list in order, [`NONE`] for one that nobody appended.
    pub(super) fn elements(&self, key: u32) -> &[u32] {
        let first = self.first[key as usize] as usize;
        &self.element[first..self.first[key as usize + 1] as usize - 1]
    }

    /// In this state, the last position before it that is known for certain, or [`NONE`], and from
    /// it on the first.
    pub(super) fn known_around(&self, state: usize) -> (u32, u32) {
        (self.known_before[state], self.known_from[state])
    }

    /// A number for this state of a list, less than [`Orders::states`].
    pub(super) fn state(&self, key: u32, length: usize) -> usize {
        self.first[key as usize] as usize + length
    }

    /// The appends of a list that only one transaction can have made, in order.
    pub(super) fn known(&self, view: &View<'_>, key: u32) -> impl Iterator<Item = u32> {
        self.known_at_positions(view, key).map(|(_, append)| append)
    }

    /// The same, each with its position.
    pub(super) fn known_at_positions(
        &self,
        view: &View<'_>,
        key: u32,
    ) -> impl Iterator<Item = (usize, u32)> {
        let elements = self.elements(key).iter().enumerate();
        elements.filter_map(|(position, &element)| {
            let first = element != NONE && self.position[element as usize] == position as u32;
            let append = first.then(|| view.elements[element as usize].only_append())??;
            Some((position, append))
        })
    }

    /// How many states all lists have.
    pub(super) fn states(&self) -> usize {
        self.element.len()
    }

    /// The last append before this state that only one transaction can have made.
    pub(super) fn known_before(&self, view: &View<'_>, key: u32, length: usize) -> Option<u32> {
        self.known_at(view, key, self.known_before[self.state(key, length)])
    }

    /// The append of the last element of this state, if only one transaction can have made it.
    pub(super) fn last_of_state(&self, view: &View<'_>, key: u32, length: usize) -> Option<u32> {
        let position = length.checked_sub(1)?;
        let known = self.known_before[self.state(key, length)];
        let last = (known != NONE && known as usize == position).then_some(known)?;
        self.known_at(view, key, last)
    }

    fn known_at(&self, view: &View<'_>, key: u32, position: u32) -> Option<u32> {
        if position == NONE {
            return None;
        }
        let element = self.element[self.state(key, position as usize)];
        view.elements[element as usize].only_append()
    }

    /// The appends to a list that took place and that its longest read lacks.
    pub(super) fn unobserved(&self, key: u32) -> impl Iterator<Item = u32> + '_ {
        let from = self.unobserved.partition_point(|&(list, _)| list < key);
        self.unobserved[from..]
            .iter()
            .take_while(move |&&(list, _)| list == key)
            .map(|&(_, append)| append)
    }

    /// Whether a read shows an element.
    pub(super) fn shows(&self, view: &View<'_>, read: u32, element: u32, value: &Value) -> bool {
        let values = view.reads[read as usize].values();
        if self.fits[read as usize] {
            let position = self.position[element as usize];
            position != NONE && (position as usize) < values.len()
        } else {
            values.contains(value)
        }
    }
}

fn longest_reads(view: &View<'_>) -> Vec<u32> {
    let mut longest = vec![NONE; view.keys.len()];
    for (at, read) in view.reads.iter().enumerate() {
        let known = &mut longest[read.key as usize];
        if *known == NONE || view.reads[*known as usize].len() < read.len() {
            *known = at as u32;
        }
    }
    longest
}

/// Of each read whether it is a prefix of the longest of its list. Most share its memory, which
/// tells it without a look at the elements.
fn fitting_reads(view: &View<'_>, longest: &[u32]) -> Vec<bool> {
    let prefix = |read: &Read<'_>| {
        let of = view.reads[longest[read.key as usize] as usize].values();
        of.get(..read.len())
    };
    let shares =
        |read: &Read<'_>| prefix(read).is_some_and(|prefix| std::ptr::eq(prefix, read.values()));
    let mut fits: Vec<bool> = view.reads.iter().map(shares).collect();
    let others: Vec<usize> = (0..fits.len()).filter(|&at| !fits[at]).collect();
    let compared: Vec<bool> = others
        .par_iter()
        .with_min_len(4096)
        .map(|&at| prefix(&view.reads[at]) == Some(view.reads[at].values()))
        .collect();
    for (at, fitting) in others.into_iter().zip(compared) {
        fits[at] = fitting;
    }
    fits
}
