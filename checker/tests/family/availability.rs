//! Availability, against its definition read off the record once more.

use polygraph_checker::measured::{Figure, Share};
use polygraph_checker::{Options, Reason, Validity};
use polygraph_history::{
    Body, Bound, Effect, ErrorName, Event, FaultEvent, FaultFamily, Guarantee, History, Kind, Link,
    NodeId, Op, Order, Outcome, Phase, Process, Side, Time,
};

use crate::build::judge;
use crate::session_support::{Chance, int, read, rounds, show, write};

/// A record of clients at three nodes and of faults.
#[derive(Default)]
struct Record {
    events: Vec<Event>,
}

impl Record {
    fn push(&mut self, at: u64, process: Process, kind: Kind, body: Body) -> &mut Event {
        let index = self.events.len() as u64;
        self.events.push(Event::new(
            index,
            Time::from_millis(at),
            process,
            kind,
            body,
        ));
        self.events.last_mut().expect("just pushed")
    }

    fn ask(&mut self, at: u64, node: usize, op: Op) {
        let process = Process::Client(node as u64 + 10 * self.events.len() as u64);
        self.push(at, process, Kind::Invoke, Body::Op(op)).node = Some(NodeId::at(node));
    }

    /// The last operation asked ends.
    fn end(&mut self, at: u64, kind: Kind, error: Option<ErrorName>) {
        let asked = self
            .events
            .iter()
            .rev()
            .find(|it| it.process != Process::Nemesis);
        let asked = asked.expect("somebody asked").clone();
        let op = match (kind, asked.op().expect("an operation").clone()) {
            (Kind::Ok, Op::Read { key, .. }) => Op::Read {
                key,
                value: Some(int(1)),
            },
            (_, op) => op,
        };
        self.push(at, asked.process, kind, Body::Op(op)).error = error;
    }

    fn fault(&mut self, at: u64, id: u64, phase: Phase, kind: Kind, effect: &Effect) {
        let fault = FaultEvent {
            id,
            kind: FaultFamily::Partition,
            phase,
            shape: "drawn".to_owned(),
            role: None,
            effect: Some(effect.clone()),
        };
        self.push(at, Process::Nemesis, kind, Body::Fault(fault));
    }

    fn history(&self) -> History {
        History::new(None, Order::Index, self.events.clone()).expect("a history")
    }
}

fn side(side: Side) -> Options {
    Options {
        bound: Some(Bound::Side(side)),
        ..Options::default()
    }
}

/// Cuts the third node off, in both directions or one.
fn third_alone(both: bool) -> Effect {
    let nodes = NodeId::all(3);
    let mut links = Vec::new();
    for &other in &nodes[..2] {
        links.push(Link {
            from: nodes[2],
            to: other,
        });
        if both {
            links.push(Link {
                from: other,
                to: nodes[2],
            });
        }
    }
    Effect::Cut(links)
}

/// A random record: some faults, and operations at three nodes of which some are answered.
fn random(chance: &mut Chance) -> History {
    let mut record = Record::default();
    let mut at = 0;
    let nodes = NodeId::all(3);
    let mut active: Vec<(u64, Effect)> = Vec::new();
    for id in 0..3 + chance.below(8) as u64 {
        at += [100, 1000, 2500][chance.below(3)];
        match chance.below(4) {
            0 => {
                let effect = match chance.below(3) {
                    0 => third_alone(chance.percent(50)),
                    1 => Effect::Kill(vec![*chance.pick(&nodes)]),
                    _ => Effect::Pause(vec![*chance.pick(&nodes)]),
                };
                let seen = if chance.percent(85) {
                    Kind::Ok
                } else {
                    Kind::Fail
                };
                record.fault(at, id, Phase::Start, Kind::Invoke, &effect);
                record.fault(at + 10, id, Phase::Start, seen, &effect);
                active.push((id, effect));
            }
            1 if !active.is_empty() => {
                let (id, effect) = active.swap_remove(chance.below(active.len()));
                record.fault(at, id, Phase::End, Kind::Invoke, &effect);
                record.fault(at + 10, id, Phase::End, Kind::Ok, &effect);
            }
            _ => {
                let op = if chance.percent(50) {
                    read("x", None)
                } else {
                    write("y", int(1))
                };
                record.ask(at, chance.below(3), op);
                let (kind, error) = match chance.below(6) {
                    0 => (Kind::Info, Some(ErrorName::TIMEOUT)),
                    1 => (Kind::Fail, Some(ErrorName::CAS_MISMATCH)),
                    2 => (Kind::Fail, Some(ErrorName::UNAVAILABLE)),
                    _ => (Kind::Ok, None),
                };
                if chance.percent(97) {
                    record.end(at + 50, kind, error);
                }
            }
        }
        at += 60;
    }
    // The replicas of x: the first, the second and, perhaps, the third. Those of z: all.
    let of_x = nodes[..2 + chance.below(2)].iter().map(|&node| ("x", node));
    for (key, node) in of_x.chain(nodes.iter().map(|&node| ("z", node))) {
        let op = |value| Op::Peek {
            key: key.into(),
            node,
            value,
        };
        let process = Process::Client(9000 + at);
        record.push(at, process, Kind::Invoke, Body::Op(op(None)));
        record.push(at, process, Kind::Ok, Body::Op(op(Some(int(1)))));
        at += 1;
    }
    record.history()
}

