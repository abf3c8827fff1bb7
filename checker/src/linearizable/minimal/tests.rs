//! What is left is wrong, is confirmed, and has nothing that could be left out besides.

use polygraph_history::{Body, Event, History, Key, Kind, Op, Order, Process, Time, Value};

use super::*;
use crate::linearizable::confirm_certificate;
use crate::linearizable::search::{Answer, Limits, Wanted, search};
use crate::model::{Bag, Call, CasRegister, FifoQueue, ModelKind, PriorityQueue, Set, Stack};

const LIMITS: Limits<'static> = Limits {
    steps: u64::MAX,
    bytes: u64::MAX,
    deadline: None,
    stop: None,
};

/// A model that begins in another state.
struct From<'a, M: Model> {
    model: &'a M,
    state: &'a M::State,
}

impl<M: Model> Model for From<'_, M> {
    type State = M::State;
    type Op = M::Op;
    type Refusal = M::Refusal;

    fn name(&self) -> &'static str {
        self.model.name()
    }

    fn initial(&self) -> M::State {
        self.state.clone()
    }

    fn step(&self, state: &M::State, op: &M::Op) -> Result<M::State, M::Refusal> {
        self.model.step(state, op)
    }

    fn only_observes(&self, op: &M::Op) -> bool {
        self.model.only_observes(op)
    }

    fn heap_bytes(&self, state: &M::State) -> usize {
        self.model.heap_bytes(state)
    }
}

/// SplitMix64.
struct Rng(u64);

impl Rng {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}

/// An operation as it is completed, with a result at random.
fn drawn(rng: &mut Rng, kind: ModelKind, fresh: i64) -> Op {
    let key = Key::from("x");
    let some = rng.below(5) as i64;
    let found = match some {
        4 => Value::Null,
        some => Value::Int(some),
    };
    let fresh = Value::Int(if rng.below(5) == 0 { some } else { fresh });
    match (kind, rng.below(10)) {
        (ModelKind::CasRegister, chance) => match chance {
            0..=4 => Op::Read {
                key,
                value: Some(found),
            },
            5..=7 => Op::Write { key, value: fresh },
            _ => Op::Cas {
                key,
                from: found,
                to: fresh,
            },
        },
        (ModelKind::Set, chance) => match chance {
            0..=3 => Op::Add { key, value: fresh },
            4..=6 => Op::Remove {
                key,
                value: Value::Int(some),
            },
            _ => Op::Contains {
                key,
                value: Value::Int(some),
                found: Some(rng.below(2) == 0),
            },
        },
        (ModelKind::Stack, 0..=4) => Op::Push { key, value: fresh },
        (ModelKind::PriorityQueue, 0..=4) => Op::Insert { key, value: fresh },
        (_, 0..=4) => Op::Enqueue { key, value: fresh },
        (_, 9) => Op::Front {
            key,
            value: Some(found),
        },
        (ModelKind::Stack, _) => Op::Pop {
            key,
            value: Some(found),
        },
        (ModelKind::PriorityQueue, _) => Op::Extract {
            key,
            value: Some(found),
        },
        (..) => Op::Dequeue {
            key,
            value: Some(found),
        },
    }
}

/// The same as it is invoked.
fn asked(mut op: Op) -> Op {
    match &mut op {
        Op::Read { value, .. }
        | Op::Dequeue { value, .. }
        | Op::Pop { value, .. }
        | Op::Extract { value, .. }
        | Op::Front { value, .. } => *value = None,
        Op::Contains { found, .. } => *found = None,
        _ => {}
    }
    op
}

/// A few operations that overlap at random.
fn history(seed: u64, kind: ModelKind) -> History {
    let rng = &mut Rng(seed);
    let count = 3 + rng.below(8);
    let clients = 1 + rng.below(4);
    let mut process: Vec<u64> = (0..clients).collect();
    let mut open: Vec<Option<Op>> = vec![None; clients as usize];
    let mut events = Vec::new();
    let mut begun = 0;
    while begun < count || open.iter().any(Option::is_some) {
        let at = rng.below(clients) as usize;
        let mut tell = |process: u64, kind, op| {
            let index = events.len() as u64;
            let (time, process) = (Time::from_millis(index), Process::Client(process));
            events.push(Event::new(index, time, process, kind, Body::Op(op)));
        };
        match open[at].take() {
            Some(op) if rng.below(10) == 0 => {
                tell(process[at], Kind::Info, asked(op));
                process[at] += clients;
            }
            Some(op) => tell(process[at], Kind::Ok, op),
            None if begun < count => {
                let op = drawn(rng, kind, begun as i64);
                tell(process[at], Kind::Invoke, asked(op.clone()));
                open[at] = Some(op);
                begun += 1;
            }
            None => {}
        }
    }
    History::new(None, Order::Index, events).unwrap()
}

fn items<M: Object>(history: &History) -> Vec<Item<M::Op>> {
    let item = |(id, operation): (usize, &polygraph_history::Operation)| {
        let op = history.op(operation);
        let call = Call {
            op,
            outcome: operation.outcome,
            error: None,
            process: operation.process,
            failed_cas: FailedCas::Observe,
        };
        Some(Item {
            operation: id,
            action: M::action(&call).unwrap()?,
            start: operation.start,
            end: operation.end,
            returned: operation.complete.unwrap_or(operation.invoke),
        })
    };
    history
        .operations()
        .iter()
        .enumerate()
        .filter_map(item)
        .collect()
}

