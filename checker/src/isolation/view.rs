//! The history as a checker of lists sees it: transactions, appends, reads, elements by number.

use polygraph_history::{History, Key, MicroRef, Micros, Op, Outcome, Value};
use rustc_hash::FxHashSet;

use crate::numbers::{Keys, Numbers};

/// Stands for *none* where a number is expected.
pub(super) const NONE: u32 = u32::MAX;

/// A transaction. Its reads and appends are those from its own first to the next one's first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Txn {
    /// Its position in [`History::operations`].
    pub(super) operation: u32,
    pub(super) outcome: Outcome,
    first_append: u32,
    first_read: u32,
}

/// An append, of a transaction with any outcome.
#[derive(Clone, Copy, Debug)]
pub(super) struct Append<'h> {
    pub(super) value: &'h Value,
    pub(super) txn: u32,
    pub(super) position: u32,
    pub(super) key: u32,
    pub(super) element: u32,
    /// The append before it by the same transaction to the same list.
    pub(super) previous: u32,
    /// The append after it by the same transaction to the same list.
    pub(super) next: u32,
}

/// What a transaction that took place read from a list.
#[derive(Clone, Copy, Debug)]
pub(super) struct Read<'h> {
    pub(super) txn: u32,
    pub(super) position: u32,
    pub(super) key: u32,
    /// How many elements it showed.
    length: u32,
    list: &'h Value,
}

impl<'h> Read<'h> {
    /// How many elements it showed.
    pub(super) const fn len(&self) -> usize {
        self.length as usize
    }

    /// What it showed.
    pub(super) fn values(&self) -> &'h [Value] {
        self.list.elements().unwrap_or_default()
    }
}

/// An element of a list that somebody tried to append.
#[derive(Clone, Copy, Debug)]
pub(super) struct Element {
    /// The first append of it that may have happened, if any.
    pub(super) append: u32,
    /// How many appends of it may have happened.
    pub(super) appends: u32,
    /// An append of it that certainly did not happen, if any.
    pub(super) aborted: u32,
}

impl Element {
    /// The one append that can have added it, if there is exactly one.
    pub(super) fn only_append(&self) -> Option<u32> {
        (self.appends == 1).then_some(self.append)
    }
}

/// Transactions, appends, reads and elements by number.
pub(super) struct View<'h> {
    pub(super) history: &'h History,
    pub(super) txns: Vec<Txn>,
    pub(super) appends: Vec<Append<'h>>,
    pub(super) reads: Vec<Read<'h>>,
    /// Reads of transactions that took place that returned something other than a list, as
    /// transaction and position.
    pub(super) not_lists: Vec<(u32, u32)>,
    pub(super) keys: Vec<&'h Key>,
    pub(super) elements: Vec<Element>,
    /// How many operations that are no transactions were left out.
    pub(super) left_out: usize,
    numbers: Numbers<'h>,
}

