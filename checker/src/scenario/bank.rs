//! `constant-sum`: money is moved between accounts, and whoever reads all of them at once sees
//! the same total (Jepsen's bank).
//!
//! Reads of all accounts are transactions that read as many registers as any, all of them
//! integers, or reads whose value is a map of integers beside operations `transfer`. Transactions
//! that write make the history one of a bank only if each leaves the sum of what it writes as it
//! read it; those that ended before the first read of all accounts began may have opened
//! accounts.
//!
//! A balance below zero is told in a warning: whether it is forbidden the history does not say.

use std::collections::BTreeMap;

use polygraph_history::{Guarantee, History, Key, Micro, Op, OperationId, Outcome, Value};

use super::{Proof, event, took_place, who};
use crate::verdict::Proof as AnyProof;
use crate::{Anomaly, Entry, Options, Reason, Validity, Verdict};

/// The registry's entry.
pub const CONSTANT_SUM: Entry = Entry {
    guarantee: Guarantee::ConstantSum,
    opportunity: "reads of all accounts at once",
    minimum: 2,
    check,
};

/// The sum of a read of so many accounts, and how many are below zero.
#[derive(Clone, Copy)]
struct Total {
    operation: OperationId,
    accounts: usize,
    sum: i128,
    negative: usize,
}

fn check(history: &History, options: &Options) -> Verdict {
    let mut verdict = Verdict::holds(Guarantee::ConstantSum, "sums");
    let totals = match totals(history) {
        Ok(totals) => totals,
        Err(why) => {
            verdict.warnings.extend(why);
            return verdict.unknown(Reason::NotApplicable);
        }
    };
    verdict.operations_checked = history.operations().len() as u64;
    let unknown = history
        .operations()
        .iter()
        .filter(|it| it.outcome == Outcome::Info);
    verdict.indeterminate = unknown.count() as u64;
    verdict.opportunities = totals.len() as u64;
    let negative: usize = totals.iter().filter(|total| total.negative > 0).count();
    if negative > 0 {
        verdict.warnings.push(format!(
            "negative-balance: {negative} reads show an account below zero; whether that is \
             forbidden the history does not say"
        ));
    }
    let Some(usual) = usual(&totals) else {
        return verdict.unknown(Reason::NotObservable);
    };
    for total in totals.iter().filter(|total| total.sum != usual.sum) {
        verdict.anomaly_count += 1;
        if verdict.anomalies.len() < options.max_anomalies {
            verdict.anomalies.push(anomaly(history, usual, *total));
        }
    }
    if verdict.anomaly_count > 0 {
        verdict.validity = Validity::Violated;
        return verdict;
    }
    match totals.len() {
        1 => verdict.unknown(Reason::NotObservable),
        _ => verdict,
    }
}

/// The first read of the total that most reads show; of several such totals the first seen.
fn usual(totals: &[Total]) -> Option<Total> {
    let mut counts: BTreeMap<i128, (usize, usize)> = BTreeMap::new();
    for (at, total) in totals.iter().enumerate() {
        counts.entry(total.sum).or_insert((0, at)).0 += 1;
    }
    let most = counts
        .values()
        .max_by_key(|&&(count, at)| (count, std::cmp::Reverse(at)))?;
    Some(totals[most.1])
}

fn anomaly(history: &History, usual: Total, wrong: Total) -> Anomaly {
    let (left, right) = (
        event(history, usual.operation),
        event(history, wrong.operation),
    );
    Anomaly {
        kind: "wrong-total",
        explanation: format!(
            "{} read {} accounts with {} in all, where {} read {} in all: money was made or lost",
            who(history, wrong.operation),
            wrong.accounts,
            wrong.sum,
            who(history, usual.operation),
            usual.sum
        ),
        operations: vec![left, right],
        key: None,
        proof: AnyProof::Scenario(Proof::Sum { left, right }),
    }
}

/// All reads of all accounts; why there are none, if anybody would ask.
fn totals(history: &History) -> Result<Vec<Total>, Option<String>> {
    let operations = history.operations();
    let mut all: Vec<Total> = Vec::new();
    let mut maps = false;
    for (id, operation) in operations.iter().enumerate() {
        let op = history.op(operation);
        if operation.outcome != Outcome::Ok {
            continue;
        }
        let Some(balances) = balances(op) else {
            continue;
        };
        maps |= is_map(op);
        all.push(Total {
            operation: id,
            accounts: balances.len(),
            sum: balances.iter().map(|&balance| i128::from(balance)).sum(),
            negative: balances.iter().filter(|&&balance| balance < 0).count(),
        });
    }
    let Some(accounts) = all.iter().map(|total| total.accounts).max() else {
        return Err(None);
    };
    all.retain(|total| total.accounts == accounts);
    if !maps {
        all = of_transactions(history, all)?;
    }
    Ok(all)
}

