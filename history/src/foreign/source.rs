//! A stream of text as forms, one at a time, with their places.

use std::io::Read;

use super::tape::{Form, Node, Problem, Scan, Token};
use super::{edn, json};
use crate::ReadError;

/// How much is read at a time.
const CHUNK: usize = 1 << 18;

/// Which of the two syntaxes a text is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Syntax {
    Edn,
    Json,
}

/// The forms of a stream. A list or vector around all of them is looked through, so that only one
/// row of a history is in memory at a time.
pub(crate) struct Source<R> {
    input: R,
    syntax: Syntax,
    buffer: Vec<u8>,
    /// Where the unread part of the buffer begins.
    start: usize,
    /// The place of `buffer[start]`.
    line: usize,
    column: usize,
    complete: bool,
    /// The list or vector around: the bracket that closes it and its place.
    enclosing: Option<(u8, (usize, usize))>,
    nodes: Vec<Node>,
}

impl<R: Read> Source<R> {
    pub(crate) const fn new(input: R, syntax: Syntax) -> Source<R> {
        Source {
            input,
            syntax,
            buffer: Vec::new(),
            start: 0,
            line: 1,
            column: 1,
            complete: false,
            enclosing: None,
            nodes: Vec::new(),
        }
    }

    /// Hands each form, with its place, to `each`.
    ///
    /// # Errors
    /// For what is not of this syntax, for what reading gives, and for what `each` finds.
    pub(crate) fn for_each(
        &mut self,
        mut each: impl FnMut(Form<'_>, (usize, usize)) -> Result<(), Problem>,
    ) -> Result<(), ReadError> {
        self.for_each_with(
            &mut each,
            |_, _, _, _| None,
            |each, form, place| each(form, place),
        )
    }

    /// The same, where `quick` may take forms that are whole, on one line and begin at a byte of
    /// the text; it says where they end.
    ///
    /// # Errors
    /// As [`Source::for_each`].
    pub(crate) fn for_each_with<S>(
        &mut self,
        state: &mut S,
        quick: impl Fn(&mut S, &[u8], usize, (usize, usize)) -> Option<usize>,
        each: impl Fn(&mut S, Form<'_>, (usize, usize)) -> Result<(), Problem>,
    ) -> Result<(), ReadError> {
        loop {
            self.pass(state, &quick);
            if self.enter()? {
                continue;
            }
            let scanned = match self.syntax {
                Syntax::Edn => edn::scan(&self.buffer, self.start, self.complete, &mut self.nodes),
                Syntax::Json => {
                    json::scan(&self.buffer, self.start, self.complete, &mut self.nodes)
                }
            };
            match scanned.map_err(|problem| self.error(problem))? {
                Scan::Form(end) => {
                    self.advance_to_form();
                    let text = self.text(end)?;
                    let form = Form::new(text, self.start, &self.nodes);
                    each(state, form, (self.line, self.column))
                        .map_err(|problem| self.error(problem))?;
                    self.advance(end);
                }
                Scan::Close(at) => self.leave(at)?,
                Scan::Space(at) => {
                    self.advance(at);
                    if self.complete {
                        return self.end();
                    }
                    self.fill()?;
                }
                Scan::More => self.fill()?,
            }
        }
    }

    /// Passes over the forms that `quick` takes.
    fn pass<S>(
        &mut self,
        state: &mut S,
        quick: impl Fn(&mut S, &[u8], usize, (usize, usize)) -> Option<usize>,
    ) {
        let (mut line, mut column, mut at) = (self.line, self.column, self.start);
        loop {
            while let Some(byte @ (b'\n' | b' ' | b',')) = self.buffer.get(at) {
                (line, column) = match byte {
                    b'\n' => (line + 1, 1),
                    _ => (line, column + 1),
                };
                at += 1;
            }
            let Some(end) = quick(state, &self.buffer, at, (line, column)) else {
                break;
            };
            column += end - at;
            at = end;
        }
        (self.line, self.column, self.start) = (line, column, at);
    }

    /// Looks through a bracket that encloses all forms. Whether there was one.
    fn enter(&mut self) -> Result<bool, ReadError> {
        if self.enclosing.is_some() {
            return Ok(false);
        }
        let skip_space = match self.syntax {
            Syntax::Edn => edn::skip_space,
            Syntax::Json => json::skip_space,
        };
        let Some(at) = skip_space(&self.buffer, self.start, self.complete) else {
            return Ok(false);
        };
        let close = match (self.buffer.get(at), self.syntax) {
            (Some(b'['), _) => b']',
            (Some(b'('), Syntax::Edn) => b')',
            _ => return Ok(false),
        };
        self.advance(at);
        self.enclosing = Some((close, (self.line, self.column)));
        self.advance(self.start + 1);
        Ok(true)
    }

    fn leave(&mut self, at: usize) -> Result<(), ReadError> {
        let byte = self.buffer[at];
        self.advance(at);
        match self.enclosing.take() {
            Some((close, _)) if close == byte => {
                self.advance(at + 1);
                Ok(())
            }
            Some((close, (line, column))) => Err(ReadError::at(
                (self.line, self.column),
                format!(
                    "`{}` closes what line {line}, column {column} opened otherwise",
                    byte as char
                ),
                format!("`{}`", close as char),
            )),
            None => Err(ReadError::at(
                (self.line, self.column),
                format!("`{}` closes nothing", byte as char),
                "an operation or the end of the file",
            )),
        }
    }

    /// The file ends between forms.
    fn end(&self) -> Result<(), ReadError> {
        match self.enclosing {
            None => Ok(()),
            Some((close, place)) => Err(ReadError::at(
                place,
                "the file ends within what is opened here",
                format!("`{}` at its end", close as char),
            )),
        }
    }

    /// The form that begins here and ends before `end`, as text.
    fn text(&self, end: usize) -> Result<&str, ReadError> {
        std::str::from_utf8(&self.buffer[self.start..end]).map_err(|error| {
            let offset = self.start + error.valid_up_to();
            self.error(Problem::new(offset, "a byte that is not text", "UTF-8"))
        })
    }

    /// Skips the space before the form that was scanned.
    fn advance_to_form(&mut self) {
        if let Some(node) = self.nodes.first() {
            let quote = usize::from(matches!(node.token, Token::Plain | Token::Escaped));
            self.advance(node.start as usize - quote);
        }
    }

    fn advance(&mut self, to: usize) {
        let (line, column) = place(&self.buffer[self.start..to], (self.line, self.column));
        (self.line, self.column) = (line, column);
        self.start = to;
    }

    fn error(&self, problem: Problem) -> ReadError {
        let at = problem.offset.clamp(self.start, self.buffer.len());
        let place = place(&self.buffer[self.start..at], (self.line, self.column));
        problem.at(place)
    }

    /// Reads more behind what is unread, which moves to the front.
    fn fill(&mut self) -> Result<(), ReadError> {
        self.buffer.drain(..self.start);
        self.start = 0;
        if self.buffer.len() > u32::MAX as usize / 4 {
            return Err(ReadError::at(
                (self.line, self.column),
                "a form of more than a gigabyte",
                "an operation",
            ));
        }
        // Twice as much each time, so that a large form is scanned again only a few times.
        let wanted = CHUNK.max(self.buffer.len());
        let before = self.buffer.len();
        let read = (&mut self.input)
            .take(wanted as u64)
            .read_to_end(&mut self.buffer)
            .map_err(|error| ReadError::io((self.line, self.column), &error))?;
        debug_assert_eq!(self.buffer.len(), before + read);
        self.complete = read < wanted;
        Ok(())
    }
}

/// The place behind some text that begins at a place.
fn place(text: &[u8], (line, column): (usize, usize)) -> (usize, usize) {
    match text.iter().rposition(|&byte| byte == b'\n') {
        None => (line, column + text.len()),
        Some(last) => {
            let lines = text.iter().filter(|&&byte| byte == b'\n').count();
            (line + lines, text.len() - last)
        }
    }
}
