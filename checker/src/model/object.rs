//! How operations of a history are operations of a model.

use polygraph_history::{ErrorName, Op, Outcome, Value};

use super::Model;
use crate::FailedCas;

/// An operation of a history as a model reads it.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The operation: with its results where it completed, as it was invoked otherwise.
    pub op: &'a Op,
    /// How it ended. Of an operation that may have taken effect nobody knows the result.
    pub outcome: Outcome,
    /// Why it failed, where it did and said why.
    pub error: Option<&'a ErrorName>,
    /// Who performed it.
    pub process: u64,
    /// What a failed compare-and-set says.
    pub failed_cas: FailedCas,
}

/// The model has no such operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Foreign;

/// What becomes of an operation of a container when elements are left out of a history: when all
/// operations on them are, whoever performed them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope<'a> {
    /// It puts, takes or shows this element; it is possible in the same way when others are left
    /// out.
    Element(&'a Value),
    /// It finds that no element is there, and does nothing. When some are left out it finds that
    /// all the more.
    NoElement,
    /// It takes an element that nobody knows. Where that one is left out it must be left out too,
    /// which only an operation may that is not known to have taken effect.
    SomeElement,
    /// It depends on elements in another way: a read of a whole set, say.
    AllElements,
}

/// Another operation of the same object, kept with one of which it is asked what state it left.
#[derive(Clone, Copy, Debug)]
pub struct Other<'a, O> {
    /// What it did and showed.
    pub op: &'a O,
    /// Whether it took effect for certain, before or after.
    pub certain: bool,
}

/// A model whose operations histories have a form for.
///
/// In histories [`Value::Null`](polygraph_history::Value::Null) denotes what was there before the
/// first operation; who knows better gives the model another initial value.
pub trait Object: Model {
    /// Whether there is one object for each key; otherwise one for all keys together.
    const PER_KEY: bool = true;

    /// Whether [`Object::never`] ever says something. Otherwise nobody has to ask.
    const FORESEES: bool = false;

    /// What an operation does and shows; `None` if neither: a read that failed, say.
    ///
    /// # Errors
    /// If the model has no such operation; then the object is not one of this model.
    fn action(call: &Call<'_>) -> Result<Option<Self::Op>, Foreign>;

    /// Which elements an operation is about. A model may say something else than
    /// [`Scope::AllElements`] only if every run of it stays one when the operations about an
    /// element are left out, and with them whatever took the same element without saying so.
    fn scope(_op: &Self::Op) -> Scope<'_> {
        Scope::AllElements
    }

    /// The state after an operation, if its result alone tells it: a read of everything does, and
    /// whoever finds a container empty. Wherever the operation is possible it has to leave just
    /// this state. `alone` promises that no other element than that of the operation was ever in
    /// the container.
    fn leaves(&self, _op: &Self::Op, _alone: bool) -> Option<Self::State> {
        None
    }

    /// Whether [`Object::leaves_among`] says more than [`Object::leaves`].
    const OTHERS_TELL: bool = false;

    /// The state after an operation, as far as it matters to `others`, which are all besides that
    /// may be in an order with it: those of them that come after it are possible from this state
    /// on in the order in which they are possible from the one that was there. So of what none of
    /// them shows anything may be said, and what they show for certain may be used.
    fn leaves_among(
        &self,
        op: &Self::Op,
        alone: bool,
        _others: &[Other<'_, Self::Op>],
    ) -> Option<Self::State> {
        self.leaves(op, alone)
    }

    /// Whether an operation is possible in no state that can follow this one, as far as that is
    /// told at once; `false` says nothing. A list that has another element in its last place than
    /// a read shows there will never be what was read.
    fn never(&self, _state: &Self::State, _op: &Self::Op) -> bool {
        false
    }

    /// Whether [`Object::leaves`] tells a state of this operation, or with others
    /// [`Object::leaves_among`] may, which may take a while to make.
    fn tells(&self, op: &Self::Op, alone: bool) -> bool {
        self.leaves(op, alone).is_some()
    }
}
