//! Markdown, as a pull request, a wiki or a step summary shows it.

use std::fmt::Write;

use super::clipped;
use crate::{Case, Status, Suite};

/// What stands for a status.
const fn mark(status: Status) -> &'static str {
    match status {
        Status::Violated | Status::NotSeen => "❌",
        Status::Error => "💥",
        Status::Unknown => "❔",
        Status::Holds | Status::NotExhibited => "✅",
        Status::Expected | Status::Known | Status::ViolatedAsDocumented | Status::Noted => "⚠️",
        Status::Undecided | Status::NotExercised | Status::NotRun => "➖",
    }
}

/// A suite as Markdown of GitHub's kind: what failed first with evidence, then every case.
#[must_use]
pub fn markdown(suite: &Suite) -> String {
    let mut text = head(suite);
    for case in &suite.cases {
        if case.status.fails() || case.status == Status::Error {
            text += &failure(case);
        }
    }
    text += "\n| test | guarantee | | |\n|---|---|---|---|\n";
    for case in &suite.cases {
        text += &row(case);
    }
    text += &notes(suite);
    text
}

/// The same in at most so many bytes: passing cases go first, then evidence. The end says what is
/// missing.
#[must_use]
pub fn markdown_within(suite: &Suite, bytes: usize) -> String {
    let whole = markdown(suite);
    if whole.len() <= bytes {
        return whole;
    }
    let mut text = head(suite);
    let closing = |left: usize| match left {
        0 => String::new(),
        left => format!("\n{left} more cases did not fit here.\n"),
    };
    let reserve = closing(usize::MAX).len();
    let mut worst: Vec<&Case> = suite.cases.iter().collect();
    worst.sort_by_key(|case| std::cmp::Reverse(case.status));
    let mut shown = 0;
    for case in &worst {
        let part = match case.status.fails() || case.status == Status::Error {
            true => failure(case),
            false => format!(
                "- {} `{}` {}: {}\n",
                mark(case.status),
                case.cell,
                case.guarantee,
                case.status.name()
            ),
        };
        if text.len() + part.len() + reserve > bytes {
            break;
        }
        text += &part;
        shown += 1;
    }
    text + &closing(worst.len() - shown)
}

fn head(suite: &Suite) -> String {
    let failed = suite.count(Status::fails);
    let mark = match suite.exit {
        0 => "✅",
        1 => "❌",
        3 => "❔",
        _ => "💥",
    };
    format!(
        "## {mark} {}: {}\n\n{} runs · {} operations · {} cases: {failed} failed, {} with \
         known or documented violations, {} undecided\n",
        escaped(&suite.name),
        suite.verdict,
        suite.runs,
        suite.operations.ok + suite.operations.fail + suite.operations.info,
        suite.cases.len(),
        suite.count(|status| status.is_violation() && !status.fails()),
        suite.count(Status::skips),
    )
}

fn failure(case: &Case) -> String {
    let mut text = format!(
        "\n### {} {} · {}\n\n{}\n",
        mark(case.status),
        escaped(&case.cell),
        case.guarantee,
        escaped(&clipped(&case.message, 1000)),
    );
    if !case.evidence.is_empty() {
        text.push('\n');
    }
    for evidence in &case.evidence {
        let seed = evidence
            .seed
            .map_or(String::new(), |it| format!("seed {it}, "));
        let confirmed = match evidence.anomaly.confirmed {
            true => "confirmed",
            false => "not confirmed",
        };
        let _ = writeln!(
            text,
            "- **{}** ({seed}{confirmed}): {}",
            evidence.anomaly.kind,
            escaped(&clipped(&evidence.anomaly.explanation, 600))
        );
    }
    let again = case.evidence.first().map(|it| it.replay.as_str());
    let again = again.unwrap_or(&case.alone);
    if !again.is_empty() {
        let _ = write!(text, "\n```sh\n{again}\n```\n");
    }
    text
}

fn row(case: &Case) -> String {
    format!(
        "| {} | {} | {} {} | {} |\n",
        cell(&case.cell),
        cell(&case.guarantee),
        mark(case.status),
        case.status.name(),
        cell(&clipped(&case.message, 200)),
    )
}

fn notes(suite: &Suite) -> String {
    let lines: Vec<_> = suite
        .notes
        .iter()
        .map(|note| format!("- {}\n", escaped(&clipped(note, 400))))
        .collect();
    match lines.is_empty() {
        true => String::new(),
        false => format!("\n{}", lines.concat()),
    }
}

/// A text in which nothing is markup.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if "\\`*_{}[]<>#|~".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// The same in a table.
fn cell(text: &str) -> String {
    escaped(text).replace('\n', " ")
}
