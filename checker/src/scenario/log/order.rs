//! Messages lie in the order in which they were sent, and consumers get them in that order.

use polygraph_history::Outcome;
use rustc_hash::FxHashMap;

use super::view::{Act, Sight, View};
use super::{Case, Found, anomaly};

/// How far a client is in a log, and whether that says something of its next poll.
#[derive(Clone, Copy)]
struct Last {
    sight: u32,
    /// How often the client's polls had begun anew.
    epoch: u32,
}

/// What a client may expect of its next poll.
#[derive(Clone, Copy, Default)]
struct Consumer {
    epoch: u32,
    subscribed: bool,
}

pub(super) fn find(view: &View<'_>, found: &mut Found) {
    let known = known(view);
    let mut consumers: FxHashMap<u64, Consumer> = FxHashMap::default();
    let mut last: FxHashMap<(u64, u32, bool), Last> = FxHashMap::default();
    for &(process, act) in &view.acts {
        let consumer = consumers.entry(process).or_default();
        let at = match act {
            Act::Sight(at) => at,
            Act::Assign | Act::Subscribe | Act::Lost => {
                consumer.epoch += 1;
                match act {
                    Act::Assign => consumer.subscribed = false,
                    Act::Subscribe => consumer.subscribed = true,
                    _ => {}
                }
                continue;
            }
        };
        let sight = &view.sights[at as usize];
        let here = Last {
            sight: at,
            epoch: consumer.epoch,
        };
        let before = last.insert((process, sight.key, sight.sent), here);
        let fits = |last: &Last| sight.sent || last.epoch == consumer.epoch && !consumer.subscribed;
        if let Some(before) = before.filter(fits) {
            let before = &view.sights[before.sight as usize];
            step(view, &known, before, sight, found);
        }
    }
}

/// All messages with an offset that certainly are in a log, by offset, each once.
fn known(view: &View<'_>) -> Vec<Vec<(u64, u32)>> {
    let mut known: Vec<Vec<(u64, u32)>> = vec![Vec::new(); view.keys.len()];
    for (at, sight) in view.sights.iter().enumerate() {
        if let Some(offset) = sight.offset.filter(|_| sight.outcome == Outcome::Ok) {
            known[sight.key as usize].push((offset, at as u32));
        }
    }
    for all in &mut known {
        all.sort_unstable();
        all.dedup_by_key(|&mut (offset, _)| offset);
    }
    known
}

/// Judges one message after another of the same client and log.
fn step<'h>(
    view: &View<'h>,
    known: &[Vec<(u64, u32)>],
    before: &Sight<'h>,
    sight: &Sight<'h>,
    found: &mut Found,
) {
    let (Some(from), Some(to)) = (before.offset, sight.offset) else {
        return;
    };
    found.opportunities += 1;
    let key = view.keys[sight.key as usize];
    let inside = before.operation == sight.operation;
    let (left, right) = (view.seen(before), view.seen(sight));
    let mut operations = vec![left.event, right.event];
    if to <= from {
        found.add(|| {
            let (kind, verb) = match (sight.sent, inside) {
                (true, true) => ("int-nonmonotonic-send", "sent"),
                (true, false) => ("nonmonotonic-send", "sent"),
                (false, true) => ("int-nonmonotonic-poll", "got"),
                (false, false) => ("nonmonotonic-poll", "got"),
            };
            let sentence = format!(
                "{} {verb} {} of {key} at offset {from}, and then {} at offset {to}{}",
                view.who(before),
                before.value,
                sight.value,
                again(view, before, sight)
            );
            let case = match sight.sent {
                true => Case::SendBack(left, right),
                false => Case::PollBack(left, right),
            };
            anomaly(kind, sentence, key, case, operations)
        });
        return;
    }
    if sight.sent {
        return;
    }
    let all = &known[sight.key as usize];
    let next = all.partition_point(|&(offset, _)| offset <= from);
    if let Some(&(offset, skipped)) = all.get(next).filter(|(offset, _)| *offset < to) {
        let skipped = &view.sights[skipped as usize];
        found.add(|| {
            let missed = view.seen(skipped);
            operations.push(missed.event);
            let sentence = format!(
                "{} got {} of {key} at offset {from}, and next {} at offset {to}{}, though {} is \
                 at offset {offset} ({})",
                view.who(before),
                before.value,
                sight.value,
                again(view, before, sight),
                skipped.value,
                view.who(skipped)
            );
            let case = Case::Skip {
                before: left,
                after: right,
                skipped: missed,
            };
            let kind = if inside { "int-poll-skip" } else { "poll-skip" };
            anomaly(kind, sentence, key, case, operations)
        });
    }
}

/// Where the second of two messages is of another operation, which.
fn again<'h>(view: &View<'h>, before: &Sight<'h>, sight: &Sight<'h>) -> String {
    match before.operation == sight.operation {
        true => String::new(),
        false => format!(" (event {})", view.seen(sight).event),
    }
}
