//! A history of objects that are found by predicates as one of registers.

use std::collections::BTreeMap;

use polygraph_history::{
    Body, Event, EventIndex, History, Item, Key, Micro, Op, Outcome, Predicate, Value,
};
use rustc_hash::FxHashSet;

use super::proof::Miss;

/// How many reads the reads by predicate may become.
const MOST: usize = 20_000_000;

/// A history as one of registers.
pub(in super::super) struct Closed {
    pub(in super::super) history: History,
    pub(super) predicates: bool,
    pub(super) misses: Vec<Miss>,
    /// How often it is not known which version a read saw.
    pub(super) open: u64,
    /// The reads that were by predicate, by transaction and position in the translation.
    pub(super) by_predicate: FxHashSet<(EventIndex, usize)>,
}

/// What is known of an object before any read is looked at.
#[derive(Default)]
struct Object {
    /// What it was in the beginning, if it was there.
    initial: Option<Value>,
    /// What transactions that did not fail left of it.
    left: Vec<Left>,
}

/// What a transaction left of an object.
struct Left {
    /// The transaction, by its place among the operations.
    id: usize,
    /// Nothing if it deleted it.
    value: Option<Value>,
    /// What stands for that in the translation.
    stands: Value,
}

/// What an object was when it was not found, or not what it is known to have been.
enum Seen {
    Version(Value),
    Several,
    None,
}

/// What a deletion writes: nobody else does.
fn deleted(transaction: EventIndex, position: usize) -> Value {
    Value::from(
        format!(
            "deleted by operation {} of event {transaction}",
            position + 1
        )
        .as_str(),
    )
}

impl Closed {
    /// Translates a history, with reads by predicate or without them.
    ///
    /// # Errors
    /// Why it is not a history of objects.
    pub(in super::super) fn new(history: &History, predicates: bool) -> Result<Closed, String> {
        let objects = objects(history)?;
        let mut closed = Closed {
            history: History::new(None, history.order(), Vec::new())
                .map_err(|problem| problem.to_string())?,
            predicates,
            misses: Vec::new(),
            open: 0,
            by_predicate: FxHashSet::default(),
        };
        let mut events: Vec<Event> = history.events().into_iter().collect();
        let mut reads = 0;
        for (id, operation) in history.operations().iter().enumerate() {
            let Op::Txn(micros) = history.op(operation) else {
                continue;
            };
            let translation = Translation {
                objects: &objects,
                id,
                transaction: operation.invoke,
                answered: operation.outcome == Outcome::Ok,
                own: BTreeMap::new(),
                out: Vec::new(),
                closed: &mut closed,
            };
            let out = translation.run(micros);
            reads += out.len();
            if reads > MOST {
                return Err(format!(
                    "reads by predicate become more than {MOST} reads of objects"
                ));
            }
            let asked = out.iter().cloned().map(|micro| match micro {
                Micro::Read { key, .. } => Micro::Read { key, value: None },
                other => other,
            });
            let asked: Vec<Micro> = asked.collect();
            if let Some(end) = operation.complete.filter(|&end| end != operation.invoke) {
                let known = operation.outcome == Outcome::Ok;
                events[end].body = Body::Op(Op::Txn(if known { out } else { asked.clone() }));
                events[operation.invoke].body = Body::Op(Op::Txn(asked));
            } else {
                events[operation.invoke].body = Body::Op(Op::Txn(out));
            }
        }
        closed.history =
            History::new(None, history.order(), events).map_err(|problem| problem.to_string())?;
        Ok(closed)
    }
}

fn objects(history: &History) -> Result<BTreeMap<Key, Object>, String> {
    let mut objects: BTreeMap<Key, Object> = BTreeMap::new();
    for (id, operation) in history.operations().iter().enumerate() {
        let Op::Txn(micros) = history.op(operation) else {
            if matches!(history.op(operation), Op::Peek { .. }) {
                continue;
            }
            return Err("not everything is done by transactions".to_owned());
        };
        let mut left = |key: &Key, value: Option<&Value>, stands: Value| {
            let object = objects.entry(key.clone()).or_default();
            if operation.outcome == Outcome::Fail {
                return;
            }
            object.left.retain(|other| other.id != id);
            object.left.push(Left {
                id,
                value: value.cloned(),
                stands,
            });
        };
        for (position, micro) in micros.iter().enumerate() {
            match micro {
                Micro::Write { key, value } | Micro::Insert { key, value } => {
                    if *value == Value::Null {
                        return Err(format!("`{micro}` writes what stands for nothing"));
                    }
                    left(key, Some(value), value.clone());
                }
                Micro::Delete { key } => left(key, None, deleted(operation.invoke, position)),
                _ => {}
            }
        }
        for micro in micros {
            match micro {
                Micro::Write { .. } | Micro::Insert { .. } | Micro::Delete { .. } => {}
                Micro::Init { objects: all } => {
                    if operation.outcome == Outcome::Fail {
                        continue;
                    }
                    let all = all.as_ref().ok_or_else(|| {
                        format!(
                            "event {} does not tell what it began with",
                            operation.invoke
                        )
                    })?;
                    for Item { key, value } in all {
                        objects.entry(key.clone()).or_default().initial = Some(value.clone());
                    }
                }
                Micro::Read { key, .. } => {
                    objects.entry(key.clone()).or_default();
                }
                Micro::PredicateRead(read) => {
                    for item in read.found.iter().flatten() {
                        objects.entry(item.key.clone()).or_default();
                    }
                }
                other => return Err(format!("`{other}` is of no object")),
            }
        }
    }
    Ok(objects)
}

