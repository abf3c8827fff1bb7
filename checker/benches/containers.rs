//! How long queues and stacks take, on histories that everybody can make again.
//!
//! `cargo bench -p polygraph-checker --bench containers`; a word on the command line picks the rows
//! that contain it. Times are the best and the median of the runs, of the check alone: the history
//! is in memory.

use std::collections::{BinaryHeap, VecDeque};
use std::time::{Duration, Instant};

use polygraph_checker::{Options, entry};
use polygraph_history::{
    Body, Event, Guarantee, History, Key, Kind, Op, Order, Process, Time, Value,
};

/// What is put in and taken out.
#[derive(Clone, Copy, PartialEq)]
enum Object {
    Queue,
    Stack,
    PriorityQueue,
}

/// What a history is like.
struct Shape {
    name: &'static str,
    object: Object,
    operations: usize,
    clients: usize,
    /// Whether a take in the middle takes an element that it must not.
    wrong: bool,
}

const OBJECTS: [(Object, [&str; 4]); 3] = [
    (
        Object::Queue,
        [
            "queue, 100000 operations",
            "queue, 100000, overtaken",
            "queue, 1000000 operations",
            "queue, 1000000, overtaken",
        ],
    ),
    (
        Object::Stack,
        [
            "stack, 100000 operations",
            "stack, 100000, buried",
            "stack, 1000000 operations",
            "stack, 1000000, buried",
        ],
    ),
    (
        Object::PriorityQueue,
        [
            "priority queue, 100000 operations",
            "priority queue, 100000, outranked",
            "priority queue, 1000000 operations",
            "priority queue, 1000000, outranked",
        ],
    ),
];

fn shapes() -> impl Iterator<Item = Shape> {
    OBJECTS.into_iter().flat_map(|(object, names)| {
        names.into_iter().enumerate().map(move |(at, name)| Shape {
            name,
            object,
            operations: if at < 2 { 100_000 } else { 1_000_000 },
            clients: 20,
            wrong: at % 2 == 1,
        })
    })
}

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

/// The elements that are in.
enum Held {
    Queue(VecDeque<i64>),
    Stack(Vec<i64>),
    PriorityQueue(BinaryHeap<i64>),
}

impl Held {
    fn of(object: Object) -> Held {
        match object {
            Object::Queue => Held::Queue(VecDeque::new()),
            Object::Stack => Held::Stack(Vec::new()),
            Object::PriorityQueue => Held::PriorityQueue(BinaryHeap::new()),
        }
    }

    fn put(&mut self, value: i64) {
        match self {
            Held::Queue(held) => held.push_back(value),
            Held::Stack(held) => held.push(value),
            Held::PriorityQueue(held) => held.push(value),
        }
    }

    fn take(&mut self) -> Option<i64> {
        match self {
            Held::Queue(held) => held.pop_front(),
            Held::Stack(held) => held.pop(),
            Held::PriorityQueue(held) => held.pop(),
        }
    }

    /// Takes the element that should be the last.
    fn take_wrongly(&mut self) -> Option<i64> {
        match self {
            Held::Queue(held) => held.pop_back(),
            Held::Stack(held) => (!held.is_empty()).then(|| held.remove(0)),
            Held::PriorityQueue(held) => {
                let mut all = std::mem::take(held).into_sorted_vec();
                let least = (!all.is_empty()).then(|| all.remove(0));
                *held = all.into();
                least
            }
        }
    }
}

enum Client {
    Idle,
    Sent(Op),
    Done(Op),
}

/// A run of an atomic container with all clients busy.
struct Run {
    object: Object,
    key: Key,
    rng: Rng,
    held: Held,
    events: Vec<Event>,
    put: i64,
    /// Whether the next take is wrong.
    wrong: bool,
}

fn history(shape: &Shape) -> History {
    let mut run = Run {
        object: shape.object,
        key: Key::from("k0"),
        rng: Rng(1),
        held: Held::of(shape.object),
        events: Vec::with_capacity(2 * shape.operations),
        put: 0,
        wrong: false,
    };
    let mut clients: Vec<Client> = (0..shape.clients).map(|_| Client::Idle).collect();
    let mut begun = 0;
    while begun < shape.operations {
        let at = run.rng.below(shape.clients as u64) as usize;
        clients[at] = match std::mem::replace(&mut clients[at], Client::Idle) {
            Client::Idle => {
                begun += 1;
                run.wrong |= shape.wrong && begun == shape.operations / 2;
                let op = run.draw();
                run.event(at, Kind::Invoke, op.clone());
                Client::Sent(op)
            }
            Client::Sent(op) => Client::Done(run.perform(op)),
            Client::Done(op) => {
                run.event(at, Kind::Ok, op);
                Client::Idle
            }
        };
    }
    History::new(None, Order::Index, run.events).expect("a run is a history")
}

impl Run {
    fn draw(&mut self) -> Op {
        let key = self.key.clone();
        // More is put in than taken out, so that it does not run empty.
        if self.rng.below(100) >= 51 {
            return match self.object {
                Object::Queue => Op::Dequeue { key, value: None },
                Object::Stack => Op::Pop { key, value: None },
                Object::PriorityQueue => Op::Extract { key, value: None },
            };
        }
        self.put += 1;
        let value = Value::Int(match self.object {
            Object::Queue | Object::Stack => self.put,
            Object::PriorityQueue => (self.rng.below(1 << 20) as i64) << 24 | self.put,
        });
        match self.object {
            Object::Queue => Op::Enqueue { key, value },
            Object::Stack => Op::Push { key, value },
            Object::PriorityQueue => Op::Insert { key, value },
        }
    }

    /// Gives the operation with its result.
    fn perform(&mut self, op: Op) -> Op {
        if let Op::Enqueue { value, .. } | Op::Push { value, .. } | Op::Insert { value, .. } = &op {
            if let Value::Int(value) = value {
                self.held.put(*value);
            }
            return op;
        }
        let taken = if std::mem::take(&mut self.wrong) {
            self.held.take_wrongly()
        } else {
            self.held.take()
        };
        let value = Some(taken.map_or(Value::Null, Value::Int));
        let key = self.key.clone();
        match self.object {
            Object::Queue => Op::Dequeue { key, value },
            Object::Stack => Op::Pop { key, value },
            Object::PriorityQueue => Op::Extract { key, value },
        }
    }

    fn event(&mut self, client: usize, kind: Kind, op: Op) {
        let index = self.events.len() as u64;
        let (time, process) = (Time(index * 2_500_000), Process::Client(client as u64));
        self.events
            .push(Event::new(index, time, process, kind, Body::Op(op)));
    }
}

const RUNS: usize = 5;

fn main() {
    let word = std::env::args().skip(1).find(|word| !word.starts_with('-'));
    let entry = entry(Guarantee::Linearizable).expect("it is in the registry");
    println!("{:<36} {:>10} {:>10}  verdict", "history", "best", "median");
    for shape in shapes().filter(|shape| word.as_ref().is_none_or(|word| shape.name.contains(word)))
    {
        let history = history(&shape);
        let mut verdict = None;
        let mut times: Vec<Duration> = (0..RUNS)
            .map(|_| {
                let begun = Instant::now();
                verdict = Some((entry.check)(&history, &Options::default()));
                begun.elapsed()
            })
            .collect();
        times.sort_unstable();
        let verdict = verdict.expect("it ran");
        println!(
            "{:<36} {:>10.1?} {:>10.1?}  {:?}",
            shape.name,
            times[0],
            times[RUNS / 2],
            verdict.validity
        );
    }
}
