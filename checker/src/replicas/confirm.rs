//! Checks evidence against the history, by going through all of its events once.
//!
//! **Invariant:** shares nothing with the search but the types of the proof.

use std::collections::{BTreeMap, BTreeSet};

use polygraph_history::{History, Key, Micro, NodeId, Op, Operation, Order, Outcome, Value};

use super::Proof;

/// Checks the evidence against the history.
///
/// # Errors
/// What is wrong with it.
pub fn confirm(history: &History, proof: &Proof) -> Result<(), String> {
    let (Proof::Diverged { key, .. }
    | Proof::LostAdd { key, .. }
    | Proof::LostWrite { key, .. }
    | Proof::Resurrected { key, .. }) = proof;
    let ledger = Ledger::new(history, key);
    match proof {
        Proof::Diverged { left, right, .. } => ledger.diverged(*left, *right),
        Proof::LostAdd {
            element,
            add,
            answers,
            ..
        } => ledger.lost_add(element, *add, answers),
        Proof::LostWrite { write, answers, .. } => ledger.lost_write(*write, answers),
        Proof::Resurrected {
            element,
            removal,
            answers,
            ..
        } => ledger.resurrected(element, *removal, answers),
    }
}

fn ensure(condition: bool, problem: impl FnOnce() -> String) -> Result<(), String> {
    match condition {
        true => Ok(()),
        false => Err(problem()),
    }
}

/// What may have happened to a key, each by the event that began it.
struct Ledger<'h> {
    history: &'h History,
    writes: Vec<(&'h Operation, &'h Value)>,
    adds: Vec<(&'h Operation, &'h Value)>,
    appends: bool,
    removes: Vec<(&'h Operation, &'h Value)>,
    peeks: BTreeMap<u64, (&'h Operation, NodeId, Option<&'h Value>)>,
    reads: Vec<(&'h Operation, Option<&'h Value>)>,
}

