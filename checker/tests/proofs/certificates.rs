//! Sub-histories that no order explains.

use polygraph_checker::linearizable::{
    Certificate, Kept, NotConfirmed, Rule, Tally, confirm_certificate, impasses,
};
use polygraph_checker::{FailedCas, Options, Validity, entry};
use polygraph_history::{EventIndex, Guarantee, History, Key};

use crate::brute::{Step, order, steps};
use crate::histories;
use crate::random::{KEYS, Rng, history, keys};
use crate::things::{Act, THINGS, Thing};

fn kept(invoke: EventIndex) -> Kept {
    let expectation = true;
    Kept {
        invoke,
        expectation,
    }
}

/// Whether the prefix that a certificate is about has no order, by the definition.
fn is_true(history: &History, thing: Thing, certificate: &Certificate) -> bool {
    let operations = history.operations();
    let until = operations
        .iter()
        .find(|operation| operation.complete == Some(certificate.until))
        .map(|operation| operation.end);
    certificate
        .keys
        .iter()
        .any(|key| order(thing, &steps(history, key, until)).is_none())
}

/// The events that end operations.
fn ends(history: &History) -> Vec<EventIndex> {
    let ended = history
        .operations()
        .iter()
        .filter(|operation| operation.end != u64::MAX);
    ended.filter_map(|operation| operation.complete).collect()
}

fn only_observes(act: &Act) -> bool {
    matches!(
        act,
        Act::Read(_) | Act::Other(_) | Act::Saw(_) | Act::Nothing | Act::Has(..) | Act::All(_)
    )
}

fn element(act: &Act) -> Option<i64> {
    match *act {
        Act::Put(value) | Act::Took(value) | Act::Saw(value) => Some(value),
        Act::Removed(value) | Act::Has(value, _) => Some(value),
        _ => None,
    }
}

/// A certificate that keeps by a rule, more or less.
fn drawn(rng: &mut Rng, thing: Thing, history: &History, until: EventIndex) -> Certificate {
    let key = Key::from(*rng.one(&KEYS));
    let operations = history.operations();
    let moment = operations
        .iter()
        .find(|operation| operation.complete == Some(until))
        .map(|operation| operation.end);
    let steps = steps(history, &key, moment);
    let elements: Vec<i64> = (0..12).filter(|_| rng.percent(60)).collect();
    let share = *rng.one(&[30, 70, 100]);
    let noise = *rng.one(&[0, 0, 10]);
    let rule = match (thing, rng.below(4)) {
        (Thing::Register | Thing::Set, 3) => Rule::Observers,
        (_, 3) => Rule::Tally(*rng.one(&Tally::ALL)),
        (Thing::Register, 0) => Rule::Observers,
        (Thing::Register, _) => Rule::Origins,
        (_, 0) => Rule::Observers,
        (..) => Rule::Elements,
    };
    let ended: Vec<&Step> = steps.iter().filter(|step| step.end != u64::MAX).collect();
    let base = rng.percent(20) && !ended.is_empty() && rule != Rule::Origins;
    let base = base.then(|| *rng.one(&ended));
    let mut keeps = |step: &Step| {
        if let Some(base) = base {
            if step.invoke == base.invoke {
                return true;
            }
            if step.end < base.start {
                return false;
            }
        }
        let of_kept = rule != Rule::Elements
            || element(&step.act).is_none_or(|element| elements.contains(&element));
        let observes = only_observes(&step.act);
        let keep = of_kept && (!observes || rng.percent(share));
        keep != rng.percent(noise)
    };
    Certificate {
        keys: vec![key],
        model: thing.model().into(),
        failed_cas: FailedCas::Observe,
        until,
        operations: steps
            .iter()
            .filter(|step| keeps(step))
            .map(|step| kept(step.invoke))
            .collect(),
        rule,
        since: base.map(|base| base.invoke),
    }
}

/// Changes something.
fn mutate(rng: &mut Rng, history: &History, certificate: &mut Certificate) {
    let events = history.events().len();
    let operations = &mut certificate.operations;
    match rng.below(9) {
        0 | 1 if !operations.is_empty() => {
            operations.remove(rng.below(operations.len()));
        }
        2 => operations.push(kept(rng.below(events + 1))),
        3 if !operations.is_empty() => operations.push(*rng.one(operations)),
        4 if !operations.is_empty() => {
            let at = rng.below(operations.len());
            operations[at].expectation = !operations[at].expectation;
        }
        5 => certificate.until = rng.below(events + 1),
        6 => certificate.rule = *rng.one(&Rule::ALL),
        7 if !operations.is_empty() => {
            let event = rng.one(operations).invoke;
            certificate.since = rng.percent(70).then_some(event);
        }
        _ => certificate.keys = vec![Key::from(*rng.one(&KEYS))],
    }
}

