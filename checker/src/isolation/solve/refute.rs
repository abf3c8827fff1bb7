//! From facts that contradict each other to a proof that a person can follow: as few facts as
//! possible, then cases.

use super::facts::{Facts, Saw};
use super::problem::{Isolation, Level, Order, Read};
use super::search::{Budget, Effort, Found, search};
use super::tree::{Arc, Case, Choice, Refutation, Why};
use super::witness::Moment;

/// How many steps making the facts fewer may take, in all.
const SHRINKING: u64 = 20_000_000;

/// How many cases a proof may have before it is pruned.
const CASES: usize = 100_000;

/// How many moments the facts of a proof may speak of: their reachability is a matrix.
const MOMENTS: usize = 20_000;

/// How many possibilities are tried at a choice, for one of which both lead to a cycle at once.
const TRIED: usize = 48;

/// A proof from some facts that contradict each other; nothing if it would be too long.
pub(super) fn refute(level: Level, facts: Facts, max_bytes: u64) -> Option<Refutation> {
    let facts = shrink(level, facts, max_bytes);
    let cases = Cases::new(level, &facts)?.find()?;
    Some(Refutation {
        level,
        facts,
        cases: prune(&cases),
    })
}

/// Whether facts alone contradict each other, as far as the budget goes.
pub(super) fn contradict(level: Level, facts: &Facts, budget: Budget, effort: &mut Effort) -> bool {
    let part = facts.part();
    let level = Level {
        order: Order::RealTime,
        ..level
    };
    matches!(
        search(&part.problem, level, budget, effort),
        Found::Contradiction(_)
    )
}

/// Drops facts that the contradiction does not need.
fn shrink(level: Level, facts: Facts, max_bytes: u64) -> Facts {
    let mut shrinker = Shrinker {
        // A part has none but the orders that count.
        level: Level {
            order: Order::RealTime,
            ..level
        },
        facts,
        max_bytes,
        left: SHRINKING,
    };
    while shrinker.attempt(|facts| facts.clone()) {}
    shrinker.chunks(
        |facts| facts.transactions().len(),
        |facts, from, to| {
            let txns = facts.transactions();
            let gone = &txns[from..to];
            let stays = |txn: u32| gone.binary_search(&txn).is_err();
            Facts {
                precedes: facts
                    .precedes
                    .iter()
                    .copied()
                    .filter(|pair| stays(pair.before) && stays(pair.after))
                    .collect(),
                reads: facts
                    .reads
                    .iter()
                    .copied()
                    .filter(|saw| stays(saw.read.reader) && saw.read.from.is_none_or(stays))
                    .collect(),
                writes: facts
                    .writes
                    .iter()
                    .copied()
                    .filter(|write| stays(write.writer))
                    .collect(),
            }
        },
    );
    shrinker.chunks(
        |facts| facts.reads.len(),
        |facts, from, to| {
            let mut fewer = facts.clone();
            fewer.reads.drain(from..to);
            fewer
        },
    );
    shrinker.chunks(
        |facts| facts.precedes.len(),
        |facts, from, to| {
            let mut fewer = facts.clone();
            fewer.precedes.drain(from..to);
            fewer
        },
    );
    shrinker.chunks(
        |facts| facts.writes.len(),
        |facts, from, to| {
            let mut fewer = facts.clone();
            fewer.writes.drain(from..to);
            fewer
        },
    );
    shrinker.facts
}

struct Shrinker {
    level: Level,
    facts: Facts,
    max_bytes: u64,
    left: u64,
}

impl Shrinker {
    /// Whether fewer facts than now, of those that are left after a deletion, still contradict
    /// each other; if so they are the facts from now on.
    fn attempt(&mut self, delete: impl Fn(&Facts) -> Facts) -> bool {
        let mut fewer = delete(&self.facts);
        fewer.complete();
        let cost = 64 + 8 * fewer.len() as u64;
        if self.left < cost {
            return false;
        }
        let part = fewer.part();
        let mut effort = Effort::default();
        let budget = Budget {
            max_steps: self.left,
            max_bytes: self.max_bytes,
        };
        let found = search(&part.problem, self.level, budget, &mut effort);
        self.left = self.left.saturating_sub(effort.steps + cost);
        let Found::Contradiction(inner) = found else {
            return false;
        };
        let fewer = part.outside(&inner);
        if fewer.len() >= self.facts.len() {
            return false;
        }
        self.facts = fewer;
        true
    }

