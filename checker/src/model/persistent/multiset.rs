//! A multiset that is shared between states: the content of bags, sets and priority queues.
//!
//! It is a treap whose priorities are hashes of the elements (Seidel & Aragon, *Randomized search
//! trees*, Algorithmica 16, 1996). So its shape depends on its elements alone, and two that
//! descend from the same one are compared by what they do not share.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::digest;

/// Elements with how often each is there.
#[derive(Clone)]
pub struct Multiset<V> {
    root: Tree<V>,
}

type Tree<V> = Option<Arc<Node<V>>>;

struct Node<V> {
    value: V,
    count: u32,
    priority: u64,
    /// Of the whole subtree; does not depend on any order.
    hash: u64,
    left: Tree<V>,
    right: Tree<V>,
}

impl<V: Clone + Ord + Hash> Multiset<V> {
    /// Nothing.
    pub(in crate::model) const fn new() -> Multiset<V> {
        Multiset { root: None }
    }

    /// Whether nothing is there.
    pub(in crate::model) const fn is_empty(&self) -> bool {
        self.root.is_none()
    }

    /// Whether an element is there.
    pub(in crate::model) fn contains(&self, value: &V) -> bool {
        let mut tree = &self.root;
        while let Some(node) = tree {
            tree = match value.cmp(&node.value) {
                Ordering::Less => &node.left,
                Ordering::Greater => &node.right,
                Ordering::Equal => return true,
            };
        }
        false
    }

    /// The greatest element.
    pub(in crate::model) fn greatest(&self) -> Option<&V> {
        let mut node = self.root.as_ref()?;
        while let Some(right) = &node.right {
            node = right;
        }
        Some(&node.value)
    }

    /// The same with one more of this element.
    pub(in crate::model) fn with(&self, value: &V) -> Multiset<V> {
        let root = insert(&self.root, value, digest(value));
        Multiset { root: Some(root) }
    }

    /// The same with one less of this element; `None` if there is none.
    pub(in crate::model) fn without(&self, value: &V) -> Option<Multiset<V>> {
        remove(&self.root, value).map(|root| Multiset { root })
    }

    /// The distinct elements in order.
    pub(in crate::model) fn distinct(&self) -> Vec<&V> {
        let mut found = Vec::new();
        let mut above = Vec::new();
        let mut tree = &self.root;
        loop {
            while let Some(node) = tree {
                above.push(node);
                tree = &node.left;
            }
            let Some(node) = above.pop() else {
                return found;
            };
            found.push(&node.value);
            tree = &node.right;
        }
    }
}

impl<V> Multiset<V> {
    /// A hash of the contents.
    pub(in crate::model) fn hash_of(&self) -> u64 {
        hash_of(&self.root)
    }
}

impl<V: Eq> PartialEq for Multiset<V> {
    fn eq(&self, other: &Multiset<V>) -> bool {
        equal(&self.root, &other.root)
    }
}

impl<V: Eq> Eq for Multiset<V> {}

impl<V> Hash for Multiset<V> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash_of());
    }
}

fn hash_of<V>(tree: &Tree<V>) -> u64 {
    tree.as_ref().map_or(0, |node| node.hash)
}

fn equal<V: Eq>(a: &Tree<V>, b: &Tree<V>) -> bool {
    match (a, b) {
        (None, None) => true,
        (Some(a), Some(b)) => {
            Arc::ptr_eq(a, b)
                || a.hash == b.hash
                    && a.count == b.count
                    && a.value == b.value
                    && equal(&a.left, &b.left)
                    && equal(&a.right, &b.right)
        }
        _ => false,
    }
}

/// A node of these parts.
fn node<V>(value: V, count: u32, priority: u64, left: Tree<V>, right: Tree<V>) -> Arc<Node<V>> {
    let own = priority.wrapping_mul(u64::from(count) | 1 << 40);
    Arc::new(Node {
        hash: own
            .wrapping_add(hash_of(&left))
            .wrapping_add(hash_of(&right)),
        value,
        count,
        priority,
        left,
        right,
    })
}

