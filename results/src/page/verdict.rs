//! What `verdict.json` says. Lenient: a field that is missing is empty, one that is new is ignored.

use std::collections::BTreeMap;

use polygraph_history::Guarantee;
use serde::Deserialize;
use serde_json::Value;

use crate::{Counts, Cycle, FaultCounts, Report};

/// The verdict of a run or of a check.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Verdict {
    pub(crate) command: String,
    pub(crate) verdict: String,
    pub(crate) exit: u8,
    pub(crate) target: Option<String>,
    pub(crate) settings: Option<BTreeMap<String, Value>>,
    pub(crate) workload: Option<String>,
    pub(crate) nemesis: Vec<String>,
    pub(crate) world: Option<String>,
    pub(crate) seed: Option<u64>,
    pub(crate) operations: Counts,
    pub(crate) faults: Vec<FaultCounts>,
    pub(crate) truncated: bool,
    pub(crate) assumptions: Vec<String>,
    pub(crate) warnings: Vec<String>,
    pub(crate) guarantees: Vec<Answer>,
    pub(crate) replay: Option<String>,
}

/// The answer for one guarantee.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Answer {
    pub(crate) name: String,
    pub(crate) verdict: String,
    pub(crate) outcome: String,
    pub(crate) claimed: Option<bool>,
    pub(crate) asked: bool,
    pub(crate) algorithm: String,
    pub(crate) operations_checked: u64,
    pub(crate) indeterminate: u64,
    pub(crate) opportunities: u64,
    pub(crate) established: Option<String>,
    pub(crate) reason: Option<String>,
    pub(crate) anomalies: Vec<Anomaly>,
    pub(crate) anomaly_count: u64,
    pub(crate) warnings: Vec<String>,
}

/// One piece of evidence.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Anomaly {
    pub(crate) kind: String,
    pub(crate) explanation: String,
    pub(crate) operations: Vec<u64>,
    pub(crate) key: Option<String>,
    pub(crate) confirmed: bool,
    pub(crate) cycle: Option<Cycle>,
}

impl Verdict {
    /// Reads the text of a `verdict.json`.
    pub(crate) fn read(text: &str) -> Result<Verdict, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// What a report says, by way of the same text.
    pub(crate) fn of(report: &Report) -> Verdict {
        let value = serde_json::to_value(report).expect("reports are JSON");
        serde_json::from_value(value).expect("what is written as a report reads as one")
    }

    /// The answers that a violation is in, the gravest first, in their order otherwise.
    pub(crate) fn violated(&self) -> Vec<&Answer> {
        let violated = self.guarantees.iter().filter(|it| it.is_violated());
        let mut violated: Vec<&Answer> = violated.collect();
        violated.sort_by_key(|answer| match answer.outcome.as_str() {
            "claim-broken" => 0,
            "violated" => 1,
            _ => 2,
        });
        violated
    }

    /// The piece of evidence to show first: of the gravest violation the smallest that was
    /// confirmed.
    pub(crate) fn telling(&self) -> Option<(&Answer, &Anomaly)> {
        self.violated().into_iter().find_map(|answer| {
            let all = answer.anomalies.iter();
            let smallest = all.min_by_key(|it| (!it.confirmed, it.operations.len()));
            Some((answer, smallest?))
        })
    }
}

impl Answer {
    pub(crate) fn is_violated(&self) -> bool {
        self.verdict == "violated"
    }

    /// What the guarantee means, in a sentence; empty for a name that nobody knows.
    pub(crate) fn about(&self) -> &'static str {
        let known: Result<Guarantee, _> = self.name.parse();
        known.map_or("", Guarantee::about)
    }

    /// What the store says of it.
    pub(crate) fn claim(&self) -> &'static str {
        match (self.claimed, self.asked) {
            (Some(true), _) => "holds",
            (Some(false), _) => "broken",
            (None, true) => "asked",
            (None, false) => "—",
        }
    }

    /// What was seen, for a person: a sign that needs no colour, and the word.
    pub(crate) fn observed(&self) -> (&'static str, String) {
        let word = match self.verdict.as_str() {
            "not-exercised" => "not exercised".to_owned(),
            _ => self.outcome.replace('-', " "),
        };
        let sign = match self.verdict.as_str() {
            "holds" => "✓",
            "violated" => "✗",
            "unknown" => "?",
            _ => "–",
        };
        (sign, word)
    }

    /// The class of its colour.
    pub(crate) fn tone(&self) -> &'static str {
        match (self.verdict.as_str(), self.outcome.as_str()) {
            ("violated", "violated-as-documented") => "found",
            ("violated", _) => "bad",
            ("holds", _) => "good",
            ("unknown", _) => "unsure",
            _ => "none",
        }
    }
}
