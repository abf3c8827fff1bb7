//! Real time by times instead of positions, or none.

use super::{EventIndex, History};
use crate::Kind;

impl History {
    /// Ranks begin and end of operations by time, with closed intervals: at one time all
    /// invocations come before all completions. An operation whose completion has an earlier
    /// time than its invocation covers both: a clock that cannot be right orders nothing.
    pub(super) fn rank_by_time(&mut self) {
        // Times that grow with every event rank events as their positions do.
        if self.record.times.is_sorted_by(|one, next| one < next) {
            return;
        }
        let completes = self.completions();
        let times = &self.record.times;
        let moment = |at: u32| (times[at as usize], completes[at as usize]);
        let mut order: Vec<u32> = (0..times.len() as u32).collect();
        order.sort_by_key(|&at| moment(at));
        let ties = order.windows(2).filter(|pair| {
            let ((time, completes), (next_time, next_completes)) =
                (moment(pair[0]), moment(pair[1]));
            time == next_time && next_completes && !completes
        });
        let ties = ties.count();
        let mut rank = vec![0_u32; order.len()];
        for (position, &at) in order.iter().enumerate() {
            rank[at as usize] = position as u32;
        }
        drop(order);
        let rank = |at: EventIndex| u64::from(rank[at]);
        let mut inverted = 0_usize;
        for operation in &mut self.operations {
            let Some(complete) = operation.complete else {
                operation.start = rank(operation.invoke);
                continue;
            };
            // Without invocation, it may have begun at any time before.
            if complete != operation.invoke {
                inverted += usize::from(rank(complete) < rank(operation.invoke));
                operation.start = rank(operation.invoke).min(rank(complete));
            }
            if operation.end != u64::MAX {
                operation.end = rank(complete).max(rank(operation.invoke));
            }
        }
        let pairs = times.windows(2);
        let backwards = pairs.filter(|pair| pair[1] < pair[0]).count();
        let mut warn = |what: &str, count: usize, meaning: &str| {
            if count > 0 {
                self.warnings.push(format!("{what}: {count}; {meaning}"));
            }
        };
        warn(
            "events with a time before the last one's",
            backwards,
            "operations are ordered by time, not by position",
        );
        warn(
            "operations that end before they begin",
            inverted,
            "they count as lasting from one to the other",
        );
        warn(
            "times of both invocations and completions",
            ties,
            "such operations count as concurrent",
        );
    }

    /// Lets every operation last from the beginning to the end, for no real time is known.
    pub(super) fn overlap_all(&mut self) {
        let end = self.record.len() as u64;
        for operation in &mut self.operations {
            operation.start = 0;
            if operation.end != u64::MAX {
                operation.end = end;
            }
        }
    }

    /// Of each event, whether it is no invocation.
    fn completions(&self) -> Vec<bool> {
        (0..self.record.len())
            .map(|at| self.kind(at) != Kind::Invoke)
            .collect()
    }
}
