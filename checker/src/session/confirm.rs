//! Checks evidence against the history: a ledger of one key, and every fact looked up in it.
//!
//! **Invariant:** shares nothing with the search but the types of the proof.

use std::collections::{BTreeMap, BTreeSet};

use polygraph_history::{History, Micro, Op, Operation, Outcome, Value};

use super::{At, Fact, Proof, Rules, Subject, confirm_links};

/// Checks the evidence against the history.
///
/// # Errors
/// What is wrong with it.
pub fn confirm(history: &History, proof: &Proof) -> Result<(), String> {
    match proof {
        Proof::Stale {
            subject,
            visible,
            because,
            read,
        } => Ledger::new(history, subject)?.stale(*visible, *because, *read),
        Proof::Cycle { subject, facts } => Ledger::new(history, subject)?.cycle(facts),
        Proof::Missing {
            subject,
            because,
            read,
        } => missing(history, subject, *because, *read),
        Proof::Reversed {
            subject,
            elements,
            because,
            read,
        } => reversed(
            history,
            subject,
            (&elements.0, &elements.1),
            *because,
            *read,
        ),
        Proof::Unseen { rules, path } => confirm_links::unseen(history, *rules, path),
        Proof::Circle { rules, links } => confirm_links::circle(history, *rules, links),
    }
}

pub(super) fn ensure(condition: bool, problem: impl FnOnce() -> String) -> Result<(), String> {
    match condition {
        true => Ok(()),
        false => Err(problem()),
    }
}

/// What a step read and wrote of the subject.
struct Line<'h> {
    operation: &'h Operation,
    read: Option<Value>,
    write: Option<Value>,
}

/// Everything that may have happened to the subject.
struct Ledger<'h> {
    rules: Rules,
    lines: BTreeMap<At, Line<'h>>,
    writers: BTreeMap<Value, Vec<At>>,
}

/// A write, or the initial value.
type Version = Option<At>;

impl<'h> Ledger<'h> {
    fn new(history: &'h History, subject: &Subject) -> Result<Ledger<'h>, String> {
        let mut ledger = Ledger {
            rules: subject.rules,
            lines: BTreeMap::new(),
            writers: BTreeMap::new(),
        };
        for operation in history.operations() {
            if operation.outcome == Outcome::Fail {
                continue;
            }
            for (step, effect) in steps(history, operation).into_iter().enumerate() {
                let Some((read, write)) = effect_on(subject, effect) else {
                    continue;
                };
                let at = At {
                    event: operation.invoke as u64,
                    step,
                };
                if let Some(value) = &write {
                    ledger.writers.entry(value.clone()).or_default().push(at);
                }
                let line = Line {
                    operation,
                    read,
                    write,
                };
                ledger.lines.insert(at, line);
            }
        }
        Ok(ledger)
    }

    fn line(&self, at: At) -> Result<&Line<'h>, String> {
        let missing = || format!("event {} does nothing that the proof is about", at.event);
        self.lines.get(&at).ok_or_else(missing)
    }

    fn writers(&self, value: &Value) -> &[At] {
        self.writers.get(value).map_or(&[], Vec::as_slice)
    }

    /// Whether the session of `later` had done `earlier` before.
    fn in_session(&self, earlier: At, later: At) -> Result<(), String> {
        let (a, b) = (self.line(earlier)?.operation, self.line(later)?.operation);
        ensure(in_session((a, earlier), (b, later)), || {
            format!(
                "event {} is not before event {} in one session",
                earlier.event, later.event
            )
        })
    }

    /// Whether a write had to be visible to a read, by what its session did.
    fn visible(&self, visible: At, because: At, read: At) -> Result<(), String> {
        self.in_session(because, read)?;
        ensure(self.line(visible)?.write.is_some(), || {
            format!("event {} writes nothing", visible.event)
        })?;
        if because == visible && self.rules.own_writes {
            return Ok(());
        }
        ensure(self.rules.seen_reads, || {
            format!("event {} makes nothing visible by itself", because.event)
        })?;
        ensure(self.returned(because)? == visible, || {
            format!("event {} did not return that write", because.event)
        })
    }

    /// The one write that a read can have returned.
    fn returned(&self, read: At) -> Result<At, String> {
        let line = self.line(read)?;
        let nothing = || format!("event {} returned nothing", read.event);
        let value = line.read.as_ref().ok_or_else(nothing)?;
        ensure(line.operation.outcome == Outcome::Ok, nothing)?;
        match self.writers(value) {
            &[write] if write != read => {
                ensure(*value != Value::Null || self.sees_something(read), || {
                    format!("event {} may have returned the initial value", read.event)
                })?;
                Ok(write)
            }
            all => Err(format!(
                "{} writes may have written what event {} returned",
                all.len(),
                read.event
            )),
        }
    }

