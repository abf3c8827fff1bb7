//! The syntax of JSON (RFC 8259), onto the same tape as EDN.
//!
//! `serde_json` reads our own format. Here it would turn integers beyond 64 bits into floats, so
//! that different values of a foreign history could become equal, and it cannot say where within
//! a row a field stands.

use super::tape::{MAX_DEPTH, Node, Problem, Scan, Token, parse_int, push, scan_string};

/// What is open while a value is scanned.
struct Frame {
    object: bool,
    node: usize,
    start: usize,
    next: Next,
}

/// What may follow within an array or object.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    /// A first element or key, or the end.
    FirstOrEnd,
    /// An element or key.
    Element,
    /// A key has been read.
    Colon,
    /// The value of a key.
    Value,
    /// An element or value has been read.
    CommaOrEnd,
}

const ESCAPES: &[u8] = b"\"\\/bfnrt";

/// Scans the value that begins at or behind `from`, with its nodes added to the empty `nodes`.
/// Unless `complete`, the text may go on behind its end. Commas before it are skipped: the array
/// around the rows of a history is not scanned as one value.
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
        while text
            .get(at)
            .is_some_and(|&byte| is_space(byte, stack.is_empty()))
        {
            at += 1;
        }
        let Some(&byte) = text.get(at) else {
            return cut(&stack, at, complete);
        };
        let expects = stack.last().map(|frame| (frame.object, frame.next));
        match (byte, expects) {
            (b']' | b'}', None) => return Ok(Scan::Close(at)),
            (b':', Some((true, Next::Colon))) => {
                set_next(&mut stack, Next::Value);
                at += 1;
                continue;
            }
            (b',', Some((_, Next::CommaOrEnd))) => {
                set_next(&mut stack, Next::Element);
                at += 1;
                continue;
            }
            (b']', Some((false, Next::FirstOrEnd | Next::CommaOrEnd)))
            | (b'}', Some((true, Next::FirstOrEnd | Next::CommaOrEnd))) => {
                if let Some(frame) = stack.pop() {
                    nodes[frame.node].next = nodes.len() as u32;
                }
                at += 1;
            }
            (_, Some((_, Next::Colon | Next::CommaOrEnd))) => {
                return Err(unexpected(text, at, expects));
            }
            (b'"', _) => match scan_string(text, at + 1, ESCAPES)? {
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
            (_, Some((true, Next::FirstOrEnd | Next::Element))) => {
                return Err(unexpected(text, at, expects));
            }
            (b'[' | b'{', _) => {
                open(&mut stack, nodes, byte == b'{', at)?;
                at += 1;
                continue;
            }
            _ => match scalar(text, at, complete, nodes)? {
                Some(end) => at = end,
                None => return cut(&stack, at, complete),
            },
        }
        match stack.last_mut() {
            None => return Ok(Scan::Form(at)),
            Some(frame) => {
                let key = frame.object && frame.next != Next::Value;
                frame.next = if key { Next::Colon } else { Next::CommaOrEnd };
            }
        }
    }
}

/// Skips white space and commas between rows.
pub(crate) fn skip_space(text: &[u8], from: usize, _complete: bool) -> Option<usize> {
    let length = text[from..].iter().position(|&byte| !is_space(byte, true));
    Some(length.map_or(text.len(), |length| from + length))
}

const fn is_space(byte: u8, between_rows: bool) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n') || between_rows && byte == b','
}

fn set_next(stack: &mut [Frame], next: Next) {
    if let Some(frame) = stack.last_mut() {
        frame.next = next;
    }
}

fn open(
    stack: &mut Vec<Frame>,
    nodes: &mut Vec<Node>,
    object: bool,
    start: usize,
) -> Result<(), Problem> {
    if stack.len() >= MAX_DEPTH {
        return Err(Problem::new(
            start,
            format!("values are nested more than {MAX_DEPTH} deep"),
            "the operations of a history",
        ));
    }
    stack.push(Frame {
        object,
        node: nodes.len(),
        start,
        next: Next::FirstOrEnd,
    });
    let token = if object { Token::Map } else { Token::Vector };
    push(nodes, token, start, start + 1);
    Ok(())
}

/// A number, boolean or null: its end.
fn scalar(
    text: &[u8],
    at: usize,
    complete: bool,
    nodes: &mut Vec<Node>,
) -> Result<Option<usize>, Problem> {
    let word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    let end = match text[at..].iter().position(|byte| !word(byte)) {
        Some(length) => at + length,
        None if complete => text.len(),
        None => return Ok(None),
    };
    let token = match &text[at..end] {
        b"null" => Token::Nil,
        b"true" | b"false" => Token::Bool,
        word if is_number(word) => match std::str::from_utf8(word).ok().and_then(parse_int) {
            Some(_) => Token::Int,
            None => Token::Number,
        },
        _ => return Err(unexpected(text, at, None)),
    };
    push(nodes, token, at, end);
    Ok(Some(end))
}

fn is_number(word: &[u8]) -> bool {
    let digits = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_digit);
    let unsigned = word.strip_prefix(b"-").unwrap_or(word);
    let exponent_at = unsigned.iter().position(|byte| matches!(byte, b'e' | b'E'));
    let (mantissa, exponent) = match exponent_at {
        Some(at) => (&unsigned[..at], Some(&unsigned[at + 1..])),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.iter().position(|&byte| byte == b'.') {
        Some(at) => (&mantissa[..at], Some(&mantissa[at + 1..])),
        None => (mantissa, None),
    };
    digits(whole)
        && (whole.len() == 1 || whole[0] != b'0')
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|exponent| match exponent {
            [b'+' | b'-', rest @ ..] => digits(rest),
            all => digits(all),
        })
}

fn unexpected(text: &[u8], at: usize, expects: Option<(bool, Next)>) -> Problem {
    let expected = match expects {
        Some((true, Next::FirstOrEnd | Next::Element)) => "a key in quotes",
        Some((_, Next::Colon)) => "`:`",
        Some((true, Next::CommaOrEnd)) => "`,` or `}`",
        Some((false, Next::CommaOrEnd)) => "`,` or `]`",
        _ => "a JSON value",
    };
    let found = match text[at] {
        byte @ b' '..=b'~' => (byte as char).to_string(),
        byte => byte.escape_ascii().to_string(),
    };
    Problem::new(at, format!("`{found}` is not JSON here"), expected)
}

/// The text ends: in the middle of something, or after space.
fn cut(stack: &[Frame], at: usize, complete: bool) -> Result<Scan, Problem> {
    match stack.last() {
        None => Ok(Scan::Space(at)),
        Some(_) if !complete => Ok(Scan::More),
        Some(frame) => Err(Problem::new(
            frame.start,
            "the file ends within what is opened here",
            if frame.object { "`}`" } else { "`]`" },
        )),
    }
}
