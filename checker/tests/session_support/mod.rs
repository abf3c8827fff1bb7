//! What the tests of session guarantees and replicas share: chance, histories by hand, and the
//! definitions by brute force.
#![allow(dead_code, reason = "every test uses a part of it")]

pub(crate) mod brute;

use polygraph_checker::{Validity, Verdict};
use polygraph_history::{Body, Event, History, Kind, Op, Order, Process, Session, Time, Value};

/// A small generator (splitmix64), so that a failure names the seed that repeats it.
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Chance {
        Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    pub(crate) fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }

    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

/// How many random histories, scaled by `POLYGRAPH_FUZZ`.
pub(crate) fn rounds(base: u64) -> u64 {
    let factor = std::env::var("POLYGRAPH_FUZZ").ok();
    base * factor.and_then(|text| text.parse().ok()).unwrap_or(1)
}

/// A history while it is written down; a millisecond passes with every event.
#[derive(Clone, Default)]
pub(crate) struct Script {
    pub(crate) events: Vec<Event>,
}

impl Script {
    pub(crate) fn event(&mut self, process: u64, session: Option<&str>, kind: Kind, op: Op) {
        let index = self.events.len() as u64;
        let time = Time::from_millis(index);
        let mut event = Event::new(index, time, Process::Client(process), kind, Body::Op(op));
        event.session = session.map(|name| Session(name.into()));
        self.events.push(event);
    }

    /// The same by a clock that ticks once in so many events, which decides real-time order.
    pub(crate) fn coarse(&mut self, tick: u64) -> History {
        for event in &mut self.events {
            event.time = Time::from_millis(event.index / tick);
        }
        History::new(None, Order::Time, self.events.clone()).expect("a valid history")
    }

    pub(crate) fn history(&self) -> History {
        History::new(None, Order::Index, self.events.clone()).expect("a valid history")
    }
}

pub(crate) fn read(key: &str, value: Option<Value>) -> Op {
    Op::Read {
        key: key.into(),
        value,
    }
}

pub(crate) fn write(key: &str, value: Value) -> Op {
    Op::Write {
        key: key.into(),
        value,
    }
}

pub(crate) fn cas(key: &str, from: Value, to: Value) -> Op {
    Op::Cas {
        key: key.into(),
        from,
        to,
    }
}

pub(crate) fn int(value: i64) -> Value {
    Value::Int(value)
}

/// The verdict with its proofs confirmed.
pub(crate) fn confirmed(history: &History, verdict: Verdict) -> Verdict {
    assert_eq!(
        verdict.validity == Validity::Violated,
        !verdict.anomalies.is_empty()
    );
    for anomaly in &verdict.anomalies {
        if let Err(error) = anomaly.confirm(history) {
            panic!(
                "{error}\n{}\n{:?}\n{}",
                anomaly.explanation,
                anomaly.proof,
                show(history)
            );
        }
    }
    verdict
}

/// A history as a person reads it.
pub(crate) fn show(history: &History) -> String {
    let lines = history.events().iter().map(|event| {
        let op = event.op().map(ToString::to_string).unwrap_or_default();
        format!(
            "{} {} {:?} {:?} {op}\n",
            event.index, event.process, event.session, event.kind
        )
    });
    lines.collect()
}
