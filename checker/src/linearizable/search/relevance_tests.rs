//! What models say of which operations make which others possible, against runs of them; and what
//! the search makes of it.

use super::relevance::Uses;
use super::tests::{LIMITS, Rng, factor};
use super::timeline::Classes;
use super::{Answer, Wanted, search};
use crate::linearizable::item::Item;
use crate::model::persistent::Members;
use crate::model::{
    Access, Bag, BagOp, CasRegister, CasRegisterOp, Counter, CounterOp, FifoQueue, FifoQueueOp,
    GrowSet, GrowSetOp, Model, MultiRegister, MultiRegisterOp, Mutex, MutexOp, PriorityQueue,
    PriorityQueueOp, Register, RegisterOp, Semaphore, SemaphoreOp, Set, SetOp, Stack, StackOp,
    Text, TextOp,
};

/// Draws runs of a model, and leaves operations out of them that enable nothing that comes after.
fn leave_out<M: Model<Op: std::fmt::Debug>>(model: &M, draw: impl Fn(&mut Rng) -> M::Op) {
    let mut left_out = 0;
    for seed in 0..20_000 * factor() {
        let rng = &mut Rng(seed);
        let mut run: Vec<M::Op> = Vec::new();
        let mut state = model.initial();
        for _ in 0..40 {
            let op = draw(rng);
            if run.len() < 8
                && let Ok(next) = model.step(&state, &op)
            {
                state = next;
                run.push(op);
            }
        }
        for at in 0..run.len() {
            let mut after = run[at + 1..].iter();
            if after.any(|later| model.enables(&run[at], later)) {
                continue;
            }
            let mut state = model.initial();
            for op in run[..at].iter().chain(&run[at + 1..]) {
                let Ok(next) = model.step(&state, op) else {
                    panic!("{}, seed {seed}: {run:?} without {at}", model.name());
                };
                state = next;
            }
            left_out += 1;
        }
    }
    assert!(left_out > 1_000, "{}: {left_out}", model.name());
}

fn value(rng: &mut Rng) -> u8 {
    rng.below(3) as u8
}

fn maybe(rng: &mut Rng) -> Option<u8> {
    (rng.below(4) > 0).then(|| value(rng))
}

fn members(rng: &mut Rng) -> Members<u8> {
    let bits = rng.below(8);
    (0..3).filter(|at| bits >> at & 1 == 1).collect()
}

#[test]
fn what_enables_nothing_can_be_left_out_of_registers() {
    leave_out(&Register { initial: 0 }, |rng| match rng.below(2) {
        0 => RegisterOp::Read(value(rng)),
        _ => RegisterOp::Write(value(rng)),
    });
    leave_out(&CasRegister { initial: 0 }, |rng| match rng.below(4) {
        0 => CasRegisterOp::Read(value(rng)),
        1 => CasRegisterOp::Write(value(rng)),
        2 => CasRegisterOp::Mismatch(value(rng)),
        _ => CasRegisterOp::Cas {
            from: value(rng),
            to: value(rng),
        },
    });
    let registers = MultiRegister {
        given: [(1, 1)].into(),
        initial: 0,
    };
    leave_out(&registers, |rng| {
        let access = |rng: &mut Rng| match rng.below(2) {
            0 => Access::Read(value(rng), value(rng)),
            _ => Access::Write(value(rng), value(rng)),
        };
        MultiRegisterOp((0..1 + rng.below(3)).map(|_| access(rng)).collect())
    });
}

#[test]
fn what_enables_nothing_can_be_left_out_of_containers() {
    leave_out(&FifoQueue::default(), |rng| match rng.below(6) {
        0..=2 => FifoQueueOp::Enqueue(value(rng)),
        3 => FifoQueueOp::Front(value(rng)),
        4 => FifoQueueOp::Empty,
        _ => FifoQueueOp::Dequeue(maybe(rng)),
    });
    leave_out(&Stack::default(), |rng| match rng.below(6) {
        0..=2 => StackOp::Push(value(rng)),
        3 => StackOp::Front(value(rng)),
        4 => StackOp::Empty,
        _ => StackOp::Pop(maybe(rng)),
    });
    leave_out(&PriorityQueue::default(), |rng| match rng.below(6) {
        0..=2 => PriorityQueueOp::Insert(value(rng)),
        3 => PriorityQueueOp::Front(value(rng)),
        4 => PriorityQueueOp::Empty,
        _ => PriorityQueueOp::Extract(maybe(rng)),
    });
    leave_out(&Bag::default(), |rng| match rng.below(6) {
        0..=2 => BagOp::Enqueue(value(rng)),
        3 => BagOp::Front(value(rng)),
        4 => BagOp::Empty,
        _ => BagOp::Dequeue(maybe(rng)),
    });
    for strict in [false, true] {
        let mut set = Set::default();
        set.strict = strict;
        leave_out(&set, |rng| match rng.below(5) {
            0 | 1 => SetOp::Add(value(rng)),
            2 => SetOp::Remove(value(rng)),
            3 => SetOp::Contains {
                value: value(rng),
                found: rng.below(2) == 0,
            },
            _ => SetOp::Read(members(rng)),
        });
    }
    let text = |rng: &mut Rng| ["", "a", "b", "ab"][rng.below(4) as usize].into();
    leave_out(&Text, |rng| match rng.below(4) {
        0 => TextOp::Write(text(rng)),
        1 => TextOp::Append(text(rng)),
        _ => TextOp::Read([&*text(rng), &*text(rng)].concat().into()),
    });
    leave_out(&GrowSet::default(), |rng| match rng.below(2) {
        0 => GrowSetOp::Add(value(rng)),
        _ => GrowSetOp::Read(members(rng)),
    });
}

