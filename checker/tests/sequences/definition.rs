//! The definition, tried out on operations as histories have them: every order that keeps real
//! time, with operations of unknown outcome in it or not.

use std::collections::BTreeMap;

use polygraph_history::{Key, Micro, Op, Outcome, Value};

use crate::random::Operation;

/// What the operations are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Register,
    MultiRegister,
    GrowSet,
    List,
    Log,
    Counter,
    IdSource,
}

/// What any of these objects remembers.
#[derive(Clone, Debug)]
pub(crate) struct State {
    registers: BTreeMap<Key, Value>,
    /// Elements, or identifiers that were given out.
    list: Vec<Value>,
    number: i64,
}

impl State {
    /// `y` holds 1 where several registers are one object.
    pub(crate) fn initial(kind: Kind) -> State {
        let given = (kind == Kind::MultiRegister).then(|| (Key::from("y"), Value::Int(1)));
        State {
            registers: given.into_iter().collect(),
            list: Vec::new(),
            number: 0,
        }
    }

    fn register(&self, key: &Key) -> Value {
        self.registers.get(key).cloned().unwrap_or(Value::Null)
    }

    /// Performs an operation, and says its result as a completion would.
    pub(crate) fn perform(&mut self, kind: Kind, op: &Op) -> Op {
        match op.clone() {
            Op::Read { key, .. } => {
                let value = match kind {
                    Kind::Register | Kind::MultiRegister => self.register(&key),
                    Kind::Counter => Value::Int(self.number),
                    _ => Value::list(self.list.iter().cloned()),
                };
                Op::Read {
                    key,
                    value: Some(value),
                }
            }
            Op::Txn(micros) => Op::Txn(
                micros
                    .into_iter()
                    .map(|micro| match micro {
                        Micro::Read { key, .. } => Micro::Read {
                            value: Some(self.register(&key)),
                            key,
                        },
                        Micro::Write { key, value } => {
                            self.registers.insert(key.clone(), value.clone());
                            Micro::Write { key, value }
                        }
                        _ => unreachable!("registers are drawn"),
                    })
                    .collect(),
            ),
            Op::Write { key, value } => {
                self.registers.insert(key.clone(), value.clone());
                Op::Write { key, value }
            }
            Op::Add { key, value } => {
                if !self.list.contains(&value) {
                    self.list.push(value.clone());
                }
                Op::Add { key, value }
            }
            Op::Append { key, value, .. } => {
                self.list.push(value.clone());
                let offset = (kind == Kind::Log).then(|| self.list.len() as u64 - 1);
                Op::Append { key, value, offset }
            }
            Op::Poll { key, from, .. } => {
                let rest = self.list.get(from as usize..).unwrap_or_default();
                Op::Poll {
                    key,
                    from,
                    value: Some(Value::list(rest.iter().cloned())),
                }
            }
            Op::Increment { key, by, .. } => {
                self.number += by;
                Op::Increment {
                    key,
                    by,
                    value: Some(Value::Int(self.number)),
                }
            }
            op => op,
        }
    }

    /// What an operation with these results leaves; `None` if they are not possible.
    fn step(&self, kind: Kind, op: &Op) -> Option<State> {
        let mut state = self.clone();
        if let Op::Generate { value, .. } = op {
            if let Some(value) = value {
                if state.list.contains(value) {
                    return None;
                }
                state.list.push(value.clone());
            }
            return Some(state);
        }
        let performed = state.perform(kind, op);
        agree(kind, op, &performed).then_some(state)
    }
}

/// Whether what is known of a result is what comes out.
fn agree(kind: Kind, known: &Op, performed: &Op) -> bool {
    let same = |known: &Option<Value>, performed: &Option<Value>| match (known, performed) {
        (None, _) => true,
        (Some(Value::Null), Some(Value::Int(0))) => kind == Kind::Counter,
        (Some(known), Some(Value::List(there))) => {
            let mut known = known.elements().expect("a list").to_vec();
            let mut there = there.to_vec();
            if kind == Kind::GrowSet {
                known.sort();
                known.dedup();
                there.sort();
            }
            known == there
        }
        (known, performed) => known == performed,
    };
    match (known, performed) {
        (Op::Poll { value: None, .. }, _) => true,
        (
            Op::Poll {
                value: Some(known), ..
            },
            Op::Poll {
                value: Some(there), ..
            },
        ) => {
            let (known, there) = (known.elements().unwrap(), there.elements().unwrap());
            there.starts_with(known)
        }
        (Op::Read { value: known, .. }, Op::Read { value: there, .. })
        | (Op::Increment { value: known, .. }, Op::Increment { value: there, .. }) => {
            same(known, there)
        }
        (Op::Append { offset: known, .. }, Op::Append { offset: there, .. }) => {
            known.is_none() || known == there
        }
        (Op::Txn(known), Op::Txn(there)) => {
            known
                .iter()
                .zip(there)
                .all(|(known, there)| match (known, there) {
                    (Micro::Read { value: known, .. }, Micro::Read { value: there, .. }) => {
                        same(known, there)
                    }
                    _ => true,
                })
        }
        _ => true,
    }
}

/// The operation without its results.
pub(crate) fn forget(op: &Op) -> Op {
    match op.clone() {
        Op::Read { key, .. } => Op::Read { key, value: None },
        Op::Append { key, value, .. } => Op::Append {
            key,
            value,
            offset: None,
        },
        Op::Poll { key, from, .. } => Op::Poll {
            key,
            from,
            value: None,
        },
        Op::Increment { key, by, .. } => Op::Increment {
            key,
            by,
            value: None,
        },
        Op::Generate { key, .. } => Op::Generate { key, value: None },
        Op::Txn(micros) => {
            let forgotten = micros.into_iter().map(|micro| match micro {
                Micro::Read { key, .. } => Micro::Read { key, value: None },
                micro => micro,
            });
            Op::Txn(forgotten.collect())
        }
        op => op,
    }
}

/// Whether operations have an order.
pub(crate) fn linearizable(kind: Kind, operations: &[Operation]) -> bool {
    let left: Vec<&Operation> = operations
        .iter()
        .filter(|operation| operation.outcome != Outcome::Fail)
        .collect();
    place(kind, &left, &State::initial(kind))
}

fn place(kind: Kind, left: &[&Operation], state: &State) -> bool {
    let ended = |operation: &&&Operation| operation.outcome == Outcome::Ok;
    if left.iter().filter(ended).count() == 0 {
        return true;
    }
    let first_end = left.iter().filter(ended).map(|operation| operation.end);
    let first_end = first_end.min().unwrap_or(u64::MAX);
    (0..left.len()).any(|at| {
        let operation = left[at];
        if operation.start > first_end {
            return false;
        }
        let known = match operation.outcome {
            Outcome::Ok => operation.op.clone(),
            _ => forget(&operation.op),
        };
        let next = state.step(kind, &known);
        next.is_some_and(|next| {
            let mut rest = left.to_vec();
            rest.remove(at);
            place(kind, &rest, &next)
        })
    })
}
