//! What must be so whatever the definition: atomic registers keep every session guarantee,
//! replicas that lag break them, names mean nothing, and forgetting an answer breaks nothing.

mod session_support;

use polygraph_checker::session::{At, Fact, Link, Proof, Rules, check};
use polygraph_checker::{Options, Validity, Verdict};
use polygraph_history::{Body, Guarantee, History, Kind, Op, Process, Value};
use session_support::{Chance, Script, cas, confirmed, int, read, rounds, show, write};

const ALL: [Rules; 3] = [Rules::READ_YOUR_WRITES, Rules::MONOTONIC_READS, Rules::BOTH];

/// Where reads go.
#[derive(Clone, Copy, PartialEq)]
enum Store {
    /// One copy; an operation takes effect at some instant while it is open, or later if its
    /// client gave up.
    Atomic,
    /// Reads see one of the last few states.
    Lagging,
}

fn verdict(history: &History, rules: Rules) -> Verdict {
    check(
        history,
        &Options::default(),
        Guarantee::ReadYourWrites,
        rules,
    )
}

/// Runs clients against a store, `keys` being registers `k0`, `k1`, … or, if `sets`, sets.
fn run(chance: &mut Chance, store: Store, operations: usize, sets: bool) -> Script {
    const CLIENTS: usize = 4;
    let mut script = Script::default();
    let mut states: Vec<Vec<Value>> = vec![vec![Value::Null]; 2];
    // Of every client its open operation, and its result once it took effect.
    type Open = (Op, Option<(Kind, Op)>);
    let mut open: Vec<Option<Open>> = vec![None; CLIENTS];
    let mut late: Vec<Op> = Vec::new();
    let mut number: Vec<u64> = (0..CLIENTS as u64).collect();
    let (mut begun, mut value) = (0, 0);
    while begun < operations || open.iter().any(Option::is_some) {
        if !late.is_empty() && chance.percent(20) {
            let op = late.swap_remove(chance.below(late.len()));
            apply(chance, store, &mut states, &op);
        }
        let at = chance.below(CLIENTS);
        match open[at].take() {
            None if begun == operations => {}
            None => {
                begun += 1;
                value += 1;
                let number_of = chance.below(2);
                let key = ["k0", "k1"][number_of];
                let op = match chance.below(10) {
                    0..5 => read(key, None),
                    5..8 if sets => Op::Add {
                        key: key.into(),
                        value: int(value),
                    },
                    8 if sets => Op::Remove {
                        key: key.into(),
                        value: int(1 + chance.below(value as usize) as i64),
                    },
                    8..10 if !sets => {
                        let from = states[number_of].last().expect("a state").clone();
                        cas(key, from, int(value))
                    }
                    5..8 => write(key, int(value)),
                    _ => read(key, None),
                };
                script.event(number[at], None, Kind::Invoke, op.clone());
                open[at] = Some((op, None));
            }
            Some((op, None)) if chance.percent(10) => {
                script.event(number[at], None, Kind::Info, op.clone());
                number[at] += CLIENTS as u64;
                late.push(op);
            }
            Some((op, None)) => {
                let done = apply(chance, store, &mut states, &op);
                open[at] = Some((op, Some(done)));
            }
            Some((op, Some(_))) if chance.percent(5) => {
                script.event(number[at], None, Kind::Info, op);
                number[at] += CLIENTS as u64;
            }
            Some((_, Some((kind, done)))) => script.event(number[at], None, kind, done),
        }
    }
    script
}

fn apply(chance: &mut Chance, store: Store, states: &mut [Vec<Value>], op: &Op) -> (Kind, Op) {
    let key = op.key().expect("single operations").0.to_string();
    let states = &mut states[usize::from(key == "k1")];
    let last = states.last().expect("a state").clone();
    let with = |change: &dyn Fn(&mut Vec<Value>)| {
        let mut all = last.elements().expect("a set").to_vec();
        change(&mut all);
        Value::list(all)
    };
    match op {
        Op::Read { .. } => {
            let back = match store {
                Store::Atomic => 0,
                Store::Lagging => chance.below(states.len().min(4)),
            };
            let seen = states[states.len() - 1 - back].clone();
            (Kind::Ok, read(&key, Some(seen)))
        }
        Op::Write { value, .. } => {
            states.push(value.clone());
            (Kind::Ok, op.clone())
        }
        Op::Cas { from, to, .. } if *from == last => {
            states.push(to.clone());
            (Kind::Ok, op.clone())
        }
        Op::Cas { .. } => (Kind::Fail, op.clone()),
        Op::Add { value, .. } => {
            states.push(with(&|all| all.push(value.clone())));
            (Kind::Ok, op.clone())
        }
        Op::Remove { value, .. } => {
            states.push(with(&|all| all.retain(|other| other != value)));
            (Kind::Ok, op.clone())
        }
        _ => unreachable!("not generated"),
    }
}

