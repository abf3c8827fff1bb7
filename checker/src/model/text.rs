//! A text that is written, extended at its end, and read as a whole.

use std::fmt;

use polygraph_history::{Op, Outcome, Value};

use super::{Call, Foreign, Model, Object};

/// A text that is empty at first.
#[derive(Clone, Copy, Debug, Default)]
pub struct Text;

/// An operation on a [`Text`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum TextOp {
    /// This is written in place of what is there.
    Write(Box<str>),
    /// This is written behind what is there.
    Append(Box<str>),
    /// A read that found just this.
    Read(Box<str>),
}

/// A read that cannot be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextRefusal {
    /// What was read.
    pub read: Box<str>,
    /// What is there.
    pub holds: Box<str>,
}

impl fmt::Display for TextRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TextRefusal { read, holds } = self;
        let same = (read.chars().zip(holds.chars())).take_while(|(one, other)| one == other);
        let rest = |text: &str, at: usize| text.chars().skip(at).collect::<String>();
        match same.count() {
            0 => write!(f, "cannot read {read:?} where {holds:?} is"),
            same => write!(
                f,
                "cannot read {:?} after the first {same} characters: {:?} is there",
                rest(read, same),
                rest(holds, same)
            ),
        }
    }
}

impl Model for Text {
    type State = Box<str>;
    type Op = TextOp;
    type Refusal = TextRefusal;

    fn name(&self) -> &'static str {
        "text"
    }

    fn initial(&self) -> Box<str> {
        Box::default()
    }

    fn step(&self, state: &Box<str>, op: &TextOp) -> Result<Box<str>, TextRefusal> {
        match op {
            TextOp::Write(text) => Ok(text.clone()),
            TextOp::Append(text) => Ok([&**state, &**text].concat().into()),
            TextOp::Read(text) if text == state => Ok(state.clone()),
            TextOp::Read(text) => Err(TextRefusal {
                read: text.clone(),
                holds: state.clone(),
            }),
        }
    }

    fn only_observes(&self, op: &TextOp) -> bool {
        matches!(op, TextOp::Read(_))
    }

    fn enables(&self, op: &TextOp, later: &TextOp) -> bool {
        let TextOp::Read(read) = later else {
            return false;
        };
        match op {
            TextOp::Write(text) => read.starts_with(&**text),
            TextOp::Append(text) => read.contains(&**text),
            TextOp::Read(_) => false,
        }
    }

    fn heap_bytes(&self, state: &Box<str>) -> usize {
        state.len()
    }
}

impl Object for Text {
    fn action(call: &Call<'_>) -> Result<Option<TextOp>, Foreign> {
        Ok(match (call.op, call.outcome) {
            // Where offsets are told the object is a log.
            (
                Op::Append {
                    offset: Some(_), ..
                },
                Outcome::Ok,
            ) => return Err(Foreign),
            (Op::Write { value, .. }, Outcome::Ok | Outcome::Info) => {
                Some(TextOp::Write(text(value)?))
            }
            (Op::Append { value, .. }, Outcome::Ok | Outcome::Info) => {
                Some(TextOp::Append(text(value)?))
            }
            (
                Op::Read {
                    value: Some(value), ..
                },
                Outcome::Ok,
            ) => Some(TextOp::Read(text(value)?)),
            (Op::Read { .. } | Op::Write { .. } | Op::Append { .. }, _) => None,
            _ => return Err(Foreign),
        })
    }
}

/// The text that a value is; nothing is the empty one.
fn text(value: &Value) -> Result<Box<str>, Foreign> {
    match value {
        Value::Text(text) => Ok(Box::from(&**text)),
        Value::Null => Ok(Box::default()),
        Value::Int(_) | Value::List(_) => Err(Foreign),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_grows_at_its_end_and_is_replaced_as_a_whole() {
        let run = |ops: &[TextOp]| {
            let mut ops = ops.iter();
            ops.try_fold(Text.initial(), |state, op| Text.step(&state, op))
        };
        let (write, append, read) = (
            |text: &str| TextOp::Write(text.into()),
            |text: &str| TextOp::Append(text.into()),
            |text: &str| TextOp::Read(text.into()),
        );
        assert!(run(&[read(""), append("a"), append("b"), read("ab")]).is_ok());
        assert!(run(&[append("a"), write("c"), append("b"), read("cb")]).is_ok());
        let refusal = run(&[append("a"), append("b"), read("ac")]).unwrap_err();
        assert_eq!(
            refusal.to_string(),
            "cannot read \"c\" after the first 1 characters: \"b\" is there"
        );
        let refusal = run(&[write("a"), read("")]).unwrap_err();
        assert_eq!(refusal.to_string(), "cannot read \"\" where \"a\" is");
    }
}
