//! What the tests have to know of each object: a second, naive definition of it, and how its
//! results may be wrong.

use std::collections::BTreeSet;
use std::fmt::Debug;

use super::super::{Refuted, counter, grow_set, ids, list, log};
use super::random::Rng;
use crate::linearizable::item::Item;
use crate::model::persistent::Elements;
use crate::model::{
    Counter, CounterOp, Generate, GrowSet, GrowSetOp, IdSource, List, ListOp, Log, LogOp, Model,
};

/// An object under test.
pub(super) trait Subject {
    type Op: Clone + Debug;
    type State: Default + Clone;
    type Model: Model<Op = Self::Op> + Default;

    /// An operation as it is invoked; `value` for what it adds.
    fn draw(rng: &mut Rng, value: u32) -> Self::Op;
    /// Performs it, and fills in its result.
    fn perform(state: &mut Self::State, op: &Self::Op) -> Self::Op;
    /// Changes its result.
    fn change(rng: &mut Rng, op: &mut Self::Op);
    /// The operation if its result is not known; `None` if nothing remains.
    fn without_result(op: &Self::Op) -> Option<Self::Op>;
    /// Whether nothing but its result matters.
    fn observes(op: &Self::Op) -> bool {
        Self::without_result(op).is_none()
    }
    /// The naive definition.
    fn step(state: &Self::State, op: &Self::Op) -> Option<Self::State>;
    /// With all values renamed one to one.
    fn renamed(op: &Self::Op) -> Self::Op;

    fn decide(items: &[Item<Self::Op>]) -> Option<Result<(), Refuted>>;
    fn order(items: &[Item<Self::Op>]) -> Option<Vec<usize>>;
}

/// Changes a list a little.
fn change_list(rng: &mut Rng, list: &mut Vec<u32>) {
    let at = rng.below(list.len() + 1);
    match rng.below(5) {
        0 => list.truncate(at),
        1 => list.insert(at, 1 + rng.below(8) as u32),
        2 if at < list.len() => {
            list.remove(at);
        }
        3 if at + 1 < list.len() => list.swap(at, at + 1),
        _ => list.push(1 + rng.below(8) as u32),
    }
}

/// One to one, and in another order.
fn rename(value: u32) -> u32 {
    value ^ 0x55
}

fn changed(rng: &mut Rng, elements: &[u32]) -> Elements<u32> {
    let mut list = elements.to_vec();
    change_list(rng, &mut list);
    list.into_iter().collect()
}

fn renamed(elements: &[u32]) -> Elements<u32> {
    elements.iter().copied().map(rename).collect()
}

pub(super) struct Lists;

impl Subject for Lists {
    type Op = ListOp<u32>;
    type State = Vec<u32>;
    type Model = List<u32>;

    fn draw(rng: &mut Rng, value: u32) -> ListOp<u32> {
        match rng.one_in(2) {
            true => ListOp::Append(value),
            false => ListOp::Read([].into_iter().collect()),
        }
    }

    fn perform(state: &mut Vec<u32>, op: &ListOp<u32>) -> ListOp<u32> {
        match op {
            ListOp::Append(value) => {
                state.push(*value);
                op.clone()
            }
            ListOp::Read(_) => ListOp::Read(state.iter().copied().collect()),
        }
    }

    fn change(rng: &mut Rng, op: &mut ListOp<u32>) {
        if let ListOp::Read(elements) = op {
            *elements = changed(rng, elements);
        }
    }

    fn without_result(op: &ListOp<u32>) -> Option<ListOp<u32>> {
        matches!(op, ListOp::Append(_)).then(|| op.clone())
    }

    fn step(state: &Vec<u32>, op: &ListOp<u32>) -> Option<Vec<u32>> {
        match op {
            ListOp::Append(value) => Some([&state[..], &[*value]].concat()),
            ListOp::Read(elements) => (**elements == **state).then(|| state.clone()),
        }
    }

    fn renamed(op: &ListOp<u32>) -> ListOp<u32> {
        match op {
            ListOp::Append(value) => ListOp::Append(rename(*value)),
            ListOp::Read(elements) => ListOp::Read(renamed(elements)),
        }
    }

    fn decide(items: &[Item<ListOp<u32>>]) -> Option<Result<(), Refuted>> {
        list::decide(items)
    }

    fn order(items: &[Item<ListOp<u32>>]) -> Option<Vec<usize>> {
        list::order(items)
    }
}

pub(super) struct Logs;

impl Subject for Logs {
    type Op = LogOp<u32>;
    type State = Vec<u32>;
    type Model = Log<u32>;