#[test]
fn what_enables_nothing_can_be_left_out_of_locks_and_counters() {
    leave_out(&Counter { initial: 1 }, |rng| match rng.below(3) {
        0 => CounterOp::Read(value(rng).into()),
        _ => CounterOp::Increment {
            by: i64::from(value(rng)) - 1,
            value: maybe(rng).map(i64::from),
        },
    });
    let semaphore = Semaphore {
        permits: 1,
        limit: 3,
    };
    leave_out(&semaphore, |rng| match rng.below(3) {
        0 => SemaphoreOp::Acquire,
        1 => SemaphoreOp::Release,
        _ => SemaphoreOp::Exhausted,
    });
    for owned in [false, true] {
        leave_out(&Mutex { owned }, |rng| match rng.below(2) {
            0 => MutexOp::Acquire(rng.below(2)),
            _ => MutexOp::Release(rng.below(2)),
        });
    }
}

type Write = FifoQueueOp<u32>;

fn item(operation: usize, action: Write, start: u64, end: u64) -> Item<Write> {
    Item {
        operation,
        action,
        start,
        end,
        returned: operation,
    }
}

#[test]
fn what_is_of_unknown_outcome_is_of_use_until_the_last_that_may_need_it() {
    let never = u64::MAX;
    let items = [
        item(0, Write::Enqueue(1), 0, never),
        item(1, Write::Enqueue(2), 0, never),
        item(2, Write::Enqueue(3), 1, 2),
        item(3, Write::Dequeue(Some(1)), 3, 5),
        item(4, Write::Dequeue(Some(3)), 4, 9),
        item(5, Write::Front(2), 6, never),
    ];
    let uses = Uses::new(&FifoQueue::default(), &items, &Classes::new(&items));
    let until: Vec<u64> = [0, 1, 5].map(|class| uses.until(class)).into();
    assert_eq!(until, [5, 0, 0]);
    // Without the time to find out all may be of use; what only observes is not.
    let uses = Uses::within(0, &FifoQueue::default(), &items, &Classes::new(&items));
    let until: Vec<u64> = [0, 1, 5].map(|class| uses.until(class)).into();
    assert_eq!(until, [u64::MAX, u64::MAX, 0]);
    // A take of what nobody knows keeps both of use as long as it is of use itself.
    let mut more = items.to_vec();
    more.push(item(6, Write::Dequeue(None), 6, never));
    let uses = Uses::new(&FifoQueue::default(), &more, &Classes::new(&more));
    let until: Vec<u64> = [0, 1, 5, 6].map(|class| uses.until(class)).into();
    assert_eq!(until, [9, 9, 0, 9]);
}

/// Elements whose enqueues were given up and that nobody saw, and one that somebody saw: without
/// leaving out the former there would be two to the power of their number of states.
#[test]
fn what_nobody_can_need_costs_nothing() {
    let mut items = Vec::new();
    for round in 0..200 {
        let begin = 10 * u64::from(round);
        let operation = items.len();
        items.push(item(operation, Write::Enqueue(2 * round), begin, u64::MAX));
        let enqueue = Write::Enqueue(2 * round + 1);
        items.push(item(operation + 1, enqueue, begin + 1, begin + 3));
        let dequeue = Write::Dequeue(Some(2 * round + 1));
        items.push(item(operation + 2, dequeue, begin + 2, begin + 5));
    }
    for wrong in [false, true] {
        if wrong {
            let last = items.len() - 1;
            items[last].action = Write::Dequeue(Some(1));
        }
        let found = search(&FifoQueue::default(), &items, &LIMITS, Wanted::Answer);
        assert_eq!(found.answer == Answer::Linearizable, !wrong);
        assert!(found.steps < 10_000, "{}", found.steps);
    }
}
