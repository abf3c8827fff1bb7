//! Every level against its definition, and what follows from one about another.

use std::collections::BTreeMap;

use polygraph_checker::isolation::{
    Did, IMPLICATIONS, LEVELS, SEPARATIONS, Status, contradicts, implies, survey,
};
use polygraph_checker::{Options, Reason, Validity, entry};
use polygraph_history::{Guarantee as G, History, Outcome};

use super::build::{self, Txn};
use super::definitions;
use super::fuzz::{factor, may_be_unknown, proof};
use super::generate::{self, Dice};

/// Whether what is unknown of a level may depend on the order of appends that nobody read.
fn depends_on_orders(level: G) -> bool {
    matches!(
        level,
        G::MonotonicView
            | G::ConsistentView
            | G::ParallelSnapshotIsolation
            | G::SnapshotIsolation
            | G::StrongSessionSnapshotIsolation
            | G::StrongSnapshotIsolation
            | G::UpdateSerializable
    )
}

fn compare(txns: &[Txn], history: &History, tally: &mut BTreeMap<G, [u64; 3]>) {
    let truth = definitions::levels(history);
    for &level in LEVELS {
        let check = entry(level).expect("every level has its entry").check;
        let verdict = (check)(history, &Options::default());
        let count = tally.entry(level).or_default();
        count[verdict.validity as usize] += 1;
        let holds = truth.get(&level).copied();
        match verdict.validity {
            Validity::Holds => assert_eq!(holds, Some(true), "missed: {level} {txns:#?}"),
            Validity::Violated => {
                assert_ne!(
                    holds,
                    Some(true),
                    "false alarm: {level} {txns:#?}\n{:#?}",
                    verdict.anomalies
                );
                assert!(!verdict.anomalies.is_empty(), "{level} {txns:#?}");
            }
            Validity::Unknown => {
                assert_eq!(
                    verdict.reason,
                    Some(Reason::NotObservable),
                    "{level} {txns:#?}"
                );
                assert!(
                    level == G::CursorStability
                        || level == G::ReadUncommitted
                        || (depends_on_orders(level) && holds == Some(false)),
                    "unknown: {level} {txns:#?} {:?}",
                    verdict.warnings
                );
            }
        }
        for anomaly in &verdict.anomalies {
            contradicts(history, level, proof(anomaly)).unwrap_or_else(|problem| {
                panic!("{level}: {problem}: {anomaly:#?}\n{txns:#?}");
            });
        }
    }
}

#[test]
fn every_level_is_what_it_is_defined_to_be() {
    let rounds = 4_000 * factor();
    let mut dice = Dice(0x1510);
    let mut tally = BTreeMap::new();
    for round in 0..rounds {
        let most = if round % 8 == 0 { 6 } else { 5 };
        let txns = generate::txns(&mut dice, most);
        if may_be_unknown(&txns) {
            continue;
        }
        compare(&txns, &build::history(&txns), &mut tally);
        let txns = generate::scattered(&mut dice);
        if !may_be_unknown(&txns) {
            compare(&txns, &build::history(&txns), &mut tally);
        }
    }
    for (level, [holds, unknown, violated]) in tally {
        println!("{level:36} holds {holds:6}, unknown {unknown:4}, violated {violated:6}");
    }
}

#[test]
fn surveys_say_of_each_level_what_its_check_says_and_levels_imply_one_another() {
    let mut dice = Dice(0x1511);
    let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
    for _ in 0..4_000 * factor() {
        let txns = generate::txns(&mut dice, 7);
        let history = build::history(&txns);
        let survey = survey(&history, &Options::default());
        for anomaly in &survey.anomalies {
            *kinds.entry(anomaly.kind).or_default() += 1;
            anomaly.confirm(&history).unwrap_or_else(|problem| {
                panic!("{problem}: {anomaly:#?}\n{txns:#?}");
            });
        }
        for &level in LEVELS {
            let check = entry(level).expect("every level has its entry").check;
            let verdict = (check)(&history, &Options::default());
            let standing = survey.standing(level).expect("it is a level");
            let same = match verdict.validity {
                Validity::Holds => standing.status == Status::Holds,
                Validity::Violated => standing.status == Status::Violated,
                Validity::Unknown => {
                    standing.status == Status::NotObservable
                        || verdict.reason == Some(Reason::TooFewOpportunities)
                }
            };
            assert!(
                same,
                "{level}: {standing:?}, {:?} {txns:#?}",
                verdict.validity
            );
            for &weaker in LEVELS.iter().filter(|&&weaker| implies(level, weaker)) {
                let other = survey.standing(weaker).expect("it is a level").status;
                assert!(
                    standing.status != Status::Holds || other != Status::Violated,
                    "{level} holds and {weaker} does not: {txns:#?}"
                );
            }
        }
        let (violated, possible) = (survey.weakest_violated(), survey.strongest_possible());
        for &level in &violated {
            assert!(possible.iter().all(|&other| !implies(other, level)));
        }
    }
    for (kind, count) in kinds {
        println!("{count:8} {kind}");
    }
}

#[test]
fn each_two_neighbours_are_told_apart_by_a_small_history() {
    for separation in SEPARATIONS {
        let txns: Vec<Txn> = separation
            .history
            .iter()
            .map(|sketch| Txn {
                process: sketch.client,
                begin: sketch.span.0,
                end: sketch.span.1,
                outcome: Outcome::Ok,
                micros: sketch
                    .operations
                    .iter()
                    .map(|did| match *did {
                        Did::Append(list, element) => build::append(list, element),
                        Did::Read(list, shown) => build::read(list, shown),
                    })
                    .collect(),
            })
            .collect();
        let history = build::history(&txns);
        let (stronger, weaker) = (separation.stronger, separation.weaker);
        assert!(
            IMPLICATIONS.contains(&(stronger, weaker)),
            "{stronger}, {weaker}"
        );
        let validity = |level| {
            let check = entry(level).expect("every level has its entry").check;
            (check)(&history, &Options::default()).validity
        };
        assert_eq!(
            validity(stronger),
            Validity::Violated,
            "{stronger}, {weaker}"
        );
        assert_eq!(validity(weaker), Validity::Holds, "{stronger}, {weaker}");
        let truth = definitions::levels(&history);
        let allowed = truth.get(&stronger).copied().unwrap_or(false);
        assert!(!allowed, "{stronger}");
        assert_eq!(truth.get(&weaker), Some(&true), "{weaker}");
    }
    // Predicates would be needed, and cursors.
    let apart = |pair: &&(G, G)| !SEPARATIONS.iter().any(|s| (s.stronger, s.weaker) == **pair);
    let together: Vec<&(G, G)> = IMPLICATIONS.iter().filter(apart).collect();
    assert_eq!(
        together,
        [
            &(G::Serializable, G::RepeatableRead),
            &(G::ConsistentView, G::CursorStability),
            &(G::RepeatableRead, G::CursorStability),
        ]
    );
}
