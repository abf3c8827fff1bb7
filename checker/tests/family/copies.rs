//! What became of elements, and how long replicas took to become alike.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use polygraph_checker::measured::{Figure, Measured};
use polygraph_checker::{Options, Validity, Verdict};
use polygraph_history::{Guarantee, History, Kind, NodeId, Op, Outcome, Value};

use crate::build::{judge, outcome, random};
use crate::session_support::{Chance, Script, int, read, rounds, show};

fn peek(node: usize, value: Option<Value>) -> Op {
    Op::Peek {
        key: "x".into(),
        node: NodeId::at(node),
        value,
    }
}

fn add(value: i64) -> Op {
    Op::Add {
        key: "x".into(),
        value: int(value),
    }
}

fn remove(value: i64) -> Op {
    Op::Remove {
        key: "x".into(),
        value: int(value),
    }
}

fn some_of(chance: &mut Chance, share: usize) -> Value {
    let all: Vec<Value> = (1..=3).map(int).collect();
    Value::list(all.into_iter().filter(|_| chance.percent(share)))
}

/// Adds, removals and reads of two clients on three elements, then a peek or two of two replicas.
fn small(chance: &mut Chance) -> History {
    let left = 2 + chance.below(6);
    let mut script = random(
        chance,
        &mut (),
        2,
        left,
        |chance, (), _| match chance.below(4) {
            0 => read("x", None),
            1 => remove(1 + chance.below(3) as i64),
            _ => add(1 + chance.below(3) as i64),
        },
        |chance, (), _, op| {
            let kind = outcome(chance);
            let op = match op {
                Op::Read { .. } if kind == Kind::Ok => read("x", Some(some_of(chance, 60))),
                op => op.clone(),
            };
            (kind, op)
        },
    );
    let share = *chance.pick(&[30, 60, 95]);
    for node in [0, 1, 0, 1].into_iter().take(1 + chance.below(4)) {
        script.event(90, None, Kind::Invoke, peek(node, None));
        let answer = chance.percent(90).then(|| some_of(chance, share));
        let kind = if answer.is_some() {
            Kind::Ok
        } else {
            Kind::Fail
        };
        script.event(90, None, kind, peek(node, answer));
    }
    script.history()
}

/// The definition, read off again: some element, some removal of it.
fn resurrected(history: &History) -> bool {
    let all = history.operations();
    let lists = |value: &Value, element: i64| value.elements().unwrap().contains(&int(element));
    let mut last: BTreeMap<NodeId, Option<&Value>> = BTreeMap::new();
    for operation in all {
        if let Op::Peek { node, value, .. } = history.op(operation) {
            let value = value.as_ref().filter(|_| operation.outcome == Outcome::Ok);
            last.insert(*node, value);
        }
    }
    (1..=3).any(|element| {
        let adds: Vec<_> = all
            .iter()
            .filter(|it| it.outcome != Outcome::Fail && *history.op(it) == add(element))
            .collect();
        let everywhere = last
            .values()
            .all(|it| it.is_some_and(|it| lists(it, element)));
        everywhere
            && !adds.is_empty()
            && all.iter().any(|removal| {
                removal.outcome == Outcome::Ok
                    && *history.op(removal) == remove(element)
                    && adds.iter().all(|add| add.precedes(removal))
                    && (adds.iter().all(|add| add.session == removal.session)
                        || adds.len() == 1
                            && all.iter().any(|it| {
                                it.precedes(removal)
                                    && it.session == removal.session
                                    && it.outcome == Outcome::Ok
                                    && matches!(history.op(it), Op::Read { value: Some(value), .. }
                                        if lists(value, element))
                            }))
            })
    })
}

#[test]
fn removed_elements_come_back_as_defined() {
    let mut counts = [0_u64; 3];
    for seed in 0..rounds(20_000) {
        let history = small(&mut Chance::new(seed));
        let verdict = judge(&history, Guarantee::NoResurrection, &Options::default());
        let violated = verdict.validity == Validity::Violated;
        let problem = || format!("seed {seed}: {:?}\n{}", verdict.anomalies, show(&history));
        // Whether an element is everywhere is not known if a replica gave no answer.
        assert_eq!(violated, resurrected(&history), "{}", problem());
        counts[verdict.validity as usize] += 1;
    }
    println!("{counts:?}");
    assert!(
        counts.iter().all(|&count| count > rounds(200)),
        "{counts:?}"
    );
}

fn table<'v>(verdict: &'v Verdict, name: &str) -> &'v Measured {
    let found = verdict.measured.iter().find(|it| it.name == name);
    found.unwrap_or_else(|| panic!("no table {name}: {:?}", verdict.measured))
}

fn act(script: &mut Script, process: u64, op: Op) {
    let asked = match &op {
        Op::Read { .. } => read("x", None),
        Op::Peek { node, .. } => Op::Peek {
            key: "x".into(),
            node: *node,
            value: None,
        },
        op => op.clone(),
    };
    script.event(process, None, Kind::Invoke, asked);
    script.event(process, None, Kind::Ok, op);
}

fn list<const N: usize>(values: [i64; N]) -> Option<Value> {
    Some(Value::list(values.map(int)))
}

