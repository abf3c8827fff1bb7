//! Machines at random.

use super::{Rng, Subject};
use crate::model::Model;

/// A machine by its table: for state and operation the next state.
pub(super) struct Table {
    operations: usize,
    next: Vec<Option<u8>>,
    /// By operation, a bit for each that it may make possible.
    enables: Vec<u16>,
}

impl Table {
    pub(super) fn random(rng: &mut Rng) -> Table {
        let (states, operations) = (2 + rng.below(4), 2 + rng.below(5));
        let next = (0..states * operations)
            .map(|_| (rng.below(2) == 0).then(|| rng.below(states) as u8))
            .collect();
        let mut table = Table {
            operations: operations as usize,
            next,
            enables: vec![u16::MAX; operations as usize + 1],
        };
        for op in 0..=operations as u8 {
            for later in 0..=operations as u8 {
                // Whoever can do without the operation must be able to do so together.
                table.enables[op as usize] ^= 1 << later;
                if !table.can_do_without(op) {
                    table.enables[op as usize] ^= 1 << later;
                }
            }
        }
        table
    }

    /// Whether all that an operation does not enable is possible in every state if it is possible
    /// after the operation, however often: the greatest simulation is refined until it is one.
    fn can_do_without(&self, op: u8) -> bool {
        let states = self.next.len() / self.operations;
        let mut simulates = vec![true; states * states];
        let mut changed = true;
        while changed {
            changed = false;
            for pair in 0..states * states {
                let (with, without) = ((pair / states) as u8, (pair % states) as u8);
                let follows = (0..=self.operations as u8)
                    .filter(|&later| self.enables[op as usize] >> later & 1 == 0)
                    .all(
                        |later| match (self.next(with, later), self.next(without, later)) {
                            (None, _) => true,
                            (Some(with), Some(without)) => {
                                simulates[with as usize * states + without as usize]
                            }
                            (Some(_), None) => false,
                        },
                    );
                if simulates[pair] && !follows {
                    simulates[pair] = false;
                    changed = true;
                }
            }
        }
        (0..states as u8).all(|state| {
            (self.next(state, op))
                .is_none_or(|after| simulates[after as usize * states + state as usize])
        })
    }

    fn next(&self, state: u8, op: u8) -> Option<u8> {
        // Nothing is refused by every state, so that there is always something to do.
        if op as usize == self.operations {
            return Some(state);
        }
        self.next[state as usize * self.operations + op as usize]
    }
}

impl Model for Table {
    type State = u8;
    type Op = u8;
    type Refusal = String;

    fn name(&self) -> &'static str {
        "table"
    }

    fn initial(&self) -> u8 {
        0
    }

    fn step(&self, state: &u8, op: &u8) -> Result<u8, String> {
        self.next(*state, *op)
            .ok_or_else(|| format!("cannot do {op} in {state}"))
    }

    fn only_observes(&self, op: &u8) -> bool {
        let states = (self.next.len() / self.operations) as u8;
        (0..states).all(|state| self.next(state, *op).is_none_or(|next| next == state))
    }

    fn enables(&self, op: &u8, later: &u8) -> bool {
        self.enables[*op as usize] >> *later & 1 == 1
    }
}

impl Subject for Table {
    fn draw(&self, rng: &mut Rng, state: &u8) -> u8 {
        loop {
            let op = rng.below(self.operations as u64 + 1) as u8;
            if self.next(*state, op).is_some() {
                return op;
            }
        }
    }

    fn any(&self, rng: &mut Rng) -> u8 {
        rng.below(self.operations as u64) as u8
    }
}