#[test]
fn atomic_registers_keep_them() {
    for seed in 0..rounds(3000) {
        let chance = &mut Chance::new(seed);
        let operations = 5 + chance.below(60);
        let mut script = run(chance, Store::Atomic, operations, false);
        let history = match chance.percent(70) {
            true => script.history(),
            // Coarse times only make more operations concurrent.
            false => script.coarse(1 + chance.below(6) as u64),
        };
        if !history.events().iter().any(|event| event.kind == Kind::Ok) {
            continue;
        }
        for rules in ALL {
            let verdict = verdict(&history, rules);
            assert_eq!(
                verdict.validity,
                Validity::Holds,
                "{rules:?} {:?}\n{}",
                verdict.warnings,
                show(&history)
            );
        }
    }
}

#[test]
fn atomic_sets_never_break_them() {
    let mut holds = 0;
    for seed in 0..rounds(2000) {
        let chance = &mut Chance::new(seed);
        let operations = 5 + chance.below(60);
        let history = run(chance, Store::Atomic, operations, true).history();
        for rules in ALL {
            let verdict = verdict(&history, rules);
            assert_ne!(verdict.validity, Validity::Violated, "{}", show(&history));
            holds += u64::from(verdict.validity == Validity::Holds);
        }
    }
    assert!(holds > rounds(2000), "{holds}");
}

#[test]
fn lagging_replicas_break_them() {
    for sets in [false, true] {
        let mut violated = [0; 3];
        for seed in 0..rounds(500) {
            let chance = &mut Chance::new(seed);
            let history = run(chance, Store::Lagging, 60, sets).history();
            for (count, rules) in violated.iter_mut().zip(ALL) {
                let verdict = confirmed(&history, verdict(&history, rules));
                *count += u64::from(verdict.validity == Validity::Violated);
            }
        }
        println!("of {} runs violated: {violated:?}", rounds(500));
        assert!(
            violated.iter().all(|&count| count * 2 > rounds(500)),
            "{violated:?}"
        );
    }
}

/// The same history with other names for keys, values and clients.
fn renamed(script: &Script) -> Script {
    let value = |value: &Value| match value {
        Value::Int(number) => Value::Text(format!("v{}", number * 7 % 1000 + number).into()),
        Value::List(all) => Value::list(all.iter().map(|value| match value {
            Value::Int(number) => Value::Text(format!("v{}", number * 7 % 1000 + number).into()),
            other => other.clone(),
        })),
        other => other.clone(),
    };
    let key = |key: &polygraph_history::Key| format!("{}-renamed", key.0).as_str().into();
    let mut renamed = script.clone();
    for event in &mut renamed.events {
        if let Process::Client(process) = event.process {
            event.process = Process::Client(1000 - process);
        }
        let op = match event.op().expect("clients") {
            Op::Read { key: k, value: v } => Op::Read {
                key: key(k),
                value: v.as_ref().map(value),
            },
            Op::Write { key: k, value: v } => Op::Write {
                key: key(k),
                value: value(v),
            },
            Op::Cas { key: k, from, to } => Op::Cas {
                key: key(k),
                from: value(from),
                to: value(to),
            },
            other => other.clone(),
        };
        event.body = Body::Op(op);
    }
    renamed
}

#[test]
fn names_mean_nothing() {
    for seed in 0..rounds(400) {
        let chance = &mut Chance::new(seed);
        let operations = 10 + chance.below(50);
        let script = run(chance, Store::Lagging, operations, false);
        let (history, other) = (script.history(), renamed(&script).history());
        for rules in ALL {
            let (a, b) = (verdict(&history, rules), verdict(&other, rules));
            assert_eq!(a.validity, b.validity);
            assert_eq!(
                (a.anomaly_count, a.opportunities),
                (b.anomaly_count, b.opportunities)
            );
            let kinds = |verdict: &Verdict| -> Vec<_> {
                let all = verdict.anomalies.iter();
                all.map(|anomaly| (anomaly.kind, anomaly.operations.clone()))
                    .collect()
            };
            assert_eq!(kinds(&a), kinds(&b));
        }
    }
}

/// The same history, with one answer forgotten; its client goes on as another process.
fn forgotten(script: &Script, at: usize) -> Script {
    let mut script = script.clone();
    let process = script.events[at].process;
    let Process::Client(number) = process else {
        return script;
    };
    let invoked = script.events[..at]
        .iter()
        .rev()
        .find(|event| event.process == process);
    let body = invoked.expect("an invocation").body.clone();
    script.events[at].kind = Kind::Info;
    script.events[at].body = body;
    for event in &mut script.events[at + 1..] {
        if event.process == process {
            event.process = Process::Client(number + 10_000);
        }
    }
    script
}

