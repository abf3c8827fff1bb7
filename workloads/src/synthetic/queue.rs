//! First in, first out.

use std::collections::VecDeque;

use super::container::{Element, SOME, Shelf};

/// A queue, its front first.
#[derive(Default)]
pub(super) struct Queue(VecDeque<Element>);

impl Shelf for Queue {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn put(&mut self, element: Element) {
        self.0.push_back(element);
    }

    fn get(&self, at: usize) -> Option<Element> {
        self.0.get(at).copied()
    }

    fn remove(&mut self, at: usize) -> Option<Element> {
        self.0.remove(at)
    }

    /// The second was put in after the first.
    fn ordered(&self, from: usize, _begins: u64) -> Option<(usize, usize)> {
        let first = self.get(from)?;
        let behind = from + 1..self.len().min(from + SOME);
        let mut second = behind.filter(|&at| first.ends < self.0[at].begins);
        Some((from, second.next()?))
    }
}
