//! Large histories: how long they take.

use std::collections::VecDeque;
use std::fs;
use std::time::Duration;

use super::brute::replay;
use super::generate::{Rng, item};
use crate::linearizable::container::elements::Step;
use crate::linearizable::container::{fifo_queue, priority_queue, refuted::Refuted, stack};
use crate::linearizable::item::Item;
use crate::model::{FifoQueue, Model, PriorityQueue, Stack};

type Decide<A> = fn(&[Item<A>]) -> Option<Result<(), Refuted>>;
type Order<A> = fn(&[Item<A>]) -> Option<Vec<usize>>;

/// What is measured.
struct Subject<M: Model> {
    model: M,
    op: fn(Step) -> M::Op,
    decide: Decide<M::Op>,
    order: Order<M::Op>,
    /// Which element goes next: the first of those that were put in, or the last. Elements are
    /// numbered as they are put in.
    first: bool,
}

/// A history of clients that are always busy: every operation happens at some moment between its
/// beginning and its end. If it is wrong, a take in the middle takes what should come last.
fn large<A>(op: fn(Step) -> A, first: bool, operations: usize, wrong: bool) -> Vec<Item<A>> {
    const CLIENTS: u64 = 20;
    let mut rng = Rng(7);
    let mut held: VecDeque<u32> = VecDeque::new();
    let mut free_at = [0_u64; CLIENTS as usize];
    let mut items = Vec::with_capacity(operations);
    let mut put = 0;
    let mut wrong_at = if wrong { operations / 2 } else { operations };
    for moment in 0..operations {
        let client = rng.below(CLIENTS) as usize;
        let happens = (moment as u64 + 1) * 16;
        let start = happens.saturating_sub(rng.below(CLIENTS * 16));
        let start = start.max(free_at[client]).min(happens);
        let end = happens + rng.below(CLIENTS * 16);
        free_at[client] = end + 1;
        let next = if first { held.front() } else { held.back() };
        let step = match next {
            _ if rng.percent(46) => {
                put += 1;
                held.push_back(put - 1);
                Step::Put(put - 1)
            }
            None => Step::Empty,
            Some(&next) if rng.percent(15) => Step::Look(next),
            Some(_) => {
                let wrong = moment >= wrong_at;
                if wrong {
                    wrong_at = operations;
                }
                Step::Take(if first != wrong {
                    held.pop_front()
                } else {
                    held.pop_back()
                })
            }
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

fn timed<M: Model>(subject: &Subject<M>) {
    let name = subject.model.name();
    for operations in [100_000, 1_000_000] {
        for wrong in [false, true] {
            let items = large(subject.op, subject.first, operations, wrong);
            for _ in 0..5 {
                let begun = cpu();
                let answer = (subject.decide)(&items);
                let decided = cpu() - begun;
                let begun = cpu();
                let order = (subject.order)(&items);
                let ordered = cpu() - begun;
                match (answer, order) {
                    (Some(Ok(())), Some(order)) if !wrong => {
                        println!("{name}, {operations}: {decided:?}, an order: {ordered:?}");
                        replay(&subject.model, &items, &order);
                    }
                    (Some(Err(refuted)), None) if wrong => {
                        let named = refuted.operations.len();
                        println!("{name}, {operations}: {decided:?}, {named} are wrong");
                    }
                    (answer, _) => panic!("{name}: {answer:?}"),
                }
            }
        }
    }
}

#[test]
#[ignore = "measures time"]
fn a_million_operations() {
    timed(&Subject {
        model: FifoQueue::default(),
        op: super::containers::fifo_op,
        decide: fifo_queue::decide,
        order: fifo_queue::order,
        first: true,
    });
    timed(&Subject {
        model: Stack::default(),
        op: super::containers::stack_op,
        decide: stack::decide,
        order: stack::order,
        first: false,
    });
    timed(&Subject {
        model: PriorityQueue::default(),
        op: super::containers::priority_op,
        decide: priority_queue::decide,
        order: priority_queue::order,
        first: false,
    });
}
