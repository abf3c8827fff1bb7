//! Orders of a million operations.

use std::time::Instant;

use polygraph_checker::FailedCas;
use polygraph_checker::linearizable::{Linearization, Witness, confirm_witness};
use polygraph_checker::model::ModelKind;
use polygraph_history::{Body, Event, History, Key, Kind, Op, Order, Process, Time, Value};

use crate::random::Rng;

const CLIENTS: usize = 20;

/// A run of clients that all the time have an operation open, which takes effect when it ends.
fn run(operations: usize, ask: impl Fn(i64) -> Op, perform: &mut dyn FnMut(&mut Op)) -> Run {
    let rng = &mut Rng(1);
    let mut open: Vec<Option<(usize, Op)>> = vec![None; CLIENTS];
    let mut events = Vec::with_capacity(2 * operations);
    let (mut order, mut begun) = (Vec::with_capacity(operations), 0);
    while order.len() < operations {
        let at = rng.below(CLIENTS);
        let index = events.len();
        let mut tell = |kind, op| {
            let (time, process) = (Time::from_millis(index as u64), Process::Client(at as u64));
            events.push(Event::new(index as u64, time, process, kind, Body::Op(op)));
        };
        match open[at].take() {
            Some((invoke, mut op)) => {
                perform(&mut op);
                tell(Kind::Ok, op);
                order.push(invoke);
            }
            None if begun < operations => {
                begun += 1;
                let op = ask(begun as i64);
                tell(Kind::Invoke, op.clone());
                open[at] = Some((index, op));
            }
            None => {}
        }
    }
    let history = History::new(None, Order::Index, events).unwrap();
    Run { history, order }
}

struct Run {
    history: History,
    order: Vec<usize>,
}

fn confirm(run: &Run, model: ModelKind) {
    let witness = |order: Vec<usize>| Witness {
        failed_cas: FailedCas::Observe,
        objects: vec![Linearization {
            keys: vec![Key::from("x")],
            model: model.into(),
            order,
        }],
    };
    let good = witness(run.order.clone());
    let began = Instant::now();
    let confirmed = confirm_witness(&run.history, &good).unwrap();
    let count = run.order.len();
    println!(
        "{model}: {count} operations confirmed in {:?}",
        began.elapsed()
    );
    assert_eq!(confirmed.objects[0].operations, count);
    let mut swapped = run.order.clone();
    swapped.swap(count / 2, count / 2 + 2 * CLIENTS);
    assert!(confirm_witness(&run.history, &witness(swapped)).is_err());
}

#[test]
fn many_operations_are_confirmed_in_near_linear_time() {
    let count = match std::env::var("POLYGRAPH_FUZZ") {
        Ok(_) => 1_000_000,
        Err(_) => 100_000,
    };
    let key = || Key::from("x");
    let register = |at: i64| match at % 2 {
        0 => Op::Write {
            key: key(),
            value: Value::Int(at),
        },
        _ => Op::Read {
            key: key(),
            value: None,
        },
    };
    let mut now = Value::Null;
    let registers = run(count, register, &mut |op| match op {
        Op::Read { value, .. } => *value = Some(now.clone()),
        Op::Write { value, .. } => now = value.clone(),
        _ => {}
    });
    confirm(&registers, ModelKind::CasRegister);

    let queue = |at: i64| match at % 2 {
        0 => Op::Enqueue {
            key: key(),
            value: Value::Int(at),
        },
        _ => Op::Dequeue {
            key: key(),
            value: None,
        },
    };
    let mut held = std::collections::VecDeque::new();
    let queues = run(count, queue, &mut |op| match op {
        Op::Enqueue { value, .. } => held.push_back(value.clone()),
        Op::Dequeue { value, .. } => *value = Some(held.pop_front().unwrap_or(Value::Null)),
        _ => {}
    });
    confirm(&queues, ModelKind::FifoQueue);
}
