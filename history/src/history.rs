//! The history: events in order, paired into operations, checked once.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::spec::Spec;
use crate::{Body, Event, FaultEvent, Key, Kind, Micro, Op, Process, Session, Time};

/// The position of an event in [`History::events`], equal to its `index` in our own histories.
pub type EventIndex = usize;

/// The position of an operation in [`History::operations`].
pub type OperationId = usize;

/// What decides which of two operations came first in real time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The order of events: our own histories, and foreign ones without times.
    Index,
    /// Times, as closed intervals: equal times are concurrent.
    Time,
}

/// How an operation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// It took place.
    Ok,
    /// It did not and never will.
    Fail,
    /// Not known; also when the history ends before it does.
    Info,
}

/// An operation: an invocation and, perhaps, its completion.
#[derive(Clone, Debug)]
pub struct Operation {
    /// The event that began it. Of a foreign completion without invocation, the completion.
    pub invoke: EventIndex,
    /// The event that ended it, if any.
    pub complete: Option<EventIndex>,
    /// How it ended.
    pub outcome: Outcome,
    /// The client process, by number.
    pub process: u64,
    /// The session, numbered densely from zero.
    pub session: u32,
    /// When it began, as a rank in real time: `a` precedes `b` when `a.end < b.start`.
    pub start: u64,
    /// When it ended, as such a rank; `u64::MAX` if it may still take effect.
    pub end: u64,
}

impl Operation {
    /// Whether this operation had ended before `other` began.
    #[must_use]
    pub const fn precedes(&self, other: &Operation) -> bool {
        self.end < other.start
    }
}

/// What happened, from beginning to end.
#[derive(Clone, Debug)]
pub struct History {
    spec: Option<Spec>,
    order: Order,
    events: Vec<Event>,
    operations: Vec<Operation>,
    truncated: bool,
    warnings: Vec<String>,
}

/// Why events do not make a history.
#[derive(Debug, thiserror::Error)]
#[error("event {index}: {problem}, expected {expected}")]
pub struct InvalidHistory {
    /// The event at fault.
    pub index: EventIndex,
    /// What is wrong.
    pub problem: String,
    /// What would be right.
    pub expected: String,
}

