//! A form of EDN or JSON as a flat list of nodes over the text that it was read from.
//!
//! A reader makes millions of forms and throws each away at once: one growing list of nodes that
//! is reused costs no allocation a form, and no nesting can overflow a stack in dropping it.

use std::borrow::Cow;

use crate::ReadError;

/// How deep forms may be nested. Histories need about six levels.
pub(crate) const MAX_DEPTH: usize = 128;

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    Nil,
    Bool,
    /// An integer that fits 64 bits.
    Int,
    /// Any other number, by its text.
    Number,
    /// A string without escapes.
    Plain,
    /// A string with escapes.
    Escaped,
    Char,
    Keyword,
    Symbol,
    List,
    Vector,
    Map,
    Set,
    /// A tag and, as its only child, what it stands before.
    Tagged,
}

/// One node. Its text is `start..end` (of a string: within the quotes; of a collection: its first
/// byte); its children follow it up to `next`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node {
    pub(crate) token: Token,
    pub(crate) start: u32,
    pub(crate) end: u32,
    pub(crate) next: u32,
}

/// A problem at a byte of the text that is being read.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    pub(crate) offset: usize,
    pub(crate) field: Option<&'static str>,
    pub(crate) problem: String,
    pub(crate) expected: String,
}

impl Problem {
    pub(crate) fn new(
        offset: usize,
        problem: impl Into<String>,
        expected: impl Into<String>,
    ) -> Problem {
        Problem {
            offset,
            field: None,
            problem: problem.into(),
            expected: expected.into(),
        }
    }

    pub(crate) fn of_field(mut self, field: &'static str) -> Problem {
        self.field = Some(field);
        self
    }

    pub(crate) fn at(self, (line, column): (usize, usize)) -> ReadError {
        ReadError {
            line,
            column,
            field: self.field.map(str::to_owned),
            problem: self.problem,
            expected: self.expected,
        }
    }
}

/// What a scanner found at a place of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scan {
    /// A form that ends before this byte.
    Form(usize),
    /// A bracket that closes something outside, at this byte.
    Close(usize),
    /// Nothing more; everything up to this byte was space.
    Space(usize),
    /// The text ends within a form.
    More,
}

/// A form: a node and all that is in it.
#[derive(Clone, Copy)]
pub(crate) struct Form<'a> {
    text: &'a str,
    /// The offset of the text's first byte.
    base: usize,
    nodes: &'a [Node],
    at: usize,
}

impl<'a> Form<'a> {
    /// The first form of a list of nodes over a text that begins at `base`.
    pub(crate) const fn new(text: &'a str, base: usize, nodes: &'a [Node]) -> Form<'a> {
        Form {
            text,
            base,
            nodes,
            at: 0,
        }
    }

    fn node(self) -> Node {
        self.nodes[self.at]
    }

    pub(crate) fn token(self) -> Token {
        self.node().token
    }

    /// Where it begins in the text.
    pub(crate) fn offset(self) -> usize {
        self.node().start as usize
    }

    /// Its text as written; of a string, what is between the quotes, escapes and all.
    pub(crate) fn raw(self) -> &'a str {
        let node = self.node();
        &self.text[node.start as usize - self.base..node.end as usize - self.base]
    }

    pub(crate) fn is_nil(self) -> bool {
        self.token() == Token::Nil
    }

    /// The integer that it is.
    pub(crate) fn int(self) -> Option<i64> {
        match self.token() {
            Token::Int => parse_int(self.raw()),
            _ => None,
        }
    }

    /// The characters of a string.
    pub(crate) fn string(self) -> Option<Cow<'a, str>> {
        match self.token() {
            Token::Plain => Some(Cow::Borrowed(self.raw())),
            Token::Escaped => Some(Cow::Owned(unescape(self.raw()))),
            _ => None,
        }
    }

    /// The name that a keyword, symbol or string is, without its colon.
    pub(crate) fn name(self) -> Option<Cow<'a, str>> {
        match self.token() {
            Token::Keyword => Some(Cow::Borrowed(&self.raw()[1..])),
            Token::Symbol => Some(Cow::Borrowed(self.raw())),
            _ => self.string(),
        }
    }

    /// Whether it is a list or vector.
    pub(crate) fn is_sequence(self) -> bool {
        matches!(self.token(), Token::List | Token::Vector)
    }

    /// Its direct children, in order; those of a map are keys and values in turn.
    pub(crate) fn children(self) -> Children<'a> {
        Children {
            form: self,
            at: self.at + 1,
            end: self.node().next as usize,
        }
    }

    /// The two elements of a list or vector that has just two.
    pub(crate) fn pair(self) -> Option<(Form<'a>, Form<'a>)> {
        if !self.is_sequence() {
            return None;
        }
        let mut children = self.children();
        let pair = (children.next()?, children.next()?);
        children.next().is_none().then_some(pair)
    }

    /// What stands behind a tag.
    pub(crate) fn tagged(self) -> Option<Form<'a>> {
        match self.token() {
            Token::Tagged => self.children().next(),
            _ => None,
        }
    }
}

