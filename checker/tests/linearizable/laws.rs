//! What must be true of verdicts of registers whatever the history, at sizes that no definition
//! can try out.

use polygraph_checker::linearizable::Kept;
use polygraph_checker::{Options, Proof, Validity};
use polygraph_history::{Body, Event, History, Key, Kind, Op, Order, Process, Value};

use crate::build::{Build, check};
use crate::random::{Rng, Shape, atomic_run, factor, tamper};

/// A history of distinct values, by index.
fn history(rng: &mut Rng, operations: usize) -> Build {
    let shape = Shape {
        operations: 2 + rng.below(operations as u64) as usize,
        processes: 1 + rng.below(8) as usize,
        keys: 1 + rng.below(2) as usize,
        domain: 0,
        ..Shape::small(rng)
    };
    let mut build = atomic_run(rng, &shape);
    if rng.percent(60) {
        tamper(rng, &mut build);
    }
    build
}

fn validity(events: Vec<Event>) -> Validity {
    check(
        &History::new(None, Order::Index, events).unwrap(),
        &Options::default(),
    )
    .validity
}

fn renumbered(mut events: Vec<Event>) -> Vec<Event> {
    for (at, event) in events.iter_mut().enumerate() {
        event.index = at as u64;
    }
    events
}

fn map_op(events: &mut [Event], change: impl Fn(&mut Key, &mut dyn FnMut(&dyn Fn(&mut Value)))) {
    for event in events {
        let Body::Op(op) = &mut event.body else {
            continue;
        };
        match op {
            Op::Read { key, value } => change(key, &mut |rename| {
                value.iter_mut().for_each(rename);
            }),
            Op::Write { key, value } => change(key, &mut |rename| rename(value)),
            Op::Cas { key, from, to } => change(key, &mut |rename| {
                rename(from);
                rename(to);
            }),
            _ => {}
        }
    }
}

#[test]
fn names_of_values_and_keys_do_not_matter() {
    let mut counts = [0, 0];
    for seed in 0..10_000 * factor() {
        let rng = &mut Rng(seed);
        let build = history(rng, 40);
        let mut events = build.events.clone();
        // Far apart, negative, or texts: each is numbered in another way.
        let way = rng.below(3);
        let rename = |value: &mut Value| {
            if let Value::Int(number) = *value {
                *value = match way {
                    0 => Value::Int(number * 1_000_003),
                    1 => Value::Int(-number - 5),
                    _ => Value::from(format!("v{number}").as_str()),
                };
            }
        };
        map_op(&mut events, |key, values| {
            *key = Key::from(format!("{key}/{key}").as_str());
            values(&rename);
        });
        let before = check(&build.history(), &Options::default());
        let after = check(
            &History::new(None, Order::Index, events).unwrap(),
            &Options::default(),
        );
        assert_eq!(before.validity, after.validity, "seed {seed}");
        assert_eq!(before.opportunities, after.opportunities, "seed {seed}");
        let named = |verdict: &polygraph_checker::Verdict| -> Vec<Vec<u64>> {
            verdict
                .anomalies
                .iter()
                .map(|anomaly| anomaly.operations.clone())
                .collect()
        };
        assert_eq!(named(&before), named(&after), "seed {seed}");
        counts[usize::from(before.validity == Validity::Violated)] += 1;
    }
    assert!(counts.iter().all(|&count| count > 2_000), "{counts:?}");
}

/// Moves an event past one of another process.
#[test]
fn wider_operations_have_an_order_too() {
    let mut tried = 0;
    for seed in 0..10_000 * factor() {
        let rng = &mut Rng(seed);
        let mut events = history(rng, 40).events;
        if validity(events.clone()) != Validity::Holds {
            continue;
        }
        for _ in 0..20 {
            let at = rng.below(events.len() as u64 - 1) as usize;
            let [first, second] = [&events[at], &events[at + 1]];
            // A completion that comes later, an invocation that comes earlier.
            let widens = first.process != second.process
                && first.kind != Kind::Invoke
                && second.kind == Kind::Invoke;
            if widens {
                events.swap(at, at + 1);
            }
        }
        assert_eq!(validity(renumbered(events)), Validity::Holds, "seed {seed}");
        tried += 1;
    }
    assert!(tried > 3_000, "{tried}");
}

