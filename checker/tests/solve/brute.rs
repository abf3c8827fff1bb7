//! The levels by their definitions, in two ways: all orders of starts and commits, and all version
//! orders with the graphs that belong to them.

use polygraph_checker::isolation::solve::{Because, Isolation, Level, Order, Problem};

/// Whether one transaction is known to precede another at a level.
fn precedes(problem: &Problem, level: Level, before: u32, after: u32) -> bool {
    let known = problem.precedes.iter().any(|pair| {
        let counts = match pair.because {
            Because::Session => level.order != Order::Free,
            Because::RealTime => level.order == Order::RealTime,
        };
        counts && (pair.before, pair.after) == (before, after)
    });
    let span = |txn: u32| problem.spans.get(txn as usize);
    known
        || level.order == Order::RealTime
            && span(before)
                .zip(span(after))
                .is_some_and(|(a, b)| a.end < b.begin)
}

struct Play<'a> {
    problem: &'a Problem,
    level: Level,
    started: Vec<Option<usize>>,
    committed: Vec<bool>,
    current: Vec<Option<(u32, usize)>>,
    now: usize,
}

/// Whether some order of starts and commits explains everything.
pub(crate) fn by_moments(problem: &Problem, level: Level) -> bool {
    let txns = problem.transactions as usize;
    Play {
        problem,
        level,
        started: vec![None; txns],
        committed: vec![false; txns],
        current: vec![None; problem.keys.len()],
        now: 0,
    }
    .goes_on()
}

impl Play<'_> {
    fn goes_on(&mut self) -> bool {
        if self.committed.iter().all(|&done| done) {
            return true;
        }
        for txn in 0..self.problem.transactions {
            let at = txn as usize;
            if self.started[at].is_none() {
                if !self.may_start(txn) {
                    continue;
                }
                self.now += 1;
                self.started[at] = Some(self.now);
                let found = if self.level.isolation == Isolation::Serializable {
                    self.after_commit(txn)
                } else {
                    self.goes_on()
                };
                self.started[at] = None;
                self.now -= 1;
                if found {
                    return true;
                }
            } else if !self.committed[at] && self.may_commit(txn) && self.after_commit(txn) {
                return true;
            }
        }
        false
    }

    fn may_start(&self, txn: u32) -> bool {
        let ready = (0..self.problem.transactions).all(|other| {
            self.committed[other as usize] || !precedes(self.problem, self.level, other, txn)
        });
        ready
            && self
                .problem
                .keys
                .iter()
                .zip(&self.current)
                .all(|(key, current)| {
                    let mut reads = key.reads.iter().filter(|read| read.reader == txn);
                    reads.all(|read| read.from == current.map(|(writer, _)| writer))
                })
    }

    fn may_commit(&self, txn: u32) -> bool {
        let start = self.started[txn as usize].unwrap_or_default();
        self.level.isolation != Isolation::Snapshot
            || self
                .problem
                .keys
                .iter()
                .zip(&self.current)
                .all(|(key, current)| {
                    !key.writers.contains(&txn) || current.is_none_or(|(_, since)| since < start)
                })
    }

    fn after_commit(&mut self, txn: u32) -> bool {
        let saved = self.current.clone();
        self.now += 1;
        for (key, current) in self.problem.keys.iter().zip(&mut self.current) {
            if key.writers.contains(&txn) {
                *current = Some((txn, self.now));
            }
        }
        self.committed[txn as usize] = true;
        let found = self.goes_on();
        self.committed[txn as usize] = false;
        self.now -= 1;
        self.current = saved;
        found
    }
}

/// Whether some order of each key's versions gives a graph without the cycles that the level
/// forbids.
pub(crate) fn by_versions(problem: &Problem, level: Level) -> bool {
    let mut orders: Vec<Vec<u32>> = problem.keys.iter().map(|key| key.writers.clone()).collect();
    permute(problem, level, &mut orders, 0, 0)
}

fn permute(
    problem: &Problem,
    level: Level,
    orders: &mut Vec<Vec<u32>>,
    key: usize,
    at: usize,
) -> bool {
    let Some(order) = orders.get(key) else {
        return acyclic(problem, level, orders);
    };
    if at >= order.len() {
        return permute(problem, level, orders, key + 1, 0);
    }
    for other in at..order.len() {
        orders[key].swap(at, other);
        let found = permute(problem, level, orders, key, at + 1);
        orders[key].swap(at, other);
        if found {
            return true;
        }
    }
    false
}

/// A relation over at most eight transactions: a bit for each successor.
type Relation = [u8; 8];

fn joined(one: &Relation, other: &Relation) -> Relation {
    std::array::from_fn(|at| one[at] | other[at])
}

/// One relation, and whatever the other leads on to.
fn then_maybe(one: &Relation, other: &Relation) -> Relation {
    std::array::from_fn(|from| {
        let on = (0..8).filter(|middle| one[from] >> middle & 1 == 1);
        on.fold(one[from], |all, middle| all | other[middle])
    })
}

fn has_cycle(relation: &Relation) -> bool {
    let mut all = *relation;
    for middle in 0..8 {
        for from in 0..8 {
            if all[from] >> middle & 1 == 1 {
                all[from] |= all[middle];
            }
        }
    }
    (0..8).any(|at| all[at] >> at & 1 == 1)
}

fn acyclic(problem: &Problem, level: Level, orders: &[Vec<u32>]) -> bool {
    let (mut so, mut wr, mut ww, mut rw): (Relation, Relation, Relation, Relation) =
        Default::default();
    for before in 0..problem.transactions {
        for after in 0..problem.transactions {
            if before != after && precedes(problem, level, before, after) {
                so[before as usize] |= 1 << after;
            }
        }
    }
    for (key, order) in problem.keys.iter().zip(orders) {
        for (at, &writer) in order.iter().enumerate() {
            for &later in &order[at + 1..] {
                ww[writer as usize] |= 1 << later;
            }
        }
        for read in &key.reads {
            let place = read
                .from
                .and_then(|from| order.iter().position(|&writer| writer == from));
            if let Some(from) = read.from {
                wr[from as usize] |= 1 << read.reader;
            }
            for &later in &order[place.map_or(0, |place| place + 1)..] {
                if later != read.reader {
                    rw[read.reader as usize] |= 1 << later;
                }
            }
        }
    }
    let seen = joined(&so, &wr);
    match level.isolation {
        Isolation::Serializable => !has_cycle(&joined(&joined(&seen, &ww), &rw)),
        Isolation::Snapshot => !has_cycle(&then_maybe(&joined(&seen, &ww), &rw)),
        Isolation::Prefix => !has_cycle(&joined(&then_maybe(&seen, &rw), &ww)),
    }
}
