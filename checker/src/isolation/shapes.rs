//! Whether one strongly connected component has a cycle of the shape that a level proscribes.
//!
//! Each shape is decided completely: as a cycle of a graph (for *no two in a row* and *prefix* of
//! one with every node twice, by what may follow), or as an edge that closes a cycle of an acyclic
//! one (`reach`). Only what is not linear there is bounded by steps.

use crate::graph::{Edge, Graph, Labels};

use super::access::{Access, LAST};
use super::cycles::{Cycle, Part};
use super::level::{Level, Shape};
use super::model::Model;
use super::reach::closed;
use super::relations::{IN_SESSION, MISSED, RW, WR, WW};
use super::view::NONE;
use super::{Suffix, ring};

/// What was found in a component.
pub(super) enum Found {
    /// There is no such cycle.
    Nothing,
    Cycle(Cycle),
    /// A transaction misses a write of one of which it saw another, by number.
    Fractured {
        reader: u32,
        writer: u32,
        /// By a later read.
        later: bool,
    },
    /// A cycle that leaves its first transaction by a read at one position, and comes back to it
    /// at an earlier one.
    Monotonic {
        cycle: Cycle,
        missed_at: u32,
        arrived_at: u32,
    },
    /// The steps did not suffice.
    OutOfSteps,
    /// The data model does not tell what the level is about.
    NotShown,
}

impl Found {
    /// Whether it is evidence.
    pub(super) const fn is_violation(&self) -> bool {
        matches!(
            self,
            Found::Cycle(_) | Found::Fractured { .. } | Found::Monotonic { .. }
        )
    }
}

/// Looks for such a cycle with the weakest orders that one needs.
pub(super) fn look(part: &Part<'_>, level: Level, model: &impl Model, steps: &mut u64) -> Found {
    let mut rest = Found::Nothing;
    let mut before = 0;
    for suffix in Suffix::ALL {
        // Whatever is left counts in the last.
        let labels = match suffix {
            Suffix::Realtime => level.labels,
            _ => level.labels & suffix.labels(),
        };
        if labels == before {
            continue;
        }
        before = labels;
        match (Look {
            part,
            labels,
            model,
        })
        .shape(level.shape, steps)
        {
            Found::Nothing => {}
            found if found.is_violation() => return found,
            found => rest = found,
        }
    }
    rest
}

struct Look<'p, 'c, M> {
    part: &'p Part<'c>,
    labels: Labels,
    model: &'p M,
}

impl<M: Model> Look<'_, '_, M> {
    fn shape(&self, shape: Shape, steps: &mut u64) -> Found {
        match shape {
            Shape::Writes | Shape::Any | Shape::NeverShown => self.ring(self.labels),
            Shape::NoneInARow => self.doubled(|_| true, steps),
            Shape::Prefix => self.doubled(|label| label & (WR | IN_SESSION) != 0, steps),
            Shape::OneMissed => self.without_missed(|| self.one_missed(steps)),
            Shape::OneReader => self.one_reader(steps),
            Shape::Fractured { later } => {
                self.without_missed(|| self.inside(|inside| inside.fractured(later, steps)))
            }
            Shape::Causal => self.without_missed(|| self.inside(|inside| inside.causal(steps))),
            Shape::Monotonic => {
                self.without_missed(|| self.inside(|inside| inside.monotonic(steps)))
            }
        }
    }

    /// Some cycle of these labels, if there is one.
    fn ring(&self, labels: Labels) -> Found {
        match ring::shortest(&self.part.graph, labels) {
            None => Found::Nothing,
            Some(walk) => self.cycle(&ring::simple(self.transactions(walk), |_| true)),
        }
    }

    /// First a cycle of which no edge is a read that missed a write.
    fn without_missed(&self, then: impl FnOnce() -> Found) -> Found {
        match self.ring(self.labels & !MISSED) {
            Found::Nothing => then(),
            found => found,
        }
    }

    /// Of a walk through the component the transactions, each with the label of the edge by which
    /// it is left.
    fn transactions(&self, mut walk: Vec<(u32, Labels)>) -> Vec<(u32, Labels)> {
        walk.retain(|&(node, _)| node < self.part.txns);
        walk
    }

