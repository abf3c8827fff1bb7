//! Small histories, against the definition.

use std::collections::BTreeMap;

use polygraph_checker::linearizable::{
    Certificate, Kept, NotConfirmed, Rule, confirm_certificate, impasses,
};
use polygraph_checker::{FailedCas, Options, Validity, Verdict, entry};
use polygraph_history::{EventIndex, Guarantee, History, Key};

use crate::brute::has_order;
use crate::generate::{KINDS, Kind, Plan, Rng, history};
use crate::histories;

pub(crate) fn checked(history: &History, kind: Kind) -> Verdict {
    let options = Options {
        model: Some(kind.model().kind),
        permits: kind.permits(),
        ..Options::default()
    };
    (entry(Guarantee::Linearizable).unwrap().check)(history, &options)
}

fn small(rng: &mut Rng, kind: Kind) -> History {
    let plan = Plan {
        kind,
        operations: 2 + rng.below(7),
        clients: 1 + rng.below(4),
        crash: rng.one(&[0, 0, 10, 25]),
        reads: rng.one(&[20, 50]),
        distinct: rng.percent(60),
        amounts: rng.percent(30),
        ties: rng.percent(15),
    };
    let share = rng.one(&[0, 5, 15, 40]);
    history(rng, &plan, |rng, _| rng.percent(share))
}

/// The moments at which operations end, by the events that end them.
fn ends(history: &History) -> Vec<(EventIndex, u64)> {
    let ended = history.operations().iter();
    let ended = ended.filter(|operation| operation.end != u64::MAX);
    ended
        .filter_map(|operation| Some((operation.complete?, operation.end)))
        .collect()
}

/// Whether what a certificate is about has no order.
fn is_true(history: &History, kind: Kind, certificate: &Certificate) -> bool {
    let ends = ends(history);
    let until = ends.iter().find(|(event, _)| *event == certificate.until);
    certificate.model == kind.model()
        && certificate.keys == [Key::from("x")]
        && until.is_some_and(|&(_, end)| !has_order(history, kind, end))
}

fn kept(invoke: EventIndex) -> Kept {
    let expectation = true;
    Kept {
        invoke,
        expectation,
    }
}

/// Changes something.
fn mutate(rng: &mut Rng, history: &History, certificate: &mut Certificate) {
    let events = history.events().len();
    let operations = &mut certificate.operations;
    match rng.below(11) {
        0 | 1 if !operations.is_empty() => {
            operations.remove(rng.below(operations.len()));
        }
        2 | 3 => operations.push(kept(rng.below(events + 1))),
        4 if !operations.is_empty() => {
            let at = rng.below(operations.len());
            operations[at].invoke = rng.below(events + 1);
        }
        5 if !operations.is_empty() => {
            let at = rng.below(operations.len());
            operations[at].expectation = false;
        }
        6 => certificate.until = rng.below(events + 1),
        7 | 8 => certificate.rule = rng.one(&Rule::ALL),
        9 => certificate.since = None,
        10 if !operations.is_empty() => {
            certificate.since = Some(operations[rng.below(operations.len())].invoke);
        }
        _ => certificate.keys = vec![Key::from("y")],
    }
}

/// Everything that the check calls wrong is, with evidence that is confirmed; and of what is made
/// of that only what is true.
fn evidence(kind: Kind, seeds: std::ops::Range<u64>) {
    let mut rules: BTreeMap<&str, u64> = BTreeMap::new();
    let (mut violated, mut still, mut later) = (0, 0, 0);
    let count = seeds.end - seeds.start;
    for seed in seeds {
        let rng = &mut Rng(seed);
        let history = small(rng, kind);
        let verdict = checked(&history, kind);
        let context = || {
            format!(
                "{kind:?}, seed {seed}: {verdict:#?} {:#?}",
                history.events()
            )
        };
        let expected = match has_order(&history, kind, u64::MAX) {
            true => Validity::Holds,
            false => Validity::Violated,
        };
        assert_eq!(verdict.validity, expected, "{}", context());
        let warned = |text: &&String| text.contains("evidence");
        assert!(
            !verdict.warnings.iter().any(|it| warned(&it)),
            "{}",
            context()
        );
        for anomaly in &verdict.anomalies {
            violated += 1;
            let certificate = anomaly.certificate().unwrap();
            let confirmed = confirm_certificate(&history, &certificate);
            assert!(confirmed.is_ok(), "{confirmed:?}: {}", context());
            assert!(impasses(&history, &certificate, 8).is_ok(), "{}", context());
            assert!(is_true(&history, kind, &certificate), "{}", context());
            *rules.entry(certificate.rule.name()).or_default() += 1;
            later += u64::from(certificate.since.is_some());
            for _ in 0..4 {
                let mut mutant = certificate.clone();
                for _ in 0..1 + rng.below(2) {
                    mutate(rng, &history, &mut mutant);
                }
                if confirm_certificate(&history, &mutant).is_ok() {
                    assert!(
                        is_true(&history, kind, &mutant),
                        "{mutant:?}: {}",
                        context()
                    );
                    still += 1;
                }
            }
        }
    }
    println!(
        "{kind:?}: {violated} violated, {later} of them shown from a later state on, {still} mutants \
         that stand, by rule {rules:?}"
    );
    // Otherwise this would say little.
    assert!(
        violated > count / 50 && still > count / 50,
        "{kind:?}: {rules:?}"
    );
}

