//! What real worlds have of the operating system: processes, a registry of runs, a clock.
//!
//! - [`Registry`], [`sweep`]: by which the next start cleans up what a dead harness left behind.
//! - [`guard`], [`Ward`]: a process that ends programs that are not ours when the harness dies.

pub(crate) mod engine;
mod guard;
pub(crate) mod process;
pub(crate) mod registry;
pub(crate) mod true_time;

pub use guard::{Ward, guard};
pub use registry::{Registry, Swept, sweep};
