//! Sets that only grow, with reads of all: each read is contained in every larger one, which
//! fixes the order of what was seen; of several additions of an element the first to begin is the
//! one that counts, and the others only come behind the reads without it. O(n log n) besides the
//! size of the reads. Always applies.

use std::hash::Hash;

use rustc_hash::FxHashMap;

use super::evidence::{Shown, refute, refuted};
use super::layers::{Layers, Placement, spans};
use super::{Refuted, Why};
use crate::linearizable::item::Item;
use crate::model::GrowSetOp;
use crate::model::persistent::Members;

/// Whether the operations of a set have an order: always decided.
pub(in crate::linearizable) fn decide<V: Ord + Hash>(
    items: &[Item<GrowSetOp<V>>],
) -> Option<Result<(), Refuted>> {
    Some(settle(items).map(|_| ()))
}

/// An order of them, if they have one.
pub(in crate::linearizable) fn order<V: Ord + Hash>(
    items: &[Item<GrowSetOp<V>>],
) -> Option<Vec<usize>> {
    let (layers, placement) = settle(items).ok()?;
    Some(layers.order(&placement))
}

/// What is known of an element.
struct Element {
    /// The addition of it that began first.
    first: usize,
    /// The read that ended first of the smallest that found it.
    witness: Option<usize>,
    /// How many layers are before it.
    before: usize,
}

struct Contents<'a, V> {
    items: &'a [Item<GrowSetOp<V>>],
    elements: FxHashMap<&'a V, Element>,
}

fn settle<V: Ord + Hash>(items: &[Item<GrowSetOp<V>>]) -> Result<(Layers, Placement), Refuted> {
    let mut elements: FxHashMap<&V, Element> = FxHashMap::default();
    let mut reads: Vec<(&Members<V>, usize)> = Vec::new();
    for (item, action) in items.iter().map(|item| &item.action).enumerate() {
        match action {
            GrowSetOp::Add(value) => {
                let element = elements.entry(value).or_insert(Element {
                    first: item,
                    witness: None,
                    before: 0,
                });
                if items[item].start < items[element.first].start {
                    element.first = item;
                }
            }
            GrowSetOp::Read(members) => reads.push((members, item)),
        }
    }
    reads.sort_by_key(|&(members, item)| (members.len(), items[item].end));
    let mut layers = Layers {
        spans: spans(items),
        ..Layers::default()
    };
    let mut contents = Contents { items, elements };
    contents.find(&reads, &mut layers)?;
    contents.add_others(&mut layers);
    match layers.settle() {
        Ok(placement) => Ok((layers, placement)),
        Err(conflict) => Err(refuted(&conflict, &layers, &contents)),
    }
}

impl<'a, V: Ord + Hash> Contents<'a, V> {
    /// Puts reads, which are sorted by size, and what they found into layers.
    fn find(
        &mut self,
        reads: &[(&'a Members<V>, usize)],
        layers: &mut Layers,
    ) -> Result<(), Refuted> {
        let mut before: Option<(&Members<V>, usize)> = None;
        for &(members, item) in reads {
            let found = before.map_or(&[][..], |(members, _)| members);
            if let Some((smaller, other)) = before
                && !is_subset(smaller, members)
            {
                return Err(refute(Why::Diverge, vec![other, item], layers, self));
            }
            if before.is_none() || found.len() < members.len() {
                for value in only_in(members, found) {
                    self.find_element(value, item, layers)?;
                }
                layers.count += 2;
            }
            layers.entries.push((layers.count - 1, item));
            before = Some((members, item));
        }
        Ok(())
    }

    /// An element that a read found, and no smaller one.
    fn find_element(
        &mut self,
        value: &'a V,
        read: usize,
        layers: &mut Layers,
    ) -> Result<(), Refuted> {
        let Some(element) = self.elements.get_mut(value) else {
            return Err(refute(Why::Phantom, vec![read], layers, self));
        };
        element.witness = Some(read);
        element.before = layers.count;
        layers.entries.push((layers.count, element.first));
        Ok(())
    }

    /// Elements that no read found come behind all reads, and what was added again behind the
    /// reads without it.
    fn add_others(&self, layers: &mut Layers) {
        for (at, item) in self.items.iter().enumerate() {
            let GrowSetOp::Add(value) = &item.action else {
                continue;
            };
            let Some(element) = self.elements.get(value) else {
                continue;
            };
            match element.witness {
                _ if item.pending() => {}
                None => layers.late.push((layers.count, at)),
                Some(_) if element.first != at => layers.late.push((element.before, at)),
                Some(_) => {}
            }
        }
    }
}

fn is_subset<V: Ord>(small: &Members<V>, large: &Members<V>) -> bool {
    std::ptr::eq(&**small, &**large) || only_in(small, large).next().is_none()
}

/// What is in the first of two sorted lists and not in the second.
fn only_in<'a, V: Ord>(list: &'a [V], other: &[V]) -> impl Iterator<Item = &'a V> {
    let mut rest = other;
    list.iter().filter(move |&value| {
        while let [first, behind @ ..] = rest
            && first < value
        {
            rest = behind;
        }
        rest.first() != Some(value)
    })
}

impl<V: Ord + Hash> Shown for Contents<'_, V> {
    fn observes(&self, item: usize) -> bool {
        matches!(self.items[item].action, GrowSetOp::Read(_))
    }

    fn tells(&self, _item: usize) -> bool {
        false
    }

    fn shows(&self, read: usize, addition: usize) -> bool {
        match (&self.items[read].action, &self.items[addition].action) {
            (GrowSetOp::Read(members), GrowSetOp::Add(value)) => {
                members.binary_search(value).is_ok()
            }
            _ => false,
        }
    }

    fn lacks(&self, read: usize, addition: usize) -> bool {
        !self.shows(read, addition)
    }

    fn witness(&self, addition: usize) -> Option<usize> {
        match &self.items[addition].action {
            GrowSetOp::Add(value) => self.elements.get(value)?.witness,
            GrowSetOp::Read(_) => None,
        }
    }

    /// The smallest reads that found the second did not find the first.
    fn reversed(&self, _early: usize, late: usize) -> Vec<usize> {
        self.witness(late).into_iter().collect()
    }
}
