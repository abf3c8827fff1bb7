//! A sequence that grows at its end: the content of lists and logs, of stacks and, with the number
//! of those that are still there, of queues.
//!
//! A linked list from the last element to the first, in which every element also knows an element
//! much earlier (Myers, *An applicative random-access stack*, Information Processing Letters
//! 1983), so that the beginning of any length is found in O(log n).

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::{Elements, appended};

/// A sequence. Appending and hashing take constant time; comparing stops where two sequences are
/// known to be the same.
pub struct Sequence<V> {
    last: Link<V>,
}

type Link<V> = Option<Arc<Node<V>>>;

struct Node<V> {
    element: V,
    /// How many elements there are up to this one.
    length: usize,
    /// The digest of the elements up to this one.
    digest: u64,
    before: Link<V>,
    /// An element that is not behind `before`.
    jump: Link<V>,
}

impl<V> Sequence<V> {
    /// A sequence of nothing.
    #[must_use]
    pub const fn new() -> Sequence<V> {
        Sequence { last: None }
    }

    /// How many elements there are.
    #[must_use]
    pub fn len(&self) -> usize {
        length(&self.last)
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.last.is_none()
    }

    /// The element at this place, counted from 0.
    #[must_use]
    pub fn get(&self, at: usize) -> Option<&V> {
        if at >= self.len() {
            return None;
        }
        up_to(&self.last, at + 1).as_ref().map(|node| &node.element)
    }

    /// The last element.
    pub(in crate::model) fn last(&self) -> Option<&V> {
        self.last.as_ref().map(|node| &node.element)
    }

    /// The sequence without its last element.
    pub(in crate::model) fn without_last(&self) -> Sequence<V> {
        Sequence {
            last: self.last.as_ref().and_then(|node| node.before.clone()),
        }
    }

    /// The elements from the last of the first `length` back to the first.
    fn backwards_from(&self, length: usize) -> Backwards<'_, V> {
        Backwards {
            node: up_to(&self.last, length).as_deref(),
        }
    }
}

impl<V: Hash> Sequence<V> {
    /// The sequence with one element more.
    #[must_use]
    pub fn with(&self, element: V) -> Sequence<V> {
        let last = &self.last;
        let once = jump(last);
        let twice = jump(once);
        let far = length(last) - length(once) == length(once) - length(twice);
        let node = Node {
            length: length(last) + 1,
            digest: appended(digest(last), &element),
            element,
            before: last.clone(),
            jump: if far { twice.clone() } else { last.clone() },
        };
        Sequence {
            last: Some(Arc::new(node)),
        }
    }
}

impl<V: PartialEq> Sequence<V> {
    /// Whether the last so many elements are those of another one, which has as many, too. Of
    /// sequences that are made of the same one this is told as soon as that is reached.
    pub(in crate::model) fn ends_equal(&self, other: &Sequence<V>, count: usize) -> bool {
        let (mut ours, mut theirs) = (&self.last, &other.last);
        for _ in 0..count {
            let (Some(a), Some(b)) = (ours, theirs) else {
                return ours.is_none() && theirs.is_none();
            };
            if Arc::ptr_eq(a, b) {
                return true;
            }
            if a.element != b.element {
                return false;
            }
            (ours, theirs) = (&a.before, &b.before);
        }
        true
    }
}

impl<V: Clone + Eq + Hash> Sequence<V> {
    /// Whether it consists of these elements.
    #[must_use]
    pub fn is(&self, elements: &Elements<V>) -> bool {
        self.len() == elements.len()
            && digest(&self.last) == elements.digest()
            && self.has_at(0, elements)
    }

    /// Whether it does not reach beyond these elements, the first of which is at `from`, and its
    /// last one is the one that is there among them.
    #[must_use]
    pub fn ends_like(&self, from: usize, elements: &[V]) -> bool {
        let Some(last) = &self.last else {
            return true;
        };
        match (last.length - 1).checked_sub(from) {
            Some(at) => elements.get(at) == Some(&last.element),
            None => true,
        }
    }

    /// Whether these elements are there, the first of them at `from`.
    #[must_use]
    pub fn has_at(&self, from: usize, elements: &[V]) -> bool {
        let Some(length) = from.checked_add(elements.len()) else {
            return false;
        };
        length <= self.len()
            && (self.backwards_from(length))
                .zip(elements.iter().rev())
                .all(|(ours, theirs)| ours == theirs)
    }
}

fn length<V>(link: &Link<V>) -> usize {
    link.as_ref().map_or(0, |node| node.length)
}

fn digest<V>(link: &Link<V>) -> u64 {
    link.as_ref().map_or(0, |node| node.digest)
}

