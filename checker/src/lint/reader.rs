//! What a reader tolerated. It says so in warnings, which are `what: count; meaning`.

use polygraph_history::History;

use super::Finding;

/// What a reader says first, and what it is called here.
const TOLERATED: &[(&str, &str)] = &[
    ("events without process", "missing-process"),
    (
        "operations begun while another of their process was open",
        "process-overlap",
    ),
    ("completions without invocation", "missing-invocation"),
    (
        "completions that may end any of several open operations",
        "ambiguous-completion",
    ),
    ("events without time", "missing-time"),
    ("times of both invocations and completions", "tied-times"),
    (
        "events were put into the order of their own indices",
        "events-in-disorder",
    ),
    ("indices repeat", "repeated-index"),
    ("the last line is torn", "torn-line"),
];

/// What [`super::order`] finds by itself.
const FOUND: &[&str] = &[
    "events with a time before the last one's",
    "operations that end before they begin",
];

/// Whether a finding says what this warning of a reader says.
#[must_use]
pub fn tells(warning: &str) -> bool {
    let tolerated = TOLERATED.iter().map(|(what, _)| what);
    tolerated.chain(FOUND).any(|what| warning.starts_with(what))
}

/// Everything that a reader tolerated.
pub(super) fn find(history: &History, findings: &mut Vec<Finding>) {
    for warning in history.warnings() {
        let Some((what, name)) = TOLERATED.iter().find(|(what, _)| warning.starts_with(what))
        else {
            continue;
        };
        let rest = warning[what.len()..].strip_prefix(": ");
        let counted = rest.and_then(|rest| rest.split_once("; "));
        let count = counted.and_then(|(count, _)| count.parse().ok());
        findings.push(Finding {
            name,
            sentence: match (counted, count) {
                (Some((_, meaning)), Some(_)) => format!("{what}; {meaning}"),
                _ => warning.clone(),
            },
            count: count.unwrap_or(1),
            examples: Vec::new(),
        });
    }
}
