//! Problems from simulated stores, whose level is known, and random ones, of which nothing is.

use polygraph_checker::isolation::solve::{Because, Isolation, Key, Precedes, Problem, Read, Span};

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

/// How keys are drawn.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Keys {
    /// Each as often as any other.
    Uniform(u64),
    /// From a pool of ten, each half as often as the one before; a key goes after so many writes.
    Hot(u64),
}

/// A simulated store and its clients.
#[derive(Clone, Copy)]
pub(crate) struct Store {
    pub(crate) isolation: Isolation,
    pub(crate) transactions: u32,
    pub(crate) clients: u64,
    /// The most operations of a transaction.
    pub(crate) operations: u64,
    /// Of a hundred operations so many read.
    pub(crate) reads: u64,
    pub(crate) keys: Keys,
}

/// What a client is about.
enum Phase {
    Idle,
    Open {
        begin: u64,
        wants: Vec<(u32, bool)>,
    },
    Started {
        begin: u64,
        at: u64,
        seen: Vec<(u32, Option<u32>)>,
        writes: Vec<u32>,
    },
    Done {
        txn: u32,
    },
}

impl Store {
    /// Runs it. Its transactions keep real time, sessions and the store's isolation.
    pub(crate) fn run(self, dice: &mut Dice) -> Problem {
        let mut problem = Problem::default();
        let mut pool: Vec<u32> = match self.keys {
            Keys::Uniform(count) => (0..count as u32).collect(),
            Keys::Hot(_) => (0..10).collect(),
        };
        problem.keys = vec![Key::default(); pool.len()];
        let mut current: Vec<Option<(u32, u64)>> = vec![None; pool.len()];
        let mut phases: Vec<Phase> = (0..self.clients).map(|_| Phase::Idle).collect();
        let mut last: Vec<Option<u32>> = vec![None; phases.len()];
        let mut attempts = 0;
        let mut now = 0;
        while attempts < self.transactions
            || phases.iter().any(|phase| !matches!(phase, Phase::Idle))
        {
            now += 1;
            let client = dice.below(self.clients) as usize;
            phases[client] = match std::mem::replace(&mut phases[client], Phase::Idle) {
                Phase::Idle if attempts < self.transactions => {
                    attempts += 1;
                    let count = 1 + dice.below(self.operations);
                    let wants = (0..count)
                        .map(|_| (self.draw(dice, &pool), dice.percent(self.reads)))
                        .collect();
                    Phase::Open { begin: now, wants }
                }
                Phase::Idle => Phase::Idle,
                Phase::Open { begin, wants } => {
                    let (mut seen, mut writes) = (Vec::new(), Vec::new());
                    for (key, reads) in wants {
                        let known = seen.iter().any(|&(seen, _)| seen == key);
                        if !reads {
                            if !writes.contains(&key) {
                                writes.push(key);
                            }
                        } else if !known && !writes.contains(&key) {
                            seen.push((key, current[key as usize].map(|(writer, _)| writer)));
                        }
                    }
                    if self.isolation == Isolation::Serializable {
                        let txn = commit(&mut problem, &mut current, begin, now, &seen, &writes);
                        Phase::Done { txn }
                    } else {
                        Phase::Started {
                            begin,
                            at: now,
                            seen,
                            writes,
                        }
                    }
                }
                Phase::Started {
                    begin,
                    at,
                    seen,
                    writes,
                } => {
                    let late = |&key: &u32| {
                        current[key as usize].is_some_and(|(_, committed)| committed > at)
                    };
                    if self.isolation == Isolation::Snapshot && writes.iter().any(late) {
                        Phase::Idle
                    } else {
                        let txn = commit(&mut problem, &mut current, begin, now, &seen, &writes);
                        Phase::Done { txn }
                    }
                }
                Phase::Done { txn } => {
                    problem.spans[txn as usize].end = now;
                    if let Some(before) = last[client].replace(txn) {
                        let because = Because::Session;
                        problem.precedes.push(Precedes {
                            before,
                            after: txn,
                            because,
                        });
                    }
                    Phase::Idle
                }
            };
            if let Keys::Hot(most) = self.keys {
                for key in &mut pool {
                    if problem.keys[*key as usize].writers.len() as u64 >= most {
                        *key = problem.keys.len() as u32;
                        problem.keys.push(Key::default());
                        current.push(None);
                    }
                }
            }
        }
        problem
    }

    fn draw(self, dice: &mut Dice, pool: &[u32]) -> u32 {
        match self.keys {
            Keys::Uniform(count) => dice.below(count) as u32,
            Keys::Hot(_) => pool[(dice.next().trailing_zeros() as usize).min(9)],
        }
    }
}

