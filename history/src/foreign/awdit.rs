//! The text that AWDIT's tests are written in: an operation a line, `r key value` or `w key value`,
//! transactions apart by lines of `-`, sessions by lines of `=`.

use std::io::BufRead;

use super::lines::{self, words};
use super::sessions::{Header, Sessions, Zero};
use crate::{History, Micro, ReadError};

/// Whether a text begins with a line of this format.
pub(crate) fn is_line(line: &str) -> bool {
    let mut words = line.split_whitespace();
    let (name, key, value) = (words.next(), words.next(), words.next());
    let integer = |word: Option<&str>| word.is_some_and(|word| word.parse::<i64>().is_ok());
    matches!(name, Some("r" | "w")) && integer(key) && integer(value) && words.next().is_none()
}

/// Whether a line is nothing but this character.
fn is_rule(line: &str, character: char) -> bool {
    !line.is_empty() && line.chars().all(|other| other == character)
}

/// Reads a history.
///
/// # Errors
/// For a line of another form, and for what reading gives.
pub(super) fn read(input: impl BufRead) -> Result<History, ReadError> {
    let mut sessions = Sessions::new(Zero::Written);
    let mut micros: Vec<Micro> = Vec::new();
    let mut session = 0;
    let mut place = (1, 1);
    let add = |sessions: &mut Sessions, micros: &mut Vec<Micro>, session, place| {
        if micros.is_empty() {
            return Ok(());
        }
        let header = Header {
            session,
            committed: true,
            versions: None,
        };
        sessions.add(header, std::mem::take(micros), place)
    };
    lines::for_each(input, |line, number| {
        place = (number, 1);
        let line = line.trim();
        if is_rule(line, '-') || is_rule(line, '=') {
            add(&mut sessions, &mut micros, session, place)?;
            session += i64::from(line.starts_with('='));
        } else if !line.is_empty() {
            micros.push(operation(&mut sessions, line, number)?);
        }
        Ok(())
    })?;
    add(&mut sessions, &mut micros, session, place)?;
    sessions.finish()
}

fn operation(sessions: &mut Sessions, line: &str, number: usize) -> Result<Micro, ReadError> {
    const EXPECTED: &str = "a line like `r key value`, or one of `-` or `=` only";
    let mut words = words(line, number);
    let name = words.next().filter(|word| matches!(word.text, "r" | "w"));
    let name =
        name.ok_or_else(|| ReadError::at((number, 1), "a line of another form", EXPECTED))?;
    let mut integer = |field: &str| {
        let missing = || ReadError {
            field: Some(field.to_owned()),
            ..ReadError::at((number, line.len() + 1), format!("no {field}"), EXPECTED)
        };
        let word = words.next().ok_or_else(missing)?;
        word.text.parse::<i64>().map_err(|_| ReadError {
            field: Some(field.to_owned()),
            ..word.error(field, "an integer of 64 bits")
        })
    };
    let (key, value) = (integer("key")?, integer("value")?);
    if let Some(word) = words.next() {
        let problem = "something behind the operation";
        return Err(ReadError::at(word.place, problem, EXPECTED));
    }
    Ok(match name.text {
        "w" => sessions.write(key, value),
        _ => sessions.read(key, value),
    })
}
