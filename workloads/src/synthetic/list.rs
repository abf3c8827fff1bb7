//! Lists: append, read the whole.

use polygraph_history::random::Random;

use super::object::{Answer, Call, Flight, Object, Tampered};
use super::values::Supply;
use super::{Plan, Violation};

/// Lists that begin empty and only grow.
pub(super) struct List {
    supply: Supply,
}

/// One list.
#[derive(Default)]
pub(super) struct State {
    elements: Vec<Element>,
}

/// What was appended, and when.
struct Element {
    value: i64,
    begins: u64,
    ends: u64,
}

impl List {
    pub(super) fn new(plan: &Plan) -> List {
        List {
            supply: Supply::of(plan),
        }
    }
}

impl State {
    fn values(&self) -> Vec<i64> {
        self.elements.iter().map(|element| element.value).collect()
    }

    /// The elements without one that a read which began then must find. Of equal values it must
    /// find as many as were appended before.
    fn without_one(&self, began: u64) -> Option<Vec<i64>> {
        let settled = |element: &&Element| element.ends < began;
        let missed = self.elements.iter().position(|element| {
            let same = || self.elements.iter().filter(|e| e.value == element.value);
            element.ends < began && same().filter(settled).count() == same().count()
        })?;
        let mut values = self.values();
        values.remove(missed);
        Some(values)
    }

    /// So few elements from the beginning that one is missing.
    fn cut_short(&self, began: u64) -> Option<Vec<i64>> {
        let settled = self.elements.iter().filter(|element| element.ends < began);
        let fewer = settled.count().checked_sub(1)?;
        Some(self.elements[..fewer].iter().map(|e| e.value).collect())
    }

    /// Two neighbours changed, of which one was appended before the other.
    fn swapped(&self) -> Option<Vec<i64>> {
        let first = self
            .elements
            .windows(2)
            .position(|pair| pair[0].ends < pair[1].begins)?;
        let mut values = self.values();
        values.swap(first, first + 1);
        Some(values)
    }
}

impl Object for List {
    type State = State;
    type Note = ();

    fn call(&mut self, _state: &mut State, _client: usize, random: &mut Random) -> Call {
        match random.below(2) {
            0 => Call::Read,
            _ => Call::Append(self.supply.next(random)),
        }
    }

    fn can_show(&self, call: Call, _violation: Violation) -> bool {
        call == Call::Read
    }

    fn begin(&mut self, _state: &mut State, _flight: &mut Flight<()>, _: Option<Violation>) {}

    fn effect(&mut self, state: &mut State, flight: &Flight<()>) -> Option<Answer> {
        let Call::Append(value) = flight.call else {
            return Some(Answer::Elements(state.values()));
        };
        state.elements.push(Element {
            value,
            begins: flight.begins,
            ends: flight.ends,
        });
        Some(Answer::Done)
    }

    fn end(&mut self, _state: &mut State, _flight: &Flight<()>, _answer: &Answer) {}

    fn tamper(&mut self, state: &mut State, flight: &Flight<()>, violation: Violation) -> Tampered {
        let elements = match violation {
            Violation::StaleRead => state.cut_short(flight.begins),
            Violation::LostElement => state.without_one(flight.begins),
            Violation::ReorderedRead => state.swapped(),
            _ => {
                let mut values = state.values();
                values.push(self.supply.phantom);
                Some(values)
            }
        };
        elements.map_or(Tampered::No, |elements| {
            Tampered::Shown(Answer::Elements(elements))
        })
    }
}
