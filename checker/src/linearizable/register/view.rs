//! The typed view of a history: for every key the operations that say something about it.
//!
//! Linearizability is local (Herlihy & Wing, TOPLAS 1990, theorem 1): a history is linearizable
//! when the operations of every key are, each for itself. So the split by key is exact.

use std::collections::BTreeSet;

use polygraph_history::{ErrorName, History, Key, Op, Operation, OperationId, Order, Outcome};
use rayon::prelude::*;
use rustc_hash::FxHashMap;

use super::rows::{MAX_RANK, Mismatch, NONE, Row, Rows};
use super::values::{Renumber, Values};

use crate::FailedCas;
use crate::model::CasRegisterOp;

/// A value of one key, by number.
pub(in crate::linearizable) type ValueId = u32;

/// What a key holds before its first write: nothing.
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
    pub(in crate::linearizable) rows: Rows,
    /// How many reads, writes and compare-and-sets there are.
    pub(in crate::linearizable) operations: u64,
    /// How many of them had an unknown outcome.
    pub(in crate::linearizable) indeterminate: u64,
    /// How many pairs of them overlapped.
    pub(in crate::linearizable) overlaps: u64,
    /// The names of operations on this key that no model here understands.
    pub(in crate::linearizable) foreign: BTreeSet<String>,
}

impl KeyView {
    /// What it was by the end of an event, failed compare-and-sets aside: what had not ended may
    /// take effect later, or never.
    pub(in crate::linearizable) fn until(mut self, rank: u64) -> KeyView {
        self.rows.mismatches.clear();
        self.rows.list.retain_mut(|row| {
            if u64::from(row.end) > rank + 1 {
                row.end = NONE;
            }
            let says = !row.pending() || row.leaves != NONE;
            says && u64::from(row.start) <= rank + 1
        });
        self
    }

    /// What says something, by start, as the search takes it.
    pub(in crate::linearizable) fn items(&self, history: &History) -> Vec<Item> {
        let mut items: Vec<Item> = Vec::with_capacity(self.rows.len());
        items.extend(self.rows.list.iter().map(|row| item(history, row)));
        let item = |mismatch: &Mismatch| {
            let action = Action::Mismatch(mismatch.forbids);
            placed(
                history,
                action,
                mismatch.start,
                mismatch.end,
                mismatch.operation,
            )
        };
        items.extend(self.rows.mismatches.iter().map(item));
        if !self.rows.mismatches.is_empty() {
            items.sort_by_key(|item| (item.start, item.operation));
        }
        items
    }
}

/// A row as the search takes it.
pub(super) fn item(history: &History, row: &Row) -> Item {
    let action = match (row.needs, row.leaves) {
        (needs, NONE) => Action::Read(needs),
        (NONE, leaves) => Action::Write(leaves),
        (from, to) => Action::Cas { from, to },
    };
    placed(history, action, row.start, row.end, row.operation)
}

fn placed(history: &History, action: Action, start: u32, end: u32, operation: u32) -> Item {
    let operation = operation as OperationId;
    let recorded = &history.operations()[operation];
    Item {
        operation,
        action,
        start: u64::from(start) - 1,
        end: if end == NONE {
            u64::MAX
        } else {
            u64::from(end) - 1
        },
        returned: recorded.complete.unwrap_or(recorded.invoke),
    }
}

/// All keys that have reads, writes or compare-and-sets, in the order of their first operation.
pub(in crate::linearizable) struct View {
    /// The keys.
    pub(in crate::linearizable) keys: Vec<KeyView>,
}

