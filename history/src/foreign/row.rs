//! One row of a Jepsen history: the fields of an operation's map.

use std::borrow::Cow;

use super::steps::is_truthy;
use super::tape::{Form, Problem, Token};
use super::text::{canonical, entries};
use crate::{ErrorName, Kind, NodeId};

/// Whose row it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// The row does not say.
    Nobody,
    /// A process by number.
    Number(u64),
    /// A process by another name.
    Named(String),
    /// The nemesis.
    Nemesis,
}

/// A row; forms are taken apart later, by what its operation wants.
pub(crate) struct Row<'a> {
    pub(crate) offset: usize,
    pub(crate) who: Who,
    pub(crate) kind: Kind,
    /// The name of the operation; `None` where it is absent or nil.
    pub(crate) f: Option<Cow<'a, str>>,
    pub(crate) value: Option<Form<'a>>,
    /// Porcupine's field of the key.
    pub(crate) key: Option<Form<'a>>,
    pub(crate) time: Option<u64>,
    pub(crate) index: Option<i64>,
    pub(crate) error: Option<Form<'a>>,
    pub(crate) node: Option<NodeId>,
    /// Whether a consumer asks for all messages anew.
    pub(crate) from_beginning: bool,
}

impl<'a> Row<'a> {
    /// Takes a map apart. Fields of other names are passed over.
    ///
    /// # Errors
    /// If it is no map, or its type, process, time or index is not what it must be.
    pub(crate) fn of(form: Form<'a>) -> Result<Row<'a>, Problem> {
        let map = form.tagged().unwrap_or(form);
        if map.token() != Token::Map {
            return Err(Problem::new(
                form.offset(),
                "a form that is not the map of an operation",
                "a map like {:process 0, :type :invoke, :f :read, :value nil}",
            ));
        }
        let mut kind = None;
        let mut row = Row {
            offset: map.offset(),
            who: Who::Nobody,
            kind: Kind::Invoke,
            f: None,
            value: None,
            key: None,
            time: None,
            index: None,
            error: None,
            node: None,
            from_beginning: false,
        };
        for (key, form) in entries(map) {
            let Some(name) = key.name() else { continue };
            match &*name {
                "type" => kind = Some(parse_kind(form)?),
                "f" => row.f = parse_f(form)?,
                "value" => row.value = Some(form),
                "key" => row.key = Some(form),
                "process" => row.who = parse_who(form)?,
                "time" => row.time = parse_time(form)?,
                "index" => row.index = parse_index(form)?,
                "error" if !form.is_nil() => row.error = Some(form),
                "node" => row.node = form.name().and_then(|name| name.parse().ok()),
                "seek-to-beginning?" => row.from_beginning = is_truthy(form),
                _ => {}
            }
        }
        row.kind = kind.ok_or_else(|| {
            Problem::new(map.offset(), "an operation without a type", KINDS).of_field("type")
        })?;
        Ok(row)
    }
}

const KINDS: &str = "a type: invoke, ok, fail or info";

/// The kind of this name, as Jepsen writes it.
pub(crate) fn kind_of(name: &str) -> Option<Kind> {
    match name {
        "invoke" => Some(Kind::Invoke),
        "ok" => Some(Kind::Ok),
        "fail" => Some(Kind::Fail),
        "info" => Some(Kind::Info),
        _ => None,
    }
}

fn parse_kind(form: Form<'_>) -> Result<Kind, Problem> {
    let kind = form.name().and_then(|name| kind_of(&name));
    kind.ok_or_else(|| {
        let problem = format!("the type is `{}`", canonical(form));
        Problem::new(form.offset(), problem, KINDS).of_field("type")
    })
}

fn parse_f(form: Form<'_>) -> Result<Option<Cow<'_, str>>, Problem> {
    match form.name() {
        Some(name) => Ok(Some(name)),
        None if form.is_nil() => Ok(None),
        None => {
            let problem = format!("the operation's name is `{}`", canonical(form));
            Err(Problem::new(form.offset(), problem, "a name such as :read").of_field("f"))
        }
    }
}

fn parse_who(form: Form<'_>) -> Result<Who, Problem> {
    match form.token() {
        Token::Nil => Ok(Who::Nobody),
        Token::Int => Ok(match form.int().map(u64::try_from) {
            Some(Ok(number)) => Who::Number(number),
            _ => Who::Named(form.raw().to_owned()),
        }),
        _ => match form.name() {
            Some(name) => Ok(who_of(&name)),
            None => {
                let problem = format!("the process is `{}`", canonical(form));
                Err(Problem::new(form.offset(), problem, "a number or :nemesis")
                    .of_field("process"))
            }
        },
    }
}

/// The process of this name.
pub(crate) fn who_of(name: &str) -> Who {
    match (name, name.parse()) {
        ("nemesis", _) => Who::Nemesis,
        (_, Ok(number)) => Who::Number(number),
        _ => Who::Named(name.to_owned()),
    }
}

/// A time in nanoseconds; Jepsen writes -1 where it knows none.
fn parse_time(form: Form<'_>) -> Result<Option<u64>, Problem> {
    match form.int() {
        Some(time) => Ok(u64::try_from(time).ok()),
        None if form.is_nil() => Ok(None),
        None => {
            let problem = format!("the time is `{}`", canonical(form));
            let expected = "an integer, nanoseconds";
            Err(Problem::new(form.offset(), problem, expected).of_field("time"))
        }
    }
}

fn parse_index(form: Form<'_>) -> Result<Option<i64>, Problem> {
    match form.int() {
        Some(index) => Ok((index >= 0).then_some(index)),
        None if form.is_nil() => Ok(None),
        None => {
            let problem = format!("the index is `{}`", canonical(form));
            Err(Problem::new(form.offset(), problem, "an integer").of_field("index"))
        }
    }
}

/// Jepsen's error as its short name and the rest: `:timed-out`, `[:no-client "refused"]`, or a
/// text for a person.
pub(crate) fn error_of(form: Form<'_>) -> (Option<ErrorName>, Option<String>) {
    if form.is_sequence() {
        let mut parts = form.children();
        let name = parts.next().and_then(|first| short_name(first));
        return match name {
            Some(name) => {
                let rest: Vec<String> = parts.map(sentence).collect();
                let detail = (!rest.is_empty()).then(|| rest.join(" "));
                (Some(name), detail)
            }
            None => (None, Some(canonical(form))),
        };
    }
    match short_name(form) {
        Some(name) => (Some(name), None),
        None => (None, Some(sentence(form))),
    }
}

fn sentence(form: Form<'_>) -> String {
    form.string()
        .map_or_else(|| canonical(form), Cow::into_owned)
}

/// A keyword, or a string of one word.
fn short_name(form: Form<'_>) -> Option<ErrorName> {
    let name = form.name()?;
    match &*name {
        "timed-out" | "timeout" | "timedout" => Some(ErrorName::TIMEOUT),
        "" => None,
        word if form.token() == Token::Keyword => Some(ErrorName::new(word)),
        word => {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
            word.bytes().all(plain).then(|| ErrorName::new(word))
        }
    }
}
