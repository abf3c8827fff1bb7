//! A list that grows at its end, with reads of all of it.

use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;

use polygraph_history::{Op, Outcome, Value};

use super::persistent::{Elements, Sequence};
use super::{Call, Foreign, Model, Object};

/// A list that is empty at first.
#[derive(Clone, Copy, Debug)]
pub struct List<V> {
    of: PhantomData<V>,
}

impl<V> Default for List<V> {
    fn default() -> List<V> {
        List { of: PhantomData }
    }
}

/// An operation on a [`List`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ListOp<V> {
    /// An append of this.
    Append(V),
    /// A read that found just these, in this order.
    Read(Elements<V>),
}

/// A read that cannot be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListRefusal<V> {
    /// What was read.
    pub read: Elements<V>,
    /// What is in the list.
    pub holds: Sequence<V>,
}

impl<V: Clone + Eq + Hash + fmt::Display> fmt::Display for ListRefusal<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot read {}: ", self.read)?;
        let holds = &self.holds;
        let differs = (self.read.iter().enumerate())
            .find(|&(at, value)| holds.get(at) != Some(value))
            .map(|(at, value)| (at, value, holds.get(at)));
        match (differs, holds.get(self.read.len())) {
            (Some((at, value, Some(there))), _) => {
                write!(f, "at {at} in the list is {there}, not {value}")
            }
            (Some((_, value, None)), _) => write!(f, "{value} is not in the list"),
            (None, Some(behind)) => write!(f, "{behind} is in the list"),
            (None, None) => f.write_str("the list is another one"),
        }
    }
}

impl<V: Clone + Eq + Hash + fmt::Display> Model for List<V> {
    type State = Sequence<V>;
    type Op = ListOp<V>;
    type Refusal = ListRefusal<V>;

    fn name(&self) -> &'static str {
        "list"
    }

    fn initial(&self) -> Sequence<V> {
        Sequence::new()
    }

    fn step(&self, state: &Sequence<V>, op: &ListOp<V>) -> Result<Sequence<V>, ListRefusal<V>> {
        match op {
            ListOp::Append(value) => Ok(state.with(value.clone())),
            ListOp::Read(read) if state.is(read) => Ok(state.clone()),
            ListOp::Read(read) => Err(ListRefusal {
                read: read.clone(),
                holds: state.clone(),
            }),
        }
    }

    fn only_observes(&self, op: &ListOp<V>) -> bool {
        matches!(op, ListOp::Read(_))
    }
}

impl Object for List<Value> {
    const FORESEES: bool = true;

    fn action(call: &Call<'_>) -> Result<Option<ListOp<Value>>, Foreign> {
        Ok(match (call.op, call.outcome) {
            // Where offsets are told the object is a log.
            (
                Op::Append {
                    offset: Some(_), ..
                },
                Outcome::Ok,
            ) => return Err(Foreign),
            (Op::Append { value, .. }, Outcome::Ok | Outcome::Info) => {
                Some(ListOp::Append(value.clone()))
            }
            (
                Op::Read {
                    value: Some(value), ..
                },
                Outcome::Ok,
            ) => {
                let elements = value.elements().ok_or(Foreign)?;
                Some(ListOp::Read(elements.iter().cloned().collect()))
            }
            (Op::Append { .. } | Op::Read { .. }, _) => None,
            _ => return Err(Foreign),
        })
    }

    fn never(&self, state: &Sequence<Value>, op: &ListOp<Value>) -> bool {
        match op {
            ListOp::Read(elements) => !state.ends_like(0, elements),
            ListOp::Append(_) => false,
        }
    }

    fn tells(&self, op: &ListOp<Value>, _alone: bool) -> bool {
        matches!(op, ListOp::Read(_))
    }

    fn leaves(&self, op: &ListOp<Value>, _alone: bool) -> Option<Sequence<Value>> {
        match op {
            ListOp::Read(elements) => Some(elements.iter().cloned().collect()),
            ListOp::Append(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_finds_all_in_the_order_of_the_appends() {
        let model = List::default();
        let appends = [1, 2, 3].map(ListOp::Append);
        let state = appends.iter().fold(model.initial(), |state, append| {
            model.step(&state, append).expect("appending is possible")
        });
        let read = |values: &[i32]| ListOp::Read(values.iter().copied().collect());
        let refusal = |values| model.step(&state, &read(values)).unwrap_err().to_string();
        assert!(model.step(&state, &read(&[1, 2, 3])).is_ok());
        assert_eq!(
            refusal(&[1, 3]),
            "cannot read [1 3]: at 1 in the list is 2, not 3"
        );
        assert_eq!(refusal(&[1, 2]), "cannot read [1 2]: 3 is in the list");
        assert_eq!(
            refusal(&[1, 2, 3, 4]),
            "cannot read [1 2 3 4]: 4 is not in the list"
        );
    }

    #[test]
    fn long_reads_are_shown_by_their_ends() {
        let model = List::default();
        let refusal = model
            .step(&Sequence::new(), &ListOp::Read((0..100).collect()))
            .unwrap_err();
        let expected = "cannot read [0 1 2 3 4 … 95 96 97 98 99]: 0 is not in the list";
        assert_eq!(refusal.to_string(), expected);
    }
}
