//! Large histories of a store of registers: a pool of ten registers of which the later ones are
//! hotter, each replaced after 32 writes, transactions of one to eight operations.

use std::collections::BTreeMap;

use polygraph_history::{Body, Event, History, Key, Kind, Micro, Op, Order, Process, Time, Value};

const POOL: u64 = 10;
const WRITES: i64 = 32;

/// How a large history is made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Large {
    pub(crate) txns: usize,
    pub(crate) clients: usize,
    /// Of a hundred transactions so many have an unknown outcome, half of them without effect.
    pub(crate) unknown: u64,
    /// Of a hundred reads of a register so many are followed by a write to it.
    pub(crate) modified: u64,
}

/// Numbers that are the same everywhere: splitmix64.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// A history of this sort: strict-serializable, each transaction taking effect at one moment while
/// it is open.
pub(crate) fn history(large: Large) -> History {
    let mut dice = 7;
    let mut store = Store::default();
    let mut events: Vec<Event> = Vec::with_capacity(large.txns * 2);
    let mut open: Vec<Option<(Vec<Micro>, bool)>> = vec![None; large.clients];
    let mut processes: Vec<u64> = (0..large.clients as u64).collect();
    let mut begun = 0;
    while begun < large.txns || open.iter().any(Option::is_some) {
        let client = (next(&mut dice) % large.clients as u64) as usize;
        let mut record = |process: u64, kind: Kind, micros: Vec<Micro>| {
            let index = events.len() as u64;
            events.push(Event::new(
                index,
                Time(index * 10_000),
                Process::Client(process),
                kind,
                Body::Op(Op::Txn(micros)),
            ));
        };
        match open[client].take() {
            None if begun == large.txns => {}
            None => {
                begun += 1;
                let plan = store.plan(&mut dice, large.modified);
                record(processes[client], Kind::Invoke, plan.clone());
                open[client] = Some((plan, false));
            }
            Some((plan, false)) => {
                if next(&mut dice) % 100 < large.unknown {
                    if next(&mut dice).is_multiple_of(2) {
                        store.run(&plan);
                    }
                    record(processes[client], Kind::Info, plan);
                    processes[client] += large.clients as u64;
                } else {
                    open[client] = Some((store.run(&plan), true));
                }
            }
            Some((micros, true)) => record(processes[client], Kind::Ok, micros),
        }
    }
    History::new(None, Order::Index, events).expect("the generator's history is well formed")
}

#[derive(Default)]
struct Store {
    registers: BTreeMap<Key, Value>,
    /// The registers in use: their names and how many writes were planned for each.
    pool: Vec<(Key, i64)>,
    newest: u64,
}

impl Store {
    fn fresh(&mut self) -> (Key, i64) {
        self.newest += 1;
        (Key::from(format!("k{}", self.newest).as_str()), 0)
    }

    /// A transaction with values that are new.
    fn plan(&mut self, dice: &mut u64, modified: u64) -> Vec<Micro> {
        while (self.pool.len() as u64) < POOL {
            let fresh = self.fresh();
            self.pool.push(fresh);
        }
        let length = 1 + next(dice) % 8;
        let mut plan = Vec::new();
        for _ in 0..length {
            // Each place of the pool is half as hot as the next one.
            let cold = u64::from(next(dice).trailing_zeros());
            let place = (POOL - 1 - cold.min(POOL - 1)) as usize;
            let read = next(dice).is_multiple_of(2);
            if read {
                let key = self.pool[place].0.clone();
                plan.push(Micro::Read { key, value: None });
            }
            if !read || next(dice) % 100 < modified {
                let (key, planned) = &mut self.pool[place];
                *planned += 1;
                plan.push(Micro::Write {
                    key: key.clone(),
                    value: Value::Int(*planned),
                });
                if *planned == WRITES {
                    self.pool[place] = self.fresh();
                }
            }
        }
        plan
    }

    fn run(&mut self, plan: &[Micro]) -> Vec<Micro> {
        let perform = |micro: &Micro| match micro {
            Micro::Read { key, .. } => Micro::Read {
                key: key.clone(),
                value: Some(self.registers.get(key).cloned().unwrap_or(Value::Null)),
            },
            Micro::Write { key, value } => {
                self.registers.insert(key.clone(), value.clone());
                micro.clone()
            }
            append => append.clone(),
        };
        plan.iter().map(perform).collect()
    }
}
