//! Events to a history: invariants and pairing, in one pass.

use rustc_hash::FxHashMap;

use super::record::{Link, MAX_EVENTS, Rare, Record};
use super::{History, InvalidHistory, Operation, OperationId, Order, Outcome};
use crate::spec::Spec;
use crate::value::Chains;
use crate::{Body, Event, Key, Kind, Micro, Op, Process, Session, Time, Value};

/// Processes below this number are looked up in a table.
const DENSE: u64 = 1 << 20;

/// No operation, or no session.
const NONE: u32 = u32::MAX;

/// A history that grows event by event.
#[derive(Debug)]
pub(crate) struct Builder {
    /// Whether the history is our own: then times do not run backwards, and every completion has
    /// an invocation.
    strict: bool,
    record: Record,
    operations: Vec<Operation>,
    processes: Processes,
    keys: Keys,
    previous: Time,
    /// What transactions read, by the number of the key.
    pub(crate) chains: Chains,
    /// Room for the transaction that is being read.
    pub(crate) micros: Vec<Micro>,
}

/// What a client's event consists of, but for its operation.
#[derive(Clone, Copy)]
pub(crate) struct Head {
    pub(crate) time: Time,
    pub(crate) process: u64,
    pub(crate) kind: Kind,
}

impl Builder {
    pub(crate) fn new(strict: bool) -> Builder {
        Builder {
            strict,
            record: Record::default(),
            operations: Vec::new(),
            processes: Processes::default(),
            keys: Keys::default(),
            previous: Time::ZERO,
            chains: Chains::default(),
            micros: Vec::new(),
        }
    }

    /// The number of events so far.
    pub(crate) const fn len(&self) -> usize {
        self.record.len()
    }

    /// The one key of this name.
    pub(crate) fn key(&mut self, name: &str) -> Key {
        self.keys.named(name).0
    }

    /// The same, with its number.
    pub(crate) fn numbered_key(&mut self, name: &str) -> (Key, u32) {
        self.keys.named(name)
    }

    /// The number of the operation that a process has open.
    fn open(&mut self, process: u64) -> Option<OperationId> {
        let open = self.processes.of(process).open;
        (open != NONE).then_some(open as usize)
    }

    /// The operation that a process has open, as it was invoked.
    pub(crate) fn open_op(&mut self, process: u64) -> Option<Op> {
        self.open(process).map(|id| self.record.ops.to_op(id))
    }

    /// Whether an operation is the one that a process has open with results filled in; `None` if
    /// it has none open.
    pub(crate) fn repeats(&mut self, process: u64, op: &Op) -> Option<bool> {
        let open = self.open(process)?;
        Some(self.record.ops.repeated_by(open, op))
    }

    /// Adds operations to a transaction.
    pub(crate) fn extend(&mut self, id: OperationId, more: impl IntoIterator<Item = Micro>) {
        self.record.ops.extend(id, more);
    }

    /// Lets `change` say what each read of a transaction saw that says something, by its key and
    /// what it says now.
    pub(crate) fn change_reads(
        &mut self,
        change: impl FnMut(&Key, Option<Value>) -> Option<Value>,
    ) {
        self.record.ops.change_reads(change);
    }

    /// [`Builder::key`], quicker where it is the key of the operation that the process has open.
    pub(crate) fn key_of(&mut self, process: u64, name: &str) -> Key {
        let open = self.open(process);
        match open.and_then(|id| self.record.ops.key(id)) {
            Some(key) if *key.0 == *name => key.clone(),
            _ => self.key(name),
        }
    }