fn jump<V>(link: &Link<V>) -> &Link<V> {
    match link {
        Some(node) => &node.jump,
        None => &None,
    }
}

/// The first `wanted` elements.
fn up_to<V>(mut link: &Link<V>, wanted: usize) -> &Link<V> {
    while let Some(node) = link
        && node.length > wanted
    {
        let near = length(&node.jump) < wanted;
        link = if near { &node.before } else { &node.jump };
    }
    link
}

struct Backwards<'a, V> {
    node: Option<&'a Node<V>>,
}

impl<'a, V> Iterator for Backwards<'a, V> {
    type Item = &'a V;

    fn next(&mut self) -> Option<&'a V> {
        let node = self.node?;
        self.node = node.before.as_deref();
        Some(&node.element)
    }
}

impl<V: PartialEq> PartialEq for Sequence<V> {
    fn eq(&self, other: &Sequence<V>) -> bool {
        let length = self.len();
        length == other.len()
            && digest(&self.last) == digest(&other.last)
            && self.ends_equal(other, length)
    }
}

impl<V: Eq> Eq for Sequence<V> {}

impl<V> Hash for Sequence<V> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(digest(&self.last));
    }
}

impl<V> Clone for Sequence<V> {
    fn clone(&self) -> Sequence<V> {
        Sequence {
            last: self.last.clone(),
        }
    }
}

impl<V> Default for Sequence<V> {
    fn default() -> Sequence<V> {
        Sequence::new()
    }
}

impl<V: Clone + Eq + Hash> FromIterator<V> for Sequence<V> {
    fn from_iter<I: IntoIterator<Item = V>>(values: I) -> Sequence<V> {
        values
            .into_iter()
            .fold(Sequence::new(), |sequence, value| sequence.with(value))
    }
}

impl<V: fmt::Debug> fmt::Debug for Sequence<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut values: Vec<&V> = self.backwards_from(self.len()).collect();
        values.reverse();
        f.debug_list().entries(values).finish()
    }
}

/// One node after the other: a list of a million would not fit on the stack.
impl<V> Drop for Node<V> {
    fn drop(&mut self) {
        // What is jumped to is still held by the way through `before`.
        self.jump = None;
        let mut next = self.before.take();
        while let Some(mut node) = next.and_then(Arc::into_inner) {
            node.jump = None;
            next = node.before.take();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_element_is_found_in_every_version() {
        let mut versions = vec![Sequence::new()];
        for value in 0..200usize {
            versions.push(versions[value].with(value * 3));
        }
        for (length, version) in versions.iter().enumerate() {
            assert_eq!(version.len(), length);
            for at in 0..210 {
                assert_eq!(version.get(at).copied(), (at < length).then_some(at * 3));
            }
        }
    }

    #[test]
    fn equal_content_is_equal_however_it_came_about() {
        let one: Sequence<i32> = (0..50).collect();
        let two: Sequence<i32> = (0..49).collect::<Sequence<i32>>().with(49);
        assert_eq!(one, two);
        assert_ne!(one, (0..49).collect());
        assert_ne!(one, (1..51).collect());
        assert!(one.is(&(0..50).collect()));
        assert!(!one.is(&(0..49).collect()));
        assert!(!one.is(&(1..51).collect()));
        assert!(one.has_at(48, &[48, 49]));
        assert!(!one.has_at(49, &[49, 50]));
        assert!(!one.has_at(usize::MAX, &[49, 50]));
        assert!(one.ends_like(48, &[48, 49, 7]) && one.ends_like(50, &[]));
        assert!(!one.ends_like(48, &[48]) && !one.ends_like(48, &[48, 50]));
    }

    #[test]
    fn ends_are_compared_and_taken_off() {
        let sequence = |values: &[i32]| values.iter().copied().collect::<Sequence<i32>>();
        let (one, other) = (sequence(&[1, 2]), sequence(&[3, 2]));
        assert!(one.ends_equal(&other, 1) && !one.ends_equal(&other, 2));
        assert!(one.ends_equal(&sequence(&[1, 2]), 2) && !one.ends_equal(&sequence(&[2]), 2));
        assert_eq!((one.last(), one.without_last()), (Some(&2), sequence(&[1])));
        assert_eq!(sequence(&[]).without_last(), sequence(&[]));
        let digest = |values: &[i32]| values.iter().fold(0, appended);
        let less = super::super::without_first(digest(&[7, 8, 9]), 3, &7);
        assert_eq!(less, digest(&[8, 9]));
    }

    #[test]
    fn a_long_one_can_be_dropped() {
        let long: Sequence<u32> = (0..1_000_000).collect();
        let older = long.clone();
        let longer = long.with(0);
        drop(long);
        drop(longer);
        assert_eq!(older.get(999_999), Some(&999_999));
    }
}
