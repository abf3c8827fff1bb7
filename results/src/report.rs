//! A verdict as data: the fields of `verdict.json` and of `--json`.

use polygraph_checker::{Finding, Proof, Validity, Verdict};
use polygraph_history::History;
use polygraph_history::settings::Settings;
use serde::{Deserialize, Serialize};

use crate::{Cycle, Latency, Levels, MeasuredReport, Picture};

/// What a run or a check found.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The version of the format.
    pub polygraph: u32,
    /// `test` or `check`.
    pub command: String,
    /// The whole, after the exit code: `holds`, `violated`, `unknown` or `none`.
    pub verdict: &'static str,
    /// The exit code.
    pub exit: u8,
    /// The file, of a check of several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The store under test, of a test.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Its settings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settings: Option<Settings>,
    /// What clients did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workload: Option<String>,
    /// The fault families.
    pub nemesis: Vec<String>,
    /// Where it ran.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub world: Option<String>,
    /// The first seed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// How many seeds.
    pub seeds: u64,
    /// How operations ended.
    pub operations: Counts,
    /// How long answers took, of a test.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency: Option<Latency>,
    /// Faults by family.
    pub faults: Vec<FaultCounts>,
    /// Whether the history was cut short.
    pub truncated: bool,
    /// How what is ambiguous was read.
    pub assumptions: Vec<String>,
    /// What a reader should know besides.
    pub warnings: Vec<String>,
    /// What was noticed about the history itself, where somebody looked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lint: Option<Vec<LintReport>>,
    /// The answers.
    pub guarantees: Vec<GuaranteeReport>,
    /// Which levels of isolation the history rules out, of a survey of transactions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub levels: Option<Levels>,
    /// The file of the proof that was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proof: Option<String>,
    /// The command that replays it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replay: Option<String>,
    /// The folder of the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// One a seed or a file, where there are several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub runs: Vec<Report>,
}

impl Report {
    /// The report of a check, to be filled in.
    #[must_use]
    pub fn of_check() -> Report {
        Report {
            polygraph: 1,
            command: "check".to_owned(),
            verdict: "none",
            exit: 0,
            file: None,
            target: None,
            settings: None,
            workload: None,
            nemesis: Vec::new(),
            world: None,
            seed: None,
            seeds: 1,
            operations: Counts::default(),
            latency: None,
            faults: Vec::new(),
            truncated: false,
            assumptions: Vec::new(),
            warnings: Vec::new(),
            lint: None,
            guarantees: Vec::new(),
            levels: None,
            proof: None,
            replay: None,
            run: None,
            runs: Vec::new(),
        }
    }
}

/// Something noticed about a history before any verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LintReport {
    /// What it is.
    pub name: &'static str,
    /// The same in a sentence, and what follows from it.
    pub sentence: String,
    /// How often it occurs.
    pub count: u64,
    /// The first occurrences.
    pub examples: Vec<LintExample>,
}

/// One occurrence of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LintExample {
    /// Who, what, when.
    pub sentence: String,
    /// The indices of the events concerned.
    pub events: Vec<u64>,
}

impl From<Finding> for LintReport {
    fn from(finding: Finding) -> LintReport {
        let examples = finding.examples.into_iter();
        LintReport {
            name: finding.name,
            sentence: finding.sentence,
            count: finding.count,
            examples: examples
                .map(|example| LintExample {
                    sentence: example.sentence,
                    events: example.events,
                })
                .collect(),
        }
    }
}

impl LintReport {
    /// As a person reads it: a line for the finding, and one for each of so many examples.
    #[must_use]
    pub fn lines(&self, examples: usize) -> String {
        let mut text = format!(
            "lint: {} ({}): {}
",
            self.name, self.count, self.sentence
        );
        for example in self.examples.iter().take(examples) {
            text += &format!(
                "      {}
",
                example.sentence
            );
        }
        text
    }
}

/// How operations ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// They took place.
    pub ok: u64,
    /// They did not.
    pub fail: u64,
    /// Not known.
    pub info: u64,
    /// They were due while their client was busy for too long, and were never issued.
    #[serde(rename = "not-issued")]
    pub not_issued: u64,
}

impl Counts {
    /// The sum with another.
    #[must_use]
    pub const fn and(self, other: Counts) -> Counts {
        Counts {
            ok: self.ok + other.ok,
            fail: self.fail + other.fail,
            info: self.info + other.info,
            not_issued: self.not_issued + other.not_issued,
        }
    }
}

/// What became of the faults of a family.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultCounts {
    /// The family.
    pub kind: String,
    /// How many the schedule had.
    pub planned: u64,
    /// How many were begun.
    pub applied: u64,
    /// How many were seen to act.
    pub verified: u64,
}

/// What a verdict means, given what was claimed and asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It held.
    Holds,
    /// It was violated, as the target's documentation says.
    ViolatedAsDocumented,
    /// It is documented as broken, and this run did not show it.
    NotExhibited,
    /// It is claimed, and this run did not evaluate it.
    NotExercised,
    /// Not decided.
    Unknown,
    /// It was violated.
    Violated,
    /// It was violated although the target claims it.
    ClaimBroken,
}

impl Outcome {
    /// As it is written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Outcome::Holds => "holds",
            Outcome::ViolatedAsDocumented => "violated-as-documented",
            Outcome::NotExhibited => "not-exhibited",
            Outcome::NotExercised => "not-exercised",
            Outcome::Unknown => "unknown",
            Outcome::Violated => "violated",
            Outcome::ClaimBroken => "claim-broken",
        }
    }
}

