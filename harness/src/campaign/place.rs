//! Where in the file of a campaign something is wrong.

use std::ops::Range;

use polygraph_results::ErrorBody;

/// The text of a file, and how it is called.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source<'a> {
    /// As it was named on the command line.
    pub(crate) file: &'a str,
    /// What it says.
    pub(crate) text: &'a str,
}

impl Source<'_> {
    /// The line and the column of a byte, both counted from one; columns in characters.
    pub(crate) fn position(&self, at: usize) -> (usize, usize) {
        let at = (0..=at.min(self.text.len()))
            .rev()
            .find(|&at| self.text.is_char_boundary(at))
            .unwrap_or(0);
        let before = &self.text[..at];
        let line = before.matches('\n').count() + 1;
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        (line, before[start..].chars().count() + 1)
    }

    /// The line of a byte, counted from one.
    pub(crate) fn line(&self, at: usize) -> u64 {
        self.position(at).0 as u64
    }

    /// An error at a place.
    pub(crate) fn wrong(
        &self,
        span: &Range<usize>,
        field: &str,
        problem: impl Into<String>,
        expected: &str,
    ) -> Box<ErrorBody> {
        let (line, column) = self.position(span.start);
        let problem = problem.into();
        let of = match field {
            "" => String::new(),
            field => format!(", field `{field}`"),
        };
        let right = match expected {
            "" => String::new(),
            expected => format!("; expected {expected}"),
        };
        Box::new(ErrorBody {
            kind: "input",
            message: format!(
                "{}: line {line}, column {column}{of}: {problem}{right}",
                self.file
            ),
            file: Some(self.file.to_owned()),
            line: Some(line),
            column: Some(column),
            field: (!field.is_empty()).then(|| field.to_owned()),
            expected: (!expected.is_empty()).then(|| expected.to_owned()),
        })
    }

    /// What the reader of TOML says, in one line, with the field that stands there.
    pub(crate) fn not_toml(&self, error: &toml::de::Error) -> Box<ErrorBody> {
        let span = error.span().unwrap_or(0..0);
        let message = error.message().split_whitespace().collect::<Vec<_>>();
        let message = message.join(" ");
        let (problem, expected) = match message.split_once(", expected ") {
            Some((problem, expected)) => (problem, expected),
            None => (message.as_str(), ""),
        };
        self.wrong(&span, &self.field_at(span.start), problem, expected)
    }

    /// The field that is written in the line of a byte.
    fn field_at(&self, at: usize) -> String {
        let (line, _) = self.position(at);
        let line = self.text.lines().nth(line - 1).unwrap_or_default();
        let field = match line.split_once('=') {
            Some((field, _)) => field,
            None => line,
        };
        let plain = |c: char| c.is_alphanumeric() || "-_.\"".contains(c);
        let field = field.trim().trim_matches(['[', ']']);
        match field.chars().all(plain) {
            true => field.to_owned(),
            false => String::new(),
        }
    }
}
