//! By example: what is found, how it is named, and what limits do.

use polygraph_checker::{FailedCas, Options, Reason, Validity, Verdict};
use polygraph_history::{ErrorName, Key, Micro, NodeId, Op, Value};

use crate::build::{Build, cas, check, int, key, read, reading, validity, write};

pub(crate) fn violation(build: &Build) -> Verdict {
    let history = build.history();
    let verdict = check(&history, &Options::default());
    assert_eq!(verdict.validity, Validity::Violated);
    assert_eq!(verdict.anomalies[0].confirm(&history), Ok(()));
    verdict
}

/// Kind, operations and explanation of the one anomaly.
#[track_caller]
fn expect(build: &Build, kind: &str, operations: &[u64], explanation: &str) {
    let verdict = violation(build);
    assert_eq!(verdict.anomaly_count, 1);
    let anomaly = &verdict.anomalies[0];
    assert_eq!(anomaly.explanation, explanation);
    assert_eq!((anomaly.kind, &anomaly.operations[..]), (kind, operations));
    assert_eq!(anomaly.key, Some(key("x")));
}

#[test]
fn a_stale_read_is_told_with_the_write_that_it_missed() {
    let mut build = Build::new();
    build
        .whole(1, write("x", 7))
        .whole(9, write("y", 1))
        .whole(2, write("x", 9))
        .whole(3, read("x", 9))
        .whole(4, read("x", 7));
    expect(
        &build,
        "stale-read",
        &[0, 4, 8],
        "client 4 read x=7 at 0.009 s (begun at 0.008 s), after client 2 had finished its write of \
         9 at 0.005 s; client 1 had finished its write of 7 at 0.001 s, before that began",
    );
}

#[test]
fn a_write_that_a_compare_and_set_passes_over_is_lost() {
    let mut build = Build::new();
    build
        .whole(1, write("x", 7))
        .whole(2, write("x", 9))
        .whole(4, read("x", 7));
    // Perhaps nobody looked again: the read is stale, and more is not known.
    assert_eq!(violation(&build).anomalies[0].kind, "stale-read");
    let mut build = Build::new();
    build
        .whole(1, write("x", 7))
        .whole(2, write("x", 9))
        .whole(3, read("x", 9))
        .whole(4, cas("x", 7, 8));
    assert_eq!(violation(&build).anomalies[0].kind, "lost-write");
}

#[test]
fn a_read_of_nothing_after_a_write_is_stale() {
    let mut build = Build::new();
    build
        .whole(1, write("x", 7))
        .whole(2, read("x", 7))
        .whole(3, read("x", -1));
    expect(
        &build,
        "stale-read",
        &[0, 4],
        "client 3 read x=nothing at 0.005 s (begun at 0.004 s), after client 1 had finished its \
         write of 7 at 0.001 s",
    );
}

#[test]
fn new_and_then_old_during_one_write_is_said_like_that() {
    let mut build = Build::new();
    build
        .whole(1, write("x", 7))
        .invoke(2, write("x", 9))
        .whole(3, read("x", 9))
        .whole(5, read("x", 7))
        .ok(2, write("x", 9));
    expect(
        &build,
        "stale-read",
        &[0, 2, 3, 5],
        "client 3 read x=9 (finished 0.004 s), and then client 5, beginning at 0.005 s, read the \
         older 7. Client 1 had finished its write of 7 at 0.001 s, before client 2 began its write \
         of 9 at 0.002 s",
    );
}

#[test]
fn new_and_then_old_is_seen_where_the_writes_overlapped() {
    let mut build = Build::new();
    build
        .invoke(1, write("x", 7))
        .invoke(2, write("x", 9))
        .ok(1, write("x", 7))
        .whole(3, read("x", 9))
        .whole(5, read("x", 7))
        .ok(2, write("x", 9));
    expect(
        &build,
        "stale-read",
        &[0, 1, 3, 5],
        "client 3 read x=9 (finished 0.004 s), and then client 5, beginning at 0.005 s, read the \
         older 7. Client 1 had finished its write of 7 at 0.002 s, before client 3 began its read of \
         9 at 0.003 s",
    );
}

#[test]
fn a_value_that_came_from_nowhere_is_a_phantom() {
    let mut build = Build::new();
    build.whole(1, write("x", 7)).whole(2, read("x", 8));
    expect(
        &build,
        "phantom-read",
        &[2],
        "client 2 read x=8 at 0.003 s, which nobody ever wrote",
    );
    let mut build = Build::new();
    build
        .invoke(1, write("x", 8))
        .fail(1, write("x", 8), Some(ErrorName::UNAVAILABLE))
        .whole(2, read("x", 8));
    expect(
        &build,
        "phantom-read",
        &[0, 2],
        "client 2 read x=8 at 0.003 s, which nobody wrote: the only attempt, by client 1 at 0.000 s, \
         had failed (unavailable)",
    );
    let mut build = Build::new();
    build.whole(2, read("x", 8)).whole(1, write("x", 8));
    expect(
        &build,
        "phantom-read",
        &[0, 2],
        "client 2 read x=8 at 0.001 s, before anybody had begun to write 8: client 1 began to do so \
         at 0.002 s",
    );
}

