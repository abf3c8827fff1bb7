//! The order of sessions, as chains of transactions.

use polygraph_history::Outcome;

use super::view::{NONE, View};

/// The transactions that took place, in chains: of two of one chain the earlier comes before the
/// later in their session.
///
/// As a rule a session is one chain. One that is used by several processes at once is several,
/// and a transaction of unknown outcome ends its chain: nothing follows it, for it may take effect
/// at any later time.
pub(in super::super) struct Chains {
    /// Of each transaction its chain, or [`NONE`] if it did not take place.
    pub(in super::super) of: Vec<u32>,
    /// Of each transaction how many of its chain come before it.
    pub(in super::super) place: Vec<u32>,
    /// Of each transaction the one before it in its chain, or [`NONE`].
    pub(in super::super) previous: Vec<u32>,
    /// Further pairs of which the first comes before the second in their session, sorted by the
    /// second: with `previous`, everything that a session orders follows.
    pub(in super::super) across: Vec<(u32, u32)>,
    /// How many transactions each chain has.
    pub(in super::super) lengths: Vec<u32>,
}

impl Chains {
    pub(in super::super) fn new(view: &View<'_>) -> Chains {
        let count = view.len();
        let mut chains = Chains {
            of: vec![NONE; count],
            place: vec![0; count],
            previous: vec![NONE; count],
            across: Vec::new(),
            lengths: Vec::new(),
        };
        // Of each session the acknowledged transactions that no later one can stand for.
        let mut fronts: Vec<Vec<u32>> = Vec::new();
        // Of each chain its last transaction.
        let mut last: Vec<u32> = Vec::new();
        for txn in (0..count as u32).filter(|&txn| view.committed(txn)) {
            let operation = view.operation(txn);
            let session = operation.session as usize;
            if session >= fronts.len() {
                fronts.resize(session + 1, Vec::new());
            }
            let front = &mut fronts[session];
            let ended = |before: u32| {
                let end = view.operation(before).complete;
                end.is_some_and(|end| end < operation.invoke)
            };
            if front.len() > 1 {
                // What comes before something that has ended as well needs no pair of its own.
                let starts = front.iter().filter(|&&other| ended(other));
                let latest = starts.map(|&other| view.invocation(other)).max();
                front.retain(|&other| {
                    let end = view.operation(other).complete;
                    latest.is_none_or(|start| end.is_none_or(|end| end >= start))
                });
            }
            let mut chain = NONE;
            for &before in front.iter().filter(|&&before| ended(before)) {
                let candidate = chains.of[before as usize];
                if chain == NONE && last[candidate as usize] == before {
                    chain = candidate;
                    chains.previous[txn as usize] = before;
                } else {
                    chains.across.push((before, txn));
                }
            }
            if chain == NONE {
                chain = last.len() as u32;
                last.push(NONE);
                chains.lengths.push(0);
            }
            last[chain as usize] = txn;
            chains.of[txn as usize] = chain;
            chains.place[txn as usize] = chains.lengths[chain as usize];
            chains.lengths[chain as usize] += 1;
            if operation.outcome == Outcome::Ok {
                match front.as_slice() {
                    [only] if ended(*only) => front[0] = txn,
                    _ => front.push(txn),
                }
            }
        }
        chains
    }

    /// The pairs of [`Chains::across`] that end with this transaction.
    pub(in super::super) fn across_to(&self, txn: u32) -> &[(u32, u32)] {
        if self.across.is_empty() {
            return &[];
        }
        let first = self.across.partition_point(|pair| pair.1 < txn);
        let end = self.across.partition_point(|pair| pair.1 <= txn);
        &self.across[first..end]
    }
}
