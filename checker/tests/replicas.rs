//! `converges` and `durable` against a naive second reading of their definitions.

mod session_support;

use std::collections::{BTreeMap, BTreeSet};

use polygraph_checker::replicas::{CONVERGES, DURABLE, Proof, confirm};
use polygraph_checker::{Options, Reason, Validity};
use polygraph_history::{
    Body, Event, FaultEvent, FaultFamily, History, Kind, Micro, NodeId, Op, Phase, Process, Time,
    Value,
};
use session_support::{Chance, Script, cas, confirmed, int, read, rounds, show, write};

#[derive(Clone, Copy, PartialEq)]
enum Type {
    Register,
    Set,
    List,
}

fn fault(script: &mut Script, kind: Kind, phase: Phase) {
    let index = script.events.len() as u64;
    let fault = FaultEvent {
        id: 1,
        kind: FaultFamily::Kill,
        phase,
        shape: "one".to_owned(),
        role: None,
        effect: None,
    };
    let body = Body::Fault(fault);
    let time = Time::from_millis(index);
    script
        .events
        .push(Event::new(index, time, Process::Nemesis, kind, body));
}

fn update(chance: &mut Chance, kind: Type, next: &mut i64) -> Op {
    *next += 1;
    let key = "x".into();
    let value = int(if chance.percent(10) { 1 } else { *next });
    match (kind, chance.below(5)) {
        (Type::Register, 0) => cas("x", int(chance.below(*next as usize) as i64), value),
        (Type::Register, _) => write("x", value),
        (Type::Set, 0) => Op::Remove {
            key,
            value: int(1 + chance.below(*next as usize) as i64),
        },
        (Type::Set, _) => Op::Add { key, value },
        (Type::List, _) => Op::Txn(vec![Micro::Append { key, value }]),
    }
}

fn answer(chance: &mut Chance, kind: Type, written: &[i64], agreed: &Value) -> Value {
    if chance.percent(60) {
        return agreed.clone();
    }
    match kind {
        Type::Register if written.is_empty() || chance.percent(25) => Value::Null,
        Type::Register if chance.percent(15) => Value::list([int(*chance.pick(written)), int(1)]),
        Type::Register => int(*chance.pick(written)),
        _ => {
            let mut kept: Vec<Value> = written.iter().map(|&value| int(value)).collect();
            kept.retain(|_| chance.percent(70));
            if chance.percent(30) {
                kept.reverse();
            }
            Value::list(kept)
        }
    }
}

/// Some operations of two clients, perhaps a fault, and peeks or reads, mostly in the end.
fn random(chance: &mut Chance) -> History {
    let kind = *chance.pick(&[Type::Register, Type::Set, Type::List]);
    let mut script = Script::default();
    let (mut next, mut process) = (0, vec![0_u64, 1]);
    let mut open: Vec<Option<Op>> = vec![None, None];
    let mut written = Vec::new();
    let mut left = 1 + chance.below(5);
    let (peeks, faulty) = (chance.percent(75), chance.percent(30));
    while left > 0 || open.iter().any(Option::is_some) {
        if faulty && chance.percent(15) {
            fault(&mut script, Kind::Invoke, Phase::Start);
            fault(&mut script, Kind::Ok, Phase::Start);
        }
        let at = chance.below(2);
        match open[at].take() {
            None if left > 0 => {
                left -= 1;
                let op = match chance.percent(10) {
                    true => peek(chance),
                    false => update(chance, kind, &mut next),
                };
                script.event(process[at], None, Kind::Invoke, op.clone());
                open[at] = Some(op);
            }
            None => {}
            Some(op) => {
                let done = match chance.below(8) {
                    0 => Kind::Fail,
                    1 => Kind::Info,
                    _ => Kind::Ok,
                };
                written.extend(value_of(&op));
                script.event(process[at], None, done, op);
                if done == Kind::Info {
                    process[at] += 2;
                }
            }
        }
    }
    let agreed = answer(chance, kind, &written, &Value::Null);
    for _ in 0..chance.below(8) {
        if faulty && chance.percent(5) {
            fault(&mut script, Kind::Invoke, Phase::End);
        }
        let mut op = if peeks { peek(chance) } else { read("x", None) };
        script.event(process[0], None, Kind::Invoke, op.clone());
        let done = match chance.below(12) {
            0 => Kind::Fail,
            1 => Kind::Info,
            _ => Kind::Ok,
        };
        if done == Kind::Ok
            && let Op::Peek { value, .. } | Op::Read { value, .. } = &mut op
        {
            *value = Some(answer(chance, kind, &written, &agreed));
        }
        script.event(process[0], None, done, op);
        if done == Kind::Info {
            process[0] += 2;
        }
    }
    script.history()
}

