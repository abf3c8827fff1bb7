//! A set: add, remove, ask for an element, read all.

use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;

use polygraph_history::{ErrorName, Op, Outcome, Value};

use super::observation::failed_with;
use super::persistent::{self, Members};
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
    /// A read that found just these.
    Read(Members<V>),
}

impl<V> SetOp<V> {
    /// The element, if it is about a single one.
    pub const fn element(&self) -> Option<&V> {
        match self {
            SetOp::Add(value) | SetOp::Remove(value) | SetOp::Contains { value, .. } => Some(value),
            SetOp::Read(_) => None,
        }
    }
}

/// Why an operation is not possible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetRefusal<V: Eq> {
    /// What was attempted.
    pub op: SetOp<V>,
    /// What is in the set.
    pub holds: persistent::Set<V>,
}

impl<V: Clone + Ord + Hash + fmt::Display> fmt::Display for SetRefusal<V> {
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
            SetOp::Read(read) => {
                write!(f, "cannot read {read}: ")?;
                let extra = read.iter().find(|&value| !self.holds.contains(value));
                if let Some(extra) = extra {
                    return write!(f, "{extra} is not there");
                }
                let inside = self.holds.iter().map(|(value, ())| value);
                let missed = inside.filter(|value| read.binary_search(value).is_err());
                match missed.min() {
                    Some(missed) => write!(f, "{missed} is there"),
                    None => f.write_str("the set is another one"),
                }
            }
        }
    }
}

impl<V: Clone + Ord + Hash + fmt::Display> Model for Set<V> {
    type State = persistent::Set<V>;
    type Op = SetOp<V>;
    type Refusal = SetRefusal<V>;

    fn name(&self) -> &'static str {
        "set"
    }

    fn initial(&self) -> persistent::Set<V> {
        persistent::Set::new()
    }

    fn step(
        &self,
        state: &persistent::Set<V>,
        op: &SetOp<V>,
    ) -> Result<persistent::Set<V>, SetRefusal<V>> {
        let changed = match op {
            SetOp::Add(value) if !state.contains(value) => Some(state.with(value.clone(), ())),
            SetOp::Remove(value) => state.without(value),
            _ => None,
        };
        let possible = match op {
            SetOp::Add(_) | SetOp::Remove(_) => changed.is_some() || !self.strict,
            SetOp::Contains { value, found } => *found == state.contains(value),
            SetOp::Read(read) => state.is(read),
        };
        if possible {
            return Ok(changed.unwrap_or_else(|| state.clone()));
        }
        Err(SetRefusal {
            op: op.clone(),
            holds: state.clone(),
        })
    }

    fn only_observes(&self, op: &SetOp<V>) -> bool {
        matches!(op, SetOp::Contains { .. } | SetOp::Read(_))
    }

    fn enables(&self, op: &SetOp<V>, later: &SetOp<V>) -> bool {
        let read_has = |read: &Members<V>, value| read.binary_search(value).is_ok();
        match (op, later) {
            (
                SetOp::Add(value),
                SetOp::Contains {
                    value: other,
                    found,
                },
            ) => *found && value == other,
            (SetOp::Add(value), SetOp::Remove(other)) => self.strict && value == other,
            (SetOp::Add(value), SetOp::Read(read)) => read_has(read, value),
            (
                SetOp::Remove(value),
                SetOp::Contains {
                    value: other,
                    found,
                },
            ) => !found && value == other,
            (SetOp::Remove(value), SetOp::Add(other)) => self.strict && value == other,
            (SetOp::Remove(value), SetOp::Read(read)) => !read_has(read, value),
            _ => false,
        }
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
            (
                Op::Read {
                    value: Some(value), ..
                },
                Outcome::Ok,
            ) => {
                let members = value.elements().ok_or(Foreign)?;
                Some(SetOp::Read(members.iter().cloned().collect()))
            }
            (Op::Contains { .. } | Op::Read { .. }, _) => None,
            _ => return Err(Foreign),
        })
    }

    fn tells(&self, op: &SetOp<Value>, alone: bool) -> bool {
        alone || matches!(op, SetOp::Read(_))
    }

    fn leaves(&self, op: &SetOp<Value>, alone: bool) -> Option<persistent::Set<Value>> {
        match op {
            SetOp::Read(members) => Some(members.iter().cloned().collect()),
            SetOp::Add(value) | SetOp::Contains { value, found: true } if alone => {
                Some(self.initial().with(value.clone(), ()))
            }
            SetOp::Remove(_) | SetOp::Contains { found: false, .. } if alone => {
                Some(self.initial())
            }
            SetOp::Add(_) | SetOp::Remove(_) | SetOp::Contains { .. } => None,
        }
    }

    fn scope(op: &SetOp<Value>) -> Scope<'_> {
        op.element().map_or(Scope::AllElements, Scope::Element)
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

    #[test]
    fn a_read_finds_all_that_is_in() {
        let model = Set::default();
        let changes = [
            SetOp::Add(1),
            SetOp::Add(3),
            SetOp::Add(2),
            SetOp::Remove(3),
        ];
        let state = changes.iter().fold(model.initial(), |state, change| {
            model.step(&state, change).expect("a change is possible")
        });
        let read = |values: &[i32]| SetOp::Read(values.iter().copied().collect());
        assert_eq!(model.step(&state, &read(&[2, 1])), Ok(state.clone()));
        assert!(model.only_observes(&read(&[])));
        let refusal = |values| model.step(&state, &read(values)).unwrap_err().to_string();
        assert_eq!(refusal(&[1]), "cannot read {1}: 2 is there");
        assert_eq!(refusal(&[1, 3]), "cannot read {1 3}: 3 is not there");
        assert_eq!(refusal(&[]), "cannot read {}: 1 is there");
    }

    #[test]
    fn a_read_is_about_all_elements() {
        let of = |value| {
            let key = polygraph_history::Key::from("s");
            Set::action(&Call {
                op: &Op::Read { key, value },
                outcome: Outcome::Ok,
                error: None,
                process: 0,
                failed_cas: crate::FailedCas::Observe,
            })
        };
        let found = of(Some(Value::list([Value::Int(2), Value::Int(1)])));
        let expected = SetOp::Read([Value::Int(1), Value::Int(2)].into_iter().collect());
        assert_eq!(Set::scope(&expected), Scope::AllElements);
        assert_eq!(found, Ok(Some(expected)));
        assert_eq!(of(None), Ok(None));
        assert_eq!(of(Some(Value::Int(1))), Err(Foreign));
    }
}
