//! Builds histories in a few words.

use polygraph_checker::{Options, Validity, Verdict, entry};
use polygraph_history::{
    Body, ErrorName, Event, Guarantee, History, Key, Kind, Op, Order, Process, Time, Value,
};

/// A history under construction; every event is a millisecond after the last.
#[derive(Clone, Default)]
pub(crate) struct Build {
    pub(crate) events: Vec<Event>,
}

impl Build {
    pub(crate) fn new() -> Build {
        Build::default()
    }

    pub(crate) fn event(&mut self, process: u64, kind: Kind, op: Op) -> &mut Event {
        let index = self.events.len() as u64;
        let time = Time::from_millis(index);
        let process = Process::Client(process);
        self.events
            .push(Event::new(index, time, process, kind, Body::Op(op)));
        self.events.last_mut().unwrap()
    }

    pub(crate) fn invoke(&mut self, process: u64, op: Op) -> &mut Build {
        self.event(process, Kind::Invoke, op);
        self
    }

    pub(crate) fn ok(&mut self, process: u64, op: Op) -> &mut Build {
        self.event(process, Kind::Ok, op);
        self
    }

    pub(crate) fn fail(&mut self, process: u64, op: Op, error: Option<ErrorName>) -> &mut Build {
        self.event(process, Kind::Fail, op).error = error;
        self
    }

    pub(crate) fn info(&mut self, process: u64, op: Op) -> &mut Build {
        self.event(process, Kind::Info, op).error = Some(ErrorName::TIMEOUT);
        self
    }

    /// Invocation and completion, one directly after the other.
    pub(crate) fn whole(&mut self, process: u64, op: Op) -> &mut Build {
        let invoked = match &op {
            Op::Read { key, .. } => Op::Read {
                key: key.clone(),
                value: None,
            },
            other => other.clone(),
        };
        self.invoke(process, invoked).ok(process, op)
    }

    pub(crate) fn history(&self) -> History {
        History::new(None, Order::Index, self.events.clone()).unwrap()
    }
}

pub(crate) fn key(name: &str) -> Key {
    Key::from(name)
}

/// A read that returned this; a negative number stands for nothing.
pub(crate) fn read(name: &str, value: i64) -> Op {
    Op::Read {
        key: key(name),
        value: Some(int(value)),
    }
}

/// A read as it is invoked.
pub(crate) fn reading(name: &str) -> Op {
    Op::Read {
        key: key(name),
        value: None,
    }
}

pub(crate) fn write(name: &str, value: i64) -> Op {
    Op::Write {
        key: key(name),
        value: int(value),
    }
}

pub(crate) fn cas(name: &str, from: i64, to: i64) -> Op {
    Op::Cas {
        key: key(name),
        from: int(from),
        to: int(to),
    }
}

pub(crate) fn int(value: i64) -> Value {
    if value < 0 {
        Value::Null
    } else {
        Value::Int(value)
    }
}

pub(crate) fn check(history: &History, options: &Options) -> Verdict {
    (entry(Guarantee::Linearizable).unwrap().check)(history, options)
}

pub(crate) fn validity(history: &History) -> Validity {
    check(history, &Options::default()).validity
}
