//! Registers: read, write, compare-and-set.

use polygraph_history::random::Random;

use super::object::{Answer, Call, Flight, Object, Tampered};
use super::values::Supply;
use super::{Plan, Values, Violation};

/// Registers that hold nothing until they are written.
pub(super) struct Register {
    /// Whether there are compare-and-sets.
    cas: bool,
    supply: Supply,
    /// How many values there are, if few.
    few: usize,
}

/// One register.
#[derive(Default)]
pub(super) struct State {
    holds: Option<i64>,
    /// The value that a client learned last.
    known: Option<i64>,
    /// The value of the write that was answered last.
    latest: Option<i64>,
    replaced: Option<Replaced>,
    /// A value that a compare-and-set replaced.
    swapped: Option<i64>,
    /// Until when a value may still be written, by value; [`u64::MAX`] after a crash.
    writing: Vec<u64>,
}

/// A value that was replaced for certain: its write was answered before `since`, when another
/// write was invoked, which has been answered too.
#[derive(Clone, Copy)]
struct Replaced {
    value: i64,
    by: i64,
    since: u64,
}

/// What is known when an operation begins.
#[derive(Default)]
pub(super) struct Note {
    latest: Option<i64>,
    replaced: Option<Replaced>,
    /// Whether a compare-and-set expects what it must not find.
    baited: bool,
}

impl Register {
    pub(super) fn new(plan: &Plan, cas: bool) -> Register {
        Register {
            cas,
            supply: Supply::of(plan),
            few: match plan.values {
                Values::Unique => 0,
                Values::Few(values) => values as usize,
            },
        }
    }

    /// The replaced value, if nobody can have written it again.
    fn gone(&self, state: &State, replaced: Option<Replaced>) -> Option<i64> {
        let Replaced { value, by, since } = replaced?;
        let writing = usize::try_from(value)
            .ok()
            .and_then(|at| state.writing.get(at));
        let over = self.supply.unique() || writing.is_some_and(|&until| until < since);
        (over && value != by).then_some(value)
    }
}

/// What an operation writes if it succeeds.
const fn writes(call: Call) -> Option<i64> {
    match call {
        Call::Write(value) | Call::Cas { to: value, .. } => Some(value),
        _ => None,
    }
}

impl Object for Register {
    type State = State;
    type Note = Note;

    fn call(&mut self, state: &mut State, _client: usize, random: &mut Random) -> Call {
        match (random.below(if self.cas { 100 } else { 85 }), state.known) {
            (0..50, _) => Call::Read,
            (85.., Some(known)) => {
                let from = if random.below(10) < 9 {
                    known
                } else {
                    self.supply.any(random)
                };
                let to = self.supply.next(random);
                Call::Cas { from, to }
            }
            _ => Call::Write(self.supply.next(random)),
        }
    }

    fn can_show(&self, call: Call, violation: Violation) -> bool {
        match violation {
            Violation::LostWrite | Violation::CasDoubleSuccess => matches!(call, Call::Cas { .. }),
            _ => call == Call::Read,
        }
    }

    fn begin(
        &mut self,
        state: &mut State,
        flight: &mut Flight<Note>,
        violation: Option<Violation>,
    ) {
        flight.note.latest = state.latest;
        flight.note.replaced = state.replaced;
        if let (true, Call::Cas { from, .. }) = (flight.chosen, &mut flight.call) {
            let bait = match violation {
                Some(Violation::LostWrite) => state.replaced.map(|replaced| replaced.value),
                Some(Violation::CasDoubleSuccess) => state.swapped,
                _ => None,
            };
            flight.note.baited = bait.is_some();
            *from = bait.unwrap_or(*from);
        }
        if let Some(value) = writes(flight.call).and_then(|value| usize::try_from(value).ok())
            && self.few > 0
        {
            state.writing.resize(self.few + 1, 0);
            state.writing[value] = state.writing[value].max(flight.ends);
        }
    }

    fn effect(&mut self, state: &mut State, flight: &Flight<Note>) -> Option<Answer> {
        Some(match flight.call {
            Call::Cas { from, .. } if state.holds != Some(from) => Answer::Mismatch,
            Call::Write(value) | Call::Cas { to: value, .. } => {
                state.holds = Some(value);
                Answer::Done
            }
            _ => Answer::Value(state.holds),
        })
    }

    fn end(&mut self, state: &mut State, flight: &Flight<Note>, answer: &Answer) {
        match (writes(flight.call), answer) {
            (_, Answer::Value(Some(value))) => state.known = Some(*value),
            (Some(by), Answer::Done) => {
                state.known = Some(by);
                state.latest = Some(by);
                if let Some(value) = flight.note.latest {
                    let since = flight.begins;
                    state.replaced = Some(Replaced { value, by, since });
                }
                if let Call::Cas { from, .. } = flight.call {
                    state.swapped = Some(from);
                }
            }
            _ => {}
        }
    }

    fn tamper(
        &mut self,
        state: &mut State,
        flight: &Flight<Note>,
        violation: Violation,
    ) -> Tampered {
        let gone = self.gone(state, flight.note.replaced);
        let answer = match (violation, flight.call) {
            (Violation::PhantomRead, _) => Some(Answer::Value(Some(self.supply.phantom))),
            (Violation::StaleRead, _) => gone.map(|value| Answer::Value(Some(value))),
            (Violation::LostWrite, Call::Cas { from, to }) if flight.note.baited => {
                (gone == Some(from) && from != to).then_some(Answer::Done)
            }
            (Violation::CasDoubleSuccess, _) if flight.note.baited => Some(Answer::Done),
            _ => None,
        };
        answer.map_or(Tampered::No, Tampered::Shown)
    }
}
