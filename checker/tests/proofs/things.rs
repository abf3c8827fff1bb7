//! The objects of the histories of these tests, specified once more and as simply as can be: what
//! they hold is a list of numbers.

use polygraph_checker::model::ModelKind;
use polygraph_history::{ErrorName, History, Key, Op, Operation, Outcome, Value};

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Thing {
    Register,
    Queue,
    Stack,
    Priority,
    Bag,
    Set,
}

pub(crate) const THINGS: [Thing; 6] = [
    Thing::Register,
    Thing::Queue,
    Thing::Stack,
    Thing::Priority,
    Thing::Bag,
    Thing::Set,
];

/// What an operation did and showed.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    Read(Option<i64>),
    Write(i64),
    Swap(Option<i64>, i64),
    Other(Option<i64>),
    Put(i64),
    Took(i64),
    TookSomething,
    Saw(i64),
    Nothing,
    Removed(i64),
    Has(i64, bool),
    All(Vec<i64>),
}

impl Thing {
    pub(crate) const fn model(self) -> ModelKind {
        match self {
            Thing::Register => ModelKind::CasRegister,
            Thing::Queue => ModelKind::FifoQueue,
            Thing::Stack => ModelKind::Stack,
            Thing::Priority => ModelKind::PriorityQueue,
            Thing::Bag => ModelKind::Bag,
            Thing::Set => ModelKind::Set,
        }
    }

    /// The places of the elements that may be taken next.
    fn next(self, held: &[i64]) -> Vec<usize> {
        let all = 0..held.len();
        match self {
            Thing::Queue => all.take(1).collect(),
            Thing::Stack => all.rev().take(1).collect(),
            Thing::Priority => all.max_by_key(|&at| held[at]).into_iter().collect(),
            Thing::Bag | Thing::Register | Thing::Set => all.collect(),
        }
    }

    /// What the object may hold afterwards; nothing if this is not possible.
    pub(crate) fn after(self, held: &[i64], act: &Act) -> Vec<Vec<i64>> {
        let now = held.last().copied();
        let same = |possible: bool| possible.then(|| held.to_vec()).into_iter().collect();
        let without = |at: usize| [&held[..at], &held[at + 1..]].concat();
        let with = |value: i64| [held, &[value]].concat();
        let next = self.next(held);
        match *act {
            Act::Read(value) => same(now == value),
            Act::Other(value) => same(now != value),
            Act::Write(value) => vec![vec![value]],
            Act::Swap(from, to) if now == from => vec![vec![to]],
            Act::Swap(..) => Vec::new(),
            Act::Put(value) if self == Thing::Set && held.contains(&value) => same(true),
            Act::Put(value) => vec![with(value)],
            Act::Took(value) => (next.into_iter().filter(|&at| held[at] == value))
                .map(without)
                .collect(),
            Act::TookSomething if held.is_empty() => same(true),
            Act::TookSomething => next.into_iter().map(without).collect(),
            Act::Saw(value) => same(next.into_iter().any(|at| held[at] == value)),
            Act::Nothing => same(held.is_empty()),
            Act::Removed(value) => match held.iter().position(|&other| other == value) {
                Some(at) => vec![without(at)],
                None => same(true),
            },
            Act::Has(value, found) => same(held.contains(&value) == found),
            Act::All(ref read) => same(
                held.iter().all(|value| read.contains(value))
                    && read.iter().all(|value| held.contains(value)),
            ),
        }
    }
}

fn number(value: &Value) -> Option<i64> {
    match value {
        Value::Int(value) => Some(*value),
        _ => None,
    }
}

/// What an operation did and showed, if anything.
pub(crate) fn act(history: &History, operation: &Operation) -> Option<Act> {
    let error = history
        .completion(operation)
        .and_then(|event| event.error.clone());
    let failed_because = |why| operation.outcome == Outcome::Fail && error == Some(why);
    let absent = failed_because(ErrorName::ABSENT);
    let known = operation.outcome == Outcome::Ok;
    let may = operation.outcome != Outcome::Fail;
    match history.op(operation) {
        Op::Read { value, .. } => known.then(|| match value.as_ref().unwrap() {
            Value::List(all) => Act::All(all.iter().filter_map(number).collect()),
            value => Act::Read(number(value)),
        }),
        Op::Write { value, .. } => may.then(|| Act::Write(number(value).unwrap())),
        Op::Cas { from, to, .. } if may => Some(Act::Swap(number(from), number(to).unwrap())),
        Op::Cas { from, .. } => {
            let looked = error.is_none() || failed_because(ErrorName::CAS_MISMATCH);
            looked.then(|| Act::Other(number(from)))
        }
        Op::Enqueue { value, .. }
        | Op::Push { value, .. }
        | Op::Insert { value, .. }
        | Op::Add { value, .. } => match number(value) {
            Some(value) if may => Some(Act::Put(value)),
            Some(value) if failed_because(ErrorName::PRESENT) => Some(Act::Has(value, true)),
            _ => None,
        },
        Op::Remove { value, .. } => match number(value) {
            Some(value) if may => Some(Act::Removed(value)),
            Some(value) if absent => Some(Act::Has(value, false)),
            _ => None,
        },
        Op::Contains { value, found, .. } if known => {
            Some(Act::Has(number(value).unwrap(), found.unwrap()))
        }
        Op::Dequeue { value, .. } | Op::Pop { value, .. } | Op::Extract { value, .. } => {
            match (value, operation.outcome) {
                _ if absent => Some(Act::Nothing),
                (Some(value), Outcome::Ok) => Some(number(value).map_or(Act::Nothing, Act::Took)),
                (_, Outcome::Fail) => None,
                _ => Some(Act::TookSomething),
            }
        }
        Op::Front { value, .. } => match value {
            _ if absent => Some(Act::Nothing),
            Some(value) if known => Some(number(value).map_or(Act::Nothing, Act::Saw)),
            _ => None,
        },
        _ => None,
    }
}

/// Whether an operation is about a key.
pub(crate) fn about(history: &History, operation: &Operation, key: &Key) -> bool {
    history.op(operation).key() == Some(key)
}
