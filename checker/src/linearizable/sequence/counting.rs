//! What is wrong with reads of all, whoever appended which of several equal elements.
//!
//! A read shows every value at least as often as appends of it had ended when it began, and at
//! most as often as appends of it had begun when it ended; and it is no shorter than a read that
//! had ended. As each read is the beginning of every longer one, what these say of a read is how
//! long it must be at least, and can be at most. O(n log n) besides the size of the longest read.
//!
//! Reads that keep to this may have no order even so: that is left to the search.

use std::collections::BTreeSet;
use std::hash::Hash;

use rustc_hash::FxHashMap;

use super::layers::Span;
use super::positions::Fact;
use super::{Refuted, Why};

/// A read that is too short or too long, the first to end of those that are found. Each read is
/// the beginning of every longer one.
pub(super) fn contradiction<V: Eq + Hash>(
    facts: &[Fact<'_, V>],
    spans: &[Span],
) -> Option<Refuted> {
    let longest = facts.iter().filter_map(whole).max_by_key(|it| it.len())?;
    let mut places: FxHashMap<&V, Vec<usize>> = FxHashMap::default();
    for (place, value) in longest.iter().enumerate() {
        places.entry(value).or_default().push(place);
    }
    let short = too_short(facts, spans, &places);
    let long = too_long(facts, spans, &places);
    short.into_iter().chain(long).min_by_key(|found| found.by)
}

fn whole<'a, V>(fact: &Fact<'a, V>) -> Option<&'a [V]> {
    match fact {
        Fact::Whole(values) => Some(values),
        Fact::Append { .. } | Fact::Poll { .. } => None,
    }
}

fn appended<'a, V>(fact: &Fact<'a, V>) -> Option<&'a V> {
    match fact {
        Fact::Append { value, .. } => Some(value),
        Fact::Whole(_) | Fact::Poll { .. } => None,
    }
}

/// Operations by a moment of theirs.
fn sorted(
    items: impl Iterator<Item = usize>,
    moment: impl Fn(usize) -> u64,
) -> impl Iterator<Item = (u64, usize)> {
    let mut list: Vec<(u64, usize)> = items.map(|item| (moment(item), item)).collect();
    list.sort_unstable();
    list.into_iter()
}

/// A read without what had been appended, or read, before it began.
fn too_short<V: Eq + Hash>(
    facts: &[Fact<'_, V>],
    spans: &[Span],
    places: &FxHashMap<&V, Vec<usize>>,
) -> Option<Refuted> {
    let reads = || (0..facts.len()).filter(|&item| whole(&facts[item]).is_some());
    let mut ended = sorted(0..facts.len(), |item| spans[item].1).peekable();
    let mut count: FxHashMap<&V, usize> = FxHashMap::default();
    // How long a read must be, and who says so.
    let (mut least, mut by) = (0, None);
    for (start, read) in sorted(reads(), |item| spans[item].0) {
        while let Some((_, item)) = ended.next_if(|&(end, _)| end < start) {
            let (needed, why) = match (appended(&facts[item]), whole(&facts[item])) {
                (Some(value), _) => {
                    let count = count.entry(value).or_default();
                    *count += 1;
                    let place = places.get(value).and_then(|places| places.get(*count - 1));
                    (place.map_or(usize::MAX, |place| place + 1), Why::Missed)
                }
                (None, Some(values)) => (values.len(), Why::Older),
                (None, None) => continue,
            };
            if needed > least {
                (least, by) = (needed, Some((item, why)));
            }
        }
        let length = whole(&facts[read]).map_or(0, <[V]>::len);
        if let Some((item, why)) = by.filter(|_| length < least) {
            return Some(Refuted {
                by: spans[read].1,
                operations: vec![item, read],
                why,
            });
        }
    }
    None
}

/// A read with what nobody had begun to append when it ended.
fn too_long<V: Eq + Hash>(
    facts: &[Fact<'_, V>],
    spans: &[Span],
    places: &FxHashMap<&V, Vec<usize>>,
) -> Option<Refuted> {
    let of =
        |has: fn(&Fact<'_, V>) -> bool| (0..facts.len()).filter(move |&item| has(&facts[item]));
    let mut begun = sorted(of(|fact| appended(fact).is_some()), |item| spans[item].0).peekable();
    let mut count: FxHashMap<&V, usize> = FxHashMap::default();
    // Of every value the first place for which nobody had begun.
    let mut open: BTreeSet<usize> = places.values().map(|places| places[0]).collect();
    for (end, read) in sorted(of(|fact| whole(fact).is_some()), |item| spans[item].1) {
        while let Some((_, item)) = begun.next_if(|&(start, _)| start <= end) {
            let value = appended(&facts[item])?;
            let Some(places) = places.get(value) else {
                continue;
            };
            let count = count.entry(value).or_default();
            if let Some(place) = places.get(*count) {
                open.remove(place);
            }
            *count += 1;
            open.extend(places.get(*count));
        }
        let values = whole(&facts[read]).unwrap_or_default();
        let Some(value) = open.first().and_then(|&place| values.get(place)) else {
            continue;
        };
        let later = begun.find(|&(_, item)| appended(&facts[item]) == Some(value));
        let mut operations = vec![read];
        operations.extend(later.map(|(_, item)| item));
        return Some(Refuted {
            by: end,
            why: if operations.len() > 1 {
                Why::NotYet
            } else {
                Why::Phantom
            },
            operations,
        });
    }
    None
}
