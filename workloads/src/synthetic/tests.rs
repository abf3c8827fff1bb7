//! Small histories against the definition of linearizability, tried out in every order.

use std::collections::{BTreeMap, BTreeSet};

use polygraph_history::{History, Key, Op, Operation, Outcome, Value, jsonl};

use super::*;

/// What an object holds: nothing or a value, or elements in some order.
type State = Vec<i64>;

fn int(value: &Value) -> i64 {
    match value {
        Value::Int(value) => *value,
        other => panic!("{other} is no integer"),
    }
}

/// What a completed read or take must have returned.
fn seen(value: Option<&Value>) -> Option<Option<i64>> {
    value.map(|value| (*value != Value::Null).then(|| int(value)))
}

/// The next state, if the operation can have its result here. Results are looked at only where
/// the operation completed.
fn step(model: Model, state: &State, op: &Op, completed: bool) -> Option<State> {
    let holds = state.first().copied();
    let mut next = state.clone();
    match op {
        Op::Read { value, .. } if model == Model::List => {
            let Some(value) = value else {
                return Some(next);
            };
            let elements: Vec<i64> = value.elements().expect("a list").iter().map(int).collect();
            return (elements == next).then_some(next);
        }
        Op::Read { value, .. } => {
            let holds = if model == Model::Counter {
                Some(holds.unwrap_or(0))
            } else {
                holds
            };
            return (!completed || seen(value.as_ref())? == holds).then_some(next);
        }
        Op::Write { value, .. } => next = vec![int(value)],
        Op::Cas { from, to, .. } => {
            if holds != Some(int(from)) {
                return None;
            }
            next = vec![int(to)];
        }
        Op::Enqueue { value, .. } | Op::Append { value, .. } => next.push(int(value)),
        Op::Push { value, .. } => next.insert(0, int(value)),
        Op::Insert { value, .. } => {
            next.push(int(value));
            next.sort_unstable_by(|a, b| b.cmp(a));
        }
        Op::Dequeue { value, .. } | Op::Pop { value, .. } | Op::Extract { value, .. } => {
            if completed && seen(value.as_ref())? != holds {
                return None;
            }
            if !next.is_empty() {
                next.remove(0);
            }
        }
        Op::Add { value, .. } => {
            next.retain(|element| *element != int(value));
            next.push(int(value));
            next.sort_unstable();
        }
        Op::Remove { value, .. } => next.retain(|element| *element != int(value)),
        Op::Contains { value, found, .. } => {
            let is = next.contains(&int(value));
            return found.is_none_or(|found| found == is).then_some(next);
        }
        Op::Acquire { .. } => {
            if !next.is_empty() {
                return None;
            }
            next.push(1);
        }
        Op::Release { .. } => {
            next.pop()?;
        }
        Op::Increment { by, .. } => next = vec![holds.unwrap_or(0) + by],
        other => panic!("{other}"),
    }
    Some(next)
}

/// Whether the operations of one key have an order. `done` are those that come first.
fn has_order(
    model: Model,
    history: &History,
    operations: &[&Operation],
    done: u32,
    state: &State,
    tried: &mut BTreeSet<(u32, State)>,
) -> bool {
    let left = |at: &usize| done & (1 << at) == 0;
    let must = |at: &usize| operations[*at].outcome != Outcome::Info;
    if !(0..operations.len()).filter(left).any(|at| must(&at)) {
        return true;
    }
    if !tried.insert((done, state.clone())) {
        return false;
    }
    for at in (0..operations.len()).filter(left) {
        let operation = operations[at];
        let mut others = (0..operations.len()).filter(left);
        if others.any(|other| operations[other].precedes(operation)) {
            continue;
        }
        let op = history.op(operation);
        // A compare-and-set that failed found another value.
        let next = if operation.outcome == Outcome::Fail {
            step(model, state, op, true)
                .is_none()
                .then(|| state.clone())
        } else {
            step(model, state, op, operation.outcome == Outcome::Ok)
        };
        if let Some(next) = next
            && has_order(model, history, operations, done | (1 << at), &next, tried)
        {
            return true;
        }
    }
    false
}

fn linearizable(model: Model, history: &History) -> bool {
    let mut keys: BTreeMap<&Key, Vec<&Operation>> = BTreeMap::new();
    for operation in history.operations() {
        let key = history.op(operation).key().expect("single operations");
        keys.entry(key).or_default().push(operation);
    }
    keys.values().all(|operations| {
        assert!(operations.len() <= 32);
        has_order(
            model,
            history,
            operations,
            0,
            &Vec::new(),
            &mut BTreeSet::new(),
        )
    })
}