    fn cycle(&self, walk: &[(u32, Labels)]) -> Found {
        Found::Cycle(self.part.as_cycle(walk))
    }

    /// A cycle in which what missed a write follows only edges after which it `may`.
    fn doubled(&self, may: impl Fn(Labels) -> bool + Copy, steps: &mut u64) -> Found {
        let part = self.part;
        let graph = doubled(part, self.labels, may);
        *steps = steps.saturating_sub(graph.edge_count() as u64);
        let Some(walk) = ring::shortest(&graph, self.labels) else {
            return Found::Nothing;
        };
        let walk = walk
            .iter()
            .map(|&(node, label)| (node / 2, label))
            .collect();
        let fits = |walk: &[(u32, Labels)]| {
            (0..walk.len()).all(|at| {
                let before = walk[(at + walk.len() - 1) % walk.len()].1;
                walk[at].1 & MISSED == 0 || (before & MISSED == 0 && may(before))
            })
        };
        self.cycle(&ring::simple(self.transactions(walk), fits))
    }

    /// A read that missed a write, and from that write a way back.
    fn one_missed(&self, steps: &mut u64) -> Found {
        let part = self.part;
        let (missed, rest) = (self.labels & MISSED, self.labels & !MISSED);
        let follows = |node: u32, label: Labels| {
            label & rest != 0 || (part.is_meeting(node) && label & missed != 0)
        };
        let starts = || {
            (0..part.txns).flat_map(|from| {
                let edges = part.graph.edges(from);
                edges
                    .filter(|&(_, label)| label & missed != 0)
                    .map(move |(to, label)| (from, to, label))
            })
        };
        let edges: Vec<(u32, u32)> = starts().map(|(from, to, _)| (from, to)).collect();
        let back = match self.close(&part.graph, follows, &edges, steps) {
            Ok(back) => back,
            Err(found) => return found,
        };
        let label = starts().find(|&(from, to, _)| from == back.goal && to == back.start);
        let mut walk = vec![(back.goal, label.map_or(RW, |(.., label)| label))];
        walk.extend(self.transactions(back.way));
        self.cycle(&walk)
    }

    /// The shortest way that closes one of these edges, by what follows in an acyclic graph.
    fn close(
        &self,
        graph: &Graph,
        follows: impl Fn(u32, Labels) -> bool + Copy,
        edges: &[(u32, u32)],
        steps: &mut u64,
    ) -> Result<ring::Way, Found> {
        // What was asked for is acyclic, or its cycle would have been found.
        let Some(closed) = closed(graph, follows, edges, steps) else {
            return Err(Found::OutOfSteps);
        };
        match ring::best_way(graph, follows, &closed.edges) {
            Some(way) => Ok(way),
            None if closed.complete => Err(Found::Nothing),
            None => Err(Found::OutOfSteps),
        }
    }

    /// A cycle with at most one transaction that only reads.
    fn one_reader(&self, steps: &mut u64) -> Found {
        let part = self.part;
        let reads_only =
            |node: u32| node < part.txns && !self.model.writes_something(part.number(node));
        let mut edges = Vec::new();
        let mut starts = Vec::new();
        for from in 0..part.graph.nodes() as u32 {
            for (to, label) in part.graph.edges(from) {
                if label & self.labels == 0 {
                    continue;
                }
                if reads_only(from) {
                    starts.push((from, to));
                } else {
                    edges.push(Edge { from, to, label });
                }
            }
        }
        let graph = Graph::new(part.graph.nodes(), &edges);
        if let Some(walk) = ring::shortest(&graph, self.labels) {
            return self.cycle(&ring::simple(self.transactions(walk), |_| true));
        }
        let back = match self.close(&graph, |_, _| true, &starts, steps) {
            Ok(back) => back,
            Err(found) => return found,
        };
        let mut left = part.graph.edges(back.goal);
        let label = left.find(|&(to, label)| to == back.start && label & self.labels != 0);
        let mut walk = vec![(back.goal, label.map_or(RW, |(_, label)| label))];
        walk.extend(self.transactions(back.way));
        self.cycle(&walk)
    }

    fn inside(&self, shape: impl FnOnce(&Inside<'_, '_, M>) -> Found) -> Found {
        match Inside::new(self) {
            None => Found::NotShown,
            Some(inside) => shape(&inside),
        }
    }
}

