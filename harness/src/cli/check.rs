//! `polygraph check`: judges a history from a file, ours or another tool's.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};
use polygraph_checker::{Budget, FailedCas, GUARANTEES, Options};
use polygraph_history::{
    Format, Guarantee, History, Keyed, Op, Order, Outcome as OperationOutcome, ReadError,
    ReadOptions, Reading, parse_duration, read,
};
use polygraph_results::{ErrorBody, Report, check_table};

use super::failure::Failure;
use crate::judge::{self, exit};
use crate::question::Question;
use crate::run::counts;

/// Judge a history from a file: ours, Jepsen's EDN, JSON or log, Porcupine's.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The file; recognised by its content
    file: PathBuf,
    /// The guarantees to check, with commas; `all` [default: the model's]
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    guarantee: Vec<String>,
    /// What the operations are of [default: by what they are]
    #[arg(long, value_name = "MODEL")]
    model: Option<Model>,
    /// The format (`polygraph list formats`) [default: recognised]
    #[arg(long, value_name = "NAME")]
    format: Option<String>,
    /// What a failed compare-and-set says [default: observe, ignore for Jepsen's EDN and JSON]
    #[arg(long, value_name = "HOW")]
    failed_cas: Option<HowFailedCas>,
    /// Whether values `[k v]` are a key and its value [default: when every value is one]
    #[arg(long, value_name = "on|off")]
    keyed: Option<OnOff>,
    /// Steps that a search may take
    #[arg(long, value_name = "N")]
    max_steps: Option<u64>,
    /// Bytes that a search may hold
    #[arg(long, value_name = "BYTES")]
    max_memory: Option<u64>,
    /// Time that a check may take
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    max_time: Option<Duration>,
    /// Print the verdict as one line of JSON
    #[arg(long)]
    json: bool,
}

/// What operations are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Model {
    /// Reads and writes of single registers
    Register,
    /// Reads, writes and compare-and-sets of single registers
    CasRegister,
    /// Transactions of reads of lists and appends to them
    ListAppend,
    /// Adds to sets and reads of whole sets
    Set,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum HowFailedCas {
    /// That the value was another
    Observe,
    /// Nothing
    Ignore,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum OnOff {
    On,
    Off,
}

pub(super) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    let format = arguments.format.as_deref().map(str::parse).transpose();
    let options = ReadOptions {
        format: format.map_err(Failure::usage)?,
        keyed: match arguments.keyed {
            None => Keyed::Auto,
            Some(OnOff::On) => Keyed::On,
            Some(OnOff::Off) => Keyed::Off,
        },
    };
    let asked = asked(&arguments.guarantee)?;
    let Reading {
        history,
        format,
        keyed,
    } = load(&arguments.file, options)?;
    let model = match arguments.model {
        Some(model) => model,
        None => recognise(&history).ok_or_else(|| {
            Failure::usage(format!(
                "{} has no operation that a checker here understands (read, write, cas, add, txn of list appends)",
                arguments.file.display()
            ))
        })?,
    };
    if !fits(&history, model) {
        return Err(Failure::usage(format!(
            "{} has no operation of the model `{}`{}",
            arguments.file.display(),
            name(model),
            recognise(&history).map_or(String::new(), |model| format!(
                "; its operations fit `{}`",
                name(model)
            )),
        )));
    }
    let options = check_options(arguments, format);
    let survey = asked.survey;
    let names = match (asked.names.as_slice(), survey) {
        ([], false) => vec![Question::alone(default_guarantee(&history, model))],
        (names, false) => names.to_vec(),
        (names, true) => {
            let all = GUARANTEES.iter().map(|entry| entry.guarantee);
            let mut all: Vec<_> = all.map(Question::alone).collect();
            all.extend(
                names
                    .iter()
                    .filter(|name| name.guarantees().len() > 1)
                    .cloned(),
            );
            all
        }
    };
    let mut guarantees = Vec::new();
    for question in names {
        let mut report = judge::ask(&history, &question, &options);
        let by_name = asked.names.contains(&question) || !survey;
        judge::place(&mut report, None, by_name);
        guarantees.push(report);
    }
    let mut assumptions = judge::assumptions(&options);
    assumptions.push(format!(
        "read as {format}{}",
        if keyed { ", with keys in tuples" } else { "" }
    ));
    let mut report = Report {
        polygraph: 1,
        command: "check".to_owned(),
        verdict: "none",
        exit: exit::OK,
        target: None,
        settings: None,
        workload: None,
        nemesis: Vec::new(),
        world: None,
        seed: None,
        seeds: 1,
        operations: counts(&history, 0),
        faults: Vec::new(),
        truncated: history.truncated(),
        assumptions,
        warnings: history.warnings().to_vec(),
        guarantees,
        replay: None,
        run: None,
        runs: Vec::new(),
    };
    judge::conclude(&mut report, exit::OK, false);
    show(&report, arguments.json);
    Ok(report.exit)
}

/// What is asked for by name.
struct Asked {
    names: Vec<Question>,
    /// Everything besides.
    survey: bool,
}

fn asked(names: &[String]) -> Result<Asked, Failure> {
    let mut asked = Asked {
        names: Vec::new(),
        survey: false,
    };
    for name in names {
        if name == "all" {
            asked.survey = true;
            continue;
        }
        asked
            .names
            .push(Question::parse(name).map_err(Failure::usage)?);
    }
    Ok(asked)
}

