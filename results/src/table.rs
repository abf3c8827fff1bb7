//! The verdict as a table for a person.

use tabled::Table;
use tabled::builder::Builder;
use tabled::settings::Style;
use tabled::settings::object::Columns;
use tabled::settings::{Modify, Width};

use crate::{GuaranteeReport, Observed, Report, diagram};

/// The table of a test: what was claimed, what was seen, and by what evidence.
#[must_use]
pub fn test_table(report: &Report, width: usize) -> String {
    let mut builder = Builder::default();
    builder.push_record(["guarantee", "claimed", "observed", "evidence"]);
    for guarantee in &report.guarantees {
        let claimed = match guarantee.claimed {
            Some(true) => "holds",
            Some(false) => "broken",
            None if guarantee.asked => "asked",
            None => "—",
        };
        builder.push_record([
            guarantee.name.clone(),
            claimed.to_owned(),
            observed(guarantee),
            evidence(guarantee),
        ]);
    }
    render(builder, longest(&report.guarantees), width)
}

/// The width of the longest name.
fn longest<'a>(guarantees: impl IntoIterator<Item = &'a GuaranteeReport>) -> usize {
    let names = guarantees.into_iter().map(|it| it.name.len());
    names.max().unwrap_or(0)
}

/// The table of a check. Of several guarantees those that the history is not about are named below
/// it, and evidence that rules out several is told once.
#[must_use]
pub fn check_table(report: &Report, width: usize) -> String {
    let several = report.guarantees.len() > 1;
    let (strange, shown): (Vec<_>, Vec<_>) = report
        .guarantees
        .iter()
        .partition(|it| several && !it.asked && it.reason == Some("not-applicable"));
    let mut builder = Builder::default();
    builder.push_record(["guarantee", "observed", "evidence"]);
    for (at, guarantee) in shown.iter().enumerate() {
        let same = |other: &&&GuaranteeReport| {
            let explanation = |it: &GuaranteeReport| {
                let first = it.anomalies.first()?;
                Some((first.kind, first.explanation.clone()))
            };
            let told = explanation(guarantee);
            told.is_some() && told == explanation(other)
        };
        let evidence = match shown[..at].iter().find(same) {
            Some(other) => format!("{}, as for {}", guarantee.anomalies[0].kind, other.name),
            None => evidence(guarantee),
        };
        builder.push_record([guarantee.name.clone(), observed(guarantee), evidence]);
    }
    let mut text = render(builder, longest(shown), width);
    if !strange.is_empty() {
        let names: Vec<&str> = strange.iter().map(|it| it.name.as_str()).collect();
        text += &format!("\nnot what the history is about: {}", names.join(", "));
    }
    text
}

/// What the evidence in the table looks like: a diagram for each guarantee that was violated.
/// Evidence of several guarantees that is the same is drawn once.
#[must_use]
pub fn pictures(report: &Report, style: diagram::Style) -> String {
    let mut drawn: Vec<String> = Vec::new();
    let mut text = String::new();
    let violated = report
        .guarantees
        .iter()
        .filter(|guarantee| guarantee.verdict == Observed::Violated);
    for guarantee in violated {
        let Some(anomaly) = guarantee.anomalies.first() else {
            continue;
        };
        let lines = match (&anomaly.cycle, &anomaly.picture) {
            (Some(cycle), _) => cycle.draw(style),
            (None, Some(picture)) => picture.draw(style),
            (None, None) => continue,
        };
        if lines.is_empty() || drawn.contains(&lines) || drawn.len() >= MOST_PICTURES {
            continue;
        }
        text += &format!("\n{} ({})\n{lines}", anomaly.kind, guarantee.name);
        drawn.push(lines);
    }
    text
}

/// What was counted and timed besides the answers, as small tables.
#[must_use]
pub fn measurements(report: &Report, width: usize) -> String {
    let tables = report.guarantees.iter().flat_map(|it| &it.measured);
    tables.map(|table| table.draw(width)).collect()
}

