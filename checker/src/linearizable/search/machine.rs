//! A model on integers: states and operations by number, transitions remembered.
//!
//! States are numbered as they are reached (Knossos's memo, without its limit). The search sees
//! numbers alone, so that it is compiled once for all models.

use std::hash::Hash;
use std::rc::Rc;

use rustc_hash::FxHashMap;

use super::pruning::{Leave, Pruning};
use crate::model::Model;

/// With more classes than this the table has an entry only for what was tried.
const MAX_ROW: usize = 512;
/// Beyond so many cells the table has an entry only for what was tried, too.
const MAX_CELLS: usize = 1 << 22;
const NOT_TRIED: u32 = u32::MAX;
const REFUSED: u32 = u32::MAX - 1;

/// A model that numbers its states.
pub(super) trait Numbered {
    /// The number of the state after an operation of this class, if it is possible.
    fn perform(&mut self, state: u32, class: u32) -> Option<u32>;

    /// Whether states have more to them than their bytes, so that asking the model again costs
    /// more than remembering.
    fn dear(&self) -> bool;

    /// How many states were reached.
    fn reached(&self) -> usize;

    /// When a state may be left.
    fn leave(&self, state: u32) -> Leave;

    /// About how many bytes it holds.
    fn bytes(&self) -> u64;
}

/// The states of a model that were reached.
pub(super) struct States<'a, M: Model, P> {
    model: &'a M,
    pruning: P,
    classes: Vec<&'a M::Op>,
    states: Vec<Rc<M::State>>,
    ids: FxHashMap<Rc<M::State>, u32>,
    heap: u64,
}

impl<'a, M: Model, P: Pruning<M::State>> States<'a, M, P> {
    /// The initial state alone.
    pub(super) fn new(model: &'a M, pruning: P, classes: Vec<&'a M::Op>) -> States<'a, M, P> {
        let mut states = States {
            model,
            pruning,
            classes,
            states: Vec::new(),
            ids: FxHashMap::default(),
            heap: 0,
        };
        states.number(model.initial());
        states
    }

    fn number(&mut self, state: M::State) -> u32 {
        if let Some(&id) = self.ids.get(&state) {
            return id;
        }
        let id = self.states.len() as u32;
        self.heap += self.model.heap_bytes(&state) as u64;
        let state = Rc::new(state);
        self.ids.insert(Rc::clone(&state), id);
        self.states.push(state);
        id
    }

    /// The state with this number.
    pub(super) fn state(&self, state: u32) -> &M::State {
        &self.states[state as usize]
    }
}

impl<M: Model, P: Pruning<M::State>> Numbered for States<'_, M, P>
where
    M::State: Hash + Eq,
{
    fn perform(&mut self, state: u32, class: u32) -> Option<u32> {
        let op = self.classes[class as usize];
        let next = self.model.step(&self.states[state as usize], op).ok()?;
        Some(self.number(next))
    }

    fn dear(&self) -> bool {
        std::mem::needs_drop::<M::State>()
    }

    fn reached(&self) -> usize {
        self.states.len()
    }

    fn leave(&self, state: u32) -> Leave {
        self.pruning.leave(&self.states[state as usize])
    }

    fn bytes(&self) -> u64 {
        // The state itself and its counts, and where it is named.
        let state = size_of::<M::State>() + 16 + 16;
        let tables = self.states.capacity() * 8 + self.ids.capacity() * 20;
        self.heap + (self.states.len() * state + tables) as u64
    }
}

/// The transitions between numbered states that were tried.
pub(super) struct Machine<'a> {
    numbered: &'a mut dyn Numbered,
    classes: usize,
    /// When a state may be left, by state.
    leave: Vec<Leave>,
    /// The next state by state and class.
    table: Vec<u32>,
    /// The same beyond the table.
    tried: FxHashMap<u64, u32>,
    /// Whether to remember what is beyond the table.
    dear: bool,
    /// Whether the model was asked since somebody looked.
    asked: bool,
}

impl<'a> Machine<'a> {
    /// The initial state.
    pub(super) const START: u32 = 0;

    /// Nothing tried yet; for so many classes.
    pub(super) fn new(numbered: &'a mut dyn Numbered, classes: usize) -> Machine<'a> {
        let mut machine = Machine {
            dear: numbered.dear(),
            numbered,
            classes,
            leave: Vec::new(),
            table: Vec::new(),
            tried: FxHashMap::default(),
            asked: false,
        };
        machine.extend();
        machine
    }

    /// When a state may be left.
    #[inline]
    pub(super) fn leave(&self, state: u32) -> Leave {
        self.leave[state as usize]
    }

    /// The state after an operation of this class, if it is possible.
    #[inline]
    pub(super) fn step(&mut self, state: u32, class: u32) -> Option<u32> {
        let cell = state as usize * self.classes + class as usize;
        match self.table.get(cell) {
            Some(&REFUSED) => None,
            Some(&NOT_TRIED) | None => self.look_up(state, class),
            Some(&next) => Some(next),
        }
    }

    /// Whether the model was asked since this was called last.
    #[inline]
    pub(super) const fn asked(&mut self) -> bool {
        std::mem::replace(&mut self.asked, false)
    }

    #[cold]
    fn look_up(&mut self, state: u32, class: u32) -> Option<u32> {
        let place = u64::from(state) << 32 | u64::from(class);
        if self.dear
            && let Some(&next) = self.tried.get(&place)
        {
            return (next != REFUSED).then_some(next);
        }
        let next = self.numbered.perform(state, class);
        self.asked = true;
        self.extend();
        let answer = next.unwrap_or(REFUSED);
        match self
            .table
            .get_mut(state as usize * self.classes + class as usize)
        {
            Some(cell) => *cell = answer,
            None if self.dear => {
                self.tried.insert(place, answer);
            }
            None => {}
        }
        next
    }

    /// Makes room for the states that are new.
    fn extend(&mut self) {
        for state in self.leave.len()..self.numbered.reached() {
            self.leave.push(self.numbered.leave(state as u32));
            if self.classes <= MAX_ROW
                && self.table.len() == state * self.classes
                && self.table.len() + self.classes <= MAX_CELLS
            {
                self.table
                    .resize(self.table.len() + self.classes, NOT_TRIED);
            }
        }
    }

    /// About how many bytes it holds.
    pub(super) fn bytes(&self) -> u64 {
        let tables = self.leave.capacity() * size_of::<Leave>()
            + self.table.capacity() * 4
            + self.tried.capacity() * 20;
        self.numbered.bytes() + tables as u64
    }
}
