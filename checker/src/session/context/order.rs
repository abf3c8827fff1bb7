//! Whether one order of all writes extends what is required of it.

use rustc_hash::{FxHashMap, FxHashSet};

use super::{Conflict, Context, Why};
use crate::session::graph::{Edge, Graph, Zone, real_time};
use crate::session::register::{Doubt, NONE};

/// What was found across keys.
#[derive(Debug, Default)]
pub(in crate::session) struct Found {
    pub(in crate::session) conflicts: Vec<Conflict>,
    pub(in crate::session) doubts: Vec<(Doubt, u32)>,
    /// Reads of which something else had to be visible than they returned.
    pub(in crate::session) opportunities: u64,
}

/// Whose reads and writes reach a node: of each chain those before these places.
type Past = Vec<(u32, u32, u32)>;

/// The places of some nodes of one key in one chain.
type Places = FxHashMap<(u32, u32), Vec<(u32, u32)>>;

/// Facts, and why each holds.
#[derive(Default)]
struct Facts {
    edges: Vec<Edge>,
    why: Vec<Why>,
    nodes: usize,
}

impl Facts {
    fn push(&mut self, from: u32, to: u32, why: Why) {
        self.edges.push((from, to, self.why.len() as u32));
        self.why.push(why);
    }

    fn graph(&self) -> Graph {
        Graph::new(self.nodes, &self.edges)
    }
}

/// Decides it; of the keys in `cyclic` it is known that their orders contradict each other.
pub(in crate::session) fn decide(context: &Context<'_>, cyclic: &FxHashSet<u32>) -> Found {
    let mut found = Found {
        doubts: context.doubts.clone(),
        ..Found::default()
    };
    let writes = places(context, |at| {
        context.nodes[at as usize].writes.then_some(at)
    });
    let mut dropped = cyclic.clone();
    let mut facts = context.given(&dropped, &writes);
    let base = facts.graph().components(u32::MAX);
    for (at, node) in context.nodes.iter().enumerate() {
        if base.sizes[base.of[at] as usize] > 1 && dropped.insert(node.key) {
            found.doubts.push((Doubt::CyclicOrders, node.key));
        }
    }
    if dropped.len() > cyclic.len() {
        facts = context.given(&dropped, &writes);
    }
    for &(from, to, why) in &context.steps {
        facts.push(from, to, why);
    }
    context.saw(&dropped, &writes, &mut facts, &mut found);
    let graph = facts.graph();
    let components = graph.components(u32::MAX);
    if components.acyclic() {
        for key in context.interrupted(&facts, &dropped) {
            found.doubts.push((Doubt::OpenOrder, key));
        }
        return found;
    }
    // Of every component one of the shortest circles, from a few of its reads.
    const TRIED: u32 = 16;
    let mut tried: FxHashMap<u32, u32> = FxHashMap::default();
    let mut best: FxHashMap<u32, Vec<(u32, u32, Why)>> = FxHashMap::default();
    for &(from, to, fact) in &facts.edges {
        let why = facts.why[fact as usize];
        if !matches!(why, Why::Saw(_) | Why::ReadsFrom) || !components.together(from, to) {
            continue;
        }
        let component = components.of[from as usize];
        let count = tried.entry(component).or_insert(0);
        *count += 1;
        if *count > TRIED {
            continue;
        }
        let cost = |fact: u32| u32::from(facts.why[fact as usize] != Why::Session);
        let Some(path) = graph.cheapest(to, from, |_, fact| cost(fact), u32::MAX) else {
            continue;
        };
        let mut circle = vec![(from, to, why)];
        circle.extend(
            path.iter()
                .map(|&(a, b, fact)| (a, b, facts.why[fact as usize])),
        );
        let circle = context.shortened(&circle, true);
        let shorter = |old: &Vec<_>| circle.len() < old.len();
        if best.get(&component).is_none_or(shorter) {
            best.insert(component, circle);
        }
    }
    let mut circles: Vec<_> = best.into_values().collect();
    circles.sort_by_key(|circle| (circle.len(), circle[0].0, circle[0].1));
    found
        .conflicts
        .extend(circles.into_iter().map(Conflict::Circle));
    found
}

/// Which nodes there are of a key and chain: for every node that is wanted what it stands for.
fn places(context: &Context<'_>, wanted: impl Fn(u32) -> Option<u32>) -> Places {
    let mut places = Places::default();
    for chain in &context.chains {
        for &at in chain {
            let node = context.nodes[at as usize];
            if let Some(what) = wanted(at) {
                let list = places.entry((node.key, node.chain)).or_default();
                list.push((node.place, what));
            }
        }
    }
    places
}

/// The last of a key and chain before a place.
fn last(places: &Places, key: u32, chain: u32, before: u32) -> Option<u32> {
    let list = places.get(&(key, chain))?;
    let count = list.partition_point(|&(place, _)| place < before);
    Some(list[count.checked_sub(1)?].1)
}

