//! Levels that look inside of transactions: at which versions of which keys they read and wrote,
//! and in which order.

use crate::graph::{Edge, Graph};

use super::access::{Access, LAST};
use super::model::Model;
use super::relations::{IN_SESSION, RW, WR, WW};
use super::shapes::{Found, Look};
use super::view::NONE;

/// The transactions of a component, with what each of them did.
pub(super) struct Inside<'l, 'c, M> {
    look: &'l Look<'l, 'c, M>,
    accesses: Vec<Access>,
    /// Where those of a transaction begin; one more than there are transactions.
    first: Vec<usize>,
    /// Versions that were written here: key, version, transaction of the component; sorted.
    written: Vec<(u32, u32, u32)>,
}

impl<'l, 'c, M: Model> Inside<'l, 'c, M> {
    pub(super) fn new(look: &'l Look<'_, 'c, M>) -> Option<Inside<'l, 'c, M>> {
        let part = look.part;
        let mut inside = Inside {
            look,
            accesses: Vec::new(),
            first: vec![0],
            written: Vec::new(),
        };
        for txn in 0..part.txns {
            let shown = look.model.accesses(part.number(txn), &mut inside.accesses);
            if !shown {
                return None;
            }
            inside.first.push(inside.accesses.len());
        }
        for txn in 0..part.txns {
            let writes = inside.of(txn).iter().filter(|access| access.write);
            let writes: Vec<_> = writes
                .map(|access| (access.key, access.version, txn))
                .collect();
            inside.written.extend(writes);
        }
        inside.written.sort_unstable();
        Some(inside)
    }

    fn of(&self, txn: u32) -> &[Access] {
        &self.accesses[self.first[txn as usize]..self.first[txn as usize + 1]]
    }

    /// The first write of a key after a version, as a place in `written`.
    fn missed(&self, access: &Access) -> Option<usize> {
        let place = (self.written)
            .partition_point(|&(key, version, _)| (key, version) <= (access.key, access.version));
        let found = self.written.get(place)?;
        (found.0 == access.key).then_some(place)
    }

    pub(super) fn fractured(&self, later: bool, steps: &mut u64) -> Found {
        let part = self.look.part;
        for reader in 0..part.txns {
            let accesses = self.of(reader);
            for seen in accesses.iter().filter(|access| !access.write) {
                let Some(writer) = part.local(seen.of).filter(|&writer| writer != reader) else {
                    continue;
                };
                for write in self.of(writer).iter().filter(|access| access.write) {
                    *steps = steps.saturating_sub(accesses.len() as u64);
                    let missing = accesses.iter().any(|access| {
                        !access.write
                            && access.key == write.key
                            && access.version < write.version
                            && access.position != seen.position
                            && (!later || seen.position < access.position)
                    });
                    if missing {
                        return Found::Fractured {
                            reader: part.number(reader),
                            writer: part.number(writer),
                            later,
                        };
                    }
                }
                if *steps == 0 {
                    return Found::OutOfSteps;
                }
            }
        }
        Found::Nothing
    }

    /// Chains of the versions of each key, from this node on: from each there leads a way to the
    /// writers of it and all later ones.
    fn chains(&self, first: u32, edges: &mut Vec<Edge>) {
        for (at, &(key, _, writer)) in self.written.iter().enumerate() {
            let from = first + at as u32;
            let mut add = |to| {
                edges.push(Edge {
                    from,
                    to,
                    label: RW,
                });
            };
            add(writer);
            if self.written.get(at + 1).is_some_and(|next| next.0 == key) {
                add(from + 1);
            }
        }
    }

    /// A transaction that misses a write of one that it depends on by reads and sessions.
    pub(super) fn causal(&self, steps: &mut u64) -> Found {
        let look = self.look;
        let part = look.part;
        let nodes = part.graph.nodes() as u32;
        // Each transaction has a second node where ways end, then come the chains.
        let first = nodes + part.txns;
        let mut edges = Vec::new();
        for from in 0..part.txns {
            for (to, label) in part.graph.edges(from) {
                if label & look.labels & (WR | IN_SESSION) != 0 {
                    edges.push(Edge { from, to, label });
                    edges.push(Edge {
                        from,
                        to: nodes + to,
                        label,
                    });
                }
            }
        }
        self.chains(first, &mut edges);
        let mut starts = Vec::new();
        for txn in 0..part.txns {
            for access in self.of(txn).iter().filter(|access| !access.write) {
                if let Some(place) = self.missed(access) {
                    starts.push((nodes + txn, first + place as u32));
                }
            }
        }
        let graph = Graph::new(first as usize + self.written.len(), &edges);
        match look.close(&graph, |_, _| true, &starts, steps) {
            Err(found) => found,
            Ok(back) => {
                let mut walk = vec![(back.goal - nodes, RW)];
                walk.extend(look.transactions(back.way));
                look.cycle(&walk)
            }
        }
    }

    /// A read that misses what an earlier operation of the same transaction depends on: Adya's
    /// unfolded graph, of all transactions at once. Each operation is a node at which ways end,
    /// for what it depends on and what the operations before it do.
    pub(super) fn monotonic(&self, steps: &mut u64) -> Found {
        let look = self.look;
        let part = look.part;
        let nodes = part.graph.nodes() as u32;
        let chains = nodes + self.accesses.len() as u32;
        let mut edges = Vec::new();
        for from in 0..part.txns {
            for (to, label) in part.graph.edges(from) {
                if label & look.labels & (WW | WR) != 0 {
                    edges.push(Edge { from, to, label });
                }
            }
        }
        self.chains(chains, &mut edges);
        let mut starts = Vec::new();
        for txn in 0..part.txns {
            let begin = self.first[txn as usize];
            for (at, access) in self.of(txn).iter().enumerate() {
                let to = nodes + (begin + at) as u32;
                let label = if access.write { WW } else { WR };
                if at > 0 {
                    edges.push(Edge {
                        from: to - 1,
                        to,
                        label,
                    });
                }
                if let Some(from) = part.local(access.of).filter(|&from| from != txn) {
                    edges.push(Edge { from, to, label });
                }
                // What the operations before a read depend on.
                if !access.write
                    && at > 0
                    && let Some(place) = self.missed(access)
                {
                    starts.push((to - 1, chains + place as u32));
                }
            }
        }
        for &(from, txn, key) in &part.tried {
            let mut accesses = self.of(txn).iter();
            let last =
                |access: &Access| access.write && (access.key, access.version) == (key, LAST);
            if let Some(at) = accesses.position(last) {
                let to = nodes + (self.first[txn as usize] + at) as u32;
                let label = WW;
                edges.push(Edge { from, to, label });
            }
        }
        let graph = Graph::new(chains as usize + self.written.len(), &edges);
        let back = match look.close(&graph, |_, _| true, &starts, steps) {
            Ok(back) => back,
            Err(found) => return found,
        };
        let access = |node: u32| &self.accesses[(node - nodes) as usize];
        let reader = self
            .first
            .partition_point(|&first| first <= (back.goal - nodes) as usize)
            - 1;
        let arrived = back.way.iter().map(|&(node, _)| node);
        let arrived = arrived
            .chain([back.goal])
            .find(|&node| node >= nodes && node < chains);
        let mut walk = vec![(reader as u32, RW)];
        walk.extend(look.transactions(back.way));
        Found::Monotonic {
            cycle: part.as_cycle(&walk),
            missed_at: access(back.goal + 1).position,
            arrived_at: arrived.map_or(NONE, |node| access(node).position),
        }
    }
}
