//! A schedule that is given: a file of faults, one a line, instead of faults drawn from the seed.
//!
//! Some interleavings are known, from a paper or from a bug that somebody reported, and no seed
//! finds them in reasonable time: they need a handful of coincidences within milliseconds. A
//! script says who is cut off when, and then holds under every seed.
//!
//! - `line`: what a line may say. - `fit`: whether a cluster can be made to suffer it.
//!
//! **Invariant:** what is read here ends healed by the end that it was given, hits only nodes that
//! there are, and asks of a world only what it can do.

mod fit;
mod line;

use polygraph_history::random::text;
use polygraph_history::{FaultFamily, ReadError, Time};

use crate::{Env, Planned};

/// Reads a script for a run whose clients work until `end`: the faults in the order in which they
/// begin.
///
/// # Errors
/// The first line that is no fault of this cluster, where in it, and what would be right.
pub fn read(bytes: &[u8], env: &Env, end: Time) -> Result<Vec<Planned>, ReadError> {
    let mut faults: Vec<(usize, Planned)> = Vec::new();
    for (number, line) in (1..).zip(bytes.split(|&byte| byte == b'\n')) {
        if line.trim_ascii().is_empty() {
            continue;
        }
        let ordinal = faults.len() as u64;
        let fault = line::read(line, ordinal).map_err(|wrong| wrong.at(number, line))?;
        fit::alone(&fault, env, end)
            .and_then(|()| fit::together(&fault, &faults))
            .map_err(|wrong| wrong.at(number, line))?;
        faults.push((number, fault));
    }
    if faults.is_empty() {
        return Err(Wrong {
            token: String::new(),
            column: None,
            field: None,
            problem: "the file holds no fault".to_owned(),
            expected: line::EXAMPLE.to_owned(),
        }
        .at(1, b""));
    }
    let mut faults: Vec<_> = faults.into_iter().map(|(_, fault)| fault).collect();
    faults.sort_by_key(|fault| (fault.start, fault.id));
    Ok(faults)
}

/// The families that a schedule's faults are of, in the order in which they are shown.
#[must_use]
pub fn families(schedule: &[Planned]) -> Vec<FaultFamily> {
    let is_in = |family: &FaultFamily| schedule.iter().any(|fault| fault.family == *family);
    FaultFamily::ALL.iter().copied().filter(is_in).collect()
}

/// A short name for a schedule: two that are alike in every fault have the same.
#[must_use]
pub fn digest(schedule: &[Planned]) -> String {
    let written = serde_json::to_string(schedule).expect("faults are JSON");
    format!("{:016x}", text(&written))
}

/// What is wrong with a line.
#[derive(Debug)]
struct Wrong {
    /// What is at fault, as it stands in the line; empty for the whole line.
    token: String,
    /// Where that is, counted from one in bytes, if it is known already.
    column: Option<usize>,
    field: Option<&'static str>,
    problem: String,
    expected: String,
}

impl Wrong {
    /// About a field.
    fn new(
        field: &'static str,
        token: impl Into<String>,
        problem: impl Into<String>,
        expected: impl Into<String>,
    ) -> Wrong {
        Wrong {
            token: token.into(),
            column: None,
            field: Some(field),
            problem: problem.into(),
            expected: expected.into(),
        }
    }

    fn at(self, number: usize, line: &[u8]) -> ReadError {
        let token = self.token.as_bytes();
        let found = || {
            let mut places = line.windows(token.len().max(1));
            places.position(|place| place == token).map(|at| at + 1)
        };
        ReadError {
            line: number,
            column: self.column.or_else(found).unwrap_or(1),
            field: self.field.map(str::to_owned),
            problem: self.problem,
            expected: self.expected,
        }
    }
}

#[cfg(test)]
mod tests;
