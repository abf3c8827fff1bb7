//! How long linearizability takes, on histories that everybody can make again.
//!
//! `cargo bench -p polygraph-checker --bench linearizable`; a word on the command line picks the
//! rows that contain it. Times are the best and the median of the runs, of the check alone: the
//! history is in memory. The etcd logs are found beside the repository or by `POLYGRAPH_SHARED`.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use polygraph_checker::linearizable::{Interval, Judgement, Query, check_model};
use polygraph_checker::model::{Call, CasRegister, CasRegisterOp, Object};
use polygraph_checker::{Budget, FailedCas, Options, Validity, Verdict, entry};
use polygraph_history::{
    Body, ErrorName, Event, Guarantee, History, Key, Kind, Op, Operation, Order, Process, Time,
    Value,
};

/// What a history is like.
struct Shape {
    name: &'static str,
    operations: usize,
    clients: usize,
    /// Keys in use at the same time.
    keys: usize,
    /// A key is replaced by a fresh one after so many operations.
    retire: usize,
    /// Values are drawn from so many, or all distinct where 0.
    domain: i64,
    /// Of thousand operations so many have an unknown outcome.
    crash: u64,
    /// Of hundred operations so many are compare-and-sets.
    cas: u64,
    /// Whether a read in the middle returns what nobody wrote.
    wrong: Wrong,
}

#[derive(Clone, Copy, PartialEq)]
enum Wrong {
    No,
    /// A read in the middle returns a value that was overwritten before.
    Stale,
    /// A read in the middle returns a value that nobody wrote.
    Phantom,
    /// Two values that were written at the same time in the beginning, and again in the middle,
    /// are then both read: each read by itself is possible, and only the orders of all operations
    /// show that not both are.
    Both,
}

const NEVER: usize = usize::MAX;

const SIMULATOR: Shape = Shape {
    name: "simulator, distinct, 10 keys live",
    operations: 100_000,
    clients: 10,
    keys: 10,
    retire: 100,
    domain: 0,
    crash: 10,
    cas: 20,
    wrong: Wrong::No,
};

const SHAPES: &[Shape] = &[
    SIMULATOR,
    Shape {
        name: "simulator, stale read",
        wrong: Wrong::Stale,
        ..SIMULATOR
    },
    Shape {
        name: "simulator, 20 % unknown",
        crash: 200,
        ..SIMULATOR
    },
    Shape {
        name: "simulator, 20 clients 1 key 20 % unk.",
        clients: 20,
        keys: 1,
        crash: 200,
        ..SIMULATOR
    },
    Shape {
        name: "1 key, 20 clients, cas",
        clients: 20,
        keys: 1,
        retire: NEVER,
        ..SIMULATOR
    },
    Shape {
        name: "1 key, 10 clients, cas, stale",
        keys: 1,
        retire: NEVER,
        wrong: Wrong::Stale,
        ..SIMULATOR
    },
    Shape {
        name: "1 key, 50 clients, 10000, cas, 5 % unk.",
        clients: 50,
        keys: 1,
        retire: NEVER,
        crash: 50,
        operations: 10_000,
        ..SIMULATOR
    },
    Shape {
        name: "simulator, 20 clients on 1 key",
        clients: 20,
        keys: 1,
        ..SIMULATOR
    },
    Shape {
        name: "simulator, 1000000 operations",
        operations: 1_000_000,
        ..SIMULATOR
    },
    Shape {
        name: "10 keys for ever",
        retire: NEVER,
        ..SIMULATOR
    },
    Shape {
        name: "1 key, 5 clients",
        keys: 1,
        clients: 5,
        retire: NEVER,
        ..SIMULATOR
    },
    Shape {
        name: "1 key, 20 clients, no cas",
        keys: 1,
        clients: 20,
        retire: NEVER,
        cas: 0,
        ..SIMULATOR
    },
    Shape {
        name: "1 key, 100 clients, no cas",
        keys: 1,
        clients: 100,
        retire: NEVER,
        cas: 0,
        ..SIMULATOR
    },
    Shape {
        name: "1 key, 100 clients, no cas, stale",
        keys: 1,
        clients: 100,
        retire: NEVER,
        cas: 0,
        wrong: Wrong::Stale,
        ..SIMULATOR
    },
    Shape {
        name: "5 values, 5 clients, 1 % crashed",
        ..FIVE
    },
    Shape {
        name: "5 values, 5 clients, phantom",
        wrong: Wrong::Phantom,
        ..FIVE
    },
    Shape {
        name: "5 values, 20 clients",
        clients: 20,
        crash: 0,
        ..FIVE
    },
    Shape {
        name: "5 values, 20 clients, 0.5 %",
        clients: 20,
        crash: 5,
        ..FIVE
    },
    Shape {
        name: "5 values, 50 clients, 1000",
        clients: 50,
        crash: 0,
        operations: 1000,
        ..FIVE
    },
];

