//! The definition, tried out: every order that keeps real time, pending operations in it or not.

use crate::linearizable::item::Item;

/// Whether operations have an order in which every step is possible.
pub(super) fn linearizable<A, S>(
    items: &[Item<A>],
    initial: &S,
    step: &impl Fn(&S, &A) -> Option<S>,
) -> bool {
    place(items, &mut vec![false; items.len()], initial, step)
}

fn place<A, S>(
    items: &[Item<A>],
    placed: &mut [bool],
    state: &S,
    step: &impl Fn(&S, &A) -> Option<S>,
) -> bool {
    let open = |at: &usize| !placed[*at];
    let missing: Vec<usize> = (0..items.len()).filter(open).collect();
    if missing.iter().all(|&at| items[at].end == u64::MAX) {
        return true;
    }
    for &next in &missing {
        if missing
            .iter()
            .any(|&other| items[other].end < items[next].start)
        {
            continue;
        }
        if let Some(state) = step(state, &items[next].action) {
            placed[next] = true;
            let found = place(items, placed, &state, step);
            placed[next] = false;
            if found {
                return true;
            }
        }
    }
    false
}
