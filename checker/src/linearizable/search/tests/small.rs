//! Small objects that hold a list of values.

use super::{Rng, Subject};
use crate::model::Model;

/// What the small objects below share: two kinds of changes and two of observations, with a value
/// or the lack of one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Do {
    Put(u8),
    Take(Option<u8>),
    Peek(Option<u8>),
}

/// An object that holds a list of values.
pub(super) struct Small {
    pub(super) name: &'static str,
    pub(super) step: fn(&[u8], &Do) -> Option<Vec<u8>>,
    pub(super) draw: fn(&mut Rng, &[u8]) -> Do,
}

impl Model for Small {
    type State = Vec<u8>;
    type Op = Do;
    type Refusal = String;

    fn name(&self) -> &'static str {
        self.name
    }

    fn initial(&self) -> Vec<u8> {
        Vec::new()
    }

    fn step(&self, state: &Vec<u8>, op: &Do) -> Result<Vec<u8>, String> {
        (self.step)(state, op).ok_or_else(|| format!("cannot {op:?} where {state:?} is"))
    }

    fn only_observes(&self, op: &Do) -> bool {
        matches!(op, Do::Peek(_))
    }

    fn enables(&self, op: &Do, later: &Do) -> bool {
        match (self.name, op, later) {
            ("queue" | "stack" | "bag", Do::Put(value), Do::Take(other) | Do::Peek(other)) => {
                Some(*value) == *other
            }
            ("queue" | "stack" | "bag", _, Do::Put(_)) => false,
            _ => true,
        }
    }
}

impl Subject for Small {
    fn draw(&self, rng: &mut Rng, state: &Vec<u8>) -> Do {
        (self.draw)(rng, state)
    }

    fn any(&self, rng: &mut Rng) -> Do {
        let value = rng.below(3) as u8;
        match rng.below(5) {
            0 => Do::Put(value),
            1 => Do::Take(None),
            2 => Do::Peek(Some(value)),
            _ => Do::Take(Some(value)),
        }
    }
}

pub(super) fn without(state: &[u8], at: usize) -> Vec<u8> {
    let mut next = state.to_vec();
    next.remove(at);
    next
}

pub(super) fn with(state: &[u8], value: u8) -> Vec<u8> {
    let mut next = state.to_vec();
    next.push(value);
    next
}

/// Takes what `at` picks of a list; nothing from an empty one.
pub(super) fn list(state: &[u8], op: &Do, at: fn(&[u8]) -> usize) -> Option<Vec<u8>> {
    let there = (!state.is_empty()).then(|| state[at(state)]);
    match *op {
        Do::Put(value) => Some(with(state, value)),
        Do::Take(value) | Do::Peek(value) if value != there => None,
        Do::Take(Some(_)) => Some(without(state, at(state))),
        Do::Take(None) | Do::Peek(_) => Some(state.to_vec()),
    }
}

pub(super) fn draw_list(rng: &mut Rng, state: &[u8], at: usize) -> Do {
    let there = state.get(at).copied();
    match rng.below(7) {
        0..=2 => Do::Put(rng.below(3) as u8),
        3..=5 => Do::Take(there),
        _ => Do::Peek(there),
    }
}
