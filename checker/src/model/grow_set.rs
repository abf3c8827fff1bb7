//! A set that only grows, with reads of all of it.

use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;

use polygraph_history::{Op, Outcome, Value};

use super::persistent::{Members, Set};
use super::{Call, Foreign, Model, Object};

/// A set that is empty at first and only grows. Adding what is there already is possible.
#[derive(Clone, Copy, Debug)]
pub struct GrowSet<V> {
    of: PhantomData<V>,
}

impl<V> Default for GrowSet<V> {
    fn default() -> GrowSet<V> {
        GrowSet { of: PhantomData }
    }
}

/// An operation on a [`GrowSet`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum GrowSetOp<V> {
    /// An addition of this.
    Add(V),
    /// A read that found just these.
    Read(Members<V>),
}

/// A read that cannot be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrowSetRefusal<V: Eq> {
    /// What was read.
    pub read: Members<V>,
    /// What is in the set.
    pub holds: Set<V>,
}

impl<V: Clone + Ord + Hash + fmt::Display> fmt::Display for GrowSetRefusal<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot read {}: ", self.read)?;
        if let Some(extra) = self.read.iter().find(|&value| !self.holds.contains(value)) {
            return write!(f, "{extra} is not in the set");
        }
        let inside = self.holds.iter().map(|(value, ())| value);
        match inside
            .filter(|value| self.read.binary_search(value).is_err())
            .min()
        {
            Some(missed) => write!(f, "{missed} is in the set"),
            None => f.write_str("the set is another one"),
        }
    }
}

impl<V: Clone + Ord + Hash + fmt::Display> Model for GrowSet<V> {
    type State = Set<V>;
    type Op = GrowSetOp<V>;
    type Refusal = GrowSetRefusal<V>;

    fn name(&self) -> &'static str {
        "grow-set"
    }

    fn initial(&self) -> Set<V> {
        Set::new()
    }

    fn step(&self, state: &Set<V>, op: &GrowSetOp<V>) -> Result<Set<V>, GrowSetRefusal<V>> {
        match op {
            GrowSetOp::Add(value) if state.contains(value) => Ok(state.clone()),
            GrowSetOp::Add(value) => Ok(state.with(value.clone(), ())),
            GrowSetOp::Read(read) if state.is(read) => Ok(state.clone()),
            GrowSetOp::Read(read) => Err(GrowSetRefusal {
                read: read.clone(),
                holds: state.clone(),
            }),
        }
    }

    fn only_observes(&self, op: &GrowSetOp<V>) -> bool {
        matches!(op, GrowSetOp::Read(_))
    }

    fn enables(&self, op: &GrowSetOp<V>, later: &GrowSetOp<V>) -> bool {
        match (op, later) {
            (GrowSetOp::Add(value), GrowSetOp::Read(read)) => read.binary_search(value).is_ok(),
            _ => false,
        }
    }
}

impl Object for GrowSet<Value> {
    const FORESEES: bool = true;

    fn action(call: &Call<'_>) -> Result<Option<GrowSetOp<Value>>, Foreign> {
        Ok(match (call.op, call.outcome) {
            (Op::Add { value, .. }, Outcome::Ok | Outcome::Info) => {
                Some(GrowSetOp::Add(value.clone()))
            }
            (
                Op::Read {
                    value: Some(value), ..
                },
                Outcome::Ok,
            ) => {
                let members = value.elements().ok_or(Foreign)?;
                Some(GrowSetOp::Read(members.iter().cloned().collect()))
            }
            (Op::Add { .. } | Op::Read { .. }, _) => None,
            _ => return Err(Foreign),
        })
    }

    fn never(&self, state: &Set<Value>, op: &GrowSetOp<Value>) -> bool {
        match op {
            GrowSetOp::Read(members) => state.len() > members.len(),
            GrowSetOp::Add(_) => false,
        }
    }

    fn tells(&self, op: &GrowSetOp<Value>, _alone: bool) -> bool {
        matches!(op, GrowSetOp::Read(_))
    }

    fn leaves(&self, op: &GrowSetOp<Value>, _alone: bool) -> Option<Set<Value>> {
        match op {
            GrowSetOp::Read(members) => Some(members.iter().cloned().collect()),
            GrowSetOp::Add(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_finds_all_that_was_added() {
        let model = GrowSet::default();
        let adds = [2, 1, 2].map(GrowSetOp::Add);
        let state = adds.iter().fold(model.initial(), |state, add| {
            model.step(&state, add).expect("adding is possible")
        });
        let read = |values: &[i32]| GrowSetOp::Read(values.iter().copied().collect());
        let refusal = |values| model.step(&state, &read(values)).unwrap_err().to_string();
        assert!(model.step(&state, &read(&[1, 2])).is_ok());
        assert_eq!(refusal(&[1]), "cannot read {1}: 2 is in the set");
        assert_eq!(refusal(&[3, 1]), "cannot read {1 3}: 3 is not in the set");
        assert_eq!(refusal(&[]), "cannot read {}: 1 is in the set");
    }
}
