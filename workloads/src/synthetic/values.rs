//! Which values are written next.

use polygraph_history::random::Random;

use super::{Plan, Values};

/// Draws values to write.
#[derive(Debug)]
pub(super) struct Supply {
    values: Values,
    /// How many were drawn.
    drawn: i64,
    /// A value that is never drawn.
    pub(super) phantom: i64,
}

impl Supply {
    pub(super) fn of(plan: &Plan) -> Supply {
        let most = match plan.values {
            Values::Unique => i64::try_from(plan.operations).unwrap_or(i64::MAX - 1),
            Values::Few(values) => i64::from(values),
        };
        Supply {
            values: plan.values,
            drawn: 0,
            phantom: most + 1,
        }
    }

    /// The next value.
    pub(super) fn next(&mut self, random: &mut Random) -> i64 {
        match self.values {
            Values::Unique => {
                self.drawn += 1;
                self.drawn
            }
            Values::Few(_) => self.any(random),
        }
    }

    /// Some value that may have been written.
    pub(super) fn any(&self, random: &mut Random) -> i64 {
        let most = match self.values {
            Values::Unique => self.drawn.unsigned_abs(),
            Values::Few(values) => u64::from(values),
        };
        1 + i64::try_from(random.below(most.max(1))).unwrap_or_default()
    }

    pub(super) fn unique(&self) -> bool {
        self.values == Values::Unique
    }
}
