//! Whether a log is wrong as evidence says, by reading the history anew.

use polygraph_history::{History, Key, Micro, Op, Outcome, Value};

use super::super::took_place;
use super::{Case, Proof, Seen};

/// A message of a log, as an operation has it.
struct Record<'h> {
    sent: bool,
    value: &'h Value,
    offset: Option<u64>,
}

/// The messages of one log that an operation sends or gets, in order.
fn records<'h>(op: &'h Op, key: &Key) -> Vec<Record<'h>> {
    let mut all = Vec::new();
    let Op::Txn(micros) = op else { return all };
    for micro in micros {
        let (sent, messages) = match micro {
            Micro::Send(message) => (true, std::slice::from_ref(&**message)),
            Micro::Poll {
                messages: Some(messages),
            } => (false, &**messages),
            _ => continue,
        };
        for message in messages.iter().filter(|message| message.key == *key) {
            all.push(Record {
                sent,
                value: &message.value,
                offset: message.offset,
            });
        }
    }
    all
}

/// Checks that the operation took place and has the message.
fn has(history: &History, key: &Key, seen: &Seen, sent: Option<bool>) -> Result<(), String> {
    let op = history.op(took_place(history, seen.event)?);
    let found = records(op, key).iter().any(|record| {
        *record.value == seen.value
            && record.offset == seen.offset
            && sent.is_none_or(|sent| sent == record.sent)
    });
    match found {
        true => Ok(()),
        false => Err(format!(
            "event {} has no {} of {key}",
            seen.event, seen.value
        )),
    }
}

/// How many sends of a message may have taken place.
fn sends(history: &History, key: &Key, value: &Value) -> usize {
    let possible = history
        .operations()
        .iter()
        .filter(|it| it.outcome != Outcome::Fail);
    let records = possible.flat_map(|it| records(history.op(it), key));
    records
        .filter(|record| record.sent && record.value == value)
        .count()
}

/// Whether anybody got a message.
fn was_polled(history: &History, key: &Key, value: &Value) -> bool {
    let ok = history
        .operations()
        .iter()
        .filter(|it| it.outcome == Outcome::Ok);
    let mut records = ok.flat_map(|it| records(history.op(it), key));
    records.any(|record| !record.sent && record.value == value)
}

/// What one process did from one operation to another with a log, if nothing made its polls
/// begin anew.
fn between<'h>(
    history: &'h History,
    key: &Key,
    first: u64,
    last: u64,
) -> Result<Vec<Record<'h>>, String> {
    let process = took_place(history, first)?.process;
    if took_place(history, last)?.process != process {
        return Err("the operations are of different processes".to_owned());
    }
    let mut subscribed = false;
    let mut all = Vec::new();
    for operation in history
        .operations()
        .iter()
        .filter(|it| it.process == process)
    {
        let event = operation.invoke as u64;
        let op = history.op(operation);
        let inside = (first..=last).contains(&event);
        match op {
            Op::Custom { name, .. } if name == "assign" || name == "subscribe" => {
                if inside {
                    return Err(format!("event {event} chooses other logs"));
                }
                if event < first {
                    subscribed = name == "subscribe";
                }
            }
            Op::Txn(micros) if inside => {
                let polls = micros
                    .iter()
                    .any(|micro| matches!(micro, Micro::Poll { .. }));
                if polls && operation.outcome != Outcome::Ok {
                    return Err(format!("event {event} polled, and did not end well"));
                }
                if operation.outcome == Outcome::Ok {
                    all.extend(records(op, key));
                }
            }
            _ => {}
        }
    }
    match subscribed {
        true => Err("the logs of the client are chosen for it".to_owned()),
        false => Ok(all),
    }
}

/// Whether two polled messages follow each other, with no other between.
fn consecutive(all: &[Record<'_>], before: &Seen, after: &Seen) -> bool {
    let polled: Vec<&Record<'_>> = all.iter().filter(|record| !record.sent).collect();
    let is = |record: &Record<'_>, seen: &Seen| {
        *record.value == seen.value && record.offset == seen.offset
    };
    polled
        .windows(2)
        .any(|pair| is(pair[0], before) && is(pair[1], after))
}

/// Checks the evidence about a log.
pub(in super::super) fn confirm(history: &History, proof: &Proof) -> Result<(), String> {
    let key = &proof.key;
    let check = |holds: bool, problem: &str| match holds {
        true => Ok(()),
        false => Err(problem.to_owned()),
    };
    match &proof.case {
        Case::InconsistentOffsets(left, right) => {
            has(history, key, left, None)?;
            has(history, key, right, None)?;
            let same = left.offset.is_some() && left.offset == right.offset;
            check(
                same && left.value != right.value,
                "the offsets are not inconsistent",
            )
        }
        Case::Duplicate(left, right) => {
            has(history, key, left, None)?;
            has(history, key, right, None)?;
            let placed = left.offset.is_some() && right.offset.is_some();
            let twice = placed && left.offset != right.offset && left.value == right.value;
            check(twice, "it is not one message at two offsets")?;
            check(
                sends(history, key, &left.value) == 1,
                "it was not sent once",
            )
        }
        Case::NotSent(seen) => {
            has(history, key, seen, Some(false))?;
            check(
                sends(history, key, &seen.value) == 0,
                "it may have been sent",
            )
        }
        Case::Precommitted(seen) => {
            has(history, key, seen, Some(false))?;
            let own = records(history.op(took_place(history, seen.event)?), key);
            let sent = own.iter().any(|it| it.sent && *it.value == seen.value);
            check(sent, "the transaction did not send it")?;
            check(
                sends(history, key, &seen.value) == 1,
                "others may have sent it",
            )
        }
        Case::Lost { sent, beyond } => {
            has(history, key, sent, Some(true))?;
            has(history, key, beyond, Some(false))?;
            let behind = sent.offset.is_some() && beyond.offset > sent.offset;
            check(behind, "nothing behind it was polled")?;
            check(!was_polled(history, key, &sent.value), "it was polled")
        }
        Case::Skip {
            before,
            after,
            skipped,
        } => {
            has(history, key, skipped, None)?;
            let all = between(history, key, before.event, after.event)?;
            check(
                consecutive(&all, before, after),
                "they do not follow each other",
            )?;
            let gap = before.offset.is_some()
                && before.offset < skipped.offset
                && skipped.offset < after.offset;
            check(gap, "nothing was skipped")
        }
        Case::PollBack(before, after) => {
            let all = between(history, key, before.event, after.event)?;
            check(
                consecutive(&all, before, after),
                "they do not follow each other",
            )?;
            let back = after.offset.is_some() && after.offset <= before.offset;
            check(back, "it does not go back")
        }
        Case::SendBack(before, after) => {
            has(history, key, before, Some(true))?;
            has(history, key, after, Some(true))?;
            let (first, second) = (
                took_place(history, before.event)?,
                took_place(history, after.event)?,
            );
            check(first.process == second.process, "two producers sent them")?;
            let own = records(history.op(first), key);
            let place = |seen: &Seen| {
                own.iter()
                    .position(|it| it.sent && *it.value == seen.value && it.offset == seen.offset)
            };
            let in_order = match before.event == after.event {
                true => {
                    let last = own
                        .iter()
                        .rposition(|it| it.sent && *it.value == after.value);
                    place(before) < last
                }
                false => first.precedes(second),
            };
            check(in_order, "they were not sent one after the other")?;
            let back = after.offset.is_some() && after.offset <= before.offset;
            check(back, "it does not lie before")
        }
    }
}
