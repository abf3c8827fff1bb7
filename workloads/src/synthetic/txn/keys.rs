//! Keys that live until they have been written often enough.

use polygraph_history::random::Random;

use super::{Plan, Spread};

/// The keys in use, by their cells, and how likely each is.
pub(super) struct Keys {
    live: Vec<u32>,
    spread: Spread,
    /// Zipf only: of each place the weights of all up to it.
    weights: Vec<u64>,
    per_key: u64,
}

/// The weight of the first place: an integer, so that all machines draw the same.
const FIRST: u64 = 1 << 40;

impl Keys {
    /// None as yet.
    pub(super) fn new(plan: &Plan) -> Keys {
        let mut total = 0;
        let weights = match plan.spread {
            Spread::Zipf => (1..=plan.keys as u64)
                .map(|place| {
                    total += FIRST / place;
                    total
                })
                .collect(),
            _ => Vec::new(),
        };
        Keys {
            live: Vec::with_capacity(plan.keys),
            spread: plan.spread,
            weights,
            per_key: plan.writes_per_key,
        }
    }

    /// One more.
    pub(super) fn add(&mut self, cell: u32) {
        self.live.push(cell);
    }

    /// A place among the keys in use.
    pub(super) fn draw(&self, random: &mut Random) -> usize {
        let count = self.live.len();
        match self.spread {
            Spread::Exponential => (random.bits().trailing_ones() as usize).min(count - 1),
            Spread::Uniform => random.below(count as u64) as usize,
            Spread::Zipf => {
                let all = self.weights.last().copied().unwrap_or(0);
                let drawn = random.below(all);
                self.weights.partition_point(|&upto| upto <= drawn)
            }
        }
    }

    /// The key at a place.
    pub(super) fn at(&self, place: usize) -> u32 {
        self.live[place]
    }

    /// Puts another key in a place.
    pub(super) fn replace(&mut self, place: usize, cell: u32) {
        self.live[place] = cell;
    }

    /// Whether a key that was written so often gives way to another.
    pub(super) fn is_used_up(&self, written: u64) -> bool {
        written >= self.per_key
    }
}
