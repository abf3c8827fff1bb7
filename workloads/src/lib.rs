//! What clients do: generators, and the guarantees their histories are asked for.
//!
//! - [`WORKLOADS`], [`workload`]: start here; every workload, by name.
//! - [`Workload`]: what a workload tells of itself. [`Setup`]: what it is told.
//! - [`Generator`], [`Next`]: the plan of what clients do, without clocks or threads.
//!
//! **Invariant:** a generator is a function of its setup and of the events it was told; it knows
//! neither a cluster nor the time but as it is given.

mod append;
mod finale;
mod keys;
mod register;
mod set;
mod workload;

pub use workload::{Generator, Next, Replicas, Setup, Workload};

/// Every workload, in the order in which they are shown.
pub const WORKLOADS: &[&dyn Workload] = &[&register::Register, &set::Set, &append::Append];

/// The workload of this name.
///
/// # Errors
/// A sentence that names those there are.
pub fn workload(name: &str) -> Result<&'static dyn Workload, String> {
    WORKLOADS
        .iter()
        .copied()
        .find(|workload| workload.name() == name)
        .ok_or_else(|| {
            let names: Vec<_> = WORKLOADS.iter().map(|workload| workload.name()).collect();
            format!(
                "there is no workload `{name}`; there are {}",
                names.join(", ")
            )
        })
}
