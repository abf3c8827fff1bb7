//! The search against the definition, for many models.

use std::fmt::Debug;

use super::breadth::Breadth;
use super::budget::Meter;
use super::expand::Core;
use super::lazy::Lazy;
use super::machine::{Machine, States};
use super::relevance::Uses;
use super::timeline::{Classes, Timeline};
use super::{Answer, Limits, Pruning, Wanted, answer, dead_ends, search};
use crate::linearizable::item::Item;
use crate::model::Model;
use small::{Do, Small, draw_list, list, with, without};
use table::Table;

mod small;
mod table;

/// A model that can make histories.
trait Subject: Model<Op: Debug, State: Debug> {
    /// An operation that is possible in a state.
    fn draw(&self, rng: &mut Rng, state: &Self::State) -> Self::Op;

    /// Any operation.
    fn any(&self, rng: &mut Rng) -> Self::Op;
}

/// Everything is allowed.
pub(in crate::linearizable) const LIMITS: Limits<'static> = Limits {
    steps: u64::MAX,
    bytes: u64::MAX,
    deadline: None,
    stop: None,
};

/// SplitMix64.
pub(in crate::linearizable) struct Rng(pub(in crate::linearizable) u64);

impl Rng {
    pub(in crate::linearizable) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}

/// How much more than usual to fuzz.
pub(in crate::linearizable) fn factor() -> u64 {
    std::env::var("POLYGRAPH_FUZZ").map_or(1, |text| text.parse().expect("a number"))
}

/// One half alone.
pub(in crate::linearizable) fn alone<M: Model, P: Pruning<M::State>>(
    model: &M,
    items: &[Item<M::Op>],
    pruning: impl FnOnce(&[u32]) -> P,
    by_breadth: bool,
) -> Answer {
    let mut meter = Meter::new(&LIMITS);
    let classes = Classes::new(items);
    let uses = Uses::new(model, items, &classes);
    let timeline = Timeline::new(model, items, &classes, &uses, &mut meter).expect("no limit");
    let pruning = pruning(&classes.of_item);
    let mut states = States::new(model, pruning, classes.ops);
    let machine = Machine::new(&mut states, timeline.classes);
    let mut core = Core::new(&timeline, machine, meter);
    let progress = if by_breadth {
        Breadth::<1, 0>::new().run(&mut core, u64::MAX)
    } else {
        Lazy::<1, 0>::new(&mut core).run(&mut core, u64::MAX)
    };
    answer(&core, &progress).expect("no limit")
}

/// A few operations that overlap at random, most with results that a run of the object showed.
fn items<S: Subject>(model: &S, rng: &mut Rng) -> Vec<Item<S::Op>> {
    let count = 1 + rng.below(8);
    let moments = 4 + rng.below(20);
    let crash = [0, 25, 60][rng.below(3) as usize];
    let wrong = [0, 8, 25][rng.below(3) as usize];
    // When each takes effect; the order of those at one moment is that of the list.
    let mut effects: Vec<u64> = (0..count).map(|_| rng.below(moments)).collect();
    effects.sort_unstable();
    let mut state = model.initial();
    let mut items = Vec::new();
    for (operation, at) in effects.into_iter().enumerate() {
        let mut action = model.draw(rng, &state);
        let pending = rng.below(100) < crash;
        if !pending || rng.below(2) == 0 {
            state = model.step(&state, &action).ok().expect("it is possible");
        }
        if rng.below(100) < wrong {
            action = model.any(rng);
        }
        items.push(Item {
            operation,
            action,
            start: at.saturating_sub(rng.below(moments / 2)),
            end: if pending {
                u64::MAX
            } else {
                at + rng.below(moments / 2)
            },
            returned: operation,
        });
    }
    items.sort_by_key(|item| (item.start, item.operation));
    items
}

/// Whether there is an order, by the definition: all of them are tried.
fn has_order<M: Model>(model: &M, items: &[Item<M::Op>], placed: u32, state: &M::State) -> bool {
    let left = || (0..items.len()).filter(|at| placed >> at & 1 == 0);
    left().all(|at| items[at].pending())
        || left().any(|at| {
            !left().any(|other| items[other].end < items[at].start)
                && model
                    .step(state, &items[at].action)
                    .is_ok_and(|next| has_order(model, items, placed | 1 << at, &next))
        })
}

/// The returns in their order.
fn returns<A>(items: &[Item<A>]) -> Vec<usize> {
    let mut returns: Vec<usize> = (0..items.len())
        .filter(|&at| !items[at].pending())
        .collect();
    returns.sort_by_key(|&at| (items[at].end, items[at].operation));
    returns
}

