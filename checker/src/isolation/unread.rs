//! Writes that nobody read, whose order is not known.

use super::cycles::Part;
use super::level::{Level, Shape};
use super::model::Model;
use super::shapes::{Found, look};

/// Whether orders for writes that nobody ordered can be chosen such that the level still holds:
/// what decides with such writes unordered overlooks cycles through two of them, if levels ask
/// for a shape. `None` if no order was found within the steps.
pub(super) fn orders_exist(
    part: &Part<'_>,
    level: Level,
    model: &impl Model,
    unordered: &[(u32, Vec<u32>)],
    steps: &mut u64,
) -> Option<()> {
    let asks = matches!(
        level.shape,
        Shape::OneMissed | Shape::OneReader | Shape::NoneInARow | Shape::Monotonic
    );
    let mut groups: Vec<(u32, Vec<u32>)> = Vec::new();
    for (key, group) in unordered.iter().filter(|_| asks) {
        let here = group.iter().filter_map(|&txn| part.local(txn));
        let here: Vec<u32> = here.collect();
        if here.len() > 1 {
            groups.push((*key, here));
        }
    }
    if groups.is_empty() {
        return Some(());
    }
    // A good guess: as their transactions ended.
    for (_, group) in &mut groups {
        group.sort_by_key(|&txn| (part.end(txn), part.start(txn)));
    }
    let most = groups.iter().fold(1_u64, |most, (_, group)| {
        (1..=group.len() as u64).fold(most, u64::saturating_mul)
    });
    for attempt in 0..most.min(ATTEMPTS) {
        let mut number = attempt;
        let mut tried = Vec::new();
        for (key, group) in &groups {
            let chosen = permutation(group, &mut number);
            tried.extend(chosen.windows(2).map(|pair| (pair[0], pair[1], *key)));
        }
        let tried = part.with(tried);
        if matches!(look(&tried, level, model, steps), Found::Nothing) {
            return Some(());
        }
        // Building the graph anew and looking for its components.
        *steps = steps.saturating_sub(8 * part.graph.edge_count() as u64);
        if *steps == 0 {
            return None;
        }
    }
    None
}

/// How many orders are tried.
const ATTEMPTS: u64 = 720;

/// The permutation of this number, which is divided by how many there are; that of 0 is the order
/// at hand.
fn permutation(group: &[u32], number: &mut u64) -> Vec<u32> {
    let mut left = group.to_vec();
    let mut chosen = Vec::with_capacity(group.len());
    while *number > 0 && !left.is_empty() {
        let count = left.len() as u64;
        chosen.push(left.remove((*number % count) as usize));
        *number /= count;
    }
    chosen.extend(left);
    chosen
}
