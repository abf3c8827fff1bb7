//! What every history holds, and that nothing else is one.

use polygraph_history::spec::Spec;
use polygraph_history::{
    Body, Event, FaultEvent, FaultFamily, History, Key, Kind, Micro, Op, Order, Outcome, Phase,
    Process, Session, Time, Value,
};

fn write(value: i64) -> Op {
    Op::Write {
        key: Key::from("x"),
        value: Value::Int(value),
    }
}

fn read(value: Option<i64>) -> Op {
    Op::Read {
        key: Key::from("x"),
        value: value.map(Value::Int),
    }
}

/// Events of these processes, kinds and operations, a nanosecond apart.
fn events(rows: Vec<(u64, Kind, Op)>) -> Vec<Event> {
    let each = rows
        .into_iter()
        .enumerate()
        .map(|(at, (process, kind, op))| {
            let time = Time(at as u64);
            Event::new(
                at as u64,
                time,
                Process::Client(process),
                kind,
                Body::Op(op),
            )
        });
    each.collect()
}

fn at_times(times: &[u64], rows: Vec<(u64, Kind, Op)>) -> Vec<Event> {
    let mut events = events(rows);
    for (event, &time) in events.iter_mut().zip(times) {
        event.time = Time(time);
    }
    events
}

fn spec() -> Spec {
    let text = r#"{"target":"t","settings":{},"workload":{"name":"w","settings":{}},"nemesis":[],
        "world":"sim","nodes":1,"clients":1,"rate":1,"time_ns":1,"ops":null,"seed":1,"bug":null,
        "guarantees":[]}"#;
    serde_json::from_str(text).unwrap()
}

/// What is said of events that are no history, ours and anybody's.
fn problems(events: &[Event]) -> [Option<String>; 2] {
    [Some(spec()), None].map(|spec| {
        let history = History::new(spec, Order::Index, events.to_vec());
        history.err().map(|invalid| invalid.to_string())
    })
}

fn both(problem: &str) -> [Option<String>; 2] {
    [Some(problem.to_owned()), Some(problem.to_owned())]
}

fn ours(problem: &str) -> [Option<String>; 2] {
    [Some(problem.to_owned()), None]
}

#[test]
fn indices_are_dense() {
    let mut events = events(vec![(0, Kind::Invoke, write(1)), (0, Kind::Ok, write(1))]);
    assert_eq!(problems(&events), [None, None]);
    events[1].index = 2;
    assert_eq!(
        problems(&events),
        both("event 1: its index is 2, expected 1")
    );
}

#[test]
fn our_times_never_go_back() {
    let rows = vec![(0, Kind::Invoke, write(1)), (0, Kind::Ok, write(1))];
    let events = at_times(&[5, 4], rows);
    let expected = "event 1: its time 4 is before the last event's, expected at least 5";
    assert_eq!(problems(&events), ours(expected));
}

#[test]
fn a_process_has_one_open_operation() {
    let rows = vec![(7, Kind::Invoke, write(1)), (7, Kind::Invoke, write(2))];
    let expected = "event 1: process 7 invokes while its operation of event 0 is open, \
        expected its completion first";
    assert_eq!(problems(&events(rows)), both(expected));
}

#[test]
fn our_completions_have_invocations() {
    let expected = "event 0: process 0 completes an operation that it did not invoke, \
        expected an invocation before it";
    assert_eq!(
        problems(&events(vec![(0, Kind::Ok, write(1))])),
        ours(expected)
    );
    let twice = vec![
        (0, Kind::Invoke, write(1)),
        (0, Kind::Info, write(1)),
        (0, Kind::Ok, write(1)),
    ];
    assert!(problems(&events(twice))[0].is_some());
}