/// The first operation whose return no order explains.
fn first_violation<M: Model>(model: &M, items: &[Item<M::Op>]) -> Option<usize> {
    let returns = returns(items);
    (0..returns.len())
        .find(|&last| {
            let rank = items[returns[last]].end;
            let prefix: Vec<Item<M::Op>> = (0..items.len())
                .filter(|&at| items[at].start <= rank)
                .map(|at| {
                    let mut item = items[at].clone();
                    if !returns[..=last].contains(&at) {
                        item.end = u64::MAX;
                    }
                    item
                })
                .collect();
            !has_order(model, &prefix, 0, &model.initial())
        })
        .map(|last| returns[last])
}

/// Whether an order of items keeps real time, has all that took effect, and is possible.
fn is_order<M: Model>(model: &M, items: &[Item<M::Op>], order: &[usize]) -> bool {
    let mut place = vec![usize::MAX; items.len()];
    let mut state = model.initial();
    for (position, &at) in order.iter().enumerate() {
        if place[at] != usize::MAX {
            return false;
        }
        place[at] = position;
        match model.step(&state, &items[at].action) {
            Ok(next) => state = next,
            Err(_) => return false,
        }
    }
    (0..items.len()).all(|a| {
        (items[a].pending() || place[a] != usize::MAX)
            && (0..items.len()).all(|b| items[a].end >= items[b].start || place[a] < place[b])
    })
}

/// Leaves operations out of runs that enable nothing that comes after them; says how many.
fn leave_out<S: Subject>(model: &S, rng: &mut Rng) -> u32 {
    let mut ops = Vec::new();
    let mut state = model.initial();
    for _ in 0..2 + rng.below(7) {
        let op = model.draw(rng, &state);
        state = model.step(&state, &op).ok().expect("it is possible");
        ops.push(op);
    }
    let mut left_out = 0;
    for at in 0..ops.len() {
        if ops[at + 1..]
            .iter()
            .any(|later| model.enables(&ops[at], later))
        {
            continue;
        }
        let mut rest = ops.clone();
        rest.remove(at);
        let run = rest
            .iter()
            .try_fold(model.initial(), |state, op| model.step(&state, op).ok());
        assert!(run.is_some(), "{} without {at}: {ops:?}", model.name());
        left_out += 1;
    }
    left_out
}

/// Compares everything that the search says about one model with the definition.
fn compare<S: Subject>(name: &str, make: impl Fn(&mut Rng) -> S) {
    let (mut counts, mut left_out) = ([0_u64; 2], 0);
    for seed in 0..20_000 * factor() {
        let rng = &mut Rng(seed);
        let model = make(rng);
        let items = items(&model, rng);
        left_out += leave_out(&model, rng);
        let what = || format!("{name}, seed {seed}: {items:?}");
        let violation = first_violation(&model, &items);
        counts[usize::from(violation.is_some())] += 1;
        let expected = match violation {
            None => Answer::Linearizable,
            Some(at) => Answer::Violated {
                from: items[at].end,
                by: items[at].end,
            },
        };
        let nothing = |_: &[u32]| super::Nothing;
        assert_eq!(alone(&model, &items, nothing, true), expected, "{}", what());
        assert_eq!(
            alone(&model, &items, nothing, false),
            expected,
            "{}",
            what()
        );
        let found = search(&model, &items, &LIMITS, Wanted::Answer);
        assert_eq!(found.answer, expected, "{}", what());
        assert_eq!(found.violated, violation, "{}", what());
        let traced = search(&model, &items, &LIMITS, Wanted::Order);
        assert_eq!(traced.answer, expected, "{}", what());
        if let Some(at) = violation {
            assert_dead_ends(&model, &items, at, &what);
        } else {
            let order = traced.order.expect("it was asked for");
            assert!(is_order(&model, &items, &order), "{order:?} {}", what());
        }
    }
    // Otherwise the comparison would say little.
    assert!(
        counts.iter().all(|&count| count > 2_000 * factor()),
        "{name}: {counts:?}"
    );
    println!("{name}: {counts:?}, {left_out} operations left out of runs");
}

/// The states before a violation are those of all orders of what returned before it, and each
/// refuses the operation.
fn assert_dead_ends<S: Subject>(
    model: &S,
    items: &[Item<S::Op>],
    at: usize,
    what: &dyn Fn() -> String,
) {
    let ends = dead_ends(model, items, &LIMITS, usize::MAX).expect("no limit");
    assert_eq!(ends.item, at, "{}", what());
    assert!(!ends.states.is_empty(), "{}", what());
    for end in &ends.states {
        assert_eq!(end.refusals[0].0, at, "{end:?} {}", what());
        for &(refused, _) in &end.refusals {
            let op = &items[refused].action;
            assert!(model.step(&end.state, op).is_err(), "{end:?} {}", what());
        }
    }
    let mut states = Vec::new();
    let before = returns(items);
    let before = &before[..before
        .iter()
        .position(|&other| other == at)
        .expect("it returned")];
    reachable(model, items, before, at, 0, &model.initial(), &mut states);
    for state in &states {
        let listed = ends.states.iter().any(|end| end.state == *state);
        assert!(listed, "{state:?} of {:?} {}", ends.states, what());
    }
    for end in &ends.states {
        assert!(states.contains(&end.state), "{end:?} {states:?} {}", what());
    }
}

