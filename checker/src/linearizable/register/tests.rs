//! Orders and certificates of distinct values, against the definition.

use super::distinct::{self, Known};
use super::evidence::prefix;
use super::view::{Action, Item};
use crate::linearizable::decide::decide;
use crate::linearizable::search::{Answer, Limits};

const LIMITS: Limits = Limits {
    steps: u64::MAX,
    bytes: u64::MAX,
    deadline: None,
    stop: None,
};

/// SplitMix64.
pub(super) struct Rng(pub(super) u64);

impl Rng {
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}

/// A run of an atomic register with distinct values, some of its results changed afterwards.
pub(super) fn run(rng: &mut Rng, count: usize, clients: u64, mismatches: bool) -> Vec<Item> {
    let crash = [0, 10, 30][rng.below(3) as usize];
    let cas = [10, 40, 70][rng.below(3) as usize];
    let mut items: Vec<Item> = Vec::new();
    // What each client has open: the place of the item, and whether it took effect.
    let mut open: Vec<Option<(usize, bool)>> = vec![None; clients as usize];
    let (mut now, mut value, mut written) = (0, 0, 0);
    loop {
        let client = rng.below(clients) as usize;
        now += 1;
        match open[client] {
            None if items.len() < count => {
                let roll = rng.below(100);
                let action = if roll < 30 {
                    Action::Read(0)
                } else {
                    written += 1;
                    if roll < 30 + cas {
                        Action::Cas {
                            from: if rng.below(4) == 0 {
                                rng.below(written) as u32
                            } else {
                                value
                            },
                            to: written as u32,
                        }
                    } else {
                        Action::Write(written as u32)
                    }
                };
                open[client] = Some((items.len(), false));
                items.push(Item {
                    operation: items.len(),
                    action,
                    start: now,
                    end: u64::MAX,
                    returned: 0,
                });
            }
            Some((at, false)) => {
                let item = &mut items[at];
                match item.action {
                    Action::Read(_) => item.action = Action::Read(value),
                    Action::Write(to) => value = to,
                    Action::Cas { from, to } if from == value => value = to,
                    Action::Cas { from, .. } => item.action = Action::Mismatch(from),
                    Action::Mismatch(_) => {}
                }
                open[client] = Some((at, true));
            }
            Some((at, true)) => {
                let crashed = items[at].action.writes().is_some() && rng.below(100) < crash;
                items[at].end = if crashed { u64::MAX } else { now };
                open[client] = None;
            }
            None if open.iter().all(Option::is_none) => break,
            None => {}
        }
    }
    if !mismatches {
        items.retain(|item| !matches!(item.action, Action::Mismatch(_)));
    }
    items
}

/// Changes what some found.
pub(super) fn tamper(rng: &mut Rng, items: &mut [Item]) {
    for _ in 0..rng.below(3) {
        let values = items.len() as u64;
        let at = rng.below(items.len().max(1) as u64) as usize;
        let Some(item) = items.get_mut(at) else {
            return;
        };
        let found = rng.below(values + 1) as u32;
        match &mut item.action {
            Action::Read(value) => *value = found,
            Action::Cas { from, to } if found != *to => *from = found,
            Action::Mismatch(value) => *value = found,
            _ => {}
        }
    }
}

/// The same by a clock that ticks slowly: what ends when something else begins overlaps it.
fn coarse(items: &mut [Item]) {
    for item in items.iter_mut() {
        item.start /= 3;
        if !item.pending() {
            item.end /= 3;
        }
    }
}

/// Whether this is an order of the items, by the definition.
pub(super) fn explains(items: &[Item], order: &[usize]) -> bool {
    let mut placed = vec![false; items.len()];
    let (mut value, mut last_start) = (0, 0);
    for &at in order {
        let item = &items[at];
        if std::mem::replace(&mut placed[at], true) || item.end < last_start {
            return false;
        }
        last_start = last_start.max(item.start);
        let possible = match item.action {
            Action::Read(found) | Action::Cas { from: found, .. } => found == value,
            Action::Mismatch(other) => other != value,
            Action::Write(_) => true,
        };
        if !possible {
            return false;
        }
        value = item.action.writes().copied().unwrap_or(value);
    }
    (0..items.len()).all(|at| placed[at] || items[at].pending())
}

#[test]
fn orders_explain_what_they_order() {
    let ordered = ordered(0..20_000);
    assert!((10_000..18_000).contains(&ordered), "{ordered}");
}

#[test]
#[ignore = "a million histories take minutes"]
fn orders_explain_what_they_order_a_million_times() {
    println!("{}", ordered(1_000_000..2_000_000));
}

/// How many had an order.
fn ordered(seeds: std::ops::Range<u64>) -> u32 {
    let mut ordered = 0;
    for seed in seeds {
        let rng = &mut Rng(seed);
        let (count, clients) = (1 + rng.below(40) as usize, 1 + rng.below(8));
        let mut items = run(rng, count, clients, false);
        if rng.below(4) == 0 {
            coarse(&mut items);
        }
        if rng.below(2) == 0 {
            tamper(rng, &mut items);
        } else {
            assert!(
                distinct::order(&items, &LIMITS).is_some(),
                "seed {seed}: {items:?}"
            );
        }
        match distinct::order(&items, &LIMITS) {
            Some(order) => {
                ordered += 1;
                assert!(explains(&items, &order), "seed {seed}: {items:?} {order:?}");
            }
            None => assert!(
                matches!(
                    distinct::decide_items(&items, &LIMITS).0,
                    Known::Violated(..)
                ),
                "seed {seed}"
            ),
        }
    }
    ordered
}

