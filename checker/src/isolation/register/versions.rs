//! The order of each register's versions, as far as reads show it.
//!
//! The initial value comes first, and a transaction that reads a version and writes the register
//! puts its own version after it: any other order would, with the read, be a circle of *ww* and
//! *wr*, which every level from read committed on proscribes (Kingsbury and Alvaro, *Elle*, VLDB
//! 14(3), 2020, section 5: *writes follow reads*). Where the store tells the order
//! ([`Installed`]) that counts as well. Linear.

use super::installed::Installed;
use super::view::{Fault, INIT, NONE, Read, View};

/// Versions by number: those that transactions left, in the order of [`View::writes`], and then
/// the initial one of each register.
pub(in super::super) struct Versions {
    /// Of each version who read it, before any own write of that register, and where these begin.
    first_reader: Vec<u32>,
    readers: Vec<u32>,
    /// Of each version who wrote the register after reading it, or right after it as the store
    /// says, and where these begin; of the initial one who wrote it without having read another,
    /// or first.
    first_successor: Vec<u32>,
    successors: Vec<u32>,
    /// How many registers have versions in an order that is not fully known.
    pub(in super::super) partial: usize,
    /// Reads that contradict their own transaction's writes, as transaction and position, sorted.
    internal: Vec<(u32, u32)>,
    /// The order that the store tells, if it does.
    pub(in super::super) installed: Option<Installed>,
}

impl Versions {
    pub(in super::super) fn new(view: &View<'_>, installed: Option<Installed>) -> Versions {
        let mut internal: Vec<(u32, u32)> = view
            .faults
            .iter()
            .filter(|faulty| faulty.fault == Fault::Internal)
            .map(|faulty| (faulty.txn, faulty.position))
            .collect();
        internal.sort_unstable();
        let count = view.writes.len() + view.keys.len();
        let mut versions = Versions {
            first_reader: Vec::new(),
            readers: Vec::new(),
            first_successor: Vec::new(),
            successors: Vec::new(),
            partial: 0,
            internal,
            installed,
        };
        let told = versions.installed.as_ref();
        let whole = told.map_or_else(Vec::new, |installed| installed.whole(view));
        let is_whole = |key: u32| whole.get(key as usize).copied().unwrap_or(false);
        let mut reads: Vec<(u32, u32)> = Vec::with_capacity(view.reads.len());
        let mut writes: Vec<(u32, u32)> = Vec::with_capacity(view.writes.len());
        for txn in (0..view.len() as u32).filter(|&txn| view.committed(txn)) {
            let known = reads.len();
            reads.extend(
                versions
                    .external(view, txn)
                    .map(|read| (version(view, read), txn)),
            );
            reads[known..].sort_unstable();
            dedup_from(&mut reads, known);
            for write in view.writes_of(txn) {
                let before = writes.len();
                let mut unread = true;
                for read in versions
                    .external(view, txn)
                    .filter(|read| read.key == write.key)
                {
                    unread &= read.author == INIT;
                    if read.author != INIT {
                        writes.push((version(view, read), txn));
                    }
                }
                writes[before..].sort_unstable();
                dedup_from(&mut writes, before);
                if unread && !is_whole(write.key) {
                    writes.push((initial(view, write.key), txn));
                }
            }
        }
        if let Some(installed) = &versions.installed {
            let mut before: Option<(u32, u32)> = None;
            for (key, write, txn) in installed.writers() {
                match before.filter(|before| before.0 == key) {
                    Some((_, before)) => writes.push((before, txn)),
                    None if is_whole(key) => writes.push((initial(view, key), txn)),
                    None => {}
                }
                before = Some((key, write));
            }
            writes.sort_unstable_by_key(|&(version, txn)| (txn, version));
            writes.dedup();
        }
        (versions.first_reader, versions.readers) = grouped(count, &reads);
        (versions.first_successor, versions.successors) = grouped(count, &writes);
        versions.partial = versions.count_partial(view, is_whole);
        versions
    }