/// So many diagrams a report has at most.
const MOST_PICTURES: usize = 3;

fn render(builder: Builder, names: usize, width: usize) -> String {
    let columns = builder.count_columns();
    let mut table: Table = builder.build();
    table.with(Style::modern_rounded());
    // The last column takes what the others leave.
    let used: usize = match columns {
        4 => names.max(24) + 9 + 24 + 13,
        _ => names.max(10) + 8 + 10,
    };
    let rest = width.saturating_sub(used).max(30);
    table.with(Modify::new(Columns::last()).with(Width::wrap(rest).keep_words(true)));
    table.to_string()
}

fn observed(guarantee: &GuaranteeReport) -> String {
    match guarantee.verdict {
        Observed::NotExercised => "not exercised".to_owned(),
        _ => guarantee.outcome.name().replace('-', " "),
    }
}

fn opportunities(guarantee: &GuaranteeReport) -> String {
    match guarantee.opportunities {
        1 => "1 opportunity".to_owned(),
        count => format!("{count} opportunities"),
    }
}

fn evidence(guarantee: &GuaranteeReport) -> String {
    let operations = match guarantee.operations_checked {
        1 => "1 operation".to_owned(),
        count => format!("{count} operations"),
    };
    let checked = match guarantee.indeterminate {
        0 => operations,
        unknown => format!("{operations}, {unknown} of them indeterminate"),
    };
    match guarantee.verdict {
        Observed::NotExercised => String::new(),
        Observed::Holds => {
            format!("{checked}, {}", opportunities(guarantee))
        }
        Observed::Unknown => {
            let reason = guarantee.reason.unwrap_or("unknown");
            match &guarantee.established {
                Some(established) => format!("{reason}: {established}"),
                None => format!("{reason}: {checked}, {}", opportunities(guarantee)),
            }
        }
        Observed::Violated => {
            let Some(first) = guarantee.anomalies.first() else {
                return String::new();
            };
            let confirmed = if first.confirmed {
                "confirmed"
            } else {
                "NOT CONFIRMED"
            };
            let count = match guarantee.anomaly_count {
                0 | 1 => String::new(),
                count => format!(", the first of {count}"),
            };
            let events: Vec<_> = first.operations.iter().map(ToString::to_string).collect();
            format!(
                "{}: {} ({confirmed}{count}; events {})",
                first.kind,
                first.explanation,
                events.join(", ")
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AnomalyReport, Outcome};

    fn report(guarantees: Vec<GuaranteeReport>) -> Report {
        Report {
            guarantees,
            ..Report::of_check()
        }
    }

    #[test]
    fn a_violation_shows_its_kind_its_sentence_and_its_events() {
        let mut violated = GuaranteeReport::not_exercised("linearizable", false);
        violated.verdict = Observed::Violated;
        violated.outcome = Outcome::ViolatedAsDocumented;
        violated.anomaly_count = 3;
        violated.anomalies.push(AnomalyReport {
            kind: "stale-read",
            explanation: "client 1 read x=1 after client 2 had written 2".to_owned(),
            operations: vec![4, 9],
            key: Some("x".to_owned()),
            confirmed: true,
            cycle: None,
            picture: None,
        });
        let unlooked = GuaranteeReport::not_exercised("durable", true);
        let table = test_table(&report(vec![violated, unlooked]), 100);
        // Wrapped to the width, whatever the words.
        assert!(
            table.lines().all(|line| line.chars().count() <= 102),
            "{table}"
        );
        let words: Vec<_> = table
            .split(['│', '\n', ' '])
            .filter(|word| !word.is_empty())
            .collect();
        let text = words.join(" ");
        for expected in [
            "stale-read:",
            "client 1 read x=1",
            "the first of 3",
            "violated as documented",
            "not exercised",
        ] {
            let words: Vec<_> = expected.split(' ').collect();
            assert!(
                words.iter().all(|word| text.contains(word)),
                "{expected}: {text}"
            );
        }
    }
}
