//! Random small histories of every object: what its file decides, the orders and certificates it
//! gives, and what the definition says.

use std::collections::BTreeMap;
use std::fmt::Debug;

use super::brute::{linearizable, replay};
use super::generate::{Rng, container};
use crate::linearizable::container::elements::{NEVER, Step};
use crate::linearizable::container::fifo_queue;
use crate::linearizable::container::refuted::Refuted;
use crate::linearizable::item::Item;
use crate::model::{FifoQueue, FifoQueueOp, Model};

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

fn fifo_op(step: Step) -> FifoQueueOp<u32> {
    match step {
        Step::Put(value) => FifoQueueOp::Enqueue(value),
        Step::Take(value) => FifoQueueOp::Dequeue(value),
        Step::Look(value) => FifoQueueOp::Front(value),
        Step::Empty => FifoQueueOp::Empty,
    }
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
    let mut count = Count::default();
    for seed in 0..histories {
        let items = container(&subject.model, fifo_op, &mut Rng(seed));
        subject.agrees(&items, &mut count);
    }
    println!("fifo queue: {count:#?}");
    assert!(count.holds > histories / 10 && count.violated > histories / 10);
}

#[test]
fn fifo_queues_agree_with_the_definition() {
    fifo_queues(FEW);
}

#[test]
#[ignore = "takes minutes"]
fn many_fifo_queues_agree_with_the_definition() {
    fifo_queues(MANY);
}
