//! Objects that are not registers: sets, queues, locks, counters, logs.
//!
//! - `split`: the operations of every object, and what it is an object of.
//! - [`Calls`]: the operations of one object, as its model reads them.
//! - `decide`: whether they have an order; by the near-linear way of the model where one applies
//!   ([`super::linear`]), else by the search.
//! - `evidence`: what shows that they have none; `named`: which of the operations that a
//!   near-linear way named, and by which rule. `words`: what to say of it.

mod calls;
mod decide;
mod evidence;
mod informed;
mod named;
mod split;
mod words;

pub(super) use calls::Calls;
pub(super) use decide::{Judged, judge_all};
pub(super) use evidence::anomaly;
pub(super) use split::{Object, Split, split};
