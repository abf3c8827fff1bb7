//! Small histories with a name.

use polygraph_checker::isolation::weak::{Level, check};
use polygraph_checker::{Options, Validity};
use polygraph_history::{History, Micro};

use super::build::{read, sessions, write};

/// The anomalies at a level, confirmed.
fn kinds(history: &History, level: Level) -> Vec<&'static str> {
    let verdict = check(level, history, &Options::default());
    for anomaly in &verdict.anomalies {
        anomaly.confirm(history).expect("the evidence stands");
        println!("{}: {}", anomaly.kind, anomaly.explanation);
    }
    assert_eq!(
        verdict.validity == Validity::Violated,
        !verdict.anomalies.is_empty()
    );
    verdict
        .anomalies
        .iter()
        .map(|anomaly| anomaly.kind)
        .collect()
}

fn holds(history: &History, level: Level) {
    assert!(kinds(history, level).is_empty());
    let verdict = check(level, history, &Options::default());
    assert_eq!(verdict.validity, Validity::Holds);
}

const RC: Level = Level::READ_COMMITTED;
const MAV: Level = Level::MONOTONIC_ATOMIC_VIEW;
const RA: Level = Level::READ_ATOMIC;
const CC: Level = Level::CAUSAL;

fn one(micros: &[Micro]) -> Vec<Micro> {
    micros.to_vec()
}

/// A session reads the initial value of a register that it wrote.
#[test]
fn the_initial_value_after_an_own_write() {
    let history = sessions(&[&[&[write("x", 1)], &[read("x", 0)]]]);
    holds(&history, RC);
    holds(&history, RA);
    assert_eq!(
        kinds(&history, RA.in_sessions()),
        ["fractured-read-process"]
    );
    assert_eq!(kinds(&history, CC), ["fractured-read-process"]);
}

/// A transaction reads what depends on a write, and the initial value that the write replaced.
#[test]
fn the_initial_value_behind_causality() {
    let history = sessions(&[
        &[&[write("x", 1)]],
        &[&[read("x", 1), write("y", 1)]],
        &[&[read("y", 1), read("x", 0)]],
    ]);
    holds(&history, RA.in_sessions());
    assert_eq!(kinds(&history, CC), ["WriteCOInitRead"]);
}

#[test]
fn a_stale_version_behind_causality() {
    let history = sessions(&[
        &[&[write("x", 1)]],
        &[&[read("x", 1), write("x", 2)]],
        &[&[read("x", 2), write("y", 1)]],
        &[&[read("y", 1), read("x", 1)]],
    ]);
    holds(&history, RA.in_sessions());
    assert_eq!(kinds(&history, CC), ["WriteCORead"]);
}

#[test]
fn conflicting_writes_in_two_orders() {
    let history = sessions(&[
        &[
            &[write("x", 1)],
            &[read("x", 2), write("a", 1)],
            &[read("x", 1)],
        ],
        &[&[write("x", 2)]],
        &[&[read("x", 1)], &[read("x", 2)]],
    ]);
    assert!(!kinds(&history, CC).is_empty());
    holds(&history, RA);
}

#[test]
fn an_observed_transaction_vanishes() {
    let history = sessions(&[
        &[&[write("x", 1), write("y", 1)]],
        &[&[read("x", 1), read("y", 0)]],
    ]);
    holds(&history, RC);
    assert_eq!(kinds(&history, MAV), ["OTV"]);
}

#[test]
fn half_of_a_transaction_is_read() {
    let history = sessions(&[
        &[&[write("x", 1), write("y", 1)]],
        &[&[read("x", 0), read("y", 1)]],
    ]);
    holds(&history, MAV);
    assert_eq!(kinds(&history, RA), ["fractured-read"]);
}

#[test]
fn reads_that_do_not_repeat() {
    let history = sessions(&[
        &[&[write("x", 1)], &[write("x", 2)]],
        &[&[read("x", 1), read("x", 2)]],
    ]);
    holds(&history, MAV);
    assert!(kinds(&history, RA).contains(&"non-repeatable-read"));
}

#[test]
fn information_flows_in_a_circle() {
    let history = sessions(&[
        &[&[write("x", 1), read("y", 1)]],
        &[&[write("y", 1), read("x", 1)]],
    ]);
    for level in [RC, MAV, RA, CC] {
        assert_eq!(kinds(&history, level), ["G1c"]);
    }
    let history = sessions(&[
        &[&[read("y", 1)], &[write("x", 1)]],
        &[&[write("y", 1), read("x", 1)]],
    ]);
    for level in [RC, MAV, RA] {
        holds(&history, level);
        assert_eq!(kinds(&history, level.in_sessions()), ["G1c-process"]);
    }
}

#[test]
fn reads_that_are_wrong_by_themselves() {
    let cases: [(&[&[&[Micro]]], &str); 4] = [
        (&[&[&[read("x", 7)]]], "thin-air-read"),
        (&[&[&[write("x", 1), read("x", 0)]]], "internal"),
        (&[&[&[read("x", 1), write("x", 1)]]], "future-read"),
        (
            &[&[&[write("x", 1), write("x", 2)]], &[&[read("x", 1)]]],
            "G1b",
        ),
    ];
    for (clients, kind) in cases {
        let history = sessions(clients);
        for level in [RC, MAV, RA, CC, RC.in_sessions(), MAV.in_sessions()] {
            match (kind, level) {
                ("internal", RC | MAV) => holds(&history, level),
                _ => assert_eq!(kinds(&history, level), [kind]),
            }
        }
    }
}

#[test]
fn a_lost_update_is_causal() {
    let update = |value| one(&[read("x", 0), write("x", value)]);
    let (a, b) = (update(1), update(2));
    let history = sessions(&[&[&a], &[&b]]);
    holds(&history, CC);
}