impl<'h> Ledger<'h> {
    fn new(history: &'h History, wanted: &Key) -> Ledger<'h> {
        let mut ledger = Ledger {
            history,
            writes: Vec::new(),
            adds: Vec::new(),
            appends: false,
            removes: Vec::new(),
            peeks: BTreeMap::new(),
            reads: Vec::new(),
        };
        for operation in history.operations() {
            let event = operation.invoke as u64;
            let happens = operation.outcome != Outcome::Fail;
            match history.op(operation) {
                Op::Peek { key, node, value } if key == wanted => {
                    let value = value.as_ref().filter(|_| operation.outcome == Outcome::Ok);
                    if happens {
                        ledger.peeks.insert(event, (operation, *node, value));
                    } else {
                        ledger.peeks.insert(event, (operation, *node, None));
                    }
                }
                _ if !happens => {}
                Op::Read { key, value } if key == wanted => {
                    ledger.reads.push((operation, value.as_ref()));
                }
                Op::Write { key, value } | Op::Cas { key, to: value, .. } if key == wanted => {
                    ledger.writes.push((operation, value));
                }
                Op::Add { key, value } if key == wanted => ledger.adds.push((operation, value)),
                Op::Remove { key, value } if key == wanted => {
                    ledger.removes.push((operation, value));
                }
                Op::Txn(micros) => ledger.transaction(operation, micros, wanted),
                _ => {}
            }
        }
        ledger
    }

    fn transaction(&mut self, operation: &'h Operation, micros: &'h [Micro], wanted: &Key) {
        for micro in micros.iter().filter(|micro| micro.key() == Some(wanted)) {
            match micro {
                Micro::Read { value, .. } => {
                    self.reads.push((operation, value.as_ref()));
                }
                Micro::Append { value, .. } => {
                    self.appends = true;
                    self.adds.push((operation, value));
                }
                Micro::Write { value, .. } => self.writes.push((operation, value)),
                _ => {}
            }
        }
    }

    /// Whether an observation began after everything that may change the key, and every fault.
    fn in_the_end(&self, observer: &Operation) -> bool {
        let changes = self.writes.iter().chain(&self.adds).chain(&self.removes);
        let over = |change: &Operation| match (change.outcome, self.history.order()) {
            (Outcome::Ok, _) => change.end < observer.start,
            (_, Order::Index) => change.complete.unwrap_or(change.invoke) < observer.invoke,
            (_, Order::Time | Order::Session) => change.start < observer.start,
        };
        let healed = self
            .history
            .faults()
            .all(|(fault, _)| match self.history.order() {
                Order::Index => fault.index < observer.invoke as u64,
                Order::Time | Order::Session => fault.time < self.history.invoked_at(observer),
            });
        healed && changes.into_iter().all(|(change, _)| over(change))
    }

    /// The last answer of a replica.
    fn last_peek(&self, event: u64) -> Result<(NodeId, &'h Value), String> {
        let unknown = || format!("event {event} is no peek of the key");
        let &(operation, node, value) = self.peeks.get(&event).ok_or_else(unknown)?;
        let value = value.ok_or_else(|| format!("event {event} was not answered"))?;
        ensure(self.in_the_end(operation), || {
            format!("event {event} was not in the end")
        })?;
        let later =
            |other: &&Operation| (other.start, other.invoke) > (operation.start, operation.invoke);
        let peeks = self.peeks.values().filter(|(_, other, _)| *other == node);
        ensure(
            !peeks.map(|&(other, ..)| other).any(|other| later(&other)),
            || format!("event {event} is not the last peek at {node}"),
        )?;
        Ok((node, value))
    }

    /// The last answers of all replicas.
    fn all_replicas(&self, events: &[u64]) -> Result<Vec<&'h Value>, String> {
        let answers: Vec<(NodeId, &Value)> = events
            .iter()
            .map(|&event| self.last_peek(event))
            .collect::<Result<_, _>>()?;
        let asked: BTreeSet<NodeId> = self.peeks.values().map(|&(_, node, _)| node).collect();
        let answered: BTreeSet<NodeId> = answers.iter().map(|&(node, _)| node).collect();
        ensure(asked == answered && !asked.is_empty(), || {
            "the proof does not name every replica".to_owned()
        })?;
        Ok(answers.into_iter().map(|(_, value)| value).collect())
    }

    fn diverged(&self, left: u64, right: u64) -> Result<(), String> {
        let ((one, a), (other, b)) = (self.last_peek(left)?, self.last_peek(right)?);
        ensure(one != other, || format!("both peeks were at {one}"))?;
        let lists_written = self
            .writes
            .iter()
            .any(|(_, value)| matches!(value, Value::List(_)));
        let set =
            !self.appends && self.writes.is_empty() && self.adds.len() + self.removes.len() > 0;
        let siblings = self.adds.is_empty() && !self.writes.is_empty() && !lists_written;
        let meaning = |value: &Value| -> Vec<Value> {
            let mut all = match value.elements() {
                Some(all) => all.to_vec(),
                None => vec![value.clone()],
            };
            if set || siblings {
                all = all
                    .into_iter()
                    .collect::<BTreeSet<_>>()
                    .into_iter()
                    .collect();
            }
            all
        };
        ensure(meaning(a) != meaning(b), || {
            format!("{one} and {other} answered alike")
        })
    }

    fn lost_add(&self, element: &Value, add: u64, answers: &[u64]) -> Result<(), String> {
        let acknowledged = |&&(operation, value): &&(&Operation, &Value)| {
            operation.invoke as u64 == add && operation.outcome == Outcome::Ok && value == element
        };
        let not_added = || format!("event {add} is no acknowledged add of {element}");
        let (added, _) = self.adds.iter().find(acknowledged).ok_or_else(not_added)?;
        let may_remove = |&(operation, value): &(&Operation, &Value)| {
            value == element && !operation.precedes(added)
        };
        ensure(!self.removes.iter().any(may_remove), || {
            format!("{element} may have been removed")
        })?;
        let values = match self.peeks.is_empty() {
            false => self.all_replicas(answers)?,
            true => self.final_reads(answers)?,
        };
        let has = |value: &Value| {
            value == element || value.elements().is_some_and(|all| all.contains(element))
        };
        ensure(!values.into_iter().any(has), || {
            format!("{element} is still there")
        })
    }

