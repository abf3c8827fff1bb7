//! The plan of a run: the operations as they were issued, for `plan.jsonl` and for replay.

use std::io::{BufRead, Write};

use polygraph_history::{NodeId, Op, Time};
use serde::{Deserialize, Serialize};

/// An operation as it was issued.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedOp {
    /// Its number, which is its request's.
    pub id: u64,
    /// The client.
    pub client: usize,
    /// When it was due; it is issued then, or as soon as its client is free.
    pub at: Time,
    /// The node that is asked.
    pub node: NodeId,
    /// What is asked for.
    pub op: Op,
}

/// Writes values one a line.
///
/// # Errors
/// What writing gives.
pub fn write_lines<T: Serialize>(out: &mut impl Write, values: &[T]) -> std::io::Result<()> {
    for value in values {
        serde_json::to_writer(&mut *out, value)?;
        out.write_all(b"\n")?;
    }
    out.flush()
}

/// Reads values one a line.
///
/// # Errors
/// A sentence that names the line.
pub fn read_lines<T: for<'de> Deserialize<'de>>(input: impl BufRead) -> Result<Vec<T>, String> {
    let mut values = Vec::new();
    for (number, line) in input.lines().enumerate() {
        let line = line.map_err(|error| format!("line {}: {error}", number + 1))?;
        if !line.trim().is_empty() {
            let value = serde_json::from_str(&line);
            values.push(value.map_err(|error| format!("line {}: {error}", number + 1))?);
        }
    }
    Ok(values)
}
