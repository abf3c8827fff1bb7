//! The typed view of a history: for every key the operations that say something about it.
//!
//! Linearizability is local (Herlihy & Wing, TOPLAS 1990, theorem 1): a history is linearizable
//! when the operations of every key are, each for itself. So the split by key is exact.

use std::collections::BTreeSet;

use polygraph_history::{
    ErrorName, History, Key, Op, Operation, OperationId, Order, Outcome, Value,
};
use rustc_hash::FxHashMap;

use crate::FailedCas;
use crate::model::CasRegisterOp;

/// A value of one key, by number.
pub(in crate::linearizable) type ValueId = u32;

/// What a key holds before its first write: [`Value::Null`].
pub(in crate::linearizable) const INITIAL: ValueId = 0;

/// Stands for every value that nobody can observe any more.
pub(in crate::linearizable) const OTHER: ValueId = u32::MAX;

/// What an operation does and shows, in numbers.
pub(in crate::linearizable) type Action = CasRegisterOp<ValueId>;

/// An operation of a key.
pub(in crate::linearizable) type Item = crate::linearizable::item::Item<Action>;

/// Everything about one key.
#[derive(Debug)]
pub(in crate::linearizable) struct KeyView {
    /// Which.
    pub(in crate::linearizable) key: Key,
    /// What says something, by start.
    pub(in crate::linearizable) items: Vec<Item>,
    /// The values by number.
    pub(in crate::linearizable) values: Vec<Value>,
    /// How many reads, writes and compare-and-sets there are.
    pub(in crate::linearizable) operations: u64,
    /// How many of them had an unknown outcome.
    pub(in crate::linearizable) indeterminate: u64,
    /// How many pairs of them overlapped.
    pub(in crate::linearizable) overlaps: u64,
    /// The names of operations on this key that no model here understands.
    pub(in crate::linearizable) foreign: BTreeSet<String>,
}

/// All keys that have reads, writes or compare-and-sets, in the order of their first operation.
pub(in crate::linearizable) struct View {
    /// The keys.
    pub(in crate::linearizable) keys: Vec<KeyView>,
}

impl View {
    /// Sorts the operations of a history by key.
    pub(in crate::linearizable) fn new(history: &History, failed_cas: FailedCas) -> View {
        use rayon::prelude::*;
        let mut split = Split::default();
        for (id, operation) in history.operations().iter().enumerate() {
            split.add(id, operation, history.op(operation));
        }
        let keys = split
            .buckets
            .into_par_iter()
            .filter(|bucket| !bucket.ids.is_empty())
            .map(|mut bucket| {
                bucket.foreign.extend(split.everywhere.iter().cloned());
                key_view(history, failed_cas, bucket)
            })
            .collect();
        View { keys }
    }
}

/// The operations of one key before they are looked at.
struct Bucket {
    key: Key,
    ids: Vec<OperationId>,
    foreign: BTreeSet<String>,
}

#[derive(Default)]
struct Split {
    by_key: FxHashMap<Key, usize>,
    buckets: Vec<Bucket>,
    /// Operations that may be about any key.
    everywhere: BTreeSet<String>,
}

impl Split {
    fn bucket(&mut self, key: &Key) -> &mut Bucket {
        let at = match self.by_key.get(key) {
            Some(&at) => at,
            None => {
                self.by_key.insert(key.clone(), self.buckets.len());
                self.buckets.push(Bucket {
                    key: key.clone(),
                    ids: Vec::new(),
                    foreign: BTreeSet::new(),
                });
                self.buckets.len() - 1
            }
        };
        &mut self.buckets[at]
    }

    fn add(&mut self, id: OperationId, operation: &Operation, op: &Op) {
        match op {
            Op::Read { key, .. } | Op::Write { key, .. } | Op::Cas { key, .. } => {
                self.bucket(key).ids.push(id);
            }
            Op::Peek { .. } => {}
            // What certainly had no effect and showed nothing constrains no model.
            _ if operation.outcome == Outcome::Fail => {}
            Op::Txn(micros) => {
                for micro in micros {
                    self.bucket(micro.key()).foreign.insert("txn".to_owned());
                }
            }
            Op::Custom { name, args } => match args.get("key").and_then(|key| key.as_str()) {
                Some(key) => {
                    self.bucket(&Key::from(key)).foreign.insert(name.clone());
                }
                None => {
                    self.everywhere.insert(name.clone());
                }
            },
            _ => {
                if let Some(key) = op.key() {
                    let name = op.kind().name().to_owned();
                    self.bucket(key).foreign.insert(name);
                }
            }
        }
    }
}

/// Numbers values as they come; the initial one is 0.
struct Values<'a> {
    ids: FxHashMap<&'a Value, ValueId>,
    values: Vec<Value>,
}

