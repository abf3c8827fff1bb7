//! Evidence that no order explains some facts: cases, each of which ends in a cycle.
//!
//! It is told by moments. A version that was read was committed before its reader started, and
//! every other writer of the key committed before it or after that start; at snapshot isolation,
//! of two writers of a key one committed before the other started. Each of these two
//! possibilities is followed until a cycle shows that it is none.

use serde::{Deserialize, Serialize};

use super::facts::{Facts, Saw, Write};
use super::problem::{Because, Isolation, Level, Order, Problem, Read};
use super::witness::Moment;

/// Facts of a history that no order of its transactions explains.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refutation {
    /// At which level.
    pub level: Level,
    /// The facts.
    pub facts: Facts,
    /// The cases; the first is where to begin.
    pub cases: Vec<Case>,
}

/// One case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Case {
    /// Of two possibilities one holds.
    Either {
        /// The two possibilities.
        choice: Choice,
        /// The case, by number, that goes on with the first.
        first: usize,
        /// The one that goes on with the second.
        second: usize,
    },
    /// Moments of which each comes before the next, and the last before the first.
    Cycle(Vec<Arc>),
}

/// Two possibilities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Choice {
    /// First: a writer commits before the one whose version was read. Second: after the reader
    /// had started.
    Overwritten {
        /// The register.
        key: u32,
        /// The writer of the version that was read.
        from: u32,
        /// Who read it.
        reader: u32,
        /// The other writer.
        other: u32,
    },
    /// First: one writer commits before the other starts. Second: the other way round.
    Conflicting {
        /// The register that both wrote.
        key: u32,
        /// One.
        one: u32,
        /// The other.
        other: u32,
    },
}

/// A moment that comes before another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arc {
    /// The first.
    pub from: Moment,
    /// The second.
    pub to: Moment,
    /// Why.
    pub because: Why,
}

/// Why a moment comes before another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// A transaction starts before it commits.
    Within,
    /// The order of the transactions is known.
    Known(Because),
    /// A version was committed when it was read.
    Read {
        /// The register.
        key: u32,
    },
    /// The initial version was read, and therefore before any was written.
    Initial {
        /// The register.
        key: u32,
    },
    /// The case with this number assumes it.
    Assumed(usize),
}

impl Choice {
    /// What the two possibilities say: which moment comes before which.
    #[must_use]
    pub const fn sides(self) -> [(Moment, Moment); 2] {
        match self {
            Choice::Overwritten {
                from,
                reader,
                other,
                ..
            } => [
                (Moment::Commit(other), Moment::Commit(from)),
                (Moment::Start(reader), Moment::Commit(other)),
            ],
            Choice::Conflicting { one, other, .. } => [
                (Moment::Commit(one), Moment::Start(other)),
                (Moment::Commit(other), Moment::Start(one)),
            ],
        }
    }
}

/// Checks evidence against a problem, with nothing but the meaning of the level.
///
/// # Errors
/// What is wrong with it, as a sentence.
pub fn confirm(problem: &Problem, refutation: &Refutation) -> Result<(), String> {
    are_facts(problem, refutation.level, &refutation.facts)?;
    exclude_all(refutation)
}

/// Whether the facts are facts of the problem, at a level where they count.
fn are_facts(problem: &Problem, level: Level, facts: &Facts) -> Result<(), String> {
    for write in &facts.writes {
        let key = problem.keys.get(write.key as usize);
        if !key.is_some_and(|key| key.writers.contains(&write.writer)) {
            return Err(format!("{} did not write key {}", write.writer, write.key));
        }
    }
    for saw in &facts.reads {
        let key = problem.keys.get(saw.key as usize);
        if !key.is_some_and(|key| key.reads.contains(&saw.read)) {
            return Err(format!(
                "{} did not read that of key {}",
                saw.read.reader, saw.key
            ));
        }
    }
    for pair in &facts.precedes {
        let counts = match pair.because {
            Because::Session => level.order != Order::Free,
            Because::RealTime => level.order == Order::RealTime,
        };
        let span = |txn: u32| problem.spans.get(txn as usize);
        let timed = pair.because == Because::RealTime
            && span(pair.before)
                .zip(span(pair.after))
                .is_some_and(|(a, b)| a.end < b.begin);
        if !counts || !(timed || leads(problem, pair.because, pair.before, pair.after)) {
            return Err(format!(
                "{} is not known to precede {}",
                pair.before, pair.after
            ));
        }
    }
    Ok(())
}

