//! The shortest cycle of a kind within one strongly connected component.
//!
//! A breadth-first search from each edge of the rarest sort that the kind must have, over pairs
//! of a transaction and the state of a small automaton that knows what may follow and what is
//! still missing. Each costs one pass over the component; the cycle found so far bounds the
//! depth of the rest.

use crate::graph::{Edge, Graph, Labels, strongly_connected};

use super::cycles::{Cycle, Part, severity};
use super::relations::{IN_SESSION, MISSED, PREDICATE, REALTIME, RW, WR, WW};
use super::{Class, Suffix, reach};

/// A step by an order of sessions or real time was taken.
const ORDERED: u8 = 1;
/// The last step was *rw*.
const JUST_MISSED: u8 = 2;
/// A second *rw* was taken.
const MISSED_AGAIN: u8 = 4;
/// How many states the automaton has.
const STATES: usize = 8;

const NOWHERE: u32 = u32::MAX;

/// A search takes at most so many steps, and so many for each edge of its component: a shorter
/// cycle than the one at hand is not worth minutes.
const STEPS: u64 = 2_000_000;
const STEPS_PER_EDGE: u64 = 200;

/// What a cycle of some kind may do next.
#[derive(Clone, Copy)]
struct Rule {
    class: Class,
    suffix: Suffix,
}

impl Rule {
    fn next(self, state: u8, label: Labels) -> Option<u8> {
        match (label, self.class) {
            (WW, _) => Some(state & !JUST_MISSED),
            (WR, Class::G0) => None,
            (WR, _) => Some(state & !JUST_MISSED),
            (PREDICATE, class) if !class.has_predicates() => None,
            (RW | PREDICATE, Class::GNonadjacentItem | Class::GNonadjacent)
                if state & JUST_MISSED == 0 =>
            {
                Some(state | JUST_MISSED | MISSED_AGAIN)
            }
            (RW | PREDICATE, Class::G2Item | Class::G2) => Some(state),
            (order, _) if order & self.suffix.labels() & (IN_SESSION | REALTIME) != 0 => {
                Some(state & !JUST_MISSED | ORDERED)
            }
            _ => None,
        }
    }

    fn may_end(self, state: u8) -> bool {
        let ordered = self.suffix == Suffix::Plain || state & ORDERED != 0;
        let twice = matches!(self.class, Class::GNonadjacentItem | Class::GNonadjacent);
        let missed = !twice || (state & MISSED_AGAIN != 0 && state & JUST_MISSED == 0);
        ordered && missed
    }

    /// The label of the edges from which the search begins.
    const fn rarest(self) -> Labels {
        match self.class {
            Class::G0 => WW,
            Class::G1c => WR,
            Class::GSingleItem | Class::GNonadjacentItem | Class::G2Item => RW,
            Class::GSingle | Class::GNonadjacent | Class::G2 => PREDICATE,
        }
    }

    /// Whether exactly one read may have missed something.
    const fn is_single(self) -> bool {
        matches!(self.class, Class::GSingleItem | Class::GSingle)
    }

    /// Whether two *rw* in a row end the search in a direction.
    const fn keeps_apart(self) -> bool {
        !matches!(
            self.class,
            Class::G0 | Class::G1c | Class::G2Item | Class::G2
        )
    }

    /// All labels that may occur.
    fn labels(self) -> Labels {
        let data = match self.class {
            Class::G0 => WW,
            Class::G1c => WW | WR,
            Class::GSingleItem | Class::GNonadjacentItem | Class::G2Item => WW | WR | RW,
            Class::GSingle | Class::GNonadjacent | Class::G2 => WW | WR | MISSED,
        };
        data | (self.suffix.labels() & (IN_SESSION | REALTIME))
    }
}

/// A search for one kind.
pub(super) struct Search<'p, 'c> {
    part: &'p Part<'c>,
    rule: Rule,
    /// Of each node, not just and just after an *rw*, the component of what the kind may use.
    component: Vec<[u32; 2]>,
    /// In which pass a node was reached in a state.
    reached: Vec<[u32; STATES]>,
    /// From where: a place in `queue`.
    queue: Vec<Reached>,
    pass: u32,
    /// Of each state how many of the transactions that begin last were reached by real time.
    later: [usize; STATES],
}

#[derive(Clone, Copy)]
struct Reached {
    node: u32,
    state: u8,
    from: u32,
}

impl<'p, 'c> Search<'p, 'c> {
    pub(super) fn new(part: &'p Part<'c>, class: Class, suffix: Suffix) -> Search<'p, 'c> {
        let rule = Rule { class, suffix };
        Search {
            part,
            rule,
            component: components(part, rule),
            reached: Vec::new(),
            queue: Vec::new(),
            pass: 0,
            later: [0; STATES],
        }
    }

    /// The best cycle found, of this kind or of a more severe one, within so many steps.
    pub(super) fn run(mut self, steps: &mut u64) -> Option<Cycle> {
        let most = STEPS + STEPS_PER_EDGE * self.part.graph.edge_count() as u64;
        let given = most.min(*steps);
        let mut left = given;
        let best = self.best(&mut left);
        *steps -= given - left;
        best
    }

