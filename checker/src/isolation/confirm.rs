//! Evidence, checked against the raw events by code that shares nothing with the finder.
//!
//! All of it rests on one property of lists that only grow: in every order of the transactions
//! that explains the history, a read shows exactly what was appended before it. So who is seen
//! comes before, who took place and is not seen comes after, and what stands earlier in a read
//! was appended earlier.

use polygraph_history::{EventIndex, History, Key, Micro, MicroRef, Op, Operation, Outcome, Value};

use rustc_hash::FxHashMap;

use super::{At, Because, Class, Evidence, Fact, Kind, Proof, Step, Suffix, weak};

type Checked = Result<(), String>;

/// Checks the evidence against the history.
///
/// # Errors
/// What is wrong with it, as a sentence.
pub fn confirm(history: &History, proof: &Proof) -> Result<(), String> {
    let kind = match &proof.evidence {
        Evidence::Register(evidence) => {
            let kind = evidence.kind();
            let as_internal = kind == weak::Kind::NonRepeatableRead && proof.kind == Kind::Internal;
            ensure(kind.name() == proof.kind.name() || as_internal, || {
                format!("that is a {}, not a {}", kind.name(), proof.kind.name())
            })?;
            let evidence = evidence.clone();
            return weak::confirm(history, &weak::Proof { kind, evidence });
        }
        Evidence::Cycle(steps) => return cycle(&Record::new(history, steps), steps, proof.kind),
        Evidence::NotAList { .. } | Evidence::Unwritten { .. } => Kind::ThinAirRead,
        Evidence::Duplicate { .. } => Kind::DuplicateElements,
        Evidence::Diverged { .. } | Evidence::Reordered { .. } => Kind::IncompatibleOrder,
        Evidence::Internal { .. } => Kind::Internal,
        Evidence::Future { .. } => Kind::FutureRead,
        Evidence::Aborted { .. } => Kind::G1a,
        Evidence::OnAborted { .. } => Kind::DirtyUpdate,
        Evidence::Intermediate { .. } => Kind::G1b,
        Evidence::Fractured { .. } => Kind::FracturedRead,
        Evidence::SameState { .. } => Kind::LostUpdate,
    };
    ensure(proof.kind == kind, || {
        format!(
            "the facts are those of {}, not of {}",
            kind.name(),
            proof.kind.name()
        )
    })?;
    facts(&Record::new(history, &[]), &proof.evidence)
}

/// The history, and where elements in question were appended: one pass for all of a proof.
struct Record<'h> {
    history: &'h History,
    appends: FxHashMap<(&'h Key, &'h Value), Vec<(&'h Operation, At)>>,
}

impl<'h> Record<'h> {
    fn new(history: &'h History, steps: &'h [Step]) -> Record<'h> {
        let mut appends: FxHashMap<_, Vec<_>> = FxHashMap::default();
        for step in steps {
            match &step.because {
                Because::Followed {
                    key, element, next, ..
                } => {
                    appends.insert((key, element), Vec::new());
                    appends.insert((key, next), Vec::new());
                }
                Because::Observed { key, element, .. } | Because::Missed { key, element, .. } => {
                    appends.insert((key, element), Vec::new());
                }
                Because::Register(_) | Because::Session | Because::RealTime => {}
            }
        }
        if !appends.is_empty() {
            for_each_append(history, |operation, at, key, value| {
                if let Some(known) = appends.get_mut(&(key, value)) {
                    known.push((operation, at));
                }
            });
        }
        Record { history, appends }
    }
}

/// Every append in the history, whatever became of it.
fn for_each_append<'h>(
    history: &'h History,
    mut each: impl FnMut(&'h Operation, At, &'h Key, &'h Value),
) {
    for operation in history.operations() {
        let micros = history.micros(operation).into_iter().flatten();
        for (position, micro) in micros.enumerate() {
            if let MicroRef::Append { key, value } = micro {
                let at = At {
                    transaction: operation.invoke,
                    position,
                };
                each(operation, at, key, value);
            }
        }
    }
}

