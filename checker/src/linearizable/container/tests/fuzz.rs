//! Random small histories of every object: what its file decides, the orders and certificates it
//! gives, and what the definition says.

use std::collections::BTreeMap;
use std::fmt::Debug;

use super::brute::{linearizable, replay};
use super::generate::{Rng, container};
use crate::linearizable::container::elements::{NEVER, Step};
use crate::linearizable::container::refuted::Refuted;
use crate::linearizable::container::{fifo_queue, priority_queue, stack};
use crate::linearizable::item::Item;
use crate::model::{FifoQueue, FifoQueueOp, Model, PriorityQueue, PriorityQueueOp, Stack, StackOp};

/// How many histories of each object.
const FEW: u64 = 20_000;
const MANY: u64 = 1_000_000;

/// How often each answer was given.
#[derive(Debug, Default)]
struct Count {
    holds: u64,
    violated: u64,
    not_known: u64,
    why: BTreeMap<String, u64>,
}

type Decide<A> = fn(&[Item<A>]) -> Option<Result<(), Refuted>>;
type Order<A> = fn(&[Item<A>]) -> Option<Vec<usize>>;

/// What is tested.
struct Subject<M: Model> {
    model: M,
    decide: Decide<M::Op>,
    order: Order<M::Op>,
    /// An operation of unknown outcome, if that may have had an effect.
    crashed: fn(&M::Op) -> Option<M::Op>,
}

impl<M: Model<Op: Debug>> Subject<M> {
    fn agrees(&self, items: &[Item<M::Op>], count: &mut Count) {
        let Some(answer) = (self.decide)(items) else {
            assert_eq!((self.order)(items), None);
            count.not_known += 1;
            return;
        };
        let truth = linearizable(&self.model, items);
        assert_eq!(answer.is_ok(), truth, "{answer:?} of {items:#?}");
        match answer {
            Ok(()) => {
                count.holds += 1;
                let order = (self.order)(items).unwrap_or_else(|| panic!("no order: {items:#?}"));
                let replayed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                    replay(&self.model, items, &order);
                }));
                assert!(replayed.is_ok(), "{order:?} of {items:#?}");
            }
            Err(refuted) => {
                count.violated += 1;
                let why = format!("{:?}, {}", refuted.why, refuted.why.kind());
                *count.why.entry(why).or_default() += 1;
                assert_eq!((self.order)(items), None);
                self.is_proof(items, &refuted);
            }
        }
    }

    fn containers(&self, op: fn(Step) -> M::Op, histories: u64) {
        let mut count = Count::default();
        for seed in 0..histories {
            let items = container(&self.model, op, &mut Rng(seed));
            self.agrees(&items, &mut count);
        }
        println!("{}: {count:#?}", self.model.name());
        assert!(count.holds > histories / 10 && count.violated > histories / 10);
    }

    /// Whether the operations alone have no order, nor has what was known by the rank.
    fn is_proof(&self, items: &[Item<M::Op>], refuted: &Refuted) {
        let named = refuted.operations.iter().map(|&at| items[at].clone());
        let alone: Vec<Item<M::Op>> = named.collect();
        assert!(
            !linearizable(&self.model, &alone),
            "{refuted:?} of {items:#?}"
        );
        let known: Vec<Item<M::Op>> = items
            .iter()
            .filter(|item| item.start <= refuted.by)
            .filter_map(|item| {
                let mut item = item.clone();
                if item.end > refuted.by {
                    item.end = NEVER;
                    item.action = (self.crashed)(&item.action)?;
                }
                Some(item)
            })
            .collect();
        assert!(
            !linearizable(&self.model, &known),
            "{refuted:?} of {items:#?}"
        );
    }
}

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
        decide: stack::decide,
        order: stack::order,
        crashed: |op| match op {
            StackOp::Push(value) => Some(StackOp::Push(*value)),
            StackOp::Pop(_) => Some(StackOp::Pop(None)),
            StackOp::Front(_) | StackOp::Empty => None,
        },
    };
    subject.containers(stack_op, histories);
}

fn fifo_queues(histories: u64) {
    let subject = Subject {
        model: FifoQueue::default(),
        decide: fifo_queue::decide,
        order: fifo_queue::order,
        crashed: |op| match op {
            FifoQueueOp::Enqueue(value) => Some(FifoQueueOp::Enqueue(*value)),
            FifoQueueOp::Dequeue(_) => Some(FifoQueueOp::Dequeue(None)),
            FifoQueueOp::Front(_) | FifoQueueOp::Empty => None,
        },
    };
    subject.containers(fifo_op, histories);
}

fn priority_queues(histories: u64) {
    let subject = Subject {
        model: PriorityQueue::default(),
        decide: priority_queue::decide,
        order: priority_queue::order,
        crashed: |op| match op {
            PriorityQueueOp::Insert(value) => Some(PriorityQueueOp::Insert(*value)),
            PriorityQueueOp::Extract(_) => Some(PriorityQueueOp::Extract(None)),
            PriorityQueueOp::Front(_) | PriorityQueueOp::Empty => None,
        },
    };
    subject.containers(priority_op, histories);
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
