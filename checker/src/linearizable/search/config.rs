//! Configurations: what may be the case between two events, and sets of them.

use std::collections::hash_map::Entry;

use rustc_hash::FxHashMap;

/// Which open operations have taken effect, a bit a slot.
pub(in crate::linearizable) type Mask<const W: usize> = [u64; W];

/// Whether a slot's bit is set.
pub(in crate::linearizable) const fn has<const W: usize>(mask: &Mask<W>, slot: u32) -> bool {
    mask[slot as usize / 64] >> (slot % 64) & 1 == 1
}

/// Sets a slot's bit.
pub(in crate::linearizable) const fn set<const W: usize>(mask: &mut Mask<W>, slot: u32) {
    mask[slot as usize / 64] |= 1 << (slot % 64);
}

/// Clears a slot's bit.
pub(in crate::linearizable) const fn clear<const W: usize>(mask: &mut Mask<W>, slot: u32) {
    mask[slot as usize / 64] &= !(1 << (slot % 64));
}

/// What may be the case at a moment: a state, which open operations brought it about, and which
/// operations of unknown outcome did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::linearizable) struct Config<const W: usize> {
    /// By number.
    pub(in crate::linearizable) state: u32,
    /// How many operations of unknown outcome took effect, by class: a number of [`Usage`].
    pub(in crate::linearizable) used: u32,
    /// Which open operations took effect.
    pub(in crate::linearizable) done: Mask<W>,
}

/// Numbers vectors of how often each class of operations of unknown outcome was used.
pub(in crate::linearizable) struct Usage {
    vectors: Vec<Box<[u32]>>,
    totals: Vec<u32>,
    ids: FxHashMap<Box<[u32]>, u32>,
}

impl Usage {
    /// Nothing used.
    pub(in crate::linearizable) const NOTHING: u32 = 0;

    /// For so many classes.
    pub(in crate::linearizable) fn new(classes: usize) -> Usage {
        let nothing: Box<[u32]> = vec![0; classes].into();
        Usage {
            vectors: vec![nothing.clone()],
            totals: vec![0],
            ids: FxHashMap::from_iter([(nothing, Usage::NOTHING)]),
        }
    }

    /// How often a class was used.
    pub(in crate::linearizable) fn of(&self, used: u32, class: usize) -> u32 {
        self.vectors[used as usize][class]
    }

    /// How many operations were used.
    pub(in crate::linearizable) fn total(&self, used: u32) -> u32 {
        self.totals[used as usize]
    }

    /// The same and one more of this class.
    pub(in crate::linearizable) fn plus(&mut self, used: u32, class: usize) -> u32 {
        let mut vector = self.vectors[used as usize].clone();
        vector[class] += 1;
        let next = self.vectors.len() as u32;
        match self.ids.entry(vector) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(new) => {
                self.vectors.push(new.key().clone());
                self.totals.push(self.totals[used as usize] + 1);
                new.insert(next);
                next
            }
        }
    }

    /// Whether `a` used at most what `b` used, of every class.
    fn within(&self, a: u32, b: u32) -> bool {
        a == b
            || self.total(a) <= self.total(b)
                && self.vectors[a as usize]
                    .iter()
                    .zip(&self.vectors[b as usize])
                    .all(|(a, b)| a <= b)
    }

    /// About how many bytes it holds.
    pub(in crate::linearizable) fn bytes(&self) -> u64 {
        (self.vectors.len() * (self.vectors[0].len() * 8 + 64)) as u64
    }
}

type Place<const W: usize> = (u32, u32, Mask<W>);

/// A set of configurations at levels, where one that used fewer operations of unknown outcome
/// stands for all that used more: only the minimal ones are kept.
pub(in crate::linearizable) struct Seen<const W: usize> {
    first: FxHashMap<Place<W>, u32>,
    more: FxHashMap<Place<W>, Vec<u32>>,
    extra: usize,
}

impl<const W: usize> Seen<W> {
    /// The empty set.
    pub(in crate::linearizable) fn new() -> Seen<W> {
        Seen {
            first: FxHashMap::default(),
            more: FxHashMap::default(),
            extra: 0,
        }
    }

    /// Adds a configuration; `false` if the set had it or a better one.
    pub(in crate::linearizable) fn insert(
        &mut self,
        usage: &Usage,
        level: u32,
        config: &Config<W>,
    ) -> bool {
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
            others.retain(|&other| !usage.within(used, other));
        }
        if usage.within(used, *first) {
            *first = used;
        } else {
            self.more.entry(place).or_default().push(used);
            self.extra += 1;
        }
        true
    }

    /// Whether this very configuration is still in the set: no better one displaced it.
    pub(in crate::linearizable) fn has(&self, level: u32, config: &Config<W>) -> bool {
        let place = (level, config.state, config.done);
        self.first.get(&place) == Some(&config.used)
            || self
                .more
                .get(&place)
                .is_some_and(|others| others.contains(&config.used))
    }

    /// Empties the set, and gives back room that it needed only once.
    pub(in crate::linearizable) fn clear(&mut self) {
        if self.first.capacity() > 4096 && self.first.len() * 16 < self.first.capacity() {
            self.first = FxHashMap::default();
        }
        self.first.clear();
        self.more.clear();
        self.extra = 0;
    }

    /// About how many bytes it holds.
    pub(in crate::linearizable) fn bytes(&self) -> u64 {
        let entry = size_of::<Place<W>>() + 8;
        (self.first.capacity() * entry + self.extra * (entry + 32)) as u64
    }
}
