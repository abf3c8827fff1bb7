//! Keys that live and die: a few hot and many cool ones, fresh ones all the time.
//!
//! Checking is per key, and histories of a key should end: a key that has had its share of
//! operations retires, and a fresh one takes its place.

use std::collections::VecDeque;

use polygraph_history::Key;
use polygraph_history::random::below;

/// How many retired keys are remembered for the final reads.
const REMEMBERED: usize = 10;

/// A pool of live keys.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    prefix: &'static str,
    live: Vec<Live>,
    retired: VecDeque<Key>,
    next: u64,
    per_key: u64,
}

#[derive(Clone, Debug)]
struct Live {
    key: Key,
    used: u64,
}

impl Keys {
    /// A pool of so many live keys, each of which retires after `per_key` uses.
    pub(crate) fn new(prefix: &'static str, live: u64, per_key: u64) -> Keys {
        let mut keys = Keys {
            prefix,
            live: Vec::new(),
            retired: VecDeque::new(),
            next: 0,
            per_key,
        };
        keys.live = (0..live).map(|_| keys.fresh()).collect();
        keys
    }

    fn fresh(&mut self) -> Live {
        self.next += 1;
        Live {
            key: Key::from(format!("{}{}", self.prefix, self.next - 1).as_str()),
            used: 0,
        }
    }

    /// A live key for one use, by 64 random bits: each place in the pool is half as likely as
    /// the one before it, down to an even share of a quarter for all.
    pub(crate) fn draw(&mut self, bits: u64) -> Key {
        let count = self.live.len();
        let even = below(bits, 4) == 0;
        let place = match even {
            true => below(bits.rotate_left(17), count as u64) as usize,
            false => (bits.rotate_left(31).trailing_ones() as usize).min(count - 1),
        };
        self.use_once(place)
    }

    /// The same key for another use, if it still lives.
    pub(crate) fn again(&mut self, key: &Key) -> Option<Key> {
        let place = self.live.iter().position(|live| live.key == *key)?;
        Some(self.use_once(place))
    }

    fn use_once(&mut self, place: usize) -> Key {
        let live = &mut self.live[place];
        live.used += 1;
        let key = live.key.clone();
        if live.used >= self.per_key {
            self.live[place] = self.fresh();
            self.retired.push_back(key.clone());
            if self.retired.len() > REMEMBERED {
                self.retired.pop_front();
            }
        }
        key
    }

    /// The keys that final reads are about: those that live, and those that retired last.
    pub(crate) fn recent(&self) -> Vec<Key> {
        let mut keys: Vec<Key> = self.retired.iter().cloned().collect();
        // A key that was never used has nothing to show.
        keys.extend(
            self.live
                .iter()
                .filter(|live| live.used > 0)
                .map(|live| live.key.clone()),
        );
        keys
    }
}
