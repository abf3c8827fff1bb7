//! The models of single objects by their names.

use std::collections::BTreeMap;

use polygraph_history::{Key, Value};

use super::witness::ModelName;
use crate::model::{
    Bag, CasRegister, Counter, FencedMutex, FifoQueue, GrowSet, IdSource, List, Log, ModelKind,
    MultiRegister, Mutex, Object, PriorityQueue, RwLock, Semaphore, Set, Stack, Text,
};

/// The same expression for every model, each time with a model of another type.
macro_rules! with_each {
    ($known:expr, $model:ident => $then:expr) => {
        match $known {
            $crate::linearizable::models::Known::CasRegister($model) => $then,
            $crate::linearizable::models::Known::MultiRegister($model) => $then,
            $crate::linearizable::models::Known::Semaphore($model) => $then,
            $crate::linearizable::models::Known::Mutex($model) => $then,
            $crate::linearizable::models::Known::Counter($model) => $then,
            $crate::linearizable::models::Known::Set($model) => $then,
            $crate::linearizable::models::Known::GrowSet($model) => $then,
            $crate::linearizable::models::Known::FifoQueue($model) => $then,
            $crate::linearizable::models::Known::Bag($model) => $then,
            $crate::linearizable::models::Known::Stack($model) => $then,
            $crate::linearizable::models::Known::PriorityQueue($model) => $then,
            $crate::linearizable::models::Known::List($model) => $then,
            $crate::linearizable::models::Known::Log($model) => $then,
            $crate::linearizable::models::Known::FencedMutex($model) => $then,
            $crate::linearizable::models::Known::RwLock($model) => $then,
            $crate::linearizable::models::Known::IdSource($model) => $then,
            $crate::linearizable::models::Known::Text($model) => $then,
        }
    };
}
pub(super) use with_each;

/// Something that is done with a model, whichever it is.
pub(super) trait Then {
    /// What comes of it.
    type Output;

    /// Does it.
    fn with<M: Object>(self, model: &M) -> Self::Output;
}

/// Does something with the model of this name.
///
/// # Errors
/// If it is none of single operations, or a parameter is not one of it.
pub(super) fn with_model<T: Then>(name: &ModelName, then: T) -> Result<T::Output, String> {
    Ok(with_each!(Known::of(name)?, model => then.with(&model)))
}

/// A model with its parameters.
pub(super) enum Known {
    CasRegister(CasRegister<Value>),
    MultiRegister(MultiRegister<Key, Value>),
    Semaphore(Semaphore),
    Mutex(Mutex),
    Counter(Counter),
    Set(Set<Value>),
    GrowSet(GrowSet<Value>),
    FifoQueue(FifoQueue<Value>),
    Bag(Bag<Value>),
    Stack(Stack<Value>),
    PriorityQueue(PriorityQueue<Value>),
    List(List<Value>),
    Log(Log<Value>),
    FencedMutex(FencedMutex),
    RwLock(RwLock),
    IdSource(IdSource<Value>),
    Text(Text),
}

impl Known {
    /// The one of this name.
    ///
    /// # Errors
    /// If it is none of single operations, or a parameter is not one of it.
    pub(super) fn of(name: &ModelName) -> Result<Known, String> {
        let mut given = Parameters {
            model: name.kind,
            left: name.parameters.clone(),
        };
        let known = match name.kind {
            // A register is one with compare-and-set that nobody uses.
            ModelKind::Register | ModelKind::CasRegister => Known::CasRegister(CasRegister {
                initial: given.value("initial"),
            }),
            ModelKind::MultiRegister => Known::MultiRegister(MultiRegister {
                given: BTreeMap::new(),
                initial: given.value("initial"),
            }),
            ModelKind::Semaphore => {
                let permits = given.count("permits", 1)?;
                let limit = given.count("limit", permits)?;
                Known::Semaphore(Semaphore { permits, limit })
            }
            ModelKind::Mutex => Known::Mutex(Mutex {
                owned: given.count("owned", 1)? != 0,
            }),
            ModelKind::Counter => Known::Counter(Counter {
                initial: given.count("initial", 0)?.into(),
            }),
            ModelKind::Set => Known::Set(match given.count("strict", 0)? {
                0 => Set::default(),
                _ => Set::strict(),
            }),
            ModelKind::GrowSet => Known::GrowSet(GrowSet::default()),
            ModelKind::FifoQueue => Known::FifoQueue(FifoQueue::default()),
            ModelKind::Bag => Known::Bag(Bag::default()),
            ModelKind::Stack => Known::Stack(Stack::default()),
            ModelKind::PriorityQueue => Known::PriorityQueue(PriorityQueue::default()),
            ModelKind::List => Known::List(List::default()),
            ModelKind::Log => Known::Log(Log::default()),
            ModelKind::FencedMutex => Known::FencedMutex(FencedMutex),
            ModelKind::RwLock => Known::RwLock(RwLock),
            ModelKind::IdSource => Known::IdSource(IdSource::default()),
            ModelKind::Text => Known::Text(Text),
            other => return Err(format!("`{other}` is no model of single operations")),
        };
        given.end()?;
        Ok(known)
    }
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
