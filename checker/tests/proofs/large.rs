//! Orders of a million operations, and what shows that ten thousand have none.

use std::cell::RefCell;
use std::collections::HashSet;
use std::time::Instant;

use polygraph_checker::linearizable::{
    Linearization, Witness, confirm_certificate, confirm_witness,
};
use polygraph_checker::model::ModelKind;
use polygraph_checker::{FailedCas, Options, Validity, entry};
use polygraph_history::{
    Body, ErrorName, Event, Guarantee, History, Key, Kind, Op, Order, Process, Time, Value,
};

use crate::random::Rng;
use crate::things::{Act, Thing};

const CLIENTS: usize = 20;

/// A run of clients that all the time have an operation open, which takes effect when it ends.
fn run(
    clients: usize,
    operations: usize,
    ask: impl Fn(i64) -> Op,
    perform: &mut dyn FnMut(&mut Op),
) -> Run {
    let rng = &mut Rng(1);
    let mut open: Vec<Option<(usize, Op)>> = vec![None; clients];
    let mut events = Vec::with_capacity(2 * operations);
    let (mut order, mut begun) = (Vec::with_capacity(operations), 0);
    while order.len() < operations {
        let at = rng.below(clients);
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
    let registers = run(CLIENTS, count, register, &mut |op| match op {
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
    let queues = run(CLIENTS, count, queue, &mut |op| match op {
        Op::Enqueue { value, .. } => held.push_back(value.clone()),
        Op::Dequeue { value, .. } => *value = Some(held.pop_front().unwrap_or(Value::Null)),
        _ => {}
    });
    confirm(&queues, ModelKind::FifoQueue);
}

/// A run of an object that holds a few of five values, of which one operation shows another one.
fn tampered(thing: Thing, clients: usize, puts: usize, seed: u64) -> History {
    let operations = 10_000;
    let key = || Key::from("x");
    let (ask_rng, do_rng) = (RefCell::new(Rng(seed)), RefCell::new(Rng(seed ^ 1 << 40)));
    let ask = |_: i64| {
        let rng = &mut *ask_rng.borrow_mut();
        let value = Value::Int(rng.below(5) as i64);
        let (key, put) = (key(), rng.percent(puts));
        match thing {
            Thing::Stack if put => Op::Push { key, value },
            Thing::Stack => Op::Pop { key, value: None },
            Thing::Priority if put => Op::Insert { key, value },
            Thing::Priority => Op::Extract { key, value: None },
            Thing::Set if rng.percent(50) => Op::Contains {
                key,
                value,
                found: None,
            },
            Thing::Set if put => Op::Add { key, value },
            Thing::Set => Op::Remove { key, value },
            _ if put => Op::Enqueue { key, value },
            _ => Op::Dequeue { key, value: None },
        }
    };
    let (mut held, mut done) = (Vec::new(), 0);
    let wrong_from = operations * 4 / 5;
    let mut perform = |op: &mut Op| {
        let rng = &mut *do_rng.borrow_mut();
        done += 1;
        let act = match op {
            Op::Push { value, .. }
            | Op::Insert { value, .. }
            | Op::Enqueue { value, .. }
            | Op::Add { value, .. } => Act::Put(number(value)),
            Op::Remove { value, .. } => Act::Removed(number(value)),
            Op::Contains { value, found, .. } => {
                let mut has = held.contains(&number(value));
                has ^= (wrong_from..wrong_from + 20).contains(&done);
                *found = Some(has);
                return;
            }
            Op::Pop { value, .. } | Op::Extract { value, .. } | Op::Dequeue { value, .. } => {
                let all = 0..5;
                let may: Vec<i64> = all
                    .filter(|&one| !thing.after(&held, &Act::Took(one)).is_empty())
                    .collect();
                if may.is_empty() {
                    *value = Some(Value::Null);
                    return;
                }
                let taken = *rng.one(&may);
                *value = Some(Value::Int(taken));
                if (wrong_from..wrong_from + 20).contains(&done) {
                    let other = (0..5).find(|other| !may.contains(other));
                    *value = Some(Value::Int(other.unwrap_or(taken)));
                }
                Act::Took(taken)
            }
            other => unreachable!("{other}"),
        };
        held = rng.one(&thing.after(&held, &act)).clone();
    };
    run(clients, operations, ask, &mut perform).history
}

fn number(value: &Value) -> i64 {
    match value {
        Value::Int(value) => *value,
        other => unreachable!("{other}"),
    }
}

#[test]
fn of_ten_thousand_operations_with_few_values_a_few_are_evidence() {
    // Of bags and stacks that hold much, or that many push to, counting shows little.
    for (thing, clients, puts) in [
        (Thing::Set, CLIENTS, 50),
        (Thing::Queue, CLIENTS, 50),
        (Thing::Priority, CLIENTS, 50),
        (Thing::Bag, CLIENTS, 40),
        (Thing::Stack, 4, 40),
    ] {
        let (found, kept) = evidence_with_few_values(thing, clients, puts);
        assert_eq!(found, 2, "{thing:?}");
        assert!(kept < 10, "{thing:?}: {kept}");
    }
}

/// How many histories were found to be wrong, and how many operations show each of them at most.
fn evidence_with_few_values(thing: Thing, clients: usize, puts: usize) -> (u64, usize) {
    let check = entry(Guarantee::Linearizable).unwrap().check;
    let (mut found, mut kept) = (0, 0);
    for seed in 0..2 {
        let history = tampered(thing, clients, puts, seed);
        let options = Options {
            model: Some(thing.model()),
            ..Options::default()
        };
        let began = Instant::now();
        let verdict = check(&history, &options);
        let took = began.elapsed();
        let certificate = verdict.anomalies.first().and_then(|it| it.certificate());
        println!(
            "{thing:?}, seed {seed}: {:?} in {took:?}, {:?} kept by {:?}, since {:?} {:?}",
            verdict.validity,
            certificate.as_ref().map(|it| it.operations.len()),
            certificate.as_ref().map(|it| it.rule.name()),
            certificate.as_ref().and_then(|it| it.since),
            verdict.warnings,
        );
        if verdict.validity == Validity::Violated {
            let certificate = certificate.unwrap();
            assert!(confirm_certificate(&history, &certificate).is_ok());
            kept = kept.max(certificate.operations.len());
            found += 1;
        }
    }
    (found, kept)
}

/// The time of an order is part of that of the check.
fn has_an_order(history: &History, model: Option<ModelKind>) {
    let check = entry(Guarantee::Linearizable).unwrap().check;
    let options = Options {
        model,
        witness: true,
        ..Options::default()
    };
    let began = Instant::now();
    let verdict = check(history, &options);
    let took = began.elapsed();
    assert_eq!(verdict.validity, Validity::Holds, "{verdict:?}");
    let witness = verdict.witness.expect("it was asked for");
    let confirmed = confirm_witness(history, &witness).unwrap();
    let operations: usize = confirmed.objects.iter().map(|it| it.operations).sum();
    println!(
        "{}: {operations} operations decided and put in order in {took:?}",
        verdict.algorithm
    );
    assert_eq!(confirmed.not_covered, []);
    assert!(operations >= history.operations().len() * 9 / 10);
}

/// Failed compare-and-sets, and elements that are added again, whose orders are put together.
fn are_put_in_order(count: usize) {
    has_an_order(&run_of_a_register(count), None);
    has_an_order(&run_of_a_set(count), Some(ModelKind::Set));
}

/// A run of a register, of whose compare-and-sets most fail.
fn run_of_a_register(count: usize) -> History {
    let key = || Key::from("x");
    let rng = RefCell::new(Rng(1));
    let ask = |at: i64| match rng.borrow_mut().below(10) as i64 {
        0..4 => Op::Write {
            key: key(),
            value: Value::Int(at),
        },
        near @ 4..6 => Op::Cas {
            key: key(),
            from: Value::Int(at - 4 * near),
            to: Value::Int(at),
        },
        _ => Op::Read {
            key: key(),
            value: None,
        },
    };
    let (mut now, mut failed) = (Value::Null, HashSet::new());
    let mut perform = |op: &mut Op| match op {
        Op::Read { value, .. } => *value = Some(now.clone()),
        Op::Write { value, .. } => now = value.clone(),
        Op::Cas { from, to, .. } if *from == now => now = to.clone(),
        Op::Cas { to, .. } => {
            failed.insert(number(to));
        }
        _ => {}
    };
    let mut events = run(CLIENTS, count, ask, &mut perform)
        .history
        .events()
        .to_vec();
    for event in &mut events {
        let fails = |op: &Op| matches!(op, Op::Cas { to, .. } if failed.contains(&number(to)));
        if event.kind == Kind::Ok && event.op().is_some_and(fails) {
            event.kind = Kind::Fail;
            event.error = Some(ErrorName::CAS_MISMATCH);
        }
    }
    History::new(None, Order::Index, events).unwrap()
}

/// A run of a set of fifty elements that come and go, and some that come once.
fn run_of_a_set(count: usize) -> History {
    let rng = RefCell::new(Rng(2));
    let ask = |at: i64| {
        let rng = &mut *rng.borrow_mut();
        let key = Key::from("x");
        let again = rng.percent(50);
        let value = Value::Int(if again {
            rng.below(50) as i64
        } else {
            50 + at / 3
        });
        match rng.below(3) {
            0 => Op::Add { key, value },
            1 if again => Op::Remove { key, value },
            _ => Op::Contains {
                key,
                value,
                found: None,
            },
        }
    };
    let mut held = HashSet::new();
    let mut perform = |op: &mut Op| match op {
        Op::Add { value, .. } => {
            held.insert(number(value));
        }
        Op::Remove { value, .. } => {
            held.remove(&number(value));
        }
        Op::Contains { value, found, .. } => *found = Some(held.contains(&number(value))),
        _ => {}
    };
    run(CLIENTS, count, ask, &mut perform).history
}

#[test]
fn what_the_linear_ways_decide_has_an_order() {
    are_put_in_order(20_000);
}

#[test]
#[ignore = "takes a minute"]
fn what_the_linear_ways_decide_has_an_order_at_a_million_operations() {
    are_put_in_order(1_000_000);
}
