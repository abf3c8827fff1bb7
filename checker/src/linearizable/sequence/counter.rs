//! Counters that all increments change by the same amount, so that a number says how many came
//! before: reads stand between them, an increment that got a number is the one of that place, and
//! all others fill the gaps. O(n log n).
//!
//! Otherwise numbers are sums of some of the amounts, and to find out of which is as hard as
//! subset sum; then only what no sum can be is refuted here.

use super::evidence::{Shown, refute, refuted};
use super::layers::{Layers, Placement, spans};
use super::{Refuted, Why};
use crate::linearizable::item::Item;
use crate::model::CounterOp;

/// Whether the operations of a counter that begins at a number have an order; `None` if
/// increments differ.
pub(in crate::linearizable) fn decide(
    items: &[Item<CounterOp>],
    initial: i64,
) -> Option<Result<(), Refuted>> {
    match settle(items, initial) {
        Some(settled) => Some(settled.map(|_| ())),
        None => out_of_bounds(items, initial).map(Err),
    }
}

/// An order of them, if they have one.
pub(in crate::linearizable) fn order(
    items: &[Item<CounterOp>],
    initial: i64,
) -> Option<Vec<usize>> {
    let (layers, placement) = settle(items, initial)?.ok()?;
    Some(layers.order(&placement))
}

/// The amount by which all increments change the counter; any if there are none.
fn amount(items: &[Item<CounterOp>]) -> Option<i128> {
    let mut amounts = items.iter().filter_map(|item| match item.action {
        CounterOp::Increment { by, .. } if by != 0 => Some(i128::from(by)),
        _ => None,
    });
    let first = amounts.next();
    amounts
        .all(|amount| Some(amount) == first)
        .then_some(first.unwrap_or(1))
}

/// What an operation says: how many increments came before it, and whether it is one.
#[derive(Clone, Copy)]
struct Fact {
    /// How many; `None` if it does not tell.
    before: Option<u64>,
    increments: bool,
}

struct Facts(Vec<Fact>);

fn settle(items: &[Item<CounterOp>], initial: i64) -> Option<Result<(Layers, Placement), Refuted>> {
    let amount = amount(items)?;
    let mut layers = Layers {
        spans: spans(items),
        ..Layers::default()
    };
    let mut facts = Facts(Vec::new());
    for (item, action) in items.iter().map(|item| item.action).enumerate() {
        let (value, increments) = match action {
            CounterOp::Read(value) => (Some(i128::from(value)), false),
            CounterOp::Increment { by: 0, value } => (value.map(i128::from), false),
            CounterOp::Increment { by, value } => {
                (value.map(|value| i128::from(value) - i128::from(by)), true)
            }
        };
        let before = value.map(|value| {
            let value = value - i128::from(initial);
            let whole = value % amount == 0;
            u64::try_from(value / amount).ok().filter(|_| whole)
        });
        let impossible = before == Some(None);
        facts.0.push(Fact {
            before: before.flatten(),
            increments,
        });
        if impossible {
            return Some(Err(Refuted {
                by: items[item].end,
                operations: vec![item],
                why: Why::TooMuch,
            }));
        }
    }
    if let Err(refuted) = facts.put_into(&mut layers) {
        return Some(Err(refuted));
    }
    Some(match layers.settle() {
        Ok(placement) => Ok((layers, placement)),
        Err(conflict) => Err(refuted(&conflict, &layers, &facts)),
    })
}

impl Facts {
    fn put_into(&self, layers: &mut Layers) -> Result<(), Refuted> {
        let mut known: Vec<(u64, bool, usize)> = Vec::new();
        for (item, &Fact { before, increments }) in self.0.iter().enumerate() {
            match before {
                Some(before) => known.push((before, increments, item)),
                None if increments => layers.free.push(item),
                // It says nothing; where it is does not matter.
                None if layers.spans[item].1 != u64::MAX => layers.late.push((0, item)),
                None => {}
            }
        }
        known.sort_unstable();
        let mut counted = 0;
        let mut last = None;
        for (before, increments, item) in known {
            if before > counted {
                layers.gaps.push((layers.count, before - counted));
                layers.count += 1;
                counted = before;
            }
            match last {
                Some((_, other)) if before < counted => {
                    return Err(refute(Why::SamePlace, vec![other, item], layers, self));
                }
                Some((last, _)) if last == (before, false) && !increments => {}
                _ => layers.count += 1,
            }
            layers.entries.push((layers.count - 1, item));
            counted += u64::from(increments);
            last = Some(((before, increments), item));
        }
        Ok(())
    }
}

