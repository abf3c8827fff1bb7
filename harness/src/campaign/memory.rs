//! The memory of failures: a small file beside the campaign with what failed, which is run first
//! the next time.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use polygraph_results::campaign::{Remembered, Verdicts};
use polygraph_results::{ErrorBody, Status};
use serde::{Deserialize, Serialize};

use super::journal::Line;
use super::place::Source;

/// A run that failed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Failure {
    /// The test.
    pub(crate) cell: String,
    /// What was violated.
    pub(crate) guarantee: String,
    /// By which seed.
    pub(crate) seed: u64,
    /// What was seen.
    pub(crate) anomaly: String,
    /// The version of the program that saw it.
    pub(crate) version: String,
    /// Whether it failed when it was run last.
    pub(crate) fails: bool,
}

/// So many seeds are kept of each test and guarantee.
const KEPT: usize = 10;

/// Where the memory of a campaign's file is: `modes.failures.jsonl` beside `modes.toml`.
pub(crate) fn beside(file: &Path) -> PathBuf {
    file.with_extension("failures.jsonl")
}

/// Reads it; nothing failed before where there is none.
///
/// # Errors
/// The first line that is not one of it.
pub(crate) fn read(path: &Path) -> Result<Vec<Failure>, Box<ErrorBody>> {
    let file = path.display().to_string();
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => {
            let source = Source {
                file: &file,
                text: "",
            };
            return Err(source.wrong(&(0..0), "", format!("it cannot be read: {error}"), ""));
        }
    };
    let source = Source {
        file: &file,
        text: &text,
    };
    let mut at = 0;
    let mut failures = Vec::new();
    for line in text.split_inclusive('\n') {
        if !line.trim().is_empty() {
            failures.push(serde_json::from_str(line).map_err(|error| {
                source.wrong(
                    &(at..at),
                    "",
                    format!("it is no failure of a campaign: {error}"),
                    "a line with cell, guarantee, seed, anomaly, version and fails; or no such file",
                )
            })?);
        }
        at += line.len();
    }
    Ok(failures)
}

/// As it is written.
pub(crate) fn text(failures: &[Failure]) -> String {
    let line = |failure| serde_json::to_string(failure).expect("failures are JSON") + "\n";
    failures.iter().map(line).collect()
}

/// What became of what failed before.
pub(crate) fn review(remembered: &[Failure], lines: &[Line]) -> Vec<Remembered> {
    let fails = |failure: &Failure| {
        let line = lines
            .iter()
            .find(|line| line.seed == failure.seed && line.cell == failure.cell)?;
        let guarantees = &line.report.as_ref()?.guarantees;
        let named = guarantees.iter().find(|it| it.name == failure.guarantee)?;
        Some(named.verdict == "violated")
    };
    let review = |failure: &Failure| Remembered {
        cell: failure.cell.clone(),
        seed: failure.seed,
        guarantee: failure.guarantee.clone(),
        anomaly: failure.anomaly.clone(),
        version: failure.version.clone(),
        fails: fails(failure),
    };
    remembered.iter().map(review).collect()
}

/// What is remembered from now on: what was, and the lowest seeds of what fails now.
pub(crate) fn update(remembered: &[Failure], lines: &[Line], verdicts: &Verdicts) -> Vec<Failure> {
    let mut failures: Vec<Failure> = remembered.to_vec();
    for (failure, review) in failures.iter_mut().zip(&verdicts.remembered) {
        failure.fails = review.fails.unwrap_or(failure.fails);
    }
    for cell in &verdicts.cells {
        let failing = cell
            .guarantees
            .iter()
            .filter(|it| it.status == Status::Violated);
        for guarantee in failing {
            let known = |failures: &[Failure]| {
                let same = |it: &&Failure| it.cell == cell.name && it.guarantee == guarantee.name;
                failures
                    .iter()
                    .filter(same)
                    .map(|it| it.seed)
                    .collect::<Vec<_>>()
            };
            for &seed in &guarantee.violated {
                let before = known(&failures);
                if before.contains(&seed) || before.len() >= KEPT {
                    continue;
                }
                let line = lines
                    .iter()
                    .find(|it| it.seed == seed && it.cell == cell.name);
                let report = line.and_then(|line| line.report.as_ref());
                let named = report.and_then(|report| {
                    report
                        .guarantees
                        .iter()
                        .find(|it| it.name == guarantee.name)
                });
                let anomaly = named.and_then(|it| it.anomalies.first());
                failures.push(Failure {
                    cell: cell.name.clone(),
                    guarantee: guarantee.name.clone(),
                    seed,
                    anomaly: anomaly.map(|it| it.kind.clone()).unwrap_or_default(),
                    version: env!("CARGO_PKG_VERSION").to_owned(),
                    fails: true,
                });
            }
        }
    }
    failures.sort();
    failures
}
