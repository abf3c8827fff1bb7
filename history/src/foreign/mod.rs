//! Other people's histories: Jepsen's in EDN, JSON and as console logs, Porcupine's logs, and the
//! texts of fastlin and its kin and of LiMo.
//!
//! All end in the same [`History`]: a syntax gives forms, a form is a row, a row is an event, and
//! rows are paired; the texts have a line for each. In all of them nil denotes the initial value.
//! Start in [`crate::read()`].

mod assemble;
mod containers;
mod edn;
mod fastlin;
mod json;
mod limo;
mod lines;
mod log;
mod ops;
mod quick;
mod row;
mod rows;
mod source;
mod steps;
mod tape;
mod text;

use std::io::BufRead;

pub(crate) use fastlin::{is_header as is_fastlin, object as fastlin_object};
pub(crate) use limo::is_header as is_limo;
pub(crate) use log::parse as parse_log_line;
pub(crate) use ops::Keying;
pub(crate) use source::{Source, Syntax};
pub(crate) use tape::Token;

use crate::{History, ReadError};
use assemble::Assembly;
use ops::Ops;
use row::Row;

/// How a history of another tool is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Jepsen's rows in this syntax.
    Rows(Syntax),
    /// Jepsen's lines.
    Log,
    /// Porcupine's rows, in EDN.
    PorcupineKv,
    /// The lines of fastlin.
    Fastlin,
    /// The lines of LiMo.
    Limo,
}

/// Reads a history of another tool, and says whether tuples were keys and values.
///
/// # Errors
/// For anything that is not as the dialect says, and for what reading gives.
pub(crate) fn read(
    input: impl BufRead,
    dialect: Dialect,
    keying: Keying,
) -> Result<(History, bool), ReadError> {
    read_with(input, dialect, keying, true)
}

/// Reads a history of another tool, with usual rows on the short way or like all others.
pub(crate) fn read_with(
    input: impl BufRead,
    dialect: Dialect,
    keying: Keying,
    short: bool,
) -> Result<(History, bool), ReadError> {
    let mut assembly = Assembly::new(Ops::new(keying), short);
    match dialect {
        Dialect::Fastlin => return Ok((fastlin::read(input)?, false)),
        Dialect::Limo => return Ok((limo::read(input)?, false)),
        Dialect::Log => log::read(input, &mut assembly)?,
        Dialect::Rows(Syntax::Edn) => Source::new(input, Syntax::Edn).for_each_with(
            &mut assembly,
            Assembly::quick,
            |assembly, form, place| assembly.add(&Row::of(form)?, place, Ops::jepsen),
        )?,
        Dialect::Rows(Syntax::Json) => Source::new(input, Syntax::Json)
            .for_each(|form, place| assembly.add(&Row::of(form)?, place, Ops::jepsen))?,
        Dialect::PorcupineKv => Source::new(input, Syntax::Edn).for_each(|form, place| {
            assembly.add(&Row::of(form)?, place, |ops, row, _| ops.porcupine_kv(row))
        })?,
    }
    let keyed = assembly.ops.keyed();
    Ok((assembly.finish()?, keyed))
}