impl History {
    /// Checks the invariants and pairs events into operations.
    ///
    /// A foreign completion that has no invocation counts as an operation that may have begun at
    /// any time before.
    ///
    /// # Errors
    /// If indices have gaps, a process begins an operation while another is open, a completion
    /// does not repeat its invocation, or (in our own histories, which have a spec) has none, or
    /// times run backwards.
    pub fn new(
        spec: Option<Spec>,
        order: Order,
        mut events: Vec<Event>,
    ) -> Result<History, InvalidHistory> {
        intern_keys(&mut events);
        let mut operations = Vec::with_capacity(events.len() / 2);
        let mut open: FxHashMap<u64, OperationId> = FxHashMap::default();
        let mut sessions = Sessions::default();
        let mut previous = Time::ZERO;
        for (at, event) in events.iter().enumerate() {
            let invalid = |problem: String, expected: &str| InvalidHistory {
                index: at,
                problem,
                expected: expected.to_owned(),
            };
            if event.index != at as u64 {
                return Err(invalid(
                    format!("its index is {}", event.index),
                    &format!("{at}"),
                ));
            }
            if spec.is_some() && event.time < previous {
                return Err(invalid(
                    format!("its time {} is before the last event's", event.time.0),
                    &format!("at least {}", previous.0),
                ));
            }
            previous = event.time;
            let process = match (event.process, &event.body) {
                (Process::Nemesis, Body::Fault(_)) => continue,
                (Process::Client(process), Body::Op(_)) => process,
                (Process::Nemesis, Body::Op(_)) => {
                    return Err(invalid(
                        "the nemesis performs an operation".into(),
                        "a fault",
                    ));
                }
                (Process::Client(_), Body::Fault(_)) => {
                    return Err(invalid("a client performs a fault".into(), "an operation"));
                }
            };
            let op = event.op().expect("clients perform operations");
            if event.kind == Kind::Invoke {
                let operation = Operation {
                    invoke: at,
                    complete: None,
                    outcome: Outcome::Info,
                    process,
                    session: sessions.of(process, event.session.as_ref()),
                    start: at as u64,
                    end: u64::MAX,
                };
                if let Some(earlier) = open.insert(process, operations.len()) {
                    let earlier: &Operation = &operations[earlier];
                    return Err(invalid(
                        format!(
                            "process {process} invokes while its operation of event {} is open",
                            earlier.invoke
                        ),
                        "its completion first",
                    ));
                }
                operations.push(operation);
                continue;
            }
            let outcome = match event.kind {
                Kind::Ok => Outcome::Ok,
                Kind::Fail => Outcome::Fail,
                Kind::Info | Kind::Invoke => Outcome::Info,
            };
            let id = match open.remove(&process) {
                Some(id) => id,
                None if spec.is_some() => {
                    return Err(invalid(
                        format!("process {process} completes an operation that it did not invoke"),
                        "an invocation before it",
                    ));
                }
                None => {
                    operations.push(Operation {
                        invoke: at,
                        complete: None,
                        outcome,
                        process,
                        session: sessions.of(process, event.session.as_ref()),
                        start: 0,
                        end: u64::MAX,
                    });
                    operations.len() - 1
                }
            };
            let operation = &mut operations[id];
            let invoked = events[operation.invoke]
                .op()
                .expect("operations begin with operations");
            if !invoked.repeated_by(op) {
                return Err(invalid(
                    format!("it completes `{op}`, but process {process} invoked `{invoked}`"),
                    "the invoked operation with its results",
                ));
            }
            operation.complete = Some(at);
            operation.outcome = outcome;
            match outcome {
                Outcome::Ok | Outcome::Fail => operation.end = at as u64,
                Outcome::Info => sessions.end(process),
            }
        }
        let mut history = History {
            spec,
            order,
            events,
            operations,
            truncated: false,
            warnings: Vec::new(),
        };
        if order == Order::Time {
            history.rank_by_time();
        }
        Ok(history)
    }

    /// Marks the history as cut short: its file ended in the middle of a line.
    #[must_use]
    pub fn truncated_with(mut self, warning: String) -> History {
        self.truncated = true;
        self.warnings.push(warning);
        self
    }

    /// Adds what a reader should tell its user.
    #[must_use]
    pub fn with_warnings(mut self, warnings: impl IntoIterator<Item = String>) -> History {
        self.warnings.extend(warnings);
        self
    }

    /// What the run was asked to do, if the history came from a run.
    #[must_use]
    pub const fn spec(&self) -> Option<&Spec> {
        self.spec.as_ref()
    }

    /// What decides real-time order.
    #[must_use]
    pub const fn order(&self) -> Order {
        self.order
    }

    /// All events, in order.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// All operations of clients, in the order of their invocations.
    #[must_use]
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// Whether the file ended in the middle of a line.
    #[must_use]
    pub const fn truncated(&self) -> bool {
        self.truncated
    }

    /// What the reader noticed.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The operation as it is best known: as it completed if that was `ok`, else as invoked.
    #[must_use]
    pub fn op(&self, operation: &Operation) -> &Op {
        let event = match operation.outcome {
            Outcome::Ok => operation.complete.unwrap_or(operation.invoke),
            Outcome::Fail | Outcome::Info => operation.invoke,
        };
        self.events[event]
            .op()
            .expect("operations are made of operations")
    }

    /// The event that ended it, if any.
    #[must_use]
    pub fn completion(&self, operation: &Operation) -> Option<&Event> {
        operation.complete.map(|at| &self.events[at])
    }

    /// When it was invoked.
    #[must_use]
    pub fn invoked_at(&self, operation: &Operation) -> Time {
        self.events[operation.invoke].time
    }

    /// When it completed, if it did.
    #[must_use]
    pub fn completed_at(&self, operation: &Operation) -> Option<Time> {
        operation.complete.map(|at| self.events[at].time)
    }

