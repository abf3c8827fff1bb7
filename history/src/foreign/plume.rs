//! The text of Plume, which PolySI and IsoVista write too: a line for each operation,
//! `r(key,value,session,transaction)` or `w(…)`, all integers.
//!
//! The lines of a transaction stand together nearly always; those with its session and number
//! that come later are still its own. -1 is the number of aborted transactions; each run of lines
//! of one session with it counts as one. A first transaction that writes nothing but 0 states the
//! initial values and is left out.

use std::io::Read;

use rustc_hash::FxHashMap;

use super::sessions::{Header, Sessions, Zero};
use crate::scan::Cursor;
use crate::{History, Micro, ReadError, Value};

/// How much is read at a time.
const CHUNK: usize = 1 << 18;

/// The number of every transaction that was aborted.
const ABORTED: i64 = -1;

/// Whether a text begins with a line of this format.
pub(crate) fn is_line(line: &str) -> bool {
    line.starts_with("r(") || line.starts_with("w(")
}

/// Reads a history.
///
/// # Errors
/// For a line of another form, and for what reading gives.
pub(super) fn read(mut input: impl Read) -> Result<History, ReadError> {
    let mut lines = Lines {
        sessions: Sessions::new(Zero::Either),
        number: 1,
        open: None,
        micros: Vec::new(),
        numbers: Vec::new(),
        latest: FxHashMap::default(),
        known: None,
    };
    let mut buffer = Vec::with_capacity(2 * CHUNK);
    loop {
        let before = buffer.len();
        (&mut input)
            .take(CHUNK as u64)
            .read_to_end(&mut buffer)
            .map_err(|error| ReadError::io((lines.number, 1), &error))?;
        let complete = buffer.len() - before < CHUNK;
        let end = match (complete, buffer.iter().rposition(|&byte| byte == b'\n')) {
            (true, _) => buffer.len(),
            (false, Some(last)) => last + 1,
            (false, None) => continue,
        };
        lines.read(&buffer[..end])?;
        if complete {
            break;
        }
        buffer.drain(..end);
    }
    lines.close()?;
    lines.sessions.finish()
}

struct Lines {
    sessions: Sessions,
    /// Of the next line.
    number: usize,
    /// Session and number of the transaction whose lines are being read.
    open: Option<(i64, i64)>,
    micros: Vec<Micro>,
    /// Of each transaction that was read its session and number.
    numbers: Vec<(i64, i64)>,
    /// Of each session the greatest number so far.
    latest: FxHashMap<i64, i64>,
    /// Transactions by session and number, once some did not count up.
    known: Option<FxHashMap<(i64, i64), usize>>,
}

/// An operation as it stands in a line.
#[derive(Clone, Copy)]
struct Line {
    writes: bool,
    key: i64,
    value: i64,
    session: i64,
    transaction: i64,
}

impl Lines {
    /// Reads whole lines.
    fn read(&mut self, text: &[u8]) -> Result<(), ReadError> {
        let mut at = 0;
        while at < text.len() {
            let mut cursor = Cursor::new(text, at);
            match usual(&mut cursor) {
                Some(line) => {
                    self.add(line)?;
                    at = cursor.at();
                }
                None => {
                    let rest = &text[at..];
                    let length = rest.iter().position(|&byte| byte == b'\n');
                    let line = &rest[..length.unwrap_or(rest.len())];
                    if let Some(line) = any(line, self.number)? {
                        self.add(line)?;
                    }
                    at += line.len() + 1;
                }
            }
            self.number += 1;
        }
        Ok(())
    }

    #[inline]
    fn add(&mut self, line: Line) -> Result<(), ReadError> {
        let transaction = (line.session, line.transaction);
        if self.open != Some(transaction) {
            self.close()?;
            self.open = Some(transaction);
        }
        let micro = match line.writes {
            true => self.sessions.write(line.key, line.value),
            false => self.sessions.read(line.key, line.value),
        };
        self.micros.push(micro);
        Ok(())
    }

