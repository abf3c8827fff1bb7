//! A node's own copy: registers with versions, on disk before anybody sees them.

use std::collections::BTreeMap;

use polygraph_cluster::wal::Wal;
use polygraph_cluster::{Context, Disk, SyncId};
use polygraph_history::{Key, NodeId, Value};
use serde::{Deserialize, Serialize};

use super::message::{Cell, Message, Stamp, Which};

/// One record of the log.
#[derive(Serialize, Deserialize)]
enum Record {
    /// The node started for the so many-th time.
    Started(u64),
    /// It took these registers.
    Took {
        key: Key,
        cells: Vec<Cell>,
        how: Take,
    },
}

/// How registers are taken.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Take {
    /// Each only if it is newer than what is held.
    IfNewer,
    /// Each, newer or not: the planted bug `repair-overwrites-newer`.
    Always,
}

/// What a key names: a register or a set of elements. Nobody forbids to use it as both; then it
/// is read as a set.
#[derive(Debug, Default)]
struct Object {
    register: Option<(Stamp, Value)>,
    elements: BTreeMap<Value, Stamp>,
}

impl Object {
    fn stamp(&self, slot: Option<&Value>) -> Option<Stamp> {
        match slot {
            None => self.register.as_ref().map(|(stamp, _)| *stamp),
            Some(element) => self.elements.get(element).copied(),
        }
    }

    fn cells(&self, which: &Which) -> Vec<Cell> {
        let register = || {
            self.register.as_ref().map(|(stamp, value)| Cell {
                element: false,
                value: value.clone(),
                stamp: *stamp,
            })
        };
        let element = |(value, stamp): (&Value, &Stamp)| Cell {
            element: true,
            value: value.clone(),
            stamp: *stamp,
        };
        match which {
            Which::All => register()
                .into_iter()
                .chain(self.elements.iter().map(element))
                .collect(),
            Which::One(None) => register().into_iter().collect(),
            Which::One(Some(value)) => {
                let found = self.elements.get_key_value(value);
                found.map(element).into_iter().collect()
            }
        }
    }

    fn take(&mut self, cell: Cell, how: Take) {
        let held = self.stamp(cell.slot());
        if how == Take::IfNewer && held.is_some_and(|held| held >= cell.stamp) {
            return;
        }
        match cell.element {
            false => self.register = Some((cell.stamp, cell.value)),
            true => {
                self.elements.insert(cell.value, cell.stamp);
            }
        }
    }
}

/// Who waits for registers to be on disk: the coordinator, and its message.
pub(super) type Waiting = (NodeId, Message);

/// Registers written to the log and not yet synced: nobody sees them.
struct Unsynced {
    key: Key,
    cells: Vec<Cell>,
    how: Take,
    waiting: Waiting,
}

/// The copy of one node.
pub(super) struct Replica {
    /// Everything that is synced.
    objects: BTreeMap<Key, Object>,
    unsynced: BTreeMap<SyncId, Unsynced>,
    syncs: u64,
    wal: Wal,
    /// Which start of the node this is, counted from one.
    pub(super) incarnation: u64,
}

impl Replica {
    /// Reads the log and notes that the node started once more; the start may be used when the
    /// sync that is given back has completed.
    pub(super) fn open(disk: &Disk, ctx: &mut Context<'_, Message>) -> (Replica, SyncId) {
        let (wal, records) = Wal::open("wal", disk, ctx);
        let mut replica = Replica {
            objects: BTreeMap::new(),
            unsynced: BTreeMap::new(),
            syncs: 0,
            wal,
            incarnation: 1,
        };
        for bytes in records {
            // A record that cannot be read was written by another version; it is skipped.
            match postcard::from_bytes(&bytes) {
                Ok(Record::Started(incarnation)) => replica.incarnation = incarnation + 1,
                Ok(Record::Took { key, cells, how }) => replica.apply(&key, cells, how),
                Err(_) => {}
            }
        }
        replica.append(&Record::Started(replica.incarnation), ctx);
        let sync = replica.next_sync();
        ctx.sync(sync);
        (replica, sync)
    }

