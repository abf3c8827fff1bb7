//! Histories with a verdict by construction: what checkers are measured with.
//!
//! - [`Plan`], [`write()`]: start here. [`Summary`]: what was written.
//! - [`Model`], [`Violation`], [`Values`], [`Format`]: what there is to choose from.
//! - [`txn`]: the same for transactions.
//!
//! An object is simulated, and clients that work on it without a pause. Each operation takes
//! effect at one moment while it is open, so the history is linearizable; or else one answer is
//! replaced by one that is wrong whatever else happened. Every event is written as it happens.
//!
//! Terms: operations take 1.5 ms on average and clients rest 0.1 ms; a crashed operation is given
//! up like any other, and half of them take effect, 20 ms after their invocation on average. All
//! of this is exponentially distributed.

use std::io::{self, Write};

mod container;
mod counter;
mod format;
mod list;
mod mutex;
mod object;
mod plan;
mod priority_queue;
mod queue;
mod register;
mod run;
mod set;
mod stack;
#[cfg(test)]
mod tests;
pub mod txn;
mod values;

pub use plan::{Format, Model, Plan, Values, Violation};

use container::Container;
use run::Run;

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// How many operations.
    pub operations: u64,
    /// How many of them have an unknown outcome.
    pub indeterminate: u64,
    /// How many events.
    pub events: u64,
    /// How many bytes.
    pub bytes: u64,
    /// Which answer is wrong, if one is.
    pub injected: Option<Injected>,
}

/// The operation whose answer is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Injected {
    /// The index of its invocation.
    pub event: u64,
    /// Its key.
    pub key: String,
}

/// Why there is no such history.
#[derive(Debug)]
pub enum Error {
    /// The plan contradicts itself; a sentence that says what would be right.
    Plan(String),
    /// Nowhere could the violation be proven; the same.
    NoPlace(String),
    /// It could not be written.
    Io(io::Error),
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Error {
        Error::Io(error)
    }
}

/// Writes a history. Writing is buffered.
///
/// # Errors
/// If the plan contradicts itself, if the history has no place for the violation (it is written
/// nevertheless, and worthless), or for what writing gives.
pub fn write(plan: &Plan, out: impl Write) -> Result<Summary, Error> {
    plan.check().map_err(Error::Plan)?;
    match plan.model {
        Model::Register => Run::new(plan, register::Register::new(plan, false), out).finish(),
        Model::CasRegister => Run::new(plan, register::Register::new(plan, true), out).finish(),
        Model::Queue => Run::new(plan, Container::<queue::Queue>::new(plan), out).finish(),
        Model::Stack => Run::new(plan, Container::<stack::Stack>::new(plan), out).finish(),
        Model::PriorityQueue => {
            let object = Container::<priority_queue::PriorityQueue>::new(plan);
            Run::new(plan, object, out).finish()
        }
        Model::Set => Run::new(plan, set::Set::new(plan), out).finish(),
        Model::Mutex => Run::new(plan, mutex::Mutex::new(plan.clients), out).finish(),
        Model::List => Run::new(plan, list::List::new(plan), out).finish(),
        Model::Counter => Run::new(plan, counter::Counter::new(plan), out).finish(),
    }
}
