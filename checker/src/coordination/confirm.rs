//! Checks evidence with nothing but the history: the operations that it names, and where it says
//! that there are no others, all of them.
//!
//! **Invariant:** shares nothing with the search but the proof and the table of custom operations.

use std::collections::BTreeMap;

use polygraph_history::{Guarantee, History, Key, Op, Operation, Outcome, Value};

use super::Proof;
use super::decisions::{argument, rule};

/// Checks the evidence against the history.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn confirm(history: &History, proof: &Proof) -> Result<(), String> {
    let ok = |event: u64| took_place(history, event);
    match proof {
        Proof::Pair {
            guarantee,
            left,
            right,
        } => {
            let both = (ok(*left)?, ok(*right)?);
            match left != right && excludes(history, *guarantee, both) {
                true => Ok(()),
                false => Err(format!("events {left} and {right} go together")),
            }
        }
        Proof::Held { first, second } => held(history, *first, *second),
        Proof::Repeated { takings } => repeated(history, takings),
        Proof::Undelivered { put, empty } => undelivered(history, *put, *empty),
        Proof::Overtaken { first, second } => {
            let [first, second] = [first, second]
                .map(|&(put, taking)| Ok::<_, String>((begun(history, put)?, ok(taking)?)));
            let ((put, taking), (other_put, other_taking)) = (first?, second?);
            for (put, taking) in [(put, taking), (other_put, other_taking)] {
                let (
                    Op::Enqueue { key, value },
                    Op::Dequeue {
                        key: from,
                        value: Some(taken),
                    },
                ) = (history.op(put), history.op(taking))
                else {
                    return Err("it does not name puttings and takings".to_owned());
                };
                let puts = puts(history, key, value).count();
                if key != from || value != taken || puts != 1 {
                    return Err(format!("{value} may have been put in elsewhere"));
                }
            }
            match put.precedes(other_put) && other_taking.precedes(taking) {
                true => Ok(()),
                false => Err("the order of the elements is not known".to_owned()),
            }
        }
        Proof::Invented { decision } => invented(history, ok(*decision)?),
    }
}

fn begun(history: &History, event: u64) -> Result<&Operation, String> {
    let mut all = history.operations().iter();
    let found = all.find(|it| it.invoke as u64 == event);
    found.ok_or_else(|| format!("no operation begins with event {event}"))
}

fn took_place(history: &History, event: u64) -> Result<&Operation, String> {
    let operation = begun(history, event)?;
    match operation.outcome {
        Outcome::Ok => Ok(operation),
        _ => Err(format!(
            "the operation of event {event} is not known to have taken place"
        )),
    }
}

/// Whether a promise does not allow both of two operations that took place.
fn excludes(history: &History, guarantee: Guarantee, (a, b): (&Operation, &Operation)) -> bool {
    match (guarantee, history.op(a), history.op(b)) {
        (
            Guarantee::UniqueIds,
            Op::Generate {
                key,
                value: Some(value),
            },
            Op::Generate {
                key: from,
                value: Some(other),
            },
        ) => key == from && value == other,
        (
            Guarantee::OrderedIds,
            Op::Generate {
                key,
                value: Some(Value::Int(value)),
            },
            Op::Generate {
                key: from,
                value: Some(Value::Int(other)),
            },
        ) => key == from && a.precedes(b) && other <= value,
        (
            Guarantee::FencingTokens,
            Op::Acquire {
                key,
                shared: false,
                token: Some(token),
            },
            Op::Acquire {
                key: of,
                shared: false,
                token: Some(other),
            },
        ) => key == of && (token == other || (a.precedes(b) && other < token)),
        (
            _,
            Op::Custom { name, args },
            Op::Custom {
                name: same,
                args: others,
            },
        ) => {
            if name != same {
                return false;
            }
            if guarantee == Guarantee::FencingTokens {
                let number =
                    |args: &serde_json::Value| args.get("token").and_then(|it| it.as_u64());
                let newer = match (number(args), number(others)) {
                    (Some(token), Some(other)) => other < token,
                    _ => false,
                };
                let key = argument(args, "key");
                let same = key.is_some() && key == argument(others, "key");
                return name == "fenced-write" && same && a.precedes(b) && newer;
            }
            rule(guarantee).is_some_and(|rule| {
                let of = |field: &str| (argument(args, field), argument(others, field));
                let ((group, other), (value, second)) = (of(rule.group), of(rule.value));
                let known = group.is_some() && value.is_some() && second.is_some();
                name == rule.name && known && group == other && value != second
            })
        }
        _ => false,
    }
}