impl View {
    /// Sorts the operations of a history by key; `None` if there are more than can be numbered.
    pub(in crate::linearizable) fn new(history: &History, failed_cas: FailedCas) -> Option<View> {
        if history.events().len() as u64 >= MAX_RANK {
            return None;
        }
        let mut split = Split::new(history, failed_cas);
        for (id, operation) in history.operations().iter().enumerate() {
            split.add(id as u32, operation);
        }
        let values = split.values.count();
        let alone = split.keys.len() == 1;
        let everywhere = split.everywhere;
        let mut keys = split.keys;
        // A few keys at a time share what renumbers their values.
        let together = keys.len().div_ceil(4 * rayon::current_num_threads());
        keys.par_chunks_mut(together.max(1)).for_each(|keys| {
            let mut renumber = Renumber::new(if alone { 0 } else { values });
            for key in keys {
                key.foreign.extend(everywhere.iter().cloned());
                key.rows.sort();
                if alone {
                    key.rows.values = values;
                } else {
                    renumber_values(&mut key.rows, &mut renumber);
                }
                key.overlaps = overlaps(history, &key.rows);
            }
        });
        keys.retain(|key| key.operations > 0);
        Some(View { keys })
    }
}

struct Split<'a> {
    history: &'a History,
    failed_cas: FailedCas,
    by_key: FxHashMap<&'a str, usize>,
    keys: Vec<KeyView>,
    values: Values<'a>,
    /// Operations that may be about any key.
    everywhere: BTreeSet<String>,
}

