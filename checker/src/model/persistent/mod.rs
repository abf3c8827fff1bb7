//! Immutable collections whose copies, additions, hashes and comparisons are cheap: what models
//! remember.
//!
//! - [`Sequence`]: grows at its end. [`Map`], [`Set`]: by key. [`Multiset`]: in order.
//! - [`Elements`], [`Members`]: what a read returned, to be compared with them.
//!
//! A search clones, hashes and compares the state at every step. So the collections share what
//! they have in common, and know a digest of their content. Digests only save comparisons: that
//! two are equal is never concluded from them.

use std::fmt;
use std::hash::{Hash, Hasher};

use rustc_hash::FxHasher;

mod elements;
mod map;
mod members;
mod multiset;
mod sequence;

pub use elements::Elements;
pub use map::{Map, Set};
pub use members::Members;
pub use multiset::Multiset;
pub use sequence::Sequence;

/// How many elements of a long list are shown at each of its ends.
const SHOWN: usize = 5;

/// Writes elements between brackets; of very many only the first and last.
fn write_list<V: fmt::Display>(
    values: &[V],
    [open, close]: [&str; 2],
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    f.write_str(open)?;
    for (at, value) in values.iter().enumerate() {
        if at >= SHOWN && at + SHOWN < values.len() {
            if at == SHOWN {
                f.write_str(" …")?;
            }
            continue;
        }
        let space = if at > 0 { " " } else { "" };
        write!(f, "{space}{value}")?;
    }
    f.write_str(close)
}

/// A number that stands for a value, well spread over all bits.
pub(super) fn digest(value: &impl Hash) -> u64 {
    let mut hasher = FxHasher::default();
    value.hash(&mut hasher);
    spread(hasher.finish())
}

/// The finalizer of SplitMix64 (Steele, Lea, Flood, *Fast splittable pseudorandom number
/// generators*, OOPSLA 2014).
const fn spread(bits: u64) -> u64 {
    let bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// What the places of a sequence are weighed with in its digest: odd, so that nothing is lost.
const WEIGHT: u64 = 0x9e37_79b9_7f4a_7c15;

/// The digest of a sequence with one element more.
pub(super) fn appended(sequence: u64, value: &impl Hash) -> u64 {
    sequence.wrapping_mul(WEIGHT).wrapping_add(digest(value))
}

/// The digest of a sequence of so many elements without the first of them.
pub(super) fn without_first(sequence: u64, length: usize, first: &impl Hash) -> u64 {
    let weight = WEIGHT.wrapping_pow(length.saturating_sub(1) as u32);
    sequence.wrapping_sub(digest(first).wrapping_mul(weight))
}
