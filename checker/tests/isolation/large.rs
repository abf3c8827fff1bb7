//! Large histories of a store, as Elle's generator has them: a pool of ten lists of which the
//! later ones are hotter, each replaced after 32 appends, transactions of one to eight operations.

use std::collections::BTreeMap;

use polygraph_history::{Body, Event, History, Key, Kind, Micro, Op, Order, Process, Time, Value};

const POOL: u64 = 10;
const APPENDS: usize = 32;

/// How a large history is made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Large {
    pub(crate) txns: usize,
    pub(crate) clients: usize,
    /// Of a thousand transactions so many read what was there a hundred transactions ago.
    pub(crate) stale: u64,
    /// Of a hundred transactions so many have an unknown outcome, half of them without effect.
    pub(crate) unknown: u64,
}

/// Numbers that are the same everywhere: splitmix64.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// What a client is doing.
struct Open {
    process: u64,
    plan: Vec<Micro>,
    /// The results, once the transaction took effect.
    done: Option<Vec<Micro>>,
}

/// A history of this sort. Each transaction takes effect at one moment while it is open, so that
/// it is strict-serializable but for stale reads.
pub(crate) fn history(large: Large) -> History {
    let mut dice = 7;
    let mut store = Store::default();
    let mut events: Vec<Event> = Vec::with_capacity(large.txns * 2);
    let mut open: Vec<Option<Open>> = (0..large.clients).map(|_| None).collect();
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
                let plan = store.plan(&mut dice);
                let process = processes[client];
                record(process, Kind::Invoke, plan.clone());
                open[client] = Some(Open {
                    process,
                    plan,
                    done: None,
                });
            }
            Some(Open {
                process,
                plan,
                done: None,
            }) => {
                if next(&mut dice) % 100 < large.unknown {
                    if next(&mut dice).is_multiple_of(2) {
                        store.run(&plan, 0);
                    }
                    record(process, Kind::Info, plan.clone());
                    processes[client] += large.clients as u64;
                    continue;
                }
                let stale = next(&mut dice) % 1000 < large.stale;
                let done = Some(store.run(&plan, if stale { 100 } else { 0 }));
                open[client] = Some(Open {
                    process,
                    plan,
                    done,
                });
            }
            Some(Open {
                process,
                done: Some(micros),
                ..
            }) => record(process, Kind::Ok, micros),
        }
    }
    History::new(None, Order::Index, events).expect("the generator's history is well formed")
}

#[derive(Default)]
struct Store {
    /// Of each list its elements, each with the transaction that added it.
    lists: BTreeMap<Key, Vec<(Value, usize)>>,
    /// The lists in use: their numbers and how many appends were planned for each.
    pool: Vec<(u64, usize)>,
    runs: usize,
}

impl Store {
    /// A transaction with elements that are new.
    fn plan(&mut self, dice: &mut u64) -> Vec<Micro> {
        while (self.pool.len() as u64) < POOL {
            self.pool.push((self.pool.len() as u64, 0));
        }
        let length = 1 + next(dice) % 8;
        let mut plan = Vec::new();
        for _ in 0..length {
            // Each place of the pool is half as hot as the next one.
            let cold = u64::from(next(dice).trailing_zeros());
            let place = (POOL - 1 - cold.min(POOL - 1)) as usize;
            let (list, planned) = &mut self.pool[place];
            let key = Key::from(format!("k{list}").as_str());
            if next(dice).is_multiple_of(2) {
                plan.push(Micro::Read { key, value: None });
                continue;
            }
            *planned += 1;
            let value = Value::Int(*planned as i64);
            plan.push(Micro::Append { key, value });
            if *planned == APPENDS {
                let newest = self.pool.iter().map(|&(list, _)| list).max().unwrap_or(0);
                self.pool[place] = (newest + 1, 0);
            }
        }
        plan
    }

    /// Performs a transaction, which sees the others as of so many transactions ago.
    fn run(&mut self, plan: &[Micro], behind: usize) -> Vec<Micro> {
        self.runs += 1;
        let (runs, seen) = (self.runs, self.runs.saturating_sub(behind));
        let perform = |micro: &Micro| match micro {
            Micro::Read { key, .. } => {
                let list = self.lists.get(key).map_or(&[][..], Vec::as_slice);
                let shown = list.iter().filter(|&&(_, run)| run <= seen || run == runs);
                Micro::Read {
                    key: key.clone(),
                    value: Some(Value::list(shown.map(|(value, _)| value.clone()))),
                }
            }
            Micro::Append { key, value } | Micro::Write { key, value } => {
                self.lists
                    .entry(key.clone())
                    .or_default()
                    .push((value.clone(), runs));
                micro.clone()
            }
            _ => micro.clone(),
        };
        plan.iter().map(perform).collect()
    }
}
