//! What is wrong with an object, in a sentence or two that a person believes.

use polygraph_history::{EventIndex, History, Op, Operation, Outcome, Time};

use super::Object;
use crate::linearizable::confirm::impasses;
use crate::linearizable::container::refuted::Why as Container;
use crate::linearizable::linear::{Refuted, Why};
use crate::linearizable::proof::Certificate;
use crate::linearizable::sequence::Why as Sequence;

/// So many operations are told one by one.
const MOST_TOLD: usize = 4;

/// Tells of one object.
pub(super) struct Words<'a> {
    pub(super) history: &'a History,
    pub(super) object: &'a Object,
    pub(super) certificate: &'a Certificate,
}

impl Words<'_> {
    /// The kind of the anomaly, and the sentences. `named` are the operations by which a
    /// near-linear way shows it.
    pub(super) fn tell(
        &self,
        refuted: Option<&Refuted>,
        named: &[EventIndex],
    ) -> (&'static str, String) {
        match refuted.map(|refuted| refuted.why) {
            Some(Why::Container(why)) => {
                let text = self.of_container(why, named);
                (why.kind(), text.unwrap_or_else(|| self.no_order()))
            }
            Some(Why::Sequence(why)) => {
                let text = self.of_sequence(why, named);
                (why.kind(), text.unwrap_or_else(|| self.no_order()))
            }
            None => ("non-linearizable", self.no_order()),
        }
    }

    fn of_sequence(&self, why: Sequence, named: &[EventIndex]) -> Option<String> {
        let text = match (why, named) {
            (Sequence::Diverge, &[first, second, ..]) => format!(
                "{} at {} and {} at {}: neither can become the other",
                self.did(first),
                self.ended(first),
                self.did(second),
                self.ended(second)
            ),
            (Sequence::Phantom, &[read, ..]) => format!(
                "{} at {}, but not all of that was ever added",
                self.did(read),
                self.ended(read)
            ),
            (Sequence::SamePlace, &[first, second, ..]) => format!(
                "{} at {} and {} at {}: both got the same",
                self.did(first),
                self.ended(first),
                self.did(second),
                self.ended(second)
            ),
            (Sequence::NotYet, &[read, addition, ..]) => format!(
                "{} at {}, before {} at {}",
                self.did(read),
                self.ended(read),
                self.began_to(addition),
                self.began(addition)
            ),
            (Sequence::Missed, &[addition, read, ..]) => format!(
                "{} at {}, without what {} at {}, before that began at {}",
                self.did(read),
                self.ended(read),
                self.had(addition),
                self.ended(addition),
                self.began(read)
            ),
            (Sequence::Older, &[first, second, ..]) => format!(
                "{} at {}, although {} before that began, at {}",
                self.did(second),
                self.ended(second),
                self.had(first),
                self.ended(first)
            ),
            (Sequence::Reversed, &[first, second, ..]) => format!(
                "{} by {}, before {} at {}; but it comes after that",
                self.had(first),
                self.ended(first),
                self.began_to(second),
                self.began(second)
            ),
            _ => return None,
        };
        Some(text)
    }

    fn of_container(&self, why: Container, named: &[EventIndex]) -> Option<String> {
        let key = self.name();
        let text = match (why, named) {
            (Container::NeverPut, &[got, ..]) => format!(
                "{} at {}, which nobody ever put into {key}",
                self.did(got),
                self.ended(got)
            ),
            (Container::PutLater, &[put, got, ..]) => format!(
                "{} at {}, before {} at {}",
                self.did(got),
                self.ended(got),
                self.began_to(put),
                self.began(put)
            ),
            (Container::TakenTwice, &[_, first, second, ..]) => format!(
                "{} at {} and {} at {}: the same element, which was put into {key} once",
                self.did(first),
                self.ended(first),
                self.did(second),
                self.ended(second)
            ),
            (Container::SeenAfterTaken, &[_, take, look, ..]) => format!(
                "{} at {}, although {} before that began, at {}",
                self.did(look),
                self.ended(look),
                self.had(take),
                self.ended(take)
            ),
            (Container::Overtaken, &[put, put_after, got, got_after, ..]) => format!(
                "{} at {}, before {} at {}; but {} by {}, before {} at {}",
                self.did(got),
                self.ended(got),
                self.began_to(got_after),
                self.began(got_after),
                self.had(put),
                self.ended(put),
                self.began_to(put_after),
                self.began(put_after)
            ),
            (Container::Lost, &[put, put_after, got, ..]) => format!(
                "{} at {}, but never anybody what {} by {}, before {} at {}",
                self.did(got),
                self.ended(got),
                self.had(put),
                self.ended(put),
                self.began_to(put_after),
                self.began(put_after)
            ),
            (Container::NotEmpty, &[empty, ref inside @ ..]) => {
                let mut text = format!(
                    "{} between {} and {}, when at every moment an element was in {key}",
                    self.did(empty),
                    self.began(empty),
                    self.ended(empty)
                );
                if let [put, ..] = *inside {
                    text += &format!(": {} by {}", self.had(put), self.ended(put));
                }
                text
            }
            _ => return None,
        };
        Some(text)
    }

    /// That nothing explains what is kept, with what refuses the last of it; or what is claimed.
    fn no_order(&self) -> String {
        let kept = &self.certificate.operations;
        let told: Vec<String> = kept
            .iter()
            .take(MOST_TOLD)
            .map(|kept| {
                let until = match self.operation(kept.invoke) {
                    Some(operation) if operation.end == u64::MAX => "never known to end".to_owned(),
                    _ => format!("to {}", self.ended(kept.invoke)),
                };
                format!(
                    "{} ({} {until})",
                    self.did(kept.invoke),
                    self.began(kept.invoke)
                )
            })
            .collect();
        let more = match kept.len().saturating_sub(MOST_TOLD) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        if let Some(claim) = self.certificate.rule.claim() {
            return format!(
                "of {} it shows by {} that {claim}: {}{more}",
                self.name(),
                self.moment(self.certificate.until),
                told.join(", ")
            );
        }
        let mut text = format!(
            "no order of {} on {} explains what they returned by {}: {}{more}",
            match kept.len() {
                1 => "1 operation".to_owned(),
                count => format!("{count} operations"),
            },
            self.name(),
            self.moment(self.certificate.until),
            told.join(", ")
        );
        if let Ok(found) = impasses(self.history, self.certificate, 1)
            && let Some(refused) = found.first().and_then(|impasse| impasse.refused.first())
        {
            text += &format!(
                ". In the end {}: {}",
                self.client(refused.invoke),
                refused.why
            );
        }
        text
    }

    fn name(&self) -> String {
        match self.object.keys.as_slice() {
            [key] => key.to_string(),
            keys => {
                let names: Vec<_> = keys.iter().map(ToString::to_string).collect();
                names.join(", ")
            }
        }
    }

    fn operation(&self, invoke: EventIndex) -> Option<&Operation> {
        let operations = self.history.operations();
        let at = operations.binary_search_by_key(&invoke, |operation| operation.invoke);
        at.ok().map(|at| &operations[at])
    }

    fn client(&self, invoke: EventIndex) -> String {
        let operation = self.operation(invoke);
        operation.map_or_else(String::new, |operation| {
            format!("client {}", operation.process)
        })
    }

    fn op(&self, invoke: EventIndex) -> Option<&Op> {
        self.operation(invoke)
            .map(|operation| self.history.op(operation))
    }

    /// `client 3 dequeued 7 from q`.
    fn did(&self, invoke: EventIndex) -> String {
        let what = self.op(invoke).map_or_else(String::new, past);
        let tried = self
            .operation(invoke)
            .is_some_and(|operation| operation.outcome != Outcome::Ok);
        let tried = if tried { "may have " } else { "" };
        format!("{} {tried}{what}", self.client(invoke))
    }

    /// `client 3 had dequeued 7 from q`.
    fn had(&self, invoke: EventIndex) -> String {
        let what = self.op(invoke).map_or_else(String::new, past);
        format!("{} had {what}", self.client(invoke))
    }

    /// `client 3 began to dequeue from q`.
    fn began_to(&self, invoke: EventIndex) -> String {
        let what = self.op(invoke).map_or_else(String::new, present);
        format!("{} began to {what}", self.client(invoke))
    }

    fn began(&self, invoke: EventIndex) -> String {
        self.moment(invoke)
    }

    fn ended(&self, invoke: EventIndex) -> String {
        let operation = self.operation(invoke);
        match operation.and_then(|operation| operation.complete) {
            Some(complete) => self.moment(complete),
            None => "the end".to_owned(),
        }
    }

    /// The time of an event, or its number where the history has no times.
    fn moment(&self, event: EventIndex) -> String {
        let events = self.history.events().len();
        match events.checked_sub(1).map(|last| self.history.time(last)) {
            Some(last) if last > Time::ZERO => self.history.time(event).to_string(),
            _ => format!("event {event}"),
        }
    }
}

