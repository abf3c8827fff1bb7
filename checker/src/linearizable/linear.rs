//! Which models have a near-linear way, and how it is asked.

use std::collections::BTreeMap;

use polygraph_history::{Key, Value};
use rustc_hash::FxHashMap;

use super::container::{
    self, bag, fenced_mutex, fifo_queue, mutex, priority_queue, rw_lock, semaphore, set, stack,
};
use super::item::Item;
use super::models::{Known, with_each};
use super::objects::Calls;
use super::sequence::{self, counter, grow_set, ids, list, log};
use super::witness::ModelName;
use crate::model::{
    Bag, BagOp, CasRegister, Counter, FencedMutex, FifoQueue, FifoQueueOp, GrowSet, IdSource, List,
    ListOp, Log, LogOp, MultiRegister, Mutex, Object, PriorityQueue, PriorityQueueOp, RwLock,
    Semaphore, Set, SetOp, Stack, StackOp, Text,
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
    /// Of an object that grows.
    Sequence(sequence::Why),
}

/// Says of a state that followed one of which it said the same: whether it may come before all
/// that is certainly shown later.
pub(super) type Foresight<'a, S> = Box<dyn Fn(&S) -> bool + 'a>;

/// A model of which objects may have a near-linear way. What is of no use here has none: it is
/// decided by the search.
pub(super) trait Linear: Object {
    /// The algorithm, as in reports.
    const ALGORITHM: &'static str = "windowed-search";

    /// Says whether the operations have an order; `None` if no such way is known for them.
    fn decide(&self, _calls: &Calls<'_>) -> Option<Result<(), Refuted>> {
        None
    }

    /// That the operations have no order, as far as counting shows it where [`Linear::decide`] does
    /// not apply; `None` says nothing.
    fn refute(&self, _calls: &Calls<'_>) -> Option<Refuted> {
        None
    }

    /// An order, as indices of items, if [`Linear::decide`] says that there is one.
    fn order(&self, _calls: &Calls<'_>) -> Option<Vec<usize>> {
        None
    }

    /// What the items show of states to come, for the search; `None` if nothing.
    fn foresight<'a>(&self, _items: &'a [Item<Self::Op>]) -> Option<Foresight<'a, Self::State>> {
        None
    }

    /// Where [`Linear::decide`] does not apply: groups of items, by index, that can be searched
    /// each for itself, and of which the whole has an order if each has; `None` if there are no
    /// smaller ones than the whole.
    fn parts(&self, _calls: &Calls<'_>) -> Option<Vec<Vec<usize>>> {
        None
    }

    /// An order, as indices of items, of these, which are all that are in none of
    /// [`Linear::parts`].
    fn order_of_rest(&self, _calls: &Calls<'_>, _rest: &[usize]) -> Option<Vec<usize>> {
        None
    }
}

/// Something that is done with a model that may have a near-linear way.
pub(super) trait ThenLinear {
    /// What comes of it.
    type Output;

    /// Does it.
    fn with<M: Linear>(self, model: &M) -> Self::Output;
}

/// Does something with the model of this name.
///
/// # Errors
/// If it is none of single operations, or a parameter is not one of it.
pub(super) fn with_linear<T: ThenLinear>(name: &ModelName, then: T) -> Result<T::Output, String> {
    Ok(with_each!(Known::of(name)?, model => then.with(&model)))
}

impl Linear for CasRegister<Value> {}
impl Linear for MultiRegister<Key, Value> {}
impl Linear for Text {}

impl Linear for Mutex {
    const ALGORITHM: &'static str = "zones";

    fn decide(&self, calls: &Calls<'_>) -> Option<Result<(), Refuted>> {
        of_container(mutex::decide(&as_they_are::<Self>(calls)?, *self)?)
    }

    fn order(&self, calls: &Calls<'_>) -> Option<Vec<usize>> {
        mutex::order(&as_they_are::<Self>(calls)?, *self)
    }
}

impl Linear for FencedMutex {
    const ALGORITHM: &'static str = "zones";

    fn decide(&self, calls: &Calls<'_>) -> Option<Result<(), Refuted>> {
        of_container(fenced_mutex::decide(&as_they_are::<Self>(calls)?)?)
    }

