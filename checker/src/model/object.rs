//! How operations of a history are operations of a model.

use polygraph_history::{ErrorName, Op, Outcome};

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

/// A model whose operations histories have a form for.
///
/// In histories [`Value::Null`](polygraph_history::Value::Null) denotes what was there before the
/// first operation; who knows better gives the model another initial value.
pub trait Object: Model {
    /// Whether there is one object for each key; otherwise one for all keys together.
    const PER_KEY: bool = true;

    /// What an operation does and shows; `None` if neither: a read that failed, say.
    ///
    /// # Errors
    /// If the model has no such operation; then the object is not one of this model.
    fn action(call: &Call<'_>) -> Result<Option<Self::Op>, Foreign>;
}
