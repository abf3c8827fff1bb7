//! Forms as values, keys and JSON.
//!
//! A [`Value`] is an integer, a text, a list or null. A string is the text of its characters;
//! keywords, symbols, booleans, characters, maps and numbers that are not 64-bit integers are the
//! text that they are written as: `:x`, `true`, `2.5`. The few strings that would be equal to one
//! of these (`":x"`, `"true"`, `"2.5"`) keep their quotes, so that values are equal exactly where
//! Clojure holds them equal (but for numbers of different types). Sets are lists in sorted order.

use rustc_hash::{FxHashMap, FxHashSet};
use serde_json::{Map, Number, json};

use super::tape::{Form, Token};
use crate::{Key, Value};

/// The value that a form denotes.
pub(crate) fn value(form: Form<'_>) -> Value {
    match form.token() {
        Token::Nil => Value::Null,
        Token::Int => form.int().map_or_else(|| text(form), Value::Int),
        Token::List | Token::Vector => Value::list(form.children().map(value)),
        Token::Set => {
            let mut elements: Vec<Value> = form.children().map(value).collect();
            elements.sort_unstable();
            elements.dedup();
            Value::list(elements)
        }
        Token::Plain if is_unmistakable(form.raw()) => Value::Text(form.raw().into()),
        Token::Tagged if is_tuple(form) => form.tagged().map_or(Value::Null, value),
        _ => text(form),
    }
}

fn text(form: Form<'_>) -> Value {
    Value::Text(mistakable(form).into())
}

/// The text of a scalar or map as a value's or a JSON key's text.
fn mistakable(form: Form<'_>) -> String {
    match form.string() {
        Some(string) if is_unmistakable(&string) => string.into_owned(),
        _ => canonical(form),
    }
}

/// Whether a tag is one of those that Jepsen's pair of key and value may be printed with.
pub(crate) fn is_tuple(form: Form<'_>) -> bool {
    form.token() == Token::Tagged
        && ["Tuple", "MapEntry"]
            .iter()
            .any(|name| form.raw().ends_with(name))
        && form.tagged().is_some_and(|inner| inner.pair().is_some())
}

/// Whether a string cannot be taken for another form's text.
fn is_unmistakable(string: &str) -> bool {
    match string.as_bytes().first() {
        None => true,
        Some(b':' | b'\\' | b'#' | b'{' | b'"' | b'\'') => false,
        Some(b'0'..=b'9' | b'+' | b'-' | b'.') => {
            let number = |byte: u8| byte.is_ascii_hexdigit() || b"+-./xMNrE".contains(&byte);
            !string.bytes().all(number) || string.parse::<i64>().is_ok()
        }
        Some(_) => !matches!(string, "true" | "false" | "nil"),
    }
}

/// The same text for equal forms, another for others, and EDN again.
pub(crate) fn canonical(form: Form<'_>) -> String {
    let mut out = String::new();
    write_canonical(form, &mut out);
    out
}

fn write_canonical(form: Form<'_>, out: &mut String) {
    match form.token() {
        Token::Plain | Token::Escaped => {
            let string = form.string().unwrap_or_default();
            out.push('"');
            for character in string.chars() {
                match character {
                    '"' | '\\' => out.extend(['\\', character]),
                    '\n' => out.push_str("\\n"),
                    _ => out.push(character),
                }
            }
            out.push('"');
        }
        Token::Int => match form.int() {
            Some(int) => out.push_str(&int.to_string()),
            None => out.push_str(form.raw()),
        },
        // A quote keeps the symbol `x` from the string "x".
        Token::Symbol => out.extend(["'", form.raw()]),
        Token::List | Token::Vector => {
            write_all(form.children().map(canonical), "[", "]", out);
        }
        Token::Set => {
            let mut elements: Vec<String> = form.children().map(canonical).collect();
            elements.sort_unstable();
            write_all(elements.into_iter(), "#{", "}", out);
        }
        Token::Map => {
            let mut entries: Vec<String> = entries(form)
                .map(|(key, value)| format!("{} {}", canonical(key), canonical(value)))
                .collect();
            entries.sort_unstable();
            write_all(entries.into_iter(), "{", "}", out);
        }
        Token::Tagged => {
            out.push_str(form.raw());
            out.push(' ');
            if let Some(inner) = form.tagged() {
                write_canonical(inner, out);
            }
        }
        Token::Nil => out.push_str("nil"),
        Token::Bool | Token::Number | Token::Char | Token::Keyword => out.push_str(form.raw()),
    }
}

fn write_all(parts: impl Iterator<Item = String>, open: &str, close: &str, out: &mut String) {
    out.push_str(open);
    for (at, part) in parts.enumerate() {
        if at > 0 {
            out.push(' ');
        }
        out.push_str(&part);
    }
    out.push_str(close);
}

/// The keys and values of a map.
pub(crate) fn entries(map: Form<'_>) -> impl Iterator<Item = (Form<'_>, Form<'_>)> {
    let mut children = map.children();
    std::iter::from_fn(move || Some((children.next()?, children.next()?)))
}