fn facts(record: &Record<'_>, evidence: &Evidence) -> Checked {
    match evidence {
        Evidence::Cycle(_) | Evidence::Register(_) => Ok(()),
        Evidence::NotAList { read } => match micro(record, *read)? {
            (
                Outcome::Ok,
                Micro::Read {
                    value: Some(value), ..
                },
            ) => ensure(value.elements().is_none(), || format!("{value} is a list")),
            _ => Err("it is no read that was answered".to_owned()),
        },
        Evidence::Unwritten { read, element } => {
            let (key, list) = list_of(record, *read)?;
            ensure(list.contains(element), || lacks(key, list, element))?;
            ensure(appends(record, key, element).is_empty(), || {
                format!("{element} was appended to {key}")
            })
        }
        Evidence::Duplicate { read, element } => {
            let (key, list) = list_of(record, *read)?;
            let shown = list.iter().filter(|&other| other == element).count();
            let made = appends(record, key, element);
            let made = made
                .iter()
                .filter(|(op, _)| op.outcome != Outcome::Fail)
                .count();
            ensure(shown > 1 && shown > made, || {
                format!("{element} is shown {shown} times and was appended {made} times")
            })
        }
        Evidence::Diverged { read, other } => {
            let (key, list) = list_of(record, *read)?;
            let (other_key, other) = list_of(record, *other)?;
            ensure(key == other_key, || format!("{key} is not {other_key}"))?;
            ensure(!list.starts_with(other) && !other.starts_with(list), || {
                "one of the reads is a prefix of the other".to_owned()
            })
        }
        Evidence::Reordered {
            read,
            earlier,
            later,
        } => reordered(record, *read, *earlier, *later),
        Evidence::Internal { read } => internal(record, *read),
        Evidence::Future { read, append } => {
            let (key, list) = list_of(record, *read)?;
            let element = element_of(record, *append, key)?;
            let own = read.transaction == append.transaction && read.position < append.position;
            ensure(own, || "the append does not follow the read".to_owned())?;
            ensure(list.contains(element), || lacks(key, list, element))?;
            only(record, key, element, *append)
        }
        Evidence::Aborted { read, append } => {
            let (key, list) = list_of(record, *read)?;
            let element = element_of(record, *append, key)?;
            ensure(list.contains(element), || lacks(key, list, element))?;
            all_failed(record, key, element)
        }
        Evidence::OnAborted {
            read,
            aborted,
            committed,
        } => {
            let (key, list) = list_of(record, *read)?;
            let below = element_of(record, *aborted, key)?;
            let above = element_of(record, *committed, key)?;
            all_failed(record, key, below)?;
            only(record, key, above, *committed)?;
            before(key, list, below, above)
        }
        Evidence::Intermediate {
            read,
            append,
            later,
        } => {
            let (key, list) = list_of(record, *read)?;
            let element = element_of(record, *append, key)?;
            element_of(record, *later, key)?;
            ensure(read.transaction != append.transaction, || {
                "a transaction may read its own intermediate states".to_owned()
            })?;
            let after = append.transaction == later.transaction && append.position < later.position;
            ensure(after, || {
                "the transaction did not append more later".to_owned()
            })?;
            ensure(list.last() == Some(element), || {
                format!("the read of {key} does not end with {element}")
            })?;
            only(record, key, element, *append)
        }
        Evidence::Fractured {
            seen,
            write,
            missing,
            missed,
        } => {
            let (key, list) = list_of(record, *seen)?;
            let element = element_of(record, *write, key)?;
            ensure(list.last() == Some(element), || {
                format!("the read of {key} does not end with {element}")
            })?;
            only(record, key, element, *write)?;
            let (other, lacking) = list_of(record, *missing)?;
            let lost = element_of(record, *missed, other)?;
            ensure(!lacking.contains(lost), || format!("the read shows {lost}"))?;
            let two = seen.transaction == missing.transaction
                && seen.position != missing.position
                && write.transaction == missed.transaction
                && seen.transaction != write.transaction;
            ensure(two, || {
                "these are not two reads of one transaction and two appends of another".to_owned()
            })
        }
        Evidence::SameState {
            read,
            append,
            other_read,
            other_append,
        } => {
            let (key, list) = list_of(record, *read)?;
            let (other_key, other_list) = list_of(record, *other_read)?;
            element_of(record, *append, key)?;
            element_of(record, *other_append, key)?;
            ensure(key == other_key && list == other_list, || {
                "the two read different states".to_owned()
            })?;
            let two = read.transaction != other_read.transaction
                && changed_after(*read, *append)
                && changed_after(*other_read, *other_append);
            ensure(two, || {
                "not both transactions appended after their read".to_owned()
            })
        }
    }
}

