//! `constant-sum` against all pairs of reads.

use polygraph_checker::{Reason, Validity};
use polygraph_history::{Guarantee, History, Key, Micro, Op, Outcome, Value};

use super::build::{Call, Rng, in_turn, interleave, rows};
use super::{check, histories, kinds};

const GUARANTEE: Guarantee = Guarantee::ConstantSum;

fn account(number: usize) -> Key {
    Key::from(format!("a{number}").as_str())
}

fn read(balances: &[i64]) -> Op {
    let micro = |(number, &balance): (usize, &i64)| Micro::Read {
        key: account(number),
        value: Some(Value::Int(balance)),
    };
    Op::Txn(balances.iter().enumerate().map(micro).collect())
}

fn set(number: usize, balance: i64) -> Micro {
    Micro::Write {
        key: account(number),
        value: Value::Int(balance),
    }
}

/// Clients move money, one after the other; now and then a transfer forgets a half, or a read is
/// of the middle of one.
fn bank(rng: &mut Rng, transfers: usize, spoil: usize) -> Vec<Call> {
    let accounts = 2 + rng.below(3);
    let mut balances = vec![10_i64; accounts];
    let opening = (0..accounts).map(|number| set(number, 10)).collect();
    let mut calls = vec![Call {
        process: 9,
        op: Op::Txn(opening),
        outcome: Outcome::Ok,
    }];
    for at in 0..transfers {
        let process = at as u64 % 3;
        let from = rng.below(accounts);
        let to = (from + 1 + rng.below(accounts - 1)) % accounts;
        let amount = rng.below(4) as i64;
        let known = |number: usize, balances: &[i64]| Micro::Read {
            key: account(number),
            value: Some(Value::Int(balances[number])),
        };
        let op = Op::Txn(vec![
            known(from, &balances),
            known(to, &balances),
            set(from, balances[from] - amount),
            set(to, balances[to] + amount),
        ]);
        let lost = rng.percent(spoil);
        balances[from] -= amount;
        if !lost {
            balances[to] += amount;
        }
        calls.push(Call {
            process,
            op,
            outcome: Outcome::Ok,
        });
        if rng.percent(60) {
            calls.push(Call {
                process,
                op: read(&balances),
                outcome: if rng.percent(5) {
                    Outcome::Fail
                } else {
                    Outcome::Ok
                },
            });
        }
    }
    calls
}

/// The totals of reads of all accounts that took place.
fn totals(history: &History) -> Vec<i64> {
    let ok = history
        .operations()
        .iter()
        .filter(|it| it.outcome == Outcome::Ok);
    ok.filter_map(|operation| match history.op(operation) {
        op @ Op::Txn(micros) if op.is_read_only() => Some(
            micros
                .iter()
                .map(|micro| match micro {
                    Micro::Read {
                        value: Some(Value::Int(balance)),
                        ..
                    } => *balance,
                    other => unreachable!("{other}"),
                })
                .sum(),
        ),
        _ => None,
    })
    .collect()
}

#[test]
fn random_banks_are_decided_as_all_pairs_of_reads_decide_them() {
    let (mut violated, mut held) = (0, 0);
    for seed in 0..histories() {
        let mut rng = Rng(seed);
        let (transfers, spoil) = (1 + rng.below(6), [0, 20][rng.below(2)]);
        let calls = bank(&mut rng, transfers, spoil);
        // The accounts are opened before all else.
        let history = in_turn(&calls);
        let totals = totals(&history);
        let verdict = check(&history, GUARANTEE);
        let differ = totals.iter().any(|total| *total != totals[0]);
        assert_eq!(
            verdict.validity == Validity::Violated,
            differ,
            "seed {seed}"
        );
        assert_eq!(
            verdict.validity == Validity::Holds,
            !differ && totals.len() > 1
        );
        violated += u64::from(differ);
        held += u64::from(!differ && totals.len() > 1);
        // Without order nobody knows what opened accounts: then there is no verdict but a sound one.
        let shuffled = check(&interleave(&calls, &mut rng), GUARANTEE);
        assert!(shuffled.validity != Validity::Violated || differ);
    }
    println!("{violated} violated, {held} hold");
    assert!(violated > 1000 && held > 1000);
}

#[test]
fn maps_beside_transfers_are_reads_of_all_accounts() {
    let lines = |second: &'static str| {
        [
            "0 invoke read nil",
            "0 ok read {0 10, 1 0}",
            "1 invoke transfer {:from 0, :to 1, :amount 3}",
            "1 ok transfer {:from 0, :to 1, :amount 3}",
            "0 invoke read nil",
            second,
        ]
    };
    let holds = check(&rows(&lines("0 ok read {0 7, 1 3}")), GUARANTEE);
    assert_eq!(holds.validity, Validity::Holds);
    let wrong = check(&rows(&lines("0 ok read {0 7, 1 0}")), GUARANTEE);
    assert_eq!(kinds(&wrong), ["wrong-total"]);
    assert_eq!(wrong.anomalies[0].operations, [0, 4]);
    let negative = check(&rows(&lines("0 ok read {0 -1, 1 11}")), GUARANTEE);
    assert_eq!(negative.validity, Validity::Holds);
    assert!(negative.warnings[0].starts_with("negative-balance: 1 reads"));
}

#[test]
fn registers_that_are_no_bank_are_not_judged() {
    let lines = [
        "0 invoke txn [[:r 1 nil] [:r 2 nil]]",
        "0 ok txn [[:r 1 1] [:r 2 2]]",
        "0 invoke txn [[:w 1 5]]",
        "0 ok txn [[:w 1 5]]",
        "0 invoke txn [[:r 1 nil] [:r 2 nil]]",
        "0 ok txn [[:r 1 5] [:r 2 2]]",
    ];
    let verdict = check(&rows(&lines), GUARANTEE);
    assert_eq!(verdict.reason, Some(Reason::NotApplicable));
}

#[test]
fn one_wrong_read_is_found_among_many() {
    for count in [1_000, 100_000] {
        let mut calls = bank(&mut Rng(1), count, 0);
        assert_eq!(check(&in_turn(&calls), GUARANTEE).validity, Validity::Holds);
        let is_read = |call: &Call| call.op.is_read_only() && call.outcome == Outcome::Ok;
        let at = calls.iter().rposition(is_read);
        let Op::Txn(micros) = &mut calls[at.expect("a read")].op else {
            panic!("a transaction");
        };
        if let Micro::Read { value, .. } = &mut micros[0] {
            *value = Some(Value::Int(-1000));
        }
        let verdict = check(&in_turn(&calls), GUARANTEE);
        assert_eq!(verdict.anomaly_count, 1);
    }
}
