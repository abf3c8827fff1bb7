//! A lock that either one client holds alone or any number share.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use polygraph_history::{Op, Outcome};

use super::{Call, Foreign, Model, Object};

/// A reader-writer lock that is free at first. A process that shares it may acquire it shared
/// again, and releases it as often; only who holds it releases it.
#[derive(Clone, Copy, Debug)]
pub struct RwLock;

/// An operation on a [`RwLock`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RwLockOp {
    /// Acquired it.
    Acquire {
        /// Who.
        process: u64,
        /// Whether others may share it.
        shared: bool,
    },
    /// This process released it.
    Release(u64),
}

/// Who holds a [`RwLock`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RwLockState {
    /// One process, alone.
    Exclusive(u64),
    /// These, each so often; nobody if there are none.
    Shared(Arc<BTreeMap<u64, u32>>),
}

/// Why an operation is not possible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RwLockRefusal {
    /// What was attempted.
    pub op: RwLockOp,
    /// Who holds the lock.
    pub state: RwLockState,
}

impl fmt::Display for RwLockRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.op {
            RwLockOp::Acquire { shared: true, .. } => "cannot acquire shared: ",
            RwLockOp::Acquire { shared: false, .. } => "cannot acquire: ",
            RwLockOp::Release(_) => "cannot release: ",
        })?;
        match &self.state {
            RwLockState::Exclusive(process) => write!(f, "client {process} holds it"),
            RwLockState::Shared(holders) => {
                let mut holders = holders.keys();
                match (holders.next(), holders.len()) {
                    (None, _) => f.write_str("nobody holds it"),
                    (Some(first), 0) => write!(f, "client {first} shares it"),
                    (Some(first), more) => write!(f, "client {first} and {more} more share it"),
                }
            }
        }
    }
}

impl Model for RwLock {
    type State = RwLockState;
    type Op = RwLockOp;
    type Refusal = RwLockRefusal;

    fn name(&self) -> &'static str {
        "rw-lock"
    }

    fn initial(&self) -> RwLockState {
        RwLockState::Shared(Arc::default())
    }

    fn step(&self, state: &RwLockState, op: &RwLockOp) -> Result<RwLockState, RwLockRefusal> {
        match (*op, state) {
            (
                RwLockOp::Acquire {
                    process,
                    shared: true,
                },
                RwLockState::Shared(holders),
            ) => {
                let mut holders = BTreeMap::clone(holders);
                *holders.entry(process).or_default() += 1;
                Ok(RwLockState::Shared(Arc::new(holders)))
            }
            (
                RwLockOp::Acquire {
                    process,
                    shared: false,
                },
                RwLockState::Shared(holders),
            ) if holders.is_empty() => Ok(RwLockState::Exclusive(process)),
            (RwLockOp::Release(process), RwLockState::Exclusive(holder)) if process == *holder => {
                Ok(self.initial())
            }
            (RwLockOp::Release(process), RwLockState::Shared(holders))
                if holders.contains_key(&process) =>
            {
                let mut holders = BTreeMap::clone(holders);
                holders.entry(process).and_modify(|count| *count -= 1);
                holders.retain(|_, count| *count > 0);
                Ok(RwLockState::Shared(Arc::new(holders)))
            }
            _ => Err(RwLockRefusal {
                op: *op,
                state: state.clone(),
            }),
        }
    }
}

impl Object for RwLock {
    fn action(call: &Call<'_>) -> Result<Option<RwLockOp>, Foreign> {
        let happened = call.outcome != Outcome::Fail;
        let process = call.process;
        match *call.op {
            Op::Acquire { shared, .. } => {
                Ok(happened.then_some(RwLockOp::Acquire { process, shared }))
            }
            Op::Release { .. } => Ok(happened.then_some(RwLockOp::Release(process))),
            _ => Err(Foreign),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn acquire(process: u64, shared: bool) -> RwLockOp {
        RwLockOp::Acquire { process, shared }
    }

    #[test]
    fn it_is_shared_or_exclusive() {
        let model = RwLock;
        let step = |state: &RwLockState, op| model.step(state, &op).unwrap();
        let refused = |state: &RwLockState, op| model.step(state, &op).unwrap_err().to_string();
        let one = step(&model.initial(), acquire(1, true));
        assert_eq!(
            refused(&one, acquire(1, false)),
            "cannot acquire: client 1 shares it"
        );
        let two = step(&step(&one, acquire(2, true)), acquire(2, true));
        assert_eq!(
            refused(&two, acquire(3, false)),
            "cannot acquire: client 1 and 1 more share it"
        );
        assert_eq!(
            refused(&one, RwLockOp::Release(2)),
            "cannot release: client 1 shares it"
        );
        let one_again = step(&step(&two, RwLockOp::Release(2)), RwLockOp::Release(2));
        assert_eq!(one, one_again);
        let free = step(&one, RwLockOp::Release(1));
        assert_eq!(free, model.initial());
        let alone = step(&free, acquire(3, false));
        assert_eq!(
            refused(&alone, acquire(1, true)),
            "cannot acquire shared: client 3 holds it"
        );
        assert_eq!(
            refused(&alone, RwLockOp::Release(1)),
            "cannot release: client 3 holds it"
        );
        assert_eq!(step(&alone, RwLockOp::Release(3)), model.initial());
        assert_eq!(
            refused(&free, RwLockOp::Release(3)),
            "cannot release: nobody holds it"
        );
    }
}