/// Adds one past to another; gives whether it grew.
fn join(past: &mut Past, other: &[(u32, u32, u32)]) -> bool {
    let within = |&(chain, reads, writes): &(u32, u32, u32)| {
        let at = past.binary_search_by_key(&chain, |&(chain, ..)| chain);
        at.is_ok_and(|at| past[at].1 >= reads && past[at].2 >= writes)
    };
    if other.iter().all(within) {
        return false;
    }
    let mut joined = Past::with_capacity(past.len() + other.len());
    let (mut a, mut b) = (past.iter().peekable(), other.iter().peekable());
    loop {
        let next = match (a.peek(), b.peek()) {
            (Some(x), Some(y)) if x.0 == y.0 => {
                let both = (x.0, x.1.max(y.1), x.2.max(y.2));
                a.next();
                b.next();
                both
            }
            (Some(x), Some(y)) if x.0 < y.0 => {
                let only = **x;
                a.next();
                only
            }
            (_, Some(y)) => {
                let only = **y;
                b.next();
                only
            }
            (Some(x), None) => {
                let only = **x;
                a.next();
                only
            }
            (None, None) => break,
        };
        joined.push(next);
    }
    *past = joined;
    true
}

impl Context<'_> {
    /// What is required of the order of every key, whatever anybody saw.
    fn given(&self, dropped: &FxHashSet<u32>, writes: &Places) -> Facts {
        let mut facts = Facts {
            nodes: self.nodes.len(),
            ..Facts::default()
        };
        let mut by_key: FxHashMap<u32, Vec<u32>> = FxHashMap::default();
        for (at, node) in (0_u32..).zip(&self.nodes) {
            if !node.writes || dropped.contains(&node.key) {
                continue;
            }
            by_key.entry(node.key).or_default().push(at);
            if node.replaced != NONE {
                facts.push(node.replaced, at, Why::Replaced);
            }
            for &(chain, count) in &self.before[at as usize] {
                if let Some(earlier) = last(writes, node.key, chain, count) {
                    facts.push(earlier, at, Why::Session);
                }
            }
        }
        if !self.rules.real_time {
            return facts;
        }
        for members in by_key.values() {
            let zone = |&at: &u32| {
                let operation = &self.history.operations()[self.nodes[at as usize].part.id()];
                Zone {
                    start: operation.start,
                    end: operation.end,
                }
            };
            let zones: Vec<Zone> = members.iter().map(zone).collect();
            let mut edges = Vec::new();
            let count = real_time(&zones, 0, &mut edges);
            let barriers = facts.nodes;
            let global = |local: u32| match members.get(local as usize) {
                Some(&at) => at,
                None => (barriers + local as usize - members.len()) as u32,
            };
            for (from, to, _) in edges {
                facts.push(global(from), global(to), Why::RealTime);
            }
            facts.nodes += count - members.len();
        }
        facts
    }

    /// What reaches every node: the least fixpoint.
    fn pasts(&self) -> Vec<Past> {
        let mut incoming = vec![Vec::new(); self.nodes.len()];
        for &(from, to, _) in &self.steps {
            incoming[to as usize].push(from);
        }
        // Writes when they begin and reads when they end: once in this order is nearly enough.
        let mut order: Vec<u32> = (0..self.nodes.len() as u32).collect();
        order.sort_by_key(|&at| {
            let node = self.nodes[at as usize];
            let operation = &self.history.operations()[node.part.id()];
            match node.writes {
                true => (operation.start, at),
                false => (operation.end, at),
            }
        });
        let mut pasts = vec![Past::new(); self.nodes.len()];
        loop {
            let mut grew = false;
            for &at in &order {
                let mut past = std::mem::take(&mut pasts[at as usize]);
                for &from in &incoming[at as usize] {
                    let node = self.nodes[from as usize];
                    let here = match node.writes {
                        true => (node.chain, 0, node.place + 1),
                        false => (node.chain, node.place + 1, 0),
                    };
                    grew |= join(&mut past, &[here]);
                    grew |= from != at && join(&mut past, &pasts[from as usize]);
                }
                pasts[at as usize] = past;
            }
            if !grew {
                return pasts;
            }
        }
    }

    /// What was visible to every read, and comes before what it returned.
    fn saw(&self, dropped: &FxHashSet<u32>, writes: &Places, facts: &mut Facts, found: &mut Found) {
        let returned = places(self, |at| {
            let from = self.nodes[at as usize].from;
            (from != NONE).then_some(from)
        });
        let pasts = self.pasts();
        let mut visible: Vec<u32> = Vec::new();
        let mut steps = None;
        for (at, node) in (0_u32..).zip(&self.nodes) {
            if node.writes || (node.from == NONE && !node.initial) {
                continue;
            }
            visible.clear();
            for &(chain, read, wrote) in &pasts[at as usize] {
                // Earlier ones come before these: by session order, or by what that read saw.
                match self.rules.session_writes {
                    true => visible.extend(last(writes, node.key, chain, wrote)),
                    false => visible.extend(last(&returned, node.key, chain, read)),
                }
                if self.rules.own_writes && !self.rules.session_writes {
                    visible.extend(last(writes, node.key, chain, read));
                }
            }
            if self.rules.own_writes && !self.rules.session_writes {
                for &(chain, count) in &self.before[at as usize] {
                    visible.extend(last(writes, node.key, chain, count));
                }
            }
            visible.sort_unstable();
            visible.dedup();
            visible.retain(|&write| write != node.from);
            found.opportunities += u64::from(!visible.is_empty());
            if node.initial {
                if let Some(&write) = visible.first() {
                    let graph = steps.get_or_insert_with(|| self.graph());
                    let path = self.path(graph, write, at);
                    found.conflicts.extend(path.map(Conflict::Unseen));
                }
            } else if !dropped.contains(&node.key) {
                for &write in &visible {
                    facts.push(write, node.from, Why::Saw(at));
                }
            }
        }
    }

    /// The graph of what is visible to whom.
    pub(super) fn graph(&self) -> Graph {
        let edges = self.steps.iter().zip(0..);
        let edges: Vec<Edge> = edges.map(|(&(a, b, _), fact)| (a, b, fact)).collect();
        Graph::new(self.nodes.len(), &edges)
    }

    /// Why a write is visible to a read: the nodes from one to the other.
    pub(super) fn path(&self, graph: &Graph, write: u32, read: u32) -> Option<Vec<u32>> {
        let cost = |fact: u32| u32::from(self.steps[fact as usize].2 != Why::Session);
        let path = graph.cheapest(write, read, |_, fact| cost(fact), u32::MAX)?;
        let why = |&(a, b, fact): &Edge| (a, b, self.steps[fact as usize].2);
        let path: Vec<_> = path.iter().map(why).collect();
        let path = self.shortened(&path, false);
        let rest = path.iter().map(|&(_, to, _)| to);
        Some(std::iter::once(write).chain(rest).collect())
    }

    /// Steps through barriers and through one session as single ones, where the rules allow it: an
    /// order has the writes of one key besides, which make nothing visible.
    fn shortened(&self, facts: &[(u32, u32, Why)], ordered: bool) -> Vec<(u32, u32, Why)> {
        let mut short: Vec<(u32, u32, Why)> = Vec::new();
        for &(from, to, why) in facts {
            if let Some(previous) = short.last_mut()
                && previous.2 == why
                && match why {
                    Why::RealTime => previous.1 as usize >= self.nodes.len(),
                    Why::Session => self.steps_to(previous.0, to, ordered),
                    _ => false,
                }
            {
                previous.1 = to;
            } else {
                short.push((from, to, why));
            }
        }
        short
    }

    /// Whether session order leads from one node to another by one step.
    fn steps_to(&self, from: u32, to: u32, order: bool) -> bool {
        let (a, b) = (self.nodes[from as usize], self.nodes[to as usize]);
        let mut before = self.before[to as usize].iter();
        let ordered = before.any(|&(chain, count)| a.chain == chain && a.place < count);
        let same_key = order && a.writes && b.writes && a.key == b.key;
        ordered && (same_key || self.rules.carry(a.writes, b.writes))
    }

    /// Keys of which it stays open whether compare-and-sets can follow immediately what they
    /// replaced: they cannot all be contracted without closing a circle.
    fn interrupted(&self, facts: &Facts, dropped: &FxHashSet<u32>) -> FxHashSet<u32> {
        let mut exists: FxHashSet<u32> = FxHashSet::default();
        let mut left: Vec<u32> = Vec::new();
        for (at, node) in (0_u32..).zip(&self.nodes) {
            let operation = &self.history.operations()[node.part.id()];
            if node.writes && operation.outcome == polygraph_history::Outcome::Ok {
                left.push(at);
            }
            left.extend((node.from != NONE).then_some(node.from));
        }
        // Of a chain the last one stands for all.
        let mut head: Vec<u32> = (0..facts.nodes as u32).collect();
        let mut linked = false;
        while let Some(at) = left.pop() {
            let node = self.nodes[at as usize];
            if !exists.insert(at) || node.replaced == NONE || dropped.contains(&node.key) {
                continue;
            }
            linked = true;
            head[node.replaced as usize] = at;
            left.push(node.replaced);
            let read = (at as usize).checked_sub(1);
            let read = read.filter(|&read| self.nodes[read].part == node.part);
            if let Some(read) = read {
                head[read] = at;
            }
        }
        if !linked {
            return FxHashSet::default();
        }
        let mut tops = head;
        for at in 0..facts.nodes as u32 {
            let (mut top, mut here) = (at, at);
            while tops[top as usize] != top {
                top = tops[top as usize];
            }
            while here != top {
                here = std::mem::replace(&mut tops[here as usize], top);
            }
        }
        let map = |&(a, b, fact): &Edge| (tops[a as usize], tops[b as usize], fact);
        let edges: Vec<Edge> = facts
            .edges
            .iter()
            .map(map)
            .filter(|edge| edge.0 != edge.1)
            .collect();
        let components = Graph::new(facts.nodes, &edges).components(u32::MAX);
        let all = (0_u32..).zip(&self.nodes);
        let inside = all.filter(|&(at, _)| {
            let component = components.of[tops[at as usize] as usize];
            components.sizes[component as usize] > 1
        });
        inside.map(|(_, node)| node.key).collect()
    }
}
