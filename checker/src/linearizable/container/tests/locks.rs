//! Random small histories of locks and semaphores.

use super::generate::{Rng, Times, item};
use super::subject::{FEW, MANY, Subject};
use crate::linearizable::container::elements::NEVER;
use crate::linearizable::container::{fenced_mutex, mutex, rw_lock, semaphore};
use crate::linearizable::item::Item;
use crate::model::{
    FencedMutex, FencedMutexOp, Model, Mutex, MutexOp, RwLock, RwLockOp, Semaphore, SemaphoreOp,
};

/// An operation that some process tries next.
type Draw<A> = fn(&mut Rng, u64) -> A;

/// Processes that each do one thing after the other. With `together` they need not.
fn history<M: Model>(
    model: &M,
    draw: Draw<M::Op>,
    together: bool,
    rng: &mut Rng,
) -> Vec<Item<M::Op>> {
    let processes = 1 + rng.below(4) as usize;
    let mut names: Vec<u64> = (0..processes as u64).collect();
    let mut free_at = vec![0; processes];
    let (crashes, wrong) = (rng.pick(&[0, 10, 30]), rng.pick(&[0, 3, 20]));
    let mut times = Times::new(rng);
    let mut state = model.initial();
    let mut items = Vec::new();
    for _ in 0..30 {
        if items.len() == 8 {
            break;
        }
        let client = rng.below(processes as u64) as usize;
        let op = draw(rng, names[client]);
        match model.step(&state, &op) {
            Ok(next) => state = next,
            Err(_) if rng.percent(wrong) => {}
            Err(_) => continue,
        }
        let (mut start, end) = times.next(rng);
        if !together {
            start = start.max(free_at[client]);
        }
        let mut new = item(op, (start, end.max(start)));
        free_at[client] = new.end + 1;
        if rng.percent(crashes) {
            new.end = NEVER;
            names[client] += processes as u64;
        }
        items.push(new);
    }
    if rng.percent(40) && !items.is_empty() {
        items.remove(rng.below(items.len() as u64) as usize);
    }
    items.sort_by_key(|item| item.start);
    items
}

fn mutexes(owned: bool, histories: u64) {
    let model = Mutex { owned };
    let subject = Subject {
        model,
        decide: Box::new(move |items| mutex::decide(items, model)),
        order: Box::new(move |items| mutex::order(items, model)),
        crashed: |op| Some(*op),
        renamed: |op| match op {
            MutexOp::Acquire(process) => MutexOp::Acquire(99 - process),
            MutexOp::Release(process) => MutexOp::Release(99 - process),
        },
    };
    let draw: Draw<MutexOp> = |rng, process| match rng.below(2) {
        0 => MutexOp::Acquire(process),
        _ => MutexOp::Release(process),
    };
    subject.histories(histories, |rng| {
        let together = rng.percent(if owned { 5 } else { 50 });
        history(&model, draw, together, rng)
    });
}

fn rw_locks(histories: u64) {
    let subject = Subject {
        model: RwLock,
        decide: Box::new(rw_lock::decide),
        order: Box::new(rw_lock::order),
        crashed: |op| Some(*op),
        renamed: |op| match *op {
            RwLockOp::Acquire { process, shared } => RwLockOp::Acquire {
                process: 99 - process,
                shared,
            },
            RwLockOp::Release(process) => RwLockOp::Release(99 - process),
        },
    };
    let draw: Draw<RwLockOp> = |rng, process| match rng.below(5) {
        0 | 1 => RwLockOp::Acquire {
            process,
            shared: true,
        },
        2 => RwLockOp::Acquire {
            process,
            shared: false,
        },
        _ => RwLockOp::Release(process),
    };
    subject.histories(histories, |rng| history(&RwLock, draw, rng.percent(5), rng));
}

fn fenced_mutexes(histories: u64) {
    let subject = Subject {
        model: FencedMutex,
        decide: Box::new(fenced_mutex::decide),
        order: Box::new(fenced_mutex::order),
        crashed: |op| {
            Some(match *op {
                FencedMutexOp::Acquire { process, .. } => FencedMutexOp::Acquire {
                    process,
                    token: None,
                },
                release => release,
            })
        },
        renamed: |op| match *op {
            FencedMutexOp::Acquire { process, token } => FencedMutexOp::Acquire {
                process: 99 - process,
                token,
            },
            FencedMutexOp::Release(process) => FencedMutexOp::Release(99 - process),
        },
    };
    let draw: Draw<FencedMutexOp> = |rng, process| match rng.below(5) {
        0 | 1 => FencedMutexOp::Acquire {
            process,
            token: Some(rng.below(6)),
        },
        2 => FencedMutexOp::Acquire {
            process,
            token: None,
        },
        _ => FencedMutexOp::Release(process),
    };
    subject.histories(histories, |rng| {
        history(&FencedMutex, draw, rng.percent(5), rng)
    });
}

fn semaphores(permits: u32, limit: u32, histories: u64) {
    let model = Semaphore { permits, limit };
    let subject = Subject {
        model,
        decide: Box::new(move |items| semaphore::decide(items, model)),
        order: Box::new(move |items| semaphore::order(items, model)),
        crashed: |op| (*op != SemaphoreOp::Exhausted).then_some(*op),
        renamed: |op| *op,
    };
    subject.histories(histories, |rng| {
        let draw: Draw<SemaphoreOp> = if rng.percent(80) {
            |rng, _| rng.pick(&[SemaphoreOp::Acquire, SemaphoreOp::Release])
        } else {
            |rng, _| {
                rng.pick(&[
                    SemaphoreOp::Acquire,
                    SemaphoreOp::Release,
                    SemaphoreOp::Exhausted,
                ])
            }
        };
        history(&model, draw, true, rng)
    });
}

#[test]
fn locks_agree_with_the_definition() {
    mutexes(true, FEW);
    mutexes(false, FEW);
    rw_locks(FEW);
    fenced_mutexes(FEW);
}

#[test]
fn semaphores_agree_with_the_definition() {
    semaphores(1, 1, FEW);
    semaphores(2, 2, FEW);
    semaphores(1, 3, FEW);
}

#[test]
#[ignore = "takes minutes"]
fn many_locks_agree_with_the_definition() {
    mutexes(true, MANY);
    mutexes(false, MANY);
    rw_locks(MANY);
    fenced_mutexes(MANY);
}

#[test]
#[ignore = "takes minutes"]
fn many_semaphores_agree_with_the_definition() {
    semaphores(1, 1, MANY);
    semaphores(2, 2, MANY);
    semaphores(1, 3, MANY);
}