    fn order(&self, calls: &Calls<'_>) -> Option<Vec<usize>> {
        fenced_mutex::order(&as_they_are::<Self>(calls)?)
    }
}

impl Linear for RwLock {
    const ALGORITHM: &'static str = "zones";

    fn decide(&self, calls: &Calls<'_>) -> Option<Result<(), Refuted>> {
        of_container(rw_lock::decide(&as_they_are::<Self>(calls)?)?)
    }

    fn order(&self, calls: &Calls<'_>) -> Option<Vec<usize>> {
        rw_lock::order(&as_they_are::<Self>(calls)?)
    }
}

impl Linear for Semaphore {
    const ALGORITHM: &'static str = "zones";

    fn decide(&self, calls: &Calls<'_>) -> Option<Result<(), Refuted>> {
        of_container(semaphore::decide(&as_they_are::<Self>(calls)?, *self)?)
    }

    fn order(&self, calls: &Calls<'_>) -> Option<Vec<usize>> {
        semaphore::order(&as_they_are::<Self>(calls)?, *self)
    }
}

impl Linear for Set<Value> {
    const ALGORITHM: &'static str = "layers";

    fn decide(&self, calls: &Calls<'_>) -> Option<Result<(), Refuted>> {
        of_container(set::decide(&members(calls)?, self.strict)?)
    }

    fn order(&self, calls: &Calls<'_>) -> Option<Vec<usize>> {
        set::order(&members(calls)?, self.strict)
    }

    fn parts(&self, calls: &Calls<'_>) -> Option<Vec<Vec<usize>>> {
        let items = members(calls)?;
        let mut of_element: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for at in set::undecided(&items, self.strict) {
            // Who reads the whole set needs one moment for all elements.
            let element = *items[at].action.element()?;
            of_element.entry(element).or_default().push(at);
        }
        Some(of_element.into_values().collect())
    }

    fn order_of_rest(&self, calls: &Calls<'_>, rest: &[usize]) -> Option<Vec<usize>> {
        let items = members(calls)?;
        let items: Vec<Item<SetOp<u32>>> = rest.iter().map(|&at| items[at].clone()).collect();
        let order = set::order(&items, self.strict)?.into_iter();
        Some(order.map(|at| rest[at]).collect())
    }
}

impl Linear for FifoQueue<Value> {
    const ALGORITHM: &'static str = "queue-order";

    fn decide(&self, calls: &Calls<'_>) -> Option<Result<(), Refuted>> {
        of_container(fifo_queue::decide(&queue(calls)?)?)
    }

    fn refute(&self, calls: &Calls<'_>) -> Option<Refuted> {
        of_container(Err(fifo_queue::refute(&queue(calls)?)?))?.err()
    }

    fn order(&self, calls: &Calls<'_>) -> Option<Vec<usize>> {
        fifo_queue::order(&queue(calls)?)
    }
}

impl Linear for Stack<Value> {
    const ALGORITHM: &'static str = "stack-elimination";

    fn decide(&self, calls: &Calls<'_>) -> Option<Result<(), Refuted>> {
        of_container(stack::decide(&pile(calls)?)?)
    }

    fn refute(&self, calls: &Calls<'_>) -> Option<Refuted> {
        of_container(Err(stack::refute(&pile(calls)?)?))?.err()
    }

    fn order(&self, calls: &Calls<'_>) -> Option<Vec<usize>> {
        stack::order(&pile(calls)?)
    }
}

impl Linear for PriorityQueue<Value> {
    const ALGORITHM: &'static str = "priority-placement";

    fn decide(&self, calls: &Calls<'_>) -> Option<Result<(), Refuted>> {
        of_container(priority_queue::decide(&priorities(calls)?)?)
    }

    fn refute(&self, calls: &Calls<'_>) -> Option<Refuted> {
        of_container(Err(priority_queue::refute(&priorities(calls)?)?))?.err()
    }

    fn order(&self, calls: &Calls<'_>) -> Option<Vec<usize>> {
        priority_queue::order(&priorities(calls)?)
    }
}

impl Linear for Bag<Value> {
    fn refute(&self, calls: &Calls<'_>) -> Option<Refuted> {
        of_container(Err(bag::refute(&bag_of(calls)?)?))?.err()
    }
}