/// One transaction as one over registers.
struct Translation<'a> {
    objects: &'a BTreeMap<Key, Object>,
    id: usize,
    transaction: EventIndex,
    answered: bool,
    /// What it did to objects so far: what they hold, and what stands for it.
    own: BTreeMap<Key, (Option<Value>, Value)>,
    out: Vec<Micro>,
    closed: &'a mut Closed,
}

impl Translation<'_> {
    fn run(mut self, micros: &[Micro]) -> Vec<Micro> {
        for (position, micro) in micros.iter().enumerate() {
            match micro {
                Micro::Write { key, value } | Micro::Insert { key, value } => {
                    self.write(key, Some(value.clone()), value.clone());
                }
                Micro::Delete { key } => {
                    self.write(key, None, deleted(self.transaction, position));
                }
                Micro::Read {
                    key,
                    value: Some(value),
                } if self.answered => {
                    let found = Some(value).filter(|&value| *value != Value::Null);
                    self.read(key, found, |_| true, position, false);
                }
                Micro::Read { key, .. } => self.out.push(Micro::Read {
                    key: key.clone(),
                    value: None,
                }),
                Micro::PredicateRead(read) if self.answered && self.closed.predicates => {
                    if let Some(found) = &read.found {
                        self.predicate_read(&read.predicate, found, position);
                    }
                }
                _ => {}
            }
        }
        self.out
    }

    fn write(&mut self, key: &Key, holds: Option<Value>, value: Value) {
        self.own.insert(key.clone(), (holds, value.clone()));
        self.out.push(Micro::Write {
            key: key.clone(),
            value,
        });
    }

    fn predicate_read(&mut self, predicate: &Predicate, found: &[Item], position: usize) {
        let mut shown: BTreeMap<&Key, &Value> = BTreeMap::new();
        for item in found {
            let again = shown.insert(&item.key, &item.value).is_some();
            if again || !predicate.matches(&item.value) {
                self.miss(&item.key, position, false);
            }
        }
        let objects = self.objects;
        for key in objects.keys() {
            let value = shown.get(key).copied();
            self.read(key, value, |value| predicate.matches(value), position, true);
        }
    }

    fn miss(&mut self, key: &Key, position: usize, own: bool) {
        self.closed.misses.push(Miss {
            transaction: self.transaction,
            position,
            object: key.clone(),
            own,
        });
    }

    /// A read that found a value, or no value that matches.
    fn read(
        &mut self,
        key: &Key,
        found: Option<&Value>,
        matches: impl Fn(&Value) -> bool,
        position: usize,
        by_predicate: bool,
    ) {
        let seen = match (self.own.get(key), found) {
            (Some((holds, stands)), found) => {
                let shows = holds.as_ref().filter(|&value| matches(value));
                match (shows == found, found) {
                    (true, _) => Seen::Version(stands.clone()),
                    // It contradicts what the transaction itself did.
                    (false, Some(value)) => Seen::Version(value.clone()),
                    (false, None) => Seen::None,
                }
            }
            (None, Some(value)) => self.found(key, value),
            (None, None) => self.not_found(key, matches),
        };
        let value = match seen {
            Seen::Version(value) => value,
            Seen::Several => {
                self.closed.open += 1;
                return;
            }
            Seen::None => {
                let own = self.own.contains_key(key);
                return self.miss(key, position, own);
            }
        };
        if by_predicate {
            self.closed
                .by_predicate
                .insert((self.transaction, self.out.len()));
        }
        self.out.push(Micro::Read {
            key: key.clone(),
            value: Some(value),
        });
    }

    fn found(&self, key: &Key, value: &Value) -> Seen {
        let object = &self.objects[key];
        let of_initial = object.initial.as_ref() == Some(value);
        let mut left = object.left.iter();
        let of_others = left.any(|left| left.value.as_ref() == Some(value));
        match (of_initial, of_others) {
            (true, true) => Seen::Several,
            (true, false) => Seen::Version(Value::Null),
            (false, _) => Seen::Version(value.clone()),
        }
    }

    /// The version that does not match, if there is only one.
    fn not_found(&self, key: &Key, matches: impl Fn(&Value) -> bool) -> Seen {
        let object = &self.objects[key];
        let mut seen = Seen::None;
        let mut add = |value: Value| {
            seen = match seen {
                Seen::None => Seen::Version(value),
                _ => Seen::Several,
            };
        };
        if object.initial.as_ref().is_none_or(|value| !matches(value)) {
            add(Value::Null);
        }
        for left in &object.left {
            if left.id != self.id && !left.value.as_ref().is_some_and(&matches) {
                add(left.stands.clone());
            }
        }
        seen
    }
}
