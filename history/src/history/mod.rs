//! The history: events in order, paired into operations, checked once.

mod builder;
mod column;
mod events;
mod micros;
mod ops;
mod order;
mod record;
mod transactions;

use crate::spec::Spec;
use crate::{ErrorName, Event, FaultEvent, Kind, NodeId, Op, Time};

pub(crate) use builder::{Builder, Head};
pub use events::Events;
pub use micros::{MicroRef, Micros};
pub(crate) use record::Rare;
use record::Record;

/// The position of an event in [`History::events`], equal to its `index` in our own histories.
pub type EventIndex = usize;

/// The position of an operation in [`History::operations`].
pub type OperationId = usize;

/// What decides which of two operations came first in real time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The order of events: our own histories, and foreign ones without times.
    Index,
    /// Times, as closed intervals: equal times are concurrent.
    Time,
    /// Nothing: only the order within each session is known, which is that of positions. No
    /// operation precedes another in real time.
    Session,
}

/// How an operation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// It took place.
    Ok,
    /// It did not and never will.
    Fail,
    /// Not known; also when the history ends before it does.
    Info,
}

/// An operation: an invocation and, perhaps, its completion.
#[derive(Clone, Debug)]
pub struct Operation {
    /// The event that began it. Of a foreign completion without invocation, the completion.
    pub invoke: EventIndex,
    /// The event that ended it, if any.
    pub complete: Option<EventIndex>,
    /// How it ended.
    pub outcome: Outcome,
    /// The client process, by number.
    pub process: u64,
    /// The session, numbered densely from zero.
    pub session: u32,
    /// When it began, as a rank in real time: `a` precedes `b` when `a.end < b.start`.
    pub start: u64,
    /// When it ended, as such a rank; `u64::MAX` if it may still take effect.
    pub end: u64,
}

impl Operation {
    /// Whether this operation had ended before `other` began.
    #[must_use]
    pub const fn precedes(&self, other: &Operation) -> bool {
        self.end < other.start
    }
}

/// What the end of an operation says, besides its time and results.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Completion {
    /// Why it failed or is not known.
    pub error: Option<ErrorName>,
    /// The same for a person.
    pub detail: Option<String>,
}

/// What happened, from beginning to end.
#[derive(Clone, Debug)]
pub struct History {
    spec: Option<Spec>,
    order: Order,
    record: Record,
    operations: Vec<Operation>,
    truncated: bool,
    warnings: Vec<String>,
}

/// Why events do not make a history.
#[derive(Debug, thiserror::Error)]
#[error("event {index}: {problem}, expected {expected}")]
pub struct InvalidHistory {
    /// The event at fault.
    pub index: EventIndex,
    /// What is wrong.
    pub problem: String,
    /// What would be right.
    pub expected: String,
}

impl History {
    /// Checks the invariants and pairs events into operations.
    ///
    /// A foreign completion that has no invocation counts as an operation that may have begun at
    /// any time before.
    ///
    /// # Errors
    /// If indices have gaps, a process begins an operation while another is open, a completion
    /// does not repeat its invocation, or (in our own histories, which have a spec) has none, or
    /// times run backwards.
    pub fn new(
        spec: Option<Spec>,
        order: Order,
        events: Vec<Event>,
    ) -> Result<History, InvalidHistory> {
        let mut builder = Builder::new(spec.is_some());
        for event in events {
            builder.add(event)?;
        }
        Ok(builder.finish(spec, order))
    }

    /// Marks the history as cut short: its file ended in the middle of a line.
    #[must_use]
    pub fn truncated_with(mut self, warning: String) -> History {
        self.truncated = true;
        self.warnings.push(warning);
        self
    }

    /// Adds what a reader should tell its user.
    #[must_use]
    pub fn with_warnings(mut self, warnings: impl IntoIterator<Item = String>) -> History {
        self.warnings.extend(warnings);
        self
    }

    /// What the run was asked to do, if the history came from a run.
    #[must_use]
    pub const fn spec(&self) -> Option<&Spec> {
        self.spec.as_ref()
    }