    /// Whether anything at all had to be visible to a read.
    fn sees_something(&self, read: At) -> bool {
        self.lines.iter().any(|(&at, line)| {
            let written = |value: &Value| !self.writers(value).is_empty();
            let own = self.rules.own_writes && line.write.is_some();
            let seen = |value: &Value| *value != Value::Null && written(value);
            let saw = self.rules.seen_reads && line.read.as_ref().is_some_and(seen);
            (own || saw) && at != read && self.in_session(at, read).is_ok()
        })
    }

    fn stale(&self, visible: At, because: At, read: At) -> Result<(), String> {
        self.visible(visible, because, read)?;
        let line = self.line(read)?;
        let returned = line.read.as_ref();
        let returned = returned.ok_or_else(|| format!("event {} reads nothing", read.event))?;
        let newer = self.line(visible)?.operation;
        let writers = self.writers(returned);
        ensure(!writers.is_empty() || *returned == Value::Null, || {
            format!("nobody wrote what event {} returned", read.event)
        })?;
        for &writer in writers {
            let older = self.line(writer)?.operation;
            ensure(
                self.rules.real_time && writer != visible && older.precedes(newer),
                || format!("event {} may have written what was read", writer.event),
            )?;
        }
        Ok(())
    }

    /// What a compare-and-set replaced, if only one write can be meant.
    fn replaced(&self, at: At) -> Option<Version> {
        let line = self.lines.get(&at)?;
        let (Some(from), Some(_)) = (&line.read, &line.write) else {
            return None;
        };
        match self.writers(from) {
            [] if *from == Value::Null => Some(None),
            &[write] if *from != Value::Null && write != at => Some(Some(write)),
            _ => None,
        }
    }

    /// Whether compare-and-sets lead from one write to a later one.
    fn leads(&self, early: Version, late: Version) -> bool {
        let mut here = late;
        let mut passed = BTreeSet::new();
        while here != early {
            match here
                .filter(|&at| passed.insert(at))
                .and_then(|at| self.replaced(at))
            {
                Some(previous) => here = previous,
                None => return false,
            }
        }
        true
    }

    fn together(&self, a: Version, b: Version) -> bool {
        self.leads(a, b) || self.leads(b, a)
    }

    /// Whether a write took place: it was acknowledged, or somebody saw its value.
    fn exists(&self, write: At, asked: &mut BTreeSet<At>) -> bool {
        let Some(line) = self.lines.get(&write) else {
            return false;
        };
        let Some(value) = &line.write else {
            return false;
        };
        if line.operation.outcome == Outcome::Ok {
            return true;
        }
        if !asked.insert(write) || self.writers(value) != [write] || *value == Value::Null {
            return false;
        }
        let readers = self
            .lines
            .iter()
            .filter(|(at, reader)| **at != write && reader.read.as_ref() == Some(value));
        let readers: Vec<At> = readers.map(|(&at, _)| at).collect();
        readers
            .into_iter()
            .any(|at| self.lines[&at].operation.outcome == Outcome::Ok || self.exists(at, asked))
    }

    /// Checks a fact and gives what comes before what.
    fn fact(&self, fact: &Fact) -> Result<(Version, Version), String> {
        let exists = |at: At| {
            ensure(self.exists(at, &mut BTreeSet::new()), || {
                format!("event {} need not have taken place", at.event)
            })
        };
        match *fact {
            Fact::Saw {
                visible,
                because,
                returned,
                read,
            } => {
                self.visible(visible, because, read)?;
                let line = self.line(read)?;
                let value = line.read.as_ref();
                let value = value.ok_or_else(|| format!("event {} reads nothing", read.event))?;
                let writers = self.writers(value);
                ensure(writers == [returned] && returned != read, || {
                    format!("event {} need not have returned that write", read.event)
                })?;
                Ok((Some(visible), Some(returned)))
            }
            Fact::RealTime { before, after } => {
                ensure(self.rules.real_time, || {
                    "real time does not count".to_owned()
                })?;
                exists(before)?;
                let (a, b) = (self.line(before)?.operation, self.line(after)?.operation);
                ensure(a.precedes(b) && self.line(after)?.write.is_some(), || {
                    format!(
                        "event {} had not ended when event {} began",
                        before.event, after.event
                    )
                })?;
                Ok((Some(before), Some(after)))
            }
            Fact::Session { before, after } => {
                exists(before)?;
                exists(after)?;
                self.in_session(before, after)?;
                Ok((Some(before), Some(after)))
            }
            Fact::Initial { after } => {
                ensure(self.line(after)?.write.is_some(), || {
                    format!("event {} writes nothing", after.event)
                })?;
                Ok((None, Some(after)))
            }
        }
    }

