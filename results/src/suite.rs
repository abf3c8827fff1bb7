//! What the formats of continuous integration are made of: cases that pass, fail, or say nothing.
//!
//! A suite is made of a verdict that was written, of a run or of a campaign, and of nothing else.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::campaign::{self, CellVerdict, GuaranteeVerdict, Verdicts};
use crate::stored::{read_json, typed, wrong};
use crate::{Counts, ErrorBody, Stored, StoredAnomaly, StoredGuarantee};

/// What an answer means, from the least to the most alarming.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Nobody looked.
    #[default]
    NotExercised,
    /// It did not take place: a budget ended, or it is another shard's.
    NotRun,
    /// It is documented as broken, and this did not show it.
    NotExhibited,
    /// It held.
    Holds,
    /// It could not be decided, and nobody claims it or asks for it.
    Undecided,
    /// It was violated, and nobody claims it or asks for it.
    Noted,
    /// It was violated, as the target's documentation says.
    ViolatedAsDocumented,
    /// It was violated, as the campaign expects.
    Expected,
    /// It was violated, as it was before (`--baseline`).
    Known,
    /// It is claimed or asked for, and could not be decided.
    Unknown,
    /// The harness failed.
    Error,
    /// The campaign expects a violation, and it was not seen.
    NotSeen,
    /// It is claimed or asked for, and was violated.
    Violated,
}

impl Status {
    /// As it is written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Status::NotExercised => "not-exercised",
            Status::NotRun => "not-run",
            Status::NotExhibited => "not-exhibited",
            Status::Holds => "holds",
            Status::Undecided => "undecided",
            Status::Noted => "noted",
            Status::ViolatedAsDocumented => "violated-as-documented",
            Status::Expected => "expected",
            Status::Known => "known",
            Status::Unknown => "unknown",
            Status::Error => "error",
            Status::NotSeen => "not-seen",
            Status::Violated => "violated",
        }
    }

    /// Whether it fails a suite.
    #[must_use]
    pub const fn fails(self) -> bool {
        matches!(self, Status::Violated | Status::NotSeen)
    }

    /// Whether it says nothing either way.
    #[must_use]
    pub const fn skips(self) -> bool {
        matches!(
            self,
            Status::Unknown | Status::Undecided | Status::NotExercised | Status::NotRun
        )
    }

    /// Whether an anomaly was seen.
    #[must_use]
    pub const fn is_violation(self) -> bool {
        matches!(
            self,
            Status::Noted
                | Status::ViolatedAsDocumented
                | Status::Expected
                | Status::Known
                | Status::Violated
        )
    }

    /// What one run says of a guarantee, before any expectation.
    #[must_use]
    pub fn of(guarantee: &StoredGuarantee) -> Status {
        let counts = guarantee.counts();
        match guarantee.outcome.as_str() {
            "claim-broken" => Status::Violated,
            "violated" if counts => Status::Violated,
            "violated" => Status::Noted,
            "violated-as-documented" => Status::ViolatedAsDocumented,
            "unknown" if counts => Status::Unknown,
            "unknown" => Status::Undecided,
            "not-exhibited" => Status::NotExhibited,
            "holds" => Status::Holds,
            _ => Status::NotExercised,
        }
    }
}

/// Cases, and what is to be known besides.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Suite {
    /// The version of the format.
    pub polygraph: u32,
    /// `report`.
    pub command: &'static str,
    /// The campaign, or the run.
    pub name: String,
    /// The file that decides what runs, if it is known.
    pub file: Option<String>,
    /// The whole, after the exit code.
    pub verdict: String,
    /// The exit code.
    pub exit: u8,
    /// How many runs took place.
    pub runs: u64,
    /// How operations ended, of all runs.
    pub operations: Counts,
    /// One for each test and guarantee.
    pub cases: Vec<Case>,
    /// What a reader should know besides.
    pub notes: Vec<String>,
}

