//! Large histories: how long they take.

use std::fs;
use std::time::Duration;

use super::brute::replay;
use super::generate::{Rng, item};
use crate::linearizable::container::elements::Step;
use crate::linearizable::container::{fifo_queue, priority_queue, refuted::Refuted, stack};
use crate::linearizable::item::Item;
use crate::model::{FifoQueue, Model, PriorityQueue, Stack};

/// A history of clients that are always busy: every operation happens at some moment between its
/// beginning and its end.
pub(super) fn large<M: Model>(
    model: &M,
    op: fn(Step) -> M::Op,
    operations: usize,
    clients: usize,
    front: fn(&[u32]) -> usize,
) -> Vec<Item<M::Op>> {
    let mut rng = Rng(7);
    let mut held: Vec<u32> = Vec::new();
    let mut free_at = vec![0_u64; clients];
    let mut items = Vec::with_capacity(operations);
    let mut next = 0;
    let _ = model;
    for moment in 0..operations as u64 {
        let client = rng.below(clients as u64) as usize;
        let happens = (moment + 1) * 16;
        let start = free_at[client].max(happens.saturating_sub(rng.below(clients as u64 * 16)));
        let end = happens + rng.below(clients as u64 * 16);
        let start = start.min(happens);
        free_at[client] = end + 1;
        let step = if rng.percent(50) || held.is_empty() {
            next += 1;
            held.push(next - 1);
            Step::Put(next - 1)
        } else {
            let at = front(&held);
            Step::Take(Some(held.remove(at)))
        };
        items.push(item(op(step), (start, end)));
    }
    items.sort_by_key(|item| item.start);
    ranked(&mut items);
    items
}

/// Gives moments their ranks.
fn ranked<A>(items: &mut [Item<A>]) {
    let mut ends: Vec<(u64, usize)> = (0..items.len()).map(|at| (items[at].end, at)).collect();
    ends.sort_unstable();
    let starts: Vec<u64> = items.iter().map(|item| item.start).collect();
    let (mut rank, mut begun) = (0, 0);
    for (end, at) in ends {
        while begun < starts.len() && starts[begun] <= end {
            items[begun].start = rank;
            rank += 1;
            begun += 1;
        }
        items[at].end = rank;
        rank += 1;
    }
}

/// How long this thread has run, without the time in which others did.
fn cpu() -> Duration {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let first = text.split(' ').next().and_then(|text| text.parse().ok());
    Duration::from_nanos(first.unwrap_or(0))
}

fn timed<M: Model>(
    model: &M,
    items: &[Item<M::Op>],
    decide: fn(&[Item<M::Op>]) -> Option<Result<(), Refuted>>,
    order: fn(&[Item<M::Op>]) -> Option<Vec<usize>>,
) {
    let name = model.name();
    for _ in 0..5 {
        let begun = cpu();
        assert_eq!(decide(items), Some(Ok(())));
        let decided = cpu() - begun;
        let begun = cpu();
        let order = order(items).unwrap();
        println!(
            "{name}, {}: decided in {decided:?}, ordered in {:?}",
            items.len(),
            cpu() - begun
        );
        replay(model, items, &order);
    }
}

#[test]
#[ignore = "measures time"]
fn a_million_operations() {
    for operations in [100_000, 1_000_000] {
        let model = FifoQueue::default();
        let items = large(&model, super::containers::fifo_op, operations, 20, |_| 0);
        timed(&model, &items, fifo_queue::decide, fifo_queue::order);
        let model = Stack::default();
        let items = large(
            &model,
            super::containers::stack_op,
            operations,
            20,
            |held| held.len() - 1,
        );
        timed(&model, &items, stack::decide, stack::order);
        let model = PriorityQueue::default();
        let items = large(
            &model,
            super::containers::priority_op,
            operations,
            20,
            |held| held.len() - 1,
        );
        timed(
            &model,
            &items,
            priority_queue::decide,
            priority_queue::order,
        );
    }
}
