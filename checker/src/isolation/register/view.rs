//! The history as a checker of registers sees it: transactions, reads and writes by number.

use polygraph_history::{
    EventIndex, History, Key, MicroRef, Micros, Op, Operation, Outcome, Value,
};
use rustc_hash::FxHashSet;

use super::elements::Elements;
use crate::numbers::Keys;

/// Stands for *none* where a number is expected.
pub(in super::super) const NONE: u32 = u32::MAX;

/// The author of the initial value of every register.
pub(in super::super) const INIT: u32 = u32::MAX - 1;

/// The element that stands for null while the columns are filled.
const NULL: u32 = u32::MAX;

/// Whether a transaction took place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Status {
    /// It was acknowledged.
    Acknowledged,
    /// Its outcome is unknown, and an acknowledged transaction read what it alone can have
    /// written.
    Observed,
    /// Its outcome is unknown, and nobody is known to have read from it: it counts as not there.
    Unobserved,
    /// It failed.
    Failed,
}

/// A transaction. Its reads and writes are those from its own first to the next one's first.
#[derive(Clone, Copy, Debug)]
struct Txn {
    operation: u32,
    first_read: u32,
    first_write: u32,
}

/// What an acknowledged transaction read from another, or from the initial state: as a rule before
/// any write of its own to that register; otherwise there is a [`Fault::Internal`] as well.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Read {
    pub(in super::super) key: u32,
    /// The transaction that wrote it, [`INIT`], or [`NONE`] if that is not known or the read is
    /// wrong by itself.
    pub(in super::super) author: u32,
    /// Which operation of its transaction it is, counted from zero.
    pub(in super::super) position: u32,
}

/// The last write of a transaction to a register, of transactions that did not fail.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Write {
    pub(in super::super) key: u32,
    /// Which operation of its transaction it is, counted from zero.
    pub(in super::super) position: u32,
}

/// What is wrong with a read by itself. Every level from read committed on forbids all but
/// [`Fault::Internal`] and [`Fault::NonRepeatable`], which read atomic forbids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in super::super) enum Fault {
    /// Nobody wrote it.
    ThinAir,
    /// It contradicts what the same transaction had last written to that register.
    Internal,
    /// The same transaction alone wrote it, afterwards.
    Future,
    /// Only a failed transaction wrote it.
    Aborted,
    /// The transaction that wrote it wrote something else to that register afterwards.
    Intermediate,
    /// It differs from what the same transaction had last read, without a write between.
    NonRepeatable,
}

/// A read with a [`Fault`].
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Faulty {
    pub(in super::super) fault: Fault,
    pub(in super::super) txn: u32,
    /// Which operation of its transaction it is, counted from zero.
    pub(in super::super) position: u32,
    /// The transaction that failed, or wrote something else; the operation of the same
    /// transaction that it contradicts; or [`NONE`].
    pub(in super::super) other: u32,
}

/// Transactions, reads, writes and registers by number. Transactions are in the order of their
/// invocations.
pub(in super::super) struct View<'h> {
    pub(in super::super) history: &'h History,
    txns: Vec<Txn>,
    pub(in super::super) status: Vec<Status>,
    pub(in super::super) reads: Vec<Read>,
    /// Those of each transaction are sorted by register.
    pub(in super::super) writes: Vec<Write>,
    pub(in super::super) keys: Vec<&'h Key>,
    /// In the order of transactions and of their operations, but for those that need no author,
    /// which come first.
    pub(in super::super) faults: Vec<Faulty>,
    /// How many reads there are whose author several transactions may be.
    pub(in super::super) ambiguous: u64,
    /// The first of these, as transaction and operation.
    pub(in super::super) first_ambiguous: Option<(u32, u32)>,
    /// How many operations on no register were left out.
    pub(in super::super) left_out: usize,
}

