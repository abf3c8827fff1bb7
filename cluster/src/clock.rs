//! A node's clocks: functions of true time and of how wrong they are. The same arithmetic, in
//! integers, serves every world.

use std::time::Duration;

use polygraph_history::{ClockEffect, Strobe, Time};

/// What right wall clocks show at the start of a simulated run, nanoseconds. Large enough that no
/// fault makes a clock negative.
pub const WALL_EPOCH_NS: i64 = 1_000_000_000_000_000_000;

/// The drift that is allowed at most, parts per million: a clock never stands or goes back.
pub const MAX_RATE_PPM: i64 = 500_000;

/// The clocks of one node.
#[derive(Clone, Debug)]
pub struct Clock {
    epoch_ns: i64,
    /// When the present error began, in true time.
    since: Time,
    /// What the monotonic clock showed then.
    mono_since: Time,
    rate_ppm: i64,
    offset_ns: i64,
    strobe: Option<Strobe>,
}

impl Clock {
    /// Clocks that are right; at true time zero the wall clock shows `epoch_ns`.
    #[must_use]
    pub const fn new(epoch_ns: i64) -> Clock {
        Clock {
            epoch_ns,
            since: Time::ZERO,
            mono_since: Time::ZERO,
            rate_ppm: 0,
            offset_ns: 0,
            strobe: None,
        }
    }

    /// Sets how wrong the clocks are from now on. The monotonic clock goes on from where it is.
    pub fn set(&mut self, now: Time, effect: &ClockEffect) {
        self.mono_since = self.mono(now);
        self.since = now;
        self.rate_ppm = effect.rate_ppm.clamp(-MAX_RATE_PPM, MAX_RATE_PPM);
        self.offset_ns = effect.wall_offset_ns;
        self.strobe = effect.strobe;
    }

    /// The wall clock: nanoseconds since the epoch shared by all nodes.
    #[must_use]
    pub fn wall_ns(&self, now: Time) -> i64 {
        let elapsed = now.since(self.since).as_nanos() as i128;
        let drifted = elapsed * i128::from(self.rate_ppm) / 1_000_000;
        let strobe = self.strobe.map_or(0, |strobe| {
            let half = u128::from(strobe.period_ns / 2).max(1);
            let second = (now.since(self.since).as_nanos() / half) % 2 == 1;
            if second {
                i128::from(strobe.amplitude_ns)
            } else {
                0
            }
        });
        let right = i128::from(self.epoch_ns) + i128::from(now.as_nanos());
        (right + i128::from(self.offset_ns) + drifted + strobe) as i64
    }

    /// The monotonic clock.
    #[must_use]
    pub fn mono(&self, now: Time) -> Time {
        let elapsed = now.since(self.since).as_nanos() as i128;
        let run = elapsed * i128::from(1_000_000 + self.rate_ppm) / 1_000_000;
        self.mono_since + Duration::from_nanos(run as u64)
    }

    /// The first true time at which the monotonic clock shows `mono` or more.
    #[must_use]
    pub fn when(&self, mono: Time) -> Time {
        let rate = (1_000_000 + self.rate_ppm) as u128;
        let ahead = mono.since(self.mono_since).as_nanos();
        self.since + Duration::from_nanos((ahead * 1_000_000).div_ceil(rate) as u64)
    }
}

#[cfg(test)]
mod tests {
    use polygraph_history::NodeId;

    use super::*;

    fn wrong(wall_offset_ns: i64, rate_ppm: i64, strobe: Option<Strobe>) -> ClockEffect {
        ClockEffect {
            node: NodeId::at(0),
            wall_offset_ns,
            rate_ppm,
            strobe,
        }
    }

    #[test]
    fn jumps_move_the_wall_clock_only() {
        let mut clock = Clock::new(1000);
        clock.set(Time(100), &wrong(-50, 0, None));
        assert_eq!(
            (clock.wall_ns(Time(100)), clock.mono(Time(100))),
            (1050, Time(100))
        );
        clock.set(Time(200), &wrong(0, 0, None));
        assert_eq!(
            (clock.wall_ns(Time(200)), clock.mono(Time(200))),
            (1200, Time(200))
        );
    }

    #[test]
    fn drift_moves_both_and_the_monotonic_clock_keeps_it() {
        let mut clock = Clock::new(0);
        clock.set(Time(0), &wrong(0, 100_000, None));
        assert_eq!(
            (clock.wall_ns(Time(1000)), clock.mono(Time(1000))),
            (1100, Time(1100))
        );
        clock.set(Time(1000), &wrong(0, -100_000, None));
        assert_eq!(clock.mono(Time(2000)), Time(2000));
        clock.set(Time(2000), &wrong(0, 0, None));
        assert_eq!(
            (clock.wall_ns(Time(2000)), clock.mono(Time(2000))),
            (2000, Time(2000))
        );
    }

    #[test]
    fn strobes_flip() {
        let mut clock = Clock::new(0);
        clock.set(
            Time(0),
            &wrong(
                0,
                0,
                Some(Strobe {
                    amplitude_ns: 7,
                    period_ns: 20,
                }),
            ),
        );
        let shown: Vec<_> = [5, 15, 25, 35]
            .map(|t| clock.wall_ns(Time(t)) - t as i64)
            .into();
        assert_eq!(shown, [0, 7, 0, 7]);
    }

    #[test]
    fn when_is_the_inverse_of_mono() {
        let mut clock = Clock::new(0);
        for (now, rate) in [(3, 99_999), (1_000_000_007, -100_000), (2_000_000_000, 1)] {
            clock.set(Time(now), &wrong(0, rate, None));
            for ahead in [0, 1, 2, 999, 1_000_003] {
                let due = Time(clock.mono(Time(now)).0 + ahead);
                let at = clock.when(due);
                assert!(clock.mono(at) >= due, "{rate} {ahead}");
                assert!(
                    at == Time(now) || clock.mono(Time(at.0 - 1)) < due,
                    "{rate} {ahead}"
                );
            }
        }
    }
}
