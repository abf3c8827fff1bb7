//! Certificates that begin where an operation tells the state together with others: of logs that
//! nobody reads as a whole, and of several registers; against the definition.

use polygraph_checker::linearizable::{
    Certificate, Kept, NotConfirmed, Rule, confirm_certificate, impasses,
};
use polygraph_checker::model::ModelKind;
use polygraph_checker::{FailedCas, Options, Validity, entry};
use polygraph_history::{
    Body, Event, Guarantee, History, Key, Kind, Micro, Op, Operation, Order, Outcome, Process,
    Time, Value,
};

use crate::histories;
use crate::random::Rng;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Thing {
    Log,
    Registers,
}

const NAMES: [&str; 3] = ["x", "y", "z"];

impl Thing {
    const fn model(self) -> ModelKind {
        match self {
            Thing::Log => ModelKind::Log,
            Thing::Registers => ModelKind::MultiRegister,
        }
    }

    fn keys(self) -> Vec<Key> {
        let count = if self == Thing::Log { 1 } else { NAMES.len() };
        NAMES[..count].iter().map(|&name| Key::from(name)).collect()
    }

    fn ask(self, rng: &mut Rng) -> Op {
        let key = Key::from("x");
        let value = Value::Int(rng.below(3) as i64);
        match self {
            Thing::Log if rng.percent(55) => Op::Append {
                key,
                value,
                offset: None,
            },
            Thing::Log => Op::Poll {
                key,
                from: rng.below(3) as u64,
                value: None,
            },
            Thing::Registers => {
                let read = rng.percent(50);
                let mut micros = Vec::new();
                for name in NAMES {
                    let key = Key::from(name);
                    match rng.below(4) {
                        0 => micros.push(Micro::Write {
                            key,
                            value: Value::Int(rng.below(3) as i64),
                        }),
                        1 | 2 if read => micros.push(Micro::Read { key, value: None }),
                        _ => {}
                    }
                }
                if micros.is_empty() {
                    micros.push(Micro::Read { key, value: None });
                }
                Op::Txn(micros)
            }
        }
    }

    /// What a list of numbers is after an operation, and what that shows.
    fn perform(self, held: &mut Vec<i64>, op: &mut Op) {
        match op {
            Op::Append { value, offset, .. } => {
                *offset = Some(held.len() as u64);
                held.push(number(value));
            }
            Op::Poll { from, value, .. } => {
                let rest = held.get(*from as usize..).unwrap_or_default();
                *value = Some(Value::list(rest.iter().copied().map(Value::Int)));
            }
            Op::Txn(micros) => {
                held.resize(NAMES.len(), -1);
                for micro in micros {
                    match micro {
                        Micro::Read { key, value } => {
                            let there = held[place(key)];
                            let there = (there >= 0).then_some(Value::Int(there));
                            *value = Some(there.unwrap_or(Value::Null));
                        }
                        Micro::Write { key, value } => held[place(key)] = number(value),
                        other => unreachable!("{other}"),
                    }
                }
            }
            other => unreachable!("{other}"),
        }
    }

    /// The same of one that showed what is known of it; `None` if that is not possible.
    fn after(self, held: &[i64], known: &Op, shows: bool) -> Option<Vec<i64>> {
        let (mut held, mut op) = (held.to_vec(), known.clone());
        let before = held.clone();
        self.perform(&mut held, &mut op);
        let possible = match (known, &op) {
            _ if !shows => true,
            (Op::Append { offset, .. }, Op::Append { offset: there, .. }) => {
                offset.is_none() || offset == there
            }
            // It may have stopped before the end.
            (Op::Poll { from, value, .. }, _) => {
                let seen = value.as_ref().and_then(Value::elements).unwrap_or_default();
                let rest = before.get(*from as usize..).unwrap_or_default();
                seen.len() <= rest.len()
                    && seen
                        .iter()
                        .zip(rest)
                        .all(|(seen, there)| *seen == Value::Int(*there))
            }
            (known, op) => known == op,
        };
        possible.then_some(held)
    }
}

fn number(value: &Value) -> i64 {
    match value {
        Value::Int(value) => *value,
        other => unreachable!("{other}"),
    }
}

fn place(key: &Key) -> usize {
    let place = NAMES.iter().position(|&name| *key == Key::from(name));
    place.unwrap()
}

