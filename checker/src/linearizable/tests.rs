//! All ways to an answer against each other, each alone: outside only the fastest is seen.

use super::decide::decide;
use super::register::distinct::{self, Known};
use super::register::evidence::{Piece, prefix, shortest, shrunk};
use super::register::obligations::Obligations;
use super::register::refute::impossible;
use super::register::relevance::reduce;
use super::register::view::{Action, INITIAL, Item};
use super::search::tests::{LIMITS, Rng, alone, factor};
use super::search::{Answer, Limits, Ration, Wanted, search_with};
use crate::model::CasRegister;

/// A few operations that overlap at random, with results at random.
fn items(seed: u64) -> Vec<Item> {
    let rng = &mut Rng(seed);
    let count = 2 + rng.below(8);
    let distinct = rng.below(2) == 0;
    let (crash, spread) = ([0, 25][rng.below(2) as usize], 1 + rng.below(8));
    let mut written = 0;
    let mut items: Vec<Item> = (0..count)
        .map(|operation| {
            let mut fresh = |rng: &mut Rng| {
                written += 1;
                if distinct {
                    written
                } else {
                    rng.below(3) as u32
                }
            };
            let any = |rng: &mut Rng| rng.below(if distinct { 5 } else { 3 }) as u32;
            let action = match rng.below(10) {
                0..=3 => Action::Read(any(rng)),
                4..=6 => Action::Write(fresh(rng)),
                7 if rng.below(2) == 0 => Action::Mismatch(any(rng)),
                _ => Action::Cas {
                    from: any(rng),
                    to: fresh(rng),
                },
            };
            let start = 2 * (2 * operation + rng.below(3 * spread));
            let pending = action.writes().is_some() && rng.below(100) < crash;
            let end = start + 1 + 2 * rng.below(3 * spread);
            Item {
                operation: operation as usize,
                action,
                start,
                end: if pending { u64::MAX } else { end },
                returned: 0,
            }
        })
        .collect();
    items.sort_by_key(|item| (item.start, item.operation));
    items
}

const MODEL: CasRegister<u32> = CasRegister { initial: INITIAL };

/// One half alone; there is an order, or not.
fn ordered_by(items: &[Item], by_breadth: bool) -> bool {
    let obligations = |of_item: &[u32]| Obligations::new(items, of_item);
    alone(&MODEL, items, obligations, by_breadth) == Answer::Linearizable
}

/// Both.
fn search(items: &[Item]) -> Answer {
    let obligations = |of_item: &[u32]| Obligations::new(items, of_item);
    search_with(&MODEL, items, obligations, &LIMITS, Wanted::Answer).answer
}

/// What distinct values say, if anything.
fn refuted(items: &[Item]) -> Option<bool> {
    match distinct::decide_items(items, &LIMITS).0 {
        Known::Linearizable => Some(false),
        Known::Violated(..) => Some(true),
        Known::Open => None,
    }
}

/// Every order of the operations, by the definition.
fn has_order(items: &[Item], placed: u32, state: u32) -> bool {
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

#[test]
fn all_ways_agree_with_the_definition_and_on_the_shortest_prefix() {
    let factor = factor();
    let (mut counts, mut sizes) = ([0_u64; 4], [0_u64; 2]);
    for seed in 0..20_000 * factor {
        let items = items(seed);
        let reduced = reduce(&items);
        let ordered = has_order(&items, 0, 0);
        for by_breadth in [false, true] {
            let what = || format!("seed {seed}: {items:?} {reduced:?}");
            assert_eq!(ordered_by(&items, by_breadth), ordered, "{}", what());
            assert_eq!(ordered_by(&reduced, by_breadth), ordered, "{}", what());
        }

        if let Some(refuted) = refuted(&items) {
            assert_eq!(!refuted, ordered, "seed {seed}: {items:?}");
            counts[2] += 1;
            counts[3] += u64::from(!ordered);
        }
        if impossible(&items).is_none()
            && let Some(refuted) = refuted(&reduced)
        {
            assert_eq!(!refuted, ordered, "seed {seed}: {items:?}");
        }
        counts[usize::from(ordered)] += 1;
        let by = |rank: u64| -> Vec<Item> {
            prefix(&items, rank)
                .into_iter()
                .map(|piece| piece.item)
                .collect()
        };
        for answer in [search(&items), decide(&items, &LIMITS).answer] {
            assert_eq!(answer == Answer::Linearizable, ordered, "seed {seed}");
            let Answer::Violated { from, by: until } = answer else {
                continue;
            };
            assert!(!has_order(&by(until), 0, 0), "seed {seed}");
            assert!(
                from == 0 || has_order(&by(from - 1), 0, 0),
                "seed {seed}: {items:?}"
            );
            let rank = shortest(&items, from, until, &mut Ration::new(&LIMITS));
            assert!(!has_order(&by(rank), 0, 0), "seed {seed}");
            assert!(has_order(&by(rank - 1), 0, 0), "seed {seed}: {items:?}");

            // With little time it is longer, and wrong all the same.
            let little = Limits {
                steps: seed % 64,
                ..LIMITS
            };
            let rank = shortest(&items, from, until, &mut Ration::new(&little));
            assert!(!has_order(&by(rank), 0, 0), "seed {seed}: {items:?}");
            let pieces = prefix(&items, until);
            let before = pieces.len();
            let left = shrunk(pieces, (from, until), Ration::new(&little));
            sizes[usize::from(left.len() < before)] += 1;
            let left: Vec<Item> = left.iter().map(Piece::used).collect();
            assert!(!has_order(&left, 0, 0), "seed {seed}: {items:?} {left:?}");
        }
    }
    // Otherwise the comparison would say little.
    assert!(
        counts
            .iter()
            .chain(&sizes)
            .all(|&count| count > 150 * factor),
        "{counts:?} {sizes:?}"
    );
}
