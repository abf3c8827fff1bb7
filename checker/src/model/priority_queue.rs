//! A priority queue: greatest first.

use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;

use polygraph_history::{Op, Outcome, Value};

use super::observation::{found_nothing, taken};
use super::persistent::Multiset;
use super::{Call, Foreign, Model, Object, Scope};

/// A priority queue that is empty at first, and gives the greatest of its elements back.
#[derive(Clone, Copy, Debug)]
pub struct PriorityQueue<V> {
    element: PhantomData<V>,
}

impl<V> Default for PriorityQueue<V> {
    fn default() -> PriorityQueue<V> {
        PriorityQueue {
            element: PhantomData,
        }
    }
}

/// An operation on a [`PriorityQueue`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PriorityQueueOp<V> {
    /// Put this in.
    Insert(V),
    /// Took this; `None` if nobody knows what, if anything.
    Extract(Option<V>),
    /// Saw that this was the greatest.
    Front(V),
    /// Found nothing.
    Empty,
}

/// Why an operation is not possible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriorityQueueRefusal<V> {
    /// What was attempted.
    pub op: PriorityQueueOp<V>,
    /// The greatest element.
    pub greatest: Option<V>,
}

impl<V: fmt::Display> fmt::Display for PriorityQueueRefusal<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.op {
            PriorityQueueOp::Insert(value) => write!(f, "cannot insert {value}: ")?,
            PriorityQueueOp::Extract(Some(value)) => write!(f, "cannot extract {value}: ")?,
            PriorityQueueOp::Extract(None) => f.write_str("cannot extract: ")?,
            PriorityQueueOp::Front(value) => write!(f, "cannot see {value} as the greatest: ")?,
            PriorityQueueOp::Empty => f.write_str("cannot find the queue empty: ")?,
        }
        match &self.greatest {
            Some(greatest) => write!(f, "{greatest} is the greatest"),
            None => f.write_str("the queue is empty"),
        }
    }
}

impl<V: Clone + Ord + Hash + fmt::Display> Model for PriorityQueue<V> {
    type State = Multiset<V>;
    type Op = PriorityQueueOp<V>;
    type Refusal = PriorityQueueRefusal<V>;

    fn name(&self) -> &'static str {
        "priority-queue"
    }

    fn initial(&self) -> Multiset<V> {
        Multiset::new()
    }

    fn step(
        &self,
        state: &Multiset<V>,
        op: &PriorityQueueOp<V>,
    ) -> Result<Multiset<V>, PriorityQueueRefusal<V>> {
        let greatest = state.greatest();
        let rest = || {
            greatest
                .and_then(|greatest| state.without(greatest))
                .unwrap_or_else(Multiset::new)
        };
        match op {
            PriorityQueueOp::Insert(value) => Ok(state.with(value)),
            PriorityQueueOp::Extract(None) => Ok(rest()),
            PriorityQueueOp::Extract(Some(value)) if greatest == Some(value) => Ok(rest()),
            PriorityQueueOp::Front(value) if greatest == Some(value) => Ok(state.clone()),
            PriorityQueueOp::Empty if greatest.is_none() => Ok(state.clone()),
            _ => Err(PriorityQueueRefusal {
                op: op.clone(),
                greatest: greatest.cloned(),
            }),
        }
    }

    fn only_observes(&self, op: &PriorityQueueOp<V>) -> bool {
        matches!(op, PriorityQueueOp::Front(_) | PriorityQueueOp::Empty)
    }

    fn enables(&self, op: &PriorityQueueOp<V>, later: &PriorityQueueOp<V>) -> bool {
        match (op, later) {
            (PriorityQueueOp::Insert(_), PriorityQueueOp::Extract(None)) => true,
            (
                PriorityQueueOp::Insert(value),
                PriorityQueueOp::Extract(Some(other)) | PriorityQueueOp::Front(other),
            ) => value == other,
            (PriorityQueueOp::Extract(_), later) => !matches!(later, PriorityQueueOp::Insert(_)),
            _ => false,
        }
    }
}

impl Object for PriorityQueue<Value> {
    fn action(call: &Call<'_>) -> Result<Option<PriorityQueueOp<Value>>, Foreign> {
        Ok(match (call.op, call.outcome) {
            // An element like this could not be told from no element.
            (Op::Insert { value, .. }, _) if *value == Value::Null => return Err(Foreign),
            (Op::Insert { value, .. }, Outcome::Ok | Outcome::Info) => {
                Some(PriorityQueueOp::Insert(value.clone()))
            }
            (Op::Extract { .. } | Op::Front { .. }, _) if found_nothing(call) => {
                Some(PriorityQueueOp::Empty)
            }
            (Op::Extract { .. }, Outcome::Ok | Outcome::Info) => {
                Some(PriorityQueueOp::Extract(taken(call)))
            }
            (Op::Front { .. }, Outcome::Ok) => taken(call).map(PriorityQueueOp::Front),
            (Op::Insert { .. } | Op::Extract { .. } | Op::Front { .. }, _) => None,
            _ => return Err(Foreign),
        })
    }

    fn leaves(&self, op: &PriorityQueueOp<Value>, _alone: bool) -> Option<Multiset<Value>> {
        matches!(op, PriorityQueueOp::Empty).then(|| self.initial())
    }

    fn scope(op: &PriorityQueueOp<Value>) -> Scope<'_> {
        match op {
            PriorityQueueOp::Insert(value)
            | PriorityQueueOp::Extract(Some(value))
            | PriorityQueueOp::Front(value) => Scope::Element(value),
            PriorityQueueOp::Extract(None) => Scope::SomeElement,
            PriorityQueueOp::Empty => Scope::NoElement,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greatest_goes_first() {
        let model = PriorityQueue::default();
        let step = |state: &Multiset<u32>, op| model.step(state, &op).ok().unwrap();
        let refused = |state: &Multiset<u32>, op| {
            let refusal = model.step(state, &op).err().unwrap();
            refusal.to_string()
        };
        let seven = step(&model.initial(), PriorityQueueOp::Insert(7));
        let both = step(&seven, PriorityQueueOp::Insert(3));
        assert_eq!(
            refused(&both, PriorityQueueOp::Extract(Some(3))),
            "cannot extract 3: 7 is the greatest"
        );
        assert_eq!(
            refused(&both, PriorityQueueOp::Front(3)),
            "cannot see 3 as the greatest: 7 is the greatest"
        );
        assert!(both == step(&both, PriorityQueueOp::Front(7)));
        let three = step(&both, PriorityQueueOp::Extract(None));
        assert_eq!(
            refused(&three, PriorityQueueOp::Empty),
            "cannot find the queue empty: 3 is the greatest"
        );
        let empty = step(&three, PriorityQueueOp::Extract(Some(3)));
        assert!(empty == model.initial());
        assert!(empty == step(&empty, PriorityQueueOp::Extract(None)));
        assert!(empty == step(&empty, PriorityQueueOp::Empty));
        assert_eq!(
            refused(&empty, PriorityQueueOp::Extract(Some(7))),
            "cannot extract 7: the queue is empty"
        );
    }
}
