//! What the axioms of monotonic atomic view and read atomic force.
//!
//! Møldrup and Pavlogiannis, *AWDIT*, PLDI 2025, sections 4 and 5: of the two sets of registers
//! that have to be intersected, what a transaction wrote and what the reader read, the smaller is
//! gone through; O(n^1.5) in all.

use polygraph_history::Operation;
use rustc_hash::FxHashMap;

use super::super::register::{Chains, INIT, NONE, View};
use super::order::Forced;

/// Transactions with at most so many reads are compared pair by pair.
const FEW: usize = 8;

/// Something that is known of a register, of one transaction only.
#[derive(Clone, Copy)]
struct Known {
    txn: u32,
    first: u32,
    second: u32,
}

const UNKNOWN: Known = Known {
    txn: NONE,
    first: NONE,
    second: NONE,
};

/// A reader that has read from a transaction may not read anything older than that one's writes
/// from then on.
pub(super) fn monotonic(view: &View<'_>, mut force: impl FnMut(Forced)) {
    // Of each register the author of its next read and the next other author.
    let mut next = vec![UNKNOWN; view.keys.len()];
    let mut first_read: FxHashMap<u32, usize> = FxHashMap::default();
    let mut later: Vec<u32> = Vec::new();
    for reader in 0..view.len() as u32 {
        let reads = view.reads_of(reader);
        if reads.len() < 2 {
            continue;
        }
        if reads.len() <= FEW {
            for (at, seen) in reads.iter().enumerate() {
                let known = reads[..at].iter().any(|read| read.author == seen.author);
                if seen.author >= INIT || known {
                    continue;
                }
                for read in &reads[at + 1..] {
                    compare(view, reader, seen.author, read.key, read.author, &mut force);
                }
            }
            continue;
        }
        first_read.clear();
        for (at, read) in reads.iter().enumerate() {
            first_read.entry(read.author).or_insert(at);
        }
        later.clear();
        for (at, read) in reads.iter().enumerate().rev() {
            if read.author < INIT && first_read[&read.author] == at {
                for_each_common(view, read.author, &later, |key| {
                    let known = next[key as usize];
                    if known.txn != reader {
                        return;
                    }
                    let author = match known.first == read.author {
                        true => known.second,
                        false => known.first,
                    };
                    compare(view, reader, read.author, key, author, &mut force);
                });
            }
            // The next author stands for all behind it: it wrote the register, too, and is read
            // from before they are.
            let known = &mut next[read.key as usize];
            if known.txn != reader {
                later.push(read.key);
                *known = Known {
                    txn: reader,
                    first: read.author,
                    second: NONE,
                };
            } else if read.author != NONE && known.first != read.author {
                if known.first != NONE {
                    known.second = known.first;
                }
                known.first = read.author;
            }
        }
    }
}

/// A reader that reads from a transaction anywhere may not read anything older than that one's
/// writes. Of each register its first read counts; others that differ are faults by themselves.
pub(super) fn atomic(view: &View<'_>, mut force: impl FnMut(Forced)) {
    let mut first = vec![UNKNOWN; view.keys.len()];
    let mut keys: Vec<u32> = Vec::new();
    let mut authors: Vec<u32> = Vec::new();
    for reader in 0..view.len() as u32 {
        let reads = view.reads_of(reader);
        if reads.len() < 2 {
            continue;
        }
        if reads.len() <= FEW {
            for (at, seen) in reads.iter().enumerate() {
                let known = reads[..at].iter().any(|read| read.author == seen.author);
                if seen.author >= INIT || known {
                    continue;
                }
                for (place, read) in reads.iter().enumerate() {
                    if place == at || reads[..place].iter().any(|other| other.key == read.key) {
                        continue;
                    }
                    compare(view, reader, seen.author, read.key, read.author, &mut force);
                }
            }
            continue;
        }
        keys.clear();
        for read in reads {
            let known = &mut first[read.key as usize];
            if known.txn != reader {
                keys.push(read.key);
                *known = Known {
                    txn: reader,
                    first: read.author,
                    second: NONE,
                };
            }
        }
        authors.clear();
        authors.extend(reads.iter().map(|read| read.author));
        authors.retain(|&author| author < INIT);
        authors.sort_unstable();
        authors.dedup();
        for &author in &authors {
            for_each_common(view, author, &keys, |key| {
                let known = first[key as usize];
                if known.txn == reader {
                    compare(view, reader, author, key, known.first, &mut force);
                }
            });
        }
    }
}