    fn draw(rng: &mut Rng, value: u32) -> LogOp<u32> {
        match rng.below(8) {
            // An offset to be filled in, or not.
            0 | 1 => LogOp::Append {
                value,
                offset: Some(0),
            },
            2 | 3 => LogOp::Append {
                value,
                offset: None,
            },
            4 => LogOp::Read([].into_iter().collect()),
            _ => LogOp::Poll {
                from: rng.below(3) as u64,
                // As many as these are asked for, at most.
                values: (0..1 + rng.below(3) as u32).collect(),
            },
        }
    }

    fn perform(state: &mut Vec<u32>, op: &LogOp<u32>) -> LogOp<u32> {
        match op {
            LogOp::Append { value, offset } => {
                state.push(*value);
                LogOp::Append {
                    value: *value,
                    offset: offset.map(|_| state.len() as u64 - 1),
                }
            }
            LogOp::Poll { from, values } => LogOp::Poll {
                from: *from,
                values: (state.iter().copied())
                    .skip(*from as usize)
                    .take(values.len())
                    .collect(),
            },
            LogOp::Read(_) => LogOp::Read(state.iter().copied().collect()),
        }
    }

    fn change(rng: &mut Rng, op: &mut LogOp<u32>) {
        match op {
            LogOp::Append { offset, .. } => {
                *offset = [None, Some(rng.below(4) as u64)][rng.below(2)];
            }
            LogOp::Poll { from, values } => match rng.one_in(2) {
                true => *from = rng.below(4) as u64,
                false => *values = changed(rng, values),
            },
            LogOp::Read(values) => *values = changed(rng, values),
        }
    }

    fn without_result(op: &LogOp<u32>) -> Option<LogOp<u32>> {
        match op {
            LogOp::Append { value, .. } => Some(LogOp::Append {
                value: *value,
                offset: None,
            }),
            LogOp::Poll { .. } | LogOp::Read(_) => None,
        }
    }

    fn step(state: &Vec<u32>, op: &LogOp<u32>) -> Option<Vec<u32>> {
        match op {
            LogOp::Append { value, offset } => (offset.is_none_or(|at| at == state.len() as u64))
                .then(|| [&state[..], &[*value]].concat()),
            LogOp::Poll { from, values } => (0..values.len())
                .all(|at| state.get(*from as usize + at) == Some(&values[at]))
                .then(|| state.clone()),
            LogOp::Read(elements) => (**elements == **state).then(|| state.clone()),
        }
    }

    fn renamed(op: &LogOp<u32>) -> LogOp<u32> {
        match op {
            LogOp::Append { value, offset } => LogOp::Append {
                value: rename(*value),
                offset: *offset,
            },
            LogOp::Poll { from, values } => LogOp::Poll {
                from: *from,
                values: renamed(values),
            },
            LogOp::Read(elements) => LogOp::Read(renamed(elements)),
        }
    }

    fn decide(items: &[Item<LogOp<u32>>]) -> Option<Result<(), Refuted>> {
        log::decide(items)
    }

    fn order(items: &[Item<LogOp<u32>>]) -> Option<Vec<usize>> {
        log::order(items)
    }
}

pub(super) struct Sets;

impl Subject for Sets {
    type Op = GrowSetOp<u32>;
    type State = BTreeSet<u32>;
    type Model = GrowSet<u32>;

    fn draw(rng: &mut Rng, value: u32) -> GrowSetOp<u32> {
        match rng.one_in(2) {
            true => GrowSetOp::Add(value),
            false => GrowSetOp::Read([].into_iter().collect()),
        }
    }

    fn perform(state: &mut BTreeSet<u32>, op: &GrowSetOp<u32>) -> GrowSetOp<u32> {
        match op {
            GrowSetOp::Add(value) => {
                state.insert(*value);
                op.clone()
            }
            GrowSetOp::Read(_) => GrowSetOp::Read(state.iter().copied().collect()),
        }
    }

    fn change(rng: &mut Rng, op: &mut GrowSetOp<u32>) {
        match op {
            GrowSetOp::Read(members) => {
                let mut list = members.to_vec();
                change_list(rng, &mut list);
                *members = list.into_iter().collect();
            }
            // The same element a second time.
            GrowSetOp::Add(value) => *value = 1 + rng.below(3) as u32,
        }
    }

    fn without_result(op: &GrowSetOp<u32>) -> Option<GrowSetOp<u32>> {
        matches!(op, GrowSetOp::Add(_)).then(|| op.clone())
    }

