//! The operations of one object, as a model reads them.

use polygraph_history::{History, OperationId, Outcome};

use crate::FailedCas;
use crate::linearizable::item::Item;
use crate::model::{self, Call};

/// The operations of one object.
#[derive(Clone, Copy, Debug)]
pub(in crate::linearizable) struct Calls<'a> {
    /// The history.
    pub(in crate::linearizable) history: &'a History,
    /// Which operations.
    pub(in crate::linearizable) operations: &'a [u32],
    /// What a failed compare-and-set says.
    pub(in crate::linearizable) failed_cas: FailedCas,
}

impl Calls<'_> {
    /// What says something in this model, by start; of equals those that were recorded first.
    /// `None` if an operation is none of this model after all: its result is of another form.
    pub(in crate::linearizable) fn items<M: model::Object, A>(
        &self,
        mut map: impl FnMut(M::Op) -> A,
    ) -> Option<Vec<Item<A>>> {
        let mut items = Vec::with_capacity(self.operations.len());
        for &id in self.operations {
            let id = id as OperationId;
            let operation = &self.history.operations()[id];
            let completion = match operation.outcome {
                Outcome::Fail => self.history.completion(operation),
                Outcome::Ok | Outcome::Info => None,
            };
            let call = Call {
                op: self.history.op(operation),
                outcome: operation.outcome,
                error: completion.and_then(|completion| completion.error.as_ref()),
                process: operation.process,
                failed_cas: self.failed_cas,
            };
            if let Some(op) = M::action(&call).ok()? {
                items.push(Item {
                    operation: id,
                    action: map(op),
                    start: operation.start,
                    end: operation.end,
                    returned: operation.complete.unwrap_or(operation.invoke),
                });
            }
        }
        // Where the order is that of events they are sorted already.
        if !items.is_sorted_by_key(|item| item.start) {
            items.sort_by_key(|item| (item.start, item.operation));
        }
        Some(items)
    }
}
