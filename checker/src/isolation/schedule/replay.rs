//! A store that performs transactions one after the other and keeps what it was at every moment.

use polygraph_history::{History, Key, MicroRef, Op, Operation, Outcome, Value};
use rustc_hash::FxHashMap;

/// When a transaction takes place, as places of the schedule.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moments {
    /// It sees what committed before this place.
    pub(super) snapshot: u32,
    /// It commits here.
    pub(super) commit: u32,
    /// Whether nobody else may have written what it writes since its snapshot.
    pub(super) no_conflicts: bool,
}

/// The states of all keys.
#[derive(Default)]
pub(super) struct Replay<'h> {
    keys: FxHashMap<&'h Key, Versions<'h>>,
}

/// All states of a key.
#[derive(Default)]
struct Versions<'h> {
    /// What a register was from this place on.
    values: Vec<(u32, &'h Value)>,
    /// The elements of a list.
    elements: Vec<&'h Value>,
    /// From this place on the list had so many of them.
    lengths: Vec<(u32, usize)>,
}

/// What a transaction has itself done to a key so far.
#[derive(Default)]
struct Own<'h> {
    value: Option<&'h Value>,
    elements: Vec<&'h Value>,
}

/// The last entry before a place.
fn latest<T: Copy>(entries: &[(u32, T)], before: u32) -> Option<T> {
    let after = entries.partition_point(|&(place, _)| place < before);
    after.checked_sub(1).map(|last| entries[last].1)
}

impl<'h> Versions<'h> {
    fn list(&self, before: u32) -> &[&'h Value] {
        &self.elements[..latest(&self.lengths, before).unwrap_or(0)]
    }

    fn last_change(&self) -> Option<u32> {
        let value = self.values.last().map(|&(place, _)| place);
        value.max(self.lengths.last().map(|&(place, _)| place))
    }
}

impl<'h> Replay<'h> {
    /// Performs a transaction.
    ///
    /// # Errors
    /// What it read that is not so, or whom it is in conflict with: the end of a sentence.
    pub(super) fn perform(
        &mut self,
        history: &'h History,
        operation: &Operation,
        at: Moments,
    ) -> Result<(), String> {
        let saw = operation.outcome == Outcome::Ok;
        let mut own: FxHashMap<&'h Key, Own<'h>> = FxHashMap::default();
        let mut written: Vec<&'h Key> = Vec::new();
        let read = |own: &FxHashMap<&'h Key, Own<'h>>, key: &'h Key, value: &'h Value| {
            self.compare(own.get(key), key, value, at)
        };
        let micros = history.micros(operation);
        let single = micros.is_none().then(|| history.op(operation));
        for micro in micros.into_iter().flatten() {
            match micro {
                MicroRef::Read {
                    key,
                    value: Some(value),
                } if saw => read(&own, key, value)?,
                MicroRef::Read { .. } => {}
                MicroRef::Write { key, value } => {
                    own.entry(key).or_default().value = Some(value);
                    written.push(key);
                }
                MicroRef::Append { key, value } => {
                    own.entry(key).or_default().elements.push(value);
                    written.push(key);
                }
                MicroRef::Other(other) => {
                    return Err(format!(
                        "has `{other}`, which no schedule of lists and registers explains"
                    ));
                }
            }
        }
        match single {
            None => {}
            Some(Op::Read {
                key,
                value: Some(value),
            }) if saw => read(&own, key, value)?,
            Some(Op::Read { .. }) => {}
            Some(Op::Write { key, value }) => {
                own.entry(key).or_default().value = Some(value);
                written.push(key);
            }
            Some(Op::Cas { key, from, to }) => {
                read(&own, key, from)?;
                own.entry(key).or_default().value = Some(to);
                written.push(key);
            }
            Some(other) => {
                return Err(format!(
                    "is `{other}`, which no store of keys and values does"
                ));
            }
        }
        for key in written {
            let Some(own) = own.remove(key) else { continue };
            let versions = self.keys.entry(key).or_default();
            let changed = versions.last_change();
            if at.no_conflicts && changed.is_some_and(|place| place > at.snapshot) {
                return Err(format!(
                    "writes to {key}, which another transaction changed after its snapshot"
                ));
            }
            if let Some(value) = own.value {
                versions.values.push((at.commit, value));
            }
            if !own.elements.is_empty() {
                versions.elements.extend(own.elements);
                versions.lengths.push((at.commit, versions.elements.len()));
            }
            if !(versions.values.is_empty() || versions.elements.is_empty()) {
                return Err(format!("uses {key} both as a register and as a list"));
            }
        }
        Ok(())
    }

    /// Whether an operation that took place may be left out of a schedule: it is no transaction,
    /// and changes none of the keys that the transactions use.
    pub(super) fn may_be_absent(
        &self,
        history: &History,
        operation: &Operation,
    ) -> Result<(), String> {
        if let Some(micros) = history.micros(operation) {
            return match micros.is_empty() {
                true => Ok(()),
                false => Err("took place, and is not in the schedule".to_owned()),
            };
        }
        let op = history.op(operation);
        match op {
            Op::Peek { .. } => Ok(()),
            _ if op.key().is_some_and(|key| self.keys.contains_key(key)) => {
                Err(format!("is `{op}`, took place, and is not in the schedule"))
            }
            _ => Ok(()),
        }
    }

    /// Compares what a transaction read with what it had to see.
    fn compare(
        &self,
        own: Option<&Own<'h>>,
        key: &Key,
        read: &Value,
        at: Moments,
    ) -> Result<(), String> {
        static NONE: &[&Value] = &[];
        let versions = self.keys.get(key);
        let written = own
            .and_then(|own| own.value)
            .or_else(|| latest(&versions?.values, at.snapshot));
        if let Some(written) = written {
            return match written == read {
                true => Ok(()),
                false => Err(format!("read {read} from {key}, which was {written} then")),
            };
        }
        let before = versions.map_or(NONE, |versions| versions.list(at.snapshot));
        let added = own.map_or(NONE, |own| &own.elements);
        let length = before.len() + added.len();
        let Some(elements) = read.elements() else {
            return Err(format!(
                "read {read} from {key}, to which nobody had written then"
            ));
        };
        let expected = before.iter().chain(added).copied();
        if elements.iter().eq(expected) {
            return Ok(());
        }
        Err(format!(
            "read {} elements from {key}, which were not the {length} that it had then",
            elements.len()
        ))
    }
}
