//! Locks, identifiers, delivery and decisions, against their definitions: every pair of operations.

use polygraph_checker::{Options, Validity};
use polygraph_history::{Guarantee, History, Kind, Op, Operation, Outcome, Value};
use serde_json::json;

use crate::build::{judge, outcome, random};
use crate::session_support::{Chance, int, rounds, show};

/// What the clients of a history do, and what they may be told.
type Draw = fn(&mut Chance, &mut [bool; 3], usize) -> Op;
type Told = fn(&mut Chance, &mut [bool; 3], usize, &Op, Kind) -> Op;

/// Judges very many small histories; each verdict must be that of `violated`, unless it is
/// *unknown* and nothing is violated.
fn agrees(guarantee: Guarantee, draw: Draw, told: Told, violated: fn(&History) -> bool) {
    let mut counts = [0_u64; 3];
    for seed in 0..rounds(20_000) {
        let chance = &mut Chance::new(seed);
        let left = 2 + chance.below(8);
        let end = |chance: &mut Chance, holds: &mut [bool; 3], at, op: &Op| {
            let kind = outcome(chance);
            let op = match kind {
                Kind::Ok => told(chance, holds, at, op, kind),
                _ => op.clone(),
            };
            (kind, op)
        };
        let history = random(chance, &mut [false; 3], 3, left, draw, end).history();
        let verdict = judge(&history, guarantee, &Options::default());
        let expected = violated(&history);
        let said = verdict.validity == Validity::Violated;
        assert_eq!(
            said,
            expected,
            "{guarantee} seed {seed}: {:?}\n{}",
            verdict.anomalies,
            show(&history)
        );
        counts[verdict.validity as usize] += 1;
    }
    println!("{guarantee}: {counts:?}");
    assert!(
        counts.iter().all(|&count| count > rounds(20)),
        "{guarantee}: {counts:?}"
    );
}

fn same(_: &mut Chance, _: &mut [bool; 3], _: usize, op: &Op, _: Kind) -> Op {
    op.clone()
}

fn ok(history: &History) -> Vec<(&Operation, &Op)> {
    let all = history.operations().iter().map(|it| (it, history.op(it)));
    all.filter(|(it, _)| it.outcome == Outcome::Ok).collect()
}

/// Whether any two operations that took place are so.
fn any_pair(history: &History, of: impl Fn((&Operation, &Op), (&Operation, &Op)) -> bool) -> bool {
    let all = ok(history);
    all.iter()
        .any(|&a| all.iter().any(|&b| a.0.invoke != b.0.invoke && of(a, b)))
}

fn lock(chance: &mut Chance, holds: &mut [bool; 3], at: usize) -> Op {
    let key = if chance.percent(85) { "x" } else { "y" }.into();
    if std::mem::take(&mut holds[at]) {
        return Op::Release { key };
    }
    holds[at] = chance.percent(90);
    Op::Acquire {
        key,
        shared: chance.percent(25),
        token: None,
    }
}

#[test]
fn locks_exclude_as_defined() {
    agrees(Guarantee::MutualExclusion, lock, same, |history| {
        let all = history.operations();
        // Who held what from when to when: the release is the next thing the process does there.
        let held = |acquire: &Operation| {
            let Op::Acquire { key, shared, .. } = history.op(acquire) else {
                return None;
            };
            let next = all.iter().find(|it| {
                let touches = history.op(it).key() == Some(key);
                it.process == acquire.process && it.invoke > acquire.invoke && touches
            })?;
            let releases = matches!(history.op(next), Op::Release { .. });
            releases.then_some((key.clone(), *shared, acquire.end, next.start))
        };
        any_pair(history, |a, b| match (held(a.0), held(b.0)) {
            (Some(a), Some(b)) => a.0 == b.0 && !(a.1 && b.1) && a.2.max(b.2) < a.3.min(b.3),
            _ => false,
        })
    });
}