const fn changed_after(read: At, append: At) -> bool {
    read.transaction == append.transaction && read.position < append.position
}

fn ensure(condition: bool, problem: impl FnOnce() -> String) -> Checked {
    condition.then_some(()).ok_or_else(problem)
}

fn lacks(key: &Key, list: &[Value], element: &Value) -> String {
    format!(
        "the read {key} = {} lacks {element}",
        Value::list(list.to_vec())
    )
}

/// The transaction that this event invoked.
fn transaction<'h>(
    record: &Record<'h>,
    event: EventIndex,
) -> Result<(&'h Operation, &'h [Micro]), String> {
    let operations = record.history.operations();
    let operation = operations
        .binary_search_by_key(&event, |operation| operation.invoke)
        .map(|at| &operations[at])
        .map_err(|_| format!("event {event} begins no operation"))?;
    match record.history.op(operation) {
        Op::Txn(micros) => Ok((operation, micros)),
        other => Err(format!("event {event} is `{other}`, no transaction")),
    }
}

fn micro<'h>(record: &Record<'h>, at: At) -> Result<(Outcome, &'h Micro), String> {
    let (operation, micros) = transaction(record, at.transaction)?;
    let micro = micros.get(at.position).ok_or_else(|| {
        format!(
            "the transaction of event {} has no operation {}",
            at.transaction, at.position
        )
    })?;
    Ok((operation.outcome, micro))
}

/// A read of a list that was answered, of a transaction that took place.
fn list_of<'h>(record: &Record<'h>, at: At) -> Result<(&'h Key, &'h [Value]), String> {
    match micro(record, at)? {
        (
            Outcome::Ok,
            Micro::Read {
                key,
                value: Some(value),
            },
        ) => match value.elements() {
            Some(list) => Ok((key, list)),
            None => Err(format!("{value} is not a list")),
        },
        (_, other) => Err(format!("`{other}` is no read that was answered")),
    }
}

/// What was appended here, to this list.
fn element_of<'h>(record: &Record<'h>, at: At, list: &Key) -> Result<&'h Value, String> {
    match micro(record, at)?.1 {
        Micro::Append { key, value } if key == list => Ok(value),
        other => Err(format!("`{other}` is no append to {list}")),
    }
}

/// Every append of this element to this list, whatever became of it.
fn appends<'h>(record: &Record<'h>, list: &Key, element: &Value) -> Vec<(&'h Operation, At)> {
    if let Some(known) = record.appends.get(&(list, element)) {
        return known.clone();
    }
    let mut found = Vec::new();
    for_each_append(record.history, |operation, at, key, value| {
        if key == list && value == element {
            found.push((operation, at));
        }
    });
    found
}

/// That nothing but this can have added the element.
fn only(record: &Record<'_>, key: &Key, element: &Value, append: At) -> Checked {
    let possible: Vec<At> = appends(record, key, element)
        .into_iter()
        .filter(|(operation, _)| operation.outcome != Outcome::Fail)
        .map(|(_, at)| at)
        .collect();
    ensure(possible == [append], || {
        format!(
            "{} operations may have appended {element} to {key}",
            possible.len()
        )
    })
}

