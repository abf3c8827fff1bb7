//! A register with compare-and-set.

use std::fmt;
use std::hash::Hash;

use polygraph_history::{ErrorName, Op, Outcome, Value};

use super::{Call, Foreign, Model, Object};
use crate::FailedCas;

/// A register with compare-and-set that holds `initial` until the first write.
#[derive(Clone, Debug)]
pub struct CasRegister<V> {
    /// The value before the first write.
    pub initial: V,
}

/// An operation on a [`CasRegister`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum CasRegisterOp<V> {
    /// A read that returned this.
    Read(V),
    /// A write of this.
    Write(V),
    /// A compare-and-set that replaced `from` by `to`.
    Cas {
        /// What was there.
        from: V,
        /// What is there then.
        to: V,
    },
    /// A compare-and-set that did nothing because it found another value than this.
    Mismatch(V),
}

impl<V: Eq> CasRegisterOp<V> {
    /// What the register holds afterwards, if the operation can change that.
    pub fn writes(&self) -> Option<&V> {
        match self {
            CasRegisterOp::Write(value) => Some(value),
            CasRegisterOp::Cas { from, to } if from != to => Some(to),
            CasRegisterOp::Cas { .. } | CasRegisterOp::Read(_) | CasRegisterOp::Mismatch(_) => None,
        }
    }

    /// The value that must be there for the operation to be possible, if one must.
    pub const fn requires(&self) -> Option<&V> {
        match self {
            CasRegisterOp::Read(value) | CasRegisterOp::Cas { from: value, .. } => Some(value),
            CasRegisterOp::Write(_) | CasRegisterOp::Mismatch(_) => None,
        }
    }
}

/// Why an operation is not possible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CasRegisterRefusal<V> {
    /// What was attempted.
    pub op: CasRegisterOp<V>,
    /// What the register holds.
    pub holds: V,
}

impl<V: fmt::Display> fmt::Display for CasRegisterRefusal<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let holds = &self.holds;
        match &self.op {
            CasRegisterOp::Read(value) => write!(f, "cannot read {value} where {holds} is"),
            CasRegisterOp::Write(value) => write!(f, "cannot write {value} where {holds} is"),
            CasRegisterOp::Cas { from, to } => {
                write!(f, "cannot replace {from} by {to} where {holds} is")
            }
            CasRegisterOp::Mismatch(value) => {
                write!(f, "cannot find another value than {value} where {holds} is")
            }
        }
    }
}

impl<V: Clone + Eq + Hash + fmt::Display> Model for CasRegister<V> {
    type State = V;
    type Op = CasRegisterOp<V>;
    type Refusal = CasRegisterRefusal<V>;

    fn name(&self) -> &'static str {
        "cas-register"
    }

    fn initial(&self) -> V {
        self.initial.clone()
    }

    fn step(&self, state: &V, op: &CasRegisterOp<V>) -> Result<V, CasRegisterRefusal<V>> {
        let possible = match op {
            CasRegisterOp::Read(value) | CasRegisterOp::Cas { from: value, .. } => value == state,
            CasRegisterOp::Mismatch(value) => value != state,
            CasRegisterOp::Write(_) => true,
        };
        if !possible {
            return Err(CasRegisterRefusal {
                op: op.clone(),
                holds: state.clone(),
            });
        }
        Ok(op.writes().unwrap_or(state).clone())
    }

    fn only_observes(&self, op: &CasRegisterOp<V>) -> bool {
        op.writes().is_none()
    }

    fn enables(&self, op: &CasRegisterOp<V>, later: &CasRegisterOp<V>) -> bool {
        let Some(left) = op.writes() else {
            return false;
        };
        match later {
            CasRegisterOp::Read(value) | CasRegisterOp::Cas { from: value, .. } => value == left,
            CasRegisterOp::Mismatch(value) => value != left,
            CasRegisterOp::Write(_) => false,
        }
    }
}

impl Object for CasRegister<Value> {
    fn action(call: &Call<'_>) -> Result<Option<CasRegisterOp<Value>>, Foreign> {
        Ok(match (call.op, call.outcome) {
            (Op::Read { value, .. }, Outcome::Ok) => value.clone().map(CasRegisterOp::Read),
            (Op::Write { value, .. }, Outcome::Ok | Outcome::Info) => {
                Some(CasRegisterOp::Write(value.clone()))
            }
            (Op::Cas { from, to, .. }, Outcome::Ok | Outcome::Info) => Some(CasRegisterOp::Cas {
                from: from.clone(),
                to: to.clone(),
            }),
            (Op::Cas { from, .. }, Outcome::Fail) if call.failed_cas == FailedCas::Observe => {
                // Any other error is a refusal (`not-leader`, `unavailable`): nobody looked.
                let looked = call
                    .error
                    .is_none_or(|error| *error == ErrorName::CAS_MISMATCH);
                looked.then(|| CasRegisterOp::Mismatch(from.clone()))
            }
            (Op::Read { .. } | Op::Write { .. } | Op::Cas { .. }, _) => None,
            _ => return Err(Foreign),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compare_and_set_replaces_what_it_names_and_nothing_else() {
        let model = CasRegister { initial: 0 };
        let swap = CasRegisterOp::Cas { from: 0, to: 2 };
        assert_eq!(model.step(&0, &swap), Ok(2));
        assert_eq!(
            model.step(&1, &swap).unwrap_err().to_string(),
            "cannot replace 0 by 2 where 1 is"
        );
        assert_eq!(model.step(&1, &CasRegisterOp::Mismatch(0)), Ok(1));
        assert_eq!(
            model
                .step(&0, &CasRegisterOp::Mismatch(0))
                .unwrap_err()
                .to_string(),
            "cannot find another value than 0 where 0 is"
        );
        assert!(model.only_observes(&CasRegisterOp::Cas { from: 1, to: 1 }));
        assert!(!model.only_observes(&swap));
    }
}
