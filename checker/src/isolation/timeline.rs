//! Beginnings and ends of transactions in real time, in order.

use polygraph_history::Outcome;

use super::participants::Participants;
use super::view::{NONE, View};

/// Something that happens at one rank of real time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    /// A transaction begins.
    Begin(u32),
    /// A transaction ends. One whose end is not known never does.
    End(u32),
}

/// Beginnings and ends of the transactions that took place. Those whose beginning is not
/// recorded are left out: they precede nothing and nothing precedes them.
pub(super) struct Timeline {
    begin: Vec<u32>,
    end: Vec<u32>,
    /// Transactions that took place at a time that was not recorded.
    timeless: Vec<u32>,
}

impl Timeline {
    pub(super) fn new(participants: &Participants<'_>) -> Timeline {
        // Ranks are positions among the events.
        let ranks = participants.history.events().len();
        let mut timeline = Timeline {
            begin: vec![NONE; ranks],
            end: vec![NONE; ranks],
            timeless: Vec::new(),
        };
        for txn in 0..participants.count() {
            if !participants.committed[txn as usize] {
                continue;
            }
            let operation = participants.operation(txn);
            if operation.complete == Some(operation.invoke) {
                timeline.timeless.push(txn);
                continue;
            }
            timeline.begin[operation.start as usize] = txn;
            if operation.outcome == Outcome::Ok && operation.end != u64::MAX {
                timeline.end[operation.end as usize] = txn;
            }
        }
        timeline
    }

    /// All moments in order; at one rank what begins comes before what ends.
    pub(super) fn moments(&self) -> impl Iterator<Item = Moment> + '_ {
        self.begin.iter().zip(&self.end).flat_map(|(&begin, &end)| {
            let begin = (begin != NONE).then_some(Moment::Begin(begin));
            let end = (end != NONE).then_some(Moment::End(end));
            begin.into_iter().chain(end)
        })
    }

    /// How many pairs of acknowledged transactions overlap in time and use a common list that at
    /// least one of them appends to, counted once for each such list.
    pub(super) fn opportunities(&self, view: &View<'_>) -> u64 {
        let mut count = Overlaps {
            view,
            appending: vec![0; view.keys.len()],
            reading: vec![0; view.keys.len()],
            pairs: 0,
            lists: Vec::new(),
        };
        let acknowledged = |txn: u32| view.txns[txn as usize].outcome == Outcome::Ok;
        for &txn in self.timeless.iter().filter(|&&txn| acknowledged(txn)) {
            count.begin(txn);
        }
        for moment in self.moments() {
            match moment {
                Moment::Begin(txn) if acknowledged(txn) => count.begin(txn),
                Moment::Begin(_) => {}
                Moment::End(txn) => count.end(txn),
            }
        }
        count.pairs
    }
}

/// How many open transactions use each list.
struct Overlaps<'v, 'h> {
    view: &'v View<'h>,
    appending: Vec<u64>,
    reading: Vec<u64>,
    pairs: u64,
    /// The lists of one transaction, and whether it appends to them.
    lists: Vec<(u32, bool)>,
}

impl Overlaps<'_, '_> {
    fn collect(&mut self, txn: u32) {
        let (view, lists) = (self.view, &mut self.lists);
        lists.clear();
        lists.extend(
            view.appends_of(txn)
                .map(|append| (view.appends[append as usize].key, true)),
        );
        lists.extend(
            view.reads_of(txn)
                .map(|read| (view.reads[read as usize].key, false)),
        );
        lists.sort_unstable_by_key(|&(key, appends)| (key, !appends));
        lists.dedup_by_key(|&mut (key, _)| key);
    }

    fn begin(&mut self, txn: u32) {
        self.collect(txn);
        for &(key, appends) in &self.lists {
            let key = key as usize;
            self.pairs += self.appending[key];
            if appends {
                self.pairs += self.reading[key];
                self.appending[key] += 1;
            } else {
                self.reading[key] += 1;
            }
        }
    }

    fn end(&mut self, txn: u32) {
        self.collect(txn);
        for &(key, appends) in &self.lists {
            let open = if appends {
                &mut self.appending
            } else {
                &mut self.reading
            };
            open[key as usize] -= 1;
        }
    }
}
