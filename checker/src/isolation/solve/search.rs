//! The search for an order of the versions, conflict-driven.
//!
//! The topological order of what is known is itself a guess at the order of everything. A decision
//! is taken only where that guess is wrong, two runs overlap, and goes the way the guess goes (as
//! VeriStrong does, Chen et al., *Smaller Graphs, Faster Checks*, 2025; here the guess is asked
//! what to decide as well). Where no two runs overlap the guess is the answer.

use super::conflict::Lesson;
use super::engine::{Before, Conflict, Engine};
use super::facts::Facts;
use super::layout::{Laid, Layout};
use super::problem::{Isolation, Level, Problem};
use super::witness::Moment;

/// How much a search may do and hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Steps: edges looked at and eights of words of clocks compared.
    pub max_steps: u64,
    /// Bytes.
    pub max_bytes: u64,
}

/// What ran out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RanOut {
    /// The steps.
    Steps,
    /// The bytes.
    Bytes,
}

/// What could not be decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undecided {
    /// What ran out.
    pub ran_out: RanOut,
    /// The keys whose versions are in no order, in ascending order.
    pub keys: Vec<u32>,
    /// The writers of those versions, in ascending order.
    pub transactions: Vec<u32>,
}

/// How much was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Effort {
    /// Steps of the budget.
    pub steps: u64,
    /// Decisions of the search: none if saturation alone gave the answer.
    pub decisions: u64,
    /// Decisions that proved wrong.
    pub conflicts: u64,
    /// Orders of runs that were derived or decided.
    pub orders: u64,
}

/// What a search found.
pub(super) enum Found {
    /// An order of all moments.
    Order(Vec<Moment>),
    /// Facts that contradict each other.
    Contradiction(Facts),
    /// Nothing before the budget ended.
    Nothing(Undecided),
}

/// After how many conflicts the first search starts again.
const RESTART: u64 = 64;

pub(super) fn search(
    problem: &Problem,
    level: Level,
    budget: Budget,
    effort: &mut Effort,
) -> Found {
    let (layout, graph) = match Layout::lay(problem, level, budget.max_bytes) {
        Laid::Out(layout, graph) => (layout, graph),
        Laid::Contradiction(facts) => return Found::Contradiction(facts),
        Laid::Cyclic(layout, mut graph, nodes) => {
            let conflict = Conflict::Cycle(super::engine::cycle(&mut graph, &nodes));
            let mut engine = Engine::new(*layout, graph);
            return match engine.learn_from(&conflict) {
                Some(Lesson::Refuted(facts)) => Found::Contradiction(facts),
                _ => Found::Nothing(Undecided::all(problem, RanOut::Steps)),
            };
        }
        Laid::TooLarge => return Found::Nothing(Undecided::all(problem, RanOut::Bytes)),
    };
    let mut engine = Engine::new(*layout, graph);
    let mut search = Search {
        budget,
        open: Vec::new(),
        at: 0,
        clean: 0,
    };
    let found = search.run(&mut engine, effort);
    effort.steps += engine.graph.steps;
    effort.orders += engine.trail.len() as u64;
    found
}

struct Search {
    budget: Budget,
    /// The keys whose runs are not in order before any decision.
    open: Vec<u32>,
    /// Which of them comes next, and how many in a row needed no decision.
    at: usize,
    clean: usize,
}

impl Search {
    fn run(&mut self, engine: &mut Engine<'_>, effort: &mut Effort) -> Found {
        let mut result = engine.saturate();
        self.open = (0..engine.layout.problem.keys.len() as u32).collect();
        self.keep_open(engine);
        let (mut since, mut limit, mut restarts) = (0, RESTART, 1u64);
        loop {
            if let Err(conflict) = result {
                effort.conflicts += 1;
                since += 1;
                let lesson = engine.learn_from(&conflict);
                let (clause, back_to) = match lesson {
                    Some(Lesson::Refuted(facts)) => return Found::Contradiction(facts),
                    Some(Lesson::Clause(clause, back_to)) => (clause, back_to),
                    None => return Found::Nothing(self.undecided(engine, RanOut::Steps)),
                };
                engine.back_to(back_to);
                result = engine.learn(clause);
                self.clean = 0;
                continue;
            }
            if let Some(ran_out) = self.ran_out(engine) {
                engine.back_to(0);
                return Found::Nothing(self.undecided(engine, ran_out));
            }
            if since >= limit {
                engine.back_to(0);
                self.keep_open(engine);
                restarts += 1;
                (since, limit) = (0, RESTART * luby(restarts));
            }
            let Some(before) = self.next(engine) else {
                return Found::Order(moments(engine));
            };
            effort.decisions += 1;
            result = engine.decide(before);
        }
    }