/// That every append of the element failed, and there was one.
fn all_failed(record: &Record<'_>, key: &Key, element: &Value) -> Checked {
    let all = appends(record, key, element);
    let failed = all
        .iter()
        .all(|(operation, _)| operation.outcome == Outcome::Fail);
    ensure(failed && !all.is_empty(), || {
        format!("not every append of {element} to {key} failed")
    })
}

fn before(key: &Key, list: &[Value], first: &Value, second: &Value) -> Checked {
    let place = |element| list.iter().position(|other| other == element);
    match (place(first), place(second)) {
        (Some(first), Some(second)) if first < second => Ok(()),
        _ => Err(format!(
            "{first} does not stand before {second} in {key} = {}",
            Value::list(list.to_vec())
        )),
    }
}

fn reordered(record: &Record<'_>, read: At, earlier: At, later: At) -> Checked {
    let (key, list) = list_of(record, read)?;
    let first = element_of(record, earlier, key)?;
    let second = element_of(record, later, key)?;
    let own = earlier.transaction == later.transaction && earlier.position < later.position;
    ensure(own, || {
        "the appends are not of one transaction in this order".to_owned()
    })?;
    ensure(list.contains(second), || lacks(key, list, second))?;
    only(record, key, first, earlier)?;
    only(record, key, second, later)?;
    ensure(before(key, list, first, second).is_err(), || {
        format!("{first} stands before {second}, as it should")
    })
}

/// Runs the transaction by itself up to this read.
fn internal(record: &Record<'_>, at: At) -> Checked {
    let (key, list) = list_of(record, at)?;
    let (_, micros) = transaction(record, at.transaction)?;
    // What is known of the list: all of it after a read, else only its end.
    let mut whole = false;
    let mut known: Vec<&Value> = Vec::new();
    for micro in &micros[..at.position] {
        match micro {
            Micro::Append { key: list, value } if list == key => known.push(value),
            Micro::Read {
                key: list,
                value: Some(value),
            } if list == key => {
                let Some(elements) = value.elements() else {
                    continue;
                };
                whole = true;
                known = elements.iter().collect();
            }
            _ => {}
        }
    }
    let skipped = list.len().saturating_sub(known.len());
    let fits =
        list.len() >= known.len() && list[skipped..].iter().eq(known) && (!whole || skipped == 0);
    ensure(!fits, || {
        format!("the read of {key} is what the transaction must expect")
    })
}

fn cycle(record: &Record<'_>, steps: &[Step], kind: Kind) -> Checked {
    ensure(steps.len() > 1, || {
        "a cycle has at least two steps".to_owned()
    })?;
    let over_registers = steps
        .iter()
        .any(|step| matches!(step.because, Because::Register(_)));
    for (at, step) in steps.iter().enumerate() {
        let next = &steps[(at + 1) % steps.len()];
        ensure(step.to == next.from, || {
            format!("step {at} does not lead to the next")
        })?;
        ensure(step.from != step.to, || format!("step {at} leads nowhere"))?;
        if !over_registers {
            check_step(record, step).map_err(|problem| format!("step {at}: {problem}"))?;
        }
    }
    if over_registers {
        weak::confirm_steps(record.history, steps)?;
    }
    let named = name(steps);
    let fits = match kind {
        Kind::CyclicVersions => cyclic_versions(record, steps)?,
        Kind::WriteSkew => write_skew(record, steps)?,
        Kind::LongFork => long_fork(steps),
        Kind::GMonotonic => monotonic(record, steps)?,
        _ => named == kind,
    };
    ensure(fits, || {
        format!("the cycle is a {}, not a {}", named.name(), kind.name())
    })
}

