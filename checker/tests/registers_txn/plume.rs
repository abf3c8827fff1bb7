//! The two plain-text formats of the corpora, enough of them for the tests.

use std::collections::BTreeMap;

use polygraph_history::{Body, Event, History, Key, Kind, Micro, Op, Order, Process, Time, Value};

/// One operation: session, transaction (nothing for one that was aborted), and what it did.
struct Line {
    session: u64,
    txn: Option<u64>,
    write: bool,
    key: String,
    value: i64,
}

/// Plume's text: `w(key,value,session,transaction)`, the transaction -1 if aborted.
pub(crate) fn plume(text: &str) -> History {
    let lines = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| {
            let inner = line[2..].trim_end().trim_end_matches(')');
            let fields: Vec<&str> = inner.split(',').map(str::trim).collect();
            let number = |at: usize| fields[at].parse::<i64>().expect("a number");
            Line {
                session: number(2) as u64,
                txn: u64::try_from(number(3)).ok(),
                write: line.starts_with('w'),
                key: fields[0].to_owned(),
                value: number(1),
            }
        });
    history(lines.collect())
}

/// AWDIT's text: `w key value`, transactions apart by dashes, sessions by equals signs.
pub(crate) fn awdit(text: &str) -> History {
    let (mut session, mut txn) = (0, 0);
    let mut lines = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        if line.starts_with('=') {
            session += 1;
            txn += 1;
        } else if line.starts_with('-') {
            txn += 1;
        } else {
            let fields: Vec<&str> = line.split_whitespace().collect();
            lines.push(Line {
                session,
                txn: Some(txn),
                write: fields[0] == "w",
                key: fields[1].to_owned(),
                value: fields[2].parse().expect("a number"),
            });
        }
    }
    history(lines)
}

/// In these formats 0 is the initial value of a register to which nobody writes it.
fn history(lines: Vec<Line>) -> History {
    let mut zero_written: BTreeMap<String, bool> = BTreeMap::new();
    for line in lines.iter().filter(|line| line.write && line.value == 0) {
        zero_written.insert(line.key.clone(), true);
    }
    let mut events: Vec<Event> = Vec::new();
    let mut last: BTreeMap<u64, (Option<u64>, usize)> = BTreeMap::new();
    for line in lines {
        let key = Key::from(line.key.as_str());
        let initial = line.value == 0 && !zero_written.contains_key(&line.key);
        let value = if initial {
            Value::Null
        } else {
            line.value.into()
        };
        let micro = match line.write {
            true => Micro::Write { key, value },
            false => Micro::Read {
                key,
                value: Some(value),
            },
        };
        let open = last.get(&line.session).filter(|(txn, _)| *txn == line.txn);
        if let Some(&(_, at)) = open {
            if let Body::Op(Op::Txn(micros)) = &mut events[at].body {
                micros.push(micro);
            }
            continue;
        }
        // What failed stands in the middle of what did not, and is no part of it.
        if line.txn.is_some() {
            last.insert(line.session, (line.txn, events.len()));
        }
        let kind = if line.txn.is_some() {
            Kind::Ok
        } else {
            Kind::Fail
        };
        events.push(Event::new(
            events.len() as u64,
            Time::ZERO,
            Process::Client(line.session),
            kind,
            Body::Op(Op::Txn(vec![micro])),
        ));
    }
    History::new(None, Order::Index, events).expect("the corpus's history is well formed")
}
