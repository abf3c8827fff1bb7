//! Lists that share memory: the reads of an append-only list are prefixes of each other nearly
//! always, so a list is a number of elements of a chain.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use super::Value;

/// Values in order, cheap to clone.
///
/// Lists that were read from one history may lie on one chain: [`List::shares`].
#[derive(Clone)]
pub struct List {
    chain: Arc<Chain>,
    /// How many of its values are in the list, where not all are.
    length: u32,
    extent: Extent,
}

/// How much of its chain a list is. (A byte of few meanings, in which [`Value`] has room for its
/// own.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extent {
    Whole,
    Prefix,
}

/// Values that lists are prefixes of. They are filled in once, for a chain may still grow while a
/// history is read.
#[derive(Debug, Default)]
struct Chain(OnceLock<Box<[Value]>>);

impl List {
    fn whole(values: Box<[Value]>) -> List {
        List {
            chain: Arc::new(Chain(values.into())),
            length: 0,
            extent: Extent::Whole,
        }
    }

    /// Whether both lists lie on one chain, in constant time: the shorter is then a prefix of the
    /// longer. If they do not, nothing is known.
    #[must_use]
    pub fn shares(&self, other: &List) -> bool {
        Arc::ptr_eq(&self.chain, &other.chain)
    }

    /// Which chain the list lies on: lists have the same number exactly if they
    /// [share](List::shares). It is no function of the values, and holds only while one of the
    /// lists of the chain exists.
    #[must_use]
    pub fn chain(&self) -> usize {
        Arc::as_ptr(&self.chain).addr()
    }
}

impl Deref for List {
    type Target = [Value];

    #[inline]
    fn deref(&self) -> &[Value] {
        let values = self.chain.0.get();
        debug_assert!(values.is_some(), "a list is looked at while it is read");
        let values = values.map_or(&[][..], |values| values);
        match self.extent {
            Extent::Whole => values,
            Extent::Prefix => values.get(..self.length as usize).unwrap_or(values),
        }
    }
}

impl PartialEq for List {
    fn eq(&self, other: &List) -> bool {
        match self.shares(other) {
            true => self.len() == other.len(),
            false => **self == **other,
        }
    }
}

impl Eq for List {}

impl PartialOrd for List {
    fn partial_cmp(&self, other: &List) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for List {
    fn cmp(&self, other: &List) -> Ordering {
        match self.shares(other) {
            true => self.len().cmp(&other.len()),
            false => (**self).cmp(&**other),
        }
    }
}

impl Hash for List {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

impl fmt::Debug for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl From<Vec<Value>> for List {
    fn from(values: Vec<Value>) -> List {
        List::whole(values.into())
    }
}

impl From<&[Value]> for List {
    fn from(values: &[Value]) -> List {
        List::whole(values.into())
    }
}

impl FromIterator<Value> for List {
    fn from_iter<I: IntoIterator<Item = Value>>(values: I) -> List {
        List::whole(values.into_iter().collect())
    }
}

/// A chain that may still grow: lists of it can be made, but not looked at.
#[derive(Debug, Default)]
pub(super) struct Open(Arc<Chain>);

impl Open {
    /// The list of its first values.
    pub(super) fn prefix(&self, length: u32) -> List {
        List {
            chain: self.0.clone(),
            length,
            extent: Extent::Prefix,
        }
    }

    /// Fills in what its lists are.
    pub(super) fn close(&self, values: Box<[Value]>) {
        let filled = self.0.0.set(values);
        debug_assert!(filled.is_ok(), "a chain is filled in once");
    }
}
