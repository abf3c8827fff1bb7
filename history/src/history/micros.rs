//! Operations inside transactions, lent by a history that keeps no [`Op`](crate::Op) of them.

use std::fmt;
use std::slice;

use super::transactions::{Columns, What};
use crate::{Key, Micro, Value};

/// An operation inside a transaction, as a history lends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MicroRef<'h> {
    /// [`Micro::Read`].
    Read {
        /// What is read.
        key: &'h Key,
        /// What was seen.
        value: Option<&'h Value>,
    },
    /// [`Micro::Append`].
    Append {
        /// The list.
        key: &'h Key,
        /// The element.
        value: &'h Value,
    },
    /// [`Micro::Write`].
    Write {
        /// What is written to.
        key: &'h Key,
        /// The new value.
        value: &'h Value,
    },
    /// Any other.
    Other(&'h Micro),
}

impl<'h> MicroRef<'h> {
    /// The key that the operation is about, as [`Micro::key`] says.
    #[must_use]
    pub fn key(self) -> Option<&'h Key> {
        match self {
            MicroRef::Read { key, .. }
            | MicroRef::Append { key, .. }
            | MicroRef::Write { key, .. } => Some(key),
            MicroRef::Other(micro) => micro.key(),
        }
    }

    /// Whether it can have no effect on what the store holds.
    #[must_use]
    pub const fn is_read_only(self) -> bool {
        match self {
            MicroRef::Read { .. } => true,
            MicroRef::Append { .. } | MicroRef::Write { .. } => false,
            MicroRef::Other(micro) => micro.is_read_only(),
        }
    }

    /// The same by itself.
    #[must_use]
    pub fn to_micro(self) -> Micro {
        match self {
            MicroRef::Read { key, value } => Micro::Read {
                key: key.clone(),
                value: value.cloned(),
            },
            MicroRef::Append { key, value } => Micro::Append {
                key: key.clone(),
                value: value.clone(),
            },
            MicroRef::Write { key, value } => Micro::Write {
                key: key.clone(),
                value: value.clone(),
            },
            MicroRef::Other(micro) => micro.clone(),
        }
    }
}

impl<'h> From<&'h Micro> for MicroRef<'h> {
    fn from(micro: &'h Micro) -> MicroRef<'h> {
        match micro {
            Micro::Read { key, value } => MicroRef::Read {
                key,
                value: value.as_ref(),
            },
            Micro::Append { key, value } => MicroRef::Append { key, value },
            Micro::Write { key, value } => MicroRef::Write { key, value },
            other => MicroRef::Other(other),
        }
    }
}

impl fmt::Display for MicroRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_micro().fmt(f)
    }
}

/// The operations of a transaction, one after the other.
#[derive(Clone, Debug)]
pub struct Micros<'h>(Source<'h>);

#[derive(Clone, Debug)]
enum Source<'h> {
    Columns {
        columns: &'h Columns,
        next: usize,
        end: usize,
    },
    Whole(slice::Iter<'h, Micro>),
}

impl<'h> Micros<'h> {
    pub(super) const fn of_columns(columns: &'h Columns, next: usize, end: usize) -> Micros<'h> {
        Micros(Source::Columns { columns, next, end })
    }

    /// What a transaction that stands alone does.
    #[must_use]
    pub fn of(micros: &'h [Micro]) -> Micros<'h> {
        Micros(Source::Whole(micros.iter()))
    }

    /// Whether nothing is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The operation at this place, counted from those that are left.
    #[must_use]
    pub fn get(&self, at: usize) -> Option<MicroRef<'h>> {
        self.clone().nth(at)
    }
}

impl<'h> Iterator for Micros<'h> {
    type Item = MicroRef<'h>;

    #[inline]
    fn next(&mut self) -> Option<MicroRef<'h>> {
        match &mut self.0 {
            Source::Columns { columns, next, end } => {
                let at = *next;
                if at == *end {
                    return None;
                }
                *next += 1;
                let value = &columns.values[at];
                let key = &columns.names[columns.keys[at] as usize];
                Some(match columns.whats[at] {
                    What::Read => MicroRef::Read {
                        key,
                        value: Some(value),
                    },
                    What::Append => MicroRef::Append { key, value },
                    What::Write => MicroRef::Write { key, value },
                    What::ReadUnknown | What::Elsewhere => MicroRef::Read { key, value: None },
                })
            }
            Source::Whole(micros) => micros.next().map(MicroRef::from),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = match &self.0 {
            Source::Columns { next, end, .. } => end - next,
            Source::Whole(micros) => micros.len(),
        };
        (left, Some(left))
    }

    fn nth(&mut self, skipped: usize) -> Option<MicroRef<'h>> {
        match &mut self.0 {
            Source::Columns { next, end, .. } => *next = (*end).min(next.saturating_add(skipped)),
            Source::Whole(micros) => return micros.nth(skipped).map(MicroRef::from),
        }
        self.next()
    }
}

impl ExactSizeIterator for Micros<'_> {}
