//! Evidence that a history is linearizable: an order of the operations of every object.

use std::collections::BTreeMap;
use std::fmt;

use polygraph_history::{EventIndex, History, Key, OperationId, Value};

use crate::FailedCas;
use crate::model::ModelKind;

/// Orders of the operations of objects. They prove that a history is linearizable if every object
/// of the history is among them, for linearizability is local (Herlihy & Wing, *Linearizability*,
/// TOPLAS 1990, theorem 1).
#[derive(Clone, Debug)]
pub struct Witness {
    /// What a failed compare-and-set says.
    pub failed_cas: FailedCas,
    /// One a object, in the order of their first operations.
    pub objects: Vec<Linearization>,
}

/// An order of the operations of one object in which each has its result in the model, and that
/// keeps real time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Linearization {
    /// The keys that the object consists of: one, except for models of several.
    pub keys: Vec<Key>,
    /// What the object is.
    pub model: ModelName,
    /// The operations, as the events of their invocations. Those of unknown outcome that are not
    /// here never took effect.
    pub order: Vec<EventIndex>,
}

impl Linearization {
    /// The order of one key.
    #[must_use]
    pub fn of_key(
        history: &History,
        key: &Key,
        model: ModelName,
        order: impl IntoIterator<Item = OperationId>,
    ) -> Linearization {
        let invoke = |operation: OperationId| history.operations()[operation].invoke;
        Linearization {
            keys: vec![key.clone()],
            model,
            order: order.into_iter().map(invoke).collect(),
        }
    }
}

/// A model by name, with its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelName {
    /// Which.
    pub kind: ModelKind,
    /// Its parameters: how many permits a semaphore has, say.
    pub parameters: BTreeMap<String, Value>,
}

impl From<ModelKind> for ModelName {
    fn from(kind: ModelKind) -> ModelName {
        ModelName {
            kind,
            parameters: BTreeMap::new(),
        }
    }
}

impl ModelName {
    /// The same with a parameter.
    #[must_use]
    pub fn with(mut self, name: &str, value: Value) -> ModelName {
        self.parameters.insert(name.to_owned(), value);
        self
    }
}

/// As a person reads it: `cas-register`, `semaphore (permits 3)`.
impl fmt::Display for ModelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.name())?;
        for (at, (name, value)) in self.parameters.iter().enumerate() {
            f.write_str(if at == 0 { " (" } else { ", " })?;
            write!(f, "{name} {value}")?;
        }
        f.write_str(if self.parameters.is_empty() { "" } else { ")" })
    }
}
