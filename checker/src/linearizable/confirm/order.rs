//! Walks through an order and checks that it is a linearization.

use polygraph_history::{EventIndex, History, OperationId};

use super::object::{Recorded, recorded};
use crate::FailedCas;
use crate::linearizable::models::Then;
use crate::model::Object;

/// An order of the operations of an object, to be checked.
pub(super) struct Check<'a> {
    pub(super) history: &'a History,
    pub(super) failed_cas: FailedCas,
    /// The operations of the object, in the order of their invocations.
    pub(super) operations: &'a [OperationId],
    /// The order.
    pub(super) order: &'a [EventIndex],
}

impl Then for Check<'_> {
    type Output = Result<(), String>;

    fn with<M: Object>(self, model: &M) -> Result<(), String> {
        let mut all = Vec::with_capacity(self.operations.len());
        for &id in self.operations {
            let operation = &self.history.operations()[id];
            all.extend(recorded::<M>(self.history, operation, self.failed_cas)?);
        }
        let places = self.places(&all)?;
        keeps_real_time(&all, &places)?;
        let mut state = model.initial();
        for (before, &at) in places.iter().enumerate() {
            state = model.step(&state, &all[at].op).map_err(|refusal| {
                format!(
                    "the operation of event {}, placed after {before} others, is not possible \
                     there: {refusal}",
                    all[at].invoke
                )
            })?;
        }
        Ok(())
    }
}

impl Check<'_> {
    /// Finds every operation of the order, and that no other had to be there.
    fn places<O>(&self, all: &[Recorded<O>]) -> Result<Vec<usize>, String> {
        let mut placed = vec![false; all.len()];
        let mut places = Vec::with_capacity(self.order.len());
        for &event in self.order {
            let at = all
                .binary_search_by_key(&event, |operation| operation.invoke)
                .map_err(|_| self.not_there(event))?;
            if std::mem::replace(&mut placed[at], true) {
                return Err(format!("the operation of event {event} is there twice"));
            }
            places.push(at);
        }
        match (0..all.len()).find(|&at| !placed[at] && !all[at].optional()) {
            Some(at) => Err(format!(
                "the operation of event {} is missing, which has ended",
                all[at].invoke
            )),
            None => Ok(places),
        }
    }

    /// Why there is no operation of this event that could be in the order.
    fn not_there(&self, event: EventIndex) -> String {
        let operations = self.history.operations();
        match operations.iter().position(|other| other.invoke == event) {
            None => format!("event {event} begins no operation"),
            Some(id) if !self.operations.contains(&id) => {
                format!("the operation of event {event} is about another object")
            }
            Some(_) => format!(
                "the operation of event {event} had no effect and shows nothing, so that it has \
                 no place"
            ),
        }
    }
}

/// Whether no operation comes before one that had ended when it began.
fn keeps_real_time<O>(all: &[Recorded<O>], places: &[usize]) -> Result<(), String> {
    let mut latest: Option<&Recorded<O>> = None;
    for &at in places {
        let operation = &all[at];
        if let Some(before) = latest.filter(|before| operation.end < before.start) {
            return Err(format!(
                "the operation of event {} is placed before that of event {}, after which it began",
                before.invoke, operation.invoke
            ));
        }
        if latest.is_none_or(|before| before.start < operation.start) {
            latest = Some(operation);
        }
    }
    Ok(())
}
