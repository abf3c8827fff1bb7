//! `polygraph generate`: histories whose verdict is known because of how they were made.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use polygraph_workloads::synthetic::{
    Error, Format, Injected, Model, Plan, Summary, Values, Violation, write,
};
use serde::Serialize;

use super::failure::Failure;
use crate::judge::exit;

mod txn;

/// Make a history whose verdict is known, for measurements.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    of: Of,
}

#[derive(Debug, Subcommand)]
enum Of {
    Lin(Lin),
    Txn(txn::Txn),
}

/// Single operations, linearizable or with one answer that is not.
#[derive(Debug, Args)]
struct Lin {
    /// What the operations are of
    #[arg(long, default_value = "register", value_name = "NAME", value_parser = model)]
    model: Model,
    /// Clients that work at the same time, without a pause
    #[arg(long, default_value_t = 10, value_name = "N")]
    clients: usize,
    /// Keys in use at the same time
    #[arg(long, default_value_t = 1, value_name = "N")]
    keys: usize,
    /// Operations in all
    #[arg(long, default_value_t = 1000, value_name = "N")]
    ops: u64,
    /// The share of operations whose outcome nobody learns
    #[arg(long, default_value = "0", value_name = "RATIO", value_parser = ratio)]
    crash_rate: u32,
    /// How many different values are written; each once
    #[arg(long, default_value = "unique", value_name = "unique|N", value_parser = values)]
    values: Values,
    /// What is wrong with one answer
    #[arg(long, default_value = "none", value_name = "none|NAME", value_parser = violation)]
    violation: Wanted,
    /// After which share of the operations that answer is looked for
    #[arg(long, default_value = "50%", value_name = "RATIO", value_parser = ratio)]
    at: u32,
    /// Operations after which a key gives way to a fresh one [default: 200 for lists, else never]
    #[arg(long, value_name = "N")]
    retire: Option<u64>,
    /// From which everything is drawn
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
    /// How it is written
    #[arg(long, default_value = "polygraph", value_name = "NAME", value_parser = format)]
    format: Format,
    /// The file [default: the standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Print what was made as one line of JSON
    #[arg(long, requires = "output")]
    json: bool,
}

/// A violation, or none.
#[derive(Clone, Copy, Debug)]
struct Wanted(Option<Violation>);

/// A list grows with every append, and is read whole: without an end to it histories would be
/// quadratic.
const LISTS_RETIRE: u64 = 200;

pub(super) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    match &arguments.of {
        Of::Lin(lin) => lin.run(),
        Of::Txn(txn) => txn.run(),
    }
}

impl Lin {
    fn run(&self) -> Result<u8, Failure> {
        let plan = self.plan();
        plan.check().map_err(Failure::usage)?;
        let Some(path) = &self.output else {
            return to_stdout(|out| write(&plan, out));
        };
        let summary = make(path, |file| write(&plan, file))?;
        let name = path.display().to_string();
        let text = if self.json {
            json(&Made::of(&plan, &summary, &name))
        } else {
            sentence(&plan, &summary, &name)
        };
        super::print(&text);
        Ok(exit::OK)
    }
}

