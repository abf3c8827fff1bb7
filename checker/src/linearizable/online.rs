//! Registers judged while events arrive: the first event is known by which no order exists.
//!
//! Where every value of a key is written once, that is exact: at every event the answer is that
//! of [the check](super::ENTRY) of what happened up to there, what is open having an unknown
//! outcome. Keys with a value that is written again while it may still be found, or with
//! operations that are none of a register, are deferred to the check of the whole. So are
//! compare-and-sets that failed: a violation without them is one, but what they found is left to
//! the check. See `register::stream` for what is kept.

use polygraph_history::{Event, EventIndex, History, Key, Kind, Op, Process, Value};
use rustc_hash::FxHashMap;

use super::confirm::confirm;
use super::register::evidence::minimal;
use super::register::stream::{NoOrder, Stream};
use super::register::view::View;
use super::search::Limits;
use crate::{Anomaly, FailedCas, Options, Proof};

/// The first violation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The key that has no order.
    pub key: Key,
    /// The event by which it has none.
    pub event: EventIndex,
}

/// Why a key is not decided while events arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Deferred {
    /// A value was written again while it might still be found.
    WrittenTwice,
    /// There are operations that are none of a register, or completions without invocation.
    Foreign,
    /// A compare-and-set failed, and what it found is not used.
    FailedCompareAndSet,
}

/// Registers of which events arrive one after the other, ordered by their position.
///
/// ```
/// # use polygraph_checker::{Options, linearizable::Online};
/// # use polygraph_history::{Body, Event, Key, Kind, Op, Process, Time, Value};
/// let mut online = Online::new(&Options::default());
/// let read = |value| Body::Op(Op::Read { key: Key::from("x"), value });
/// let client = Process::Client(0);
/// let invoke = Event::new(0, Time(0), client, Kind::Invoke, read(None));
/// assert!(online.push(&invoke).is_none());
/// let phantom = Event::new(1, Time(1), client, Kind::Ok, read(Some(Value::Int(7))));
/// assert_eq!(online.push(&phantom).unwrap().event, 1);
/// ```
#[derive(Debug)]
pub struct Online {
    options: Options,
    keys: FxHashMap<Key, Register>,
    /// What each process has open, and since when.
    open: FxHashMap<u64, (Key, u64)>,
    events: u64,
    /// Operations were seen that may be about any key.
    foreign: bool,
    violation: Option<Violation>,
}

#[derive(Debug)]
struct Register {
    stream: Stream,
    /// When the open operations began that may find something.
    finders: Vec<u64>,
    deferred: Option<Deferred>,
}

impl Register {
    fn new() -> Register {
        Register {
            stream: Stream::new(),
            finders: Vec::new(),
            deferred: None,
        }
    }

    /// Whether nothing more is followed.
    fn given_up(&self) -> bool {
        matches!(
            self.deferred,
            Some(Deferred::WrittenTwice | Deferred::Foreign)
        )
    }

    fn give_up(&mut self, why: Deferred) {
        self.deferred = Some(why);
        self.stream = Stream::new();
        self.finders = Vec::new();
    }

    /// When the oldest open operation began that may find something.
    fn oldest(&self, now: u64) -> u64 {
        self.finders.iter().copied().fold(now, u64::min)
    }
}

impl Online {
    /// Nothing happened yet.
    #[must_use]
    pub fn new(options: &Options) -> Online {
        Online {
            options: *options,
            keys: FxHashMap::default(),
            open: FxHashMap::default(),
            events: 0,
            foreign: false,
            violation: None,
        }
    }

    /// Takes the next event. Gives the violation as soon as there is one; from then on nothing is
    /// looked at any more.
    pub fn push(&mut self, event: &Event) -> Option<&Violation> {
        let index = self.events as EventIndex;
        self.events += 1;
        if self.violation.is_some() || self.foreign {
            return self.violation.as_ref();
        }
        if let (Process::Client(process), Some(op)) = (event.process, event.op())
            && self.take(process, event, op) == Err(NoOrder)
            && let Some(key) = op.key()
        {
            self.violation = Some(Violation {
                key: key.clone(),
                event: index,
            });
        }
        self.violation.as_ref()
    }

    /// The first violation, if there was one.
    #[must_use]
    pub const fn violation(&self) -> Option<&Violation> {
        self.violation.as_ref()
    }

    /// Keys that are not decided, or not altogether, with the reason; in no particular order. All
    /// the others are linearizable up to now, unless there is a violation.
    pub fn deferred(&self) -> impl Iterator<Item = (&Key, Deferred)> {
        self.keys.iter().filter_map(|(key, register)| {
            let foreign = self.foreign.then_some(Deferred::Foreign);
            Some((key, foreign.or(register.deferred)?))
        })
    }

    /// How many values are kept, of all keys.
    #[must_use]
    pub fn kept(&self) -> usize {
        let kept = self.keys.values().map(|register| register.stream.len());
        kept.sum()
    }