impl<'h> View<'h> {
    /// Looks at a history. Reads, writes and compare-and-sets outside of transactions count as
    /// transactions of one operation.
    ///
    /// # Errors
    /// Why it is not a history of transactions over registers.
    pub(in super::super) fn new(history: &'h History) -> Result<View<'h>, String> {
        let mut builder = Builder::new(history);
        for (id, operation) in history.operations().iter().enumerate() {
            match history.micros(operation) {
                Some(micros) => builder.transaction(id as u32, operation.outcome, micros)?,
                None => builder.single(id as u32, operation.outcome, history.op(operation)),
            }
        }
        builder.finish()
    }

    /// How many transactions there are, those that failed included.
    pub(in super::super) const fn len(&self) -> usize {
        self.status.len()
    }

    /// The reads of a transaction, in its order.
    pub(in super::super) fn reads_of(&self, txn: u32) -> &[Read] {
        let at = txn as usize;
        &self.reads[self.txns[at].first_read as usize..self.txns[at + 1].first_read as usize]
    }

    /// The last writes of a transaction, by register.
    pub(in super::super) fn writes_of(&self, txn: u32) -> &[Write] {
        let at = txn as usize;
        &self.writes[self.txns[at].first_write as usize..self.txns[at + 1].first_write as usize]
    }

    /// Whether a transaction took place and wrote to a register.
    pub(in super::super) fn wrote(&self, txn: u32, key: u32) -> bool {
        let writes = self.writes_of(txn);
        match writes.len() {
            0..=8 => writes.iter().any(|write| write.key == key),
            _ => writes.binary_search_by_key(&key, |write| write.key).is_ok(),
        }
    }

    /// Whether a transaction is known to have taken place.
    pub(in super::super) fn committed(&self, txn: u32) -> bool {
        matches!(
            self.status[txn as usize],
            Status::Acknowledged | Status::Observed
        )
    }

    /// Whether the outcome of a transaction is unknown, whatever was seen of it.
    pub(in super::super) fn is_unknown(&self, txn: u32) -> bool {
        matches!(
            self.status[txn as usize],
            Status::Observed | Status::Unobserved
        )
    }

    /// Whether a transaction was acknowledged.
    pub(in super::super) fn acknowledged(&self, txn: u32) -> bool {
        self.status[txn as usize] == Status::Acknowledged
    }

    /// The position of a transaction in [`History::operations`].
    pub(in super::super) fn operation_id(&self, txn: u32) -> u32 {
        self.txns[txn as usize].operation
    }

    /// Where the writes of a transaction begin in [`View::writes`].
    pub(in super::super) fn first_write(&self, txn: u32) -> usize {
        self.txns[txn as usize].first_write as usize
    }

    /// The position of a transaction's last write to a register.
    pub(in super::super) fn write_position(&self, txn: u32, key: u32) -> Option<usize> {
        let write = self.writes_of(txn).iter().find(|write| write.key == key);
        write.map(|write| write.position as usize)
    }

    /// The number of a transaction's last write to a register in [`View::writes`].
    pub(in super::super) fn write_of(&self, txn: u32, key: u32) -> Option<usize> {
        let at = self
            .writes_of(txn)
            .binary_search_by_key(&key, |write| write.key);
        at.ok().map(|at| self.first_write(txn) + at)
    }

    /// The version that the store says a transaction made, or read if that is all it did.
    pub(in super::super) fn version(&self, txn: u32) -> Option<u64> {
        self.history.version(self.operation(txn).complete?)
    }

    /// Whether a read contradicts what its transaction had written before.
    pub(in super::super) fn contradicts_itself(&self, txn: u32, position: u32) -> bool {
        let mut faults = self.faults.iter();
        faults.any(|it| (it.fault, it.txn, it.position) == (Fault::Internal, txn, position))
    }

    /// The operation that a transaction is.
    pub(in super::super) fn operation(&self, txn: u32) -> &'h Operation {
        &self.history.operations()[self.txns[txn as usize].operation as usize]
    }

    /// The event that invoked a transaction.
    pub(in super::super) fn invocation(&self, txn: u32) -> EventIndex {
        self.operation(txn).invoke
    }
}

/// What the transaction at hand did to a register so far. Of another transaction it says nothing.
#[derive(Clone, Copy)]
struct Own {
    writer: u32,
    /// Where its write is in [`View::writes`], and what it wrote.
    write: u32,
    written: u32,
    reader: u32,
    /// What it read last, by which operation.
    read: u32,
    position: u32,
}

const NOTHING: Own = Own {
    writer: NONE,
    write: NONE,
    written: NONE,
    reader: NONE,
    read: NONE,
    position: NONE,
};