/// Whether known orders of one kind lead from one transaction to another.
fn leads(problem: &Problem, because: Because, from: u32, to: u32) -> bool {
    let mut pairs: Vec<(u32, u32)> = problem
        .precedes
        .iter()
        .filter(|pair| pair.because == because)
        .map(|pair| (pair.before, pair.after))
        .collect();
    pairs.sort_unstable();
    let mut seen = vec![false; problem.transactions as usize];
    let mut found = vec![from];
    while let Some(txn) = found.pop() {
        let first = pairs.partition_point(|&(before, _)| before < txn);
        for &(_, next) in pairs[first..]
            .iter()
            .take_while(|&&(before, _)| before == txn)
        {
            if next == to {
                return true;
            }
            if !std::mem::replace(&mut seen[next as usize], true) {
                found.push(next);
            }
        }
    }
    false
}

/// How often cases are entered at most. Ours enter each once.
const ENTERED: usize = 10_000_000;

/// Whether every case ends in a cycle of moments that follow from facts and assumptions.
pub(super) fn exclude_all(refutation: &Refutation) -> Result<(), String> {
    let Refutation {
        level,
        facts,
        cases,
    } = refutation;
    // What is assumed on the way to the case at hand, by the number of the case.
    let mut assumed: Vec<(usize, (Moment, Moment))> = Vec::new();
    let mut open = vec![(0, 0, None)];
    // Cases that share others could be entered without end.
    let mut left = ENTERED;
    while let Some((number, depth, assumption)) = open.pop() {
        left -= 1;
        if left == 0 {
            return Err(format!(
                "there are more than {ENTERED} ways through the cases"
            ));
        }
        assumed.truncate(depth);
        assumed.extend(assumption);
        if assumed.len() > cases.len() {
            return Err("the cases lead in a circle".to_owned());
        }
        match cases.get(number) {
            None => return Err(format!("there is no case {number}")),
            Some(Case::Either {
                choice,
                first,
                second,
            }) => {
                is_choice(*level, facts, *choice)?;
                let [one, other] = choice.sides();
                open.push((*second, assumed.len(), Some((number, other))));
                open.push((*first, assumed.len(), Some((number, one))));
            }
            Some(Case::Cycle(arcs)) => {
                let ends = arcs.iter().map(|arc| arc.to);
                let begins = arcs.iter().skip(1).chain(arcs.first()).map(|arc| arc.from);
                if arcs.is_empty() || !ends.zip(begins).all(|(a, b)| same(*level, a, b)) {
                    return Err(format!("case {number} is not a cycle"));
                }
                for arc in arcs {
                    if !holds(*level, facts, &assumed, arc) {
                        return Err(format!("in case {number} {arc:?} does not hold"));
                    }
                }
            }
        }
    }
    Ok(())
}

fn same(level: Level, one: Moment, other: Moment) -> bool {
    let txn = |moment| match moment {
        Moment::Start(txn) | Moment::Commit(txn) => txn,
    };
    one == other || level.isolation == Isolation::Serializable && txn(one) == txn(other)
}

fn is_choice(level: Level, facts: &Facts, choice: Choice) -> Result<(), String> {
    let wrote = |key, writer| facts.writes.contains(&Write { key, writer });
    let fine = match choice {
        Choice::Overwritten {
            key,
            from,
            reader,
            other,
        } => {
            let read = Read {
                reader,
                from: Some(from),
            };
            let apart = other != from && other != reader;
            apart && wrote(key, other) && facts.reads.contains(&Saw { key, read })
        }
        Choice::Conflicting { key, one, other } => {
            let apart = one != other && level.isolation == Isolation::Snapshot;
            apart && wrote(key, one) && wrote(key, other)
        }
    };
    if fine {
        Ok(())
    } else {
        Err(format!("{choice:?} is no choice"))
    }
}

fn holds(level: Level, facts: &Facts, assumed: &[(usize, (Moment, Moment))], arc: &Arc) -> bool {
    let (from, to) = (arc.from, arc.to);
    let (first, second) = match (from, to) {
        (Moment::Start(a) | Moment::Commit(a), Moment::Start(b) | Moment::Commit(b)) => (a, b),
    };
    match arc.because {
        Why::Within => {
            first == second
                && level.isolation != Isolation::Serializable
                && from == Moment::Start(first)
                && to == Moment::Commit(first)
        }
        Why::Known(because) => {
            let moments = from == Moment::Commit(first) && to == Moment::Start(second);
            moments
                && facts
                    .precedes
                    .iter()
                    .any(|pair| (pair.before, pair.after, pair.because) == (first, second, because))
        }
        Why::Read { key } => {
            let read = Read {
                reader: second,
                from: Some(first),
            };
            let moments = from == Moment::Commit(first) && to == Moment::Start(second);
            moments && facts.reads.contains(&Saw { key, read })
        }
        Why::Initial { key } => {
            let read = Read {
                reader: first,
                from: None,
            };
            let moments = from == Moment::Start(first) && to == Moment::Commit(second);
            let wrote = facts.writes.contains(&Write {
                key,
                writer: second,
            });
            moments && first != second && wrote && facts.reads.contains(&Saw { key, read })
        }
        Why::Assumed(case) => assumed.contains(&(case, (from, to))),
    }
}
