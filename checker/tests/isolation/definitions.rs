//! What each level means, by trying everything: all sets of unknown transactions that took place,
//! all orders of the commits and with them of the versions, and all pairs of transactions; for
//! snapshots all interleavings of their beginnings and commits.

use std::collections::{BTreeMap, BTreeSet};

use polygraph_history::{Guarantee as G, History, Key, Micro, Op, Operation, Outcome, Value};

use super::brute::{in_session, serializable, session_serializable, strict_serializable};

/// A transaction, its reads only if it was acknowledged.
struct Txn<'h> {
    operation: &'h Operation,
    micros: Vec<&'h Micro>,
}

fn txns(history: &History) -> Vec<Txn<'_>> {
    let operations = history.operations().iter();
    operations
        .map(|operation| {
            let micros = match history.op(operation) {
                Op::Txn(micros) => micros.iter().collect(),
                _ => Vec::new(),
            };
            Txn { operation, micros }
        })
        .collect()
}

impl Txn<'_> {
    fn acknowledged(&self) -> bool {
        self.operation.outcome == Outcome::Ok
    }

    fn appends<'t>(&'t self, list: &'t Key) -> impl Iterator<Item = (usize, &'t Value)> {
        let micros = self.micros.iter().enumerate();
        micros.filter_map(move |(at, micro)| match micro {
            Micro::Append { key, value } if key == list => Some((at, value)),
            _ => None,
        })
    }

    fn writes(&self, list: &Key) -> bool {
        self.appends(list).next().is_some()
    }

    fn only_reads(&self) -> bool {
        self.micros
            .iter()
            .all(|micro| matches!(micro, Micro::Read { .. }))
    }

    fn reads(&self) -> Vec<(usize, &Key, &[Value])> {
        if !self.acknowledged() {
            return Vec::new();
        }
        let micros = self.micros.iter().enumerate();
        micros
            .filter_map(|(at, micro)| match micro {
                Micro::Read {
                    key,
                    value: Some(value),
                } => Some((at, key, value.elements()?)),
                _ => None,
            })
            .collect()
    }

    /// Whether each read is what the ones before it and the appends since demand.
    fn is_consistent(&self) -> bool {
        self.reads().iter().all(|&(at, key, shown)| {
            let reads = self.reads();
            let before = reads.iter().rev().find(|read| read.0 < at && read.1 == key);
            let since = before.map_or(0, |read| read.0);
            let own: Vec<&Value> = self
                .appends(key)
                .filter(|&(place, _)| place < at && place >= since)
                .map(|(_, value)| value)
                .collect();
            match before {
                Some(before) => before.2.iter().chain(own).eq(shown),
                None => shown.len() >= own.len() && shown[shown.len() - own.len()..].iter().eq(own),
            }
        })
    }
}

/// Every level and whether some execution that keeps it explains the history. Of histories
/// without elements that were appended twice.
pub(crate) fn levels(history: &History) -> BTreeMap<G, bool> {
    let everybody = txns(history);
    let (failed, txns): (Vec<_>, Vec<_>) = everybody
        .into_iter()
        .partition(|txn| txn.operation.outcome == Outcome::Fail);
    let aborted: Vec<(&Key, &Value)> = failed
        .iter()
        .flat_map(|txn| &txn.micros)
        .filter_map(|micro| match micro {
            Micro::Append { key, value } => Some((key, value)),
            _ => None,
        })
        .collect();
    let mut truth: BTreeMap<G, bool> = BTreeMap::new();
    for level in polygraph_checker::isolation::LEVELS {
        truth.insert(*level, false);
    }
    truth.remove(&G::CursorStability);
    truth.insert(G::Serializable, serializable(history));
    truth.insert(G::RepeatableRead, serializable(history));
    truth.insert(G::StrongSessionSerializable, session_serializable(history));
    truth.insert(G::StrictSerializable, strict_serializable(history));
    for (level, before) in [
        (
            G::SnapshotIsolation,
            (|_, _| false) as fn(&Operation, &Operation) -> bool,
        ),
        (G::StrongSessionSnapshotIsolation, in_session),
        (G::StrongSnapshotIsolation, |a, b| a.precedes(b)),
    ] {
        truth.insert(level, Snapshots::new(&txns, before).explain());
    }
    let unknown: Vec<usize> = (0..txns.len())
        .filter(|&at| !txns[at].acknowledged())
        .collect();
    for subset in 0..1_u32 << unknown.len() {
        let chosen: Vec<usize> = (0..txns.len())
            .filter(|&at| {
                let place = unknown.iter().position(|&other| other == at);
                place.is_none_or(|place| subset & 1 << place != 0)
            })
            .collect();
        permute(&txns, &aborted, chosen, 0, &mut truth);
    }
    truth
}

