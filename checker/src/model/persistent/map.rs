//! A map, and a set.
//!
//! A binary trie over the hashes of the keys, without nodes that have a single child (Okasaki &
//! Gill, *Fast mergeable integer maps*, ML workshop 1998). Equal maps have the same shape however
//! they came about, and every node knows a digest of its entries that does not depend on their
//! order.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::{Members, digest};

/// A map. Insertion takes O(log n), hashing constant time; comparing skips what two maps share.
pub struct Map<K, V> {
    root: Option<Arc<Node<K, V>>>,
}

/// A set.
pub type Set<K> = Map<K, ()>;

struct Node<K, V> {
    size: usize,
    digest: u64,
    /// The hash of one of the keys below; of all of them, but for `bit` and what is under it.
    hash: u64,
    below: Below<K, V>,
}

enum Below<K, V> {
    /// The entries whose keys have this hash: nearly always one.
    Entries(Vec<(K, V)>),
    /// Those whose hashes have this bit not set, and set.
    Halves {
        bit: u64,
        clear: Arc<Node<K, V>>,
        set: Arc<Node<K, V>>,
    },
}

/// What an entry adds to the digest of a map.
pub(super) fn entry_digest<K: Hash, V: Hash>(key: &K, value: &V) -> u64 {
    digest(&(digest(key), digest(value)))
}

impl<K, V> Map<K, V> {
    /// A map of nothing.
    #[must_use]
    pub const fn new() -> Map<K, V> {
        Map { root: None }
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.root.as_ref().map_or(0, |root| root.size)
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.root.is_none()
    }

    pub(super) fn digest(&self) -> u64 {
        self.root.as_ref().map_or(0, |root| root.digest)
    }

    /// All entries, in no order that means anything.
    pub fn iter(&self) -> impl Iterator<Item = &(K, V)> {
        let mut open: Vec<&Node<K, V>> = self.root.as_deref().into_iter().collect();
        let leaves = std::iter::from_fn(move || {
            loop {
                match &open.pop()?.below {
                    Below::Entries(entries) => return Some(entries),
                    Below::Halves { clear, set, .. } => open.extend([&**clear, &**set]),
                }
            }
        });
        leaves.flatten()
    }
}

impl<K: Clone + Eq + Hash, V: Clone + Hash> Map<K, V> {
    /// The map with this entry, which replaces one of the same key.
    #[must_use]
    pub fn with(&self, key: K, value: V) -> Map<K, V> {
        let hash = digest(&key);
        let root = match &self.root {
            None => leaf(hash, vec![(key, value)]),
            Some(root) => insert(root, hash, key, value),
        };
        Map { root: Some(root) }
    }

    /// The map without the entry of this key; `None` if it has none.
    #[must_use]
    pub fn without(&self, key: &K) -> Option<Map<K, V>> {
        let root = remove(self.root.as_ref()?, digest(key), key)?;
        Some(Map { root })
    }

    /// What is there under a key.
    #[must_use]
    pub fn get(&self, key: &K) -> Option<&V> {
        let hash = digest(key);
        let mut node = self.root.as_ref()?;
        loop {
            match &node.below {
                Below::Entries(entries) => {
                    let found = entries.iter().find(|(other, _)| other == key);
                    return found.map(|(_, value)| value);
                }
                Below::Halves { bit, clear, set } => {
                    node = if hash & bit == 0 { clear } else { set };
                }
            }
        }
    }

    /// Whether there is something under a key.
    #[must_use]
    pub fn contains(&self, key: &K) -> bool {
        self.get(key).is_some()
    }
}

impl<K: Clone + Eq + Hash> Set<K> {
    /// Whether it consists of these.
    #[must_use]
    pub fn is(&self, members: &Members<K>) -> bool {
        self.len() == members.len()
            && self.digest() == members.digest()
            && members.iter().all(|member| self.contains(member))
    }
}

fn leaf<K: Hash, V: Hash>(hash: u64, entries: Vec<(K, V)>) -> Arc<Node<K, V>> {
    let digests = entries.iter().map(|(key, value)| entry_digest(key, value));
    Arc::new(Node {
        size: entries.len(),
        digest: digests.fold(0, u64::wrapping_add),
        hash,
        below: Below::Entries(entries),
    })
}

/// A node over two whose hashes differ first in this bit.
fn join<K, V>(bit: u64, one: Arc<Node<K, V>>, other: Arc<Node<K, V>>) -> Arc<Node<K, V>> {
    let (clear, set) = if one.hash & bit == 0 {
        (one, other)
    } else {
        (other, one)
    };
    Arc::new(Node {
        size: clear.size + set.size,
        digest: clear.digest.wrapping_add(set.digest),
        hash: clear.hash,
        below: Below::Halves { bit, clear, set },
    })
}

fn insert<K: Clone + Eq + Hash, V: Clone + Hash>(
    node: &Arc<Node<K, V>>,
    hash: u64,
    key: K,
    value: V,
) -> Arc<Node<K, V>> {
    let differ = node.hash ^ hash;
    let apart = |key, value| {
        let highest = 1 << (63 - differ.leading_zeros());
        join(highest, leaf(hash, vec![(key, value)]), node.clone())
    };
    match &node.below {
        Below::Entries(_) if differ != 0 => apart(key, value),
        Below::Entries(entries) => {
            let others = entries.iter().filter(|(other, _)| *other != key);
            let entries = others.cloned().chain([(key.clone(), value)]);
            leaf(hash, entries.collect())
        }
        // Bits above this one differ, so it belongs to neither half.
        Below::Halves { bit, .. } if differ & !(bit | (bit - 1)) != 0 => apart(key, value),
        Below::Halves { bit, clear, set } if hash & bit == 0 => {
            join(*bit, insert(clear, hash, key, value), set.clone())
        }
        Below::Halves { bit, clear, set } => {
            join(*bit, clear.clone(), insert(set, hash, key, value))
        }
    }
}

