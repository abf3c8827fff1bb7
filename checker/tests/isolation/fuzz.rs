//! Verdicts equal brute force; every piece of evidence is confirmed, and none that was tampered
//! with.

use polygraph_checker::isolation::{
    Because, Evidence, Kind, Proof, SERIALIZABLE, STRICT_SERIALIZABLE, Suffix, confirm, survey,
};
use polygraph_checker::{Anomaly, Options, Reason, Validity, Verdict};
use polygraph_history::{History, Key, Micro, Outcome, Value};

use super::build::{self, Txn};
use super::generate::{self, Dice};
use super::{brute, build::renamed};

pub(crate) fn factor() -> u64 {
    let factor = std::env::var("POLYGRAPH_FUZZ").ok();
    factor.and_then(|text| text.parse().ok()).unwrap_or(1)
}

pub(crate) fn proof(anomaly: &Anomaly) -> &Proof {
    match &anomaly.proof {
        polygraph_checker::Proof::Isolation(proof) => proof,
        other => panic!("{other:?} is not ours"),
    }
}

fn check(history: &History, strict: bool) -> Verdict {
    let entry = if strict {
        STRICT_SERIALIZABLE
    } else {
        SERIALIZABLE
    };
    (entry.check)(history, &Options::default())
}

/// Whether some element was appended twice, or nothing was acknowledged.
pub(crate) fn may_be_unknown(txns: &[Txn]) -> bool {
    let mut seen = Vec::new();
    for micro in txns
        .iter()
        .filter(|txn| txn.outcome != Outcome::Fail)
        .flat_map(|txn| &txn.micros)
    {
        if let Micro::Append { key, value } = micro {
            if seen.contains(&(key, value)) {
                return true;
            }
            seen.push((key, value));
        }
    }
    txns.iter().all(|txn| txn.outcome != Outcome::Ok)
}

/// Compares one verdict with the truth, and looks at its evidence.
fn compare(txns: &[Txn], history: &History, strict: bool, truth: bool) -> Verdict {
    let verdict = check(history, strict);
    match verdict.validity {
        Validity::Holds => assert!(truth, "missed (strict: {strict}): {txns:#?}"),
        Validity::Violated => assert!(
            !truth,
            "false alarm (strict: {strict}): {txns:#?}\n{:#?}",
            verdict.anomalies
        ),
        Validity::Unknown => assert!(may_be_unknown(txns), "unknown: {txns:#?}"),
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
        if !strict {
            assert!(!matches!(
                proof(anomaly).kind,
                Kind::Cycle(Suffix::Process | Suffix::Realtime, _)
            ));
        }
    }
    verdict
}

#[test]
fn verdicts_equal_brute_force() {
    let rounds = 12_000 * factor();
    let mut dice = Dice(0x1501);
    let (mut valid, mut strict_valid, mut named) = (0, 0, 0);
    let mut kinds = std::collections::BTreeMap::new();
    for round in 0..rounds {
        let most = if round % 8 == 0 { 7 } else { 6 };
        let txns = generate::txns(&mut dice, most);
        let history = build::history(&txns);
        let serializable = brute::serializable(&history);
        let strict = serializable && brute::strict_serializable(&history);
        valid += u64::from(serializable);
        strict_valid += u64::from(strict);
        let plain = compare(&txns, &history, false, serializable);
        let timed = compare(&txns, &history, true, strict);
        for (verdict, real_time) in [(plain, false), (timed, true)] {
            for anomaly in &verdict.anomalies {
                *kinds.entry(proof(anomaly).kind).or_insert(0_u64) += 1;
            }
            let only_cycles = verdict
                .anomalies
                .iter()
                .all(|anomaly| matches!(proof(anomaly).kind, Kind::Cycle(..) | Kind::LostUpdate));
            if verdict.validity == Validity::Violated && only_cycles && !may_be_unknown(&txns) {
                let first = verdict.anomalies.iter().map(|anomaly| proof(anomaly).kind);
                let first = first.filter(|kind| matches!(kind, Kind::Cycle(..))).min();
                assert_eq!(
                    first,
                    brute::most_severe_cycle(&history, real_time),
                    "{txns:#?}"
                );
                named += 1;
            }
        }
    }
    println!("{rounds} histories, {valid} serializable, {strict_valid} strictly, {named} named");
    for (kind, count) in kinds {
        println!("{count:8} {}", kind.name());
    }
    assert!(
        strict_valid * 4 > rounds && valid * 4 < rounds * 3,
        "one-sided histories"
    );
}

