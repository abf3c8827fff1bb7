//! What nodes wrote to their logs around a piece of evidence.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use maud::{Markup, html};

/// How much before and after the evidence is shown, nanoseconds.
const REACH: u64 = 2_000_000_000;
/// So many lines of a node are shown.
const MOST_LINES: usize = 40;
/// So many nodes.
const MOST_NODES: usize = 15;
/// So many bytes of a log are looked at, and of a line.
const MOST_BYTES: u64 = 64 << 20;
const MOST_OF_LINE: usize = 400;

/// A node's log: lines with the times that they begin with, nanoseconds.
pub(super) struct Log {
    node: String,
    lines: Vec<(u64, String)>,
}

/// The logs in a folder; only lines that begin with a time. Files that cannot be read are left out.
pub(super) fn read(folder: &Path) -> Vec<Log> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut logs: Vec<Log> = entries
        .filter_map(Result::ok)
        // Not what a link may lead to.
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()))
        .filter_map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            let node = name.strip_suffix(".log")?.to_owned();
            let lines = lines(&entry.path()).ok()?;
            Some(Log { node, lines })
        })
        .collect();
    logs.sort_by_key(|log| (log.node.len(), log.node.clone()));
    logs.truncate(MOST_NODES);
    logs
}

fn lines(path: &Path) -> io::Result<Vec<(u64, String)>> {
    let mut reader = BufReader::new(File::open(path)?.take(MOST_BYTES));
    let mut lines = Vec::new();
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line)? > 0 {
        let text = String::from_utf8_lossy(&line);
        if let Some(time) = time(&text) {
            let text = text.trim_end().chars().take(MOST_OF_LINE);
            lines.push((time, text.collect()));
        }
        line.clear();
    }
    Ok(lines)
}

/// The time that a line such as `4.151 s  dies` begins with, nanoseconds.
fn time(line: &str) -> Option<u64> {
    let (number, rest) = line.split_once(' ')?;
    let (whole, part) = number.split_once('.')?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    if !rest.starts_with("s ") || !digits(whole) || !digits(part) || part.len() > 9 {
        return None;
    }
    let part: u64 = format!("{part:0<9}").parse().ok()?;
    whole
        .parse::<u64>()
        .ok()?
        .checked_mul(1_000_000_000)?
        .checked_add(part)
}

/// What nodes wrote between these times and a little around them.
pub(super) fn around(logs: &[Log], from: u64, to: u64) -> Option<Markup> {
    let near = |log: &Log| {
        let lines = log.lines.iter();
        let lines = lines.filter(|(time, _)| {
            from.saturating_sub(REACH) <= *time && *time <= to.saturating_add(REACH)
        });
        lines.map(|(_, text)| text.clone()).collect::<Vec<String>>()
    };
    let all: Vec<(&str, Vec<String>)> = logs
        .iter()
        .map(|log| (log.node.as_str(), near(log)))
        .collect();
    if all.iter().all(|(_, lines)| lines.is_empty()) {
        return None;
    }
    Some(html! {
        details {
            summary { "What the nodes logged around it" }
            @for (node, lines) in all.iter().filter(|(_, lines)| !lines.is_empty()) {
                p.node { (node) }
                pre { @for line in lines.iter().take(MOST_LINES) { (line) "\n" } }
                @if lines.len() > MOST_LINES { p.note { (lines.len() - MOST_LINES) " more lines are in logs/" (node) ".log." } }
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::time;

    #[test]
    fn lines_begin_with_a_time() {
        assert_eq!(time("4.151 s  dies"), Some(4_151_000_000));
        assert_eq!(time("0.000 s  starts"), Some(0));
        for text in [
            "dies",
            "4 s dies",
            "4.x s dies",
            ".5 s dies",
            "99999999999999.0 s dies",
            "1.5 seconds",
        ] {
            assert_eq!(time(text), None, "{text}");
        }
    }
}
