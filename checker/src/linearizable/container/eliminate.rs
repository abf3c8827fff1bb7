//! An order of the elements of a stack by height: who can be below whom.
//!
//! An order of all operations exists when the elements can be ranked so that each of their
//! operations has a moment at which nothing of higher rank is certainly in: with moments as in
//! `placement`, whoever is put in finds only elements of lower rank, and so does whoever is taken.
//! Elements are found from the lowest rank up: one whose every operation has a moment at which at
//! most itself is certainly in of all that are left. It goes, and with it what it covers. As this
//! only helps the others, it does not matter which goes first (Lee & Mathur, *Efficient
//! decrease-and-conquer linearizability monitoring*, OOPSLA 2025, section 5). O(n log n).

use super::coverage::Coverage;
use super::elements::{Elements, NOBODY};
use super::moments::Moments;
use super::schedule::Looks;
use super::windows::Windows;
use crate::linearizable::item::Item;

/// Elements that cannot be ranked.
pub(super) struct Stuck {
    /// Each with one of its operations that has no moment.
    pub(super) left: Vec<(u32, u32)>,
}

/// The elements from the lowest rank up.
pub(super) fn eliminate<A>(
    items: &[Item<A>],
    elements: &Elements,
    looks: &Looks,
) -> Result<Vec<u32>, Stuck> {
    let mut work = Elimination::new(items, elements, looks);
    work.run();
    if work.order.len() == elements.list.len() {
        Ok(work.order)
    } else {
        Err(work.stuck())
    }
}

struct Elimination {
    /// The operations of all elements, those of an element together: its put, its take, its looks
    /// by first and by last moment.
    windows: Vec<(u32, u32)>,
    items: Vec<u32>,
    owner: Vec<u32>,
    done: Vec<bool>,
    /// Of a look, the next one that may not be done.
    onward: Vec<u32>,
    /// Where the operations of each element begin, and where its looks do.
    first: Vec<u32>,
    first_look: Vec<u32>,
    /// How many operations of each element are not done.
    open: Vec<u32>,
    /// What each element covers.
    ranges: Vec<(u32, u32)>,
    coverage: Coverage,
    waiting: Windows,
    /// Moments that only one element covers: of each element the last, of each moment the one
    /// before.
    alone: Vec<u32>,
    alone_before: Vec<u32>,
    /// Moments that nothing covers any more.
    free: Vec<u32>,
    order: Vec<u32>,
}

impl Elimination {
    fn new<A>(items: &[Item<A>], elements: &Elements, looks: &Looks) -> Elimination {
        let moments = Moments::of(items);
        let mut windows = Vec::with_capacity(items.len());
        let mut of_window: Vec<u32> = Vec::with_capacity(items.len());
        let mut owner = Vec::with_capacity(items.len());
        let mut first = Vec::with_capacity(elements.list.len() + 1);
        let mut first_look = Vec::with_capacity(elements.list.len());
        let mut ranges = Vec::with_capacity(elements.list.len());
        for (at, element) in elements.list.iter().enumerate() {
            first.push(windows.len() as u32);
            let begins = moments.number(element.put_start);
            let inside = moments.number(element.inside.rank);
            let last_start = moments.number(element.last_start.rank);
            windows.push((begins, inside));
            of_window.push(element.put);
            if element.take != NOBODY {
                let end = items[element.take as usize].end;
                windows.push((last_start, moments.number(end)));
                of_window.push(element.take);
            }
            first_look.push(windows.len() as u32);
            for &look in looks.of(at) {
                let item = &items[look as usize];
                let window = (
                    moments.number(item.start).max(begins),
                    moments.number(item.end),
                );
                // Whatever suits a look suits one that begins before and ends after it.
                while windows.len() > first_look[at] as usize
                    && windows.last().is_some_and(|last| last.1 >= window.1)
                {
                    windows.pop();
                    of_window.pop();
                }
                let within = windows.len() > first_look[at] as usize
                    && windows.last().is_some_and(|last| last.0 == window.0);
                if !within {
                    windows.push(window);
                    of_window.push(look);
                }
            }
            owner.resize(windows.len(), at as u32);
            ranges.push((inside + 1, last_start.max(inside + 1)));
        }
        first.push(windows.len() as u32);
        Elimination {
            coverage: Coverage::new(moments.count(), ranges.iter().copied()),
            waiting: Windows::new(moments.count(), &windows),
            open: first.windows(2).map(|pair| pair[1] - pair[0]).collect(),
            done: vec![false; windows.len()],
            onward: (0..=windows.len() as u32).collect(),
            alone: vec![NOBODY; elements.list.len()],
            alone_before: vec![NOBODY; moments.count() as usize],
            free: Vec::new(),
            order: Vec::with_capacity(elements.list.len()),
            items: of_window,
            windows,
            owner,
            first,
            first_look,
            ranges,
        }
    }

    fn run(&mut self) {
        while let Some((moment, count)) = self.coverage.thin() {
            self.coverage.finish(moment);
            if count == 0 {
                self.free.push(moment);
            } else {
                let element = self.coverage.name(moment);
                self.alone_before[moment as usize] = self.alone[element as usize];
                self.alone[element as usize] = moment;
                self.suit(element, moment);
            }
            while let Some(moment) = self.free.pop() {
                while let Some(operation) = self.waiting.take(moment) {
                    self.perform(operation);
                }
            }
        }
    }

    /// A moment suits the operations of one element.
    fn suit(&mut self, element: u32, moment: u32) {
        let (first, looks) = (
            self.first[element as usize],
            self.first_look[element as usize],
        );
        let end = self.first[element as usize + 1];
        for operation in first..looks {
            let (from, to) = self.windows[operation as usize];
            if from <= moment && moment <= to {
                self.perform(operation);
            }
        }
        let windows = &self.windows[looks as usize..end as usize];
        let mut look = looks + windows.partition_point(|window| window.1 < moment) as u32;
        loop {
            look = self.next_look(look);
            if look >= end || self.windows[look as usize].0 > moment {
                return;
            }
            self.onward[look as usize] = look + 1;
            self.perform(look);
        }
    }

    fn next_look(&mut self, mut look: u32) -> u32 {
        while self.onward[look as usize] != look {
            let onward = self.onward[look as usize];
            self.onward[look as usize] = self.onward[onward as usize];
            look = onward;
        }
        look
    }

    fn perform(&mut self, operation: u32) {
        if std::mem::replace(&mut self.done[operation as usize], true) {
            return;
        }
        let element = self.owner[operation as usize];
        self.open[element as usize] -= 1;
        if self.open[element as usize] > 0 {
            return;
        }
        self.order.push(element);
        let range = self.ranges[element as usize];
        self.coverage.remove(element, range);
        let mut moment = self.alone[element as usize];
        while moment != NOBODY {
            self.free.push(moment);
            moment = self.alone_before[moment as usize];
        }
    }

    fn stuck(&self) -> Stuck {
        let left = (0..self.open.len() as u32).filter(|&element| self.open[element as usize] > 0);
        Stuck {
            left: left
                .filter_map(|element| {
                    let all = self.first[element as usize]..self.first[element as usize + 1];
                    let not_done = |&at: &u32| !self.done[at as usize];
                    let operation = all.into_iter().find(not_done)?;
                    Some((element, self.items[operation as usize]))
                })
                .collect(),
        }
    }
}