#[test]
fn tokens_grow_as_defined() {
    let draw: Draw = |chance, _, _| match chance.percent(60) {
        true => Op::Acquire {
            key: "x".into(),
            shared: chance.percent(10),
            token: None,
        },
        false => Op::Custom {
            name: "fenced-write".to_owned(),
            args: json!({"key": "s", "token": 1 + chance.below(5)}),
        },
    };
    let told: Told = |chance, _, _, op, _| match op {
        Op::Acquire { key, shared, .. } => Op::Acquire {
            key: key.clone(),
            shared: *shared,
            token: chance.percent(90).then(|| chance.below(9) as u64),
        },
        op => op.clone(),
    };
    agrees(Guarantee::FencingTokens, draw, told, |history| {
        any_pair(history, |(a, first), (b, second)| match (first, second) {
            (
                Op::Acquire {
                    shared: false,
                    token: Some(x),
                    ..
                },
                Op::Acquire {
                    shared: false,
                    token: Some(y),
                    ..
                },
            ) => x == y || (a.precedes(b) && y < x),
            (Op::Custom { args, .. }, Op::Custom { args: others, .. }) => {
                a.precedes(b) && others["token"].as_u64() < args["token"].as_u64()
            }
            _ => false,
        })
    });
}

const GENERATE: Draw = |_, _, _| Op::Generate {
    key: "x".into(),
    value: None,
};
const GIVEN: Told = |chance, _, _, _, _| Op::Generate {
    key: "x".into(),
    value: Some(int(chance.below(25) as i64)),
};

#[test]
fn identifiers_are_unique_and_ordered_as_defined() {
    agrees(Guarantee::UniqueIds, GENERATE, GIVEN, |history| {
        any_pair(history, |(_, a), (_, b)| a == b)
    });
    agrees(Guarantee::OrderedIds, GENERATE, GIVEN, |history| {
        any_pair(history, |(a, first), (b, second)| match (first, second) {
            (
                Op::Generate {
                    value: Some(Value::Int(x)),
                    ..
                },
                Op::Generate {
                    value: Some(Value::Int(y)),
                    ..
                },
            ) => a.precedes(b) && y <= x,
            _ => false,
        })
    });
}

const QUEUE: Draw = |chance, _, _| match chance.percent(50) {
    true => Op::Enqueue {
        key: "q".into(),
        value: int(1 + chance.below(6) as i64),
    },
    false => Op::Dequeue {
        key: "q".into(),
        value: None,
    },
};
const TAKEN: Told = |chance, _, _, op, _| match op {
    Op::Dequeue { key, .. } => Op::Dequeue {
        key: key.clone(),
        value: Some(match chance.below(10) {
            0..4 => Value::Null,
            _ => int(1 + chance.below(6) as i64),
        }),
    },
    op => op.clone(),
};

/// Who put an element in, or may have, and who took it.
fn fate(history: &History, element: i64) -> (Vec<&Operation>, Vec<&Operation>) {
    let all = history
        .operations()
        .iter()
        .filter(|it| it.outcome != Outcome::Fail);
    let put = |it: &&Operation| matches!(history.op(it), Op::Enqueue { value, .. } if *value == int(element));
    let taken = |it: &&Operation| {
        it.outcome == Outcome::Ok
            && matches!(history.op(it), Op::Dequeue { value: Some(value), .. } if *value == int(element))
    };
    (
        all.clone().filter(put).collect(),
        all.filter(taken).collect(),
    )
}

fn twice(history: &History) -> bool {
    (1..=6).any(|element| {
        let (puts, takings) = fate(history, element);
        takings.len() > puts.len().max(1)
    })
}

