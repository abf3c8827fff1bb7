//! What is going to happen, in order of time; what was planned first comes first at equal times.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use polygraph_history::Time;

/// What comes first of the things planned for the same time.
#[derive(Clone, Copy, Debug)]
pub(super) enum Rank {
    /// What a node was given while it stood still.
    Waited,
    /// What had come over a link as far as it could.
    Released,
    /// Everything else.
    Planned,
}

/// A queue of things to come.
#[derive(Debug)]
pub(super) struct Queue<T> {
    heap: BinaryHeap<Reverse<(Time, u64, u32)>>,
    /// The things themselves, which are large; the heap moves only their places.
    items: Vec<Option<T>>,
    free: Vec<u32>,
    planned: u64,
}

impl<T> Queue<T> {
    pub(super) const fn new() -> Queue<T> {
        Queue {
            heap: BinaryHeap::new(),
            items: Vec::new(),
            free: Vec::new(),
            planned: 0,
        }
    }

    pub(super) fn push(&mut self, at: Time, item: T) {
        self.push_as(Rank::Planned, at, item);
    }

    /// Plans something that comes before or after other things of that time.
    pub(super) fn push_as(&mut self, rank: Rank, at: Time, item: T) {
        self.planned += 1;
        let number = (rank as u64) << 62 | self.planned;
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
