//! A queue: first in, first out.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;

use polygraph_history::{Op, Outcome, Value};

use super::observation::{found_nothing, taken};
use super::persistent::{Sequence, appended, without_first};
use super::{Call, Foreign, Model, Object, Scope};

/// A queue that is empty at first, and gives its elements back in the order in which it got them.
#[derive(Clone, Copy, Debug)]
pub struct FifoQueue<V> {
    element: PhantomData<V>,
}

impl<V> Default for FifoQueue<V> {
    fn default() -> FifoQueue<V> {
        FifoQueue {
            element: PhantomData,
        }
    }
}

/// An operation on a [`FifoQueue`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum FifoQueueOp<V> {
    /// Put this at the end.
    Enqueue(V),
    /// Took this; `None` if nobody knows what, if anything.
    Dequeue(Option<V>),
    /// Saw this at the head.
    Front(V),
    /// Found nothing.
    Empty,
}

/// Why an operation is not possible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FifoQueueRefusal<V> {
    /// What was attempted.
    pub op: FifoQueueOp<V>,
    /// What is at the head.
    pub head: Option<V>,
}

impl<V: fmt::Display> fmt::Display for FifoQueueRefusal<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.op {
            FifoQueueOp::Enqueue(value) => write!(f, "cannot enqueue {value}: ")?,
            FifoQueueOp::Dequeue(Some(value)) => write!(f, "cannot dequeue {value}: ")?,
            FifoQueueOp::Dequeue(None) => f.write_str("cannot dequeue: ")?,
            FifoQueueOp::Front(value) => write!(f, "cannot see {value} at the head: ")?,
            FifoQueueOp::Empty => f.write_str("cannot find the queue empty: ")?,
        }
        match &self.head {
            Some(head) => write!(f, "{head} is at the head"),
            None => f.write_str("the queue is empty"),
        }
    }
}

/// The elements of a [`FifoQueue`]. A step takes at most logarithmic time; what was dequeued is
/// forgotten when the queue becomes empty.
pub struct FifoQueueState<V> {
    /// What was enqueued; the newest `length` elements are there.
    enqueued: Sequence<V>,
    length: usize,
    /// Of the elements that are there, in order.
    hash: u64,
}

impl<V> FifoQueueState<V> {
    fn head(&self) -> Option<&V> {
        self.enqueued.get(self.enqueued.len() - self.length)
    }
}

impl<V: Hash> FifoQueueState<V> {
    fn with(&self, value: V) -> FifoQueueState<V> {
        FifoQueueState {
            hash: appended(self.hash, &value),
            enqueued: self.enqueued.with(value),
            length: self.length + 1,
        }
    }

    fn without_head(&self) -> FifoQueueState<V> {
        let Some(head) = self.head().filter(|_| self.length > 1) else {
            return FifoQueueState::default();
        };
        FifoQueueState {
            hash: without_first(self.hash, self.length, head),
            enqueued: self.enqueued.clone(),
            length: self.length - 1,
        }
    }
}

impl<V> Default for FifoQueueState<V> {
    fn default() -> FifoQueueState<V> {
        FifoQueueState {
            enqueued: Sequence::new(),
            length: 0,
            hash: 0,
        }
    }
}

impl<V> Clone for FifoQueueState<V> {
    fn clone(&self) -> FifoQueueState<V> {
        FifoQueueState {
            enqueued: self.enqueued.clone(),
            ..*self
        }
    }
}

impl<V: Eq> PartialEq for FifoQueueState<V> {
    fn eq(&self, other: &FifoQueueState<V>) -> bool {
        (self.length, self.hash) == (other.length, other.hash)
            && self.enqueued.ends_equal(&other.enqueued, self.length)
    }
}

impl<V: Eq> Eq for FifoQueueState<V> {}

impl<V> Hash for FifoQueueState<V> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

impl<V: Clone + Eq + Hash + fmt::Display> Model for FifoQueue<V> {
    type State = FifoQueueState<V>;
    type Op = FifoQueueOp<V>;
    type Refusal = FifoQueueRefusal<V>;