    /// The faults as recorded, each with its event.
    pub fn faults(&self) -> impl Iterator<Item = (&Event, &FaultEvent)> {
        self.events
            .iter()
            .filter_map(|event| event.fault().map(|fault| (event, fault)))
    }

    /// Ranks begin and end of operations by time, with closed intervals: at one time all
    /// invocations come before all completions. An operation whose completion has an earlier
    /// time than its invocation covers both: a clock that cannot be right orders nothing.
    fn rank_by_time(&mut self) {
        let moment = |at: EventIndex| {
            let event = &self.events[at];
            (event.time, event.kind != Kind::Invoke)
        };
        let mut order: Vec<EventIndex> = (0..self.events.len()).collect();
        order.sort_by_key(|&at| (moment(at), at));
        let ties = order.windows(2).filter(|pair| {
            let ((time, _), (next_time, next_completes)) = (moment(pair[0]), moment(pair[1]));
            time == next_time && next_completes && !moment(pair[0]).1
        });
        let ties = ties.count();
        let mut rank = vec![0_u64; self.events.len()];
        for (position, &at) in order.iter().enumerate() {
            rank[at] = position as u64;
        }
        let mut inverted = 0_usize;
        for operation in &mut self.operations {
            let Some(complete) = operation.complete else {
                operation.start = rank[operation.invoke];
                continue;
            };
            // Without invocation, it may have begun at any time before.
            if complete != operation.invoke {
                inverted += usize::from(rank[complete] < rank[operation.invoke]);
                operation.start = rank[operation.invoke].min(rank[complete]);
            }
            if operation.end != u64::MAX {
                operation.end = rank[complete].max(rank[operation.invoke]);
            }
        }
        let times = self.events.windows(2);
        let backwards = times.filter(|pair| pair[1].time < pair[0].time).count();
        let mut warn = |what: &str, count: usize, meaning: &str| {
            if count > 0 {
                self.warnings.push(format!("{what}: {count}; {meaning}"));
            }
        };
        warn(
            "events with a time before the last one's",
            backwards,
            "operations are ordered by time, not by position",
        );
        warn(
            "operations that end before they begin",
            inverted,
            "they count as lasting from one to the other",
        );
        warn(
            "times of both invocations and completions",
            ties,
            "such operations count as concurrent",
        );
    }
}

/// Sessions by number: by their name where they have one, else by their process.
#[derive(Default)]
struct Sessions {
    next: u32,
    by_name: FxHashMap<Session, u32>,
    by_process: FxHashMap<u64, u32>,
}

impl Sessions {
    fn of(&mut self, process: u64, name: Option<&Session>) -> u32 {
        let next = &mut self.next;
        let mut fresh = || {
            *next += 1;
            *next - 1
        };
        match name {
            Some(name) => match self.by_name.get(name) {
                Some(&session) => session,
                None => {
                    let session = fresh();
                    self.by_name.insert(name.clone(), session);
                    session
                }
            },
            None => *self.by_process.entry(process).or_insert_with(fresh),
        }
    }

    /// A session that defaults to its process ends at `info`.
    fn end(&mut self, process: u64) {
        self.by_process.remove(&process);
    }
}

/// Makes equal keys share one allocation.
fn intern_keys(events: &mut [Event]) {
    let mut seen: FxHashSet<Key> = FxHashSet::default();
    let mut intern = |key: &mut Key| match seen.get(key) {
        Some(known) => *key = known.clone(),
        None => {
            seen.insert(key.clone());
        }
    };
    for event in events {
        match &mut event.body {
            Body::Op(Op::Txn(micros)) => {
                for micro in micros {
                    let (Micro::Read { key, .. }
                    | Micro::Append { key, .. }
                    | Micro::Write { key, .. }) = micro;
                    intern(key);
                }
            }
            Body::Op(op) => {
                if let Some(key) = op.key_mut() {
                    intern(key);
                }
            }
            Body::Fault(_) => {}
        }
    }
}
