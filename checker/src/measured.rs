//! What a check counted and timed besides its answer, as small tables.
//!
//! A [`Measured`] belongs to a [`crate::Verdict`]; it never decides one. Shares come with the
//! interval of Wilson (*Probable Inference, the Law of Succession, and Statistical Inference*,
//! JASA 1927), which keeps inside 0 and 1 and is honest for few observations.

use std::time::Duration;

use polygraph_history::Time;

/// A small table of numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// Its name: `convergence`, `elements`, …
    pub name: &'static str,
    /// What its rows count, and how.
    pub about: &'static str,
    /// What its columns are; spans of time end with `_ns`, moments with `_at_ns`.
    pub columns: &'static [&'static str],
    /// Its rows, each as long as there are columns.
    pub rows: Vec<Vec<Figure>>,
}

/// One cell of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Figure {
    /// There is none.
    Nothing,
    /// A name or a sentence.
    Text(String),
    /// A number of things.
    Count(u64),
    /// A span of time.
    Span(Duration),
    /// A moment since the start of the run.
    At(Time),
    /// A part of a whole.
    Share(Share),
}

impl Figure {
    /// A span, if there is one.
    #[must_use]
    pub fn span(nanos: Option<u64>) -> Figure {
        nanos.map_or(Figure::Nothing, |it| Figure::Span(Duration::from_nanos(it)))
    }
}

impl From<&str> for Figure {
    fn from(text: &str) -> Figure {
        Figure::Text(text.to_owned())
    }
}

/// A part of a whole, such as stale reads among reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// How many have it.
    pub part: u64,
    /// How many there are.
    pub whole: u64,
}

impl Share {
    /// Counts one more.
    pub const fn count(&mut self, has: bool) {
        self.part += has as u64;
        self.whole += 1;
    }

    /// The share, between 0 and 1; `None` of nothing.
    #[must_use]
    pub fn value(self) -> Option<f64> {
        (self.whole > 0).then(|| self.part as f64 / self.whole as f64)
    }

    /// Wilson's interval at 95 %: what share of all there might be is compatible with this.
    #[must_use]
    pub fn interval(self) -> Option<(f64, f64)> {
        /// The quantile of the normal distribution that leaves 2.5 % on either side.
        const Z: f64 = 1.959_963_984_540_054;
        let share = self.value()?;
        let whole = self.whole as f64;
        let spread = Z * Z / whole;
        let middle = share + spread / 2.0;
        let half = Z * (share * (1.0 - share) / whole + spread / (4.0 * whole)).sqrt();
        let low = (middle - half) / (1.0 + spread);
        let high = (middle + half) / (1.0 + spread);
        // What none or all have is an end of the interval, whatever rounding makes of it.
        let low = if self.part == 0 { 0.0 } else { low.max(0.0) };
        let high = if self.part == self.whole {
            1.0
        } else {
            high.min(1.0)
        };
        Some((low, high))
    }
}

/// The value below or at which so many percent of sorted values lie (nearest rank); `None` of
/// nothing.
#[must_use]
pub fn percentile(sorted: &[u64], percent: usize) -> Option<u64> {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

/// The columns that [`spread`] fills.
pub(crate) fn spread(sorted: &[u64]) -> [Figure; 3] {
    [50, 99, 100].map(|percent| Figure::span(percentile(sorted, percent)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_those_of_the_literature() {
        // Newcombe, Statistics in Medicine 1998, table I, method 3.
        for (part, whole, low, high) in [
            (81, 263, 0.2553, 0.3662),
            (15, 148, 0.0624, 0.1605),
            (0, 20, 0.0, 0.1611),
            (1, 29, 0.0061, 0.1718),
            (29, 29, 0.8830, 1.0),
        ] {
            let found = Share { part, whole }
                .interval()
                .expect("there is something");
            assert!(
                (found.0 - low).abs() < 6e-5 && (found.1 - high).abs() < 6e-5,
                "{found:?}"
            );
        }
        assert_eq!(Share::default().interval(), None);
    }

    #[test]
    fn percentiles_are_values_that_occur() {
        assert_eq!(percentile(&[], 50), None);
        assert_eq!(percentile(&[7], 1), Some(7));
        let hundred: Vec<u64> = (1..=100).collect();
        assert_eq!(
            [1, 50, 99, 100].map(|it| percentile(&hundred, it)),
            [1, 50, 99, 100].map(Some)
        );
        assert_eq!(percentile(&[1, 2, 3], 50), Some(2));
    }
}
