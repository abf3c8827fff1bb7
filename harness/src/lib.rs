//! The test: spec → deploy → run → history → check → results.
//!
//! - [`Test`]: start here to put a store of your own under test, in the simulator.
//! - [`spec`]: what a run is asked to do, names resolved through the registries.
//! - [`interpreter`]: plan and schedule against a world; the same for every world.
//! - [`question`]: what a history is asked.
//! - [`judge`]: verdicts against claims; what a run means and with which code it exits.
//! - [`run`]: one run of a spec, recorded and judged. [`replay`]: the same once more.
//! - `campaign`: many tests from one file. [`cli`]: the `polygraph` program.

mod campaign;
pub mod cli;
pub mod defaults;
mod early;
pub mod faults;
pub mod interpreter;
pub mod judge;
mod own;
pub mod plan;
pub mod question;
pub mod recorder;
pub mod replay;
pub mod run;
pub mod spec;

pub use own::{Findings, Test};
/// What a store of your own is written with.
pub use polygraph_cluster as cluster;
/// Operations, guarantees and histories.
pub use polygraph_history as history;
/// Verdicts and evidence.
pub use polygraph_results as results;
