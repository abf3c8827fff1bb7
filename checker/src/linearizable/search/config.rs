//! Configurations: what may be the case between two events, and sets of them.

use std::collections::hash_map::Entry;

use rustc_hash::FxHashMap;

use super::budget::{Meter, Owner, table_bytes};

/// Which open operations have taken effect, a bit a slot.
pub(super) type Mask<const W: usize> = [u64; W];

/// Whether a slot's bit is set.
pub(super) const fn has<const W: usize>(mask: &Mask<W>, slot: u32) -> bool {
    mask[slot as usize / 64] >> (slot % 64) & 1 == 1
}

/// Sets a slot's bit.
pub(super) const fn set<const W: usize>(mask: &mut Mask<W>, slot: u32) {
    mask[slot as usize / 64] |= 1 << (slot % 64);
}

/// Clears a slot's bit.
pub(super) const fn clear<const W: usize>(mask: &mut Mask<W>, slot: u32) {
    mask[slot as usize / 64] &= !(1 << (slot % 64));
}

/// What may be the case at a moment: a state, which open operations brought it about, and which
/// operations of unknown outcome did. `T` is 1 if somebody asks for the order, else 0.
#[derive(Clone, Copy, Debug)]
pub(super) struct Config<const W: usize, const T: usize> {
    /// By number.
    pub(super) state: u32,
    /// How many operations of unknown outcome took effect, by class: a number of [`Usage`].
    pub(super) used: u32,
    /// Which open operations took effect.
    pub(super) done: Mask<W>,
    /// How it came about: a number of [`super::trace::Past`].
    pub(super) past: [u32; T],
}

/// Numbers vectors of how often each class of operations of unknown outcome was used.
pub(super) struct Usage {
    vectors: Vec<Box<[u32]>>,
    totals: Vec<u32>,
    ids: FxHashMap<Box<[u32]>, u32>,
    /// The next vector by vector and class.
    next: FxHashMap<(u32, u32), u32>,
}

impl Usage {
    /// Nothing used.
    pub(super) const NOTHING: u32 = 0;

    /// For so many classes.
    pub(super) fn new(classes: usize) -> Usage {
        let nothing: Box<[u32]> = vec![0; classes].into();
        Usage {
            vectors: vec![nothing.clone()],
            totals: vec![0],
            ids: FxHashMap::from_iter([(nothing, Usage::NOTHING)]),
            next: FxHashMap::default(),
        }
    }

    /// How often a class was used.
    #[inline]
    pub(super) fn of(&self, used: u32, class: usize) -> u32 {
        self.vectors[used as usize][class]
    }

    /// How many operations were used.
    #[inline]
    pub(super) fn total(&self, used: u32) -> u32 {
        self.totals[used as usize]
    }

    /// The same and one more of this class; `None` if there is no memory for it.
    pub(super) fn plus(&mut self, meter: &mut Meter<'_>, used: u32, class: usize) -> Option<u32> {
        if let Some(&next) = self.next.get(&(used, class as u32)) {
            return Some(next);
        }
        let mut vector = self.vectors[used as usize].clone();
        vector[class] += 1;
        let id = match self.ids.get(&vector) {
            Some(&id) => id,
            None => {
                let id = self.vectors.len() as u32;
                let total = self.totals[used as usize] + 1;
                // Twice the vector itself, with what an allocation costs.
                let room = meter.grow(Owner::Core, 0, 2 * (vector.len() as u64 * 4 + 16))
                    && meter.reserve(Owner::Core, &mut self.ids)
                    && meter.push(Owner::Core, &mut self.vectors, vector.clone())
                    && meter.push(Owner::Core, &mut self.totals, total);
                if !room {
                    return None;
                }
                self.ids.insert(vector, id);
                id
            }
        };
        if !meter.reserve(Owner::Core, &mut self.next) {
            return None;
        }
        self.next.insert((used, class as u32), id);
        Some(id)
    }

