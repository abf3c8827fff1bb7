//! `bounded-staleness`: Δ-atomicity, decided exactly where every value is written once.
//!
//! A history is Δ-atomic exactly if it is linearizable when every read may have begun Δ earlier
//! (Golab, Li and Shah, *Analyzing Consistency Properties for Fun and Profit*, PODC 2011, 3.2).
//! Registers are so exactly if the zones of their values do not conflict (Gibbons and Korach,
//! *Testing Shared Memories*, SIAM J. Comput. 1997): of two values, one must come first as a
//! whole, for a write replaces the other for good. A compare-and-set counts as a write.

use polygraph_history::{History, OperationId};
use std::time::Duration;

use super::view::{INITIAL, Register, end};

/// A moment: of the clock, and of two at the same time the rank.
type Moment = (u64, u64);

const EARLIEST: Moment = (0, 0);
const NEVER: Moment = (u64::MAX, u64::MAX);

/// From when to when all operations on a value are.
#[derive(Clone, Copy, Debug)]
struct Zone {
    version: usize,
    /// The earliest end, and whose it is.
    first: (Moment, Option<OperationId>),
    /// The latest begin, and whose it is.
    last: (Moment, Option<OperationId>),
}

/// Two values of which each must come before the other: of each an operation that had ended
/// before one of the other began.
#[derive(Clone, Copy, Debug)]
pub(super) struct Conflict {
    /// Ended before `second.1` began; `None` if it is the initial value.
    pub(super) first: (Option<OperationId>, OperationId),
    /// Ended before `first.1` began.
    pub(super) second: (Option<OperationId>, OperationId),
}

/// The conflicts of a register if reads may be as stale as this; each value is in a few at most.
pub(super) fn conflicts(
    history: &History,
    register: &Register<'_>,
    bound: Duration,
) -> Vec<Conflict> {
    let zones = zones(history, register, bound);
    let mut forward: Vec<&Zone> = zones.iter().filter(|it| it.first.0 < it.last.0).collect();
    forward.sort_by_key(|it| it.first.0);
    // Of the zones up to a place, the one that reaches furthest.
    let mut furthest: Vec<&Zone> = Vec::with_capacity(forward.len());
    let mut found = Vec::new();
    for &zone in &forward {
        match furthest.last() {
            Some(other) if other.last.0 >= zone.last.0 => furthest.push(other),
            _ => furthest.push(zone),
        }
    }
    let mut clash = |zone: &Zone, before: usize| {
        let Some(other) = before.checked_sub(1).map(|at| furthest[at]) else {
            return;
        };
        if zone.first.0 < other.last.0
            && other.first.0 < zone.last.0
            && let (Some(a), Some(b)) = (zone.last.1, other.last.1)
        {
            found.push(Conflict {
                first: (zone.first.1, a),
                second: (other.first.1, b),
            });
        }
    };
    for (at, zone) in forward.iter().enumerate() {
        clash(zone, at);
    }
    for zone in zones.iter().filter(|it| it.first.0 >= it.last.0) {
        clash(zone, forward.partition_point(|it| it.first.0 < zone.last.0));
    }
    found
}

fn zones(history: &History, register: &Register<'_>, bound: Duration) -> Vec<Zone> {
    let operations = history.operations();
    let nanos = u64::try_from(bound.as_nanos()).unwrap_or(u64::MAX);
    let mut zones: Vec<Zone> = Vec::with_capacity(register.versions.len());
    for (version, it) in register.versions.iter().enumerate() {
        let zone = match (version, it.write) {
            (INITIAL, _) | (_, None) => Zone {
                version,
                first: (EARLIEST, None),
                last: (EARLIEST, None),
            },
            (_, Some(write)) => {
                let began = (history.invoked_at(&operations[write]).as_nanos(), it.start);
                Zone {
                    version,
                    first: (NEVER, None),
                    last: (began, Some(write)),
                }
            }
        };
        zones.push(zone);
    }
    for zone in &mut zones {
        let it = &register.versions[zone.version];
        if let Some(shown_by) = it.shown_by {
            let operation = &operations[shown_by];
            let ended = history.completed_at(operation).unwrap_or_default();
            zone.first = ((ended.as_nanos(), end(operation)), Some(shown_by));
        }
    }
    for look in &register.looks {
        let operation = &operations[look.read];
        let began = history.invoked_at(operation).as_nanos();
        let began = match nanos {
            0 => (began, operation.start + 1),
            // What ended at the very same time is not older than the bound.
            _ => (began.saturating_sub(nanos), 0),
        };
        let zone = &mut zones[look.version];
        if began > zone.last.0 {
            zone.last = (began, Some(look.read));
        }
    }
    zones
}

/// The smallest bound, in nanoseconds, with which a register has no conflict; `None` if its writes
/// alone conflict.
pub(super) fn smallest(history: &History, register: &Register<'_>) -> Option<u64> {
    let holds = |nanos| conflicts(history, register, Duration::from_nanos(nanos)).is_empty();
    if holds(0) {
        return Some(0);
    }
    let last = history.events().len().checked_sub(1)?;
    let (mut fails, mut works) = (0, history.time(last).as_nanos());
    if !holds(works) {
        return None;
    }
    while works - fails > 1 {
        let middle = fails + (works - fails) / 2;
        match holds(middle) {
            true => works = middle,
            false => fails = middle,
        }
    }
    Some(works)
}