fn is_wrong<M: Model>(model: &M, items: &[Item<M::Op>]) -> bool {
    let found = search(model, items, &LIMITS, Wanted::Answer);
    matches!(found.answer, Answer::Violated { .. })
}

/// Shrinks the violations of random histories.
fn shrink<M: Object>(model: &M, kind: ModelKind, largest: usize) {
    let (mut violated, mut before, mut after, mut later) = (0, 0, 0, 0);
    for seed in 0..2_000 {
        let history = history(seed, kind);
        let all = items::<M>(&history);
        if !is_wrong(model, &all) {
            continue;
        }
        violated += 1;
        let mut wrong =
            |state: &M::State, items: &[Item<M::Op>]| Some(is_wrong(&From { model, state }, items));
        let end = shortest(model, &all, &mut wrong);
        assert!(is_wrong(model, &prefix(model, &all, end)), "seed {seed}");
        assert!(
            !is_wrong(model, &prefix(model, &all, end - 1)),
            "seed {seed}"
        );

        let least = minimal(model, &all, end, &mut wrong);
        let key = Key::from("x");
        let certificate = least.certificate(&history, &key, kind.into(), FailedCas::Observe);
        let confirmed = confirm_certificate(&history, &certificate);
        assert!(
            confirmed.is_ok(),
            "{kind}, seed {seed}: {confirmed:?} {certificate:?}"
        );
        before += all.len();
        after += certificate.operations.len();

        // One that took something unknown for certain may have been in what was given.
        let unknown = |item: &Item<M::Op>| M::scope(&item.action) == Scope::SomeElement;
        let alone = least.rule == Rule::Elements;
        let base = least.since.as_ref();
        let told = base.map(|base| model.leaves(&base.action, alone).unwrap());
        later += u64::from(base.is_some());
        let mut items = least.items.clone();
        items.extend(base.cloned());
        let mut shrink = Shrink {
            model,
            keep: (0..items.len()).map(|at| at < least.items.len()).collect(),
            unknown_taken: all.iter().any(|item| unknown(item) && !item.pending()),
            since: base.map(|_| least.items.len()),
            items,
            state: told.unwrap_or(model.initial()),
            wrong: &mut wrong,
            over: false,
        };
        for units in [shrink.observers(|_| true), shrink.found_nothing()] {
            for unit in units {
                assert!(!shrink.attempt(&[unit]), "{kind}, seed {seed}");
            }
        }
        for unit in shrink.elements() {
            assert!(!shrink.attempt(&[unit]), "{kind}, seed {seed}");
        }
    }
    println!(
        "{kind}: {violated} violated, {before} operations of which {after} are kept; {later} do \
         not begin with the first state"
    );
    assert!(violated > 500 && after < before * largest / 100, "{kind}");
}

#[test]
fn what_is_left_is_wrong_and_has_nothing_to_spare() {
    shrink(&FifoQueue::default(), ModelKind::FifoQueue, 60);
    shrink(&Stack::default(), ModelKind::Stack, 60);
    shrink(&PriorityQueue::default(), ModelKind::PriorityQueue, 60);
    shrink(&Bag::default(), ModelKind::Bag, 60);
    shrink(&Set::default(), ModelKind::Set, 60);
    let initial = Value::Null;
    shrink(&CasRegister { initial }, ModelKind::CasRegister, 100);
}

/// Shrinks the violations of random histories with time for few questions.
fn shrink_a_little<M: Object>(model: &M, kind: ModelKind) {
    let (mut violated, mut in_time) = (0, 0);
    for seed in 0..1_000 {
        let history = history(seed, kind);
        let all = items::<M>(&history);
        if !is_wrong(model, &all) {
            continue;
        }
        violated += 1;
        let mut questions = seed % 24;
        let mut wrong = |state: &M::State, items: &[Item<M::Op>]| {
            questions = questions.checked_sub(1)?;
            Some(is_wrong(&From { model, state }, items))
        };
        let end = shortest(model, &all, &mut wrong);
        let least = minimal(model, &all, end, &mut wrong);
        in_time += u64::from(questions > 0);
        if least.since.is_none() {
            assert!(is_wrong(model, &least.items), "{kind}, seed {seed}");
        }
        let key = Key::from("x");
        let certificate = least.certificate(&history, &key, kind.into(), FailedCas::Observe);
        let confirmed = confirm_certificate(&history, &certificate);
        assert!(confirmed.is_ok(), "{kind}, seed {seed}: {confirmed:?}");
    }
    println!("{kind}: {violated} violated, {in_time} in time");
    assert!(violated > 250 && violated - in_time > 100, "{kind}");
}

#[test]
fn what_is_left_when_time_ends_is_wrong_too() {
    let register = CasRegister {
        initial: Value::Null,
    };
    shrink_a_little(&register, ModelKind::CasRegister);
    shrink_a_little(&FifoQueue::default(), ModelKind::FifoQueue);
    shrink_a_little(&Stack::default(), ModelKind::Stack);
    shrink_a_little(&Set::default(), ModelKind::Set);
}