    /// Whether `a` used at most what `b` used, of every class.
    fn within(&self, a: u32, b: u32) -> bool {
        a == b
            || self.total(a) < self.total(b)
                && self.vectors[a as usize]
                    .iter()
                    .zip(&self.vectors[b as usize])
                    .all(|(a, b)| a <= b)
    }
}

type Place<const W: usize> = (u32, u32, Mask<W>);

/// A set of configurations at levels, where one that used fewer operations of unknown outcome
/// stands for all that used more: only the minimal ones are kept.
pub(super) struct Seen<const W: usize> {
    owner: Owner,
    first: FxHashMap<Place<W>, u32>,
    more: FxHashMap<Place<W>, Vec<u32>>,
    /// Whether any was displaced by a better one.
    displaced: bool,
}

impl<const W: usize> Seen<W> {
    /// The empty set.
    pub(super) fn new(owner: Owner) -> Seen<W> {
        Seen {
            owner,
            first: FxHashMap::default(),
            more: FxHashMap::default(),
            displaced: false,
        }
    }

    /// Adds a configuration; `false` if the set had it or a better one, or if there is no room.
    pub(super) fn insert<const T: usize>(
        &mut self,
        usage: &Usage,
        meter: &mut Meter<'_>,
        level: u32,
        config: &Config<W, T>,
    ) -> bool {
        if !meter.reserve(self.owner, &mut self.first) {
            return false;
        }
        let place = (level, config.state, config.done);
        let used = config.used;
        let first = match self.first.entry(place) {
            Entry::Vacant(entry) => {
                entry.insert(used);
                return true;
            }
            Entry::Occupied(entry) => entry.into_mut(),
        };
        if usage.within(*first, used) {
            return false;
        }
        if let Some(others) = self.more.get_mut(&place) {
            if others.iter().any(|&other| usage.within(other, used)) {
                return false;
            }
            let before = others.len();
            others.retain(|&other| !usage.within(used, other));
            self.displaced |= others.len() < before;
        }
        if usage.within(used, *first) {
            *first = used;
            self.displaced = true;
            return true;
        }
        if !meter.reserve(self.owner, &mut self.more) {
            return false;
        }
        meter.push(self.owner, self.more.entry(place).or_default(), used)
    }

    /// Whether this very configuration, which was added, is still in the set: no better one
    /// displaced it.
    #[inline]
    pub(super) fn has<const T: usize>(&self, level: u32, config: &Config<W, T>) -> bool {
        !self.displaced || self.find(level, config)
    }

    fn find<const T: usize>(&self, level: u32, config: &Config<W, T>) -> bool {
        let place = (level, config.state, config.done);
        self.first.get(&place) == Some(&config.used)
            || self
                .more
                .get(&place)
                .is_some_and(|others| others.contains(&config.used))
    }

    /// Empties the set, and gives back room that it needed only once.
    pub(super) fn clear(&mut self, meter: &mut Meter<'_>) {
        self.displaced = false;
        self.forget_more(meter);
        if self.first.capacity() > 4096 && self.first.len() * 16 < self.first.capacity() {
            meter.shrink(self.owner, table_bytes(&self.first));
            self.first = FxHashMap::default();
        }
        self.first.clear();
    }

    fn forget_more(&mut self, meter: &mut Meter<'_>) {
        if !self.more.is_empty() {
            let lists: usize = self.more.values().map(Vec::capacity).sum();
            meter.shrink(self.owner, lists as u64 * 4);
            self.more.clear();
        }
    }

    /// Forgets all levels before this one.
    pub(super) fn forget_before(&mut self, meter: &mut Meter<'_>, level: u32) {
        let mut lists = 0;
        self.first.retain(|place, _| place.0 >= level);
        self.more.retain(|place, others| {
            let keep = place.0 >= level;
            lists += if keep { 0 } else { others.capacity() as u64 };
            keep
        });
        meter.shrink(self.owner, lists * 4);
        // Shrinking moves what is left to a new table; the old one is there until then.
        let before = table_bytes(&self.first);
        self.first.shrink_to(2 * self.first.len());
        meter.shrink(self.owner, before - table_bytes(&self.first).min(before));
    }
}
