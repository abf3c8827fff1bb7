//! The syntax of EDN (github.com/edn-format/edn), as Clojure prints it.
//!
//! Written here because no crate known to us reads it from a stream, says line and column, and
//! bounds the nesting; a history of another tool may be large and may be anything.

use super::tape::{MAX_DEPTH, Node, Problem, Scan, Token, parse_int, push, scan_string};

/// What is open while a form is scanned.
struct Frame {
    what: Open,
    /// Its node; of something discarded, where to cut the list again.
    node: usize,
    /// Where it begins in the text.
    start: usize,
    /// How many forms it has so far.
    count: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    /// Closed by this bracket.
    Bracket(u8),
    /// Complete after one form.
    Tag,
    /// `#_` or `^`: the next form does not count.
    Discard,
}

const ESCAPES: &[u8] = b"\"\\ntrbf/'";

/// Scans the form that begins at or behind `from`, with its nodes added to the empty `nodes`.
/// Unless `complete`, the text may go on behind its end.
pub(crate) fn scan(
    text: &[u8],
    from: usize,
    complete: bool,
    nodes: &mut Vec<Node>,
) -> Result<Scan, Problem> {
    nodes.clear();
    let mut stack: Vec<Frame> = Vec::new();
    let mut at = from;
    loop {
        let Some(space_end) = skip_space(text, at, complete) else {
            return cut(text, &stack, at, complete);
        };
        at = space_end;
        let Some(&byte) = text.get(at) else {
            return cut(text, &stack, at, complete);
        };
        let start = at;
        match byte {
            b'(' | b'[' | b'{' => {
                let (token, close) = match byte {
                    b'(' => (Token::List, b')'),
                    b'[' => (Token::Vector, b']'),
                    _ => (Token::Map, b'}'),
                };
                open(&mut stack, nodes, token, Open::Bracket(close), start)?;
                at += 1;
                continue;
            }
            b')' | b']' | b'}' => {
                if stack.is_empty() {
                    return Ok(Scan::Close(at));
                }
                close(&mut stack, nodes, byte, at)?;
                at += 1;
            }
            b'^' => {
                open_discard(&mut stack, nodes, start)?;
                at += 1;
                continue;
            }
            b'#' => match dispatch(text, at, complete, &mut stack, nodes)? {
                Some((end, true)) => {
                    at = end;
                    continue;
                }
                Some((end, false)) => at = end,
                None => return cut(text, &stack, at, complete),
            },
            b'"' => match scan_string(text, at + 1, ESCAPES)? {
                Some((end, escaped)) => {
                    let token = if escaped {
                        Token::Escaped
                    } else {
                        Token::Plain
                    };
                    push(nodes, token, at + 1, end);
                    at = end + 1;
                }
                None if complete => {
                    return Err(Problem::new(at, "a string is not closed", "`\"`"));
                }
                None => return Ok(Scan::More),
            },
            _ => match scalar(text, at, complete, nodes)? {
                Some(end) => at = end,
                None => return cut(text, &stack, at, complete),
            },
        }
        if form_ends(&mut stack, nodes) {
            return Ok(Scan::Form(at));
        }
    }
}

/// Counts a form that is complete, and with it what it completes. Whether the whole is.
fn form_ends(stack: &mut Vec<Frame>, nodes: &mut Vec<Node>) -> bool {
    loop {
        match stack.last_mut() {
            None => return true,
            Some(frame) => match frame.what {
                Open::Bracket(_) => {
                    frame.count += 1;
                    return false;
                }
                Open::Tag => {
                    nodes[frame.node].next = nodes.len() as u32;
                    stack.pop();
                }
                Open::Discard => {
                    nodes.truncate(frame.node);
                    stack.pop();
                    return false;
                }
            },
        }
    }
}

fn open(
    stack: &mut Vec<Frame>,
    nodes: &mut Vec<Node>,
    token: Token,
    what: Open,
    start: usize,
) -> Result<(), Problem> {
    check_depth(stack, start)?;
    stack.push(Frame {
        what,
        node: nodes.len(),
        start,
        count: 0,
    });
    push(nodes, token, start, start + 1);
    Ok(())
}

fn open_discard(stack: &mut Vec<Frame>, nodes: &[Node], start: usize) -> Result<(), Problem> {
    check_depth(stack, start)?;
    stack.push(Frame {
        what: Open::Discard,
        node: nodes.len(),
        start,
        count: 0,
    });
    Ok(())
}

fn check_depth(stack: &[Frame], start: usize) -> Result<(), Problem> {
    if stack.len() < MAX_DEPTH {
        return Ok(());
    }
    Err(Problem::new(
        start,
        format!("forms are nested more than {MAX_DEPTH} deep"),
        "the operations of a history",
    ))
}

fn close(stack: &mut Vec<Frame>, nodes: &mut [Node], byte: u8, at: usize) -> Result<(), Problem> {
    let Some(frame) = stack.pop() else {
        return Ok(());
    };
    match frame.what {
        Open::Bracket(close) if close == byte => {}
        Open::Bracket(close) => {
            return Err(Problem::new(
                at,
                format!("`{}` closes what was opened otherwise", byte as char),
                format!("`{}`", close as char),
            ));
        }
        Open::Tag | Open::Discard => {
            return Err(Problem::new(
                at,
                format!("`{}` where a form should follow", byte as char),
                "a form",
            ));
        }
    }
    if byte == b'}' && nodes[frame.node].token == Token::Map && frame.count % 2 == 1 {
        return Err(Problem::new(
            frame.start,
            "a map with a key that has no value",
            "keys and values in turn",
        ));
    }
    nodes[frame.node].next = nodes.len() as u32;
    Ok(())
}

