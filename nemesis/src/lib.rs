//! What goes wrong: fault families, and schedules, drawn from a seed or given.
//!
//! - [`schedule`]: start here; a whole run's faults, as values.
//! - [`script`]: the same from a file, for interleavings that are known.
//! - [`Planned`], [`What`], [`resolve`]: one fault, and who it hits when it is applied.
//! - [`NEMESES`], [`Nemesis`]: the families, one file each.
//! - [`inject`]: a fault carried out on a [`polygraph_cluster::Control`], and seen to be.
//!
//! **Invariant:** every schedule ends healed, before the end that it was given.
//!
//! **Invariant:** a fault is not believed to have happened because it was switched on.

mod clock;
mod disk;
pub mod inject;
mod kill;
mod partition;
mod pause;
mod planned;
mod schedule;
pub mod script;
mod slow;
mod victims;

use polygraph_cluster::Deployment;
use polygraph_history::random::Random;
use polygraph_history::{FaultFamily, FaultKind, NodeId, Time};

pub use planned::{Planned, Role, What, resolve};
pub use schedule::{KNOBS, schedule};

/// A family of faults.
pub trait Nemesis: Sync {
    /// Which.
    fn family(&self) -> FaultFamily;

    /// What it does, in one sentence.
    fn about(&self) -> &'static str;

    /// The kinds that it draws from.
    fn kinds(&self) -> &'static [FaultKind];

    /// Faults for one window; most families draw one. Ids are given by the schedule.
    fn draw(&self, env: &Env, window: Window, random: &mut Random) -> Vec<Planned>;
}

/// What a family is told of the cluster.
#[derive(Clone, Debug)]
pub struct Env {
    /// The nodes, in order.
    pub nodes: Vec<NodeId>,
    /// Whether they elect a leader.
    pub has_leader: bool,
    /// The kinds of faults that the world can make.
    pub capabilities: Vec<FaultKind>,
}

impl Env {
    /// The cluster of a deployment in a world.
    #[must_use]
    pub fn new(deployment: &Deployment, has_leader: bool, capabilities: &[FaultKind]) -> Env {
        Env {
            nodes: NodeId::all(deployment.nodes),
            has_leader,
            capabilities: capabilities.to_vec(),
        }
    }

    /// Those of these kinds that the world can make.
    fn able(&self, kinds: &[FaultKind]) -> Vec<FaultKind> {
        kinds
            .iter()
            .copied()
            .filter(|kind| self.capabilities.contains(kind))
            .collect()
    }
}

/// From when to when a fault may last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Not before.
    pub start: Time,
    /// Not after.
    pub end: Time,
}

/// Every family, in the order in which they are shown.
pub const NEMESES: &[&dyn Nemesis] = &[
    &partition::Partition,
    &clock::Clock,
    &kill::Kill,
    &pause::Pause,
    &slow::Slow,
    &disk::Disk,
];

/// The family of this name.
///
/// # Errors
/// A sentence that names those there are.
pub fn nemesis(name: &str) -> Result<&'static dyn Nemesis, String> {
    NEMESES
        .iter()
        .copied()
        .find(|nemesis| nemesis.family().name() == name)
        .ok_or_else(|| {
            let names: Vec<_> = NEMESES
                .iter()
                .map(|nemesis| nemesis.family().name())
                .collect();
            format!(
                "there is no nemesis `{name}`; there are {}, none and all",
                names.join(", ")
            )
        })
}