/// How many operations had to be answered, and how many of them were not.
fn defined(history: &History, side: Side) -> (u64, u64) {
    let events: Vec<Event> = history.events().iter().collect();
    let settled_ms = 2000;
    let millis = |time: Time| time.as_nanos() / 1_000_000;
    let (mut had_to, mut failed) = (0, 0);
    for operation in history.operations() {
        let (began, Some(ended)) = (
            millis(history.invoked_at(operation)),
            history.completed_at(operation).map(millis),
        ) else {
            continue;
        };
        let Some(node) = history.node(operation.invoke) else {
            continue;
        };
        let since = began.saturating_sub(settled_ms);
        let mut effects = Vec::new();
        let mut steady = true;
        for id in 0..20 {
            let of = |phase: Phase, kinds: &[Kind]| {
                let mut found = events.iter().filter(|it| {
                    it.fault()
                        .is_some_and(|fault| fault.id == id && fault.phase == phase)
                        && kinds.contains(&it.kind)
                });
                found.next()
            };
            let Some(start) = of(Phase::Start, &[Kind::Invoke]) else {
                continue;
            };
            let seen = of(Phase::Start, &[Kind::Ok]).map(|it| millis(it.time));
            let over = of(Phase::End, &[Kind::Ok]).map(|it| millis(it.time));
            let ending = of(Phase::End, &[Kind::Invoke]).map(|it| millis(it.time));
            if millis(start.time) > ended || over.is_some_and(|over| over < since) {
                continue;
            }
            steady &= seen.is_some_and(|seen| seen <= since) && ending.is_none_or(|it| it > ended);
            effects.push(
                start
                    .fault()
                    .and_then(|it| it.effect.clone())
                    .expect("it has one"),
            );
        }
        let down = |node: NodeId| {
            effects.iter().any(
                |it| matches!(it, Effect::Kill(all) | Effect::Pause(all) if all.contains(&node)),
            )
        };
        let cut = effects.iter().any(|it| matches!(it, Effect::Cut(_)));
        if !steady || effects.is_empty() || down(node) {
            continue;
        }
        // The only cut there is separates the third node.
        let third = NodeId::at(2);
        let near = |other: NodeId| {
            other == node || (!down(other) && (!cut || (other == third) == (node == third)))
        };
        let replicas: Vec<NodeId> = match history.op(operation).key() {
            Some(key) if *key == "x".into() => history
                .operations()
                .iter()
                .filter_map(|it| match history.op(it) {
                    Op::Peek { key, node, .. } if *key == "x".into() => Some(*node),
                    _ => None,
                })
                .collect(),
            // Nobody peeked at it.
            _ => Vec::new(),
        };
        let of = match side {
            Side::Any => Vec::new(),
            Side::Majority => NodeId::all(3),
            Side::QuorumOfKey => replicas,
        };
        let close = of.iter().filter(|&&other| near(other)).count();
        if side != Side::Any && close * 2 <= of.len() {
            continue;
        }
        had_to += 1;
        let mismatch = history
            .completion(operation)
            .and_then(|it| it.error.clone())
            == Some(ErrorName::CAS_MISMATCH);
        failed += u64::from(operation.outcome != Outcome::Ok && !mismatch);
    }
    (had_to, failed)
}

