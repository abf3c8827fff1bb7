//! What a row does: its name and value as an [`Op`].
//!
//! - `read`, `write`, `cas`, `add`, `remove` are our operations of these names, on the one key
//!   `x`, or with tuples `[k v]` (Jepsen's independent keys) on key `k`; so are `acquire` and
//!   `release` without value.
//! - A list of micro-operations (`[:r k v] [:w k v] [:append k v]`, those of Elle's closed
//!   predicates, and Kafka's: see `steps`) is a transaction, whatever the name of the operation.
//! - So is `init` of a map of keys and values: the beginning of Elle's closed predicates.
//! - `assign` and `subscribe` of a list of keys (Jepsen's Kafka) are an [`Op::Custom`] with the
//!   names of the `keys`, and with `seek-to-beginning` where the row says so.
//! - Porcupine's `get` and `put` are reads and writes; the empty string is its initial value.
//! - Everything else is an [`Op::Custom`] that carries the value as JSON.
//!
//! An invocation's read has no value. The value of a completion that is not `ok` is not trusted
//! (Jepsen lets clients put an error there): the operation is then what was invoked.

use super::row::Row;
use super::rows::Rows;
use super::steps;
use super::tape::{Form, Problem, Token};
use super::text::{Keys, is_tuple, to_json, value, value_to_json};
use crate::{Body, Key, Kind, Micro, Op, Value};
use serde_json::json;

/// The key of histories about a single object.
const SINGLE: &str = "x";

/// Whether tuples are keys and values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keying {
    On,
    Off,
    /// On as long as every value is a tuple.
    Undecided,
}

/// An operation, and whether its row has no value that could be trusted.
pub(crate) struct Read {
    pub(crate) op: Op,
    pub(crate) bare: bool,
}

/// Makes operations of rows.
pub(crate) struct Ops {
    keys: Keys,
    single: Key,
    keying: Keying,
    /// Whether an operation was read as a tuple.
    tuples: bool,
}

impl Ops {
    pub(crate) fn new(keying: Keying) -> Ops {
        Ops {
            keys: Keys::default(),
            single: Key::from(SINGLE),
            keying,
            tuples: false,
        }
    }

    /// Whether operations were read as tuples.
    pub(crate) fn keyed(&self) -> bool {
        self.keying != Keying::Off && self.tuples
    }

    /// The only key, if it is known that tuples are values.
    pub(super) fn single(&self) -> Option<&Key> {
        (self.keying == Keying::Off).then_some(&self.single)
    }

    /// The keys so far.
    pub(super) const fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Notes that an operation was read as a tuple.
    pub(super) const fn note_tuple(&mut self) {
        self.tuples = true;
    }

    /// The operation of a Jepsen row. `earlier` are the rows so far, which are read anew when
    /// the row shows that tuples are not keys and values after all.
    pub(super) fn jepsen(&mut self, row: &Row<'_>, earlier: &mut Rows) -> Result<Read, Problem> {
        let name = row.f.as_deref().unwrap_or("txn");
        let transaction = row
            .value
            .and_then(|form| self.transaction(name, form, row.kind));
        if let Some(micros) = transaction {
            let op = Op::Txn(micros);
            return Ok(Read { op, bare: false });
        }
        if let Some(op) = steps::assignment(&mut self.keys, name, row) {
            return Ok(Read { op, bare: false });
        }
        if let Some(init) = steps::init(&mut self.keys, name, row) {
            let op = Op::Txn(vec![init]);
            return Ok(Read { op, bare: false });
        }
        if self.keying != Keying::Off && name != "txn" {
            if let Some((key, value)) = row.value.and_then(|form| tuple(name, form, row.kind)) {
                self.tuples = true;
                let key = self.keys.of(key);
                return Ok(build(name, key, Some(value), row.kind, true));
            }
            let bare = is_bare(row);
            if bare && (self.keying == Keying::On || row.kind != Kind::Ok || name != "read") {
                return Ok(Read {
                    op: custom(name, row.value),
                    bare,
                });
            }
            if self.keying == Keying::On {
                let offset = row.value.map_or(row.offset, Form::offset);
                let expected = "a tuple [key value], or `--keyed off`";
                return Err(
                    Problem::new(offset, "a value without a key", expected).of_field("value")
                );
            }
            self.keying = Keying::Off;
            self.join_tuples(earlier);
        }
        if name == "txn" {
            return Ok(Read {
                op: custom(name, row.value),
                bare: is_bare(row),
            });
        }
        let mut read = build(name, self.single.clone(), row.value, row.kind, false);
        read.bare = is_bare(row);
        Ok(read)
    }