    /// What a transaction read from a known author before it wrote the register itself.
    pub(in super::super) fn external<'v>(
        &'v self,
        view: &'v View<'_>,
        txn: u32,
    ) -> impl Iterator<Item = &'v Read> {
        let external = move |read: &&Read| {
            let at = (txn, read.position);
            read.author != NONE
                && (self.internal.is_empty() || self.internal.binary_search(&at).is_err())
        };
        view.reads_of(txn).iter().filter(external)
    }

    /// All versions, each with who read it and who wrote right over it, both sorted.
    pub(in super::super) fn all(&self) -> impl Iterator<Item = (&[u32], &[u32])> {
        (0..self.first_reader.len() - 1).map(|version| (self.readers(version), self.over(version)))
    }

    fn readers(&self, version: usize) -> &[u32] {
        let bounds = &self.first_reader[version..version + 2];
        &self.readers[bounds[0] as usize..bounds[1] as usize]
    }

    fn over(&self, version: usize) -> &[u32] {
        let bounds = &self.first_successor[version..version + 2];
        &self.successors[bounds[0] as usize..bounds[1] as usize]
    }

    /// Who wrote right over what was read.
    pub(in super::super) fn successors(&self, view: &View<'_>, read: &Read) -> &[u32] {
        self.over(version(view, read) as usize)
    }

    /// Whether a read is of this version.
    pub(in super::super) fn is(&self, view: &View<'_>, read: &Read, number: usize) -> bool {
        version(view, read) as usize == number
    }

    /// The register of a version.
    pub(in super::super) fn key(&self, view: &View<'_>, version: usize) -> u32 {
        let initial = version.checked_sub(view.writes.len());
        initial.map_or_else(|| view.writes[version].key, |key| key as u32)
    }

    /// A register's versions are one chain if each has at most one right after it, and every one
    /// but the initial one is right after another: then none is left over.
    /// Where the store tells all of the order nothing is left over either.
    fn count_partial(&self, view: &View<'_>, is_whole: impl Fn(u32) -> bool) -> usize {
        let mut partial = vec![false; view.keys.len()];
        for txn in (0..view.len() as u32).filter(|&txn| view.committed(txn)) {
            let first = view.first_write(txn);
            for (at, write) in view.writes_of(txn).iter().enumerate() {
                partial[write.key as usize] |= self.over(first + at).len() > 1;
            }
        }
        for (key, partial) in partial.iter_mut().enumerate() {
            *partial |= self.over(view.writes.len() + key).len() > 1;
        }
        let keys = (0..).zip(partial);
        keys.filter(|&(key, partial)| partial && !is_whole(key))
            .count()
    }
}

/// The number of the version that was read.
fn version(view: &View<'_>, read: &Read) -> u32 {
    match read.author {
        INIT => initial(view, read.key),
        author => {
            let writes = view.writes_of(author);
            let at = writes.partition_point(|write| write.key < read.key);
            (view.first_write(author) + at) as u32
        }
    }
}

fn initial(view: &View<'_>, key: u32) -> u32 {
    view.writes.len() as u32 + key
}

fn dedup_from(pairs: &mut Vec<(u32, u32)>, from: usize) {
    let mut kept = from;
    for at in from..pairs.len() {
        if at == from || pairs[at] != pairs[kept - 1] {
            pairs[kept] = pairs[at];
            kept += 1;
        }
    }
    pairs.truncate(kept);
}

/// The second of each pair by the first, in their order.
fn grouped(count: usize, pairs: &[(u32, u32)]) -> (Vec<u32>, Vec<u32>) {
    let mut first = vec![0_u32; count + 2];
    for &(group, _) in pairs {
        first[group as usize + 2] += 1;
    }
    for at in 2..first.len() {
        first[at] += first[at - 1];
    }
    let mut items = vec![0; pairs.len()];
    for &(group, item) in pairs {
        let place = &mut first[group as usize + 1];
        items[*place as usize] = item;
        *place += 1;
    }
    first.pop();
    (first, items)
}
