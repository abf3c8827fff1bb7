//! `consistent-prefix-total` against all orders of the writes.

use std::collections::BTreeMap;

use polygraph_checker::{Reason, Validity};
use polygraph_history::{Guarantee, History, Key, Micro, Op, Outcome, Value};

use super::build::{Call, Rng, in_turn, interleave, rows};
use super::{check, histories, kinds};

const GUARANTEE: Guarantee = Guarantee::ConsistentPrefixTotal;

fn key(number: usize) -> Key {
    Key::from(format!("k{number}").as_str())
}

fn group(shown: &[(usize, bool)]) -> Op {
    let micro = |&(number, present): &(usize, bool)| Micro::Read {
        key: key(number),
        value: Some(if present { Value::Int(1) } else { Value::Null }),
    };
    Op::Txn(shown.iter().map(micro).collect())
}

fn write(number: usize) -> Op {
    Op::Txn(vec![Micro::Write {
        key: key(number),
        value: Value::Int(1),
    }])
}

/// Writes and reads of registers and of one set, drawn around an order of the writes and then
/// spoilt.
fn random(seed: u64) -> History {
    let mut rng = Rng(seed);
    let (registers, elements) = (2 + rng.below(3), rng.below(3));
    let mut order: Vec<usize> = (0..registers + elements).collect();
    for at in (1..order.len()).rev() {
        order.swap(at, rng.below(at + 1));
    }
    let outcome = |rng: &mut Rng| match rng.below(8) {
        0 => Outcome::Info,
        _ => Outcome::Ok,
    };
    let mut calls: Vec<Call> = Vec::new();
    let mut add = |op, outcome| {
        let process = calls.len() as u64;
        calls.push(Call {
            process,
            op,
            outcome,
        });
    };
    for number in 0..registers {
        let outcome = outcome(&mut rng);
        add(write(number), outcome);
    }
    for element in 0..elements {
        let outcome = outcome(&mut rng);
        let value = Value::Int(element as i64);
        let key = "s".into();
        add(Op::Add { key, value }, outcome);
    }
    let spoil = rng.below(3) * 15;
    for _ in 0..1 + rng.below(4) {
        let seen = rng.below(order.len() + 1);
        let mut shows = |item: usize| {
            let place = order.iter().position(|&other| other == item);
            (place < Some(seen)) != rng.percent(spoil)
        };
        if elements > 0 && seed.is_multiple_of(3) {
            let all = (0..elements).filter(|&element| shows(registers + element));
            let value = Some(Value::list(all.map(|element| Value::Int(element as i64))));
            let key = "s".into();
            add(Op::Read { key, value }, Outcome::Ok);
        } else {
            let mut shown: Vec<(usize, bool)> = (0..registers)
                .map(|number| (number, shows(number)))
                .collect();
            shown.remove(rng.below(registers));
            if rng.percent(60) {
                shown.truncate(2);
            }
            add(group(&shown), Outcome::Ok);
        }
    }
    interleave(&calls, &mut rng)
}

/// Whether some order of the writes explains a history of [`random`]'s shape, by trying all.
fn explained(history: &History) -> bool {
    let operations = history.operations();
    let mut items: Vec<(String, u64, u64)> = Vec::new();
    for operation in operations {
        let name = match history.op(operation) {
            Op::Add { value, .. } => format!("s{value}"),
            Op::Txn(micros) => match &micros[0] {
                Micro::Write { key, .. } => key.to_string(),
                _ => continue,
            },
            _ => continue,
        };
        items.push((name, operation.start, operation.end));
    }
    let mut reads: Vec<BTreeMap<String, bool>> = Vec::new();
    for operation in operations {
        match history.op(operation) {
            Op::Read {
                value: Some(value), ..
            } => {
                let all = value.elements().expect("a set");
                let elements = items.iter().filter(|item| item.0.starts_with('s'));
                let shown = |name: &str| all.iter().any(|value| format!("s{value}") == name);
                reads.push(elements.map(|it| (it.0.clone(), shown(&it.0))).collect());
            }
            Op::Txn(micros) => {
                let shown = micros.iter().filter_map(|micro| match micro {
                    Micro::Read { key, value } => {
                        Some((key.to_string(), *value == Some(Value::Int(1))))
                    }
                    _ => None,
                });
                reads.push(shown.collect());
            }
            _ => {}
        }
    }
    let fits = |order: &[usize]| {
        let in_time = order.iter().enumerate().all(|(at, &later)| {
            let earlier = &order[..at];
            earlier
                .iter()
                .all(|&earlier| items[later].2 >= items[earlier].1)
        });
        in_time
            && reads.iter().all(|read| {
                let shown = order
                    .iter()
                    .filter_map(|&item| read.get(&items[item].0).copied());
                // A prefix: once something is missed, nothing more is shown.
                !shown
                    .collect::<Vec<_>>()
                    .windows(2)
                    .any(|pair| pair == [false, true])
            })
    };
    let mut order: Vec<usize> = (0..items.len()).collect();
    permutations(&mut order, 0, &fits)
}