fn observes(op: &Op) -> bool {
    match op {
        Op::Poll { .. } => true,
        Op::Txn(micros) => (micros.iter()).all(|micro| matches!(micro, Micro::Read { .. })),
        _ => false,
    }
}

fn run(rng: &mut Rng, thing: Thing) -> History {
    let clients = 1 + rng.below(4);
    let mut left = 3 + rng.below(5);
    let mut process: Vec<u64> = (0..clients as u64).collect();
    let mut open: Vec<Option<(Op, Op, bool)>> = vec![None; clients];
    let (mut held, mut events) = (Vec::new(), Vec::new());
    while left > 0 || open.iter().any(Option::is_some) {
        let at = rng.below(clients);
        let mut tell = |process: u64, kind, op| {
            let index = events.len() as u64;
            let (time, process) = (Time::from_millis(index), Process::Client(process));
            events.push(Event::new(index, time, process, kind, Body::Op(op)));
        };
        match open[at].take() {
            None if left > 0 => {
                left -= 1;
                let op = thing.ask(rng);
                tell(process[at], Kind::Invoke, op.clone());
                open[at] = Some((op.clone(), op, false));
            }
            None => {}
            Some((asked, mut op, false)) => {
                thing.perform(&mut held, &mut op);
                open[at] = Some((asked, op, true));
            }
            Some((asked, _, true)) if rng.percent(8) => {
                tell(process[at], Kind::Info, asked);
                process[at] += clients as u64;
            }
            Some((_, mut op, true)) => {
                if rng.percent(12) {
                    change(rng, &mut op);
                }
                tell(process[at], Kind::Ok, op);
            }
        }
    }
    History::new(None, Order::Index, events).unwrap()
}

fn change(rng: &mut Rng, op: &mut Op) {
    let other = Value::Int(rng.below(3) as i64);
    match op {
        Op::Append { offset, .. } if rng.percent(50) => *offset = None,
        Op::Append { offset, .. } => *offset = Some(rng.below(4) as u64),
        Op::Poll {
            value: Some(value), ..
        } => {
            let mut seen = value.elements().unwrap_or_default().to_vec();
            match seen.len() {
                0 => seen.push(other),
                many => seen[rng.below(many)] = other,
            }
            *value = Value::list(seen);
        }
        Op::Txn(micros) => {
            for micro in micros {
                if let Micro::Read { value, .. } = micro {
                    *value = Some(other.clone());
                }
            }
        }
        _ => {}
    }
}

/// An operation of a prefix, and whether it shows something.
struct Step {
    invoke: usize,
    start: u64,
    end: u64,
    op: Op,
    shows: bool,
}

fn steps(history: &History, until: u64) -> Vec<Step> {
    let step = |operation: &Operation| Step {
        invoke: operation.invoke,
        start: operation.start,
        end: if operation.end <= until {
            operation.end
        } else {
            u64::MAX
        },
        op: history.op(operation).clone(),
        shows: operation.outcome == Outcome::Ok,
    };
    let begun = history.operations().iter().filter(|it| it.start <= until);
    begun.map(step).collect()
}

/// Whether there is an order, by the definition.
fn has_order(thing: Thing, steps: &[Step], held: &[i64], placed: &mut Vec<usize>) -> bool {
    let left: Vec<usize> = (0..steps.len()).filter(|at| !placed.contains(at)).collect();
    if left.iter().all(|&at| steps[at].end == u64::MAX) {
        return true;
    }
    for &at in &left {
        let step = &steps[at];
        if left.iter().any(|&other| steps[other].end < step.start) {
            continue;
        }
        if let Some(next) = thing.after(held, &step.op, step.shows) {
            placed.push(at);
            if has_order(thing, steps, &next, placed) {
                return true;
            }
            placed.pop();
        }
    }
    false
}

/// A certificate that begins with some operation, and keeps more or less.
fn drawn(rng: &mut Rng, thing: Thing, steps: &[Step], until: usize) -> Option<Certificate> {
    let ended: Vec<&Step> = steps.iter().filter(|step| step.end != u64::MAX).collect();
    let base = *rng.one(&ended);
    let (share, noise) = (*rng.one(&[50, 100]), *rng.one(&[0, 0, 10]));
    let mut keeps = |step: &Step| {
        let keep = step.end >= base.start && (!observes(&step.op) || rng.percent(share));
        step.invoke == base.invoke || keep != rng.percent(noise)
    };
    let kept = |step: &Step| Kept {
        invoke: step.invoke,
        expectation: true,
    };
    Some(Certificate {
        keys: thing.keys(),
        model: thing.model().into(),
        failed_cas: FailedCas::Observe,
        until,
        operations: steps.iter().filter(|step| keeps(step)).map(kept).collect(),
        rule: Rule::Observers,
        since: Some(base.invoke),
    })
}

