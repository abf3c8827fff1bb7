use polygraph_history::{
    Body, Event, EventIndex, Guarantee, History, Kind, Micro, Op, Order, Process, Time, Value,
};

use super::{Schedule, confirm_schedule};

use Guarantee::{
    PrefixConsistency, Serializable, SnapshotIsolation, StrictSerializable,
    StrongSessionSerializable, StrongSessionSnapshotIsolation, StrongSnapshotIsolation,
};

fn read(key: &str, value: Value) -> Micro {
    Micro::Read {
        key: key.into(),
        value: Some(value),
    }
}

fn write(key: &str, value: i64) -> Micro {
    Micro::Write {
        key: key.into(),
        value: value.into(),
    }
}

fn append(key: &str, value: i64) -> Micro {
    Micro::Append {
        key: key.into(),
        value: value.into(),
    }
}

fn list(elements: &[i64]) -> Value {
    Value::list(elements.iter().map(|&element| element.into()))
}

/// A history of events in this order: a process begins what it will have done, or ends as said.
fn history(events: &[(u64, Kind)], txns: &[(u64, Vec<Micro>)]) -> History {
    let mut next = [0; 8];
    let events = events.iter().enumerate().map(|(index, &(process, kind))| {
        let of = |&&(owner, _): &&(u64, Vec<Micro>)| owner == process;
        let at = &mut next[process as usize];
        let (_, micros) = txns.iter().filter(of).nth(*at).expect("a transaction");
        let mut micros = micros.clone();
        if kind == Kind::Ok {
            *at += 1;
        } else {
            for micro in &mut micros {
                if let Micro::Read { value, .. } = micro {
                    *value = None;
                }
            }
        }
        let op = Op::Txn(micros);
        let time = Time(index as u64);
        Event::new(
            index as u64,
            time,
            Process::Client(process),
            kind,
            Body::Op(op),
        )
    });
    History::new(None, Order::Index, events.collect()).expect("well formed")
}

fn confirm(history: &History, guarantee: Guarantee, moments: &[EventIndex]) -> Result<(), String> {
    let moments = moments.to_vec();
    confirm_schedule(history, &Schedule { guarantee, moments })
}

#[track_caller]
fn refuses(history: &History, guarantee: Guarantee, moments: &[EventIndex], why: &str) {
    let problem = confirm(history, guarantee, moments).unwrap_err();
    assert!(problem.contains(why), "{problem}");
}

const BOTH: &[(u64, Kind)] = &[
    (0, Kind::Invoke),
    (1, Kind::Invoke),
    (0, Kind::Ok),
    (1, Kind::Ok),
];

#[test]
fn write_skew_has_snapshots_and_no_order() {
    let txns = [
        (0, vec![read("x", Value::Null), append("y", 1)]),
        (1, vec![read("y", list(&[])), append("x", 2)]),
    ];
    let history = history(BOTH, &txns);
    confirm(&history, SnapshotIsolation, &[0, 1, 0, 1]).unwrap();
    confirm(&history, StrongSnapshotIsolation, &[1, 0, 0, 1]).unwrap();
    refuses(&history, SnapshotIsolation, &[0, 0, 1, 1], "not the 1");
    refuses(
        &history,
        Serializable,
        &[0, 1],
        "transaction 1 read 0 elements from y",
    );
    refuses(
        &history,
        Serializable,
        &[1, 0],
        "transaction 0 read 0 elements from x",
    );
}

#[test]
fn a_lost_update_is_a_conflict() {
    let txns = [
        (0, vec![read("x", Value::Null), write("x", 1)]),
        (1, vec![read("x", Value::Null), write("x", 2)]),
    ];
    let history = history(BOTH, &txns);
    confirm(&history, PrefixConsistency, &[0, 1, 0, 1]).unwrap();
    refuses(
        &history,
        SnapshotIsolation,
        &[0, 1, 0, 1],
        "after its snapshot",
    );
    refuses(
        &history,
        SnapshotIsolation,
        &[0, 0, 1, 1],
        "which was 1 then",
    );
}

#[test]
fn own_writes_are_seen_and_nothing_of_others_in_between() {
    let txns = [
        (
            0,
            vec![
                append("x", 1),
                read("x", list(&[1])),
                append("x", 2),
                read("x", list(&[1, 2])),
            ],
        ),
        (1, vec![read("x", list(&[1]))]),
    ];
    let history = history(BOTH, &txns);
    refuses(&history, SnapshotIsolation, &[0, 0, 1, 1], "not the 2");
    refuses(&history, SnapshotIsolation, &[1, 1, 0, 0], "not the 0");
}

#[test]
fn sessions_and_real_time_count_where_they_are_demanded() {
    let events = [
        (0, Kind::Invoke),
        (0, Kind::Ok),
        (0, Kind::Invoke),
        (0, Kind::Ok),
        (1, Kind::Invoke),
        (1, Kind::Ok),
    ];
    // What comes second in the session sees nothing of the first, nor does what begins later.
    let own = [
        (0, vec![write("x", 1)]),
        (0, vec![read("x", Value::Null)]),
        (1, vec![read("x", 1.into())]),
    ];
    let blind = history(&events, &own);
    confirm(&blind, Serializable, &[2, 0, 4]).unwrap();
    refuses(
        &blind,
        StrongSessionSerializable,
        &[2, 0, 4],
        "in its session",
    );
    confirm(&blind, SnapshotIsolation, &[2, 0, 0, 2, 4, 4]).unwrap();
    refuses(
        &blind,
        StrongSessionSnapshotIsolation,
        &[2, 0, 0, 2, 4, 4],
        "in its session",
    );

    let other = [
        (0, vec![write("x", 1)]),
        (0, vec![read("x", 1.into())]),
        (1, vec![read("x", Value::Null)]),
    ];
    let late = history(&events, &other);
    confirm(&late, StrongSessionSerializable, &[4, 0, 2]).unwrap();
    refuses(&late, StrictSerializable, &[4, 0, 2], "when it had ended");
    confirm(&late, StrongSessionSnapshotIsolation, &[4, 0, 0, 2, 4, 2]).unwrap();
    refuses(
        &late,
        StrongSnapshotIsolation,
        &[4, 0, 0, 2, 4, 2],
        "when it had ended",
    );
}

#[test]
fn everything_that_took_place_is_there_once_and_nothing_that_failed() {
    let events = [
        (0, Kind::Invoke),
        (1, Kind::Invoke),
        (2, Kind::Invoke),
        (0, Kind::Ok),
        (1, Kind::Fail),
        (2, Kind::Info),
    ];
    let txns = [
        (0, vec![write("x", 1)]),
        (1, vec![write("x", 2)]),
        (2, vec![write("x", 3)]),
    ];
    let history = history(&events, &txns);
    confirm(&history, Serializable, &[0]).unwrap();
    confirm(&history, Serializable, &[0, 2]).unwrap();
    refuses(&history, Serializable, &[2], "is not in the schedule");
    refuses(&history, Serializable, &[0, 1], "failed");
    refuses(&history, Serializable, &[0, 0], "too often");
    refuses(&history, Serializable, &[0, 3], "does not invoke");
    refuses(&history, Serializable, &[0, 900], "does not invoke");
    refuses(&history, SnapshotIsolation, &[0, 0, 2], "never commits");
    refuses(&history, Guarantee::Linearizable, &[0], "no proof");
}
