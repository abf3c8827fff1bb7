//! Random small histories: from stores that are serial, or not quite, or lie.

use std::collections::BTreeMap;

use polygraph_history::{Micro, Outcome, Value};

use super::build::{Txn, read, write};

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
    /// A transaction sees the state of some moments ago.
    stale_transaction: u64,
    /// One register of it does.
    stale_register: u64,
    /// One read does.
    stale_read: u64,
    /// A read returns anything.
    lie: u64,
    /// A write repeats a value.
    same_value: u64,
}

const MANNERS: &[Manner] = &[
    Manner {
        stale_transaction: 0,
        stale_register: 0,
        stale_read: 0,
        lie: 0,
        same_value: 0,
    },
    Manner {
        stale_transaction: 60,
        stale_register: 0,
        stale_read: 0,
        lie: 0,
        same_value: 0,
    },
    Manner {
        stale_transaction: 20,
        stale_register: 50,
        stale_read: 0,
        lie: 0,
        same_value: 0,
    },
    Manner {
        stale_transaction: 20,
        stale_register: 0,
        stale_read: 40,
        lie: 0,
        same_value: 0,
    },
    Manner {
        stale_transaction: 40,
        stale_register: 30,
        stale_read: 0,
        lie: 5,
        same_value: 0,
    },
    Manner {
        stale_transaction: 40,
        stale_register: 20,
        stale_read: 0,
        lie: 0,
        same_value: 15,
    },
    Manner {
        stale_transaction: 0,
        stale_register: 0,
        stale_read: 0,
        lie: 40,
        same_value: 0,
    },
];

/// A history of at most `most` transactions over at most three registers.
pub(crate) fn txns(dice: &mut Dice, most: u64) -> Vec<Txn> {
    let manner = &MANNERS[dice.below(MANNERS.len() as u64) as usize];
    let keys = ["x", "y", "z"];
    let registers = 1 + dice.below(3);
    // Of a hundred writes so many follow a read of the register.
    let modified = [0, 50, 100][dice.below(3) as usize];
    let longest = if dice.percent(5) { 14 } else { 4 };
    let mut states: Vec<BTreeMap<&str, i64>> = vec![BTreeMap::new()];
    let mut fresh = 0;
    let mut txns: Vec<Txn> = Vec::new();
    for at in 0..2 + dice.below(most - 1) {
        let outcome = match dice.below(100) {
            0..80 => Outcome::Ok,
            80..93 => Outcome::Info,
            _ => Outcome::Fail,
        };
        // An unknown transaction takes place or not; sometimes a failed one leaks.
        let happens = match outcome {
            Outcome::Ok => true,
            Outcome::Info => dice.percent(60),
            Outcome::Fail => manner.lie > 0 && dice.percent(20),
        };
        let mut ago = |chance: u64| match dice.percent(chance) {
            true => 1 + dice.below(3) as usize,
            false => 0,
        };
        let whole = ago(manner.stale_transaction);
        let of_register: Vec<usize> = keys.iter().map(|_| ago(manner.stale_register)).collect();
        let mut own: BTreeMap<&str, i64> = BTreeMap::new();
        let mut micros = Vec::new();
        for _ in 0..1 + dice.below(longest) {
            let register = dice.below(registers) as usize;
            let key = keys[register];
            if dice.percent(45) {
                fresh += 1;
                let value = match dice.percent(manner.same_value) {
                    true => 1 + dice.below(fresh as u64) as i64,
                    false => fresh,
                };
                let state = &states[states.len() - 1 - whole.min(states.len() - 1)];
                if !own.contains_key(key) && dice.percent(modified) {
                    micros.push(read(key, state.get(key).copied().unwrap_or(0)));
                }
                own.insert(key, value);
                micros.push(write(key, value));
                continue;
            }
            let behind = match dice.percent(manner.stale_read) {
                true => 1 + dice.below(2) as usize,
                false => 0,
            };
            let behind = behind + whole + of_register[register];
            let state = &states[states.len() - 1 - behind.min(states.len() - 1)];
            let mut shown = state.get(key).copied().unwrap_or(0);
            if let Some(&own) = own.get(key) {
                shown = own;
            }
            if dice.percent(manner.lie) {
                shown = dice.below(fresh as u64 + 2) as i64;
            }
            micros.push(match dice.percent(3) {
                true => Micro::Read {
                    key: key.into(),
                    value: None,
                },
                false => read(key, shown),
            });
        }
        if happens {
            let mut state = states[states.len() - 1].clone();
            state.extend(own);
            states.push(state);
        }
        let point = 100 + 10 * at;
        let begin = point - dice.below(25);
        txns.push(Txn {
            process: 0,
            session: None,
            begin,
            end: (point + dice.below(25)).max(begin),
            outcome,
            micros,
        });
    }
    assign_processes(dice, &mut txns);
    txns
}

/// Gives each transaction a process that is free when it begins, and sometimes several processes
/// one session.
fn assign_processes(dice: &mut Dice, txns: &mut [Txn]) {
    txns.sort_by_key(|txn| txn.begin);
    let named = dice.percent(25);
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
        txn.session = named.then(|| dice.below(2));
        free_from[process] = match txn.outcome {
            Outcome::Info => u64::MAX,
            Outcome::Ok | Outcome::Fail => txn.end,
        };
    }
}

/// Changes something: what a read returned, or how a transaction ended.
pub(crate) fn mutate(dice: &mut Dice, txns: &mut [Txn]) {
    let count = txns.len() as u64;
    let txn = &mut txns[dice.below(count) as usize];
    let at = dice.below(txn.micros.len() as u64) as usize;
    match &mut txn.micros[at] {
        Micro::Read { value, .. } => {
            *value = Some(match dice.below(8) {
                0 => Value::Null,
                value => Value::Int(value as i64),
            });
        }
        Micro::Write { .. } if txn.outcome == Outcome::Ok => txn.outcome = Outcome::Fail,
        _ => txn.outcome = Outcome::Ok,
    }
}