#[test]
fn failed_compare_and_sets_are_placed_as_the_definition_says() {
    let ([ordered, violated, _], searched) = placed(0..20_000);
    assert!(ordered > 10_000 && violated > 1_000 && searched > 100);
}

/// A write begins at the very moment at which the read of its value ends.
#[test]
fn what_is_written_when_its_reader_ends_is_not_forgotten() {
    placed(1_621_730..1_621_731);
}

#[test]
#[ignore = "a million histories take minutes"]
fn failed_compare_and_sets_are_placed_as_the_definition_says_a_million_times() {
    println!("{:?}", placed(1_000_000..2_000_000));
}

/// How many had an order, had none, and were left open; and how many needed a search.
fn placed(seeds: std::ops::Range<u64>) -> ([u32; 3], u32) {
    let (mut counts, mut searched) = ([0_u32; 3], 0);
    for seed in seeds {
        let rng = &mut Rng(seed);
        let (count, clients) = (2 + rng.below(8) as usize, 2 + rng.below(4));
        let mut items = run(rng, count, clients, true);
        if rng.below(4) == 0 {
            coarse(&mut items);
        }
        let tampered = rng.below(2) == 0;
        if tampered {
            tamper(rng, &mut items);
        }
        let expected = has_order(&items, 0, 0);
        assert!(tampered || expected, "seed {seed}: {items:?}");
        let (known, steps) = distinct::decide_items(&items, &LIMITS);
        match known {
            Known::Linearizable => {
                assert!(expected, "seed {seed}: {items:?}");
                let order = distinct::order(&items, &LIMITS).unwrap_or_default();
                assert!(explains(&items, &order), "seed {seed}: {items:?} {order:?}");
            }
            Known::Violated(by, _) => {
                assert!(!expected, "seed {seed}: {items:?}");
                let until: Vec<Item> = prefix(&items, by).into_iter().map(|p| p.item).collect();
                assert!(!has_order(&until, 0, 0), "seed {seed}: {items:?} {by}");
            }
            Known::Open => {}
        }
        searched += u32::from(steps > 0);
        counts[match known {
            Known::Linearizable => 0,
            Known::Violated(..) => 1,
            Known::Open => 2,
        }] += 1;
        let answer = decide(&items, &LIMITS).answer;
        let linearizable = answer == Answer::Linearizable;
        assert_eq!(linearizable, expected, "seed {seed}: {items:?} {answer:?}");
    }
    (counts, searched)
}

/// Two writes whose order is free, and two that failed afterwards, each because of another one of
/// them being the last.
#[test]
fn what_comes_after_the_last_window_depends_on_it() {
    let item = |at: usize, action, start, end| Item {
        operation: at,
        action,
        start,
        end,
        returned: 0,
    };
    let mut items = vec![
        item(0, Action::Write(1), 1, 7),
        item(1, Action::Write(2), 2, 4),
        item(2, Action::Mismatch(2), 8, 10),
        item(3, Action::Mismatch(1), 9, 17),
    ];
    assert!(!has_order(&items, 0, 0));
    let (known, _) = distinct::decide_items(&items, &LIMITS);
    assert_ne!(known, Known::Linearizable);
    assert!(distinct::order(&items, &LIMITS).is_none());
    assert_ne!(decide(&items, &LIMITS).answer, Answer::Linearizable);
    items.pop();
    assert!(has_order(&items, 0, 0));
    let (known, _) = distinct::decide_items(&items, &LIMITS);
    assert_eq!(known, Known::Linearizable);
    let order = distinct::order(&items, &LIMITS).unwrap();
    assert!(explains(&items, &order), "{order:?}");
}

/// What a run shows has an order, and nearly always it is found without searching all of it.
#[test]
fn failed_compare_and_sets_of_long_runs_find_their_places() {
    let mut open = 0;
    for seed in 0..300 {
        let rng = &mut Rng(seed);
        let clients = 2 + rng.below(19);
        let items = run(rng, 500, clients, true);
        match distinct::decide_items(&items, &LIMITS).0 {
            Known::Linearizable => {
                let order = distinct::order(&items, &LIMITS).unwrap_or_default();
                assert!(explains(&items, &order), "seed {seed}");
            }
            Known::Open => open += 1,
            Known::Violated(..) => panic!("seed {seed}"),
        }
    }
    assert!(open < 30, "{open}");
}

/// Every order of the operations, by the definition.
pub(super) fn has_order(items: &[Item], placed: u32, state: u32) -> bool {
    let left: Vec<usize> = (0..items.len())
        .filter(|at| placed >> at & 1 == 0)
        .collect();
    left.iter().all(|&at| items[at].pending())
        || left.iter().any(|&at| {
            let first = !left.iter().any(|&other| items[other].end < items[at].start);
            let next = match items[at].action {
                Action::Read(value) => (value == state).then_some(state),
                Action::Write(value) => Some(value),
                Action::Cas { from, to } => (from == state).then_some(to),
                Action::Mismatch(value) => (value != state).then_some(state),
            };
            first && next.is_some_and(|next| has_order(items, placed | 1 << at, next))
        })
}
