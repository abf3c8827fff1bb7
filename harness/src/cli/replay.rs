//! `polygraph replay`: the same run once more.

use std::path::PathBuf;

use clap::Args;
use polygraph_checker::Options;
use polygraph_results::Folder;

use super::drawing::Drawing;
use super::failure::Failure;
use super::progress::Line;
use super::signals::{INTERRUPT, listen};
use super::target_file;
use super::test::{folder_name, show};
use crate::judge::exit;
use crate::replay::{load_spec, replay};
use crate::spec::Resolved;

/// Run a recorded run once more, to the letter, and compare the bytes.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The folder of the run
    run: PathBuf,
    /// The file that describes the target, if it is none of ours
    #[arg(long, value_name = "FILE")]
    target_file: Option<PathBuf>,
    /// Where the folder of the new run goes [default: beside the old one]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print the verdict as one line of JSON
    #[arg(long)]
    json: bool,
    /// Show no progress and no diagrams
    #[arg(long)]
    quiet: bool,
    #[command(flatten)]
    drawing: Drawing,
}

pub(super) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    // `latest` points elsewhere as soon as the new folder is made.
    let path = arguments.run.canonicalize().map_err(|error| {
        Failure::usage(format!(
            "there is no run at {}: {error}",
            arguments.run.display()
        ))
    })?;
    let spec = load_spec(&path).map_err(Failure::usage)?;
    let file = arguments.target_file.as_deref().map(target_file::read);
    let resolved = Resolved::of(spec, file.transpose()?).map_err(Failure::usage)?;
    listen();
    let beside = arguments
        .run
        .parent()
        .map(PathBuf::from)
        .unwrap_or_default();
    let out = arguments.out.clone().unwrap_or(beside);
    let line = Line::new(arguments.quiet || arguments.json);
    let replayed = Folder::create(&out, &folder_name(&resolved))
        .map_err(anyhow::Error::from)
        .and_then(|folder| {
            let progress = |progress| line.show(progress);
            replay(
                &path,
                &resolved,
                &Options::default(),
                &folder,
                &INTERRUPT,
                &progress,
            )
        });
    drop(line);
    let (mut report, identical) = replayed.map_err(|error| Failure::harness(&error))?;
    let exact = resolved.spec.world == "sim";
    if !identical && exact {
        report.exit = exit::HARNESS;
        report.verdict = crate::judge::whole(exit::HARNESS);
        report
            .warnings
            .push("the bytes of the history differ from the recorded run's".to_owned());
    }
    let &Arguments {
        json,
        quiet,
        drawing,
        ..
    } = arguments;
    show(&report, json, quiet, drawing);
    if !arguments.json {
        super::print(match (identical, exact) {
            (true, _) => "history: identical bytes\n",
            (false, true) => "history: DIFFERENT BYTES, a bug of polygraph\n",
            (false, false) => "history: differs, as real processes do\n",
        });
    }
    Ok(report.exit)
}
