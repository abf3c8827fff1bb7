//! The values of each register by number.

use polygraph_history::Value;
use rustc_hash::FxHashMap;

use super::view::NONE;

/// A value that somebody tried to write to a register, or read from it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Element {
    pub(super) key: u32,
    /// The first transaction that may have written it, if any.
    pub(super) writer: u32,
    /// The first transaction that tried to write it and failed, if any.
    pub(super) aborted: u32,
    /// Whether several transactions may have written it.
    pub(super) several: bool,
    /// Whether its writer went on to write something else.
    pub(super) overwritten: bool,
}

/// Elements by number. Integers that count up for each register, as generators make them, have
/// their place in an array a register; integers that count up over all registers have it in one
/// array for all; all else is hashed.
#[derive(Default)]
pub(super) struct Elements<'h> {
    pub(super) all: Vec<Element>,
    counted: Vec<Vec<u32>>,
    /// How many elements each register has.
    filled: Vec<u32>,
    global: Vec<u32>,
    integers: FxHashMap<(u32, i64), u32>,
    others: FxHashMap<(u32, &'h Value), u32>,
}

/// How many places an array may have for each element, and at least.
const PLACES: usize = 4;
const FEW: usize = 16;

impl<'h> Elements<'h> {
    /// The number of this value of a register.
    pub(super) fn number(&mut self, key: u32, value: &'h Value) -> u32 {
        if key as usize >= self.counted.len() {
            self.counted.resize(key as usize + 1, Vec::new());
            self.filled.resize(key as usize + 1, 0);
        }
        match value {
            Value::Int(number) => self.integer(key, *number),
            other => {
                if let Some(&known) = self.others.get(&(key, other)) {
                    return known;
                }
                let fresh = self.fresh(key);
                self.others.insert((key, other), fresh);
                fresh
            }
        }
    }

    fn integer(&mut self, key: u32, number: i64) -> u32 {
        let place = usize::try_from(number).unwrap_or(usize::MAX);
        let counted = &self.counted[key as usize];
        if let Some(&known) = counted.get(place)
            && known != NONE
        {
            return known;
        }
        // An element stays where it was put: all places are looked at before one is chosen.
        let global = self.global.get(place).copied().unwrap_or(NONE);
        if global != NONE && self.all[global as usize].key == key {
            return global;
        }
        if !self.integers.is_empty()
            && let Some(&known) = self.integers.get(&(key, number))
        {
            return known;
        }
        let fresh = self.fresh(key);
        if place < PLACES * self.filled[key as usize] as usize + FEW {
            let counted = &mut self.counted[key as usize];
            if place >= counted.len() {
                counted.resize(place + 1, NONE);
            }
            counted[place] = fresh;
        } else if global == NONE && place < PLACES * self.all.len() + FEW {
            if place >= self.global.len() {
                self.global.resize(place + 1, NONE);
            }
            self.global[place] = fresh;
        } else {
            self.integers.insert((key, number), fresh);
        }
        fresh
    }

    fn fresh(&mut self, key: u32) -> u32 {
        self.filled[key as usize] += 1;
        self.all.push(Element {
            key,
            writer: NONE,
            aborted: NONE,
            several: false,
            overwritten: false,
        });
        self.all.len() as u32 - 1
    }
}