fn commit(
    problem: &mut Problem,
    current: &mut [Option<(u32, u64)>],
    begin: u64,
    now: u64,
    seen: &[(u32, Option<u32>)],
    writes: &[u32],
) -> u32 {
    let txn = problem.transactions;
    problem.transactions += 1;
    problem.spans.push(Span {
        begin,
        end: u64::MAX,
    });
    for &(key, from) in seen {
        problem.keys[key as usize]
            .reads
            .push(Read { reader: txn, from });
    }
    for &key in writes {
        problem.keys[key as usize].writers.push(txn);
        current[key as usize] = Some((txn, now));
    }
    txn
}

/// A problem of a few transactions: from a store, from a store that lies now and then, or random.
pub(crate) fn small(dice: &mut Dice, most: u32) -> Problem {
    let transactions = 1 + dice.below(u64::from(most)) as u32;
    let isolation = match dice.below(3) {
        0 => Isolation::Serializable,
        1 => Isolation::Snapshot,
        _ => Isolation::Prefix,
    };
    let store = Store {
        isolation,
        transactions,
        clients: 1 + dice.below(4),
        operations: 1 + dice.below(4),
        reads: 30 + dice.below(50),
        keys: Keys::Uniform(1 + dice.below(4)),
    };
    let mut problem = store.run(dice);
    let lies = [0, 0, 5, 15, 40, 100][dice.below(6) as usize];
    for key in &mut problem.keys {
        for read in &mut key.reads {
            if dice.percent(lies) {
                let others: Vec<u32> = key
                    .writers
                    .iter()
                    .copied()
                    .filter(|&writer| writer != read.reader)
                    .collect();
                let choice = dice.below(others.len() as u64 + 1) as usize;
                read.from = others.get(choice).copied();
            }
        }
    }
    if dice.percent(25) {
        // Not every transaction's end is known.
        for span in &mut problem.spans {
            if dice.percent(20) {
                span.end = u64::MAX;
            }
        }
    }
    if dice.percent(25) {
        problem.spans.clear();
    }
    problem
}

/// A problem in which little is known and much is to choose: blind writes, reads of whatever was
/// written, no sessions and no times.
pub(crate) fn tangled(dice: &mut Dice, most: u32) -> Problem {
    let transactions = 3 + dice.below(u64::from(most) - 2) as u32;
    let keys = 1 + dice.below(4);
    let mut problem = Problem {
        transactions,
        ..Problem::default()
    };
    let (writes, reads) = (20 + dice.below(60), 10 + dice.below(40));
    for _ in 0..keys {
        let mut key = Key::default();
        key.writers
            .extend((0..transactions).filter(|_| dice.percent(writes)));
        for reader in 0..transactions {
            if dice.percent(reads) {
                // Mostly from earlier ones, so that reads alone seldom form a cycle.
                let others: Vec<u32> = key
                    .writers
                    .iter()
                    .copied()
                    .filter(|&writer| writer < reader || writer != reader && dice.percent(10))
                    .collect();
                let choice = dice.below(others.len() as u64 + 1) as usize;
                if let Some(&from) = others.get(choice) {
                    key.reads.push(Read {
                        reader,
                        from: Some(from),
                    });
                } else if dice.percent(20) {
                    key.reads.push(Read { reader, from: None });
                }
            }
        }
        problem.keys.push(key);
    }
    problem
}

/// Clauses of three literals over boolean variables, as in the proof that deciding is hard: each
/// variable and each literal is a key with two versions, of which one was read, and an assignment
/// that is wrong closes a cycle.
pub(crate) fn knot(dice: &mut Dice, variables: u32, clauses: u32) -> Problem {
    let keys = variables + 3 * clauses;
    let mut problem = Problem {
        transactions: 3 * keys,
        ..Problem::default()
    };
    // The writer of what was read, the other writer, the reader. If the choice is true the other
    // writer comes before the first, or else after the reader.
    let [one, other, reader] = [0, 1, 2].map(|part| move |key: u32| 3 * key + part);
    for key in 0..keys {
        let read = Read {
            reader: reader(key),
            from: Some(one(key)),
        };
        problem.keys.push(Key {
            writers: vec![one(key), other(key)],
            reads: vec![read],
        });
    }
    let mut known = |before, after| {
        problem.precedes.push(Precedes {
            before,
            after,
            because: Because::Session,
        });
    };
    for clause in 0..clauses {
        for place in 0..3 {
            let literal = variables + 3 * clause + place;
            let variable = dice.below(u64::from(variables)) as u32;
            if dice.percent(50) {
                known(other(variable), other(literal));
                known(one(literal), reader(variable));
            } else {
                known(one(variable), other(literal));
                known(one(literal), other(variable));
            }
            known(
                other(literal),
                reader(variables + 3 * clause + (place + 1) % 3),
            );
        }
    }
    problem
}
