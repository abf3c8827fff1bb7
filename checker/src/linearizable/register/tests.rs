//! Orders and certificates of distinct values, against the definition.

use super::distinct::{self, Known};
use super::view::{Action, Item};

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
                let action = if roll < 40 {
                    Action::Read(0)
                } else {
                    written += 1;
                    if roll < 40 + cas {
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
    let mut ordered = 0;
    for seed in 0..20_000 {
        let rng = &mut Rng(seed);
        let (count, clients) = (1 + rng.below(40) as usize, 1 + rng.below(8));
        let mut items = run(rng, count, clients, false);
        if rng.below(2) == 0 {
            tamper(rng, &mut items);
        } else {
            assert!(distinct::order(&items).is_some(), "seed {seed}: {items:?}");
        }
        match distinct::order(&items) {
            Some(order) => {
                ordered += 1;
                assert!(explains(&items, &order), "seed {seed}: {items:?} {order:?}");
            }
            None => assert!(
                matches!(distinct::decide_items(&items), Known::Violated(_)),
                "seed {seed}"
            ),
        }
    }
    assert!((10_000..18_000).contains(&ordered), "{ordered}");
}