fn permutations(order: &mut Vec<usize>, from: usize, fits: &impl Fn(&[usize]) -> bool) -> bool {
    if from == order.len() {
        return fits(order);
    }
    (from..order.len()).any(|at| {
        order.swap(from, at);
        let found = permutations(order, from + 1, fits);
        order.swap(from, at);
        found
    })
}

#[test]
fn random_histories_are_decided_as_all_orders_decide_them() {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for seed in 0..histories() {
        let history = random(seed);
        let verdict = check(&history, GUARANTEE);
        let violated = verdict.validity == Validity::Violated;
        assert_eq!(
            violated,
            !explained(&history),
            "seed {seed}: {:#?}",
            history.events()
        );
        *counts
            .entry(verdict.validity.name().to_owned())
            .or_default() += 1;
        for kind in kinds(&verdict) {
            *counts.entry(kind.to_owned()).or_default() += 1;
        }
    }
    println!("{counts:?}");
    for kind in [
        "long-fork",
        "causal-reverse",
        "contradicting-prefixes",
        "holds",
    ] {
        assert!(
            counts.get(kind).is_some_and(|&count| count > 20),
            "{kind}: {counts:?}"
        );
    }
}

#[test]
fn two_reads_that_each_miss_what_the_other_saw_are_a_long_fork() {
    let fork = rows(&[
        "0 invoke txn [[:w 0 1]]",
        "1 invoke txn [[:w 1 1]]",
        "2 invoke read [[:r 0 nil] [:r 1 nil]]",
        "3 invoke read [[:r 0 nil] [:r 1 nil]]",
        "0 ok txn [[:w 0 1]]",
        "1 ok txn [[:w 1 1]]",
        "2 ok read [[:r 0 1] [:r 1 nil]]",
        "3 ok read [[:r 0 nil] [:r 1 1]]",
    ]);
    let verdict = check(&fork, GUARANTEE);
    assert_eq!(kinds(&verdict), ["long-fork"]);
    assert_eq!(verdict.anomalies[0].operations, [0, 1, 2, 3]);
}

#[test]
fn a_write_without_one_that_had_ended_before_is_a_causal_reverse() {
    let reverse = rows(&[
        "0 invoke add 1",
        "0 ok add 1",
        "1 invoke add 2",
        "2 invoke read nil",
        "1 ok add 2",
        "2 ok read [2]",
    ]);
    let verdict = check(&reverse, GUARANTEE);
    assert_eq!(kinds(&verdict), ["causal-reverse"]);
    assert_eq!(verdict.anomalies[0].operations, [0, 2, 3]);
}

#[test]
fn what_reads_cannot_tell_is_not_observable() {
    let twice = rows(&[
        "0 invoke txn [[:w 0 1]]",
        "0 ok txn [[:w 0 1]]",
        "0 invoke txn [[:w 0 2]]",
        "0 ok txn [[:w 0 2]]",
    ]);
    let verdict = check(&twice, GUARANTEE);
    assert_eq!(verdict.validity, Validity::Unknown);
    assert_eq!(verdict.reason, Some(Reason::NotApplicable));
    let empty = rows(&[
        "0 invoke add 1",
        "0 ok add 1",
        "0 invoke read nil",
        "0 ok read [1]",
    ]);
    assert_eq!(check(&empty, GUARANTEE).reason, Some(Reason::NotObservable));
}

/// Groups of three registers, written and read in turn.
fn groups(count: usize) -> Vec<Call> {
    let mut calls = Vec::new();
    let mut add = |op| {
        let process = calls.len() as u64 % 7;
        calls.push(Call {
            process,
            op,
            outcome: Outcome::Ok,
        });
    };
    for number in 0..count {
        let first = 3 * number;
        for seen in 0..3 {
            add(write(first + seen));
            let shown: Vec<(usize, bool)> =
                (0..3).map(|other| (first + other, other <= seen)).collect();
            add(group(&shown));
        }
    }
    calls
}

#[test]
fn a_planted_anomaly_is_the_only_one_found_among_many_reads() {
    for count in [200, 20_000] {
        let mut calls = groups(count);
        assert_eq!(check(&in_turn(&calls), GUARANTEE).validity, Validity::Holds);
        let at = calls.len() / 2 / 6 * 6;
        let first = 3 * (at / 6);
        // The second read of a group shows the second write without the first.
        calls[at + 3].op = group(&[(first, false), (first + 1, true), (first + 2, false)]);
        let verdict = check(&in_turn(&calls), GUARANTEE);
        assert_eq!(verdict.anomaly_count, 1);
        assert_eq!(kinds(&verdict), ["long-fork"]);
        calls[at + 1].op = group(&[(first, false), (first + 1, false), (first + 2, false)]);
        let verdict = check(&in_turn(&calls), GUARANTEE);
        assert_eq!(kinds(&verdict), ["causal-reverse"]);
    }
}
