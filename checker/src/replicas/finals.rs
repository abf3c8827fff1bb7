//! What the copies of a key answered last, when nothing was written and nothing broke any more.

use std::collections::BTreeMap;

use polygraph_history::{History, Key, Micro, NodeId, Op, Operation, OperationId, Order, Outcome};
use polygraph_history::{Time, Value};
use rustc_hash::FxHashMap;

/// What a key holds, as its operations show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// One value; a list as an answer means siblings, unless lists are written.
    Register,
    /// A set.
    Set,
    /// A list.
    List,
    /// Operations of several of these.
    Mixed,
}

/// An operation that may have changed a key.
#[derive(Clone, Copy, Debug)]
pub(super) enum Update<'h> {
    Write(&'h Value),
    Add(&'h Value),
    Remove(&'h Value),
}

/// An answer: the operation and what it said.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answer<'h> {
    pub(super) operation: OperationId,
    pub(super) value: &'h Value,
}

/// One key: what changed it, and what was seen of it in the end.
#[derive(Debug)]
pub(super) struct KeyFinals<'h> {
    pub(super) key: &'h Key,
    pub(super) updates: Vec<(OperationId, Update<'h>)>,
    /// The last peek at every node at which one was tried; `None` if that did not succeed or
    /// came before the end.
    pub(super) replicas: BTreeMap<NodeId, Option<Answer<'h>>>,
    /// Every peek in the end that succeeded, in the order of the invocations.
    pub(super) looks: Vec<(NodeId, Answer<'h>)>,
    /// Reads in the end.
    pub(super) reads: Vec<Answer<'h>>,
    appended: bool,
}

impl<'h> KeyFinals<'h> {
    pub(super) fn shape(&self) -> Shape {
        let any = |is: fn(&Update<'_>) -> bool| self.updates.iter().any(|(_, update)| is(update));
        let writes = any(|update| matches!(update, Update::Write(_)));
        let adds = any(|update| matches!(update, Update::Add(_) | Update::Remove(_)));
        match (writes, adds, self.appended) {
            (_, false, _) => Shape::Register,
            (true, true, _) => Shape::Mixed,
            (false, true, false) => Shape::Set,
            (false, true, true) => Shape::List,
        }
    }

    /// Whether the order in which an answer lists its elements means nothing.
    pub(super) fn unordered(&self) -> bool {
        match self.shape() {
            Shape::Set => true,
            Shape::List | Shape::Mixed => false,
            Shape::Register => self.has_siblings(),
        }
    }

    /// Whether a list as an answer means values side by side.
    pub(super) fn has_siblings(&self) -> bool {
        let list = |update: &Update<'_>| matches!(update, Update::Write(Value::List(_)));
        !self.updates.is_empty() && !self.updates.iter().any(|(_, update)| list(update))
    }

    /// The last answers of all replicas that gave one.
    pub(super) fn answers(&self) -> impl Iterator<Item = (NodeId, Answer<'h>)> {
        self.replicas
            .iter()
            .filter_map(|(&node, &answer)| Some((node, answer?)))
    }

    /// The replicas that did not answer in the end.
    pub(super) fn silent(&self) -> Vec<NodeId> {
        let silent = self.replicas.iter().filter(|(_, answer)| answer.is_none());
        silent.map(|(&node, _)| node).collect()
    }
}

/// The keys of a history, by first appearance.
pub(super) fn finals(history: &History) -> Vec<KeyFinals<'_>> {
    let mut keys = Keys {
        list: Vec::new(),
        numbers: FxHashMap::default(),
    };
    let mut settled: Vec<u64> = Vec::new();
    for (id, operation) in history.operations().iter().enumerate() {
        if operation.outcome == Outcome::Fail {
            continue;
        }
        for (key, update, append) in updates(history.op(operation)) {
            let number = keys.number(key);
            settled.resize(keys.list.len(), 0);
            settled[number] = settled[number].max(settled_by(history, operation));
            keys.list[number].updates.push((id, update));
            keys.list[number].appended |= append;
        }
    }
    let quiet = last_fault(history);
    let mut last: BTreeMap<(usize, NodeId), u64> = BTreeMap::new();
    for (id, operation) in history.operations().iter().enumerate() {
        let ok = operation.outcome == Outcome::Ok;
        for (key, node, value) in observations(history.op(operation)) {
            let number = keys.number(key);
            settled.resize(keys.list.len(), 0);
            let ended = operation.start > settled[number] && after(history, operation, quiet);
            let answer = value.filter(|_| ok && ended).map(|value| Answer {
                operation: id,
                value,
            });
            let Some(node) = node else {
                keys.list[number].reads.extend(answer);
                continue;
            };
            keys.list[number]
                .looks
                .extend(answer.map(|answer| (node, answer)));
            let latest = last.entry((number, node)).or_insert(0);
            if operation.start >= *latest {
                *latest = operation.start;
                keys.list[number].replicas.insert(node, answer);
            }
        }
    }
    keys.list
}

struct Keys<'h> {
    list: Vec<KeyFinals<'h>>,
    numbers: FxHashMap<&'h str, usize>,
}

impl<'h> Keys<'h> {
    fn number(&mut self, key: &'h Key) -> usize {
        *self.numbers.entry(&key.0).or_insert_with(|| {
            self.list.push(KeyFinals {
                key,
                updates: Vec::new(),
                replicas: BTreeMap::new(),
                looks: Vec::new(),
                reads: Vec::new(),
                appended: false,
            });
            self.list.len() - 1
        })
    }
}

/// What an operation changes, and whether by appending.
fn updates(op: &Op) -> Vec<(&Key, Update<'_>, bool)> {
    match op {
        Op::Write { key, value } | Op::Cas { key, to: value, .. } => {
            vec![(key, Update::Write(value), false)]
        }
        Op::Add { key, value } => vec![(key, Update::Add(value), false)],
        Op::Remove { key, value } => vec![(key, Update::Remove(value), false)],
        Op::Txn(micros) => micros
            .iter()
            .filter_map(|micro| match micro {
                Micro::Append { key, value } => Some((key, Update::Add(value), true)),
                Micro::Write { key, value } => Some((key, Update::Write(value), false)),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// What an operation tells of which key, of one replica if it is a peek.
fn observations(op: &Op) -> Vec<(&Key, Option<NodeId>, Option<&Value>)> {
    match op {
        Op::Read { key, value } => vec![(key, None, value.as_ref())],
        Op::Peek { key, node, value } => vec![(key, Some(*node), value.as_ref())],
        Op::Txn(micros) => micros
            .iter()
            .filter_map(|micro| match micro {
                Micro::Read { key, value } => Some((key, None, value.as_ref())),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// The rank by which an update is over for its client: its completion, also where that says that
/// nothing is known, else its invocation.
fn settled_by(history: &History, operation: &Operation) -> u64 {
    match (operation.outcome, history.order(), operation.complete) {
        (Outcome::Info, Order::Index, Some(complete)) => complete as u64,
        (Outcome::Info, ..) => operation.start,
        _ => operation.end,
    }
}

/// The last event of the nemesis.
fn last_fault(history: &History) -> Option<(u64, Time)> {
    history
        .faults()
        .last()
        .map(|(event, _)| (event.index, event.time))
}

fn after(history: &History, operation: &Operation, fault: Option<(u64, Time)>) -> bool {
    let Some((index, time)) = fault else {
        return true;
    };
    match history.order() {
        Order::Index => operation.invoke as u64 > index,
        Order::Time | Order::Session => history.invoked_at(operation) > time,
    }
}

/// The elements of an answer, or the answer itself.
pub(super) fn elements(value: &Value) -> &[Value] {
    value.elements().unwrap_or(std::slice::from_ref(value))
}
