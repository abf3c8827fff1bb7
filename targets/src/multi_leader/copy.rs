//! A node's own copy: the logs of all nodes as far as it has them, and the registers that they
//! amount to.

use std::collections::{BTreeMap, BTreeSet};

use polygraph_history::{Key, NodeId, Value};

use super::message::{Entry, Stamp, Vector};

/// What a key names: a register or a set of elements. Nobody forbids to use it as both; then it
/// is read as a set.
#[derive(Debug, Default)]
struct Object {
    register: Option<(Stamp, Value)>,
    elements: BTreeSet<Value>,
}

/// Everything that a node has and may show: what is synced.
#[derive(Debug, Default)]
pub(super) struct Copy {
    objects: BTreeMap<Key, Object>,
    /// By the position of the node whose log it is.
    logs: Vec<Vec<Entry>>,
}

impl Copy {
    /// An empty copy in a cluster of so many nodes.
    pub(super) fn new(nodes: usize) -> Copy {
        Copy {
            objects: BTreeMap::new(),
            logs: vec![Vec::new(); nodes],
        }
    }

    /// Takes an entry if it is the next of its log. The registers merge it: the greatest stamp
    /// wins, in whatever order entries arrive.
    pub(super) fn take(&mut self, entry: Entry) {
        let Some(log) = self.logs.get_mut(entry.origin().position()) else {
            return;
        };
        if entry.number != log.len() as u64 + 1 {
            return;
        }
        let object = match self.objects.get_mut(&entry.key) {
            Some(object) => object,
            None => self.objects.entry(entry.key.clone()).or_default(),
        };
        if entry.element {
            object.elements.insert(entry.value.clone());
        } else if object
            .register
            .as_ref()
            .is_none_or(|(held, _)| *held < entry.stamp)
        {
            object.register = Some((entry.stamp, entry.value.clone()));
        }
        log.push(entry);
    }

    /// What a client reads: the elements of a set in order if there are any, else the value of
    /// the register.
    pub(super) fn read(&self, key: &Key) -> Value {
        match self.objects.get(key) {
            None => Value::Null,
            Some(object) if !object.elements.is_empty() => {
                Value::list(object.elements.iter().cloned())
            }
            Some(object) => object
                .register
                .as_ref()
                .map_or(Value::Null, |(_, value)| value.clone()),
        }
    }

    /// How much of each log there is.
    pub(super) fn known(&self) -> Vector {
        self.logs.iter().map(|log| log.len() as u64).collect()
    }

    /// The entries of a node's log after the first `after` and up to number `to`, at most `most`.
    pub(super) fn entries(&self, of: usize, after: u64, to: u64, most: usize) -> &[Entry] {
        let log = self.logs.get(of).map_or([].as_slice(), Vec::as_slice);
        let index = |number: u64| usize::try_from(number).unwrap_or(usize::MAX).min(log.len());
        let (from, to) = (index(after), index(to));
        &log[from..to.min(from.saturating_add(most)).max(from)]
    }

    /// The time of the last entry of a node's log.
    pub(super) fn last_time(&self, of: NodeId) -> Option<i64> {
        Some(self.logs.get(of.position())?.last()?.stamp.time)
    }
}
