//! The simulated store: cells with all their versions, and who sees which.

use polygraph_history::random::{Random, exponential};

use super::replicas::{MOST_LAG, Place, Replicas, Vector};
use super::{Plan, Store, Workload};

/// One operation of a transaction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Access {
    pub(super) cell: u32,
    /// The value that is written, counted from 1; a read if absent.
    pub(super) writes: Option<u64>,
    /// What a read showed: of a register the value, 0 for the initial one; of a list how many of
    /// its committed elements.
    pub(super) shown: u64,
    /// Lists: whether what the transaction had itself appended before came after these.
    pub(super) with_own: bool,
}

/// What a transaction sees of the others.
#[derive(Clone, Copy, Debug)]
pub(super) enum Snapshot {
    /// What there is when it looks.
    Now,
    /// So many commits.
    First(u64),
    /// What a replica showed.
    Replica(Vector),
}

/// What the store knows of a transaction.
#[derive(Debug)]
pub(super) struct Txn {
    pub(super) client: usize,
    pub(super) accesses: Vec<Access>,
    pub(super) snapshot: Snapshot,
    /// How many of its operations have been performed.
    pub(super) performed: usize,
    /// Its place among all commits, once it has one.
    pub(super) commit: Option<u64>,
}

impl Txn {
    /// Whether it wrote this cell before one of its operations, and what.
    fn own(&self, cell: u32, before: usize) -> Option<u64> {
        let earlier = self.accesses[..before].iter().rev();
        earlier
            .filter(|access| access.cell == cell)
            .find_map(|access| access.writes)
    }

    fn reads_only(&self) -> bool {
        self.accesses.iter().all(|access| access.writes.is_none())
    }
}

/// A state of a cell.
struct Version {
    /// Which commit made it.
    commit: u64,
    place: Place,
    /// The value of a register, or how many elements a list has.
    shown: u64,
}

/// A key, from its first operation to its last.
pub(super) struct Cell {
    /// Its number, which no other key has.
    pub(super) number: u64,
    versions: Vec<Version>,
    /// Lists: the elements as they are printed, with separators, and where each ends.
    text: Vec<u8>,
    ends: Vec<u32>,
    /// How many writes were handed out.
    pub(super) written: u64,
    /// How many operations of open transactions are on it.
    pub(super) open: u32,
    pub(super) retired: bool,
}

impl Cell {
    /// The first elements of a list, as they are printed.
    pub(super) fn first(&self, elements: u64) -> &[u8] {
        match elements.checked_sub(1) {
            None => &[],
            Some(last) => &self.text[..self.ends[last as usize] as usize],
        }
    }
}

pub(super) struct Versions {
    store: Store,
    workload: Workload,
    pub(super) cells: Vec<Cell>,
    free: Vec<u32>,
    /// How many keys there were.
    pub(super) keys: u64,
    commits: u64,
    replicas: Replicas,
    /// Of each client how many commits its session knows of.
    known: Vec<u64>,
    separator: u8,
}

impl Versions {
    /// An empty store. Elements of lists will be printed with this between them.
    pub(super) fn new(plan: &Plan, separator: u8) -> Versions {
        Versions {
            store: plan.store,
            workload: plan.workload,
            cells: Vec::new(),
            free: Vec::new(),
            keys: 0,
            commits: 0,
            replicas: Replicas::new(plan.clients),
            known: vec![0; plan.clients],
            separator,
        }
    }

    /// A cell for a key that nobody used before.
    pub(super) fn fresh(&mut self) -> u32 {
        let number = self.keys;
        self.keys += 1;
        if let Some(at) = self.free.pop() {
            let cell = &mut self.cells[at as usize];
            cell.number = number;
            cell.versions.clear();
            cell.text.clear();
            cell.ends.clear();
            cell.written = 0;
            cell.retired = false;
            return at;
        }
        self.cells.push(Cell {
            number,
            versions: Vec::new(),
            text: Vec::new(),
            ends: Vec::new(),
            written: 0,
            open: 0,
            retired: false,
        });
        u32::try_from(self.cells.len() - 1).expect("there are fewer than four billion keys")
    }

    /// No new operation will be on this cell.
    pub(super) fn retire(&mut self, at: u32) {
        let cell = &mut self.cells[at as usize];
        cell.retired = true;
        if cell.open == 0 {
            self.free.push(at);
        }
    }

    /// Nothing will come any more of an operation on this cell.
    pub(super) fn release(&mut self, at: u32) {
        let cell = &mut self.cells[at as usize];
        cell.open -= 1;
        if cell.open == 0 && cell.retired {
            self.free.push(at);
        }
    }

    /// Whether reads take place one by one, and not all at once.
    pub(super) const fn is_stepwise(&self) -> bool {
        matches!(self.store, Store::ReadCommitted | Store::ReadUncommitted)
    }

    /// What a transaction will see that begins now.
    pub(super) fn begin(&mut self, txn: &mut Txn, random: &mut Random) {
        let earlier = |random: &mut Random, known: u64| {
            Snapshot::First(self.commits.saturating_sub(lag(random)).max(known))
        };
        let known = self.known[txn.client];
        txn.snapshot = match self.store {
            Store::StrictSerializable | Store::ReadCommitted | Store::ReadUncommitted => {
                Snapshot::Now
            }
            Store::SessionSerializable if txn.reads_only() => earlier(random, known),
            Store::Serializable if txn.reads_only() => earlier(random, 0),
            Store::SessionSerializable | Store::Serializable => Snapshot::Now,
            Store::StrongSnapshot => Snapshot::First(self.commits),
            Store::SessionSnapshot | Store::Prefix => earlier(random, known),
            Store::Snapshot => earlier(random, 0),
            Store::ParallelSnapshot | Store::Causal | Store::ReadAtomic => {
                Snapshot::Replica(self.replicas.snapshot(txn.client, random))
            }
        };
    }

