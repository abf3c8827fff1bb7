//! A model on integers: states and operations by number, transitions remembered.

use rustc_hash::FxHashMap;

use crate::model::Model;

/// Beyond so many cells of the table of transitions the model is asked each time.
const MAX_CELLS: usize = 1 << 22;
const NOT_TRIED: u32 = u32::MAX;
const REFUSED: u32 = u32::MAX - 1;

/// A model whose states are numbered as they are reached (Knossos's memo, without its limit).
pub(in crate::linearizable) struct Machine<M: Model> {
    model: M,
    classes: Vec<M::Op>,
    states: Vec<M::State>,
    ids: FxHashMap<M::State, u32>,
    /// The next state by state and class.
    table: Vec<u32>,
}

impl<M: Model> Machine<M> {
    /// The initial state.
    pub(in crate::linearizable) const START: u32 = 0;

    /// A machine for these operations.
    pub(in crate::linearizable) fn new(model: M, classes: Vec<M::Op>) -> Machine<M> {
        let initial = model.initial();
        Machine {
            states: vec![initial.clone()],
            ids: FxHashMap::from_iter([(initial, Machine::<M>::START)]),
            table: vec![NOT_TRIED; classes.len()],
            model,
            classes,
        }
    }

    /// The state with this number.
    pub(in crate::linearizable) fn state(&self, state: u32) -> &M::State {
        &self.states[state as usize]
    }

    /// The state after an operation of this class, if it is possible.
    pub(in crate::linearizable) fn step(&mut self, state: u32, class: u32) -> Option<u32> {
        let cell = state as usize * self.classes.len() + class as usize;
        match self.table.get(cell) {
            Some(&REFUSED) => return None,
            Some(&NOT_TRIED) | None => {}
            Some(&next) => return Some(next),
        }
        let next = self.perform(state, class);
        if let Some(cell) = self.table.get_mut(cell) {
            *cell = next.unwrap_or(REFUSED);
        }
        next
    }

    fn perform(&mut self, state: u32, class: u32) -> Option<u32> {
        let op = &self.classes[class as usize];
        let next = self.model.step(&self.states[state as usize], op).ok()?;
        if let Some(&id) = self.ids.get(&next) {
            return Some(id);
        }
        let id = self.states.len() as u32;
        self.ids.insert(next.clone(), id);
        self.states.push(next);
        if self.table.len() == id as usize * self.classes.len()
            && self.table.len() + self.classes.len() <= MAX_CELLS
        {
            self.table
                .resize(self.table.len() + self.classes.len(), NOT_TRIED);
        }
        Some(id)
    }

    /// About how many bytes it holds.
    pub(in crate::linearizable) fn bytes(&self) -> u64 {
        let state = 2 * size_of::<M::State>() + 16;
        (self.states.len() * state + self.table.len() * 4) as u64
    }
}
