//! What counting shows of containers whose elements may be there more than once: see [`Tally`].
//!
//! Enough of it shows that there is no order; that nothing shows it says nothing. `O(n log n)` but
//! for queues, where it is `O(n)` for each value that was taken.

use std::collections::BTreeSet;

use super::elements::Step;
use super::refuted::{Refuted, Why};
use crate::linearizable::item::Item;
use crate::linearizable::tally::Tally;

/// In which order a container gives its elements back, as far as counting says something about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gives {
    /// The one that was put in first.
    First,
    /// The one of the greatest number.
    Greatest,
    /// Some other one.
    Other,
}

/// So many counts are changed to find out who overtook whom, at most.
const MOST_COUNTS: usize = 1 << 26;
/// So many operations on one value are named for a person, of each kind.
const MOST_SHOWN: usize = 3;

/// A moment as a rank, and the item that began or ended then.
type Moment = (u64, usize);

/// The operations on one value, each kind by moment.
#[derive(Clone, Debug, Default)]
struct OfValue {
    put_starts: Vec<Moment>,
    put_ends: Vec<Moment>,
    take_ends: Vec<Moment>,
    looks: Vec<usize>,
}

/// The same of all values.
struct Counts<'a, A> {
    items: &'a [Item<A>],
    steps: Vec<Step>,
    of_value: Vec<OfValue>,
    /// Ends of puts, with their values.
    put_ends: Vec<(u64, u32)>,
}

/// Looks for the earliest moment by which counting shows that there is no order. The items are
/// sorted by start; of [`Gives::Greatest`] the numbers of values are in their order.
pub(super) fn refute<A>(
    items: &[Item<A>],
    step: impl Fn(&A) -> Step,
    gives: Gives,
) -> Option<Refuted> {
    let counts = Counts::new(items, step);
    let found = [
        counts.too_often(),
        counts.still_there(gives),
        match gives {
            Gives::First => counts.overtaken(),
            Gives::Greatest | Gives::Other => None,
        },
    ];
    (found.into_iter().flatten()).min_by_key(|refuted| refuted.by)
}