fn peek(chance: &mut Chance) -> Op {
    Op::Peek {
        key: "x".into(),
        node: NodeId::at(chance.below(3)),
        value: None,
    }
}

fn value_of(op: &Op) -> Option<i64> {
    let value = match op {
        Op::Write { value, .. } | Op::Add { value, .. } | Op::Cas { to: value, .. } => value,
        Op::Txn(micros) => match &micros[0] {
            Micro::Append { value, .. } => value,
            _ => return None,
        },
        _ => return None,
    };
    match value {
        Value::Int(value) => Some(*value),
        _ => None,
    }
}

/// An operation, read from the events: when it began and ended, how, and what it was.
struct Line {
    began: usize,
    ended: Option<usize>,
    kind: Kind,
    op: Op,
}

fn lines(history: &History) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    let mut open: BTreeMap<Process, usize> = BTreeMap::new();
    for (at, event) in history.events().iter().enumerate() {
        let Some(op) = event.op() else {
            continue;
        };
        match event.kind {
            Kind::Invoke => {
                open.insert(event.process, lines.len());
                lines.push(Line {
                    began: at,
                    ended: None,
                    kind: Kind::Info,
                    op: op.clone(),
                });
            }
            kind => {
                let line = &mut lines[open[&event.process]];
                (line.ended, line.kind, line.op) = (Some(at), kind, op.clone());
            }
        }
    }
    lines
}

fn is_update(line: &Line) -> bool {
    line.kind != Kind::Fail && !matches!(line.op, Op::Read { .. } | Op::Peek { .. })
}

/// The first event after which nothing changes the key or breaks anything.
fn end(history: &History, lines: &[Line]) -> usize {
    let updates = lines.iter().filter(|line| is_update(line));
    let updates = updates.map(|line| line.ended.unwrap_or(line.began) + 1);
    let faults = history.faults().map(|(event, _)| event.index as usize + 1);
    updates.chain(faults).max().unwrap_or(0)
}

/// The last answer of every replica, `None` if it gave none in the end.
fn last_answers(history: &History) -> BTreeMap<NodeId, Option<Value>> {
    let lines = lines(history);
    let end = end(history, &lines);
    let mut last = BTreeMap::new();
    for line in &lines {
        if let Op::Peek { node, value, .. } = &line.op {
            let counts = line.kind == Kind::Ok && line.began >= end;
            last.insert(*node, value.clone().filter(|_| counts));
        }
    }
    last
}

fn listed(value: &Value) -> Vec<Value> {
    match value {
        Value::Null => Vec::new(),
        Value::List(all) => all.to_vec(),
        single => vec![single.clone()],
    }
}

fn naive_converges(history: &History) -> Validity {
    let answers = last_answers(history);
    let lines = lines(history);
    let list = lines
        .iter()
        .any(|line| is_update(line) && matches!(line.op, Op::Txn(_)));
    let nothing = !lines.iter().any(is_update);
    let meaning = |value: &Value| {
        let mut all = listed(value);
        if !list && !nothing {
            all = all
                .into_iter()
                .collect::<BTreeSet<_>>()
                .into_iter()
                .collect();
        }
        all
    };
    let said: BTreeSet<Vec<Value>> = answers.values().flatten().map(meaning).collect();
    match (
        said.len(),
        answers.values().all(Option::is_some),
        answers.len(),
    ) {
        (2.., ..) => Validity::Violated,
        (_, true, 2..) => Validity::Holds,
        _ => Validity::Unknown,
    }
}

fn naive_durable(history: &History) -> Validity {
    let lines = lines(history);
    let updates: Vec<&Line> = lines.iter().filter(|line| is_update(line)).collect();
    let replicas = last_answers(history);
    let all_answered = replicas.values().all(Option::is_some);
    let registers = updates
        .iter()
        .any(|line| matches!(line.op, Op::Write { .. } | Op::Cas { .. }));
    let mut answers: Vec<Value> = replicas.values().flatten().cloned().collect();
    if replicas.is_empty() && !registers {
        let end = end(history, &lines);
        answers.extend(lines.iter().filter_map(|line| match &line.op {
            Op::Read { value, .. } if line.kind == Kind::Ok && line.began >= end => value.clone(),
            _ => None,
        }));
    }
    if updates.is_empty() || (replicas.is_empty() && answers.is_empty()) {
        return Validity::Unknown;
    }
    let surviving: Vec<Value> = answers.iter().flat_map(listed).collect();
    let before = |a: &Line, b: &Line| a.kind == Kind::Ok && a.ended.is_some_and(|at| at < b.began);
    let writers = |value: &Value| -> Vec<&&Line> {
        let all = updates.iter();
        all.filter(|line| value_of(&line.op).map(int).as_ref() == Some(value))
            .collect()
    };
    if registers {
        let acknowledged = updates.iter().any(|line| line.kind == Kind::Ok);
        if acknowledged && surviving.iter().any(|value| writers(value).is_empty()) {
            return Validity::Unknown;
        }
        if acknowledged && answers.is_empty() {
            return Validity::Unknown;
        }
    }
    let removes = |line: &Line, value: &Value| matches!(&line.op, Op::Remove { value: other, .. } if other == value);
    let lost = updates.iter().any(|line| {
        let Some(value) = value_of(&line.op).map(int) else {
            return false;
        };
        if line.kind != Kind::Ok || surviving.contains(&value) && !registers {
            return false;
        }
        match registers {
            true => surviving
                .iter()
                .all(|value| writers(value).iter().all(|old| before(old, line))),
            false => !updates
                .iter()
                .any(|other| removes(other, &value) && !before(other, line)),
        }
    });
    match (lost, all_answered) {
        (true, true) => Validity::Violated,
        (true, false) => Validity::Unknown,
        (false, _) => Validity::Holds,
    }
}

