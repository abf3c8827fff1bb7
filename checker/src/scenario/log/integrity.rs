//! What was acknowledged is delivered at one offset, and nothing is that was not sent.

use polygraph_history::Outcome;
use rustc_hash::FxHashMap;

use super::view::{NONE, Sight, View};
use super::{Case, Found, anomaly};

/// What is known of a message.
#[derive(Clone, Copy)]
struct Message {
    /// How many sends of it may have taken place.
    sends: u32,
    /// The first send that may have, by sight.
    send: u32,
    /// The acknowledged send with the least offset, by sight.
    acknowledged: u32,
    /// The first send that failed.
    failed: u32,
    /// The first poll of it.
    poll: u32,
    /// The first sight with an offset.
    placed: u32,
    /// Whether it was already told to be a duplicate.
    told: bool,
}

pub(super) fn find(view: &View<'_>, found: &mut Found) {
    let mut messages = vec![
        Message {
            sends: 0,
            send: NONE,
            acknowledged: NONE,
            failed: NONE,
            poll: NONE,
            placed: NONE,
            told: false,
        };
        view.messages as usize
    ];
    // The poll of the greatest offset of each log.
    let mut furthest = vec![NONE; view.keys.len()];
    for (at, sight) in view.sights.iter().enumerate() {
        let at = at as u32;
        let message = &mut messages[sight.message as usize];
        let certain = sight.outcome == Outcome::Ok;
        match (sight.sent, sight.outcome) {
            (true, Outcome::Fail) => message.failed = message.failed.min(at),
            (true, _) => {
                message.sends += 1;
                message.send = message.send.min(at);
                let before = view.sights.get(message.acknowledged as usize);
                let least = before.is_none_or(|before| sight.offset < before.offset);
                if certain && sight.offset.is_some() && least {
                    message.acknowledged = at;
                }
            }
            (false, _) => {
                message.poll = message.poll.min(at);
                let furthest = &mut furthest[sight.key as usize];
                let before = view.sights.get(*furthest as usize).and_then(|it| it.offset);
                if sight.offset > before {
                    *furthest = at;
                }
            }
        }
    }
    places(view, &mut messages, found);
    polls(view, &messages, found);
    let mut unseen = 0_u64;
    for message in &messages {
        found.opportunities += u64::from(message.acknowledged != NONE && message.poll != NONE);
        let Some(sent) = view.sights.get(message.acknowledged as usize) else {
            continue;
        };
        if message.poll != NONE {
            continue;
        }
        match view.sights.get(furthest[sent.key as usize] as usize) {
            Some(beyond) if beyond.offset > sent.offset => found.add(|| {
                let key = view.keys[sent.key as usize];
                let (lost, further) = (view.seen(sent), view.seen(beyond));
                let operations = vec![lost.event, further.event];
                let sentence = format!(
                    "{} was told that {} is in {key} at offset {}, and nobody ever got it, though \
                     {} got {} from offset {}",
                    view.who(sent),
                    sent.value,
                    sent.offset.unwrap_or_default(),
                    view.who(beyond),
                    beyond.value,
                    beyond.offset.unwrap_or_default()
                );
                let case = Case::Lost {
                    sent: lost,
                    beyond: further,
                };
                anomaly("lost-write", sentence, key, case, operations)
            }),
            _ => unseen += 1,
        }
    }
    if unseen > 0 {
        found.warnings.push(format!(
            "unseen: {unseen} acknowledged messages lie behind all that was polled; whether \
             anybody should have got them the history does not say"
        ));
    }
}

/// One offset, one message; one message, one offset.
fn places<'h>(view: &View<'h>, messages: &mut [Message], found: &mut Found) {
    let mut at_offset: FxHashMap<(u32, u64), (u32, bool)> = FxHashMap::default();
    for (at, sight) in view.sights.iter().enumerate() {
        let Some(offset) = sight.offset.filter(|_| sight.outcome == Outcome::Ok) else {
            continue;
        };
        let at = at as u32;
        let (first, told) = at_offset.entry((sight.key, offset)).or_insert((at, false));
        let before = &view.sights[*first as usize];
        if before.message != sight.message && !*told {
            *told = true;
            found.add(|| two(view, "inconsistent-offsets", before, sight));
        }
        let message = &mut messages[sight.message as usize];
        if message.placed == NONE {
            message.placed = at;
        }
        let before = &view.sights[message.placed as usize];
        if before.offset != sight.offset && message.sends == 1 && !message.told {
            message.told = true;
            found.add(|| two(view, "duplicate", before, sight));
        }
    }
}

fn two<'h>(
    view: &View<'h>,
    kind: &'static str,
    before: &Sight<'h>,
    sight: &Sight<'h>,
) -> crate::Anomaly {
    let key = view.keys[sight.key as usize];
    let verb = |sight: &Sight<'_>| match sight.sent {
        true => "was told that it sent",
        false => "got",
    };
    let said = |sight: &Sight<'h>| {
        format!(
            "{} {} {} at offset {} of {key}",
            view.who(sight),
            verb(sight),
            sight.value,
            sight.offset.unwrap_or_default()
        )
    };
    let (left, right) = (view.seen(before), view.seen(sight));
    let operations = vec![left.event, right.event];
    let sentence = format!("{}, and {}", said(before), said(sight));
    let case = match kind {
        "duplicate" => Case::Duplicate(left, right),
        _ => Case::InconsistentOffsets(left, right),
    };
    anomaly(kind, sentence, key, case, operations)
}

/// Polls of what was not sent, or not yet.
fn polls(view: &View<'_>, messages: &[Message], found: &mut Found) {
    for (at, sight) in view
        .sights
        .iter()
        .enumerate()
        .filter(|(_, sight)| !sight.sent)
    {
        let message = &messages[sight.message as usize];
        let key = view.keys[sight.key as usize];
        if message.sends == 0 && message.poll == at as u32 {
            found.add(|| {
                let seen = view.seen(sight);
                let mut operations = vec![seen.event];
                let (kind, sentence) = match view.sights.get(message.failed as usize) {
                    Some(failed) => {
                        operations.push(view.seen(failed).event);
                        let sentence = format!(
                            "{} got {} from {key}, which {} had failed to send",
                            view.who(sight),
                            sight.value,
                            view.who(failed)
                        );
                        ("aborted-read", sentence)
                    }
                    None => {
                        let sentence = format!(
                            "{} got {} from {key}, which nobody sent",
                            view.who(sight),
                            sight.value
                        );
                        ("thin-air-read", sentence)
                    }
                };
                anomaly(kind, sentence, key, Case::NotSent(seen), operations)
            });
        }
        let own = view.sights.get(message.send as usize);
        if message.sends == 1 && own.is_some_and(|own| own.operation == sight.operation) {
            found.add(|| {
                let seen = view.seen(sight);
                let operations = vec![seen.event];
                let sentence = format!(
                    "{} got {} from {key}, which it sent in the same transaction",
                    view.who(sight),
                    sight.value
                );
                anomaly(
                    "precommitted-read",
                    sentence,
                    key,
                    Case::Precommitted(seen),
                    operations,
                )
            });
        }
    }
}
