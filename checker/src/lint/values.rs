//! What values say: who wrote what was read, and whether anybody did.

use std::collections::BTreeMap;

use polygraph_history::{ErrorName, History, Operation, OperationId, Outcome, Value};
use rustc_hash::FxHashMap;

use super::clients::leaves_open;
use super::objects::{Class, NONE, Objects, Step, steps};
use super::{Collector, Example, Finding, cut, error, event, place};

/// So many operations must speak for it before anything is said of an error that has no effect.
const MANY: u64 = 20;

/// So many keys must be read and not written before that is said.
const FEW: usize = 10;

/// So many reads must find nothing before it is said that reads find nothing.
const SEVERAL: u64 = 5;

/// Everything about values.
pub(super) fn find(objects: &Objects<'_>, findings: &mut Vec<Finding>) {
    let reads = Reads::new(objects);
    failed(objects, &reads, findings);
    unwritten(objects, reads.unwritten, findings);
    repeated(objects, findings);
    reads.nulls.find(objects, findings);
    reads.without_answer.tell(
        findings,
        "reads that were answered without their answer being recorded; they prove nothing",
    );
    without_effect(objects, &reads.seen, &reads.last_read, findings);
}

/// What reads showed.
struct Reads<'h> {
    /// Of each value, the first operation that read it.
    seen: Vec<u32>,
    /// Values that nobody tried to write: who read what from where.
    unwritten: Vec<(OperationId, u32, &'h Value)>,
    /// The last operation that read each key.
    last_read: Vec<u32>,
    nulls: Nulls,
    without_answer: Collector,
}

/// The longest list that was read from a key.
type Longest<'h> = FxHashMap<u32, &'h [Value]>;

impl<'h> Reads<'h> {
    fn new(objects: &Objects<'h>) -> Reads<'h> {
        let history = objects.history;
        let mut reads = Reads {
            seen: vec![NONE; objects.written.len()],
            unwritten: Vec::new(),
            last_read: vec![NONE; objects.keys.len()],
            nulls: Nulls::new(objects.keys.len()),
            without_answer: Collector::new("missing-answer"),
        };
        let mut longest = Longest::default();
        // Sets may list their elements in any order, so that reads share no beginning; how many
        // are looked at is limited, or large sets would cost more than all else.
        let mut budget = 8 * history.operations().len() + 1_000_000;
        let mut at = 0;
        for (id, operation) in history.operations().iter().enumerate() {
            let mut unanswered = false;
            steps(history, operation, |step| {
                let key = objects.steps[at];
                at += 1;
                let Step::Show { value, .. } = step else {
                    reads.nulls.changed(key, operation.outcome, operation.end);
                    return;
                };
                if operation.outcome != Outcome::Ok {
                    return;
                }
                let Some(value) = value else {
                    unanswered = true;
                    return;
                };
                reads.last_read[key as usize] = id as u32;
                reads.nulls.read(key, value, operation.start);
                reads.look(objects, (id, key), value, &mut longest, &mut budget);
            });
            if unanswered {
                reads.without_answer.add(|| Example {
                    sentence: format!("a read by {}", place(history, id)),
                    events: vec![event(history, id)],
                });
            }
        }
        reads
    }

    fn look(
        &mut self,
        objects: &Objects<'h>,
        (id, key): (OperationId, u32),
        value: &'h Value,
        longest: &mut Longest<'h>,
        budget: &mut usize,
    ) {
        let class = match objects.class(key) {
            Some(class) => class,
            None if objects.is_only_read(key) => Class::Register,
            None => return,
        };
        match class {
            Class::Lock | Class::Counter | Class::Ids | Class::Text => {}
            Class::List | Class::Set => {
                let Some(all) = value.elements() else {
                    return self.see(objects, id, key, value);
                };
                let new = match longest.get(&key).copied() {
                    Some(known) => unread(known, all),
                    None => all,
                };
                if all.len() > longest.get(&key).map_or(0, |known| known.len()) {
                    longest.insert(key, all);
                }
                if new.len() > *budget {
                    return;
                }
                *budget -= new.len();
                for element in new {
                    self.see(objects, id, key, element);
                }
            }
            Class::Register | Class::Log | Class::Queue | Class::Stack | Class::PriorityQueue => {
                self.see(objects, id, key, value);
            }
        }
    }

    fn see(&mut self, objects: &Objects<'h>, id: OperationId, key: u32, value: &'h Value) {
        if *value == Value::Null || value.elements().is_some_and(<[Value]>::is_empty) {
            return;
        }
        match objects.number(key, value) {
            Some(number) => {
                let seen = &mut self.seen[number as usize];
                *seen = (*seen).min(id as u32);
            }
            // Operations that nobody understands may have written it; and where nothing at all is
            // written, the history is one of reads.
            None if objects.custom.is_empty() && !objects.written.is_empty() => {
                self.unwritten.push((id, key, value));
            }
            None => {}
        }
    }
}

/// What a list shows that a longer or shorter one, of which it seems to be the continuation or
/// the beginning, has not shown.
fn unread<'h>(known: &[Value], all: &'h [Value]) -> &'h [Value] {
    let common = known.len().min(all.len());
    match common == 0 || known[common - 1] == all[common - 1] {
        true => &all[common..],
        false => all,
    }
}

