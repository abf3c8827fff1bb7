//! What a run was asked to do: the first line of its history.

use serde::{Deserialize, Serialize};

use crate::settings::Settings;

/// The version of the history format that is written.
pub const FORMAT_VERSION: u32 = 1;

/// Everything that decides a run. The same spec gives the same bytes of history on every machine:
/// it holds no time of day, host, path or program version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spec {
    /// The store under test, by name.
    pub target: String,
    /// Its settings, all resolved.
    pub settings: Settings,
    /// What clients do.
    pub workload: WorkloadSpec,
    /// The fault families, by name; none when empty.
    pub nemesis: Vec<String>,
    /// The settings of the schedule, all resolved.
    #[serde(default)]
    pub nemesis_settings: Settings,
    /// The digest of the schedule that was given, if the faults were not drawn from the seed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<String>,
    /// Where nodes run: `sim`, `local`, …
    pub world: String,
    /// How many nodes the cluster has.
    pub nodes: usize,
    /// How many clients are driven.
    pub clients: usize,
    /// Operations a second, of all clients together.
    pub rate: u64,
    /// How long the workload phase lasts, nanoseconds of the world's clock.
    pub time_ns: u64,
    /// The workload phase ends after so many operations, if set.
    pub ops: Option<u64>,
    /// From which everything random is drawn.
    pub seed: u64,
    /// The planted bug, if any.
    pub bug: Option<String>,
    /// Whether the workload phase ends as soon as a violation is proved.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stop_early: bool,
    /// The guarantees asked for; empty for all that the workload names.
    pub guarantees: Vec<String>,
}

/// The workload of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkloadSpec {
    /// Its name.
    pub name: String,
    /// Its settings, all resolved.
    pub settings: Settings,
}

/// The first line of a history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The version of the format.
    pub polygraph: u32,
    /// What the run was asked to do; absent in histories that did not come from a run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spec: Option<Spec>,
}
