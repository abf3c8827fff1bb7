//! Against the definition, on very many small histories.

mod brute;
mod large;
mod random;
mod subjects;

use std::collections::BTreeMap;

use super::Why;
use crate::linearizable::item::Item;
use crate::model::Model;
use brute::linearizable;
use random::{Rng, history};
use subjects::{Counters, Ids, Lists, Logs, Sets, Subject};

/// In every run, and where `--ignored` asks for it.
const FEW: u64 = 20_000;
const MANY: u64 = 1_000_000;

/// What was seen.
#[derive(Debug, Default)]
struct Seen {
    holds: u64,
    refuted: BTreeMap<String, u64>,
    undecided: u64,
}

fn by_definition<S: Subject>(items: &[Item<S::Op>]) -> bool {
    linearizable(items, &S::State::default(), &S::step)
}

fn by_model<S: Subject>(items: &[Item<S::Op>]) -> bool {
    let model = S::Model::default();
    let step = |state: &_, op: &_| model.step(state, op).ok();
    linearizable(items, &model.initial(), &step)
}

/// What can be known of a history at a moment.
fn until<S: Subject>(items: &[Item<S::Op>], by: u64) -> Vec<Item<S::Op>> {
    let begun = items.iter().filter(|item| item.start <= by);
    begun
        .filter_map(|item| {
            let mut item = item.clone();
            if item.end > by {
                item.end = u64::MAX;
                item.action = S::without_result(&item.action)?;
            }
            Some(item)
        })
        .collect()
}

/// The results of these operations, and the effects of all.
fn only<S: Subject>(items: &[Item<S::Op>], operations: &[usize]) -> Vec<Item<S::Op>> {
    let weakened = |(at, item): (usize, &Item<S::Op>)| {
        let mut item = item.clone();
        if !operations.contains(&at) {
            item.action = S::without_result(&item.action)?;
        }
        Some(item)
    };
    items.iter().enumerate().filter_map(weakened).collect()
}

/// Replays an order with the model.
fn replay<S: Subject>(items: &[Item<S::Op>], order: &[usize]) -> Result<(), String> {
    let model = S::Model::default();
    let mut state = model.initial();
    let mut latest = 0;
    let mut left: Vec<bool> = items.iter().map(|item| !item.pending()).collect();
    let mut seen = vec![false; items.len()];
    for &at in order {
        if std::mem::replace(&mut seen[at], true) {
            return Err(format!("{at} is there twice"));
        }
        if items[at].end < latest {
            return Err(format!("{at} ended before one began that comes before it"));
        }
        latest = latest.max(items[at].start);
        state = model
            .step(&state, &items[at].action)
            .map_err(|refusal| refusal.to_string())?;
        left[at] = false;
    }
    match left.iter().position(|&left| left) {
        Some(at) => Err(format!("{at} is missing")),
        None => Ok(()),
    }
}

fn check<S: Subject>(items: &[Item<S::Op>], seen: &mut Seen) {
    let expected = by_definition::<S>(items);
    assert_eq!(
        by_model::<S>(items),
        expected,
        "the model differs: {items:#?}"
    );
    match S::decide(items) {
        None => {
            seen.undecided += 1;
            assert_eq!(S::order(items), None);
        }
        Some(Ok(())) => {
            seen.holds += 1;
            assert!(expected, "holds, but does not: {items:#?}");
            let order = S::order(items).expect("an order of what holds");
            if let Err(problem) = replay::<S>(items, &order) {
                panic!("{problem} in {order:?} of {items:#?}");
            }
        }
        Some(Err(refuted)) => {
            *seen
                .refuted
                .entry(format!("{:?}", refuted.why))
                .or_default() += 1;
            assert!(!expected, "{refuted:?} of {items:#?}");
            assert_eq!(S::order(items), None);
            let shown = only::<S>(items, &refuted.operations);
            assert!(
                !by_definition::<S>(&shown),
                "more is needed: {refuted:?} of {items:#?}"
            );
            let early = until::<S>(&shown, refuted.by);
            assert!(
                !by_definition::<S>(&early),
                "only later: {refuted:?} of {items:#?}"
            );
        }
    }
}