impl<'a> Values<'a> {
    fn id(&mut self, value: &'a Value) -> ValueId {
        let next = self.values.len() as ValueId;
        *self.ids.entry(value).or_insert_with(|| {
            self.values.push(value.clone());
            next
        })
    }
}

fn key_view(history: &History, failed_cas: FailedCas, bucket: Bucket) -> KeyView {
    let mut values = Values {
        ids: FxHashMap::from_iter([(&Value::Null, INITIAL)]),
        values: vec![Value::Null],
    };
    let mut items = Vec::with_capacity(bucket.ids.len());
    let mut indeterminate = 0;
    for &id in &bucket.ids {
        let operation = &history.operations()[id];
        indeterminate += u64::from(operation.outcome == Outcome::Info);
        let Some(action) = action(history, operation, failed_cas, &mut values) else {
            continue;
        };
        items.push(Item {
            operation: id,
            action,
            start: operation.start,
            end: operation.end,
            returned: operation.complete.unwrap_or(operation.invoke),
        });
    }
    items.sort_by_key(|item| (item.start, item.operation));
    KeyView {
        key: bucket.key,
        overlaps: overlaps(history, &items),
        values: values.values,
        items,
        operations: bucket.ids.len() as u64,
        indeterminate,
        foreign: bucket.foreign,
    }
}

/// What an operation does and shows; `None` if neither.
fn action<'a>(
    history: &'a History,
    operation: &Operation,
    failed_cas: FailedCas,
    values: &mut Values<'a>,
) -> Option<Action> {
    match (history.op(operation), operation.outcome) {
        (Op::Read { value, .. }, Outcome::Ok) => {
            value.as_ref().map(|value| Action::Read(values.id(value)))
        }
        (Op::Write { value, .. }, Outcome::Ok | Outcome::Info) => {
            Some(Action::Write(values.id(value)))
        }
        // Replacing a value by itself has no effect, so that an unknown outcome says nothing.
        (Op::Cas { from, to, .. }, Outcome::Info) if from == to => None,
        (Op::Cas { from, to, .. }, Outcome::Ok | Outcome::Info) => Some(Action::Cas {
            from: values.id(from),
            to: values.id(to),
        }),
        (Op::Cas { from, .. }, Outcome::Fail) if failed_cas == FailedCas::Observe => {
            // Any other error is a refusal (`not-leader`, `unavailable`): nobody looked.
            let error = history
                .completion(operation)
                .and_then(|event| event.error.as_ref());
            error
                .is_none_or(|error| *error == ErrorName::CAS_MISMATCH)
                .then(|| Action::Mismatch(values.id(from)))
        }
        _ => None,
    }
}

/// How many pairs of operations overlapped: were open at the same time, as far as their clients
/// waited for them.
fn overlaps(history: &History, items: &[Item]) -> u64 {
    let mut ends: Vec<u64> = items
        .iter()
        .map(|item| match (item.pending(), history.order()) {
            (false, _) => item.end,
            (true, Order::Index) => {
                let complete = history.operations()[item.operation].complete;
                complete.map_or(u64::MAX, |event| event as u64)
            }
            // Where ranks are not events the moment is not known; then it counts only against
            // what was open when it began.
            (true, Order::Time) => item.start,
        })
        .collect();
    ends.sort_unstable();
    let (mut ended, mut pairs) = (0, 0);
    for (begun, item) in items.iter().enumerate() {
        while ended < begun && ends[ended] < item.start {
            ended += 1;
        }
        pairs += (begun - ended) as u64;
    }
    pairs
}

/// The same without failed compare-and-sets: a weaker demand.
pub(in crate::linearizable) fn without_mismatches(items: &[Item]) -> Vec<Item> {
    let other = |item: &&Item| !matches!(item.action, Action::Mismatch(_));
    items.iter().filter(other).cloned().collect()
}

/// One more than the largest value that these items name.
pub(in crate::linearizable) fn size_of_domain(items: &[Item]) -> usize {
    let values = items.iter().flat_map(|item| match item.action {
        Action::Read(value) | Action::Write(value) | Action::Mismatch(value) => [value, INITIAL],
        Action::Cas { from, to } => [from, to],
    });
    values
        .filter(|&value| value != OTHER)
        .max()
        .unwrap_or(INITIAL) as usize
        + 1
}

/// Whether every value that can be told from others is written at most once.
pub(in crate::linearizable) fn written_once(items: &[Item]) -> bool {
    let mut seen = vec![false; size_of_domain(items)];
    seen[INITIAL as usize] = true;
    items
        .iter()
        .filter_map(|item| item.action.writes())
        .filter(|&&value| value != OTHER)
        .all(|&value| !std::mem::replace(&mut seen[value as usize], true))
}
