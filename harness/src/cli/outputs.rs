//! The files of other formats that a campaign or a merge writes besides, and what GitHub is told.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use polygraph_results::{Suite, format};

use super::failure::Failure;

/// Where results go in the formats of others.
#[derive(Clone, Debug, Args)]
pub(super) struct Outputs {
    /// Write JUnit XML
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Write SARIF 2.1.0
    #[arg(long, value_name = "FILE")]
    sarif: Option<PathBuf>,
    /// Write Markdown
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Put the records of runs that are worth a look in one archive (.tar.gz)
    #[arg(long, value_name = "FILE")]
    pub(super) archive: Option<PathBuf>,
    /// Count what is not decided as an error in JUnit XML, not as skipped
    #[arg(long)]
    strict: bool,
}

impl Outputs {
    /// Writes everything that was asked for, and what GitHub shows where it runs this.
    pub(super) fn write(&self, suite: &Suite, json: bool) -> Result<(), Failure> {
        if let Some(file) = &self.junit {
            let text = format::junit(suite, self.strict).map_err(|problem| {
                Failure::bug(format!("JUnit XML cannot be written: {problem}"))
            })?;
            write(file, &text)?;
        }
        if let Some(file) = &self.sarif {
            write(file, &format::sarif(suite))?;
        }
        if let Some(file) = &self.markdown {
            write(file, &format::markdown(suite))?;
        }
        if std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true") {
            tell_github(suite, json)?;
        }
        Ok(())
    }
}

/// Annotations, and the summary of the step.
fn tell_github(suite: &Suite, json: bool) -> Result<(), Failure> {
    let annotations = format::github::annotations(suite);
    match json {
        // Standard output is one line of JSON; commands are read from standard error, too.
        true => eprint!("{annotations}"),
        false => super::print(&annotations),
    }
    let Some(path) = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()) else {
        return Ok(());
    };
    let path = PathBuf::from(path);
    let already = fs::metadata(&path).map_or(0, |file| file.len());
    let already = usize::try_from(already).unwrap_or(usize::MAX);
    let text = format::github::step_summary(suite, already);
    let mut file = fs::OpenOptions::new().create(true).append(true).open(&path);
    file.as_mut()
        .map_err(|error| std::io::Error::new(error.kind(), error.to_string()))
        .and_then(|file| file.write_all(text.as_bytes()))
        .map_err(|error| unwritable(&path, &error))
}

/// Writes a file, whose folder is made if there is none.
pub(super) fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    parent
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| fs::write(path, text))
        .map_err(|error| unwritable(path, &error))
}

/// What is told of a file that cannot be written.
pub(super) fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::harness(&anyhow::anyhow!(
        "{}: it cannot be written: {error}",
        path.display()
    ))
}
