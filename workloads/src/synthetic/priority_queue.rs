//! The greatest first.

use std::collections::BTreeSet;

use super::container::{Element, Shelf};

/// A priority queue.
#[derive(Default)]
pub(super) struct PriorityQueue(BTreeSet<Element>);

impl Shelf for PriorityQueue {
    /// Odd multiples of a number in a power of two: all different, and spread evenly, so that
    /// priorities do not grow with time.
    fn value(nth: i64, most: u64) -> i64 {
        const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
        let mask = most.next_power_of_two().saturating_mul(2) - 1;
        i64::try_from(nth.unsigned_abs().wrapping_mul(ODD) & mask).unwrap_or_default()
    }

    fn greatest(most: u64) -> i64 {
        i64::try_from(most.next_power_of_two().saturating_mul(2)).unwrap_or(i64::MAX - 1)
    }

    fn len(&self) -> usize {
        self.0.len()
    }

    fn put(&mut self, element: Element) {
        self.0.insert(element);
    }

    fn get(&self, at: usize) -> Option<Element> {
        self.0.iter().rev().nth(at).copied()
    }

    fn remove(&mut self, at: usize) -> Option<Element> {
        if at == 0 {
            return self.0.pop_last();
        }
        let element = self.get(at)?;
        self.0.take(&element)
    }

    /// The second is less, and the first was there before.
    fn ordered(&self, from: usize, begins: u64) -> Option<(usize, usize)> {
        let upper = self.get(from).filter(|upper| upper.ends < begins)?;
        let lower = self.get(from + 1)?;
        (lower.value < upper.value).then_some((from, from + 1))
    }
}
