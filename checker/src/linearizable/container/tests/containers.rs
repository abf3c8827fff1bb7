//! Random small histories of queues and stacks.

use super::generate::{Rng, container};
use super::subject::{FEW, MANY, Subject};
use crate::linearizable::container::elements::Step;
use crate::linearizable::container::refuted::Refuted;
use crate::linearizable::container::{fifo_queue, priority_queue, stack};
use crate::linearizable::item::Item;
use crate::model::{FifoQueue, FifoQueueOp, Model, PriorityQueue, PriorityQueueOp, Stack, StackOp};

pub(super) fn fifo_op(step: Step) -> FifoQueueOp<u32> {
    match step {
        Step::Put(value) => FifoQueueOp::Enqueue(value),
        Step::Take(value) => FifoQueueOp::Dequeue(value),
        Step::Look(value) => FifoQueueOp::Front(value),
        Step::Empty => FifoQueueOp::Empty,
    }
}

pub(super) fn priority_op(step: Step) -> PriorityQueueOp<u32> {
    match step {
        Step::Put(value) => PriorityQueueOp::Insert(value),
        Step::Take(value) => PriorityQueueOp::Extract(value),
        Step::Look(value) => PriorityQueueOp::Front(value),
        Step::Empty => PriorityQueueOp::Empty,
    }
}

pub(super) fn stack_op(step: Step) -> StackOp<u32> {
    match step {
        Step::Put(value) => StackOp::Push(value),
        Step::Take(value) => StackOp::Pop(value),
        Step::Look(value) => StackOp::Front(value),
        Step::Empty => StackOp::Empty,
    }
}

fn stacks(histories: u64) {
    let subject = Subject {
        model: Stack::default(),
        decide: Box::new(stack::decide),
        order: Box::new(stack::order),
        crashed: |op| match op {
            StackOp::Push(value) => Some(StackOp::Push(*value)),
            StackOp::Pop(_) => Some(StackOp::Pop(None)),
            StackOp::Front(_) | StackOp::Empty => None,
        },
        renamed: |op| match op {
            StackOp::Push(value) => StackOp::Push(2 * value + 1),
            StackOp::Pop(value) => StackOp::Pop(value.map(|value| 2 * value + 1)),
            StackOp::Front(value) => StackOp::Front(2 * value + 1),
            StackOp::Empty => StackOp::Empty,
        },
    };
    subject.histories(histories, |rng| container(&subject.model, stack_op, rng));
}

fn fifo_queues(histories: u64) {
    let subject = Subject {
        model: FifoQueue::default(),
        decide: Box::new(fifo_queue::decide),
        order: Box::new(fifo_queue::order),
        crashed: |op| match op {
            FifoQueueOp::Enqueue(value) => Some(FifoQueueOp::Enqueue(*value)),
            FifoQueueOp::Dequeue(_) => Some(FifoQueueOp::Dequeue(None)),
            FifoQueueOp::Front(_) | FifoQueueOp::Empty => None,
        },
        renamed: |op| match op {
            FifoQueueOp::Enqueue(value) => FifoQueueOp::Enqueue(2 * value + 1),
            FifoQueueOp::Dequeue(value) => FifoQueueOp::Dequeue(value.map(|value| 2 * value + 1)),
            FifoQueueOp::Front(value) => FifoQueueOp::Front(2 * value + 1),
            FifoQueueOp::Empty => FifoQueueOp::Empty,
        },
    };
    subject.histories(histories, |rng| container(&subject.model, fifo_op, rng));
}

fn priority_queues(histories: u64) {
    let subject = Subject {
        model: PriorityQueue::default(),
        decide: Box::new(priority_queue::decide),
        order: Box::new(priority_queue::order),
        crashed: |op| match op {
            PriorityQueueOp::Insert(value) => Some(PriorityQueueOp::Insert(*value)),
            PriorityQueueOp::Extract(_) => Some(PriorityQueueOp::Extract(None)),
            PriorityQueueOp::Front(_) | PriorityQueueOp::Empty => None,
        },
        renamed: |op| match op {
            PriorityQueueOp::Insert(value) => PriorityQueueOp::Insert(2 * value + 1),
            PriorityQueueOp::Extract(value) => {
                PriorityQueueOp::Extract(value.map(|value| 2 * value + 1))
            }
            PriorityQueueOp::Front(value) => PriorityQueueOp::Front(2 * value + 1),
            PriorityQueueOp::Empty => PriorityQueueOp::Empty,
        },
    };
    subject.histories(histories, |rng| container(&subject.model, priority_op, rng));
}

#[test]
fn fifo_queues_agree_with_the_definition() {
    fifo_queues(FEW);
}

#[test]
fn priority_queues_agree_with_the_definition() {
    priority_queues(FEW);
}

#[test]
#[ignore = "takes minutes"]
fn many_fifo_queues_agree_with_the_definition() {
    fifo_queues(MANY);
}

#[test]
#[ignore = "takes minutes"]
fn many_priority_queues_agree_with_the_definition() {
    priority_queues(MANY);
}

#[test]
fn stacks_agree_with_the_definition() {
    stacks(FEW);
}

#[test]
#[ignore = "takes minutes"]
fn many_stacks_agree_with_the_definition() {
    stacks(MANY);
}

/// Where all outcomes are known, and what was taken, and nothing is put in twice.
fn is_decided<M: Model<Op: std::fmt::Debug>>(
    model: &M,
    op: fn(Step) -> M::Op,
    decide: impl Fn(&[Item<M::Op>]) -> Option<Result<(), Refuted>>,
) {
    let mut answers = [0_u32; 2];
    let put = |action: &M::Op| (0..100).any(|value| *action == op(Step::Put(value)));
    for seed in 0..FEW {
        let items = container(model, op, &mut Rng(seed));
        let unknown = |item: &Item<M::Op>| item.pending() || item.action == op(Step::Take(None));
        let again = |at: usize| {
            let action = &items[at].action;
            put(action) && items[..at].iter().any(|item| item.action == *action)
        };
        if items.iter().any(unknown) || (0..items.len()).any(again) {
            continue;
        }
        let answer = decide(&items).unwrap_or_else(|| panic!("seed {seed}: {items:#?}"));
        answers[usize::from(answer.is_ok())] += 1;
    }
    println!("{}: {answers:?}", model.name());
    assert!(answers.iter().all(|&count| count > 1_000), "{answers:?}");
}

#[test]
fn whatever_is_known_and_distinct_is_decided() {
    is_decided(&FifoQueue::default(), fifo_op, fifo_queue::decide);
    is_decided(&Stack::default(), stack_op, stack::decide);
    is_decided(
        &PriorityQueue::default(),
        priority_op,
        priority_queue::decide,
    );
}
