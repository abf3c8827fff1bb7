//! Histories by key: who wrote and read what, transactions taken apart into their steps.

use polygraph_history::{History, Key, MicroRef, Op, Operation, OperationId, Outcome, Value};
use rustc_hash::FxHashMap;

/// A step of an operation: single operations have one, transactions one for each micro-operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) operation: u32,
    pub(super) step: u32,
}

impl Part {
    /// Its position in [`History::operations`].
    pub(super) const fn id(self) -> OperationId {
        self.operation as OperationId
    }
}

/// What a key holds, as its operations show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// One value that writes replace.
    Register,
    /// A set, to which elements are added.
    Set,
    /// A list, to which elements are appended.
    List,
    /// Operations of several of these, which no definition covers.
    Mixed,
}

/// Everything that may have happened to a key, in the order of invocations. What failed, and
/// reads that did not succeed, say nothing and are left out; so are peeks.
#[derive(Debug)]
pub(super) struct KeyLog<'h> {
    pub(super) key: &'h Key,
    pub(super) parts: Vec<Part>,
    registers: bool,
    sets: bool,
    lists: bool,
    listed: bool,
}

impl KeyLog<'_> {
    pub(super) const fn shape(&self) -> Shape {
        match (self.registers, self.sets, self.lists) {
            // What nobody changes is what it is read as.
            (false, false, false) if self.listed => Shape::List,
            (_, false, false) => Shape::Register,
            (false, true, false) => Shape::Set,
            (false, false, true) => Shape::List,
            _ => Shape::Mixed,
        }
    }
}

/// What a step does to its key.
#[derive(Clone, Copy, Debug)]
pub(super) enum Access<'h> {
    Read(&'h Value),
    Write(&'h Value),
    Cas { from: &'h Value, to: &'h Value },
    Add(&'h Value),
    Remove(&'h Value),
    Append(&'h Value),
}

/// A history taken apart.
#[derive(Debug)]
pub(super) struct Split<'h> {
    /// By first appearance of the key.
    pub(super) keys: Vec<KeyLog<'h>>,
    /// How many operations take part.
    pub(super) operations: u64,
    /// How many of them are indeterminate.
    pub(super) indeterminate: u64,
    /// How many of them are `ok`.
    pub(super) ok: u64,
}

/// Takes a history apart.
pub(super) fn split(history: &History) -> Split<'_> {
    let mut split = Split {
        keys: Vec::new(),
        operations: 0,
        indeterminate: 0,
        ok: 0,
    };
    let mut numbers: FxHashMap<&str, usize> = FxHashMap::default();
    for (id, operation) in history.operations().iter().enumerate() {
        if operation.outcome == Outcome::Fail {
            continue;
        }
        let steps = history.micros(operation).map_or(1, |micros| micros.len());
        let mut takes_part = false;
        for step in 0..steps {
            let part = Part {
                operation: u32::try_from(id).expect("a history has fewer than 2^32 operations"),
                step: u32::try_from(step).expect("a transaction has fewer than 2^32 steps"),
            };
            let Some((key, access)) = access(history, part) else {
                continue;
            };
            takes_part = true;
            let number = *numbers.entry(&key.0).or_insert_with(|| {
                split.keys.push(KeyLog {
                    key,
                    parts: Vec::new(),
                    registers: false,
                    sets: false,
                    lists: false,
                    listed: false,
                });
                split.keys.len() - 1
            });
            let log = &mut split.keys[number];
            log.parts.push(part);
            match access {
                Access::Read(value) => log.listed |= matches!(value, Value::List(_)),
                Access::Write(_) | Access::Cas { .. } => log.registers = true,
                Access::Add(_) | Access::Remove(_) => log.sets = true,
                Access::Append(_) => log.lists = true,
            }
        }
        split.operations += u64::from(takes_part);
        split.ok += u64::from(takes_part && operation.outcome == Outcome::Ok);
        split.indeterminate += u64::from(takes_part && operation.outcome == Outcome::Info);
    }
    split
}

/// What a step does, and to which key; `None` if it says nothing.
pub(super) fn access(history: &History, part: Part) -> Option<(&Key, Access<'_>)> {
    let operation = &history.operations()[part.id()];
    let ok = operation.outcome == Outcome::Ok;
    if let Some(micros) = history.micros(operation) {
        return match micros.get(part.step as usize)? {
            MicroRef::Read { key, value } if ok => Some((key, Access::Read(value?))),
            MicroRef::Append { key, value } => Some((key, Access::Append(value))),
            MicroRef::Write { key, value } => Some((key, Access::Write(value))),
            MicroRef::Read { .. } | MicroRef::Other(_) => None,
        };
    }
    Some(match history.op(operation) {
        Op::Read { key, value } if ok => (key, Access::Read(value.as_ref()?)),
        Op::Write { key, value } => (key, Access::Write(value)),
        Op::Cas { key, from, to } => (key, Access::Cas { from, to }),
        Op::Add { key, value } => (key, Access::Add(value)),
        Op::Remove { key, value } => (key, Access::Remove(value)),
        _ => return None,
    })
}

/// Session order of two operations of one session, by their positions: whether `a` had ended when
/// `b` began. One process does one thing after the other, whatever its clock says; several
/// processes of one session are ordered by real time. What is indeterminate obliges nobody.
pub(super) fn so_before(operations: &[Operation], a: OperationId, b: OperationId) -> bool {
    let (first, second) = (&operations[a], &operations[b]);
    first.outcome == Outcome::Ok
        && match first.process == second.process {
            true => a <= b,
            false => first.precedes(second),
        }
}
