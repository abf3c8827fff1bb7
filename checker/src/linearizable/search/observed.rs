//! Which open operations only observe and are possible, by state: found out once for a return and
//! a state, not for every configuration.

use super::budget::{Meter, Owner};
use super::config::Mask;

/// Beyond so many states nothing is remembered.
const MOST_STATES: usize = 1 << 12;

/// What was found out about one return.
pub(super) struct Observed<const W: usize> {
    owner: Owner,
    level: usize,
    round: u32,
    /// By state: in which round it was found out, and what.
    masks: Vec<(u32, Mask<W>)>,
}

impl<const W: usize> Observed<W> {
    /// Nothing.
    pub(super) const fn new(owner: Owner) -> Observed<W> {
        Observed {
            owner,
            level: usize::MAX,
            round: 0,
            masks: Vec::new(),
        }
    }

    /// What was found out about a state at a return.
    #[inline]
    pub(super) fn get(&mut self, level: usize, state: u32) -> Option<Mask<W>> {
        if self.level != level {
            self.level = level;
            self.round = self.round.wrapping_add(1);
            if self.round == 0 {
                self.masks.clear();
                self.round = 1;
            }
        }
        match self.masks.get(state as usize) {
            Some(&(round, mask)) if round == self.round => Some(mask),
            _ => None,
        }
    }

    /// Remembers what was found out, at the return that was asked about last.
    pub(super) fn set(&mut self, meter: &mut Meter<'_>, state: u32, mask: Mask<W>) {
        let state = state as usize;
        if state >= MOST_STATES {
            return;
        }
        while self.masks.len() <= state {
            if !meter.push(self.owner, &mut self.masks, (0, [0; W])) {
                return;
            }
        }
        self.masks[state] = (self.round, mask);
    }
}
