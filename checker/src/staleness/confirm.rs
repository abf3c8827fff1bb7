//! Checks evidence with nothing but the history.
//!
//! **Invariant:** shares nothing with the search but the types of the proof.

use std::time::Duration;

use polygraph_history::{History, Key, Op, Operation, Outcome, Value};

use super::Proof;

/// So many operations are gone through in all orders.
pub(super) const MOST: usize = 14;

/// Checks the evidence against the history.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn confirm(history: &History, proof: &Proof) -> Result<(), String> {
    match proof {
        Proof::Conflict {
            key,
            bound,
            first,
            second,
        } => {
            let look = Look { history, key };
            conflict(&look, *bound, *first, *second)
        }
        Proof::TooOld {
            key,
            read,
            returned,
            newer,
        } => too_old(&Look { history, key }, *read, *returned, newer),
        Proof::NoOrder {
            key,
            versions,
            operations,
        } => no_order(&Look { history, key }, *versions as usize, operations),
    }
}

/// One register of a history.
struct Look<'h> {
    history: &'h History,
    key: &'h Key,
}

impl<'h> Look<'h> {
    fn operation(&self, event: u64) -> Result<&'h Operation, String> {
        let mut all = self.history.operations().iter();
        let found = all.find(|it| it.invoke as u64 == event);
        found.ok_or_else(|| format!("no operation begins with event {event}"))
    }

    /// The value that an operation wrote, or certainly read.
    fn value(&self, operation: &'h Operation) -> Result<&'h Value, String> {
        match self.history.op(operation) {
            Op::Write { key, value } | Op::Cas { key, to: value, .. }
                if key == self.key && operation.outcome != Outcome::Fail =>
            {
                Ok(value)
            }
            Op::Read {
                key,
                value: Some(value),
            } if key == self.key && operation.outcome == Outcome::Ok => Ok(value),
            op => Err(format!("`{op}` says nothing of {}", self.key)),
        }
    }

    fn is_read(&self, operation: &Operation) -> bool {
        matches!(self.history.op(operation), Op::Read { .. })
    }

    /// The one operation that may have written a value; none wrote the initial one.
    fn writer(&self, value: &Value) -> Result<Option<&'h Operation>, String> {
        let mut writers = Vec::new();
        for operation in self.history.operations() {
            match self.history.op(operation) {
                Op::Write { .. } | Op::Cas { .. }
                    if self.value(operation).is_ok_and(|it| it == value) =>
                {
                    writers.push(operation);
                }
                Op::Txn(micros) if micros.iter().any(|it| it.key() == Some(self.key)) => {
                    return Err(format!("transactions are done on {} too", self.key));
                }
                _ => {}
            }
        }
        match (writers.len(), *value == Value::Null) {
            (0, true) => Ok(None),
            (1, false) => Ok(Some(writers[0])),
            (count, _) => Err(format!("{value} was written {count} times")),
        }
    }

    /// Whether one operation had ended before another began, a read by more than the bound.
    fn precedes(&self, a: &Operation, b: &Operation, bound: Duration) -> bool {
        let known = a.outcome == Outcome::Ok;
        if bound.is_zero() || !self.is_read(b) {
            return known && a.end < b.start;
        }
        let ended = self.history.completed_at(a);
        known && ended.is_some_and(|ended| ended + bound < self.history.invoked_at(b))
    }
}

fn conflict(
    look: &Look<'_>,
    bound: Duration,
    first: (Option<u64>, u64),
    second: (Option<u64>, u64),
) -> Result<(), String> {
    let mut values = Vec::new();
    for (ended, began) in [first, second] {
        let value = look.value(look.operation(began)?)?;
        look.writer(value)?;
        match ended {
            Some(ended) if look.value(look.operation(ended)?)? != value => {
                return Err(format!(
                    "events {ended} and {began} are about different values"
                ));
            }
            None if *value != Value::Null => {
                return Err(format!("{value} is not the initial value"));
            }
            _ => values.push(value),
        }
    }
    if values[0] == values[1] {
        return Err("both are about the same value".to_owned());
    }
    for (ended, began) in [(first.0, second.1), (second.0, first.1)] {
        let Some(ended) = ended else { continue };
        if !look.precedes(look.operation(ended)?, look.operation(began)?, bound) {
            return Err(format!(
                "event {ended}'s operation had not ended before event {began}"
            ));
        }
    }
    Ok(())
}

