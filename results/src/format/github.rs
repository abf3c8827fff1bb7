//! What GitHub shows of a step: annotations at the lines of the campaign's file, and a summary.

use super::{clipped, markdown_within};
use crate::{Case, Status, Suite};

/// So many annotations of a kind GitHub shows of a step.
const SHOWN: usize = 10;

/// So many bytes a step's summary may have: 1 MiB, less what was there before.
const SUMMARY: usize = 1 << 20;

/// Workflow commands that annotate what failed and what is not decided, within GitHub's limits:
/// ten errors and ten warnings; the last of either says how many more there are.
#[must_use]
pub fn annotations(suite: &Suite) -> String {
    let errors = suite
        .cases
        .iter()
        .filter(|it| it.status.fails() || it.status == Status::Error);
    let warnings = suite.cases.iter().filter(|it| it.status == Status::Unknown);
    let errors = limited(suite, "error", errors.collect());
    errors + &limited(suite, "warning", warnings.collect())
}

fn limited(suite: &Suite, kind: &str, cases: Vec<&Case>) -> String {
    let (shown, more) = match cases.len() > SHOWN {
        true => (&cases[..SHOWN - 1], cases.len() - SHOWN + 1),
        false => (&cases[..], 0),
    };
    let mut text: String = shown
        .iter()
        .map(|case| annotation(suite, kind, case))
        .collect();
    if more > 0 {
        let message = format!("{more} more: see the summary");
        text += &format!("::{kind} title=polygraph::{}\n", data(&message));
    }
    text
}

fn annotation(suite: &Suite, kind: &str, case: &Case) -> String {
    let place = match &suite.file {
        Some(file) => format!("file={},line={},", property(file), case.line),
        None => String::new(),
    };
    let title = format!("{} · {}: {}", case.cell, case.guarantee, case.status.name());
    let replay = case
        .evidence
        .first()
        .map_or(case.alone.as_str(), |it| &it.replay);
    let replay = match replay.is_empty() {
        true => String::new(),
        false => format!("\nreplay: {replay}"),
    };
    let message = format!("{}{replay}", clipped(&case.message, 1000));
    format!(
        "::{kind} {place}title={}::{}\n",
        property(&title),
        data(&message)
    )
}

/// The message of a workflow command.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// A property of a workflow command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// The summary of a step, after `already` bytes of others'.
#[must_use]
pub fn step_summary(suite: &Suite, already: usize) -> String {
    markdown_within(suite, SUMMARY.saturating_sub(already))
}
