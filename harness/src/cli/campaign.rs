//! `polygraph campaign`: many tests from one file.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use clap::{Args, ValueEnum};
use polygraph_results::campaign::{FILE as VERDICTS, Verdicts};
use polygraph_results::{ErrorBody, Folder, Suite};

use super::failure::Failure;
use super::herald::{Herald, shown};
use super::outputs::{Outputs, unwritable, write};
use super::signals::{INTERRUPT, listen};
use super::test::timestamp;
use crate::campaign::archive::Archive;
use crate::campaign::cells::Plan;
use crate::campaign::emit::{Cluster, Filling, emit};
use crate::campaign::journal::{Header, Journal, Line, find};
use crate::campaign::memory;
use crate::campaign::merge::{CAMPAIGN, MEMORY};
use crate::campaign::place::Source;
use crate::campaign::run::{Way, run as run_plan};
use crate::campaign::shard::Shard;
use crate::campaign::verdicts::verdicts;
use crate::judge::exit;

/// Run many tests from one file: the product of its lists, with budgets and expectations.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The file (see docs/ci.md)
    file: PathBuf,
    /// Run a named profile of the file, such as `pr` or `nightly`
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Show the tests that would run, those that are left out, and why; run nothing
    #[arg(long)]
    list: bool,
    /// Run one of several parts; `polygraph merge` makes them one
    #[arg(long, value_name = "I/N", value_parser = clap::value_parser!(Shard))]
    shard: Option<Shard>,
    /// Go on with the newest campaign of this file in --out, or with the one in DIR; begin if
    /// there is none
    #[arg(long, value_name = "DIR", num_args = 0..=1, require_equals = true)]
    resume: Option<Option<PathBuf>>,
    /// End with the first failure
    #[arg(long, conflicts_with = "keep_going")]
    fail_fast: bool,
    /// Run everything, whatever it shows, also where the file says fail-fast
    #[arg(long)]
    keep_going: bool,
    /// What is violated in these verdicts too is known, and does not fail this campaign
    #[arg(long, value_name = "VERDICTS")]
    baseline: Option<PathBuf>,
    /// Neither read nor write the failures that are kept beside the file
    #[arg(long)]
    no_memory: bool,
    /// Write what happens while it happens, as JSON Lines
    #[arg(long, value_name = "FILE")]
    events: Option<PathBuf>,
    /// Where the folders of campaigns go
    #[arg(long, value_name = "DIR", default_value = "campaigns")]
    out: PathBuf,
    #[command(flatten)]
    outputs: Outputs,
    /// Print jobs that run the shards of this campaign and merge them; run nothing
    #[arg(long, value_name = "kubernetes|slurm|github-matrix")]
    emit: Option<Emit>,
    /// How many shards --emit plans
    #[arg(long, value_name = "N", default_value_t = 4, requires = "emit",
          value_parser = clap::value_parser!(u64).range(1..=1000))]
    shards: u64,
    /// The image that has polygraph, for --emit kubernetes
    #[arg(
        long,
        value_name = "NAME",
        default_value = "polygraph:latest",
        requires = "emit"
    )]
    image: String,
    /// Print the verdicts as one line of JSON
    #[arg(long)]
    json: bool,
    /// Show the final table only
    #[arg(long)]
    quiet: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Emit {
    /// An Indexed Job
    Kubernetes,
    /// A job array
    Slurm,
    /// A matrix of GitHub Actions
    GithubMatrix,
}

