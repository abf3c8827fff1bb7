//! Random small histories: from stores that are serial, or not quite, or lie.

use std::collections::BTreeMap;

use polygraph_history::{Key, Micro, Outcome, Value};

use super::build::{Txn, append};

/// Splitmix64: the same numbers on every machine.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Less than `bound`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    pub(crate) fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }
}

/// How the store behaves, in percent.
struct Manner {
    stale_transaction: u64,
    stale_read: u64,
    /// A transaction sees each list as of another moment.
    stale_list: u64,
    late: u64,
    /// A transaction reads several lists or appends once.
    split: bool,
    mutations: u64,
    same_element: u64,
}

type Lists = BTreeMap<Key, Vec<Value>>;

/// A history of at most `most` transactions over at most three lists.
pub(crate) fn txns(dice: &mut Dice, most: u64) -> Vec<Txn> {
    let manner = match dice.below(10) {
        9 => Manner {
            stale_transaction: 20,
            stale_read: 0,
            stale_list: 60,
            late: 10,
            split: true,
            mutations: 0,
            same_element: 0,
        },
        8 => Manner {
            stale_transaction: 0,
            stale_read: 0,
            stale_list: 50,
            late: 0,
            split: false,
            mutations: 0,
            same_element: 0,
        },
        0 => Manner {
            stale_transaction: 0,
            stale_read: 0,
            stale_list: 0,
            late: 0,
            split: false,
            mutations: 0,
            same_element: 0,
        },
        1 | 2 => Manner {
            stale_transaction: 60,
            stale_read: 0,
            stale_list: 0,
            late: 0,
            split: false,
            mutations: 0,
            same_element: 0,
        },
        3 => Manner {
            stale_transaction: 30,
            stale_read: 20,
            stale_list: 30,
            late: 0,
            split: false,
            mutations: 0,
            same_element: 0,
        },
        4 => Manner {
            stale_transaction: 0,
            stale_read: 0,
            stale_list: 0,
            late: 50,
            split: false,
            mutations: 0,
            same_element: 0,
        },
        5 => Manner {
            stale_transaction: 50,
            stale_read: 0,
            stale_list: 0,
            late: 20,
            split: false,
            mutations: 0,
            same_element: 0,
        },
        6 => Manner {
            stale_transaction: 40,
            stale_read: 0,
            stale_list: 0,
            late: 10,
            split: false,
            mutations: 3,
            same_element: 0,
        },
        _ => Manner {
            stale_transaction: 40,
            stale_read: 0,
            stale_list: 0,
            late: 10,
            split: false,
            mutations: 1,
            same_element: 15,
        },
    };
    let keys = ["x", "y", "z"];
    let lists = 1 + dice.below(3);
    let mut states: Vec<Lists> = vec![Lists::new()];
    let mut fresh = 0;
    let mut txns: Vec<Txn> = Vec::new();
    for at in 0..3 + dice.below(most - 2) {
        let outcome = match dice.below(100) {
            0..75 => Outcome::Ok,
            75..92 => Outcome::Info,
            _ => Outcome::Fail,
        };
        // An unknown transaction takes place or not; sometimes a failed one leaks.
        let happens = match outcome {
            Outcome::Ok => true,
            Outcome::Info => dice.percent(60),
            Outcome::Fail => manner.mutations > 0 && dice.percent(20),
        };
        let behind = match dice.percent(manner.stale_transaction) {
            true => 1 + dice.below(2) as usize,
            false => 0,
        };
        let snapshot = states.len() - 1 - behind.min(states.len() - 1);
        let behind_in: Vec<usize> = keys
            .iter()
            .map(|_| usize::from(dice.percent(manner.stale_list)) * 2)
            .collect();
        let mut micros = Vec::new();
        let mut own: Vec<(Key, Value)> = Vec::new();
        let only = manner.split.then(|| dice.percent(50));
        for _ in 0..1 + dice.below(5) {
            let list = dice.below(lists) as usize;
            let key = keys[list];
            if only == Some(true) && !own.is_empty() {
                break;
            }
            if only.unwrap_or_else(|| dice.percent(50)) {
                fresh += 1;
                let element = match dice.percent(manner.same_element) {
                    true => 1 + dice.below(fresh as u64) as i64,
                    false => fresh,
                };
                micros.push(append(key, element));
                own.push((key.into(), element.into()));
                continue;
            }
            let state = match dice.percent(manner.stale_read) {
                true => snapshot.saturating_sub(1),
                false => snapshot.saturating_sub(behind_in[list]),
            };
            let key: Key = key.into();
            let mut list = states[state].get(&key).cloned().unwrap_or_default();
            list.extend(
                own.iter()
                    .filter(|(name, _)| *name == key)
                    .map(|(_, value)| value.clone()),
            );
            let value = (!dice.percent(4)).then(|| Value::list(list));
            micros.push(Micro::Read { key, value });
        }
        if happens {
            let mut state = states[states.len() - 1].clone();
            for (key, value) in own {
                state.entry(key).or_default().push(value);
            }
            states.push(state);
        }
        let point = 100 + 10 * at;
        let shift = match dice.percent(manner.late) {
            true => 15 + dice.below(30),
            false => 0,
        };
        let begin = point - dice.below(25) + shift;
        txns.push(Txn {
            process: 0,
            begin,
            end: (point + dice.below(25)).max(begin) + shift,
            outcome,
            micros,
        });
    }
    for _ in 0..manner.mutations {
        mutate(dice, &mut txns);
    }
    assign_processes(dice, &mut txns);
    txns
}