const FIVE: Shape = Shape {
    name: "",
    operations: 10_000,
    clients: 5,
    keys: 1,
    retire: NEVER,
    domain: 5,
    crash: 10,
    cas: 15,
    wrong: Wrong::No,
};

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

fn history(shape: &Shape) -> History {
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

fn check(history: &History) -> Verdict {
    let entry = entry(Guarantee::Linearizable).expect("it is in the registry");
    (entry.check)(history, &Options::default())
}

/// Best and median.
fn timed(mut run: impl FnMut()) -> (Duration, Duration) {
    let begin = Instant::now();
    let mut times = Vec::new();
    while times.len() < 3 || (times.len() < 15 && begin.elapsed() < Duration::from_secs(2)) {
        let begin = Instant::now();
        run();
        times.push(begin.elapsed());
    }
    times.sort_unstable();
    (times[0], times[times.len() / 2])
}

/// The operations of a log of Porcupine's.
fn etcd_log(text: &str) -> History {
    let mut events: Vec<Event> = Vec::new();
    for line in text.lines() {
        let Some((_, rest)) = line.split_once("jepsen.util - ") else {
            continue;
        };
        let words: Vec<&str> = rest.split_whitespace().collect();
        let process = Process::Client(words[0].parse().expect("a process"));
        let kind = match words[1] {
            ":invoke" => Kind::Invoke,
            ":ok" => Kind::Ok,
            ":fail" => Kind::Fail,
            _ => Kind::Info,
        };
        let value = |at: usize| {
            let word = words[at].trim_matches(['[', ']']);
            word.parse().map_or(Value::Null, Value::Int)
        };
        let key = Key::from("r");
        let op = match (kind, words[2]) {
            (Kind::Fail | Kind::Info, _) => {
                let invoked = events.iter().rev().find(|event| event.process == process);
                invoked.and_then(Event::op).expect("an invocation").clone()
            }
            (kind, ":read") => Op::Read {
                key,
                value: (kind == Kind::Ok).then(|| value(3)),
            },
            (_, ":write") => Op::Write {
                key,
                value: value(3),
            },
            _ => Op::Cas {
                key,
                from: value(3),
                to: value(4),
            },
        };
        let index = events.len() as u64;
        events.push(Event::new(index, Time(index), process, kind, Body::Op(op)));
    }
    History::new(None, Order::Index, events).expect("a log is a history")
}

fn etcd_logs() -> Vec<History> {
    let shared = std::env::var("POLYGRAPH_SHARED")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared").to_owned());
    let folder = PathBuf::from(shared).join("corpora/lin/porcupine/jepsen");
    let Ok(files) = std::fs::read_dir(&folder) else {
        println!("skipped: no logs of etcd at {}", folder.display());
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = files.flatten().map(|file| file.path()).collect();
    paths.sort();
    let texts = paths
        .iter()
        .map(|path| std::fs::read_to_string(path).expect("a log"));
    texts.map(|text| etcd_log(&text)).collect()
}

/// The operations of a history of one register, for the search alone: without what is known of
/// registers.
fn intervals(history: &History) -> Vec<Interval<CasRegisterOp<Value>>> {
    let interval = |operation: &Operation| {
        let call = Call {
            op: history.op(operation),
            outcome: operation.outcome,
            error: None,
            process: 0,
            failed_cas: FailedCas::Observe,
        };
        let op = CasRegister::<Value>::action(&call).expect("an operation of registers")?;
        Some(Interval {
            start: operation.start,
            end: Some(operation.end),
            op,
        })
    };
    history.operations().iter().filter_map(interval).collect()
}

/// Five values on one key: how long each client count, length and share of crashes takes, by
/// everything that is known of registers and by the search alone.
fn cells(chosen: impl Fn(&str) -> bool) {
    let budget = Budget {
        max_time: Some(Duration::from_secs(20)),
        ..Budget::default()
    };
    println!(
        "\n{:<24} {:>10} {:>10} {:>10}   {:>10} {:>10} {:>10}   [ms; `-` is unknown]",
        "5 values, 1 key", "valid", "phantom", "both", "valid*", "phantom*", "both*"
    );
    for clients in [5, 10, 20, 50] {
        for (operations, crash) in [
            (1000, 0),
            (1000, 10),
            (10_000, 0),
            (10_000, 5),
            (10_000, 10),
        ] {
            let name = format!("{clients} clients, {operations}, {crash} ‰");
            if !chosen(&format!("cells {name}")) {
                continue;
            }
            print!("{name:<24}");
            for alone in [false, true] {
                for wrong in [Wrong::No, Wrong::Phantom, Wrong::Both] {
                    let shape = Shape {
                        operations,
                        clients,
                        crash,
                        wrong,
                        ..FIVE
                    };
                    print!(" {:>10}", cell(&history(&shape), alone, budget));
                }
                print!("  ");
            }
            println!();
        }
    }
    println!("  * by the search alone");
}

/// The best time of one cell.
fn cell(history: &History, alone: bool, budget: Budget) -> String {
    let intervals = intervals(history);
    let model = CasRegister {
        initial: Value::Null,
    };
    let query = Query {
        budget,
        states: 0,
        ..Query::default()
    };
    let options = Options {
        budget,
        ..Options::default()
    };
    let mut best = Duration::MAX;
    let mut decided = true;
    let begin = Instant::now();
    while best == Duration::MAX || begin.elapsed() < Duration::from_millis(300) {
        let begin = Instant::now();
        decided = if alone {
            let judgement = check_model(&model, &intervals, &query).expect("it goes forward");
            !matches!(judgement, Judgement::Unknown { .. })
        } else {
            let entry = entry(Guarantee::Linearizable).expect("it is in the registry");
            (entry.check)(history, &options).validity != Validity::Unknown
        };
        best = best.min(begin.elapsed());
    }
    let took = format!("{:.2}", best.as_secs_f64() * 1e3);
    if decided { took } else { format!("- {took}") }
}

/// What nobody can decide: fifty clients, five values, and something wrong. The answer must come
/// when the memory or the time is used up, and the process must not hold more.
fn budgets() {
    let shape = Shape {
        clients: 50,
        crash: 0,
        wrong: Wrong::Phantom,
        ..FIVE
    };
    let intervals = intervals(&history(&shape));
    let model = CasRegister {
        initial: Value::Null,
    };
    println!("\n50 clients, 10000, phantom*: limit, time, growth of the peak of memory");
    for (steps, megabytes, seconds) in [
        (1_000_000, 4096, 600),
        (u64::MAX, 64, 600),
        (u64::MAX, 256, 600),
        (u64::MAX, 4096, 2),
    ] {
        let before = peak();
        let query = Query {
            budget: Budget {
                max_steps: steps,
                max_memory: megabytes << 20,
                max_time: Some(Duration::from_secs(seconds)),
            },
            ..Query::default()
        };
        let begin = Instant::now();
        let judgement = check_model(&model, &intervals, &query).expect("it goes forward");
        let took = begin.elapsed();
        let Judgement::Unknown {
            reason,
            until,
            frontier,
            branching,
        } = judgement
        else {
            panic!("somebody decided it");
        };
        println!(
            "{steps} steps, {megabytes} MiB, {seconds} s: {} in {:.2} s, {} MiB; all up to {:?}, \
             {frontier} configurations, by {:?}",
            reason.name(),
            took.as_secs_f64(),
            (peak() - before) >> 20,
            until,
            branching
        );
    }
}

/// The most bytes that the process has held so far; 0 where nobody says.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    number.map_or(0, |number| number.parse::<u64>().unwrap_or(0) << 10)
}

fn main() {
    let wanted = std::env::args().skip(1).find(|word| !word.starts_with('-'));
    let chosen = |name: &str| {
        wanted
            .as_ref()
            .is_none_or(|wanted| name.contains(wanted.as_str()))
    };
    println!(
        "{:<36} {:>10} {:>10} {:>10}  verdict",
        "history", "operations", "best", "median"
    );
    for shape in SHAPES.iter().filter(|shape| chosen(shape.name)) {
        let history = history(shape);
        let verdict = check(&history);
        let (best, median) = timed(|| drop(check(&history)));
        println!(
            "{:<36} {:>10} {:>8.2}ms {:>8.2}ms  {} by {}{}{}",
            shape.name,
            history.operations().len(),
            best.as_secs_f64() * 1e3,
            median.as_secs_f64() * 1e3,
            verdict.validity.name(),
            verdict.algorithm,
            verdict
                .reason
                .map_or(String::new(), |reason| format!(" ({})", reason.name())),
            verdict
                .anomalies
                .first()
                .map_or(String::new(), |anomaly| format!(
                    ", {} of {} operations",
                    anomaly.kind,
                    anomaly.operations.len()
                )),
        );
        if let Some(anomaly) = verdict.anomalies.first() {
            println!("    {}", anomaly.explanation);
        }
    }
    if chosen("cells")
        || wanted
            .as_ref()
            .is_some_and(|wanted| wanted.starts_with("cells"))
    {
        cells(chosen);
    }
    if chosen("budgets") {
        budgets();
    }
    let logs = if chosen("etcd logs") {
        etcd_logs()
    } else {
        Vec::new()
    };
    if !logs.is_empty() {
        let operations: usize = logs.iter().map(|log| log.operations().len()).sum();
        let (best, median) = timed(|| logs.iter().for_each(|log| drop(check(log))));
        println!(
            "{:<36} {:>10} {:>8.2}ms {:>8.2}ms  all",
            format!("{} etcd logs, with evidence", logs.len()),
            operations,
            best.as_secs_f64() * 1e3,
            median.as_secs_f64() * 1e3
        );
    }
}
