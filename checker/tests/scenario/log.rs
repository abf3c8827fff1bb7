//! Logs against their definitions.

use std::collections::{BTreeMap, BTreeSet};

use polygraph_checker::{Validity, scenario};
use polygraph_history::{Guarantee, History, Key, Message, Micro, Op, Outcome, Value};
use serde_json::Value as Json;

use super::build::{Call, Rng, in_turn, interleave, rows};
use super::{check, histories, kinds};

const INTEGRITY: Guarantee = Guarantee::LogIntegrity;
const ORDER: Guarantee = Guarantee::LogOrder;

fn message(log: usize, value: i64, offset: Option<u64>) -> Message {
    Message {
        key: Key::from(format!("p{log}").as_str()),
        value: Value::Int(value),
        offset,
    }
}

fn choose(name: &str) -> Op {
    Op::Custom {
        name: name.to_owned(),
        args: Json::Null,
    }
}

/// Producers and consumers of two logs, who see them as they are but now and then.
fn random(seed: u64) -> Vec<Call> {
    let mut rng = Rng(seed);
    let spoil = [0, 0, 8, 25][rng.below(4)];
    let mut logs: [Vec<Option<i64>>; 2] = [Vec::new(), Vec::new()];
    let mut positions: BTreeMap<(u64, usize), usize> = BTreeMap::new();
    let mut processes = [0_u64, 1, 2];
    let mut calls = Vec::new();
    let mut next = 0;
    for _ in 0..2 + rng.below(9) {
        let client = rng.below(3);
        let process = processes[client];
        if rng.percent(8) {
            let name = ["assign", "subscribe"][rng.below(2)];
            let outcome = Outcome::Ok;
            let op = choose(name);
            calls.push(Call {
                process,
                op,
                outcome,
            });
            continue;
        }
        let mut micros = Vec::new();
        let outcome = match rng.below(8) {
            0 => Outcome::Fail,
            1 => Outcome::Info,
            _ => Outcome::Ok,
        };
        for _ in 0..1 + rng.below(2) {
            let log = rng.below(2);
            if rng.percent(50) {
                next += i64::from(!rng.percent(spoil / 4) || next == 0);
                let visible = outcome == Outcome::Ok || outcome == Outcome::Info && rng.percent(50);
                if rng.percent(20) {
                    logs[log].push(None);
                }
                let offset = logs[log].len() as u64;
                let placed = visible && !rng.percent(spoil);
                logs[log].push((placed || rng.percent(spoil)).then_some(next));
                let known = outcome == Outcome::Ok && !rng.percent(20);
                let told = offset.saturating_sub(u64::from(rng.percent(spoil)));
                micros.push(Micro::Send(Box::new(message(
                    log,
                    next,
                    known.then_some(told),
                ))));
                continue;
            }
            let from = positions.entry((process, log)).or_insert(0);
            if rng.percent(spoil) {
                *from = rng.below(logs[log].len() + 1);
            }
            let mut got = Vec::new();
            for _ in 0..1 + rng.below(3) {
                let all = &logs[log];
                let Some(found) = (*from..all.len()).find(|&at| all[at].is_some()) else {
                    break;
                };
                *from = found + 1;
                let value = match rng.percent(spoil) {
                    true => rng.below(next as usize + 2) as i64,
                    false => all[found].expect("it was found"),
                };
                let offset = (!rng.percent(5)).then_some(found as u64);
                got.push(message(log, value, offset));
            }
            micros.push(Micro::Poll {
                messages: Some(got.into()),
            });
        }
        let op = Op::Txn(micros);
        calls.push(Call {
            process,
            op,
            outcome,
        });
        if outcome == Outcome::Info {
            processes[client] += 3;
        }
    }
    calls
}

/// A message as somebody sent or got it, by definition.
struct Sight {
    operation: usize,
    process: u64,
    sent: bool,
    ok: bool,
    failed: bool,
    message: Message,
}

