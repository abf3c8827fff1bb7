//! Random small histories: runs of atomic objects, most with a result changed afterwards.

use polygraph_history::{
    Body, ErrorName, Event, History, Key, Kind, Op, Order, Process, Time, Value,
};

use crate::things::{Act, Thing};

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
        (self.next() % bound as u64) as usize
    }

    pub(crate) fn percent(&mut self, share: usize) -> bool {
        self.below(100) < share
    }

    pub(crate) fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}

pub(crate) const KEYS: [&str; 2] = ["x", "y"];

/// What a client asks for, of one of the keys.
#[derive(Clone, Copy, Debug)]
enum Ask {
    Read,
    Write(i64),
    Swap(Option<i64>, i64),
    Put(i64),
    Take,
    Look,
    Remove(i64),
    Has(i64),
    ReadAll,
}

enum Client {
    Idle,
    Sent(usize, Ask),
    Done(Kind, Op, Option<ErrorName>),
}

/// A small history; that of an atomic object if nothing is changed afterwards.
pub(crate) fn history(rng: &mut Rng, thing: Thing, tampered: bool) -> History {
    let keys = 1 + usize::from(rng.percent(25));
    let clients = 1 + rng.below(4);
    let distinct = rng.percent(60);
    let crash = *rng.one(&[0, 0, 15, 30]);
    let mut left = 2 + rng.below(6);
    let mut process: Vec<u64> = (0..clients as u64).collect();
    let mut state: Vec<Client> = (0..clients).map(|_| Client::Idle).collect();
    let mut held = vec![Vec::new(); keys];
    let mut late: Vec<(usize, Ask)> = Vec::new();
    let mut events: Vec<Event> = Vec::new();
    let mut written = 0;
    while left > 0 || state.iter().any(|client| !matches!(client, Client::Idle)) {
        if !late.is_empty() && rng.percent(25) {
            let (key, ask) = late.swap_remove(rng.below(late.len()));
            perform(rng, thing, &mut held[key], key, ask);
        }
        let at = rng.below(clients);
        let mut tell = |process: u64, kind, op, error| {
            let index = events.len() as u64;
            let process = Process::Client(process);
            let body = Body::Op(op);
            let mut event = Event::new(index, Time::from_millis(index), process, kind, body);
            event.error = error;
            events.push(event);
        };
        state[at] = match std::mem::replace(&mut state[at], Client::Idle) {
            Client::Idle if left == 0 => Client::Idle,
            Client::Idle => {
                left -= 1;
                let key = rng.below(keys);
                let ask = draw(rng, thing, &held[key], distinct, &mut written);
                tell(process[at], Kind::Invoke, op(thing, key, ask, None), None);
                Client::Sent(key, ask)
            }
            Client::Sent(key, ask) if rng.percent(crash) => {
                late.push((key, ask));
                if rng.percent(50) {
                    tell(process[at], Kind::Info, op(thing, key, ask, None), None);
                }
                process[at] += clients as u64;
                Client::Idle
            }
            Client::Sent(key, ask) if rng.percent(5) => {
                let op = op(thing, key, ask, None);
                Client::Done(Kind::Fail, op, Some(ErrorName::NOT_LEADER))
            }
            Client::Sent(key, ask) => {
                let (kind, op, error) = perform(rng, thing, &mut held[key], key, ask);
                Client::Done(kind, op, error)
            }
            done @ Client::Done(..) if rng.percent(40) => done,
            Client::Done(kind, op, error) => {
                tell(process[at], kind, op, error);
                Client::Idle
            }
        };
    }
    if tampered {
        tamper(rng, &mut events);
    }
    let order = if rng.percent(15) {
        for event in &mut events {
            event.time = Time(event.index / 3 + rng.next() % 2);
        }
        Order::Time
    } else {
        Order::Index
    };
    History::new(None, order, events).unwrap()
}

