//! What a search does with little: it stops in time, says nothing wrong, and always the same.

use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use super::budget::{Meter, Owner};
use super::expand::Core;
use super::lazy::Lazy;
use super::machine::{Machine, States};
use super::relevance::Uses;
use super::tests::{LIMITS, Rng, factor};
use super::timeline::{Classes, Timeline};
use super::{Answer, Found, Limits, Nothing, Progress, Wanted, search};
use crate::Reason;
use crate::linearizable::item::Item;
use crate::model::{CasRegister, CasRegisterOp, Model};

type Action = CasRegisterOp<u32>;

const REGISTER: CasRegister<u32> = CasRegister { initial: 0 };

/// A run of a register with few values and many clients; sometimes a read is wrong.
fn register(seed: u64) -> Vec<Item<Action>> {
    let rng = &mut Rng(seed);
    let (count, overlap) = (40 + rng.below(120), 4 + rng.below(40));
    let crash = [0, 10, 30][rng.below(3) as usize];
    let wrong = [0, 0, 2][rng.below(3) as usize];
    let mut holds = 0;
    let mut items = Vec::new();
    for operation in 0..count {
        let value = 1 + rng.below(4) as u32;
        let action = match rng.below(10) {
            0..=4 => Action::Read(if rng.below(100) < wrong { value } else { holds }),
            5..=7 => Action::Write(value),
            _ => Action::Cas {
                from: holds,
                to: value,
            },
        };
        let pending = rng.below(100) < crash;
        if !pending || rng.below(2) == 0 {
            holds = action.writes().copied().unwrap_or(holds);
        }
        let at = 10 * operation;
        items.push(Item {
            operation: operation as usize,
            action,
            start: at.saturating_sub(rng.below(5 * overlap)),
            end: if pending {
                u64::MAX
            } else {
                at + rng.below(5 * overlap)
            },
            returned: operation as usize,
        });
    }
    items.sort_by_key(|item| (item.start, item.operation));
    items
}

/// How many returns come no later than that of an item.
fn place(items: &[Item<Action>], operation: usize) -> usize {
    let key = |item: &Item<Action>| (item.end, item.operation);
    let last = items
        .iter()
        .find(|item| item.operation == operation)
        .expect("it is one of them");
    items.iter().filter(|item| key(item) <= key(last)).count()
}

/// Compares what little gives with what much gives.
fn assert_sound(items: &[Item<Action>], all: &Found, some: &Found, what: &str) {
    let Answer::Unknown { explained, .. } = some.answer else {
        assert_eq!(some.answer, all.answer, "{what}");
        return;
    };
    if let (Some(explained), Some(violated)) = (explained, all.violated) {
        let bad = items[violated].operation;
        assert!(place(items, explained) < place(items, bad), "{what}");
    }
}

#[test]
fn steps_and_bytes_are_exact_and_the_answer_is_the_same_each_time() {
    let mut reasons = BTreeSet::new();
    let mut decided = 0;
    for seed in 0..100 * factor() {
        let items = register(seed);
        let all = search(&REGISTER, &items, &LIMITS, Wanted::Answer);
        for exponent in 0..20 {
            let steps = Limits {
                steps: (1 << exponent) - 1,
                ..LIMITS
            };
            let bytes = Limits {
                bytes: 512 << exponent,
                ..LIMITS
            };
            for limits in [steps, bytes] {
                for wanted in [Wanted::Answer, Wanted::Order] {
                    let what = format!("seed {seed}, {limits:?}");
                    let found = search(&REGISTER, &items, &limits, wanted);
                    assert!(found.steps <= limits.steps, "{what}");
                    assert_sound(&items, &all, &found, &what);
                    let again = search(&REGISTER, &items, &limits, wanted);
                    assert_eq!(found.answer, again.answer, "{what}");
                    assert_eq!(found.steps, again.steps, "{what}");
                    assert_eq!(found.growth, again.growth, "{what}");
                    assert_eq!(found.order, again.order, "{what}");
                    match found.answer {
                        Answer::Unknown { reason, .. } => {
                            reasons.insert(reason);
                        }
                        _ => decided += 1,
                    }
                }
            }
        }
    }
    let expected = [Reason::BudgetSteps, Reason::BudgetMemory];
    assert!(
        reasons.into_iter().eq(expected) && decided > 1000,
        "{decided}"
    );
}

/// A register whose steps take long.
struct Slow;

impl Model for Slow {
    type State = u32;
    type Op = Action;
    type Refusal = String;

    fn name(&self) -> &'static str {
        "slow"
    }

    fn initial(&self) -> u32 {
        0
    }

    fn step(&self, state: &u32, op: &Action) -> Result<u32, String> {
        std::thread::sleep(Duration::from_millis(20));
        // Every step leads to another state, so that none is remembered.
        REGISTER
            .step(&0, op)
            .map(|_| state + 1)
            .map_err(|refusal| refusal.to_string())
    }
}