fn permute(
    txns: &[Txn<'_>],
    aborted: &[(&Key, &Value)],
    mut order: Vec<usize>,
    from: usize,
    truth: &mut BTreeMap<G, bool>,
) {
    if from >= order.len() {
        let order: Vec<&Txn<'_>> = order.iter().map(|&at| &txns[at]).collect();
        for (level, holds) in Execution::new(&order, txns, aborted).levels() {
            if let Some(known) = truth.get_mut(&level) {
                *known |= holds;
            }
        }
        return;
    }
    for at in from..order.len() {
        order.swap(from, at);
        permute(txns, aborted, order.clone(), from + 1, truth);
        order.swap(from, at);
    }
}

type Relation = Vec<Vec<bool>>;

/// A read: its position, list, what it saw, and who wrote that.
type Sourced<'e> = (usize, &'e Key, &'e [Value], Option<usize>);

/// Transactions in the order of their commits, which is that of their versions too.
struct Execution<'e, 'h> {
    order: &'e [&'e Txn<'h>],
    everybody: &'e [Txn<'h>],
    /// What failed transactions tried to append.
    aborted: &'e [(&'e Key, &'e Value)],
    lists: BTreeMap<&'e Key, Vec<(usize, &'e Value)>>,
}

impl<'e, 'h> Execution<'e, 'h> {
    fn new(
        order: &'e [&'e Txn<'h>],
        everybody: &'e [Txn<'h>],
        aborted: &'e [(&'e Key, &'e Value)],
    ) -> Self {
        let mut lists: BTreeMap<&Key, Vec<(usize, &Value)>> = BTreeMap::new();
        for (at, txn) in order.iter().enumerate() {
            for micro in &txn.micros {
                if let Micro::Append { key, value } = micro {
                    lists.entry(key).or_default().push((at, value));
                }
            }
        }
        Execution {
            order,
            everybody,
            aborted,
            lists,
        }
    }

    fn list(&self, key: &Key) -> &[(usize, &'e Value)] {
        self.lists.get(key).map_or(&[], Vec::as_slice)
    }

    /// Whether the reads of lists that do not contradict one another show states of the lists,
    /// but for elements that were not committed.
    fn read_uncommitted(&self) -> bool {
        let reads = || self.order.iter().flat_map(|txn| txn.reads());
        let written = |key: &Key, value: &Value| {
            let all = self.everybody.iter();
            all.flat_map(|txn| txn.appends(key))
                .any(|(_, other)| other == value)
                || self.aborted.contains(&(key, value))
        };
        let agree = |a: &[Value], b: &[Value]| a.starts_with(b) || b.starts_with(a);
        reads().all(|(_, key, shown)| {
            let mut once = shown.to_vec();
            once.sort();
            once.dedup();
            let contradictory = reads().any(|(_, one, a)| {
                one == key && reads().any(|(_, two, b)| two == key && !agree(a, b))
            });
            let list = self.list(key);
            let committed: Vec<&Value> = shown
                .iter()
                .filter(|value| list.iter().any(|(_, other)| other == value))
                .collect();
            let prefix = list.iter().map(|&(_, value)| value).take(committed.len());
            once.len() == shown.len()
                && (contradictory || committed.iter().copied().eq(prefix))
                && shown.iter().all(|value| written(key, value))
        })
    }

    /// The writer of the version that was read: `Err` if it is none.
    fn source(
        &self,
        reader: usize,
        at: usize,
        key: &Key,
        shown: &[Value],
    ) -> Result<Option<usize>, ()> {
        let list = self.list(key);
        if shown.len() > list.len() || !shown.iter().eq(list[..shown.len()].iter().map(|e| e.1)) {
            return Err(());
        }
        // Nothing that the reader itself appends later.
        let future = self.order[reader]
            .appends(key)
            .any(|(place, value)| place > at && shown.contains(value));
        if future {
            return Err(());
        }
        let Some(last) = shown.len().checked_sub(1).map(|last| list[last].0) else {
            return Ok(None);
        };
        let intermediate = list.get(shown.len()).is_some_and(|next| next.0 == last);
        match last == reader {
            true => Ok(None),
            false if intermediate => Err(()),
            false => Ok(Some(last)),
        }
    }

    fn levels(&self) -> Vec<(G, bool)> {
        let count = self.order.len();
        let none = || vec![vec![false; count]; count];
        let mut holds = vec![(G::ReadUncommitted, self.read_uncommitted())];
        let (mut wr, mut ww, mut so, mut missed) = (none(), none(), none(), none());
        // Of each transaction what it read, at which position, from whom.
        let mut sources: Vec<Vec<Sourced<'_>>> = Vec::new();
        for (at, txn) in self.order.iter().enumerate() {
            sources.push(Vec::new());
            for (position, key, shown) in txn.reads() {
                let Ok(source) = self.source(at, position, key, shown) else {
                    return holds;
                };
                if let Some(source) = source {
                    wr[source][at] = true;
                }
                for &(writer, _) in self.list(key).iter().skip(shown.len()) {
                    missed[at][writer] |= writer != at;
                }
                sources[at].push((position, key, shown, source));
            }
        }
        for a in 0..count {
            for b in 0..count {
                so[a][b] = in_session(self.order[a].operation, self.order[b].operation);
                ww[a][b] = a < b
                    && self
                        .lists
                        .keys()
                        .any(|key| self.order[a].writes(key) && self.order[b].writes(key));
            }
        }
        let forward = |relation: &Relation| (0..count).all(|a| (0..=a).all(|b| !relation[a][b]));
        if !forward(&wr) {
            return holds;
        }
        holds.push((G::ReadCommitted, true));
        let lacks = |key: &Key, shown: &[Value], writer: usize| {
            self.order[writer]
                .appends(key)
                .any(|(_, value)| !shown.contains(value))
        };
        let vanishes = (0..count).any(|at| {
            sources[at].iter().any(|&(seen, _, _, source)| {
                source.is_some_and(|source| {
                    sources[at]
                        .iter()
                        .any(|&(later, key, shown, _)| later > seen && lacks(key, shown, source))
                })
            })
        });
        holds.push((G::MonotonicAtomicView, !vanishes));
        let dep = closure(&union(&wr, &ww));
        let backward = (0..count).any(|at| {
            sources[at].iter().any(|&(position, key, shown, _)| {
                (0..count)
                    .filter(|&other| other != at && lacks(key, shown, other))
                    .any(|other| {
                        // What earlier operations depend on.
                        let read = sources[at]
                            .iter()
                            .filter(|earlier| earlier.0 < position)
                            .filter_map(|earlier| earlier.3);
                        let wrote = (0..at).filter(|&before| {
                            self.lists.keys().any(|list| {
                                self.order[before].writes(list)
                                    && self.order[at]
                                        .appends(list)
                                        .any(|(place, _)| place < position)
                            })
                        });
                        let mut all = read.chain(wrote);
                        all.any(|source| source == other || dep[other][source])
                    })
            })
        });
        holds.push((G::MonotonicView, !backward));
        if !self.order.iter().all(|txn| txn.is_consistent()) {
            return holds;
        }
        let meets =
            |a: &Relation, b: &Relation| (0..count).any(|x| (0..count).any(|y| a[x][y] && b[y][x]));
        holds.push((G::ReadAtomic, !meets(&wr, &missed)));
        holds.push((G::ConsistentView, !meets(&dep, &missed)));
        let all = union(&union(&wr, &ww), &missed);
        let reader_free = |extra: Option<usize>| {
            let in_it = |at: usize| !self.order[at].only_reads() || Some(at) == extra;
            let mut part = none();
            for a in (0..count).filter(|&a| in_it(a)) {
                for b in (0..count).filter(|&b| in_it(b)) {
                    part[a][b] = all[a][b];
                }
            }
            let part = closure(&part);
            (0..count).all(|at| !part[at][at])
        };
        let readers = (0..count).filter(|&at| self.order[at].only_reads());
        let update = reader_free(None) && readers.into_iter().all(|at| reader_free(Some(at)));
        holds.push((G::UpdateSerializable, update));
        if !forward(&so) {
            return holds;
        }
        let causes = closure(&union(&so, &wr));
        holds.push((G::TransactionalCausal, !meets(&causes, &missed)));
        let seen = closure(&union(&union(&so, &wr), &ww));
        holds.push((G::ParallelSnapshotIsolation, !meets(&seen, &missed)));
        let near = union(&so, &wr);
        let prefix = (0..count).all(|reader| {
            let last = (0..count).filter(|&at| near[at][reader]).max();
            last.is_none_or(|last| (0..=last).all(|other| !missed[reader][other]))
        });
        holds.push((G::PrefixConsistency, prefix));
        holds
    }
}

