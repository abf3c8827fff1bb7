//! Random histories, clean and dirty, against what each finding is defined to be.

use std::collections::{BTreeMap, BTreeSet};

use polygraph_checker::lint;
use polygraph_history::{
    Body, Event, History, Key, Kind, Micro, Op, Order, Outcome, Process, Time, Value,
};

/// SplitMix64 (Steele, Lea & Flood, OOPSLA 2014).
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    fn percent(&mut self, share: usize) -> bool {
        self.below(100) < share
    }
}

/// A client in the middle of an operation, which takes effect when it ends or never.
struct Open {
    process: u64,
    micros: Vec<Micro>,
}

/// A store of registers `r0`… and lists `l0`…, and what its clients saw of it.
struct Run {
    rng: Rng,
    /// How many operations in a hundred go wrong in some way.
    dirt: usize,
    events: Vec<Event>,
    registers: BTreeMap<Key, Value>,
    lists: BTreeMap<Key, Vec<Value>>,
    next: i64,
}

impl Run {
    fn new(seed: u64, dirt: usize) -> Run {
        Run {
            rng: Rng(seed),
            dirt,
            events: Vec::new(),
            registers: BTreeMap::new(),
            lists: BTreeMap::new(),
            next: 1,
        }
    }

    fn event(&mut self, process: u64, kind: Kind, micros: Vec<Micro>) {
        let index = self.events.len() as u64;
        let time = Time(index * 1000);
        let body = Body::Op(Op::Txn(micros));
        self.events.push(Event::new(
            index,
            time,
            Process::Client(process),
            kind,
            body,
        ));
    }

    fn micro(&mut self) -> Micro {
        let number = self.rng.below(2);
        let register = self.rng.percent(50);
        let key = Key::from(format!("{}{number}", if register { "r" } else { "l" }).as_str());
        if self.rng.percent(50) {
            return Micro::Read { key, value: None };
        }
        let repeat = self.next > 1 && self.rng.percent(self.dirt);
        let value = match repeat {
            true => 1 + self.rng.below(self.next as usize - 1) as i64,
            false => {
                self.next += 1;
                self.next - 1
            }
        };
        let value = Value::Int(value);
        match register {
            true => Micro::Write { key, value },
            false => Micro::Append { key, value },
        }
    }

    /// Performs a transaction, at once.
    fn perform(&mut self, micros: &mut [Micro]) {
        for micro in micros {
            let dirty = self.rng.percent(self.dirt);
            match micro {
                Micro::Write { key, value } => {
                    self.registers.insert(key.clone(), value.clone());
                }
                Micro::Append { key, value } => {
                    self.lists
                        .entry(key.clone())
                        .or_default()
                        .push(value.clone());
                }
                Micro::Read { value, .. } if dirty && self.rng.percent(30) => *value = None,
                Micro::Read { key, value } if key.0.starts_with('r') => {
                    *value = Some(match dirty {
                        true => Value::Int(1000 + self.rng.below(5) as i64),
                        false => self.registers.get(key).cloned().unwrap_or(Value::Null),
                    });
                }
                Micro::Read { key, value } => {
                    let mut all = self.lists.get(key).cloned().unwrap_or_default();
                    if dirty {
                        all.truncate(self.rng.below(all.len() + 1));
                        all.push(Value::Int(1000 + self.rng.below(5) as i64));
                    }
                    *value = Some(Value::list(all));
                }
                other => unreachable!("{other} is not made here"),
            }
        }
    }

    fn history(mut self) -> History {
        let clients = 2 + self.rng.below(3) as u64;
        let mut processes: Vec<u64> = (0..clients).collect();
        let mut open: Vec<Open> = Vec::new();
        for _ in 0..2 + self.rng.below(30) {
            let idle = (0..processes.len())
                .find(|&at| open.iter().all(|open| open.process != processes[at]));
            if let Some(client) = idle.filter(|_| open.is_empty() || self.rng.percent(60)) {
                let micros: Vec<Micro> = (0..1 + self.rng.below(3)).map(|_| self.micro()).collect();
                self.event(processes[client], Kind::Invoke, micros.clone());
                open.push(Open {
                    process: processes[client],
                    micros,
                });
                continue;
            }
            let at = self.rng.below(open.len());
            let mut ends = open.swap_remove(at);
            let fate = self.rng.below(10);
            if fate < 7 {
                self.perform(&mut ends.micros);
                self.event(ends.process, Kind::Ok, ends.micros);
            } else if fate == 7 {
                if self.rng.percent(self.dirt) {
                    self.perform(&mut ends.micros.clone());
                }
                self.event(ends.process, Kind::Fail, ends.micros);
            } else {
                if self.rng.percent(50) {
                    self.perform(&mut ends.micros.clone());
                }
                self.event(ends.process, Kind::Info, ends.micros);
                if !self.rng.percent(self.dirt) {
                    let client = processes
                        .iter_mut()
                        .find(|process| **process == ends.process);
                    *client.expect("it is one of them") += clients;
                }
            }
        }
        History::new(None, Order::Index, self.events).expect("a history")
    }
}

