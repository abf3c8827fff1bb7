//! What has to have an order: from the first state on, or from one that an operation tells.

use polygraph_history::EventIndex;

use super::object::Recorded;
use crate::linearizable::proof::Certificate;
use crate::model::{Object, Other};

/// When the operation took place after which a stretch begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Base {
    invoke: EventIndex,
    start: u64,
    end: u64,
}

impl Base {
    /// The one that a certificate names, if it names any.
    ///
    /// # Errors
    /// If it is not kept, or had not ended.
    pub(super) fn find<O>(
        kept: &[Recorded<O>],
        certificate: &Certificate,
    ) -> Result<Option<Base>, String> {
        let Some(event) = certificate.since else {
            return Ok(None);
        };
        let found = kept.iter().find(|operation| operation.invoke == event);
        let found = found.ok_or_else(|| {
            format!("everything else shall come after event {event}, which is not kept")
        })?;
        if found.optional() {
            return Err(format!(
                "everything else shall come after event {event}, whose operation had not ended by \
                 event {}",
                certificate.until
            ));
        }
        Ok(Some(Base {
            invoke: event,
            start: found.start,
            end: found.end,
        }))
    }

    /// Whether it certainly comes after an operation.
    pub(super) const fn follows<O>(self, operation: &Recorded<O>) -> bool {
        operation.end < self.start
    }
}

/// Operations that have to have an order, and the state in which it begins.
#[derive(Debug)]
pub(super) struct Stretch<S, O> {
    /// The operation before all others.
    pub(super) after: Option<EventIndex>,
    /// The state that it left.
    pub(super) state: S,
    /// The operations behind it.
    pub(super) operations: Vec<Recorded<O>>,
}

impl<S, O> Stretch<S, O> {
    /// From the first state on.
    pub(super) fn whole<M: Object<State = S, Op = O>>(
        model: &M,
        operations: Vec<Recorded<O>>,
    ) -> Stretch<S, O> {
        Stretch {
            after: None,
            state: model.initial(),
            operations,
        }
    }

    /// What comes after an operation. `alone`: whether there are no other elements than its own.
    ///
    /// # Errors
    /// If it does not tell the state, or something is kept that comes before it.
    pub(super) fn since<M: Object<State = S, Op = O>>(
        model: &M,
        base: Base,
        kept: Vec<Recorded<O>>,
        alone: bool,
    ) -> Result<Stretch<S, O>, String> {
        let others: Vec<Other<'_, O>> = kept
            .iter()
            .filter(|operation| operation.invoke != base.invoke)
            .map(|operation| Other {
                op: &operation.op,
                certain: !operation.optional(),
            })
            .collect();
        let told = kept
            .iter()
            .find(|operation| operation.invoke == base.invoke);
        let state = told.and_then(|told| model.leaves_among(&told.op, alone, &others));
        let mut operations = Vec::with_capacity(kept.len());
        for mut operation in kept {
            if operation.invoke == base.invoke {
                continue;
            }
            if base.follows(&operation) {
                return Err(format!(
                    "event {} is kept, whose operation comes before that of event {}",
                    operation.invoke, base.invoke
                ));
            }
            // It may have come before.
            if operation.start <= base.end {
                operation.end = u64::MAX;
            }
            operations.push(operation);
        }
        let state = state
            .ok_or_else(|| format!("the operation of event {} does not tell all", base.invoke))?;
        Ok(Stretch {
            after: Some(base.invoke),
            state,
            operations,
        })
    }
}
