//! What the log makes of the store: registers and sets.

use std::collections::{BTreeMap, BTreeSet};

use polygraph_history::{Key, Value};

use super::log::Command;

/// The state after some beginning of the log.
#[derive(Clone, Debug, Default)]
pub(super) struct Store {
    registers: BTreeMap<Key, Value>,
    sets: BTreeMap<Key, BTreeSet<Value>>,
}

impl Store {
    /// Makes one change.
    pub(super) fn apply(&mut self, command: &Command) {
        match command {
            Command::Write(key, value) => {
                self.registers.insert(key.clone(), value.clone());
            }
            Command::Add(key, value) => {
                let set = self.sets.entry(key.clone()).or_default();
                set.insert(value.clone());
            }
        }
    }

    /// The value of a register, null if nothing was ever written.
    pub(super) fn register(&self, key: &Key) -> Value {
        self.registers.get(key).cloned().unwrap_or(Value::Null)
    }

    /// What a read sees: the elements of a set in order, or the value of a register.
    pub(super) fn read(&self, key: &Key) -> Value {
        match self.sets.get(key) {
            Some(set) => Value::list(set.iter().cloned()),
            None => self.register(key),
        }
    }
}