    /// Tries to delete half of something, a quarter, …, one at a time.
    fn chunks(
        &mut self,
        count: impl Fn(&Facts) -> usize,
        delete: impl Fn(&Facts, usize, usize) -> Facts,
    ) {
        let mut size = count(&self.facts).div_ceil(2);
        while size > 0 {
            let mut from = 0;
            while from < count(&self.facts) {
                let to = (from + size).min(count(&self.facts));
                if !self.attempt(|facts| delete(facts, from, to)) {
                    from = to;
                }
            }
            size /= 2;
        }
    }
}

/// Moments, what is known of their order, and what is not.
#[derive(Clone)]
struct State {
    /// Which moments each moment comes before, one bit each.
    after: Vec<u64>,
    arcs: Vec<Vec<(u32, Arc)>>,
    open: Vec<Choice>,
}

struct Cases {
    level: Level,
    txns: Vec<u32>,
    words: usize,
    state: State,
}

impl Cases {
    fn new(level: Level, facts: &Facts) -> Option<Cases> {
        let txns = facts.transactions();
        let nodes = 2 * txns.len();
        if nodes > MOMENTS {
            return None;
        }
        let words = nodes.div_ceil(64);
        let state = State {
            after: vec![0; nodes * words],
            arcs: vec![Vec::new(); nodes],
            open: Vec::new(),
        };
        let mut cases = Cases {
            level,
            txns,
            words,
            state,
        };
        let mut arcs = Vec::new();
        let mut arc = |from, to, because| arcs.push(Arc { from, to, because });
        if level.isolation != Isolation::Serializable {
            for &txn in &cases.txns {
                arc(Moment::Start(txn), Moment::Commit(txn), Why::Within);
            }
        }
        for pair in &facts.precedes {
            let because = Why::Known(pair.because);
            arc(
                Moment::Commit(pair.before),
                Moment::Start(pair.after),
                because,
            );
        }
        for &Saw {
            key,
            read: Read { reader, from },
        } in &facts.reads
        {
            if let Some(from) = from {
                arc(
                    Moment::Commit(from),
                    Moment::Start(reader),
                    Why::Read { key },
                );
            }
            let others = facts.writes.iter().filter(|write| write.key == key);
            for other in others
                .map(|write| write.writer)
                .filter(|&other| other != reader)
            {
                match from {
                    None => arc(
                        Moment::Start(reader),
                        Moment::Commit(other),
                        Why::Initial { key },
                    ),
                    Some(from) if from != other => {
                        cases.state.open.push(Choice::Overwritten {
                            key,
                            from,
                            reader,
                            other,
                        });
                    }
                    Some(_) => {}
                }
            }
        }
        if level.isolation == Isolation::Snapshot {
            for (at, &one) in facts.writes.iter().enumerate() {
                let others = facts.writes[at + 1..]
                    .iter()
                    .filter(|other| other.key == one.key);
                cases
                    .state
                    .open
                    .extend(others.map(|other| Choice::Conflicting {
                        key: one.key,
                        one: one.writer,
                        other: other.writer,
                    }));
            }
        }
        let mut state = std::mem::replace(
            &mut cases.state,
            State {
                after: Vec::new(),
                arcs: Vec::new(),
                open: Vec::new(),
            },
        );
        for arc in arcs {
            cases.add(&mut state, arc);
        }
        cases.state = state;
        Some(cases)
    }

    fn node(&self, moment: Moment) -> usize {
        let (txn, commits) = match moment {
            Moment::Start(txn) => (txn, 0),
            Moment::Commit(txn) => (txn, 1),
        };
        let at = self.txns.partition_point(|&other| other < txn);
        if self.level.isolation == Isolation::Serializable {
            at
        } else {
            2 * at + commits
        }
    }

    fn before(&self, state: &State, from: usize, to: usize) -> bool {
        from == to || state.after[from * self.words + to / 64] & 1 << (to % 64) != 0
    }

    fn add(&self, state: &mut State, arc: Arc) {
        let (from, to) = (self.node(arc.from), self.node(arc.to));
        state.arcs[from].push((to as u32, arc));
        let mut row: Vec<u64> = state.after[to * self.words..(to + 1) * self.words].to_vec();
        row[to / 64] |= 1 << (to % 64);
        for node in 0..state.arcs.len() {
            if self.before(state, node, from) {
                for (word, more) in state.after[node * self.words..].iter_mut().zip(&row) {
                    *word |= more;
                }
            }
        }
    }