    /// Adds the transaction whose lines were read.
    fn close(&mut self) -> Result<(), ReadError> {
        let Some((session, number)) = self.open.take() else {
            return Ok(());
        };
        let zero = |micro: &Micro| {
            matches!(
                micro,
                Micro::Write {
                    value: Value::Int(0),
                    ..
                }
            )
        };
        let committed = number != ABORTED;
        if self.sessions.len() == 0 && self.micros.iter().all(zero) && committed {
            self.sessions.forget_zeros(&self.micros);
            let count = self.micros.len();
            self.micros.clear();
            self.sessions.warnings.push(format!(
                "writes of the first transaction, all of 0: {count}; they state the initial values"
            ));
            return Ok(());
        }
        if committed && let Some(earlier) = self.earlier(session, number) {
            self.sessions.extend(earlier, self.micros.drain(..));
            return Ok(());
        }
        let header = Header {
            session,
            committed,
            versions: None,
        };
        // Of just the capacity that it needs.
        let micros = self.micros.drain(..).collect();
        let place = (self.number, 1);
        self.numbers.push((session, number));
        self.sessions.add(header, micros, place)
    }

    /// The transaction of which lines were read before.
    fn earlier(&mut self, session: i64, number: i64) -> Option<usize> {
        let latest = self.latest.entry(session).or_insert(i64::MIN);
        let counts_up = number > *latest;
        *latest = number.max(*latest);
        let next = self.numbers.len();
        if counts_up {
            if let Some(known) = &mut self.known {
                known.insert((session, number), next);
            }
            return None;
        }
        let numbers = &self.numbers;
        let known = self.known.get_or_insert_with(|| {
            let numbered = numbers.iter().enumerate();
            numbered
                .map(|(at, &transaction)| (transaction, at))
                .collect()
        });
        match known.get(&(session, number)) {
            Some(&earlier) => Some(earlier),
            None => {
                known.insert((session, number), next);
                None
            }
        }
    }
}

/// A line without any space, with its newline.
#[inline]
fn usual(cursor: &mut Cursor<'_>) -> Option<Line> {
    let writes = match cursor.next()? {
        b'w' => true,
        b'r' => false,
        _ => return None,
    };
    cursor.eat(b"(")?;
    let key = cursor.integer()?;
    cursor.eat(b",")?;
    let value = cursor.integer()?;
    cursor.eat(b",")?;
    let session = cursor.integer()?;
    cursor.eat(b",")?;
    let transaction = cursor.integer()?;
    cursor.eat(b")\n")?;
    Some(Line {
        writes,
        key,
        value,
        session,
        transaction,
    })
}

/// A line with spaces, or none at all.
fn any(line: &[u8], number: usize) -> Result<Option<Line>, ReadError> {
    const EXPECTED: &str = "a line like r(key,value,session,transaction)";
    let text = std::str::from_utf8(line).map_err(|error| {
        let place = (number, error.valid_up_to() + 1);
        ReadError::at(place, "a byte that is not text", "UTF-8")
    })?;
    if text.trim().is_empty() {
        return Ok(None);
    }
    let error = |rest: &str, problem: String, expected: &str| {
        let column = text.len() - rest.len() + 1;
        ReadError::at((number, column), problem, expected)
    };
    let start = text.trim_start();
    let form = |rest| error(rest, "a line of another form".to_owned(), EXPECTED);
    let (writes, rest) = match start.split_at_checked(1) {
        Some(("r", rest)) => (false, rest),
        Some(("w", rest)) => (true, rest),
        _ => return Err(form(start)),
    };
    let mut rest = rest
        .trim_start()
        .strip_prefix('(')
        .ok_or_else(|| form(start))?;
    let mut integer = |field: &str, close: char| {
        let end = rest.find([',', ')']).unwrap_or(rest.len());
        let word = rest[..end].trim();
        let parsed = word.parse().map_err(|_| ReadError {
            field: Some(field.to_owned()),
            ..error(
                rest,
                format!("the {field} is `{word}`"),
                "an integer of 64 bits",
            )
        })?;
        match rest[end..].strip_prefix(close) {
            Some(behind) => rest = behind,
            None => return Err(error(&rest[end..], format!("no `{close}` here"), EXPECTED)),
        }
        Ok::<i64, ReadError>(parsed)
    };
    let line = Line {
        writes,
        key: integer("key", ',')?,
        value: integer("value", ',')?,
        session: integer("session", ',')?,
        transaction: integer("transaction", ')')?,
    };
    match rest.trim().is_empty() {
        true => Ok(Some(line)),
        false => Err(error(
            rest,
            "something behind the operation".to_owned(),
            EXPECTED,
        )),
    }
}
