//! Levels that ask for an order of versions, over registers: what reads show of it decides, or the
//! answer is unknown.

use std::collections::BTreeMap;

use polygraph_checker::isolation::{
    CONSISTENT_VIEW, LEVELS, Levels, PARALLEL_SNAPSHOT_ISOLATION, PREFIX_CONSISTENCY,
    REPEATABLE_READ, SERIALIZABLE, SNAPSHOT_ISOLATION, STRICT_SERIALIZABLE,
    STRONG_SESSION_SERIALIZABLE, STRONG_SNAPSHOT_ISOLATION, UPDATE_SERIALIZABLE, contradicts,
};
use polygraph_checker::{Entry, Options, Proof, Validity, Verdict};
use polygraph_history::History;

use super::build;
use super::fuzz::factor;
use super::generate::{self, Dice};
use super::{brute, large};

/// The answer, whose evidence is confirmed and is evidence against the level.
fn answer(entry: &Entry, history: &History) -> Verdict {
    let verdict = (entry.check)(history, &Options::default());
    for anomaly in &verdict.anomalies {
        anomaly
            .confirm(history)
            .unwrap_or_else(|problem| panic!("{problem}: {anomaly:#?}"));
        // What the search refutes, it refutes for the level that it was asked for.
        if let Proof::Isolation(proof) = &anomaly.proof {
            contradicts(history, entry.guarantee, proof)
                .unwrap_or_else(|problem| panic!("{problem}: {anomaly:#?}"));
        }
    }
    verdict
}

#[test]
fn what_is_decided_is_what_the_definitions_say() {
    let mut dice = Dice(11);
    let mut answers = [0_u64; 3];
    let mut kinds = BTreeMap::new();
    for _ in 0..3_000 * factor() {
        let txns = generate::txns(&mut dice, 5);
        let history = build::history(&txns);
        let truths = [
            (SERIALIZABLE, brute::serializable(&history, false)),
            (
                STRONG_SESSION_SERIALIZABLE,
                brute::serializable(&history, true),
            ),
            (STRICT_SERIALIZABLE, brute::strict_serializable(&history)),
        ];
        for (entry, truth) in truths {
            let verdict = answer(&entry, &history);
            let name = entry.guarantee;
            match verdict.validity {
                Validity::Holds => assert!(truth, "missed ({name}): {txns:#?}"),
                Validity::Violated => {
                    assert!(
                        !truth,
                        "false alarm ({name}): {txns:#?}\n{:#?}",
                        verdict.anomalies
                    );
                }
                Validity::Unknown => {}
            }
            answers[verdict.validity as usize] += 1;
            for anomaly in &verdict.anomalies {
                *kinds.entry(anomaly.kind).or_insert(0) += 1;
            }
        }
        // What is strictly serializable keeps every level.
        if truths[2].1 {
            for entry in [
                CONSISTENT_VIEW,
                REPEATABLE_READ,
                UPDATE_SERIALIZABLE,
                PARALLEL_SNAPSHOT_ISOLATION,
                PREFIX_CONSISTENCY,
                SNAPSHOT_ISOLATION,
                STRONG_SNAPSHOT_ISOLATION,
            ] {
                let verdict = answer(&entry, &history);
                assert_ne!(
                    verdict.validity,
                    Validity::Violated,
                    "false alarm ({}): {txns:#?}",
                    entry.guarantee
                );
            }
        }
    }
    println!("{answers:?} held, unknown, violated; {kinds:?}");
    assert!(answers.iter().all(|&count| count > 0));
}

/// Where every write follows a read, the order of all versions is known.
#[test]
fn a_good_store_whose_writes_follow_reads_is_strictly_serializable() {
    let history = large::history(large::Large {
        txns: 20_000,
        clients: 20,
        unknown: 0,
        modified: 100,
    });
    for entry in [SERIALIZABLE, STRICT_SERIALIZABLE] {
        let verdict = answer(&entry, &history);
        assert_ne!(verdict.validity, Validity::Violated, "{}", entry.guarantee);
    }
}

/// Blind writes leave the order of versions open; time leaves little of it so.
fn strict(txns: usize, modified: u64) {
    let history = large::history(large::Large {
        txns,
        clients: 20,
        unknown: 1,
        modified,
    });
    let began = std::time::Instant::now();
    let verdict = answer(&STRICT_SERIALIZABLE, &history);
    println!("{txns} transactions, {modified} %: {:?}", began.elapsed());
    assert_eq!(verdict.validity, Validity::Holds, "{verdict:#?}");
    let mut levels = Levels::new(&history, &Options::default());
    let began = std::time::Instant::now();
    for &level in LEVELS {
        let verdict = levels.check(level);
        let cursors = level == polygraph_history::Guarantee::CursorStability;
        assert!(
            cursors || verdict.validity == Validity::Holds,
            "{level}: {verdict:#?}"
        );
    }
    println!("all levels: {:?}", began.elapsed());
}

#[test]
fn a_good_store_is_strictly_serializable_whatever_follows_reads() {
    for modified in [0, 50] {
        strict(20_000, modified);
    }
}

#[test]
#[ignore = "a gigabyte of memory"]
fn a_good_store_is_strictly_serializable_with_a_million_transactions() {
    strict(1_000_000, 0);
}

/// Levels that are asked for together say what each alone says.
#[test]
fn levels_say_together_what_they_say_alone() {
    let mut dice = Dice(12);
    for _ in 0..500 * factor() {
        let txns = generate::txns(&mut dice, 5);
        let history = build::history(&txns);
        let mut levels = Levels::new(&history, &Options::default());
        for &level in LEVELS {
            let together = levels.check(level);
            let alone = Levels::new(&history, &Options::default()).check(level);
            let known = |verdict: &Verdict| (verdict.validity, verdict.reason);
            // What a stronger one shows may tell more of a level that alone is not observable.
            let more = alone.reason == Some(polygraph_checker::Reason::NotObservable)
                && together.validity == Validity::Holds;
            assert!(
                more || known(&together) == known(&alone),
                "{level}: {txns:#?}\n{together:#?}\n{alone:#?}"
            );
        }
    }
}
