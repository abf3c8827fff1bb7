//! How histories are written, by hand and in one pass: a history may be larger than memory.

use std::io::{self, Write};

use super::object::{Answer, Call};
use super::run::Row;
use super::{Format, Model, Plan};

mod fastlin;
mod jepsen;
mod polygraph;
mod porcupine;

/// How an operation ended.
pub(super) enum Ended<'a> {
    Ok(&'a Answer),
    /// A compare-and-set found another value.
    Fail,
    Info,
}

/// One event.
struct Event<'a> {
    index: u64,
    time: u64,
    process: u64,
    key: u64,
    call: Call,
    /// How it ended; an invocation if absent.
    ended: Option<&'a Ended<'a>>,
    /// The index of the invocation.
    invoked: u64,
}

/// Writes a history.
pub(super) struct Pen<W> {
    out: W,
    line: Vec<u8>,
    model: Model,
    format: Format,
    /// Whether there is more than one key.
    keyed: bool,
    /// The index of the next event.
    index: u64,
    /// The time of the last one: no two have the same.
    time: u64,
    bytes: u64,
}

/// So much is handed over at once.
const CHUNK: usize = 1 << 18;

impl<W: Write> Pen<W> {
    pub(super) fn new(plan: &Plan, out: W) -> Pen<W> {
        Pen {
            out,
            line: Vec::with_capacity(CHUNK + 4096),
            model: plan.model,
            format: plan.format,
            keyed: plan.keys > 1 || plan.retire.is_some(),
            index: 0,
            time: 0,
            bytes: 0,
        }
    }

    /// What comes before the first event.
    pub(super) fn header(&mut self) -> io::Result<()> {
        match self.format {
            Format::Polygraph => polygraph::header(&mut self.line),
            Format::Fastlin => fastlin::header(&mut self.line, self.model),
            Format::JepsenEdn | Format::PorcupineKv => {}
        }
        Ok(())
    }

    /// The name of a key in the history.
    pub(super) fn key(&self, number: u64) -> String {
        match self.format {
            Format::Polygraph => format!("{}{number}", polygraph::KEY),
            Format::JepsenEdn if self.keyed => number.to_string(),
            Format::JepsenEdn | Format::Fastlin => "x".to_owned(),
            Format::PorcupineKv => number.to_string(),
        }
    }

    /// Writes an invocation, and gives back its index.
    pub(super) fn invoke(
        &mut self,
        now: u64,
        process: u64,
        key: u64,
        call: Call,
    ) -> io::Result<u64> {
        let invoked = self.index;
        self.event(now, process, key, (invoked, call), None)?;
        Ok(invoked)
    }

    /// Writes how an operation ended.
    pub(super) fn end(
        &mut self,
        now: u64,
        process: u64,
        key: u64,
        row: Row,
        ended: &Ended<'_>,
    ) -> io::Result<()> {
        self.event(now, process, key, row, Some(ended))
    }

    fn event(
        &mut self,
        now: u64,
        process: u64,
        key: u64,
        (invoked, call): Row,
        ended: Option<&Ended<'_>>,
    ) -> io::Result<()> {
        self.time = now.max(self.time + 1);
        let event = Event {
            index: self.index,
            time: self.time,
            process,
            key,
            call,
            ended,
            invoked,
        };
        self.index += 1;
        let line = &mut self.line;
        match self.format {
            Format::Polygraph => polygraph::event(line, self.model, &event),
            Format::JepsenEdn => jepsen::event(line, self.model, self.keyed, &event),
            Format::PorcupineKv => porcupine::event(line, &event),
            Format::Fastlin => fastlin::event(line, self.model, &event),
        }
        if self.line.len() >= CHUNK {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.write_all(&self.line)?;
        self.bytes += self.line.len() as u64;
        self.line.clear();
        Ok(())
    }

    /// Hands everything over; gives back how many events and bytes there were.
    pub(super) fn finish(&mut self) -> io::Result<(u64, u64)> {
        self.flush()?;
        self.out.flush()?;
        Ok((self.index, self.bytes))
    }
}

/// A number in decimal digits.
pub(super) fn number(line: &mut Vec<u8>, value: u64) {
    let mut digits = [0_u8; 20];
    let mut at = digits.len();
    let mut rest = value;
    loop {
        at -= 1;
        digits[at] = b'0' + u8::try_from(rest % 10).unwrap_or_default();
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    line.extend_from_slice(&digits[at..]);
}

/// The same with a sign if it needs one.
fn signed(line: &mut Vec<u8>, value: i64) {
    if value < 0 {
        line.push(b'-');
    }
    number(line, value.unsigned_abs());
}

pub(super) fn text(line: &mut Vec<u8>, text: &str) {
    line.extend_from_slice(text.as_bytes());
}
