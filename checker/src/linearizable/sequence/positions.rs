//! Elements one behind the other: what is known of who appended which.
//!
//! Offsets and reads give elements their places, and where values are distinct a value tells who
//! appended it. The append of each place is a layer of its own; a read of all that found `n`
//! elements is one between places; a poll comes behind its last element.

use std::hash::Hash;

use rustc_hash::FxHashMap;

use super::counting::contradiction;
use super::evidence::{Shown, refuted};
use super::layers::{Layers, Placement, Span};
use super::{Refuted, Why};

/// What an operation says.
#[derive(Debug)]
pub(super) enum Fact<'a, V> {
    /// An append, and where it is if it tells.
    Append { value: &'a V, offset: Option<u64> },
    /// From an offset on there are these.
    Poll { from: u64, values: &'a [V] },
    /// There were just these.
    Whole(&'a [V]),
}

impl<V> Fact<'_, V> {
    /// How many elements there must be for it; `None` for more than can be.
    fn reaches(&self) -> Option<usize> {
        match *self {
            Fact::Append { offset: None, .. } => Some(0),
            Fact::Append {
                offset: Some(offset),
                ..
            } => usize::try_from(offset).ok()?.checked_add(1),
            Fact::Poll { values: [], .. } => Some(0),
            Fact::Poll { from, values } => usize::try_from(from).ok()?.checked_add(values.len()),
            Fact::Whole(values) => Some(values.len()),
        }
    }
}

/// Whether operations have an order, and where they are in it; `None` if that is not decided here.
pub(super) fn settle<'a, V: Eq + Hash>(
    facts: Vec<Fact<'a, V>>,
    spans: Vec<Span>,
) -> Option<Result<(Layers, Placement), Refuted>> {
    let mut positions = Positions {
        by_value: FxHashMap::default(),
        places: vec![None; facts.len()],
        known: Vec::new(),
        facts,
    };
    let found = positions.find(&spans);
    if let Err(refuted) = found {
        return Some(Err(refuted));
    }
    match positions.assign(&spans) {
        Ok(true) => {}
        Ok(false) => return contradiction(&positions.facts, &spans).map(Err),
        Err(refuted) => return Some(Err(refuted)),
    }
    let layers = positions.layers(spans);
    Some(match layers.settle() {
        Ok(placement) => Ok((layers, placement)),
        Err(conflict) => Err(refuted(&conflict, &layers, &positions)),
    })
}

/// What is known of a place.
struct Place<'a, V> {
    /// The element, if anybody showed it.
    value: Option<&'a V>,
    /// The read that showed it and ended first.
    witness: Option<usize>,
    /// Who appended it.
    occupant: Option<usize>,
}

/// Who appended a value.
#[derive(Clone, Copy, Default)]
struct Appends {
    /// One of those of which it is not told where.
    anywhere: Option<usize>,
    /// Whether there are others besides.
    others: bool,
}

struct Positions<'a, V> {
    facts: Vec<Fact<'a, V>>,
    known: Vec<Place<'a, V>>,
    /// Where appends are.
    places: Vec<Option<usize>>,
    by_value: FxHashMap<&'a V, Appends>,
}

impl<'a, V: Eq + Hash> Positions<'a, V> {
    /// Finds out which elements are where; fails where operations contradict each other.
    fn find(&mut self, spans: &[Span]) -> Result<(), Refuted> {
        let is_append = |fact: &&Fact<'_, V>| matches!(fact, Fact::Append { .. });
        let appends = self.facts.iter().filter(is_append).count();
        let mut length = 0;
        for (item, fact) in self.facts.iter().enumerate() {
            match fact.reaches() {
                Some(reached) if reached <= appends => length = length.max(reached),
                _ => return Err(wrong(Why::TooMuch, vec![item], spans)),
            }
        }
        self.known.resize_with(length, || Place {
            value: None,
            witness: None,
            occupant: None,
        });
        self.find_in_wholes(spans)?;
        for item in 0..self.facts.len() {
            if let Fact::Poll { from, values } = self.facts[item] {
                // It reaches less far than there are appends, or shows nothing.
                let from = usize::try_from(from).unwrap_or_default();
                for (at, value) in values.iter().enumerate() {
                    self.show(from + at, value, item, spans)?;
                }
            }
        }
        self.by_value.reserve(appends);
        for item in 0..self.facts.len() {
            if let Fact::Append { value, offset } = self.facts[item] {
                self.find_append(item, value, offset, spans)?;
            }
        }
        Ok(())
    }