    /// The operation of a row of Porcupine's key-value logs.
    pub(crate) fn porcupine_kv(&mut self, row: &Row<'_>) -> Result<Read, Problem> {
        let Some(key_form) = row.key else {
            let expected =
                "a map like {:process 0, :type :invoke, :f :get, :key \"0\", :value nil}";
            return Err(
                Problem::new(row.offset, "an operation without a key", expected).of_field("key"),
            );
        };
        let key = self.keys.of(key_form);
        let content = row.value.map(|form| match form.token() {
            Token::Plain if form.raw().is_empty() => Value::Null,
            _ => value(form),
        });
        let op = match row.f.as_deref() {
            Some("get") => Op::Read {
                key,
                value: content.filter(|_| row.kind == Kind::Ok),
            },
            Some("put") => Op::Write {
                key,
                value: content.unwrap_or(Value::Null),
            },
            Some("append") => Op::Append {
                key,
                value: content.unwrap_or(Value::Null),
                offset: None,
            },
            name => Op::Custom {
                name: name.unwrap_or("nil").to_owned(),
                args: json!({
                    "key": to_json(key_form),
                    "value": row.value.map(to_json),
                }),
            },
        };
        Ok(Read {
            op,
            bare: is_bare(row),
        })
    }

    /// The micro-operations of a value, if it is a list of nothing else.
    fn transaction(&mut self, name: &str, form: Form<'_>, kind: Kind) -> Option<Vec<Micro>> {
        if !form.is_sequence() {
            return None;
        }
        if form.children().next().is_none() && name != "txn" {
            return None;
        }
        form.children()
            .map(|micro| self.micro(micro, kind))
            .collect()
    }

    fn micro(&mut self, form: Form<'_>, kind: Kind) -> Option<Micro> {
        if !form.is_sequence() {
            return None;
        }
        let mut parts = form.children();
        let name = parts.next()?.name()?;
        let (key, content) = (parts.next(), parts.next());
        if parts.next().is_some() {
            return None;
        }
        if name == "poll" && content.is_none() {
            return steps::poll(&mut self.keys, key, kind);
        }
        let key = key?;
        match (&*name, content) {
            // Elle's tests write `[:r :x]` for a read of nothing, everybody else `[:r :x nil]`.
            ("r" | "read", content) => Some(Micro::Read {
                key: self.keys.of(key),
                value: (kind == Kind::Ok).then(|| content.map_or(Value::Null, value)),
            }),
            ("w" | "write", Some(content)) => Some(Micro::Write {
                key: self.keys.of(key),
                value: value(content),
            }),
            ("append", Some(content)) => Some(Micro::Append {
                key: self.keys.of(key),
                value: value(content),
            }),
            ("insert", Some(content)) => Some(Micro::Insert {
                key: self.keys.of(key),
                value: value(content),
            }),
            ("delete", content) if content.is_none_or(Form::is_nil) => Some(Micro::Delete {
                key: self.keys.of(key),
            }),
            ("rp", content) => steps::predicate_read(&mut self.keys, key, content, kind),
            ("send", Some(content)) => Some(steps::send(&mut self.keys, key, content, kind)),
            _ => None,
        }
    }

    /// Reads operations again that were taken for tuples: key and value are one value.
    fn join_tuples(&mut self, earlier: &mut Rows) {
        if !std::mem::take(&mut self.tuples) {
            return;
        }
        for event in earlier.events_mut() {
            let completed = event.kind == Kind::Ok;
            if let Body::Op(op) = &mut event.body {
                self.join(op, completed);
            }
        }
    }

