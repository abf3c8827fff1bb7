//! What a line of a script may say.
//!
//! A fault as schedules are written, with some relief for who writes by hand: `id`, `family` and
//! `shape` may be left out, and moments may be durations since the start. Or a line of the
//! `schedule.jsonl` that a run left behind: a fault as it was planned, with what it was resolved
//! to, which is then what it does.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use polygraph_history::{Effect, FaultFamily, Time, parse_duration};
use serde::de::{Deserializer, Error, IgnoredAny, Visitor};
use serde::{Deserialize, de::DeserializeOwned};

use super::Wrong;
use crate::{Planned, What};

/// A line that is right.
pub(super) const EXAMPLE: &str =
    r#"a fault a line, like {"start":"2s","end":"2500ms","what":{"effect":{"kill":["n1"]}}}"#;

/// The shape of a fault that has none.
const SHAPE: &str = "given";

/// A fault as it is written by hand.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    id: Option<u64>,
    family: Option<FaultFamily>,
    shape: Option<String>,
    start: Moment,
    end: Moment,
    what: What,
}

/// A fault as a run has left it behind.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Recorded {
    planned: Written,
    effect: Option<Effect>,
}

/// A moment: nanoseconds since the start, or a duration with its unit.
struct Moment(Time);

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Moment, D::Error> {
        struct Either;
        impl Visitor<'_> for Either {
            type Value = Moment;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("nanoseconds since the start or a duration like \"1500ms\"")
            }

            fn visit_u64<E: Error>(self, nanos: u64) -> Result<Moment, E> {
                Ok(Moment(Time(nanos)))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Moment, E> {
                let since: Duration = parse_duration(text).map_err(E::custom)?;
                Ok(Moment(Time::ZERO + since))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// Reads a line; `ordinal` is the fault's number if it has no other.
pub(super) fn read(line: &[u8], ordinal: u64) -> Result<Planned, Wrong> {
    let fields: BTreeMap<String, IgnoredAny> = parse(line)?;
    let (written, effect) = if fields.contains_key("planned") {
        let recorded: Recorded = parse(line)?;
        (recorded.planned, recorded.effect)
    } else {
        (parse(line)?, None)
    };
    let what = effect.map_or(written.what, What::Effect);
    let family = family(&what);
    let given = written.family.unwrap_or(family);
    // A disk that loses what it had not synced does so in a crash, which belongs to it.
    let is_crash = given == FaultFamily::Disk && family == FaultFamily::Kill;
    if given != family && !is_crash {
        return Err(Wrong::new(
            "family",
            format!("\"{given}\""),
            format!("what the fault does is not of the family `{given}`"),
            format!("`{family}`, or no family at all"),
        ));
    }
    Ok(Planned {
        id: written.id.unwrap_or(ordinal),
        family: given,
        shape: written.shape.unwrap_or_else(|| SHAPE.to_owned()),
        start: written.start.0,
        end: written.end.0,
        what,
    })
}

/// The family that a fault is of.
fn family(what: &What) -> FaultFamily {
    match what {
        What::Effect(Effect::Cut(_) | Effect::Hold(_)) | What::Alone { .. } => {
            FaultFamily::Partition
        }
        What::Effect(Effect::Clock(_)) => FaultFamily::Clock,
        What::Effect(Effect::Kill(_)) | What::Kill(_) | What::Nobody(_) => FaultFamily::Kill,
        What::Effect(Effect::Pause(_)) | What::Pause(_) => FaultFamily::Pause,
        What::Effect(Effect::Slow(_)) => FaultFamily::Slow,
        What::Effect(Effect::Disk(_) | Effect::Wipe(_)) => FaultFamily::Disk,
    }
}

fn parse<T: DeserializeOwned>(line: &[u8]) -> Result<T, Wrong> {
    serde_json::from_slice(line).map_err(|error| {
        let message = error.to_string();
        // Each line is parsed alone: where it stands is said by who knows the file.
        let message = message.split(" at line ").next().unwrap_or(&message);
        let (problem, expected) = match message.split_once(", expected ") {
            Some((problem, expected)) => (problem, expected),
            None => (message, EXAMPLE),
        };
        Wrong {
            token: String::new(),
            column: Some(error.column().max(1)),
            field: ["start", "end", "what"]
                .into_iter()
                .find(|field| message == format!("missing field `{field}`")),
            problem: problem.to_owned(),
            expected: expected.to_owned(),
        }
    })
}