    fn ran_out(&self, engine: &Engine<'_>) -> Option<RanOut> {
        if engine.graph.steps > self.budget.max_steps {
            Some(RanOut::Steps)
        } else if engine.bytes() > self.budget.max_bytes {
            Some(RanOut::Bytes)
        } else {
            None
        }
    }

    /// Keeps the keys whose runs are not in order yet.
    fn keep_open(&mut self, engine: &Engine<'_>) {
        self.open.retain(|&key| {
            let runs = in_order(engine, key);
            runs.windows(2).any(|pair| {
                !engine.known(Before {
                    first: pair[0],
                    second: pair[1],
                })
            })
        });
        (self.at, self.clean) = (0, 0);
    }

    /// Two runs that overlap in the order of all moments.
    fn next(&mut self, engine: &mut Engine<'_>) -> Option<Before> {
        while self.clean < self.open.len() {
            self.at %= self.open.len();
            let runs = in_order(engine, self.open[self.at]);
            engine.graph.steps += runs.len() as u64;
            let pair = runs
                .windows(2)
                .find(|pair| overlap(engine, pair[0], pair[1]));
            if let Some(pair) = pair {
                self.clean = 0;
                return Some(Before {
                    first: pair[0],
                    second: pair[1],
                });
            }
            self.at += 1;
            self.clean += 1;
        }
        None
    }

    fn undecided(&self, engine: &Engine<'_>, ran_out: RanOut) -> Undecided {
        let mut txns = Vec::new();
        for &key in &self.open {
            for pair in in_order(engine, key).windows(2) {
                if !engine.known(Before {
                    first: pair[0],
                    second: pair[1],
                }) {
                    txns.extend(
                        pair.iter()
                            .map(|&run| engine.layout.runs[run as usize].first),
                    );
                }
            }
        }
        txns.sort_unstable();
        txns.dedup();
        Undecided {
            ran_out,
            keys: self.open.clone(),
            transactions: txns,
        }
    }
}

impl Undecided {
    fn all(problem: &Problem, ran_out: RanOut) -> Undecided {
        let keys = (0..problem.keys.len() as u32).collect();
        let mut txns: Vec<u32> = problem
            .keys
            .iter()
            .flat_map(|key| key.writers.iter().copied())
            .collect();
        txns.sort_unstable();
        txns.dedup();
        Undecided {
            ran_out,
            keys,
            transactions: txns,
        }
    }
}

/// The runs of a key by the moments at which they begin.
fn in_order(engine: &Engine<'_>, key: u32) -> Vec<u32> {
    let starts = engine.layout.starts_of(key);
    let mut runs: Vec<u32> = starts.iter().map(|start| start.run).collect();
    runs.sort_unstable_by_key(|&run| engine.graph.place(engine.layout.runs[run as usize].begins));
    runs
}

/// Whether one run, which begins before another, lasts until that has begun.
fn overlap(engine: &Engine<'_>, first: u32, second: u32) -> bool {
    let (graph, layout) = (&engine.graph, &engine.layout);
    let (x, y) = (&layout.runs[first as usize], &layout.runs[second as usize]);
    let begins = graph.place(y.begins);
    let lasts = layout.commit(x.last);
    graph.place(lasts) > begins
        || layout
            .last_readers(first)
            .any(|read| graph.place(read) > begins)
        || layout.level.isolation == Isolation::Snapshot
            && graph.place(lasts) > graph.place(layout.start(y.first))
}

fn moments(engine: &Engine<'_>) -> Vec<Moment> {
    let layout = &engine.layout;
    let nodes = engine.graph.in_order().iter();
    nodes
        .filter_map(|&node| layout.transaction(node).map(|txn| (node, txn)))
        .flat_map(|(node, txn)| {
            let starts = (layout.start(txn) == node).then_some(Moment::Start(txn));
            let commits = (layout.commit(txn) == node).then_some(Moment::Commit(txn));
            [starts, commits].into_iter().flatten()
        })
        .collect()
}

/// The sequence 1 1 2 1 1 2 4 … counted from one (Luby, Sinclair and Zuckerman, 1993).
fn luby(turn: u64) -> u64 {
    let mut turn = turn;
    loop {
        let bits = u64::BITS - turn.leading_zeros();
        if turn == (1 << bits) - 1 {
            return 1 << (bits - 1);
        }
        turn -= (1 << (bits - 1)) - 1;
    }
}