/// Whatever is claimed of whatever prefix, only what is true is accepted.
fn drawn(kind: Kind, seeds: std::ops::Range<u64>) {
    let mut rules: BTreeMap<&str, u64> = BTreeMap::new();
    let mut later = 0_u64;
    for seed in seeds {
        let rng = &mut Rng(seed ^ 1 << 40);
        let history = small(rng, kind);
        let ends = ends(&history);
        if ends.is_empty() {
            continue;
        }
        for _ in 0..4 {
            let (until, moment) = rng.one(&ends);
            let share = rng.one(&[20, 50, 80]);
            let begun = history.operations().iter();
            let begun = begun.filter(|operation| operation.start <= moment);
            let kept: Vec<Kept> = begun
                .filter(|_| rng.percent(share))
                .map(|operation| kept(operation.invoke))
                .collect();
            // What came before one of them may be left out as well.
            let since = rng.percent(40).then(|| rng.one(&ends).0);
            let operations = history.operations();
            let base = operations.iter().find(|it| it.complete == since);
            let base = base.filter(|base| since.is_some() && base.end <= moment);
            let mut kept = kept;
            if let Some(base) = base {
                let invoked = |it: &Kept| operations.iter().find(|op| op.invoke == it.invoke);
                kept.retain(|it| invoked(it).is_some_and(|it| it.end >= base.start));
                if !kept.iter().any(|it| it.invoke == base.invoke) {
                    kept.push(self::kept(base.invoke));
                }
            }
            let mut certificate = Certificate {
                keys: vec![Key::from("x")],
                model: kind.model(),
                failed_cas: FailedCas::Observe,
                until,
                operations: kept,
                rule: Rule::Sections,
                since: base.map(|base| base.invoke),
            };
            for rule in Rule::ALL {
                certificate.rule = rule;
                match confirm_certificate(&history, &certificate) {
                    Ok(_) => {
                        let context = format!("{kind:?}, seed {seed}: {certificate:?}");
                        let events = history.events();
                        assert!(
                            is_true(&history, kind, &certificate),
                            "{context} {events:#?}"
                        );
                        *rules.entry(rule.name()).or_default() += 1;
                        later += u64::from(certificate.since.is_some());
                    }
                    Err(NotConfirmed::TooLarge(problem)) => panic!("seed {seed}: {problem}"),
                    Err(NotConfirmed::Wrong(_)) => {}
                }
            }
        }
    }
    println!("{kind:?}: {rules:?}, {later} from a later state on");
    let new: u64 = rules
        .iter()
        .filter(|(name, _)| **name != "observers")
        .map(|(_, it)| it)
        .sum();
    assert!(new > 100, "{kind:?}: {rules:?}");
}

/// The check does not know of mutexes that anybody releases; histories of them are only drawn.
const CHECKED: [Kind; 10] = {
    let mut checked = [Kind::Mutex; 10];
    let mut at = 1;
    while at < checked.len() {
        checked[at] = KINDS[at + 1];
        at += 1;
    }
    checked
};

#[test]
fn all_that_is_wrong_has_evidence_that_is_true() {
    for kind in CHECKED {
        evidence(kind, 0..histories());
    }
}

#[test]
fn only_claims_that_are_true_are_accepted() {
    for kind in KINDS {
        drawn(kind, 0..histories() / 2);
    }
}

#[test]
#[ignore = "takes minutes"]
fn all_that_is_wrong_has_evidence_that_is_true_a_million_times() {
    for kind in CHECKED {
        evidence(kind, 0..1_000_000);
    }
}
