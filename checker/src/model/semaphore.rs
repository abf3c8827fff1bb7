//! A semaphore: so many permits, which anybody gives back.

use std::fmt;

use polygraph_history::{ErrorName, Op, Outcome};

use super::observation::failed_with;
use super::{Call, Foreign, Model, Object};

/// A semaphore. An acquire that failed because a permit was `absent` saw that none was free,
/// where failures are observations.
#[derive(Clone, Copy, Debug)]
pub struct Semaphore {
    /// How many permits are free at first.
    pub permits: u32,
    /// How many may be free at most; a release beyond that is not possible.
    pub limit: u32,
}

impl Semaphore {
    /// A semaphore whose permits are all free at first.
    #[must_use]
    pub const fn new(permits: u32) -> Semaphore {
        Semaphore {
            permits,
            limit: permits,
        }
    }
}

impl Default for Semaphore {
    fn default() -> Semaphore {
        Semaphore::new(1)
    }
}

/// An operation on a [`Semaphore`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SemaphoreOp {
    /// Took a permit.
    Acquire,
    /// Gave a permit back.
    Release,
    /// Found no permit free.
    Exhausted,
}

/// Why an operation is not possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SemaphoreRefusal {
    /// What was attempted.
    pub op: SemaphoreOp,
    /// How many permits are free.
    pub free: u32,
}

impl fmt::Display for SemaphoreRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.op {
            SemaphoreOp::Acquire => f.write_str("cannot acquire: no permit is free"),
            SemaphoreOp::Release => {
                write!(f, "cannot release: all permits ({}) are free", self.free)
            }
            SemaphoreOp::Exhausted => {
                write!(f, "cannot find no permit: {} free", self.free)
            }
        }
    }
}

impl Model for Semaphore {
    /// How many permits are free.
    type State = u32;
    type Op = SemaphoreOp;
    type Refusal = SemaphoreRefusal;

    fn name(&self) -> &'static str {
        "semaphore"
    }

    fn initial(&self) -> u32 {
        self.permits
    }

    fn step(&self, &free: &u32, &op: &SemaphoreOp) -> Result<u32, SemaphoreRefusal> {
        match op {
            SemaphoreOp::Acquire if free > 0 => Ok(free - 1),
            SemaphoreOp::Release if free < self.limit => Ok(free + 1),
            SemaphoreOp::Exhausted if free == 0 => Ok(free),
            _ => Err(SemaphoreRefusal { op, free }),
        }
    }

    fn only_observes(&self, op: &SemaphoreOp) -> bool {
        *op == SemaphoreOp::Exhausted
    }

    fn enables(&self, op: &SemaphoreOp, later: &SemaphoreOp) -> bool {
        match op {
            SemaphoreOp::Acquire => *later != SemaphoreOp::Acquire,
            SemaphoreOp::Release => *later == SemaphoreOp::Acquire,
            SemaphoreOp::Exhausted => false,
        }
    }
}

impl Object for Semaphore {
    fn action(call: &Call<'_>) -> Result<Option<SemaphoreOp>, Foreign> {
        Ok(match (call.op, call.outcome) {
            (Op::Acquire { shared: true, .. }, _) => return Err(Foreign),
            (Op::Acquire { .. }, Outcome::Ok | Outcome::Info) => Some(SemaphoreOp::Acquire),
            (Op::Acquire { .. }, Outcome::Fail) => {
                failed_with(call, &ErrorName::ABSENT).then_some(SemaphoreOp::Exhausted)
            }
            (Op::Release { .. }, Outcome::Ok | Outcome::Info) => Some(SemaphoreOp::Release),
            (Op::Release { .. }, Outcome::Fail) => None,
            _ => return Err(Foreign),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permits_run_out_and_come_back() {
        let model = Semaphore::new(2);
        let refused = |free, op| model.step(&free, &op).unwrap_err().to_string();
        assert_eq!(model.step(&model.initial(), &SemaphoreOp::Acquire), Ok(1));
        assert_eq!(
            refused(0, SemaphoreOp::Acquire),
            "cannot acquire: no permit is free"
        );
        assert_eq!(
            refused(2, SemaphoreOp::Release),
            "cannot release: all permits (2) are free"
        );
        assert_eq!(
            refused(2, SemaphoreOp::Exhausted),
            "cannot find no permit: 2 free"
        );
        assert_eq!(model.step(&0, &SemaphoreOp::Exhausted), Ok(0));
        assert_eq!(model.step(&0, &SemaphoreOp::Release), Ok(1));
    }
}