#[test]
fn forgetting_an_answer_breaks_nothing() {
    let mut tried = 0;
    for seed in 0..rounds(1500) {
        let chance = &mut Chance::new(seed);
        let store = if chance.percent(50) {
            Store::Atomic
        } else {
            Store::Lagging
        };
        let operations = 4 + chance.below(10);
        let sets = chance.percent(30);
        let script = run(chance, store, operations, sets);
        let history = script.history();
        for rules in ALL {
            if verdict(&history, rules).validity != Validity::Holds {
                continue;
            }
            for at in 0..script.events.len() {
                if script.events[at].kind == Kind::Ok {
                    tried += 1;
                    let other = forgotten(&script, at).history();
                    let after = verdict(&other, rules);
                    assert_ne!(after.validity, Validity::Violated, "{}", show(&other));
                }
            }
        }
    }
    assert!(tried > 1000);
}

/// Every place that a proof names.
fn places(proof: &mut Proof) -> Vec<&mut At> {
    match proof {
        Proof::Stale {
            visible,
            because,
            read,
            ..
        } => vec![visible, because, read],
        Proof::Cycle { facts, .. } => facts
            .iter_mut()
            .flat_map(|fact| match fact {
                Fact::Saw {
                    visible,
                    because,
                    returned,
                    read,
                } => vec![visible, because, returned, read],
                Fact::RealTime { before, after } | Fact::Session { before, after } => {
                    vec![before, after]
                }
                Fact::Initial { after } => vec![after],
            })
            .collect(),
        Proof::Missing { because, read, .. } => vec![because, read],
        Proof::Reversed { because, read, .. } => vec![&mut because.0, &mut because.1, read],
        Proof::Unseen { path, .. } => path.iter_mut().map(|place| &mut place.at).collect(),
        Proof::Circle { links, .. } => links.iter_mut().flat_map(linked).collect(),
    }
}

/// Every place that a link names.
fn linked(link: &mut Link) -> Vec<&mut At> {
    match link {
        Link::Session { before, after } => vec![&mut before.at, &mut after.at],
        Link::ReadsFrom {
            write: before,
            read: after,
        }
        | Link::RealTime { before, after }
        | Link::Replaced {
            from: before,
            to: after,
        } => vec![before, after],
        Link::Saw { path, returned } => {
            let path = path.iter_mut().map(|place| &mut place.at);
            path.chain([returned]).collect()
        }
    }
}

/// A proof with one place changed is refused on a history that keeps the guarantee: nothing in
/// it can show a violation.
#[test]
fn tampered_proofs_are_refused() {
    let (mut tried, mut refused) = (0_u64, 0_u64);
    for seed in 0..rounds(300) {
        let chance = &mut Chance::new(seed);
        let sets = chance.percent(30);
        let script = run(chance, Store::Lagging, 30, sets);
        let (history, atomic) = (
            script.history(),
            run(chance, Store::Atomic, 60, sets).history(),
        );
        for rules in ALL {
            for anomaly in verdict(&history, rules).anomalies {
                assert!(anomaly.confirm(&atomic).is_err(), "{:?}", anomaly.proof);
                let polygraph_checker::Proof::Session(proof) = anomaly.proof else {
                    panic!("a proof of another guarantee");
                };
                let count = places(&mut proof.clone()).len();
                for place in 0..count {
                    let mut tampered = proof.clone();
                    let at = &mut places(&mut tampered)[place];
                    at.event = history.events().len() as u64 + 5;
                    assert!(polygraph_checker::session::confirm(&history, &tampered).is_err());
                    let mut tampered = proof.clone();
                    let other = chance.below(history.operations().len());
                    places(&mut tampered)[place].event = history.operations()[other].invoke as u64;
                    tried += 1;
                    let verdict = polygraph_checker::session::confirm(&history, &tampered);
                    refused += u64::from(verdict.is_err());
                }
            }
        }
    }
    // Some changes lead to another proof that is right: a later read of the same kind.
    println!("{refused} of {tried} changed proofs refused");
    assert!(tried > 1000 && refused * 10 > tried * 8);
}

/// Nothing that a proof can say is accepted where the guarantee holds.
#[test]
fn nothing_confirms_on_what_holds() {
    for seed in 0..rounds(300) {
        let chance = &mut Chance::new(seed);
        let good = run(chance, Store::Atomic, 12, false).history();
        let bad = run(chance, Store::Lagging, 40, false).history();
        for rules in ALL {
            for anomaly in verdict(&bad, rules).anomalies {
                let polygraph_checker::Proof::Session(mut proof) = anomaly.proof else {
                    panic!("a proof of another guarantee");
                };
                for _ in 0..50 {
                    for at in places(&mut proof) {
                        let other = chance.below(good.operations().len());
                        at.event = good.operations()[other].invoke as u64;
                    }
                    let answer = polygraph_checker::session::confirm(&good, &proof);
                    assert!(answer.is_err(), "{proof:?}\n{}", show(&good));
                }
            }
        }
    }
}