impl Linear for GrowSet<Value> {
    const ALGORITHM: &'static str = "layers";

    fn decide(&self, calls: &Calls<'_>) -> Option<Result<(), Refuted>> {
        of_sequence(grow_set::decide(&as_they_are::<Self>(calls)?)?)
    }

    fn order(&self, calls: &Calls<'_>) -> Option<Vec<usize>> {
        grow_set::order(&as_they_are::<Self>(calls)?)
    }
}

impl Linear for List<Value> {
    const ALGORITHM: &'static str = "layers";

    fn decide(&self, calls: &Calls<'_>) -> Option<Result<(), Refuted>> {
        of_sequence(list::decide(&as_they_are::<Self>(calls)?)?)
    }

    fn order(&self, calls: &Calls<'_>) -> Option<Vec<usize>> {
        list::order(&as_they_are::<Self>(calls)?)
    }

    /// The longest read has what is in each place.
    fn foresight<'a>(&self, items: &'a [Item<Self::Op>]) -> Option<Foresight<'a, Self::State>> {
        let certain = items.iter().filter(|item| !item.pending());
        let reads = certain.filter_map(|item| match &item.action {
            ListOp::Read(elements) => Some(&elements[..]),
            ListOp::Append(_) => None,
        });
        let longest = reads.max_by_key(|elements| elements.len())?;
        Some(Box::new(|state| {
            state.len() > longest.len() || state.ends_like(0, longest)
        }))
    }
}

impl Linear for Log<Value> {
    const ALGORITHM: &'static str = "layers";

    fn decide(&self, calls: &Calls<'_>) -> Option<Result<(), Refuted>> {
        of_sequence(log::decide(&as_they_are::<Self>(calls)?)?)
    }

    fn order(&self, calls: &Calls<'_>) -> Option<Vec<usize>> {
        log::order(&as_they_are::<Self>(calls)?)
    }

    /// Reads, polls and offsets tell what is in a place.
    fn foresight<'a>(&self, items: &'a [Item<Self::Op>]) -> Option<Foresight<'a, Self::State>> {
        let mut places: FxHashMap<u64, &Value> = FxHashMap::default();
        let mut longest: &[Value] = &[];
        for item in items.iter().filter(|item| !item.pending()) {
            match &item.action {
                LogOp::Append {
                    value,
                    offset: Some(offset),
                } => {
                    places.insert(*offset, value);
                }
                LogOp::Append { offset: None, .. } => {}
                LogOp::Poll { from, values } => places.extend((*from..).zip(values.iter())),
                LogOp::Read(elements) if elements.len() > longest.len() => longest = elements,
                LogOp::Read(_) => {}
            }
        }
        places.extend((0..).zip(longest));
        Some(Box::new(move |state| {
            let last = state.len().checked_sub(1);
            last.is_none_or(|last| {
                let there = places.get(&(last as u64));
                there.is_none_or(|there| state.get(last) == Some(there))
            })
        }))
    }
}

impl Linear for Counter {
    const ALGORITHM: &'static str = "layers";

    fn decide(&self, calls: &Calls<'_>) -> Option<Result<(), Refuted>> {
        of_sequence(counter::decide(&as_they_are::<Self>(calls)?, self.initial)?)
    }

    fn order(&self, calls: &Calls<'_>) -> Option<Vec<usize>> {
        counter::order(&as_they_are::<Self>(calls)?, self.initial)
    }
}

impl Linear for IdSource<Value> {
    const ALGORITHM: &'static str = "distinct";

    fn decide(&self, calls: &Calls<'_>) -> Option<Result<(), Refuted>> {
        of_sequence(ids::decide(&as_they_are::<Self>(calls)?)?)
    }

    fn order(&self, calls: &Calls<'_>) -> Option<Vec<usize>> {
        ids::order(&as_they_are::<Self>(calls)?)
    }
}

fn of_container(found: Result<(), container::refuted::Refuted>) -> Option<Result<(), Refuted>> {
    Some(found.map_err(|refuted| Refuted {
        by: refuted.by,
        operations: refuted.operations,
        why: Why::Container(refuted.why),
    }))
}

