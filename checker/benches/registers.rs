//! How long registers with distinct values take, and how much memory, by the size of the history.
//!
//! `cargo bench -p polygraph-checker --bench registers`; words on the command line pick the rows
//! that contain one of them. What is measured is the check alone: the history is in memory. CPU is
//! that of all threads, the least of the runs; memory is how far the peak of the process rose
//! above what it held before. Every row is a process of its own, whose allocator gives back what
//! is freed; else the memory that making the history took would hide what the check takes. Linux
//! only. The largest history is made only when asked for by name (`10000000`).

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use polygraph_checker::{Options, Verdict, entry};
use polygraph_history::{
    Body, ErrorName, Event, Guarantee, History, Key, Kind, Op, Order, Process, Time, Value,
};

/// What a history is like.
#[derive(Clone, Copy)]
struct Shape {
    operations: usize,
    keys: usize,
    clients: usize,
    /// Of thousand operations so many have an unknown outcome.
    crash: u64,
    /// Of hundred operations so many are compare-and-sets.
    cas: u64,
    /// Whether compare-and-sets that fail are recorded as failed for finding another value.
    mismatches: bool,
    /// Whether a read in the middle returns a value that was overwritten long before.
    stale: bool,
}

impl Shape {
    fn name(&self) -> String {
        let mut name = format!(
            "{} operations {} keys {} clients",
            self.operations, self.keys, self.clients
        );
        if self.mismatches {
            name += " mismatches";
        }
        if self.stale {
            name += " stale";
        }
        name
    }
}

