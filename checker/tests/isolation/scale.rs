//! Large histories and ones made to be hard: nothing recurses, nothing is quadratic, and a small
//! budget changes what is shown, never what is said.

use polygraph_checker::isolation::{
    LEVELS, SERIALIZABLE, STRICT_SERIALIZABLE, Status, contradicts, survey,
};
use polygraph_checker::{Budget, Options, Validity, Verdict, entry};
use polygraph_history::{Guarantee, History, Micro, Outcome};

use super::build::{self, Txn, append, read};
use super::fuzz::proof;
use super::large::{self, Large};

const LARGE: Large = Large {
    txns: 5_000,
    clients: 20,
    stale: 0,
    unknown: 2,
};

fn strict(history: &History, max_steps: u64) -> Verdict {
    let budget = Budget {
        max_steps,
        ..Budget::default()
    };
    let options = Options {
        budget,
        ..Options::default()
    };
    let verdict = (STRICT_SERIALIZABLE.check)(history, &options);
    for anomaly in verdict.anomalies.iter().take(3) {
        anomaly
            .confirm(history)
            .unwrap_or_else(|problem| panic!("{problem}: {anomaly:#?}"));
    }
    verdict
}

#[test]
fn a_large_history_of_a_good_store_holds() {
    let verdict = strict(&large::history(LARGE), u64::MAX);
    assert_eq!(
        verdict.validity,
        Validity::Holds,
        "{:#?}",
        verdict.anomalies
    );
    assert_eq!(verdict.operations_checked, LARGE.txns as u64);
    assert!(verdict.indeterminate > 0);
    assert!(
        verdict.opportunities > LARGE.txns as u64,
        "{}",
        verdict.opportunities
    );
}

#[test]
fn a_budget_changes_what_is_shown_and_not_what_is_said() {
    let history = large::history(Large { stale: 20, ..LARGE });
    let plenty = strict(&history, 200_000_000);
    assert_eq!(plenty.validity, Validity::Violated);
    for steps in [0, 1, 100, 10_000] {
        let verdict = strict(&history, steps);
        assert_eq!(verdict.validity, Validity::Violated, "{steps}");
        assert_eq!(verdict.anomaly_count, plenty.anomaly_count, "{steps}");
        assert!(!verdict.anomalies.is_empty(), "{steps}");
    }
    let again = strict(&history, 200_000_000);
    assert_eq!(
        format!("{again:?}"),
        format!("{plenty:?}"),
        "the same history, the same answer"
    );
}

/// Everybody reads the empty list, everybody appends, nobody reads again: every reader comes
/// before every append.
#[test]
fn many_readers_and_many_unread_appends_are_not_multiplied() {
    let count = 30_000;
    let txns: Vec<Txn> = (0..2 * count)
        .map(|at| Txn {
            process: at,
            begin: 0,
            end: 1,
            outcome: Outcome::Ok,
            micros: match at % 2 {
                0 => vec![read("x", &[])],
                _ => vec![append("x", at as i64)],
            },
        })
        .collect();
    assert_eq!(
        strict(&build::history(&txns), u64::MAX).validity,
        Validity::Holds
    );
    // One of the readers saw another list's append by one of the writers.
    let mut skewed = txns.clone();
    skewed[777].micros.push(append("y", 1));
    skewed[4_000].micros.push(read("y", &[1]));
    let verdict = strict(&build::history(&skewed), u64::MAX);
    assert_eq!(verdict.validity, Validity::Violated);
    assert_eq!(verdict.anomalies[0].kind, "G-single-item");
    assert_eq!(verdict.anomalies[0].operations.len(), 2);
    // And many of them had appended themselves: each two lost an update.
    let mut lost = txns;
    for txn in lost.iter_mut().skip(1).step_by(2).take(2_000) {
        txn.micros.insert(0, read("x", &[]));
    }
    assert_eq!(
        strict(&build::history(&lost), u64::MAX).validity,
        Validity::Violated
    );
}

/// A ring through all transactions, so that the only cycle is as long as the history.
#[test]
fn one_long_cycle_is_found_without_recursion() {
    let count = 20_000;
    let ring = |closed: bool| -> Vec<Vec<Micro>> {
        let name = |at: usize| format!("k{at}");
        (0..count)
            .map(|at| {
                // Each sees the one before it.
                let before = (at + count - 1) % count;
                let seen: &[i64] = if at > 0 || closed { &[1] } else { &[] };
                vec![append(&name(at), 1), read(&name(before), seen)]
            })
            .collect()
    };
    let check = |closed: bool| {
        let txns = ring(closed);
        let txns: Vec<&[Micro]> = txns.iter().map(Vec::as_slice).collect();
        (SERIALIZABLE.check)(&build::at_once(&txns), &Options::default())
    };
    assert_eq!(check(false).validity, Validity::Holds);
    let verdict = check(true);
    assert_eq!(verdict.validity, Validity::Violated);
    assert_eq!(verdict.anomalies[0].kind, "G1c");
    assert_eq!(verdict.anomalies[0].operations.len(), count);
    assert!(
        verdict.anomalies[0].explanation.len() < 3_000,
        "words for a person"
    );
}

/// A store that answers some transactions from the past, and one that is good.
#[test]
fn every_level_is_decided_of_large_histories() {
    for stale in [0, 20] {
        let history = large::history(Large { stale, ..LARGE });
        let survey = survey(&history, &Options::default());
        for &level in LEVELS {
            let check = entry(level).expect("every level has its entry").check;
            let verdict = (check)(&history, &Options::default());
            let standing = survey.standing(level).expect("it is a level");
            println!(
                "{stale} {level}: {:?} {:?}",
                verdict.validity, standing.because
            );
            let unknown = verdict.validity == Validity::Unknown;
            // Stale reads of what the reader appended to contradict others.
            let open = match stale {
                0 => Guarantee::CursorStability,
                _ => Guarantee::ReadUncommitted,
            };
            assert_eq!(unknown, level == open, "{level}");
            let violated = verdict.validity == Validity::Violated;
            assert_eq!(violated, standing.status == Status::Violated, "{level}");
            for anomaly in verdict.anomalies.iter().take(3) {
                let proof = proof(anomaly);
                assert_eq!(contradicts(&history, level, proof), Ok(()), "{level}");
            }
        }
    }
}
