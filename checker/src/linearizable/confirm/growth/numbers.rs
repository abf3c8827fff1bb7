//! Counters.

use super::{Operation, Pattern, any_pair};

/// What an operation says: by how much it changed the counter, and where that stood afterwards.
#[derive(Clone, Copy)]
pub(super) struct Said {
    by: i128,
    value: Option<i128>,
}

type Change = Operation<Said>;

impl Change {
    /// Where the counter stood before and after it, if it had ended and tells.
    fn shown(&self) -> Option<(i128, i128)> {
        let value = self.said.value.filter(|_| self.certain())?;
        Some((value - self.said.by, value))
    }
}

/// The prefix of a counter.
pub(super) struct Numbers {
    all: Vec<Change>,
    initial: i128,
    /// Whether no increment goes down.
    grows: bool,
}

impl Numbers {
    /// Of a counter that begins there. One that only goes down is turned around.
    pub(super) fn new(prefix: Vec<Operation<(i64, Option<i64>)>>, initial: i128) -> Numbers {
        let any = |down: bool| {
            let other_way = |by: i64| if down { by < 0 } else { by > 0 };
            prefix.iter().any(|operation| other_way(operation.said.0))
        };
        let (up, down) = (any(false), any(true));
        let sign = if down && !up { -1 } else { 1 };
        let change = |operation: Operation<(i64, Option<i64>)>| Operation {
            start: operation.start,
            end: operation.end,
            kept: operation.kept,
            said: Said {
                by: sign * i128::from(operation.said.0),
                value: operation.said.1.map(|value| sign * i128::from(value)),
            },
        };
        Numbers {
            all: prefix.into_iter().map(change).collect(),
            initial: sign * initial,
            grows: !(up && down),
        }
    }

    /// Whether what is kept shows the pattern.
    pub(super) fn show(&self, pattern: Pattern) -> bool {
        let kept = || (self.all.iter().enumerate()).filter(|(_, change)| change.kept);
        match pattern {
            Pattern::TooMuch => kept().any(|(at, _)| self.impossible(at)),
            _ if !self.grows => false,
            Pattern::Missed | Pattern::Older | Pattern::Reversed => {
                any_pair(&self.all, |earlier, later| {
                    let shown = earlier.shown().zip(later.shown());
                    let less = shown.is_some_and(|((_, after), (before, _))| before < after);
                    less && earlier.end < later.start
                })
            }
            Pattern::SamePlace => any_pair(&self.all, |one, other| {
                let shown = one.shown().zip(other.shown());
                let same = shown.is_some_and(|((_, one), (_, other))| one == other);
                same && one.said.by != 0 && other.said.by != 0
            }),
            Pattern::TooFew => kept().any(|(at, _)| self.too_few(at)),
            Pattern::TooMany => kept().any(|(_, change)| self.too_many(change)),
            Pattern::Diverge | Pattern::Phantom | Pattern::Twice | Pattern::NotYet => false,
        }
    }

    /// Whether no sum of what may have been added before gives what it found.
    fn impossible(&self, at: usize) -> bool {
        let change = &self.all[at];
        let Some((before, _)) = change.shown() else {
            return false;
        };
        let (mut least, mut most, mut divisor) = (self.initial, self.initial, 0);
        for (other, step) in self.all.iter().enumerate() {
            if other == at || step.start > change.end {
                continue;
            }
            let by = step.said.by;
            let certain = step.end < change.start;
            least += if certain { by } else { by.min(0) };
            most += if certain { by } else { by.max(0) };
            divisor = greatest_common_divisor(divisor, by);
        }
        let whole = divisor == 0 || (before - self.initial) % divisor == 0;
        before < least || before > most || !whole
    }

    /// Whether all that had begun does not give what it found, but for those that come behind it
    /// because they found as much or more.
    fn too_few(&self, at: usize) -> bool {
        let change = &self.all[at];
        let Some((before, _)) = change.shown() else {
            return false;
        };
        let begun = self.all.iter().enumerate();
        let begun = begun.filter(|&(other, step)| other != at && step.start <= change.end);
        let ahead = begun.filter(|(_, step)| {
            let found = step.said.value.map(|value| value - step.said.by);
            found.is_none_or(|found| found < before)
        });
        let sum: i128 = ahead.map(|(_, step)| step.said.by).sum();
        self.initial + sum < before
    }

    /// Whether more than it found came before it for certain: since the beginning, or since an
    /// operation that shows what was there.
    fn too_many(&self, change: &Change) -> bool {
        let Some((before, _)) = change.shown() else {
            return false;
        };
        let certain = || self.all.iter().filter(|step| step.certain());
        // Those that do not tell what they found are between by time, the others by that.
        let untold = certain().filter(|step| step.said.value.is_none());
        let untold = untold.filter(|step| step.end < change.start);
        let untold = Sums::new(untold.map(|step| (i128::from(step.start), step.said.by)));
        let told = certain().filter_map(|step| Some((step.shown()?, step.said.by)));
        let told = told.filter(|&((_, after), by)| by > 0 && after <= before);
        let told = Sums::new(told.map(|((found, _), by)| (found, by)));
        let more =
            |moment: i128, stood: i128| stood + untold.from(moment + 1) + told.from(stood) > before;
        let mut shown: Vec<(u64, i128)> = certain()
            .filter(|step| step.end < change.start)
            .filter_map(|step| Some((step.end, step.shown()?.1)))
            .collect();
        shown.sort_unstable();
        let mut stood = self.initial;
        more(-1, stood)
            || shown.into_iter().any(|(end, after)| {
                stood = stood.max(after);
                more(end.into(), stood)
            })
    }
}

fn greatest_common_divisor(mut one: i128, mut other: i128) -> i128 {
    while other != 0 {
        (one, other) = (other, one % other);
    }
    one
}

/// Sums of amounts by a number that each has.
struct Sums {
    /// Sorted; with the sum of this amount and all behind it.
    of: Vec<(i128, i128)>,
}

impl Sums {
    fn new(amounts: impl Iterator<Item = (i128, i128)>) -> Sums {
        let mut of: Vec<(i128, i128)> = amounts.collect();
        of.sort_unstable();
        let mut sum = 0;
        for (_, amount) in of.iter_mut().rev() {
            sum += *amount;
            *amount = sum;
        }
        Sums { of }
    }

    /// Of all whose number is not less.
    fn from(&self, least: i128) -> i128 {
        let first = self.of.partition_point(|&(number, _)| number < least);
        self.of.get(first).map_or(0, |&(_, sum)| sum)
    }
}