impl Shown for Facts {
    fn observes(&self, item: usize) -> bool {
        !self.0[item].increments
    }

    fn tells(&self, item: usize) -> bool {
        self.0[item].before.is_some()
    }

    fn shows(&self, _read: usize, _addition: usize) -> bool {
        false
    }

    fn lacks(&self, _read: usize, _addition: usize) -> bool {
        false
    }

    fn witness(&self, _addition: usize) -> Option<usize> {
        None
    }
}

/// An operation whose number is more or less than all amounts that can have been added before.
fn out_of_bounds(items: &[Item<CounterOp>], initial: i64) -> Option<Refuted> {
    let amounts = |item: &Item<CounterOp>| match item.action {
        CounterOp::Increment { by, .. } => (i128::from(by.min(0)), i128::from(by.max(0))),
        CounterOp::Read(_) => (0, 0),
    };
    let ended = Sums::new(items.iter().map(|item| (item.end, amounts(item))));
    let begun = Sums::new(items.iter().map(|item| (item.start, amounts(item))));
    let mut wrong: Vec<(u64, usize)> = Vec::new();
    for (at, item) in items.iter().enumerate() {
        let (by, value) = match item.action {
            CounterOp::Read(value) => (0, Some(value)),
            CounterOp::Increment { by, value } => (by, value),
        };
        let Some(value) = value else { continue };
        let before = i128::from(value) - i128::from(by) - i128::from(initial);
        let (own_less, own_more) = amounts(item);
        // What ended before certainly counts; what else had begun may, itself excepted.
        let (sure_less, sure_more) = ended.below(item.start);
        let (less, more) = begun.below(item.end.saturating_add(1));
        let lowest = sure_more + less - own_less;
        let highest = sure_less + more - own_more;
        if before < lowest || before > highest {
            wrong.push((item.end, at));
        }
    }
    wrong.into_iter().min().map(|(by, at)| Refuted {
        by,
        operations: vec![at],
        why: Why::TooMuch,
    })
}

/// Sums of negative and of positive amounts by moment.
struct Sums(Vec<(u64, (i128, i128))>);

impl Sums {
    fn new(amounts: impl Iterator<Item = (u64, (i128, i128))>) -> Sums {
        let mut list: Vec<_> = amounts.collect();
        list.sort_unstable();
        let mut sum = (0, 0);
        for (_, amount) in &mut list {
            sum = (sum.0 + amount.0, sum.1 + amount.1);
            *amount = sum;
        }
        Sums(list)
    }

    /// Of all before a moment.
    fn below(&self, moment: u64) -> (i128, i128) {
        let count = self.0.partition_point(|&(at, _)| at < moment);
        count.checked_sub(1).map_or((0, 0), |last| self.0[last].1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(at: usize, action: CounterOp) -> Item<CounterOp> {
        Item {
            operation: at,
            action,
            start: 2 * at as u64,
            end: 2 * at as u64 + 1,
            returned: at,
        }
    }

    #[test]
    fn it_need_not_begin_at_zero() {
        let add = |by, value| CounterOp::Increment { by, value };
        let same = [item(0, add(3, Some(8))), item(1, CounterOp::Read(8))];
        assert_eq!(decide(&same, 5), Some(Ok(())));
        assert_eq!(order(&same, 5), Some(vec![0, 1]));
        assert!(decide(&same, 0).is_some_and(|decided| decided.is_err()));
        let mixed = [
            item(0, add(3, None)),
            item(1, add(-1, None)),
            item(2, CounterOp::Read(7)),
        ];
        assert_eq!(decide(&mixed, 5), None);
        assert!(decide(&mixed, 0).is_some_and(|decided| decided.is_err()));
    }
}
