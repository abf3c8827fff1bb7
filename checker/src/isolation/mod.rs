//! Isolation of transactions over lists: serializable and strict-serializable.
//!
//! - [`SERIALIZABLE`], [`STRICT_SERIALIZABLE`]: the entries of the registry.
//! - [`survey`]: every kind of anomaly that a history shows, whatever was asked for.
//! - [`Kind`], [`Class`], [`Suffix`]: the names of what can go wrong.
//! - [`Proof`], [`Evidence`], [`confirm`]: why, and the second look at it.
//!
//! Transactions append to lists and read them whole, so that the order of the appends and the
//! author of each are known (Kingsbury and Alvaro, *Elle*, VLDB 14(3), 2020). Four passes, each
//! linear: number everything (`view`), order the lists (`orders`), look for what is wrong by
//! itself (`direct`), and look for cycles (`dependencies`, `cycles`, `search`).
//!
//! **Complete:** a history holds exactly if some order of its transactions explains it, failed
//! ones left out and unknown ones in or out; there is no anomaly that these passes overlook. The
//! one exception are elements that were appended more than once, whose author nobody knows: then
//! nothing short of a violation is *unknown* (`not-observable`).
//!
//! **Invariant:** an unknown transaction counts as soon as an acknowledged one read what it
//! appended, and only then; it may have taken effect at any time after its beginning.

mod confirm;
mod cycles;
mod dependencies;
mod direct;
mod explain;
mod kind;
mod lattice;
mod orders;
mod proof;
mod reach;
mod search;
mod survey;
mod timeline;
mod verdict;
mod view;
mod witness;

pub use confirm::confirm;
pub use kind::{Class, Kind, Suffix};
pub use lattice::{IMPLICATIONS, LEVELS, implies};
pub use proof::{At, Because, Evidence, Proof, Step};
pub use survey::{Survey, survey};
pub use verdict::{SERIALIZABLE, STRICT_SERIALIZABLE};
