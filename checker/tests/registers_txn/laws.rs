//! What must be true of verdicts whatever the history.

use polygraph_checker::isolation::weak::{Level, check};
use polygraph_checker::{Options, Validity};
use polygraph_history::{History, Key, Micro, Value};

use super::brute;
use super::build::{self, Txn};
use super::fuzz::{LEVELS, factor};
use super::generate::{self, Dice};
use super::large;

fn validity(history: &History, level: Level) -> Validity {
    check(level, history, &Options::default()).validity
}

/// The same with other names for registers, values and clients.
fn renamed(txns: &[Txn]) -> Vec<Txn> {
    let other = |value: &Value| match value {
        Value::Int(value) => Value::Int(1_000_000_007 - value * 13),
        other => other.clone(),
    };
    let mut txns = txns.to_vec();
    for txn in &mut txns {
        txn.process = 90 - txn.process;
        for micro in &mut txn.micros {
            *micro = match &*micro {
                Micro::Write { key, value } => Micro::Write {
                    key: Key(format!("other-{key}").into()),
                    value: other(value),
                },
                Micro::Read { key, value } => Micro::Read {
                    key: Key(format!("other-{key}").into()),
                    value: value.as_ref().map(other),
                },
                append => append.clone(),
            };
        }
    }
    txns
}

#[test]
fn names_do_not_matter() {
    let mut dice = Dice(3);
    for _ in 0..1_000 * factor() {
        let txns = generate::txns(&mut dice, 12);
        let (history, other) = (build::history(&txns), build::history(&renamed(&txns)));
        for (level, _) in LEVELS {
            assert_eq!(
                validity(&history, level),
                validity(&other, level),
                "{txns:#?}"
            );
        }
    }
}

#[test]
fn the_stronger_level_implies_the_weaker() {
    let implied = [
        (Level::CAUSAL, Level::READ_ATOMIC.in_sessions()),
        (
            Level::READ_ATOMIC.in_sessions(),
            Level::MONOTONIC_ATOMIC_VIEW.in_sessions(),
        ),
        (
            Level::MONOTONIC_ATOMIC_VIEW.in_sessions(),
            Level::READ_COMMITTED.in_sessions(),
        ),
        (Level::READ_ATOMIC.in_sessions(), Level::READ_ATOMIC),
        (
            Level::MONOTONIC_ATOMIC_VIEW.in_sessions(),
            Level::MONOTONIC_ATOMIC_VIEW,
        ),
        (Level::READ_COMMITTED.in_sessions(), Level::READ_COMMITTED),
        (Level::READ_ATOMIC, Level::MONOTONIC_ATOMIC_VIEW),
        (Level::MONOTONIC_ATOMIC_VIEW, Level::READ_COMMITTED),
    ];
    let mut dice = Dice(4);
    for _ in 0..2_000 * factor() {
        let txns = generate::txns(&mut dice, 12);
        let history = build::history(&txns);
        for (stronger, weaker) in implied {
            let (strong, weak) = (validity(&history, stronger), validity(&history, weaker));
            assert!(
                weak <= strong,
                "{stronger:?} is {strong:?}, but {weaker:?} {weak:?}: {txns:#?}"
            );
        }
    }
}

#[test]
fn what_is_serializable_keeps_every_level() {
    let mut dice = Dice(5);
    let mut serializable = [0, 0];
    for _ in 0..1_500 * factor() {
        let txns = generate::txns(&mut dice, 5);
        let history = build::history(&txns);
        for (sessions, count) in [false, true].into_iter().zip(&mut serializable) {
            if !brute::serializable(&history, sessions) {
                continue;
            }
            *count += 1;
            for (level, in_sessions) in LEVELS {
                let broken = validity(&history, level) == Validity::Violated;
                assert!(
                    !broken || (in_sessions && !sessions),
                    "{level:?}: {txns:#?}"
                );
            }
        }
    }
    println!("{serializable:?} serializable, by an order that keeps sessions");
}

/// Fewer constraints: a transaction of unknown outcome instead of an acknowledged one.
#[test]
fn an_unknown_outcome_breaks_nothing() {
    use polygraph_history::Outcome;
    let mut dice = Dice(6);
    for _ in 0..1_000 * factor() {
        let mut txns = generate::txns(&mut dice, 8);
        let before = build::history(&txns);
        // Its process goes on, so that the session must not: only the last of a process.
        let at = dice.below(txns.len() as u64) as usize;
        let last = txns.iter().filter(|txn| txn.process == txns[at].process);
        let last = last.map(|txn| txn.begin).max();
        if txns[at].outcome != Outcome::Ok || last != Some(txns[at].begin) {
            continue;
        }
        txns[at].outcome = Outcome::Info;
        let after = build::history(&txns);
        for (level, _) in LEVELS {
            if validity(&before, level) == Validity::Holds {
                assert_ne!(validity(&after, level), Validity::Violated, "{txns:#?}");
            }
        }
    }
}

/// A strict-serializable history keeps every level, of whatever size and with sessions that end.
#[test]
fn a_good_store_keeps_every_level() {
    for unknown in [0, 2, 30] {
        let history = large::history(large::Large {
            txns: 30_000,
            clients: 20,
            unknown,
            modified: 30,
        });
        for (level, _) in LEVELS {
            let verdict = check(level, &history, &Options::default());
            assert_eq!(verdict.validity, Validity::Holds, "{level:?} {unknown}");
            assert!(verdict.opportunities > 10_000);
        }
    }
}