#[test]
fn copies_that_become_alike_are_timed_and_those_that_stay_apart_named() {
    let mut script = Script::default();
    act(&mut script, 0, add(1));
    act(&mut script, 0, add(2)); // over at 3 ms
    for (node, value) in [(0, list([1, 2])), (1, list([1])), (1, list([1, 2]))] {
        act(&mut script, 1, peek(node, value));
    }
    let history = script.history();
    let verdict = judge(&history, Guarantee::Converges, &Options::default());
    let span = |millis| Figure::Span(Duration::from_millis(millis));
    // The last answer came at 9 ms.
    let row = &table(&verdict, "convergence").rows[0];
    assert_eq!(
        row[..5],
        [0, 1, 0, 0]
            .map(Figure::Count)
            .into_iter()
            .chain([span(6)])
            .collect::<Vec<_>>()[..]
    );
    act(&mut script, 1, peek(0, list([1, 2, 3])));
    act(&mut script, 1, peek(1, list([2, 1])));
    let history = script.history();
    let verdict = judge(&history, Guarantee::Converges, &Options::default());
    assert_eq!(table(&verdict, "convergence").rows[0][2], Figure::Count(1));
    // 3 was never added: nobody can say since when.
    assert_eq!(table(&verdict, "slowest keys").rows[0][3], Figure::Nothing);
    act(&mut script, 1, peek(0, list([2])));
    act(&mut script, 1, peek(1, list([1, 2])));
    let history = script.history();
    let verdict = judge(&history, Guarantee::Converges, &Options::default());
    let Figure::Text(since) = &table(&verdict, "slowest keys").rows[0][3] else {
        panic!("{:?}", verdict.measured);
    };
    assert_eq!(since, "client 0 added 1 at 0.000 s; n2 has it");
}

#[test]
fn elements_are_classed_as_by_set_full() {
    let mut script = Script::default();
    for value in 1..=5 {
        act(&mut script, 0, add(value)); // 1 is known at 1 ms, 2 at 3 ms, …
    }
    act(&mut script, 1, read("x", list([1, 3, 3, 9]))); // begins at 10 ms
    act(&mut script, 1, read("x", list([1, 2, 4]))); // at 12 ms
    act(&mut script, 1, read("x", list([1, 2]))); // at 14 ms
    act(&mut script, 0, add(6));
    act(&mut script, 0, remove(1));
    let history = script.history();
    let verdict = judge(&history, Guarantee::Durable, &Options::default());
    let rows = &table(&verdict, "elements").rows;
    let row = |name: &str| {
        let found = rows.iter().find(|row| row[0] == Figure::from(name));
        found.unwrap_or_else(|| panic!("{name}: {rows:?}"))
    };
    let span = |millis| Figure::Span(Duration::from_millis(millis));
    let text = |text: &str| Figure::from(text);
    // 2 was known at 3 ms and missing from a read that began at 10 ms.
    assert_eq!(
        row("stable")[1..],
        [Figure::Count(1), span(7), span(7), span(7), text("2")]
    );
    assert_eq!(row("of them stale")[1], Figure::Count(1));
    // 3 was seen for 5 ms after it was known, 4 for 5 ms too, 5 never.
    assert_eq!(
        row("lost")[1..],
        [Figure::Count(3), span(5), span(5), span(5), text("3, 4, 5")]
    );
    assert_eq!(
        row("never read")[1..],
        [
            Figure::Count(1),
            Figure::Nothing,
            Figure::Nothing,
            Figure::Nothing,
            text("6")
        ]
    );
    assert_eq!(row("read twice at once")[5], text("3"));
    assert_eq!(row("removed")[5], text("1"));
}

/// The classes by their definition: every pair of an element and a read.
#[test]
fn classes_agree_with_their_definition() {
    let mut seen = BTreeSet::new();
    for seed in 0..rounds(5_000) {
        let history = small(&mut Chance::new(seed));
        let verdict = judge(&history, Guarantee::Durable, &Options::default());
        let mut expected: BTreeMap<&str, u64> = BTreeMap::new();
        let reads: Vec<_> = history
            .operations()
            .iter()
            .filter(|it| it.outcome == Outcome::Ok)
            .filter_map(|it| match history.op(it) {
                Op::Read {
                    value: Some(value), ..
                } => Some((it, value.elements().unwrap())),
                _ => None,
            })
            .collect();
        for element in 1..=3 {
            let of = |op: Op| -> Vec<u64> {
                let all = history.operations().iter();
                let these = all.filter(|it| it.outcome != Outcome::Fail && *history.op(it) == op);
                these.map(|it| it.end).collect()
            };
            if of(add(element)).is_empty() {
                continue;
            }
            if !of(remove(element)).is_empty() {
                *expected.entry("removed").or_default() += 1;
                continue;
            }
            let has = |list: &[Value]| list.contains(&int(element));
            let shown = reads
                .iter()
                .filter(|(_, list)| has(list))
                .map(|(it, _)| it.end);
            let Some(known) = of(add(element)).into_iter().chain(shown).min() else {
                continue;
            };
            if known == u64::MAX {
                continue;
            }
            let present = reads
                .iter()
                .filter(|(_, list)| has(list))
                .map(|(it, _)| it.start)
                .max();
            let absent = reads
                .iter()
                .filter(|(_, list)| !has(list))
                .map(|(it, _)| it.start)
                .max();
            let class = match (present > absent, absent > Some(known)) {
                (true, stale) => {
                    if stale {
                        *expected.entry("of them stale").or_default() += 1;
                    }
                    "stable"
                }
                (false, true) => "lost",
                (false, false) => "never read",
            };
            *expected.entry(class).or_default() += 1;
        }
        let rows = verdict.measured.iter().filter(|it| it.name == "elements");
        let rows = rows.flat_map(|it| &it.rows);
        let found: BTreeMap<&str, u64> = rows
            .filter_map(|row| match (&row[0], &row[1]) {
                (Figure::Text(name), Figure::Count(count)) => Some((name.as_str(), *count)),
                _ => None,
            })
            .collect();
        if reads.is_empty() {
            expected.clear();
        }
        assert_eq!(found, expected, "seed {seed}\n{}", show(&history));
        seen.extend(found.keys().map(|&name| name.to_owned()));
    }
    assert_eq!(seen.len(), 5, "{seen:?}");
}