    /// What every final read returned, where there are no peeks.
    fn final_reads(&self, events: &[u64]) -> Result<Vec<&'h Value>, String> {
        let finals = self.reads.iter().filter(|(operation, _)| {
            operation.outcome == Outcome::Ok && self.in_the_end(operation)
        });
        let finals: Vec<(u64, &Value)> = finals
            .filter_map(|&(operation, value)| Some((operation.invoke as u64, value?)))
            .collect();
        let asked: BTreeSet<u64> = finals.iter().map(|&(event, _)| event).collect();
        let named: BTreeSet<u64> = events.iter().copied().collect();
        ensure(!finals.is_empty() && asked == named, || {
            "the proof does not name exactly the final reads".to_owned()
        })?;
        Ok(finals.into_iter().map(|(_, value)| value).collect())
    }

    fn lost_write(&self, write: u64, answers: &[u64]) -> Result<(), String> {
        let acknowledged = |&&(operation, _): &&(&Operation, &Value)| {
            operation.invoke as u64 == write && operation.outcome == Outcome::Ok
        };
        let not_written = || format!("event {write} is no acknowledged write");
        let (lost, _) = self
            .writes
            .iter()
            .find(acknowledged)
            .ok_or_else(not_written)?;
        let lists_written = self
            .writes
            .iter()
            .any(|(_, value)| matches!(value, Value::List(_)));
        for value in self.all_replicas(answers)? {
            let survivors = match value {
                Value::List(all) if !lists_written => &all[..],
                value => std::slice::from_ref(value),
            };
            for survivor in survivors {
                let mut writers = self.writes.iter().filter(|(_, value)| *value == survivor);
                ensure(
                    *survivor == Value::Null || writers.clone().next().is_some(),
                    || format!("nobody wrote {survivor}"),
                )?;
                ensure(writers.all(|(writer, _)| writer.precedes(lost)), || {
                    format!("{survivor} may be newer than the lost write")
                })?;
            }
        }
        Ok(())
    }

    fn resurrected(&self, element: &Value, removal: u64, answers: &[u64]) -> Result<(), String> {
        let acknowledged = |&&(operation, value): &&(&Operation, &Value)| {
            operation.invoke as u64 == removal
                && operation.outcome == Outcome::Ok
                && value == element
        };
        let not_removed = || format!("event {removal} is no acknowledged removal of {element}");
        let found = self.removes.iter().find(acknowledged);
        let &(remover, _) = found.ok_or_else(not_removed)?;
        let adds: Vec<&Operation> = self
            .adds
            .iter()
            .filter(|(_, value)| *value == element)
            .map(|&(add, _)| add)
            .collect();
        ensure(adds.iter().all(|add| add.end < remover.start), || {
            format!("{element} may have been added after it was removed")
        })?;
        let lists = |value: &Value| {
            value == element || value.elements().is_some_and(|all| all.contains(element))
        };
        let read = self.reads.iter().any(|(read, value)| {
            read.session == remover.session
                && read.outcome == Outcome::Ok
                && read.end < remover.start
                && value.is_some_and(lists)
        });
        let own = adds.iter().all(|add| add.session == remover.session);
        ensure(!adds.is_empty() && (own || adds.len() == 1 && read), || {
            format!("the remover need not have known {element}")
        })?;
        ensure(self.all_replicas(answers)?.into_iter().all(lists), || {
            format!("{element} is not on every replica")
        })
    }
}
