//! The texts of LiMo: `# @object atomic-queue`, then calls and returns as they happened.
//!
//! `[1] call add(1)` and `[1] return`; `[2] call remove` and `[2] return 1`, or `return empty`.
//! Where a removal's result stands with its call, as in `[2] call pop(1)`, it is its result once
//! it has returned. A removal that returned without saying what is one of unknown result.

use std::collections::BTreeMap;
use std::io::BufRead;

use super::containers::Container;
use super::lines::{self, Word, value, words};
use crate::history::{Builder, Head, History, Order};
use crate::{Key, Kind, Op, ReadError, Time, Value};

/// The key of the only object.
const SINGLE: &str = "x";

/// How a line looks.
const EXPECTED: &str = "a line like `[1] call add(5)` or `[1] return 5`";

/// What the comment that names the object says before it.
const OBJECT: &str = "@object";

/// Whether a line says what these texts are about.
pub(crate) fn is_header(line: &str) -> bool {
    let words: Vec<&str> = line.trim_start_matches('#').split_whitespace().collect();
    line.starts_with('#') && matches!(words[..], [OBJECT, _])
}

/// Reads all lines.
///
/// # Errors
/// For a line that is none of these, and for what reading gives.
pub(super) fn read(input: impl BufRead) -> Result<History, ReadError> {
    let mut builder = Builder::new(false);
    let mut calls = Calls {
        key: builder.key(SINGLE),
        container: None,
        open: BTreeMap::new(),
    };
    lines::for_each(input, |line, number| {
        let line = line.trim_start_matches('\u{feff}');
        if line.trim().is_empty() {
            return Ok(());
        }
        if line.trim_start().starts_with('#') {
            if is_header(line) {
                let name = line.split_whitespace().next_back().unwrap_or_default();
                calls.container = Some(Container::named(name));
            }
            return Ok(());
        }
        let (process, kind, op) = calls.line(line, number)?;
        let head = Head {
            time: Time(0),
            process,
            kind,
        };
        let added = builder.client(head, op);
        added.map_err(|invalid| ReadError::at((number, 1), invalid.problem, invalid.expected))
    })?;
    match builder.len() {
        0 => Err(ReadError::at((1, 1), "the history has no event", EXPECTED)),
        _ => Ok(builder.finish(None, Order::Index)),
    }
}

/// What was called and has not returned.
struct Calls {
    key: Key,
    container: Option<Container>,
    open: BTreeMap<u64, Call>,
}

struct Call {
    method: String,
    argument: Option<Value>,
}

impl Calls {
    fn line(&mut self, line: &str, number: usize) -> Result<(u64, Kind, Op), ReadError> {
        let mut words = words(line, number);
        let (Some(thread), Some(verb)) = (words.next(), words.next()) else {
            let column = line.len() - line.trim_start().len() + 1;
            let problem = format!("`{}` is no call or return", line.trim());
            return Err(ReadError::at((number, column), problem, EXPECTED));
        };
        let process = (thread.text.strip_prefix('['))
            .and_then(|rest| rest.strip_suffix(']')?.parse::<u64>().ok())
            .ok_or_else(|| thread.error("thread", "one like `[1]`"))?;
        let rest: Vec<Word<'_>> = words.collect();
        match (verb.text, &rest[..]) {
            ("call", [call]) => self.call(process, *call, None),
            ("call", [call, argument]) => self.call(process, *call, Some(*argument)),
            ("return", []) => self.returned(process, thread, None),
            ("return", [result]) => self.returned(process, thread, Some(*result)),
            ("call", []) => Err(verb.error("call of a method", EXPECTED)),
            ("call" | "return", [_, .., last]) => Err(last.error("part of such a line", EXPECTED)),
            _ => Err(verb.error("call or return", EXPECTED)),
        }
    }

    /// `add(5)` or `add 5`.
    fn call(
        &mut self,
        process: u64,
        call: Word<'_>,
        argument: Option<Word<'_>>,
    ) -> Result<(u64, Kind, Op), ReadError> {
        let Some(container) = self.container else {
            let problem = "the text does not say what it is about";
            return Err(ReadError::at(
                (1, 1),
                problem,
                "a line like `# @object atomic-queue`",
            ));
        };
        let (method, inside) = match call.text.split_once('(') {
            None => (call.text, None),
            Some((method, rest)) => {
                let inside = rest.strip_suffix(')');
                let inside = inside.ok_or_else(|| call.error("call", "a closing parenthesis"))?;
                (method, Some(inside).filter(|inside| !inside.is_empty()))
            }
        };
        let argument = argument.map(|word| word.text).or(inside).map(value);
        let call_of = Call {
            method: method.to_owned(),
            argument,
        };
        let op = call_of.op(container, &self.key, None).ok_or_else(|| {
            let expected = match container {
                Container::Queue => "add(…), enq(…), remove or deq",
                Container::Stack => "push(…) or pop",
                container => container.methods(),
            };
            call.error("call that this object has", expected)
        })?;
        // That none is open is checked with the history.
        self.open.insert(process, call_of);
        Ok((process, Kind::Invoke, op))
    }

    fn returned(
        &mut self,
        process: u64,
        thread: Word<'_>,
        result: Option<Word<'_>>,
    ) -> Result<(u64, Kind, Op), ReadError> {
        let Some(call) = self.open.remove(&process) else {
            let problem = format!("thread {process} returns, but has called nothing");
            return Err(ReadError::at(thread.place, problem, "a call before it"));
        };
        let container = self.container.unwrap_or(Container::Other);
        let found = match result {
            Some(word) if word.text == "empty" => Some(Value::Null),
            Some(word) => Some(value(word.text)),
            None => call.argument.clone(),
        };
        if let (Some(word), Some(true)) = (result, container.puts(&call.method)) {
            return Err(word.error("result of this method", "nothing"));
        }
        let op = call.op(container, &self.key, found);
        let op = op.ok_or_else(|| thread.error("return of this object", EXPECTED))?;
        Ok((process, Kind::Ok, op))
    }
}

impl Call {
    /// The operation, with what it found if that is known.
    fn op(&self, container: Container, key: &Key, found: Option<Value>) -> Option<Op> {
        match container {
            Container::Queue | Container::Stack | Container::PriorityQueue => {
                let value = match container.puts(&self.method)? {
                    true => self.argument.clone(),
                    false => found,
                };
                container.op(key, &self.method, value)
            }
            _ => Some(Op::Custom {
                name: self.method.clone(),
                args: serde_json::json!([self.argument, found]),
            }),
        }
    }
}