/// A node like another, with other children.
fn like<V: Clone>(old: &Node<V>, left: Tree<V>, right: Tree<V>) -> Arc<Node<V>> {
    node(old.value.clone(), old.count, old.priority, left, right)
}

/// Whether `a` belongs above `b`; elements of equal hash are told apart by their order.
fn above<V: Ord>(a: (u64, &V), b: (u64, &V)) -> bool {
    a > b
}

fn insert<V: Clone + Ord>(tree: &Tree<V>, value: &V, priority: u64) -> Arc<Node<V>> {
    let Some(old) = tree else {
        return node(value.clone(), 1, priority, None, None);
    };
    match value.cmp(&old.value) {
        Ordering::Equal => {
            let (left, right) = (old.left.clone(), old.right.clone());
            node(value.clone(), old.count + 1, priority, left, right)
        }
        Ordering::Less => {
            let left = insert(&old.left, value, priority);
            if above((left.priority, &left.value), (old.priority, &old.value)) {
                let middle = like(old, left.right.clone(), old.right.clone());
                like(&left, left.left.clone(), Some(middle))
            } else {
                like(old, Some(left), old.right.clone())
            }
        }
        Ordering::Greater => {
            let right = insert(&old.right, value, priority);
            if above((right.priority, &right.value), (old.priority, &old.value)) {
                let middle = like(old, old.left.clone(), right.left.clone());
                like(&right, Some(middle), right.right.clone())
            } else {
                like(old, old.left.clone(), Some(right))
            }
        }
    }
}

fn remove<V: Clone + Ord>(tree: &Tree<V>, value: &V) -> Option<Tree<V>> {
    let old = tree.as_ref()?;
    Some(match value.cmp(&old.value) {
        Ordering::Less => Some(like(old, remove(&old.left, value)?, old.right.clone())),
        Ordering::Greater => Some(like(old, old.left.clone(), remove(&old.right, value)?)),
        Ordering::Equal if old.count > 1 => {
            let (left, right) = (old.left.clone(), old.right.clone());
            Some(node(
                value.clone(),
                old.count - 1,
                old.priority,
                left,
                right,
            ))
        }
        Ordering::Equal => merge(&old.left, &old.right),
    })
}

/// All elements of two trees, the first of which has the smaller ones.
fn merge<V: Clone + Ord>(a: &Tree<V>, b: &Tree<V>) -> Tree<V> {
    let (Some(x), Some(y)) = (a, b) else {
        return a.as_ref().or(b.as_ref()).cloned();
    };
    Some(if above((x.priority, &x.value), (y.priority, &y.value)) {
        like(x, x.left.clone(), merge(&x.right, b))
    } else {
        like(y, merge(a, &y.left), y.right.clone())
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn it_is_what_a_map_of_counts_is_however_it_came_about() {
        let mut seed = 1_u64;
        let mut draw = |below: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 33) % below
        };
        for _ in 0..300 {
            let mut multiset = Multiset::new();
            let mut counts: BTreeMap<u64, u32> = BTreeMap::new();
            for _ in 0..60 {
                let value = draw(12);
                if draw(2) == 0 {
                    multiset = multiset.with(&value);
                    *counts.entry(value).or_default() += 1;
                } else if let Some(less) = multiset.without(&value) {
                    multiset = less;
                    let count = counts.get_mut(&value).unwrap();
                    *count -= 1;
                    counts.retain(|_, count| *count > 0);
                } else {
                    assert!(!counts.contains_key(&value));
                }
                assert!(multiset.distinct().into_iter().eq(counts.keys()));
                assert_eq!(multiset.greatest(), counts.keys().next_back());
                assert_eq!(multiset.is_empty(), counts.is_empty());
            }
            let mut again = Multiset::new();
            for (value, &count) in counts.iter().rev() {
                assert!(multiset.contains(value));
                for _ in 0..count {
                    again = again.with(value);
                }
            }
            assert!(again == multiset && again.hash_of() == multiset.hash_of());
            assert!(again.with(&3) != multiset);
        }
    }
}
