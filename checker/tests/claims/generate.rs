//! Random histories: runs of atomic objects, with results that are wrong now and then.

use polygraph_checker::linearizable::ModelName;
use polygraph_checker::model::ModelKind;
use polygraph_history::{
    Body, Event, History, Key, Kind as Phase, Op, Order, Process, Time, Value,
};

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

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    pub(crate) fn percent(&mut self, share: usize) -> bool {
        self.below(100) < share
    }

    pub(crate) fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Mutex,
    AnybodysMutex,
    FencedMutex,
    RwLock,
    Semaphore,
    TwoPermits,
    GrowSet,
    List,
    Log,
    Counter,
    IdSource,
}

pub(crate) const KINDS: [Kind; 11] = [
    Kind::Mutex,
    Kind::AnybodysMutex,
    Kind::FencedMutex,
    Kind::RwLock,
    Kind::Semaphore,
    Kind::TwoPermits,
    Kind::GrowSet,
    Kind::List,
    Kind::Log,
    Kind::Counter,
    Kind::IdSource,
];

impl Kind {
    pub(crate) fn model(self) -> ModelName {
        let kind = match self {
            Kind::AnybodysMutex => {
                return ModelName::from(ModelKind::Mutex).with("owned", Value::Int(0));
            }
            Kind::Semaphore | Kind::TwoPermits => {
                let permits = Value::Int(self.permits().into());
                return ModelName::from(ModelKind::Semaphore).with("permits", permits);
            }
            Kind::Mutex => ModelKind::Mutex,
            Kind::FencedMutex => ModelKind::FencedMutex,
            Kind::RwLock => ModelKind::RwLock,
            Kind::GrowSet => ModelKind::GrowSet,
            Kind::List => ModelKind::List,
            Kind::Log => ModelKind::Log,
            Kind::Counter => ModelKind::Counter,
            Kind::IdSource => ModelKind::IdSource,
        };
        kind.into()
    }

    pub(crate) const fn permits(self) -> u32 {
        if matches!(self, Kind::TwoPermits) {
            2
        } else {
            1
        }
    }

    /// Whether it is a lock or semaphore.
    pub(crate) const fn is_lock(self) -> bool {
        matches!(
            self,
            Kind::Mutex
                | Kind::AnybodysMutex
                | Kind::FencedMutex
                | Kind::RwLock
                | Kind::Semaphore
                | Kind::TwoPermits
        )
    }

    const fn anybodys(self) -> bool {
        matches!(
            self,
            Kind::AnybodysMutex | Kind::Semaphore | Kind::TwoPermits
        )
    }
}

/// What a history is to be like.
pub(crate) struct Plan {
    pub(crate) kind: Kind,
    pub(crate) operations: usize,
    pub(crate) clients: usize,
    /// How many of a hundred operations have an unknown outcome.
    pub(crate) crash: usize,
    /// How many of a hundred are reads, of objects that have them.
    pub(crate) reads: usize,
    /// Whether all that is added is distinct.
    pub(crate) distinct: bool,
    /// Whether increments differ.
    pub(crate) amounts: bool,
    /// Whether the order is by time, with ties.
    pub(crate) ties: bool,
}

/// The object, with what is needed of it by all kinds.
#[derive(Default)]
struct Held {
    elements: Vec<i64>,
    number: i64,
    /// Who holds a lock, and whether others may too.
    holders: Vec<(u64, bool)>,
    token: u64,
}

enum Client {
    Idle,
    Sent(Op, usize),
    Done(Phase, Op),
}

fn key() -> Key {
    Key::from("x")
}

