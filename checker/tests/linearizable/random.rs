//! Random small histories: runs of an atomic store, some with a result changed afterwards.

use polygraph_history::{ErrorName, History, Kind, Op, Order, Time};

use crate::build::{Build, cas, int, key, read, write};

/// SplitMix64 (Steele, Lea & Flood, OOPSLA 2014).
pub(crate) struct Rng(pub(crate) u64);

impl Rng {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    pub(crate) fn percent(&mut self, share: u64) -> bool {
        self.below(100) < share
    }
}

/// What a random history is like.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    pub(crate) operations: usize,
    pub(crate) processes: usize,
    pub(crate) keys: usize,
    /// Values are drawn from so many, or all distinct where 0.
    pub(crate) domain: i64,
    pub(crate) crash_percent: u64,
    pub(crate) refuse_percent: u64,
    pub(crate) cas_percent: u64,
    pub(crate) read_percent: u64,
}

impl Shape {
    /// A small one, drawn.
    pub(crate) fn small(rng: &mut Rng) -> Shape {
        Shape {
            operations: 2 + rng.below(7) as usize,
            processes: 1 + rng.below(4) as usize,
            keys: [1, 1, 1, 2, 3][rng.below(5) as usize],
            domain: [0, 0, 1, 2, 3][rng.below(5) as usize],
            crash_percent: [0, 10, 30][rng.below(3) as usize],
            refuse_percent: [0, 10][rng.below(2) as usize],
            cas_percent: [0, 20, 50][rng.below(3) as usize],
            read_percent: [30, 50][rng.below(2) as usize],
        }
    }
}

const KEYS: [&str; 10] = ["x", "y", "z", "k3", "k4", "k5", "k6", "k7", "k8", "k9"];

/// A client of the atomic store.
#[derive(Clone)]
enum Client {
    Idle,
    Sent(Op),
    Done(Kind, Op, Option<ErrorName>),
}

/// A run of an atomic store, linearizable by construction.
pub(crate) fn atomic_run(rng: &mut Rng, shape: &Shape) -> Build {
    let mut build = Build::new();
    let mut process: Vec<u64> = (0..shape.processes as u64).collect();
    let mut clients = vec![Client::Idle; shape.processes];
    let mut store = [-1_i64; KEYS.len()];
    let mut zombies: Vec<Op> = Vec::new();
    let (mut begun, mut next_value) = (0, 0);
    while begun < shape.operations || clients.iter().any(|c| !matches!(c, Client::Idle)) {
        if !zombies.is_empty() && rng.percent(20) {
            let op = zombies.swap_remove(rng.below(zombies.len() as u64) as usize);
            perform(&mut store, &op);
        }
        let at = rng.below(shape.processes as u64) as usize;
        match clients[at].clone() {
            Client::Idle if begun < shape.operations => {
                begun += 1;
                let op = draw(rng, shape, &store, &mut next_value);
                let invoked = match &op {
                    Op::Read { key, .. } => Op::Read {
                        key: key.clone(),
                        value: None,
                    },
                    other => other.clone(),
                };
                build.invoke(process[at], invoked.clone());
                clients[at] = Client::Sent(invoked);
            }
            Client::Idle => {}
            Client::Sent(op) if rng.percent(shape.refuse_percent) => {
                clients[at] = Client::Done(Kind::Fail, op, Some(ErrorName::NOT_LEADER));
            }
            Client::Sent(op) if rng.percent(shape.crash_percent) => {
                zombies.push(op.clone());
                if rng.percent(50) {
                    build.info(process[at], op);
                } // Else it stays open for ever.
                process[at] += shape.processes as u64;
                clients[at] = Client::Idle;
            }
            Client::Sent(op) => {
                let (kind, op) = perform(&mut store, &op);
                let error = match rng.percent(50) {
                    true => Some(ErrorName::CAS_MISMATCH),
                    false => None,
                };
                clients[at] = Client::Done(kind, op, error.filter(|_| kind == Kind::Fail));
            }
            Client::Done(..) if rng.percent(30) => {}
            Client::Done(kind, op, error) => {
                if kind == Kind::Ok && rng.percent(shape.crash_percent / 2) {
                    build.info(process[at], op);
                    process[at] += shape.processes as u64;
                } else {
                    build.event(process[at], kind, op).error = error;
                }
                clients[at] = Client::Idle;
            }
        }
    }
    build
}

