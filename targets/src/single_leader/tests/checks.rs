//! What a small checker can say of a run: enough to test the store's own promises.

use std::collections::{BTreeMap, BTreeSet};

use polygraph_cluster::Reply;
use polygraph_history::{Key, NodeId, Op, Value};

/// An operation of a run. Times are places in the order of all invocations and completions.
#[derive(Clone, Debug)]
pub(super) struct Done {
    pub(super) client: usize,
    pub(super) op: Op,
    pub(super) invoked: u64,
    /// When it was answered and how; `None` if it never was.
    pub(super) answered: Option<(u64, Reply)>,
}

impl Done {
    /// The operation as it was completed, and when, if it was ok.
    fn ok(&self) -> Option<(u64, &Op)> {
        match &self.answered {
            Some((at, Reply::Ok { op, .. })) => Some((*at, op)),
            _ => None,
        }
    }

    fn failed(&self) -> bool {
        matches!(self.answered, Some((_, Reply::Fail { .. })))
    }
}

/// All that touches one value of a register: from the earliest completion to the latest
/// invocation.
#[derive(Clone, Copy, Debug)]
struct Zone {
    first_end: u64,
    last_begin: u64,
}

impl Zone {
    fn covers(&mut self, begin: u64, end: u64) {
        self.first_end = self.first_end.min(end);
        self.last_begin = self.last_begin.max(begin);
    }

    const fn is_forward(self) -> bool {
        self.first_end < self.last_begin
    }

    fn low(self) -> u64 {
        self.first_end.min(self.last_begin)
    }

    fn high(self) -> u64 {
        self.first_end.max(self.last_begin)
    }
}

/// Whether reads and writes of one register are linearizable, every value being written once
/// (Gibbons and Korach, "Testing Shared Memories", SIAM J. Comput. 26(4), 1997, section 4.2: no
/// two forward zones overlap, no backward zone lies within a forward one).
pub(super) fn linearizable(run: &[Done], key: &Key) -> Result<(), String> {
    let mut zones: BTreeMap<Value, Zone> = BTreeMap::new();
    let mut begins: BTreeMap<Value, u64> = BTreeMap::new();
    let new = || Zone {
        first_end: u64::MAX,
        last_begin: 0,
    };
    zones.entry(Value::Null).or_insert_with(new).covers(0, 0);
    begins.insert(Value::Null, 0);
    for done in run {
        if let Op::Write { key: k, value } = &done.op
            && k == key
            && !done.failed()
        {
            let end = done.ok().map_or(u64::MAX, |(at, _)| at);
            zones
                .entry(value.clone())
                .or_insert_with(new)
                .covers(done.invoked, end);
            begins.insert(value.clone(), done.invoked);
        }
    }
    let mut seen = BTreeSet::new();
    for done in run {
        if let Some((
            end,
            Op::Read {
                key: k,
                value: Some(value),
            },
        )) = done.ok()
            && k == key
        {
            match begins.get(value) {
                Some(&begin) if begin < end => {}
                _ => return Err(format!("{value} was read before it was written")),
            }
            zones
                .entry(value.clone())
                .or_insert_with(new)
                .covers(done.invoked, end);
            seen.insert(value.clone());
        }
    }
    // A write that never ended and that nobody saw need not have taken place.
    let zones: Vec<(Value, Zone)> = zones
        .into_iter()
        .filter(|(value, zone)| zone.first_end < u64::MAX || seen.contains(value))
        .collect();
    let mut forward: Vec<_> = zones.iter().filter(|(_, zone)| zone.is_forward()).collect();
    forward.sort_by_key(|(_, zone)| zone.low());
    for pair in forward.windows(2) {
        if pair[1].1.low() < pair[0].1.high() {
            return Err(format!("{} and {} overlap on {key}", pair[0].0, pair[1].0));
        }
    }
    for (value, zone) in zones.iter().filter(|(_, zone)| !zone.is_forward()) {
        let at = forward.partition_point(|(_, outer)| outer.low() < zone.low());
        if at > 0 && zone.high() < forward[at - 1].1.high() {
            return Err(format!(
                "{value} lies within {} on {key}",
                forward[at - 1].0
            ));
        }
    }
    Ok(())
}