/// Failed operations that were observed: a client's mistake, or aborted reads.
fn failed(objects: &Objects<'_>, reads: &Reads<'_>, findings: &mut Vec<Finding>) {
    let history = objects.history;
    let mut observed: BTreeMap<OperationId, (u32, OperationId)> = BTreeMap::new();
    for (number, (written, &reader)) in objects.written.iter().zip(&reads.seen).enumerate() {
        if written.may == NONE && reader != NONE {
            let first = observed.entry(written.failed as OperationId);
            first.or_insert((number as u32, reader as OperationId));
        }
    }
    if observed.is_empty() {
        return;
    }
    let mut collector = Collector::new("failed-but-observed");
    for (&id, &(number, reader)) in &observed {
        let writer = &history.operations()[id];
        collector.add(|| {
            let what = objects.key_of(id, number);
            let what = what.map_or_else(
                || "what".to_owned(),
                |(key, value)| format!("{key} = {}, which", cut(&value.to_string())),
            );
            let name =
                error(history, writer).map_or(String::new(), |name| format!(" with `{name}`"));
            Example {
                sentence: format!(
                    "{} read {what} {} had failed{name} to write",
                    place(history, reader),
                    place(history, id),
                ),
                events: vec![event(history, id), event(history, reader)],
            }
        });
    }
    let by_error = by_error(history, |id| observed.contains_key(&id));
    collector.tell(findings, judge(&by_error));
}

/// By error, how many operations failed that change something, and how many of them were seen.
fn by_error(
    history: &History,
    seen: impl Fn(OperationId) -> bool,
) -> BTreeMap<Option<&ErrorName>, (u64, u64)> {
    let mut counts: BTreeMap<Option<&ErrorName>, (u64, u64)> = BTreeMap::new();
    for (id, operation) in history.operations().iter().enumerate() {
        if operation.outcome == Outcome::Fail && !history.is_read_only(operation) {
            let (all, observed) = counts.entry(error(history, operation)).or_default();
            *all += 1;
            *observed += u64::from(seen(id));
        }
    }
    counts
}

