//! The text that Plume and AWDIT read, one operation a line: `w(key,value,session,transaction)`.

use std::collections::BTreeMap;

use polygraph_checker::isolation::solve::{Because, Key, Precedes, Problem, Read};

/// A history as a problem, and what is wrong with it by itself.
pub(crate) struct Text {
    pub(crate) problem: Problem,
    /// Reads that no order explains: of nobody's value, of one that was overwritten within its
    /// transaction, or against the transaction's own.
    pub(crate) wrong: u32,
}

/// Reads it. A value nobody wrote is the initial one if it is zero.
pub(crate) fn parse(text: &str) -> Text {
    let operations = text.lines().filter_map(|line| {
        let inner = line.get(2..)?.strip_suffix(')')?;
        let fields: Vec<i64> = inner
            .split(',')
            .filter_map(|field| field.parse().ok())
            .collect();
        let &[key, value, session, txn] = fields.as_slice() else {
            return None;
        };
        Some((line.starts_with('w'), key, value, session, txn))
    });
    let mut numbers: BTreeMap<(i64, i64), u32> = BTreeMap::new();
    let mut keys: BTreeMap<i64, u32> = BTreeMap::new();
    let mut last: BTreeMap<i64, u32> = BTreeMap::new();
    let mut problem = Problem::default();
    let mut bodies: Vec<Vec<(bool, u32, i64)>> = Vec::new();
    let mut writers: BTreeMap<(u32, i64), (u32, bool)> = BTreeMap::new();
    for (writes, key, value, session, txn) in operations {
        if txn < 0 {
            continue;
        }
        let count = keys.len() as u32;
        let key = *keys.entry(key).or_insert(count);
        let txn = *numbers.entry((session, txn)).or_insert_with(|| {
            let txn = bodies.len() as u32;
            bodies.push(Vec::new());
            if let Some(before) = last.insert(session, txn) {
                problem.precedes.push(Precedes {
                    before,
                    after: txn,
                    because: Because::Session,
                });
            }
            txn
        });
        bodies[txn as usize].push((writes, key, value));
    }
    problem.transactions = bodies.len() as u32;
    problem.keys = vec![Key::default(); keys.len()];
    for (txn, body) in (0..).zip(&bodies) {
        let mut own: BTreeMap<u32, i64> = BTreeMap::new();
        for &(_, key, value) in body.iter().filter(|operation| operation.0) {
            if let Some(before) = own.insert(key, value) {
                writers.insert((key, before), (txn, false));
            }
            writers.insert((key, value), (txn, true));
        }
        for key in own.keys() {
            problem.keys[*key as usize].writers.push(txn);
        }
    }
    let mut wrong = 0;
    for (txn, body) in (0..).zip(&bodies) {
        let mut own: BTreeMap<u32, i64> = BTreeMap::new();
        for &(writes, key, value) in body {
            if writes {
                own.insert(key, value);
                continue;
            }
            if let Some(&mine) = own.get(&key) {
                wrong += u32::from(mine != value);
                continue;
            }
            let from = match writers.get(&(key, value)) {
                Some(&(writer, true)) if writer != txn => Some(writer),
                None if value == 0 => None,
                _ => {
                    wrong += 1;
                    continue;
                }
            };
            let read = Read { reader: txn, from };
            let reads = &mut problem.keys[key as usize].reads;
            if !reads.contains(&read) {
                reads.push(read);
            }
        }
    }
    Text { problem, wrong }
}