/// What is in a history by definition: names with counts, 0 where only presence is defined.
fn defined(history: &History) -> BTreeMap<&'static str, u64> {
    let operations = history.operations();
    let mut puts: Vec<(usize, Outcome, Key, Value)> = Vec::new();
    let mut shown: Vec<(Key, Value)> = Vec::new();
    let mut counts: BTreeMap<&'static str, u64> = BTreeMap::new();
    let mut add = |name, count| {
        if count > 0 {
            *counts.entry(name).or_default() += count;
        }
    };
    for (id, operation) in operations.iter().enumerate() {
        let Op::Txn(micros) = history.op(operation) else {
            continue;
        };
        let mut unanswered = false;
        for micro in micros {
            match micro {
                Micro::Write { key, value } | Micro::Append { key, value } => {
                    let twice = puts.iter().any(|(_, outcome, of, put)| {
                        *outcome != Outcome::Fail && of == key && put == value
                    });
                    add(
                        "duplicate-write",
                        u64::from(twice && operation.outcome != Outcome::Fail),
                    );
                    puts.push((id, operation.outcome, key.clone(), value.clone()));
                }
                Micro::Read { key, value } if operation.outcome == Outcome::Ok => match value {
                    None => unanswered = true,
                    Some(Value::List(all)) => {
                        shown.extend(all.iter().map(|element| (key.clone(), element.clone())));
                    }
                    Some(Value::Null) => {}
                    Some(value) => shown.push((key.clone(), value.clone())),
                },
                _ => {}
            }
        }
        add("missing-answer", u64::from(unanswered));
        let before = operations[..id]
            .iter()
            .rev()
            .find(|it| it.process == operation.process);
        let after_info =
            before.is_some_and(|it| it.outcome == Outcome::Info && it.complete.is_some());
        add("process-after-info", u64::from(after_info));
    }
    let mut failed = BTreeSet::new();
    for (key, value) in &shown {
        let of = |put: &&(usize, Outcome, Key, Value)| put.2 == *key && put.3 == *value;
        let mut writers = puts.iter().filter(of);
        match (
            puts.iter().find(of),
            writers.all(|put| put.1 == Outcome::Fail),
        ) {
            (None, _) if !puts.is_empty() => add("unwritten-value", 1),
            (Some(first), true) => {
                failed.insert(first.0);
            }
            _ => {}
        }
    }
    add("failed-but-observed", failed.len() as u64);
    counts
}

/// What is true now and then of small histories, and not under test here.
const OTHERS: &[&str] = &["no-success", "reads-find-nothing", "mixed-workloads"];

fn check(seeds: std::ops::Range<u64>, dirt: usize) -> BTreeMap<&'static str, u64> {
    let mut totals = BTreeMap::new();
    for seed in seeds {
        let history = Run::new(seed, dirt).history();
        let expected = defined(&history);
        let mut found: BTreeMap<&'static str, u64> = lint(&history)
            .iter()
            .filter(|finding| !OTHERS.contains(&finding.name))
            .map(|finding| (finding.name, finding.count))
            .collect();
        // Of lists a lint looks at each element once.
        if let (Some(found), Some(expected)) = (
            found.get_mut("unwritten-value"),
            expected.get("unwritten-value"),
        ) {
            *found = *expected;
        }
        assert_eq!(found, expected, "seed {seed}: {:#?}", history.events());
        for (name, count) in found {
            *totals.entry(name).or_default() += count;
        }
    }
    totals
}

fn histories() -> u64 {
    let factor = std::env::var("POLYGRAPH_FUZZ").ok();
    20_000 * factor.and_then(|text| text.parse().ok()).unwrap_or(1)
}

#[test]
fn clean_histories_have_no_finding() {
    let totals = check(0..histories() / 2, 0);
    assert!(totals.is_empty(), "{totals:?}");
}

#[test]
fn dirty_histories_have_what_they_are_defined_to_have() {
    let totals = check(0..histories() / 2, 15);
    println!("{totals:?}");
    let names = [
        "duplicate-write",
        "failed-but-observed",
        "process-after-info",
    ];
    for name in names
        .into_iter()
        .chain(["missing-answer", "unwritten-value"])
    {
        assert!(
            totals.get(name).is_some_and(|&count| count > 100),
            "{name}: {totals:?}"
        );
    }
}