fn plan(model: Model) -> Plan {
    Plan {
        model,
        clients: 3,
        keys: 1,
        operations: 14,
        crash_ppm: 0,
        values: Values::Unique,
        violation: None,
        at_ppm: 200_000,
        retire: None,
        seed: 1,
        format: Format::Polygraph,
    }
}

fn written(plan: &Plan) -> Result<(Vec<u8>, Summary), Error> {
    let mut bytes = Vec::new();
    let summary = write(plan, &mut bytes)?;
    Ok((bytes, summary))
}

fn history(bytes: &[u8]) -> History {
    jsonl::read(bytes).expect("what is written can be read")
}

/// How many seeds are tried.
fn seeds() -> u64 {
    let more = std::env::var("POLYGRAPH_FUZZ").ok();
    300 * more.and_then(|more| more.parse::<u64>().ok()).unwrap_or(1)
}

/// Shapes of a history: clients, keys, crashes of a million, values.
const SHAPES: [(usize, usize, u32, Values); 6] = [
    (3, 1, 0, Values::Unique),
    (5, 1, 0, Values::Unique),
    (2, 2, 0, Values::Unique),
    (3, 1, 150_000, Values::Unique),
    (3, 1, 0, Values::Few(2)),
    (4, 1, 100_000, Values::Few(3)),
];

fn shaped(model: Model, shape: (usize, usize, u32, Values), seed: u64) -> Plan {
    let (clients, keys, crash_ppm, values) = shape;
    Plan {
        clients,
        keys,
        crash_ppm,
        values,
        seed,
        ..plan(model)
    }
}

#[test]
fn histories_hold_unless_an_answer_was_made_wrong() {
    for model in Model::ALL {
        for shape in SHAPES {
            for seed in 0..seeds() {
                let plan = shaped(model, shape, seed);
                let (bytes, _) = written(&plan).expect("a plan without contradictions");
                let text = String::from_utf8_lossy(&bytes);
                assert!(linearizable(model, &history(&bytes)), "{plan:?}\n{text}");
            }
        }
    }
}

#[test]
fn no_order_explains_an_answer_that_was_made_wrong() {
    for model in Model::ALL {
        for &violation in model.violations() {
            let mut shown = 0;
            for shape in SHAPES {
                for seed in 0..seeds() / 3 {
                    let plan = Plan {
                        violation: Some(violation),
                        operations: if shape.2 > 0 { 20 } else { 17 },
                        ..shaped(model, shape, seed)
                    };
                    let (bytes, summary) = match written(&plan) {
                        Ok(written) => written,
                        Err(Error::NoPlace(_) | Error::Plan(_)) => continue,
                        Err(error) => panic!("{error:?}"),
                    };
                    shown += 1;
                    let history = history(&bytes);
                    let text = String::from_utf8_lossy(&bytes);
                    assert!(!linearizable(model, &history), "{plan:?}\n{text}");
                    let injected = summary.injected.expect("it was made wrong somewhere");
                    let operation = history
                        .operations()
                        .iter()
                        .find(|operation| operation.invoke as u64 == injected.event)
                        .expect("the event is an invocation");
                    let key = history.op(operation).key().expect("single operations");
                    assert_eq!(key.to_string(), injected.key);
                    assert_eq!(operation.outcome, Outcome::Ok);
                }
            }
            let least = seeds() / 10;
            assert!(shown > least, "{model} {violation}: only {shown} places");
        }
    }
}

#[test]
fn the_same_plan_gives_the_same_bytes_and_another_seed_others() {
    for model in Model::ALL {
        let plan = Plan {
            operations: 500,
            crash_ppm: 20_000,
            keys: 3,
            retire: (model == Model::List).then_some(20),
            ..plan(model)
        };
        let (bytes, summary) = written(&plan).expect("a plan");
        assert_eq!(bytes, written(&plan).expect("a plan").0);
        assert_ne!(bytes, written(&Plan { seed: 2, ..plan }).expect("a plan").0);
        let history = history(&bytes);
        assert_eq!(history.operations().len() as u64, summary.operations);
        assert_eq!(history.events().len() as u64, summary.events);
        assert_eq!(bytes.len() as u64, summary.bytes);
        let outcomes = history.operations().iter().map(|it| it.outcome);
        let unknown = outcomes.filter(|outcome| *outcome == Outcome::Info).count();
        assert_eq!(unknown as u64, summary.indeterminate);
    }
}

