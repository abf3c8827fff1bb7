//! The micro-operations of Elle's closed predicates and of Jepsen's Kafka workload.
//!
//! - `[:insert k v]`, `[:delete k]`, and `[:rp predicate {k v …}]` with the predicates `:true`,
//!   `[:= v]` and `[:mod by rest]` (elle.closed-predicate). The operation `:init` of `{k v …}`
//!   establishes what exists; what its completion says is what counts.
//! - `[:send k v]`, completed as `[:send k [offset v]]`, and `[:poll]`, completed as
//!   `[:poll {k [[offset v] …] …}]` (jepsen.tests.kafka). Offsets may be nil.

use serde_json::json;

use super::row::Row;
use super::tape::{Form, Token};
use super::text::{Keys, entries, value};
use crate::{Item, Kind, Message, Micro, Op, Predicate, PredicateRead};

/// `[:rp predicate found]`.
pub(super) fn predicate_read(
    keys: &mut Keys,
    form: Form<'_>,
    found: Option<Form<'_>>,
    kind: Kind,
) -> Option<Micro> {
    let predicate = predicate(form)?;
    let found = match found.filter(|form| kind == Kind::Ok && !form.is_nil()) {
        Some(found) => Some(items(keys, found)?),
        None => None,
    };
    Some(Micro::PredicateRead(Box::new(PredicateRead {
        predicate,
        found,
    })))
}

fn predicate(form: Form<'_>) -> Option<Predicate> {
    if !form.is_sequence() {
        let any = form.token() == Token::Bool && form.raw() == "true"
            || form.name().is_some_and(|name| name == "true");
        return any.then_some(Predicate::Any);
    }
    let mut parts = form.children();
    let (name, first, second) = (parts.next()?.name()?, parts.next()?, parts.next());
    match (&*name, second, parts.next()) {
        ("=", None, None) => Some(Predicate::Equal(value(first))),
        ("mod", Some(rest), None) => Some(Predicate::Modulo {
            by: first.int()?,
            rest: rest.int()?,
        }),
        _ => None,
    }
}

/// The keys and values of a map.
fn items(keys: &mut Keys, form: Form<'_>) -> Option<Box<[Item]>> {
    if form.token() != Token::Map {
        return None;
    }
    let items = entries(form).map(|(key, content)| Item {
        key: keys.of_entry(key),
        value: value(content),
    });
    Some(items.collect())
}

/// What an operation `:init` establishes.
pub(super) fn init(keys: &mut Keys, name: &str, row: &Row<'_>) -> Option<Micro> {
    let map = row.value.filter(|form| form.token() == Token::Map)?;
    if name != "init" {
        return None;
    }
    let objects = items(keys, map).filter(|_| row.kind == Kind::Ok);
    Some(Micro::Init { objects })
}

/// `[:send k v]` or `[:send k [offset v]]`.
pub(super) fn send(keys: &mut Keys, key: Form<'_>, content: Form<'_>, kind: Kind) -> Micro {
    let key = keys.of(key);
    let placed = content.pair().filter(|_| kind != Kind::Invoke);
    let message = match placed.and_then(|(offset, content)| Some((place(offset)?, content))) {
        Some((offset, content)) => Message {
            key,
            value: value(content),
            offset,
        },
        None => Message {
            key,
            value: value(content),
            offset: None,
        },
    };
    Micro::Send(Box::new(message))
}

/// The offset that a form is, which may be unknown.
fn place(form: Form<'_>) -> Option<Option<u64>> {
    match form.int() {
        Some(offset) => u64::try_from(offset).ok().map(Some),
        None => form.is_nil().then_some(None),
    }
}

/// `[:poll]` or `[:poll {k [[offset v] …] …}]`.
pub(super) fn poll(keys: &mut Keys, form: Option<Form<'_>>, kind: Kind) -> Option<Micro> {
    let Some(map) = form.filter(|form| !form.is_nil()) else {
        return Some(Micro::Poll { messages: None });
    };
    if map.token() != Token::Map {
        return None;
    }
    let mut messages = Vec::new();
    for (key, log) in entries(map) {
        if !log.is_sequence() {
            return None;
        }
        let key = keys.of_entry(key);
        for message in log.children() {
            let (offset, content) = message.pair()?;
            messages.push(Message {
                key: key.clone(),
                value: value(content),
                offset: place(offset)?,
            });
        }
    }
    let messages = (kind == Kind::Ok).then(|| messages.into());
    Some(Micro::Poll { messages })
}

/// What a consumer of Kafka asks to be given messages of.
pub(super) fn assignment(keys: &mut Keys, name: &str, row: &Row<'_>) -> Option<Op> {
    if !matches!(name, "assign" | "subscribe") {
        return None;
    }
    let list = row.value.filter(|form| form.is_sequence())?;
    let names: Vec<String> = list
        .children()
        .map(|key| keys.of(key).to_string())
        .collect();
    let mut args = json!({ "keys": names });
    if row.from_beginning {
        args["seek-to-beginning"] = true.into();
    }
    Some(Op::Custom {
        name: name.to_owned(),
        args,
    })
}

/// Whether a form is true in Clojure.
pub(super) fn is_truthy(form: Form<'_>) -> bool {
    !(form.is_nil() || form.token() == Token::Bool && form.raw() == "false")
}
