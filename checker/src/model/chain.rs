//! A list that grows at its newest end and is shared between states: the content of queues and
//! stacks.
//!
//! Every cell has a jump pointer besides the one to its parent, so that the cell at any depth is
//! found in logarithmic time and a new one is made in constant time (Myers, *An applicative
//! random-access stack*, Information Processing Letters 17, 1983).

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use rustc_hash::FxHasher;

/// What positions are weighed with in a hash of contents: odd, so that nothing is lost.
pub(super) const WEIGHT: u64 = 0x9e37_79b9_7f4a_7c15;

/// A list from its newest element on; `None` is the empty one.
pub(super) type Chain<V> = Option<Arc<Cell<V>>>;

/// An element and those before it.
pub(super) struct Cell<V> {
    value: V,
    /// How many elements there are up to this one.
    depth: usize,
    /// Of all elements up to this one.
    hash: u64,
    parent: Chain<V>,
    jump: Chain<V>,
}

/// Without recursion: a long chain would exhaust the call stack.
impl<V> Drop for Cell<V> {
    fn drop(&mut self) {
        self.jump = None;
        let mut next = self.parent.take();
        while let Some(mut cell) = next.and_then(Arc::into_inner) {
            // What it points to is also an ancestor of its parent, which is alive.
            cell.jump = None;
            next = cell.parent.take();
        }
    }
}

/// How many elements there are.
pub(super) fn depth<V>(chain: &Chain<V>) -> usize {
    chain.as_ref().map_or(0, |cell| cell.depth)
}

/// A hash of the elements in order.
pub(super) fn hash_of<V>(chain: &Chain<V>) -> u64 {
    chain.as_ref().map_or(0, |cell| cell.hash)
}

/// The newest element.
pub(super) fn newest<V>(chain: &Chain<V>) -> Option<&V> {
    chain.as_ref().map(|cell| &cell.value)
}

/// Everything but the newest element.
pub(super) fn rest<V>(chain: &Chain<V>) -> Chain<V> {
    chain.as_ref().and_then(|cell| cell.parent.clone())
}

/// The list with one more element.
pub(super) fn push<V: Hash>(chain: &Chain<V>, value: V) -> Chain<V> {
    let jump = chain.as_ref().and_then(|parent| {
        let once = &parent.jump;
        let twice = once.as_ref().and_then(|cell| cell.jump.as_ref());
        let second = twice.map_or(0, |cell| cell.depth);
        if parent.depth - depth(once) == depth(once) - second {
            twice.cloned()
        } else {
            Some(Arc::clone(parent))
        }
    });
    Some(Arc::new(Cell {
        depth: depth(chain) + 1,
        hash: hash_of(chain)
            .wrapping_mul(WEIGHT)
            .wrapping_add(hash_value(&value)),
        value,
        parent: chain.clone(),
        jump,
    }))
}

/// The element `back` places before the newest one.
pub(super) fn before<V>(chain: &Chain<V>, back: usize) -> Option<&V> {
    let mut cell = chain.as_ref()?;
    let wanted = cell.depth.checked_sub(back).filter(|&depth| depth > 0)?;
    while cell.depth > wanted {
        cell = match &cell.jump {
            Some(jump) if jump.depth >= wanted => jump,
            _ => cell.parent.as_ref()?,
        };
    }
    Some(&cell.value)
}

/// Whether the newest `count` elements are equal. Lists that descend from the same one are told
/// to be equal as soon as what they share is reached.
pub(super) fn equal<V: Eq>(a: &Chain<V>, b: &Chain<V>, count: usize) -> bool {
    let (mut a, mut b) = (a, b);
    for _ in 0..count {
        let (Some(x), Some(y)) = (a, b) else {
            return a.is_none() && b.is_none();
        };
        if Arc::ptr_eq(x, y) {
            return true;
        }
        if x.value != y.value {
            return false;
        }
        (a, b) = (&x.parent, &y.parent);
    }
    true
}

/// A hash of one element that has no simple relation to those of others.
pub(super) fn hash_value<V: Hash>(value: &V) -> u64 {
    let mut hasher = FxHasher::default();
    value.hash(&mut hasher);
    let mut hash = hasher.finish();
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_element_is_found_and_a_long_chain_can_be_dropped() {
        let mut chain = None;
        for value in 0..300_000_u32 {
            chain = push(&chain, value);
        }
        for back in [0, 1, 2, 3, 7, 100, 4095, 4096, 123_456, 299_999] {
            assert_eq!(before(&chain, back), Some(&(299_999 - back as u32)));
        }
        assert_eq!(before(&chain, 300_000), None);
    }

    #[test]
    fn lists_with_equal_elements_are_equal() {
        let one = push(&push(&None, 1), 2);
        let two = push(&push(&None, 1), 2);
        let other = push(&push(&None, 3), 2);
        assert!(equal(&one, &two, 2) && hash_of(&one) == hash_of(&two));
        assert!(!equal(&one, &other, 2) && equal(&one, &other, 1));
    }
}