fn sights(history: &History) -> Vec<Sight> {
    let mut all = Vec::new();
    for (operation, of) in history.operations().iter().enumerate() {
        let Op::Txn(micros) = history.op(of) else {
            continue;
        };
        for micro in micros {
            let (sent, messages) = match micro {
                Micro::Send(message) => (true, vec![(**message).clone()]),
                Micro::Poll {
                    messages: Some(messages),
                } => (false, messages.to_vec()),
                _ => continue,
            };
            let sight = |message| Sight {
                operation,
                process: of.process,
                sent,
                ok: of.outcome == Outcome::Ok,
                failed: of.outcome == Outcome::Fail,
                message,
            };
            all.extend(messages.into_iter().map(sight));
        }
    }
    all.retain(|sight| sight.sent || sight.ok);
    all
}

fn same(one: &Sight, other: &Sight) -> bool {
    one.message.key == other.message.key && one.message.value == other.message.value
}

/// The kinds of anomalies of integrity, by definition.
fn integrity(all: &[Sight]) -> BTreeSet<&'static str> {
    let mut kinds = BTreeSet::new();
    let sends = |of: &Sight| {
        all.iter()
            .filter(|it| it.sent && !it.failed && same(it, of))
            .count()
    };
    let polled = |of: &Sight| all.iter().any(|it| !it.sent && same(it, of));
    for one in all.iter().filter(|it| it.ok) {
        for other in all
            .iter()
            .filter(|it| it.ok && it.message.key == one.message.key)
        {
            let (left, right) = (one.message.offset, other.message.offset);
            let placed = left.is_some() && right.is_some();
            if placed && left == right && !same(one, other) {
                kinds.insert("inconsistent-offsets");
            }
            if placed && left != right && same(one, other) && sends(one) == 1 {
                kinds.insert("duplicate");
            }
            if one.sent && !polled(one) && left.is_some() && !other.sent && right > left {
                kinds.insert("lost-write");
            }
        }
        if one.sent {
            continue;
        }
        if sends(one) == 0 {
            let failed = all.iter().any(|it| it.sent && it.failed && same(it, one));
            kinds.insert(if failed {
                "aborted-read"
            } else {
                "thin-air-read"
            });
        }
        let own = |it: &&Sight| it.sent && same(it, one) && it.operation == one.operation;
        if sends(one) == 1 && all.iter().any(|it| own(&it)) {
            kinds.insert("precommitted-read");
        }
    }
    kinds
}

/// The kinds of anomalies of order, by definition.
fn order(history: &History, all: &[Sight]) -> BTreeSet<&'static str> {
    let mut kinds = BTreeSet::new();
    for (at, one) in all.iter().enumerate().filter(|(_, it)| it.ok) {
        let follows = |it: &&Sight| {
            it.ok
                && it.sent == one.sent
                && it.process == one.process
                && it.message.key == one.message.key
        };
        let Some(next) = all[at + 1..].iter().find(follows) else {
            continue;
        };
        let own = history.operations().iter().enumerate();
        let own = own.filter(|(_, it)| it.process == one.process);
        let mut subscribed = false;
        let mut anew = false;
        for (id, operation) in own {
            let between = one.operation <= id && id <= next.operation;
            match history.op(operation) {
                Op::Custom { name, .. } => {
                    anew |= between;
                    if id < one.operation {
                        subscribed = name == "subscribe";
                    }
                }
                Op::Txn(micros) => {
                    let polls = micros.iter().any(|it| matches!(it, Micro::Poll { .. }));
                    anew |= between && polls && operation.outcome != Outcome::Ok;
                }
                _ => {}
            }
        }
        if !one.sent && (anew || subscribed) {
            continue;
        }
        let (Some(from), Some(to)) = (one.message.offset, next.message.offset) else {
            continue;
        };
        let inside = one.operation == next.operation;
        if to <= from {
            kinds.insert(match (one.sent, inside) {
                (true, true) => "int-nonmonotonic-send",
                (true, false) => "nonmonotonic-send",
                (false, true) => "int-nonmonotonic-poll",
                (false, false) => "nonmonotonic-poll",
            });
        }
        let lies_between = |it: &Sight| {
            let offset = it.message.offset;
            it.ok && it.message.key == one.message.key && offset > Some(from) && offset < Some(to)
        };
        if !one.sent && to > from && all.iter().any(lies_between) {
            kinds.insert(if inside { "int-poll-skip" } else { "poll-skip" });
        }
    }
    kinds
}

