//! `polygraph lint`: what looks wrong with a history itself, without any verdict.

use std::path::PathBuf;

use clap::Args;
use polygraph_checker::lint;
use polygraph_results::LintReport;
use serde::Serialize;

use super::check::{OnOff, load, read_options};
use super::failure::Failure;
use crate::judge::exit;

/// Say what looks wrong with a history itself: errors under the wrong outcome, values written
/// twice or never, clocks that run backwards. Findings are warnings: the exit code is 0 if the
/// file can be read.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The file; recognised by its content
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The format (`polygraph list formats`) [default: recognised]
    #[arg(long, value_name = "NAME")]
    format: Option<String>,
    /// Whether values `[k v]` are a key and its value [default: when every value is one]
    #[arg(long, value_name = "on|off")]
    keyed: Option<OnOff>,
    /// Print one line of JSON
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Linted {
    polygraph: u32,
    command: &'static str,
    exit: u8,
    lint: Vec<LintReport>,
}

pub(super) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    let options = read_options(arguments.format.as_deref(), arguments.keyed)?;
    let reading = load(&arguments.file, options)?;
    let findings: Vec<LintReport> = lint(&reading.history).into_iter().map(Into::into).collect();
    let text = match (arguments.json, findings.is_empty()) {
        (true, _) => {
            let linted = Linted {
                polygraph: 1,
                command: "lint",
                exit: exit::OK,
                lint: findings,
            };
            serde_json::to_string(&linted).expect("findings are JSON") + "\n"
        }
        (false, true) => "lint: nothing found\n".to_owned(),
        (false, false) => {
            let lines = findings.iter().map(|finding| finding.lines(usize::MAX));
            lines.collect()
        }
    };
    super::print(&text);
    Ok(exit::OK)
}
