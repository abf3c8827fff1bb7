//! What is going to happen, in order of time; what was planned first comes first at equal times.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use polygraph_history::Time;

/// Where numbers begin: there is room on both sides.
const MIDDLE: u64 = 1 << 63;

/// A queue of things to come.
#[derive(Debug)]
pub(super) struct Queue<T> {
    heap: BinaryHeap<Reverse<(Time, u64, u32)>>,
    /// The things themselves, which are large; the heap moves only their places.
    items: Vec<Option<T>>,
    free: Vec<u32>,
    /// The number of the last thing planned, and that of the thing planned first of all.
    planned: u64,
    first: u64,
}

impl<T> Queue<T> {
    pub(super) const fn new() -> Queue<T> {
        Queue {
            heap: BinaryHeap::new(),
            items: Vec::new(),
            free: Vec::new(),
            planned: MIDDLE,
            first: MIDDLE,
        }
    }

    pub(super) fn push(&mut self, at: Time, item: T) {
        self.planned += 1;
        self.put(at, self.planned, item);
    }

    /// Plans things, in their order, before everything else that is planned for that time.
    pub(super) fn push_first(&mut self, at: Time, items: Vec<T>) {
        self.first -= items.len() as u64;
        for (number, item) in (self.first..).zip(items) {
            self.put(at, number, item);
        }
    }

    fn put(&mut self, at: Time, number: u64, item: T) {
        let place = match self.free.pop() {
            Some(place) => {
                self.items[place as usize] = Some(item);
                place
            }
            None => {
                self.items.push(Some(item));
                u32::try_from(self.items.len() - 1).expect("fewer than 2^32 things at once")
            }
        };
        self.heap.push(Reverse((at, number, place)));
    }

    /// The next thing, if it is due by then.
    pub(super) fn pop(&mut self, until: Time) -> Option<(Time, T)> {
        if self.heap.peek()?.0.0 > until {
            return None;
        }
        let Reverse((at, _, place)) = self.heap.pop()?;
        self.free.push(place);
        Some((
            at,
            self.items[place as usize]
                .take()
                .expect("every place in the heap is taken"),
        ))
    }
}