impl<'a> Split<'a> {
    fn new(history: &'a History, failed_cas: FailedCas) -> Split<'a> {
        Split {
            history,
            failed_cas,
            by_key: FxHashMap::default(),
            keys: Vec::new(),
            values: Values::new(),
            everywhere: BTreeSet::new(),
        }
    }

    fn key(&mut self, name: &'a str) -> &mut KeyView {
        let at = *self.by_key.entry(name).or_insert(self.keys.len());
        if at == self.keys.len() {
            self.keys.push(KeyView::new(Key::from(name)));
        }
        &mut self.keys[at]
    }

    fn add(&mut self, id: u32, operation: &Operation) {
        let op = self.history.op(operation);
        match op {
            Op::Read { key, .. } | Op::Write { key, .. } | Op::Cas { key, .. } => {
                let action = self.action(op, operation);
                let view = self.key(&key.0);
                view.operations += 1;
                view.indeterminate += u64::from(operation.outcome == Outcome::Info);
                let start = operation.start as u32 + 1;
                let end = match operation.end {
                    u64::MAX => NONE,
                    end => end as u32 + 1,
                };
                match action {
                    Some(Says::Row(needs, leaves)) => view.rows.list.push(Row {
                        start,
                        end,
                        needs,
                        leaves,
                        operation: id,
                    }),
                    Some(Says::Mismatch(forbids)) => view.rows.mismatches.push(Mismatch {
                        start,
                        end,
                        forbids,
                        operation: id,
                    }),
                    None => {}
                }
            }
            Op::Peek { .. } => {}
            // What certainly had no effect and showed nothing constrains no model.
            _ if operation.outcome == Outcome::Fail => {}
            Op::Txn(micros) => {
                for micro in micros {
                    match micro.key() {
                        Some(key) => self.key(&key.0).foreign.insert("txn".to_owned()),
                        None => self.everywhere.insert("txn".to_owned()),
                    };
                }
            }
            Op::Custom { name, args } => match args.get("key").and_then(|key| key.as_str()) {
                Some(key) => {
                    self.key(key).foreign.insert(name.clone());
                }
                None => {
                    self.everywhere.insert(name.clone());
                }
            },
            _ => {
                if let Some(key) = op.key() {
                    let name = op.kind().name().to_owned();
                    self.key(&key.0).foreign.insert(name);
                }
            }
        }
    }

    /// What an operation does and shows; `None` if neither.
    fn action(&mut self, op: &'a Op, operation: &Operation) -> Option<Says> {
        let values = &mut self.values;
        match (op, operation.outcome) {
            (Op::Read { value, .. }, Outcome::Ok) => value
                .as_ref()
                .map(|value| Says::Row(values.id(value), NONE)),
            (Op::Write { value, .. }, Outcome::Ok | Outcome::Info) => {
                Some(Says::Row(NONE, values.id(value)))
            }
            // Replacing a value by itself has no effect, so that an unknown outcome says nothing.
            (Op::Cas { from, to, .. }, Outcome::Info) if from == to => None,
            (Op::Cas { from, to, .. }, Outcome::Ok) if from == to => {
                Some(Says::Row(values.id(from), NONE))
            }
            (Op::Cas { from, to, .. }, Outcome::Ok | Outcome::Info) => {
                Some(Says::Row(values.id(from), values.id(to)))
            }
            (Op::Cas { from, .. }, Outcome::Fail) if self.failed_cas == FailedCas::Observe => {
                // Any other error is a refusal (`not-leader`, `unavailable`): nobody looked.
                let completion = self.history.completion(operation);
                let error = completion.and_then(|event| event.error.as_ref());
                error
                    .is_none_or(|error| *error == ErrorName::CAS_MISMATCH)
                    .then(|| Says::Mismatch(values.id(from)))
            }
            _ => None,
        }
    }
}

/// What an operation says.
enum Says {
    /// What must be there, and what is there afterwards.
    Row(ValueId, ValueId),
    /// What was not there.
    Mismatch(ValueId),
}

impl KeyView {
    fn new(key: Key) -> KeyView {
        KeyView {
            key,
            rows: Rows::default(),
            operations: 0,
            indeterminate: 0,
            overlaps: 0,
            foreign: BTreeSet::new(),
        }
    }
}

fn renumber_values(rows: &mut Rows, renumber: &mut Renumber) {
    renumber.begin();
    for row in &mut rows.list {
        row.needs = renumber.id(row.needs);
        row.leaves = renumber.id(row.leaves);
    }
    for mismatch in &mut rows.mismatches {
        mismatch.forbids = renumber.id(mismatch.forbids);
    }
    rows.values = renumber.count();
}

/// How many pairs of operations overlapped: were open at the same time, as far as their clients
/// waited for them. Of each, those that began while it was open are counted.
fn overlaps(history: &History, rows: &Rows) -> u64 {
    let waited = |start: u32, end: u32, operation: u32| match (end, history.order()) {
        (NONE, Order::Index) => {
            let complete = history.operations()[operation as usize].complete;
            complete.map_or(NONE, |event| event as u32 + 1)
        }
        // Where ranks are not events the moment is not known; then it counts only against what
        // was open when it began.
        (NONE, Order::Time) => start,
        (end, _) => end,
    };
    let mut pairs = 0;
    for (at, row) in rows.list.iter().enumerate() {
        let until = waited(row.start, row.end, row.operation);
        pairs += begun_by(&rows.list[at + 1..], until, |row| row.start);
    }
    // Those of either kind that began while one of the other kind was open.
    let mut after = 0;
    for (at, mismatch) in rows.mismatches.iter().enumerate() {
        let until = waited(mismatch.start, mismatch.end, mismatch.operation);
        pairs += begun_by(&rows.mismatches[at + 1..], until, |other| other.start);
        after += begun_by(&rows.list[after..], mismatch.start, |row| row.start) as usize;
        pairs += begun_by(&rows.list[after..], until, |row| row.start);
    }
    if !rows.mismatches.is_empty() {
        let mut after = 0;
        for row in &rows.list {
            let until = waited(row.start, row.end, row.operation);
            let before = |other: &Mismatch| other.start;
            after += begun_by(
                &rows.mismatches[after..],
                row.start.saturating_sub(1),
                before,
            ) as usize;
            pairs += begun_by(&rows.mismatches[after..], until, before);
        }
    }
    pairs
}

/// How many of these, sorted by start, began by this moment: looks two, four, eight … further,
/// and then in between.
fn begun_by<T>(sorted: &[T], moment: u32, start: impl Fn(&T) -> u32) -> u64 {
    let mut step = 1;
    while step < sorted.len() && start(&sorted[step]) <= moment {
        step *= 2;
    }
    let from = step / 2;
    let to = sorted.len().min(step + 1);
    (from + sorted[from..to].partition_point(|one| start(one) <= moment)) as u64
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