fn draw(rng: &mut Rng, thing: Thing, held: &[i64], distinct: bool, written: &mut i64) -> Ask {
    *written += 1;
    // Not in the order of their priorities.
    let fresh = if distinct {
        *written * 7 % 11
    } else {
        rng.below(2) as i64
    };
    let known = rng.below(3) as i64;
    let chance = rng.below(10);
    match (thing, chance) {
        (Thing::Register, 0..=3) => Ask::Read,
        (Thing::Register, 4..=6) => Ask::Write(fresh),
        (Thing::Register, 7 | 8) => Ask::Swap(held.last().copied(), fresh),
        (Thing::Register, _) => Ask::Swap(Some(known), fresh),
        (Thing::Set, 0..=3) => Ask::Put(if distinct { fresh } else { known }),
        (Thing::Set, 4..=6) => Ask::Remove(held.first().copied().unwrap_or(known)),
        (Thing::Set, 7) if rng.percent(50) => Ask::ReadAll,
        (Thing::Set, _) => Ask::Has(held.last().copied().unwrap_or(known)),
        (..) if chance < 5 => Ask::Put(fresh),
        (..) if chance < 9 => Ask::Take,
        (..) => Ask::Look,
    }
}

/// An operation as it is written, with its result.
fn op(thing: Thing, key: usize, ask: Ask, result: Option<Value>) -> Op {
    let key = Key::from(KEYS[key]);
    let int = Value::Int;
    match (ask, thing) {
        (Ask::Read | Ask::ReadAll, _) => Op::Read { key, value: result },
        (Ask::Write(value), _) => Op::Write {
            key,
            value: int(value),
        },
        (Ask::Swap(from, to), _) => Op::Cas {
            key,
            from: from.map_or(Value::Null, int),
            to: int(to),
        },
        (Ask::Put(value), Thing::Stack) => Op::Push {
            key,
            value: int(value),
        },
        (Ask::Put(value), Thing::Priority) => Op::Insert {
            key,
            value: int(value),
        },
        (Ask::Put(value), Thing::Set) => Op::Add {
            key,
            value: int(value),
        },
        (Ask::Put(value), _) => Op::Enqueue {
            key,
            value: int(value),
        },
        (Ask::Take, Thing::Stack) => Op::Pop { key, value: result },
        (Ask::Take, Thing::Priority) => Op::Extract { key, value: result },
        (Ask::Take, _) => Op::Dequeue { key, value: result },
        (Ask::Look, _) => Op::Front { key, value: result },
        (Ask::Remove(value), _) => Op::Remove {
            key,
            value: int(value),
        },
        (Ask::Has(value), _) => Op::Contains {
            key,
            value: int(value),
            found: result.map(|found| found == Value::Int(1)),
        },
    }
}

