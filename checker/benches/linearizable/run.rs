//! Runs of an atomic store, one of whose answers may be wrong.

use polygraph_history::{
    Body, ErrorName, Event, History, Key, Kind, Op, Order, Process, Time, Value,
};

use crate::shapes::{Shape, Wrong};

/// SplitMix64 (Steele, Lea & Flood, OOPSLA 2014).
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

/// A register of the simulated store.
struct Register {
    key: Key,
    value: Value,
    earlier: Value,
    used: usize,
}

enum Client {
    Idle,
    Sent(usize, Op),
    Done(Kind, Op),
}

/// A run of an atomic store with all clients busy.
struct Run<'a> {
    shape: &'a Shape,
    rng: Rng,
    registers: Vec<Register>,
    /// Which registers are in use.
    live: Vec<usize>,
    events: Vec<Event>,
    written: i64,
    tampered: bool,
}

pub(crate) fn history(shape: &Shape) -> History {
    let mut run = Run {
        shape,
        rng: Rng(1),
        registers: Vec::new(),
        live: Vec::new(),
        events: Vec::with_capacity(2 * shape.operations),
        written: 0,
        tampered: false,
    };
    for _ in 0..shape.keys {
        let fresh = run.fresh();
        run.live.push(fresh);
    }
    let mut clients: Vec<Client> = (0..shape.clients).map(|_| Client::Idle).collect();
    let mut processes: Vec<u64> = (0..shape.clients as u64).collect();
    let mut begun = 0;
    while begun < shape.operations {
        if shape.wrong == Wrong::Both {
            if begun == 0 {
                run.both(false);
            } else if begun == shape.operations / 2 && !run.tampered {
                run.both(true);
            }
        }
        let at = run.rng.below(shape.clients as u64) as usize;
        clients[at] = match std::mem::replace(&mut clients[at], Client::Idle) {
            Client::Idle => {
                begun += 1;
                let (register, op) = run.draw();
                run.event(processes[at], Kind::Invoke, op.clone());
                Client::Sent(register, op)
            }
            Client::Sent(register, op) if run.rng.below(1000) < shape.crash => {
                if run.rng.below(2) == 0 {
                    run.perform(register, &op);
                }
                run.event(processes[at], Kind::Info, op);
                processes[at] += shape.clients as u64;
                Client::Idle
            }
            Client::Sent(register, op) => {
                let (kind, op) = run.perform(register, &op);
                Client::Done(kind, op)
            }
            Client::Done(kind, op) => {
                run.event(processes[at], kind, op);
                Client::Idle
            }
        };
    }
    History::new(None, Order::Index, run.events).expect("a run is a history")
}

impl Run<'_> {
    fn fresh(&mut self) -> usize {
        let key = Key::from(format!("k{}", self.registers.len()).as_str());
        self.registers.push(Register {
            key,
            value: Value::Null,
            earlier: Value::Null,
            used: 0,
        });
        self.registers.len() - 1
    }

    /// Two writes at the same time, and perhaps reads of both at the same time.
    fn both(&mut self, read: bool) {
        let clients: Vec<u64> = (0..4).map(|client| 1_000_000 + client).collect();
        let key = self.registers[0].key.clone();
        let values = [100, 101].map(Value::Int);
        for writing in [true, false] {
            if !writing && !read {
                break;
            }
            for kind in [Kind::Invoke, Kind::Ok] {
                for (value, client) in values.iter().zip(&clients[if writing { 0 } else { 2 }..]) {
                    let (key, value) = (key.clone(), value.clone());
                    let seen = Some(value.clone()).filter(|_| kind == Kind::Ok);
                    let op = match writing {
                        true => Op::Write { key, value },
                        false => Op::Read { key, value: seen },
                    };
                    self.event(*client, kind, op);
                }
            }
        }
        self.registers[0].value = values[1].clone();
        self.tampered = read;
    }

    fn event(&mut self, process: u64, kind: Kind, op: Op) {
        let index = self.events.len() as u64;
        let (time, process) = (Time(index * 2_500_000), Process::Client(process));
        let mut event = Event::new(index, time, process, kind, Body::Op(op));
        event.error = (kind == Kind::Fail).then_some(ErrorName::CAS_MISMATCH);
        self.events.push(event);
    }

    fn draw(&mut self) -> (usize, Op) {
        // Skewed: the smaller of two draws.
        let keys = self.shape.keys as u64;
        let place = self.rng.below(keys).min(self.rng.below(keys)) as usize;
        let at = self.live[place];
        self.registers[at].used += 1;
        if self.registers[at].used == self.shape.retire {
            self.live[place] = self.fresh();
        }
        self.written += 1;
        let value = match self.shape.domain {
            0 => Value::Int(self.written),
            domain => Value::Int(self.rng.below(domain as u64) as i64),
        };
        let roll = self.rng.below(100);
        let register = &self.registers[at];
        let key = register.key.clone();
        let op = if roll < 50 {
            Op::Read { key, value: None }
        } else if roll < 50 + self.shape.cas {
            Op::Cas {
                key,
                from: register.value.clone(),
                to: value,
            }
        } else {
            Op::Write { key, value }
        };
        (at, op)
    }

    fn perform(&mut self, at: usize, op: &Op) -> (Kind, Op) {
        let middle = self.events.len() > self.shape.operations && !self.tampered;
        let register = &mut self.registers[at];
        match op {
            Op::Read { key, .. } => {
                let wrong = match self.shape.wrong {
                    Wrong::No | Wrong::Both => None,
                    Wrong::Stale => Some(register.earlier.clone()).filter(|v| *v != Value::Null),
                    Wrong::Phantom => Some(Value::Int(-1)),
                };
                let wrong = wrong.filter(|_| middle && register.used > 50);
                self.tampered |= wrong.is_some();
                let value = Some(wrong.unwrap_or_else(|| register.value.clone()));
                (
                    Kind::Ok,
                    Op::Read {
                        key: key.clone(),
                        value,
                    },
                )
            }
            Op::Cas { from, .. } if register.value != *from => (Kind::Fail, op.clone()),
            Op::Write { value, .. } | Op::Cas { to: value, .. } => {
                // Long enough ago that nobody can still be about to read it.
                let past = if self.shape.retire < 1000 { 20 } else { 2000 };
                if register.used.is_multiple_of(past) {
                    register.earlier = register.value.clone();
                }
                register.value = value.clone();
                (Kind::Ok, op.clone())
            }
            _ => unreachable!("only these are drawn"),
        }
    }
}
