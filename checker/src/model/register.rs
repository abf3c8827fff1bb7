//! A register: read and write.

use std::fmt;
use std::hash::Hash;

use polygraph_history::{Op, Outcome, Value};

use super::{Call, Foreign, Model, Object};

/// A register that holds `initial` until the first write.
#[derive(Clone, Debug)]
pub struct Register<V> {
    /// The value before the first write.
    pub initial: V,
}

/// An operation on a [`Register`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RegisterOp<V> {
    /// A read that returned this.
    Read(V),
    /// A write of this.
    Write(V),
}

/// A read that cannot be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisterRefusal<V> {
    /// What was read.
    pub read: V,
    /// What the register holds.
    pub holds: V,
}

impl<V: fmt::Display> fmt::Display for RegisterRefusal<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot read {} where {} is", self.read, self.holds)
    }
}

impl<V: Clone + Eq + Hash + fmt::Display> Model for Register<V> {
    type State = V;
    type Op = RegisterOp<V>;
    type Refusal = RegisterRefusal<V>;

    fn name(&self) -> &'static str {
        "register"
    }

    fn initial(&self) -> V {
        self.initial.clone()
    }

    fn step(&self, state: &V, op: &RegisterOp<V>) -> Result<V, RegisterRefusal<V>> {
        match op {
            RegisterOp::Read(value) if value == state => Ok(value.clone()),
            RegisterOp::Read(value) => Err(RegisterRefusal {
                read: value.clone(),
                holds: state.clone(),
            }),
            RegisterOp::Write(value) => Ok(value.clone()),
        }
    }

    fn only_observes(&self, op: &RegisterOp<V>) -> bool {
        matches!(op, RegisterOp::Read(_))
    }

    fn enables(&self, op: &RegisterOp<V>, later: &RegisterOp<V>) -> bool {
        match (op, later) {
            (RegisterOp::Write(value), RegisterOp::Read(read)) => value == read,
            _ => false,
        }
    }
}

impl Object for Register<Value> {
    fn action(call: &Call<'_>) -> Result<Option<RegisterOp<Value>>, Foreign> {
        Ok(match (call.op, call.outcome) {
            (Op::Read { value, .. }, Outcome::Ok) => value.clone().map(RegisterOp::Read),
            (Op::Write { value, .. }, Outcome::Ok | Outcome::Info) => {
                Some(RegisterOp::Write(value.clone()))
            }
            (Op::Read { .. } | Op::Write { .. }, _) => None,
            _ => return Err(Foreign),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_returns_the_last_write() {
        let model = Register { initial: 0 };
        let one = model.step(&model.initial(), &RegisterOp::Write(1)).unwrap();
        assert_eq!(model.step(&one, &RegisterOp::Read(1)), Ok(1));
        let refusal = model.step(&one, &RegisterOp::Read(0)).unwrap_err();
        assert_eq!(refusal.to_string(), "cannot read 0 where 1 is");
    }
}