fn only_what_is_true_is_accepted(thing: Thing, seeds: std::ops::Range<u64>) {
    let (mut accepted, mut by_change, mut explained) = (0_u64, 0_u64, 0_u64);
    let count = seeds.end - seeds.start;
    for seed in seeds {
        let rng = &mut Rng(seed ^ 3 << 41);
        let history = run(rng, thing);
        let ends: Vec<(usize, u64)> = history
            .operations()
            .iter()
            .filter(|operation| operation.end != u64::MAX)
            .map(|operation| (operation.complete.unwrap(), operation.end))
            .collect();
        if ends.is_empty() {
            continue;
        }
        for _ in 0..4 {
            let &(until, end) = rng.one(&ends);
            let steps = steps(&history, end);
            let Some(certificate) = drawn(rng, thing, &steps, until) else {
                continue;
            };
            let context = || format!("{thing:?}, seed {seed}: {certificate:?} {history:?}");
            match confirm_certificate(&history, &certificate) {
                Ok(_) => {
                    let order = has_order(thing, &steps, &[], &mut Vec::new());
                    assert!(!order, "{}", context());
                    assert!(impasses(&history, &certificate, 3).is_ok(), "{}", context());
                    accepted += 1;
                    let base = history.operations().iter();
                    let mut base = base.filter(|it| Some(it.invoke) == certificate.since);
                    by_change += u64::from(base.any(|it| !observes(history.op(it))));
                }
                Err(NotConfirmed::TooLarge(_)) => panic!("{}", context()),
                Err(NotConfirmed::Wrong(problem)) => {
                    explained += u64::from(problem == "an order explains these operations");
                }
            }
        }
    }
    println!("{thing:?}: {accepted} accepted, {by_change} after a change, {explained} explained");
    // Otherwise the comparison would say little.
    assert!(
        accepted > count / 50 && by_change > count / 100 && explained > count / 2,
        "{thing:?}: {accepted} {by_change} {explained}"
    );
}

const THINGS: [Thing; 2] = [Thing::Log, Thing::Registers];

#[test]
fn what_begins_later_is_accepted_only_if_true() {
    for thing in THINGS {
        only_what_is_true_is_accepted(thing, 0..histories());
    }
}

#[test]
#[ignore = "takes minutes"]
fn what_begins_later_is_accepted_only_if_true_a_million_times() {
    for thing in THINGS {
        only_what_is_true_is_accepted(thing, 0..1_000_000);
    }
}

/// The evidence of the check begins later where it can, and is confirmed.
#[test]
fn the_evidence_of_the_check_begins_later() {
    let check = entry(Guarantee::Linearizable).unwrap().check;
    for thing in THINGS {
        let options = Options {
            model: Some(thing.model()),
            ..Options::default()
        };
        let (mut found, mut later) = (0_u64, 0_u64);
        for seed in 0..histories() / 2 {
            let history = run(&mut Rng(seed ^ 9 << 42), thing);
            let verdict = check(&history, &options);
            let expected = has_order(thing, &steps(&history, u64::MAX - 1), &[], &mut Vec::new());
            let right = match expected {
                true => Validity::Holds,
                false => Validity::Violated,
            };
            // Not even unknown: evidence that was wrong and therefore rejected would leave that.
            assert!(
                verdict.validity == right && verdict.warnings.is_empty(),
                "{thing:?}, seed {seed}: {verdict:?} {history:?}"
            );
            for anomaly in &verdict.anomalies {
                let certificate = anomaly.certificate().unwrap();
                let confirmed = confirm_certificate(&history, &certificate);
                assert!(confirmed.is_ok(), "{thing:?}, seed {seed}: {confirmed:?}");
                found += 1;
                later += u64::from(certificate.since.is_some());
            }
        }
        println!("{thing:?}: {found} violated, {later} begin later");
        assert!(found > histories() / 50, "{thing:?}: {found}");
        assert!(
            thing == Thing::Log || later > found / 20,
            "{thing:?}: {later}"
        );
    }
}
