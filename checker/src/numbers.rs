//! Keys and values of a history by number.

use polygraph_history::{Key, Value};
use rustc_hash::FxHashMap;

/// Stands for *none* where a number is expected.
const NONE: u32 = u32::MAX;

/// How many keys are remembered by a part of their address.
const RECENT: usize = 256;

/// Keys by number, in the order in which they are met. A history keeps equal keys in one
/// allocation, so that most are known by their address; of those that were used of late a small
/// table tells it.
pub(crate) struct Keys<'h> {
    /// Of each number its key.
    pub(crate) names: Vec<&'h Key>,
    recent: [(usize, u32); RECENT],
    by_address: FxHashMap<usize, u32>,
    by_name: FxHashMap<&'h Key, u32>,
}

impl Default for Keys<'_> {
    fn default() -> Self {
        Keys {
            names: Vec::new(),
            // No key is at address zero.
            recent: [(0, NONE); RECENT],
            by_address: FxHashMap::default(),
            by_name: FxHashMap::default(),
        }
    }
}

impl<'h> Keys<'h> {
    /// The number of a key; the next one if it is new.
    pub(crate) fn number(&mut self, key: &'h Key) -> u32 {
        let address = key.0.as_ptr() as usize;
        let place = (address >> 5 ^ address >> 13) % RECENT;
        let (known, number) = self.recent[place];
        if known == address {
            return number;
        }
        let number = self.look_up(key, address);
        self.recent[place] = (address, number);
        number
    }

    fn look_up(&mut self, key: &'h Key, address: usize) -> u32 {
        if let Some(&number) = self.by_address.get(&address) {
            return number;
        }
        let number = *self.by_name.entry(key).or_insert_with(|| {
            self.names.push(key);
            self.names.len() as u32 - 1
        });
        self.by_address.insert(address, number);
        number
    }
}

/// Values by number, those of each key apart. Integers that count up, as generators make them,
/// have their place in an array a key; all else is hashed.
#[derive(Default)]
pub(crate) struct Numbers<'h> {
    counted: Vec<Vec<u32>>,
    /// How many values each key has in its array.
    filled: Vec<usize>,
    others: FxHashMap<(u32, &'h Value), u32>,
}

impl<'h> Numbers<'h> {
    /// The number of a value of a key, if it has one.
    pub(crate) fn get(&self, key: u32, value: &Value) -> Option<u32> {
        if let (Value::Int(number), Some(counted)) = (value, self.counted.get(key as usize))
            && let Ok(place) = usize::try_from(*number)
            && let Some(&found) = counted.get(place)
            && found != NONE
        {
            return Some(found);
        }
        if self.others.is_empty() {
            return None;
        }
        self.others.get(&(key, value)).copied()
    }

    /// The number of a value, `fresh` if it is new.
    pub(crate) fn insert(&mut self, key: u32, value: &'h Value, fresh: u32) -> u32 {
        if let Some(known) = self.get(key, value) {
            return known;
        }
        let at = key as usize;
        if at >= self.counted.len() {
            self.counted.resize(at + 1, Vec::new());
            self.filled.resize(at + 1, 0);
        }
        // No more than a few places for each value, or large integers would cost memory.
        let most = 4 * self.filled[at] + 16;
        if let Value::Int(number) = value
            && let Ok(place) = usize::try_from(*number)
            && place < most
        {
            let counted = &mut self.counted[at];
            if place >= counted.len() {
                counted.resize(place + 1, NONE);
            }
            counted[place] = fresh;
            self.filled[at] += 1;
        } else {
            self.others.insert((key, value), fresh);
        }
        fresh
    }
}