fn draw(rng: &mut Rng, shape: &Shape, store: &[i64], next_value: &mut i64) -> Op {
    let at = rng.below(shape.keys as u64) as usize;
    let mut value = || match shape.domain {
        0 => {
            *next_value += 1;
            *next_value
        }
        domain => rng.below(domain as u64) as i64,
    };
    let to = value();
    let roll = rng.below(100);
    if roll < shape.read_percent {
        read(KEYS[at], -1)
    } else if roll < shape.read_percent + shape.cas_percent {
        let from = match rng.below(10) {
            0 => rng.below(4) as i64 - 1,
            _ => store[at],
        };
        cas(KEYS[at], from, to)
    } else {
        write(KEYS[at], to)
    }
}

fn perform(store: &mut [i64], op: &Op) -> (Kind, Op) {
    let place =
        |name: &polygraph_history::Key| KEYS.iter().position(|known| key(known) == *name).unwrap();
    match op {
        Op::Read { key, .. } => {
            let value = Some(int(store[place(key)]));
            (
                Kind::Ok,
                Op::Read {
                    key: key.clone(),
                    value,
                },
            )
        }
        Op::Write { key, value } => {
            store[place(key)] = number(value);
            (Kind::Ok, op.clone())
        }
        Op::Cas { key, from, to } => {
            let at = place(key);
            if store[at] != number(from) {
                return (Kind::Fail, op.clone());
            }
            store[at] = number(to);
            (Kind::Ok, op.clone())
        }
        _ => unreachable!("only these are drawn"),
    }
}

fn number(value: &polygraph_history::Value) -> i64 {
    match value {
        polygraph_history::Value::Int(value) => *value,
        _ => -1,
    }
}

/// Changes up to two results, which may make the history wrong.
pub(crate) fn tamper(rng: &mut Rng, build: &mut Build) {
    let values: Vec<i64> = build
        .events
        .iter()
        .filter_map(|event| match event.op() {
            Some(Op::Write { value, .. } | Op::Cas { to: value, .. }) => Some(number(value)),
            _ => None,
        })
        .chain([-1, 9])
        .collect();
    let changeable: Vec<usize> = (0..build.events.len())
        .filter(|&at| match (build.events[at].op(), build.events[at].kind) {
            (_, Kind::Invoke) | (None, _) => false,
            (Some(Op::Read { .. }), kind) => kind == Kind::Ok,
            (Some(Op::Write { .. }), kind) => kind == Kind::Info,
            (Some(_), kind) => kind != Kind::Info,
        })
        .collect();
    if changeable.is_empty() {
        return;
    }
    for _ in 0..1 + rng.below(2) {
        let at = changeable[rng.below(changeable.len() as u64) as usize];
        let kind = build.events[at].kind;
        let polygraph_history::Body::Op(op) = &mut build.events[at].body else {
            continue;
        };
        match op {
            Op::Read { value, .. } if kind == Kind::Ok => {
                *value = Some(int(values[rng.below(values.len() as u64) as usize]));
            }
            Op::Cas { .. } if kind == Kind::Fail => {
                build.events[at].kind = Kind::Ok;
                build.events[at].error = None;
            }
            Op::Cas { .. } if kind == Kind::Ok => build.events[at].kind = Kind::Fail,
            Op::Write { .. } if kind == Kind::Info => build.events[at].kind = Kind::Ok,
            _ => {}
        }
    }
}

/// A random small history: by index, or by times that tie and run backwards.
pub(crate) fn small_history(rng: &mut Rng) -> History {
    let shape = Shape::small(rng);
    let mut build = atomic_run(rng, &shape);
    if rng.percent(80) {
        tamper(rng, &mut build);
    }
    let order = if rng.percent(15) {
        for event in &mut build.events {
            event.time = Time(event.index / 3 + rng.below(2));
        }
        Order::Time
    } else {
        Order::Index
    };
    History::new(None, order, build.events).unwrap()
}

/// How much more than usual to try: `POLYGRAPH_FUZZ`.
pub(crate) fn factor() -> u64 {
    std::env::var("POLYGRAPH_FUZZ")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(1)
}
