//! Session guarantees on sets and lists against their definitions.

mod session_support;

use std::collections::BTreeSet;

use polygraph_checker::session::{Rules, check};
use polygraph_checker::{Options, Validity};
use polygraph_history::{Guarantee, History, Key, Kind, Micro, Op, Outcome, Value};
use session_support::brute::{Single, Step, Truth, decide, duplicates, element, steps};
use session_support::{Chance, Script, confirmed, int, read, rounds, show};

const ALL: [Rules; 6] = [
    Rules::READ_YOUR_WRITES,
    Rules::MONOTONIC_READS,
    Rules::BOTH,
    Rules::READ_YOUR_WRITES.axiomatic(),
    Rules::MONOTONIC_READS.axiomatic(),
    Rules::BOTH.axiomatic(),
];

#[derive(Clone, Copy)]
struct Mix {
    operations: usize,
    processes: usize,
    lists: bool,
    removes: bool,
    repeats: bool,
    shared: bool,
}

fn x() -> Key {
    "x".into()
}

/// What a read lists: something like the elements so far, in some order.
fn listing(chance: &mut Chance, so_far: &[i64], shuffle: usize) -> Option<Value> {
    let keep = if chance.percent(50) { 100 } else { 70 };
    let mut all: Vec<i64> = so_far
        .iter()
        .copied()
        .filter(|_| chance.percent(keep))
        .collect();
    all.sort_unstable();
    all.dedup();
    if chance.percent(shuffle) && all.len() > 1 {
        let (a, b) = (chance.below(all.len()), chance.below(all.len()));
        all.swap(a, b);
    }
    if chance.percent(2) {
        all.push(99);
    }
    Some(Value::list(all.into_iter().map(int)))
}

fn random(chance: &mut Chance, mix: Mix) -> History {
    let mut script = Script::default();
    let mut so_far: Vec<i64> = Vec::new();
    let mut next = 0;
    let mut open: Vec<Option<Op>> = vec![None; mix.processes];
    let mut number: Vec<u64> = (0..mix.processes as u64).collect();
    let mut left = mix.operations;
    loop {
        let at = chance.below(mix.processes);
        let session = (mix.shared && at < 2).then_some("shared");
        let Some(op) = open[at].take() else {
            if left == 0 {
                if open.iter().all(Option::is_none) || chance.percent(10) {
                    return script.history();
                }
                continue;
            }
            left -= 1;
            let mut fresh = |chance: &mut Chance| {
                if mix.repeats && chance.percent(30) {
                    return int(1);
                }
                next += 1;
                so_far.push(next);
                int(next)
            };
            let add = |value| match mix.lists {
                true => Op::Txn(vec![Micro::Append { key: x(), value }]),
                false => Op::Add { key: x(), value },
            };
            let op = match chance.below(10) {
                0..4 => add(fresh(chance)),
                4..6 if mix.removes => Op::Remove {
                    key: x(),
                    value: int(1 + chance.below(2) as i64),
                },
                4..6 if mix.lists => {
                    let append = Micro::Append {
                        key: x(),
                        value: fresh(chance),
                    };
                    let look = Micro::Read {
                        key: x(),
                        value: None,
                    };
                    Op::Txn(match chance.below(3) {
                        0 => vec![look, append],
                        1 => vec![append, look],
                        _ => vec![append, look.clone(), look],
                    })
                }
                _ => read("x", None),
            };
            script.event(number[at], session, Kind::Invoke, op.clone());
            open[at] = Some(op);
            continue;
        };
        let kind = match chance.below(12) {
            0 => Kind::Fail,
            1 => Kind::Info,
            _ => Kind::Ok,
        };
        let shuffle = if mix.lists { 10 } else { 50 };
        let done = match (op, kind) {
            (Op::Read { .. }, Kind::Ok) => read("x", listing(chance, &so_far, shuffle)),
            (Op::Txn(micros), Kind::Ok) => {
                let fill = |micro| match micro {
                    Micro::Read { key, .. } => Micro::Read {
                        key,
                        value: listing(chance, &so_far, shuffle),
                    },
                    other => other,
                };
                Op::Txn(micros.into_iter().map(fill).collect())
            }
            (op, _) => op,
        };
        script.event(number[at], session, kind, done);
        if kind == Kind::Info {
            number[at] += mix.processes as u64;
        }
    }
}

fn verdict(history: &History, rules: Rules) -> (Validity, bool) {
    let verdict = check(
        history,
        &Options::default(),
        Guarantee::MonotonicReads,
        rules,
    );
    let verdict = confirmed(history, verdict);
    let nothing = verdict.operations_checked == verdict.indeterminate;
    (verdict.validity, nothing)
}

/// Everything listed by reads or added.
fn elements_of(history: &History) -> BTreeSet<Value> {
    let mut all = BTreeSet::new();
    for step in steps(history, |single, ok| match single {
        Single::Read(_, Some(value)) if ok => Some((Some(value.clone()), None)),
        Single::Add(_, value) | Single::Remove(_, value) => Some((None, Some(value.clone()))),
        _ => None,
    }) {
        all.extend(step.write);
        all.extend(
            step.read
                .iter()
                .flat_map(|read| read.elements().unwrap())
                .cloned(),
        );
    }
    all
}

