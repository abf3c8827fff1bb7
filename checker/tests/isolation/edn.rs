//! Just enough EDN to read histories of list-append transactions in tests.

use polygraph_history::{
    Body, Event, History, InvalidHistory, Key, Kind, Micro, Op, Order, Process, Time, Value,
};

/// A form.
#[derive(Clone, Debug)]
pub(crate) enum Form {
    Nil,
    Int(i64),
    Word(String),
    Text(String),
    List(Vec<Form>),
    Map(Vec<(Form, Form)>),
}

impl Form {
    pub(crate) fn get(&self, key: &str) -> Option<&Form> {
        match self {
            Form::Map(entries) => {
                let found = entries.iter().find(|(name, _)| name.is_word(key));
                found.map(|(_, value)| value)
            }
            _ => None,
        }
    }

    pub(crate) fn is_word(&self, text: &str) -> bool {
        matches!(self, Form::Word(word) if word == text)
    }

    pub(crate) fn items(&self) -> &[Form] {
        match self {
            Form::List(items) => items,
            _ => &[],
        }
    }

    /// A word without its colon, or any other form as text.
    pub(crate) fn text(&self) -> String {
        match self {
            Form::Nil => "nil".to_owned(),
            Form::Int(number) => number.to_string(),
            Form::Word(text) => text.trim_start_matches(':').to_owned(),
            Form::Text(text) => text.clone(),
            other => format!("{other:?}"),
        }
    }
}

/// All forms of a text.
pub(crate) fn parse(text: &str) -> Vec<Form> {
    let mut reader = Reader { rest: text };
    let mut forms = Vec::new();
    while let Some(form) = reader.form() {
        forms.push(form);
    }
    forms
}

struct Reader<'t> {
    rest: &'t str,
}

impl Reader<'_> {
    fn skip(&mut self) {
        loop {
            self.rest = self
                .rest
                .trim_start_matches(|c: char| c.is_whitespace() || c == ',');
            match self.rest.strip_prefix(';') {
                Some(comment) => self.rest = comment.split_once('\n').map_or("", |(_, rest)| rest),
                None => return,
            }
        }
    }

    /// The next form; `None` at the end or at a closing bracket, which is skipped.
    fn form(&mut self) -> Option<Form> {
        self.skip();
        let first = self.rest.chars().next()?;
        match first {
            ')' | ']' | '}' => {
                self.rest = &self.rest[1..];
                None
            }
            '(' | '[' => {
                self.rest = &self.rest[1..];
                Some(Form::List(self.forms()))
            }
            '{' => {
                self.rest = &self.rest[1..];
                let entries = self.forms();
                let entries = entries
                    .chunks_exact(2)
                    .map(|pair| (pair[0].clone(), pair[1].clone()));
                Some(Form::Map(entries.collect()))
            }
            '"' => {
                let (text, rest) = self.rest[1..].split_once('"')?;
                self.rest = rest;
                Some(Form::Text(text.to_owned()))
            }
            _ => {
                let end = |c: char| c.is_whitespace() || ",()[]{}\"".contains(c);
                let (word, rest) = self
                    .rest
                    .split_at(self.rest.find(end).unwrap_or(self.rest.len()));
                self.rest = rest;
                Some(match (word, word.parse()) {
                    ("nil", _) => Form::Nil,
                    (_, Ok(number)) => Form::Int(number),
                    _ => Form::Word(word.to_owned()),
                })
            }
        }
    }

    fn forms(&mut self) -> Vec<Form> {
        std::iter::from_fn(|| self.form()).collect()
    }
}

/// The history of list-append transactions that these forms are. One without processes is taken
/// for one client's.
pub(crate) fn history(text: &str) -> Result<History, InvalidHistory> {
    let mut events = Vec::new();
    for form in parse(text) {
        let kind = match form.get(":type").map(Form::text).as_deref() {
            Some("invoke") => Kind::Invoke,
            Some("ok") => Kind::Ok,
            Some("fail") => Kind::Fail,
            _ => Kind::Info,
        };
        let process = match form.get(":process") {
            Some(Form::Int(process)) => *process as u64,
            None => 0,
            Some(_) => continue,
        };
        let micros = form.get(":value").map(Form::items).unwrap_or_default();
        let micros = micros
            .iter()
            .map(|micro| self::micro(micro, kind))
            .collect();
        events.push(Event::new(
            events.len() as u64,
            match form.get(":time") {
                Some(Form::Int(time)) => Time(*time as u64),
                _ => Time::ZERO,
            },
            Process::Client(process),
            kind,
            Body::Op(Op::Txn(micros)),
        ));
    }
    History::new(None, Order::Index, events)
}

fn micro(form: &Form, kind: Kind) -> Micro {
    let items = form.items();
    let key = Key::from(items[1].text().as_str());
    if items[0].is_word(":append") {
        return Micro::Append {
            key,
            value: value(&items[2]),
        };
    }
    let value = match items.get(2) {
        Some(Form::Nil) | None if kind == Kind::Ok => Some(Value::Null),
        Some(Form::Nil) | None => None,
        Some(list) => Some(value(list)),
    };
    Micro::Read { key, value }
}

fn value(form: &Form) -> Value {
    match form {
        Form::Nil => Value::Null,
        Form::Int(number) => Value::Int(*number),
        Form::List(items) => Value::list(items.iter().map(value)),
        other => Value::from(other.text().as_str()),
    }
}