    fn step(state: &BTreeSet<u32>, op: &GrowSetOp<u32>) -> Option<BTreeSet<u32>> {
        match op {
            GrowSetOp::Add(value) => Some(state.iter().chain([value]).copied().collect()),
            GrowSetOp::Read(members) => (members.iter().eq(state.iter())).then(|| state.clone()),
        }
    }

    fn renamed(op: &GrowSetOp<u32>) -> GrowSetOp<u32> {
        match op {
            GrowSetOp::Add(value) => GrowSetOp::Add(rename(*value)),
            GrowSetOp::Read(members) => {
                GrowSetOp::Read(members.iter().copied().map(rename).collect())
            }
        }
    }

    fn decide(items: &[Item<GrowSetOp<u32>>]) -> Option<Result<(), Refuted>> {
        grow_set::decide(items)
    }

    fn order(items: &[Item<GrowSetOp<u32>>]) -> Option<Vec<usize>> {
        grow_set::order(items)
    }
}

/// Counters whose increments are all the same, or not.
pub(super) struct Counters<const SAME: bool>;

impl<const SAME: bool> Subject for Counters<SAME> {
    type Op = CounterOp;
    type State = i64;
    type Model = Counter;

    fn draw(rng: &mut Rng, _value: u32) -> CounterOp {
        let by = match SAME {
            true => [2, 2, 2, 2, 0][rng.below(5)],
            false => [-1, 0, 1, 2, 3][rng.below(5)],
        };
        match rng.below(6) {
            0 | 1 => CounterOp::Read(0),
            2 => CounterOp::Increment { by, value: Some(0) },
            _ => CounterOp::Increment { by, value: None },
        }
    }

    fn perform(state: &mut i64, op: &CounterOp) -> CounterOp {
        match *op {
            CounterOp::Read(_) => CounterOp::Read(*state),
            CounterOp::Increment { by, value } => {
                *state += by;
                CounterOp::Increment {
                    by,
                    value: value.map(|_| *state),
                }
            }
        }
    }

    fn change(rng: &mut Rng, op: &mut CounterOp) {
        let by = [-2, -1, 1, 2, 2, 2, 4][rng.below(7)];
        match op {
            CounterOp::Read(value) => *value += by,
            CounterOp::Increment { value, .. } => *value = value.map(|value| value + by),
        }
    }

    fn without_result(op: &CounterOp) -> Option<CounterOp> {
        match *op {
            CounterOp::Read(_) => None,
            CounterOp::Increment { by, .. } => Some(CounterOp::Increment { by, value: None }),
        }
    }

    fn step(state: &i64, op: &CounterOp) -> Option<i64> {
        match *op {
            CounterOp::Read(value) => (value == *state).then_some(*state),
            CounterOp::Increment { by, value } => {
                let after = state + by;
                (value.is_none() || value == Some(after)).then_some(after)
            }
        }
    }

    /// Counted in another unit.
    fn renamed(op: &CounterOp) -> CounterOp {
        match *op {
            CounterOp::Read(value) => CounterOp::Read(-3 * value),
            CounterOp::Increment { by, value } => CounterOp::Increment {
                by: -3 * by,
                value: value.map(|value| -3 * value),
            },
        }
    }

    fn decide(items: &[Item<CounterOp>]) -> Option<Result<(), Refuted>> {
        counter::decide(items, 0)
    }

    fn order(items: &[Item<CounterOp>]) -> Option<Vec<usize>> {
        counter::order(items, 0)
    }
}

pub(super) struct Ids;

impl Subject for Ids {
    type Op = Generate<u32>;
    type State = BTreeSet<u32>;
    type Model = IdSource<u32>;

    fn draw(_rng: &mut Rng, value: u32) -> Generate<u32> {
        Generate(value)
    }

    fn perform(state: &mut BTreeSet<u32>, op: &Generate<u32>) -> Generate<u32> {
        state.insert(op.0);
        op.clone()
    }

    fn change(rng: &mut Rng, op: &mut Generate<u32>) {
        op.0 = 1 + rng.below(8) as u32;
    }

    fn without_result(_op: &Generate<u32>) -> Option<Generate<u32>> {
        None
    }

    fn step(state: &BTreeSet<u32>, op: &Generate<u32>) -> Option<BTreeSet<u32>> {
        let mut state = state.clone();
        state.insert(op.0).then_some(state)
    }

    fn renamed(op: &Generate<u32>) -> Generate<u32> {
        Generate(rename(op.0))
    }

    fn decide(items: &[Item<Generate<u32>>]) -> Option<Result<(), Refuted>> {
        ids::decide(items)
    }

    fn order(items: &[Item<Generate<u32>>]) -> Option<Vec<usize>> {
        ids::order(items)
    }
}