    fn cycle(&self, facts: &[Fact]) -> Result<(), String> {
        let pairs: Vec<_> = facts
            .iter()
            .map(|fact| self.fact(fact))
            .collect::<Result<_, _>>()?;
        let saw = |fact: &Fact| matches!(fact, Fact::Saw { .. });
        ensure(facts.iter().any(saw), || {
            "no session saw anything".to_owned()
        })?;
        if let [(before, after)] = pairs[..] {
            return ensure(before != after && self.leads(after, before), || {
                "one fact alone contradicts nothing".to_owned()
            });
        }
        for (at, &(before, after)) in pairs.iter().enumerate() {
            let (next, _) = pairs[(at + 1) % pairs.len()];
            ensure(!self.together(before, after), || {
                format!("fact {at} is about one chain of compare-and-sets")
            })?;
            ensure(self.together(after, next), || {
                format!("fact {at} does not lead to the next")
            })?;
        }
        self.taken_place(facts, &pairs)
    }

    /// Whether every write of a cycle took place: what a session saw did, and so did what a
    /// compare-and-set replaced that did.
    fn taken_place(&self, facts: &[Fact], pairs: &[(Version, Version)]) -> Result<(), String> {
        let mut seen: BTreeSet<At> = BTreeSet::new();
        for fact in facts {
            if let Fact::Saw {
                visible, returned, ..
            } = *fact
            {
                seen.extend([visible, returned]);
            }
        }
        let all: BTreeSet<At> = pairs.iter().flat_map(|&(a, b)| [a, b]).flatten().collect();
        for &at in &all {
            let known = seen.contains(&at)
                || self.exists(at, &mut BTreeSet::new())
                || seen.iter().any(|&later| self.leads(Some(at), Some(later)));
            ensure(known, || {
                format!("event {} need not have taken place", at.event)
            })?;
        }
        Ok(())
    }
}

pub(super) fn in_session((a, first): (&Operation, At), (b, second): (&Operation, At)) -> bool {
    let ordered = match a.process == b.process {
        true => first <= second,
        false => a.end < b.start,
    };
    a.session == b.session && a.outcome == Outcome::Ok && ordered && first != second
}

/// A step, whichever operation it is of.
pub(super) enum Effect<'h> {
    Read(&'h polygraph_history::Key, Option<&'h Value>),
    Write(&'h polygraph_history::Key, &'h Value),
    Cas(&'h polygraph_history::Key, &'h Value, &'h Value),
    Add(&'h polygraph_history::Key, &'h Value),
    Remove(&'h polygraph_history::Key, &'h Value),
    Nothing,
}

pub(super) fn steps<'h>(history: &'h History, operation: &Operation) -> Vec<Effect<'h>> {
    let ok = operation.outcome == Outcome::Ok;
    let known = |value: &'h Option<Value>| value.as_ref().filter(|_| ok);
    let single = match history.op(operation) {
        Op::Txn(micros) => {
            let step = |micro: &'h Micro| match micro {
                Micro::Read { key, value } => Effect::Read(key, known(value)),
                Micro::Append { key, value } => Effect::Add(key, value),
                Micro::Write { key, value } => Effect::Write(key, value),
                _ => Effect::Nothing,
            };
            return micros.iter().map(step).collect();
        }
        Op::Read { key, value } => Effect::Read(key, known(value)),
        Op::Write { key, value } => Effect::Write(key, value),
        Op::Cas { key, from, to } => Effect::Cas(key, from, to),
        Op::Add { key, value } => Effect::Add(key, value),
        Op::Remove { key, value } => Effect::Remove(key, value),
        _ => Effect::Nothing,
    };
    vec![single]
}

/// What a step reads and writes of a register, or of the register that says whether an element is
/// in a set: nothing, or the element itself.
fn effect_on(subject: &Subject, effect: Effect<'_>) -> Option<(Option<Value>, Option<Value>)> {
    let ours = |key: &polygraph_history::Key| *key == subject.key;
    match (effect, &subject.element) {
        (Effect::Read(key, Some(value)), None) if ours(key) => Some((Some(value.clone()), None)),
        (Effect::Write(key, value), None) if ours(key) => Some((None, Some(value.clone()))),
        (Effect::Cas(key, from, to), None) if ours(key) => {
            Some((Some(from.clone()), Some(to.clone())))
        }
        (Effect::Read(key, Some(value)), Some(element)) if ours(key) => {
            let present = value.elements()?.contains(element);
            Some((
                Some(if present {
                    element.clone()
                } else {
                    Value::Null
                }),
                None,
            ))
        }
        (Effect::Add(key, value), Some(element)) if ours(key) && value == element => {
            Some((None, Some(element.clone())))
        }
        (Effect::Remove(key, value), Some(element)) if ours(key) && value == element => {
            Some((None, Some(Value::Null)))
        }
        _ => None,
    }
}

