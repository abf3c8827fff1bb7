//! A set: add, remove, ask.

use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;

use polygraph_history::{ErrorName, Op, Outcome, Value};

use super::multiset::Multiset;
use super::observation::failed_with;
use super::{Call, Foreign, Model, Object, Scope};

/// A set that is empty at first. An add that failed because the element was `present`, or a
/// removal that failed because it was `absent`, saw just that, where failures are observations.
#[derive(Clone, Copy, Debug)]
pub struct Set<V> {
    /// Whether an operation that succeeded changed something: an add, that the element was not
    /// there, a removal, that it was. Otherwise adding what is there and removing what is not
    /// succeeds and changes nothing, as in most stores.
    pub strict: bool,
    element: PhantomData<V>,
}

impl<V> Default for Set<V> {
    fn default() -> Set<V> {
        Set {
            strict: false,
            element: PhantomData,
        }
    }
}

impl<V> Set<V> {
    /// A set whose adds and removals succeed only if they change something.
    #[must_use]
    pub const fn strict() -> Set<V> {
        Set {
            strict: true,
            element: PhantomData,
        }
    }
}

/// An operation on a [`Set`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SetOp<V> {
    /// Put this in.
    Add(V),
    /// Took this out.
    Remove(V),
    /// Saw whether this was in.
    Contains {
        /// The element.
        value: V,
        /// Whether it was there.
        found: bool,
    },
}

impl<V> SetOp<V> {
    /// The element.
    pub const fn element(&self) -> &V {
        match self {
            SetOp::Add(value) | SetOp::Remove(value) | SetOp::Contains { value, .. } => value,
        }
    }
}

/// Why an operation is not possible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetRefusal<V> {
    /// What was attempted; whether the element is there follows.
    pub op: SetOp<V>,
}

impl<V: fmt::Display> fmt::Display for SetRefusal<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.op {
            SetOp::Add(value) => write!(f, "cannot add {value}: it is there"),
            SetOp::Remove(value) => write!(f, "cannot remove {value}: it is not there"),
            SetOp::Contains { value, found: true } => {
                write!(f, "cannot find {value}: it is not there")
            }
            SetOp::Contains {
                value,
                found: false,
            } => write!(f, "cannot miss {value}: it is there"),
        }
    }
}

impl<V: Clone + Ord + Hash + fmt::Display> Model for Set<V> {
    type State = Multiset<V>;
    type Op = SetOp<V>;
    type Refusal = SetRefusal<V>;

    fn name(&self) -> &'static str {
        "set"
    }

    fn initial(&self) -> Multiset<V> {
        Multiset::new()
    }

    fn step(&self, state: &Multiset<V>, op: &SetOp<V>) -> Result<Multiset<V>, SetRefusal<V>> {
        let there = state.contains(op.element());
        let next = match op {
            SetOp::Add(value) if !there => Some(state.with(value)),
            SetOp::Remove(value) if there => state.without(value),
            SetOp::Add(_) | SetOp::Remove(_) => (!self.strict).then(|| state.clone()),
            SetOp::Contains { found, .. } => (*found == there).then(|| state.clone()),
        };
        next.ok_or_else(|| SetRefusal { op: op.clone() })
    }

    fn only_observes(&self, op: &SetOp<V>) -> bool {
        matches!(op, SetOp::Contains { .. })
    }
}

impl Object for Set<Value> {
    fn action(call: &Call<'_>) -> Result<Option<SetOp<Value>>, Foreign> {
        let seen = |value: &Value, found| SetOp::Contains {
            value: value.clone(),
            found,
        };
        Ok(match (call.op, call.outcome) {
            (Op::Add { value, .. }, Outcome::Ok | Outcome::Info) => Some(SetOp::Add(value.clone())),
            (Op::Add { value, .. }, Outcome::Fail) => {
                failed_with(call, &ErrorName::PRESENT).then(|| seen(value, true))
            }
            (Op::Remove { value, .. }, Outcome::Ok | Outcome::Info) => {
                Some(SetOp::Remove(value.clone()))
            }
            (Op::Remove { value, .. }, Outcome::Fail) => {
                failed_with(call, &ErrorName::ABSENT).then(|| seen(value, false))
            }
            (Op::Contains { value, found, .. }, Outcome::Ok) => {
                found.map(|found| seen(value, found))
            }
            (Op::Contains { .. }, _) => None,
            _ => return Err(Foreign),
        })
    }

    fn scope(op: &SetOp<Value>) -> Scope<'_> {
        Scope::Element(op.element())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adding_twice_is_refused_only_by_a_strict_set() {
        let (loose, strict) = (Set::default(), Set::strict());
        let one = strict.step(&loose.initial(), &SetOp::Add(1)).ok().unwrap();
        assert!(loose.step(&one, &SetOp::Add(1)).ok().unwrap() == one);
        let refusal = strict.step(&one, &SetOp::Add(1)).err().unwrap();
        assert_eq!(refusal.to_string(), "cannot add 1: it is there");
        let none = strict.step(&one, &SetOp::Remove(1)).ok().unwrap();
        assert!(none == loose.initial());
        assert!(loose.step(&none, &SetOp::Remove(1)).ok().unwrap() == none);
        let refusal = strict.step(&none, &SetOp::Remove(1)).err().unwrap();
        assert_eq!(refusal.to_string(), "cannot remove 1: it is not there");
        let missed = SetOp::Contains {
            value: 1,
            found: false,
        };
        let refusal = loose.step(&one, &missed).err().unwrap();
        assert_eq!(refusal.to_string(), "cannot miss 1: it is there");
        assert!(loose.step(&none, &missed).is_ok() && loose.only_observes(&missed));
    }
}
