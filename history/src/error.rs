//! Why a file is not a history.

use std::io;

/// Why a file is not a history: what, where, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {problem}{}", expected_suffix(.expected))]
pub struct ReadError {
    /// The line, counted from one.
    pub line: usize,
    /// The column, counted from one in bytes.
    pub column: usize,
    /// The field at fault, where it is known.
    pub field: Option<String>,
    /// What is wrong.
    pub problem: String,
    /// What would be right; may be empty.
    pub expected: String,
}

fn expected_suffix(expected: &str) -> String {
    match expected {
        "" => String::new(),
        expected => format!("; expected {expected}"),
    }
}

impl ReadError {
    /// An error at a place, not about a particular field.
    pub(crate) fn at(
        (line, column): (usize, usize),
        problem: impl Into<String>,
        expected: impl Into<String>,
    ) -> ReadError {
        ReadError {
            line,
            column,
            field: None,
            problem: problem.into(),
            expected: expected.into(),
        }
    }

    /// What the operating system said while reading.
    pub(crate) fn io(place: (usize, usize), error: &io::Error) -> ReadError {
        match error.kind() {
            io::ErrorKind::IsADirectory => ReadError::at(place, "it is a directory", "a file"),
            _ => ReadError::at(place, format!("it cannot be read: {error}"), ""),
        }
    }

    /// A file without a single byte that counts.
    pub(crate) fn empty() -> ReadError {
        ReadError::at((1, 1), "the file is empty", "a history")
    }
}