/// The children of a form.
pub(crate) struct Children<'a> {
    form: Form<'a>,
    at: usize,
    end: usize,
}

impl<'a> Iterator for Children<'a> {
    type Item = Form<'a>;

    fn next(&mut self) -> Option<Form<'a>> {
        (self.at < self.end).then(|| {
            let child = Form {
                at: self.at,
                ..self.form
            };
            self.at = child.node().next as usize;
            child
        })
    }
}

/// An integer as EDN and JSON write it: `7`, `-7`, `+7`, `7N`.
pub(crate) fn parse_int(text: &str) -> Option<i64> {
    text.strip_suffix('N').unwrap_or(text).parse().ok()
}

/// Resolves the escapes of a string; scanners have checked them.
fn unescape(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let escape = &rest[at + 1..];
        let (character, length) = match escape.as_bytes().first() {
            Some(b'n') => ('\n', 1),
            Some(b't') => ('\t', 1),
            Some(b'r') => ('\r', 1),
            Some(b'b') => ('\u{8}', 1),
            Some(b'f') => ('\u{c}', 1),
            Some(b'u') => unicode_escape(escape),
            _ => match escape.chars().next() {
                Some(literal) => (literal, literal.len_utf8()),
                None => break,
            },
        };
        out.push(character);
        rest = &escape[length..];
    }
    out.push_str(rest);
    out
}

/// The character of `uXXXX`, or of two of them that are a surrogate pair, and its length in
/// bytes. A lone surrogate is no character and is replaced.
fn unicode_escape(escape: &str) -> (char, usize) {
    let unit = |at: usize| {
        escape
            .get(at..at + 4)
            .and_then(|digits| u32::from_str_radix(digits, 16).ok())
    };
    let Some(high) = unit(1) else {
        return ('u', 1);
    };
    if (0xd800..0xdc00).contains(&high)
        && escape.get(5..7) == Some("\\u")
        && let Some(low) = unit(7).filter(|low| (0xdc00..0xe000).contains(low))
    {
        let code = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
        return (char::from_u32(code).unwrap_or('\u{fffd}'), 11);
    }
    (char::from_u32(high).unwrap_or('\u{fffd}'), 5)
}

/// Finds the end of a string from behind its opening quote: the byte of the closing quote, and
/// whether there are escapes. `None` if the text ends before it.
pub(crate) fn scan_string(
    text: &[u8],
    from: usize,
    escapes: &[u8],
) -> Result<Option<(usize, bool)>, Problem> {
    let mut at = from;
    let mut escaped = false;
    loop {
        match text.get(at) {
            None => return Ok(None),
            Some(b'"') => return Ok(Some((at, escaped))),
            Some(b'\\') => {
                escaped = true;
                match text.get(at + 1) {
                    None => return Ok(None),
                    Some(b'u') => match text.get(at + 2..at + 6) {
                        None => return Ok(None),
                        Some(digits) if digits.iter().all(u8::is_ascii_hexdigit) => at += 6,
                        Some(_) => {
                            return Err(Problem::new(
                                at,
                                "a \\u escape without four hexadecimal digits",
                                "\\uXXXX",
                            ));
                        }
                    },
                    Some(escape) if escapes.contains(escape) => at += 2,
                    Some(escape) => {
                        return Err(Problem::new(
                            at,
                            format!("an unknown escape `\\{}`", escape.escape_ascii()),
                            "one of \\\" \\\\ \\n \\t \\r \\b \\f \\uXXXX",
                        ));
                    }
                }
            }
            Some(_) => at += 1,
        }
    }
}

/// Adds a node whose `next` is the end of the list so far: right for scalars, and set again when
/// a collection closes.
pub(crate) fn push(nodes: &mut Vec<Node>, token: Token, start: usize, end: usize) {
    let next = nodes.len() as u32 + 1;
    nodes.push(Node {
        token,
        start: start as u32,
        end: end as u32,
        next,
    });
}