    /// What decides real-time order.
    #[must_use]
    pub const fn order(&self) -> Order {
        self.order
    }

    /// All events, in order, each made when it is asked for.
    #[must_use]
    pub const fn events(&self) -> Events<'_> {
        Events::of(self)
    }

    /// The event at this place. Where only a part is wanted, [`History::kind`],
    /// [`History::time`], [`History::node`] and [`History::completion`] are cheaper.
    ///
    /// # Panics
    /// If there are fewer events.
    #[must_use]
    pub fn event(&self, at: EventIndex) -> Event {
        self.record.event(at, &self.operations)
    }

    /// What an event says of its operation or fault.
    #[must_use]
    pub fn kind(&self, at: EventIndex) -> Kind {
        self.record.kind(at, &self.operations)
    }

    /// When an event was recorded.
    #[must_use]
    pub fn time(&self, at: EventIndex) -> Time {
        self.record.times[at]
    }

    /// The node that was asked, where known.
    #[must_use]
    pub fn node(&self, at: EventIndex) -> Option<NodeId> {
        self.record.node(at)
    }

    /// The version that the store returned, where it did.
    #[must_use]
    pub fn version(&self, at: EventIndex) -> Option<u64> {
        self.record.version(at)
    }

    /// The version that a transaction read from, where the store says it.
    #[must_use]
    pub fn snapshot(&self, at: EventIndex) -> Option<u64> {
        self.record.snapshot(at)
    }

    /// All operations of clients, in the order of their invocations.
    #[must_use]
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// Whether the file ended in the middle of a line.
    #[must_use]
    pub const fn truncated(&self) -> bool {
        self.truncated
    }

    /// What the reader noticed.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The operation as it is best known: as it completed if that was `ok`, else as invoked.
    /// It must be one of [`History::operations`].
    ///
    /// Transactions are kept in a smaller form; those that are asked for here, and a few around
    /// them, are kept in this one too. Where all of a history are looked at, ask
    /// [`History::micros`] first, or [`History::to_op`].
    #[must_use]
    pub fn op(&self, operation: &Operation) -> &Op {
        self.record.op(operation.invoke)
    }

    /// The same by itself.
    #[must_use]
    pub fn to_op(&self, operation: &Operation) -> Op {
        self.record.to_op(operation.invoke)
    }

    /// What a transaction does, as it is best known; `None` for any other operation. It must be
    /// one of [`History::operations`].
    #[must_use]
    #[inline]
    pub fn micros(&self, operation: &Operation) -> Option<Micros<'_>> {
        self.record.micros(operation.invoke)
    }

    /// Whether an operation can have no effect on the store.
    #[must_use]
    pub fn is_read_only(&self, operation: &Operation) -> bool {
        self.record.is_read_only(operation.invoke)
    }

    /// What the event that ended it says besides, if there is one.
    #[must_use]
    pub fn completion(&self, operation: &Operation) -> Option<&Completion> {
        operation.complete.map(|at| self.record.completion(at))
    }

    /// When it was invoked.
    #[must_use]
    pub fn invoked_at(&self, operation: &Operation) -> Time {
        self.time(operation.invoke)
    }

    /// When it completed, if it did.
    #[must_use]
    pub fn completed_at(&self, operation: &Operation) -> Option<Time> {
        operation.complete.map(|at| self.time(at))
    }

    /// The faults as recorded, each with its event.
    pub fn faults(&self) -> impl DoubleEndedIterator<Item = (&Event, &FaultEvent)> {
        self.record
            .faults()
            .iter()
            .filter_map(|event| event.fault().map(|fault| (event, fault)))
    }
}

#[cfg(test)]
mod tests {
    use super::Operation;

    /// A history holds one for every operation, besides its op, two times and two links.
    #[test]
    fn a_record_of_an_operation_is_small() {
        assert!(size_of::<Operation>() <= 56, "{}", size_of::<Operation>());
    }
}
