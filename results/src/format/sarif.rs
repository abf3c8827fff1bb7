//! SARIF 2.1.0, as code scanning reads it: a result for each anomaly, at the line of the campaign's
//! file that makes the test.

use std::collections::BTreeMap;

use polygraph_history::random;
use serde_json::{Value, json};

use super::clipped;
use crate::{Case, Status, Suite};

/// So many results a run may have (GitHub refuses more).
const RESULTS: usize = 25_000;

/// A suite as SARIF 2.1.0. Fingerprints are made of test, guarantee and anomaly, so that the same
/// finding is the same one the next time, whatever its seed.
#[must_use]
pub fn sarif(suite: &Suite) -> String {
    let mut rules: BTreeMap<String, Value> = BTreeMap::new();
    let mut results = Vec::new();
    for case in &suite.cases {
        let Some(level) = level(case.status) else {
            continue;
        };
        for finding in findings(case) {
            rules
                .entry(finding.rule.clone())
                .or_insert_with(|| rule(&finding.rule));
            results.push(result(suite, case, &finding, level));
        }
    }
    results.truncate(RESULTS);
    let used: Vec<Value> = rules.into_values().collect();
    let sarif = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "polygraph",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": used,
            }},
            "automationDetails": { "id": format!("polygraph/{}/", suite.name) },
            "invocations": [{
                "executionSuccessful": matches!(suite.exit, 0 | 1 | 3),
                "exitCode": suite.exit,
            }],
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    serde_json::to_string_pretty(&sarif).expect("it is JSON") + "\n"
}

/// How loud a status is; `None` where there is nothing to say.
const fn level(status: Status) -> Option<&'static str> {
    match status {
        Status::Violated | Status::NotSeen | Status::Error => Some("error"),
        Status::Unknown => Some("warning"),
        Status::Expected | Status::Known | Status::Noted => Some("note"),
        _ => None,
    }
}

/// What is told of a case.
struct Finding {
    rule: String,
    message: String,
    replay: String,
    operations: Vec<u64>,
}

fn findings(case: &Case) -> Vec<Finding> {
    let mut all: Vec<Finding> = Vec::new();
    if case.status.is_violation() {
        for evidence in &case.evidence {
            all.push(Finding {
                rule: evidence.anomaly.kind.clone(),
                message: evidence.anomaly.explanation.clone(),
                replay: evidence.replay.clone(),
                operations: evidence.anomaly.operations.clone(),
            });
        }
    }
    if all.is_empty() {
        all.push(Finding {
            rule: case.status.name().to_owned(),
            message: case.message.clone(),
            replay: case.alone.clone(),
            operations: Vec::new(),
        });
    }
    all
}

fn rule(id: &str) -> Value {
    let words = id.replace('-', " ");
    json!({
        "id": id,
        "shortDescription": { "text": words },
        "help": { "text": format!("Evidence of `{id}`; the command in the message shows it again.") },
        "defaultConfiguration": { "level": "error" },
    })
}

fn result(suite: &Suite, case: &Case, finding: &Finding, level: &str) -> Value {
    let identity = [&case.cell, &case.guarantee, &finding.rule];
    let parts: Vec<u64> = identity.iter().map(|part| random::text(part)).collect();
    let replay = match finding.replay.is_empty() {
        true => String::new(),
        false => format!(" Replay: {}", finding.replay),
    };
    let uri = suite.file.as_deref().unwrap_or("verdict.json");
    json!({
        "ruleId": finding.rule,
        "level": level,
        "message": { "text": format!(
            "{}: {} is {}. {}{replay}",
            case.cell, case.guarantee, case.status.name(), clipped(&finding.message, 2000)
        )},
        "locations": [{
            "physicalLocation": {
                "artifactLocation": { "uri": encoded(uri) },
                "region": { "startLine": case.line.max(1) },
            },
            "logicalLocations": [{ "fullyQualifiedName": format!("{}/{}", case.cell, case.guarantee) }],
        }],
        "partialFingerprints": { "polygraph/v1": format!("{:016x}", random::keyed(&parts)) },
        "properties": { "guarantee": case.guarantee, "operations": finding.operations },
    })
}

/// A relative path as a URI reference.
fn encoded(path: &str) -> String {
    let mut uri = String::new();
    for byte in path.trim_start_matches("./").bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                uri.push(char::from(byte));
            }
            _ => uri += &format!("%{byte:02X}"),
        }
    }
    uri
}