#[test]
fn sets_agree_with_their_elements_as_registers() {
    let mut table = std::collections::BTreeMap::new();
    for seed in 0..rounds(6000) {
        let chance = &mut Chance::new(seed);
        let mix = Mix {
            operations: 3 + chance.below(5),
            processes: 2 + chance.below(2),
            lists: false,
            removes: chance.percent(50),
            repeats: chance.percent(40),
            shared: chance.percent(30),
        };
        let history = random(chance, mix);
        for rules in ALL {
            let (validity, nothing) = verdict(&history, rules);
            let (mut truth, mut exact) = (Validity::Holds, !nothing);
            for value in elements_of(&history) {
                let all = element(&history, "x", &value);
                let adds = all.iter().any(|step| step.write.as_ref() == Some(&value));
                let seen = all.iter().any(|step| step.read.as_ref() == Some(&value));
                exact &= adds || !seen;
                let removes = all.iter().any(|step| step.write == Some(Value::Null));
                exact &= !removes || !duplicates(&all);
                if decide(&all, rules) == Truth::Violated {
                    truth = Validity::Violated;
                }
            }
            let right = match validity {
                Validity::Unknown => !exact,
                sure => sure == truth,
            };
            assert!(
                right,
                "{rules:?}: {validity:?} but {truth:?}\n{}",
                show(&history)
            );
            *table
                .entry((truth.name(), validity.name()))
                .or_insert(0_u64) += 1;
        }
    }
    println!("sets: {table:?}");
    assert!(table[&("violated", "violated")] > 0 && table[&("holds", "holds")] > 0);
}

/// The definition on lists with unique elements, pair by pair.
fn lists(history: &History, rules: Rules) -> Option<Validity> {
    let all = steps(history, |single, ok| match single {
        Single::Read(_, Some(value)) if ok => Some((Some(value.clone()), None)),
        Single::Add(_, value) => Some((None, Some(value.clone()))),
        _ => None,
    });
    let ok = |step: &&Step| step.operation.outcome == Outcome::Ok;
    let appends: Vec<&Step> = all.iter().filter(|step| step.write.is_some()).collect();
    let reads: Vec<&Step> = all.iter().filter(|step| step.read.is_some()).collect();
    let list = |step: &Step| step.read.as_ref().unwrap().elements().unwrap().to_vec();
    let added = |value: &Value| {
        appends
            .iter()
            .any(|step| step.write.as_ref() == Some(value))
    };
    let known = |step: &Step| list(step).iter().all(added);
    let before = |first: &Step, second: &Step| {
        first.operation.session == second.operation.session
            && first.operation.outcome == Outcome::Ok
            && first.id != second.id
            && match first.operation.process == second.operation.process {
                true => first.id < second.id,
                false => first.operation.precedes(&second.operation),
            }
    };
    let place = |read: &Step, value: &Value| list(read).iter().position(|other| other == value);
    let (mut missing, mut reversed) = (false, false);
    for read in &reads {
        let own: Vec<&&Step> = appends.iter().filter(|step| before(step, read)).collect();
        let seen: Vec<&&Step> = reads.iter().filter(|step| before(step, read)).collect();
        if rules.own_writes {
            for a in &own {
                let a_place = place(read, a.write.as_ref().unwrap());
                missing |= a_place.is_none();
                for b in own.iter().filter(|b| before(a, b)) {
                    let b_place = place(read, b.write.as_ref().unwrap());
                    reversed |= b_place.is_some() && b_place < a_place;
                }
            }
        }
        if rules.seen_reads {
            for earlier in &seen {
                let listed = list(earlier);
                for (at, a) in listed.iter().enumerate().filter(|(_, a)| added(a)) {
                    missing |= place(read, a).is_none();
                    for b in listed[at + 1..].iter().filter(|b| added(b)) {
                        let b_place = place(read, b);
                        reversed |= b_place.is_some() && b_place < place(read, a);
                    }
                }
            }
        }
    }
    let seen = |value: &Value| reads.iter().any(|read| place(read, value).is_some());
    let existing: Vec<&Step> = appends
        .iter()
        .copied()
        .filter(|step| ok(step) || seen(step.write.as_ref().unwrap()))
        .collect();
    let must = |a: &Step, b: &Step| {
        let (x, y) = (a.write.as_ref().unwrap(), b.write.as_ref().unwrap());
        let listed = reads
            .iter()
            .any(|read| matches!((place(read, x), place(read, y)), (Some(x), Some(y)) if x < y));
        listed
            || before(a, b)
            || rules.real_time && a.id.0 != b.id.0 && a.operation.precedes(&b.operation)
    };
    // Remove what nothing must precede, again and again: what is left is on or behind a cycle.
    let mut left = existing;
    loop {
        let free = left
            .iter()
            .position(|b| !left.iter().any(|a| a.id != b.id && must(a, b)));
        match free {
            Some(free) => drop(left.remove(free)),
            None => break,
        }
    }
    let cyclic = !left.is_empty();
    let truth = match (reversed, cyclic, missing) {
        (true, ..) | (_, false, true) => Validity::Violated,
        (_, true, _) => Validity::Unknown,
        _ if !reads.iter().all(|read| known(read)) => Validity::Unknown,
        _ => Validity::Holds,
    };
    all.iter().any(|step| ok(&step)).then_some(truth)
}

#[test]
fn lists_agree_with_their_definition() {
    let mut table = std::collections::BTreeMap::new();
    for seed in 0..rounds(12_000) {
        let chance = &mut Chance::new(seed);
        let mix = Mix {
            operations: 3 + chance.below(6),
            processes: 2 + chance.below(2),
            lists: true,
            removes: false,
            repeats: false,
            shared: chance.percent(20),
        };
        let history = random(chance, mix);
        for rules in ALL {
            let (validity, _) = verdict(&history, rules);
            let Some(truth) = lists(&history, rules) else {
                continue;
            };
            assert_eq!(validity, truth, "{rules:?}\n{}", show(&history));
            *table.entry(truth.name()).or_insert(0_u64) += 1;
        }
    }
    println!("lists: {table:?}");
    assert!(table.len() == 3);
}
