//! What checks counted and timed: as data for programs, as small tables for people.

use std::time::Duration;

use polygraph_checker::Measured;
use polygraph_checker::measured::{Figure, Share};
use polygraph_history::format_duration;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use tabled::builder::Builder;
use tabled::settings::object::Columns;
use tabled::settings::{Modify, Style, Width};

use crate::cycle::wrap;

/// A small table of numbers that belongs to an answer.
#[derive(Clone, Debug, Serialize)]
pub struct MeasuredReport {
    /// Its name.
    pub name: &'static str,
    /// What its rows count, and how.
    pub about: &'static str,
    /// Its rows: each a map from column to figure.
    pub rows: Vec<Row>,
}

/// One row: columns with their figures. Spans and moments are nanoseconds, what is not there is
/// null, shares come with the interval in which they lie with 95 % confidence.
#[derive(Clone, Debug)]
pub struct Row(Vec<(&'static str, Figure)>);

impl From<&Measured> for MeasuredReport {
    fn from(measured: &Measured) -> MeasuredReport {
        let row = |row: &Vec<Figure>| {
            Row(measured
                .columns
                .iter()
                .copied()
                .zip(row.iter().cloned())
                .collect())
        };
        MeasuredReport {
            name: measured.name,
            about: measured.about,
            rows: measured.rows.iter().map(row).collect(),
        }
    }
}

impl Serialize for Row {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (column, figure) in &self.0 {
            match figure {
                Figure::Nothing => map.serialize_entry(column, &())?,
                Figure::Text(text) => map.serialize_entry(column, text)?,
                Figure::Count(count) => map.serialize_entry(column, count)?,
                Figure::Span(span) => map.serialize_entry(column, &nanos(*span))?,
                Figure::At(time) => map.serialize_entry(column, &time.as_nanos())?,
                Figure::Share(share) => map.serialize_entry(column, &ShareReport::from(*share))?,
            }
        }
        map.end()
    }
}

#[derive(Serialize)]
struct ShareReport {
    part: u64,
    whole: u64,
    share: Option<f64>,
    low: Option<f64>,
    high: Option<f64>,
}

impl From<Share> for ShareReport {
    fn from(share: Share) -> ShareReport {
        // Six digits say more than any run knows.
        let round = |value: f64| (value * 1e6).round() / 1e6;
        let interval = share.interval();
        ShareReport {
            part: share.part,
            whole: share.whole,
            share: share.value().map(round),
            low: interval.map(|(low, _)| round(low)),
            high: interval.map(|(_, high)| round(high)),
        }
    }
}

fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

impl MeasuredReport {
    /// As a person reads it. Ends with a newline.
    #[must_use]
    pub fn draw(&self, width: usize) -> String {
        let Some(Row(first)) = self.rows.first() else {
            return String::new();
        };
        let mut builder = Builder::default();
        builder.push_record(first.iter().map(|(column, _)| heading(column)));
        for Row(row) in self.rows.iter().take(SHOWN) {
            builder.push_record(row.iter().map(|(_, figure)| cell(figure)));
        }
        let mut table = builder.build();
        table.with(Style::rounded());
        let used = table.total_width();
        let last = first.len() - 1;
        let longest = |column: usize| {
            let cells = self
                .rows
                .iter()
                .map(|Row(row)| cell(&row[column].1).chars().count());
            cells.max().unwrap_or(0)
        };
        if used > width {
            let rest = longest(last).saturating_sub(used - width).max(20);
            table.with(Modify::new(Columns::last()).with(Width::wrap(rest).keep_words(true)));
        }
        let more = match self.rows.len().saturating_sub(SHOWN) {
            0 => String::new(),
            more => format!("… {more} more rows (`--json` has all)\n"),
        };
        let mut text = String::new();
        for line in wrap(&format!("{}: {}", self.name, self.about), width) {
            text += &line;
            text.push('\n');
        }
        text + &format!("{table}\n{more}")
    }
}

/// So many rows are shown to a person.
const SHOWN: usize = 6;

/// A column's name without its unit.
fn heading(column: &str) -> String {
    let name = column
        .strip_suffix("_at_ns")
        .or_else(|| column.strip_suffix("_ns"));
    name.unwrap_or(column).replace('_', " ")
}

fn cell(figure: &Figure) -> String {
    match figure {
        Figure::Nothing => "—".to_owned(),
        Figure::Text(text) => text.clone(),
        Figure::Count(count) => count.to_string(),
        Figure::Span(span) => rounded(*span),
        Figure::At(time) => time.to_string(),
        Figure::Share(share) => match (share.value(), share.interval()) {
            (Some(value), Some((low, high))) => format!(
                "{} ({}–{}) of {}",
                percent(value),
                percent(low),
                percent(high),
                share.whole
            ),
            _ => "—".to_owned(),
        },
    }
}

/// A duration to three digits or so, for a table.
fn rounded(span: Duration) -> String {
    let nanos = nanos(span);
    let unit = match nanos {
        0..10_000 => 1,
        10_000..10_000_000 => 1_000,
        10_000_000..10_000_000_000 => 1_000_000,
        _ => 100_000_000,
    };
    let rounded = (nanos + unit / 2) / unit * unit;
    format_duration(Duration::from_nanos(rounded))
}

/// A share in percent, to one digit, or two below 1 %.
fn percent(share: f64) -> String {
    let percent = share * 100.0;
    match percent {
        _ if share == 0.0 || share == 1.0 => format!("{percent:.0}%"),
        ..1.0 => format!("{percent:.2}%"),
        _ => format!("{percent:.1}%"),
    }
}

#[cfg(test)]
mod tests {
    use polygraph_history::Time;

    use super::*;

    fn table() -> MeasuredReport {
        MeasuredReport::from(&Measured {
            name: "reads",
            about: "reads by how old they are",
            columns: &["by", "stale", "longest_ns", "begun_at_ns", "note"],
            rows: vec![
                vec![
                    "n1".into(),
                    Figure::Share(Share { part: 1, whole: 29 }),
                    Figure::Span(Duration::from_nanos(12_345_678)),
                    Figure::At(Time::from_millis(1500)),
                    Figure::Text(
                        "a sentence that is far too long for so narrow a table".to_owned(),
                    ),
                ],
                vec![
                    "n2".into(),
                    Figure::Count(0),
                    Figure::Nothing,
                    Figure::Nothing,
                    "".into(),
                ],
            ],
        })
    }

    #[test]
    fn programs_get_numbers_with_their_columns() {
        let json = serde_json::to_value(table()).expect("it is JSON");
        let row = &json["rows"][0];
        assert_eq!(row["longest_ns"], 12_345_678);
        assert_eq!(row["begun_at_ns"], 1_500_000_000_u64);
        assert_eq!(row["stale"]["part"], 1);
        assert_eq!(row["stale"]["low"], 0.006_113);
        assert!(json["rows"][1]["longest_ns"].is_null());
    }

    #[test]
    fn people_get_a_table_that_fits() {
        let text = table().draw(90);
        assert!(
            text.contains("12ms") && text.contains("3.4% (0.61%–17.2%) of 29"),
            "{text}"
        );
        assert!(text.contains("longest") && !text.contains("_ns"), "{text}");
        let table = text.lines().skip(1);
        assert!(
            table.into_iter().all(|line| line.chars().count() <= 90),
            "{text}"
        );
    }
}
