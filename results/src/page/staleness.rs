//! How old what reads returned was: on registers whose values are distinct, the time for which the
//! value had for certain been replaced when the read began.
//!
//! A value is replaced for certain once a write has taken place that was invoked after the write of
//! the value had ended. What overlaps may lie in either order and does not count, so that the
//! numbers are lower bounds. This is *t-visibility* of Bailis et al., *Probabilistically Bounded
//! Staleness*, VLDB 2012, section 3, seen from the reads.

use std::collections::HashMap;

use maud::{Markup, html};
use polygraph_history::{History, Key, Op, Operation, Order, Outcome, Value};

use super::chart::{Chart, Line, Marker, Scale, measured, span};
use super::course::Course;
use super::windows::Window;
use crate::Latency;

/// What is known of the writes of a key.
#[derive(Default)]
struct Writes<'h> {
    /// When each value was written: from when until when, nanoseconds; `None` if two were alike.
    of: HashMap<&'h Value, Option<(u64, u64)>>,
    /// Those that took place, by their beginnings: the beginning, the end.
    done: Vec<(u64, u64)>,
}

/// By how much each read of a register was stale, nanoseconds, with the time of the read.
fn staleness(history: &History) -> Vec<(u64, u64)> {
    let mut keys: HashMap<&Key, Writes<'_>> = HashMap::new();
    for operation in history.operations() {
        let written = match history.op(operation) {
            Op::Write { key, value } => (key, value),
            Op::Cas { key, to, .. } => (key, to),
            _ => continue,
        };
        if operation.outcome == Outcome::Fail {
            continue;
        }
        let (begin, end) = times(history, operation);
        let writes = keys.entry(written.0).or_default();
        let known = writes.of.entry(written.1).or_insert(Some((begin, end)));
        if known.is_some_and(|known| known != (begin, end)) {
            *known = None;
        }
        if operation.outcome == Outcome::Ok {
            writes.done.push((begin, end));
        }
    }
    for writes in keys.values_mut() {
        writes.done.sort_unstable();
        // From the last to the first: the earliest end of this and all later ones.
        let mut earliest = u64::MAX;
        for write in writes.done.iter_mut().rev() {
            earliest = earliest.min(write.1);
            write.1 = earliest;
        }
    }
    let nothing = Writes::default();
    let mut stale = Vec::new();
    for operation in history
        .operations()
        .iter()
        .filter(|it| it.outcome == Outcome::Ok)
    {
        let Op::Read {
            key,
            value: Some(value),
        } = history.op(operation)
        else {
            continue;
        };
        let (begin, _) = times(history, operation);
        // Of a key that nobody wrote only the initial value tells.
        let writes = keys.get(key).unwrap_or(&nothing);
        let ended = match writes.of.get(value) {
            Some(Some((_, end))) => *end,
            // Before everything.
            None if *value == Value::Null => 0,
            _ => continue,
        };
        let after = writes.done.partition_point(|&(from, _)| from <= ended);
        let replaced = writes.done.get(after).map(|&(_, earliest)| earliest);
        stale.push((begin, replaced.map_or(0, |at| begin.saturating_sub(at))));
    }
    stale
}

/// From when until when; an indeterminate operation never ends.
fn times(history: &History, operation: &Operation) -> (u64, u64) {
    let end = history
        .completed_at(operation)
        .filter(|_| operation.outcome == Outcome::Ok);
    let end = end.map_or(u64::MAX, |end| end.as_nanos());
    (history.invoked_at(operation).as_nanos(), end)
}