#[test]
fn a_slow_model_is_stopped_in_time_and_a_flag_stops_all() {
    let items: Vec<Item<Action>> = (0..60)
        .map(|operation| Item {
            operation,
            action: Action::Write(operation as u32),
            start: 0,
            end: 1000 + operation as u64,
            returned: operation,
        })
        .collect();
    let begin = Instant::now();
    let limits = Limits {
        deadline: Some(begin + Duration::from_millis(100)),
        ..LIMITS
    };
    let found = search(&Slow, &items, &limits, Wanted::Answer);
    assert_eq!(found.answer_reason(), Some(Reason::BudgetTime));
    assert!(begin.elapsed() < Duration::from_millis(900));
    let flag = AtomicBool::new(true);
    let limits = Limits {
        stop: Some(&flag),
        ..LIMITS
    };
    let found = search(&Slow, &items, &limits, Wanted::Answer);
    assert_eq!(found.answer_reason(), Some(Reason::Interrupted));
}

impl Found {
    fn answer_reason(&self) -> Option<Reason> {
        match self.answer {
            Answer::Unknown { reason, .. } => Some(reason),
            _ => None,
        }
    }
}

/// Counts.
struct Counter;

impl Model for Counter {
    type State = usize;
    /// Adds one, or reads.
    type Op = Option<usize>;
    type Refusal = String;

    fn name(&self) -> &'static str {
        "counter"
    }

    fn initial(&self) -> usize {
        0
    }

    fn step(&self, state: &usize, op: &Option<usize>) -> Result<usize, String> {
        match op {
            None => Ok(state + 1),
            Some(seen) if seen == state => Ok(*state),
            Some(seen) => Err(format!("cannot read {seen} where {state} is")),
        }
    }

    fn only_observes(&self, op: &Option<usize>) -> bool {
        op.is_some()
    }
}

#[test]
fn any_number_may_be_open_and_what_does_the_same_is_one() {
    for (open, pending) in [(60, 3000), (70, 0), (130, 40), (600, 600)] {
        for (seen, possible) in [
            (open, true),
            (open + pending, true),
            (open + pending + 1, false),
        ] {
            let item = |operation: usize, action, start, end| Item {
                operation,
                action,
                start,
                end,
                returned: operation,
            };
            let end = |at| if at < open { 10 + at as u64 } else { u64::MAX };
            let mut items: Vec<Item<Option<usize>>> = (0..open + pending)
                .map(|at| item(at, None, 1, end(at)))
                .collect();
            items.push(item(open + pending, Some(seen), 9000, 9001));
            let found = search(&Counter, &items, &LIMITS, Wanted::Order);
            assert_eq!(
                found.answer == Answer::Linearizable,
                possible,
                "{open} {seen}"
            );
            assert_eq!(found.violated.is_some(), !possible);
            assert_eq!(
                found.order.map(|order| order.len()),
                possible.then_some(seen + 1)
            );
            assert!(found.steps < 3_000_000, "{}", found.steps);
        }
    }
}

/// Three writes at a time, of which a read shows that one was the last, and nothing open in
/// between; in the end, perhaps, a read of what nobody wrote.
fn rounds(count: u64, wrong: bool) -> Vec<Item<Action>> {
    let rng = &mut Rng(7);
    let mut items = Vec::new();
    for round in 0..count {
        let mut add = |action, start, end| {
            items.push(Item {
                operation: items.len(),
                action,
                start: 10 * round + start,
                end: 10 * round + end,
                returned: items.len(),
            });
        };
        for value in 1..=3 {
            add(Action::Write(value), 0, 3 + u64::from(value));
        }
        let bad = wrong && round + 1 == count;
        let read = if bad { 4 } else { 1 + rng.below(3) as u32 };
        add(Action::Read(read), 7, 9);
    }
    items
}

#[test]
fn the_search_by_depth_forgets_what_was_before_a_moment_at_which_nothing_is_open() {
    let mut held = Vec::new();
    for (count, wrong) in [(100, false), (10_000, false), (10_000, true)] {
        let items = rounds(count, wrong);
        let mut meter = Meter::new(&LIMITS);
        let classes = Classes::new(&items);
        let uses = Uses::new(&REGISTER, &items, &classes);
        let timeline =
            Timeline::new(&REGISTER, &items, &classes, &uses, &mut meter).expect("no limit");
        let mut states = States::new(&REGISTER, Nothing, classes.ops);
        let machine = Machine::new(&mut states, timeline.classes);
        let mut core = Core::new(&timeline, machine, meter);
        let mut lazy = Lazy::<1, 0>::new(&mut core);
        match lazy.run(&mut core, u64::MAX) {
            Progress::Linearizable => assert!(!wrong),
            Progress::Violated(level) => assert!(wrong && level + 1 == items.len()),
            Progress::Paused => panic!("there is no limit"),
        }
        held.push(core.meter.held(Owner::Lazy));
    }
    // As much after ten thousand rounds as after a hundred.
    assert!(held[1] <= 2 * held[0] && held[2] <= 2 * held[0], "{held:?}");
}