fn shapes() -> Vec<Shape> {
    let base = Shape {
        operations: 1_000_000,
        keys: 1,
        clients: 20,
        crash: 10,
        cas: 15,
        mismatches: false,
        stale: false,
    };
    let mut shapes = Vec::new();
    for operations in [125_000, 250_000, 500_000, 1_000_000, 2_000_000, 10_000_000] {
        shapes.push(Shape { operations, ..base });
    }
    for (keys, clients) in [(1, 5), (1, 100), (10, 20), (1000, 5), (1000, 100)] {
        shapes.push(Shape {
            keys,
            clients,
            ..base
        });
    }
    for keys in [1, 10, 1000] {
        shapes.push(Shape {
            keys,
            stale: true,
            ..base
        });
    }
    for (keys, operations) in [(1, 100_000), (1, 1_000_000), (1000, 1_000_000)] {
        shapes.push(Shape {
            operations,
            keys,
            mismatches: true,
            ..base
        });
    }
    shapes
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

enum Client {
    Idle,
    Sent(usize, Op),
    Done(Kind, Op),
}

struct Register {
    key: Key,
    value: i64,
    /// A value that was overwritten long ago.
    stale: i64,
    used: usize,
}

/// A run of an atomic store with all clients busy.
fn history(shape: &Shape) -> History {
    let mut rng = Rng(1);
    let mut registers: Vec<Register> = (0..shape.keys)
        .map(|at| Register {
            key: Key::from(format!("k{at}").as_str()),
            value: -1,
            stale: -1,
            used: 0,
        })
        .collect();
    let mut clients: Vec<Client> = (0..shape.clients).map(|_| Client::Idle).collect();
    let mut processes: Vec<u64> = (0..shape.clients as u64).collect();
    let mut events = Vec::with_capacity(2 * shape.operations);
    let (mut begun, mut written, mut tampered) = (0, 0, !shape.stale);
    while begun < shape.operations {
        let at = rng.below(shape.clients as u64) as usize;
        let event = |process: u64, kind: Kind, op: Op, events: &mut Vec<Event>| {
            let index = events.len() as u64;
            let process = Process::Client(process);
            let mut event = Event::new(index, Time(index * 50_000), process, kind, Body::Op(op));
            event.error = (kind == Kind::Fail).then_some(if shape.mismatches {
                ErrorName::CAS_MISMATCH
            } else {
                ErrorName::CONFLICT
            });
            events.push(event);
        };
        clients[at] = match std::mem::replace(&mut clients[at], Client::Idle) {
            Client::Idle => {
                begun += 1;
                let place = rng.below(shape.keys as u64) as usize;
                let register = &registers[place];
                let key = register.key.clone();
                let roll = rng.below(100);
                let op = if roll < 50 {
                    Op::Read { key, value: None }
                } else if roll < 50 + shape.cas {
                    written += 1;
                    let (from, to) = (value(register.value), Value::Int(written));
                    Op::Cas { key, from, to }
                } else {
                    written += 1;
                    let value = Value::Int(written);
                    Op::Write { key, value }
                };
                event(processes[at], Kind::Invoke, op.clone(), &mut events);
                Client::Sent(place, op)
            }
            Client::Sent(place, op) if rng.below(1000) < shape.crash => {
                if rng.below(2) == 0 {
                    perform(&mut registers[place], &op);
                }
                event(processes[at], Kind::Info, op, &mut events);
                processes[at] += shape.clients as u64;
                Client::Idle
            }
            Client::Sent(place, op) => {
                let (kind, mut op) = perform(&mut registers[place], &op);
                let register = &registers[place];
                if let Op::Read { value: read, .. } = &mut op
                    && !tampered
                    && begun > shape.operations / 2
                    && register.used % 1000 > 600
                {
                    *read = Some(value(register.stale));
                    tampered = true;
                }
                Client::Done(kind, op)
            }
            Client::Done(kind, op) => {
                event(processes[at], kind, op, &mut events);
                Client::Idle
            }
        };
    }
    History::new(None, Order::Index, events).expect("a run is a history")
}

fn value(number: i64) -> Value {
    if number < 0 {
        Value::Null
    } else {
        Value::Int(number)
    }
}

fn perform(register: &mut Register, op: &Op) -> (Kind, Op) {
    register.used += 1;
    match op {
        Op::Read { key, .. } => {
            let (key, value) = (key.clone(), Some(value(register.value)));
            (Kind::Ok, Op::Read { key, value })
        }
        Op::Cas { from, .. } if value(register.value) != *from => (Kind::Fail, op.clone()),
        Op::Write {
            value: Value::Int(to),
            ..
        }
        | Op::Cas {
            to: Value::Int(to), ..
        } => {
            // Long enough ago that nobody can still be about to read it.
            if register.used % 1000 < 300 {
                register.stale = register.value;
            }
            register.value = *to;
            (Kind::Ok, op.clone())
        }
        _ => unreachable!("only these are drawn"),
    }
}

fn check(history: &History) -> Verdict {
    let entry = entry(Guarantee::Linearizable).expect("it is in the registry");
    (entry.check)(history, &Options::default())
}

/// The time that all threads of this process have run.
fn cpu() -> Duration {
    let tasks = fs::read_dir("/proc/self/task").into_iter().flatten();
    let nanoseconds = tasks.flatten().filter_map(|task| {
        let text = fs::read_to_string(task.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanoseconds.sum())
}

/// A line of `/proc/self/status`, in bytes.
fn status(name: &str) -> u64 {
    let text = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    number.unwrap_or(0) * 1024
}

/// The variable that names the row which a process measures.
const ROW: &str = "POLYGRAPH_BENCH_ROW";

fn main() {
    if let Ok(row) = std::env::var(ROW) {
        let at: usize = row.parse().expect("the number of a row");
        measure(&shapes()[at]);
        return;
    }
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with('-'))
        .collect();
    println!(
        "{:<52} {:>9} {:>9} {:>9}  verdict",
        "history", "CPU", "wall", "bytes/op"
    );
    let program = std::env::current_exe().expect("this program");
    for (at, shape) in shapes().iter().enumerate() {
        let name = shape.name();
        let chosen = wanted.iter().any(|word| name.contains(word.as_str()));
        if !chosen && (!wanted.is_empty() || shape.operations > 5_000_000) {
            continue;
        }
        let status = Command::new(&program)
            .env(ROW, at.to_string())
            .env("MALLOC_MMAP_THRESHOLD_", "65536")
            .env("MALLOC_TRIM_THRESHOLD_", "65536")
            .status();
        assert!(status.is_ok_and(|status| status.success()), "{name}");
    }
}

fn measure(shape: &Shape) {
    let history = history(shape);
    let (mut best, mut wall, mut bytes) = (Duration::MAX, Duration::MAX, 0);
    let begin = Instant::now();
    let mut runs = 0;
    let verdict = loop {
        // Resets the peak.
        let _ = fs::write("/proc/self/clear_refs", "5");
        let held = status("VmRSS");
        let (cpu_before, begin_run) = (cpu(), Instant::now());
        let verdict = check(&history);
        wall = wall.min(begin_run.elapsed());
        best = best.min(cpu().saturating_sub(cpu_before));
        runs += 1;
        if runs == 1 {
            bytes = status("VmHWM").saturating_sub(held);
        }
        if runs >= 7 || begin.elapsed() > Duration::from_secs(4) {
            break verdict;
        }
    };
    println!(
        "{:<52} {:>7.1}ms {:>7.1}ms {:>9.1}  {} by {}",
        shape.name(),
        best.as_secs_f64() * 1e3,
        wall.as_secs_f64() * 1e3,
        bytes as f64 / shape.operations as f64,
        verdict.validity.name(),
        verdict.algorithm,
    );
    for anomaly in &verdict.anomalies {
        println!(
            "    {} of {} operations: {}",
            anomaly.kind,
            anomaly.operations.len(),
            anomaly.explanation
        );
    }
}
