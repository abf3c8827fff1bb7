//! Staleness against its definitions: some order of all operations.

use std::time::Duration;

use polygraph_checker::measured::{Figure, Share};
use polygraph_checker::{Options, Validity};
use polygraph_history::{Bound, Guarantee, History, Kind, Op, Operation, Outcome, Value};

use crate::build::{judge, outcome, random};
use crate::session_support::{Chance, Script, cas, int, read, rounds, show, write};

fn within(bound: Bound) -> Options {
    Options {
        bound: Some(bound),
        ..Options::default()
    }
}

/// Reads and writes of a register by three clients; every value is written once.
fn small(chance: &mut Chance) -> History {
    let left = 2 + chance.below(7);
    let script = random(
        chance,
        &mut 0,
        3,
        left,
        |chance, next, _| match chance.below(9) {
            0 => {
                *next += 1;
                cas("x", int(0), int(*next))
            }
            1..=4 => {
                *next += 1;
                write("x", int(*next))
            }
            _ => read("x", None),
        },
        |chance, next, _, op| {
            let kind = outcome(chance);
            let op = match op {
                Op::Read { .. } if kind == Kind::Ok => {
                    let value = match chance.below(*next as usize + 1) {
                        0 => Value::Null,
                        // Mostly of late.
                        _ => int((*next - chance.below(3) as i64).max(1)),
                    };
                    read("x", Some(value))
                }
                op => op.clone(),
            };
            (kind, op)
        },
    );
    script.history()
}

/// What exists: every acknowledged write, every ok read, and writes that were read. `None` if a
/// read returned what nobody had begun to write.
fn existing(history: &History) -> Option<Vec<(&Operation, &Value, bool)>> {
    let all = history.operations();
    let mut existing = Vec::new();
    let written = |operation: &Operation| match history.op(operation) {
        Op::Write { value, .. } | Op::Cas { to: value, .. } => Some(value.clone()),
        _ => None,
    };
    for operation in all.iter().filter(|it| it.outcome == Outcome::Ok) {
        if let Op::Read {
            value: Some(value), ..
        } = history.op(operation)
        {
            let writer = all
                .iter()
                .find(|it| it.outcome != Outcome::Fail && written(it).as_ref() == Some(value));
            match writer {
                Some(writer) if operation.end < writer.start => return None,
                None if *value != Value::Null => return None,
                _ => existing.push((operation, value, true)),
            }
        }
    }
    for operation in all {
        if let Op::Write { value, .. } | Op::Cas { to: value, .. } = history.op(operation) {
            let seen = existing
                .iter()
                .any(|(_, read, reads)| *reads && *read == value);
            let live = operation.outcome != Outcome::Fail;
            if live && (operation.outcome == Outcome::Ok || seen) {
                existing.push((operation, value, false));
            }
        }
    }
    Some(existing)
}

/// Whether some order extends `precedes` in which each read returns one of the k latest values.
fn ordered<'h>(
    all: &[(&'h Operation, &'h Value, bool)],
    precedes: &dyn Fn(usize, usize) -> bool,
    k: usize,
    placed: &mut Vec<usize>,
) -> bool {
    if placed.len() == all.len() {
        return true;
    }
    (0..all.len()).any(|next| {
        let ready = !placed.contains(&next)
            && (0..all.len()).all(|other| placed.contains(&other) || !precedes(other, next));
        if !ready {
            return false;
        }
        if all[next].2 {
            let mut latest: Vec<&Value> = vec![&Value::Null];
            latest.extend(placed.iter().filter(|&&at| !all[at].2).map(|&at| all[at].1));
            if !latest.iter().rev().take(k).any(|it| *it == all[next].1) {
                return false;
            }
        }
        placed.push(next);
        let found = ordered(all, precedes, k, placed);
        placed.pop();
        found
    })
}

#[test]
fn bounded_staleness_is_as_defined() {
    let mut counts = [0_u64; 3];
    for seed in 0..rounds(20_000) {
        let history = small(&mut Chance::new(seed));
        for millis in [0, 1, 2, 4, 7] {
            let bound = Duration::from_millis(millis);
            let options = within(Bound::Staleness(bound));
            let verdict = judge(&history, Guarantee::BoundedStaleness, &options);
            counts[verdict.validity as usize] += 1;
            let Some(all) = existing(&history) else {
                assert_eq!(verdict.validity, Validity::Unknown, "seed {seed}");
                continue;
            };
            let precedes = |a: usize, b: usize| {
                let ((a, ..), (b, _, reads)) = (all[a], all[b]);
                let ended = history.completed_at(a).unwrap_or_default();
                let early = !reads || millis == 0 || ended + bound < history.invoked_at(b);
                a.outcome == Outcome::Ok && a.precedes(b) && early
            };
            let holds = ordered(&all, &precedes, 1, &mut Vec::new());
            let expected = match (holds, verdict.opportunities) {
                (false, _) => Validity::Violated,
                (true, 0) => Validity::Unknown,
                (true, _) => Validity::Holds,
            };
            assert_eq!(
                verdict.validity,
                expected,
                "{millis} ms, seed {seed}\n{}",
                show(&history)
            );
        }
    }
    println!("{counts:?}");
    assert!(
        counts.iter().all(|&count| count > rounds(2000)),
        "{counts:?}"
    );
}

