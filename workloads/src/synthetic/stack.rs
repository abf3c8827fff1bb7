//! Last in, first out.

use super::container::{Element, SOME, Shelf};

/// A stack, its top last.
#[derive(Default)]
pub(super) struct Stack(Vec<Element>);

impl Stack {
    fn index(&self, at: usize) -> Option<usize> {
        self.0.len().checked_sub(at + 1)
    }
}

impl Shelf for Stack {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn put(&mut self, element: Element) {
        self.0.push(element);
    }

    fn get(&self, at: usize) -> Option<Element> {
        Some(self.0[self.index(at)?])
    }

    fn remove(&mut self, at: usize) -> Option<Element> {
        Some(self.0.remove(self.index(at)?))
    }

    /// The first was put on the second, and was there before.
    fn ordered(&self, from: usize, begins: u64) -> Option<(usize, usize)> {
        let upper = self.get(from).filter(|upper| upper.ends < begins)?;
        let below = from + 1..self.len().min(from + SOME);
        let mut lower = below.filter(|&at| self.get(at).is_some_and(|e| e.ends < upper.begins));
        Some((from, lower.next()?))
    }
}
