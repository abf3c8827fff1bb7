//! What is said of proofs that do not stand.

use polygraph_checker::FailedCas;
use polygraph_checker::linearizable::{
    Certificate, Kept, Linearization, NotConfirmed, Rule, Witness, confirm_certificate,
    confirm_witness, impasses,
};
use polygraph_checker::model::ModelKind;
use polygraph_history::{Body, Event, History, Key, Kind, Op, Order, Process, Time, Value};

fn history_of(ops: impl IntoIterator<Item = (u64, Kind, Op)>) -> History {
    let event = |(at, (process, kind, op)): (usize, (u64, Kind, Op))| {
        let index = at as u64;
        let time = Time::from_millis(index);
        Event::new(index, time, Process::Client(process), kind, Body::Op(op))
    };
    let events = ops.into_iter().enumerate().map(event).collect();
    History::new(None, Order::Index, events).unwrap()
}

/// Operations one after the other, each with its completion.
fn sequential(ops: impl IntoIterator<Item = Op>) -> History {
    history_of(ops.into_iter().flat_map(|op| {
        let invoked = match &op {
            Op::Read { key, .. } => Op::Read {
                key: key.clone(),
                value: None,
            },
            Op::Dequeue { key, .. } => Op::Dequeue {
                key: key.clone(),
                value: None,
            },
            other => other.clone(),
        };
        [(0, Kind::Invoke, invoked), (0, Kind::Ok, op)]
    }))
}

fn write(key: &str, value: i64) -> Op {
    Op::Write {
        key: Key::from(key),
        value: Value::Int(value),
    }
}

fn read(key: &str, value: i64) -> Op {
    Op::Read {
        key: Key::from(key),
        value: Some(Value::Int(value)),
    }
}

fn enqueue(value: i64) -> Op {
    Op::Enqueue {
        key: Key::from("x"),
        value: Value::Int(value),
    }
}

fn dequeue(value: Option<i64>) -> Op {
    Op::Dequeue {
        key: Key::from("x"),
        value: value.map(Value::Int),
    }
}

/// Two clients acquire and nobody releases.
pub(crate) fn two_permits() -> History {
    let acquire = || Op::Acquire {
        key: Key::from("x"),
        shared: false,
        token: None,
    };
    sequential([acquire(), acquire()])
}

fn of_order(history: &History, order: &[usize]) -> Result<Vec<Key>, String> {
    let witness = Witness {
        failed_cas: FailedCas::Observe,
        objects: vec![Linearization {
            keys: vec![Key::from("x")],
            model: ModelKind::CasRegister.into(),
            order: order.to_vec(),
        }],
    };
    let confirmed = confirm_witness(history, &witness);
    confirmed
        .map(|confirmed| confirmed.not_covered)
        .map_err(|problem| problem.to_string())
}

#[test]
fn a_wrong_order_is_told_with_the_events_in_question() {
    let history = sequential([write("x", 1), read("x", 1), write("y", 2)]);
    assert_eq!(of_order(&history, &[0, 2]), Ok(vec![Key::from("y")]));
    for (order, said) in [
        (
            &[2, 0][..],
            "key x: the operation of event 2 is placed before that of event 0, after which it began",
        ),
        (
            &[0],
            "key x: the operation of event 2 is missing, which has ended",
        ),
        (&[0, 2, 2], "key x: the operation of event 2 is there twice"),
        (&[0, 1, 2], "key x: event 1 begins no operation"),
        (&[0, 2, 77], "key x: event 77 begins no operation"),
        (
            &[0, 2, 4],
            "key x: the operation of event 4 is about another object",
        ),
    ] {
        assert_eq!(of_order(&history, order).unwrap_err(), said);
    }
    let history = sequential([write("x", 1), read("x", 2)]);
    assert_eq!(
        of_order(&history, &[0, 2]).unwrap_err(),
        "key x: the operation of event 2, placed after 1 others, is not possible there: cannot \
         read 2 where 1 is"
    );
}

#[test]
fn what_had_no_effect_has_no_place() {
    let history = history_of([
        (0, Kind::Invoke, write("x", 1)),
        (0, Kind::Fail, write("x", 1)),
    ]);
    assert_eq!(of_order(&history, &[]), Ok(Vec::new()));
    assert!(
        of_order(&history, &[0])
            .unwrap_err()
            .contains("had no effect")
    );
}

fn cut(model: ModelKind, rule: Rule, until: usize, kept: &[usize]) -> Certificate {
    let kept = kept.iter().map(|&invoke| Kept {
        invoke,
        expectation: true,
    });
    Certificate {
        keys: vec![Key::from("x")],
        model: model.into(),
        failed_cas: FailedCas::Observe,
        until,
        operations: kept.collect(),
        rule,
        since: None,
    }
}

fn of_cut(history: &History, certificate: &Certificate) -> Result<(), String> {
    let confirmed = confirm_certificate(history, certificate);
    confirmed.map(|_| ()).map_err(|problem| problem.to_string())
}

