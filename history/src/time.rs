//! Time since the start of a run, in the world's clock.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A moment: nanoseconds since the start of the run, on the clock of the world that ran it
/// (virtual in the simulator, monotonic and real elsewhere).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Time(pub u64);

impl Time {
    /// The start of the run.
    pub const ZERO: Time = Time(0);
    /// Later than everything.
    pub const MAX: Time = Time(u64::MAX);

    /// A moment so many milliseconds after the start.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Time {
        Time(millis * 1_000_000)
    }

    /// A moment so many seconds after the start.
    #[must_use]
    pub const fn from_secs(secs: u64) -> Time {
        Time(secs * 1_000_000_000)
    }

    /// Nanoseconds since the start.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The time that passed since `earlier`, zero if that is later.
    #[must_use]
    pub const fn since(self, earlier: Time) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Time {
    type Output = Time;

    fn add(self, span: Duration) -> Time {
        Time(
            self.0
                .saturating_add(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)),
        )
    }
}

impl Sub<Duration> for Time {
    type Output = Time;

    fn sub(self, span: Duration) -> Time {
        Time(
            self.0
                .saturating_sub(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)),
        )
    }
}

/// As a person reads it: `1.203 s`.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = (self.0 + 500_000) / 1_000_000;
        write!(f, "{}.{:03} s", millis / 1000, millis % 1000)
    }
}

/// Reads a duration with its unit: `250us`, `10ms`, `2s`, `5m`, `1h`; fractions are allowed
/// (`1.5s`), a bare number is not.
///
/// # Errors
/// A sentence that says what is wrong and what would be right.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong =
        || format!("`{text}` is not a duration; write a number with a unit: 250us 10ms 2s 5m");
    let unit_at = text
        .find(|c: char| c.is_ascii_alphabetic())
        .ok_or_else(wrong)?;
    let (number, unit) = text.split_at(unit_at);
    let unit_ns: u64 = match unit {
        "ns" => 1,
        "us" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return Err(wrong()),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || fraction.len() > 9 {
        return Err(wrong());
    }
    let too_long = || format!("`{text}` is too long a duration; the longest is 10000h");
    let whole: u64 = whole.parse().map_err(|_| too_long())?;
    let scale = 10_u64.pow(u32::try_from(fraction.len()).expect("at most nine digits"));
    let fraction: u64 = fraction.parse().map_err(|_| wrong())?;
    let nanos = u128::from(whole) * u128::from(unit_ns)
        + u128::from(fraction) * u128::from(unit_ns) / u128::from(scale);
    if nanos > 10_000 * 3_600_000_000_000 {
        return Err(too_long());
    }
    Ok(Duration::from_nanos(
        u64::try_from(nanos).map_err(|_| too_long())?,
    ))
}

/// Writes a duration so that [`parse_duration`] reads it back: the largest unit that is exact.
#[must_use]
pub fn format_duration(span: Duration) -> String {
    let nanos = span.as_nanos();
    for (unit, size) in [
        ("m", 60_000_000_000),
        ("s", 1_000_000_000),
        ("ms", 1_000_000),
        ("us", 1_000),
    ] {
        if nanos >= size && nanos.is_multiple_of(size) {
            return format!("{}{unit}", nanos / size);
        }
    }
    format!("{nanos}ns")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_written_back() {
        for (text, nanos) in [
            ("250us", 250_000),
            ("10ms", 10_000_000),
            ("2s", 2_000_000_000),
            ("5m", 300_000_000_000),
            ("7ns", 7),
        ] {
            let span = parse_duration(text).unwrap();
            assert_eq!(span, Duration::from_nanos(nanos), "{text}");
            assert_eq!(format_duration(span), text);
        }
        assert_eq!(parse_duration("1.5s").unwrap(), Duration::from_millis(1500));
        for text in [
            "",
            "never",
            "5",
            "s",
            "-1s",
            "1e3s",
            "1.s",
            ".5s",
            "99999999999999999999s",
            "1d",
        ] {
            let error = parse_duration(text).unwrap_err();
            assert!(error.contains(&format!("`{text}`")), "{error}");
        }
    }

    #[test]
    fn times_read_as_seconds() {
        assert_eq!(Time(1_203_400_000).to_string(), "1.203 s");
        assert_eq!(Time::ZERO.to_string(), "0.000 s");
    }
}
