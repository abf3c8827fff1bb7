//! Counters: increment, read.

use polygraph_history::random::Random;

use super::object::{Answer, Call, Flight, Object, Tampered};
use super::{Plan, Values, Violation};

/// Counters that begin at zero and only grow.
pub(super) struct Counter {
    /// The greatest step.
    most: u64,
}

/// One counter.
#[derive(Default)]
pub(super) struct State {
    holds: i64,
    /// What it is at least: every increment that was answered.
    least: i64,
    /// What it is at most: every increment that was invoked.
    most: i64,
}

impl Counter {
    pub(super) fn new(plan: &Plan) -> Counter {
        let most = match plan.values {
            Values::Unique => 1,
            Values::Few(values) => u64::from(values),
        };
        Counter { most }
    }
}

impl Object for Counter {
    type State = State;
    /// What the counter was at least when the operation began.
    type Note = i64;

    fn call(&mut self, _state: &mut State, _client: usize, random: &mut Random) -> Call {
        match random.below(2) {
            0 => Call::Read,
            _ => Call::Increment(1 + i64::try_from(random.below(self.most)).unwrap_or_default()),
        }
    }

    fn can_show(&self, call: Call, _violation: Violation) -> bool {
        call == Call::Read
    }

    fn begin(&mut self, state: &mut State, flight: &mut Flight<i64>, _: Option<Violation>) {
        flight.note = state.least;
        if let Call::Increment(by) = flight.call {
            state.most += by;
        }
    }

    fn effect(&mut self, state: &mut State, flight: &Flight<i64>) -> Option<Answer> {
        let Call::Increment(by) = flight.call else {
            return Some(Answer::Value(Some(state.holds)));
        };
        state.holds += by;
        Some(Answer::Done)
    }

    fn end(&mut self, state: &mut State, flight: &Flight<i64>, _answer: &Answer) {
        if let Call::Increment(by) = flight.call {
            state.least += by;
        }
    }

    fn tamper(
        &mut self,
        state: &mut State,
        flight: &Flight<i64>,
        violation: Violation,
    ) -> Tampered {
        match violation {
            Violation::StaleRead if flight.note > 0 => {
                Tampered::Shown(Answer::Value(Some(flight.note - 1)))
            }
            Violation::PhantomRead => Tampered::Shown(Answer::Value(Some(state.most + 1))),
            _ => Tampered::No,
        }
    }
}
