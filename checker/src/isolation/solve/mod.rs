//! Serializability, snapshot isolation and prefix consistency of registers whose version order
//! nobody knows.
//!
//! - [`check`], [`level`]: from a history to a verdict; [`Proof`], [`confirm_proof`].
//! - [`Problem`], [`Level`]: what is asked, apart from how histories are read.
//! - [`decide`]: the answer, with [`Budget`] and [`Effort`]; [`sweep`], [`Swept`], [`Stuck`]: the
//!   short way to it.
//! - [`Refutation`], [`confirm`]: why there is no order, and the second look at that.
//! - [`Moment`], [`replay`]: the order there is, and the replay of it.
//!
//! Deciding is NP-complete (Papadimitriou, *The Serializability of Concurrent Database Updates*,
//! JACM 26(4), 1979; Biswas and Enea, OOPSLA 2019, for the weaker levels), but histories of real
//! stores leave little to choose: versions are intervals that must not overlap (`layout`), what
//! follows from the known order is drawn to a fixpoint (`engine`), and only what that leaves open
//! is searched, with learning from conflicts (`search`, `conflict`). Of large histories an order is
//! first looked for by one sweep through time (`sweep`), and what contradicts one around the place
//! where that ends.
//!
//! **Invariant:** *holds* comes with an order that [`replay`] has accepted, *violated* with facts
//! and cases that [`confirm`] has. Neither shares code with the search.

mod check;
mod conflict;
mod engine;
mod evidence;
mod facts;
mod graph;
mod layout;
mod problem;
mod refute;
mod search;
mod sweep;
mod tree;
mod witness;
mod words;

pub(super) use check::{Instance, check_instance};
pub use check::{check, level};
pub use evidence::{Proof, confirm_proof};
pub use facts::{Facts, Saw, Write};
pub use problem::{Because, Isolation, Key, Level, Order, Precedes, Problem, Read, Span};
pub use search::{Budget, Effort, RanOut, Undecided};
pub use sweep::{Stuck, Swept, sweep};
pub use tree::{Arc, Case, Choice, Refutation, Why, confirm};
pub use witness::{Moment, replay};

use search::Found;

/// The answer to a problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The level is kept: an order that shows it.
    Holds(Vec<Moment>),
    /// No order explains the problem.
    Violated(Box<Refutation>),
    /// Not decided.
    Unknown(Unknown),
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// The budget ended.
    Undecided(Undecided),
    /// There is no order, as the search found, but the proof of it would be too long; these facts
    /// are what it would rest on.
    Unproved(Facts),
    /// The problem contradicts its own description.
    Malformed(String),
}

impl Answer {
    /// Whether the level is kept; nothing where it is not decided.
    #[must_use]
    pub const fn holds(&self) -> Option<bool> {
        match self {
            Answer::Holds(_) => Some(true),
            Answer::Violated(_) => Some(false),
            Answer::Unknown(_) => None,
        }
    }
}

/// From how many transactions on a sweep is tried first.
const LARGE: u32 = 2_000;

/// How many transactions before and after the place where a sweep is stuck are searched for a
/// contradiction, one after the other.
const WINDOWS: [usize; 4] = [32, 256, 2_048, 16_384];

/// Decides whether some order of the transactions explains a problem.
///
/// Of large problems with times a serial order in real time is looked for by a sweep; if there is
/// one, it serves every level. Where the sweep gets stuck its surroundings are searched for what
/// contradicts the level.
///
/// Orders that extend more than the level asks for are looked for first: there is less to choose,
/// and one that exists serves as well. If there is none, what that rests on may not need the rest.
#[must_use]
pub fn decide(problem: &Problem, level: Level, budget: Budget) -> (Answer, Effort) {
    let mut effort = Effort::default();
    if let Err(why) = problem.validate() {
        return (Answer::Unknown(Unknown::Malformed(why)), effort);
    }
    if problem.transactions >= LARGE && !problem.spans.is_empty() {
        match sweep(problem) {
            Swept::Order(moments) => {
                let answer = play(problem, level, moments);
                if answer.holds().is_some() {
                    return (answer, effort);
                }
            }
            Swept::Stuck(stuck) => {
                let found = look_around(problem, level, &stuck, budget, &mut effort);
                if let Some(proof) = found {
                    return (Answer::Violated(Box::new(proof)), effort);
                }
            }
        }
    }
    for order in [Order::RealTime, Order::Sessions] {
        if order > level.order && problem.knows(order) {
            let more = Level { order, ..level };
            let answer = match search::search(problem, more, budget, &mut effort) {
                Found::Order(moments) => play(problem, level, moments),
                Found::Contradiction(mut facts) => {
                    facts
                        .precedes
                        .retain(|pair| Problem::counts(level.order, pair.because));
                    if !refute::contradict(level, &facts, budget, &mut effort) {
                        continue;
                    }
                    prove(problem, level, facts, budget)
                }
                Found::Nothing(_) => continue,
            };
            return (answer, effort);
        }
    }
    let answer = match search::search(problem, level, budget, &mut effort) {
        Found::Order(moments) => play(problem, level, moments),
        Found::Contradiction(facts) => prove(problem, level, facts, budget),
        Found::Nothing(undecided) => Answer::Unknown(Unknown::Undecided(undecided)),
    };
    (answer, effort)
}

/// Looks for a contradiction around the place where a sweep got stuck.
fn look_around(
    problem: &Problem,
    level: Level,
    stuck: &Stuck,
    budget: Budget,
    effort: &mut Effort,
) -> Option<Refutation> {
    for size in WINDOWS {
        let window = stuck.window(problem, size);
        if let Found::Contradiction(facts) = search::search(&window.problem, level, budget, effort)
        {
            let facts = facts.outside(&window.txns, &window.keys);
            if let Answer::Violated(proof) = prove(problem, level, facts, budget) {
                return Some(*proof);
            }
        }
        if 2 * size >= problem.transactions as usize {
            break;
        }
    }
    None
}

fn play(problem: &Problem, level: Level, moments: Vec<Moment>) -> Answer {
    match replay(problem, level, &moments) {
        Ok(()) => Answer::Holds(moments),
        Err(why) => Answer::Unknown(Unknown::Malformed(why)),
    }
}

fn prove(problem: &Problem, level: Level, facts: Facts, budget: Budget) -> Answer {
    match refute::refute(level, facts.clone(), budget.max_bytes) {
        Some(proof) if confirm(problem, &proof).is_ok() => Answer::Violated(Box::new(proof)),
        _ => Answer::Unknown(Unknown::Unproved(facts)),
    }
}