fn held(history: &History, first: (u64, u64), second: (u64, u64)) -> Result<(), String> {
    let mut holds = Vec::new();
    for (acquired, released) in [first, second] {
        let (acquire, release) = (took_place(history, acquired)?, begun(history, released)?);
        let (Op::Acquire { key, shared, .. }, Op::Release { key: of }) =
            (history.op(acquire), history.op(release))
        else {
            return Err("it does not name acquisitions and releases".to_owned());
        };
        let between = history.operations().iter().any(|it| {
            let of_lock = match history.op(it) {
                Op::Acquire { key: other, .. } | Op::Release { key: other } => other == key,
                _ => false,
            };
            of_lock
                && it.process == acquire.process
                && (acquire.invoke + 1..release.invoke).contains(&it.invoke)
        });
        if key != of || acquire.process != release.process || between {
            return Err(format!(
                "event {released} does not release what event {acquired} acquired"
            ));
        }
        holds.push((key, *shared, acquire.end, release.start));
    }
    let (a, b) = (holds[0], holds[1]);
    let overlap = a.2.max(b.2) < a.3.min(b.3);
    match first != second && a.0 == b.0 && !(a.1 && b.1) && overlap {
        true => Ok(()),
        false => Err("they need not have held the same lock at once".to_owned()),
    }
}

/// Who put an element into a queue, or may have.
fn puts<'h>(
    history: &'h History,
    queue: &'h Key,
    element: &'h Value,
) -> impl Iterator<Item = &'h Operation> {
    let live = history
        .operations()
        .iter()
        .filter(|it| it.outcome != Outcome::Fail);
    live.filter(move |it| {
        matches!(history.op(it), Op::Enqueue { key, value } if key == queue && value == element)
    })
}

fn repeated(history: &History, takings: &[u64]) -> Result<(), String> {
    let mut seen: Vec<u64> = Vec::new();
    let mut element: Option<(&Key, &Value)> = None;
    for &event in takings {
        let Op::Dequeue {
            key,
            value: Some(value),
        } = history.op(took_place(history, event)?)
        else {
            return Err(format!("event {event} takes nothing"));
        };
        if *value == Value::Null || seen.contains(&event) {
            return Err(format!("event {event} takes nothing more"));
        }
        if *element.get_or_insert((key, value)) != (key, value) {
            return Err("they do not take the same element".to_owned());
        }
        seen.push(event);
    }
    let (key, value) = element.ok_or("it names no taking")?;
    let allowed = puts(history, key, value).count().max(1);
    match seen.len() > allowed {
        true => Ok(()),
        false => Err(format!("{value} was put in {allowed} times")),
    }
}

fn undelivered(history: &History, put: u64, empty: u64) -> Result<(), String> {
    let (put, empty) = (took_place(history, put)?, took_place(history, empty)?);
    let (
        Op::Enqueue { key, value },
        Op::Dequeue {
            key: from,
            value: Some(Value::Null),
        },
    ) = (history.op(put), history.op(empty))
    else {
        return Err("it does not name a putting and a taking from an empty queue".to_owned());
    };
    if key != from || !put.precedes(empty) {
        return Err("the queue was not found empty after the element was put in".to_owned());
    }
    let mut taken: Vec<&Value> = Vec::new();
    let mut open = 0;
    for operation in history.operations() {
        if let Op::Dequeue { key: of, value } = history.op(operation)
            && of == key
        {
            match (operation.outcome, value) {
                (Outcome::Fail, _) => {}
                (Outcome::Ok, Some(value)) => {
                    if operation.start > empty.start {
                        return Err("the queue was asked again later".to_owned());
                    }
                    taken.push(value);
                }
                _ => open += 1,
            }
        }
    }
    taken.sort_unstable();
    let mut put_in: BTreeMap<&Value, usize> = BTreeMap::new();
    for operation in history
        .operations()
        .iter()
        .filter(|it| it.outcome != Outcome::Fail)
    {
        if let Op::Enqueue { key: of, value } = history.op(operation)
            && of == key
        {
            *put_in.entry(value).or_default() += 1;
        }
    }
    let missing = |it: &&Operation| match history.op(it) {
        Op::Enqueue { key: of, value } => {
            of == key
                && it.outcome == Outcome::Ok
                && it.precedes(empty)
                && put_in.get(value) == Some(&1)
                && taken.binary_search(&value).is_err()
        }
        _ => false,
    };
    if !missing(&put) {
        return Err(format!("{value} was taken, or put in more than once"));
    }
    match history.operations().iter().filter(missing).count() > open {
        true => Ok(()),
        false => Err(format!(
            "{open} takings of unknown outcome may have taken what is missing"
        )),
    }
}

fn invented(history: &History, decision: &Operation) -> Result<(), String> {
    let arguments = |operation: &Operation, wanted: &str| match history.op(operation) {
        Op::Custom { name, args } if name == wanted => {
            Some((argument(args, "instance")?, argument(args, "value")?))
        }
        _ => None,
    };
    let decided = arguments(decision, "decide").ok_or("it names no decision")?;
    let proposed = history
        .operations()
        .iter()
        .any(|it| it.start <= decision.end && arguments(it, "propose").as_ref() == Some(&decided));
    match proposed {
        true => Err(format!("{} was proposed", decided.1)),
        false => Ok(()),
    }
}
