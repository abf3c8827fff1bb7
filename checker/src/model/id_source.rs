//! A source of identifiers of which none is given out twice.

use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;

use polygraph_history::{Op, Outcome, Value};

use super::persistent::Set;
use super::{Call, Foreign, Model, Object};

/// A source of unique identifiers.
#[derive(Clone, Copy, Debug)]
pub struct IdSource<V> {
    of: PhantomData<V>,
}

impl<V> Default for IdSource<V> {
    fn default() -> IdSource<V> {
        IdSource { of: PhantomData }
    }
}

/// This identifier was given out.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Generate<V>(pub V);

/// An identifier that was given out before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdSourceRefusal<V> {
    /// Which.
    pub again: V,
}

impl<V: fmt::Display> fmt::Display for IdSourceRefusal<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let again = &self.again;
        write!(f, "cannot give out {again}: it was given out before")
    }
}

impl<V: Clone + Eq + Hash + fmt::Display> Model for IdSource<V> {
    /// What was given out.
    type State = Set<V>;
    type Op = Generate<V>;
    type Refusal = IdSourceRefusal<V>;

    fn name(&self) -> &'static str {
        "id-source"
    }

    fn initial(&self) -> Set<V> {
        Set::new()
    }

    fn step(
        &self,
        state: &Set<V>,
        Generate(id): &Generate<V>,
    ) -> Result<Set<V>, IdSourceRefusal<V>> {
        if state.contains(id) {
            return Err(IdSourceRefusal { again: id.clone() });
        }
        Ok(state.with(id.clone(), ()))
    }
}

impl Object for IdSource<Value> {
    fn action(call: &Call<'_>) -> Result<Option<Generate<Value>>, Foreign> {
        match (call.op, call.outcome) {
            // Of an identifier that nobody saw nothing follows.
            (Op::Generate { value, .. }, Outcome::Ok) => Ok(value.clone().map(Generate)),
            (Op::Generate { .. }, _) => Ok(None),
            _ => Err(Foreign),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_given_out_twice() {
        let model = IdSource::default();
        let one = model.step(&model.initial(), &Generate(1)).unwrap();
        let two = model.step(&one, &Generate(2)).unwrap();
        let refusal = model.step(&two, &Generate(1)).unwrap_err();
        assert_eq!(
            refusal.to_string(),
            "cannot give out 1: it was given out before"
        );
    }
}