/// At most five transactions whose reads show any prefixes of lists that have one order each:
/// nothing is wrong by itself, and everything with everything else.
pub(crate) fn scattered(dice: &mut Dice) -> Vec<Txn> {
    let names = ["x", "y", "z"];
    let keys = 2 + dice.below(2) as usize;
    let count = 2 + dice.below(4) as usize;
    // What each does with each list: 0 nothing, 1 reads, 2 appends, 3 reads and then appends.
    let plans: Vec<Vec<u64>> = (0..count)
        .map(|_| {
            let manner = dice.below(3);
            let plan = |_| match manner {
                0 => u64::from(dice.percent(80)),
                1 => 2 * dice.below(2),
                _ => dice.below(4),
            };
            (0..keys).map(plan).collect()
        })
        .collect();
    let orders: Vec<Vec<i64>> = (0..keys)
        .map(|key| {
            let mut order: Vec<i64> = (0..count)
                .filter(|&txn| plans[txn][key] > 1)
                .map(|txn| txn as i64 + 1)
                .collect();
            for at in (1..order.len()).rev() {
                order.swap(at, dice.below(at as u64 + 1) as usize);
            }
            order
        })
        .collect();
    let mut txns: Vec<Txn> = Vec::new();
    for (at, plan) in plans.iter().enumerate() {
        let mut micros = Vec::new();
        let first = dice.below(keys as u64) as usize;
        for key in (0..keys).map(|key| (key + first) % keys) {
            let own = at as i64 + 1;
            let order = &orders[key];
            // One that appends later has not seen that.
            let most = order.iter().position(|&element| element == own);
            let most = most.unwrap_or(order.len()) as u64;
            let shown = &order[..dice.below(most + 1) as usize];
            if plan[key] % 2 == 1 {
                micros.push(super::build::read(names[key], shown));
            }
            if plan[key] > 1 {
                micros.push(append(names[key], own));
            }
        }
        let begin = dice.below(30);
        let unknown = !micros.is_empty() && dice.percent(10);
        txns.push(Txn {
            process: 0,
            begin,
            end: begin + dice.below(40),
            outcome: if unknown { Outcome::Info } else { Outcome::Ok },
            micros,
        });
    }
    assign_processes(dice, &mut txns);
    txns
}

/// Changes what one read returned.
fn mutate(dice: &mut Dice, txns: &mut [Txn]) {
    let count = txns.len() as u64;
    let txn = &mut txns[dice.below(count) as usize];
    let at = dice.below(txn.micros.len() as u64) as usize;
    let Micro::Read {
        value: Some(Value::List(list)),
        ..
    } = &mut txn.micros[at]
    else {
        return;
    };
    let mut values = list.to_vec();
    let place = dice.below(values.len() as u64 + 1) as usize;
    match dice.below(6) {
        0 => values.truncate(place),
        1 if place < values.len() => {
            values.remove(place);
        }
        2 => values.insert(place, (1 + dice.below(8) as i64).into()),
        3 if place + 1 < values.len() => values.swap(place, place + 1),
        4 => values.push((1 + dice.below(12) as i64).into()),
        _ => values.reverse(),
    }
    *list = values.into();
}

/// Gives each transaction a process that is free when it begins.
fn assign_processes(dice: &mut Dice, txns: &mut [Txn]) {
    txns.sort_by_key(|txn| txn.begin);
    let mut free_from: Vec<u64> = Vec::new();
    for txn in txns {
        let free: Vec<usize> = (0..free_from.len())
            .filter(|&process| free_from[process] < txn.begin)
            .collect();
        let process = match free.is_empty() || dice.percent(30) {
            true => {
                free_from.push(0);
                free_from.len() - 1
            }
            false => free[dice.below(free.len() as u64) as usize],
        };
        txn.process = process as u64;
        free_from[process] = match txn.outcome {
            Outcome::Info => u64::MAX,
            Outcome::Ok | Outcome::Fail => txn.end,
        };
    }
}