/// The states after all orders of operations that had begun by a return, all that returned before
/// among them.
fn reachable<S: Subject>(
    model: &S,
    items: &[Item<S::Op>],
    before: &[usize],
    last: usize,
    placed: u32,
    state: &S::State,
    states: &mut Vec<S::State>,
) {
    let has = |at: usize| placed >> at & 1 == 1;
    if before.iter().all(|&at| has(at)) && !states.contains(state) {
        states.push(state.clone());
    }
    for at in (0..items.len()).filter(|&at| !has(at)) {
        let begun = items[at].start <= items[last].end;
        let waits = before
            .iter()
            .any(|&other| !has(other) && items[other].end < items[at].start);
        if begun
            && !waits
            && let Ok(next) = model.step(state, &items[at].action)
        {
            reachable(model, items, before, last, placed | 1 << at, &next, states);
        }
    }
}

#[test]
fn random_machines() {
    compare("table", Table::random);
}

#[test]
fn queues() {
    compare("queue", |_| Small {
        name: "queue",
        step: |state, op| list(state, op, |_| 0),
        draw: |rng, state| draw_list(rng, state, 0),
    });
}

#[test]
fn stacks() {
    compare("stack", |_| Small {
        name: "stack",
        step: |state, op| list(state, op, |state| state.len() - 1),
        draw: |rng, state| draw_list(rng, state, state.len().saturating_sub(1)),
    });
}

#[test]
fn bags() {
    compare("bag", |_| Small {
        name: "bag",
        step: |state, op| match *op {
            Do::Put(value) => {
                let mut next = with(state, value);
                next.sort_unstable();
                Some(next)
            }
            Do::Take(Some(value)) => {
                let at = state.iter().position(|&other| other == value)?;
                Some(without(state, at))
            }
            Do::Peek(Some(value)) => state.contains(&value).then(|| state.to_vec()),
            Do::Take(None) | Do::Peek(None) => state.is_empty().then(Vec::new),
        },
        draw: |rng, state| {
            let at = rng.below(state.len().max(1) as u64) as usize;
            draw_list(rng, state, at)
        },
    });
}

#[test]
fn sets() {
    compare("set", |_| Small {
        name: "set",
        step: |state, op| match *op {
            Do::Put(value) if state.contains(&value) => None,
            Do::Put(value) => {
                let mut next = with(state, value);
                next.sort_unstable();
                Some(next)
            }
            Do::Take(Some(value)) => {
                let at = state.iter().position(|&other| other == value)?;
                Some(without(state, at))
            }
            Do::Peek(Some(value)) => state.contains(&value).then(|| state.to_vec()),
            Do::Take(None) | Do::Peek(None) => state.is_empty().then(Vec::new),
        },
        draw: |rng, state| {
            let value = rng.below(3) as u8;
            match state.contains(&value) {
                false if state.is_empty() && rng.below(3) == 0 => Do::Peek(None),
                false => Do::Put(value),
                true if rng.below(3) == 0 => Do::Peek(Some(value)),
                true => Do::Take(Some(value)),
            }
        },
    });
}

#[test]
fn mutexes() {
    compare("mutex", |_| Small {
        name: "mutex",
        step: |state, op| match *op {
            Do::Put(value) => state.is_empty().then(|| vec![value]),
            Do::Take(Some(value)) => (state == [value]).then(Vec::new),
            Do::Peek(value) => (value == state.first().copied()).then(|| state.to_vec()),
            Do::Take(None) => None,
        },
        draw: |rng, state| match state.first() {
            there if rng.below(4) == 0 => Do::Peek(there.copied()),
            None => Do::Put(rng.below(3) as u8),
            there => Do::Take(there.copied()),
        },
    });
}

#[test]
fn counters() {
    compare("counter", |_| Small {
        name: "counter",
        step: |state, op| {
            let count = state.first().copied().unwrap_or(0);
            match *op {
                Do::Put(value) => Some(vec![count + value]),
                // Increment and get.
                Do::Take(Some(value)) => (value == count + 1).then(|| vec![value]),
                Do::Peek(value) => (value == Some(count)).then(|| state.to_vec()),
                Do::Take(None) => None,
            }
        },
        draw: |rng, state| {
            let count = state.first().copied().unwrap_or(0);
            match rng.below(4) {
                0 => Do::Take(Some(count + 1)),
                1 | 2 => Do::Peek(Some(count)),
                _ => Do::Put(rng.below(3) as u8),
            }
        },
    });
}
