//! The verdicts of a campaign as data: the fields of `verdicts.json`.
//!
//! There is nothing in it that differs between two campaigns that ran the same: no time of day, no
//! folder, no duration of a check. One machine, several, and one that was interrupted write the
//! same bytes.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::stored::{read_json, typed};
use crate::{Counts, ErrorBody, Latency, Status, StoredAnomaly};

/// What a campaign found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Verdicts {
    /// The version of the format.
    pub polygraph: u32,
    /// `campaign`.
    pub command: String,
    /// The campaign's name.
    pub name: String,
    /// Its file, as it was named on the command line.
    pub file: String,
    /// The profile, if one was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// The whole, after the exit code.
    pub verdict: String,
    /// The exit code.
    pub exit: u8,
    /// How many runs were planned.
    pub planned: u64,
    /// How many took place.
    pub ran: u64,
    /// Why not all of them took place: `budget-time`, `fail-fast`, `shard`, `interrupted`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<String>,
    /// The tests, in the order of the file.
    pub cells: Vec<CellVerdict>,
    /// Those that are not possible, and why.
    #[serde(default)]
    pub incompatible: Vec<LeftOut>,
    /// Those that the file excludes, and why.
    #[serde(default)]
    pub excluded: Vec<LeftOut>,
    /// What became of failures of earlier campaigns.
    #[serde(default)]
    pub remembered: Vec<Remembered>,
}

/// A test that is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Its name.
    pub cell: String,
    /// The line of the file that would make it.
    pub line: u64,
    /// Why it is left out.
    pub why: String,
}

/// A failure of an earlier campaign, run again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    /// The test.
    pub cell: String,
    /// The seed.
    pub seed: u64,
    /// The guarantee.
    pub guarantee: String,
    /// What was seen.
    pub anomaly: String,
    /// The version of the program that saw it.
    pub version: String,
    /// Whether it still fails; `None` if it was not run.
    pub fails: Option<bool>,
}

/// What all seeds of a test found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CellVerdict {
    /// Its name: `target[settings]/workload/nemesis/world`.
    pub name: String,
    /// The line of the file that makes it.
    pub line: u64,
    /// The store.
    pub target: String,
    /// The name of its settings, if they are not the defaults.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// What clients did.
    pub workload: String,
    /// The fault families, as they are written.
    pub nemesis: String,
    /// Where it ran.
    pub world: String,
    /// How it is run alone.
    pub alone: String,
    /// The worst of its guarantees and runs.
    pub status: Status,
    /// How operations ended, of all runs.
    pub operations: Counts,
    /// How long answers took: the median of the runs.
    pub latency: Option<Latency>,
    /// Its runs, by seed.
    pub runs: Vec<RunVerdict>,
    /// The answers.
    pub guarantees: Vec<GuaranteeVerdict>,
}

/// How a run ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunVerdict {
    /// The seed.
    pub seed: u64,
    /// The exit code that the run alone has; `None` if it did not take place.
    pub exit: Option<u8>,
    /// What failed, if the harness did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What all seeds of a test say of a guarantee.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GuaranteeVerdict {
    /// Its name.
    pub name: String,
    /// What it means.
    pub status: Status,
    /// Claimed, documented as broken, or neither, in the run that decides.
    pub claimed: Option<bool>,
    /// Whether the campaign asks for it by name.
    #[serde(default)]
    pub asked: bool,
    /// The seeds that violated it.
    pub violated: Vec<u64>,
    /// The seeds that did not decide it.
    pub unknown: Vec<u64>,
    /// Why they did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Why a violation is expected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// How many operations were looked at.
    pub operations_checked: u64,
    /// How many of them had an unknown outcome.
    pub indeterminate: u64,
    /// How often a violation could have shown.
    pub opportunities: u64,
    /// The evidence: the first of each kind, by seed.
    pub anomalies: Vec<SeedAnomaly>,
}

/// A piece of evidence, and the seed that shows it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SeedAnomaly {
    /// The seed.
    pub seed: u64,
    /// How many of the test's seeds show one of this kind first.
    pub seeds: u64,
    /// How the run is had again.
    pub replay: String,
    /// The evidence.
    #[serde(flatten)]
    pub anomaly: StoredAnomaly,
}

/// The name of the file.
pub const FILE: &str = "verdicts.json";

/// What a file of verdicts is, for messages.
const EXPECTED: &str = "verdicts.json of a campaign";

impl Verdicts {
    /// Reads `verdicts.json`, or the folder that has it.
    ///
    /// # Errors
    /// What is wrong with the file, and what would be right.
    pub fn read(path: &Path) -> Result<Verdicts, Box<ErrorBody>> {
        let file = match path.is_dir() {
            true => path.join(FILE),
            false => path.to_owned(),
        };
        typed(read_json(&file, EXPECTED)?, &file, EXPECTED)
    }

    /// As it stands in the file: one field a line where it matters to a person who compares.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("verdicts are JSON") + "\n"
    }
}