/// The operation and the step at a place.
pub(super) fn find(history: &History, at: At) -> Result<(&Operation, Effect<'_>), String> {
    let missing = || format!("event {} begins no such step", at.event);
    let operations = history.operations();
    let position = operations.binary_search_by_key(&at.event, |operation| operation.invoke as u64);
    let operation = &operations[position.map_err(|_| missing())?];
    let step = steps(history, operation).into_iter().nth(at.step);
    Ok((operation, step.ok_or_else(missing)?))
}

/// What a successful read lists.
fn listed<'h>(history: &'h History, subject: &Subject, at: At) -> Result<&'h [Value], String> {
    match find(history, at)? {
        (_, Effect::Read(key, Some(value))) if *key == subject.key => {
            let single = || format!("event {} read a single value", at.event);
            value.elements().ok_or_else(single)
        }
        _ => Err(format!(
            "event {} is no successful read of the key",
            at.event
        )),
    }
}

/// The adds of an element that may have taken place, and whether something may remove it.
fn adds(history: &History, subject: &Subject, element: &Value) -> (Vec<At>, bool) {
    let (mut adds, mut removed) = (Vec::new(), false);
    for operation in history.operations() {
        if operation.outcome == Outcome::Fail {
            continue;
        }
        for (step, effect) in steps(history, operation).into_iter().enumerate() {
            match effect {
                Effect::Add(key, value) if *key == subject.key && value == element => {
                    let event = operation.invoke as u64;
                    adds.push(At { event, step });
                }
                Effect::Remove(key, value) => removed |= *key == subject.key && value == element,
                _ => {}
            }
        }
    }
    (adds, removed)
}

/// Whether a session itself did one thing before another.
fn session_order(history: &History, first: At, second: At) -> Result<(), String> {
    let (a, b) = (find(history, first)?.0, find(history, second)?.0);
    ensure(in_session((a, first), (b, second)), || {
        format!(
            "event {} is not before event {} in one session",
            first.event, second.event
        )
    })
}

fn missing(history: &History, subject: &Subject, because: At, read: At) -> Result<(), String> {
    let element = subject.element.as_ref();
    let element = element.ok_or_else(|| "no element is named".to_owned())?;
    session_order(history, because, read)?;
    let (adds, removed) = adds(history, subject, element);
    ensure(!removed, || format!("{element} may have been removed"))?;
    let own = subject.rules.own_writes && adds.contains(&because);
    let seen = subject.rules.seen_reads
        && !adds.is_empty()
        && listed(history, subject, because).is_ok_and(|listed| listed.contains(element));
    ensure(own || seen, || {
        format!("event {} does not make {element} visible", because.event)
    })?;
    ensure(!listed(history, subject, read)?.contains(element), || {
        format!("event {} lists {element}", read.event)
    })
}

fn reversed(
    history: &History,
    subject: &Subject,
    (first, second): (&Value, &Value),
    because: (At, At),
    read: At,
) -> Result<(), String> {
    for element in [first, second] {
        let (adds, _) = adds(history, subject, element);
        ensure(adds.len() == 1, || {
            format!("{element} was not appended just once")
        })?;
    }
    let order = |at: At| -> Result<bool, String> {
        let listed = listed(history, subject, at)?;
        let places = |element: &Value| -> Vec<usize> {
            let all = listed.iter().enumerate();
            all.filter(|(_, listed)| *listed == element)
                .map(|(place, _)| place)
                .collect()
        };
        match (&places(first)[..], &places(second)[..]) {
            ([a], [b]) => Ok(a < b),
            _ => Err(format!(
                "event {} does not list both elements once",
                at.event
            )),
        }
    };
    session_order(history, because.1, read)?;
    if because.0 == because.1 {
        ensure(subject.rules.seen_reads && order(because.0)?, || {
            format!("event {} does not show that order", because.0.event)
        })?;
    } else {
        let own = |element: &Value, at: At| adds(history, subject, element).0 == [at];
        ensure(
            subject.rules.own_writes && own(first, because.0) && own(second, because.1),
            || "the session did not append both elements".to_owned(),
        )?;
        session_order(history, because.0, because.1)?;
    }
    ensure(!order(read)?, || {
        format!("event {} lists them in order", read.event)
    })
}
