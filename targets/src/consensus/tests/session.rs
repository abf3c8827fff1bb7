//! What clients saw, checked by the versions that the store returns: a tiny checker of its own.

use std::collections::BTreeMap;

use polygraph_cluster::Reply;
use polygraph_history::{Micro, Op, Time, Value};

/// An operation that was answered.
#[derive(Debug)]
struct Seen {
    begun: Time,
    ended: Time,
    op: Op,
    version: u64,
}

/// What clients saw.
#[derive(Debug, Default)]
pub(super) struct Session {
    seen: Vec<Seen>,
}

impl Session {
    /// An operation was answered.
    pub(super) fn answered(&mut self, begun: Time, ended: Time, reply: Reply) {
        if let Reply::Ok { op, version } = reply {
            let version = version.unwrap_or(0);
            self.seen.push(Seen {
                begun,
                ended,
                op,
                version,
            });
        }
    }

    /// How many were.
    pub(super) fn count(&self) -> usize {
        self.seen.len()
    }

    /// What is wrong with it: registers by their versions, lists and sets by their elements.
    pub(super) fn violations(&self) -> Vec<String> {
        let mut wrong = self.values_of_versions();
        wrong.extend(self.order(|seen| {
            seen.register()
                .map(|(key, writes)| (key, seen.version, writes))
        }));
        wrong.extend(self.order(Seen::length));
        wrong.extend(self.lost_elements());
        wrong.extend(self.forked_lists());
        wrong
    }

    /// A version of a key is one value.
    fn values_of_versions(&self) -> Vec<String> {
        let mut values = BTreeMap::new();
        let mut wrong = Vec::new();
        for seen in &self.seen {
            let (key, value) = match &seen.op {
                Op::Read { key, value } => (key, value.clone()),
                Op::Write { key, value } | Op::Cas { key, to: value, .. } => {
                    (key, Some(value.clone()))
                }
                _ => continue,
            };
            let known = values
                .entry((key.clone(), seen.version))
                .or_insert_with(|| value.clone());
            if seen.version > 0 && *known != value {
                wrong.push(format!("version {} of {key} has two values", seen.version));
            }
        }
        wrong
    }

    /// Real time: whatever began after another had ended sees no less of the key, and more if it
    /// writes.
    fn order<'a>(&'a self, of: impl Fn(&'a Seen) -> Option<(&'a str, u64, bool)>) -> Vec<String> {
        let mut keyed: BTreeMap<&str, Vec<(&Seen, u64, bool)>> = BTreeMap::new();
        for seen in &self.seen {
            if let Some((key, level, writes)) = of(seen) {
                keyed.entry(key).or_default().push((seen, level, writes));
            }
        }
        let mut wrong = Vec::new();
        for (key, mut all) in keyed {
            let mut ended = all.clone();
            ended.sort_by_key(|(seen, ..)| seen.ended);
            all.sort_by_key(|(seen, ..)| seen.begun);
            let (mut before, mut highest) = (ended.into_iter().peekable(), 0);
            for (seen, level, writes) in all {
                while let Some((_, past, _)) = before.next_if(|(past, ..)| past.ended < seen.begun)
                {
                    highest = highest.max(past);
                }
                if level < highest || (writes && level == highest) {
                    wrong.push(format!("{key}: {} is behind {highest}", seen.op));
                }
            }
        }
        wrong
    }

    /// A set that is read holds every element whose add had ended.
    fn lost_elements(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for read in &self.seen {
            let Op::Read {
                key,
                value: Some(Value::List(values)),
            } = &read.op
            else {
                continue;
            };
            for add in self.seen.iter().filter(|add| add.ended < read.begun) {
                if matches!(&add.op, Op::Add { key: of, value } if of == key && !values.contains(value))
                {
                    wrong.push(format!("{key} lost {}", add.op));
                }
            }
        }
        wrong
    }

    /// All reads of a list are beginnings of one list.
    fn forked_lists(&self) -> Vec<String> {
        let mut longest: BTreeMap<&str, &[Value]> = BTreeMap::new();
        let mut wrong = Vec::new();
        for seen in &self.seen {
            let Some((key, values)) = seen.list() else {
                continue;
            };
            let known = longest.entry(key).or_default();
            let common = known.len().min(values.len());
            if known[..common] != values[..common] {
                wrong.push(format!("{key} forked"));
            }
            if values.len() > known.len() {
                *known = values;
            }
        }
        wrong
    }
}

impl Seen {
    /// The register that the operation is about, and whether it writes it.
    fn register(&self) -> Option<(&str, bool)> {
        match &self.op {
            Op::Read {
                key,
                value: Some(Value::Int(_) | Value::Null),
            } => Some((&key.0, false)),
            Op::Write { key, .. } | Op::Cas { key, .. } => Some((&key.0, true)),
            _ => None,
        }
    }

    /// The list that a transaction appended to and then read: never the same length twice.
    fn list(&self) -> Option<(&str, &[Value])> {
        let Op::Txn(micros) = &self.op else {
            return None;
        };
        match micros.last()? {
            Micro::Read {
                key,
                value: Some(value),
            } => Some((&key.0, value.elements()?)),
            _ => None,
        }
    }

    fn length(&self) -> Option<(&str, u64, bool)> {
        self.list()
            .map(|(key, values)| (key, values.len() as u64, true))
    }
}
