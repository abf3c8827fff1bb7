//! What a lint of a million transactions takes.

use polygraph_checker::lint;
use polygraph_history::{Body, Event, History, Key, Kind, Micro, Op, Order, Process, Time, Value};

/// Transactions of two appends and two reads of whole lists, over ten lists that are replaced by
/// others once they have 32 elements.
fn appends(count: u64) -> History {
    let mut events = Vec::new();
    let mut keys: Vec<(Key, Vec<Value>)> = Vec::new();
    for number in 0..count {
        let mut micros = Vec::new();
        for at in 0..2 {
            let place = (number as usize * 7 + at * 3) % 10;
            if keys.len() <= place {
                keys.resize(place + 1, ("none".into(), Vec::new()));
            }
            let (key, list) = &mut keys[place];
            if list.len() >= 32 || &*key.0 == "none" {
                *key = Key::from(format!("{number}-{at}").as_str());
                list.clear();
            }
            list.push(Value::Int(list.len() as i64 + 1));
            micros.push(Micro::Append {
                key: key.clone(),
                value: list[list.len() - 1].clone(),
            });
            micros.push(Micro::Read {
                key: key.clone(),
                value: Some(Value::list(list.iter().cloned())),
            });
        }
        let process = Process::Client(number % 20);
        let event = |kind, micros| {
            let index = number * 2 + u64::from(kind == Kind::Ok);
            Event::new(
                index,
                Time(index * 1000),
                process,
                kind,
                Body::Op(Op::Txn(micros)),
            )
        };
        let mut asked = micros.clone();
        for micro in &mut asked {
            if let Micro::Read { value, .. } = micro {
                *value = None;
            }
        }
        events.push(event(Kind::Invoke, asked));
        events.push(event(Kind::Ok, micros));
    }
    History::new(None, Order::Index, events).expect("a history")
}

#[test]
fn ten_thousand_transactions_have_nothing_but_that_nothing_overlaps() {
    let findings = lint(&appends(10_000));
    assert_eq!(super::names(&findings), ["no-overlap"]);
}

/// What this thread has computed so far, milliseconds: machines are shared, and time is no measure.
fn cpu_millis() -> u64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = stat
        .split(' ')
        .next()
        .and_then(|nanos| nanos.parse::<u64>().ok());
    nanos.unwrap_or_default() / 1_000_000
}

#[test]
#[ignore = "a measurement"]
fn a_million_transactions() {
    let history = appends(1_000_000);
    for _ in 0..3 {
        let began = cpu_millis();
        let findings = lint(&history);
        println!(
            "{} ms of CPU: {:?}",
            cpu_millis() - began,
            super::names(&findings)
        );
    }
}