struct Builder<'h> {
    history: &'h History,
    txns: Vec<Txn>,
    outcomes: Vec<Outcome>,
    /// While the columns are filled, the author of a read is the element that was read.
    reads: Vec<Read>,
    writes: Vec<Write>,
    keys: Keys<'h>,
    elements: Elements<'h>,
    own: Vec<Own>,
    /// Which registers somebody may have set to null.
    null_written: Vec<bool>,
    faults: Vec<Faulty>,
    left_out: usize,
    changed_otherwise: Vec<&'h Op>,
}

impl<'h> Builder<'h> {
    fn new(history: &'h History) -> Builder<'h> {
        let most = history.operations().len();
        Builder {
            history,
            txns: Vec::with_capacity(most + 1),
            outcomes: Vec::with_capacity(most),
            reads: Vec::with_capacity(most),
            writes: Vec::with_capacity(most),
            keys: Keys::default(),
            elements: Elements::default(),
            own: Vec::new(),
            null_written: Vec::new(),
            faults: Vec::new(),
            left_out: 0,
            changed_otherwise: Vec::new(),
        }
    }

    fn transaction(
        &mut self,
        operation: u32,
        outcome: Outcome,
        micros: Micros<'h>,
    ) -> Result<(), String> {
        self.begin(operation, outcome);
        for (position, micro) in micros.enumerate() {
            let position = position as u32;
            match micro {
                MicroRef::Read { key, value } => self.read(key, value, position),
                MicroRef::Write { key, value } => self.write(key, value, position),
                MicroRef::Append { .. } => {
                    return Err("the transactions append to lists".to_owned());
                }
                MicroRef::Other(other) => {
                    return Err(format!(
                        "the transactions do `{other}`, which is no read or write of a register"
                    ));
                }
            }
        }
        self.end();
        Ok(())
    }

    fn single(&mut self, operation: u32, outcome: Outcome, op: &'h Op) {
        match op {
            Op::Read { key, value } => {
                self.begin(operation, outcome);
                self.read(key, value.as_ref(), 0);
            }
            Op::Write { key, value } => {
                self.begin(operation, outcome);
                self.write(key, value, 0);
            }
            Op::Cas { key, from, to } => {
                self.begin(operation, outcome);
                self.read(key, Some(from), 0);
                self.write(key, to, 0);
            }
            Op::Peek { .. } => {}
            other => {
                self.left_out += 1;
                if !other.is_read_only() && outcome != Outcome::Fail {
                    self.changed_otherwise.push(other);
                }
            }
        }
    }

    fn begin(&mut self, operation: u32, outcome: Outcome) {
        self.txns.push(Txn {
            operation,
            first_read: self.reads.len() as u32,
            first_write: self.writes.len() as u32,
        });
        self.outcomes.push(outcome);
    }

    fn end(&mut self) {
        let first = self.txns.last().map_or(0, |txn| txn.first_write);
        let writes = &mut self.writes[first as usize..];
        if writes.len() > 1 {
            writes.sort_unstable_by_key(|write| write.key);
        }
    }

    fn key(&mut self, key: &'h Key) -> u32 {
        let number = self.keys.number(key);
        if number as usize == self.own.len() {
            self.own.push(NOTHING);
            self.null_written.push(false);
        }
        number
    }

    fn element(&mut self, key: u32, value: &'h Value) -> u32 {
        match value {
            Value::Null => NULL,
            value => self.elements.number(key, value),
        }
    }

    fn read(&mut self, key: &'h Key, value: Option<&'h Value>, position: u32) {
        let txn = self.txns.len() as u32 - 1;
        let Some(value) = value.filter(|_| self.outcomes[txn as usize] == Outcome::Ok) else {
            return;
        };
        let key = self.key(key);
        let element = self.element(key, value);
        let own = &mut self.own[key as usize];
        let mut fault = |fault: Fault, other: u32| {
            self.faults.push(Faulty {
                fault,
                txn,
                position,
                other,
            });
        };
        if own.writer == txn {
            if own.written == element {
                return;
            }
            fault(Fault::Internal, self.writes[own.write as usize].position);
            // Levels that do not mind still ask who wrote it, if not the transaction itself.
            if element != NULL && self.elements.all[element as usize].writer == txn {
                return;
            }
        } else {
            if own.reader == txn && own.read != element {
                fault(Fault::NonRepeatable, own.position);
            }
            own.reader = txn;
            own.read = element;
            own.position = position;
        }
        self.reads.push(Read {
            key,
            author: element,
            position,
        });
    }

    fn write(&mut self, key: &'h Key, value: &'h Value, position: u32) {
        let txn = self.txns.len() as u32 - 1;
        let key = self.key(key);
        let element = self.element(key, value);
        if self.outcomes[txn as usize] == Outcome::Fail {
            if element != NULL {
                let aborted = &mut self.elements.all[element as usize].aborted;
                *aborted = txn.min(*aborted);
            }
            return;
        }
        let own = &mut self.own[key as usize];
        if own.writer == txn {
            if own.written != NULL {
                self.elements.all[own.written as usize].overwritten = true;
            }
            self.writes[own.write as usize].position = position;
        } else {
            own.writer = txn;
            own.write = self.writes.len() as u32;
            self.writes.push(Write { key, position });
        }
        own.written = element;
        if element == NULL {
            self.null_written[key as usize] = true;
            return;
        }
        let element = &mut self.elements.all[element as usize];
        if element.writer == NONE {
            element.writer = txn;
        }
        element.several |= element.writer != txn;
        element.overwritten = false;
    }

    fn finish(mut self) -> Result<View<'h>, String> {
        if self.txns.is_empty() {
            return Err("the history has no transactions over registers".to_owned());
        }
        self.refuse_other_writers()?;
        self.txns.push(Txn {
            operation: NONE,
            first_read: self.reads.len() as u32,
            first_write: self.writes.len() as u32,
        });
        let status = self.outcomes.iter().map(|outcome| match outcome {
            Outcome::Ok => Status::Acknowledged,
            Outcome::Info => Status::Unobserved,
            Outcome::Fail => Status::Failed,
        });
        let mut view = View {
            history: self.history,
            status: status.collect(),
            txns: self.txns,
            reads: self.reads,
            writes: self.writes,
            keys: self.keys.names,
            faults: self.faults,
            ambiguous: 0,
            first_ambiguous: None,
            left_out: self.left_out,
        };
        view.find_authors(&self.elements, &self.null_written);
        Ok(view)
    }