impl<'a, A> Counts<'a, A> {
    fn new(items: &'a [Item<A>], step: impl Fn(&A) -> Step) -> Counts<'a, A> {
        let mut counts = Counts {
            items,
            steps: Vec::with_capacity(items.len()),
            of_value: Vec::new(),
            put_ends: Vec::new(),
        };
        for (at, item) in items.iter().enumerate() {
            let step = step(&item.action);
            counts.steps.push(step);
            let (Step::Put(value) | Step::Take(Some(value)) | Step::Look(value)) = step else {
                continue;
            };
            if counts.of_value.len() <= value as usize {
                (counts.of_value).resize_with(value as usize + 1, OfValue::default);
            }
            let of_value = &mut counts.of_value[value as usize];
            match step {
                Step::Put(_) => {
                    of_value.put_starts.push((item.start, at));
                    if !item.pending() {
                        of_value.put_ends.push((item.end, at));
                        counts.put_ends.push((item.end, value));
                    }
                }
                Step::Take(_) if !item.pending() => of_value.take_ends.push((item.end, at)),
                Step::Look(_) if !item.pending() => of_value.looks.push(at),
                _ => {}
            }
        }
        for of_value in &mut counts.of_value {
            of_value.put_ends.sort_unstable();
            of_value.take_ends.sort_unstable();
        }
        counts.put_ends.sort_unstable();
        counts
    }

    /// Of every operation that takes or sees a value, by the moment at which it ended: that, which
    /// one it is, and how many of that value had been taken or seen by then, itself included. A
    /// look adds one to the takes that had ended before it began.
    fn demands(&self, value: &OfValue) -> Vec<(u64, usize, usize)> {
        let takes = (1..).zip(&value.take_ends);
        let takes = takes.map(|(count, &(end, at))| (end, at, count));
        let looks = value.looks.iter().map(|&at| {
            let item = &self.items[at];
            (item.end, at, before(&value.take_ends, item.start) + 1)
        });
        let mut demands: Vec<(u64, usize, usize)> = takes.chain(looks).collect();
        demands.sort_unstable();
        demands
    }

    fn too_often(&self) -> Option<Refuted> {
        let of_value = |value: &OfValue| {
            let mut demands = self.demands(value).into_iter();
            let (by, at, _) =
                demands.find(|&(end, _, count)| by_moment(&value.put_starts, end) < count)?;
            let mut operations = vec![at];
            let takes = &value.take_ends[..by_moment(&value.take_ends, by)];
            let puts = &value.put_starts[..by_moment(&value.put_starts, by)];
            operations.extend(last(takes).filter(|&other| other != at));
            operations.extend(last(puts));
            Some(tallied(Tally::TooOften, by, operations))
        };
        let found = self.of_value.iter().filter_map(of_value);
        found.min_by_key(|refuted| refuted.by)
    }

    /// Whoever found nothing, or less than what was certainly there.
    fn still_there(&self, gives: Gives) -> Option<Refuted> {
        let greatest = self.greatest();
        let violated = |&at: &usize| {
            let item = &self.items[at];
            let least = match self.steps[at] {
                Step::Empty => 0,
                Step::Take(Some(value)) | Step::Look(value) if gives == Gives::Greatest => {
                    value + 1
                }
                _ => return false,
            };
            let from = greatest.partition_point(|&(start, _)| start < item.start);
            let mut while_open =
                (greatest[from..].iter()).take_while(|&&(start, _)| start <= item.end);
            !item.pending()
                && while_open.all(|&(_, there)| there.is_some_and(|there| there >= least))
        };
        let found = (0..self.items.len()).filter(violated);
        let at = found.min_by_key(|&at| self.items[at].end)?;
        let item = &self.items[at];
        let from = greatest.partition_point(|&(start, _)| start < item.start);
        let mut operations = vec![at];
        for &(start, there) in &greatest[from..] {
            if start > item.end || operations.len() > 2 * MOST_SHOWN {
                break;
            }
            let there = &self.of_value[there.expect("something was there") as usize];
            let puts = &there.put_ends[..before(&there.put_ends, start)];
            let shown = last(puts).next().filter(|put| !operations.contains(put));
            operations.extend(shown);
        }
        let tally = match self.steps[at] {
            Step::Empty => Tally::NotEmpty,
            _ => Tally::Outranked,
        };
        Some(tallied(tally, item.end, operations))
    }

    /// At every moment at which an operation began: the greatest value of which more puts had ended
    /// before than takes had begun.
    fn greatest(&self) -> Vec<(u64, Option<u32>)> {
        let mut greatest = Vec::with_capacity(self.items.len());
        let mut inside = vec![0_i64; self.of_value.len()];
        // What may have been taken by operations of which nobody knows what they took.
        let mut unknown = 0;
        let mut certain: BTreeSet<u32> = BTreeSet::new();
        let mut put_ends = self.put_ends.iter().peekable();
        let mut next = 0;
        while let Some(item) = self.items.get(next) {
            let now = item.start;
            while let Some(&(_, value)) = put_ends.next_if(|&&(end, _)| end < now) {
                inside[value as usize] += 1;
                if inside[value as usize] > unknown {
                    certain.insert(value);
                }
            }
            while self.items.get(next).is_some_and(|item| item.start == now) {
                match self.steps[next] {
                    Step::Take(Some(value)) => {
                        inside[value as usize] -= 1;
                        if inside[value as usize] <= unknown {
                            certain.remove(&value);
                        }
                    }
                    Step::Take(None) => {
                        unknown += 1;
                        certain.retain(|&value| inside[value as usize] > unknown);
                    }
                    Step::Put(_) | Step::Look(_) | Step::Empty => {}
                }
                next += 1;
            }
            greatest.push((now, certain.last().copied()));
        }
        greatest
    }

    /// Of every value that was taken: when as many of it had been put in as were taken, had more of
    /// another one been put in before than were taken by then?
    fn overtaken(&self) -> Option<Refuted> {
        let each = (self.put_ends.len() + self.items.len()).max(1);
        let taken = |value: &&OfValue| !value.take_ends.is_empty() || !value.looks.is_empty();
        let values = self.of_value.iter().filter(taken);
        let found = values
            .take(MOST_COUNTS.div_ceil(each))
            .filter_map(|value| self.overtakes(value));
        found.min_by_key(|refuted| refuted.by)
    }

    fn overtakes(&self, value: &OfValue) -> Option<Refuted> {
        // Of every value, how many more were put in by then than can have been taken.
        let mut inside = vec![0_i64; self.of_value.len()];
        let mut unknown = 0;
        let mut put_ends = self.put_ends.iter().peekable();
        let mut begun = (0..self.items.len()).peekable();
        let mut most = 0;
        for (by, at, count) in self.demands(value) {
            // More of it was wanted earlier.
            if count <= most {
                continue;
            }
            most = count;
            let &(put_start, put) = value.put_starts.get(count - 1)?;
            let mut touched = Vec::new();
            while let Some(&(_, other)) = put_ends.next_if(|&&(end, _)| end < put_start) {
                inside[other as usize] += 1;
                touched.push(other as usize);
            }
            while let Some(item) = begun.next_if(|&item| self.items[item].start <= by) {
                match self.steps[item] {
                    Step::Take(Some(other)) => inside[other as usize] -= 1,
                    Step::Take(None) => unknown += 1,
                    Step::Put(_) | Step::Look(_) | Step::Empty => {}
                }
            }
            let this = |other: &usize| std::ptr::eq(&raw const self.of_value[*other], value);
            let overtaken = |other: &usize| inside[*other] > unknown && !this(other);
            if let Some(other) = touched.into_iter().find(overtaken) {
                let other = &self.of_value[other];
                let puts = &other.put_ends[..before(&other.put_ends, put_start)];
                let takes = &other.take_ends[..by_moment(&other.take_ends, by)];
                let mut operations = vec![at];
                operations.extend(last(puts).take(1));
                operations.push(put);
                operations.extend(last(takes).take(1));
                return Some(tallied(Tally::Overtaken, by, operations));
            }
        }
        None
    }
}

/// How many of these were before a moment.
fn before(moments: &[Moment], moment: u64) -> usize {
    moments.partition_point(|&(rank, _)| rank < moment)
}

/// How many of these were before a moment, or at it.
fn by_moment(moments: &[Moment], moment: u64) -> usize {
    moments.partition_point(|&(rank, _)| rank <= moment)
}

/// The last few, from the last on.
fn last(moments: &[Moment]) -> impl Iterator<Item = usize> {
    moments.iter().rev().map(|&(_, at)| at).take(MOST_SHOWN)
}

fn tallied(tally: Tally, by: u64, operations: Vec<usize>) -> Refuted {
    Refuted {
        by,
        operations,
        why: Why::Tally(tally),
    }
}