#[test]
fn less_observed_has_an_order_too() {
    let mut tried = 0;
    for seed in 0..10_000 * factor() {
        let rng = &mut Rng(seed);
        let build = history(rng, 40);
        if validity(build.events.clone()) != Validity::Holds {
            continue;
        }
        let history = build.history();
        let observers: Vec<_> = history
            .operations()
            .iter()
            .filter(|operation| matches!(history.op(operation), Op::Read { .. }))
            .collect();
        if observers.is_empty() {
            continue;
        }
        let gone = observers[rng.below(observers.len() as u64) as usize];
        let events = (0..).zip(build.events.iter().cloned());
        let left = events.filter(|(at, _)| *at != gone.invoke && Some(*at) != gone.complete);
        let left = renumbered(left.map(|(_, event)| event).collect());
        assert_eq!(validity(left), Validity::Holds, "seed {seed}");
        tried += 1;
    }
    assert!(tried > 3_000, "{tried}");
}

/// Two histories of other keys and clients, shuffled into one: each key is judged as before.
#[test]
fn keys_are_judged_each_for_itself() {
    for seed in 0..5_000 * factor() {
        let rng = &mut Rng(seed);
        let (one, mut other) = (history(rng, 30), history(rng, 30));
        map_op(&mut other.events, |key, _| {
            *key = Key::from(format!("other {key}").as_str());
        });
        for event in &mut other.events {
            if let Process::Client(process) = &mut event.process {
                *process += 1_000_000;
            }
        }
        let verdicts = [&one, &other].map(|build| check(&build.history(), &Options::default()));
        let (mut left, mut right) = (one.events.into_iter().peekable(), other.events.into_iter());
        let mut both: Vec<Event> = Vec::new();
        loop {
            let from_left = left.peek().is_some() && rng.percent(50);
            match if from_left {
                left.next()
            } else {
                right.next().or_else(|| left.next())
            } {
                Some(event) => both.push(event),
                None => break,
            }
        }
        let events = renumbered(both);
        let mut events = events;
        for event in &mut events {
            event.time = polygraph_history::Time(event.index);
        }
        let history = History::new(None, Order::Index, events).unwrap();
        let verdict = check(&history, &Options::default());
        let count = verdicts
            .iter()
            .map(|verdict| verdict.anomaly_count)
            .sum::<u64>();
        assert_eq!(verdict.anomaly_count, count, "seed {seed}");
        let operations = verdicts
            .iter()
            .map(|verdict| verdict.operations_checked)
            .sum::<u64>();
        assert_eq!(verdict.operations_checked, operations, "seed {seed}");
        for anomaly in &verdict.anomalies {
            assert_eq!(anomaly.confirm(&history), Ok(()), "seed {seed}");
        }
    }
}

/// Six operations and what ties compare-and-sets together, whatever the size of the history.
#[test]
fn evidence_against_distinct_values_is_a_handful() {
    let (mut violated, mut most, mut linked) = (0, 0, 0);
    for seed in 0..1_000 * factor() {
        let rng = &mut Rng(seed);
        let shape = Shape {
            operations: 600,
            processes: 2 + rng.below(40) as usize,
            keys: 1,
            domain: 0,
            ..Shape::small(rng)
        };
        let mut build = atomic_run(rng, &shape);
        tamper(rng, &mut build);
        let history = build.history();
        let options = Options {
            failed_cas: polygraph_checker::FailedCas::Ignore,
            ..Options::default()
        };
        let verdict = check(&history, &options);
        assert_ne!(verdict.validity, Validity::Unknown, "seed {seed}");
        for anomaly in &verdict.anomalies {
            assert_eq!(anomaly.confirm(&history), Ok(()), "seed {seed}");
            let Proof::Linearizable(proof) = &anomaly.proof else {
                panic!("seed {seed}")
            };
            let swaps = |kept: &&Kept| {
                let event = history.event(kept.invoke);
                kept.expectation && matches!(event.op(), Some(Op::Cas { .. }))
            };
            let links = proof.operations.iter().filter(swaps).count();
            let others = proof.operations.len() - links;
            assert!(others <= 6, "seed {seed}: {}", anomaly.explanation);
            (most, linked) = (most.max(others), linked.max(links));
            violated += 1;
        }
    }
    println!("{violated} violated, at most {most} operations and {linked} compare-and-sets");
    assert!(violated > 200 * factor(), "{violated}");
}
