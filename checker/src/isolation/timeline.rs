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
            lists: vec![Uses::default(); view.keys.len()],
            pairs: 0,
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

/// How many open transactions use a list.
#[derive(Clone, Copy, Default)]
struct Uses {
    appending: u32,
    /// Those that do not append to it.
    reading: u32,
    /// What looked at it last: of each transaction one number when it begins and one when it ends.
    seen: u64,
}

struct Overlaps<'v, 'h> {
    view: &'v View<'h>,
    lists: Vec<Uses>,
    pairs: u64,
}

impl Overlaps<'_, '_> {
    /// Each list that a transaction uses, once, and whether it appends to it.
    fn each(&mut self, txn: u32, visit: u64, mut tell: impl FnMut(&mut Uses, bool)) {
        let view = self.view;
        let appends = view.appends_of(txn);
        let appended = appends.map(|append| (view.appends[append as usize].key, true));
        let reads = view.reads_of(txn);
        let read = reads.map(|read| (view.reads[read as usize].key, false));
        for (key, appends) in appended.chain(read) {
            let uses = &mut self.lists[key as usize];
            if std::mem::replace(&mut uses.seen, visit) != visit {
                tell(uses, appends);
            }
        }
    }

    fn begin(&mut self, txn: u32) {
        let mut pairs = 0;
        self.each(txn, 2 * u64::from(txn) + 1, |uses, appends| {
            pairs += u64::from(uses.appending);
            if appends {
                pairs += u64::from(uses.reading);
                uses.appending += 1;
            } else {
                uses.reading += 1;
            }
        });
        self.pairs += pairs;
    }

    fn end(&mut self, txn: u32) {
        self.each(txn, 2 * u64::from(txn) + 2, |uses, appends| {
            let open = if appends {
                &mut uses.appending
            } else {
                &mut uses.reading
            };
            *open -= 1;
        });
    }
}