/// Each wrote a register over what it had read of the one before, and all the same register.
fn cyclic_versions(record: &Record<'_>, steps: &[Step]) -> Result<bool, String> {
    let mut first: Option<&Key> = None;
    for step in steps {
        let Because::Register(Fact::Replaced(read)) = step.because else {
            return Ok(false);
        };
        let read = weak::At {
            transaction: step.to,
            position: read,
        };
        let Some((key, _)) = read.read(record.history) else {
            return Ok(false);
        };
        if *first.get_or_insert(key) != key {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Two that missed each other's writes, and wrote to different keys.
fn write_skew(record: &Record<'_>, steps: &[Step]) -> Result<bool, String> {
    let missed = is_missed;
    let [first, second] = steps else {
        return Ok(false);
    };
    let (_, one) = transaction(record, first.from)?;
    let (_, other) = transaction(record, second.from)?;
    let written = |micros: &'_ [Micro], list: &Key| {
        micros
            .iter()
            .any(|micro| matches!(micro, Micro::Append { key, .. } | Micro::Write { key, .. } if key == list))
    };
    let common = one.iter().any(|micro| match micro {
        Micro::Append { key, .. } | Micro::Write { key, .. } => written(other, key),
        _ => false,
    });
    Ok(missed(first) && missed(second) && !common)
}

/// Two of which each saw one of two writers and missed the other.
fn long_fork(steps: &[Step]) -> bool {
    let alternate = steps.iter().enumerate().all(|(at, step)| match at % 2 {
        0 => is_missed(step),
        _ => matches!(
            step.because,
            Because::Observed { .. } | Because::Register(Fact::Read(_))
        ),
    });
    let distinct = (0..steps.len()).all(|at| {
        let mut before = steps[..at].iter();
        before.all(|step| step.from != steps[at].from)
    });
    steps.len() == 4 && alternate && distinct
}

/// One read that missed something, and the transaction had come to depend on it by an earlier
/// operation.
fn monotonic(record: &Record<'_>, steps: &[Step]) -> Result<bool, String> {
    let [first, rest @ .., last] = steps else {
        return Ok(false);
    };
    let Because::Missed { position: left, .. } = first.because else {
        return Ok(false);
    };
    let others = rest.iter().chain([last]);
    let back = match &last.because {
        Because::Observed { position, .. } => *position,
        Because::Followed { key, next, .. } => {
            let (_, micros) = transaction(record, last.to)?;
            let place = micros.iter().position(|micro| {
                matches!(micro, Micro::Append { key: list, value } if list == key && value == next)
            });
            place.ok_or("the append is not there")?
        }
        _ => return Ok(false),
    };
    let of_data = others.clone().all(|step| {
        matches!(
            step.because,
            Because::Followed { .. } | Because::Observed { .. }
        )
    });
    Ok(of_data && back < left)
}

fn check_step(record: &Record<'_>, step: &Step) -> Checked {
    let (from, _) = transaction(record, step.from)?;
    let (to, _) = transaction(record, step.to)?;
    match &step.because {
        Because::Followed {
            key,
            element,
            next,
            read,
        } => {
            let (read_key, list) = list_of(record, *read)?;
            ensure(read_key == key, || {
                format!("the read is of {read_key}, not of {key}")
            })?;
            author(record, from, key, element)?;
            ensure(list.contains(element), || lacks(key, list, element))?;
            if list.contains(next) {
                author(record, to, key, next)?;
                before(key, list, element, next)
            } else {
                took_place(record, to)?;
                wrote(record, to, key, next)
            }
        }
        Because::Observed {
            key,
            element,
            position,
        } => {
            let at = At {
                transaction: step.to,
                position: *position,
            };
            let (read_key, list) = list_of(record, at)?;
            ensure(read_key == key, || {
                format!("the read is of {read_key}, not of {key}")
            })?;
            ensure(list.contains(element), || lacks(key, list, element))?;
            author(record, from, key, element)
        }
        Because::Missed {
            key,
            element,
            position,
        } => {
            let at = At {
                transaction: step.from,
                position: *position,
            };
            let (read_key, list) = list_of(record, at)?;
            ensure(read_key == key, || {
                format!("the read is of {read_key}, not of {key}")
            })?;
            ensure(!list.contains(element), || {
                format!("the read shows {element}")
            })?;
            took_place(record, to)?;
            wrote(record, to, key, element)
        }
        Because::Register(_) => Err("that is no step of lists".to_owned()),
        Because::Session => {
            let ended =
                from.outcome == Outcome::Ok && from.complete.is_some_and(|end| end < to.invoke);
            ensure(from.session == to.session && ended, || {
                "they do not follow one another in one session".to_owned()
            })
        }
        Because::RealTime => ensure(from.end < to.start, || {
            "the first had not ended when the second began".to_owned()
        }),
    }?;
    took_place(record, from)?;
    took_place(record, to)
}

/// That this transaction appended the element, and no other can have.
fn author(record: &Record<'_>, operation: &Operation, key: &Key, element: &Value) -> Checked {
    let mut possible = appends(record, key, element);
    possible.retain(|(operation, _)| operation.outcome != Outcome::Fail);
    match possible.as_slice() {
        [(only, _)] if only.invoke == operation.invoke => Ok(()),
        _ => Err(format!(
            "{element} was not appended to {key} by the transaction of event {} alone",
            operation.invoke
        )),
    }
}

fn wrote(record: &Record<'_>, operation: &Operation, key: &Key, element: &Value) -> Checked {
    let found = appends(record, key, element);
    ensure(
        found
            .iter()
            .any(|(other, _)| other.invoke == operation.invoke),
        || {
            format!(
                "the transaction of event {} does not append {element} to {key}",
                operation.invoke
            )
        },
    )
}

/// That a transaction certainly took place: it was acknowledged, or a read shows an element that
/// only it can have appended.
fn took_place(record: &Record<'_>, operation: &Operation) -> Checked {
    let not_known = || {
        format!(
            "the transaction of event {} may not have taken place",
            operation.invoke
        )
    };
    match operation.outcome {
        Outcome::Ok => return Ok(()),
        Outcome::Fail => return Err(not_known()),
        Outcome::Info => {}
    }
    let (_, micros) = transaction(record, operation.invoke)?;
    for micro in micros {
        if let Micro::Append { key, value } = micro
            && author(record, operation, key, value).is_ok()
            && is_read(record, key, value)
        {
            return Ok(());
        }
    }
    Err(not_known())
}

/// Whether an acknowledged transaction read this element.
fn is_read(record: &Record<'_>, list: &Key, element: &Value) -> bool {
    let acknowledged = record
        .history
        .operations()
        .iter()
        .filter(|op| op.outcome == Outcome::Ok);
    acknowledged
        .map(|operation| record.history.op(operation))
        .any(|op| {
            let Op::Txn(micros) = op else { return false };
            micros.iter().any(|micro| match micro {
                Micro::Read {
                    key,
                    value: Some(value),
                } if key == list => value
                    .elements()
                    .is_some_and(|values| values.contains(element)),
                _ => false,
            })
        })
}

/// Whether a step is a read that missed a write.
const fn is_missed(step: &Step) -> bool {
    matches!(
        step.because,
        Because::Missed { .. } | Because::Register(Fact::Missed { .. })
    )
}

/// What such a cycle is called.
fn name(steps: &[Step]) -> Kind {
    let mut suffix = Suffix::Plain;
    let mut class = Class::G0;
    let missed = is_missed;
    for step in steps {
        match step.because {
            Because::Observed { .. } | Because::Register(Fact::Read(_)) => {
                class = class.max(Class::G1c);
            }
            Because::Session => suffix = suffix.max(Suffix::Process),
            Because::RealTime => suffix = suffix.max(Suffix::Realtime),
            Because::Followed { .. } | Because::Missed { .. } | Because::Register(_) => {}
        }
    }
    match steps.iter().filter(|step| missed(step)).count() {
        0 => {}
        1 => class = Class::GSingleItem,
        _ => {
            let last = steps.last().is_some_and(missed);
            let ring = last && missed(&steps[0]);
            let adjacent = steps
                .windows(2)
                .any(|pair| missed(&pair[0]) && missed(&pair[1]));
            class = match adjacent || ring {
                true => Class::G2Item,
                false => Class::GNonadjacentItem,
            };
        }
    }
    Kind::Cycle(suffix, class)
}