/// The graph with each node twice: `2n` where a read that missed a write may come next, `2n + 1`
/// where it must not.
fn doubled(part: &Part<'_>, labels: Labels, may: impl Fn(Labels) -> bool) -> Graph {
    let mut edges = Vec::new();
    for from in 0..part.graph.nodes() as u32 {
        for (to, label) in part.graph.edges(from) {
            if label & labels == 0 {
                continue;
            }
            let mut add = |from, to| edges.push(Edge { from, to, label });
            if label & MISSED == 0 {
                let next = 2 * to + u32::from(!may(label));
                add(2 * from, next);
                add(2 * from + 1, next);
            } else if part.is_meeting(to) {
                add(2 * from, 2 * to);
            } else {
                add(2 * from, 2 * to + 1);
            }
        }
    }
    Graph::new(2 * part.graph.nodes(), &edges)
}

/// The transactions of a component, with what each of them did.
struct Inside<'l, 'c, M> {
    look: &'l Look<'l, 'c, M>,
    accesses: Vec<Access>,
    /// Where those of a transaction begin; one more than there are transactions.
    first: Vec<usize>,
    /// Versions that were written here: key, version, transaction of the component; sorted.
    written: Vec<(u32, u32, u32)>,
}

impl<'l, 'c, M: Model> Inside<'l, 'c, M> {
    fn new(look: &'l Look<'_, 'c, M>) -> Option<Inside<'l, 'c, M>> {
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

    fn fractured(&self, later: bool, steps: &mut u64) -> Found {
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
    fn causal(&self, steps: &mut u64) -> Found {
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
    fn monotonic(&self, steps: &mut u64) -> Found {
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

/// Whether orders for writes that nobody ordered can be chosen such that the level still holds:
/// what decides with such writes unordered overlooks cycles through two of them, if levels ask
/// for a shape. `None` if no order was found within the steps.
pub(super) fn orders_exist(
    part: &Part<'_>,
    level: Level,
    model: &impl Model,
    unordered: &[(u32, Vec<u32>)],
    steps: &mut u64,
) -> Option<()> {
    let asks = matches!(
        level.shape,
        Shape::OneMissed | Shape::OneReader | Shape::NoneInARow | Shape::Monotonic
    );
    let mut groups: Vec<(u32, Vec<u32>)> = Vec::new();
    for (key, group) in unordered.iter().filter(|_| asks) {
        let here = group.iter().filter_map(|&txn| part.local(txn));
        let here: Vec<u32> = here.collect();
        if here.len() > 1 {
            groups.push((*key, here));
        }
    }
    if groups.is_empty() {
        return Some(());
    }
    // A good guess: as their transactions ended.
    for (_, group) in &mut groups {
        group.sort_by_key(|&txn| (part.end(txn), part.start(txn)));
    }
    let most = groups.iter().fold(1_u64, |most, (_, group)| {
        (1..=group.len() as u64).fold(most, u64::saturating_mul)
    });
    for attempt in 0..most.min(ATTEMPTS) {
        let mut number = attempt;
        let mut tried = Vec::new();
        for (key, group) in &groups {
            let chosen = permutation(group, &mut number);
            tried.extend(chosen.windows(2).map(|pair| (pair[0], pair[1], *key)));
        }
        let tried = part.with(tried);
        if matches!(look(&tried, level, model, steps), Found::Nothing) {
            return Some(());
        }
        // Building the graph anew and looking for its components.
        *steps = steps.saturating_sub(8 * part.graph.edge_count() as u64);
        if *steps == 0 {
            return None;
        }
    }
    None
}

/// How many orders are tried.
const ATTEMPTS: u64 = 720;

/// The permutation of this number, which is divided by how many there are; that of 0 is the order
/// at hand.
fn permutation(group: &[u32], number: &mut u64) -> Vec<u32> {
    let mut left = group.to_vec();
    let mut chosen = Vec::with_capacity(group.len());
    while *number > 0 && !left.is_empty() {
        let count = left.len() as u64;
        chosen.push(left.remove((*number % count) as usize));
        *number /= count;
    }
    chosen.extend(left);
    chosen
}
