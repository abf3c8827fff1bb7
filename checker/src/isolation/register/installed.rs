//! The order in which a store says that it installed the versions of each register: revisions,
//! positions in its log, commit timestamps ([`Event::version`](polygraph_history::Event::version)).
//!
//! Nobody believes it. It counts for a register only while it contradicts nothing that is known
//! without it: that of a read-modify-write the version that was read came first, that a read that
//! says which version it returned returned that one, and where a level asks for it the order of
//! sessions and of real time. What rests on it says so ([`After::Installed`], [`Fact::Installed`]).
//!
//! [`After::Installed`]: super::After::Installed
//! [`Fact::Installed`]: super::Fact::Installed

use polygraph_history::Op;

use super::view::{INIT, NONE, View};

/// What the store's order must extend to count for a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in super::super) enum Demand {
    /// What was read.
    Data,
    /// Besides, the order of each session.
    Sessions,
    /// Besides, of writers that were not open at the same time, the one that ended first.
    RealTime,
}

/// The order of each register's versions as far as the store tells it and nothing contradicts it.
pub(in super::super) struct Installed {
    /// Of each write of the view its place in `order`, or [`NONE`] if the store says nothing of it.
    place: Vec<u32>,
    /// Writes by register, and those of a register from the first version to the last.
    order: Vec<Ranked>,
    /// Of registers whose versions the store's order contradicts, what does.
    pub(in super::super) contradicted: Vec<(u32, String)>,
}

/// A write with the version that the store says it made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Ranked {
    key: u32,
    version: u64,
    /// The number of the write in the view, and the transaction that it is of.
    write: u32,
    txn: u32,
}

impl Installed {
    /// Looks for versions; none if no register has two writes whose versions the store tells.
    pub(in super::super) fn new(view: &View<'_>, demand: Demand) -> Option<Installed> {
        let mut order: Vec<Ranked> = Vec::new();
        for txn in (0..view.len() as u32).filter(|&txn| view.committed(txn)) {
            let writes = view.writes_of(txn);
            let version = match writes.is_empty() {
                true => None,
                false => view.version(txn),
            };
            let Some(version) = version else { continue };
            for (write, at) in (view.first_write(txn) as u32..).zip(writes) {
                order.push(Ranked {
                    key: at.key,
                    version,
                    write,
                    txn,
                });
            }
        }
        order.sort_unstable();
        if !order.windows(2).any(|pair| pair[0].key == pair[1].key) {
            return None;
        }
        let mut installed = Installed {
            place: vec![NONE; view.writes.len()],
            order,
            contradicted: Vec::new(),
        };
        installed.index();
        installed.contradicted = installed.find_contradictions(view, demand);
        if !installed.contradicted.is_empty() {
            let gone = &installed.contradicted;
            let stays = |rank: &Ranked| {
                gone.binary_search_by_key(&rank.key, |(key, _)| *key)
                    .is_err()
            };
            installed.order.retain(stays);
            installed.index();
        }
        Some(installed)
    }

    fn index(&mut self) {
        self.place.fill(NONE);
        for (place, rank) in (0..).zip(&self.order) {
            self.place[rank.write as usize] = place;
        }
    }

    /// The first thing of each register that contradicts its order, by register.
    fn find_contradictions(&self, view: &View<'_>, demand: Demand) -> Vec<(u32, String)> {
        let mut found: Vec<(u32, String)> = Vec::new();
        for ranks in self.order.chunk_by(|a, b| a.key == b.key) {
            if let Some(why) = contradiction(view, ranks, demand) {
                found.push((ranks[0].key, why));
            }
        }
        for txn in (0..view.len() as u32).filter(|&txn| view.acknowledged(txn)) {
            let single = matches!(view.history.op(view.operation(txn)), Op::Read { .. });
            let said = if single { view.version(txn) } else { None };
            for read in view.reads_of(txn) {
                let Some(seen) = self.of(view, read.author, read.key) else {
                    continue;
                };
                let here = || format!("the transaction of event {}", view.invocation(txn));
                let wrote = view.write_of(txn, read.key);
                if let Some(own) = wrote.and_then(|write| self.rank(write))
                    && own.version < seen.version
                    && !view.contradicts_itself(txn, read.position)
                {
                    let (own, seen) = (own.version, seen.version);
                    let why = format!("{} read version {seen} and then made {own}", here());
                    found.push((read.key, why));
                }
                if let Some(said) = said.filter(|&said| said != seen.version) {
                    let seen = seen.version;
                    let why = format!("{} says {said} of what {seen} is said of", here());
                    found.push((read.key, why));
                }
            }
        }
        found.sort();
        found.dedup_by_key(|(key, _)| *key);
        found
    }