/// What a test says of a guarantee; without a guarantee, that the test itself failed.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Case {
    /// The test.
    pub cell: String,
    /// The line of the file that makes it, counted from one.
    pub line: u64,
    /// The guarantee, or `run`.
    pub guarantee: String,
    /// What it means.
    pub status: Status,
    /// The same in a sentence.
    pub message: String,
    /// The evidence.
    pub evidence: Vec<Evidence>,
    /// How the test is run alone.
    pub alone: String,
}

/// A piece of evidence, and how it is had again.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Evidence {
    /// The seed that shows it.
    pub seed: Option<u64>,
    /// How the run is had again.
    pub replay: String,
    /// What was seen.
    #[serde(flatten)]
    pub anomaly: StoredAnomaly,
}

/// What can be reported, for messages.
const EXPECTED: &str = "the folder of a run (verdict.json) or of a campaign (verdicts.json)";

impl Suite {
    /// Reads the folder of a run or of a campaign, or the file of its verdicts.
    ///
    /// # Errors
    /// What is wrong with the file, and what would be right.
    pub fn read(path: &Path) -> Result<Suite, Box<ErrorBody>> {
        let file = match path.is_dir() {
            true => ["verdict.json", campaign::FILE]
                .iter()
                .map(|name| path.join(name))
                .find(|file| file.exists())
                .ok_or_else(|| wrong(path, "there is no verdict in it", EXPECTED))?,
            false => path.to_owned(),
        };
        let value = read_json(&file, EXPECTED)?;
        match &value {
            Value::Object(fields) if fields.contains_key("cells") => {
                Ok(Suite::of_campaign(&typed(value, &file, EXPECTED)?))
            }
            _ => Ok(Suite::of_run(&typed(value, &file, EXPECTED)?)),
        }
    }

    /// Of a run.
    #[must_use]
    pub fn of_run(stored: &Stored) -> Suite {
        let name = |name: &Option<String>| name.clone().unwrap_or_else(|| "?".to_owned());
        let nemesis = match stored.nemesis.is_empty() {
            true => "none".to_owned(),
            false => stored.nemesis.join("+"),
        };
        let cell = match &stored.target {
            Some(target) => format!(
                "{target}/{}/{nemesis}/{}",
                name(&stored.workload),
                name(&stored.world)
            ),
            None => stored.command.clone(),
        };
        let alone = stored.replay.clone().unwrap_or_default();
        let case = |guarantee: &StoredGuarantee| {
            let status = Status::of(guarantee);
            let evidence = guarantee.anomalies.iter().map(|anomaly| Evidence {
                seed: stored.seed,
                replay: alone.clone(),
                anomaly: anomaly.clone(),
            });
            Case {
                cell: cell.clone(),
                line: 1,
                guarantee: guarantee.name.clone(),
                status,
                message: message_of_run(guarantee, status),
                evidence: evidence.collect(),
                alone: alone.clone(),
            }
        };
        let mut cases: Vec<Case> = stored.guarantees.iter().map(case).collect();
        if !matches!(stored.exit, 0 | 1 | 3) {
            cases.push(Case {
                cell: cell.clone(),
                line: 1,
                guarantee: "run".to_owned(),
                status: Status::Error,
                message: format!("there is no verdict: exit {}", stored.exit),
                evidence: Vec::new(),
                alone,
            });
        }
        Suite {
            polygraph: crate::VERSION,
            command: "report",
            name: match stored.seed {
                Some(seed) => format!("{cell} seed {seed}"),
                None => cell,
            },
            file: None,
            verdict: stored.verdict.clone(),
            exit: stored.exit,
            runs: 1,
            operations: stored.operations,
            cases,
            notes: stored.warnings.clone(),
        }
    }