/// Performs it on the object.
fn perform(
    rng: &mut Rng,
    thing: Thing,
    held: &mut Vec<i64>,
    key: usize,
    ask: Ask,
) -> (Kind, Op, Option<ErrorName>) {
    let possible = |held: &[i64], act: &Act| thing.after(held, act);
    let (act, result) = match ask {
        Ask::Read => {
            let now = held.last().copied();
            (Act::Read(now), Some(now.map_or(Value::Null, Value::Int)))
        }
        Ask::Write(value) => (Act::Write(value), None),
        Ask::Swap(from, _) if held.last().copied() != from => {
            let error = rng.percent(50).then_some(ErrorName::CAS_MISMATCH);
            return (Kind::Fail, op(thing, key, ask, None), error);
        }
        Ask::Swap(from, to) => (Act::Swap(from, to), None),
        Ask::Put(value) if thing == Thing::Set && held.contains(&value) && rng.percent(50) => {
            return (
                Kind::Fail,
                op(thing, key, ask, None),
                Some(ErrorName::PRESENT),
            );
        }
        Ask::Put(value) => (Act::Put(value), None),
        Ask::Remove(value) if !held.contains(&value) && rng.percent(50) => {
            return (
                Kind::Fail,
                op(thing, key, ask, None),
                Some(ErrorName::ABSENT),
            );
        }
        Ask::Remove(value) => (Act::Removed(value), None),
        Ask::ReadAll => {
            let all = Value::list(held.iter().copied().map(Value::Int));
            (Act::All(held.clone()), Some(all))
        }
        Ask::Has(value) => {
            let found = held.contains(&value);
            (Act::Has(value, found), Some(Value::Int(found.into())))
        }
        Ask::Take | Ask::Look if held.is_empty() => {
            if rng.percent(30) {
                return (
                    Kind::Fail,
                    op(thing, key, ask, None),
                    Some(ErrorName::ABSENT),
                );
            }
            (Act::Nothing, Some(Value::Null))
        }
        Ask::Take | Ask::Look => {
            let act = |value| match ask {
                Ask::Take => Act::Took(value),
                _ => Act::Saw(value),
            };
            let may: Vec<i64> = held
                .iter()
                .copied()
                .filter(|&value| !possible(held, &act(value)).is_empty())
                .collect();
            let value = *rng.one(&may);
            // Sometimes the answer does not say what was taken.
            let said = rng.percent(97).then_some(Value::Int(value));
            (act(value), said)
        }
    };
    let next = possible(held, &act);
    *held = rng.one(&next).clone();
    (Kind::Ok, op(thing, key, ask, result), None)
}

/// Changes up to two results, which may make the history wrong.
fn tamper(rng: &mut Rng, events: &mut [Event]) {
    let changeable = |event: &Event| {
        let shows = !event.op().is_some_and(|op| {
            matches!(
                op,
                Op::Write { .. } | Op::Enqueue { .. } | Op::Push { .. } | Op::Insert { .. }
            )
        });
        event.kind == Kind::Info || event.kind != Kind::Invoke && shows
    };
    let changeable: Vec<usize> = (0..events.len())
        .filter(|&at| changeable(&events[at]))
        .collect();
    if changeable.is_empty() {
        return;
    }
    for _ in 0..1 + rng.below(2) {
        let at = *rng.one(&changeable);
        let kind = events[at].kind;
        let Body::Op(op) = &mut events[at].body else {
            continue;
        };
        let any = match rng.below(5) {
            0 => Value::Null,
            _ => Value::Int(*rng.one(&[0, 1, 2, 7, 3, 10, 6])),
        };
        match (op, kind) {
            (
                Op::Read {
                    value: Some(all @ Value::List(_)),
                    ..
                },
                Kind::Ok,
            ) => {
                let mut read = all.elements().unwrap_or_default().to_vec();
                if rng.percent(50) {
                    read.pop();
                } else {
                    read.push(Value::Int(*rng.one(&[0, 1, 2, 7])));
                }
                *all = Value::list(read);
            }
            (
                Op::Read { value, .. }
                | Op::Dequeue { value, .. }
                | Op::Pop { value, .. }
                | Op::Extract { value, .. }
                | Op::Front { value, .. },
                Kind::Ok,
            ) => *value = Some(any),
            (Op::Contains { found, .. }, Kind::Ok) => *found = found.map(|found| !found),
            (Op::Cas { .. } | Op::Add { .. } | Op::Remove { .. }, Kind::Fail) => {
                events[at].kind = Kind::Ok;
                events[at].error = None;
            }
            (Op::Cas { .. }, Kind::Ok) => events[at].kind = Kind::Fail,
            (Op::Write { .. } | Op::Enqueue { .. } | Op::Push { .. }, Kind::Info) => {
                events[at].kind = Kind::Ok;
            }
            _ => {}
        }
    }
}

/// The keys that a history names.
pub(crate) fn keys(history: &History) -> Vec<Key> {
    let all = KEYS.map(Key::from);
    let is_named = |key: &Key| {
        let mut operations = history.operations().iter();
        operations.any(|operation| history.op(operation).key() == Some(key))
    };
    all.into_iter().filter(is_named).collect()
}