    fn best(&mut self, steps: &mut u64) -> Option<Cycle> {
        let mut best: Option<Cycle> = None;
        for (from, node) in self.starts(steps) {
            let meeting = self.part.graph.targets(node);
            let targets = if node < self.part.txns {
                std::slice::from_ref(&node)
            } else {
                meeting
            };
            for &to in targets {
                if *steps == 0 || best.as_ref().is_some_and(|best| best.txns.len() <= 2) {
                    return best;
                }
                let most = best.as_ref().map_or(usize::MAX, |best| best.txns.len() - 1);
                if let Some(walk) = self.along(from, to, most, steps) {
                    let named = simple_cycles(&walk)
                        .into_iter()
                        .filter_map(|cycle| self.part.name(&cycle, self.rule.suffix));
                    best = best.into_iter().chain(named).min_by_key(severity);
                }
            }
        }
        best
    }

    /// The edges, each to a transaction or a meeting, from which to search.
    fn starts(&self, steps: &mut u64) -> Vec<(u32, u32)> {
        let first = usize::from(self.rule.keeps_apart());
        let mut starts = Vec::new();
        for from in 0..self.part.txns {
            let home = self.component[from as usize][0];
            for (node, label) in self.part.graph.edges(from) {
                let inside = home != NOWHERE && self.component[node as usize][first] == home;
                if label == self.rule.rarest() && inside {
                    starts.push((from, node));
                }
            }
        }
        if self.rule.is_single() {
            // Most *rw* edges close no such cycle, and to see that by a search takes longest.
            let by = self.rule.labels() & !MISSED;
            let mut half = *steps / 2;
            let given = half;
            let follows = |node, label: Labels| {
                label & by != 0 || (self.part.is_meeting(node) && label & MISSED != 0)
            };
            let closed = reach::closed(&self.part.graph, follows, &starts, &mut half);
            *steps -= given - half;
            return closed.map_or(starts, |closed| closed.edges);
        }
        starts
    }

    /// The shortest cycle of data and this order through one transaction, which lies on one.
    pub(super) fn through(part: &Part<'_>, start: u32, suffix: Suffix) -> Option<Cycle> {
        let plain = Rule {
            class: Class::G2,
            suffix: Suffix::Plain,
        };
        let mut search = Search::new(part, Class::G2, suffix);
        search.begin();
        search.push(start, 0, NOWHERE);
        let mut steps = u64::MAX;
        let walk = search.walk(start, NOWHERE, usize::MAX, plain, &mut steps)?;
        simple_cycles(&walk)
            .into_iter()
            .filter_map(|cycle| part.name(&cycle, suffix))
            .min_by_key(severity)
    }

    /// The shortest cycle of the kind that begins with this edge and has at most `most` edges.
    fn along(&mut self, from: u32, to: u32, most: usize, steps: &mut u64) -> Option<Vec<u32>> {
        let first = u8::from(self.rule.keeps_apart());
        let home = self.component[from as usize][0];
        if home == NOWHERE || self.component[to as usize][first as usize] != home {
            return None;
        }
        self.begin();
        let state = first * JUST_MISSED;
        if self.rule.class != Class::G2Item {
            self.push(to, state, NOWHERE);
            let mut walk = self.walk(from, NOWHERE, most, self.rule, steps)?;
            walk.insert(0, from);
            return Some(walk);
        }
        // Two in a row: the second begins where the first ends, and nothing comes back there.
        for (node, label) in self.part.graph.edges(to) {
            if label != RW {
                continue;
            }
            let meeting = self.part.graph.targets(node);
            let targets = if node < self.part.txns {
                std::slice::from_ref(&node)
            } else {
                meeting
            };
            for &third in targets {
                *steps = steps.saturating_sub(1);
                if third == from && self.rule.may_end(0) {
                    return Some(vec![from, to]);
                }
                if third != from && self.component[third as usize][0] == home {
                    self.push(third, 0, NOWHERE);
                }
            }
        }
        let mut walk = self.walk(from, to, most.saturating_sub(1), self.rule, steps)?;
        walk.splice(0..0, [from, to]);
        Some(walk)
    }

    fn begin(&mut self) {
        if self.reached.is_empty() {
            self.reached = vec![[0; STATES]; self.part.graph.nodes()];
        }
        self.pass += 1;
        self.queue.clear();
        self.later = [self.part.by_start.len(); STATES];
    }

    /// Notes that a node is reached in a state; whether for the first time.
    fn push(&mut self, node: u32, state: u8, from: u32) -> bool {
        let reached = &mut self.reached[node as usize][state as usize];
        let first = *reached != self.pass;
        if first {
            *reached = self.pass;
            self.queue.push(Reached { node, state, from });
        }
        first
    }