    /// The shortest way from one moment to another.
    fn way(&self, state: &State, from: usize, to: usize) -> Option<Vec<Arc>> {
        let mut came: Vec<Option<(usize, Arc)>> = vec![None; state.arcs.len()];
        let mut found = vec![from];
        let mut at = 0;
        while at < found.len() {
            let node = found[at];
            for &(next, arc) in &state.arcs[node] {
                let next = next as usize;
                if next == to {
                    let mut way = vec![arc];
                    let mut back = node;
                    while back != from {
                        let (before, arc) = came[back]?;
                        way.push(arc);
                        back = before;
                    }
                    way.reverse();
                    return Some(way);
                }
                if next != from && came[next].is_none() {
                    came[next] = Some((node, arc));
                    found.push(next);
                }
            }
            at += 1;
        }
        None
    }

    /// A cycle that is there already.
    fn cycle(&self, state: &State) -> Option<Vec<Arc>> {
        let on_cycle =
            |&node: &usize| state.after[node * self.words + node / 64] & 1 << (node % 64) != 0;
        let nodes = (0..state.arcs.len()).filter(on_cycle);
        nodes
            .filter_map(|node| self.way(state, node, node))
            .min_by_key(Vec::len)
    }

    /// The cycle to which a possibility leads at once, if it does.
    fn closes(&self, state: &State, side: (Moment, Moment), case: usize) -> Option<Vec<Arc>> {
        let (from, to) = (self.node(side.0), self.node(side.1));
        if !self.before(state, to, from) {
            return None;
        }
        let arc = Arc {
            from: side.0,
            to: side.1,
            because: Why::Assumed(case),
        };
        let mut cycle = vec![arc];
        if from != to {
            cycle.extend(self.way(state, to, from)?);
        }
        Some(cycle)
    }

    /// The cases, unpruned: a case comes before those that go on with it.
    fn find(&self) -> Option<Vec<Case>> {
        if let Some(cycle) = self.cycle(&self.state) {
            return Some(vec![Case::Cycle(cycle)]);
        }
        let mut cases: Vec<Case> = Vec::new();
        let mut open = vec![(self.state.clone(), None)];
        while let Some((mut state, parent)) = open.pop() {
            let mut parent: Option<(usize, bool)> = parent;
            loop {
                if cases.len() > CASES {
                    return None;
                }
                let number = cases.len();
                link(&mut cases, parent, number);
                let (choice, closing) = self.choose(&mut state, number)?;
                let [one, other] = choice.sides();
                cases.push(Case::Either {
                    choice,
                    first: 0,
                    second: 0,
                });
                let arc = |side: (Moment, Moment)| Arc {
                    from: side.0,
                    to: side.1,
                    because: Why::Assumed(number),
                };
                match closing {
                    [Some(first), Some(second)] => {
                        for (is_second, cycle) in [(false, first), (true, second)] {
                            let leaf = cases.len();
                            link(&mut cases, Some((number, is_second)), leaf);
                            cases.push(Case::Cycle(cycle));
                        }
                        break;
                    }
                    [Some(cycle), None] => {
                        let leaf = cases.len();
                        link(&mut cases, Some((number, false)), leaf);
                        cases.push(Case::Cycle(cycle));
                        self.add(&mut state, arc(other));
                        parent = Some((number, true));
                    }
                    [None, Some(cycle)] => {
                        let leaf = cases.len();
                        link(&mut cases, Some((number, true)), leaf);
                        cases.push(Case::Cycle(cycle));
                        self.add(&mut state, arc(one));
                        parent = Some((number, false));
                    }
                    [None, None] => {
                        let mut second = state.clone();
                        self.add(&mut second, arc(other));
                        open.push((second, Some((number, true))));
                        self.add(&mut state, arc(one));
                        parent = Some((number, false));
                    }
                }
            }
        }
        Some(cases)
    }