#[test]
fn agree_with_a_naive_reading() {
    let mut table = BTreeMap::new();
    for seed in 0..rounds(20_000) {
        let history = random(&mut Chance::new(seed));
        for (entry, naive) in [
            (CONVERGES, naive_converges(&history)),
            (DURABLE, naive_durable(&history)),
        ] {
            let verdict = confirmed(&history, (entry.check)(&history, &Options::default()));
            assert_eq!(
                verdict.validity,
                naive,
                "{} seed {seed}: {:?} {:?}\n{}",
                entry.guarantee,
                verdict.warnings,
                verdict.anomalies,
                show(&history)
            );
            *table
                .entry((entry.guarantee.name(), naive.name()))
                .or_insert(0_u64) += 1;
        }
    }
    println!("{table:?}");
    assert!(
        table.len() == 6 && table.values().all(|&count| count > rounds(200)),
        "{table:?}"
    );
}

/// Proofs with another operation put in for one that they name are refused, unless that says the
/// same; proofs on a history that keeps the guarantee always are.
#[test]
fn tampered_proofs_are_refused() {
    let (mut tried, mut refused) = (0_u64, 0_u64);
    let mut last_good: Option<History> = None;
    for seed in 0..rounds(5000) {
        let chance = &mut Chance::new(seed);
        let history = random(chance);
        let mut anomalies = (CONVERGES.check)(&history, &Options::default()).anomalies;
        anomalies.extend((DURABLE.check)(&history, &Options::default()).anomalies);
        if naive_converges(&history) == Validity::Holds
            && naive_durable(&history) == Validity::Holds
        {
            last_good = Some(history.clone());
        }
        for anomaly in anomalies {
            if let Some(good) = &last_good {
                assert!(
                    anomaly.confirm(good).is_err(),
                    "{:?}\n{}",
                    anomaly.proof,
                    show(good)
                );
            }
            let polygraph_checker::Proof::Replicas(proof) = anomaly.proof else {
                panic!("a proof of another guarantee");
            };
            let other =
                history.operations()[chance.below(history.operations().len())].invoke as u64;
            let mut tampered = proof.clone();
            let named = match &mut tampered {
                Proof::Diverged { left, .. } => left,
                Proof::LostAdd { answers, .. }
                | Proof::LostWrite { answers, .. }
                | Proof::Resurrected { answers, .. } => &mut answers[0],
            };
            if *named == other {
                continue;
            }
            *named = other;
            tried += 1;
            refused += u64::from(confirm(&history, &tampered).is_err());
            let mut tampered = proof.clone();
            match &mut tampered {
                Proof::Diverged { left, right, .. } => *left = *right,
                Proof::LostAdd { answers, .. }
                | Proof::LostWrite { answers, .. }
                | Proof::Resurrected { answers, .. } => {
                    answers.pop();
                }
            }
            assert!(
                confirm(&history, &tampered).is_err(),
                "{tampered:?}\n{}",
                show(&history)
            );
        }
    }
    println!("{refused} of {tried} changed proofs refused");
    assert!(tried > 300 && refused * 10 > tried * 8);
}

#[test]
fn without_peeks_convergence_is_not_observable() {
    let mut script = Script::default();
    script.event(0, None, Kind::Invoke, write("x", int(1)));
    script.event(0, None, Kind::Ok, write("x", int(1)));
    let history = script.history();
    for entry in [CONVERGES, DURABLE] {
        let verdict = (entry.check)(&history, &Options::default());
        assert_eq!(verdict.reason, Some(Reason::NotObservable));
    }
}