    /// The shortest way from what is in the queue to `goal`, not through `avoid`, as the nodes
    /// from the first of the queue to the last before the goal: at most `most - 1` of them.
    fn walk(
        &mut self,
        goal: u32,
        avoid: u32,
        most: usize,
        rule: Rule,
        steps: &mut u64,
    ) -> Option<Vec<u32>> {
        let mut at = 0;
        for _length in 1..most {
            let level = self.queue.len();
            if at == level {
                return None;
            }
            while at < level {
                if self.expand(at, goal, avoid, rule, steps) {
                    return Some(self.way_to(at));
                }
                if *steps == 0 {
                    return None;
                }
                at += 1;
            }
        }
        None
    }

    fn way_to(&self, at: usize) -> Vec<u32> {
        let mut way = vec![self.queue[at].node];
        let mut from = self.queue[at].from;
        while from != NOWHERE {
            let reached = self.queue[from as usize];
            way.push(reached.node);
            from = reached.from;
        }
        way.reverse();
        way
    }

    /// Takes all steps from a place in the queue. Whether one of them ends at the goal.
    fn expand(&mut self, at: usize, goal: u32, avoid: u32, rule: Rule, steps: &mut u64) -> bool {
        let Reached { node, state, .. } = self.queue[at];
        let part = self.part;
        for (to, label) in part.graph.edges(node) {
            *steps = steps.saturating_sub(1);
            let Some(next) = self.next(state, label) else {
                continue;
            };
            if to < part.txns {
                if self.step(at, to, next, goal, avoid, rule) {
                    return true;
                }
            } else if to < part.barriers {
                let met = &mut self.reached[to as usize][next as usize];
                if *met == self.pass {
                    continue;
                }
                *met = self.pass;
                for &beyond in part.graph.targets(to) {
                    *steps = steps.saturating_sub(1);
                    if self.step(at, beyond, next, goal, avoid, rule) {
                        return true;
                    }
                }
            }
        }
        self.later(at, goal, avoid, rule, steps)
    }

    fn next(&self, state: u8, label: Labels) -> Option<u8> {
        self.rule.next(state, label)
    }

    /// The steps by real time: to all that begin after the node's end. They are the last ones of
    /// an order, so that each is reached once in each state.
    fn later(&mut self, at: usize, goal: u32, avoid: u32, rule: Rule, steps: &mut u64) -> bool {
        let Reached { node, state, .. } = self.queue[at];
        let Some(next) = self.next(state, REALTIME) else {
            return false;
        };
        let part = self.part;
        let end = part.end(node);
        let known = self.later[next as usize];
        let first = part.by_start[..known].partition_point(|&txn| part.start(txn) <= end);
        self.later[next as usize] = first;
        for &txn in &part.by_start[first..known] {
            *steps = steps.saturating_sub(1);
            if self.step(at, txn, next, goal, avoid, rule) {
                return true;
            }
        }
        false
    }

    fn step(&mut self, at: usize, to: u32, state: u8, goal: u32, avoid: u32, rule: Rule) -> bool {
        if to == goal {
            return rule.may_end(state);
        }
        let layer = usize::from(self.rule.keeps_apart() && state & JUST_MISSED != 0);
        if to != avoid && self.component[to as usize][layer] == self.component[goal as usize][0] {
            self.push(to, state, at as u32);
        }
        false
    }
}

/// The components of the graph that has only what the rule allows; where two *rw* must not
/// follow one another, of the graph that has each node twice: just after an *rw*, and not.
fn components(part: &Part<'_>, rule: Rule) -> Vec<[u32; 2]> {
    let nodes = part.graph.nodes();
    let mut component = vec![[NOWHERE; 2]; nodes];
    if !rule.keeps_apart() {
        for (number, members) in strongly_connected(&part.graph, rule.labels())
            .iter()
            .enumerate()
        {
            for &node in members {
                component[node as usize] = [number as u32; 2];
            }
        }
        return component;
    }
    let mut edges = Vec::new();
    for node in 0..nodes as u32 {
        let meeting = part.is_meeting(node);
        for (to, label) in part.graph.edges(node) {
            if label & rule.labels() == 0 {
                continue;
            }
            let mut add = |from, to| edges.push(Edge { from, to, label });
            if label & MISSED == 0 {
                add(2 * node, 2 * to);
                add(2 * node + 1, 2 * to);
            } else if meeting {
                add(2 * node + 1, 2 * to + 1);
            } else {
                add(2 * node, 2 * to + 1);
            }
        }
    }
    let graph = Graph::new(2 * nodes, &edges);
    for (number, members) in strongly_connected(&graph, rule.labels()).iter().enumerate() {
        for &member in members {
            component[member as usize / 2][member as usize % 2] = number as u32;
        }
    }
    component
}

/// A closed walk, taken apart into cycles that visit no node twice.
fn simple_cycles(walk: &[u32]) -> Vec<Vec<u32>> {
    let mut cycles = Vec::new();
    let mut open: Vec<u32> = Vec::new();
    for &node in walk {
        if let Some(at) = open.iter().position(|&seen| seen == node) {
            cycles.push(open.split_off(at));
        }
        open.push(node);
    }
    if open.len() > 1 {
        cycles.push(open);
    }
    cycles.retain(|cycle| cycle.len() > 1);
    cycles
}