    fn rank(&self, write: usize) -> Option<&Ranked> {
        self.order.get(self.place[write] as usize)
    }

    /// What the store says of the version that a transaction left of a register.
    fn of(&self, view: &View<'_>, author: u32, key: u32) -> Option<&Ranked> {
        match author {
            NONE | INIT => None,
            author => self.rank(view.write_of(author, key)?),
        }
    }

    /// The writers of each register whose order counts, first to last: the register, the number
    /// of the write, and the transaction.
    pub(in super::super) fn writers(&self) -> impl Iterator<Item = (u32, u32, u32)> {
        self.order
            .iter()
            .map(|rank| (rank.key, rank.write, rank.txn))
    }

    /// Of each register whether the store tells the versions of all its writers, and the order
    /// counts.
    pub(in super::super) fn whole(&self, view: &View<'_>) -> Vec<bool> {
        let mut whole = vec![false; view.keys.len()];
        for rank in &self.order {
            whole[rank.key as usize] = true;
        }
        for txn in (0..view.len() as u32).filter(|&txn| view.committed(txn)) {
            let first = view.first_write(txn);
            for (at, write) in view.writes_of(txn).iter().enumerate() {
                whole[write.key as usize] &= self.place[first + at] != NONE;
            }
        }
        whole
    }

    /// Whether the store says that one transaction's version of a register came before another's.
    pub(in super::super) fn precedes(
        &self,
        view: &View<'_>,
        before: u32,
        after: u32,
        key: u32,
    ) -> bool {
        let rank = |txn| self.of(view, txn, key).map(|rank| rank.version);
        rank(before).zip(rank(after)).is_some_and(|(a, b)| a < b)
    }
}

/// What contradicts the order of the writes of one register, if anything does.
fn contradiction(view: &View<'_>, ranks: &[Ranked], demand: Demand) -> Option<String> {
    let event = |rank: &Ranked| view.invocation(rank.txn);
    if let Some(same) = ranks
        .windows(2)
        .find(|pair| pair[0].version == pair[1].version)
    {
        let (one, other) = (event(&same[0]), event(&same[1]));
        let version = same[0].version;
        return Some(format!(
            "the transactions of events {one} and {other} both made version {version}"
        ));
    }
    if demand == Demand::Data {
        return None;
    }
    // As versions ascend, the writer that began last, of each session and of all.
    let mut last: rustc_hash::FxHashMap<u32, &Ranked> = rustc_hash::FxHashMap::default();
    let mut latest: Option<&Ranked> = None;
    for rank in ranks {
        let operation = view.operation(rank.txn);
        let before = last.get(&operation.session).copied();
        if before.is_none_or(|before| event(before) < event(rank)) {
            last.insert(operation.session, rank);
        }
        let ended = |later: &Ranked| {
            let begun = view.invocation(later.txn);
            operation.outcome == polygraph_history::Outcome::Ok
                && operation.complete.is_some_and(|end| end < begun)
        };
        let in_session = before.filter(|before| ended(before));
        let in_time = latest.filter(|_| demand == Demand::RealTime);
        let in_time = in_time.filter(|latest| operation.precedes(view.operation(latest.txn)));
        if let Some(earlier) = in_session.or(in_time) {
            return Some(format!(
                "the transaction of event {} made version {} after that of event {} had made {}",
                event(earlier),
                earlier.version,
                event(rank),
                rank.version
            ));
        }
        if latest.is_none_or(|latest| view.operation(latest.txn).start <= operation.start) {
            latest = Some(rank);
        }
    }
    None
}
