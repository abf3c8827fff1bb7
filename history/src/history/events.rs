//! The events of a history, made from its columns as they are asked for.

use std::fmt;

use super::{EventIndex, History};
use crate::Event;

/// The events of a history, in order.
#[derive(Clone, Copy)]
pub struct Events<'h> {
    history: &'h History,
}

impl<'h> Events<'h> {
    pub(super) const fn of(history: &'h History) -> Events<'h> {
        Events { history }
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.history.record.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The event at a place, if there are so many.
    #[must_use]
    pub fn get(&self, at: EventIndex) -> Option<Event> {
        (at < self.len()).then(|| self.history.event(at))
    }

    /// The last event.
    #[must_use]
    pub fn last(&self) -> Option<Event> {
        self.get(self.len().checked_sub(1)?)
    }

    /// One after the other.
    #[must_use]
    pub const fn iter(&self) -> Iter<'h> {
        Iter {
            history: self.history,
            next: 0,
            end: self.len(),
        }
    }

    /// All of them.
    #[must_use]
    pub fn to_vec(&self) -> Vec<Event> {
        self.iter().collect()
    }
}

impl<'h> IntoIterator for Events<'h> {
    type Item = Event;
    type IntoIter = Iter<'h>;

    fn into_iter(self) -> Iter<'h> {
        self.iter()
    }
}

impl PartialEq for Events<'_> {
    fn eq(&self, other: &Events<'_>) -> bool {
        self.iter().eq(other.iter())
    }
}

impl PartialEq<&[Event]> for Events<'_> {
    fn eq(&self, other: &&[Event]) -> bool {
        let mut pairs = self.iter().zip(*other);
        self.len() == other.len() && pairs.all(|(event, other)| event == *other)
    }
}

impl fmt::Debug for Events<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// An iterator over events.
#[derive(Clone)]
pub struct Iter<'h> {
    history: &'h History,
    next: EventIndex,
    end: EventIndex,
}

impl Iterator for Iter<'_> {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        (self.next < self.end).then(|| {
            self.next += 1;
            self.history.event(self.next - 1)
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.end - self.next;
        (left, Some(left))
    }
}

impl DoubleEndedIterator for Iter<'_> {
    fn next_back(&mut self) -> Option<Event> {
        (self.next < self.end).then(|| {
            self.end -= 1;
            self.history.event(self.end)
        })
    }
}

impl ExactSizeIterator for Iter<'_> {}
