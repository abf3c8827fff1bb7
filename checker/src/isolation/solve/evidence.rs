//! Evidence in terms of a history alone, and the second look at it.

use std::collections::BTreeMap;

use polygraph_history::{EventIndex, History, Key, MicroRef, Op, Operation, Outcome, Value};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

use super::facts::Facts;
use super::problem::{Because, Order};
use super::tree::{Refutation, exclude_all};

/// Evidence that a history of registers does not keep a level.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Proof {
    /// A read that no order explains.
    Faulty {
        /// The event that invoked the transaction.
        transaction: EventIndex,
        /// The position of the read in it, counted from zero.
        position: usize,
        /// What is wrong with it, as Adya and Elle name it.
        #[serde(deserialize_with = "fault_by_name")]
        fault: Fault,
    },
    /// Facts that no order explains.
    NoOrder {
        /// The facts and the cases, with transactions and registers by number.
        refutation: Refutation,
        /// The events that invoked the transactions.
        transactions: Vec<EventIndex>,
        /// The registers.
        keys: Vec<Key>,
    },
}

/// The name of what is wrong with a read by itself.
type Fault = &'static str;

/// One of the names that [`Proof::Faulty`] has.
fn fault_by_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Fault, D::Error> {
    const FAULTS: [Fault; 5] = ["internal", "G1a", "G1b", "thin-air-read", "future-read"];
    let name = String::deserialize(deserializer)?;
    let known = FAULTS.into_iter().find(|known| *known == name);
    known.ok_or_else(|| D::Error::custom(format!("there is no fault `{name}`")))
}

/// What one operation of a transaction did.
enum Step<'h> {
    Read(&'h Key, &'h Value),
    Write(&'h Key, &'h Value),
}

fn steps<'h>(history: &'h History, operation: &Operation) -> Vec<(usize, Step<'h>)> {
    if let Some(micros) = history.micros(operation) {
        let steps = micros.enumerate().filter_map(|(position, micro)| {
            let step = match micro {
                MicroRef::Read { key, value } => Step::Read(key, value?),
                MicroRef::Write { key, value } => Step::Write(key, value),
                _ => return None,
            };
            Some((position, step))
        });
        return steps.collect();
    }
    match history.op(operation) {
        Op::Read {
            key,
            value: Some(value),
        } => vec![(0, Step::Read(key, value))],
        Op::Write { key, value } => vec![(0, Step::Write(key, value))],
        Op::Cas { key, from, to } => vec![(0, Step::Read(key, from)), (0, Step::Write(key, to))],
        _ => Vec::new(),
    }
}

/// Who wrote a value to a register.
#[derive(Default)]
struct Writers {
    /// Operations that did not fail, each once.
    may: Vec<usize>,
    failed: bool,
}

struct Look<'h> {
    history: &'h History,
    writers: BTreeMap<(&'h Key, &'h Value), Writers>,
}

impl<'h> Look<'h> {
    fn new(history: &'h History) -> Look<'h> {
        let mut writers: BTreeMap<(&Key, &Value), Writers> = BTreeMap::new();
        for (number, operation) in history.operations().iter().enumerate() {
            for (_, step) in steps(history, operation) {
                if let Step::Write(key, value) = step {
                    let writers = writers.entry((key, value)).or_default();
                    if operation.outcome == Outcome::Fail {
                        writers.failed = true;
                    } else if writers.may.last() != Some(&number) {
                        writers.may.push(number);
                    }
                }
            }
        }
        Look { history, writers }
    }

    fn operation(&self, event: EventIndex) -> Result<(usize, &'h Operation), String> {
        let operations = self.history.operations();
        let found = operations
            .iter()
            .position(|operation| operation.invoke == event);
        let number = found.ok_or_else(|| format!("event {event} invokes nothing"))?;
        Ok((number, &operations[number]))
    }

    /// What an operation wrote to a register in the end.
    fn left(&self, operation: &Operation, key: &Key) -> Option<&'h Value> {
        let steps = steps(self.history, operation).into_iter().rev();
        let mut writes = steps.filter_map(|(_, step)| match step {
            Step::Write(other, value) if other == key => Some(value),
            _ => None,
        });
        writes.next()
    }

    /// What an operation read of a register before it wrote to it.
    fn seen(&self, operation: &Operation, key: &Key) -> Vec<&'h Value> {
        let steps = steps(self.history, operation).into_iter();
        let before =
            steps.take_while(|(_, step)| !matches!(step, Step::Write(other, _) if *other == key));
        let reads = before.filter_map(|(_, step)| match step {
            Step::Read(other, value) if other == key => Some(value),
            _ => None,
        });
        reads.collect()
    }

    /// The only operation that may have written what was read, if there is one.
    fn author(&self, key: &Key, value: &Value) -> Option<usize> {
        match self.writers.get(&(key, value))?.may.as_slice() {
            [only] => Some(*only),
            _ => None,
        }
    }

    /// Whether an operation certainly took place.
    fn took_place(&self, number: usize) -> bool {
        let operations = self.history.operations();
        match operations[number].outcome {
            Outcome::Ok => true,
            Outcome::Fail => false,
            Outcome::Info => operations
                .iter()
                .filter(|other| other.outcome == Outcome::Ok)
                .any(|reader| {
                    let mut steps = steps(self.history, reader).into_iter();
                    steps.any(|(_, step)| match step {
                        Step::Read(key, value) => self.author(key, value) == Some(number),
                        Step::Write(..) => false,
                    })
                }),
        }
    }
}