/// Reads of the same accounts, in a history in which every transaction leaves the sum as it is.
fn of_transactions(history: &History, mut all: Vec<Total>) -> Result<Vec<Total>, Option<String>> {
    let operations = history.operations();
    let keys = |id: OperationId| match history.op(&operations[id]) {
        Op::Txn(micros) => {
            let mut keys: Vec<&Key> = micros.iter().filter_map(Micro::key).collect();
            keys.sort_unstable();
            keys
        }
        _ => Vec::new(),
    };
    let Some(first) = all.first().copied().filter(|first| first.accounts > 1) else {
        return Err(None);
    };
    let accounts = keys(first.operation);
    all.retain(|total| keys(total.operation) == accounts);
    let begins = all
        .iter()
        .map(|total| operations[total.operation].start)
        .min();
    let mut transfers = 0;
    for operation in operations.iter().filter(|it| it.outcome != Outcome::Fail) {
        let op = history.op(operation);
        let opens = begins.is_some_and(|begins| operation.end < begins);
        if op.is_read_only() || opens {
            continue;
        }
        let touches = match op {
            Op::Txn(micros) => micros
                .iter()
                .filter_map(Micro::key)
                .any(|key| accounts.binary_search(&key).is_ok()),
            op => op
                .key()
                .is_some_and(|key| accounts.binary_search(&key).is_ok()),
        };
        if !touches {
            continue;
        }
        // What an indeterminate transfer had read is not known: what it wrote is believed to be
        // a transfer if all others are.
        let is_transfer = match operation.outcome {
            Outcome::Ok => keeps_sum(op),
            _ => matches!(op, Op::Txn(micros) if micros.len() > 1),
        };
        if !is_transfer {
            return Err(Some(format!(
                "`{op}` does not leave the sum of what it read"
            )));
        }
        transfers += 1;
    }
    match transfers {
        0 => Err(None),
        _ => Ok(all),
    }
}

/// Whether a transaction writes as much as it had read of what it writes.
fn keeps_sum(op: &Op) -> bool {
    let Op::Txn(micros) = op else { return false };
    let mut first: BTreeMap<&Key, i64> = BTreeMap::new();
    let mut last: BTreeMap<&Key, i64> = BTreeMap::new();
    for micro in micros {
        match micro {
            Micro::Read {
                key,
                value: Some(Value::Int(balance)),
            } => {
                first.entry(key).or_insert(*balance);
            }
            Micro::Write {
                key,
                value: Value::Int(balance),
            } if first.contains_key(key) => {
                last.insert(key, *balance);
            }
            _ => return false,
        }
    }
    let difference = last.iter().map(|(key, balance)| {
        let before = first.get(key).copied().unwrap_or_default();
        i128::from(*balance) - i128::from(before)
    });
    difference.sum::<i128>() == 0
}

/// The balances that an operation read and nothing else, if they are all known.
fn balances(op: &Op) -> Option<Vec<i64>> {
    match op {
        Op::Txn(micros) => {
            let mut keys: Vec<&Key> = Vec::with_capacity(micros.len());
            let mut balances = Vec::with_capacity(micros.len());
            for micro in micros {
                let Micro::Read {
                    key,
                    value: Some(Value::Int(balance)),
                } = micro
                else {
                    return None;
                };
                keys.push(key);
                balances.push(*balance);
            }
            keys.sort_unstable();
            let distinct = keys.windows(2).all(|pair| pair[0] != pair[1]);
            (distinct && balances.len() > 1).then_some(balances)
        }
        Op::Read {
            value: Some(Value::Text(text)),
            ..
        } => map_of_integers(text),
        _ => None,
    }
}

/// Whether an operation is a read that returned a map of integers, which readers keep as text.
pub(super) fn is_map(op: &Op) -> bool {
    match op {
        Op::Read {
            value: Some(Value::Text(text)),
            ..
        } => text.starts_with('{') && map_of_integers(text).is_some(),
        _ => false,
    }
}

/// The values of `{0 10 1 -3}` or `{"0" 10, "1" -3}`: keys are words, values integers.
fn map_of_integers(text: &str) -> Option<Vec<i64>> {
    let inner = text.trim().strip_prefix('{')?.strip_suffix('}')?;
    let separators = |c: char| c.is_whitespace() || c == ',';
    let words: Vec<&str> = inner
        .split(separators)
        .filter(|word| !word.is_empty())
        .collect();
    if words.is_empty() || !words.len().is_multiple_of(2) {
        return None;
    }
    words.chunks(2).map(|pair| pair[1].parse().ok()).collect()
}

/// Checks that two reads that took place show different totals of the same accounts, by adding
/// up what they show once more.
pub(super) fn confirm(history: &History, left: u64, right: u64) -> Result<(), String> {
    let read = |event: u64| -> Result<(Vec<String>, i128), String> {
        let op = history.op(took_place(history, event)?);
        let mut shown: Vec<(String, i128)> = Vec::new();
        match op {
            Op::Txn(micros) => {
                for micro in micros {
                    let Micro::Read {
                        key,
                        value: Some(Value::Int(balance)),
                    } = micro
                    else {
                        return Err(format!("event {event} does not only read balances"));
                    };
                    shown.push((key.to_string(), i128::from(*balance)));
                }
            }
            Op::Read {
                value: Some(Value::Text(text)),
                ..
            } => {
                let mut words = text
                    .trim_matches(|c| c == '{' || c == '}')
                    .split([' ', ','])
                    .filter(|word| !word.is_empty());
                while let (Some(name), Some(balance)) = (words.next(), words.next()) {
                    let balance = balance
                        .parse()
                        .map_err(|_| format!("`{balance}` is no balance"))?;
                    shown.push((name.to_owned(), balance));
                }
            }
            _ => return Err(format!("event {event} reads no accounts")),
        }
        shown.sort();
        let sum = shown.iter().map(|(_, balance)| balance).sum();
        Ok((shown.into_iter().map(|(name, _)| name).collect(), sum))
    };
    let ((accounts, sum), (others, other)) = (read(left)?, read(right)?);
    match (accounts == others, sum == other) {
        (false, _) => Err("the reads are of different accounts".to_owned()),
        (true, true) => Err(format!("both reads show {sum} in all")),
        (true, false) => Ok(()),
    }
}