/// What is left without a key; `None` if it is not there.
fn remove<K: Clone + Eq + Hash, V: Clone + Hash>(
    node: &Arc<Node<K, V>>,
    hash: u64,
    key: &K,
) -> Option<Option<Arc<Node<K, V>>>> {
    match &node.below {
        Below::Entries(entries) => {
            let at = entries.iter().position(|(other, _)| other == key)?;
            let mut left = entries.clone();
            left.remove(at);
            Some((!left.is_empty()).then(|| leaf(node.hash, left)))
        }
        Below::Halves { bit, clear, set } => {
            let (half, other) = match hash & bit {
                0 => (clear, set),
                _ => (set, clear),
            };
            // No node has a single child.
            Some(Some(match remove(half, hash, key)? {
                Some(left) => join(*bit, left, other.clone()),
                None => other.clone(),
            }))
        }
    }
}

fn same<K: PartialEq, V: PartialEq>(a: &Arc<Node<K, V>>, b: &Arc<Node<K, V>>) -> bool {
    if Arc::ptr_eq(a, b) {
        return true;
    }
    if a.size != b.size || a.digest != b.digest {
        return false;
    }
    match (&a.below, &b.below) {
        (Below::Entries(ours), Below::Entries(theirs)) => {
            ours.iter().all(|entry| theirs.contains(entry))
        }
        (
            Below::Halves { bit, clear, set },
            Below::Halves {
                bit: other_bit,
                clear: other_clear,
                set: other_set,
            },
        ) => bit == other_bit && same(clear, other_clear) && same(set, other_set),
        _ => false,
    }
}

impl<K: Clone + Eq + Hash> FromIterator<K> for Set<K> {
    fn from_iter<I: IntoIterator<Item = K>>(members: I) -> Set<K> {
        let add = |set: Set<K>, member| set.with(member, ());
        members.into_iter().fold(Set::new(), add)
    }
}

impl<K: PartialEq, V: PartialEq> PartialEq for Map<K, V> {
    fn eq(&self, other: &Map<K, V>) -> bool {
        match (&self.root, &other.root) {
            (Some(ours), Some(theirs)) => same(ours, theirs),
            (ours, theirs) => ours.is_none() && theirs.is_none(),
        }
    }
}

impl<K: Eq, V: Eq> Eq for Map<K, V> {}

impl<K, V> Hash for Map<K, V> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.digest());
    }
}

impl<K, V> Clone for Map<K, V> {
    fn clone(&self) -> Map<K, V> {
        Map {
            root: self.root.clone(),
        }
    }
}

impl<K, V> Default for Map<K, V> {
    fn default() -> Map<K, V> {
        Map::new()
    }
}

impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for Map<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries = self.iter().map(|(key, value)| (key, value));
        f.debug_map().entries(entries).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Keys whose hashes are all the same, or nearly.
    #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
    struct Clash(u32);

    impl Hash for Clash {
        fn hash<H: Hasher>(&self, state: &mut H) {
            state.write_u32(self.0 % 3);
        }
    }

    fn agrees<K: Clone + Ord + Hash + fmt::Debug>(keys: &[K]) {
        let mut ours = Map::new();
        let mut theirs = BTreeMap::new();
        for (at, key) in keys.iter().enumerate() {
            ours = ours.with(key.clone(), at % 7);
            theirs.insert(key.clone(), at % 7);
            assert_eq!(ours.len(), theirs.len());
        }
        for key in keys {
            assert_eq!(ours.get(key), theirs.get(key));
        }
        let backwards = theirs.iter().rev().fold(Map::new(), |map, (key, value)| {
            map.with(key.clone(), *value)
        });
        assert_eq!(ours, backwards);
        assert_eq!(ours.digest(), backwards.digest());
        let (key, value) = theirs.iter().next().expect("there are keys");
        assert_ne!(ours, ours.with(key.clone(), value + 1));
        let listed: BTreeMap<K, usize> = ours.iter().cloned().collect();
        assert_eq!(listed, theirs);
        let mut ours = ours;
        for key in keys.iter().rev().step_by(3).chain(keys) {
            let there = theirs.remove(key).is_some();
            let without = ours.without(key);
            assert_eq!(without.is_some(), there);
            ours = without.unwrap_or(ours);
            let again = theirs.iter().fold(Map::new(), |map, (key, value)| {
                map.with(key.clone(), *value)
            });
            assert!(ours == again && ours.digest() == again.digest());
            assert_eq!((ours.len(), ours.get(key)), (theirs.len(), None));
        }
        assert!(ours.is_empty());
    }

    #[test]
    fn it_is_a_map_whatever_the_hashes() {
        agrees(&(0..1000).map(|n| n * n % 811).collect::<Vec<u64>>());
        agrees(&(0..60).map(|n| Clash(n * n % 41)).collect::<Vec<Clash>>());
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        let map = (0..100u32).fold(Set::new(), |set, value| set.with(value, ()));
        assert!((0..100).all(|value| map.contains(&value)));
        assert!((100..1000).all(|value| !map.contains(&value)));
        assert!(!Set::new().contains(&1));
    }
}