/// What speaks for a client's mistake, and what for aborted reads.
fn judge(by_error: &BTreeMap<Option<&ErrorName>, (u64, u64)>) -> String {
    let name = |error: Option<&ErrorName>| match error {
        Some(error) => format!("`{error}`"),
        None => "no error".to_owned(),
    };
    let counts: Vec<String> = by_error
        .iter()
        .map(|(&error, (all, seen))| format!("{seen} of {all} with {}", name(error)))
        .collect();
    let guilty: Vec<_> = by_error.iter().filter(|(_, counts)| counts.1 > 0).collect();
    let hint = match guilty.as_slice() {
        [(error, (all, seen))] => {
            let vague = error.is_some_and(leaves_open);
            let others = by_error.len() > 1;
            match (vague, others, *seen * 5 >= *all) {
                (true, _, _) => format!(
                    "; {} leaves the outcome open, so that this looks like a client that records \
                     as fail what it does not know: it should be info",
                    name(**error)
                ),
                (false, true, true) => format!(
                    "; only {} is concerned, and often, so that this looks like a client that \
                     records it under the wrong outcome: it should be info",
                    name(**error)
                ),
                (false, false, true) => {
                    "; so many of them speak for a client that records as fail what it does not \
                     know, which should be info"
                        .to_owned()
                }
                (false, _, false) => format!(
                    "; {} mostly left no trace, which speaks for aborted reads (G1a)",
                    name(**error)
                ),
            }
        }
        _ => "; several errors are concerned, which speaks for aborted reads (G1a) rather than \
              for one error under the wrong outcome"
            .to_owned(),
    };
    format!(
        "writes that failed were read afterwards: {}{hint}",
        counts.join(", ")
    )
}

/// Values out of nowhere.
fn unwritten(
    objects: &Objects<'_>,
    all: Vec<(OperationId, u32, &Value)>,
    findings: &mut Vec<Finding>,
) {
    let history = objects.history;
    let Some(&(_, _, first)) = all.first() else {
        return;
    };
    // A store may begin with something else than nothing.
    let initial = all.iter().all(|&(_, _, value)| value == first)
        && (*first == Value::Int(0) || matches!(first, Value::Text(text) if text.is_empty()));
    let mut collector = Collector::new(match initial {
        true => "initial-value",
        false => "unwritten-value",
    });
    for (id, key, value) in all {
        collector.add(|| Example {
            sentence: format!(
                "{} read {} = {}",
                place(history, id),
                objects.keys[key as usize],
                cut(&value.to_string())
            ),
            events: vec![event(history, id)],
        });
    }
    collector.tell(
        findings,
        match initial {
            true => {
                "one value that nobody wrote was read, always the same: it seems to be the initial \
                 one, which a history should give as null"
            }
            false => {
                "values were read that nobody tried to write: a write that was not recorded, one \
                 recorded as something else, or a store that makes values up"
            }
        },
    );
}

/// Values that do not tell who wrote them.
fn repeated(objects: &Objects<'_>, findings: &mut Vec<Finding>) {
    let history = objects.history;
    let mut collector = Collector::new("duplicate-write");
    for &(number, id) in &objects.repeated {
        let first = objects.written[number as usize].may as OperationId;
        collector.add(|| {
            let what = objects.key_of(id, number).map_or_else(
                || "the same".to_owned(),
                |(key, value)| format!("{key} = {}", cut(&value.to_string())),
            );
            Example {
                sentence: format!(
                    "{} and {} both wrote {what}",
                    place(history, first),
                    place(history, id)
                ),
                events: vec![event(history, first), event(history, id)],
            }
        });
    }
    collector.tell(
        findings,
        "a value was written to one key more than once; whoever reads it does not show which \
         write it read, and much stays undecided",
    );
}

/// Whether reads find nothing where something must be.
struct Nulls {
    /// When the first operation ended that certainly changed a key.
    changed: Vec<u64>,
    reads: u64,
    /// Reads that began after that.
    late: u64,
    found: u64,
    only_read: Vec<bool>,
}

impl Nulls {
    fn new(keys: usize) -> Nulls {
        Nulls {
            changed: vec![u64::MAX; keys],
            reads: 0,
            late: 0,
            found: 0,
            only_read: vec![false; keys],
        }
    }

    fn changed(&mut self, key: u32, outcome: Outcome, end: u64) {
        if outcome == Outcome::Ok {
            let changed = &mut self.changed[key as usize];
            *changed = (*changed).min(end);
        }
    }

