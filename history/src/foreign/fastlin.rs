//! The texts of fastlin, PolyLin and fptlin: `# queue`, then an operation a line.
//!
//! Either `enq 2 0 1`: method, value, begin and end; or `0 0 1 ENQ 2`: process, begin and end,
//! method, value. A method with two numbers has two of them. A semaphore's methods have 1 where
//! they succeeded, and 0 where no permit was free; it has none at first. Intervals are closed: what ends when
//! another begins is concurrent with it. Operations without process, or that overlap another of
//! theirs, belong to no session.

use std::io::BufRead;

use super::containers::{Container, Done};
use super::lines::{self, Word, words};
use crate::history::{Builder, History, Order};
use crate::{Body, Event, Key, Kind, Process, ReadError, Time};

/// The key of the only object.
const SINGLE: &str = "x";

/// How a line looks.
const EXPECTED: &str = "a line like `enq 2 0 1` (method, value, begin, end) or `0 0 1 ENQ 2` \
                        (process, begin, end, method, value)";

/// Whether a text begins as these do: `# queue`.
pub(crate) fn is_header(line: &str) -> bool {
    let name = line.strip_prefix('#').map(str::trim);
    name.is_some_and(|name| {
        let is_letter = |byte: u8| byte.is_ascii_alphabetic() || matches!(byte, b'-' | b'_');
        line.starts_with("# ") && !name.is_empty() && name.bytes().all(is_letter)
    })
}

/// What a text that begins as these do is about: `semaphore`.
pub(crate) fn object(text: &str) -> Option<String> {
    let first = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    is_header(first).then(|| first.trim_start_matches('#').trim().to_ascii_lowercase())
}

/// Reads all lines.
///
/// # Errors
/// For a line that is none of these, and for what reading gives.
pub(super) fn read(input: impl BufRead) -> Result<History, ReadError> {
    let key = Key::from(SINGLE);
    let mut container = None;
    let mut rows = Vec::new();
    lines::for_each(input, |line, number| {
        let line = line.trim_start_matches('\u{feff}');
        match container {
            _ if line.trim().is_empty() => {}
            None if is_header(line) => {
                container = Some(Container::named(line.trim_start_matches('#').trim()));
            }
            None => {
                let problem = "the text does not say what it is about";
                return Err(ReadError::at((number, 1), problem, "a line like `# queue`"));
            }
            Some(_) if line.starts_with('#') => {}
            Some(container) => rows.push(row(container, &key, line, number)?),
        }
        Ok(())
    })?;
    if rows.is_empty() {
        let problem = "the history has no event";
        return Err(ReadError::at((1, 1), problem, EXPECTED));
    }
    history(rows)
}

struct Row {
    process: Option<u64>,
    begin: u64,
    end: u64,
    done: Done,
    line: usize,
}

fn row(container: Container, key: &Key, line: &str, number: usize) -> Result<Row, ReadError> {
    let words: Vec<Word<'_>> = words(line, number).collect();
    let with_process = words
        .first()
        .is_some_and(|word| word.text.parse::<u64>().is_ok());
    let (process, method, values, times) = match (&words[..], with_process) {
        ([process, begin, end, method, values @ ..], true) if !values.is_empty() => {
            (Some(*process), *method, values, [*begin, *end])
        }
        ([method, values @ .., begin, end], false) if !values.is_empty() => {
            (None, *method, values, [*begin, *end])
        }
        _ => {
            let problem = format!("a line of {} words", words.len());
            return Err(ReadError::at((number, 1), problem, EXPECTED));
        }
    };
    let time = |word: Word<'_>| {
        let parsed = word.text.parse::<u64>();
        parsed.map_err(|_| word.error("time", "a whole number that is not negative"))
    };
    let (begin, end) = (time(times[0])?, time(times[1])?);
    if end < begin {
        let problem = format!("the operation ends at {end}, before it begins at {begin}");
        return Err(ReadError::at(
            times[1].place,
            problem,
            "an end behind the beginning",
        ));
    }
    let number_of = |word: &Word<'_>| {
        let parsed = word.text.parse::<i64>();
        parsed.map_err(|_| word.error("value", "a whole number"))
    };
    let (value, result) = match values {
        [value] => (number_of(value)?, None),
        [value, result] => (number_of(value)?, Some(number_of(result)?)),
        _ => {
            let problem = format!("{} values", values.len());
            return Err(ReadError::at(values[0].place, problem, "one or two"));
        }
    };
    let name = method.text.to_ascii_lowercase();
    let done = container.done(key, &name, value, result).ok_or_else(|| {
        let problem = format!("`{}` is no method of this object like this", method.text);
        ReadError::at(method.place, problem, container.methods())
    })?;
    Ok(Row {
        process: process.map(time).transpose()?,
        begin,
        end,
        done,
        line: number,
    })
}

/// The history of all operations: by time, at one time all invocations before all completions.
fn history(rows: Vec<Row>) -> Result<History, ReadError> {
    let (processes, overlapping) = processes(&rows);
    let mut moments: Vec<(u64, bool, usize)> = Vec::with_capacity(2 * rows.len());
    for (at, row) in rows.iter().enumerate() {
        moments.extend([(row.begin, false, at), (row.end, true, at)]);
    }
    moments.sort_unstable();
    let lines: Vec<usize> = rows.iter().map(|row| row.line).collect();
    let mut rows: Vec<Option<Done>> = rows.into_iter().map(|row| Some(row.done)).collect();
    let mut builder = Builder::new(false);
    for (time, completes, at) in moments {
        let done = match completes {
            true => rows[at].take(),
            false => rows[at].as_ref().map(|done| Done {
                op: done.op.without_results(),
                kind: Kind::Invoke,
                error: None,
            }),
        };
        let Some(Done { op, kind, error }) = done else {
            continue;
        };
        let process = Process::Client(processes[at]);
        let index = builder.len() as u64;
        let mut event = Event::new(index, Time(time), process, kind, Body::Op(op));
        event.error = error;
        builder
            .add(event)
            .map_err(|invalid| ReadError::at((lines[at], 1), invalid.problem, invalid.expected))?;
    }
    let warning = (overlapping > 0).then(|| {
        format!(
            "operations begun while another of their process was open: {overlapping}; they \
             belong to no session"
        )
    });
    Ok(builder.finish(None, Order::Time).with_warnings(warning))
}

/// The process of each operation, and how many overlap another of theirs.
fn processes(rows: &[Row]) -> (Vec<u64>, usize) {
    let mut by_begin: Vec<usize> = (0..rows.len()).collect();
    by_begin.sort_by_key(|&at| (rows[at].process, rows[at].begin, rows[at].end));
    let named = rows.iter().filter_map(|row| row.process);
    let mut free = named.max().map_or(0, |last| last.saturating_add(1));
    let mut processes = vec![0; rows.len()];
    let mut overlapping = 0;
    let mut last: Option<(u64, u64)> = None;
    for at in by_begin {
        let row = &rows[at];
        let busy = |process| last.is_some_and(|(of, until)| of == process && row.begin <= until);
        processes[at] = match row.process {
            Some(process) if !busy(process) => {
                last = Some((process, row.end));
                process
            }
            other => {
                overlapping += usize::from(other.is_some());
                free += 1;
                free - 1
            }
        };
    }
    (processes, overlapping)
}