#[test]
fn random_logs_are_decided_as_they_are_defined() {
    let mut counts: BTreeMap<&'static str, u64> = BTreeMap::new();
    for seed in 0..histories() {
        let calls = random(seed);
        let history = interleave(&calls, &mut Rng(seed));
        let all = sights(&history);
        for (guarantee, expected) in [(INTEGRITY, integrity(&all)), (ORDER, order(&history, &all))]
        {
            let verdict = check(&history, guarantee);
            let found: BTreeSet<&'static str> = kinds(&verdict).into_iter().collect();
            assert_eq!(found, expected, "seed {seed}: {:#?}", history.events());
            for kind in found {
                *counts.entry(kind).or_default() += 1;
            }
            *counts.entry(verdict.validity.name()).or_default() += 1;
        }
    }
    println!("{counts:?}");
    for kind in [
        "inconsistent-offsets",
        "duplicate",
        "lost-write",
        "aborted-read",
        "thin-air-read",
        "precommitted-read",
        "poll-skip",
        "int-poll-skip",
        "nonmonotonic-poll",
        "int-nonmonotonic-poll",
        "nonmonotonic-send",
        "holds",
    ] {
        assert!(
            counts.get(kind).is_some_and(|&count| count > 20),
            "{kind}: {counts:?}"
        );
    }
}

#[test]
fn a_file_of_kafka_is_recognised_and_read() {
    let lost = rows(&[
        "0 invoke send [[:send 3 1] [:send 3 2]]",
        "0 ok send [[:send 3 [0 1]] [:send 3 [1 2]]]",
        "0 invoke send [[:send 3 3]]",
        "0 ok send [[:send 3 [2 3]]]",
        "1 invoke poll [[:poll]]",
        "1 ok poll [[:poll {3 [[0 1] [2 3]]}]]",
    ]);
    assert_eq!(scenario::recognise(&lost), [INTEGRITY, ORDER]);
    assert_eq!(kinds(&check(&lost, INTEGRITY)), ["lost-write"]);
    assert_eq!(kinds(&check(&lost, ORDER)), ["int-poll-skip"]);
}

/// A producer and a consumer of one log, in turn.
fn large(count: u64) -> Vec<Call> {
    let mut calls = Vec::new();
    for at in 0..count {
        let sent = message(0, at as i64, Some(2 * at));
        let got: Box<[Message]> = [sent.clone()].into();
        let outcome = Outcome::Ok;
        calls.push(Call {
            process: 0,
            op: Op::Txn(vec![Micro::Send(Box::new(sent))]),
            outcome,
        });
        let messages = Some(got);
        calls.push(Call {
            process: 1,
            op: Op::Txn(vec![Micro::Poll { messages }]),
            outcome,
        });
    }
    calls
}

#[test]
fn a_planted_anomaly_is_the_only_one_found_in_a_long_log() {
    for count in [1_000, 100_000] {
        let calls = large(count);
        for guarantee in [INTEGRITY, ORDER] {
            assert_eq!(check(&in_turn(&calls), guarantee).validity, Validity::Holds);
        }
        let at = calls.len() / 2 + 1;
        let mut lost = calls.clone();
        lost[at].op = Op::Txn(vec![Micro::Poll {
            messages: Some(Box::default()),
        }]);
        let verdict = check(&in_turn(&lost), INTEGRITY);
        assert_eq!(
            (verdict.anomaly_count, kinds(&verdict)),
            (1, vec!["lost-write"])
        );
        let verdict = check(&in_turn(&lost), ORDER);
        assert_eq!(
            (verdict.anomaly_count, kinds(&verdict)),
            (1, vec!["poll-skip"])
        );
        let mut again = calls;
        again[at + 2].op = again[at].op.clone();
        let verdict = check(&in_turn(&again), ORDER);
        assert!(kinds(&verdict).contains(&"nonmonotonic-poll"));
    }
}
