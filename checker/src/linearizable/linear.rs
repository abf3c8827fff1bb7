//! Which models have a near-linear way, and how it is asked.

use polygraph_history::{Key, Value};
use rustc_hash::FxHashMap;

use super::container::{self, fifo_queue};
use super::item::Item;
use super::objects::Calls;
use crate::model::{
    Bag, CasRegister, Counter, FencedMutex, FifoQueue, FifoQueueOp, GrowSet, IdSource, List, Log,
    MultiRegister, Mutex, Object, PriorityQueue, RwLock, Semaphore, Set, Stack,
};

/// That there is no order, as a near-linear way says it.
#[derive(Clone, Debug)]
pub(super) struct Refuted {
    /// A rank in real time by which there is none, whatever comes later.
    pub(super) by: u64,
    /// The operations that show it, as indices of items.
    pub(super) operations: Vec<usize>,
    /// Why.
    pub(super) why: Why,
}

/// Why there is no order, by the family of objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// Of a container or lock.
    Container(container::refuted::Why),
}

/// A model of which objects may have a near-linear way. What is of no use here has none: it is
/// decided by the search.
pub(super) trait Linear: Object {
    /// The algorithm, as in reports.
    const ALGORITHM: &'static str = "windowed-search";

    /// Says whether the operations have an order; `None` if no such way is known for them.
    fn decide(&self, _calls: &Calls<'_>) -> Option<Result<(), Refuted>> {
        None
    }

    /// An order, as indices of items, if [`Linear::decide`] says that there is one.
    fn order(&self, _calls: &Calls<'_>) -> Option<Vec<usize>> {
        None
    }
}

impl Linear for CasRegister<Value> {}
impl Linear for MultiRegister<Key, Value> {}
impl Linear for Bag<Value> {}
impl Linear for Set<Value> {}
impl Linear for Mutex {}
impl Linear for FencedMutex {}
impl Linear for RwLock {}
impl Linear for Semaphore {}
impl Linear for Stack<Value> {}
impl Linear for PriorityQueue<Value> {}
impl Linear for GrowSet<Value> {}
impl Linear for List<Value> {}
impl Linear for Log<Value> {}
impl Linear for Counter {}
impl Linear for IdSource<Value> {}

impl Linear for FifoQueue<Value> {
    const ALGORITHM: &'static str = "queue-order";

    fn decide(&self, calls: &Calls<'_>) -> Option<Result<(), Refuted>> {
        of_container(fifo_queue::decide(&queue(calls)))
    }

    fn order(&self, calls: &Calls<'_>) -> Option<Vec<usize>> {
        fifo_queue::order(&queue(calls))
    }
}

fn of_container(
    found: Option<Result<(), container::refuted::Refuted>>,
) -> Option<Result<(), Refuted>> {
    Some(found?.map_err(|refuted| Refuted {
        by: refuted.by,
        operations: refuted.operations,
        why: Why::Container(refuted.why),
    }))
}

fn queue(calls: &Calls<'_>) -> Vec<Item<FifoQueueOp<u32>>> {
    let mut numbers = Numbers::default();
    calls.items::<FifoQueue<Value>, _>(|op| match op {
        FifoQueueOp::Enqueue(value) => FifoQueueOp::Enqueue(numbers.of(value)),
        FifoQueueOp::Dequeue(value) => FifoQueueOp::Dequeue(value.map(|value| numbers.of(value))),
        FifoQueueOp::Front(value) => FifoQueueOp::Front(numbers.of(value)),
        FifoQueueOp::Empty => FifoQueueOp::Empty,
    })
}

/// Numbers values as they come.
#[derive(Default)]
struct Numbers {
    of_value: FxHashMap<Value, u32>,
}

impl Numbers {
    fn of(&mut self, value: Value) -> u32 {
        let next = self.of_value.len() as u32;
        *self.of_value.entry(value).or_insert(next)
    }
}
