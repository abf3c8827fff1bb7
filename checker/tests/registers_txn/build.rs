//! Small transactions and histories in few words.

use std::sync::Arc;

use polygraph_history::{
    Body, Event, History, Kind, Micro, Op, Order, Outcome, Process, Session, Time, Value,
};

/// A transaction: who, when, what, and how it ended.
#[derive(Clone)]
pub(crate) struct Txn {
    pub(crate) process: u64,
    /// The session, where it is not the process.
    pub(crate) session: Option<u64>,
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
            "{} ({:?}) {}–{} {:?} {op}",
            self.process, self.session, self.begin, self.end, self.outcome
        )
    }
}

pub(crate) fn write(key: &str, value: i64) -> Micro {
    Micro::Write {
        key: key.into(),
        value: value.into(),
    }
}

/// A read; 0 stands for null.
pub(crate) fn read(key: &str, value: i64) -> Micro {
    let value = match value {
        0 => Value::Null,
        value => value.into(),
    };
    Micro::Read {
        key: key.into(),
        value: Some(value),
    }
}

/// The history of these transactions. Moments are only compared; at equal ones what begins comes
/// first.
pub(crate) fn history(txns: &[Txn]) -> History {
    with_versions(txns, |_| None)
}

/// The same, where the store says which version each transaction made.
pub(crate) fn with_versions(txns: &[Txn], version: impl Fn(usize) -> Option<u64>) -> History {
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
            let mut event = Event::new(
                index as u64,
                Time(moment * 1_000_000),
                Process::Client(txn.process),
                kind,
                Body::Op(Op::Txn(micros.collect())),
            );
            let name = txn
                .session
                .map(|session| Session(Arc::from(format!("s{session}"))));
            event.session = name;
            event.version = if end == 1 { version(at) } else { None };
            event
        });
    History::new(None, Order::Index, events.collect()).expect("the test's history is well formed")
}

/// Acknowledged transactions: of each client those that it performs one after the other. Those of
/// the first client come first, and so on.
pub(crate) fn sessions(clients: &[&[&[Micro]]]) -> History {
    let txns = clients.iter().enumerate().flat_map(|(process, txns)| {
        txns.iter()
            .map(move |micros| (process as u64, micros.to_vec()))
    });
    let txns: Vec<Txn> = txns
        .enumerate()
        .map(|(at, (process, micros))| Txn {
            process,
            session: None,
            begin: 2 * at as u64,
            end: 2 * at as u64 + 1,
            outcome: Outcome::Ok,
            micros,
        })
        .collect();
    history(&txns)
}