    /// The next choice, with the cycles that its possibilities lead to at once: if there is one
    /// with such a cycle that, or else the one from which most follows.
    fn choose(&self, state: &mut State, number: usize) -> Option<(Choice, [Option<Vec<Arc>>; 2])> {
        self.drop_settled(state);
        let mut forced = None;
        for (at, choice) in state.open.iter().enumerate() {
            let cycles = choice.sides().map(|side| self.closes(state, side, number));
            let closing = cycles.iter().flatten().count();
            if closing == 2 {
                return Some((state.open.remove(at), cycles));
            }
            if closing == 1 && forced.is_none() {
                forced = Some((at, cycles));
            }
        }
        if let Some((at, cycles)) = forced {
            return Some((state.open.remove(at), cycles));
        }
        let best = (0..state.open.len().min(TRIED)).max_by_key(|&at| {
            let fail = |side| self.leads_to_cycle(state, side, number);
            (
                state.open[at]
                    .sides()
                    .into_iter()
                    .filter(|&side| fail(side))
                    .count(),
                !at,
            )
        })?;
        Some((state.open.remove(best), [None, None]))
    }

    /// Drops choices of which one possibility is known to hold.
    fn drop_settled(&self, state: &mut State) {
        let mut open = std::mem::take(&mut state.open);
        open.retain(|choice| {
            let known = |side: (Moment, Moment)| {
                let (from, to) = (self.node(side.0), self.node(side.1));
                from != to && self.before(state, from, to)
            };
            !choice.sides().into_iter().any(known)
        });
        state.open = open;
    }

    /// Whether a possibility leads to a cycle without another choice.
    fn leads_to_cycle(&self, state: &State, side: (Moment, Moment), number: usize) -> bool {
        let mut state = state.clone();
        let mut next = Some(side);
        while let Some((from, to)) = next.take() {
            self.add(
                &mut state,
                Arc {
                    from,
                    to,
                    because: Why::Assumed(number),
                },
            );
            self.drop_settled(&mut state);
            for choice in &state.open {
                let [one, other] = choice.sides();
                let closes = |side: (Moment, Moment)| {
                    self.before(&state, self.node(side.1), self.node(side.0))
                };
                match (closes(one), closes(other)) {
                    (true, true) => return true,
                    (true, false) => next = Some(other),
                    (false, true) => next = Some(one),
                    (false, false) => {}
                }
            }
        }
        false
    }
}

/// Says where a case goes on.
fn link(cases: &mut [Case], parent: Option<(usize, bool)>, child: usize) {
    let Some((number, is_second)) = parent else {
        return;
    };
    if let Some(Case::Either { first, second, .. }) = cases.get_mut(number) {
        *(if is_second { second } else { first }) = child;
    }
}

/// Leaves out choices on which nothing rests.
fn prune(cases: &[Case]) -> Vec<Case> {
    let mut instead: Vec<usize> = (0..cases.len()).collect();
    let mut rests_on: Vec<Vec<usize>> = vec![Vec::new(); cases.len()];
    for number in (0..cases.len()).rev() {
        match &cases[number] {
            Case::Cycle(arcs) => {
                rests_on[number].extend(arcs.iter().filter_map(|arc| match arc.because {
                    Why::Assumed(case) => Some(case),
                    _ => None,
                }));
            }
            Case::Either { first, second, .. } => {
                let sides = [instead[*first], instead[*second]];
                let idle = sides
                    .into_iter()
                    .find(|&side| !rests_on[side].contains(&number));
                if let Some(side) = idle {
                    instead[number] = side;
                    continue;
                }
                let mut all: Vec<usize> = sides
                    .into_iter()
                    .flat_map(|side| rests_on[side].iter().copied())
                    .filter(|&case| case != number)
                    .collect();
                all.sort_unstable();
                all.dedup();
                rests_on[number] = all;
            }
        }
    }
    let mut kept: Vec<usize> = vec![instead[0]];
    let mut place = vec![0; cases.len()];
    let mut at = 0;
    while at < kept.len() {
        place[kept[at]] = at;
        if let Case::Either { first, second, .. } = &cases[kept[at]] {
            kept.extend([instead[*first], instead[*second]]);
        }
        at += 1;
    }
    let renumber = |arc: &Arc| Arc {
        because: match arc.because {
            Why::Assumed(case) => Why::Assumed(place[case]),
            other => other,
        },
        ..*arc
    };
    kept.iter()
        .map(|&number| match &cases[number] {
            Case::Cycle(arcs) => Case::Cycle(arcs.iter().map(renumber).collect()),
            Case::Either {
                choice,
                first,
                second,
            } => Case::Either {
                choice: *choice,
                first: place[instead[*first]],
                second: place[instead[*second]],
            },
        })
        .collect()
}