fn of_sequence(found: Result<(), sequence::Refuted>) -> Option<Result<(), Refuted>> {
    Some(found.map_err(|refuted| Refuted {
        by: refuted.by,
        operations: refuted.operations,
        why: Why::Sequence(refuted.why),
    }))
}

fn as_they_are<M: Object>(calls: &Calls<'_>) -> Option<Vec<Item<M::Op>>> {
    calls.items::<M, _>(|op| op)
}

fn members(calls: &Calls<'_>) -> Option<Vec<Item<SetOp<u32>>>> {
    let mut numbers = Numbers::default();
    calls.items::<Set<Value>, _>(|op| match op {
        SetOp::Add(value) => SetOp::Add(numbers.of(value)),
        SetOp::Remove(value) => SetOp::Remove(numbers.of(value)),
        SetOp::Contains { value, found } => SetOp::Contains {
            value: numbers.of(value),
            found,
        },
        SetOp::Read(read) => {
            let read = read.iter().cloned();
            SetOp::Read(read.map(|value| numbers.of(value)).collect())
        }
    })
}

fn queue(calls: &Calls<'_>) -> Option<Vec<Item<FifoQueueOp<u32>>>> {
    let mut numbers = Numbers::default();
    calls.items::<FifoQueue<Value>, _>(|op| match op {
        FifoQueueOp::Enqueue(value) => FifoQueueOp::Enqueue(numbers.of(value)),
        FifoQueueOp::Dequeue(value) => FifoQueueOp::Dequeue(value.map(|value| numbers.of(value))),
        FifoQueueOp::Front(value) => FifoQueueOp::Front(numbers.of(value)),
        FifoQueueOp::Empty => FifoQueueOp::Empty,
    })
}

fn bag_of(calls: &Calls<'_>) -> Option<Vec<Item<BagOp<u32>>>> {
    let mut numbers = Numbers::default();
    calls.items::<Bag<Value>, _>(|op| match op {
        BagOp::Enqueue(value) => BagOp::Enqueue(numbers.of(value)),
        BagOp::Dequeue(value) => BagOp::Dequeue(value.map(|value| numbers.of(value))),
        BagOp::Front(value) => BagOp::Front(numbers.of(value)),
        BagOp::Empty => BagOp::Empty,
    })
}

fn pile(calls: &Calls<'_>) -> Option<Vec<Item<StackOp<u32>>>> {
    let mut numbers = Numbers::default();
    calls.items::<Stack<Value>, _>(|op| match op {
        StackOp::Push(value) => StackOp::Push(numbers.of(value)),
        StackOp::Pop(value) => StackOp::Pop(value.map(|value| numbers.of(value))),
        StackOp::Front(value) => StackOp::Front(numbers.of(value)),
        StackOp::Empty => StackOp::Empty,
    })
}

/// With values numbered in their order.
fn priorities(calls: &Calls<'_>) -> Option<Vec<Item<PriorityQueueOp<u32>>>> {
    let mut numbers = Numbers::default();
    let mut items = calls.items::<PriorityQueue<Value>, _>(|op| match op {
        PriorityQueueOp::Insert(value) => PriorityQueueOp::Insert(numbers.of(value)),
        PriorityQueueOp::Extract(value) => {
            PriorityQueueOp::Extract(value.map(|value| numbers.of(value)))
        }
        PriorityQueueOp::Front(value) => PriorityQueueOp::Front(numbers.of(value)),
        PriorityQueueOp::Empty => PriorityQueueOp::Empty,
    })?;
    let place = numbers.places();
    for item in &mut items {
        match &mut item.action {
            PriorityQueueOp::Insert(value)
            | PriorityQueueOp::Extract(Some(value))
            | PriorityQueueOp::Front(value) => *value = place[*value as usize],
            PriorityQueueOp::Extract(None) | PriorityQueueOp::Empty => {}
        }
    }
    Some(items)
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

    /// Of each number, how many values are less than the one that has it.
    fn places(self) -> Vec<u32> {
        let mut values: Vec<(Value, u32)> = self.of_value.into_iter().collect();
        values.sort_unstable();
        let mut place = vec![0; values.len()];
        for (at, (_, number)) in values.into_iter().enumerate() {
            place[number as usize] = at as u32;
        }
        place
    }
}
