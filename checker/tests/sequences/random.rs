//! Small random histories of operations, with results that are sometimes wrong.

use polygraph_history::{Key, Micro, Op, Outcome, Value};

use crate::definition::{Kind, State, forget};

/// An operation with its interval.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    pub(crate) op: Op,
    pub(crate) outcome: Outcome,
    pub(crate) start: u64,
    pub(crate) end: u64,
}

/// SplitMix64.
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) fn new(seed: u64) -> Rng {
        Rng(seed.wrapping_mul(0x1_0000_0001))
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let bits = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((bits ^ (bits >> 31)) % bound as u64) as usize
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }
}

/// Up to eight operations of up to five clients.
pub(crate) fn history(rng: &mut Rng, kind: Kind) -> Vec<Operation> {
    let count = 1 + rng.below(8);
    let clients = 1 + rng.below(5);
    let ties = rng.one_in(3);
    let lost = [0, 5, 12][rng.below(3)];
    let wrong = [0, 0, 3, 6][rng.below(4)];
    let mut running: Vec<Option<(u64, Op, bool)>> = vec![None; clients];
    let mut state = State::initial(kind);
    let (mut operations, mut time, mut begun) = (Vec::new(), 0, 0);
    while begun < count || running.iter().any(Option::is_some) {
        time += if ties { rng.below(2) as u64 } else { 1 };
        let client = rng.below(clients);
        let mut end = |start, op, outcome| {
            operations.push(Operation {
                op,
                outcome,
                start,
                end: time,
            });
        };
        match running[client].take() {
            None if begun < count => {
                begun += 1;
                running[client] = Some((time, draw(rng, kind, begun), false));
            }
            None => {}
            Some((start, op, performed)) if lost > 0 && rng.one_in(lost) => {
                // Whatever stands there for a result is not one.
                let mut op = match rng.one_in(2) {
                    true => state.clone().perform(kind, &op),
                    false => op,
                };
                change(rng, &mut op);
                let failed = !performed && rng.one_in(2);
                end(
                    start,
                    op,
                    if failed { Outcome::Fail } else { Outcome::Info },
                );
            }
            Some((start, op, false)) => {
                let performed = state.perform(kind, &op);
                running[client] = Some((start, performed, true));
            }
            Some((start, mut op, true)) => {
                if wrong > 0 && rng.one_in(wrong) {
                    change(rng, &mut op);
                } else if rng.one_in(12) {
                    op = forget(&op);
                }
                end(start, op, Outcome::Ok);
            }
        }
    }
    operations
}

fn draw(rng: &mut Rng, kind: Kind, begun: usize) -> Op {
    let key = Key::from("x");
    let value = match rng.one_in(4) {
        true => Value::Int(rng.below(3) as i64),
        false => Value::Int(begun as i64),
    };
    let read = |key| Op::Read { key, value: None };
    let reads = rng.one_in(2);
    match kind {
        Kind::Register if reads => read(key),
        Kind::Register => Op::Write { key, value },
        Kind::MultiRegister => {
            let parts = 1 + rng.below(3);
            let parts = (0..parts).map(|_| {
                let key = Key::from(["x", "y", "z"][rng.below(3)]);
                match rng.one_in(2) {
                    true => Micro::Read { key, value: None },
                    false => Micro::Write {
                        key,
                        value: Value::Int(rng.below(3) as i64),
                    },
                }
            });
            match Op::Txn(parts.collect()) {
                // Single operations are transactions of one.
                Op::Txn(micros) if reads && micros.len() == 1 => match micros[0].clone() {
                    Micro::Write { key, value } => Op::Write { key, value },
                    micro => read(micro.key().expect("a read has a key").clone()),
                },
                op => op,
            }
        }
        Kind::GrowSet | Kind::List if reads => read(key),
        Kind::GrowSet => Op::Add { key, value },
        Kind::Log if reads && rng.one_in(4) => read(key),
        Kind::Log if reads => Op::Poll {
            key,
            from: rng.below(3) as u64,
            value: None,
        },
        Kind::List | Kind::Log => Op::Append {
            key,
            value,
            offset: None,
        },
        Kind::Counter if reads => read(key),
        Kind::Counter => Op::Increment {
            key,
            by: [-1, 0, 1, 1, 2][rng.below(5)],
            value: None,
        },
        Kind::IdSource => Op::Generate {
            key,
            value: Some(Value::Int(begun as i64)),
        },
    }
}

/// Makes a result another one.
fn change(rng: &mut Rng, op: &mut Op) {
    let small = Value::Int(rng.below(4) as i64);
    let changed = |rng: &mut Rng, value: &Value| match value {
        Value::List(elements) => {
            let mut elements = elements.to_vec();
            let at = rng.below(elements.len() + 1);
            match rng.below(4) {
                0 => elements.truncate(at),
                1 if at < elements.len() => {
                    elements.remove(at);
                }
                2 if at + 1 < elements.len() => elements.swap(at, at + 1),
                _ => elements.insert(at, small.clone()),
            }
            Value::list(elements)
        }
        _ => small.clone(),
    };
    match op {
        Op::Read { value, .. }
        | Op::Poll { value, .. }
        | Op::Increment { value, .. }
        | Op::Generate { value, .. } => {
            *value = value.as_ref().map(|value| changed(rng, value));
        }
        Op::Append { offset, .. } => *offset = offset.map(|_| rng.below(4) as u64),
        Op::Txn(micros) => {
            for micro in micros {
                if let Micro::Read { value, .. } = micro {
                    *value = value.as_ref().map(|value| changed(rng, value));
                }
            }
        }
        _ => {}
    }
}