    fn join(&self, op: &mut Op, completed: bool) {
        let pair = |key: &Key, value: &Value| Value::list([self.keys.value(key), value.clone()]);
        match op {
            Op::Read { key, value } => {
                let both = pair(key, value.as_ref().unwrap_or(&Value::Null));
                *value = completed.then_some(both);
                *key = self.single.clone();
            }
            Op::Write { key, value } | Op::Add { key, value } | Op::Remove { key, value } => {
                *value = pair(key, value);
                *key = self.single.clone();
            }
            Op::Cas { key, from, to } => {
                *to = Value::list([from.clone(), to.clone()]);
                *from = self.keys.value(key);
                *key = self.single.clone();
            }
            Op::Custom { args, .. } => {
                if let (Some(key), Some(value)) = (args.get("key"), args.get("value")) {
                    let key = key.as_str().map(|key| self.keys.value(&Key::from(key)));
                    let key = key.as_ref().map(value_to_json);
                    *args = json!([key, value]);
                }
            }
            Op::Acquire { key, .. } | Op::Release { key } => {
                let args = json!([value_to_json(&self.keys.value(key)), null]);
                let name = op.kind().name().to_owned();
                *op = Op::Custom { name, args };
            }
            // No other operation is made of a tuple.
            _ => {}
        }
    }
}

/// Key and value, if the value of an operation of this name can be both. A compare-and-set's are
/// `[k [from to]]`: `[from to]` alone is no tuple.
fn tuple<'a>(name: &str, form: Form<'a>, kind: Kind) -> Option<(Form<'a>, Form<'a>)> {
    let (key, value) = match is_tuple(form) {
        true => form.tagged()?.pair()?,
        false => form.pair()?,
    };
    let lost = value.is_nil() && kind != Kind::Invoke;
    (name != "cas" || value.pair().is_some() || lost).then_some((key, value))
}

/// Whether a completion has no value that could be trusted.
fn is_bare(row: &Row<'_>) -> bool {
    let nothing = row.value.is_none_or(Form::is_nil);
    match row.kind {
        Kind::Invoke => false,
        Kind::Ok => nothing,
        Kind::Fail | Kind::Info => {
            let word = |form: Form<'_>| matches!(form.token(), Token::Keyword | Token::Plain);
            nothing || row.value.is_some_and(word)
        }
    }
}

fn build(name: &str, key: Key, form: Option<Form<'_>>, kind: Kind, keyed: bool) -> Read {
    let present = form.filter(|form| !form.is_nil());
    let pair = present.and_then(Form::pair);
    let op = match (name, present) {
        ("read", _) => Op::Read {
            key,
            value: form.filter(|_| kind == Kind::Ok).map(value),
        },
        ("write", _) => Op::Write {
            key,
            value: form.map_or(Value::Null, value),
        },
        ("cas", Some(_)) if pair.is_some() => {
            let (from, to) = pair.map_or((Value::Null, Value::Null), |(from, to)| {
                (value(from), value(to))
            });
            Op::Cas { key, from, to }
        }
        ("add", _) if form.is_some() => Op::Add {
            key,
            value: form.map_or(Value::Null, value),
        },
        ("remove", _) if form.is_some() => Op::Remove {
            key,
            value: form.map_or(Value::Null, value),
        },
        ("acquire", None) => Op::Acquire {
            key,
            shared: false,
            token: None,
        },
        ("release", None) => Op::Release { key },
        _ if keyed => Op::Custom {
            name: name.to_owned(),
            args: json!({ "key": &*key.0, "value": form.map(to_json) }),
        },
        _ => custom(name, form),
    };
    let bare = kind != Kind::Invoke && present.is_none();
    Read { op, bare }
}

fn custom(name: &str, form: Option<Form<'_>>) -> Op {
    Op::Custom {
        name: name.to_owned(),
        args: form.map_or(serde_json::Value::Null, to_json),
    }
}
