//! Other people's histories: Jepsen's in EDN, JSON and as console logs, and Porcupine's logs.
//!
//! All end in the same [`History`]: a syntax gives forms, a form is a row, a row is an event, and
//! rows are paired. In all of them nil denotes the initial value. Start in [`crate::read`].

mod assemble;
mod edn;
mod json;
mod log;
mod ops;
mod row;
mod source;
mod tape;
mod text;

use std::io::BufRead;

pub(crate) use log::parse as parse_log_line;
pub(crate) use ops::Keying;
pub(crate) use source::{Source, Syntax};
pub(crate) use tape::Token;

use crate::{Format, History, ReadError};
use assemble::Assembly;
use ops::Ops;
use row::Row;

/// Reads a history of another tool, and says whether tuples were keys and values.
///
/// # Errors
/// For anything that is not as the format says, and for what reading gives.
pub(crate) fn read(
    input: impl BufRead,
    format: Format,
    keying: Keying,
) -> Result<(History, bool), ReadError> {
    let mut assembly = Assembly::new(Ops::new(keying));
    match format {
        Format::JepsenLog => log::read(input, &mut assembly)?,
        Format::JepsenJson => read_rows(input, Syntax::Json, false, &mut assembly)?,
        Format::PorcupineKv => read_rows(input, Syntax::Edn, true, &mut assembly)?,
        Format::JepsenEdn | Format::Polygraph => {
            read_rows(input, Syntax::Edn, false, &mut assembly)?;
        }
    }
    let keyed = assembly.ops.keyed();
    Ok((assembly.finish()?, keyed))
}

fn read_rows(
    input: impl BufRead,
    syntax: Syntax,
    porcupine: bool,
    assembly: &mut Assembly,
) -> Result<(), ReadError> {
    Source::new(input, syntax).for_each(|form, place| {
        let row = Row::of(form)?;
        assembly.add(&row, place, |ops, row, earlier| match porcupine {
            true => ops.porcupine_kv(row),
            false => ops.jepsen(row, earlier),
        })
    })
}