#[test]
fn lines_are_written_as_histories_write_them() {
    for model in Model::ALL {
        let plan = Plan {
            operations: 300,
            crash_ppm: 50_000,
            ..plan(model)
        };
        let (bytes, _) = written(&plan).expect("a plan");
        let mut again = jsonl::Writer::new(Vec::new(), None).expect("memory can be written to");
        for event in history(&bytes).events() {
            again.write(&event).expect("memory can be written to");
        }
        let again = again.finish().expect("memory can be written to");
        assert_eq!(
            String::from_utf8_lossy(&again),
            String::from_utf8_lossy(&bytes)
        );
    }
}

/// What operations are in every format, with what matters to a checker.
fn outline(history: &History) -> Vec<(u64, u64, String, Outcome)> {
    let operations = history.operations().iter();
    operations
        .map(|operation| {
            let op = history.op(operation).to_string();
            // Names of keys differ.
            let words: Vec<_> = op.split(' ').collect();
            let op = [&words[..1], &words[2..]].concat().join(" ");
            (
                operation.process,
                operation.invoke as u64,
                op,
                operation.outcome,
            )
        })
        .collect()
}

#[test]
fn other_formats_say_the_same() {
    for (model, format) in [
        (Model::Register, Format::JepsenEdn),
        (Model::CasRegister, Format::JepsenEdn),
        (Model::Register, Format::PorcupineKv),
    ] {
        for keys in [1, 3] {
            let ours = Plan {
                operations: 400,
                crash_ppm: 50_000,
                keys,
                ..plan(model)
            };
            let (bytes, _) = written(&ours).expect("a plan");
            let theirs = Plan { format, ..ours };
            let (foreign, _) = written(&theirs).expect("a plan");
            let reading = polygraph_history::read(&*foreign, Default::default());
            let reading = reading.expect("what is written can be read");
            assert_eq!(reading.format.name(), format.name());
            assert_eq!(outline(&reading.history), outline(&history(&bytes)));
        }
    }
}

#[test]
fn fastlin_gets_a_line_an_operation() {
    let plan = Plan {
        format: Format::Fastlin,
        operations: 50,
        ..plan(Model::Queue)
    };
    let (bytes, _) = written(&plan).expect("a plan");
    let text = String::from_utf8(bytes).expect("digits and words");
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("# queue"));
    let mut last = 0;
    for line in lines.by_ref() {
        let [method, value, start, end] = line.split(' ').collect::<Vec<_>>()[..] else {
            panic!("{line}");
        };
        assert!(["enq", "deq"].contains(&method), "{line}");
        assert!(
            value.parse::<i64>().is_ok_and(|value| value >= -1),
            "{line}"
        );
        let [start, end] = [start, end].map(|time| time.parse::<u64>().expect("a time"));
        assert!(last < end && start < end, "{line}");
        last = end;
    }
    assert_eq!(text.lines().count(), 51);
}

#[test]
fn contradictions_are_refused_with_what_would_be_right() {
    let refused = |plan: Plan| match written(&plan) {
        Err(Error::Plan(problem)) => problem,
        other => panic!("{other:?}"),
    };
    let queue = plan(Model::Queue);
    for (problem, plan) in [
        (
            "at least one",
            Plan {
                keys: 0,
                ..queue.clone()
            },
        ),
        (
            "unique",
            Plan {
                values: Values::Few(0),
                ..queue.clone()
            },
        ),
        (
            "too much",
            Plan {
                clients: usize::MAX,
                ..queue.clone()
            },
        ),
        (
            "keys times values",
            Plan {
                keys: 10_000,
                values: Values::Few(u32::MAX),
                ..queue.clone()
            },
        ),
        (
            "it can have overtake, ",
            Plan {
                violation: Some(Violation::StaleRead),
                ..queue.clone()
            },
        ),
        (
            "take `--values unique`",
            Plan {
                violation: Some(Violation::Overtake),
                values: Values::Few(5),
                ..queue.clone()
            },
        ),
        (
            "take `--crash-rate 0`",
            Plan {
                violation: Some(Violation::LostElement),
                crash_ppm: 1,
                ..queue.clone()
            },
        ),
        (
            "it has those of register",
            Plan {
                format: Format::PorcupineKv,
                ..queue.clone()
            },
        ),
        (
            "take `--keys 1`",
            Plan {
                format: Format::Fastlin,
                keys: 2,
                ..queue
            },
        ),
    ] {
        let said = refused(plan);
        assert!(said.contains(problem), "{said}");
    }
    let all = Plan {
        at_ppm: 1_000_000,
        violation: Some(Violation::DuplicateElement),
        ..queue
    };
    let error = written(&all).expect_err("nothing comes after the last operation");
    assert!(
        matches!(&error, Error::NoPlace(said) if said.contains("--at")),
        "{error:?}"
    );
}
