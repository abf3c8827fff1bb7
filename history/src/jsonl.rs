//! Our own format: JSON Lines, a header and then one event a line (version 1).

use std::io::{self, BufRead, Write};

use serde::{Deserialize, Serialize};
use serde_json::error::Category;

pub use crate::ReadError;
use crate::spec::{FORMAT_VERSION, Header, Spec};
use crate::{
    Body, ErrorName, Event, FaultEvent, History, Kind, NodeId, Op, Order, Process, Session, Time,
    Verification,
};

/// Writes events as they happen, each line as soon as it is complete.
#[derive(Debug)]
pub struct Writer<W> {
    out: W,
}

impl<W: Write> Writer<W> {
    /// Begins a history with its header.
    ///
    /// # Errors
    /// What writing gives.
    pub fn new(mut out: W, spec: Option<&Spec>) -> io::Result<Writer<W>> {
        let header = Header {
            polygraph: FORMAT_VERSION,
            spec: spec.cloned(),
        };
        serde_json::to_writer(&mut out, &header)?;
        out.write_all(b"\n")?;
        Ok(Writer { out })
    }

    /// Adds an event.
    ///
    /// # Errors
    /// What writing gives.
    pub fn write(&mut self, event: &Event) -> io::Result<()> {
        let line = LineRef {
            index: event.index,
            time: event.time,
            process: event.process,
            kind: event.kind,
            op: event.op(),
            fault: event.fault(),
            node: event.node,
            session: event.session.as_ref(),
            version: event.version,
            intended: event.intended,
            error: event.error.as_ref(),
            detail: event.detail.as_deref(),
            verified: event.verified.as_ref(),
        };
        serde_json::to_writer(&mut self.out, &line)?;
        self.out.write_all(b"\n")
    }

    /// Hands everything written so far to the operating system.
    ///
    /// # Errors
    /// What flushing gives.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// Ends the history and gives back what it was written to.
    ///
    /// # Errors
    /// What flushing gives.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.flush()?;
        Ok(self.out)
    }
}

/// Reads a history in one pass, a line at a time.
///
/// A last line that is torn (no newline at its end, and not complete) is left out: the history is
/// then marked as truncated, and operations that it leaves open count as indeterminate.
///
/// # Errors
/// A [`ReadError`] for anything else that is not as the format says, and for what reading gives.
pub fn read(mut input: impl BufRead) -> Result<History, ReadError> {
    let mut line = Vec::new();
    let mut number = 0;
    let mut header: Option<Header> = None;
    let mut events = Vec::new();
    let mut lines = Vec::new();
    let mut torn = None;
    loop {
        line.clear();
        number += 1;
        let read = input
            .read_until(b'\n', &mut line)
            .map_err(|error| ReadError::io((number, 1), &error))?;
        if read == 0 {
            break;
        }
        let complete = line.last() == Some(&b'\n');
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        if header.is_none() {
            header = Some(parse_header(&line, number)?);
            continue;
        }
        match parse_event(&line, number) {
            Ok(event) => {
                events.push(event);
                lines.push(u32::try_from(number).unwrap_or(u32::MAX));
            }
            Err(Unread::Cut(_)) if !complete => {
                torn = Some(format!("line {number} is torn and was left out"));
                break;
            }
            Err(Unread::Cut(error) | Unread::Wrong(error)) => return Err(error),
        }
    }
    let header = header.ok_or_else(ReadError::empty)?;
    if events.is_empty() {
        return Err(ReadError::at(
            (number, 1),
            "the history has no event",
            "an event after the header",
        ));
    }
    let history = History::new(header.spec, Order::Index, events).map_err(|invalid| {
        let line = lines
            .get(invalid.index)
            .map_or(number, |&line| line as usize);
        ReadError::at((line, 1), invalid.problem, invalid.expected)
    })?;
    Ok(match torn {
        Some(warning) => history.truncated_with(warning),
        None => history,
    })
}

/// The fields of a line, in the order in which they are written.
#[derive(Serialize)]
struct LineRef<'a> {
    index: u64,
    time: Time,
    process: Process,
    #[serde(rename = "type")]
    kind: Kind,
    #[serde(skip_serializing_if = "Option::is_none")]
    op: Option<&'a Op>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<&'a FaultEvent>,
    #[serde(skip_serializing_if = "Option::is_none")]
    node: Option<NodeId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<&'a Session>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    intended: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a ErrorName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verified: Option<&'a Verification>,
}

/// The same, read. Unknown fields are ignored: later versions may add some.
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
    intended: Option<Time>,
    error: Option<ErrorName>,
    detail: Option<String>,
    verified: Option<Verification>,
}

fn parse_header(line: &[u8], number: usize) -> Result<Header, ReadError> {
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
enum Unread {
    /// It is not JSON, as a line is that was cut.
    Cut(ReadError),
    /// It is JSON, but no event: however it ends, more would not mend it.
    Wrong(ReadError),
}

fn parse_event(line: &[u8], number: usize) -> Result<Event, Unread> {
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