#[test]
fn k_atomicity_is_as_defined() {
    let mut counts = [[0_u64; 3]; 3];
    for seed in 0..rounds(20_000) {
        let history = small(&mut Chance::new(seed ^ 0x5eed));
        for k in 1..=3 {
            let options = within(Bound::Versions(k as u32));
            let verdict = judge(&history, Guarantee::KAtomic, &options);
            counts[k - 1][verdict.validity as usize] += 1;
            let Some(all) = existing(&history) else {
                assert_eq!(verdict.validity, Validity::Unknown, "seed {seed}");
                continue;
            };
            let precedes =
                |a: usize, b: usize| all[a].0.outcome == Outcome::Ok && all[a].0.precedes(all[b].0);
            let holds = ordered(&all, &precedes, k, &mut Vec::new());
            let expected = match (holds, verdict.opportunities) {
                (false, _) => Validity::Violated,
                (true, 0) => Validity::Unknown,
                (true, _) => Validity::Holds,
            };
            assert_eq!(
                verdict.validity,
                expected,
                "k = {k}, seed {seed}\n{}",
                show(&history)
            );
        }
    }
    println!("{counts:?}");
    let seen = counts.iter().flatten().all(|&count| count > rounds(20));
    assert!(seen, "{counts:?}");
}

/// Reads of which none is known to be too old can still contradict each other.
#[test]
fn no_order_is_told_by_the_fewest_operations() {
    let mut found = 0;
    for seed in 0..rounds(20_000) {
        let history = small(&mut Chance::new(seed ^ 0x5eed));
        let options = within(Bound::Versions(2));
        let verdict = judge(&history, Guarantee::KAtomic, &options);
        for anomaly in verdict.anomalies.iter().filter(|it| it.kind == "no-order") {
            found += 1;
            assert!(anomaly.operations.len() <= 8, "{}", anomaly.explanation);
        }
    }
    println!("{found} by search alone");
    assert!(found > 0);
}

fn act(script: &mut Script, process: u64, op: Op) {
    let asked = match &op {
        Op::Read { .. } => read("x", None),
        op => op.clone(),
    };
    script.event(process, None, Kind::Invoke, asked);
    script.event(process, None, Kind::Ok, op);
}

#[test]
fn ages_are_counted_and_timed() {
    let mut script = Script::default();
    for value in 1..=3 {
        act(&mut script, 0, write("x", int(value))); // over at 1, 3, 5 ms
    }
    act(&mut script, 1, read("x", Some(int(1)))); // begins at 6 ms, 3 ms after 2 was there
    act(&mut script, 1, read("x", Some(int(3)))); // 8 ms
    act(&mut script, 1, read("x", Some(int(2)))); // begins at 10 ms, 5 ms after 3 was there
    act(&mut script, 1, read("x", Some(Value::Null))); // begins at 12 ms, 11 ms after 1 was there
    let history = script.history();
    let bound = Bound::Staleness(Duration::from_millis(5));
    let verdict = judge(&history, Guarantee::BoundedStaleness, &within(bound));
    let rows = |name: &str| {
        let table = verdict.measured.iter().find(|it| it.name == name);
        &table
            .unwrap_or_else(|| panic!("{name}: {:?}", verdict.measured))
            .rows
    };
    let span = |millis| Figure::Span(Duration::from_millis(millis));
    let share = |part, whole| Figure::Share(Share { part, whole });
    let all = &rows("stale reads")[0];
    assert_eq!(
        all[1..],
        [share(3, 4), span(5), span(11), span(11), Figure::Count(3)]
    );
    let k: Vec<_> = rows("k-staleness")
        .iter()
        .map(|row| row[1].clone())
        .collect();
    assert_eq!(k, [share(1, 4), share(2, 4), share(3, 4), share(4, 4)]);
    // 3 had been there for 1, 3, 5 and 7 ms.
    let t: Vec<_> = rows("t-visibility")
        .iter()
        .map(|row| row[2].clone())
        .collect();
    assert_eq!(t, [share(0, 1), share(1, 1), share(0, 2)]);
    // Only the initial value was read more than 5 ms after it was replaced: by each of the others.
    assert_eq!(
        (verdict.validity, verdict.anomaly_count),
        (Validity::Violated, 3)
    );
    assert_eq!(rows("smallest bound")[0][0], span(11));
    let expected = "client 0's write of x=1 had ended at 0.001 s before client 1's read of \
                    x=nothing began at 0.012 s, and the initial value was there before client 1's \
                    read of x=1 began at 0.006 s: each value was replaced by the other (a read by \
                    more than 5ms)";
    let told: Vec<&str> = verdict
        .anomalies
        .iter()
        .map(|it| it.explanation.as_str())
        .collect();
    assert!(told.contains(&expected), "{told:?}");
}
