//! `polygraph report`: what a run or a campaign found, in the formats of others.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use polygraph_results::{Suite, format, page};

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
    /// Where it goes [default: report.html in the folder for html, else the standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Count what is not decided as an error in JUnit XML, not as skipped
    #[arg(long)]
    strict: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// For pull requests, wikis and step summaries
    Markdown,
    /// One line
    Json,
    /// What Jenkins, GitLab and others read
    Junit,
    /// What code scanning reads
    Sarif,
    /// A page that needs nothing else
    Html,
}

pub(super) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    let text = match arguments.format {
        Format::Markdown => format::markdown(&suite(&arguments.run)?),
        Format::Json => format::json(&suite(&arguments.run)?),
        Format::Junit => format::junit(&suite(&arguments.run)?, arguments.strict)
            .map_err(|problem| Failure::bug(format!("JUnit XML cannot be written: {problem}")))?,
        Format::Sarif => format::sarif(&suite(&arguments.run)?),
        Format::Html => return html(arguments),
    };
    match &arguments.output {
        Some(file) => write(file, &text)?,
        None => super::print(&text),
    }
    Ok(exit::OK)
}

fn suite(run: &Path) -> Result<Suite, Failure> {
    Suite::read(run).map_err(|body| Failure::input(*body))
}

/// Writes the page, and says where it is.
fn html(arguments: &Arguments) -> Result<u8, Failure> {
    let folder = &arguments.run;
    let page = page::of_folder(folder).map_err(|error| Failure::usage(error.to_string()))?;
    let beside = folder.join("report.html");
    let file = arguments.output.as_ref().unwrap_or(&beside);
    write(file, &page)?;
    super::print(&format!("page: {}\n", file.display()));
    Ok(exit::OK)
}

/// Writes a report to a file.
pub(super) fn write(file: &Path, text: &str) -> Result<(), Failure> {
    fs::write(file, text).map_err(|error| {
        Failure::usage(format!("{}: it cannot be written: {error}", file.display()))
    })
}
