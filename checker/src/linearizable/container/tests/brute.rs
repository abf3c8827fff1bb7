//! The definition: is there an order? It tries them all, and shares nothing with any search.

use crate::linearizable::item::Item;
use crate::model::Model;

/// Whether some order of all operations that ended, and of any others, keeps real time and is
/// possible.
pub(super) fn linearizable<M: Model>(model: &M, items: &[Item<M::Op>]) -> bool {
    try_all(model, items, &model.initial(), 0)
}

fn try_all<M: Model>(model: &M, items: &[Item<M::Op>], state: &M::State, done: u32) -> bool {
    let left = || (0..items.len()).filter(|at| done >> at & 1 == 0);
    if left().all(|at| items[at].pending()) {
        return true;
    }
    let first_end = left().map(|at| items[at].end).min().unwrap_or(0);
    left().filter(|&at| items[at].start <= first_end).any(|at| {
        match model.step(state, &items[at].action) {
            Ok(next) => try_all(model, items, &next, done | 1 << at),
            Err(_) => false,
        }
    })
}

/// Performs operations in an order.
///
/// # Panics
/// If it is none: one that ended is missing, one comes twice, one comes after another that began
/// after it had ended, or one is not possible.
pub(super) fn replay<M: Model>(model: &M, items: &[Item<M::Op>], order: &[usize]) {
    let mut done = vec![false; items.len()];
    let mut state = model.initial();
    let mut latest_start = 0;
    for &at in order {
        assert!(!std::mem::replace(&mut done[at], true), "{at} comes twice");
        latest_start = latest_start.max(items[at].start);
        assert!(items[at].end >= latest_start, "{at} comes too late");
        match model.step(&state, &items[at].action) {
            Ok(next) => state = next,
            Err(refusal) => panic!("{at} is not possible: {refusal}"),
        }
    }
    for (at, item) in items.iter().enumerate() {
        assert!(done[at] || item.pending(), "{at} is missing");
    }
}