#[test]
fn a_completion_repeats_its_invocation() {
    let key = Key::from("x");
    let other = Key::from("y");
    let append = |value: i64| Micro::Append {
        key: key.clone(),
        value: Value::Int(value),
    };
    let micro_read = |value: Option<i64>| Micro::Read {
        key: key.clone(),
        value: value.map(Value::Int),
    };
    let custom = |name: &str, args: i64| Op::Custom {
        name: name.to_owned(),
        args: args.into(),
    };
    let repeats = [
        (read(None), read(Some(1))),
        (write(1), write(1)),
        (
            Op::Txn(vec![micro_read(None), append(1)]),
            Op::Txn(vec![micro_read(Some(2)), append(1)]),
        ),
        (custom("enqueue", 1), custom("enqueue", 2)),
    ];
    for (invoked, completed) in repeats {
        let rows = vec![(0, Kind::Invoke, invoked), (0, Kind::Ok, completed)];
        assert_eq!(problems(&events(rows)), [None, None]);
    }
    let contradicts = [
        (write(1), write(2)),
        (write(1), read(Some(1))),
        (
            read(None),
            Op::Read {
                key: other,
                value: None,
            },
        ),
        (Op::Txn(vec![append(1)]), Op::Txn(vec![append(2)])),
        (
            Op::Txn(vec![append(1)]),
            Op::Txn(vec![append(1), micro_read(None)]),
        ),
        (custom("enqueue", 1), custom("dequeue", 1)),
    ];
    for (invoked, completed) in contradicts {
        let rows = vec![(0, Kind::Invoke, invoked), (0, Kind::Info, completed)];
        let [ours, theirs] = problems(&events(rows));
        assert_eq!(ours, theirs);
        assert!(ours.unwrap().starts_with("event 1: it completes `"));
    }
}

#[test]
fn clients_perform_operations_and_the_nemesis_faults() {
    let fault = FaultEvent {
        id: 1,
        kind: FaultFamily::Kill,
        phase: Phase::Start,
        shape: "one".to_owned(),
        role: None,
        effect: None,
    };
    let event = |process, body| vec![Event::new(0, Time::ZERO, process, Kind::Invoke, body)];
    let nemesis = event(Process::Nemesis, Body::Op(write(1)));
    let expected = "event 0: the nemesis performs an operation, expected a fault";
    assert_eq!(problems(&nemesis), both(expected));
    let client = event(Process::Client(0), Body::Fault(fault.clone()));
    let expected = "event 0: a client performs a fault, expected an operation";
    assert_eq!(problems(&client), both(expected));
    let history = History::new(
        None,
        Order::Index,
        event(Process::Nemesis, Body::Fault(fault)),
    );
    let history = history.unwrap();
    assert_eq!(
        (history.faults().count(), history.operations().len()),
        (1, 0)
    );
}

#[test]
fn operations_stand_in_the_order_of_their_invocations() {
    let rows = vec![
        (0, Kind::Invoke, write(1)),
        (1, Kind::Invoke, read(None)),
        (1, Kind::Ok, read(Some(1))),
        (2, Kind::Invoke, write(2)),
        (0, Kind::Fail, write(1)),
    ];
    let history = History::new(None, Order::Index, events(rows)).unwrap();
    let [a, b, c] = history.operations() else {
        panic!()
    };
    assert_eq!([a.invoke, b.invoke, c.invoke], [0, 1, 3]);
    assert_eq!(
        [a.complete, b.complete, c.complete],
        [Some(4), Some(2), None]
    );
    assert_eq!(
        [a.outcome, b.outcome, c.outcome],
        [Outcome::Fail, Outcome::Ok, Outcome::Info]
    );
    assert_eq!((a.start, a.end, c.end), (0, 4, u64::MAX));
    assert!(b.precedes(c) && !a.precedes(c) && !c.precedes(b));
    assert_eq!(history.op(b), &read(Some(1)));
    assert_eq!(history.op(a), &write(1));
    assert_eq!(history.invoked_at(c), Time(3));
    assert_eq!(history.completed_at(a), Some(Time(4)));
}

