//! A verdict read back: what reports, comparisons and campaigns need of `verdict.json`.
//!
//! Nothing here knows how a run came about. Fields that are not known are ignored, those that an
//! older program did not write are empty, and a newer version of the format is refused.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Counts, ErrorBody, FaultCounts, Latency, Report};

/// The version of `verdict.json` and `verdicts.json` that is written, and the newest that is read.
pub const VERSION: u32 = 1;

/// A verdict, read back.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Stored {
    /// The version of the format.
    pub polygraph: u32,
    /// `test` or `check`.
    pub command: String,
    /// The whole, after the exit code.
    pub verdict: String,
    /// The exit code.
    pub exit: u8,
    /// The store under test.
    #[serde(default)]
    pub target: Option<String>,
    /// Its settings.
    #[serde(default)]
    pub settings: BTreeMap<String, Value>,
    /// What clients did.
    #[serde(default)]
    pub workload: Option<String>,
    /// The fault families.
    #[serde(default)]
    pub nemesis: Vec<String>,
    /// Where it ran.
    #[serde(default)]
    pub world: Option<String>,
    /// The seed.
    #[serde(default)]
    pub seed: Option<u64>,
    /// How operations ended.
    #[serde(default)]
    pub operations: Counts,
    /// How long answers took.
    #[serde(default)]
    pub latency: Option<Latency>,
    /// Faults by family.
    #[serde(default)]
    pub faults: Vec<FaultCounts>,
    /// What a reader should know besides.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// The answers.
    #[serde(default)]
    pub guarantees: Vec<StoredGuarantee>,
    /// The command that replays it.
    #[serde(default)]
    pub replay: Option<String>,
}

/// The answer for one guarantee, read back.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StoredGuarantee {
    /// Its name.
    pub name: String,
    /// `holds`, `violated`, `unknown` or `not-exercised`.
    pub verdict: String,
    /// What it means, given what is claimed and asked.
    pub outcome: String,
    /// Claimed, documented as broken, or neither.
    #[serde(default)]
    pub claimed: Option<bool>,
    /// Whether the user asked for it by name.
    #[serde(default)]
    pub asked: bool,
    /// How many operations the checker looked at.
    #[serde(default)]
    pub operations_checked: u64,
    /// How many of them had an unknown outcome.
    #[serde(default)]
    pub indeterminate: u64,
    /// How often a violation could have shown.
    #[serde(default)]
    pub opportunities: u64,
    /// Why the answer is unknown.
    #[serde(default)]
    pub reason: Option<String>,
    /// The evidence.
    #[serde(default)]
    pub anomalies: Vec<StoredAnomaly>,
    /// How many anomalies there are in all.
    #[serde(default)]
    pub anomaly_count: u64,
}

impl StoredGuarantee {
    /// Whether its answer decides the exit code: it is asked for, or claimed.
    #[must_use]
    pub fn counts(&self) -> bool {
        self.asked || self.claimed == Some(true)
    }
}

/// One piece of evidence, read back.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StoredAnomaly {
    /// Its name in the field.
    pub kind: String,
    /// What happened, in words.
    pub explanation: String,
    /// The indices of the invocations that show it.
    #[serde(default)]
    pub operations: Vec<u64>,
    /// The key it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Whether the second, independent check agreed.
    #[serde(default)]
    pub confirmed: bool,
}

/// So many pieces of evidence of a guarantee are kept of each run; how many there are is counted.
const EVIDENCE: usize = 3;

impl From<&Report> for Stored {
    /// What would be read back, had the report been written.
    fn from(report: &Report) -> Stored {
        let value = serde_json::to_value(report).expect("reports are JSON");
        let mut stored: Stored =
            serde_json::from_value(value).expect("a report can be read back: a test holds it");
        for guarantee in &mut stored.guarantees {
            guarantee.anomalies.truncate(EVIDENCE);
        }
        stored
    }
}

/// What is wrong with a file.
pub(crate) fn wrong(path: &Path, problem: impl Into<String>, expected: &str) -> Box<ErrorBody> {
    let file = path.display().to_string();
    Box::new(ErrorBody {
        kind: "input",
        message: format!("{file}: {}; expected {expected}", problem.into()),
        file: Some(file),
        expected: Some(expected.to_owned()),
        ..ErrorBody::default()
    })
}

/// Reads a file of JSON of a version that is known.
pub(crate) fn read_json(path: &Path, expected: &str) -> Result<Value, Box<ErrorBody>> {
    let text = fs::read_to_string(path)
        .map_err(|error| wrong(path, format!("it cannot be read: {error}"), expected))?;
    let value: Value = serde_json::from_str(&text).map_err(|error| {
        let mut body = wrong(path, format!("it is damaged: {error}"), expected);
        (body.line, body.column) = (Some(error.line()), Some(error.column()));
        body
    })?;
    match value["polygraph"].as_u64() {
        Some(version) if version <= u64::from(VERSION) => Ok(value),
        Some(version) => Err(field(
            wrong(
                path,
                format!(
                    "it is of version {version} of the format, and this polygraph ({}) reads up \
                     to version {VERSION}",
                    env!("CARGO_PKG_VERSION")
                ),
                "an older file, or a newer polygraph",
            ),
            "polygraph",
        )),
        None => Err(field(
            wrong(path, "it has no field `polygraph`", expected),
            "polygraph",
        )),
    }
}

fn field(mut body: Box<ErrorBody>, name: &str) -> Box<ErrorBody> {
    body.field = Some(name.to_owned());
    body
}

/// Takes what was read from a file apart.
pub(crate) fn typed<T: for<'de> Deserialize<'de>>(
    value: Value,
    path: &Path,
    expected: &str,
) -> Result<T, Box<ErrorBody>> {
    serde_json::from_value(value)
        .map_err(|error| wrong(path, format!("it is not a verdict: {error}"), expected))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::GuaranteeReport;

    #[test]
    fn a_report_is_read_back() {
        let mut report = Report::of_check();
        report.command = "test".to_owned();
        report.target = Some("leaderless".to_owned());
        report.seed = Some(7);
        report.operations.not_issued = 4;
        report
            .guarantees
            .push(GuaranteeReport::not_exercised("durable", true));
        let stored = Stored::from(&report);
        assert_eq!(stored.target.as_deref(), Some("leaderless"));
        assert_eq!((stored.seed, stored.operations.not_issued), (Some(7), 4));
        let guarantee = &stored.guarantees[0];
        assert_eq!(guarantee.verdict, "not-exercised");
        assert!(guarantee.counts());
    }

    #[test]
    fn damaged_and_newer_files_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("verdict.json");
        for (text, parts) in [
            ("", &["damaged", "line 1"][..]),
            ("{\"polygraph\":1,", &["damaged", "column"]),
            ("{\"polygraph\":99}", &["version 99", "newer polygraph"]),
            ("{}", &["no field `polygraph`"]),
            ("[]", &["no field `polygraph`"]),
        ] {
            fs::write(&file, text).unwrap();
            let error = read_json(&file, "a verdict").unwrap_err();
            for part in parts {
                assert!(error.message.contains(part), "{text}: {}", error.message);
            }
            assert!(error.message.contains("verdict.json"));
        }
        fs::remove_file(&file).unwrap();
        let error = read_json(&file, "a verdict").unwrap_err();
        assert!(error.message.contains("cannot be read"), "{error:?}");
    }
}