    fn name(&self) -> &'static str {
        "fifo-queue"
    }

    fn initial(&self) -> FifoQueueState<V> {
        FifoQueueState::default()
    }

    fn step(
        &self,
        state: &FifoQueueState<V>,
        op: &FifoQueueOp<V>,
    ) -> Result<FifoQueueState<V>, FifoQueueRefusal<V>> {
        let head = state.head();
        match op {
            FifoQueueOp::Enqueue(value) => Ok(state.with(value.clone())),
            FifoQueueOp::Dequeue(None) => Ok(state.without_head()),
            FifoQueueOp::Dequeue(Some(value)) if head == Some(value) => Ok(state.without_head()),
            FifoQueueOp::Front(value) if head == Some(value) => Ok(state.clone()),
            FifoQueueOp::Empty if head.is_none() => Ok(state.clone()),
            _ => Err(FifoQueueRefusal {
                op: op.clone(),
                head: head.cloned(),
            }),
        }
    }

    fn only_observes(&self, op: &FifoQueueOp<V>) -> bool {
        matches!(op, FifoQueueOp::Front(_) | FifoQueueOp::Empty)
    }

    fn enables(&self, op: &FifoQueueOp<V>, later: &FifoQueueOp<V>) -> bool {
        match (op, later) {
            (FifoQueueOp::Enqueue(_), FifoQueueOp::Dequeue(None)) => true,
            (
                FifoQueueOp::Enqueue(value),
                FifoQueueOp::Dequeue(Some(other)) | FifoQueueOp::Front(other),
            ) => value == other,
            (FifoQueueOp::Dequeue(_), later) => !matches!(later, FifoQueueOp::Enqueue(_)),
            _ => false,
        }
    }
}

impl Object for FifoQueue<Value> {
    fn action(call: &Call<'_>) -> Result<Option<FifoQueueOp<Value>>, Foreign> {
        Ok(match (call.op, call.outcome) {
            // An element like this could not be told from no element.
            (Op::Enqueue { value, .. }, _) if *value == Value::Null => return Err(Foreign),
            (Op::Enqueue { value, .. }, Outcome::Ok | Outcome::Info) => {
                Some(FifoQueueOp::Enqueue(value.clone()))
            }
            (Op::Dequeue { .. } | Op::Front { .. }, _) if found_nothing(call) => {
                Some(FifoQueueOp::Empty)
            }
            (Op::Dequeue { .. }, Outcome::Ok | Outcome::Info) => {
                Some(FifoQueueOp::Dequeue(taken(call)))
            }
            (Op::Front { .. }, Outcome::Ok) => taken(call).map(FifoQueueOp::Front),
            (Op::Enqueue { .. } | Op::Dequeue { .. } | Op::Front { .. }, _) => None,
            _ => return Err(Foreign),
        })
    }

    fn leaves(&self, op: &FifoQueueOp<Value>, _alone: bool) -> Option<FifoQueueState<Value>> {
        matches!(op, FifoQueueOp::Empty).then(|| self.initial())
    }

    fn scope(op: &FifoQueueOp<Value>) -> Scope<'_> {
        match op {
            FifoQueueOp::Enqueue(value)
            | FifoQueueOp::Dequeue(Some(value))
            | FifoQueueOp::Front(value) => Scope::Element(value),
            FifoQueueOp::Dequeue(None) => Scope::SomeElement,
            FifoQueueOp::Empty => Scope::NoElement,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_first_goes_first() {
        let model = FifoQueue::default();
        let step = |state: &FifoQueueState<u32>, op| model.step(state, &op).ok().unwrap();
        let refused = |state: &FifoQueueState<u32>, op| {
            let refusal = model.step(state, &op).err().unwrap();
            refusal.to_string()
        };
        let both = step(
            &step(&model.initial(), FifoQueueOp::Enqueue(3)),
            FifoQueueOp::Enqueue(7),
        );
        assert_eq!(
            refused(&both, FifoQueueOp::Dequeue(Some(7))),
            "cannot dequeue 7: 3 is at the head"
        );
        assert_eq!(
            refused(&both, FifoQueueOp::Empty),
            "cannot find the queue empty: 3 is at the head"
        );
        let seven = step(&both, FifoQueueOp::Dequeue(None));
        assert!(seven == step(&model.initial(), FifoQueueOp::Enqueue(7)));
        assert!(seven == step(&seven, FifoQueueOp::Front(7)));
        let empty = step(&seven, FifoQueueOp::Dequeue(Some(7)));
        assert!(empty == model.initial());
        assert!(empty == step(&empty, FifoQueueOp::Empty));
        assert_eq!(
            refused(&empty, FifoQueueOp::Dequeue(Some(7))),
            "cannot dequeue 7: the queue is empty"
        );
    }
}
