//! `polygraph merge`: the shards of a campaign, made one.

use std::path::PathBuf;

use clap::Args;
use polygraph_results::Folder;
use polygraph_results::campaign::Verdicts;

use super::campaign::conclude;
use super::failure::Failure;
use super::outputs::{Outputs, unwritable, write};
use super::test::timestamp;
use crate::campaign::archive::Archive;
use crate::campaign::memory;
use crate::campaign::merge::{CAMPAIGN, MEMORY, merge};
use crate::campaign::verdicts::verdicts;

/// Make the shards of a campaign one: the same verdicts as one machine gives.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The folders of the shards
    #[arg(required = true, value_name = "DIR")]
    folders: Vec<PathBuf>,
    /// What is violated in these verdicts too is known
    #[arg(long, value_name = "VERDICTS")]
    baseline: Option<PathBuf>,
    /// Keep what failed in this file, as a campaign does beside its own
    #[arg(long, value_name = "FILE")]
    memory: Option<PathBuf>,
    /// Where the folder of the whole goes
    #[arg(long, value_name = "DIR", default_value = "campaigns")]
    out: PathBuf,
    #[command(flatten)]
    outputs: Outputs,
    /// Print the verdicts as one line of JSON
    #[arg(long)]
    json: bool,
    /// Do not name what is missing
    #[arg(long)]
    quiet: bool,
}

/// So many runs that are missing are named.
const NAMED: usize = 5;

pub(super) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    let merged = merge(&arguments.folders).map_err(|body| Failure::input(*body))?;
    let baseline = arguments
        .baseline
        .as_deref()
        .map(Verdicts::read)
        .transpose();
    let baseline = baseline.map_err(|body| Failure::input(*body))?;
    let verdicts = verdicts(&merged.plan, &merged.lines, baseline.as_ref(), merged.ended);
    if !merged.missing.is_empty() && !arguments.quiet && !arguments.json {
        let named: Vec<&str> = merged
            .missing
            .iter()
            .take(NAMED)
            .map(String::as_str)
            .collect();
        eprintln!(
            "polygraph: {} of {} runs are in none of these folders: {}{}",
            merged.missing.len(),
            merged.plan.units.len(),
            named.join(", "),
            if merged.missing.len() > NAMED {
                ", …"
            } else {
                ""
            },
        );
    }
    let folder = Folder::create(&arguments.out, &format!("{}-merged", timestamp()))
        .map_err(|error| unwritable(&arguments.out, &error))?;
    folder
        .write(CAMPAIGN, &merged.text)
        .and_then(|()| folder.write(MEMORY, &memory::text(&merged.plan.remembered)))
        .map_err(|error| unwritable(folder.path(), &error))?;
    let archive = archive(arguments)?;
    conclude(
        &verdicts,
        folder.path(),
        &arguments.outputs,
        archive,
        arguments.json,
    )?;
    if let Some(path) = &arguments.memory {
        let failures = memory::update(&merged.plan.remembered, &merged.lines, &verdicts);
        write(path, &memory::text(&failures))?;
    }
    if !arguments.quiet && !arguments.json {
        eprintln!("{}", folder.path().display());
    }
    Ok(verdicts.exit)
}

/// The records that the shards kept, in one archive.
fn archive(arguments: &Arguments) -> Result<Option<Archive>, Failure> {
    let Some(path) = &arguments.outputs.archive else {
        return Ok(None);
    };
    let put = || -> std::io::Result<Archive> {
        let archive = Archive::create(path)?;
        for folder in &arguments.folders {
            let Ok(entries) = std::fs::read_dir(folder.join("runs")) else {
                continue;
            };
            let mut runs: Vec<PathBuf> = entries.filter_map(|it| Some(it.ok()?.path())).collect();
            runs.sort();
            for run in runs {
                let name = run.file_name().unwrap_or_default().to_string_lossy();
                archive.put(&format!("runs/{name}"), &run)?;
            }
        }
        Ok(archive)
    };
    put().map(Some).map_err(|error| unwritable(path, &error))
}