/// What was seen of a guarantee; `not-exercised` where nobody looked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Observed {
    /// It held.
    Holds,
    /// Not decided.
    Unknown,
    /// It was violated.
    Violated,
    /// Nobody looked.
    NotExercised,
}

impl From<Validity> for Observed {
    fn from(validity: Validity) -> Observed {
        match validity {
            Validity::Holds => Observed::Holds,
            Validity::Unknown => Observed::Unknown,
            Validity::Violated => Observed::Violated,
        }
    }
}

/// The answer for one guarantee.
#[derive(Clone, Debug, Serialize)]
pub struct GuaranteeReport {
    /// Its name.
    pub name: String,
    /// The answer.
    pub verdict: Observed,
    /// What it means here.
    pub outcome: Outcome,
    /// Claimed, documented as broken, or neither.
    pub claimed: Option<bool>,
    /// Whether the user asked for it by name.
    pub asked: bool,
    /// Which algorithm decided.
    pub algorithm: String,
    /// How many operations it looked at.
    pub operations_checked: u64,
    /// How many of them had an unknown outcome.
    pub indeterminate: u64,
    /// How often a violation could have shown.
    pub opportunities: u64,
    /// What was shown before the budget ended.
    pub established: Option<String>,
    /// Why the answer is unknown.
    pub reason: Option<&'static str>,
    /// The evidence.
    pub anomalies: Vec<AnomalyReport>,
    /// How many anomalies there are in all.
    pub anomaly_count: u64,
    /// What a reader should know of this answer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// What was counted and timed besides, as small tables.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub measured: Vec<MeasuredReport>,
    /// How long the check took, milliseconds.
    pub checked_in_ms: u64,
}

/// One piece of evidence.
#[derive(Clone, Debug, Serialize)]
pub struct AnomalyReport {
    /// Its name in the field.
    pub kind: &'static str,
    /// What happened, in words.
    pub explanation: String,
    /// The indices of the invocations that show it.
    pub operations: Vec<u64>,
    /// The key it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Whether the second, independent check agreed.
    pub confirmed: bool,
    /// Why each transaction came before the next, where it is a cycle.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cycle: Option<Cycle>,
    /// What it looks like, unless too many operations show it.
    #[serde(skip)]
    pub picture: Option<Picture>,
}

impl GuaranteeReport {
    /// The report of a verdict on a history; what it means is still to be filled in.
    #[must_use]
    pub fn new(verdict: &Verdict, history: &History, checked_in_ms: u64) -> GuaranteeReport {
        let anomaly = |(at, anomaly): (usize, &polygraph_checker::Anomaly)| AnomalyReport {
            kind: anomaly.kind,
            explanation: anomaly.explanation.clone(),
            operations: anomaly.operations.clone(),
            key: anomaly.key.as_ref().map(ToString::to_string),
            confirmed: match verdict.confirmed.get(at) {
                Some(&confirmed) => confirmed,
                None => anomaly.confirm(history).is_ok(),
            },
            cycle: match &anomaly.proof {
                Proof::Isolation(proof) => Cycle::of(history, proof),
                _ => None,
            },
            picture: Picture::of(history, &anomaly.operations),
        };
        GuaranteeReport {
            name: verdict.guarantee.name().to_owned(),
            verdict: verdict.validity.into(),
            outcome: Outcome::Unknown,
            claimed: None,
            asked: false,
            algorithm: verdict.algorithm.clone(),
            operations_checked: verdict.operations_checked,
            indeterminate: verdict.indeterminate,
            opportunities: verdict.opportunities,
            established: verdict.established.clone(),
            reason: verdict.reason.map(polygraph_checker::Reason::name),
            anomalies: verdict.anomalies.iter().enumerate().map(anomaly).collect(),
            anomaly_count: verdict.anomaly_count,
            warnings: verdict.warnings.clone(),
            measured: verdict.measured.iter().map(MeasuredReport::from).collect(),
            checked_in_ms,
        }
    }

    /// A guarantee that the target claims and nobody looked at.
    #[must_use]
    pub fn not_exercised(name: &str, claimed: bool) -> GuaranteeReport {
        GuaranteeReport {
            name: name.to_owned(),
            verdict: Observed::NotExercised,
            outcome: Outcome::NotExercised,
            claimed: Some(claimed),
            asked: false,
            algorithm: "none".to_owned(),
            operations_checked: 0,
            indeterminate: 0,
            opportunities: 0,
            established: None,
            reason: Some("not-applicable"),
            anomalies: Vec::new(),
            anomaly_count: 0,
            warnings: Vec::new(),
            measured: Vec::new(),
            checked_in_ms: 0,
        }
    }
}

/// An error as data: what `--json` prints when there is no verdict.
#[derive(Clone, Debug, Serialize)]
pub struct ErrorReport {
    /// The version of the format.
    pub polygraph: u32,
    /// The error.
    pub error: ErrorBody,
    /// The exit code.
    pub exit: u8,
}

/// What is wrong, where, and what would be right.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ErrorBody {
    /// `usage`, `input`, `harness` or `bug`.
    pub kind: &'static str,
    /// The sentence.
    pub message: String,
    /// The file at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line in it, counted from one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// The column in it, counted from one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
    /// The field at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What would be right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
}