/// Whether no two successful compare-and-sets of a register that knows no other writes started
/// from the same value, and whether everything read was written.
pub(super) fn chain(run: &[Done], key: &Key) -> Result<(), String> {
    let mut from_seen = BTreeMap::new();
    let mut possible = BTreeSet::from([Value::Null]);
    for done in run {
        if let Op::Cas { key: k, from, to } = &done.op
            && k == key
        {
            if !done.failed() {
                possible.insert(to.clone());
            }
            if done.ok().is_some()
                && let Some(other) = from_seen.insert(from.clone(), to.clone())
            {
                return Err(format!("{from} was replaced by both {other} and {to}"));
            }
        }
    }
    for done in run {
        if let Some((
            _,
            Op::Read {
                key: k,
                value: Some(value),
            },
        )) = done.ok()
            && k == key
            && !possible.contains(value)
        {
            return Err(format!("{value} of {key} was read and never written"));
        }
    }
    Ok(())
}

/// Whether every client reads its own writes, or later ones: nothing whose write had ended before
/// the client's own began.
pub(super) fn reads_its_writes(run: &[Done], key: &Key) -> Result<(), String> {
    let ends: BTreeMap<Value, u64> = run
        .iter()
        .filter_map(|done| match done.ok()? {
            (end, Op::Write { key: k, value }) if k == key => Some((value.clone(), end)),
            _ => None,
        })
        .chain([(Value::Null, 0)])
        .collect();
    let mut own: BTreeMap<usize, (u64, Value)> = BTreeMap::new();
    for done in run {
        match done.ok() {
            Some((_, Op::Write { key: k, value })) if k == key => {
                own.insert(done.client, (done.invoked, value.clone()));
            }
            Some((
                _,
                Op::Read {
                    key: k,
                    value: Some(value),
                },
            )) if k == key => {
                let Some((begun, written)) = own.get(&done.client) else {
                    continue;
                };
                if value != written && ends.get(value).is_some_and(|end| end < begun) {
                    return Err(format!("{value} was read after the own {written} of {key}"));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// The elements whose add was acknowledged.
pub(super) fn acknowledged(run: &[Done], key: &Key) -> BTreeSet<Value> {
    run.iter()
        .filter_map(|done| match done.ok()? {
            (_, Op::Add { key: k, value }) if k == key => Some(value.clone()),
            _ => None,
        })
        .collect()
}

/// The elements that are in no node's final copy though they were acknowledged.
pub(super) fn lost(run: &[Done], key: &Key, finals: &BTreeMap<NodeId, Value>) -> Vec<Value> {
    let kept: BTreeSet<&Value> = finals
        .values()
        .filter_map(Value::elements)
        .flatten()
        .collect();
    acknowledged(run, key)
        .into_iter()
        .filter(|value| !kept.contains(value))
        .collect()
}

/// Whether all reads of a set to which elements are only added are beginnings of one order that
/// extends the real-time order of adds: each read contains every smaller one, and no element
/// without those whose add had ended before its own began.
pub(super) fn prefixes(run: &[Done], key: &Key) -> Result<(), String> {
    let mut reads: Vec<BTreeSet<&Value>> = run
        .iter()
        .filter_map(|done| match done.ok()? {
            (
                _,
                Op::Read {
                    key: k,
                    value: Some(value),
                },
            ) if k == key => Some(value.elements()?.iter().collect()),
            _ => None,
        })
        .collect();
    reads.sort_by_key(BTreeSet::len);
    for pair in reads.windows(2) {
        if !pair[0].is_subset(&pair[1]) {
            return Err(format!("neither contains the other: {pair:?}"));
        }
    }
    // By when each element was added first, and by when its add had surely ended.
    let adds: Vec<(&Value, u64, u64)> = run
        .iter()
        .filter_map(|done| match &done.op {
            Op::Add { key: k, value } if k == key => {
                let end = done.ok().map_or(u64::MAX, |(at, _)| at);
                Some((value, done.invoked, end))
            }
            _ => None,
        })
        .collect();
    for read in &reads {
        let begun = adds.iter().filter(|(value, ..)| read.contains(value));
        let Some(last) = begun.map(|&(_, begin, _)| begin).max() else {
            continue;
        };
        let missing = |&&(value, _, end): &&(&Value, u64, u64)| end < last && !read.contains(value);
        if let Some((value, ..)) = adds.iter().find(missing) {
            return Err(format!("{value} is missing from {read:?}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(value: i64, invoked: u64, end: Option<u64>) -> Done {
        let op = Op::Write {
            key: Key::from("x"),
            value: Value::from(value),
        };
        done(op, invoked, end)
    }

    fn read(value: Option<i64>, invoked: u64, end: u64) -> Done {
        let op = Op::Read {
            key: Key::from("x"),
            value: Some(value.map_or(Value::Null, Value::from)),
        };
        done(op, invoked, Some(end))
    }

    fn done(op: Op, invoked: u64, end: Option<u64>) -> Done {
        Done {
            client: 0,
            op: op.clone(),
            invoked,
            answered: end.map(|at| (at, Reply::ok(op))),
        }
    }

    #[test]
    fn beginnings() {
        let s = Key::from("s");
        let add = |value: i64, invoked, end| {
            let (key, value) = (s.clone(), Value::from(value));
            done(Op::Add { key, value }, invoked, end)
        };
        let read = |values: &[i64], invoked| {
            let value = Some(Value::list(values.iter().copied().map(Value::from)));
            let key = s.clone();
            done(Op::Read { key, value }, invoked, Some(invoked + 1))
        };
        let adds = [add(1, 1, Some(2)), add(2, 3, None), add(3, 4, Some(5))];
        let with = |reads: &[Done]| prefixes(&[&adds, reads].concat(), &s);
        assert_eq!(with(&[read(&[1, 3], 6), read(&[1], 8)]), Ok(()));
        assert_eq!(with(&[read(&[1, 2], 6), read(&[1, 2, 3], 8)]), Ok(()));
        assert!(with(&[read(&[1, 2], 6), read(&[1, 3], 8)]).is_err());
        assert!(with(&[read(&[3], 6)]).is_err());
    }

    #[test]
    fn zones() {
        let x = Key::from("x");
        let yes: [&[Done]; 5] = [
            &[write(1, 1, Some(2)), read(Some(1), 3, 4)],
            &[write(1, 1, Some(4)), read(None, 2, 3)],
            &[write(1, 1, None), read(None, 2, 3), read(Some(1), 4, 5)],
            &[
                write(1, 1, Some(6)),
                write(2, 2, Some(5)),
                read(Some(1), 7, 8),
            ],
            &[write(1, 1, None), read(None, 8, 9)],
        ];
        let no: [&[Done]; 5] = [
            &[write(1, 1, Some(2)), read(None, 3, 4)],
            &[
                write(1, 1, Some(2)),
                write(2, 3, Some(4)),
                read(Some(1), 5, 6),
            ],
            &[write(1, 1, None), read(Some(1), 2, 3), read(None, 4, 5)],
            &[read(Some(1), 1, 2), write(1, 3, Some(4))],
            &[
                write(1, 1, Some(8)),
                write(2, 2, Some(7)),
                read(Some(1), 9, 10),
                read(Some(2), 11, 12),
            ],
        ];
        for run in yes {
            assert_eq!(linearizable(run, &x), Ok(()));
        }
        for run in no {
            assert!(linearizable(run, &x).is_err(), "{run:?}");
        }
    }
}