/// A form as JSON, without loss: what JSON has no words for is text as in a [`Value`], or an
/// object with one key that begins with `#` (a set, a tag, a number of another kind), which no
/// map's key does.
pub(crate) fn to_json(form: Form<'_>) -> serde_json::Value {
    match form.token() {
        Token::Nil => serde_json::Value::Null,
        Token::Bool => json!(form.raw() == "true"),
        Token::Int => json!(form.int()),
        Token::Number => match exact_float(form.raw()) {
            Some(number) => serde_json::Value::Number(number),
            None => json!({ "#number": form.raw() }),
        },
        Token::List | Token::Vector => form.children().map(to_json).collect(),
        Token::Set => {
            let elements: serde_json::Value = form.children().map(to_json).collect();
            json!({ "#set": elements })
        }
        Token::Map => {
            let object: Map<_, _> = entries(form)
                .map(|(key, value)| (mistakable(key), to_json(value)))
                .collect();
            match object.len() == entries(form).count() {
                true => serde_json::Value::Object(object),
                // Keys of the same name, such as 1 and "1".
                false => {
                    let pairs = entries(form).map(|(key, value)| [to_json(key), to_json(value)]);
                    json!({ "#map": pairs.collect::<Vec<_>>() })
                }
            }
        }
        Token::Tagged => {
            let inner = form.tagged().map_or(serde_json::Value::Null, to_json);
            serde_json::Value::Object([(form.raw().to_owned(), inner)].into_iter().collect())
        }
        Token::Plain | Token::Escaped | Token::Char | Token::Keyword | Token::Symbol => {
            serde_json::Value::String(mistakable(form))
        }
    }
}

/// A float that its own text comes back from.
fn exact_float(raw: &str) -> Option<Number> {
    let number = Number::from_f64(raw.parse().ok()?)?;
    (number.to_string() == raw).then_some(number)
}

/// A value of a key as JSON.
pub(crate) fn value_to_json(value: &Value) -> serde_json::Value {
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Int(int) => json!(int),
        Value::Text(text) => json!(&**text),
        Value::List(elements) => elements.iter().map(value_to_json).collect(),
    }
}

/// Integers below this are looked up in a table.
const DENSE: usize = 1 << 16;

/// The keys of a history by their natural names: `:x`, `x` and `"x"` are all `x`, unless a
/// history has several of these, when the first keeps the name.
#[derive(Default)]
pub(crate) struct Keys {
    /// Each with its number.
    by_form: FxHashMap<Box<str>, (Key, u32)>,
    /// Those that integers are, by the integer, as long as there are not many gaps.
    integers: Vec<Option<(Key, u32)>>,
    taken: FxHashSet<Key>,
    values: FxHashMap<Key, Value>,
}

impl Keys {
    /// The key that a form names.
    pub(crate) fn of(&mut self, form: Form<'_>) -> Key {
        // Keywords and integers are their own canonical text nearly always.
        let simple = matches!(form.token(), Token::Keyword)
            || form.token() == Token::Int
                && !form.raw().starts_with(['+', '-', '0'])
                && !form.raw().ends_with('N');
        if simple && let Some((key, _)) = self.by_form.get(form.raw()) {
            return key.clone();
        }
        let canonical = canonical(form);
        if let Some((key, _)) = self.by_form.get(canonical.as_str()) {
            return key.clone();
        }
        let key = self.name(form, &canonical);
        self.taken.insert(key.clone());
        self.values.insert(key.clone(), value(form));
        let number = self.by_form.len() as u32;
        if let Some(at) = form.int().and_then(|at| usize::try_from(at).ok())
            && at < 2 * self.by_form.len() + DENSE
        {
            if at >= self.integers.len() {
                self.integers.resize(at + 1, None);
            }
            self.integers[at] = Some((key.clone(), number));
        }
        self.by_form.insert(canonical.into(), (key.clone(), number));
        key
    }

    /// The key that the key of a map names: an integer where JSON has only strings for it.
    pub(crate) fn of_entry(&mut self, form: Form<'_>) -> Key {
        if form.token() == Token::Plain
            && let Ok(integer) = form.raw().parse::<u64>()
            && let Some((key, _)) = self.known(&integer.to_string())
        {
            return key.clone();
        }
        self.of(form)
    }

    /// The key that a keyword or an integer named before, by its canonical text, and its number.
    pub(crate) fn known(&self, canonical: &str) -> Option<&(Key, u32)> {
        self.by_form.get(canonical)
    }

    /// The same of an integer.
    pub(crate) fn known_number(&self, integer: u64) -> Option<&(Key, u32)> {
        let at = usize::try_from(integer).ok()?;
        match self.integers.get(at) {
            Some(Some(known)) => Some(known),
            _ => self.known(&integer.to_string()),
        }
    }

    fn name(&self, form: Form<'_>, canonical: &str) -> Key {
        let natural = form.name().map(|name| Key::from(&*name));
        let mut name = natural.unwrap_or_else(|| Key::from(canonical));
        if self.taken.contains(&name) {
            name = Key::from(canonical);
        }
        while self.taken.contains(&name) {
            name = Key::from(format!("{}'", name.0).as_str());
        }
        name
    }

    /// What stands in the file for a key.
    pub(crate) fn value(&self, key: &Key) -> Value {
        self.values.get(key).cloned().unwrap_or(Value::Null)
    }
}
