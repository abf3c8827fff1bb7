//! Why there is no verdict: a sentence, where, and what would be right.

use std::path::Path;

use polygraph_history::ReadError;
use polygraph_results::{ErrorBody, ErrorReport};

use crate::judge::exit;

/// A failure that ends the program.
#[derive(Debug)]
pub(super) struct Failure {
    body: Box<ErrorBody>,
    exit: u8,
}

impl Failure {
    /// The command line is wrong.
    pub(super) fn usage(message: impl Into<String>) -> Failure {
        let body = ErrorBody {
            kind: "usage",
            message: message.into(),
            ..ErrorBody::default()
        };
        Failure {
            body: Box::new(body),
            exit: exit::USAGE,
        }
    }

    /// A file is wrong.
    pub(super) fn input(body: ErrorBody) -> Failure {
        Failure {
            body: Box::new(ErrorBody {
                kind: "input",
                ..body
            }),
            exit: exit::USAGE,
        }
    }

    /// A file cannot be understood.
    pub(super) fn unreadable(file: &Path, error: ReadError) -> Failure {
        let message = format!("{}: {error}", file.display());
        let ReadError {
            line,
            column,
            field,
            expected,
            ..
        } = error;
        Failure::input(ErrorBody {
            kind: "input",
            message,
            file: Some(file.display().to_string()),
            line: Some(line),
            column: Some(column),
            field,
            expected: (!expected.is_empty()).then_some(expected),
        })
    }

    /// The harness failed.
    pub(super) fn harness(error: &anyhow::Error) -> Failure {
        let message = format!("{error:#}");
        let body = ErrorBody {
            kind: "harness",
            message,
            ..ErrorBody::default()
        };
        Failure {
            body: Box::new(body),
            exit: exit::HARNESS,
        }
    }

    /// The user ended it before there was anything to judge.
    pub(super) fn interrupted(error: &anyhow::Error) -> Failure {
        Failure {
            exit: exit::INTERRUPTED,
            ..Failure::harness(error)
        }
    }

    /// There is a bug of ours.
    pub(super) fn bug(message: impl Into<String>) -> Failure {
        let body = ErrorBody {
            kind: "bug",
            message: message.into(),
            ..ErrorBody::default()
        };
        Failure {
            body: Box::new(body),
            exit: exit::HARNESS,
        }
    }

    /// The sentence.
    pub(super) fn message(&self) -> &str {
        &self.body.message
    }

    /// The exit code that it means.
    pub(super) const fn code(&self) -> u8 {
        self.exit
    }

    /// Tells the user; gives back the exit code.
    pub(super) fn tell(self, json: bool) -> u8 {
        eprintln!("polygraph: {}", self.body.message);
        if json {
            let report = ErrorReport {
                polygraph: 1,
                error: *self.body,
                exit: self.exit,
            };
            let line = serde_json::to_string(&report).expect("reports are JSON");
            super::print(&format!("{line}\n"));
        }
        self.exit
    }
}