pub(super) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    let name = arguments.file.display().to_string();
    let text = fs::read_to_string(&arguments.file).map_err(|error| {
        Failure::input(ErrorBody {
            message: format!("{name}: it cannot be read: {error}; expected the file of a campaign"),
            file: Some(name.clone()),
            expected: Some("the file of a campaign".to_owned()),
            ..ErrorBody::default()
        })
    })?;
    let beside = memory::beside(&arguments.file);
    let remembered = match arguments.no_memory {
        true => Vec::new(),
        false => memory::read(&beside).map_err(|body| Failure::input(*body))?,
    };
    let source = Source {
        file: &name,
        text: &text,
    };
    let mut plan = Plan::new(source, arguments.profile.as_deref(), &remembered)
        .map_err(|body| Failure::input(*body))?;
    plan.fail_fast = (plan.fail_fast || arguments.fail_fast) && !arguments.keep_going;
    if let Some(cluster) = arguments.emit {
        super::print(&job(
            arguments,
            cluster,
            &plan,
            &text,
            &memory::text(&remembered),
        ));
        return Ok(exit::OK);
    }
    if arguments.list {
        super::print(&list(&plan));
        return Ok(exit::OK);
    }
    if plan.cells.is_empty() {
        return Err(Failure::usage(format!(
            "{name}: no test of it is possible; see `polygraph campaign {name} --list`"
        )));
    }
    let baseline = arguments
        .baseline
        .as_deref()
        .map(Verdicts::read)
        .transpose();
    let baseline = baseline.map_err(|body| Failure::input(*body))?;
    listen();
    let opened = open(arguments, &plan, &text)?;
    let (verdicts, lines) = conduct(arguments, &plan, baseline.as_ref(), opened)?;
    // A shard knows too little to change what everybody reads.
    if !arguments.no_memory && arguments.shard.is_none() && verdicts.exit != exit::INTERRUPTED {
        let failures = memory::update(&remembered, &lines, &verdicts);
        if failures != remembered {
            write(&beside, &memory::text(&failures))?;
        }
    }
    Ok(verdicts.exit)
}

/// The folder of a campaign, its journal, and what is done already.
struct Opened {
    folder: PathBuf,
    journal: Journal,
    done: Vec<Line>,
}

/// Makes the folder, or opens the one to go on with.
fn open(arguments: &Arguments, plan: &Plan, text: &str) -> Result<Opened, Failure> {
    let header = Header::new(plan, arguments.shard);
    let found = match &arguments.resume {
        None => None,
        Some(Some(folder)) => Some(folder.clone()),
        Some(None) => find(&arguments.out, &header),
    };
    if let Some(folder) = found {
        let resumed = Journal::resume(&folder, &header);
        let (journal, done) = resumed.map_err(|body| Failure::input(*body))?;
        if !arguments.quiet && !arguments.json {
            eprintln!("{}: {} of its runs are done", folder.display(), done.len());
        }
        return Ok(Opened {
            folder,
            journal,
            done,
        });
    }
    let shard = arguments.shard.map_or(String::new(), |it| {
        format!("-shard-{}-of-{}", it.index, it.count)
    });
    let plain = |c: char| if c.is_alphanumeric() { c } else { '-' };
    let name: String = plan.name.chars().map(plain).collect();
    let folder = Folder::create(&arguments.out, &format!("{}-{name}{shard}", timestamp()))
        .map_err(|error| unwritable(&arguments.out, &error))?;
    let begun = folder
        .write(CAMPAIGN, text)
        .and_then(|()| folder.write(MEMORY, &memory::text(&plan.remembered)))
        .and_then(|()| Journal::create(folder.path(), &header));
    let journal = begun.map_err(|error| unwritable(folder.path(), &error))?;
    Ok(Opened {
        folder: folder.path().to_owned(),
        journal,
        done: Vec::new(),
    })
}

/// Runs what is left, and writes and shows what all of it means.
fn conduct(
    arguments: &Arguments,
    plan: &Plan,
    baseline: Option<&Verdicts>,
    opened: Opened,
) -> Result<(Verdicts, Vec<Line>), Failure> {
    let Opened {
        folder,
        journal,
        done,
    } = opened;
    let archive = arguments.outputs.archive.as_deref();
    let archive = archive
        .map(|path| begin_archive(path, &folder))
        .transpose()?;
    let herald = Herald::new(
        plan,
        arguments.quiet,
        arguments.json,
        arguments.events.as_deref(),
    )
    .map_err(|(path, error)| unwritable(&path, &error))?;
    herald.begins(plan, arguments.shard, done.len());
    let way = Way {
        folder: &folder,
        shard: arguments.shard,
        fail_fast: plan.fail_fast,
        baseline,
        archive: archive.as_ref(),
        interrupt: &INTERRUPT,
        witness: &herald,
    };
    let ran = run_plan(plan, &way, journal, done);
    let (lines, ended) = ran.map_err(|error| match INTERRUPT.load(Ordering::Relaxed) {
        0 => Failure::harness(&error),
        _ => Failure::interrupted(&error),
    })?;
    let verdicts = verdicts(plan, &lines, baseline, ended);
    conclude(
        &verdicts,
        &folder,
        &arguments.outputs,
        archive,
        arguments.json,
    )?;
    herald.ends(&verdicts, &folder);
    Ok((verdicts, lines))
}

