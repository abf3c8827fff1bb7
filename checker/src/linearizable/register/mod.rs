//! Registers: reads, writes and compare-and-sets of single values.
//!
//! - `view`: the operations of every key. `refute`: what needs no search. `relevance`: the same
//!   problem, smaller. `obligations`: when a value may be left.
//! - `zones`: distinct values, in near-linear time.
//! - `evidence`: a small sub-history that is wrong. `explain`: what to say of it.

pub(super) mod evidence;
pub(super) mod explain;
pub(super) mod obligations;
pub(super) mod refute;
pub(super) mod relevance;
pub(super) mod view;
pub(super) mod zones;
