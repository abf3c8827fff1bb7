//! Isolation of transactions over lists: every level from read uncommitted to strict
//! serializability.
//!
//! - [`SERIALIZABLE`], [`SNAPSHOT_ISOLATION`], …: the entries of the registry, one a level.
//! - [`Levels`]: several levels of one history.
//! - [`survey`]: every kind of anomaly that a history shows, and where every level stands.
//! - [`LEVELS`], [`IMPLICATIONS`], [`implies`]: the lattice; [`SEPARATIONS`]: what tells neighbours
//!   in it apart.
//! - [`Kind`], [`Class`], [`Suffix`]: the names of what can go wrong.
//! - [`Proof`], [`Evidence`], [`confirm`], [`contradicts`]: why, and the second look at it;
//!   [`ClosedProof`], [`confirm_closed`]: the same where objects are found by predicates.
//! - [`Schedule`], [`confirm_schedule`]: the same of *holds*.
//! - [`Violation`], [`confirm_violation`]: evidence as it is written to a file, whichever way found
//!   it.
//!
//! Transactions append to lists and read them whole, so that the order of the appends and the
//! author of each are known (Kingsbury and Alvaro, *Elle*, VLDB 14(3), 2020). A data model
//! (`model`; of lists: `lists`, with `view` and `orders`) tells what is wrong by itself and who
//! must come before whom (`relations`); sessions and real time join them in one graph
//! (`dependencies`). Its strongly connected components hold all cycles (`cycles`), and within
//! them each level is decided (`level`, `shapes`) and the most telling cycle sought (`search`).
//!
//! **Complete:** *serializable* and its stronger forms, *read committed*, *read atomic*,
//! *transactional causal consistency* and *prefix consistency* hold exactly if some execution
//! that keeps them explains the history, failed transactions left out and unknown ones in or out;
//! there is no anomaly that these passes overlook. The other levels depend on the order of
//! appends that nobody read: they hold if one of the orders that are tried explains the history,
//! and are *unknown* (`not-observable`) if none does. So is everything short of a violation where
//! elements were appended more than once, whose author nobody knows.
//!
//! **Invariant:** an unknown transaction counts as soon as an acknowledged one read what it
//! appended, and only then; it may have taken effect at any time after its beginning.

mod access;
mod against;
mod closed;
mod confirm;
mod cycles;
mod dependencies;
mod direct;
mod explain;
mod inside;
mod kind;
mod lattice;
mod level;
mod lists;
mod model;
mod orders;
mod participants;
mod proof;
mod reach;
mod refine;
mod register;
mod registers;
mod relations;
mod ring;
mod schedule;
mod search;
mod separations;
mod shapes;
pub mod solve;
mod survey;
mod timeline;
mod unread;
mod verdict;
mod view;
mod violation;
pub mod weak;
mod witness;

pub use against::contradicts;
pub use closed::{ClosedProof, confirm_closed};
pub use confirm::confirm;
pub use kind::{Class, Kind, Suffix};
pub use lattice::{IMPLICATIONS, LEVELS, implies};
pub use proof::{At, Because, Evidence, Proof, Step};
pub use register::{After, Fact};
pub use schedule::{Schedule, at_one_moment, confirm_schedule, has_schedules};
pub use separations::{Did, SEPARATIONS, Separation, Sketch};
pub use survey::{Standing, Status, Survey, survey};
pub use verdict::{
    CONSISTENT_VIEW, CURSOR_STABILITY, Levels, MONOTONIC_ATOMIC_VIEW, MONOTONIC_VIEW,
    PARALLEL_SNAPSHOT_ISOLATION, PREFIX_CONSISTENCY, READ_ATOMIC, READ_COMMITTED, READ_UNCOMMITTED,
    REPEATABLE_READ, SERIALIZABLE, SNAPSHOT_ISOLATION, STRICT_SERIALIZABLE,
    STRONG_SESSION_SERIALIZABLE, STRONG_SESSION_SNAPSHOT_ISOLATION, STRONG_SNAPSHOT_ISOLATION,
    TRANSACTIONAL_CAUSAL, UPDATE_SERIALIZABLE,
};
pub use violation::{Violation, confirm_violation};
