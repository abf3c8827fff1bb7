//! What happened: the record of a test, which is all that a checker may know.
//!
//! - [`History`]: start here; events in order, paired into operations. It holds columns: an
//!   [`Event`] is made when it is asked for.
//! - [`Event`], [`Kind`], [`Process`]: one line of the record.
//! - [`Op`], [`Micro`]: everything that a client can do; [`Key`], [`Value`]. A history keeps
//!   transactions in columns and lends what they do: [`Micros`], [`MicroRef`].
//! - [`FaultEvent`], [`Effect`]: everything that a nemesis can do.
//! - [`Guarantee`]: the names of what a history may be asked for; [`Bound`]: with what measure.
//! - [`spec`]: what a run was asked to do, the first line of a history; [`settings`]: its knobs.
//! - [`read()`]: any history, ours or other people's, recognised by content; [`FORMATS`].
//! - [`jsonl`]: our own format, also for writing; [`ReadError`]: why a file is none.
//! - [`random`]: numbers that are functions of a seed and a purpose, for everybody above.
//!
//! **Invariant:** a [`History`] was checked when it was made; nobody checks it again.
//!
//! **Invariant:** nothing here knows a clock, a path or a thread.

#[cfg(test)]
mod agreement;
mod bound;
mod error;
mod event;
mod fault;
mod foreign;
mod guarantee;
mod history;
pub mod jsonl;
mod micro;
mod name;
mod op;
mod process;
pub mod random;
mod read;
mod scan;
pub mod settings;
pub mod spec;
mod time;
mod value;

pub use bound::{Bound, Side};
pub use error::ReadError;
pub use event::{Body, Event, Kind, Verification};
pub use fault::{
    ClockEffect, DiskEffect, Effect, FaultEvent, FaultFamily, FaultKind, Lose, Phase, SlowEffect,
    Strobe,
};
pub use guarantee::Guarantee;
pub use history::{
    Completion, EventIndex, Events, History, InvalidHistory, MicroRef, Micros, Operation,
    OperationId, Order, Outcome,
};
pub use micro::{Item, Message, Micro, Predicate, PredicateRead};
pub use name::{ErrorName, Link, NodeId, ParseNodeError};
pub use op::{Key, Op, OpKind};
pub use process::{Process, Session};
pub use read::{FORMATS, Format, Keyed, ReadOptions, Reading, read};
pub use time::{Time, format_duration, parse_duration};
pub use value::{List, Text, Value};
