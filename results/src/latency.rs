//! How long answers took.

use polygraph_history::{History, Outcome};
use serde::{Deserialize, Serialize};

/// Quantiles of how long operations took that were answered ok, from invocation to completion,
/// nanoseconds of the world's clock. A quantile is the smallest duration that so large a share of
/// them did not exceed (nearest rank).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latency {
    /// Half took no longer.
    pub p50_ns: u64,
    /// Of twenty, nineteen took no longer.
    pub p95_ns: u64,
    /// Of a hundred, 99 took no longer.
    pub p99_ns: u64,
    /// None took longer.
    pub max_ns: u64,
}

impl Latency {
    /// Of the operations of a history; `None` if none was answered ok.
    #[must_use]
    pub fn of(history: &History) -> Option<Latency> {
        let answered = history.operations().iter();
        let answered = answered.filter(|operation| operation.outcome == Outcome::Ok);
        let took = answered.filter_map(|operation| {
            let end = history.completed_at(operation)?;
            Some(end.0.saturating_sub(history.invoked_at(operation).0))
        });
        Latency::of_durations(took.collect())
    }

    /// Of durations, nanoseconds.
    pub(crate) fn of_durations(mut all: Vec<u64>) -> Option<Latency> {
        all.sort_unstable();
        let quantile = |percent: usize| {
            let rank = (all.len() * percent).div_ceil(100).max(1);
            all.get(rank - 1).copied()
        };
        Some(Latency {
            p50_ns: quantile(50)?,
            p95_ns: quantile(95)?,
            p99_ns: quantile(99)?,
            max_ns: quantile(100)?,
        })
    }

    /// Of several runs: of each quantile the median of the runs' (the lower of two).
    #[must_use]
    pub fn median(runs: &[Latency]) -> Option<Latency> {
        let middle = |of: fn(&Latency) -> u64| {
            let mut all: Vec<u64> = runs.iter().map(of).collect();
            all.sort_unstable();
            all.get((all.len().max(1) - 1) / 2).copied()
        };
        Some(Latency {
            p50_ns: middle(|it| it.p50_ns)?,
            p95_ns: middle(|it| it.p95_ns)?,
            p99_ns: middle(|it| it.p99_ns)?,
            max_ns: middle(|it| it.max_ns)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_by_nearest_rank() {
        assert_eq!(Latency::of_durations(Vec::new()), None);
        let one = Latency::of_durations(vec![7]).unwrap();
        assert_eq!((one.p50_ns, one.p99_ns, one.max_ns), (7, 7, 7));
        let hundred = Latency::of_durations((1..=100).rev().collect()).unwrap();
        let quantiles = (
            hundred.p50_ns,
            hundred.p95_ns,
            hundred.p99_ns,
            hundred.max_ns,
        );
        assert_eq!(quantiles, (50, 95, 99, 100));
        let median = Latency::median(&[one, hundred, hundred]).unwrap();
        assert_eq!(median.p50_ns, 50);
        assert_eq!(Latency::median(&[]), None);
    }
}
