//! The models of single objects by their names.

use std::collections::BTreeMap;

use polygraph_history::Value;

use super::linear::Linear;
use super::witness::ModelName;
use crate::model::{
    Bag, CasRegister, Counter, FencedMutex, FifoQueue, GrowSet, IdSource, List, Log, ModelKind,
    MultiRegister, Mutex, PriorityQueue, RwLock, Semaphore, Set, Stack, Text,
};

/// Something that is done with a model, whichever it is.
pub(super) trait Then {
    /// What comes of it.
    type Output;

    /// Does it.
    fn with<M: Linear>(self, model: &M) -> Self::Output;
}

/// Does something with the model of this name.
///
/// # Errors
/// If it is none of single operations, or a parameter is not one of it.
pub(super) fn with_model<T: Then>(name: &ModelName, then: T) -> Result<T::Output, String> {
    let mut parameters = Parameters {
        model: name.kind,
        left: name.parameters.clone(),
    };
    let given = &mut parameters;
    Ok(match name.kind {
        // A register is one with compare-and-set that nobody uses.
        ModelKind::Register | ModelKind::CasRegister => {
            let initial = given.value("initial");
            given.end()?;
            then.with(&CasRegister { initial })
        }
        ModelKind::MultiRegister => {
            let initial = given.value("initial");
            given.end()?;
            then.with(&MultiRegister {
                given: BTreeMap::new(),
                initial,
            })
        }
        ModelKind::Semaphore => {
            let permits = given.count("permits", 1)?;
            let limit = given.count("limit", permits)?;
            given.end()?;
            then.with(&Semaphore { permits, limit })
        }
        ModelKind::Mutex => {
            let owned = given.count("owned", 1)? != 0;
            given.end()?;
            then.with(&Mutex { owned })
        }
        ModelKind::Counter => {
            let initial = given.count("initial", 0)?.into();
            given.end()?;
            then.with(&Counter { initial })
        }
        ModelKind::Set => {
            let strict = given.count("strict", 0)? != 0;
            given.end()?;
            then.with(&if strict {
                Set::strict()
            } else {
                Set::default()
            })
        }
        plain => {
            given.end()?;
            match plain {
                ModelKind::GrowSet => then.with(&GrowSet::default()),
                ModelKind::FifoQueue => then.with(&FifoQueue::default()),
                ModelKind::Bag => then.with(&Bag::default()),
                ModelKind::Stack => then.with(&Stack::default()),
                ModelKind::PriorityQueue => then.with(&PriorityQueue::default()),
                ModelKind::List => then.with(&List::default()),
                ModelKind::Log => then.with(&Log::default()),
                ModelKind::Text => then.with(&Text),
                ModelKind::FencedMutex => then.with(&FencedMutex),
                ModelKind::RwLock => then.with(&RwLock),
                ModelKind::IdSource => then.with(&IdSource::default()),
                other => return Err(format!("`{other}` is no model of single operations")),
            }
        }
    })
}

/// The parameters of a model that nobody asked for yet.
struct Parameters {
    model: ModelKind,
    left: BTreeMap<String, Value>,
}

impl Parameters {
    fn value(&mut self, name: &str) -> Value {
        self.left.remove(name).unwrap_or(Value::Null)
    }

    fn count(&mut self, name: &str, default: u32) -> Result<u32, String> {
        match self.left.remove(name) {
            None => Ok(default),
            Some(Value::Int(count)) if u32::try_from(count).is_ok() => Ok(count as u32),
            Some(other) => Err(format!(
                "the parameter `{name}` of `{}` cannot be {other}; write a whole number",
                self.model
            )),
        }
    }

    fn end(&mut self) -> Result<(), String> {
        match self.left.keys().next() {
            None => Ok(()),
            Some(name) => Err(format!("`{}` has no parameter `{name}`", self.model)),
        }
    }
}
