//! Transactions over registers: what a history says of them, by columns.
//!
//! - [`View`]: transactions, what each read from others, what each wrote in the end.
//! - [`Chains`]: the order of sessions.
//! - [`Demand`]: what an order of versions that the store tells must extend to count.
//! - [`Registers`]: the data model that levels above causal are decided by.
//! - [`Fault`]: reads that are wrong by themselves.
//!
//! Values are expected to be unique for each register, so that a value tells who wrote it. What
//! was written by several transactions has no known author, and nothing is concluded from it.
//!
//! **Invariant:** the initial value of every register is null, and precedes everything.
//!
//! **Invariant:** an unknown transaction counts as soon as an acknowledged one read what it alone
//! can have written, and only then.

mod elements;
mod fact;
mod installed;
mod model;
mod sessions;
mod versions;
mod view;

pub use fact::{After, Fact};
pub(super) use installed::Demand;
pub(super) use model::Registers;
pub(super) use sessions::Chains;
pub(super) use view::{Fault, Faulty, INIT, NONE, Read, View};