    /// The evidence for the violation, from the history whose events were taken, which may go on
    /// after it. `None` if there was none, or if this is not that history.
    #[must_use]
    pub fn evidence(&self, history: &History) -> Option<Anomaly> {
        let violation = self.violation.as_ref()?;
        let view = View::new(history, FailedCas::Ignore)?;
        let mut keys = view.keys.into_iter();
        let rank = violation.event as u64;
        let key = keys.find(|key| key.key == violation.key)?.until(rank);
        let limits = Limits {
            steps: self.options.budget.max_steps,
            bytes: self.options.budget.max_memory,
            deadline: None,
            stop: None,
        };
        let pieces = minimal(history, &key, None, (0, rank), &limits);
        let anomaly = super::anomaly(history, &self.options, &key, &pieces);
        let Proof::Linearizable(proof) = &anomaly.proof else {
            return None;
        };
        confirm(history, proof).is_ok().then_some(anomaly)
    }

    fn take(&mut self, process: u64, event: &Event, op: &Op) -> Result<(), NoOrder> {
        let now = self.events;
        let key = match op {
            Op::Read { key, .. } | Op::Write { key, .. } | Op::Cas { key, .. } => key,
            Op::Peek { .. } => return Ok(()),
            _ if event.kind == Kind::Fail => return Ok(()),
            Op::Txn(micros) => {
                for micro in micros {
                    match micro.key() {
                        Some(key) => self.register(key).give_up(Deferred::Foreign),
                        None => self.foreign = true,
                    }
                }
                return Ok(());
            }
            Op::Custom { args, .. } => {
                match args.get("key").and_then(|key| key.as_str()) {
                    Some(key) => self.register(&Key::from(key)).give_up(Deferred::Foreign),
                    None => self.foreign = true,
                }
                return Ok(());
            }
            _ => {
                if let Some(key) = op.key() {
                    self.register(key).give_up(Deferred::Foreign);
                }
                return Ok(());
            }
        };
        let start = match event.kind {
            Kind::Invoke => {
                self.open.insert(process, (key.clone(), now));
                now
            }
            _ => match self.open.remove(&process) {
                Some((of, start)) if of == *key => start,
                _ => {
                    self.register(key).give_up(Deferred::Foreign);
                    return Ok(());
                }
            },
        };
        let observe = self.options.failed_cas == FailedCas::Observe;
        let register = self.register(key);
        if register.given_up() {
            return Ok(());
        }
        let result = if event.kind == Kind::Invoke {
            register.begin(op, now);
            Ok(())
        } else {
            register.end(op, event.kind, (start, now), observe)
        };
        register.stream.tidy(register.oldest(now));
        result
    }

    fn register(&mut self, key: &Key) -> &mut Register {
        if !self.keys.contains_key(key) {
            self.keys.insert(key.clone(), Register::new());
        }
        self.keys.get_mut(key).expect("it was inserted")
    }
}

/// What an operation writes, and in place of what.
fn written(op: &Op) -> Option<(&Value, Option<&Value>)> {
    match op {
        Op::Write { value, .. } => Some((value, None)),
        Op::Cas { from, to, .. } if from != to => Some((to, Some(from))),
        _ => None,
    }
}

impl Register {
    fn begin(&mut self, op: &Op, now: u64) {
        let oldest = self.oldest(now);
        if !matches!(op, Op::Write { .. }) {
            self.finders.push(now);
        }
        if let Some((value, from)) = written(op)
            && self.stream.begin(value, from, now, oldest).is_err()
        {
            self.give_up(Deferred::WrittenTwice);
        }
    }

    fn end(
        &mut self,
        op: &Op,
        kind: Kind,
        (start, now): (u64, u64),
        observe: bool,
    ) -> Result<(), NoOrder> {
        if let Some(at) = self.finders.iter().position(|&begun| begun == start) {
            self.finders.swap_remove(at);
        }
        let stream = &mut self.stream;
        match (kind, written(op)) {
            (Kind::Ok, Some((value, _))) => stream.wrote(value, now),
            (Kind::Fail, Some((value, from))) => {
                if observe && from.is_some() {
                    self.deferred = Some(Deferred::FailedCompareAndSet);
                }
                stream.refused(value)
            }
            (Kind::Info | Kind::Invoke, Some((value, _))) => {
                stream.undecided(value);
                Ok(())
            }
            (Kind::Ok, None) => match op {
                Op::Read {
                    value: Some(value), ..
                }
                | Op::Cas { from: value, .. } => stream.found(value, start, now),
                _ => Ok(()),
            },
            (Kind::Fail, None) => {
                if observe && matches!(op, Op::Cas { .. }) {
                    self.deferred = Some(Deferred::FailedCompareAndSet);
                }
                Ok(())
            }
            (_, None) => Ok(()),
        }
    }
}
