//! Small transactions and histories in few words.

use polygraph_history::{
    Body, Event, History, Key, Kind, Micro, Op, Order, Outcome, Process, Time, Value,
};

/// A transaction: who, when, what, and how it ended.
#[derive(Clone)]
pub(crate) struct Txn {
    pub(crate) process: u64,
    pub(crate) begin: u64,
    pub(crate) end: u64,
    pub(crate) outcome: Outcome,
    pub(crate) micros: Vec<Micro>,
}

/// On one line, for messages of failed tests.
impl std::fmt::Debug for Txn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let op = Op::Txn(self.micros.clone());
        write!(
            f,
            "{} {}–{} {:?} {op}",
            self.process, self.begin, self.end, self.outcome
        )
    }
}

pub(crate) fn append(key: &str, element: i64) -> Micro {
    Micro::Append {
        key: key.into(),
        value: element.into(),
    }
}

pub(crate) fn read(key: &str, elements: &[i64]) -> Micro {
    Micro::Read {
        key: key.into(),
        value: Some(Value::list(elements.iter().map(|&element| element.into()))),
    }
}

/// The history of these transactions. Moments are only compared; at equal ones what begins comes
/// first.
pub(crate) fn history(txns: &[Txn]) -> History {
    let mut moments = Vec::new();
    for (at, txn) in txns.iter().enumerate() {
        moments.push((txn.begin, 0, at));
        moments.push((txn.end, 1, at));
    }
    moments.sort_unstable();
    let events = moments
        .iter()
        .enumerate()
        .map(|(index, &(moment, end, at))| {
            let txn = &txns[at];
            let kind = match (end, txn.outcome) {
                (0, _) => Kind::Invoke,
                (_, Outcome::Ok) => Kind::Ok,
                (_, Outcome::Fail) => Kind::Fail,
                (_, Outcome::Info) => Kind::Info,
            };
            let known = kind == Kind::Ok;
            let micros = txn.micros.iter().map(|micro| match micro {
                Micro::Read { key, .. } if !known => Micro::Read {
                    key: key.clone(),
                    value: None,
                },
                other => other.clone(),
            });
            Event::new(
                index as u64,
                Time(moment * 1_000_000),
                Process::Client(txn.process),
                kind,
                Body::Op(Op::Txn(micros.collect())),
            )
        });
    History::new(None, Order::Index, events.collect()).expect("the test's history is well formed")
}

/// One acknowledged transaction after the other, each by a client of its own.
pub(crate) fn in_sequence(txns: &[&[Micro]]) -> History {
    let txns: Vec<Txn> = txns
        .iter()
        .enumerate()
        .map(|(at, micros)| Txn {
            process: at as u64,
            begin: 2 * at as u64,
            end: 2 * at as u64 + 1,
            outcome: Outcome::Ok,
            micros: micros.to_vec(),
        })
        .collect();
    history(&txns)
}

/// Acknowledged transactions, all at the same time.
pub(crate) fn at_once(txns: &[&[Micro]]) -> History {
    let txns: Vec<Txn> = txns
        .iter()
        .enumerate()
        .map(|(at, micros)| Txn {
            process: at as u64,
            begin: 0,
            end: 1,
            outcome: Outcome::Ok,
            micros: micros.to_vec(),
        })
        .collect();
    history(&txns)
}

/// The same with other names for keys and elements.
pub(crate) fn renamed(
    txns: &[Txn],
    key: impl Fn(&Key) -> Key,
    value: impl Fn(&Value) -> Value,
) -> Vec<Txn> {
    let list = |values: &Value| match values {
        Value::List(values) => Value::list(values.iter().map(&value)),
        other => other.clone(),
    };
    let mut txns = txns.to_vec();
    for txn in &mut txns {
        for micro in &mut txn.micros {
            *micro = match micro {
                Micro::Append {
                    key: name,
                    value: element,
                } => Micro::Append {
                    key: key(name),
                    value: value(element),
                },
                Micro::Read { key: name, value } => Micro::Read {
                    key: key(name),
                    value: value.as_ref().map(list),
                },
                _ => unreachable!("the tests append"),
            };
        }
    }
    txns
}
