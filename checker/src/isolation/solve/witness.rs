//! An order of starts and commits that explains everything, and the replay that checks it.

use serde::{Deserialize, Serialize};

use super::problem::{Because, Isolation, Level, Order, Problem};

/// A moment of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Moment {
    /// It reads.
    Start(u32),
    /// Its writes take effect.
    Commit(u32),
}

impl Moment {
    /// The same moment of a transaction with another number.
    pub(super) fn renumber(self, txn: &dyn Fn(u32) -> u32) -> Moment {
        match self {
            Moment::Start(one) => Moment::Start(txn(one)),
            Moment::Commit(one) => Moment::Commit(txn(one)),
        }
    }
}

/// Plays the moments one after the other and sees whether every transaction read what it did.
///
/// # Errors
/// What does not fit, as a sentence.
pub fn replay(problem: &Problem, level: Level, moments: &[Moment]) -> Result<(), String> {
    let txns = problem.transactions as usize;
    let mut reads: Vec<Vec<(u32, Option<u32>)>> = vec![Vec::new(); txns];
    let mut writes: Vec<Vec<u32>> = vec![Vec::new(); txns];
    for (key, register) in (0..).zip(&problem.keys) {
        for read in &register.reads {
            reads[read.reader as usize].push((key, read.from));
        }
        for &writer in &register.writers {
            writes[writer as usize].push(key);
        }
    }
    let mut before: Vec<Vec<u32>> = vec![Vec::new(); txns];
    for pair in &problem.precedes {
        let counts = match pair.because {
            Because::Session => level.order != Order::Free,
            Because::RealTime => level.order == Order::RealTime,
        };
        if counts {
            before[pair.after as usize].push(pair.before);
        }
    }
    let timed = level.order == Order::RealTime && !problem.spans.is_empty();
    // The current version of each key, and when it was committed.
    let mut current: Vec<Option<(u32, usize)>> = vec![None; problem.keys.len()];
    let (mut started, mut committed) = (vec![None; txns], vec![false; txns]);
    let mut latest_begin = 0;
    for (now, &moment) in moments.iter().enumerate() {
        match moment {
            Moment::Start(txn) => {
                let at = txn as usize;
                if at >= txns || started[at].replace(now).is_some() {
                    return Err(format!("{txn} starts twice, or does not exist"));
                }
                if let Some(late) = before[at].iter().find(|&&first| !committed[first as usize]) {
                    return Err(format!("{txn} starts before {late} commits"));
                }
                for &(key, from) in &reads[at] {
                    let seen = current[key as usize].map(|(writer, _)| writer);
                    if seen != from {
                        return Err(format!(
                            "{txn} reads {from:?} of key {key}, there is {seen:?}"
                        ));
                    }
                }
                if timed {
                    latest_begin = latest_begin.max(problem.spans[at].begin);
                }
            }
            Moment::Commit(txn) => {
                let at = txn as usize;
                let Some(start) = started.get(at).copied().flatten() else {
                    return Err(format!("{txn} commits before it starts"));
                };
                if std::mem::replace(&mut committed[at], true) {
                    return Err(format!("{txn} commits twice"));
                }
                if level.isolation == Isolation::Serializable && start + 1 != now {
                    return Err(format!("{txn} starts and commits at different moments"));
                }
                for &key in &writes[at] {
                    let last = current[key as usize].replace((txn, now));
                    let during = last.is_some_and(|(_, since)| since > start);
                    if level.isolation == Isolation::Snapshot && during {
                        return Err(format!(
                            "key {key} was committed while {txn} was writing it"
                        ));
                    }
                }
                if timed && problem.spans[at].end < latest_begin {
                    return Err(format!(
                        "{txn} commits after one that began when it had ended"
                    ));
                }
            }
        }
    }
    match committed.iter().position(|&done| !done) {
        Some(txn) => Err(format!("{txn} does not commit")),
        None => Ok(()),
    }
}