    /// Operations of another sort that change a register would change what its reads mean.
    fn refuse_other_writers(&self) -> Result<(), String> {
        let known: FxHashSet<&Key> = match self.changed_otherwise.is_empty() {
            true => return Ok(()),
            false => self.keys.names.iter().copied().collect(),
        };
        for op in &self.changed_otherwise {
            if let Some(key) = op.key()
                && known.contains(key)
            {
                return Err(format!(
                    "`{op}` changes {key}, which is not a register then"
                ));
            }
        }
        Ok(())
    }
}

impl View<'_> {
    /// From elements to authors.
    fn find_authors(&mut self, elements: &Elements<'_>, null_written: &[bool]) {
        for txn in 0..self.status.len() as u32 {
            let (first, end) = (
                self.txns[txn as usize].first_read,
                self.txns[txn as usize + 1].first_read,
            );
            for read in &mut self.reads[first as usize..end as usize] {
                let element = match read.author {
                    NULL if !null_written[read.key as usize] => {
                        read.author = INIT;
                        continue;
                    }
                    NULL => None,
                    element => Some(&elements.all[element as usize]),
                };
                let Some(element) = element.filter(|element| !element.several) else {
                    read.author = NONE;
                    self.ambiguous += 1;
                    self.first_ambiguous.get_or_insert((txn, read.position));
                    continue;
                };
                let fault = match element.writer {
                    NONE if element.aborted == NONE => Some((Fault::ThinAir, NONE)),
                    NONE => Some((Fault::Aborted, element.aborted)),
                    own if own == txn => Some((Fault::Future, NONE)),
                    author if element.overwritten => Some((Fault::Intermediate, author)),
                    _ => None,
                };
                read.author = match fault {
                    None => element.writer,
                    Some((fault, other)) => {
                        self.faults.push(Faulty {
                            fault,
                            txn,
                            position: read.position,
                            other,
                        });
                        NONE
                    }
                };
                if read.author != NONE {
                    let status = &mut self.status[read.author as usize];
                    if *status == Status::Unobserved {
                        *status = Status::Observed;
                    }
                }
            }
        }
    }
}