/// Checks evidence against the history, with code that shares nothing with the search.
///
/// # Errors
/// What is wrong with it, as a sentence.
pub fn confirm_proof(history: &History, proof: &Proof) -> Result<(), String> {
    let look = Look::new(history);
    match proof {
        Proof::Faulty {
            transaction,
            position,
            fault,
        } => {
            let found = fault_of(&look, *transaction, *position)?;
            if found == Some(*fault) {
                Ok(())
            } else {
                Err(format!(
                    "what is wrong with that read is {found:?}, not {fault}"
                ))
            }
        }
        Proof::NoOrder {
            refutation,
            transactions,
            keys,
        } => {
            are_facts(&look, refutation, transactions, keys)?;
            exclude_all(refutation)
        }
    }
}

/// What is wrong with a read by itself, if anything is.
fn fault_of(
    look: &Look<'_>,
    event: EventIndex,
    position: usize,
) -> Result<Option<&'static str>, String> {
    let (number, operation) = look.operation(event)?;
    if operation.outcome != Outcome::Ok {
        return Err("what that transaction read is not known".to_owned());
    }
    let steps = steps(look.history, operation);
    let read = steps.iter().find_map(|(at, step)| match step {
        Step::Read(key, value) if *at == position => Some((*key, *value)),
        _ => None,
    });
    let (key, value) = read.ok_or("there is no read at that position")?;
    let mut own = steps.iter().filter_map(|(at, step)| match step {
        Step::Write(other, value) if *at < position && *other == key => Some(*value),
        _ => None,
    });
    if let Some(last) = own.next_back() {
        return Ok((last != value).then_some("internal"));
    }
    let none = Writers::default();
    let writers = look.writers.get(&(key, value)).unwrap_or(&none);
    Ok(match writers.may.as_slice() {
        [] if *value == Value::Null => None,
        [] if writers.failed => Some("G1a"),
        [] => Some("thin-air-read"),
        [only] if *only == number => Some("future-read"),
        &[only] if look.left(&look.history.operations()[only], key) != Some(value) => Some("G1b"),
        _ => None,
    })
}

fn are_facts(
    look: &Look<'_>,
    refutation: &Refutation,
    transactions: &[EventIndex],
    keys: &[Key],
) -> Result<(), String> {
    let Facts {
        precedes,
        reads,
        writes,
    } = &refutation.facts;
    let mut operations = Vec::with_capacity(transactions.len());
    for &event in transactions {
        operations.push(look.operation(event)?);
    }
    let operation = |txn: u32| {
        operations
            .get(txn as usize)
            .copied()
            .ok_or_else(|| format!("there is no T{txn}"))
    };
    let key = |key: u32| {
        keys.get(key as usize)
            .ok_or_else(|| format!("there is no key {key}"))
    };
    for write in writes {
        let (number, writer) = operation(write.writer)?;
        if look.left(writer, key(write.key)?).is_none() || !look.took_place(number) {
            return Err(format!(
                "T{} did not certainly write that key",
                write.writer
            ));
        }
    }
    for saw in reads {
        let (_, reader) = operation(saw.read.reader)?;
        let key = key(saw.key)?;
        let from = saw.read.from.map(operation).transpose()?;
        let explains = |value: &&Value| match from {
            None => **value == Value::Null && !look.writers.contains_key(&(key, *value)),
            Some((number, writer)) => {
                look.author(key, value) == Some(number) && look.left(writer, key) == Some(*value)
            }
        };
        if reader.outcome != Outcome::Ok || !look.seen(reader, key).iter().any(explains) {
            return Err(format!("T{} did not certainly read that", saw.read.reader));
        }
    }
    for pair in precedes {
        let ((_, before), (_, after)) = (operation(pair.before)?, operation(pair.after)?);
        let known = match pair.because {
            Because::Session => {
                let ended = before.complete.is_some_and(|end| end < after.invoke);
                before.session == after.session
                    && before.outcome == Outcome::Ok
                    && ended
                    && refutation.level.order >= Order::Sessions
            }
            Because::RealTime => {
                before.precedes(after) && refutation.level.order == Order::RealTime
            }
        };
        if !known {
            return Err(format!(
                "T{} is not known to precede T{}",
                pair.before, pair.after
            ));
        }
    }
    Ok(())
}