#[test]
fn elements_are_left_out_whole_or_not_at_all() {
    let queue = |kept: &[usize]| cut(ModelKind::FifoQueue, Rule::Elements, 9, kept);
    // 1 and 3 are in order; 2 comes before it.
    let puts = [enqueue(1), enqueue(2), enqueue(3)];
    let history = sequential(puts.into_iter().chain([dequeue(Some(1)), dequeue(Some(3))]));
    assert_eq!(of_cut(&history, &queue(&[2, 4, 8])), Ok(()));
    assert_eq!(of_cut(&history, &queue(&[0, 2, 4, 6, 8])), Ok(()));
    for (kept, said) in [
        (
            &[2, 4, 6, 8][..],
            "event 0 is left out, and event 6 on the same element is kept",
        ),
        (&[4, 8], "an order explains these operations"),
        (
            &[2, 4],
            "event 8 is left out, and event 4 on the same element is kept",
        ),
        (&[2, 4, 8, 8], "event 8 is named twice"),
        (
            &[2, 3],
            "event 3 began no operation on key x that says something by event 9",
        ),
    ] {
        assert_eq!(of_cut(&history, &queue(kept)).unwrap_err(), said);
    }
    let all = cut(ModelKind::FifoQueue, Rule::Observers, 9, &[2, 4, 8]);
    let said = of_cut(&history, &all).unwrap_err();
    assert_eq!(said, "event 0 is left out, and does more than observe");
    let shown = impasses(&history, &queue(&[2, 4, 8]), 10).unwrap();
    assert_eq!(shown.len(), 1);
    assert_eq!(shown[0].order, [2, 4]);
    assert_eq!(
        shown[0].refused[0].why,
        "cannot dequeue 3: 2 is at the head"
    );
}

/// What comes before a read of everything need not be kept.
#[test]
fn what_begins_with_a_read_of_everything_needs_nothing_before_it() {
    let key = || Key::from("x");
    let value = Value::Int;
    let add = |element| Op::Add {
        key: key(),
        value: value(element),
    };
    let both = || Op::Read {
        key: key(),
        value: Some(Value::list([value(1), value(2)])),
    };
    let remove = Op::Remove {
        key: key(),
        value: value(2),
    };
    let history = sequential([add(1), add(2), both(), remove, both()]);
    let since = |since, kept: &[usize], rule| {
        let certificate = Certificate {
            since,
            ..cut(ModelKind::Set, rule, 9, kept)
        };
        of_cut(&history, &certificate)
    };
    assert_eq!(since(Some(4), &[4, 6, 8], Rule::Observers), Ok(()));
    for (base, kept, rule, said) in [
        (
            None,
            &[4, 6, 8][..],
            Rule::Observers,
            "event 0 is left out, and does more than observe",
        ),
        (
            Some(4),
            &[4, 8],
            Rule::Observers,
            "event 6 is left out, and does more than observe",
        ),
        (
            Some(4),
            &[2, 4, 6, 8],
            Rule::Observers,
            "event 2 is kept, whose operation comes before that of event 4",
        ),
        (
            Some(4),
            &[6, 8],
            Rule::Observers,
            "everything else shall come after event 4, which is not kept",
        ),
        (
            Some(6),
            &[6, 8],
            Rule::Observers,
            "the operation of event 6 does not tell all",
        ),
        (
            Some(4),
            &[4, 6, 8],
            Rule::Sections,
            "the rule `sections` is about everything since the beginning",
        ),
        (
            Some(8),
            &[8],
            Rule::Observers,
            "an order explains these operations",
        ),
    ] {
        assert_eq!(since(base, kept, rule).unwrap_err(), said);
    }
    let certificate = Certificate {
        since: Some(4),
        ..cut(ModelKind::Set, Rule::Observers, 9, &[4, 6, 8])
    };
    let shown = impasses(&history, &certificate, 10).unwrap();
    assert_eq!(shown.len(), 1);
    assert_eq!(shown[0].order, [4, 6]);
    assert_eq!(shown[0].refused[0].why, "cannot read {1 2}: 2 is not there");
    // With one element all that changes it tells the state.
    let change = |found| Op::Contains {
        key: key(),
        value: value(1),
        found: Some(found),
    };
    let history = sequential([add(2), change(false), add(1), change(false)]);
    let certificate = Certificate {
        since: Some(4),
        ..cut(ModelKind::Set, Rule::Elements, 7, &[4, 6])
    };
    assert_eq!(of_cut(&history, &certificate), Ok(()));
    let certificate = Certificate {
        rule: Rule::Observers,
        ..certificate
    };
    let said = of_cut(&history, &certificate).unwrap_err();
    assert_eq!(said, "the operation of event 4 does not tell all");
}

/// One who took an element for certain, and nobody knows which, would take another if his were
/// left out.
#[test]
fn no_element_is_left_out_where_one_was_taken_that_is_not_known() {
    let history = sequential([enqueue(1), dequeue(None), enqueue(2), dequeue(Some(2))]);
    let certificate = cut(ModelKind::FifoQueue, Rule::Elements, 7, &[2, 4, 6]);
    let said = of_cut(&history, &certificate).unwrap_err();
    assert!(said.contains("took an element that is not known"), "{said}");
}

#[test]
fn what_is_too_large_is_called_that() {
    // Forty writes and a read of nothing that was written, all at once: 2^40 orders.
    let writes = (0..40).map(|process| (process, write("x", process as i64)));
    let wrong = (40, read("x", 99));
    let all: Vec<(u64, Op)> = writes.chain([wrong]).collect();
    let begin = all.iter().map(|(process, op)| {
        let invoked = match op {
            Op::Read { key, .. } => Op::Read {
                key: key.clone(),
                value: None,
            },
            op => op.clone(),
        };
        (*process, Kind::Invoke, invoked)
    });
    let end = all
        .iter()
        .map(|(process, op)| (*process, Kind::Ok, op.clone()));
    let history = history_of(begin.chain(end));
    let kept: Vec<usize> = (0..41).collect();
    let certificate = cut(ModelKind::CasRegister, Rule::Observers, 81, &kept);
    let answer = confirm_certificate(&history, &certificate);
    assert!(
        matches!(answer, Err(NotConfirmed::TooLarge(_))),
        "{answer:?}"
    );
    // By the rule for registers the read alone is enough.
    let certificate = cut(ModelKind::CasRegister, Rule::Origins, 81, &[40]);
    assert_eq!(of_cut(&history, &certificate), Ok(()));
}
