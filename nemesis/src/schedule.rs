//! A run's faults, all of them, before it begins.

use std::time::Duration;

use polygraph_history::Time;
use polygraph_history::random::{Random, text};
use polygraph_history::settings::{Accepts, Knob, Settings};

use crate::{Env, Nemesis, Planned, Window};

/// The settings of schedules: `--set nemesis.first=…`.
pub const KNOBS: &[Knob] = &[
    Knob {
        key: "first",
        accepts: Accepts::Duration,
        default: "3s",
        about: "how long nothing goes wrong at first",
    },
    Knob {
        key: "fault-min",
        accepts: Accepts::Duration,
        default: "2s",
        about: "how long faults last at least",
    },
    Knob {
        key: "fault-max",
        accepts: Accepts::Duration,
        default: "8s",
        about: "how long faults last at most",
    },
    Knob {
        key: "quiet-min",
        accepts: Accepts::Duration,
        default: "2s",
        about: "how long nothing goes wrong between faults at least",
    },
    Knob {
        key: "quiet-max",
        accepts: Accepts::Duration,
        default: "5s",
        about: "how long nothing goes wrong between faults at most",
    },
];

/// Before the end everything is whole for so long.
const QUIET_END: Duration = Duration::from_millis(500);

/// Draws the faults of a run whose clients work until `end`.
///
/// In each window one family strikes always, and every other with one chance in three, within the
/// window; between windows nothing is wrong. All are healed before the end.
#[must_use]
pub fn schedule(
    families: &[&dyn Nemesis],
    env: &Env,
    end: Time,
    seed: u64,
    settings: &Settings,
) -> Vec<Planned> {
    let mut planned = Vec::new();
    if families.is_empty() || env.nodes.len() < 2 {
        return planned;
    }
    let mut random = Random::keyed(&[seed, text("schedule")]);
    let between = |random: &mut Random, low: &str, high: &str| {
        let (low, high) = (
            nanos(settings.duration(low)),
            nanos(settings.duration(high)),
        );
        Duration::from_nanos(random.between(low, high.max(low)))
    };
    let last = end - QUIET_END;
    let mut start = Time::ZERO + settings.duration("first");
    // A run too short for the first fault to come at its time still gets one.
    if start + settings.duration("fault-min") > last {
        start = Time(last.as_nanos() / 4);
    }
    let mut turn = random.below(families.len() as u64) as usize;
    while start < last {
        let length = between(&mut random, "fault-min", "fault-max");
        let window = Window {
            start,
            end: last.min(start + length),
        };
        for (at, family) in families.iter().enumerate() {
            let window = match at == turn % families.len() {
                true => window,
                false if random.below(3) == 0 => inside(window, &mut random),
                false => continue,
            };
            planned.extend(family.draw(env, window, &mut random));
        }
        turn += 1;
        start = window.end + between(&mut random, "quiet-min", "quiet-max");
        // What would be over at once is left out.
        if start + settings.duration("fault-min") / 2 > last {
            break;
        }
    }
    planned.sort_by_key(|fault| fault.start);
    for (id, fault) in planned.iter_mut().enumerate() {
        fault.id = id as u64;
    }
    planned
}

/// A part of a window, at least half of it.
fn inside(window: Window, random: &mut Random) -> Window {
    let quarter = nanos(window.end.since(window.start)) / 4;
    Window {
        start: window.start + Duration::from_nanos(random.below(quarter + 1)),
        end: window.end - Duration::from_nanos(random.below(quarter + 1)),
    }
}

pub(crate) fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}
