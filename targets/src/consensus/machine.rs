//! The state machine: registers, lists and sets, changed by the entries of the log in order.

use std::collections::BTreeSet;

use polygraph_history::{Key, Value};
use rustc_hash::FxHashMap;

use super::command::{Answer, Command, Step};

/// All objects. The same entries in the same order make the same objects on every node.
#[derive(Debug, Default)]
pub(super) struct Machine {
    /// Only looked up, never iterated over.
    objects: FxHashMap<Key, Object>,
}

/// Whatever has a key. It takes the shape that the last change needed: the elements of a list or
/// set are kept, a single value counts as one element, a written value replaces everything.
#[derive(Debug)]
enum Object {
    /// A single value, and the index of the entry that wrote it.
    Register(Value, u64),
    List(Vec<Value>),
    Set(BTreeSet<Value>),
}

impl Machine {
    /// What is there, and the index of the entry that wrote it if it is a register, else 0.
    pub(super) fn read(&self, key: &Key) -> (Value, u64) {
        match self.objects.get(key) {
            None => (Value::Null, 0),
            Some(Object::Register(value, version)) => (value.clone(), *version),
            Some(Object::List(values)) => (Value::List(values.as_slice().into()), 0),
            Some(Object::Set(values)) => (Value::list(values.iter().cloned()), 0),
        }
    }

    /// Applies the entry at this index. What its reads found is looked up only if somebody is
    /// to be `told`.
    pub(super) fn apply(&mut self, index: u64, command: &Command, told: bool) -> Answer {
        match command {
            Command::Begin => {}
            Command::Write(key, value) => {
                self.write(key, value, index);
                return Answer::Done { version: index };
            }
            Command::Cas(key, from, to) => {
                if self.read(key).0 != *from {
                    return Answer::Mismatch;
                }
                self.write(key, to, index);
                return Answer::Done { version: index };
            }
            Command::Add(key, value) => {
                self.set(key).insert(value.clone());
            }
            Command::Remove(key, value) => {
                self.set(key).remove(value);
            }
            Command::Txn(steps) => return Answer::AllFound(self.txn(index, steps, told)),
        }
        Answer::Done { version: 0 }
    }

    fn txn(&mut self, index: u64, steps: &[Step], told: bool) -> Vec<Value> {
        let mut found = Vec::new();
        for step in steps {
            match step {
                Step::Read(key) if told => found.push(self.read(key).0),
                Step::Read(_) => {}
                Step::Append(key, value) => self.list(key).push(value.clone()),
                Step::Write(key, value) => self.write(key, value, index),
            }
        }
        found
    }

    fn write(&mut self, key: &Key, value: &Value, index: u64) {
        *self.object(key) = Object::Register(value.clone(), index);
    }

    fn list(&mut self, key: &Key) -> &mut Vec<Value> {
        let object = self.object(key);
        if !matches!(object, Object::List(_)) {
            *object = Object::List(object.elements());
        }
        match object {
            Object::List(values) => values,
            Object::Register(..) | Object::Set(_) => unreachable!("it was just made a list"),
        }
    }

    fn set(&mut self, key: &Key) -> &mut BTreeSet<Value> {
        let object = self.object(key);
        if !matches!(object, Object::Set(_)) {
            *object = Object::Set(object.elements().into_iter().collect());
        }
        match object {
            Object::Set(values) => values,
            Object::Register(..) | Object::List(_) => unreachable!("it was just made a set"),
        }
    }

    fn object(&mut self, key: &Key) -> &mut Object {
        let nothing = Object::Register(Value::Null, 0);
        self.objects.entry(key.clone()).or_insert(nothing)
    }
}

impl Object {
    fn elements(&self) -> Vec<Value> {
        match self {
            Object::Register(value, _) => match value.elements() {
                Some(values) => values.to_vec(),
                None => vec![value.clone()],
            },
            Object::List(values) => values.clone(),
            Object::Set(values) => values.iter().cloned().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> Key {
        name.into()
    }

    fn list(values: &[i64]) -> Value {
        Value::list(values.iter().copied().map(Value::Int))
    }

    #[test]
    fn a_transaction_sees_its_own_steps() {
        let mut machine = Machine::default();
        let txn = Command::Txn(vec![
            Step::Read(key("x")),
            Step::Append(key("x"), 1.into()),
            Step::Append(key("x"), 2.into()),
            Step::Read(key("x")),
            Step::Write(key("y"), 7.into()),
            Step::Read(key("y")),
        ]);
        let found = vec![Value::Null, list(&[1, 2]), Value::Int(7)];
        assert_eq!(machine.apply(1, &txn, true), Answer::AllFound(found));
        assert_eq!(machine.read(&key("y")), (Value::Int(7), 1));
    }

    #[test]
    fn sets_are_listed_in_order_and_keep_what_was_there() {
        let mut machine = Machine::default();
        for (index, value) in [3, 1, 2, 1].into_iter().enumerate() {
            let add = Command::Add(key("s"), value.into());
            machine.apply(index as u64 + 1, &add, false);
        }
        assert_eq!(machine.read(&key("s")).0, list(&[1, 2, 3]));
        machine.apply(5, &Command::Remove(key("s"), 2.into()), false);
        let append = Command::Txn(vec![Step::Append(key("s"), 2.into())]);
        machine.apply(6, &append, false);
        assert_eq!(machine.read(&key("s")).0, list(&[1, 3, 2]));
    }

    #[test]
    fn compare_and_set_changes_only_what_it_names() {
        let mut machine = Machine::default();
        let cas = |from: Value, to: i64| Command::Cas(key("x"), from, to.into());
        assert_eq!(
            machine.apply(1, &cas(Value::Null, 1), true),
            Answer::Done { version: 1 }
        );
        assert_eq!(machine.apply(2, &cas(2.into(), 3), true), Answer::Mismatch);
        assert_eq!(machine.read(&key("x")), (Value::Int(1), 1));
    }
}
