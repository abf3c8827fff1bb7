//! Evidence of anomalies where objects are found by predicates, and the second look at it.

use polygraph_history::{EventIndex, History, Key, Micro, Op, Outcome, Predicate, Value};

use crate::Anomaly;

use super::super::Kind;
use super::translation::Closed;

/// Evidence of an anomaly where objects are found by predicates.
#[derive(Clone, Debug)]
pub enum ClosedProof {
    /// A read shows an object that its predicate does not match, or shows it twice, or lacks one
    /// of which every version matches; or a read of an object that always existed found none.
    Miss {
        /// The event that invoked the transaction.
        transaction: EventIndex,
        /// The position of the read in it, counted from zero.
        position: usize,
        /// The object.
        object: Key,
        /// Whether it is what the transaction itself did to the object that it lacks.
        own: bool,
    },
    /// Evidence of the history as one of registers.
    Registers {
        /// Whether reads by predicate count; else only those of objects.
        predicates: bool,
        /// The evidence.
        proof: Box<crate::Proof>,
    },
}

/// Checks evidence against the history.
///
/// # Errors
/// What is wrong with it, as a sentence.
pub fn confirm_closed(history: &History, proof: &ClosedProof) -> Result<(), String> {
    match proof {
        ClosedProof::Registers { predicates, proof } => {
            let closed = Closed::new(history, *predicates)?;
            let anomaly = Anomaly {
                kind: "",
                explanation: String::new(),
                operations: Vec::new(),
                key: None,
                proof: (**proof).clone(),
            };
            anomaly.confirm(&closed.history)
        }
        ClosedProof::Miss {
            transaction,
            position,
            object,
            own,
        } => confirm_miss(history, *transaction, *position, object, *own),
    }
}

/// A read that lacks what it must show, or shows what it must lack.
pub(super) struct Miss {
    pub(super) transaction: EventIndex,
    pub(super) position: usize,
    pub(super) object: Key,
    pub(super) own: bool,
}

impl Miss {
    /// In words.
    pub(super) fn anomaly(&self, history: &History) -> Anomaly {
        let operations = history.operations().iter();
        let mut operations = operations.filter(|it| it.invoke == self.transaction);
        let (process, op) = operations.next().map_or((0, String::new()), |operation| {
            (operation.process, history.op(operation).to_string())
        });
        let kind = match self.own {
            true => Kind::Internal,
            false => Kind::PredicateReadMiss,
        };
        let why = match self.own {
            true => "the transaction itself had made of it",
            false => "each of its versions would have it show",
        };
        Anomaly {
            kind: kind.name(),
            explanation: format!(
                "Operation {} of the transaction of client {process} at event {}, {op}, does not \
                 show of {} what {why}.",
                self.position + 1,
                self.transaction,
                self.object
            ),
            operations: vec![self.transaction as u64],
            key: Some(self.object.clone()),
            proof: crate::Proof::Closed(ClosedProof::Miss {
                transaction: self.transaction,
                position: self.position,
                object: self.object.clone(),
                own: self.own,
            }),
        }
    }
}

/// What is seen of an object is looked at again: what its transaction did to it before, or else
/// every version that there may be.
fn confirm_miss(
    history: &History,
    transaction: EventIndex,
    position: usize,
    object: &Key,
    own: bool,
) -> Result<(), String> {
    let operations = history.operations();
    let id = operations
        .binary_search_by_key(&transaction, |operation| operation.invoke)
        .map_err(|_| format!("event {transaction} begins no operation"))?;
    let Op::Txn(micros) = history.op(&operations[id]) else {
        return Err(format!("event {transaction} is no transaction"));
    };
    if operations[id].outcome != Outcome::Ok {
        return Err("what that transaction read is not known".to_owned());
    }
    // What it shows of the object, and what would match.
    let any = Predicate::Any;
    let (shown, predicate): (Vec<&Value>, &Predicate) = match micros.get(position) {
        Some(Micro::Read {
            key,
            value: Some(value),
        }) if key == object => match value {
            Value::Null => (Vec::new(), &any),
            value => (vec![value], &any),
        },
        Some(Micro::PredicateRead(read)) => {
            let found = read.found.iter().flatten();
            let of_object = found.filter(|item| item.key == *object);
            (of_object.map(|item| &item.value).collect(), &read.predicate)
        }
        _ => return Err(format!("there is no read of {object} at {position}")),
    };
    // What an operation inside a transaction makes of the object, if it makes anything of it.
    let effect = |micro: &Micro| match micro {
        Micro::Write { key, value } | Micro::Insert { key, value } if key == object => {
            Some(predicate.matches(value))
        }
        Micro::Delete { key } if key == object => Some(false),
        _ => None,
    };
    let known = micros[..position].iter().rev().find_map(effect);
    let is_miss = match (shown.as_slice(), known) {
        ([], Some(matches)) => own && matches,
        ([], None) => {
            let others = operations
                .iter()
                .enumerate()
                .filter(|&(other, it)| other != id && it.outcome != Outcome::Fail);
            let mut initial = false;
            let mut all_match = true;
            for (_, other) in others {
                let Op::Txn(micros) = history.op(other) else {
                    continue;
                };
                all_match &= micros.iter().rev().find_map(effect) != Some(false);
                for micro in micros {
                    if let Micro::Init { objects: Some(all) } = micro {
                        let mut all = all.iter().filter(|item| item.key == *object);
                        initial |= all.any(|item| predicate.matches(&item.value));
                    }
                }
            }
            !own && initial && all_match
        }
        ([value], _) => !own && !predicate.matches(value),
        _ => !own,
    };
    is_miss
        .then_some(())
        .ok_or_else(|| format!("what the read shows of {object} can be"))
}