#[test]
fn two_swaps_of_one_value_are_one_too_many() {
    let mut build = Build::new();
    build
        .whole(0, write("x", 1))
        .invoke(1, cas("x", 1, 2))
        .invoke(2, cas("x", 1, 3))
        .ok(1, cas("x", 1, 2))
        .ok(2, cas("x", 1, 3));
    expect(
        &build,
        "cas-double-success",
        &[0, 2, 3],
        "client 1 replaced x=1 by 2 at 0.004 s, and client 2 replaced x=1 by 3 at 0.005 s, but 1 was \
         written once, by client 0 at 0.000 s",
    );
}

#[test]
fn to_and_fro_is_wrong_even_while_both_writes_are_open() {
    let mut build = Build::new();
    build
        .invoke(1, write("x", 1))
        .invoke(2, write("x", 2))
        .whole(3, read("x", 1))
        .whole(3, read("x", 2))
        .whole(3, read("x", 1));
    let verdict = violation(&build);
    assert_eq!(verdict.anomalies[0].operations, [0, 1, 2, 4, 6]);
    assert_eq!(verdict.anomalies[0].kind, "stale-read");
}

#[test]
fn a_write_of_unknown_outcome_may_take_effect_late_or_never() {
    let mut build = Build::new();
    build
        .invoke(1, write("x", 1))
        .info(1, write("x", 1))
        .whole(2, write("x", 2))
        .whole(3, read("x", 2))
        .whole(3, read("x", 1));
    assert_eq!(validity(&build.history()), Validity::Holds);
    build.whole(3, read("x", 2));
    assert_eq!(validity(&build.history()), Validity::Violated);
}

#[test]
fn a_failed_compare_and_set_is_an_observation_only_where_it_says_so() {
    let failed = |error: Option<ErrorName>| {
        let mut build = Build::new();
        build
            .whole(1, write("x", 1))
            .invoke(2, cas("x", 1, 2))
            .fail(2, cas("x", 1, 2), error);
        build.history()
    };
    let ignore = Options {
        failed_cas: FailedCas::Ignore,
        ..Options::default()
    };
    for error in [None, Some(ErrorName::CAS_MISMATCH)] {
        assert_eq!(validity(&failed(error.clone())), Validity::Violated);
        assert_eq!(check(&failed(error), &ignore).validity, Validity::Holds);
    }
    for error in [
        ErrorName::NOT_LEADER,
        ErrorName::UNAVAILABLE,
        ErrorName::REFUSED,
    ] {
        assert_eq!(validity(&failed(Some(error))), Validity::Holds);
    }
}

#[test]
fn what_no_register_understands_makes_its_key_unknown() {
    let mut build = Build::new();
    build.whole(1, write("x", 1)).whole(1, read("x", 1));
    let holds = check(&build.history(), &Options::default());
    assert_eq!(
        (holds.validity, holds.operations_checked),
        (Validity::Holds, 2)
    );

    let peek = Op::Peek {
        key: key("x"),
        node: NodeId::at(0),
        value: Some(int(5)),
    };
    build.whole(1, peek);
    assert_eq!(
        validity(&build.history()),
        Validity::Holds,
        "a peek says nothing"
    );

    let foreign = [
        Op::Add {
            key: key("s"),
            value: int(1),
        },
        Op::Txn(vec![Micro::Append {
            key: key("s"),
            value: int(1),
        }]),
        Op::Custom {
            name: "enqueue".into(),
            args: serde_json::json!({ "key": "s" }),
        },
    ];
    for op in foreign {
        let mut build = build.clone();
        build.whole(1, read("s", 4)).whole(1, op);
        let verdict = check(&build.history(), &Options::default());
        assert_eq!(verdict.validity, Validity::Unknown);
        assert_eq!(verdict.reason, Some(Reason::NotApplicable));
        assert_eq!(verdict.warnings.len(), 1, "{:?}", verdict.warnings);
        assert_eq!(verdict.operations_checked, 2);
        // A violation of another key is one all the same.
        build.whole(1, read("x", -1));
        assert_eq!(validity(&build.history()), Validity::Violated);
    }
    // It may be about any key.
    build.whole(
        1,
        Op::Custom {
            name: "swap-all".into(),
            args: serde_json::json!([1]),
        },
    );
    build.whole(1, read("x", 3));
    assert_eq!(validity(&build.history()), Validity::Unknown);
}