/// What an operation did: `dequeued 7 from q`.
fn past(op: &Op) -> String {
    let shown = |value: &Option<polygraph_history::Value>, verb: &str, place: &str| match value {
        Some(polygraph_history::Value::Null) => format!("found {place} empty"),
        Some(value) => format!("{verb} {value} from {place}"),
        None => format!("{verb} from {place}"),
    };
    match op {
        Op::Enqueue { key, value } => format!("enqueued {value} to {key}"),
        Op::Dequeue { key, value } => shown(value, "dequeued", &key.0),
        Op::Push { key, value } => format!("pushed {value} to {key}"),
        Op::Pop { key, value } => shown(value, "popped", &key.0),
        Op::Insert { key, value } => format!("inserted {value} into {key}"),
        Op::Extract { key, value } => shown(value, "extracted", &key.0),
        Op::Front { key, value } => match value {
            Some(polygraph_history::Value::Null) => format!("found {key} empty"),
            Some(value) => format!("saw {value} as the next of {key}"),
            None => format!("looked at the next of {key}"),
        },
        Op::Read { key, value } => match value {
            Some(value) => format!("read {key}={value}"),
            None => format!("read {key}"),
        },
        Op::Write { key, value } => format!("wrote {key}={value}"),
        Op::Add { key, value } => format!("added {value} to {key}"),
        Op::Remove { key, value } => format!("removed {value} from {key}"),
        Op::Contains { key, value, found } => match found {
            Some(true) => format!("found {value} in {key}"),
            Some(false) => format!("did not find {value} in {key}"),
            None => format!("looked for {value} in {key}"),
        },
        Op::Acquire { key, shared, token } => {
            let shared = if *shared { " with others" } else { "" };
            let token = token.map_or(String::new(), |token| format!(" with token {token}"));
            format!("acquired {key}{shared}{token}")
        }
        Op::Release { key } => format!("released {key}"),
        Op::Increment { key, by, value } => match value {
            Some(value) => format!("incremented {key} by {by} to {value}"),
            None => format!("incremented {key} by {by}"),
        },
        Op::Generate { key, value } => match value {
            Some(value) => format!("got {value} from {key}"),
            None => format!("asked {key} for an identifier"),
        },
        Op::Append { key, value, offset } => match offset {
            Some(offset) => format!("appended {value} to {key} at offset {offset}"),
            None => format!("appended {value} to {key}"),
        },
        Op::Poll { key, from, value } => match value {
            Some(value) => format!("read {value} from {key} at offset {from} on"),
            None => format!("read {key} from offset {from} on"),
        },
        other => format!("did {other}"),
    }
}

