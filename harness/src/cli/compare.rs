//! `polygraph compare`: two verdicts side by side.

use std::path::PathBuf;

use clap::Args;
use polygraph_results::compare;

use super::failure::Failure;
use crate::judge::exit;

/// Compare two runs or campaigns: what is new, what is gone, what has changed.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The folder or the verdicts of the first
    before: PathBuf,
    /// The folder or the verdicts of the second
    after: PathBuf,
    /// Exit with 1 if the second has an anomaly that the first does not have
    #[arg(long)]
    fail_on_new: bool,
    /// Print one line of JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    let compared = compare(&arguments.before, &arguments.after);
    let compared = compared.map_err(|body| Failure::input(*body))?;
    super::print(&match arguments.json {
        true => serde_json::to_string(&compared).expect("comparisons are JSON") + "\n",
        false => compared.lines(),
    });
    Ok(match arguments.fail_on_new && !compared.new.is_empty() {
        true => exit::VIOLATED,
        false => exit::OK,
    })
}
