//! Reading lines: canonical ones at once, all others as JSON.

use std::io::BufRead;

use serde::Deserialize;
use serde_json::error::Category;

use super::canonical;
use crate::history::Builder;
use crate::spec::{FORMAT_VERSION, Header, Spec};
use crate::{
    Body, ErrorName, Event, FaultEvent, History, InvalidHistory, Kind, NodeId, Op, Order, Process,
    ReadError, Session, Time, Verification,
};

/// Reads a history in one pass, a line at a time.
///
/// A last line that is torn (no newline at its end, and not complete) is left out: the history is
/// then marked as truncated, and operations that it leaves open count as indeterminate.
///
/// # Errors
/// A [`ReadError`] for anything else that is not as the format says, and for what reading gives.
pub fn read(input: impl BufRead) -> Result<History, ReadError> {
    read_with(input, true)
}

/// Reads a history, with canonical lines on the short way or like all others.
pub(crate) fn read_with(mut input: impl BufRead, short: bool) -> Result<History, ReadError> {
    let mut line = Vec::new();
    let (header, number) = read_header(&mut input, &mut line)?;
    let mut lines = Lines {
        builder: Builder::new(header.spec.is_some()),
        number,
        wrong: None,
        short,
    };
    let mut torn = None;
    loop {
        let buffer = input
            .fill_buf()
            .map_err(|error| ReadError::io((lines.number + 1, 1), &error))?;
        let known = lines.canonical(buffer);
        input.consume(known);
        line.clear();
        let read = input
            .read_until(b'\n', &mut line)
            .map_err(|error| ReadError::io((lines.number + 1, 1), &error))?;
        if read == 0 {
            break;
        }
        // It may have been canonical, but cut by the end of the buffer.
        if lines.canonical(&line) > 0 {
            continue;
        }
        lines.number += 1;
        let number = lines.number;
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        match parse_event(&line, number) {
            Ok(event) => lines.add(event),
            Err(Unread::Cut(_)) if line.last() != Some(&b'\n') => {
                torn = Some(format!("line {number} is torn and was left out"));
                break;
            }
            Err(Unread::Cut(error) | Unread::Wrong(error)) => return Err(error),
        }
    }
    lines.finish(header.spec, torn)
}

/// Reads up to the first line that is not blank, which is the header; with its number.
fn read_header(input: &mut impl BufRead, line: &mut Vec<u8>) -> Result<(Header, usize), ReadError> {
    for number in 1.. {
        line.clear();
        let read = input
            .read_until(b'\n', line)
            .map_err(|error| ReadError::io((number, 1), &error))?;
        if read == 0 {
            break;
        }
        if !line.iter().all(u8::is_ascii_whitespace) {
            return Ok((parse_header(line, number)?, number));
        }
    }
    Err(ReadError::empty())
}

/// The lines so far.
struct Lines {
    builder: Builder,
    /// How many lines there were.
    number: usize,
    /// Why the events so far are no history. A line that is no event is said first, wherever.
    wrong: Option<ReadError>,
    /// Whether canonical lines are read on the short way.
    short: bool,
}

impl Lines {
    /// Reads the canonical lines that `text` begins with; gives the length of all of them.
    fn canonical(&mut self, text: &[u8]) -> usize {
        let mut start = 0;
        while self.short
            && self.wrong.is_none()
            && let Some((end, added)) = canonical::line(text, start, &mut self.builder)
        {
            start = end;
            self.number += 1;
            self.note(added);
        }
        start
    }

    fn add(&mut self, event: Event) {
        if self.wrong.is_none() {
            let added = self.builder.add(event);
            self.note(added);
        }
    }

    fn note(&mut self, added: Result<(), InvalidHistory>) {
        if let Err(invalid) = added {
            let place = (self.number, 1);
            self.wrong = Some(ReadError::at(place, invalid.problem, invalid.expected));
        }
    }

