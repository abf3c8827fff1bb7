//! A lock that one client holds at a time.

use std::fmt;

use polygraph_history::{Op, Outcome};

use super::{Call, Foreign, Model, Object};

/// A lock that is free at first. Who failed to acquire or to release it says nothing.
#[derive(Clone, Copy, Debug)]
pub struct Mutex {
    /// Whether only the process that acquired the lock may release it. Not so in Knossos's
    /// `mutex`, where anybody may.
    pub owned: bool,
}

/// An operation on a [`Mutex`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MutexOp {
    /// This process acquired it.
    Acquire(u64),
    /// This process released it.
    Release(u64),
}

/// Whether a [`Mutex`] is free.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MutexState {
    /// It is.
    Free,
    /// Somebody holds it.
    Held,
    /// This process holds it.
    HeldBy(u64),
}

/// Why an operation is not possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MutexRefusal {
    /// What was attempted.
    pub op: MutexOp,
    /// Who holds the lock.
    pub state: MutexState,
}

impl fmt::Display for MutexRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.op {
            MutexOp::Acquire(_) => "cannot acquire: ",
            MutexOp::Release(_) => "cannot release: ",
        })?;
        match self.state {
            MutexState::Free => f.write_str("nobody holds it"),
            MutexState::Held => f.write_str("it is held"),
            MutexState::HeldBy(process) => write!(f, "client {process} holds it"),
        }
    }
}

impl Model for Mutex {
    type State = MutexState;
    type Op = MutexOp;
    type Refusal = MutexRefusal;

    fn name(&self) -> &'static str {
        "mutex"
    }

    fn initial(&self) -> MutexState {
        MutexState::Free
    }

    fn step(&self, state: &MutexState, op: &MutexOp) -> Result<MutexState, MutexRefusal> {
        match (*op, *state) {
            (MutexOp::Acquire(process), MutexState::Free) if self.owned => {
                Ok(MutexState::HeldBy(process))
            }
            (MutexOp::Acquire(_), MutexState::Free) => Ok(MutexState::Held),
            (MutexOp::Release(_), MutexState::Held) => Ok(MutexState::Free),
            (MutexOp::Release(process), MutexState::HeldBy(owner)) if process == owner => {
                Ok(MutexState::Free)
            }
            (op, state) => Err(MutexRefusal { op, state }),
        }
    }

    fn enables(&self, op: &MutexOp, later: &MutexOp) -> bool {
        match (op, later) {
            (MutexOp::Acquire(owner), MutexOp::Release(process)) => !self.owned || owner == process,
            (MutexOp::Release(_), MutexOp::Acquire(_)) => true,
            _ => false,
        }
    }
}

impl Object for Mutex {
    fn action(call: &Call<'_>) -> Result<Option<MutexOp>, Foreign> {
        let happened = call.outcome != Outcome::Fail;
        match call.op {
            Op::Acquire { shared: false, .. } => {
                Ok(happened.then_some(MutexOp::Acquire(call.process)))
            }
            Op::Release { .. } => Ok(happened.then_some(MutexOp::Release(call.process))),
            _ => Err(Foreign),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(model: Mutex, state: MutexState, op: MutexOp) -> String {
        model.step(&state, &op).unwrap_err().to_string()
    }

    #[test]
    fn only_one_client_holds_it() {
        let owned = Mutex { owned: true };
        let held = owned.step(&owned.initial(), &MutexOp::Acquire(2)).unwrap();
        assert_eq!(
            refused(owned, held, MutexOp::Acquire(3)),
            "cannot acquire: client 2 holds it"
        );
        assert_eq!(
            refused(owned, held, MutexOp::Release(3)),
            "cannot release: client 2 holds it"
        );
        assert_eq!(
            refused(owned, MutexState::Free, MutexOp::Release(3)),
            "cannot release: nobody holds it"
        );
        assert_eq!(
            owned.step(&held, &MutexOp::Release(2)),
            Ok(MutexState::Free)
        );
        let anybody = Mutex { owned: false };
        let held = anybody
            .step(&anybody.initial(), &MutexOp::Acquire(2))
            .unwrap();
        assert_eq!(
            anybody.step(&held, &MutexOp::Release(3)),
            Ok(MutexState::Free)
        );
        assert_eq!(
            refused(anybody, held, MutexOp::Acquire(3)),
            "cannot acquire: it is held"
        );
    }
}
