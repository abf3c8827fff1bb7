//! Schedules: what holds has one that stands, and of others those stand that explain the history.

use std::collections::BTreeMap;

use polygraph_checker::isolation::{Schedule, at_one_moment, confirm_schedule};
use polygraph_checker::{Options, Validity, entry};
use polygraph_history::{Guarantee as G, History, Key, Micro, Op, Operation, Outcome, Value};

use super::build;
use super::fuzz::factor;
use super::generate::{self, Dice};

const LEVELS: [G; 7] = [
    G::Serializable,
    G::StrongSessionSerializable,
    G::StrictSerializable,
    G::SnapshotIsolation,
    G::StrongSessionSnapshotIsolation,
    G::StrongSnapshotIsolation,
    G::PrefixConsistency,
];

/// When each transaction took its snapshot and committed, by the definition of a schedule.
fn places(history: &History, schedule: &Schedule) -> Option<BTreeMap<usize, (usize, usize)>> {
    let once = at_one_moment(schedule.guarantee);
    let mut places: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
    for (place, event) in schedule.moments.iter().enumerate() {
        let all = history.operations().iter();
        let id = all.clone().position(|it| it.invoke == *event)?;
        match places.get_mut(&id) {
            None if once => drop(places.insert(id, (place, place))),
            None => drop(places.insert(id, (place, usize::MAX))),
            Some(_) if once => return None,
            Some((_, commit)) if *commit == usize::MAX => *commit = place,
            Some(_) => return None,
        }
    }
    let whole = places.values().all(|&(_, commit)| commit != usize::MAX);
    whole.then_some(places)
}

/// Whether a schedule explains a history: told anew for every read.
fn explains(history: &History, schedule: &Schedule) -> bool {
    let Some(places) = places(history, schedule) else {
        return false;
    };
    let (sessions, real_time, conflicts) = match schedule.guarantee {
        G::Serializable | G::SnapshotIsolation => (false, false, false),
        G::StrongSessionSerializable | G::StrongSessionSnapshotIsolation => (true, false, false),
        G::PrefixConsistency => (true, false, true),
        _ => (true, true, false),
    };
    let operations = history.operations();
    let micros = |id: usize| match history.op(&operations[id]) {
        Op::Txn(micros) => micros.as_slice(),
        other => panic!("{other} is no transaction"),
    };
    let left = |id: usize, key: &Key| -> Option<Value> {
        micros(id).iter().rev().find_map(|micro| match micro {
            Micro::Write { key: k, value } if k == key => Some(value.clone()),
            _ => None,
        })
    };
    let follows = |a: &Operation, b: &Operation| {
        let in_session = a.session == b.session
            && a.outcome == Outcome::Ok
            && a.complete.is_some_and(|end| end < b.invoke);
        (sessions && in_session) || (real_time && a.precedes(b))
    };
    operations.iter().enumerate().all(|(id, operation)| {
        let Some(&(snapshot, commit)) = places.get(&id) else {
            return operation.outcome != Outcome::Ok;
        };
        let others = || places.iter().filter(|&(&other, _)| other != id);
        let ordered = others()
            .all(|(&other, &(begin, _))| !follows(operation, &operations[other]) || commit < begin);
        let apart = conflicts
            || others().all(|(&other, &(_, end))| {
                let common = micros(id).iter().any(|micro| match micro {
                    Micro::Write { key, .. } => left(other, key).is_some(),
                    _ => false,
                });
                !common || end < snapshot || end > commit
            });
        let mut own: BTreeMap<&Key, &Value> = BTreeMap::new();
        let sees = micros(id).iter().all(|micro| match micro {
            Micro::Write { key, value } => {
                own.insert(key, value);
                true
            }
            Micro::Read {
                key,
                value: Some(value),
            } if operation.outcome == Outcome::Ok => {
                let before = others().filter(|&(_, &(_, end))| end < snapshot);
                let before = before.filter(|&(&other, _)| left(other, key).is_some());
                let last = before.max_by_key(|&(_, &(_, end))| end);
                let seen = last.and_then(|(&other, _)| left(other, key));
                let seen = own.get(key).map(|&own| own.clone()).or(seen);
                seen.unwrap_or(Value::Null) == *value
            }
            _ => true,
        });
        operation.outcome != Outcome::Fail && ordered && apart && sees
    })
}

/// Changes something in a schedule.
fn mutate(dice: &mut Dice, history: &History, schedule: &mut Schedule) {
    let operations = history.operations();
    let any = operations[dice.below(operations.len() as u64) as usize].invoke;
    let moments = &mut schedule.moments;
    let at = |dice: &mut Dice, count: usize| dice.below(count.max(1) as u64) as usize;
    match dice.below(5) {
        0 if !moments.is_empty() => drop(moments.remove(at(dice, moments.len()))),
        1 => moments.insert(at(dice, moments.len() + 1), any),
        2 if !moments.is_empty() => {
            let place = at(dice, moments.len());
            moments[place] = any;
        }
        _ if moments.len() > 1 => {
            let place = at(dice, moments.len() - 1);
            let other = at(dice, moments.len());
            moments.swap(place, other);
        }
        _ => {}
    }
}

fn rounds(count: u64, most: u64, seed: u64) {
    let mut dice = Dice(seed);
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    let options = Options {
        witness: true,
        ..Options::default()
    };
    for _ in 0..count {
        let txns = generate::txns(&mut dice, most);
        let writes = |txn: &build::Txn| {
            let mut micros = txn.micros.iter();
            micros.any(|micro| matches!(micro, Micro::Write { .. }))
        };
        if !txns.iter().any(writes) {
            continue;
        }
        let history = build::history(&txns);
        for level in LEVELS {
            let entry = entry(level).expect("every level has a checker");
            let verdict = (entry.check)(&history, &options);
            if verdict.validity != Validity::Holds {
                assert_eq!(verdict.schedule, None);
                continue;
            }
            *counts.entry("holds").or_default() += 1;
            let Some(schedule) = verdict.schedule else {
                panic!("{level} holds without a schedule: {txns:#?}");
            };
            assert!(explains(&history, &schedule), "{schedule:?} {txns:#?}");
            confirm_schedule(&history, &schedule).expect("it stands");
            for _ in 0..4 {
                let mut other = schedule.clone();
                mutate(&mut dice, &history, &mut other);
                let stands = confirm_schedule(&history, &other);
                let truth = explains(&history, &other);
                assert_eq!(stands.is_ok(), truth, "{stands:?} of {other:?}: {txns:#?}");
                let name = if truth {
                    "others that stand"
                } else {
                    "rejected"
                };
                *counts.entry(name).or_default() += 1;
            }
        }
    }
    println!("{count} histories: {counts:?}");
    assert!(counts.len() == 3, "{counts:?}");
}

#[test]
fn what_holds_has_a_schedule_and_no_other_stands() {
    rounds(4_000 * factor(), 5, 41);
}

#[test]
#[ignore = "a million histories"]
fn what_holds_has_a_schedule_and_no_other_stands_of_very_many() {
    rounds(1_000_000 * factor(), 5, 42);
}