impl<'h> View<'h> {
    /// Looks at a history.
    ///
    /// # Errors
    /// Why it is not a history of transactions over lists.
    pub(super) fn new(history: &'h History) -> Result<View<'h>, String> {
        let mut view = View {
            history,
            txns: Vec::new(),
            appends: Vec::new(),
            reads: Vec::new(),
            not_lists: Vec::new(),
            keys: Vec::new(),
            elements: Vec::new(),
            left_out: 0,
            numbers: Numbers::default(),
        };
        let mut keys = Keys::default();
        // Of each list the latest append.
        let mut latest: Vec<u32> = Vec::new();
        for (id, operation) in history.operations().iter().enumerate() {
            match history.micros(operation) {
                Some(micros) => {
                    view.add(id as u32, operation.outcome, micros, &mut keys, &mut latest)?;
                }
                None if matches!(history.op(operation), Op::Peek { .. }) => {}
                None => view.left_out += 1,
            }
        }
        if view.txns.is_empty() {
            return Err("the history has no transactions".to_owned());
        }
        if view.appends.is_empty() && !view.not_lists.is_empty() {
            return Err("the transactions read registers, not lists".to_owned());
        }
        view.keys = keys.names;
        view.refuse_other_writers()?;
        Ok(view)
    }

    fn add(
        &mut self,
        operation: u32,
        outcome: Outcome,
        micros: Micros<'h>,
        keys: &mut Keys<'h>,
        latest: &mut Vec<u32>,
    ) -> Result<(), String> {
        let txn = self.txns.len() as u32;
        let first_append = self.appends.len() as u32;
        self.txns.push(Txn {
            operation,
            outcome,
            first_append,
            first_read: self.reads.len() as u32,
        });
        for (position, micro) in micros.enumerate() {
            let position = position as u32;
            match micro {
                MicroRef::Append { key, value } => {
                    let key = keys.number(key);
                    let append = self.appends.len() as u32;
                    let element = self.appended(key, value, append, outcome);
                    // Of an earlier transaction if it stands before the first of this one.
                    if key as usize >= latest.len() {
                        latest.resize(key as usize + 1, NONE);
                    }
                    let previous = std::mem::replace(&mut latest[key as usize], append);
                    let own = previous != NONE && previous >= first_append;
                    if own {
                        self.appends[previous as usize].next = append;
                    }
                    self.appends.push(Append {
                        value,
                        txn,
                        position,
                        key,
                        element,
                        previous: if own { previous } else { NONE },
                        next: NONE,
                    });
                }
                MicroRef::Read {
                    key,
                    value: Some(value),
                } if outcome == Outcome::Ok => match value.elements() {
                    Some(values) => self.reads.push(Read {
                        txn,
                        position,
                        key: keys.number(key),
                        length: values.len() as u32,
                        list: value,
                    }),
                    None => self.not_lists.push((txn, position)),
                },
                MicroRef::Read { .. } => {}
                MicroRef::Write { .. } => {
                    return Err("transactions over registers are not checked yet".to_owned());
                }
                MicroRef::Other(_) => {
                    return Err("transactions over logs and predicates are not of lists".to_owned());
                }
            }
        }
        Ok(())
    }

    fn appended(&mut self, key: u32, value: &'h Value, append: u32, outcome: Outcome) -> u32 {
        let fresh = self.elements.len() as u32;
        let id = self.numbers.insert(key, value, fresh);
        if id == fresh {
            self.elements.push(Element {
                append: NONE,
                appends: 0,
                aborted: NONE,
            });
        }
        let element = &mut self.elements[id as usize];
        if outcome == Outcome::Fail {
            element.aborted = element.aborted.min(append);
        } else {
            element.append = element.append.min(append);
            element.appends += 1;
        }
        id
    }

    /// Single operations that change a list that transactions use would change what its reads
    /// mean.
    fn refuse_other_writers(&self) -> Result<(), String> {
        if self.left_out == 0 {
            return Ok(());
        }
        let known: FxHashSet<&Key> = self.keys.iter().copied().collect();
        for operation in self.history.operations() {
            if self.history.micros(operation).is_some() {
                continue;
            }
            let op = self.history.op(operation);
            if let Some(key) = op.key()
                && !op.is_read_only()
                && operation.outcome != Outcome::Fail
                && known.contains(key)
            {
                return Err(format!(
                    "`{op}` changes {key}, which transactions use, from outside a transaction"
                ));
            }
        }
        Ok(())
    }

    /// The element of this value, if anybody tried to append it.
    pub(super) fn element(&self, key: u32, value: &Value) -> Option<u32> {
        self.numbers.get(key, value)
    }

    /// The appends of a transaction, by number.
    pub(super) fn appends_of(&self, txn: u32) -> std::ops::Range<u32> {
        let end = self.txns.get(txn as usize + 1);
        self.txns[txn as usize].first_append
            ..end.map_or(self.appends.len() as u32, |txn| txn.first_append)
    }

    /// The reads of a transaction, by number.
    pub(super) fn reads_of(&self, txn: u32) -> std::ops::Range<u32> {
        let end = self.txns.get(txn as usize + 1);
        self.txns[txn as usize].first_read
            ..end.map_or(self.reads.len() as u32, |txn| txn.first_read)
    }
}