    /// Adds an event.
    ///
    /// # Errors
    /// If it is not one that may follow, as [`History::new`] says.
    pub(crate) fn add(&mut self, event: Event) -> Result<(), InvalidHistory> {
        let at = self.len();
        if event.index != at as u64 {
            return Err(self.invalid(format!("its index is {}", event.index), &format!("{at}")));
        }
        self.check_time(event.time)?;
        let process = match (event.process, &event.body) {
            (Process::Nemesis, Body::Fault(_)) => {
                self.previous = event.time;
                self.record.push_fault(event);
                return Ok(());
            }
            (Process::Client(process), Body::Op(_)) => process,
            (Process::Nemesis, Body::Op(_)) => {
                return Err(self.invalid("the nemesis performs an operation".into(), "a fault"));
            }
            (Process::Client(_), Body::Fault(_)) => {
                return Err(self.invalid("a client performs a fault".into(), "an operation"));
            }
        };
        let Body::Op(mut op) = event.body else {
            return Ok(());
        };
        self.keys.intern(&mut op);
        let head = Head {
            time: event.time,
            process,
            kind: event.kind,
        };
        let rare = Rare {
            node: event.node,
            session: event.session,
            version: event.version,
            snapshot: event.snapshot,
            intended: event.intended,
            error: event.error,
            detail: event.detail,
            verified: event.verified,
        };
        self.client_with(head, op, rare)
    }

    /// Adds a client's event, whose operation has keys of [`Builder::key`].
    ///
    /// # Errors
    /// As [`Builder::add`].
    pub(crate) fn client(&mut self, head: Head, op: Op) -> Result<(), InvalidHistory> {
        self.event(head, op, None)
    }

    /// Adds a client's event with what few events have.
    ///
    /// # Errors
    /// As [`Builder::add`].
    pub(crate) fn client_with(
        &mut self,
        head: Head,
        op: Op,
        rare: Rare,
    ) -> Result<(), InvalidHistory> {
        self.event(head, op, rare.session.as_ref())?;
        self.record.push_rare(rare);
        Ok(())
    }

    fn event(
        &mut self,
        head: Head,
        op: Op,
        session: Option<&Session>,
    ) -> Result<(), InvalidHistory> {
        self.check_time(head.time)?;
        let id = match head.kind {
            Kind::Invoke => self.invoke(head, op, session)?,
            Kind::Ok => self.complete(head, Outcome::Ok, op, session)?,
            Kind::Fail => self.complete(head, Outcome::Fail, op, session)?,
            Kind::Info => self.complete(head, Outcome::Info, op, session)?,
        };
        self.previous = head.time;
        self.record.push(head.time, Link::operation(id));
        Ok(())
    }

    fn check_time(&self, time: Time) -> Result<(), InvalidHistory> {
        if self.len() >= MAX_EVENTS {
            return Err(self.invalid("there are too many events".into(), "fewer than 2^31"));
        }
        if self.record.ops.is_full() {
            let problem = "there are too many operations inside transactions".to_owned();
            return Err(self.invalid(problem, "fewer than 2^32"));
        }
        if self.strict && time < self.previous {
            return Err(self.invalid(
                format!("its time {} is before the last event's", time.0),
                &format!("at least {}", self.previous.0),
            ));
        }
        Ok(())
    }

    fn invoke(
        &mut self,
        head: Head,
        op: Op,
        session: Option<&Session>,
    ) -> Result<OperationId, InvalidHistory> {
        let (id, at) = (self.operations.len(), self.len());
        let slot = self.processes.of(head.process);
        if slot.open != NONE {
            let earlier = self.operations[slot.open as usize].invoke;
            return Err(self.invalid(
                format!(
                    "process {} invokes while its operation of event {earlier} is open",
                    head.process
                ),
                "its completion first",
            ));
        }
        slot.open = id as u32;
        let session = self.processes.session(head.process, session);
        self.operations.push(Operation {
            invoke: at,
            complete: None,
            outcome: Outcome::Info,
            process: head.process,
            session,
            start: at as u64,
            end: u64::MAX,
        });
        self.record.ops.push(op);
        Ok(id)
    }

    fn complete(
        &mut self,
        head: Head,
        outcome: Outcome,
        op: Op,
        session: Option<&Session>,
    ) -> Result<OperationId, InvalidHistory> {
        let at = self.len();
        let open = std::mem::replace(&mut self.processes.of(head.process).open, NONE);
        let id = match open {
            NONE => self.uninvoked(head, op, session)?,
            open => {
                let id = open as usize;
                if !self.record.ops.repeated_by(id, &op) {
                    // It is going to be shown.
                    self.chains.close();
                    let invoked = self.record.ops.to_op(id);
                    let problem = format!(
                        "it completes `{op}`, but process {} invoked `{invoked}`",
                        head.process
                    );
                    return Err(self.invalid(problem, "the invoked operation with its results"));
                }
                self.record.complete(id, outcome, op);
                id
            }
        };
        let operation = &mut self.operations[id];
        operation.complete = Some(at);
        operation.outcome = outcome;
        match outcome {
            Outcome::Ok | Outcome::Fail => operation.end = at as u64,
            Outcome::Info => self.processes.of(head.process).session = NONE,
        }
        Ok(id)
    }

