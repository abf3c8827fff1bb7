//! The JSON of TimeKiller (Chronos, Aion): an array of transactions with the timestamps by which
//! the store itself ordered them.
//!
//! `{"sid":1,"tid":7,"sts":{"p":10,"l":0},"cts":{"p":12,"l":0},"ops":[{"t":"w","k":1,"v":2}]}` with
//! operations `r` and `w` on registers, whose initial value is 0, or `r` and `a` on lists. Start and
//! commit timestamps become [`Event::snapshot`](crate::Event::snapshot) and
//! [`Event::version`](crate::Event::version): as they are, or, where they have a logical part, by
//! their rank.

use std::io::Read;

use super::sessions::{Header, Sessions, Zero};
use super::source::{Source, Syntax};
use super::tape::{Form, Problem, Token};
use super::text::{canonical, entries, value};
use crate::{History, Micro, ReadError, Value};

/// A physical and a logical time.
type Timestamp = (u64, u64);

struct Transaction {
    session: i64,
    start: Timestamp,
    commit: Timestamp,
    micros: Vec<Micro>,
    place: (usize, usize),
}

/// Reads a history.
///
/// # Errors
/// For what is no array of transactions, and for what reading gives.
pub(super) fn read(input: impl Read) -> Result<History, ReadError> {
    let mut sessions = Sessions::new(Zero::Either);
    let mut all = Vec::new();
    Source::new(input, Syntax::Json).for_each(|form, place| {
        all.push(transaction(&mut sessions, form, place)?);
        Ok(())
    })?;
    let logical = |time: &Timestamp| time.1 > 0;
    let mut ranks: Vec<Timestamp> = Vec::new();
    if all
        .iter()
        .any(|txn| logical(&txn.start) || logical(&txn.commit))
    {
        ranks.extend(all.iter().flat_map(|txn| [txn.start, txn.commit]));
        ranks.sort_unstable();
        ranks.dedup();
    }
    let number = |time: Timestamp| match ranks.is_empty() {
        true => time.0,
        false => ranks.partition_point(|&other| other < time) as u64,
    };
    for txn in all {
        let header = Header {
            session: txn.session,
            committed: true,
            versions: Some((number(txn.start), number(txn.commit))),
        };
        sessions.add(header, txn.micros, txn.place)?;
    }
    sessions.finish()
}

fn transaction(
    sessions: &mut Sessions,
    form: Form<'_>,
    place: (usize, usize),
) -> Result<Transaction, Problem> {
    const EXPECTED: &str = "a transaction like {\"sid\":0,\"sts\":{…},\"cts\":{…},\"ops\":[…]}";
    let problem = |problem| Problem::new(form.offset(), problem, EXPECTED);
    if form.token() != Token::Map {
        return Err(problem("a form that is no transaction"));
    }
    let (mut session, mut start, mut commit, mut operations) = (None, None, None, None);
    for (key, form) in entries(form) {
        match key.name().as_deref() {
            Some("sid") => session = Some(integer(form, "sid")?),
            Some("sts") => start = Some(timestamp(form, "sts")?),
            Some("cts") => commit = Some(timestamp(form, "cts")?),
            Some("ops") => operations = Some(form),
            _ => {}
        }
    }
    let missing = |field| problem("a transaction that lacks a field").of_field(field);
    let operations = operations.ok_or_else(|| missing("ops"))?;
    if !operations.is_sequence() {
        let expected = "an array of operations";
        return Err(Problem::new(operations.offset(), "no array", expected).of_field("ops"));
    }
    let micros: Result<Vec<Micro>, Problem> = operations
        .children()
        .map(|form| operation(sessions, form))
        .collect();
    Ok(Transaction {
        session: session.ok_or_else(|| missing("sid"))?,
        start: start.ok_or_else(|| missing("sts"))?,
        commit: commit.ok_or_else(|| missing("cts"))?,
        micros: micros?,
        place,
    })
}

fn operation(sessions: &mut Sessions, form: Form<'_>) -> Result<Micro, Problem> {
    const EXPECTED: &str = "an operation like {\"t\":\"w\",\"k\":1,\"v\":2}";
    let problem = || Problem::new(form.offset(), "no operation", EXPECTED).of_field("ops");
    if form.token() != Token::Map {
        return Err(problem());
    }
    let (mut kind, mut key, mut content) = (None, None, None);
    for (name, form) in entries(form) {
        match name.name().as_deref() {
            Some("t") => kind = form.name(),
            Some("k") => key = Some(integer(form, "k")?),
            Some("v") => content = Some(form),
            _ => {}
        }
    }
    let (Some(kind), Some(key), Some(content)) = (kind, key, content) else {
        return Err(problem());
    };
    match (&*kind, content.is_sequence()) {
        ("r", false) => Ok(sessions.read(key, integer(content, "v")?)),
        ("w", false) => Ok(sessions.write(key, integer(content, "v")?)),
        ("r", true) => Ok(Micro::Read {
            key: sessions.key(key),
            value: Some(value(content)),
        }),
        ("a", false) => Ok(Micro::Append {
            key: sessions.key(key),
            value: Value::Int(integer(content, "v")?),
        }),
        _ => Err(problem()),
    }
}

/// An integer, perhaps in quotes.
fn integer(form: Form<'_>, field: &'static str) -> Result<i64, Problem> {
    let quoted = || form.string().and_then(|text| text.parse().ok());
    form.int().or_else(quoted).ok_or_else(|| {
        let problem = format!("the {field} is `{}`", canonical(form));
        Problem::new(form.offset(), problem, "an integer of 64 bits").of_field(field)
    })
}

fn timestamp(form: Form<'_>, field: &'static str) -> Result<Timestamp, Problem> {
    let bad = || {
        let expected = "a timestamp like {\"p\":10,\"l\":0}, of natural numbers";
        Problem::new(form.offset(), "no timestamp", expected).of_field(field)
    };
    if form.token() != Token::Map {
        return Err(bad());
    }
    let (mut physical, mut logical) = (None, 0);
    for (name, form) in entries(form) {
        let natural = |form| u64::try_from(integer(form, field)?).map_err(|_| bad());
        match name.name().as_deref() {
            Some("p") => physical = Some(natural(form)?),
            Some("l") => logical = natural(form)?,
            _ => {}
        }
    }
    Ok((physical.ok_or_else(bad)?, logical))
}
