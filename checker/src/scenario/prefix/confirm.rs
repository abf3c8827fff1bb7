//! Whether writes go in a circle as evidence says, step by step.

use polygraph_history::{History, Key, Micro, Op, Outcome, Value};

use super::super::{operation, took_place};
use super::{Item, Link};

/// Checks that each write is the only one of its kind and comes before the next as the evidence
/// says, and the last before the first.
pub(in super::super) fn confirm(history: &History, circle: &[(Item, Link)]) -> Result<(), String> {
    if circle.len() < 2 {
        return Err("a circle has two writes at least".to_owned());
    }
    for (item, _) in circle {
        is_the_only_one(history, item)?;
    }
    for (at, (item, link)) in circle.iter().enumerate() {
        let (next, _) = &circle[(at + 1) % circle.len()];
        match link {
            Link::RealTime => {
                let (one, other) = (
                    operation(history, item.write)?,
                    operation(history, next.write)?,
                );
                if one.end >= other.start {
                    return Err(format!(
                        "the write of event {} had not ended when that of event {} began",
                        item.write, next.write
                    ));
                }
            }
            Link::Read(event) => {
                let op = history.op(took_place(history, *event)?);
                match (shows(op, item), shows(op, next)) {
                    (Some(true), Some(false)) => {}
                    _ => {
                        return Err(format!(
                            "the read of event {event} does not show {} = {} without {} = {}",
                            item.key, item.value, next.key, next.value
                        ));
                    }
                }
            }
        }
    }
    Ok(())
}

/// What an operation puts into a key, one value at a time; `None` for a change of another kind.
fn changes<'h>(op: &'h Op, of: &Key) -> Vec<Option<(&'h Value, bool)>> {
    match op {
        Op::Write { key, value } if key == of => vec![Some((value, true))],
        Op::Add { key, value } | Op::Append { key, value, .. } if key == of => {
            vec![Some((value, false))]
        }
        Op::Txn(micros) => {
            let mut all = Vec::new();
            for micro in micros.iter().filter(|micro| micro.key() == Some(of)) {
                match micro {
                    Micro::Write { value, .. } | Micro::Insert { value, .. } => {
                        all.push(Some((value, true)));
                    }
                    Micro::Append { value, .. } => all.push(Some((value, false))),
                    Micro::Read { .. } => {}
                    _ => all.push(None),
                }
            }
            all
        }
        op if op.key() == Some(of) && !op.is_read_only() => vec![None],
        _ => Vec::new(),
    }
}

fn is_the_only_one(history: &History, item: &Item) -> Result<(), String> {
    let mut same = 0;
    let (mut written, mut others, mut lists) = (false, false, true);
    for candidate in history.operations() {
        let op = history.op(candidate);
        if candidate.outcome == Outcome::Ok {
            lists &= !reads(op).any(|(key, value)| {
                *key == item.key && matches!(value, Value::Int(_) | Value::Text(_))
            });
        }
        if candidate.outcome == Outcome::Fail {
            continue;
        }
        for change in changes(op, &item.key) {
            match change {
                None => return Err(format!("`{op}` changes {} in another way", item.key)),
                Some((value, replaces)) => {
                    written |= replaces;
                    others |= *value != item.value;
                    same += u32::from(*value == item.value);
                    if *value == item.value && candidate.invoke as u64 != item.write {
                        return Err(format!("`{op}` writes {} = {} too", item.key, value));
                    }
                }
            }
        }
    }
    if same != 1 {
        return Err(format!("{} = {} is not written once", item.key, item.value));
    }
    // What replaces the value of a register makes another unseen; what is read as lists is not one.
    match written && others && !lists {
        true => Err(format!("{} is written more than once", item.key)),
        false => Ok(()),
    }
}

fn reads(op: &Op) -> impl Iterator<Item = (&Key, &Value)> {
    let single = match op {
        Op::Read {
            key,
            value: Some(value),
        } => Some((key, value)),
        _ => None,
    };
    let micros = match op {
        Op::Txn(micros) => micros.iter(),
        _ => [].iter(),
    };
    single
        .into_iter()
        .chain(micros.filter_map(|micro| match micro {
            Micro::Read {
                key,
                value: Some(value),
            } => Some((key, value)),
            _ => None,
        }))
}

/// Whether a read shows a write; `None` if it does not tell.
fn shows(op: &Op, item: &Item) -> Option<bool> {
    if !changes(op, &item.key).is_empty() {
        return None;
    }
    let mut all = reads(op).filter(|(key, _)| **key == item.key);
    let (_, value) = all.next()?;
    let shown = match value {
        Value::List(elements) if item.value != *value => elements.contains(&item.value),
        Value::Null => false,
        value if *value == item.value => true,
        _ => return None,
    };
    all.all(|(_, other)| other == value).then_some(shown)
}
