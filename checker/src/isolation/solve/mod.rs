//! Serializability, snapshot isolation and prefix consistency of registers whose version order
//! nobody knows.
//!
//! - [`check`], [`level`]: from a history to a verdict; [`Proof`], [`confirm_proof`].
//! - [`Problem`], [`Level`]: what is asked, apart from how histories are read.
//! - [`decide`]: the answer, with [`Budget`] and [`Effort`].
//! - [`Refutation`], [`confirm`]: why there is no order, and the second look at that.
//! - [`Moment`], [`replay`]: the order there is, and the replay of it.
//!
//! Deciding is NP-complete (Papadimitriou, *The Serializability of Concurrent Database Updates*,
//! JACM 26(4), 1979; Biswas and Enea, OOPSLA 2019, for the weaker levels), but histories of real
//! stores leave little to choose: versions are intervals that must not overlap (`layout`), what
//! follows from the known order is drawn to a fixpoint (`engine`), and only what that leaves open
//! is searched, with learning from conflicts (`search`, `conflict`).
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
mod tree;
mod witness;
mod words;

pub use check::{check, level};
pub use evidence::{Proof, confirm_proof};
pub use facts::{Facts, Saw, Write};
pub use problem::{Because, Isolation, Key, Level, Order, Precedes, Problem, Read, Span};
pub use search::{Budget, Effort, RanOut, Undecided};
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

/// Decides whether some order of the transactions explains a problem.
///
/// Orders that extend more than the level asks for are looked for first: there is less to choose,
/// and one that exists serves as well. If there is none, what that rests on may not need the rest.
#[must_use]
pub fn decide(problem: &Problem, level: Level, budget: Budget) -> (Answer, Effort) {
    let mut effort = Effort::default();
    if let Err(why) = problem.validate() {
        return (Answer::Unknown(Unknown::Malformed(why)), effort);
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