/// A history in which operations go wrong where `wrong` says so, by how many had begun.
pub(crate) fn history(
    rng: &mut Rng,
    plan: &Plan,
    mut wrong: impl FnMut(&mut Rng, usize) -> bool,
) -> History {
    let mut process: Vec<u64> = (0..plan.clients as u64).collect();
    let mut clients: Vec<Client> = (0..plan.clients).map(|_| Client::Idle).collect();
    let mut late: Vec<(u64, Op)> = Vec::new();
    let mut held = Held::default();
    let mut events: Vec<Event> = Vec::new();
    let mut begun = 0;
    while begun < plan.operations || clients.iter().any(|it| !matches!(it, Client::Idle)) {
        if !late.is_empty() && rng.percent(25) {
            let (process, op) = late.swap_remove(rng.below(late.len()));
            held.perform(rng, plan, process, &op);
        }
        let at = rng.below(plan.clients);
        let mut tell = |process: u64, phase, op| {
            let index = events.len() as u64;
            let (time, process) = (Time::from_millis(index), Process::Client(process));
            events.push(Event::new(index, time, process, phase, Body::Op(op)));
        };
        clients[at] = match std::mem::replace(&mut clients[at], Client::Idle) {
            Client::Idle if begun == plan.operations => Client::Idle,
            Client::Idle => {
                begun += 1;
                let op = held.draw(rng, plan, process[at], begun);
                tell(process[at], Phase::Invoke, op.clone());
                Client::Sent(op, 0)
            }
            Client::Sent(op, _) if rng.percent(plan.crash) => {
                late.push((process[at], op.clone()));
                if rng.percent(50) {
                    tell(process[at], Phase::Info, op);
                }
                process[at] += plan.clients as u64;
                Client::Idle
            }
            Client::Sent(op, tries) => {
                let done = held.perform(rng, plan, process[at], &op);
                match done {
                    Some(done) if wrong(rng, begun) => {
                        Client::Done(Phase::Ok, held.spoil(rng, plan, done))
                    }
                    Some(done) => Client::Done(Phase::Ok, done),
                    None if wrong(rng, begun) => Client::Done(Phase::Ok, op),
                    // Nobody waits for ever.
                    None if tries > 10 * plan.clients => Client::Done(Phase::Fail, op),
                    None => Client::Sent(op, tries + 1),
                }
            }
            done @ Client::Done(..) if rng.percent(30) => done,
            Client::Done(phase, op) => {
                tell(process[at], phase, op);
                Client::Idle
            }
        };
    }
    let order = if plan.ties {
        for event in &mut events {
            event.time = Time(event.index / 3 + rng.next() % 2);
        }
        Order::Time
    } else {
        Order::Index
    };
    History::new(None, order, events).unwrap()
}

impl Held {
    fn holds(&self, process: u64) -> bool {
        self.holders.iter().any(|&(holder, _)| holder == process)
    }

    /// What a client asks for.
    fn draw(&self, rng: &mut Rng, plan: &Plan, process: u64, number: usize) -> Op {
        let key = key();
        let fresh = match plan.distinct {
            true => number as i64,
            false => rng.below(3) as i64,
        };
        let value = Value::Int(fresh);
        let read = rng.percent(plan.reads);
        match plan.kind {
            kind if kind.is_lock() => {
                let may_release = match kind.anybodys() {
                    true => !self.holders.is_empty(),
                    false => self.holds(process),
                };
                let again = kind == Kind::RwLock && rng.percent(30);
                let astray = plan.operations < 20 && rng.percent(3);
                if (may_release && !again) != astray {
                    return Op::Release { key };
                }
                let shared = kind == Kind::RwLock && rng.percent(60);
                Op::Acquire {
                    key,
                    shared,
                    token: None,
                }
            }
            Kind::IdSource => Op::Generate { key, value: None },
            Kind::Log if read && rng.percent(50) => Op::Poll {
                key,
                from: rng.below(self.elements.len() + 1) as u64,
                value: None,
            },
            _ if read => Op::Read { key, value: None },
            Kind::GrowSet => Op::Add { key, value },
            Kind::Counter => Op::Increment {
                key,
                by: match plan.amounts {
                    true => rng.below(7) as i64 - 2,
                    false => 2,
                },
                value: None,
            },
            _ => Op::Append {
                key,
                value,
                offset: None,
            },
        }
    }