    /// A completion that has no invocation: an operation that may have begun at any time before.
    fn uninvoked(
        &mut self,
        head: Head,
        op: Op,
        session: Option<&Session>,
    ) -> Result<OperationId, InvalidHistory> {
        if self.strict {
            let problem = format!(
                "process {} completes an operation that it did not invoke",
                head.process
            );
            return Err(self.invalid(problem, "an invocation before it"));
        }
        let session = self.processes.session(head.process, session);
        self.operations.push(Operation {
            invoke: self.record.len(),
            complete: None,
            outcome: Outcome::Info,
            process: head.process,
            session,
            start: 0,
            end: u64::MAX,
        });
        self.record.ops.push(op);
        Ok(self.operations.len() - 1)
    }

    fn invalid(&self, problem: String, expected: &str) -> InvalidHistory {
        InvalidHistory {
            index: self.len(),
            problem,
            expected: expected.to_owned(),
        }
    }

    /// The history of all events so far.
    pub(crate) fn finish(mut self, spec: Option<Spec>, order: Order) -> History {
        self.chains.close();
        self.record.ops.close();
        let mut history = History {
            spec,
            order,
            record: self.record,
            operations: self.operations,
            truncated: false,
            warnings: Vec::new(),
        };
        match order {
            Order::Index => {}
            Order::Time => history.rank_by_time(),
            Order::Session => history.overlap_all(),
        }
        history
    }
}

/// Keys by name, with their numbers: equal keys share one allocation.
#[derive(Debug, Default)]
struct Keys(FxHashMap<Key, u32>);

impl Keys {
    fn named(&mut self, name: &str) -> (Key, u32) {
        match self.0.get_key_value(name) {
            Some((key, &number)) => (key.clone(), number),
            None => {
                let (key, number) = (Key::from(name), self.0.len() as u32);
                self.0.insert(key.clone(), number);
                (key, number)
            }
        }
    }

    fn intern(&mut self, op: &mut Op) {
        match op {
            Op::Txn(micros) => {
                for micro in micros {
                    micro.for_each_key(|key| self.share(key));
                }
            }
            op => {
                if let Some(key) = op.key_mut() {
                    self.share(key);
                }
            }
        }
    }

    fn share(&mut self, key: &mut Key) {
        match self.0.get_key_value(key) {
            Some((known, _)) => *key = known.clone(),
            None => {
                self.0.insert(key.clone(), self.0.len() as u32);
            }
        }
    }
}

/// What a process is in the middle of.
#[derive(Debug, Clone, Copy)]
struct Current {
    /// Its open operation.
    open: u32,
    /// Its session, where that has no name.
    session: u32,
}

impl Current {
    const NOTHING: Current = Current {
        open: NONE,
        session: NONE,
    };
}

/// Processes by number; sessions by name where they have one, else by process.
#[derive(Debug, Default)]
struct Processes {
    low: Vec<Current>,
    high: FxHashMap<u64, Current>,
    sessions: FxHashMap<Session, u32>,
    next_session: u32,
}

impl Processes {
    fn of(&mut self, process: u64) -> &mut Current {
        if process >= DENSE {
            return self.high.entry(process).or_insert(Current::NOTHING);
        }
        let at = process as usize;
        if at >= self.low.len() {
            self.low.resize(at + 1, Current::NOTHING);
        }
        &mut self.low[at]
    }

    /// The session of an operation that begins.
    fn session(&mut self, process: u64, name: Option<&Session>) -> u32 {
        let next = self.next_session;
        let session = match name {
            Some(name) => match self.sessions.get(name) {
                Some(&session) => session,
                None => *self.sessions.entry(name.clone()).or_insert(next),
            },
            None => {
                let current = self.of(process);
                if current.session == NONE {
                    current.session = next;
                }
                current.session
            }
        };
        self.next_session += u32::from(session == next);
        session
    }
}
