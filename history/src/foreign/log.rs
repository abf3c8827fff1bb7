//! Jepsen's console log and its `history.txt`: lines of process, type, name and value.
//!
//! `INFO  jepsen.util - 0 :invoke :read nil` in a log, where every other line is
//! passed over, also those without `jepsen.util` that repeat parts of the history in the end; or
//! `0 :invoke :read nil` alone, if the first operation stands so.

use std::io::BufRead;

use super::assemble::Assembly;
use super::edn;
use super::ops::Ops;
use super::row::{Row, Who, kind_of, who_of};
use super::tape::{Form, Node, Problem, Scan};
use crate::{Kind, ReadError};

/// An operation's line, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Line<'a> {
    who: &'a str,
    kind: Kind,
    f: &'a str,
    /// The value, and where it begins in the line.
    value: &'a str,
    offset: usize,
    /// Whether the line names `jepsen.util`.
    pub(crate) logged: bool,
}

/// Takes a line apart; `None` if it is not an operation's.
pub(crate) fn parse(line: &str) -> Option<Line<'_>> {
    const LOGGER: &str = "jepsen.util";
    let (start, logged) = match line.find(LOGGER) {
        Some(at) => {
            let rest = line[at + LOGGER.len()..].trim_start();
            let rest = rest.strip_prefix(['-', ':'])?;
            (line.len() - rest.len(), true)
        }
        None => (0, false),
    };
    let mut at = start;
    let mut word = || {
        let rest = &line[at..];
        let begin = rest.find(|c: char| !c.is_whitespace())?;
        let end = rest[begin..].find(char::is_whitespace);
        let end = end.map_or(rest.len(), |length| begin + length);
        at += end;
        Some(&rest[begin..end])
    };
    let (who, kind, f) = (word()?, word()?, word()?);
    let kind = kind_of(kind.strip_prefix(':')?)?;
    let process = who == ":nemesis" || who.bytes().all(|byte| byte.is_ascii_digit());
    let f = f.strip_prefix(':').filter(|_| process)?;
    let value = line[at..].trim_start();
    Some(Line {
        who: who.trim_start_matches(':'),
        kind,
        f,
        value: value.trim_end(),
        offset: line.len() - value.len(),
        logged,
    })
}

/// Reads all lines.
pub(crate) fn read(mut input: impl BufRead, assembly: &mut Assembly) -> Result<(), ReadError> {
    let mut bytes = Vec::new();
    let (mut nodes, mut more) = (Vec::new(), Vec::new());
    let mut logged = None;
    for number in 1.. {
        bytes.clear();
        let read = input.read_until(b'\n', &mut bytes);
        if read.map_err(|error| ReadError::io((number, 1), &error))? == 0 {
            break;
        }
        let torn = bytes.last() != Some(&b'\n');
        let text = match std::str::from_utf8(&bytes) {
            Ok(text) => text,
            Err(_) if torn => {
                assembly.truncated = true;
                break;
            }
            Err(error) => {
                let place = (number, error.valid_up_to() + 1);
                return Err(ReadError::at(place, "a byte that is not text", "UTF-8"));
            }
        };
        let Some(line) = parse(text) else { continue };
        if *logged.get_or_insert(line.logged) != line.logged {
            continue;
        }
        // Without a newline nobody can tell `12` from a torn `123`.
        if torn && !line.value.ends_with([']', ')', '}', '"']) {
            assembly.truncated = true;
            break;
        }
        let error = |problem: Problem| {
            let column = line.offset + problem.offset + 1;
            problem.of_field("value").at((number, column))
        };
        let (form, error_form) = match forms(line.value, &mut nodes, &mut more) {
            Ok(forms) => forms,
            Err(_) if torn => {
                assembly.truncated = true;
                break;
            }
            Err(problem) => return Err(error(problem)),
        };
        let row = Row {
            offset: 0,
            who: match line.who {
                "nemesis" => Who::Nemesis,
                number => who_of(number),
            },
            kind: line.kind,
            f: (line.f != "nil").then_some(line.f.into()),
            value: form,
            key: None,
            time: None,
            index: None,
            error: error_form,
            node: None,
            from_beginning: false,
        };
        assembly
            .add(&row, (number, 1), Ops::jepsen)
            .map_err(error)?;
    }
    Ok(())
}

/// The value of a line, and the error that may follow it.
fn forms<'a>(
    text: &'a str,
    nodes: &'a mut Vec<Node>,
    more: &'a mut Vec<Node>,
) -> Result<(Option<Form<'a>>, Option<Form<'a>>), Problem> {
    let bytes = text.as_bytes();
    let Scan::Form(end) = edn::scan(bytes, 0, true, nodes)? else {
        return Ok((None, None));
    };
    let value = Some(Form::new(text, 0, nodes));
    Ok(match edn::scan(bytes, end, true, more)? {
        Scan::Form(_) => (value, Some(Form::new(text, 0, more))),
        _ => (value, None),
    })
}
