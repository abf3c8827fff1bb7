//! Until when an operation of unknown outcome is of any use, for every model that says which
//! operations make which others possible ([`Model::enables`]).
//!
//! Whoever is of unknown outcome need not have taken effect. So it is of use only while something
//! is left that may be possible because of it: an operation that took effect, or another one of
//! unknown outcome that is of use itself. (By hand in etcd's tests: etcd PR 20131 and 20161.)
//! Past that moment it can be left out of every order: leave the last of them out first, then
//! nothing comes after it that it makes possible.
//!
//! Of what has ended the same could be said where something else overwrites it: at the moment at
//! which that takes effect, whoever is open and makes nothing possible any more may take effect just
//! before, for nothing. But an operation is of no use only after the last that it makes possible, and
//! with few values, where the search has to work, that is near the end of the history: of ten
//! thousand operations on five values, half of them reads, all but the last few dozen writes are read
//! later. With many values objects are decided without a search. So it is not done.
//!
//! What had ended by an event has the same answer with and without the rest of the history: what
//! ends later is still to come at that event, and whoever makes it possible is of use until then.

use std::cmp::Reverse;

use super::timeline::Classes;
use crate::linearizable::item::Item;
use crate::model::Model;

/// So many pairs of operations are compared at most; beyond that everything may be of use.
const MOST_PAIRS: usize = 1 << 24;

/// Until which rank each class of operations is of use where its outcome is unknown.
pub(super) struct Uses {
    /// By class; empty if nothing is known.
    until: Vec<u64>,
}

impl Uses {
    /// Everything may be of use at any time.
    pub(super) const fn unknown() -> Uses {
        Uses { until: Vec::new() }
    }

    /// Works it out, in as many comparisons as there are pairs of an operation of unknown outcome
    /// and another one, at most; far fewer where something late is made possible by many.
    pub(super) fn new<M: Model>(
        model: &M,
        items: &[Item<M::Op>],
        classes: &Classes<'_, M::Op>,
    ) -> Uses {
        Uses::within(MOST_PAIRS, model, items, classes)
    }

    /// The same in so many comparisons at most.
    pub(super) fn within<M: Model>(
        most_pairs: usize,
        model: &M,
        items: &[Item<M::Op>],
        classes: &Classes<'_, M::Op>,
    ) -> Uses {
        let mut pending = vec![false; classes.ops.len()];
        let mut ends: Vec<Option<u64>> = vec![None; classes.ops.len()];
        for (item, &class) in items.iter().zip(&classes.of_item) {
            match item.pending() {
                true => pending[class as usize] = true,
                false => ends[class as usize] = ends[class as usize].max(Some(item.end)),
            }
        }
        let mut until = vec![u64::MAX; classes.ops.len()];
        let mut pending: Vec<usize> = (0..pending.len()).filter(|&at| pending[at]).collect();
        if pending.is_empty() {
            return Uses::unknown();
        }
        let mut pairs = 0;
        // Those that end last come first, so that the first that is made possible settles it.
        let mut ended: Vec<(u64, usize)> = (ends.iter().enumerate())
            .filter_map(|(class, &end)| Some((end?, class)))
            .collect();
        ended.sort_by_key(|&(end, class)| (Reverse(end), class));
        for &class in &pending {
            let op = classes.ops[class];
            if model.only_observes(op) {
                until[class] = 0;
                continue;
            }
            if pairs >= most_pairs {
                continue;
            }
            let enabled = |&&(_, later): &&(u64, usize)| {
                pairs += 1;
                model.enables(op, classes.ops[later])
            };
            until[class] = ended.iter().find(enabled).map_or(0, |&(end, _)| end);
        }
        // Who makes another one possible is of use as long as that one is. Nothing that is left
        // is of use for longer than the one that is settled.
        pending.sort_by_key(|&class| (until[class], Reverse(class)));
        while let Some(settled) = pending.pop() {
            if until[settled] == 0 {
                break;
            }
            pairs += pending.len();
            if pairs > most_pairs {
                for &class in pending
                    .iter()
                    .filter(|&&class| !observes(model, classes, class))
                {
                    until[class] = u64::MAX;
                }
                break;
            }
            let mut raised = false;
            for &class in &pending {
                if until[class] < until[settled]
                    && model.enables(classes.ops[class], classes.ops[settled])
                {
                    until[class] = until[settled];
                    raised = true;
                }
            }
            if raised {
                pending.sort_by_key(|&class| (until[class], Reverse(class)));
            }
        }
        Uses { until }
    }

    /// Until which rank a class is of use.
    pub(super) fn until(&self, class: u32) -> u64 {
        self.until.get(class as usize).copied().unwrap_or(u64::MAX)
    }
}

fn observes<M: Model>(model: &M, classes: &Classes<'_, M::Op>, class: usize) -> bool {
    model.only_observes(classes.ops[class])
}