    /// Each read of all is the beginning of the next longer one.
    fn find_in_wholes(&mut self, spans: &[Span]) -> Result<(), Refuted> {
        let mut wholes: Vec<(&'a [V], usize)> = (self.facts.iter().enumerate())
            .filter_map(|(item, fact)| match fact {
                Fact::Whole(values) => Some((*values, item)),
                _ => None,
            })
            .collect();
        wholes.sort_by_key(|&(values, item)| (values.len(), spans[item].1));
        for pair in wholes.windows(2) {
            let [(short, one), (long, other)] = *pair else {
                continue;
            };
            if !std::ptr::eq(short, long) && *short != long[..short.len()] {
                return Err(wrong(Why::Diverge, vec![one, other], spans));
            }
        }
        let Some(&(longest, _)) = wholes.last() else {
            return Ok(());
        };
        let mut first: Option<usize> = None;
        for (at, value) in longest.iter().enumerate().rev() {
            while let Some((_, item)) = wholes.pop_if(|(values, _)| values.len() > at) {
                if first.is_none_or(|first| spans[item].1 < spans[first].1) {
                    first = Some(item);
                }
            }
            self.known[at].value = Some(value);
            self.known[at].witness = first;
        }
        Ok(())
    }

    /// A poll shows an element at a place.
    fn show(
        &mut self,
        at: usize,
        value: &'a V,
        item: usize,
        spans: &[Span],
    ) -> Result<(), Refuted> {
        let place = &mut self.known[at];
        match (place.value, place.witness) {
            (Some(other), Some(witness)) if other != value => {
                Err(wrong(Why::Diverge, vec![witness, item], spans))
            }
            (Some(_), Some(witness)) if spans[witness].1 <= spans[item].1 => Ok(()),
            _ => {
                place.value = Some(value);
                place.witness = Some(item);
                Ok(())
            }
        }
    }

    fn find_append(
        &mut self,
        item: usize,
        value: &'a V,
        offset: Option<u64>,
        spans: &[Span],
    ) -> Result<(), Refuted> {
        let appends = self.by_value.entry(value).or_default();
        // All offsets are places, see `find`.
        let Some(at) = offset.and_then(|offset| usize::try_from(offset).ok()) else {
            appends.others |= appends.anywhere.replace(item).is_some();
            return Ok(());
        };
        appends.others = true;
        let place = &mut self.known[at];
        if let Some(other) = place.occupant {
            return Err(wrong(Why::SamePlace, vec![other, item], spans));
        }
        if let (Some(other), Some(witness)) = (place.value, place.witness)
            && other != value
        {
            return Err(wrong(Why::Diverge, vec![item, witness], spans));
        }
        place.value = Some(value);
        place.occupant = Some(item);
        self.places[item] = Some(at);
        Ok(())
    }

    /// Finds out who appended what reads show. Whether that is certain everywhere.
    fn assign(&mut self, spans: &[Span]) -> Result<bool, Refuted> {
        for at in 0..self.known.len() {
            let Place {
                value: Some(value),
                witness: Some(witness),
                occupant: None,
            } = self.known[at]
            else {
                continue;
            };
            let appends = self.by_value.get(value).copied().unwrap_or_default();
            let Some(item) = appends.anywhere else {
                let operations = [&[witness], &self.told(value)[..]].concat();
                return Err(wrong(Why::Phantom, operations, spans));
            };
            if appends.others {
                return Ok(false);
            }
            if let Some(other) = self.places[item].replace(at) {
                let operations = [Some(witness), self.known[other].witness];
                let mut operations: Vec<usize> = operations.into_iter().flatten().collect();
                operations.dedup();
                return Err(wrong(Why::Twice, operations, spans));
            }
            self.known[at].occupant = Some(item);
        }
        Ok(true)
    }

    /// The appends of a value that tell where it is.
    fn told(&self, value: &V) -> Vec<usize> {
        let facts = self.facts.iter().enumerate();
        let told = facts.filter(|(_, fact)| match fact {
            Fact::Append {
                value: other,
                offset: Some(_),
            } => *other == value,
            _ => false,
        });
        told.map(|(item, _)| item).collect()
    }

    fn layers(&self, spans: Vec<Span>) -> Layers {
        let mut layers = Layers {
            count: 2 * self.known.len() + 1,
            ..Layers::default()
        };
        for (at, place) in self.known.iter().enumerate() {
            match place.occupant {
                Some(item) => layers.entries.push((2 * at + 1, item)),
                None => layers.gaps.push((2 * at + 1, 1)),
            }
        }
        for (item, fact) in self.facts.iter().enumerate() {
            match fact {
                Fact::Whole(values) => layers.entries.push((2 * values.len(), item)),
                Fact::Poll { .. } => {
                    let reached = fact.reaches().unwrap_or_default();
                    layers.late.push((2 * reached, item));
                }
                Fact::Append { .. } if self.places[item].is_none() => layers.free.push(item),
                Fact::Append { .. } => {}
            }
        }
        layers.spans = spans;
        layers
    }
}

/// What contradicts itself by what operations show, all of which ended.
fn wrong(why: Why, operations: Vec<usize>, spans: &[Span]) -> Refuted {
    let by = operations.iter().map(|&item| spans[item].1).max();
    Refuted {
        by: by.unwrap_or_default(),
        operations,
        why,
    }
}

impl<V: Eq> Shown for Positions<'_, V> {
    fn observes(&self, item: usize) -> bool {
        !matches!(self.facts[item], Fact::Append { .. })
    }

    fn tells(&self, item: usize) -> bool {
        matches!(
            self.facts[item],
            Fact::Append {
                offset: Some(_),
                ..
            }
        )
    }

    fn shows(&self, read: usize, addition: usize) -> bool {
        let Some(at) = self.places[addition] else {
            return false;
        };
        match self.facts[read] {
            Fact::Poll { from, values } => {
                let from = usize::try_from(from).unwrap_or(usize::MAX);
                at >= from && at - from < values.len()
            }
            Fact::Whole(values) => at < values.len(),
            Fact::Append { .. } => false,
        }
    }

    fn lacks(&self, read: usize, addition: usize) -> bool {
        match (&self.facts[read], &self.facts[addition]) {
            (Fact::Whole(values), Fact::Append { value, .. }) => !values.contains(*value),
            _ => false,
        }
    }

    fn witness(&self, addition: usize) -> Option<usize> {
        if self.tells(addition) {
            return None;
        }
        self.known[self.places[addition]?].witness
    }
}