fn too_old(
    look: &Look<'_>,
    read: u64,
    returned: Option<u64>,
    newer: &[(u64, u64)],
) -> Result<(), String> {
    let read = look.operation(read)?;
    let value = look.value(read)?;
    let writer = look.writer(value)?;
    let none = Duration::ZERO;
    let returned = match (returned, writer) {
        (None, None) => None,
        (Some(event), Some(_)) => Some(look.operation(event)?),
        _ => return Err("it does not say what shows the returned version".to_owned()),
    };
    if returned.is_some_and(|it| look.value(it) != Ok(value)) {
        return Err(format!(
            "what shows the returned version is not about {value}"
        ));
    }
    let mut writes = Vec::new();
    for &(write, shown_by) in newer {
        let (write, shown_by) = (look.operation(write)?, look.operation(shown_by)?);
        let newer = look.value(write)?;
        let right = look
            .writer(newer)?
            .is_some_and(|it| it.invoke == write.invoke);
        if !right || look.value(shown_by)? != newer || writes.contains(&write.invoke) {
            return Err(format!("{newer} is not shown to be another version"));
        }
        if !look.precedes(shown_by, read, none) {
            return Err(format!(
                "{newer} need not have been there when the read began"
            ));
        }
        if returned.is_some_and(|it| !look.precedes(it, write, none)) {
            return Err(format!("{newer} need not be newer than {value}"));
        }
        writes.push(write.invoke);
    }
    match (writes.is_empty(), look.is_read(read)) {
        (false, true) => Ok(()),
        _ => Err("it names no newer version, or no read".to_owned()),
    }
}

fn no_order(look: &Look<'_>, versions: usize, events: &[u64]) -> Result<(), String> {
    if events.len() > MOST {
        return Err(format!(
            "{} operations are too many to go through",
            events.len()
        ));
    }
    let mut operations = Vec::new();
    for &event in events {
        let operation = look.operation(event)?;
        let value = look.value(operation)?;
        let writer = look.writer(value)?;
        if writer.is_some_and(|it| !events.contains(&(it.invoke as u64))) {
            return Err(format!("it leaves out who wrote {value}"));
        }
        // A write that nobody knows to have happened proves nothing.
        let read = events.iter().any(|&other| {
            let other = look.operation(other);
            other.is_ok_and(|it| look.is_read(it) && look.value(it) == Ok(value))
        });
        if operation.outcome != Outcome::Ok && !read {
            return Err(format!("{value} need not have been written"));
        }
        operations.push((operation, value));
    }
    match explained(
        look,
        &operations,
        &mut vec![&Value::Null],
        versions,
        &mut vec![false; events.len()],
    ) {
        true => Err("an order explains them".to_owned()),
        false => Ok(()),
    }
}

/// Whether what is not yet placed can be placed after these versions.
fn explained<'h>(
    look: &Look<'_>,
    operations: &[(&'h Operation, &'h Value)],
    written: &mut Vec<&'h Value>,
    versions: usize,
    placed: &mut Vec<bool>,
) -> bool {
    if placed.iter().all(|&it| it) {
        return true;
    }
    for at in 0..operations.len() {
        let (operation, value) = operations[at];
        let first = |other: usize| {
            placed[other] || !look.precedes(operations[other].0, operation, Duration::ZERO)
        };
        if placed[at] || !(0..operations.len()).all(first) {
            continue;
        }
        let is_read = look.is_read(operation);
        if is_read && !written.iter().rev().take(versions).any(|it| *it == value) {
            continue;
        }
        placed[at] = true;
        if !is_read {
            written.push(value);
        }
        let rest = explained(look, operations, written, versions, placed);
        if !is_read {
            written.pop();
        }
        placed[at] = false;
        if rest {
            return true;
        }
    }
    false
}