/// Begins the archive with what was kept of runs that are over.
fn begin_archive(path: &Path, folder: &Path) -> Result<Archive, Failure> {
    let archive = Archive::create(path).map_err(|error| unwritable(path, &error))?;
    let mut runs: Vec<PathBuf> = fs::read_dir(folder.join("runs"))
        .map(|entries| {
            entries
                .filter_map(|entry| Some(entry.ok()?.path()))
                .collect()
        })
        .unwrap_or_default();
    runs.sort();
    // A run without a verdict was not over: it is run again, and put in then.
    for run in runs.iter().filter(|run| run.join("verdict.json").exists()) {
        let name = run.file_name().unwrap_or_default().to_string_lossy();
        archive
            .put(&format!("runs/{name}"), run)
            .map_err(|error| unwritable(path, &error))?;
    }
    Ok(archive)
}

/// Writes verdicts.json and everything that is made of it, and shows it.
pub(super) fn conclude(
    verdicts: &Verdicts,
    folder: &Path,
    outputs: &Outputs,
    archive: Option<Archive>,
    json: bool,
) -> Result<(), Failure> {
    let file = folder.join(VERDICTS);
    write(&file, &verdicts.to_json())?;
    if let Some(archive) = archive {
        let path = outputs.archive.clone().unwrap_or_default();
        let closed = [VERDICTS, CAMPAIGN]
            .iter()
            .try_for_each(|name| archive.put(name, &folder.join(name)).map(|_| ()))
            .and_then(|()| archive.close());
        closed.map_err(|error| unwritable(&path, &error))?;
    }
    let suite = Suite::of_campaign(verdicts);
    match json {
        true => super::print(&(serde_json::to_string(verdicts).expect("verdicts are JSON") + "\n")),
        false => super::print(&shown(verdicts, super::width().min(80))),
    }
    outputs.write(&suite, json)
}

/// The jobs of a cluster.
fn job(arguments: &Arguments, cluster: Emit, plan: &Plan, text: &str, memory: &str) -> String {
    let profile = arguments.profile.as_ref();
    let options = profile.map_or(String::new(), |profile| format!("--profile {profile}"));
    let filling = Filling {
        shards: arguments.shards,
        image: &arguments.image,
        text,
        memory,
        options: &options,
    };
    let cluster = match cluster {
        Emit::Kubernetes => Cluster::Kubernetes,
        Emit::Slurm => Cluster::Slurm,
        Emit::GithubMatrix => Cluster::GithubMatrix,
    };
    emit(cluster, plan, &filling)
}

/// What would run, and what would not.
fn list(plan: &Plan) -> String {
    let mut text = String::new();
    for (at, cell) in plan.cells.iter().enumerate() {
        let seeds = plan.units.iter().filter(|unit| unit.cell == at).count();
        text += &format!(
            "runs         {} (line {}, {seeds} seeds)\n",
            cell.name, cell.line
        );
        for it in &cell.expectations {
            text += &format!("  expects    {}: {}\n", it.guarantee, it.why);
        }
    }
    for (word, all) in [
        ("incompatible", &plan.incompatible),
        ("excluded", &plan.excluded),
    ] {
        for it in all {
            text += &format!("{word:12} {} (line {}): {}\n", it.cell, it.line, it.why);
        }
    }
    text + &format!(
        "{} tests, {} runs; {} incompatible, {} excluded\n",
        plan.cells.len(),
        plan.units.len(),
        plan.incompatible.len(),
        plan.excluded.len()
    )
}