/// What is accepted is true.
fn only_what_is_true_is_accepted(thing: Thing, seeds: std::ops::Range<u64>) {
    let (mut accepted, mut explained, mut mutants) = (0_u64, 0_u64, 0_u64);
    let mut later = 0_u64;
    let mut tallies = [0_u64; Tally::ALL.len()];
    let count = seeds.end - seeds.start;
    for seed in seeds {
        let rng = &mut Rng(seed);
        let tampered = rng.percent(80);
        let history = history(rng, thing, tampered);
        let ends = ends(&history);
        if ends.is_empty() {
            continue;
        }
        for _ in 0..4 {
            let until = *rng.one(&ends);
            let mut certificate = drawn(rng, thing, &history, until);
            for round in 0..4 {
                let answer = confirm_certificate(&history, &certificate);
                let context = || format!("{thing:?}, seed {seed}: {certificate:?} {history:?}");
                match &answer {
                    Ok(_) => {
                        assert!(is_true(&history, thing, &certificate), "{}", context());
                        accepted += 1;
                        later += u64::from(certificate.since.is_some());
                        mutants += u64::from(round > 0);
                        if let Rule::Tally(tally) = certificate.rule {
                            tallies[tally as usize] += 1;
                        }
                    }
                    Err(NotConfirmed::TooLarge(_)) => panic!("{}", context()),
                    Err(NotConfirmed::Wrong(problem)) => {
                        explained += u64::from(problem == "an order explains these operations");
                    }
                }
                mutate(rng, &history, &mut certificate);
            }
        }
    }
    println!(
        "{thing:?}: {accepted} accepted ({mutants} mutants, {later} from a later state on), \
         {explained} explained, {tallies:?} counted"
    );
    // Otherwise the comparison would say little.
    assert!(
        accepted > count / 10 && explained > count && mutants > count / 50,
        "{thing:?}"
    );
    let counted = match thing {
        Thing::Register | Thing::Set => &[][..],
        Thing::Stack | Thing::Bag => &[Tally::TooOften, Tally::NotEmpty],
        Thing::Priority => &[Tally::TooOften, Tally::NotEmpty, Tally::Outranked],
        Thing::Queue => &[Tally::TooOften, Tally::NotEmpty, Tally::Overtaken],
    };
    for &tally in counted {
        assert!(
            tallies[tally as usize] > count / 2_000,
            "{thing:?}: {tallies:?}"
        );
    }
}

#[test]
fn only_certificates_that_are_true_are_accepted() {
    for thing in THINGS {
        only_what_is_true_is_accepted(thing, 0..histories());
    }
}

#[test]
#[ignore = "takes minutes"]
fn only_certificates_that_are_true_are_accepted_a_million_times() {
    for thing in THINGS {
        only_what_is_true_is_accepted(thing, 0..1_000_000);
    }
}

/// Where everything is kept a certificate is accepted exactly if it is true.
#[test]
fn a_whole_prefix_is_accepted_exactly_if_it_has_no_order() {
    for thing in THINGS {
        let mut seen = [0_u64; 2];
        for seed in 0..histories() / 5 {
            let rng = &mut Rng(seed);
            let history = history(rng, thing, true);
            for key in keys(&history) {
                for until in ends(&history) {
                    let ended = history.operations().iter();
                    let moment = ended
                        .clone()
                        .find(|operation| operation.complete == Some(until))
                        .map(|operation| operation.end);
                    let steps = steps(&history, &key, moment);
                    let certificate = Certificate {
                        keys: vec![key.clone()],
                        model: thing.model().into(),
                        failed_cas: FailedCas::Observe,
                        until,
                        operations: steps.iter().map(|step| kept(step.invoke)).collect(),
                        rule: Rule::Observers,
                        since: None,
                    };
                    let expected = order(thing, &steps).is_none();
                    let confirmed = confirm_certificate(&history, &certificate);
                    assert_eq!(
                        confirmed.is_ok(),
                        expected,
                        "{thing:?}, seed {seed}: {confirmed:?} {certificate:?}"
                    );
                    seen[usize::from(expected)] += 1;
                    if expected {
                        ends_in_impasses(&history, &certificate, seed);
                    }
                }
            }
        }
        assert!(seen.iter().all(|&seen| seen > 300), "{thing:?}: {seen:?}");
    }
}

/// What is shown of a violation: orders that end where every operation that must come is refused.
fn ends_in_impasses(history: &History, certificate: &Certificate, seed: u64) {
    let shown = impasses(history, certificate, 100).unwrap();
    for state in shown {
        assert!(!state.refused.is_empty(), "seed {seed}");
        for refused in &state.refused {
            assert!(!state.order.contains(&refused.invoke), "seed {seed}");
            assert!(
                refused.why.starts_with("cannot "),
                "seed {seed}: {}",
                refused.why
            );
        }
    }
}

/// The evidence of the check, as it is written to files.
fn what_the_check_finds(thing: Thing) {
    let (mut found, mut still, mut kept) = (0_u64, 0_u64, 0);
    let check = entry(Guarantee::Linearizable).unwrap().check;
    let options = Options {
        model: Some(thing.model()),
        ..Options::default()
    };
    for seed in 0..histories() / 4 {
        let rng = &mut Rng(seed);
        let history = history(rng, thing, true);
        let verdict = check(&history, &options);
        if verdict.validity != Validity::Violated {
            continue;
        }
        for anomaly in &verdict.anomalies {
            let certificate = anomaly.certificate().unwrap();
            let confirmed = confirm_certificate(&history, &certificate);
            assert!(confirmed.is_ok(), "{thing:?}, seed {seed}: {confirmed:?}");
            assert!(
                is_true(&history, thing, &certificate),
                "{thing:?}, seed {seed}"
            );
            found += 1;
            kept += certificate.operations.len();
            for _ in 0..8 {
                let mut mutant = certificate.clone();
                mutate(rng, &history, &mut mutant);
                if confirm_certificate(&history, &mutant).is_ok() {
                    assert!(
                        is_true(&history, thing, &mutant),
                        "{thing:?}, seed {seed}: {mutant:?}"
                    );
                    still += 1;
                }
            }
        }
    }
    println!("{thing:?}: {found} certificates of {kept} operations, {still} mutants that stand");
    assert!(
        found > histories() / 50 && still > found / 10,
        "{thing:?}: {found} {still}"
    );
}

#[test]
fn what_the_check_finds_is_confirmed_and_its_mutants_are_so_only_if_true() {
    THINGS.into_iter().for_each(what_the_check_finds);
}