    fn finish(self, spec: Option<Spec>, torn: Option<String>) -> Result<History, ReadError> {
        if let Some(wrong) = self.wrong {
            return Err(wrong);
        }
        if self.builder.len() == 0 {
            let line = self.number + usize::from(torn.is_none());
            return Err(ReadError::at(
                (line, 1),
                "the history has no event",
                "an event after the header",
            ));
        }
        let history = self.builder.finish(spec, Order::Index);
        Ok(match torn {
            Some(warning) => history.truncated_with(warning),
            None => history,
        })
    }
}

/// The fields of a line. Unknown fields are ignored: later versions may add some.
#[derive(Deserialize)]
struct Line {
    index: u64,
    time: Time,
    process: Process,
    #[serde(rename = "type")]
    kind: Kind,
    op: Option<Op>,
    fault: Option<FaultEvent>,
    node: Option<NodeId>,
    session: Option<Session>,
    version: Option<u64>,
    snapshot: Option<u64>,
    intended: Option<Time>,
    error: Option<ErrorName>,
    detail: Option<String>,
    verified: Option<Verification>,
}

pub(super) fn parse_header(line: &[u8], number: usize) -> Result<Header, ReadError> {
    let header: Header = serde_json::from_slice(line).map_err(|error| {
        json_error(
            &error,
            number,
            "a header like {\"polygraph\":1,\"spec\":{…}}",
        )
    })?;
    if header.polygraph != FORMAT_VERSION {
        return Err(ReadError {
            line: number,
            column: 1,
            field: Some("polygraph".to_owned()),
            problem: format!("the history has format version {}", header.polygraph),
            expected: format!("version {FORMAT_VERSION}"),
        });
    }
    Ok(header)
}

/// Why a line is no event.
pub(super) enum Unread {
    /// It is not JSON, as a line is that was cut.
    Cut(ReadError),
    /// It is JSON, but no event: however it ends, more would not mend it.
    Wrong(ReadError),
}

pub(super) fn parse_event(line: &[u8], number: usize) -> Result<Event, Unread> {
    let line: Line = serde_json::from_slice(line).map_err(|error| {
        let read_error = json_error(
            &error,
            number,
            "an event like {\"index\":0,\"time\":0,\"process\":0,\"type\":\"invoke\",\"op\":{…}}",
        );
        match error.classify() {
            Category::Data => Unread::Wrong(read_error),
            Category::Io | Category::Syntax | Category::Eof => Unread::Cut(read_error),
        }
    })?;
    let body = match (line.op, line.fault) {
        (Some(op), None) => Body::Op(op),
        (None, Some(fault)) => Body::Fault(fault),
        (found, _) => {
            return Err(Unread::Wrong(ReadError {
                line: number,
                column: 1,
                field: Some("op".to_owned()),
                problem: match found {
                    None => "the event has neither `op` nor `fault`".to_owned(),
                    Some(_) => "the event has both `op` and `fault`".to_owned(),
                },
                expected: "one of them".to_owned(),
            }));
        }
    };
    Ok(Event {
        index: line.index,
        time: line.time,
        process: line.process,
        kind: line.kind,
        body,
        node: line.node,
        session: line.session,
        version: line.version,
        snapshot: line.snapshot,
        intended: line.intended,
        error: line.error,
        detail: line.detail,
        verified: line.verified,
    })
}

/// Says where in its line a JSON error is; serde names the field in backquotes where it knows it.
fn json_error(error: &serde_json::Error, line: usize, expected: &str) -> ReadError {
    let text = error.to_string();
    let problem = text
        .rsplit_once(" at line ")
        .map_or(text.as_str(), |(problem, _)| problem);
    let field = problem
        .contains("field `")
        .then(|| problem.split('`').nth(1).map(str::to_owned))
        .flatten();
    ReadError {
        line,
        column: error.column().max(1),
        field,
        problem: problem.to_owned(),
        expected: expected.to_owned(),
    }
}
