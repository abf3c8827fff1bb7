//! `polygraph check`: judges a history from a file, ours or another tool's.

use std::fs::File;
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};
use polygraph_checker::isolation::{self, LEVELS, has_schedules};
use polygraph_checker::model::ModelKind;
use polygraph_checker::{Budget, FailedCas, GUARANTEES, Options, coordination, lint, scenario};
use polygraph_history::{
    Format, Guarantee, History, Keyed, ReadOptions, Reading, parse_duration, read,
};
use polygraph_results::{Counts, ErrorBody, Levels, LintReport, Report, check_table, page};

use super::cycles;
use super::drawing::Drawing;
use super::failure::Failure;
use super::follow::follow;
use super::model::{default_guarantee, fits, named, recognise};
use super::progress::Line;
use super::proof;
use super::size::parse_size;
use crate::judge::{self, exit};
use crate::question::Question;
use crate::run::counts;

/// Judge histories from files: ours, Jepsen's EDN, JSON or log, and others' (`list formats`).
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The files; recognised by their content
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The guarantees to check, with commas; `all` [default: the model's]
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    guarantee: Vec<String>,
    /// What the operations are of (`polygraph list models`) [default: by what they are]
    #[arg(long, value_name = "MODEL")]
    model: Option<String>,
    /// How many permits a semaphore has [default: 1; in fastlin's texts 0, and any number later]
    #[arg(long, value_name = "N")]
    permits: Option<u32>,
    /// Whether adds and removals succeed only if they change a set [default: in fastlin's texts]
    #[arg(long, value_name = "on|off")]
    strict_sets: Option<OnOff>,
    /// Whether only who acquired a mutex may release it [default: unless the format is Jepsen's]
    #[arg(long, value_name = "on|off")]
    lock_owners: Option<OnOff>,
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
    /// Bytes that a search may hold, such as 256MiB or 1GB [default: 2GiB]
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    max_memory: Option<u64>,
    /// Time that a check may take
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    max_time: Option<Duration>,
    /// Write a proof of the answer to this file, for `polygraph confirm`
    #[arg(long, value_name = "FILE")]
    witness: Option<PathBuf>,
    /// Draw cycles of transactions into this folder, as SVG and DOT, at most ten of a kind
    #[arg(long, value_name = "DIR")]
    cycles: Option<PathBuf>,
    /// Write what was found as a page that needs nothing else
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Judge while the file grows: until it is proved not to be linearizable, or Ctrl-C
    #[arg(long)]
    follow: bool,
    /// With --follow: end when nothing came for so long
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, requires = "follow")]
    idle: Option<Duration>,
    /// Leave out what looks wrong with the history itself (`polygraph lint`)
    #[arg(long)]
    no_lint: bool,
    /// Print the verdict as one line of JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    drawing: Drawing,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum HowFailedCas {
    /// That the value was another
    Observe,
    /// Nothing
    Ignore,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum OnOff {
    On,
    Off,
}

impl OnOff {
    const fn is_on(self) -> bool {
        matches!(self, OnOff::On)
    }
}

/// How a file is to be read.
pub(super) fn read_options(
    format: Option<&str>,
    keyed: Option<OnOff>,
) -> Result<ReadOptions, Failure> {
    let format = format.map(str::parse).transpose();
    Ok(ReadOptions {
        format: format.map_err(Failure::usage)?,
        keyed: match keyed {
            None => Keyed::Auto,
            Some(OnOff::On) => Keyed::On,
            Some(OnOff::Off) => Keyed::Off,
        },
    })
}

pub(super) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    let asking = Asking::new(arguments)?;
    if let Some(proof) = &arguments.witness {
        proof::can_be_written(proof, &arguments.files)?;
    }
    if arguments.follow && arguments.files.len() > 1 {
        return Err(Failure::usage("--follow follows one file; name just one"));
    }
    if arguments.cycles.is_some() && arguments.files.len() > 1 {
        return Err(Failure::usage(
            "--cycles draws those of one file; name just one",
        ));
    }
    if arguments.html.is_some() && arguments.files.len() > 1 {
        return Err(Failure::usage(
            "--html is the page of one file; name just one",
        ));
    }
    let [file] = arguments.files.as_slice() else {
        return Ok(several(&asking, &arguments.files));
    };
    let report = match arguments.follow {
        false => {
            let line = Line::new(arguments.json);
            line.say(format!("reading {}", file.display()));
            // The program ends here: to give a large history back piece by piece is a waste.
            let reading = ManuallyDrop::new(load(file, asking.reading)?);
            drop(line);
            judge_and_show(&asking, file, &reading)?
        }
        true => {
            let history = follow(file, arguments.idle)?;
            let reading = Reading {
                history,
                format: Format::Polygraph,
                keyed: false,
                object: None,
            };
            judge_and_show(&asking, file, &reading)?
        }
    };
    let drawn = arguments.cycles.as_deref();
    let drawn = drawn
        .map(|folder| cycles::write(folder, &report))
        .transpose()?;
    show(&report, arguments);
    if let Some(drawn) = drawn.filter(|_| !arguments.json) {
        super::print(&drawn);
    }
    if let Some(to) = arguments.html.as_ref().filter(|_| !arguments.json) {
        super::print(&format!("page: {}\n", to.display()));
    }
    Ok(report.exit)
}

