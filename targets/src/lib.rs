//! What is tested: one folder per store, its claims as data.
//!
//! - [`TARGETS`], [`target`]: start here; every target, by name.
//! - [`Target`]: what a target tells of itself. [`Deploy`], [`BuiltIn`]: how it is deployed.
//! - [`FileTarget`]: a target that a file describes.
//! - [`Claim`], [`Faults`], [`Stance`]: what it promises, under which faults.
//!
//! **Invariant:** nothing here knows a verdict. A store never contains code that makes an anomaly
//! happen: it is the honest protocol, and the anomaly follows. Planted bugs are off by default.

mod claim;
#[cfg(test)]
mod conformance;
pub mod consensus;
#[cfg(test)]
mod exercise;
pub mod file;
pub mod leaderless;
pub mod multi_leader;
pub mod single_leader;
mod target;
#[cfg(test)]
mod transcript;

pub use claim::{Claim, Faults, Stance};
pub use file::FileTarget;
pub use target::{Bug, BuiltIn, Deploy, ErrorRow, Target};

/// Every target, in the order in which they are shown.
pub const TARGETS: &[&dyn Target] = &[
    &single_leader::SingleLeader,
    &multi_leader::MultiLeader,
    &leaderless::Leaderless,
    &consensus::Consensus,
];

/// The target of this name.
///
/// # Errors
/// A sentence that names those there are.
pub fn target(name: &str) -> Result<&'static dyn Target, String> {
    TARGETS
        .iter()
        .copied()
        .find(|target| target.name() == name)
        .ok_or_else(|| {
            let names: Vec<_> = TARGETS.iter().map(|target| target.name()).collect();
            format!(
                "there is no target `{name}`; there are {}",
                names.join(", ")
            )
        })
}