fn union(a: &Relation, b: &Relation) -> Relation {
    let rows = a.iter().zip(b);
    rows.map(|(a, b)| a.iter().zip(b).map(|(a, b)| a | b).collect())
        .collect()
}

fn closure(relation: &Relation) -> Relation {
    let mut closed = relation.clone();
    for via in 0..closed.len() {
        for from in 0..closed.len() {
            if closed[from][via] {
                let reached = closed[via].clone();
                let row = closed[from].iter_mut().zip(reached);
                row.for_each(|(known, reached)| *known |= reached);
            }
        }
    }
    closed
}

type Lists<'t> = BTreeMap<&'t Key, Vec<&'t Value>>;

/// All interleavings of beginnings and commits: a transaction sees what was committed when it
/// began, and commits only if nobody committed a write of a list of its own since.
struct Snapshots<'t, 'h> {
    txns: &'t [Txn<'h>],
    /// Pairs of which the first commits before the second begins.
    before: Vec<Vec<bool>>,
}

#[derive(Clone)]
struct State<'t> {
    lists: Lists<'t>,
    /// What open transactions began with, and the lists that others changed since.
    open: Vec<Option<(Lists<'t>, BTreeSet<&'t Key>)>>,
    committed: Vec<bool>,
}

impl<'t, 'h> Snapshots<'t, 'h> {
    fn new(txns: &'t [Txn<'h>], before: fn(&Operation, &Operation) -> bool) -> Self {
        let row = |a: &Txn<'_>| {
            let others = txns.iter();
            others.map(|b| before(a.operation, b.operation)).collect()
        };
        Snapshots {
            txns,
            before: txns.iter().map(row).collect(),
        }
    }

    fn explain(&self) -> bool {
        self.go(&State {
            lists: Lists::new(),
            open: vec![None; self.txns.len()],
            committed: vec![false; self.txns.len()],
        })
    }

    fn go(&self, state: &State<'t>) -> bool {
        let needed = |at: usize| self.txns[at].acknowledged() && !state.committed[at];
        if !(0..self.txns.len()).any(needed) {
            return true;
        }
        for at in (0..self.txns.len()).filter(|&at| !state.committed[at]) {
            let mut next = state.clone();
            match &state.open[at] {
                None => {
                    let waits =
                        (0..self.txns.len()).any(|other| needed(other) && self.before[other][at]);
                    if waits || !self.explains(at, &state.lists) {
                        continue;
                    }
                    next.open[at] = Some((state.lists.clone(), BTreeSet::new()));
                }
                Some((_, changed)) => {
                    if changed.iter().any(|key| self.txns[at].writes(key)) {
                        continue;
                    }
                    next.open[at] = None;
                    next.committed[at] = true;
                    for micro in &self.txns[at].micros {
                        if let Micro::Append { key, value } = micro {
                            next.lists.entry(key).or_default().push(value);
                            for (_, changed) in next.open.iter_mut().flatten() {
                                changed.insert(key);
                            }
                        }
                    }
                }
            }
            if self.go(&next) {
                return true;
            }
        }
        false
    }

    /// Whether a transaction that began with these lists read what it did.
    fn explains(&self, at: usize, lists: &Lists<'t>) -> bool {
        let txn = &self.txns[at];
        let mut lists = lists.clone();
        let acknowledged = txn.acknowledged();
        txn.micros.iter().all(|micro| match micro {
            Micro::Append { key, value } => {
                lists.entry(key).or_default().push(value);
                true
            }
            Micro::Read {
                key,
                value: Some(value),
            } if acknowledged => {
                let list = lists.get(key).map_or(&[][..], Vec::as_slice);
                value
                    .elements()
                    .is_some_and(|shown| shown.iter().eq(list.iter().copied()))
            }
            _ => true,
        })
    }
}