/// The section; `None` where no read of a register tells.
pub(super) fn section(history: &History, course: &Course, windows: &[Window]) -> Option<Markup> {
    if history.order() == Order::Session {
        return None;
    }
    let reads = staleness(history);
    if reads.is_empty() {
        return None;
    }
    let stale: Vec<u64> = reads
        .iter()
        .map(|&(_, by)| by)
        .filter(|&by| by > 0)
        .collect();
    let share = stale.len() as f64 * 100.0 / reads.len() as f64;
    let Some(quantiles) = Latency::of_durations(stale.clone()) else {
        return Some(html! {
            section {
                h2 { "Staleness" }
                p { "Of " (reads.len()) " reads of registers none returned a value that had for certain been replaced before it began." }
            }
        });
    };
    let bins = usize::try_from(course.end / course.bin + 1).unwrap_or(1);
    let mut worst = vec![0_u64; bins];
    for &(time, by) in &reads {
        let at = usize::try_from(time / course.bin)
            .unwrap_or(0)
            .min(bins - 1);
        worst[at] = worst[at].max(by);
    }
    let all = worst.iter().enumerate();
    let points = all.map(|(at, &by)| (course.middle(at), (by > 0).then_some(by as f64 / 1e9)));
    let least = worst
        .iter()
        .copied()
        .filter(|&by| by > 0)
        .min()
        .unwrap_or(1);
    let chart = Chart {
        title: "The most stale read over time".to_owned(),
        end: course.end as f64,
        scale: Scale::log(least as f64 / 1e9, quantiles.max_ns as f64 / 1e9),
        unit: span,
        lines: vec![Line {
            name: "the most stale read".to_owned(),
            class: "c1".to_owned(),
            dashes: "none",
            marker: Marker::Square,
            points: points.collect(),
        }],
        windows,
        hover: Vec::new(),
        height: 130.0,
    };
    Some(html! {
        section {
            h2 { "Staleness" }
            p {
                strong { (stale.len()) " of " (reads.len()) " reads" } " (" (format!("{share:.2}")) " %) "
                "returned a value that had been replaced before the read began: for "
                (measured(quantiles.p50_ns)) " in the median, " (measured(quantiles.p99_ns))
                " at the 99th percentile, " (measured(quantiles.max_ns)) " at most."
            }
            p.note {
                "A value counts as replaced once a write has ended that began after the value's own write had ended; "
                "what overlaps does not count. By the beginning of the read."
            }
            (chart.draw())
        }
    })
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use proptest::prelude::*;

    use super::*;

    /// The definition: over all writes that have ended before the read began and that began after
    /// the write of its value had ended, the time since the first end.
    fn by_definition(history: &History) -> Vec<(u64, u64)> {
        let operations = history.operations();
        let write = |value: &Value| {
            let is = |it: &&Operation| {
                matches!(history.op(it), Op::Write { value: v, .. } if v == value)
                    && it.outcome != Outcome::Fail
            };
            operations.iter().find(is).map(|it| times(history, it))
        };
        let mut stale = Vec::new();
        for read in operations.iter().filter(|it| it.outcome == Outcome::Ok) {
            let Op::Read {
                value: Some(value), ..
            } = history.op(read)
            else {
                continue;
            };
            let (begin, _) = times(history, read);
            let ended = match write(value) {
                Some((_, end)) => end,
                None if *value == Value::Null => 0,
                None => continue,
            };
            let replaced = operations.iter().filter(|it| {
                let (from, end) = times(history, it);
                let writes = matches!(history.op(it), Op::Write { .. });
                writes && it.outcome == Outcome::Ok && from > ended && end < begin
            });
            let first = replaced.map(|it| times(history, it).1).min();
            stale.push((begin, first.map_or(0, |at| begin - at)));
        }
        stale
    }

    /// A history of a register: of each step the client, what it does, and how it ends.
    fn history(steps: &[(u8, u8, u8)]) -> History {
        let mut text = "{\"polygraph\":1}\n".to_owned();
        let mut open: [Option<(String, u64)>; 4] = Default::default();
        let mut process = [0_u64, 1, 2, 3];
        let mut index = 0;
        let mut line = |process: u64, kind: &str, op: &str, time: u64| {
            let _ = writeln!(
                text,
                "{{\"index\":{index},\"time\":{time},\"process\":{process},\"type\":\"{kind}\",\"op\":{op}}}"
            );
            index += 1;
        };
        for (at, &(client, what, end)) in steps.iter().enumerate() {
            let client = usize::from(client % 4);
            // A write at time zero would not be after the initial value.
            let time = 10 + 3 * at as u64;
            match open[client].take() {
                None => {
                    let op = if what % 2 == 0 {
                        format!("{{\"write\":{{\"key\":\"x\",\"value\":{at}}}}}")
                    } else {
                        "{\"read\":{\"key\":\"x\"}}".to_owned()
                    };
                    line(process[client], "invoke", &op, time);
                    open[client] = Some((op, at as u64));
                }
                Some((op, _)) => {
                    let kind = ["ok", "ok", "ok", "info", "fail"][usize::from(end % 5)];
                    let seen = u64::from(what) % (at as u64 + 1);
                    let value = if seen == 0 {
                        "null".to_owned()
                    } else {
                        seen.to_string()
                    };
                    let op = match op.contains("read") && kind == "ok" {
                        true => format!("{{\"read\":{{\"key\":\"x\",\"value\":{value}}}}}"),
                        false => op,
                    };
                    line(process[client], kind, &op, time);
                    if kind == "info" {
                        process[client] += 4;
                    }
                }
            }
        }
        let options = polygraph_history::ReadOptions::default();
        polygraph_history::read(text.as_bytes(), options)
            .expect("a history")
            .history
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn staleness_is_as_it_is_defined(
            steps in prop::collection::vec((0..4_u8, 0..24_u8, 0..5_u8), 1..24)
        ) {
            let history = history(&steps);
            prop_assert_eq!(staleness(&history), by_definition(&history));
        }
    }
}
