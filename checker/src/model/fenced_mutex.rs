//! A lock whose every holder gets a greater token than all before.

use std::fmt;

use polygraph_history::{Op, Outcome};

use super::{Call, Foreign, Model, Object};

/// A lock that is free at first, that only its holder releases, and whose tokens grow.
#[derive(Clone, Copy, Debug)]
pub struct FencedMutex;

/// An operation on a [`FencedMutex`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FencedMutexOp {
    /// Acquired it.
    Acquire {
        /// Who.
        process: u64,
        /// With which token; `None` if nobody knows.
        token: Option<u64>,
    },
    /// This process released it.
    Release(u64),
}

/// What a [`FencedMutex`] remembers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FencedMutexState {
    /// Who holds it.
    pub holder: Option<u64>,
    /// The last token; the smallest one possible where it is not known.
    pub token: Option<u64>,
}

/// Why an operation is not possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FencedMutexRefusal {
    /// What was attempted.
    pub op: FencedMutexOp,
    /// What the lock remembers.
    pub state: FencedMutexState,
}

impl fmt::Display for FencedMutexRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.op, self.state.holder) {
            (FencedMutexOp::Acquire { .. }, Some(holder)) => {
                write!(f, "cannot acquire: client {holder} holds it")
            }
            (FencedMutexOp::Release(_), Some(holder)) => {
                write!(f, "cannot release: client {holder} holds it")
            }
            (FencedMutexOp::Release(_), None) => f.write_str("cannot release: nobody holds it"),
            (FencedMutexOp::Acquire { token, .. }, None) => {
                f.write_str("cannot acquire")?;
                if let Some(token) = token {
                    write!(f, " with token {token}")?;
                }
                let last = self.state.token.unwrap_or(0);
                write!(f, ": the last token was not below {last}")
            }
        }
    }
}

impl Model for FencedMutex {
    type State = FencedMutexState;
    type Op = FencedMutexOp;
    type Refusal = FencedMutexRefusal;

    fn name(&self) -> &'static str {
        "fenced-mutex"
    }

    fn initial(&self) -> FencedMutexState {
        FencedMutexState {
            holder: None,
            token: None,
        }
    }

    fn step(
        &self,
        state: &FencedMutexState,
        op: &FencedMutexOp,
    ) -> Result<FencedMutexState, FencedMutexRefusal> {
        let next = match (*op, state.holder) {
            (FencedMutexOp::Acquire { process, token }, None) => {
                // Whatever is possible after a greater token is so after the smallest one.
                let least = match state.token {
                    None => Some(0),
                    Some(last) => last.checked_add(1),
                };
                let token = match token {
                    None => least,
                    known => known.filter(|_| known >= least && least.is_some()),
                };
                token.map(|token| FencedMutexState {
                    holder: Some(process),
                    token: Some(token),
                })
            }
            (FencedMutexOp::Release(process), Some(holder)) if process == holder => {
                Some(FencedMutexState {
                    holder: None,
                    ..*state
                })
            }
            _ => None,
        };
        next.ok_or(FencedMutexRefusal {
            op: *op,
            state: *state,
        })
    }
}

impl Object for FencedMutex {
    fn action(call: &Call<'_>) -> Result<Option<FencedMutexOp>, Foreign> {
        let process = call.process;
        Ok(match (call.op, call.outcome) {
            (Op::Acquire { shared: true, .. }, _) => return Err(Foreign),
            (Op::Acquire { token, .. }, Outcome::Ok) => Some(FencedMutexOp::Acquire {
                process,
                token: *token,
            }),
            (Op::Acquire { .. }, Outcome::Info) => Some(FencedMutexOp::Acquire {
                process,
                token: None,
            }),
            (Op::Release { .. }, Outcome::Ok | Outcome::Info) => {
                Some(FencedMutexOp::Release(process))
            }
            (Op::Acquire { .. } | Op::Release { .. }, Outcome::Fail) => None,
            _ => return Err(Foreign),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn acquire(process: u64, token: u64) -> FencedMutexOp {
        FencedMutexOp::Acquire {
            process,
            token: Some(token),
        }
    }

    #[test]
    fn tokens_grow() {
        let model = FencedMutex;
        let held = model.step(&model.initial(), &acquire(1, 5)).unwrap();
        let refused = |state, op| model.step(&state, &op).unwrap_err().to_string();
        assert_eq!(
            refused(held, acquire(2, 6)),
            "cannot acquire: client 1 holds it"
        );
        assert_eq!(
            refused(held, FencedMutexOp::Release(2)),
            "cannot release: client 1 holds it"
        );
        let free = model.step(&held, &FencedMutexOp::Release(1)).unwrap();
        assert_eq!(
            refused(free, acquire(2, 5)),
            "cannot acquire with token 5: the last token was not below 5"
        );
        assert!(model.step(&free, &acquire(2, 6)).is_ok());
        let unknown = FencedMutexOp::Acquire {
            process: 3,
            token: None,
        };
        let held = model.step(&free, &unknown).unwrap();
        let free = model.step(&held, &FencedMutexOp::Release(3)).unwrap();
        assert!(model.step(&free, &acquire(2, 6)).is_err());
        assert!(model.step(&free, &acquire(2, 7)).is_ok());
        assert!(model.step(&model.initial(), &acquire(1, 0)).is_ok());
    }
}