    /// Performs it, if that is possible.
    fn perform(&mut self, rng: &mut Rng, plan: &Plan, process: u64, op: &Op) -> Option<Op> {
        let kind = plan.kind;
        let mut op = op.clone();
        let all = |elements: &[i64]| Value::list(elements.iter().map(|&it| Value::Int(it)));
        match &mut op {
            Op::Acquire { shared, token, .. } => {
                let free = match kind {
                    Kind::Semaphore | Kind::TwoPermits => {
                        self.holders.len() < kind.permits() as usize
                    }
                    _ if *shared => self.holders.iter().all(|&(_, shared)| shared),
                    _ => self.holders.is_empty(),
                };
                if !free {
                    return None;
                }
                self.holders.push((process, *shared));
                self.token += 1 + u64::from(rng.percent(20));
                let tells = kind == Kind::FencedMutex && rng.percent(70);
                *token = tells.then_some(self.token);
            }
            Op::Release { .. } => {
                let mine = |&(holder, _): &(u64, bool)| kind.anybodys() || holder == process;
                let at = self.holders.iter().position(mine)?;
                self.holders.swap_remove(at);
            }
            Op::Read { value, .. } if kind == Kind::Counter => {
                *value = Some(Value::Int(self.number));
            }
            Op::Read { value, .. } => *value = Some(all(&self.elements)),
            Op::Poll { from, value, .. } => {
                let behind = &self.elements[*from as usize..];
                let most = rng.below(4).min(behind.len());
                *value = Some(all(&behind[..most]));
            }
            Op::Append { value, offset, .. } => {
                let tells = kind == Kind::Log && rng.percent(50);
                *offset = tells.then_some(self.elements.len() as u64);
                self.elements.push(number(value));
            }
            Op::Add { value, .. } => {
                let value = number(value);
                if !self.elements.contains(&value) {
                    self.elements.push(value);
                }
            }
            Op::Increment { by, value, .. } => {
                self.number += *by;
                *value = rng.percent(50).then_some(Value::Int(self.number));
            }
            Op::Generate { value, .. } => {
                self.number += 1;
                *value = Some(Value::Int(self.number));
            }
            other => unreachable!("{other}"),
        }
        Some(op)
    }

    /// Changes a result.
    fn spoil(&self, rng: &mut Rng, plan: &Plan, mut op: Op) -> Op {
        let near = |rng: &mut Rng, number: i64| number + rng.one(&[-4, -2, -1, 1, 2, 40]);
        match &mut op {
            Op::Acquire { token, .. } if plan.kind == Kind::FencedMutex => {
                *token = Some(rng.below(self.token as usize + 1) as u64);
            }
            Op::Read {
                value: Some(Value::Int(value)),
                ..
            } => *value = near(rng, *value),
            Op::Read { value, .. } | Op::Poll { value, .. } => {
                let seen = value.as_ref().and_then(Value::elements).unwrap_or_default();
                let mut seen = seen.to_vec();
                let at = rng.below(seen.len());
                match rng.below(5) {
                    0 => seen.truncate(at),
                    1 if !seen.is_empty() => drop(seen.remove(at)),
                    2 => seen.push(Value::Int(rng.below(plan.operations + 2) as i64)),
                    3 if !seen.is_empty() => seen.swap(0, at),
                    _ => seen.extend(self.elements.last().map(|&it| Value::Int(it))),
                }
                *value = Some(Value::list(seen));
            }
            Op::Append { offset, .. } if plan.kind == Kind::Log => {
                let length = self.elements.len() as i64;
                *offset = Some(near(rng, length).max(0) as u64);
            }
            Op::Increment { value, .. } => {
                *value = Some(Value::Int(near(rng, self.number)));
            }
            Op::Generate { value, .. } => {
                *value = Some(Value::Int(rng.below(self.number as usize) as i64));
            }
            _ => {}
        }
        op
    }
}

fn number(value: &Value) -> i64 {
    match value {
        Value::Int(value) => *value,
        other => unreachable!("{other}"),
    }
}