/// Writes a history to the standard output.
fn to_stdout<T>(write: impl FnOnce(io::StdoutLock<'_>) -> Result<T, Error>) -> Result<u8, Failure> {
    match write(io::stdout().lock()) {
        Ok(_) => Ok(exit::OK),
        // Whoever reads had enough.
        Err(Error::Io(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(exit::OK),
        Err(error) => Err(failure(error, "the standard output")),
    }
}

/// Writes a history to a file.
fn make<T>(path: &Path, write: impl FnOnce(&File) -> Result<T, Error>) -> Result<T, Failure> {
    let name = path.display().to_string();
    let file = File::create(path).map_err(|error| failure(Error::Io(error), &name))?;
    write(&file).map_err(|error| {
        // Half a history, or one without what was asked for, would only mislead.
        drop(discard(path, &file));
        failure(error, &name)
    })
}

fn json(made: &impl Serialize) -> String {
    serde_json::to_string(made).expect("what was made is JSON") + "\n"
}

/// Takes a file away again, unless it is a device.
fn discard(path: &Path, file: &File) -> io::Result<()> {
    if file.metadata()?.is_file() {
        fs::remove_file(path)?;
    }
    Ok(())
}

impl Lin {
    fn plan(&self) -> Plan {
        let lists = (self.model == Model::List).then_some(LISTS_RETIRE);
        Plan {
            model: self.model,
            clients: self.clients,
            keys: self.keys,
            operations: self.ops,
            crash_ppm: self.crash_rate,
            values: self.values,
            violation: self.violation.0,
            at_ppm: self.at,
            retire: self.retire.or(lists),
            seed: self.seed,
            format: self.format,
        }
    }
}

fn failure(error: Error, to: &str) -> Failure {
    match error {
        Error::Plan(problem) | Error::NoPlace(problem) => Failure::usage(problem),
        Error::Io(error) => {
            Failure::harness(&anyhow::Error::new(error).context(format!("writing to {to}")))
        }
    }
}

/// What was made, as data.
#[derive(Serialize)]
struct Made<'a> {
    polygraph: u32,
    command: &'static str,
    file: &'a str,
    format: &'static str,
    model: &'static str,
    operations: u64,
    indeterminate: u64,
    events: u64,
    bytes: u64,
    /// The verdict by construction.
    verdict: &'static str,
    violation: Option<MadeWrong<'a>>,
}

#[derive(Serialize)]
struct MadeWrong<'a> {
    kind: &'static str,
    /// The index of the invocation.
    event: u64,
    key: &'a str,
}

impl<'a> Made<'a> {
    fn of(plan: &Plan, summary: &'a Summary, file: &'a str) -> Made<'a> {
        let wrong = plan.violation.zip(summary.injected.as_ref());
        Made {
            polygraph: 1,
            command: "generate",
            file,
            format: plan.format.name(),
            model: plan.model.name(),
            operations: summary.operations,
            indeterminate: summary.indeterminate,
            events: summary.events,
            bytes: summary.bytes,
            verdict: if wrong.is_some() { "violated" } else { "holds" },
            violation: wrong.map(|(kind, Injected { event, key })| MadeWrong {
                kind: kind.name(),
                event: *event,
                key,
            }),
        }
    }
}

fn sentence(plan: &Plan, summary: &Summary, name: &str) -> String {
    let verdict = match (plan.violation, &summary.injected) {
        (Some(kind), Some(Injected { event, key })) => {
            format!("not linearizable: {kind} by the operation of event {event} on {key}")
        }
        _ => "linearizable".to_owned(),
    };
    format!(
        "{name}: {} operation{}, {} of them indeterminate, {} bytes; by construction {verdict}\n",
        summary.operations,
        if summary.operations == 1 { "" } else { "s" },
        summary.indeterminate,
        summary.bytes
    )
}

/// One of a list, by name.
fn named<T: Copy>(all: &[T], name: impl Fn(T) -> &'static str, text: &str) -> Result<T, String> {
    all.iter()
        .copied()
        .find(|&it| name(it) == text)
        .ok_or_else(|| {
            let names: Vec<_> = all.iter().map(|&it| name(it)).collect();
            format!("there are {}", names.join(", "))
        })
}

fn model(text: &str) -> Result<Model, String> {
    named(&Model::ALL, Model::name, text)
}

fn format(text: &str) -> Result<Format, String> {
    named(&Format::ALL, Format::name, text)
}

fn violation(text: &str) -> Result<Wanted, String> {
    if text == "none" {
        return Ok(Wanted(None));
    }
    named(&Violation::ALL, Violation::name, text)
        .map(|violation| Wanted(Some(violation)))
        .map_err(|there_are| format!("{there_are}, none"))
}

fn values(text: &str) -> Result<Values, String> {
    if text == "unique" {
        return Ok(Values::Unique);
    }
    let few = text.parse().map(Values::Few);
    few.map_err(|_| "write `unique`, or how many values there are".to_owned())
}

/// A ratio in millionths: `0.01` or `1%`.
fn ratio(text: &str) -> Result<u32, String> {
    let wrong = || "write a ratio from 0 to 1, such as 0.01 or 1%".to_owned();
    let (number, whole) = match text.strip_suffix('%') {
        Some(percent) => (percent, 10_000.0),
        None => (text, 1_000_000.0),
    };
    let number: f64 = number.trim().parse().map_err(|_| wrong())?;
    let millionths = (number * whole).round();
    if !(0.0..=1_000_000.0).contains(&millionths) {
        return Err(wrong());
    }
    Ok(millionths as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_read_as_people_write_them() {
        assert_eq!(ratio("0.01"), Ok(10_000));
        assert_eq!(ratio("1%"), Ok(10_000));
        assert_eq!(ratio("0"), Ok(0));
        assert_eq!(ratio("100%"), Ok(1_000_000));
        for wrong in ["", "1.1", "-1%", "NaN", "one", "101%"] {
            assert!(ratio(wrong).is_err(), "{wrong}");
        }
    }
}
