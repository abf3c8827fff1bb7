//! What a record shows, by small direct arguments. Each function gives back a violation, as a
//! sentence, if there is one that it knows.

use std::collections::{BTreeMap, BTreeSet};

use polygraph_history::{Key, Op, Value};

use super::{Done, Outcome, Record};

/// Linearizable registers in which no value is written twice, exactly: Gibbons and Korach,
/// "Testing Shared Memories", SIAM J. Computing 1997, section 3. The *zone* of a value lies between
/// the first completion and the last invocation of its write and reads; it is forward if the
/// former comes first. The history is linearizable if no value is read before its write was invoked,
/// no two forward zones overlap, and no backward zone lies inside a forward one.
pub(crate) fn stale_read(record: &Record) -> Option<String> {
    let mut zones: BTreeMap<(&Key, &Value), (usize, usize)> = BTreeMap::new();
    let mut written = BTreeMap::new();
    for done in &record.done {
        if let Op::Write { key, value } = &done.op {
            written.insert((key, value), done);
        }
    }
    for done in &record.done {
        let (key, value) = match &done.op {
            Op::Write { key, value } if done.outcome == Outcome::Ok => (key, value),
            Op::Read {
                key,
                value: Some(value),
            } => {
                match written.get(&(key, value)) {
                    Some(write) if write.invoked > done.completed => {
                        return Some(format!("{value} of {key} was read before it was written"));
                    }
                    Some(write) if write.outcome == Outcome::Fail => {
                        return Some(format!("{value} of {key} was read though its write failed"));
                    }
                    None if *value != Value::Null => {
                        return Some(format!("{value} of {key} was never written"));
                    }
                    // The initial value was written before everything.
                    _ => {}
                }
                (key, value)
            }
            _ => continue,
        };
        let first = match value {
            Value::Null => (0, 0),
            _ => (usize::MAX, 0),
        };
        // An unfinished write that was read began at some time, which counts.
        let zone = zones.entry((key, value)).or_insert_with(|| {
            let began = written.get(&(key, value)).map_or(0, |write| write.invoked);
            (first.0, began)
        });
        zone.0 = zone.0.min(done.completed);
        zone.1 = zone.1.max(done.invoked);
    }
    let zones: Vec<_> = zones.into_iter().collect();
    for (at, &((key, value), (low, high))) in zones.iter().enumerate() {
        for (other_at, &((other_key, other), (other_low, other_high))) in zones.iter().enumerate() {
            if at == other_at || key != other_key || low >= high {
                continue;
            }
            let overlap = other_low < other_high && other_low < high && low < other_high;
            let inside = other_low >= other_high && low < other_high && other_low < high;
            if overlap || inside {
                return Some(format!("{key}: {value} and {other} are both older"));
            }
        }
    }
    None
}

/// For each key and value, the write.
fn writes(record: &Record) -> BTreeMap<(&Key, &Value), &Done> {
    let writes = record.done.iter().filter_map(|done| match &done.op {
        Op::Write { key, value } => Some(((key, value), done)),
        _ => None,
    });
    writes.collect()
}

/// Whether a value is certainly older than another: its write ended before the other's began.
fn is_older(writes: &BTreeMap<(&Key, &Value), &Done>, key: &Key, a: &Value, b: &Value) -> bool {
    match (writes.get(&(key, a)), writes.get(&(key, b))) {
        (Some(a), Some(b)) => a.completed < b.invoked,
        (None, Some(_)) => true,
        _ => false,
    }
}

