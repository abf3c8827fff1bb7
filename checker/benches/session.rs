//! How long session guarantees take on a million operations of a register store:
//! `cargo bench -p polygraph-checker --bench session`.

use std::time::{Duration, Instant};

use polygraph_checker::Options;
use polygraph_checker::session::{MONOTONIC_READS, READ_YOUR_WRITES};
use polygraph_history::{Body, Event, History, Kind, Op, Order, Process, Time, Value};

const OPERATIONS: usize = 1_000_000;
const CLIENTS: usize = 10;

fn main() {
    for (keys, cas) in [(10_000, false), (10_000, true), (10, false), (1, true)] {
        for stale in [false, true] {
            let history = history(keys, cas, stale);
            for entry in [READ_YOUR_WRITES, MONOTONIC_READS] {
                let best = (0..3).map(|_| {
                    let (began, cpu) = (Instant::now(), cpu_time());
                    let verdict = (entry.check)(&history, &Options::default());
                    let used = (cpu_time() - cpu, began.elapsed());
                    (used, verdict.validity, verdict.anomaly_count)
                });
                let ((cpu, time), validity, anomalies) =
                    best.min_by_key(|&(used, ..)| used).expect("three runs");
                println!(
                    "{keys} keys, {}, {}: {} {} ({anomalies} anomalies) in {time:.2?}, {cpu:.2?} of processors",
                    if cas { "with cas" } else { "no cas" },
                    if stale { "stale reads" } else { "atomic" },
                    entry.guarantee,
                    validity.name(),
                );
            }
        }
    }
}

/// The processor time of this program so far, all threads together; zero where the system does
/// not tell. A busy machine stretches the time on the wall, not this.
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let ticks = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<u64>().ok());
    Duration::from_millis(10 * ticks.sum::<u64>())
}

/// An atomic register a key, whose operations overlap; now and then a read is stale.
fn history(keys: usize, with_cas: bool, stale: bool) -> History {
    let mut random = 1_u64;
    let mut below = |limit: usize| {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) as usize % limit
    };
    let names: Vec<String> = (0..keys).map(|key| format!("k{key}")).collect();
    let mut state = vec![(Value::Null, Value::Null); keys];
    let mut events: Vec<Event> = Vec::with_capacity(2 * OPERATIONS);
    let mut open: Vec<Option<Op>> = vec![None; CLIENTS];
    let (mut begun, mut next) = (0, 0);
    while begun < OPERATIONS || open.iter().any(Option::is_some) {
        let client = below(CLIENTS);
        let (kind, op) = match open[client].take() {
            Some(done) => (Kind::Ok, done),
            None if begun == OPERATIONS => continue,
            None => {
                begun += 1;
                let number = below(keys);
                let key = names[number].as_str().into();
                let (current, before) = &mut state[number];
                next += 1;
                let value = Value::Int(next);
                let (invoked, done) = match below(10) {
                    0..5 => {
                        let old = stale && below(1000) == 0;
                        let seen = if old { before.clone() } else { current.clone() };
                        let read = |value| Op::Read {
                            key: names[number].as_str().into(),
                            value,
                        };
                        (read(None), read(Some(seen)))
                    }
                    roll => {
                        let op = match roll > 7 && with_cas {
                            true => Op::Cas {
                                key,
                                from: current.clone(),
                                to: value.clone(),
                            },
                            false => Op::Write {
                                key,
                                value: value.clone(),
                            },
                        };
                        *before = std::mem::replace(current, value);
                        (op.clone(), op)
                    }
                };
                open[client] = Some(done);
                (Kind::Invoke, invoked)
            }
        };
        let index = events.len() as u64;
        let process = Process::Client(client as u64);
        events.push(Event::new(index, Time(index), process, kind, Body::Op(op)));
    }
    History::new(None, Order::Index, events).expect("a valid history")
}
