//! A stream of text as lines of words, with their places.

use std::io::BufRead;

use crate::{ReadError, Value};

/// Hands each line, with its number, to `each`.
///
/// # Errors
/// For what is not text, for what reading gives, and for what `each` finds.
pub(super) fn for_each(
    mut input: impl BufRead,
    mut each: impl FnMut(&str, usize) -> Result<(), ReadError>,
) -> Result<(), ReadError> {
    let mut bytes = Vec::new();
    for number in 1.. {
        bytes.clear();
        let read = input.read_until(b'\n', &mut bytes);
        if read.map_err(|error| ReadError::io((number, 1), &error))? == 0 {
            break;
        }
        let text = std::str::from_utf8(&bytes).map_err(|error| {
            let place = (number, error.valid_up_to() + 1);
            ReadError::at(place, "a byte that is not text", "UTF-8")
        })?;
        each(text.trim_end(), number)?;
    }
    Ok(())
}

/// A word of a line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Word<'a> {
    pub(super) text: &'a str,
    /// Its line and column.
    pub(super) place: (usize, usize),
}

impl Word<'_> {
    /// That it is not what it should be.
    pub(super) fn error(self, what: &str, expected: &str) -> ReadError {
        ReadError::at(
            self.place,
            format!("`{}` is no {what}", self.text),
            expected,
        )
    }
}

/// The words of a line.
pub(super) fn words(line: &str, number: usize) -> impl Iterator<Item = Word<'_>> {
    line.split_whitespace().map(move |text| {
        let offset = text.as_ptr() as usize - line.as_ptr() as usize;
        Word {
            text,
            place: (number, offset + 1),
        }
    })
}

/// A value as these texts write it: an integer, or any other word.
pub(super) fn value(text: &str) -> Value {
    match text.parse() {
        Ok(number) => Value::Int(number),
        Err(_) => Value::from(text),
    }
}
