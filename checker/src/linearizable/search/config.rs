//! Configurations: what may be the case between two events, and sets of them.

use std::collections::hash_map;

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
///
/// A vector is a path in a tree that uses the classes in their order, so that each is numbered
/// once.
pub(super) struct Usage {
    classes: usize,
    nodes: Vec<Used>,
    /// The counts of all vectors, one after the other.
    counts: Vec<u32>,
    /// The next vector by vector and class.
    next: FxHashMap<(u32, u32), u32>,
}

/// A vector, and how it comes about.
#[derive(Clone, Copy)]
struct Used {
    total: u32,
    /// The last class of the path, and what was before.
    last: u32,
    before: u32,
}

impl Usage {
    /// Nothing used.
    pub(super) const NOTHING: u32 = 0;

    /// For so many classes.
    pub(super) fn new(classes: usize) -> Usage {
        Usage {
            classes,
            nodes: vec![Used {
                total: 0,
                last: 0,
                before: Usage::NOTHING,
            }],
            counts: vec![0; classes],
            next: FxHashMap::default(),
        }
    }

    fn counts(&self, used: u32) -> &[u32] {
        &self.counts[used as usize * self.classes..][..self.classes]
    }

    /// How often a class was used.
    #[inline]
    pub(super) fn of(&self, used: u32, class: usize) -> u32 {
        self.counts[used as usize * self.classes + class]
    }

    /// How many operations were used.
    #[inline]
    pub(super) fn total(&self, used: u32) -> u32 {
        self.nodes[used as usize].total
    }

    /// The same and one more of this class; `None` if there is no memory for it.
    pub(super) fn plus(&mut self, meter: &mut Meter<'_>, used: u32, class: u32) -> Option<u32> {
        // What is used after this class comes off the path, to be put back behind it.
        let (mut at, mut after) = (used, Vec::new());
        let mut next = loop {
            if let Some(&next) = self.next.get(&(at, class)) {
                break next;
            }
            let node = self.nodes[at as usize];
            if node.last <= class {
                break self.extend(meter, at, class)?;
            }
            after.push((at, node.last));
            at = node.before;
        };
        while let Some((from, last)) = after.pop() {
            next = match self.next.get(&(next, last)) {
                Some(&known) => known,
                None => self.extend(meter, next, last)?,
            };
            self.remember(meter, from, class, next)?;
        }
        Some(next)
    }

    /// Numbers a new vector at the end of a path.
    fn extend(&mut self, meter: &mut Meter<'_>, before: u32, class: u32) -> Option<u32> {
        let id = self.nodes.len() as u32;
        let node = Used {
            total: self.total(before) + 1,
            last: class,
            before,
        };
        self.remember(meter, before, class, id)?;
        let begin = before as usize * self.classes;
        for at in 0..self.classes {
            let count = self.counts[begin + at] + u32::from(at == class as usize);
            if !meter.push(Owner::Core, &mut self.counts, count) {
                return None;
            }
        }
        meter.push(Owner::Core, &mut self.nodes, node).then_some(id)
    }

    fn remember(&mut self, meter: &mut Meter<'_>, from: u32, class: u32, next: u32) -> Option<()> {
        if !meter.reserve(Owner::Core, &mut self.next) {
            return None;
        }
        self.next.insert((from, class), next);
        Some(())
    }

    /// Whether `a` used at most what `b` used, of every class.
    fn within(&self, a: u32, b: u32) -> bool {
        a == b
            || self.total(a) < self.total(b)
                && (self.counts(a).iter().zip(self.counts(b))).all(|(a, b)| a <= b)
    }
}

type Place<const W: usize> = (u32, u32, Mask<W>);

/// Which vector a configuration of some place used, and where others of the same place are.
#[derive(Clone, Copy)]
struct Entry {
    used: u32,
    more: u32,
}

/// The end of a list of entries.
const END: u32 = u32::MAX;

/// A set of configurations at levels, where one that used fewer operations of unknown outcome
/// stands for all that used more: only the minimal ones are kept.
pub(super) struct Seen<const W: usize> {
    owner: Owner,
    places: FxHashMap<Place<W>, Entry>,
    /// Further entries of the same places.
    more: Vec<Entry>,
    /// Whether any was displaced by a better one.
    displaced: bool,
}

impl<const W: usize> Seen<W> {
    /// The empty set.
    pub(super) fn new(owner: Owner) -> Seen<W> {
        Seen {
            owner,
            places: FxHashMap::default(),
            more: Vec::new(),
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
        if !meter.reserve(self.owner, &mut self.places) {
            return false;
        }
        let used = config.used;
        let first = match self.places.entry((level, config.state, config.done)) {
            hash_map::Entry::Vacant(place) => {
                place.insert(Entry { used, more: END });
                return true;
            }
            hash_map::Entry::Occupied(place) => place.into_mut(),
        };
        if usage.within(first.used, used) {
            return false;
        }
        let mut at = first.more;
        while let Some(entry) = self.more.get(at as usize) {
            if usage.within(entry.used, used) {
                return false;
            }
            at = entry.more;
        }
        // Nothing stands for it; it may stand for others.
        let replaces = usage.within(used, first.used);
        let (mut before, mut at) = (END, first.more);
        while let Some(&other) = self.more.get(at as usize) {
            if usage.within(used, other.used) {
                self.displaced = true;
                match self.more.get_mut(before as usize) {
                    Some(before) => before.more = other.more,
                    None => first.more = other.more,
                }
            } else {
                before = at;
            }
            at = other.more;
        }
        if replaces {
            self.displaced = true;
            first.used = used;
            return true;
        }
        let entry = Entry {
            used,
            more: first.more,
        };
        first.more = self.more.len() as u32;
        if !meter.push(self.owner, &mut self.more, entry) {
            first.more = entry.more;
            return false;
        }
        true
    }

    /// Whether this very configuration, which was added, is still in the set: no better one
    /// displaced it.
    #[inline]
    pub(super) fn has<const T: usize>(&self, level: u32, config: &Config<W, T>) -> bool {
        !self.displaced || self.find(level, config)
    }

    fn find<const T: usize>(&self, level: u32, config: &Config<W, T>) -> bool {
        let mut entry = self.places.get(&(level, config.state, config.done));
        while let Some(&Entry { used, more }) = entry {
            if used == config.used {
                return true;
            }
            entry = self.more.get(more as usize);
        }
        false
    }

    /// Empties the set, and gives back room that it needed only once.
    pub(super) fn clear(&mut self, meter: &mut Meter<'_>) {
        self.displaced = false;
        self.more.clear();
        if self.places.capacity() > 4096 && self.places.len() * 16 < self.places.capacity() {
            meter.shrink(self.owner, table_bytes(&self.places));
            self.places = FxHashMap::default();
        }
        self.places.clear();
    }

    /// Empties the set, and gives back all room.
    pub(super) fn reset(&mut self, meter: &mut Meter<'_>) {
        let more = self.more.capacity() * size_of::<Entry>();
        meter.shrink(self.owner, table_bytes(&self.places) + more as u64);
        *self = Seen::new(self.owner);
    }
}
