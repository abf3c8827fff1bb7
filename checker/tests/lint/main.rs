//! The lint of histories: each finding where it must be, none where it must not, and all of them
//! against a definition.

mod corpora;
mod named;
mod random;
mod scale;

use polygraph_checker::{Finding, lint};
use polygraph_history::{History, ReadOptions, read};

/// The history of these lines, each `process kind name value` and perhaps an error; times count
/// up.
fn history(lines: &[&str]) -> History {
    let rows: Vec<String> = lines
        .iter()
        .enumerate()
        .map(|(at, line)| row(line, &at.to_string()))
        .collect();
    parse(&rows.join("\n"))
}

/// A line as Jepsen writes it.
fn row(line: &str, time: &str) -> String {
    let mut words = line.splitn(4, ' ');
    let mut word = || words.next().expect("four words");
    let (process, kind, name, value) = (word(), word(), word(), word());
    let (value, error) = match value.split_once(" ! ") {
        Some((value, error)) => (value, format!(", :error :{error}")),
        None => (value, String::new()),
    };
    format!(
        "{{:process {process}, :type :{kind}, :f :{name}, :value {value}, :time {time}{error}}}"
    )
}

fn parse(text: &str) -> History {
    let reading = read(text.as_bytes(), ReadOptions::default());
    reading.expect("a history").history
}

fn names(findings: &[Finding]) -> Vec<&'static str> {
    findings.iter().map(|finding| finding.name).collect()
}

/// What is found, by name.
fn found(lines: &[&str]) -> Vec<&'static str> {
    names(&lint(&history(lines)))
}
