//! Columns of what few events have.

/// Values of some events, in the order of events.
#[derive(Clone, Debug)]
pub(super) struct Sparse<T> {
    entries: Vec<(u32, T)>,
}

impl<T> Default for Sparse<T> {
    fn default() -> Sparse<T> {
        Sparse {
            entries: Vec::new(),
        }
    }
}

impl<T> Sparse<T> {
    /// Adds the value of an event behind all others.
    pub(super) fn push(&mut self, event: u32, value: T) {
        self.entries.push((event, value));
    }

    pub(super) fn get(&self, event: u32) -> Option<&T> {
        let at = self.entries.binary_search_by_key(&event, |entry| entry.0);
        at.ok().map(|at| &self.entries[at].1)
    }
}