    /// Of a campaign.
    #[must_use]
    pub fn of_campaign(verdicts: &Verdicts) -> Suite {
        let cases = verdicts.cells.iter().flat_map(cases_of_cell).collect();
        let operations = verdicts
            .cells
            .iter()
            .fold(Counts::default(), |sum, cell| sum.and(cell.operations));
        let mut notes = Vec::new();
        if let Some(ended) = &verdicts.ended {
            notes.push(format!(
                "{} of {} runs took place ({ended})",
                verdicts.ran, verdicts.planned
            ));
        }
        for gone in &verdicts.remembered {
            let what = format!(
                "{} seed {}: {} ({}), seen by {}",
                gone.cell, gone.seed, gone.anomaly, gone.guarantee, gone.version
            );
            match gone.fails {
                Some(true) => notes.push(format!("still fails: {what}")),
                Some(false) => notes.push(format!("no longer fails: {what}")),
                None => {}
            }
        }
        if !verdicts.incompatible.is_empty() {
            notes.push(format!(
                "{} combinations are not possible",
                verdicts.incompatible.len()
            ));
        }
        Suite {
            polygraph: crate::VERSION,
            command: "report",
            name: verdicts.name.clone(),
            file: Some(verdicts.file.clone()),
            verdict: verdicts.verdict.clone(),
            exit: verdicts.exit,
            runs: verdicts.ran,
            operations,
            cases,
            notes,
        }
    }

    /// How many cases there are of a status that answers yes.
    #[must_use]
    pub fn count(&self, wanted: fn(Status) -> bool) -> usize {
        self.cases.iter().filter(|case| wanted(case.status)).count()
    }
}

fn message_of_run(guarantee: &StoredGuarantee, status: Status) -> String {
    match guarantee.anomalies.first() {
        Some(first) if status.is_violation() => format!("{}: {}", first.kind, first.explanation),
        _ if status.skips() => {
            let reason = guarantee.reason.as_deref().unwrap_or("nobody looked");
            format!("{}: {reason}", status.name())
        }
        _ => format!(
            "{}: {} operations, {} indeterminate, {} opportunities",
            status.name(),
            guarantee.operations_checked,
            guarantee.indeterminate,
            guarantee.opportunities
        ),
    }
}

fn cases_of_cell(cell: &CellVerdict) -> Vec<Case> {
    let case = |guarantee: &str, status, message, evidence| Case {
        cell: cell.name.clone(),
        line: cell.line,
        guarantee: guarantee.to_owned(),
        status,
        message,
        evidence,
        alone: cell.alone.clone(),
    };
    let evidence = |guarantee: &GuaranteeVerdict| {
        let all = guarantee.anomalies.iter().map(|found| Evidence {
            seed: Some(found.seed),
            replay: found.replay.clone(),
            anomaly: found.anomaly.clone(),
        });
        all.collect()
    };
    let mut cases: Vec<Case> = cell
        .guarantees
        .iter()
        .map(|it| case(&it.name, it.status, message_of_cell(it, cell), evidence(it)))
        .collect();
    for run in cell.runs.iter() {
        if let Some(error) = &run.error {
            let message = format!("seed {}: {error}", run.seed);
            cases.push(case("run", Status::Error, message, Vec::new()));
        }
    }
    if cell.runs.iter().all(|run| run.exit.is_none()) {
        let message = "none of its runs took place".to_owned();
        cases.push(case("run", Status::NotRun, message, Vec::new()));
    }
    cases
}

fn message_of_cell(guarantee: &GuaranteeVerdict, cell: &CellVerdict) -> String {
    let ran = cell.runs.iter().filter(|run| run.exit.is_some()).count();
    let status = guarantee.status;
    let expected = match &guarantee.expected {
        Some(why) if status != Status::Violated => format!(" (expected: {why})"),
        _ => String::new(),
    };
    match guarantee.anomalies.first() {
        Some(first) if status.is_violation() => format!(
            "{}: {} ({} of {ran} seeds){expected}",
            first.anomaly.kind,
            first.anomaly.explanation,
            guarantee.violated.len()
        ),
        _ if status == Status::NotSeen => {
            format!("an expected violation was not seen in {ran} seeds{expected}")
        }
        _ if status.skips() => format!(
            "{}: {} ({} of {ran} seeds)",
            status.name(),
            guarantee.reason.as_deref().unwrap_or("nobody looked"),
            guarantee.unknown.len()
        ),
        _ => format!(
            "{}: {ran} seeds, {} operations, {} indeterminate, {} opportunities",
            status.name(),
            guarantee.operations_checked,
            guarantee.indeterminate,
            guarantee.opportunities
        ),
    }
}
