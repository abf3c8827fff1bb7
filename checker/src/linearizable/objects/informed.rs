//! The general search, with what is known of states to come.
//!
//! What an object that grows holds it holds for ever. So a state that differs from what a later
//! operation shows leads nowhere, and need not be looked at: of a list to which many append at the
//! same time every order would be, up to the next read.

use crate::linearizable::item::Item;
use crate::linearizable::linear::{Foresight, Linear};
use crate::linearizable::search::{Answer, Found, Limits, Wanted, search};
use crate::model::Model;

/// A model that begins in a state, without states that lead nowhere.
struct Informed<'a, M: Model> {
    model: &'a M,
    initial: &'a M::State,
    possible: Option<Foresight<'a, M::State>>,
}

/// Why an operation is not possible.
enum Refusal<R> {
    Model(R),
    LeadsNowhere,
}

impl<R: std::fmt::Display> std::fmt::Display for Refusal<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Refusal::Model(refusal) => refusal.fmt(f),
            Refusal::LeadsNowhere => f.write_str("what is shown later cannot be any more"),
        }
    }
}

impl<M: Model> Model for Informed<'_, M> {
    type State = M::State;
    type Op = M::Op;
    type Refusal = Refusal<M::Refusal>;

    fn name(&self) -> &'static str {
        self.model.name()
    }

    fn initial(&self) -> M::State {
        self.initial.clone()
    }

    fn step(&self, state: &M::State, op: &M::Op) -> Result<M::State, Self::Refusal> {
        let next = self.model.step(state, op).map_err(Refusal::Model)?;
        match &self.possible {
            Some(possible) if !possible(&next) => Err(Refusal::LeadsNowhere),
            _ => Ok(next),
        }
    }

    fn only_observes(&self, op: &M::Op) -> bool {
        self.model.only_observes(op)
    }

    fn heap_bytes(&self, state: &M::State) -> usize {
        self.model.heap_bytes(state)
    }
}

/// Looks for an order of items, sorted by start, that begins in a state. Where states to come are
/// known, a violation is known by the end of all items only.
pub(super) fn search_from<M: Linear>(
    model: &M,
    initial: &M::State,
    items: &[Item<M::Op>],
    limits: &Limits<'_>,
    wanted: Wanted,
) -> Found {
    let informed = Informed {
        model,
        initial,
        possible: model.foresight(items),
    };
    let mut found = search(&informed, items, limits, wanted);
    if let (Answer::Violated { by, .. }, Some(_)) = (&mut found.answer, &informed.possible) {
        let ends = items.iter().map(|item| item.end);
        let last = ends.filter(|&end| end != u64::MAX).max();
        *by = last.unwrap_or(*by);
    }
    found
}