/// Judges several files: all of them, whatever becomes of one.
fn several(asking: &Asking<'_>, files: &[PathBuf]) -> u8 {
    let json = asking.arguments.json;
    let mut runs = Vec::with_capacity(files.len());
    let mut counts = Counts::default();
    for file in files {
        let report = judge_file(asking, file).unwrap_or_else(|failure| {
            let mut report = Report::of_check();
            report.exit = failure.code();
            report.warnings = vec![failure.message().to_owned()];
            report
        });
        counts.ok += report.operations.ok;
        counts.fail += report.operations.fail;
        counts.info += report.operations.info;
        if !json {
            super::print(&line(&report, file));
        }
        runs.push(Report {
            file: Some(file.display().to_string()),
            ..report
        });
    }
    let mut report = Report::of_check();
    report.operations = counts;
    // A file that could not be read outweighs what the others say: the answer is not whole.
    let rank = |code: u8| match code {
        exit::USAGE => 4,
        exit::VIOLATED => 3,
        exit::HARNESS => 2,
        exit::UNKNOWN => 1,
        _ => 0,
    };
    report.exit = runs
        .iter()
        .map(|run| run.exit)
        .max_by_key(|&code| rank(code))
        .unwrap_or(exit::OK);
    report.verdict = judge::whole(report.exit);
    report.runs = runs;
    if json {
        show(&report, asking.arguments);
    } else {
        super::print(&totals(&report));
    }
    report.exit
}

/// One line for one of several files.
fn line(report: &Report, file: &Path) -> String {
    let verdict = match report.exit {
        exit::USAGE => "unreadable",
        _ => report.verdict,
    };
    let anomaly = report
        .guarantees
        .iter()
        .find_map(|guarantee| guarantee.anomalies.first())
        .map(|anomaly| anomaly.kind);
    let about = match (report.exit, anomaly) {
        (exit::USAGE, _) => report.warnings.first().map(String::as_str),
        (_, anomaly) => anomaly,
    };
    let about = about.map_or(String::new(), |about| format!(" ({about})"));
    format!("{verdict:10} {}{about}\n", file.display())
}

/// How many of several files had which verdict.
fn totals(report: &Report) -> String {
    let count = |code: u8| report.runs.iter().filter(|run| run.exit == code).count();
    let mut text = format!(
        "{} files: {} hold, {} violated, {} unknown",
        report.runs.len(),
        count(exit::OK),
        count(exit::VIOLATED),
        count(exit::UNKNOWN),
    );
    match count(exit::USAGE) {
        0 => {}
        unreadable => text += &format!(", {unreadable} unreadable"),
    }
    text + "\n"
}

/// How files are to be judged.
struct Asking<'a> {
    arguments: &'a Arguments,
    reading: ReadOptions,
    asked: Asked,
    model: Option<ModelKind>,
}

