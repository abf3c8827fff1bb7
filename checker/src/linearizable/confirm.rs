//! Checks evidence: simple code that shares nothing with the search.

use std::collections::HashSet;

use polygraph_history::{ErrorName, History, Op, Operation, Outcome, Value};

use super::Proof;
use crate::FailedCas;

/// More operations than this are not tried in all orders.
const MAX_OPERATIONS: usize = 128;
/// Nor are more partial orders than this.
const MAX_TRIED: usize = 4_000_000;

/// Why evidence was not accepted because of its size, and for nothing else.
pub(super) const TOO_LARGE: &str = "too large to be tried in all orders";

/// An operation on the key, as recorded.
struct Recorded<'a> {
    invoke: usize,
    start: u64,
    end: u64,
    /// What must be there.
    needs: Option<&'a Value>,
    /// What must not be there.
    forbids: Option<&'a Value>,
    /// What is there afterwards, if it writes.
    leaves: Option<&'a Value>,
}

impl Recorded<'_> {
    /// Whether it may take effect later, or never.
    const fn optional(&self) -> bool {
        self.end == u64::MAX
    }

    /// Whether it can take effect on this value.
    fn possible(&self, holds: &Value) -> bool {
        self.needs.is_none_or(|value| value == holds)
            && self.forbids.is_none_or(|value| value != holds)
    }
}

/// Checks the evidence against the history: that the operations are there, that what is left out
/// of the history is left out soundly (see [`Proof`]), and that no order explains the rest, by
/// trying them all.
///
/// # Errors
/// What is wrong with the evidence.
pub fn confirm(history: &History, proof: &Proof) -> Result<(), String> {
    let end = end_of_prefix(history, proof)?;
    let prefix = prefix(history, proof, end)?;
    let mut kept: Vec<Recorded<'_>> = Vec::new();
    for wanted in &proof.operations {
        let Some(found) = prefix.iter().find(|other| other.invoke == wanted.invoke) else {
            return Err(format!(
                "event {} began no operation on {} that says something by event {}",
                wanted.invoke, proof.key, proof.until
            ));
        };
        if kept.iter().any(|other| other.invoke == found.invoke) {
            return Err(format!("event {} is named twice", found.invoke));
        }
        let expectation = |value| if wanted.expectation { value } else { None };
        kept.push(Recorded {
            needs: expectation(found.needs),
            forbids: expectation(found.forbids),
            ..*found
        });
    }
    for operation in &kept {
        soundly_cut(operation, &kept, &prefix)?;
    }
    no_order(&kept)
}

/// The rank of the event that ends the prefix.
fn end_of_prefix(history: &History, proof: &Proof) -> Result<u64, String> {
    history
        .operations()
        .iter()
        .find(|operation| {
            operation.complete == Some(proof.until) && operation.outcome != Outcome::Info
        })
        .map(|operation| operation.end)
        .ok_or_else(|| format!("event {} completes no operation", proof.until))
}

/// Everything that the prefix says about the key.
fn prefix<'a>(history: &'a History, proof: &Proof, end: u64) -> Result<Vec<Recorded<'a>>, String> {
    let mut prefix = Vec::new();
    for operation in history.operations() {
        let op = history.op(operation);
        let about = match op {
            Op::Txn(micros) => micros.iter().any(|micro| *micro.key() == proof.key),
            Op::Custom { args, .. } => args
                .get("key")
                .and_then(|key| key.as_str())
                .is_none_or(|key| *key == *proof.key.0),
            _ => op.key() == Some(&proof.key),
        };
        if !about || operation.start > end {
            continue;
        }
        match op {
            Op::Peek { .. } => {}
            Op::Read { .. } | Op::Write { .. } | Op::Cas { .. } => {
                prefix.extend(recorded(history, operation, proof.failed_cas, end));
            }
            _ if operation.outcome == Outcome::Fail => {}
            _ => {
                return Err(format!(
                    "event {} began `{op}`, which no register understands",
                    operation.invoke
                ));
            }
        }
    }
    Ok(prefix)
}

