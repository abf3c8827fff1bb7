//! What real worlds have of the operating system: processes, a registry of runs, a clock.
//!
//! - [`Registry`], [`sweep`]: by which the next start cleans up what a dead harness left behind.

pub(crate) mod process;
pub(crate) mod registry;
pub(crate) mod true_time;

pub use registry::{Registry, Swept, sweep};
