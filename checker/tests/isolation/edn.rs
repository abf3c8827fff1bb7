//! Just enough EDN to read what the manifest of a corpus says.

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