#[test]
fn sessions_end_at_info_unless_they_have_a_name() {
    let rows = || {
        vec![
            (0, Kind::Invoke, write(1)),
            (0, Kind::Ok, write(1)),
            (0, Kind::Invoke, write(2)),
            (0, Kind::Info, write(2)),
            (0, Kind::Invoke, write(3)),
            (1, Kind::Invoke, write(4)),
        ]
    };
    let sessions = |events: Vec<Event>| {
        let history = History::new(None, Order::Index, events).unwrap();
        let sessions: Vec<u32> = history.operations().iter().map(|o| o.session).collect();
        sessions
    };
    assert_eq!(sessions(events(rows())), [0, 0, 1, 2]);
    let mut named = events(rows());
    for at in [0, 4, 5] {
        named[at].session = Some(Session("s".into()));
    }
    assert_eq!(sessions(named), [0, 1, 0, 0]);
}

#[test]
fn intervals_of_times_are_closed() {
    let rows = vec![
        (0, Kind::Invoke, write(1)),
        (0, Kind::Ok, write(1)),
        (1, Kind::Invoke, write(2)),
        (1, Kind::Ok, write(2)),
    ];
    let history =
        |times: &[u64]| History::new(None, Order::Time, at_times(times, rows.clone())).unwrap();
    let precedes = |history: &History| {
        let [a, b] = history.operations() else {
            panic!()
        };
        (a.precedes(b), b.precedes(a))
    };
    assert_eq!(precedes(&history(&[1, 2, 3, 4])), (true, false));
    assert_eq!(precedes(&history(&[1, 2, 2, 4])), (false, false));
    assert_eq!(
        precedes(&history(&[3, 4, 1, 2])),
        (false, true),
        "positions do not count"
    );
    assert_eq!(precedes(&history(&[1, 1, 1, 1])), (false, false));
    assert!(history(&[1, 2, 3, 4]).warnings().is_empty());
    assert_eq!(history(&[3, 4, 1, 2]).warnings().len(), 1);
}

/// If the completion's clock is behind the invocation's, either may be the wrong one.
#[test]
fn an_operation_that_ends_before_it_begins_orders_nothing_within() {
    let rows = vec![
        (0, Kind::Invoke, write(1)),
        (0, Kind::Ok, write(1)),
        (1, Kind::Invoke, write(2)),
        (1, Kind::Ok, write(2)),
    ];
    let history = History::new(None, Order::Time, at_times(&[9, 1, 4, 5], rows)).unwrap();
    let [a, b] = history.operations() else {
        panic!()
    };
    assert!(!a.precedes(b) && !b.precedes(a));
    let warnings = history.warnings().join("\n");
    assert!(
        warnings.contains("operations that end before they begin: 1"),
        "{warnings}"
    );
}

#[test]
fn a_completion_without_invocation_begins_before_everything() {
    let rows = vec![
        (0, Kind::Invoke, write(1)),
        (0, Kind::Ok, write(1)),
        (1, Kind::Ok, write(2)),
        (2, Kind::Info, write(3)),
    ];
    for order in [Order::Index, Order::Time] {
        let history = History::new(None, order, events(rows.clone())).unwrap();
        let [a, b, c] = history.operations() else {
            panic!()
        };
        assert_eq!((b.start, c.start, c.end), (0, 0, u64::MAX));
        assert!(!a.precedes(b), "{order:?}");
        assert_eq!((b.invoke, b.complete), (2, Some(2)));
        assert_eq!(history.op(b), &write(2));
    }
}

#[test]
fn equal_keys_share_one_allocation() {
    let rows = vec![(0, Kind::Invoke, write(1)), (0, Kind::Ok, write(1))];
    let history = History::new(None, Order::Index, events(rows)).unwrap();
    let keys: Vec<Key> = history
        .events()
        .iter()
        .filter_map(|e| e.op()?.key().cloned())
        .collect();
    assert!(std::ptr::eq(&*keys[0].0, &*keys[1].0));
}
