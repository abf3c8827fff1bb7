//! Histories, from what clients saw to a verdict with evidence that is confirmed.

use polygraph_checker::isolation::solve::{Level, check, decide, level};
use polygraph_checker::{Options, Validity, Verdict};
use polygraph_history::{
    Body, Event, Guarantee, History, Kind, Micro, Op, Order, Outcome, Process, Time, Value,
};

use super::fuzz::PLENTY;
use super::generate::{Dice, small};
use super::often;

/// A transaction: who, when, how it ended, and what it did.
#[derive(Clone)]
struct Txn {
    process: u64,
    begin: u64,
    end: u64,
    outcome: Outcome,
    micros: Vec<Micro>,
}

fn r(key: &str, value: impl Into<Option<i64>>) -> Micro {
    let value = value.into().map_or(Value::Null, Value::from);
    Micro::Read {
        key: key.into(),
        value: Some(value),
    }
}

fn w(key: &str, value: i64) -> Micro {
    Micro::Write {
        key: key.into(),
        value: value.into(),
    }
}

fn txn(process: u64, begin: u64, end: u64, micros: &[Micro]) -> Txn {
    Txn {
        process,
        begin,
        end,
        outcome: Outcome::Ok,
        micros: micros.to_vec(),
    }
}

fn history(txns: &[Txn]) -> History {
    let mut moments: Vec<(u64, u8, usize)> = Vec::new();
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
            let micros = txn.micros.iter().map(|micro| match micro {
                Micro::Read { key, .. } if kind != Kind::Ok => Micro::Read {
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

const GUARANTEES: [Guarantee; 7] = [
    Guarantee::Serializable,
    Guarantee::StrongSessionSerializable,
    Guarantee::StrictSerializable,
    Guarantee::SnapshotIsolation,
    Guarantee::StrongSessionSnapshotIsolation,
    Guarantee::StrongSnapshotIsolation,
    Guarantee::PrefixConsistency,
];

/// The verdict, after its evidence has been looked at.
fn confirmed(history: &History, guarantee: Guarantee) -> Verdict {
    let verdict = check(guarantee, history, &Options::default());
    assert_eq!(
        verdict.validity == Validity::Violated,
        !verdict.anomalies.is_empty()
    );
    for anomaly in &verdict.anomalies {
        anomaly.confirm(history).expect("evidence stands");
        assert!(!anomaly.explanation.is_empty());
    }
    verdict
}

fn expect(txns: &[Txn], expected: &[(Guarantee, &str)]) {
    let history = history(txns);
    for guarantee in GUARANTEES {
        let verdict = confirmed(&history, guarantee);
        let kind = verdict
            .anomalies
            .first()
            .map_or("holds", |anomaly| anomaly.kind);
        for anomaly in &verdict.anomalies {
            println!(
                "{}: {}: {}",
                guarantee.name(),
                anomaly.kind,
                anomaly.explanation
            );
        }
        let wanted = expected.iter().find(|(other, _)| *other == guarantee);
        assert_eq!(
            kind,
            wanted.map_or("holds", |(_, kind)| kind),
            "{}",
            guarantee.name()
        );
    }
}

#[test]
fn write_skew_is_not_serializable() {
    let skew = [
        txn(0, 1, 4, &[r("x", None), r("y", None), w("x", 1)]),
        txn(1, 2, 3, &[r("x", None), r("y", None), w("y", 1)]),
    ];
    expect(
        &skew,
        &[
            (Guarantee::Serializable, "G2-item"),
            (Guarantee::StrongSessionSerializable, "G2-item"),
            (Guarantee::StrictSerializable, "G2-item"),
        ],
    );
}

#[test]
fn lost_updates_are_seen_up_to_snapshot_isolation() {
    let lost = [
        txn(0, 1, 4, &[r("x", None), w("x", 1)]),
        txn(1, 2, 3, &[r("x", None), w("x", 2)]),
    ];
    let all = GUARANTEES
        .into_iter()
        .filter(|guarantee| *guarantee != Guarantee::PrefixConsistency);
    expect(
        &lost,
        &all.map(|guarantee| (guarantee, "lost-update"))
            .collect::<Vec<_>>(),
    );
}

#[test]
fn a_session_that_forgets_is_told_from_one_that_is_late() {
    let forgets = [txn(0, 1, 2, &[w("x", 1)]), txn(0, 3, 4, &[r("x", None)])];
    expect(
        &forgets,
        &[
            (Guarantee::StrongSessionSerializable, "G-single-process"),
            (Guarantee::StrictSerializable, "G-single-process"),
            (
                Guarantee::StrongSessionSnapshotIsolation,
                "G-single-process",
            ),
            (Guarantee::StrongSnapshotIsolation, "G-single-process"),
            (Guarantee::PrefixConsistency, "G-single-process"),
        ],
    );
    let late = [txn(0, 1, 2, &[w("x", 1)]), txn(1, 3, 4, &[r("x", None)])];
    expect(
        &late,
        &[
            (Guarantee::StrictSerializable, "G-single-realtime"),
            (Guarantee::StrongSnapshotIsolation, "G-single-realtime"),
        ],
    );
}

#[test]
fn the_initial_value_precedes_what_was_read_of_others() {
    let causal = [
        txn(0, 1, 10, &[w("x", 1)]),
        txn(1, 2, 11, &[r("x", 1), w("y", 1)]),
        txn(2, 3, 12, &[r("y", 1), r("x", None)]),
    ];
    let all = GUARANTEES.map(|guarantee| (guarantee, "G-single"));
    expect(&causal, &all);
}

/// Four readers that disagree on the order of two blind writers: whichever came first, one is
/// wrong.
#[test]
fn a_case_split_is_told() {
    let split = [
        txn(0, 1, 50, &[w("x", 1), w("a", 1)]),
        txn(1, 2, 51, &[w("x", 2), w("b", 1)]),
        txn(2, 3, 52, &[r("x", 1), r("b", 1)]),
        txn(3, 4, 53, &[r("x", 2), r("a", 1)]),
    ];
    let all = GUARANTEES.map(|guarantee| {
        let kind = match level(guarantee).map(|level| level.isolation) {
            Some(polygraph_checker::isolation::solve::Isolation::Serializable) => "no-serial-order",
            Some(polygraph_checker::isolation::solve::Isolation::Snapshot) => "no-snapshot-order",
            _ => "no-prefix-order",
        };
        (guarantee, kind)
    });
    expect(&split, &all);
}

#[test]
fn faulty_reads_are_named() {
    let mut failed = txn(0, 1, 2, &[w("x", 1)]);
    failed.outcome = Outcome::Fail;
    let all = |kind| GUARANTEES.map(|guarantee| (guarantee, kind));
    expect(&[failed, txn(1, 3, 4, &[r("x", 1)])], &all("G1a"));
    let overwritten = txn(0, 1, 2, &[w("x", 1), w("x", 2)]);
    expect(&[overwritten, txn(1, 3, 4, &[r("x", 1)])], &all("G1b"));
    expect(&[txn(1, 3, 4, &[r("x", 1)])], &all("thin-air-read"));
    expect(
        &[txn(1, 3, 4, &[r("x", 1), w("x", 1)])],
        &all("future-read"),
    );
    expect(
        &[txn(1, 3, 4, &[w("x", 1), r("x", None)])],
        &all("internal"),
    );
}

#[test]
fn what_nobody_saw_of_an_unknown_transaction_does_not_count() {
    let mut unknown = txn(0, 1, 2, &[w("x", 1)]);
    unknown.outcome = Outcome::Info;
    let read = txn(1, 3, 4, &[r("x", None)]);
    expect(&[unknown.clone(), read.clone()], &[]);
    let seen = txn(2, 5, 6, &[r("x", 1)]);
    expect(&[unknown, read, seen], &[]);
}

/// Small problems as histories: the verdicts are those of the problems, and the evidence is
/// confirmed from the events alone.
#[test]
fn histories_are_judged_as_their_problems() {
    let mut counts = [0; 2];
    for seed in 0..often(2_000) {
        let mut problem = small(&mut Dice(seed), 6);
        if problem.spans.is_empty() {
            continue;
        }
        let mut txns: Vec<Txn> = Vec::new();
        // The session of a transaction is that of the one before it.
        let mut process: Vec<u64> = (0..u64::from(problem.transactions)).collect();
        let mut pairs = problem.precedes.clone();
        pairs.sort_unstable_by_key(|pair| pair.after);
        for pair in pairs {
            process[pair.after as usize] = process[pair.before as usize];
        }
        for (at, span) in (0..).zip(&mut problem.spans) {
            span.end = span.end.min(1_000_000 + u64::from(at));
            let mut micros = Vec::new();
            for (key, register) in problem.keys.iter().enumerate() {
                let name = format!("k{key}");
                for read in register.reads.iter().filter(|read| read.reader == at) {
                    micros.push(r(&name, read.from.map(i64::from)));
                }
                if register.writers.contains(&at) {
                    micros.push(w(&name, i64::from(at)));
                }
            }
            txns.push(txn(process[at as usize], span.begin, span.end, &micros));
        }
        // A session whose transaction has no end known would go on before that ended.
        let mut ends: std::collections::BTreeMap<u64, u64> = std::collections::BTreeMap::new();
        let mut sorted: Vec<&Txn> = txns.iter().collect();
        sorted.sort_by_key(|txn| txn.begin);
        if sorted.iter().any(|txn| {
            ends.insert(txn.process, txn.end)
                .is_some_and(|end| end >= txn.begin)
        }) {
            continue;
        }
        let history = history(&txns);
        for guarantee in GUARANTEES {
            let asked: Level = level(guarantee).expect("one that is decided");
            let expected = decide(&problem, asked, PLENTY).0.holds().expect("decided");
            let verdict = confirmed(&history, guarantee);
            let held = verdict.validity == Validity::Holds;
            assert_eq!(
                held,
                expected,
                "seed {seed} {}: {problem:?}",
                guarantee.name()
            );
            counts[usize::from(held)] += 1;
        }
    }
    println!("{} hold, {} violated", counts[1], counts[0]);
    assert!(counts[0] > 0 && counts[1] > 0);
}
