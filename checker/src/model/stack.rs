//! A stack: last in, first out.

use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;

use polygraph_history::{Op, Outcome, Value};

use super::observation::{found_nothing, taken};
use super::persistent::Sequence;
use super::{Call, Foreign, Model, Object, Scope};

/// A stack that is empty at first, and gives the newest of its elements back.
#[derive(Clone, Copy, Debug)]
pub struct Stack<V> {
    element: PhantomData<V>,
}

impl<V> Default for Stack<V> {
    fn default() -> Stack<V> {
        Stack {
            element: PhantomData,
        }
    }
}

/// An operation on a [`Stack`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum StackOp<V> {
    /// Put this on top.
    Push(V),
    /// Took this; `None` if nobody knows what, if anything.
    Pop(Option<V>),
    /// Saw this on top.
    Front(V),
    /// Found nothing.
    Empty,
}

/// Why an operation is not possible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StackRefusal<V> {
    /// What was attempted.
    pub op: StackOp<V>,
    /// What is on top.
    pub top: Option<V>,
}

impl<V: fmt::Display> fmt::Display for StackRefusal<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.op {
            StackOp::Push(value) => write!(f, "cannot push {value}: ")?,
            StackOp::Pop(Some(value)) => write!(f, "cannot pop {value}: ")?,
            StackOp::Pop(None) => f.write_str("cannot pop: ")?,
            StackOp::Front(value) => write!(f, "cannot see {value} on top: ")?,
            StackOp::Empty => f.write_str("cannot find the stack empty: ")?,
        }
        match &self.top {
            Some(top) => write!(f, "{top} is on top"),
            None => f.write_str("the stack is empty"),
        }
    }
}

impl<V: Clone + Eq + Hash + fmt::Display> Model for Stack<V> {
    /// The elements, that at the top last.
    type State = Sequence<V>;
    type Op = StackOp<V>;
    type Refusal = StackRefusal<V>;

    fn name(&self) -> &'static str {
        "stack"
    }

    fn initial(&self) -> Sequence<V> {
        Sequence::new()
    }

    fn step(&self, state: &Sequence<V>, op: &StackOp<V>) -> Result<Sequence<V>, StackRefusal<V>> {
        let top = state.last();
        match op {
            StackOp::Push(value) => Ok(state.with(value.clone())),
            StackOp::Pop(None) => Ok(state.without_last()),
            StackOp::Pop(Some(value)) if top == Some(value) => Ok(state.without_last()),
            StackOp::Front(value) if top == Some(value) => Ok(state.clone()),
            StackOp::Empty if top.is_none() => Ok(state.clone()),
            _ => Err(StackRefusal {
                op: op.clone(),
                top: top.cloned(),
            }),
        }
    }

    fn only_observes(&self, op: &StackOp<V>) -> bool {
        matches!(op, StackOp::Front(_) | StackOp::Empty)
    }

    fn enables(&self, op: &StackOp<V>, later: &StackOp<V>) -> bool {
        match (op, later) {
            (StackOp::Push(_), StackOp::Pop(None)) => true,
            (StackOp::Push(value), StackOp::Pop(Some(other)) | StackOp::Front(other)) => {
                value == other
            }
            (StackOp::Pop(_), later) => !matches!(later, StackOp::Push(_)),
            _ => false,
        }
    }
}

impl Object for Stack<Value> {
    fn action(call: &Call<'_>) -> Result<Option<StackOp<Value>>, Foreign> {
        Ok(match (call.op, call.outcome) {
            // An element like this could not be told from no element.
            (Op::Push { value, .. }, _) if *value == Value::Null => return Err(Foreign),
            (Op::Push { value, .. }, Outcome::Ok | Outcome::Info) => {
                Some(StackOp::Push(value.clone()))
            }
            (Op::Pop { .. } | Op::Front { .. }, _) if found_nothing(call) => Some(StackOp::Empty),
            (Op::Pop { .. }, Outcome::Ok | Outcome::Info) => Some(StackOp::Pop(taken(call))),
            (Op::Front { .. }, Outcome::Ok) => taken(call).map(StackOp::Front),
            (Op::Push { .. } | Op::Pop { .. } | Op::Front { .. }, _) => None,
            _ => return Err(Foreign),
        })
    }

    fn leaves(&self, op: &StackOp<Value>, _alone: bool) -> Option<Sequence<Value>> {
        matches!(op, StackOp::Empty).then(|| self.initial())
    }

    fn scope(op: &StackOp<Value>) -> Scope<'_> {
        match op {
            StackOp::Push(value) | StackOp::Pop(Some(value)) | StackOp::Front(value) => {
                Scope::Element(value)
            }
            StackOp::Pop(None) => Scope::SomeElement,
            StackOp::Empty => Scope::NoElement,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_last_goes_first() {
        let model = Stack::default();
        let step = |state: &Sequence<u32>, op| model.step(state, &op).ok().unwrap();
        let refused = |state: &Sequence<u32>, op| {
            let refusal = model.step(state, &op).err().unwrap();
            refusal.to_string()
        };
        let three = step(&model.initial(), StackOp::Push(3));
        let both = step(&three, StackOp::Push(7));
        assert_eq!(
            refused(&both, StackOp::Pop(Some(3))),
            "cannot pop 3: 7 is on top"
        );
        assert_eq!(
            refused(&both, StackOp::Empty),
            "cannot find the stack empty: 7 is on top"
        );
        assert!(both == step(&both, StackOp::Front(7)));
        assert!(three == step(&both, StackOp::Pop(Some(7))));
        let empty = step(&three, StackOp::Pop(None));
        assert!(empty == model.initial());
        assert!(empty == step(&empty, StackOp::Pop(None)));
        assert!(empty == step(&empty, StackOp::Empty));
        assert_eq!(
            refused(&empty, StackOp::Front(3)),
            "cannot see 3 on top: the stack is empty"
        );
    }
}
