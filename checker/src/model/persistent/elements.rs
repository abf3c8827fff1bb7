//! The elements that a read of a sequence returned.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;

use super::{appended, write_list};

/// Elements in order, as a read returned them.
#[derive(Clone, Debug)]
pub struct Elements<V> {
    values: Arc<[V]>,
    digest: u64,
}

impl<V> Elements<V> {
    /// The digest that a [`Sequence`](super::Sequence) of these has.
    pub(super) const fn digest(&self) -> u64 {
        self.digest
    }
}

impl<V: Hash> FromIterator<V> for Elements<V> {
    fn from_iter<I: IntoIterator<Item = V>>(values: I) -> Elements<V> {
        let values: Arc<[V]> = values.into_iter().collect();
        let digest = values.iter().fold(0, appended);
        Elements { values, digest }
    }
}

impl<V> Deref for Elements<V> {
    type Target = [V];

    fn deref(&self) -> &[V] {
        &self.values
    }
}

impl<V: PartialEq> PartialEq for Elements<V> {
    fn eq(&self, other: &Elements<V>) -> bool {
        Arc::ptr_eq(&self.values, &other.values)
            || (self.digest == other.digest && self.values == other.values)
    }
}

impl<V: Eq> Eq for Elements<V> {}

impl<V> Hash for Elements<V> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.digest);
    }
}

impl<V: fmt::Display> fmt::Display for Elements<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_list(&self.values, ["[", "]"], f)
    }
}
