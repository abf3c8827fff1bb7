//! Who took part: what every data model tells of its transactions besides data.

use std::cell::OnceCell;

use polygraph_history::{EventIndex, History, Operation, Outcome};

use super::timeline::Timeline;

/// Transactions by number, in the order of their invocations.
pub(super) struct Participants<'h> {
    pub(super) history: &'h History,
    /// Of each transaction its position in [`History::operations`].
    operation: Vec<u32>,
    /// Of each whether it certainly took place: it said so, or was observed.
    pub(super) committed: Vec<bool>,
    timeline: OnceCell<Timeline>,
}

/// When transactions begin and end, as ranks of real time; one whose end is not known never ends.
#[derive(Default)]
pub(super) struct Spans {
    pub(super) start: Vec<u64>,
    pub(super) end: Vec<u64>,
}

impl<'h> Participants<'h> {
    /// Transactions by their positions in [`History::operations`], ascending, and of each whether
    /// it certainly took place.
    pub(super) fn new(history: &'h History, operation: Vec<u32>, committed: Vec<bool>) -> Self {
        Participants {
            history,
            operation,
            committed,
            timeline: OnceCell::new(),
        }
    }

    /// How many transactions there are, whatever became of them.
    pub(super) fn count(&self) -> u32 {
        self.operation.len() as u32
    }

    /// A transaction as the history has it.
    pub(super) fn operation(&self, txn: u32) -> &'h Operation {
        &self.history.operations()[self.operation[txn as usize] as usize]
    }

    /// The event that invoked a transaction.
    pub(super) fn invocation(&self, txn: u32) -> EventIndex {
        self.operation(txn).invoke
    }

    /// When each began and ended.
    pub(super) fn spans(&self) -> Spans {
        let operations = || (0..self.count()).map(|txn| self.operation(txn));
        Spans {
            start: operations().map(|operation| operation.start).collect(),
            end: operations().map(|operation| operation.end).collect(),
        }
    }

    /// Beginnings and ends of those that took place.
    pub(super) fn timeline(&self) -> &Timeline {
        self.timeline.get_or_init(|| Timeline::new(self))
    }

    /// From each transaction to the next ones of its session, and whether the first also ended in
    /// real time before the second began. A session that two processes share may do several
    /// things at once.
    pub(super) fn sessions(&self) -> Vec<(u32, u32, bool)> {
        let operations = self.history.operations();
        let count = operations.iter().map(|op| op.session as usize + 1).max();
        // Of each session the acknowledged transactions that nothing later replaces.
        let mut latest: Vec<Vec<u32>> = vec![Vec::new(); count.unwrap_or(0)];
        let followed_by = |a: u32, b: u32| {
            let (a, b) = (self.operation(a), self.operation(b));
            a.complete.is_some_and(|end| end < b.invoke)
        };
        let mut pairs = Vec::new();
        for txn in 0..self.count() {
            if !self.committed[txn as usize] {
                continue;
            }
            let operation = self.operation(txn);
            let latest = &mut latest[operation.session as usize];
            // One thing after the other, as most sessions are.
            if let [first, second] = latest[..]
                && followed_by(first, second)
                && followed_by(second, txn)
            {
                pairs.push((second, txn, self.operation(second).precedes(operation)));
                latest.remove(0);
                if operation.outcome == Outcome::Ok {
                    latest.push(txn);
                }
                continue;
            }
            let before: Vec<u32> = latest
                .iter()
                .copied()
                .filter(|&earlier| followed_by(earlier, txn))
                .collect();
            let replaced = |earlier: u32| before.iter().any(|&other| followed_by(earlier, other));
            latest.retain(|&earlier| !(before.contains(&earlier) && replaced(earlier)));
            for &earlier in before.iter().filter(|&&earlier| !replaced(earlier)) {
                pairs.push((earlier, txn, self.operation(earlier).precedes(operation)));
            }
            if operation.outcome == Outcome::Ok {
                latest.push(txn);
            }
        }
        pairs
    }
}
