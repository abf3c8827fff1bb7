//! Numbers for values: the integers that a workload counts up go by a table, the rest by hash.

use polygraph_history::Value;
use rustc_hash::FxHashMap;

use super::rows::NONE;
use super::view::{INITIAL, ValueId};

/// How many places the table may have for each value seen.
const SPREAD: usize = 4;

/// Values of all keys by number, in the order of their appearance; [`Value::Null`] is
/// [`INITIAL`].
pub(super) struct Values<'a> {
    count: u32,
    /// By integer, where integers are dense.
    table: Vec<ValueId>,
    integers: FxHashMap<i64, ValueId>,
    others: FxHashMap<&'a Value, ValueId>,
}

impl<'a> Values<'a> {
    pub(super) fn new() -> Values<'a> {
        Values {
            count: INITIAL + 1,
            table: Vec::new(),
            integers: FxHashMap::default(),
            others: FxHashMap::default(),
        }
    }

    /// How many there are.
    pub(super) const fn count(&self) -> u32 {
        self.count
    }

    /// The number of a value.
    pub(super) fn id(&mut self, value: &'a Value) -> ValueId {
        let next = self.count;
        let id = match value {
            Value::Null => INITIAL,
            Value::Int(integer) => self.integer(*integer),
            other => *self.others.entry(other).or_insert(next),
        };
        self.count += u32::from(id == next);
        id
    }

    fn integer(&mut self, integer: i64) -> ValueId {
        let place = usize::try_from(integer).unwrap_or(usize::MAX);
        if let Some(&id) = self.table.get(place)
            && id != NONE
        {
            return id;
        }
        if !self.integers.is_empty()
            && let Some(&id) = self.integers.get(&integer)
        {
            return id;
        }
        if place < SPREAD * self.count as usize + 1024 {
            if place >= self.table.len() {
                self.table.resize(place + 1, NONE);
            }
            self.table[place] = self.count;
        } else {
            self.integers.insert(integer, self.count);
        }
        self.count
    }
}

/// Renumbers values of one key among those of all, so that each key's are dense.
pub(super) struct Renumber {
    /// By number among all: the number in this key.
    local: Vec<ValueId>,
    /// The values of this key so far.
    seen: Vec<ValueId>,
}

impl Renumber {
    /// For so many values in all.
    pub(super) fn new(values: u32) -> Renumber {
        Renumber {
            local: vec![NONE; values as usize],
            seen: Vec::new(),
        }
    }

    /// Begins another key.
    pub(super) fn begin(&mut self) {
        for value in self.seen.drain(..) {
            self.local[value as usize] = NONE;
        }
        self.id(INITIAL);
    }

    /// How many values the key has.
    pub(super) const fn count(&self) -> u32 {
        self.seen.len() as u32
    }

    /// The number in this key.
    pub(super) fn id(&mut self, value: ValueId) -> ValueId {
        if value == NONE {
            return NONE;
        }
        let local = &mut self.local[value as usize];
        if *local == NONE {
            *local = self.seen.len() as u32;
            self.seen.push(value);
        }
        *local
    }
}
