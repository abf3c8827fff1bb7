//! Session guarantees on registers against their definition, by brute force over all orders.

mod session_support;

use polygraph_checker::session::{Rules, check};
use polygraph_checker::{Options, Validity};
use polygraph_history::{Guarantee, History, Kind, Micro, Op, Outcome, Value};
use session_support::brute::{Step, Truth, decide, duplicates, phantom, register};
use session_support::{Chance, Script, cas, confirmed, int, read, rounds, show, write};

const ALL: [Rules; 6] = [
    Rules::READ_YOUR_WRITES,
    Rules::MONOTONIC_READS,
    Rules::BOTH,
    Rules::READ_YOUR_WRITES.axiomatic(),
    Rules::MONOTONIC_READS.axiomatic(),
    Rules::BOTH.axiomatic(),
];

/// What random histories are made of.
#[derive(Clone, Copy)]
struct Mix {
    operations: usize,
    processes: usize,
    /// Whether several operations may write one value, and the initial one.
    duplicates: bool,
    /// Whether transactions occur.
    transactions: bool,
    /// Whether two processes may share a session.
    shared: bool,
    /// How many events have one time; 0 for order by position.
    tick: u64,
    /// Percent of values read that nobody wrote.
    phantoms: usize,
}

fn random(chance: &mut Chance, mix: Mix) -> History {
    let mut script = Script::default();
    let mut next_value = 0;
    let mut written = vec![Value::Null];
    let mut open: Vec<Option<Op>> = vec![None; mix.processes];
    let mut number: Vec<u64> = (0..mix.processes as u64).collect();
    let mut left = mix.operations;
    let mut fresh = |chance: &mut Chance, written: &mut Vec<Value>| {
        let value = if mix.duplicates && chance.percent(40) {
            match chance.percent(20) {
                true => Value::Null,
                false => int(chance.below(2) as i64 + 1),
            }
        } else {
            next_value += 1;
            int(next_value)
        };
        written.push(value.clone());
        value
    };
    loop {
        let at = chance.below(mix.processes);
        let session = (mix.shared && at < 2).then_some("shared");
        let Some(op) = open[at].take() else {
            if left == 0 {
                if open.iter().all(Option::is_none) || chance.percent(10) {
                    return match mix.tick {
                        0 => script.history(),
                        tick => script.coarse(tick),
                    };
                }
                continue;
            }
            left -= 1;
            let op = match chance.below(if mix.transactions { 12 } else { 10 }) {
                0..5 => read("x", None),
                5..8 => write("x", fresh(chance, &mut written)),
                8..10 => {
                    let from = match chance.percent(10) {
                        // The next value, which is yet to be written or never is.
                        true => int(written.len() as i64 + 1),
                        false => chance.pick(&written).clone(),
                    };
                    cas("x", from, fresh(chance, &mut written))
                }
                _ => Op::Txn(
                    (0..1 + chance.below(3))
                        .map(|_| match chance.percent(50) {
                            true => Micro::Read {
                                key: "x".into(),
                                value: None,
                            },
                            false => Micro::Write {
                                key: "x".into(),
                                value: fresh(chance, &mut written),
                            },
                        })
                        .collect(),
                ),
            };
            script.event(number[at], session, Kind::Invoke, op.clone());
            open[at] = Some(op);
            continue;
        };
        let answer = |chance: &mut Chance| match chance.below(100) {
            roll if roll < mix.phantoms => Some(int(99)),
            roll if roll > 93 => Some(int(written.len() as i64)),
            _ => Some(chance.pick(&written).clone()),
        };
        let kind = match chance.below(10) {
            0 => Kind::Fail,
            1 => Kind::Info,
            _ => Kind::Ok,
        };
        let done = match (op, kind) {
            (Op::Read { key, .. }, Kind::Ok) => Op::Read {
                key,
                value: answer(chance),
            },
            (Op::Txn(micros), Kind::Ok) => {
                let fill = |micro| match micro {
                    Micro::Read { key, .. } => Micro::Read {
                        key,
                        value: answer(chance),
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

/// Compares with the definition; gives whether the engine was sure.
fn compare(history: &History, rules: Rules) -> (Truth, Validity) {
    let options = Options::default();
    let verdict = check(history, &options, Guarantee::ReadYourWrites, rules);
    let verdict = confirmed(history, verdict);
    let steps = register(history, "x");
    let truth = decide(&steps, rules);
    let any_phantom = steps.iter().any(|step| phantom(&steps, step));
    let certain = |step: &Step| step.operation.outcome == Outcome::Ok && phantom(&steps, step);
    let surely_phantom = steps.iter().any(certain);
    let exact = !any_phantom && !duplicates(&steps);
    let expected = match truth {
        Truth::Holds => Validity::Holds,
        Truth::Violated => Validity::Violated,
        Truth::Cyclic => Validity::Unknown,
    };
    let nothing = verdict.operations_checked == verdict.indeterminate;
    let right = match verdict.validity {
        Validity::Unknown => !exact || nothing || truth == Truth::Cyclic,
        // With several possible writers, whether the orders alone contradict is not decided.
        Validity::Violated if truth == Truth::Cyclic => !exact,
        sure => sure == expected && !(surely_phantom && sure == Validity::Holds),
    };
    assert!(
        right,
        "{rules:?}: {:?} but {truth:?}, warnings {:?}\n{}",
        verdict.validity,
        verdict.warnings,
        show(history)
    );
    (truth, verdict.validity)
}

fn fuzz(name: &str, count: u64, mix: impl Fn(&mut Chance) -> Mix) {
    let mut table = std::collections::BTreeMap::new();
    for seed in 0..rounds(count) {
        let chance = &mut Chance::new(seed);
        let mix = mix(chance);
        let history = random(chance, mix);
        for rules in ALL {
            let (truth, validity) = compare(&history, rules);
            *table
                .entry((format!("{truth:?}"), validity.name()))
                .or_insert(0_u64) += 1;
        }
    }
    println!("{name}: {table:?}");
    let sure = |truth: &str, name| table.get(&(truth.to_owned(), name)).copied().unwrap_or(0);
    assert!(sure("Holds", "holds") > 0 && sure("Violated", "violated") > 0);
}

const UNIQUE: Mix = Mix {
    operations: 6,
    processes: 3,
    duplicates: false,
    transactions: false,
    shared: false,
    tick: 0,
    phantoms: 0,
};

#[test]
fn unique_values_are_exact() {
    fuzz("unique", 6000, |chance| Mix {
        operations: 3 + chance.below(5),
        processes: 2 + chance.below(3),
        tick: chance.below(8).saturating_sub(4) as u64,
        ..UNIQUE
    });
}

#[test]
fn transactions_and_shared_sessions_are_exact() {
    fuzz("transactions", 4000, |chance| Mix {
        operations: 2 + chance.below(4),
        processes: 2 + chance.below(2),
        transactions: chance.percent(70),
        shared: chance.percent(60),
        ..UNIQUE
    });
}

#[test]
fn duplicates_and_phantoms_are_sound() {
    fuzz("duplicates", 5000, |chance| Mix {
        operations: 3 + chance.below(4),
        processes: 2 + chance.below(2),
        duplicates: chance.percent(70),
        shared: chance.percent(20),
        phantoms: chance.below(8),
        ..UNIQUE
    });
}
