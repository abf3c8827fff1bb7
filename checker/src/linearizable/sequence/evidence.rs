//! From a conflict of layers to the operations that show it.

use super::layers::{Conflict, Layers};
use super::{Refuted, Why};

/// What operations of an object show about each other.
pub(super) trait Shown {
    /// Whether it is a read of some kind.
    fn observes(&self, item: usize) -> bool;

    /// Whether an addition's own result tells where it stands.
    fn tells(&self, item: usize) -> bool;

    /// Whether a read found what was added.
    fn shows(&self, read: usize, addition: usize) -> bool;

    /// Whether it follows from a read alone that an addition comes behind it.
    fn lacks(&self, read: usize, addition: usize) -> bool;

    /// A read that shows where an addition stands that does not tell it, the first to end.
    fn witness(&self, addition: usize) -> Option<usize>;

    /// What shows that the second of two additions comes before the first.
    fn reversed(&self, early: usize, late: usize) -> Vec<usize> {
        let mut shown: Vec<usize> = self.witness(early).into_iter().collect();
        let by_itself = |&read: &usize| self.shows(read, late) || self.lacks(read, late);
        if !shown.iter().any(by_itself) {
            shown.extend(self.witness(late));
        }
        shown
    }
}

/// Says of a conflict which operations show it.
pub(super) fn refuted(conflict: &Conflict, layers: &Layers, shown: &impl Shown) -> Refuted {
    match conflict {
        Conflict::Order { early, late } => order(*early, *late, layers, shown),
        Conflict::Short { layer, shown_by } => short(*layer, *shown_by, layers, shown),
        Conflict::Crowded {
            layers: between,
            before,
            behind,
            free,
        } => {
            if let [free] = free[..]
                && shown.observes(*before)
                && shown.lacks(*before, free)
            {
                return refute(Why::Missed, vec![free, *before], layers, shown);
            }
            if let ([free], Some(read)) = (&free[..], shown.witness(*before))
                && shown.lacks(read, *free)
            {
                return refute(Why::Reversed, vec![*free, *before, read], layers, shown);
            }
            let mut operations = vec![*before];
            operations.extend(free);
            let inside = layers.entries.iter().filter(|(at, _)| between.contains(at));
            let inside: Vec<usize> = inside.map(|&(_, item)| item).collect();
            operations.extend(inside.into_iter().filter(|&item| !shown.observes(item)));
            operations.extend(behind);
            with_witnesses(Why::TooMany, operations, layers, shown)
        }
    }
}

fn order(early: usize, late: usize, layers: &Layers, shown: &impl Shown) -> Refuted {
    let mut operations = vec![early, late];
    let why = match (shown.observes(early), shown.observes(late)) {
        (true, false) if !shown.tells(late) && shown.shows(early, late) => {
            let by = layers.spans[early].1;
            return Refuted {
                by,
                operations,
                why: Why::NotYet,
            };
        }
        (true, false) => {
            operations.extend(shown.witness(late));
            Why::Reversed
        }
        (false, true) => Why::Missed,
        (true, true) => Why::Older,
        (false, false) => {
            operations.extend(shown.reversed(early, late));
            Why::Reversed
        }
    };
    refute(why, operations, layers, shown)
}

fn short(layer: usize, shown_by: usize, layers: &Layers, shown: &impl Shown) -> Refuted {
    let end = layers.spans[shown_by].1;
    let mut operations = vec![shown_by];
    let behind = layers.entries.iter().filter(|&&(at, item)| {
        at > layer && item != shown_by && !shown.observes(item) && layers.spans[item].0 <= end
    });
    operations.extend(behind.map(|&(_, item)| item));
    with_witnesses(Why::TooFew, operations, layers, shown)
}

fn with_witnesses(
    why: Why,
    mut operations: Vec<usize>,
    layers: &Layers,
    shown: &impl Shown,
) -> Refuted {
    let witnesses = operations.iter().filter_map(|&item| {
        let addition = !shown.observes(item) && !shown.tells(item);
        addition.then(|| shown.witness(item)).flatten()
    });
    let witnesses: Vec<usize> = witnesses.collect();
    operations.extend(witnesses);
    refute(why, operations, layers, shown)
}

/// By when these operations, with what they show, have no order any more.
pub(super) fn refute(
    why: Why,
    operations: Vec<usize>,
    layers: &Layers,
    shown: &impl Shown,
) -> Refuted {
    let mut once: Vec<usize> = Vec::new();
    for item in operations {
        if !once.contains(&item) {
            once.push(item);
        }
    }
    let known_by = |&item: &usize| {
        let (start, end) = layers.spans[item];
        let shows = shown.observes(item) || shown.tells(item);
        if shows { end } else { start }
    };
    Refuted {
        by: once.iter().map(known_by).max().unwrap_or_default(),
        operations: once,
        why,
    }
}