#[test]
fn surveys_find_a_kind_exactly_where_brute_force_finds_none_of_the_orders() {
    let mut dice = Dice(0x1502);
    for _ in 0..4_000 * factor() {
        let txns = generate::txns(&mut dice, 6);
        let history = build::history(&txns);
        let survey = survey(&history, &Options::default());
        let found = |suffix: Option<Suffix>| {
            survey
                .anomalies
                .iter()
                .any(|anomaly| match proof(anomaly).kind {
                    Kind::Cycle(other, _) => other == Suffix::Plain || Some(other) == suffix,
                    _ => true,
                })
        };
        for anomaly in &survey.anomalies {
            anomaly.confirm(&history).unwrap_or_else(|problem| {
                panic!("{problem}: {anomaly:#?}\n{txns:#?}");
            });
        }
        let unknown = survey.unknown == Some(Reason::NotObservable);
        for (suffix, truth) in [
            (None, brute::serializable(&history)),
            (Some(Suffix::Process), brute::session_serializable(&history)),
            (Some(Suffix::Realtime), brute::strict_serializable(&history)),
        ] {
            assert!(
                found(suffix) != truth || (unknown && !found(suffix)),
                "{suffix:?}: {txns:#?}"
            );
        }
    }
}

#[test]
fn serial_executions_hold() {
    let mut dice = Dice(0x1503);
    for _ in 0..500 * factor() {
        let mut lists = [Vec::new(), Vec::new(), Vec::new()];
        let mut fresh = 0;
        let txns: Vec<Vec<Micro>> = (0..1 + dice.below(30))
            .map(|_| {
                let one = |_| {
                    let at = dice.below(3) as usize;
                    let key = ["x", "y", "z"][at];
                    if dice.percent(50) {
                        fresh += 1;
                        lists[at].push(fresh);
                        build::append(key, fresh)
                    } else {
                        build::read(key, &lists[at])
                    }
                };
                (0..6).map(one).collect()
            })
            .collect();
        let txns: Vec<&[Micro]> = txns.iter().map(Vec::as_slice).collect();
        let verdict = check(&build::in_sequence(&txns), true);
        assert_eq!(
            verdict.validity,
            Validity::Holds,
            "{:#?}",
            verdict.anomalies
        );
    }
}

#[test]
fn renaming_changes_nothing() {
    let mut dice = Dice(0x1504);
    for _ in 0..2_000 * factor() {
        let txns = generate::txns(&mut dice, 6);
        let mut other = renamed(
            &txns,
            |key| Key::from(format!("list {key}").as_str()),
            |value| Value::from(format!("element {value}").as_str()),
        );
        for txn in &mut other {
            txn.process = 100 - txn.process;
        }
        for strict in [false, true] {
            let verdict = check(&build::history(&txns), strict);
            let renamed = check(&build::history(&other), strict);
            assert_eq!(verdict.validity, renamed.validity, "{txns:#?}");
            assert_eq!(verdict.anomaly_count, renamed.anomaly_count, "{txns:#?}");
            let kinds = |verdict: &Verdict| -> Vec<&str> {
                verdict
                    .anomalies
                    .iter()
                    .map(|anomaly| anomaly.kind)
                    .collect()
            };
            assert_eq!(kinds(&verdict), kinds(&renamed), "{txns:#?}");
        }
    }
}

#[test]
fn not_knowing_an_outcome_makes_nothing_invalid() {
    let mut dice = Dice(0x1505);
    for _ in 0..3_000 * factor() {
        let txns = generate::txns(&mut dice, 6);
        for strict in [false, true] {
            if check(&build::history(&txns), strict).validity != Validity::Holds {
                continue;
            }
            for at in 0..txns.len() {
                let mut fewer = txns.clone();
                if fewer[at].outcome != Outcome::Ok {
                    continue;
                }
                fewer[at].outcome = Outcome::Info;
                // Its process ends here.
                let (process, begin) = (fewer[at].process, fewer[at].begin);
                for txn in fewer
                    .iter_mut()
                    .filter(|txn| txn.process == process && txn.begin > begin)
                {
                    txn.process += 1_000;
                }
                let verdict = check(&build::history(&fewer), strict);
                assert_ne!(verdict.validity, Validity::Violated, "{at}: {txns:#?}");
            }
        }
    }
}