fn missing(history: &History) -> bool {
    let takings = history
        .operations()
        .iter()
        .filter(|it| matches!(history.op(it), Op::Dequeue { .. }) && it.outcome != Outcome::Fail);
    let last = takings
        .clone()
        .filter(|it| it.outcome == Outcome::Ok)
        .max_by_key(|it| it.start);
    let Some(last) = last else { return false };
    let empty = matches!(
        history.op(last),
        Op::Dequeue {
            value: Some(Value::Null),
            ..
        }
    );
    let gone = (1..=6).filter(|&element| {
        let (puts, takings) = fate(history, element);
        let due = puts.len() == 1 && puts[0].outcome == Outcome::Ok && puts[0].precedes(last);
        due && takings.is_empty()
    });
    empty && gone.count() > takings.filter(|it| it.outcome == Outcome::Info).count()
}

#[test]
fn queues_deliver_as_defined() {
    agrees(Guarantee::AtMostOnce, QUEUE, TAKEN, twice);
    agrees(Guarantee::AtLeastOnce, QUEUE, TAKEN, missing);
    agrees(Guarantee::ExactlyOnce, QUEUE, TAKEN, |history| {
        twice(history) || missing(history)
    });
    agrees(Guarantee::FifoDelivery, QUEUE, TAKEN, |history| {
        (1..=6).any(|a| {
            (1..=6).any(|b| {
                let ((put, taken), (other_put, other_taken)) = (fate(history, a), fate(history, b));
                let once = [&put, &taken, &other_put, &other_taken]
                    .iter()
                    .all(|it| it.len() == 1);
                once && put[0].precedes(other_put[0]) && other_taken[0].precedes(taken[0])
            })
        })
    });
}

fn custom(chance: &mut Chance, name: &str, group: &str, value: &str) -> Op {
    let mut args = json!({group: chance.below(4)});
    if chance.percent(95) {
        args[value] = json!(["a", "b", "c"][chance.below(3) * chance.below(2)]);
    }
    Op::Custom {
        name: name.to_owned(),
        args,
    }
}

fn differ(history: &History, name: &str, group: &str, value: &str) -> bool {
    any_pair(history, |(_, a), (_, b)| match (a, b) {
        (
            Op::Custom { name: x, args },
            Op::Custom {
                name: y,
                args: others,
            },
        ) => {
            let known = args.get(value).is_some() && others.get(value).is_some();
            x == name
                && y == name
                && known
                && args[group] == others[group]
                && args[value] != others[value]
        }
        _ => false,
    })
}

#[test]
fn what_must_be_one_is_one_as_defined() {
    agrees(
        Guarantee::Agreement,
        |chance, _, _| {
            let name = if chance.percent(30) {
                "propose"
            } else {
                "decide"
            };
            custom(chance, name, "instance", "value")
        },
        same,
        |history| differ(history, "decide", "instance", "value"),
    );
    agrees(
        Guarantee::OneLeaderPerEpoch,
        |chance, _, _| custom(chance, "lead", "epoch", "leader"),
        same,
        |history| differ(history, "lead", "epoch", "leader"),
    );
    agrees(
        Guarantee::AtomicCommit,
        |chance, _, _| custom(chance, "resolve", "transaction", "outcome"),
        same,
        |history| differ(history, "resolve", "transaction", "outcome"),
    );
    agrees(
        Guarantee::UniqueClaim,
        |chance, _, _| custom(chance, "claim", "name", "by"),
        same,
        |history| differ(history, "claim", "name", "by"),
    );
}

#[test]
fn decisions_are_valid_as_defined() {
    agrees(
        Guarantee::Validity,
        |chance, _, _| {
            let name = if chance.percent(75) {
                "propose"
            } else {
                "decide"
            };
            custom(chance, name, "instance", "value")
        },
        same,
        |history| {
            ok(history).into_iter().any(|(decision, op)| match op {
                Op::Custom { name, args } if name == "decide" && args.get("value").is_some() => {
                    !history.operations().iter().any(|it| {
                        let proposes = Op::Custom {
                            name: "propose".to_owned(),
                            args: args.clone(),
                        };
                        it.start <= decision.end && *history.op(it) == proposes
                    })
                }
                _ => false,
            })
        },
    );
}
