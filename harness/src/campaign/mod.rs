//! Campaigns: many tests from one file, on one machine or several.
//!
//! - `spec` reads the file, `names` holds its names against the registries, `place` says where in it
//!   something is wrong.
//! - `product` multiplies its lists, `rules` leaves out and expects: the [`Plan`](cells::Plan) of
//!   `cells`, which is the same on every machine.
//! - `shard` says which machine runs what; `run` runs it, `journal` remembers how far it is.
//! - `verdicts` says what the runs mean together, and nothing but plan and runs decides it;
//!   `merge` does so for several machines.
//! - `memory` keeps what failed, `archive` the evidence; `emit` writes jobs for clusters.
//!
//! **Invariant:** `verdicts.json` is a function of the plan and of the runs that are over. Hence
//! interruptions and shards do not show in it.

pub(crate) mod archive;
pub(crate) mod cells;
pub(crate) mod emit;
pub(crate) mod journal;
pub(crate) mod memory;
pub(crate) mod merge;
mod names;
pub(crate) mod place;
mod product;
mod rules;
pub(crate) mod run;
pub(crate) mod shard;
mod spec;
pub(crate) mod verdicts;