/// Reader read `key` from `author` and has seen `seen`, which must come before then.
fn compare(
    view: &View<'_>,
    reader: u32,
    seen: u32,
    key: u32,
    author: u32,
    force: &mut impl FnMut(Forced),
) {
    if author != NONE && author != seen && view.wrote(seen, key) {
        force(Forced {
            before: seen,
            after: author,
            reader,
            key,
        });
    }
}

/// Calls `found` at least for each of `keys` that a transaction wrote.
fn for_each_common(view: &View<'_>, txn: u32, keys: &[u32], mut found: impl FnMut(u32)) {
    let writes = view.writes_of(txn);
    if writes.len() <= keys.len() {
        for write in writes {
            found(write.key);
        }
    } else {
        for &key in keys.iter().filter(|&&key| view.wrote(txn, key)) {
            found(key);
        }
    }
}

/// A reader may not read anything older than what its session wrote before.
pub(super) fn in_sessions(view: &View<'_>, chains: &Chains, mut force: impl FnMut(Forced)) {
    // Of each register the last transaction of the chain at hand that wrote it.
    let mut last = vec![(NONE, NONE); view.keys.len()];
    for (chain, txns) in chains.members().enumerate() {
        for &reader in txns {
            for read in view.reads_of(reader) {
                let (of, writer) = last[read.key as usize];
                if of == chain as u32 && writer != read.author && read.author != NONE {
                    force(Forced {
                        before: writer,
                        after: read.author,
                        reader,
                        key: read.key,
                    });
                }
            }
            for write in view.writes_of(reader) {
                last[write.key as usize] = (chain as u32, reader);
            }
        }
    }
    if !chains.across.is_empty() {
        across_chains(view, chains, force);
    }
}

/// The same for sessions that are several chains.
fn across_chains(view: &View<'_>, chains: &Chains, mut force: impl FnMut(Forced)) {
    let mut split: Vec<u32> = chains
        .across
        .iter()
        .map(|&(_, txn)| view.operation(txn).session)
        .collect();
    split.sort_unstable();
    split.dedup();
    // By session and register who wrote it, in the order of invocations.
    let mut writers: FxHashMap<(u32, u32), Vec<u32>> = FxHashMap::default();
    for reader in (0..view.len() as u32).filter(|&txn| view.committed(txn)) {
        let operation = view.operation(reader);
        if split.binary_search(&operation.session).is_err() {
            continue;
        }
        for read in view
            .reads_of(reader)
            .iter()
            .filter(|read| read.author != NONE)
        {
            let Some(known) = writers.get(&(operation.session, read.key)) else {
                continue;
            };
            // Those that no later one stands for.
            let earlier = || {
                known
                    .iter()
                    .filter(|&&txn| ends_before(view, txn, operation))
            };
            let latest = earlier().map(|&txn| view.invocation(txn)).max();
            let front = earlier().filter(|&&txn| {
                let end = view.operation(txn).complete;
                latest.is_some_and(|start| end.is_some_and(|end| end >= start))
            });
            for &writer in front.filter(|&&writer| writer != read.author) {
                force(Forced {
                    before: writer,
                    after: read.author,
                    reader,
                    key: read.key,
                });
            }
        }
        if view.acknowledged(reader) {
            for write in view.writes_of(reader) {
                let known = writers.entry((operation.session, write.key)).or_default();
                known.push(reader);
            }
        }
    }
}

fn ends_before(view: &View<'_>, txn: u32, other: &Operation) -> bool {
    let end = view.operation(txn).complete;
    end.is_some_and(|end| end < other.invoke)
}
