//! What a run looked like over time: operations counted and their latencies ranked, by bins of
//! equal length. The whole stays in the history; a page has at most [`MOST_BINS`] of each.

use polygraph_history::{History, OpKind, Operation, Outcome};

use crate::Latency;

/// How many bins of time there are at most.
const MOST_BINS: u64 = 120;

/// The course of a run.
pub(super) struct Course {
    /// When its last event was, nanoseconds since the start.
    pub(super) end: u64,
    /// How long a bin is, nanoseconds.
    pub(super) bin: u64,
    /// One for each kind of operation, in the order of their first use.
    pub(super) kinds: Vec<OfKind>,
}

/// What became of the operations of a kind.
pub(super) struct OfKind {
    pub(super) kind: OpKind,
    /// One for each bin. Operations are counted where they ended.
    pub(super) bins: Vec<Bin>,
    /// Of the whole run.
    pub(super) whole: Bin,
}

/// What became of the operations that ended in a bin.
#[derive(Clone, Default)]
pub(super) struct Bin {
    pub(super) ok: u64,
    pub(super) fail: u64,
    /// Indeterminate ones; those that never ended are counted in the bin in which they began.
    pub(super) info: u64,
    /// From invocation to completion of those that took place, nanoseconds.
    pub(super) latency: Option<Latency>,
    samples: Vec<u64>,
}

impl Course {
    /// The course of a history; `None` where there are no times.
    pub(super) fn of(history: &History) -> Option<Course> {
        let count = history.events().len();
        let end = (0..count).map(|at| history.time(at).as_nanos()).max()?;
        if end == 0 {
            return None;
        }
        let bin = bin(end);
        let mut kinds: Vec<OfKind> = Vec::new();
        for operation in history.operations() {
            let kind = history.op(operation).kind();
            let at = kinds.iter().position(|it| it.kind == kind);
            let at = at.unwrap_or_else(|| {
                kinds.push(OfKind {
                    kind,
                    bins: vec![Bin::default(); bins(end, bin)],
                    whole: Bin::default(),
                });
                kinds.len() - 1
            });
            kinds[at].add(history, operation, bin);
        }
        for kind in &mut kinds {
            for of in kind.bins.iter_mut().chain([&mut kind.whole]) {
                of.latency = Latency::of_durations(std::mem::take(&mut of.samples));
            }
        }
        Some(Course { end, bin, kinds })
    }

    /// The middle of a bin, nanoseconds since the start.
    pub(super) fn middle(&self, at: usize) -> f64 {
        let from = at as u64 * self.bin;
        let to = (from + self.bin).min(self.end.max(from));
        f64::midpoint(from as f64, to as f64)
    }
}

impl OfKind {
    fn add(&mut self, history: &History, operation: &Operation, bin: u64) {
        let begin = history.invoked_at(operation).as_nanos();
        let end = history.completed_at(operation);
        let end = end.map_or(begin, |end| end.as_nanos());
        let last = self.bins.len() - 1;
        let at = usize::try_from(end / bin).map_or(last, |at| at.min(last));
        for of in [&mut self.bins[at], &mut self.whole] {
            match operation.outcome {
                Outcome::Ok => {
                    of.ok += 1;
                    of.samples.push(end.saturating_sub(begin));
                }
                Outcome::Fail => of.fail += 1,
                Outcome::Info => of.info += 1,
            }
        }
    }
}

/// A bin of a round length: 1, 2 or 5 times a power of ten, so that there are not too many.
fn bin(end: u64) -> u64 {
    let least = end.div_ceil(MOST_BINS).max(1);
    let mut unit = 1_u64;
    loop {
        for step in [1, 2, 5] {
            let bin = unit.saturating_mul(step);
            if bin >= least {
                return bin;
            }
        }
        unit = unit.saturating_mul(10);
    }
}

fn bins(end: u64, bin: u64) -> usize {
    usize::try_from(end / bin + 1).expect("there are few")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_are_round_and_few() {
        for end in [
            1,
            7,
            119,
            120,
            121,
            60_000_000_000,
            86_400_000_000_000,
            u64::MAX / 2,
        ] {
            let bin = bin(end);
            assert!(bins(end, bin) <= 121, "{end}: {bin}");
            let digits = bin.to_string();
            assert!(digits.trim_end_matches('0').len() == 1, "{bin}");
        }
        assert_eq!(bin(60_000_000_000), 500_000_000);
    }
}
