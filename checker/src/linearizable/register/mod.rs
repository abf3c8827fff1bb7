//! Registers: reads, writes and compare-and-sets of single values.
//!
//! - `view`: the operations of every key, as `rows` whose `values` are numbers.
//! - `distinct`: start here; what is known without a search where every value was written once.
//!   `clusters`: who wrote, found and replaced what. `zones`: chains of them, in near-linear
//!   time. `order`: the order that explains them. `certificate`: the few that have none.
//!   `placement`: where failed compare-and-sets fit in.
//! - `stream`: the same while events arrive.
//! - `refute`: what else needs no search. `relevance`: the same problem, smaller. `obligations`:
//!   when a value may be left.
//! - `evidence`: a small sub-history that is wrong. `explain`, `chains`: what to say of
//!   it.

pub(super) mod certificate;
mod chains;
mod clusters;
pub(super) mod distinct;
pub(super) mod evidence;
pub(super) mod explain;
pub(super) mod obligations;
mod order;
mod placement;
pub(super) mod refute;
pub(super) mod relevance;
pub(super) mod rows;
pub(super) mod stream;
#[cfg(test)]
mod tests;
mod values;
pub(super) mod view;
mod zones;