/// What begins with `#`: its end, and whether something is open behind it. `None` if the text
/// ends too early to say.
fn dispatch(
    text: &[u8],
    at: usize,
    complete: bool,
    stack: &mut Vec<Frame>,
    nodes: &mut Vec<Node>,
) -> Result<Option<(usize, bool)>, Problem> {
    match text.get(at + 1) {
        None => Ok(None),
        Some(b'{') => {
            open(stack, nodes, Token::Set, Open::Bracket(b'}'), at)?;
            Ok(Some((at + 2, true)))
        }
        Some(b'_') => {
            open_discard(stack, nodes, at)?;
            Ok(Some((at + 2, true)))
        }
        Some(b'#') => match token_end(text, at + 2, complete) {
            None => Ok(None),
            Some(end) => {
                push(nodes, Token::Number, at, end);
                Ok(Some((end, false)))
            }
        },
        Some(byte) if is_token(*byte) => match token_end(text, at + 1, complete) {
            None => Ok(None),
            Some(end) => {
                open(stack, nodes, Token::Tagged, Open::Tag, at)?;
                let node = nodes.len() - 1;
                nodes[node].end = end as u32;
                Ok(Some((end, true)))
            }
        },
        Some(byte) => Err(Problem::new(
            at,
            format!("`#{}` is not EDN", byte.escape_ascii()),
            "a set `#{…}`, a tag `#name` or `#_`",
        )),
    }
}

/// A keyword, symbol, number, character, boolean or nil: its end.
fn scalar(
    text: &[u8],
    at: usize,
    complete: bool,
    nodes: &mut Vec<Node>,
) -> Result<Option<usize>, Problem> {
    let first = text[at];
    if first == b'\\' {
        // A character may be any one, a bracket too; its name goes on with letters.
        let Some(&character) = text.get(at + 1) else {
            return Ok(None);
        };
        let mut from = at + 2;
        while character >= 0x80 && text.get(from).is_some_and(|byte| byte & 0xc0 == 0x80) {
            from += 1;
        }
        return Ok(token_end(text, from, complete).inspect(|&end| {
            push(nodes, Token::Char, at, end);
        }));
    }
    if !is_token(first) {
        return Err(Problem::new(
            at,
            format!("`{}` is not EDN", first.escape_ascii()),
            "a form",
        ));
    }
    let Some(end) = token_end(text, at, complete) else {
        return Ok(None);
    };
    let token = match &text[at..end] {
        b"nil" => Token::Nil,
        b"true" | b"false" => Token::Bool,
        [b':'] => return Err(Problem::new(at, "a `:` without a name", "a keyword")),
        [b':', ..] => Token::Keyword,
        word if is_number(word) => match std::str::from_utf8(word).ok().and_then(parse_int) {
            Some(_) => Token::Int,
            None => Token::Number,
        },
        _ => Token::Symbol,
    };
    push(nodes, token, at, end);
    Ok(Some(end))
}

fn is_number(word: &[u8]) -> bool {
    match word {
        [b'+' | b'-', digit, ..] | [digit, ..] => digit.is_ascii_digit(),
        [] => false,
    }
}

/// Where a token ends; `None` if it may go on behind the text.
fn token_end(text: &[u8], from: usize, complete: bool) -> Option<usize> {
    let length = text[from.min(text.len())..]
        .iter()
        .position(|&byte| !is_token(byte));
    match length {
        Some(length) => Some(from + length),
        None => complete.then_some(text.len()),
    }
}

/// Whether a byte may be part of a token.
const fn is_token(byte: u8) -> bool {
    const TABLE: [bool; 256] = {
        let mut table = [false; 256];
        let mut byte = 0;
        while byte < 256 {
            table[byte] = byte > b' ' as usize
                && byte != 0x7f
                && !matches!(
                    byte as u8,
                    b'(' | b')' | b'[' | b']' | b'{' | b'}' | b'"' | b';' | b',' | b'\\'
                );
            byte += 1;
        }
        table
    };
    TABLE[byte as usize]
}

/// Skips white space, commas and comments; `None` if a comment goes on behind the text.
pub(crate) fn skip_space(text: &[u8], mut at: usize, complete: bool) -> Option<usize> {
    loop {
        match text.get(at) {
            Some(b' ' | b'\t' | b'\r' | b'\n' | b',' | 0x0c | 0x0b) => at += 1,
            Some(b';') => match text[at..].iter().position(|&byte| byte == b'\n') {
                Some(length) => at += length + 1,
                None => return complete.then_some(text.len()),
            },
            _ => return Some(at),
        }
    }
}

/// Nothing more can be told at `at`: the text ends in the middle of something, or after space.
fn cut(text: &[u8], stack: &[Frame], at: usize, complete: bool) -> Result<Scan, Problem> {
    match stack.last() {
        None if !complete || at == text.len() => Ok(Scan::Space(at)),
        _ if !complete => Ok(Scan::More),
        Some(Frame {
            what: Open::Bracket(close),
            start,
            ..
        }) => Err(Problem::new(
            *start,
            "the file ends within what is opened here",
            format!("`{}`", *close as char),
        )),
        _ => Err(Problem::new(
            at,
            "the file ends where a form should follow",
            "a form",
        )),
    }
}