/// Reads a file.
fn load(path: &Path, options: ReadOptions) -> Result<Reading, Failure> {
    let unreadable = |problem: String| {
        Failure::input(ErrorBody {
            message: format!("{}: {problem}", path.display()),
            file: Some(path.display().to_string()),
            expected: Some("the file of a history".to_owned()),
            ..ErrorBody::default()
        })
    };
    if path.is_dir() {
        return Err(unreadable(
            "it is a directory; expected the file of a history, such as history.jsonl in the folder of a run".to_owned(),
        ));
    }
    let file =
        File::open(path).map_err(|error| unreadable(format!("it cannot be read: {error}")))?;
    read(file, options).map_err(|error| {
        let message = format!("{}: {error}", path.display());
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
            file: Some(path.display().to_string()),
            line: Some(line),
            column: Some(column),
            field,
            expected: (!expected.is_empty()).then_some(expected),
        })
    })
}

fn check_options(arguments: &Arguments, format: Format) -> Options {
    let failed_cas = match (arguments.failed_cas, format) {
        (Some(HowFailedCas::Observe), _) => FailedCas::Observe,
        (Some(HowFailedCas::Ignore), _) => FailedCas::Ignore,
        (None, Format::JepsenEdn | Format::JepsenJson) => FailedCas::Ignore,
        (None, _) => FailedCas::Observe,
    };
    let defaults = Budget::default();
    let budget = Budget {
        max_steps: arguments.max_steps.unwrap_or(defaults.max_steps),
        max_memory: arguments.max_memory.unwrap_or(defaults.max_memory),
        max_time: arguments.max_time,
    };
    Options {
        failed_cas,
        budget,
        ..Options::default()
    }
}

/// Every model: its name and what its operations are.
pub(super) fn models() -> [(&'static str, &'static str); 4] {
    MODELS.map(|model| {
        let about = match model {
            Model::Register => "reads and writes of single registers",
            Model::CasRegister => "reads, writes and compare-and-sets of single registers",
            Model::ListAppend => "transactions of reads of lists and appends to them",
            Model::Set => "adds to sets and reads of whole sets",
        };
        (name(model), about)
    })
}

const MODELS: [Model; 4] = [
    Model::CasRegister,
    Model::ListAppend,
    Model::Set,
    Model::Register,
];

/// The model that most operations are of.
fn recognise(history: &History) -> Option<Model> {
    let count = |model| {
        let operations = history.operations().iter();
        operations
            .filter(|operation| is_of(history.op(operation), model))
            .count()
    };
    // Of equals the first is taken: reads alone are of every model.
    let counts = MODELS.map(|model| (count(model), model));
    let most = counts
        .iter()
        .map(|(count, _)| *count)
        .max()
        .filter(|&count| count > 0)?;
    counts
        .into_iter()
        .find(|(count, _)| *count == most)
        .map(|(_, model)| model)
}

fn fits(history: &History, model: Model) -> bool {
    history
        .operations()
        .iter()
        .any(|operation| is_of(history.op(operation), model))
}

fn is_of(op: &Op, model: Model) -> bool {
    match op {
        Op::Read { .. } => model != Model::ListAppend,
        Op::Write { .. } => matches!(model, Model::Register | Model::CasRegister),
        Op::Cas { .. } => model == Model::CasRegister,
        Op::Add { .. } | Op::Remove { .. } => model == Model::Set,
        Op::Txn(_) => model == Model::ListAppend,
        _ => false,
    }
}

fn name(model: Model) -> &'static str {
    match model {
        Model::Register => "register",
        Model::CasRegister => "cas-register",
        Model::ListAppend => "list-append",
        Model::Set => "set",
    }
}

/// What is asked unless the user says: single operations should be linearizable, transactions
/// strictly serializable, or serializable where the history cannot tell who did what when.
fn default_guarantee(history: &History, model: Model) -> Guarantee {
    let mut processes: Vec<_> = history
        .operations()
        .iter()
        .map(|operation| operation.process)
        .collect();
    processes.sort_unstable();
    processes.dedup();
    let timeless = history.order() == Order::Index && history.spec().is_none();
    let anonymous = processes.len() <= 1
        && history.operations().iter().all(|operation| {
            operation.outcome != OperationOutcome::Ok
                || operation.complete == Some(operation.invoke)
        });
    match model {
        Model::Register | Model::CasRegister => Guarantee::Linearizable,
        Model::ListAppend if timeless && anonymous => Guarantee::Serializable,
        Model::ListAppend => Guarantee::StrictSerializable,
        Model::Set => Guarantee::Durable,
    }
}

fn show(report: &Report, json: bool) {
    if json {
        let line = serde_json::to_string(report).expect("reports are JSON");
        return super::print(&format!("{line}\n"));
    }
    let counts = report.operations;
    let mut text = format!(
        "operations: {} ok, {} fail, {} info · {}\n",
        counts.ok,
        counts.fail,
        counts.info,
        report.assumptions.join(" · "),
    );
    text += &check_table(report, super::width());
    text.push('\n');
    for warning in &report.warnings {
        text += &format!("note: {warning}\n");
    }
    super::print(&text);
}