#[test]
fn agrees_with_its_definition() {
    let mut counts = [0_u64; 3];
    for seed in 0..rounds(20_000) {
        let history = random(&mut Chance::new(seed));
        for &wanted in Side::ALL {
            let verdict = judge(&history, Guarantee::Available, &side(wanted));
            let found = (verdict.opportunities, verdict.anomaly_count);
            let defined = defined(&history, wanted);
            assert_eq!(found, defined, "{wanted:?} seed {seed}\n{}", show(&history));
            let expected = match defined {
                (0, _) => Validity::Unknown,
                (_, 0) => Validity::Holds,
                _ => Validity::Violated,
            };
            assert_eq!(verdict.validity, expected, "{wanted:?} seed {seed}");
            counts[expected as usize] += 1;
        }
    }
    println!("{counts:?}");
    assert!(
        counts.iter().all(|&count| count > rounds(1000)),
        "{counts:?}"
    );
}

/// The third node is cut off at 1 s and healed at 9 s; everybody asks every second.
#[test]
fn the_side_decides_and_shares_are_counted() {
    let mut record = Record::default();
    let effect = third_alone(true);
    for second in 0..12 {
        let at = second * 1000;
        if second == 1 {
            record.fault(at, 1, Phase::Start, Kind::Invoke, &effect);
            record.fault(at + 1, 1, Phase::Start, Kind::Ok, &effect);
        }
        if second == 9 {
            record.fault(at, 1, Phase::End, Kind::Invoke, &effect);
            record.fault(at + 1, 1, Phase::End, Kind::Ok, &effect);
        }
        for node in 0..3 {
            let at = at + 10 * (node as u64 + 1);
            record.ask(at, node, read("x", None));
            // The third answers again from 11 s on.
            let down = node == 2 && (1..11).contains(&second);
            let error = down.then_some(ErrorName::TIMEOUT);
            record.end(at + 5, if down { Kind::Info } else { Kind::Ok }, error);
        }
    }
    let history = record.history();
    let majority = judge(&history, Guarantee::Available, &side(Side::Majority));
    assert_eq!(majority.validity, Validity::Holds);
    // From 4 s (2 s after it was seen) to 8 s, two nodes a second; at 3 s it is settled too, for
    // those that ask 2 s after the millisecond in which it was seen.
    assert_eq!(majority.opportunities, 12);
    let any = judge(&history, Guarantee::Available, &side(Side::Any));
    assert_eq!(
        (any.validity, any.opportunities, any.anomaly_count),
        (Validity::Violated, 18, 6)
    );
    let told = &any.anomalies[0].explanation;
    let expected = "asked n3 for `read x` at 3.030 s and was not answered (timeout), though n3 was \
                    alive and among n3 that could talk to each other (partition drawn since 1.000 s)";
    assert!(told.contains(expected), "{told}");
    let rows = |name: &str| {
        &any.measured
            .iter()
            .find(|it| it.name == name)
            .expect("a table")
            .rows
    };
    let share = |part, whole| Figure::Share(Share { part, whole });
    assert_eq!(rows("answered")[0][1], share(26, 36));
    let at_third = rows("answered")
        .iter()
        .find(|row| row[0] == Figure::from("at n3"));
    assert_eq!(at_third.expect("a row")[1], share(2, 12));
    let fault = &rows("faults")[0];
    assert_eq!(fault[3], share(16, 24));
    // The third answered at 11.035 s, and the fault was over at 9.001 s.
    assert_eq!(fault[4], Figure::span(Some(2_034_000_000)));
}

#[test]
fn without_faults_nothing_is_claimed_and_yet_counted() {
    let mut record = Record::default();
    record.ask(0, 0, read("x", None));
    record.end(1, Kind::Ok, None);
    let verdict = judge(&record.history(), Guarantee::Available, &Options::default());
    assert_eq!(verdict.reason, Some(Reason::NotApplicable));
    assert_eq!(verdict.measured.len(), 1);
}