/// Changes one thing in the evidence at random; `None` if the change is none.
fn tamper(dice: &mut Dice, proof: &Proof, events: usize) -> Option<Proof> {
    let mut other = proof.clone();
    let event = dice.below(events as u64) as usize;
    match &mut other.evidence {
        Evidence::Register(_) => unreachable!("the tests append"),
        Evidence::Cycle(steps) => {
            if steps.is_empty() {
                return None;
            }
            let at = dice.below(steps.len() as u64) as usize;
            match dice.below(5) {
                0 => steps[at].to = event,
                1 => steps[at].from = event,
                2 => {
                    steps.remove(at);
                }
                3 => steps[at].because = Because::RealTime,
                _ => match &mut steps[at].because {
                    Because::Followed { element, next, .. } => std::mem::swap(element, next),
                    Because::Observed { element, .. } | Because::Missed { element, .. } => {
                        *element = Value::from(1 + dice.below(12) as i64);
                    }
                    because => *because = Because::Session,
                },
            }
        }
        Evidence::NotAList { read }
        | Evidence::Unwritten { read, .. }
        | Evidence::Duplicate { read, .. }
        | Evidence::Internal { read }
        | Evidence::Reordered { read, .. }
        | Evidence::Future { read, .. }
        | Evidence::Diverged { read, .. }
        | Evidence::Aborted { read, .. }
        | Evidence::OnAborted { read, .. }
        | Evidence::Intermediate { read, .. }
        | Evidence::Fractured { seen: read, .. }
        | Evidence::SameState { read, .. } => match dice.below(3) {
            0 => read.transaction = event,
            1 => read.position += 1,
            _ => other.kind = Kind::G1a,
        },
    }
    (other != *proof).then_some(other)
}

/// Evidence that still stands after tampering must be evidence of the same thing: the history is
/// violated in any case, and never accused of a kind that brute force excludes.
#[test]
fn tampered_evidence_is_rejected() {
    let mut dice = Dice(0x1506);
    let (mut tampered, mut accepted) = (0_u64, 0_u64);
    for _ in 0..8_000 * factor() {
        let txns = generate::txns(&mut dice, 6);
        let history = build::history(&txns);
        // The same evidence says nothing of a history in which all is well.
        let innocent = build::history(&generate::txns(&mut dice, 6));
        let holds = brute::strict_serializable(&innocent);
        for anomaly in check(&history, true).anomalies {
            let proof = proof(&anomaly);
            assert!(!holds || confirm(&innocent, proof).is_err(), "{proof:#?}");
            if let Some(other) = tamper(&mut dice, proof, history.events().len()) {
                tampered += 1;
                accepted += u64::from(confirm(&history, &other).is_ok());
            }
        }
    }
    println!("{accepted} of {tampered} tampered proofs still stand, being true as well");
    assert!(tampered > 1_000 && accepted * 5 < tampered);
}

/// Evidence made up at random is only accepted where brute force finds a violation.
#[test]
fn no_made_up_cycle_is_accepted_of_a_valid_history() {
    let mut dice = Dice(0x1507);
    for _ in 0..3_000 * factor() {
        let txns = generate::txns(&mut dice, 6);
        let history = build::history(&txns);
        if !brute::strict_serializable(&history) {
            continue;
        }
        let other = build::history(&generate::txns(&mut dice, 6));
        for anomaly in check(&other, true).anomalies {
            let mut proof = proof(&anomaly).clone();
            for _ in 0..4 {
                assert!(confirm(&history, &proof).is_err(), "{proof:#?}\n{txns:#?}");
                if let Some(next) = tamper(&mut dice, &proof, history.events().len()) {
                    proof = next;
                }
            }
        }
    }
}
