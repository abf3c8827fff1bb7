//! Registers that are read and written several at once.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::Hash;

use polygraph_history::{Key, Micro, Op, Outcome, Value};

use super::persistent::Map;
use super::{Call, Foreign, Model, Object, Other};

/// Registers of which an operation reads and writes several in one atomic step.
#[derive(Clone, Debug)]
pub struct MultiRegister<K, V> {
    /// What these registers hold before the first write.
    pub given: BTreeMap<K, V>,
    /// What all others hold.
    pub initial: V,
}

/// Reads and writes, one after the other, at one moment: a read sees the writes before it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MultiRegisterOp<K, V>(pub Vec<Access<K, V>>);

/// A part of a [`MultiRegisterOp`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Access<K, V> {
    /// A read of a register that returned this.
    Read(K, V),
    /// A write of this to a register.
    Write(K, V),
}

/// A read that cannot be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MultiRegisterRefusal<K, V> {
    /// Which register was read.
    pub key: K,
    /// What was read.
    pub read: V,
    /// What the register holds.
    pub holds: V,
}

impl<K: fmt::Display, V: fmt::Display> fmt::Display for MultiRegisterRefusal<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let MultiRegisterRefusal { key, read, holds } = self;
        write!(f, "cannot read {key} = {read} where {key} = {holds}")
    }
}

impl<K, V> Model for MultiRegister<K, V>
where
    K: Clone + Ord + Hash + fmt::Display,
    V: Clone + Eq + Hash + fmt::Display,
{
    /// The registers that are given or were written.
    type State = Map<K, V>;
    type Op = MultiRegisterOp<K, V>;
    type Refusal = MultiRegisterRefusal<K, V>;

    fn name(&self) -> &'static str {
        "multi-register"
    }

    fn initial(&self) -> Map<K, V> {
        let given = self.given.iter();
        given.fold(Map::new(), |state, (key, value)| {
            state.with(key.clone(), value.clone())
        })
    }

    fn step(
        &self,
        state: &Map<K, V>,
        MultiRegisterOp(accesses): &MultiRegisterOp<K, V>,
    ) -> Result<Map<K, V>, MultiRegisterRefusal<K, V>> {
        let mut state = state.clone();
        for access in accesses {
            match access {
                Access::Read(key, value) => {
                    let holds = state.get(key).unwrap_or(&self.initial);
                    if holds != value {
                        return Err(MultiRegisterRefusal {
                            key: key.clone(),
                            read: value.clone(),
                            holds: holds.clone(),
                        });
                    }
                }
                Access::Write(key, value) => state = state.with(key.clone(), value.clone()),
            }
        }
        Ok(state)
    }

    fn only_observes(&self, MultiRegisterOp(accesses): &MultiRegisterOp<K, V>) -> bool {
        let is_read = |access: &Access<K, V>| matches!(access, Access::Read(..));
        accesses.iter().all(is_read)
    }

    fn enables(
        &self,
        MultiRegisterOp(accesses): &MultiRegisterOp<K, V>,
        MultiRegisterOp(later): &MultiRegisterOp<K, V>,
    ) -> bool {
        accesses.iter().any(|access| match access {
            Access::Write(key, value) => later.iter().any(|later| match later {
                Access::Read(other, read) => key == other && value == read,
                Access::Write(..) => false,
            }),
            Access::Read(..) => false,
        })
    }
}

/// What a transaction of an outcome does and shows; `None` if neither.
fn operation(
    accesses: impl IntoIterator<Item = Option<Access<Key, Value>>>,
    outcome: Outcome,
) -> Option<MultiRegisterOp<Key, Value>> {
    let counts = |access: &Access<Key, Value>| match access {
        Access::Read(..) => outcome == Outcome::Ok,
        Access::Write(..) => outcome != Outcome::Fail,
    };
    let accesses: Vec<_> = accesses.into_iter().flatten().filter(counts).collect();
    (!accesses.is_empty()).then_some(MultiRegisterOp(accesses))
}

impl Object for MultiRegister<Key, Value> {
    const PER_KEY: bool = false;

    fn action(call: &Call<'_>) -> Result<Option<MultiRegisterOp<Key, Value>>, Foreign> {
        let read = |key: &Key, value: &Option<Value>| {
            let value = value.clone()?;
            Some(Access::Read(key.clone(), value))
        };
        let write = |key: &Key, value: &Value| Some(Access::Write(key.clone(), value.clone()));
        let accesses = match call.op {
            Op::Read { key, value } => vec![read(key, value)],
            Op::Write { key, value } => vec![write(key, value)],
            Op::Txn(micros) => (micros.iter())
                .map(|micro| match micro {
                    Micro::Read { key, value } => Ok(read(key, value)),
                    Micro::Write { key, value } => Ok(write(key, value)),
                    _ => Err(Foreign),
                })
                .collect::<Result<_, Foreign>>()?,
            _ => return Err(Foreign),
        };
        Ok(operation(accesses, call.outcome))
    }

    fn tells(&self, _op: &MultiRegisterOp<Key, Value>, _alone: bool) -> bool {
        true
    }

    const OTHERS_TELL: bool = true;

    /// An operation tells what those registers hold after it that it reads or writes. The others do
    /// not matter if no operation besides reads them before it has itself written to them.
    fn leaves_among(
        &self,
        MultiRegisterOp(accesses): &MultiRegisterOp<Key, Value>,
        _alone: bool,
        others: &[Other<'_, MultiRegisterOp<Key, Value>>],
    ) -> Option<Map<Key, Value>> {
        let told = accesses.iter().fold(Map::new(), |told, access| {
            let (Access::Read(key, value) | Access::Write(key, value)) = access;
            told.with(key.clone(), value.clone())
        });
        for MultiRegisterOp(accesses) in others.iter().map(|other| other.op) {
            let mut written: Vec<&Key> = Vec::new();
            for access in accesses {
                match access {
                    Access::Write(key, _) => written.push(key),
                    Access::Read(key, _) if told.get(key).is_none() && !written.contains(&key) => {
                        return None;
                    }
                    Access::Read(..) => {}
                }
            }
        }
        Some(told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_are_read_and_written_at_once() {
        let model = MultiRegister {
            given: BTreeMap::from([("y", 5)]),
            initial: 0,
        };
        let step = |state: &Map<_, _>, accesses: &[Access<&'static str, i32>]| {
            model.step(state, &MultiRegisterOp(accesses.to_vec()))
        };
        use Access::{Read, Write};
        let swapped = [Read("x", 0), Read("y", 5), Write("x", 5), Write("y", 0)];
        let state = step(&model.initial(), &swapped).unwrap();
        let own = [Write("z", 1), Read("z", 1)];
        assert!(step(&state, &own).is_ok());
        assert!(step(&state, &[Read("x", 5), Read("y", 0)]).is_ok());
        let refusal = step(&state, &[Read("x", 5), Read("y", 5)]).unwrap_err();
        assert_eq!(refusal.to_string(), "cannot read y = 5 where y = 0");
    }
}