/// Laws that need no definition.
fn check_laws<S: Subject>(rng: &mut Rng, items: &[Item<S::Op>]) {
    let verdict = |items: &[Item<S::Op>]| S::decide(items).map(|decided| decided.is_ok());
    let before = verdict(items);
    let mut renamed = items.to_vec();
    for item in &mut renamed {
        item.action = S::renamed(&item.action);
    }
    assert_eq!(verdict(&renamed), before, "renamed: {items:#?}");
    if before != Some(true) {
        return;
    }
    let at = rng.below(items.len());
    let mut wider = items.to_vec();
    wider[at].start = wider[at].start.saturating_sub(rng.below(5) as u64);
    wider[at].end = wider[at].end.saturating_add(rng.below(5) as u64);
    assert_eq!(verdict(&wider), Some(true), "wider: {items:#?}");
    if S::observes(&items[at].action) {
        let mut fewer = items.to_vec();
        fewer.remove(at);
        assert_eq!(verdict(&fewer), Some(true), "without {at}: {items:#?}");
    }
}

fn fuzz<S: Subject>(count: u64, seed: u64) -> Seen {
    let mut seen = Seen::default();
    for run in 0..count {
        let mut rng = Rng(seed.wrapping_mul(0x1_0000_0001).wrapping_add(run));
        let items = history::<S>(&mut rng, 8);
        if items.is_empty() {
            continue;
        }
        check::<S>(&items, &mut seen);
        check_laws::<S>(&mut rng, &items);
    }
    println!("{seen:?}");
    seen
}

/// That something of everything was there: otherwise the test says nothing.
fn fuzz_all<S: Subject>(count: u64, undecided: u64, whys: &[Why]) {
    let seen = fuzz::<S>(count, whys.len() as u64);
    assert!(seen.holds >= count / 5, "{seen:?}");
    assert!(seen.undecided <= count * undecided / 100, "{seen:?}");
    for why in whys {
        assert!(
            seen.refuted.contains_key(&format!("{why:?}")),
            "no {why:?}: {seen:?}"
        );
    }
}

fn lists(count: u64) {
    use Why::*;
    let whys = [
        Diverge, Phantom, Twice, TooMuch, NotYet, Missed, Older, Reversed,
    ];
    fuzz_all::<Lists>(count, 20, &whys);
}

fn logs(count: u64) {
    use Why::*;
    let whys = [
        Diverge, Phantom, Twice, SamePlace, TooMuch, NotYet, Missed, Older, Reversed, TooFew,
        TooMany,
    ];
    fuzz_all::<Logs>(count, 20, &whys);
}

fn sets(count: u64) {
    use Why::*;
    fuzz_all::<Sets>(
        count,
        0,
        &[Diverge, Phantom, NotYet, Missed, Older, Reversed],
    );
}

fn counters(count: u64) {
    use Why::*;
    fuzz_all::<Counters<true>>(
        count,
        0,
        &[TooMuch, TooFew, TooMany, Older, SamePlace, Reversed],
    );
    let mixed = fuzz::<Counters<false>>(count, 9);
    assert!(mixed.refuted.contains_key("TooMuch") && mixed.undecided > 0);
}

fn identifiers(count: u64) {
    fuzz_all::<Ids>(count, 0, &[Why::SamePlace]);
}

#[test]
fn lists_are_decided_as_the_definition_does() {
    lists(FEW);
}

#[test]
fn logs_are_decided_as_the_definition_does() {
    logs(FEW);
}

#[test]
fn sets_are_decided_as_the_definition_does() {
    sets(FEW);
}

#[test]
fn counters_are_decided_as_the_definition_does() {
    counters(FEW);
}

#[test]
fn identifiers_are_decided_as_the_definition_does() {
    identifiers(FEW);
}

#[test]
#[ignore = "minutes"]
fn lists_a_million_times() {
    lists(MANY);
}

#[test]
#[ignore = "minutes"]
fn logs_a_million_times() {
    logs(MANY);
}

#[test]
#[ignore = "minutes"]
fn sets_a_million_times() {
    sets(MANY);
}

#[test]
#[ignore = "minutes"]
fn counters_a_million_times() {
    counters(MANY);
}

#[test]
#[ignore = "minutes"]
fn identifiers_a_million_times() {
    identifiers(MANY);
}