/// What an operation is about to do: `dequeue from q`.
fn present(op: &Op) -> String {
    match op {
        Op::Enqueue { key, value } => format!("enqueue {value} to {key}"),
        Op::Dequeue { key, .. } => format!("dequeue from {key}"),
        Op::Push { key, value } => format!("push {value} to {key}"),
        Op::Pop { key, .. } => format!("pop from {key}"),
        Op::Insert { key, value } => format!("insert {value} into {key}"),
        Op::Extract { key, .. } => format!("extract from {key}"),
        Op::Front { key, .. } => format!("look at the next of {key}"),
        Op::Add { key, value } => format!("add {value} to {key}"),
        Op::Remove { key, value } => format!("remove {value} from {key}"),
        Op::Contains { key, value, .. } => format!("look for {value} in {key}"),
        Op::Acquire { key, .. } => format!("acquire {key}"),
        Op::Release { key } => format!("release {key}"),
        Op::Append { key, value, .. } => format!("append {value} to {key}"),
        Op::Read { key, .. } | Op::Poll { key, .. } => format!("read {key}"),
        Op::Increment { key, by, .. } => format!("increment {key} by {by}"),
        Op::Generate { key, .. } => format!("ask {key} for an identifier"),
        other => format!("do {other}"),
    }
}