    fn read(&mut self, key: u32, value: &Value, start: u64) {
        self.reads += 1;
        self.late += u64::from(self.changed[key as usize] < start);
        let nothing = *value == Value::Null || value.elements().is_some_and(<[Value]>::is_empty);
        self.found += u64::from(!nothing);
        self.only_read[key as usize] = true;
    }

    fn find(&self, objects: &Objects<'_>, findings: &mut Vec<Finding>) {
        if self.found == 0 && self.late >= SEVERAL {
            findings.push(Finding {
                name: "reads-find-nothing",
                sentence: format!(
                    "none of {} reads found anything, though {} of them began after an \
                     acknowledged write to their key had ended: reads may go to another place \
                     than writes, or their answers are not recorded",
                    self.reads, self.late
                ),
                count: self.reads,
                examples: Vec::new(),
            });
        }
        let keys = 0..objects.keys.len() as u32;
        let read = keys.clone().filter(|&key| self.only_read[key as usize]);
        let lost: Vec<u32> = read
            .clone()
            .filter(|&key| objects.is_only_read(key))
            .collect();
        let unread = keys.filter(|&key| !self.only_read[key as usize]).count();
        // Some keys are read before anybody came to write them. That most are never written while
        // others are never read is no accident.
        if lost.len() >= FEW
            && 2 * lost.len() > read.count()
            && 2 * unread > objects.keys.len() - lost.len()
        {
            let mut collector = Collector::new("never-written-key");
            for &key in &lost {
                collector.add(|| Example {
                    sentence: format!("{} is read and never written", objects.keys[key as usize]),
                    events: Vec::new(),
                });
            }
            collector.tell(
                findings,
                format!(
                    "most keys that are read are never written, and {unread} that are written are \
                     never read: they may be the same under two names"
                ),
            );
        }
    }
}

/// Errors of an unknown outcome that never had an effect, where an effect would have lasted.
fn without_effect(
    objects: &Objects<'_>,
    seen: &[u32],
    last_read: &[u32],
    findings: &mut Vec<Finding>,
) {
    let history = objects.history;
    let concerned = |operation: &Operation| {
        let open = operation.outcome == Outcome::Info;
        open && error(history, operation).is_some_and(|name| !leaves_open(name))
    };
    if !history.operations().iter().any(concerned) {
        return;
    }
    let mut errors: BTreeMap<&ErrorName, (u64, u64, Vec<Example>)> = BTreeMap::new();
    let mut at = 0;
    for (id, operation) in history.operations().iter().enumerate() {
        let (mut lasting, mut effect, mut puts) = (true, false, 0);
        steps(history, operation, |step| {
            let key = objects.steps[at];
            at += 1;
            if let Step::Put { value, .. } = step {
                puts += 1;
                let last = last_read[key as usize];
                let later = operation.complete.is_some_and(|complete| {
                    last != NONE && history.operations()[last as usize].invoke > complete
                });
                lasting &= later && objects.class(key) == Some(Class::List);
                let number = objects.number(key, value);
                effect |= number.is_some_and(|number| seen[number as usize] != NONE);
            }
        });
        if operation.outcome != Outcome::Info || puts == 0 || !(lasting || effect) {
            continue;
        }
        let Some(name) = error(history, operation).filter(|name| !leaves_open(name)) else {
            continue;
        };
        let (all, effects, examples) = errors.entry(name).or_default();
        *all += 1;
        *effects += u64::from(effect);
        if examples.len() < super::EXAMPLES {
            examples.push(Example {
                sentence: format!("what {} tried left no trace", place(history, id)),
                events: vec![event(history, id)],
            });
        }
    }
    for (name, (all, effects, examples)) in errors {
        if effects == 0 && all >= MANY {
            findings.push(Finding {
                name: "info-without-effect",
                sentence: format!(
                    "none of {all} operations that ended as info with `{name}` had an effect that \
                     later reads would have shown: if it is certain that they never have one, \
                     they should be recorded as fail, which leaves checkers less to consider"
                ),
                count: all,
                examples,
            });
        }
    }
}