    /// Performs the next operation of a transaction.
    pub(super) fn step(&mut self, txn: &mut Txn) -> Result<(), Conflict> {
        let at = txn.performed;
        txn.performed += 1;
        let Access { cell, writes, .. } = txn.accesses[at];
        if writes.is_some() {
            let last = txn.accesses[at + 1..].iter().all(|it| it.writes.is_none());
            if self.store == Store::ReadUncommitted && last {
                return self.install(txn);
            }
            return Ok(());
        }
        let own = txn.own(cell, at);
        let version = self.seen(txn, cell);
        let shown = version.map_or(0, |version| version.shown);
        let installed = version.is_some_and(|version| Some(version.commit) == txn.commit);
        let access = &mut txn.accesses[at];
        (access.shown, access.with_own) = match (self.workload, own) {
            (Workload::Register, Some(own)) => (own, false),
            (Workload::Register, None) => (shown, false),
            (Workload::Append, _) => (shown, !installed),
        };
        Ok(())
    }

    /// The version of a cell that a transaction sees; its own if it has one already.
    fn seen(&self, txn: &Txn, cell: u32) -> Option<&Version> {
        let versions = &self.cells[cell as usize].versions;
        let own = |version: &&Version| Some(version.commit) == txn.commit;
        let own = txn.commit.and_then(|_| versions.iter().rev().find(own));
        own.or_else(|| {
            let mut newest_first = versions.iter().rev();
            newest_first.find(|version| txn.snapshot.shows(version))
        })
    }

    /// Performs what is left of a transaction, and makes it last.
    pub(super) fn commit(&mut self, txn: &mut Txn) -> Result<(), Conflict> {
        while txn.performed < txn.accesses.len() {
            self.step(txn)?;
        }
        if txn.commit.is_none() && !txn.reads_only() {
            self.install(txn)?;
        }
        let seen = match txn.snapshot {
            Snapshot::First(commits) => commits,
            _ => 0,
        };
        let known = &mut self.known[txn.client];
        *known = (*known).max(seen).max(txn.commit.unwrap_or(0));
        Ok(())
    }

    /// The writes of a transaction take place.
    fn install(&mut self, txn: &mut Txn) -> Result<(), Conflict> {
        if self.contradicts(txn) {
            return Err(Conflict);
        }
        self.commits += 1;
        let commit = self.commits;
        txn.commit = Some(commit);
        let place = self.place(txn);
        for access in &txn.accesses {
            let Some(value) = access.writes else {
                continue;
            };
            let cell = &mut self.cells[access.cell as usize];
            let shown = match self.workload {
                Workload::Register => value,
                Workload::Append => {
                    if !cell.text.is_empty() {
                        cell.text.push(self.separator);
                    }
                    super::super::format::number(&mut cell.text, value);
                    cell.ends.push(cell.text.len() as u32);
                    cell.ends.len() as u64
                }
            };
            match cell.versions.last_mut() {
                Some(last) if last.commit == commit => last.shown = shown,
                _ => cell.versions.push(Version {
                    commit,
                    place,
                    shown,
                }),
            }
        }
        Ok(())
    }

    /// Whether a transaction must not commit.
    fn contradicts(&self, txn: &Txn) -> bool {
        let first_wins = matches!(
            self.store,
            Store::StrongSnapshot
                | Store::SessionSnapshot
                | Store::Snapshot
                | Store::ParallelSnapshot
        );
        let accesses = txn.accesses.iter().enumerate();
        accesses.take(txn.performed).any(|(at, access)| {
            let Some(newest) = self.cells[access.cell as usize].versions.last() else {
                return false;
            };
            match access.writes {
                Some(_) => first_wins && !txn.snapshot.shows(newest),
                None => {
                    let lists = self.workload == Workload::Append;
                    lists && txn.own(access.cell, at).is_some() && newest.shown != access.shown
                }
            }
        })
    }

    /// Where a transaction stands among those of the replicas.
    fn place(&mut self, txn: &Txn) -> Place {
        let needs = match (self.store, txn.snapshot) {
            (Store::ReadAtomic, Snapshot::Replica(_)) => Vector::default(),
            (_, Snapshot::Replica(seen)) => seen,
            _ => return Place::default(),
        };
        // A list is seen from its beginning on.
        let lists = self.workload == Workload::Append;
        let written = txn.accesses.iter().filter(|access| access.writes.is_some());
        let below = written
            .filter(|_| lists)
            .filter_map(|access| self.cells[access.cell as usize].versions.last())
            .map(|version| version.place);
        self.replicas.commit(txn.client, needs, below)
    }
}

impl Snapshot {
    fn shows(&self, version: &Version) -> bool {
        match self {
            Snapshot::Now => true,
            Snapshot::First(commits) => version.commit <= *commits,
            Snapshot::Replica(seen) => version.place.is_in(seen),
        }
    }
}

/// The store has to abort a transaction.
pub(super) struct Conflict;

/// By how many commits somebody is late: half of the time by none.
pub(super) fn lag(random: &mut Random) -> u64 {
    let bits = random.bits();
    match bits & 1 {
        0 => 0,
        _ => (1 + exponential(bits >> 1, 4)).min(MOST_LAG),
    }
}