impl<'a> Asking<'a> {
    fn new(arguments: &'a Arguments) -> Result<Asking<'a>, Failure> {
        let model = arguments.model.as_deref().map(str::parse).transpose();
        Ok(Asking {
            arguments,
            reading: read_options(arguments.format.as_deref(), arguments.keyed)?,
            asked: asked(&arguments.guarantee)?,
            model: model.map_err(Failure::usage)?,
        })
    }

    /// What is asked of a history whose operations are mostly of this model, and which is made
    /// for these guarantees.
    fn questions(
        &self,
        history: &History,
        model: Option<ModelKind>,
        made_for: &[Guarantee],
    ) -> Vec<Question> {
        let names = &self.asked.names;
        match (names.is_empty(), self.asked.survey) {
            (true, false) if !made_for.is_empty() => {
                made_for.iter().copied().map(Question::alone).collect()
            }
            (true, false) => {
                let default = model.map(|model| default_guarantee(history, model));
                default.into_iter().map(Question::alone).collect()
            }
            (false, false) => names.clone(),
            (_, true) => {
                let all = GUARANTEES.iter().map(|entry| entry.guarantee);
                let joint = names.iter().filter(|name| name.guarantees().len() > 1);
                all.map(Question::alone).chain(joint.cloned()).collect()
            }
        }
    }
}

/// Reads a file and judges it.
fn judge_file(asking: &Asking<'_>, file: &Path) -> Result<Report, Failure> {
    judge_reading(asking, file, &load(file, asking.reading)?)
}

/// Judges what was read from a file, and writes the page of it where one is wanted.
fn judge_and_show(asking: &Asking<'_>, file: &Path, reading: &Reading) -> Result<Report, Failure> {
    let report = judge_reading(asking, file, reading)?;
    if let Some(to) = &asking.arguments.html {
        let page = page::of_check(&report, &reading.history, &file.display().to_string());
        super::report::write(to, &page)?;
    }
    Ok(report)
}

/// The first of the questions whose answer has a proof in a file, `linearizable` before others.
fn provable(questions: &[Question]) -> Option<Question> {
    let linearizable = Question::alone(Guarantee::Linearizable);
    let of = |of: fn(Guarantee) -> bool| {
        let mut questions = questions.iter();
        questions.find(|question| matches!(question.guarantees(), [one] if of(*one)))
    };
    match questions.contains(&linearizable) {
        true => Some(linearizable),
        // Of other levels there are proofs where they are violated.
        false => of(has_schedules)
            .or_else(|| of(|one| LEVELS.contains(&one)))
            .cloned(),
    }
}

/// Judges what was read from a file, and says how far it is.
fn judge_reading(asking: &Asking<'_>, file: &Path, reading: &Reading) -> Result<Report, Failure> {
    let Reading {
        history,
        format,
        keyed,
        object,
    } = reading;
    let recognised = recognise(history);
    let named = named(history, object.as_deref());
    // Who names a model says what the history is of.
    let made_for = match asking.model {
        None => match scenario::recognise(history) {
            [] => coordination::recognise(history),
            made_for => made_for,
        },
        Some(_) => &[],
    };
    let model = asking.model.or(named).or(recognised);
    if model.is_none() && made_for.is_empty() {
        return Err(Failure::usage(format!(
            "{} has no operation that a checker here understands (`polygraph list models`)",
            file.display()
        )));
    }
    if let Some(model) = model.filter(|&model| !fits(history, model)) {
        return Err(Failure::usage(format!(
            "{} has no operation of the model `{model}`{}",
            file.display(),
            recognised.map_or(String::new(), |model| format!(
                "; its operations fit `{model}`"
            )),
        )));
    }
    let line = Line::new(asking.arguments.json);
    line.say(format!("looking through {}", file.display()));
    let findings = (!asking.arguments.no_lint).then(|| lint(history));
    let options = Options {
        model: asking.model.or(named),
        ..check_options(asking, *format)
    };
    let questions = asking.questions(history, model, made_for);
    let proof = asking.arguments.witness.as_deref();
    let proved = provable(&questions);
    if proof.is_some() && proved.is_none() {
        return Err(Failure::usage(
            "--witness proves `linearizable` or how far transactions are isolated, neither of \
             which is asked for; see --guarantee",
        ));
    }
    let mut guarantees = Vec::new();
    let mut written = None;
    let mut relative: Vec<String> = Vec::new();
    let mut levels = (questions.len() > 1).then(|| isolation::Levels::new(history, &options));
    // Levels from the strongest down: what holds holds of those that it implies.
    let rank = |question: &Question| match question.guarantees() {
        [level] => LEVELS.iter().position(|known| known == level),
        _ => None,
    };
    let mut questions: Vec<(usize, Question)> = questions.into_iter().enumerate().collect();
    questions.sort_by_key(|(_, question)| rank(question));
    let count = questions.len();
    for (at, (place, question)) in questions.into_iter().enumerate() {
        let of = match count {
            1 => String::new(),
            count => format!(" ({} of {count})", at + 1),
        };
        line.say(format!(
            "checking {}{of} · {} operations",
            question.name(),
            history.operations().len()
        ));
        let (mut report, verdict) = match (question.guarantees(), &mut levels) {
            (&[level], Some(levels)) if LEVELS.contains(&level) => {
                judge::answer_by(history, &question, |_| levels.check(level))
            }
            _ => judge::answer(history, &question, &options),
        };
        for assumption in &verdict.assumptions {
            let name = question.name();
            relative.push(format!("{name}: {assumption}"));
        }
        if let Some(path) = proof.filter(|_| proved.as_ref() == Some(&question)) {
            written = proof::write(path, history, &mut report, &verdict)?;
        }
        let by_name = asking.asked.names.contains(&question) || !asking.asked.survey;
        judge::place(&mut report, None, by_name);
        guarantees.push((place, report));
    }
    guarantees.sort_by_key(|&(place, _)| place);
    let guarantees: Vec<_> = guarantees.into_iter().map(|(_, report)| report).collect();
    let mut assumptions = judge::assumptions(&options);
    assumptions.extend(model.and_then(|model| about_model(&options, model)));
    assumptions.extend(relative);
    assumptions.push(format!(
        "read as {format}{}",
        if *keyed { ", with keys in tuples" } else { "" }
    ));
    let mut report = Report {
        operations: counts(history, 0),
        truncated: history.truncated(),
        assumptions,
        warnings: history.warnings().to_vec(),
        lint: findings.map(|all| all.into_iter().map(LintReport::from).collect()),
        levels: asking
            .asked
            .survey
            .then(|| Levels::of(&guarantees))
            .flatten(),
        guarantees,
        proof: written,
        ..Report::of_check()
    };
    judge::conclude(&mut report, exit::OK, false);
    Ok(report)
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
pub(super) fn load(path: &Path, options: ReadOptions) -> Result<Reading, Failure> {
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
    read(file, options).map_err(|error| Failure::unreadable(path, error))
}

fn check_options(asking: &Asking<'_>, format: Format) -> Options {
    let arguments = asking.arguments;
    let meant = Options::of_format(format);
    let failed_cas = match arguments.failed_cas {
        Some(HowFailedCas::Observe) => FailedCas::Observe,
        Some(HowFailedCas::Ignore) => FailedCas::Ignore,
        None => meant.failed_cas,
    };
    let strict_sets = arguments.strict_sets.map(OnOff::is_on);
    let owned_locks = arguments.lock_owners.map(OnOff::is_on);
    let defaults = Budget::default();
    let budget = Budget {
        max_steps: arguments.max_steps.unwrap_or(defaults.max_steps),
        max_memory: arguments.max_memory.unwrap_or(defaults.max_memory),
        max_time: arguments.max_time,
    };
    Options {
        permits: arguments.permits.unwrap_or(meant.permits),
        strict_sets: strict_sets.unwrap_or(meant.strict_sets),
        owned_locks: owned_locks.unwrap_or(meant.owned_locks),
        failed_cas,
        budget,
        witness: arguments.witness.is_some(),
        ..meant
    }
}

/// How objects of a model are understood, where there is more than one way.
fn about_model(options: &Options, model: ModelKind) -> Option<String> {
    Some(match model {
        ModelKind::Set if options.strict_sets => {
            "adds and removals succeed only if they change the set".to_owned()
        }
        ModelKind::Mutex if !options.owned_locks => "anybody may release a lock".to_owned(),
        ModelKind::Semaphore => match options.permit_limit {
            None => format!("permits: {}", options.permits),
            Some(_) => format!("permits at first: {}, any number later", options.permits),
        },
        _ => return None,
    })
}

fn show(report: &Report, Arguments { json, drawing, .. }: &Arguments) {
    if *json {
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
    // A few examples: `polygraph lint` has more.
    for finding in report.lint.iter().flatten() {
        text += &finding.lines(2);
    }
    text += &check_table(report, super::width());
    text.push('\n');
    if let Some(levels) = &report.levels {
        text += &levels.draw(drawing.style());
        text.push('\n');
    }
    text += &drawing.pictures(report);
    text += &drawing.measurements(report);
    let of_guarantees = report.guarantees.iter().flat_map(|it| &it.warnings);
    let linted = |warning: &&String| report.lint.is_some() && lint::tells(warning);
    let of_history = report.warnings.iter().filter(|warning| !linted(warning));
    for warning in of_history.chain(of_guarantees) {
        text += &format!("note: {warning}\n");
    }
    if let Some(proof) = &report.proof {
        text += &format!("proof: {proof} (`polygraph confirm HISTORY {proof}`)\n");
    }
    drawing.print(&text);
}
