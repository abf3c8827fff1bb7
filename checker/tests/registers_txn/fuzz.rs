//! Verdicts equal the definitions; every piece of evidence is confirmed, and none on a history
//! that keeps the level.

use polygraph_checker::isolation::weak::{Axiom, Level, check};
use polygraph_checker::{Options, Reason, Validity, Verdict};
use polygraph_history::{History, Micro, Outcome};

use super::brute;
use super::build::{self, Txn};
use super::generate::{self, Dice};

/// Every level that there is, with what decides it by definition.
pub(crate) const LEVELS: [(Level, bool); 7] = [
    (Level::READ_COMMITTED, false),
    (Level::READ_COMMITTED.in_sessions(), true),
    (Level::MONOTONIC_ATOMIC_VIEW, false),
    (Level::MONOTONIC_ATOMIC_VIEW.in_sessions(), true),
    (Level::READ_ATOMIC, false),
    (Level::READ_ATOMIC.in_sessions(), true),
    (Level::CAUSAL, true),
];

pub(crate) fn factor() -> u64 {
    let factor = std::env::var("POLYGRAPH_FUZZ").ok();
    factor.and_then(|text| text.parse().ok()).unwrap_or(1)
}

pub(crate) fn truth(history: &History, level: Level, sessions: bool) -> bool {
    match (level.axiom(), sessions) {
        (Axiom::ReadAtomic, true) => brute::keeps_read_atomic_in_sessions(history),
        (axiom, sessions) => brute::keeps(history, axiom, sessions),
    }
}

/// Whether some value may have been written by two transactions, or nothing was acknowledged.
pub(crate) fn may_be_unknown(txns: &[Txn]) -> bool {
    let mut seen: Vec<(usize, &Micro)> = Vec::new();
    for (at, txn) in txns.iter().enumerate() {
        for micro in &txn.micros {
            if !matches!(micro, Micro::Write { .. }) || txn.outcome == Outcome::Fail {
                continue;
            }
            if seen
                .iter()
                .any(|&(other, known)| other != at && known == micro)
            {
                return true;
            }
            seen.push((at, micro));
        }
    }
    txns.iter().all(|txn| txn.outcome != Outcome::Ok)
}

/// Compares one verdict with the truth, and looks at its evidence.
pub(crate) fn compare(txns: &[Txn], history: &History, level: Level, truth: bool) -> Verdict {
    let verdict = check(level, history, &Options::default());
    match verdict.validity {
        Validity::Holds => assert!(truth, "missed ({level:?}): {txns:#?}"),
        Validity::Violated => assert!(
            !truth,
            "false alarm ({level:?}): {txns:#?}\n{:#?}",
            verdict.anomalies
        ),
        Validity::Unknown => assert!(may_be_unknown(txns), "unknown ({level:?}): {txns:#?}"),
    }
    assert_eq!(
        verdict.validity == Validity::Violated,
        !verdict.anomalies.is_empty()
    );
    assert!(verdict.anomaly_count >= verdict.anomalies.len() as u64);
    for anomaly in &verdict.anomalies {
        anomaly.confirm(history).unwrap_or_else(|problem| {
            panic!("{problem}: {anomaly:#?}\n{txns:#?}");
        });
        assert!(!anomaly.explanation.is_empty() && !anomaly.operations.is_empty());
    }
    verdict
}

fn rounds(count: u64, most: u64, seed: u64) {
    let mut dice = Dice(seed);
    let mut answers = [0_u64; 3];
    let mut kinds = std::collections::BTreeMap::new();
    for _ in 0..count {
        let txns = generate::txns(&mut dice, most);
        let history = build::history(&txns);
        let mut other = txns.clone();
        generate::mutate(&mut dice, &mut other);
        let other = build::history(&other);
        for (level, sessions) in LEVELS {
            let verdict = compare(&txns, &history, level, truth(&history, level, sessions));
            answers[verdict.validity as usize] += 1;
            for anomaly in &verdict.anomalies {
                *kinds.entry(anomaly.kind).or_insert(0) += 1;
            }
            // What shows a violation of one history shows none of another that has none.
            if !verdict.anomalies.is_empty() && truth(&other, level, sessions) {
                for anomaly in &verdict.anomalies {
                    assert!(anomaly.confirm(&other).is_err(), "{anomaly:#?}\n{txns:#?}");
                }
            }
        }
    }
    println!("{count} histories: {answers:?} held, unknown, violated; {kinds:?}");
    assert!(answers.iter().all(|&count| count > 0));
}

#[test]
fn verdicts_are_those_of_the_definitions() {
    rounds(6_000 * factor(), 5, 1);
}

#[test]
#[ignore = "a million histories"]
fn verdicts_are_those_of_the_definitions_on_very_many() {
    rounds(1_000_000 * factor(), 6, 2);
}

#[test]
fn what_is_not_over_registers_is_not_applicable() {
    let append = Micro::Append {
        key: "x".into(),
        value: 1.into(),
    };
    let history = build::sessions(&[&[&[append]]]);
    for (level, _) in LEVELS {
        let verdict = check(level, &history, &Options::default());
        assert_eq!(verdict.reason, Some(Reason::NotApplicable));
    }
}