    /// What is held of a key, synced.
    pub(super) fn fetch(&self, key: &Key, which: &Which) -> Vec<Cell> {
        self.objects
            .get(key)
            .map_or_else(Vec::new, |object| object.cells(which))
    }

    /// Takes registers: gives back who waited if nothing needs to be written, otherwise
    /// [`Replica::synced`] does.
    pub(super) fn store(
        &mut self,
        key: Key,
        mut cells: Vec<Cell>,
        how: Take,
        waiting: Waiting,
        ctx: &mut Context<'_, Message>,
    ) -> Option<Waiting> {
        self.keep_needed(&key, &mut cells, how);
        if cells.is_empty() {
            return Some(waiting);
        }
        let record = Record::Took { key, cells, how };
        self.append(&record, ctx);
        let sync = self.next_sync();
        ctx.sync(sync);
        if let Record::Took { key, cells, how } = record {
            let unsynced = Unsynced {
                key,
                cells,
                how,
                waiting,
            };
            self.unsynced.insert(sync, unsynced);
        }
        None
    }

    /// Takes registers and shows them before they are on disk: the planted bug
    /// `ack-before-fsync`. Whoever calls it syncs some time later.
    pub(super) fn store_unsynced(
        &mut self,
        key: &Key,
        mut cells: Vec<Cell>,
        how: Take,
        ctx: &mut Context<'_, Message>,
    ) {
        self.keep_needed(key, &mut cells, how);
        if cells.is_empty() {
            return;
        }
        let record = Record::Took {
            key: key.clone(),
            cells: cells.clone(),
            how,
        };
        self.append(&record, ctx);
        self.apply(key, cells, how);
    }

    /// A sync has completed: what it made durable may be seen. Gives back who waited for it.
    pub(super) fn synced(&mut self, sync: SyncId) -> Option<Waiting> {
        let done = self.unsynced.remove(&sync)?;
        self.apply(&done.key, done.cells, done.how);
        Some(done.waiting)
    }

    /// Asks for a sync that nobody waits for.
    pub(super) fn sync(&mut self, ctx: &mut Context<'_, Message>) {
        let sync = self.next_sync();
        ctx.sync(sync);
    }

    fn keep_needed(&self, key: &Key, cells: &mut Vec<Cell>, how: Take) {
        let held = self.objects.get(key);
        cells.retain(|cell| match held.and_then(|held| held.stamp(cell.slot())) {
            None => true,
            Some(held) if how == Take::Always => held != cell.stamp,
            Some(held) => held < cell.stamp,
        });
    }

    fn apply(&mut self, key: &Key, cells: Vec<Cell>, how: Take) {
        let object = match self.objects.get_mut(key) {
            Some(object) => object,
            None => self.objects.entry(key.clone()).or_default(),
        };
        for cell in cells {
            object.take(cell, how);
        }
    }

    fn append(&mut self, record: &Record, ctx: &mut Context<'_, Message>) {
        let bytes =
            postcard::to_stdvec(record).expect("records have no shape that cannot be written");
        self.wal.append(ctx, &bytes);
    }

    fn next_sync(&mut self) -> SyncId {
        self.syncs += 1;
        SyncId(self.syncs)
    }
}

/// What a client reads from registers: the elements of a set in order if there are any, else the
/// value of the register. Of the same register the newest counts.
pub(super) fn rendered(cells: &[Cell]) -> Value {
    let mut elements: Vec<_> = cells
        .iter()
        .filter(|cell| cell.element)
        .map(|cell| cell.value.clone())
        .collect();
    if elements.is_empty() {
        let newest = cells.iter().max_by_key(|cell| cell.stamp);
        return newest.map_or(Value::Null, |cell| cell.value.clone());
    }
    elements.sort();
    elements.dedup();
    Value::list(elements)
}
