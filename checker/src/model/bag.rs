//! A bag: a queue that promises no order.

use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;
use std::sync::Arc;

use polygraph_history::{Op, Outcome, Value};

use super::observation::{found_nothing, taken};
use super::persistent::Multiset;
use super::{Call, Foreign, Model, Object, Scope};

/// A queue that is empty at first, and gives its elements back in any order.
#[derive(Clone, Copy, Debug)]
pub struct Bag<V> {
    element: PhantomData<V>,
}

impl<V> Default for Bag<V> {
    fn default() -> Bag<V> {
        Bag {
            element: PhantomData,
        }
    }
}

/// An operation on a [`Bag`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum BagOp<V> {
    /// Put this in.
    Enqueue(V),
    /// Took this; `None` if nobody knows what, if anything.
    Dequeue(Option<V>),
    /// Saw this, which would have been taken.
    Front(V),
    /// Found nothing.
    Empty,
}

/// Why an operation is not possible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BagRefusal<V> {
    /// What was attempted.
    pub op: BagOp<V>,
    /// An element that is there, if one is certainly there.
    pub holds: Option<V>,
}

impl<V: fmt::Display> fmt::Display for BagRefusal<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.op, &self.holds) {
            (BagOp::Enqueue(value), _) => write!(f, "cannot enqueue {value}"),
            (BagOp::Dequeue(None), _) => f.write_str("cannot dequeue"),
            (BagOp::Dequeue(Some(value)), _) => {
                write!(f, "cannot dequeue {value}: it is not in the queue")
            }
            (BagOp::Front(value), _) => write!(f, "cannot see {value}: it is not in the queue"),
            (BagOp::Empty, Some(value)) => {
                write!(f, "cannot find the queue empty: {value} is in it")
            }
            (BagOp::Empty, None) => f.write_str("cannot find the queue empty: it is not"),
        }
    }
}

/// What a [`Bag`] may hold: more than one possibility where nobody knows what was taken.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct BagState<V: Eq> {
    /// At least one, all different.
    possible: Arc<[Multiset<V>]>,
}

impl<V: Eq> BagState<V> {
    /// These possibilities; `None` if there are none.
    fn of(mut possible: Vec<Multiset<V>>) -> Option<BagState<V>> {
        possible.sort_by_key(Multiset::hash_of);
        possible.dedup();
        (!possible.is_empty()).then(|| BagState {
            possible: possible.into(),
        })
    }
}

impl<V: Clone + Ord + Hash + fmt::Display> Model for Bag<V> {
    type State = BagState<V>;
    type Op = BagOp<V>;
    type Refusal = BagRefusal<V>;

    fn name(&self) -> &'static str {
        "bag"
    }

    fn initial(&self) -> BagState<V> {
        BagState {
            possible: [Multiset::new()].into(),
        }
    }

    fn step(&self, state: &BagState<V>, op: &BagOp<V>) -> Result<BagState<V>, BagRefusal<V>> {
        let possible = state.possible.iter();
        let next: Vec<Multiset<V>> = match op {
            BagOp::Enqueue(value) => possible.map(|held| held.with(value)).collect(),
            BagOp::Dequeue(Some(value)) => {
                possible.filter_map(|held| held.without(value)).collect()
            }
            BagOp::Dequeue(None) => possible.flat_map(less_one).collect(),
            BagOp::Front(value) => possible
                .filter(|held| held.contains(value))
                .cloned()
                .collect(),
            BagOp::Empty => possible.filter(|held| held.is_empty()).cloned().collect(),
        };
        BagState::of(next).ok_or_else(|| BagRefusal {
            op: op.clone(),
            holds: match &state.possible[..] {
                [held] => held.greatest().cloned(),
                _ => None,
            },
        })
    }

    // Of several possibilities a look leaves some only.

    fn enables(&self, op: &BagOp<V>, later: &BagOp<V>) -> bool {
        match (op, later) {
            (BagOp::Enqueue(_), BagOp::Dequeue(None)) => true,
            (BagOp::Enqueue(value), BagOp::Dequeue(Some(other)) | BagOp::Front(other)) => {
                value == other
            }
            (BagOp::Dequeue(_), later) => !matches!(later, BagOp::Enqueue(_)),
            _ => false,
        }
    }
}

/// Everything that may be left when one element is taken, or none where none is.
fn less_one<V: Clone + Ord + Hash>(held: &Multiset<V>) -> Vec<Multiset<V>> {
    if held.is_empty() {
        return vec![held.clone()];
    }
    let elements = held.distinct().into_iter();
    elements.filter_map(|value| held.without(value)).collect()
}

impl Object for Bag<Value> {
    fn action(call: &Call<'_>) -> Result<Option<BagOp<Value>>, Foreign> {
        Ok(match (call.op, call.outcome) {
            // An element like this could not be told from no element.
            (Op::Enqueue { value, .. }, _) if *value == Value::Null => return Err(Foreign),
            (Op::Enqueue { value, .. }, Outcome::Ok | Outcome::Info) => {
                Some(BagOp::Enqueue(value.clone()))
            }
            (Op::Dequeue { .. } | Op::Front { .. }, _) if found_nothing(call) => Some(BagOp::Empty),
            (Op::Dequeue { .. }, Outcome::Ok | Outcome::Info) => Some(BagOp::Dequeue(taken(call))),
            (Op::Front { .. }, Outcome::Ok) => taken(call).map(BagOp::Front),
            (Op::Enqueue { .. } | Op::Dequeue { .. } | Op::Front { .. }, _) => None,
            _ => return Err(Foreign),
        })
    }

    fn leaves(&self, op: &BagOp<Value>, _alone: bool) -> Option<BagState<Value>> {
        matches!(op, BagOp::Empty).then(|| self.initial())
    }

    fn scope(op: &BagOp<Value>) -> Scope<'_> {
        match op {
            BagOp::Enqueue(value) | BagOp::Dequeue(Some(value)) | BagOp::Front(value) => {
                Scope::Element(value)
            }
            BagOp::Dequeue(None) => Scope::SomeElement,
            BagOp::Empty => Scope::NoElement,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_taken_shows_later() {
        let model = Bag::default();
        let step = |state: &BagState<u32>, op| model.step(state, &op).ok().unwrap();
        let refused = |state: &BagState<u32>, op| {
            let refusal = model.step(state, &op).err().unwrap();
            refusal.to_string()
        };
        let three = step(&model.initial(), BagOp::Enqueue(3));
        let both = step(&three, BagOp::Enqueue(7));
        assert!(three == step(&both, BagOp::Dequeue(Some(7))));
        let one = step(&both, BagOp::Dequeue(None));
        assert!(one != both);
        assert!(three == step(&one, BagOp::Front(3)));
        assert_eq!(
            refused(&one, BagOp::Empty),
            "cannot find the queue empty: it is not"
        );
        let none = step(&one, BagOp::Dequeue(Some(3)));
        assert!(none == model.initial());
        assert!(none == step(&none, BagOp::Dequeue(None)));
        assert_eq!(
            refused(&none, BagOp::Dequeue(Some(7))),
            "cannot dequeue 7: it is not in the queue"
        );
        assert_eq!(
            refused(&three, BagOp::Empty),
            "cannot find the queue empty: 3 is in it"
        );
    }
}