/// What one read, write or compare-and-set says, if anything.
fn recorded<'a>(
    history: &'a History,
    operation: &Operation,
    failed_cas: FailedCas,
    end: u64,
) -> Option<Recorded<'a>> {
    let ended = operation.end <= end;
    let mut recorded = Recorded {
        invoke: operation.invoke,
        start: operation.start,
        end: if ended { operation.end } else { u64::MAX },
        needs: None,
        forbids: None,
        leaves: None,
    };
    match (history.op(operation), operation.outcome) {
        (Op::Read { value, .. }, Outcome::Ok) if ended => recorded.needs = Some(value.as_ref()?),
        (Op::Write { value, .. }, Outcome::Ok | Outcome::Info) => recorded.leaves = Some(value),
        (Op::Cas { from, to, .. }, Outcome::Ok | Outcome::Info) => {
            recorded.needs = Some(from);
            recorded.leaves = (from != to).then_some(to);
            if !ended {
                recorded.leaves?;
            }
        }
        (Op::Cas { from, .. }, Outcome::Fail) if ended && failed_cas == FailedCas::Observe => {
            let error = &history.completion(operation)?.error;
            if error
                .as_ref()
                .is_some_and(|error| *error != ErrorName::CAS_MISMATCH)
            {
                return None;
            }
            recorded.forbids = Some(from);
        }
        _ => return None,
    }
    Some(recorded)
}

/// Whether everybody is kept who might have left what this operation found.
fn soundly_cut(
    operation: &Recorded<'_>,
    kept: &[Recorded<'_>],
    prefix: &[Recorded<'_>],
) -> Result<(), String> {
    if operation.needs.is_none() && operation.forbids.is_none() {
        return Ok(());
    }
    let overwritten = |writer: &Recorded<'_>| {
        kept.iter().any(|between| {
            between.leaves.is_some()
                && !between.optional()
                && writer.end < between.start
                && between.end < operation.start
        })
    };
    let origins = prefix
        .iter()
        .filter(|writer| writer.leaves.is_some() && writer.leaves == operation.needs)
        .filter(|writer| writer.start <= operation.end && writer.invoke != operation.invoke);
    let is_kept = |writer: &Recorded<'_>| kept.iter().any(|other| other.invoke == writer.invoke);
    if let Some(origin) = origins.clone().next()
        && operation.needs != Some(&Value::Null)
        && !origins.clone().any(is_kept)
    {
        return Err(format!(
            "event {} may have written what event {} found, and nobody who may have is kept",
            origin.invoke, operation.invoke
        ));
    }
    for writer in prefix {
        let Some(left) = writer.leaves else { continue };
        let sound = !operation.possible(left)
            || writer.invoke == operation.invoke
            || is_kept(writer)
            || writer.start > operation.end
            || overwritten(writer);
        if !sound {
            return Err(format!(
                "event {} may have written what event {} found, and is left out",
                writer.invoke, operation.invoke
            ));
        }
    }
    Ok(())
}

/// Tries all orders, remembering which sets of operations with which last writer were tried.
fn no_order(kept: &[Recorded<'_>]) -> Result<(), String> {
    if kept.len() > MAX_OPERATIONS {
        return Err(format!("{} operations are {TOO_LARGE}", kept.len()));
    }
    let mut orders = Orders {
        kept,
        tried: HashSet::new(),
    };
    match orders.exists(0, None) {
        Some(false) => Ok(()),
        Some(true) => Err("an order explains these operations".to_owned()),
        None => Err(format!("{} operations are {TOO_LARGE}", kept.len())),
    }
}

struct Orders<'a, 'b> {
    kept: &'b [Recorded<'a>],
    tried: HashSet<(u128, Option<usize>)>,
}

impl Orders<'_, '_> {
    /// Whether the operations that are not placed can follow those that are; `None` if there is
    /// too much to try.
    fn exists(&mut self, placed: u128, last: Option<usize>) -> Option<bool> {
        let is_placed = |at: usize| placed >> at & 1 == 1;
        let kept = self.kept;
        let left: Vec<usize> = (0..kept.len()).filter(|&at| !is_placed(at)).collect();
        if left.iter().all(|&at| kept[at].optional()) {
            return Some(true);
        }
        if !self.tried.insert((placed, last)) {
            return Some(false);
        }
        if self.tried.len() > MAX_TRIED {
            return None;
        }
        let holds = last.and_then(|at| kept[at].leaves).unwrap_or(&Value::Null);
        let may_be_next = |at: usize| {
            kept[at].possible(holds)
                && !left.iter().any(|&other| {
                    other != at && !kept[other].optional() && kept[other].end < kept[at].start
                })
        };
        let next: Vec<usize> = left.iter().copied().filter(|&at| may_be_next(at)).collect();
        // What writes nothing can as well come at once.
        if let Some(&reader) = next.iter().find(|&&at| kept[at].leaves.is_none()) {
            return self.exists(placed | 1 << reader, last);
        }
        for at in next {
            if self.exists(placed | 1 << at, Some(at))? {
                return Some(true);
            }
        }
        Some(false)
    }
}
