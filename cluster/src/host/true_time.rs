//! True time: the machine's monotonic clock, which all processes of a run share.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::time::{ClockId, clock_gettime};
use polygraph_history::Time;

/// The world's clock: nanoseconds since the start of the run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TrueTime {
    /// Where it is zero, on the machine's monotonic clock.
    pub(crate) origin_ns: u64,
}

impl TrueTime {
    /// A clock that starts now.
    pub(crate) fn start() -> TrueTime {
        TrueTime {
            origin_ns: machine_ns(),
        }
    }

    pub(crate) fn now(self) -> Time {
        Time(machine_ns().saturating_sub(self.origin_ns))
    }
}

fn machine_ns() -> u64 {
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC).expect("every Unix has a monotonic clock");
    u64::try_from(Duration::from(now).as_nanos()).unwrap_or(u64::MAX)
}

/// What the machine's wall clock shows: nanoseconds since 1970.
pub(crate) fn wall_ns() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
    })
}
