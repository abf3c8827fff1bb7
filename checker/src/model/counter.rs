//! A counter: increment, read, increment-and-get.

use std::fmt;

use polygraph_history::{Op, Outcome, Value};

use super::{Call, Foreign, Model, Object};

/// A counter that stands at `initial` before the first increment.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counter {
    /// Where it begins.
    pub initial: i64,
}

/// An operation on a [`Counter`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CounterOp {
    /// A read that returned this.
    Read(i64),
    /// An increment.
    Increment {
        /// By how much; may be negative.
        by: i64,
        /// Where the counter stood afterwards, if that is known.
        value: Option<i64>,
    },
}

/// Why an operation is not possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CounterRefusal {
    /// What was attempted.
    pub op: CounterOp,
    /// Where the counter stands.
    pub stands: i128,
}

impl fmt::Display for CounterRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stands = self.stands;
        match self.op {
            CounterOp::Read(value) => {
                write!(f, "cannot read {value}: the counter stands at {stands}")
            }
            CounterOp::Increment { by, value } => {
                write!(f, "cannot add {by}")?;
                if let Some(value) = value {
                    write!(f, " and get {value}")?;
                }
                write!(f, ": the counter stands at {stands}")
            }
        }
    }
}

impl Model for Counter {
    /// Wide enough for more increments than there can be.
    type State = i128;
    type Op = CounterOp;
    type Refusal = CounterRefusal;

    fn name(&self) -> &'static str {
        "counter"
    }

    fn initial(&self) -> i128 {
        self.initial.into()
    }

    fn step(&self, state: &i128, op: &CounterOp) -> Result<i128, CounterRefusal> {
        let (after, shown) = match *op {
            CounterOp::Read(value) => (*state, Some(value)),
            CounterOp::Increment { by, value } => (state + i128::from(by), value),
        };
        if shown.is_some_and(|value| i128::from(value) != after) {
            return Err(CounterRefusal {
                op: *op,
                stands: *state,
            });
        }
        Ok(after)
    }

    fn only_observes(&self, op: &CounterOp) -> bool {
        matches!(op, CounterOp::Read(_) | CounterOp::Increment { by: 0, .. })
    }

    fn enables(&self, op: &CounterOp, later: &CounterOp) -> bool {
        let shows = !matches!(later, CounterOp::Increment { value: None, .. });
        matches!(op, CounterOp::Increment { .. }) && shows
    }
}

/// A counter that was never incremented may be read as nothing.
fn number(value: &Value) -> Result<i64, Foreign> {
    match value {
        Value::Null => Ok(0),
        Value::Int(value) => Ok(*value),
        Value::Text(_) | Value::List(_) => Err(Foreign),
    }
}

impl Object for Counter {
    fn action(call: &Call<'_>) -> Result<Option<CounterOp>, Foreign> {
        let ok = call.outcome == Outcome::Ok;
        Ok(match (call.op, call.outcome) {
            (
                Op::Read {
                    value: Some(value), ..
                },
                Outcome::Ok,
            ) => Some(CounterOp::Read(number(value)?)),
            (Op::Increment { by, value, .. }, Outcome::Ok | Outcome::Info) => {
                let value = value.as_ref().filter(|_| ok).map(number).transpose()?;
                let says_something = *by != 0 || value.is_some();
                says_something.then_some(CounterOp::Increment { by: *by, value })
            }
            (Op::Read { .. } | Op::Increment { .. }, _) => None,
            _ => return Err(Foreign),
        })
    }

    fn leaves(&self, op: &CounterOp, _alone: bool) -> Option<i128> {
        match *op {
            CounterOp::Read(value) => Some(value.into()),
            CounterOp::Increment { value, .. } => value.map(i128::from),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_counts() {
        let model = Counter::default();
        let add = |by, value| CounterOp::Increment { by, value };
        assert_eq!(model.step(&0, &add(2, None)), Ok(2));
        assert_eq!(model.step(&2, &add(-3, Some(-1))), Ok(-1));
        assert_eq!(model.step(&2, &CounterOp::Read(2)), Ok(2));
        let refusal = |op| model.step(&2, &op).unwrap_err().to_string();
        assert_eq!(
            refusal(CounterOp::Read(3)),
            "cannot read 3: the counter stands at 2"
        );
        assert_eq!(
            refusal(add(1, Some(4))),
            "cannot add 1 and get 4: the counter stands at 2"
        );
        let far = model
            .step(&i128::from(i64::MAX), &add(i64::MAX, None))
            .unwrap();
        assert_eq!(far, 2 * i128::from(i64::MAX));
    }
}
