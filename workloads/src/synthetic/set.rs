//! Sets: add, remove, contains.

use std::collections::VecDeque;

use polygraph_history::random::Random;

use super::object::{Answer, Call, Flight, Object, Tampered};
use super::{Plan, Values, Violation};

/// Sets that begin empty. With distinct values each element is added once and removed once at
/// most, and soon nobody asks for it any more; else elements come and go.
pub(super) struct Set {
    values: Values,
    phantom: i64,
}

/// So many distinct elements are asked for at the same time.
const RECENT: usize = 64;

/// One set.
#[derive(Default)]
pub(super) struct State {
    /// The elements that operations may still name, by value.
    elements: VecDeque<Element>,
    /// The value of the first of them.
    first: i64,
}

/// One element, which is in the set or not.
#[derive(Clone, Copy, Default)]
struct Element {
    present: bool,
    adds: Changes,
    removes: Changes,
    /// Operations that name it, and of which something may still come.
    open: u32,
}

/// The operations that put an element into the set, or those that took it out.
#[derive(Clone, Copy, Default)]
struct Changes {
    begun: bool,
    /// Until when one may take effect; [`u64::MAX`] after a crash.
    until: u64,
    /// When the one began that was answered last.
    latest: Option<u64>,
}

/// When the last add and remove began that had been answered before the operation began.
#[derive(Default)]
pub(super) struct Note {
    added: Option<u64>,
    removed: Option<u64>,
}

impl Set {
    pub(super) fn new(plan: &Plan) -> Set {
        let most = match plan.values {
            Values::Unique => i64::try_from(plan.operations).unwrap_or(i64::MAX - 1),
            Values::Few(values) => i64::from(values),
        };
        Set {
            values: plan.values,
            phantom: most + 1,
        }
    }
}

impl State {
    fn of(&mut self, value: i64) -> Option<&mut Element> {
        let at = usize::try_from(value - self.first).ok()?;
        self.elements.get_mut(at)
    }

    /// The value of one of the elements.
    fn any(&self, random: &mut Random) -> i64 {
        let at = random.below(self.elements.len() as u64);
        self.first + i64::try_from(at).unwrap_or_default()
    }

    /// A value that was never used.
    fn fresh(&mut self) -> i64 {
        if self.elements.is_empty() {
            self.first = self.first.max(1);
        }
        while self.elements.len() >= RECENT && self.elements[0].open == 0 {
            self.elements.pop_front();
            self.first += 1;
        }
        self.elements.push_back(Element::default());
        self.first + i64::try_from(self.elements.len()).unwrap_or_default() - 1
    }
}

/// The element that an operation names.
const fn named(call: Call) -> i64 {
    match call {
        Call::Add(value) | Call::Remove(value) | Call::Contains(value) => value,
        _ => 0,
    }
}

impl Object for Set {
    type State = State;
    type Note = Note;

    fn call(&mut self, state: &mut State, _client: usize, random: &mut Random) -> Call {
        let kind = random.below(100);
        if let Values::Few(values) = self.values {
            if state.elements.is_empty() {
                state.first = 1;
                state.elements = vec![Element::default(); values as usize].into();
            }
            let value = state.any(random);
            return match kind {
                0..30 => Call::Add(value),
                30..60 => Call::Remove(value),
                _ => Call::Contains(value),
            };
        }
        if kind < 40 || state.elements.is_empty() {
            return Call::Add(state.fresh());
        }
        let value = state.any(random);
        let removed = state.of(value).is_some_and(|element| element.removes.begun);
        if kind < 65 && !removed {
            Call::Remove(value)
        } else {
            Call::Contains(value)
        }
    }

    fn can_show(&self, call: Call, _violation: Violation) -> bool {
        matches!(call, Call::Contains(_))
    }

    fn begin(
        &mut self,
        state: &mut State,
        flight: &mut Flight<Note>,
        violation: Option<Violation>,
    ) {
        if flight.chosen && violation == Some(Violation::PhantomElement) {
            flight.call = Call::Contains(self.phantom);
        }
        let Some(element) = state.of(named(flight.call)) else {
            return;
        };
        element.open += 1;
        flight.note = Note {
            added: element.adds.latest,
            removed: element.removes.latest,
        };
        let changes = match flight.call {
            Call::Add(_) => &mut element.adds,
            Call::Remove(_) => &mut element.removes,
            _ => return,
        };
        changes.begun = true;
        changes.until = changes.until.max(flight.ends);
    }

    fn effect(&mut self, state: &mut State, flight: &Flight<Note>) -> Option<Answer> {
        let Some(element) = state.of(named(flight.call)) else {
            return Some(Answer::Found(false));
        };
        match flight.call {
            Call::Add(_) => element.present = true,
            Call::Remove(_) => element.present = false,
            _ => return Some(Answer::Found(element.present)),
        }
        Some(Answer::Done)
    }

    fn end(&mut self, state: &mut State, flight: &Flight<Note>, _answer: &Answer) {
        let Some(element) = state.of(named(flight.call)) else {
            return;
        };
        match flight.call {
            Call::Add(_) => element.adds.latest = element.adds.latest.max(Some(flight.begins)),
            Call::Remove(_) => {
                element.removes.latest = element.removes.latest.max(Some(flight.begins));
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
        if violation == Violation::PhantomElement {
            return if named(flight.call) == self.phantom {
                Tampered::Shown(Answer::Found(true))
            } else {
                Tampered::No
            };
        }
        let Some(element) = state.of(named(flight.call)) else {
            return Tampered::No;
        };
        let Note { added, removed } = flight.note;
        // The last change of one kind that was over before, and none of the other kind since.
        let over = |change: Option<u64>, other: Changes| {
            change.is_some_and(|began| !other.begun || other.until < began)
        };
        match violation {
            Violation::LostElement if over(added, element.removes) => {
                Tampered::Shown(Answer::Found(false))
            }
            Violation::ResurrectedElement if over(removed, element.adds) => {
                Tampered::Shown(Answer::Found(true))
            }
            _ => Tampered::No,
        }
    }

    fn forget(&mut self, state: &mut State, flight: &Flight<Note>) {
        if let Some(element) = state.of(named(flight.call)) {
            element.open = element.open.saturating_sub(1);
        }
    }
}
