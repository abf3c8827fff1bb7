//! Containers: put, take. What they have in common; in which order elements come out is a
//! [`Shelf`]'s matter: `queue.rs`, `stack.rs`, `priority_queue.rs`.

use std::collections::VecDeque;

use polygraph_history::random::Random;

use super::object::{Answer, Call, Flight, Object, Tampered};
use super::values::Supply;
use super::{Plan, Violation};

/// An element and when it was put in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Element {
    pub(super) value: i64,
    pub(super) begins: u64,
    pub(super) ends: u64,
}

/// Elements in the order in which they come out, counted from 0.
pub(super) trait Shelf: Default {
    /// The value of the n-th put of a history that writes every value once, of so many at most.
    fn value(nth: i64, most: u64) -> i64 {
        let _ = most;
        nth
    }

    /// The greatest such value.
    fn greatest(most: u64) -> i64 {
        i64::try_from(most).unwrap_or(i64::MAX - 1)
    }

    fn len(&self) -> usize;

    fn put(&mut self, element: Element);

    fn get(&self, at: usize) -> Option<Element>;

    fn remove(&mut self, at: usize) -> Option<Element>;

    /// Two elements at this place or behind it of which the first has to come out before the
    /// second, as everybody who began at `begins` must agree.
    fn ordered(&self, from: usize, begins: u64) -> Option<(usize, usize)>;
}

/// Containers that begin empty.
pub(super) struct Container<S> {
    supply: Supply,
    /// How many operations there are at most.
    most: u64,
    shown: bool,
    shelf: std::marker::PhantomData<S>,
}

/// One container.
#[derive(Default)]
pub(super) struct State<S> {
    shelf: S,
    /// Takes that were invoked and have not taken effect, but may.
    taking: usize,
    /// What was taken last by an operation that was answered.
    taken: Option<i64>,
    /// The element that shows the violation when it is taken after all, by an operation that
    /// began after the wrong answer was given.
    witness: Option<i64>,
    /// What those get that began before: for them the moment of the wrong answer is as good as
    /// any other to take effect.
    reserved: VecDeque<Element>,
    /// That moment.
    moment: u64,
}

impl<S: Shelf> Container<S> {
    pub(super) fn new(plan: &Plan) -> Container<S> {
        let mut supply = Supply::of(plan);
        if supply.unique() {
            supply.phantom = S::greatest(plan.operations) + 1;
        }
        Container {
            supply,
            most: plan.operations,
            shown: false,
            shelf: std::marker::PhantomData,
        }
    }
}

impl<S: Shelf> State<S> {
    /// Says that the container is empty while the witness is in it all the time: it was there
    /// before, and only an operation that begins later can take it.
    fn empty(&mut self, begins: u64, others: usize) -> Option<Answer> {
        let ahead = others..self.shelf.len().min(others + SOME);
        let mut elements = ahead.filter_map(|at| self.shelf.get(at));
        let witness = elements.find(|element| element.ends < begins)?;
        self.witness = Some(witness.value);
        Some(Answer::Value(None))
    }

    /// Takes the later of two elements. The earlier one is in all the time, as above.
    fn overtake(&mut self, begins: u64, others: usize) -> Option<Answer> {
        let (first, second) = self.shelf.ordered(others, begins)?;
        self.witness = self.shelf.get(first).map(|element| element.value);
        let taken = self.shelf.remove(second)?;
        Some(Answer::Value(Some(taken.value)))
    }

    /// Loses the earlier of two elements: when the later one is taken, it should have been.
    fn lose(&mut self, now: u64, others: usize) -> Option<()> {
        let (first, second) = self.shelf.ordered(others, now)?;
        self.witness = self.shelf.get(second).map(|element| element.value);
        self.shelf.remove(first).map(|_| ())
    }

    /// Lets everybody who is about to take something do so now.
    fn reserve(&mut self, now: u64, others: usize) {
        self.moment = now;
        self.reserved = (0..others).filter_map(|_| self.shelf.remove(0)).collect();
    }

    fn take(&mut self) -> Answer {
        Answer::Value(self.shelf.remove(0).map(|element| element.value))
    }
}

/// So many places are looked at.
pub(super) const SOME: usize = 64;

impl<S: Shelf> Object for Container<S> {
    type State = State<S>;
    type Note = ();

    fn call(&mut self, state: &mut State<S>, _client: usize, random: &mut Random) -> Call {
        // The witness should come out before the history ends.
        let puts = if state.witness.is_some() { 30 } else { 50 };
        if random.below(100) >= puts {
            return Call::Take;
        }
        let value = self.supply.next(random);
        Call::Put(if self.supply.unique() {
            S::value(value, self.most)
        } else {
            value
        })
    }

    fn can_show(&self, call: Call, _violation: Violation) -> bool {
        call == Call::Take
    }

    fn begin(&mut self, state: &mut State<S>, flight: &mut Flight<()>, _: Option<Violation>) {
        state.taking += usize::from(flight.call == Call::Take && flight.happens);
    }

    fn effect(&mut self, state: &mut State<S>, flight: &Flight<()>) -> Option<Answer> {
        if let Call::Put(value) = flight.call {
            state.shelf.put(Element {
                value,
                begins: flight.begins,
                ends: flight.ends,
            });
            return Some(Answer::Done);
        }
        state.taking -= 1;
        if flight.begins <= state.moment
            && let Some(element) = state.reserved.pop_front()
        {
            return Some(Answer::Value(Some(element.value)));
        }
        let next = state.shelf.get(0).map(|element| element.value);
        // Nobody would see the witness: then the operation never took place.
        if flight.crashed() && next.is_some() && next == state.witness {
            return Some(Answer::Value(None));
        }
        Some(state.take())
    }

    fn end(&mut self, state: &mut State<S>, _flight: &Flight<()>, answer: &Answer) {
        if let Answer::Value(Some(value)) = answer {
            self.shown |= state.witness == Some(*value);
            state.taken = Some(*value);
        }
    }

    fn shown(&self) -> bool {
        self.shown
    }

    fn tamper(
        &mut self,
        state: &mut State<S>,
        flight: &Flight<()>,
        violation: Violation,
    ) -> Tampered {
        // What is so far behind stays, if each of them takes its element now.
        let others = state.taking - 1;
        let answer = match violation {
            Violation::PhantomElement => Some(Answer::Value(Some(self.supply.phantom))),
            Violation::DuplicateElement => state.taken.map(|value| Answer::Value(Some(value))),
            Violation::EmptyWhileNotEmpty => state.empty(flight.begins, others),
            Violation::Overtake => state.overtake(flight.begins, others),
            // It takes what it should, and another element vanishes.
            _ => state.lose(flight.ends, others + 1).map(|()| state.take()),
        };
        let Some(answer) = answer else {
            return Tampered::No;
        };
        state.taking -= 1;
        if state.witness.is_some() {
            state.reserve(flight.ends, others);
            Tampered::Begun(answer)
        } else {
            Tampered::Shown(answer)
        }
    }
}