/// A session that reads something older than what it has itself written (`own`), or has read.
fn went_back(record: &Record, own: bool) -> Option<String> {
    let writes = writes(record);
    let mut newest: BTreeMap<(usize, &Key), Vec<&Value>> = BTreeMap::new();
    let mut elements: BTreeMap<(usize, &Key), BTreeSet<&Value>> = BTreeMap::new();
    for done in record
        .done
        .iter()
        .filter(|done| done.outcome == Outcome::Ok)
    {
        let Some(key) = done.op.key() else {
            continue;
        };
        let at = (done.session, key);
        match &done.op {
            Op::Write { value, .. } if own => newest.entry(at).or_default().push(value),
            Op::Add { value, .. } if own => {
                elements.entry(at).or_default().insert(value);
            }
            Op::Read {
                value: Some(Value::List(list)),
                ..
            } => {
                let seen = elements.entry(at).or_default();
                let missing = seen.iter().find(|element| !list.contains(element));
                if let Some(missing) = missing {
                    return Some(format!("{missing} of {key} was missing in {}", done.op));
                }
                if !own {
                    seen.extend(list.iter());
                }
            }
            Op::Read {
                value: Some(value), ..
            } => {
                if elements.get(&at).is_some_and(|seen| !seen.is_empty()) {
                    return Some(format!("{key} was empty after {:?}", elements[&at]));
                }
                let before = newest.entry(at).or_default();
                let newer = before
                    .iter()
                    .find(|before| is_older(&writes, key, value, before));
                if let Some(newer) = newer {
                    return Some(format!("{} came after {newer}", done.op));
                }
                if !own {
                    before.push(value);
                }
            }
            _ => {}
        }
    }
    None
}

/// A session that reads something older than what it has written.
pub(crate) fn lost_own_write(record: &Record) -> Option<String> {
    went_back(record, true)
}

/// A session that reads something older than what it has read.
pub(crate) fn went_back_in_time(record: &Record) -> Option<String> {
    went_back(record, false)
}

/// Sets: reads that lie on no chain, miss what was added before, or run against real time.
pub(crate) fn torn_set(record: &Record) -> Option<String> {
    let mut reads: BTreeMap<&Key, Vec<(BTreeSet<&Value>, &Done)>> = BTreeMap::new();
    for done in record
        .done
        .iter()
        .filter(|done| done.outcome == Outcome::Ok)
    {
        if let Op::Read {
            key,
            value: Some(value),
        } = &done.op
        {
            let elements = value.elements().unwrap_or_default().iter().collect();
            reads.entry(key).or_default().push((elements, done));
        }
    }
    for (key, mut reads) in reads {
        reads.sort_by_key(|(elements, _)| elements.len());
        for pair in reads.windows(2) {
            if !pair[0].0.is_subset(&pair[1].0) {
                return Some(format!("{} and {}", pair[0].1.op, pair[1].1.op));
            }
        }
        for (small, early) in &reads {
            for (large, late) in &reads {
                if late.completed < early.invoked && large.len() > small.len() {
                    return Some(format!("{} came after {}", early.op, late.op));
                }
            }
        }
        let adds = record.done.iter().filter_map(|done| match &done.op {
            Op::Add { key: of, value } if of == key => Some((value, done)),
            _ => None,
        });
        for (value, add) in adds {
            for (elements, read) in &reads {
                let has = elements.contains(value);
                if !has && add.completed < read.invoked && add.outcome == Outcome::Ok {
                    return Some(format!("{value} is missing in {}", read.op));
                }
                if has && (add.invoked > read.completed || add.outcome == Outcome::Fail) {
                    return Some(format!("{value} should not be in {}", read.op));
                }
            }
        }
    }
    None
}

/// An acknowledged element that no replica of its set has in the end.
pub(crate) fn lost_element(record: &Record) -> Option<String> {
    let acknowledged = record
        .done
        .iter()
        .filter(|done| done.outcome == Outcome::Ok);
    for done in acknowledged {
        if let Op::Add { key, value } = &done.op {
            let mut copies = record.copies.get(key).into_iter().flatten();
            if !copies.any(|copy| copy.elements().is_some_and(|copy| copy.contains(value))) {
                return Some(format!("{value} of {key} is gone"));
            }
        }
    }
    None
}

/// An acknowledged write in whose place every replica has one that ended before it began.
pub(crate) fn lost_write(record: &Record) -> Option<String> {
    let writes = writes(record);
    for (&(key, value), done) in &writes {
        let copies = record.copies.get(key).map_or([].as_slice(), Vec::as_slice);
        if done.outcome == Outcome::Ok
            && copies
                .iter()
                .all(|copy| is_older(&writes, key, copy, value))
        {
            return Some(format!("{value} of {key} is gone: {copies:?}"));
        }
    }
    None
}

/// A key whose replicas differ in the end.
pub(crate) fn differing_copies(record: &Record) -> Option<String> {
    let (key, copies) = record
        .copies
        .iter()
        .find(|(_, copies)| copies.windows(2).any(|pair| pair[0] != pair[1]))?;
    Some(format!("{key}: {copies:?}"))
}
