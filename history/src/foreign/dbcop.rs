//! The JSON of dbcop: sessions of transactions of events, alone or as the `data` of an object.
//!
//! A transaction is `{"events":[…],"committed":true}` (`success` in earlier releases). An event is
//! `{"Read":{"variable":0,"version":1}}`, `["r",0,1]`, or `{"write":false,"variable":0,"value":1,
//! "success":true}`; a write likewise. No version, or 0 where nobody writes 0 to the variable, is
//! the initial value.

use std::io::Read;

use super::sessions::{Header, Sessions, Zero};
use super::source::{Source, Syntax};
use super::tape::{Form, Problem, Token};
use super::text::{canonical, entries};
use crate::{History, Micro, ReadError};

/// Whether the beginning of a text in JSON is of this format.
pub(crate) fn is_prefix(text: &str) -> bool {
    let has = |name: &str| text.contains(name);
    let wrapped = text.trim_start().starts_with('{') && has("\"params\"") && has("\"data\"");
    (wrapped || has("\"committed\"") || has("\"success\"")) && has("\"events\"")
}

/// Reads a history.
///
/// # Errors
/// For what is not as above, and for what reading gives.
pub(super) fn read(input: impl Read) -> Result<History, ReadError> {
    let mut sessions = Sessions::new(Zero::Written);
    let mut number = 0;
    Source::new(input, Syntax::Json).for_each(|form, place| {
        if form.token() != Token::Map {
            number += 1;
            return session(&mut sessions, form, number - 1, place);
        }
        let data = field(form, "data").filter(|data| data.is_sequence());
        let data = data.ok_or_else(|| {
            let expected = "an array of sessions";
            Problem::new(form.offset(), "an object without sessions", expected).of_field("data")
        })?;
        for form in data.children() {
            session(&mut sessions, form, number, place)?;
            number += 1;
        }
        Ok(())
    })?;
    sessions.finish()
}

fn field<'a>(map: Form<'a>, name: &str) -> Option<Form<'a>> {
    let mut entries = entries(map);
    entries.find_map(|(key, form)| (key.name()? == name).then_some(form))
}

fn flag(form: Form<'_>) -> Option<bool> {
    (form.token() == Token::Bool).then(|| form.raw() == "true")
}

fn session(
    sessions: &mut Sessions,
    form: Form<'_>,
    number: i64,
    place: (usize, usize),
) -> Result<(), Problem> {
    if !form.is_sequence() {
        let expected = "an array of transactions";
        return Err(Problem::new(form.offset(), "no session", expected));
    }
    for transaction in form.children() {
        let expected = "a transaction like {\"events\":[…],\"committed\":true}";
        let problem = || Problem::new(transaction.offset(), "no transaction", expected);
        if transaction.token() != Token::Map {
            return Err(problem());
        }
        let events = field(transaction, "events").filter(|events| events.is_sequence());
        let events = events.ok_or_else(|| problem().of_field("events"))?;
        let committed = field(transaction, "committed").or(field(transaction, "success"));
        let committed = committed.and_then(flag);
        let committed = committed.ok_or_else(|| problem().of_field("committed"))?;
        let (mut micros, mut aborted) = (Vec::new(), Vec::new());
        for form in events.children() {
            match event(sessions, form)? {
                (micro, true) => micros.push(micro),
                (micro, false) => aborted.push(micro),
            }
        }
        // An event by itself may have failed in a transaction that did not.
        for (micros, committed) in [(micros, committed), (aborted, false)] {
            if micros.is_empty() {
                continue;
            }
            let header = Header {
                session: number,
                committed,
                versions: None,
            };
            let added = sessions.add(header, micros, place);
            added.map_err(|error| Problem::new(form.offset(), error.problem, error.expected))?;
        }
    }
    Ok(())
}

/// An event, and whether it took place.
fn event(sessions: &mut Sessions, form: Form<'_>) -> Result<(Micro, bool), Problem> {
    let problem = || {
        let expected = "an event like {\"Write\":{\"variable\":0,\"version\":1}} or [\"w\",0,1]";
        let problem = format!("no event: `{}`", canonical(form));
        Problem::new(form.offset(), problem, expected).of_field("events")
    };
    let parts = match form.token() {
        Token::Vector | Token::List => {
            let mut parts = form.children();
            let name = parts.next().and_then(Form::name);
            let writes = match name.as_deref() {
                Some("r") => false,
                Some("w") => true,
                _ => return Err(problem()),
            };
            (writes, parts.next(), parts.next(), true)
        }
        Token::Map => match (field(form, "Read"), field(form, "Write")) {
            (Some(fields), None) | (None, Some(fields)) if fields.token() == Token::Map => {
                let writes = field(form, "Write").is_some();
                (
                    writes,
                    field(fields, "variable"),
                    field(fields, "version"),
                    true,
                )
            }
            (None, None) => {
                let writes = field(form, "write").and_then(flag);
                let success = field(form, "success").and_then(flag).unwrap_or(true);
                let writes = writes.ok_or_else(problem)?;
                (
                    writes,
                    field(form, "variable"),
                    field(form, "value"),
                    success,
                )
            }
            _ => return Err(problem()),
        },
        _ => return Err(problem()),
    };
    let (writes, variable, version, success) = parts;
    let variable = variable.and_then(Form::int).ok_or_else(problem)?;
    let nothing = version.is_none_or(Form::is_nil);
    let micro = match (writes, version.and_then(Form::int)) {
        (true, Some(version)) => sessions.write(variable, version),
        (false, Some(version)) => sessions.read(variable, version),
        // This is the initial value even where somebody writes 0.
        (false, None) if nothing => sessions.read_nothing(variable),
        _ => return Err(problem()),
    };
    Ok((micro, success))
}
