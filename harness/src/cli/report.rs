//! `polygraph report`: what a run or a campaign found, in the formats of others.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use polygraph_results::{Suite, format};

use super::failure::Failure;
use crate::judge::exit;

/// Tell what a run or a campaign found in another format.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The folder of a run or of a campaign, or the file of its verdicts
    run: PathBuf,
    /// In which format
    #[arg(long, value_name = "NAME", default_value = "markdown")]
    format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// For pull requests, wikis and step summaries
    Markdown,
    /// One line
    Json,
}

pub(super) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    let suite = Suite::read(&arguments.run).map_err(|body| Failure::input(*body))?;
    let text = match arguments.format {
        Format::Markdown => format::markdown(&suite),
        Format::Json => format::json(&suite),
    };
    super::print(&text);
    Ok(exit::OK)
}