#[test]
fn an_operation_of_no_model_spoils_its_object_and_no_other() {
    let enqueue = |name: &str| Op::Enqueue {
        key: key(name),
        value: int(1),
    };
    let dequeue = |name: &str| Op::Dequeue {
        key: key(name),
        value: Some(int(2)),
    };
    let custom = |args: serde_json::Value| Op::Custom {
        name: "requeue".into(),
        args,
    };
    let mut build = Build::new();
    build.whole(1, enqueue("q")).whole(1, dequeue("q"));
    assert_eq!(validity(&build.history()), Validity::Violated);
    let mut spoilt = build.clone();
    spoilt.whole(1, custom(serde_json::json!({ "key": "q" })));
    let verdict = check(&spoilt.history(), &Options::default());
    assert_eq!(verdict.validity, Validity::Unknown, "{verdict:?}");
    assert_eq!(verdict.warnings.len(), 1, "{:?}", verdict.warnings);
    spoilt.whole(1, dequeue("other"));
    assert_eq!(validity(&spoilt.history()), Validity::Violated);
    spoilt.whole(1, custom(serde_json::json!([])));
    assert_eq!(validity(&spoilt.history()), Validity::Unknown);
}

#[test]
fn transactions_join_the_registers_that_they_touch_and_no_others() {
    let write = |name: &str, value: i64| Micro::Write {
        key: key(name),
        value: int(value),
    };
    let saw = |name: &str, value: Value| Micro::Read {
        key: key(name),
        value: Some(value),
    };
    let mut build = Build::new();
    build.whole(1, Op::Txn(vec![write("x", 1), write("y", 1)]));
    build.whole(1, read("x", 1));
    assert_eq!(validity(&build.history()), Validity::Holds);
    let mut torn = build.clone();
    torn.whole(1, Op::Txn(vec![saw("x", int(1)), saw("y", Value::Null)]));
    let verdict = check(&torn.history(), &Options::default());
    assert_eq!(verdict.validity, Validity::Violated, "{verdict:?}");
    // Lists in transactions are of no model here, and say nothing of registers by themselves.
    build.whole(
        1,
        Op::Txn(vec![Micro::Append {
            key: key("l"),
            value: int(1),
        }]),
    );
    assert_eq!(validity(&build.history()), Validity::Unknown);
    build.whole(1, read("z", 5));
    assert_eq!(validity(&build.history()), Validity::Violated);
}

#[test]
fn a_history_without_single_operations_is_not_judged() {
    let mut build = Build::new();
    build.whole(
        1,
        Op::Txn(vec![Micro::Append {
            key: key("x"),
            value: int(1),
        }]),
    );
    let verdict = check(&build.history(), &Options::default());
    assert_eq!(verdict.validity, Validity::Unknown);
    assert_eq!(verdict.reason, Some(Reason::NotApplicable));
}

#[test]
fn values_of_any_shape_are_compared_whole() {
    let write = |value: Value| Op::Write {
        key: key("x"),
        value,
    };
    let read = |value: Value| Op::Read {
        key: key("x"),
        value: Some(value),
    };
    let list = Value::list([int(1), Value::from("a")]);
    let mut build = Build::new();
    build.whole(1, write(list.clone())).whole(2, read(list));
    assert_eq!(validity(&build.history()), Validity::Holds);
    build
        .whole(1, write(Value::from("1")))
        .whole(2, read(int(1)));
    assert_eq!(validity(&build.history()), Validity::Violated);
}

#[test]
fn the_same_history_gives_the_same_evidence() {
    let mut build = Build::new();
    for name in 0..40 {
        let name = format!("k{name}");
        build
            .whole(1, write(&name, 1))
            .whole(2, write(&name, 2))
            .whole(3, read(&name, 1));
    }
    let history = build.history();
    let verdict = check(&history, &Options::default());
    assert_eq!(verdict.anomaly_count, 40);
    assert_eq!(verdict.anomalies.len(), 16);
    assert_eq!(verdict.anomalies[0].key, Some(Key::from("k0")));
    for _ in 0..3 {
        let again = check(&history, &Options::default());
        assert_eq!(format!("{verdict:?}"), format!("{again:?}"));
    }
}

#[test]
fn every_field_of_a_verdict_is_filled() {
    let mut build = Build::new();
    build
        .invoke(1, write("x", 1))
        .invoke(2, reading("x"))
        .ok(2, read("x", 1))
        .info(1, write("x", 1))
        .whole(2, write("y", 2));
    let verdict = check(&build.history(), &Options::default());
    assert_eq!(verdict.validity, Validity::Holds);
    assert_eq!((verdict.operations_checked, verdict.indeterminate), (3, 1));
    assert_eq!(verdict.opportunities, 1);
    assert_eq!((verdict.reason, verdict.established), (None, None));
}
