//! The members that a read of a set returned.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;

use super::{map, write_list};

/// Members of a set, each once, in their order.
#[derive(Clone, Debug)]
pub struct Members<V> {
    values: Arc<[V]>,
    digest: u64,
}

impl<V> Members<V> {
    /// The digest that a [`Set`](super::Set) of these has.
    pub(super) const fn digest(&self) -> u64 {
        self.digest
    }
}

/// Of a member that is listed more than once nothing else is concluded than that it is there.
impl<V: Hash + Ord> FromIterator<V> for Members<V> {
    fn from_iter<I: IntoIterator<Item = V>>(values: I) -> Members<V> {
        let mut values: Vec<V> = values.into_iter().collect();
        values.sort_unstable();
        values.dedup();
        let digests = values.iter().map(|value| map::entry_digest(value, &()));
        let digest = digests.fold(0, u64::wrapping_add);
        let values = values.into();
        Members { values, digest }
    }
}

impl<V> Deref for Members<V> {
    type Target = [V];

    fn deref(&self) -> &[V] {
        &self.values
    }
}

impl<V: PartialEq> PartialEq for Members<V> {
    fn eq(&self, other: &Members<V>) -> bool {
        Arc::ptr_eq(&self.values, &other.values)
            || (self.digest == other.digest && self.values == other.values)
    }
}

impl<V: Eq> Eq for Members<V> {}

impl<V> Hash for Members<V> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.digest);
    }
}

impl<V: fmt::Display> fmt::Display for Members<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_list(&self.values, ["{", "}"], f)
    }
}
