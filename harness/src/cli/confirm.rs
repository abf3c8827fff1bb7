//! `polygraph confirm`: checks a proof of a verdict, with code that shares nothing with the
//! search that found it.

use std::path::PathBuf;

use clap::Args;
use polygraph_checker::isolation::{
    Schedule, Violation, at_one_moment, confirm_schedule, confirm_violation,
};
use polygraph_checker::linearizable::{
    Certificate, Confirmed, ConfirmedObject, Impasse, NotConfirmed, Witness, confirm_certificate,
    confirm_witness, impasses,
};
use polygraph_checker::{FailedCas, Options};
use polygraph_history::{Guarantee, History, Key, Reading};
use polygraph_results::{Counts, ProofFile};
use serde::Serialize;

use super::check::{OnOff, load, read_options};
use super::failure::Failure;
use super::proof;
use crate::judge::{self, exit};
use crate::run::counts;

/// Check a proof that `check --witness` wrote.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The history; recognised by its content
    history: PathBuf,
    /// The proof
    proof: PathBuf,
    /// The format of the history (`polygraph list formats`) [default: recognised]
    #[arg(long, value_name = "NAME")]
    format: Option<String>,
    /// Whether values `[k v]` are a key and its value [default: when every value is one]
    #[arg(long, value_name = "on|off")]
    keyed: Option<OnOff>,
    /// Print what is proved as one line of JSON
    #[arg(long)]
    json: bool,
}

/// How many objects are shown to a person.
const SHOWN: usize = 10;
/// How many possible states are shown of each.
const STATES: usize = 3;

pub(super) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    let reading = read_options(arguments.format.as_deref(), arguments.keyed)?;
    let file = proof::load(&arguments.proof)?;
    let Reading {
        history,
        format,
        keyed,
        ..
    } = load(&arguments.history, reading)?;
    let (answer, failed_cas) = match &file {
        ProofFile::Witness(witness) => (Answer::of_witness(&history, witness), witness.failed_cas),
        ProofFile::Certificates(certificates) => {
            let failed_cas = certificates
                .first()
                .map_or(FailedCas::Observe, |first| first.failed_cas);
            (Answer::of_certificates(&history, certificates), failed_cas)
        }
        ProofFile::Schedule(schedule) => {
            (Answer::of_schedule(&history, schedule), FailedCas::Observe)
        }
        ProofFile::Violations(guarantee, violations) => {
            let answer = Answer::of_violations(&history, *guarantee, violations);
            (answer, FailedCas::Observe)
        }
    };
    let options = Options {
        failed_cas,
        ..Options::default()
    };
    let mut assumptions = judge::assumptions(&options);
    assumptions.push(format!(
        "read as {format}{}",
        if keyed { ", with keys in tuples" } else { "" }
    ));
    let report = Report {
        polygraph: 1,
        command: "confirm",
        verdict: answer.verdict(),
        exit: answer.exit(),
        stands: answer.stands(),
        proof: answer.proof,
        objects: answer.objects.iter().map(ObjectReport::new).collect(),
        not_covered: &answer.not_covered,
        problems: answer.problems.iter().map(ToString::to_string).collect(),
        operations: counts(&history, 0),
        truncated: history.truncated(),
        assumptions,
        warnings: history.warnings(),
    };
    if arguments.json {
        let line = serde_json::to_string(&report).expect("reports are JSON");
        super::print(&format!("{line}\n"));
    } else {
        super::print(&text(&history, &file, &answer, &report));
    }
    Ok(report.exit)
}

/// What became of a proof.
struct Answer {
    /// `witness`, `certificate`, `schedule` or `violation`.
    proof: &'static str,
    objects: Vec<ConfirmedObject>,
    not_covered: Vec<Key>,
    problems: Vec<NotConfirmed>,
}

impl Answer {
    fn of_witness(history: &History, witness: &Witness) -> Answer {
        let (confirmed, problems) = match confirm_witness(history, witness) {
            Ok(confirmed) => (confirmed, Vec::new()),
            Err(problem) => (Confirmed::default(), vec![problem]),
        };
        Answer {
            proof: "witness",
            objects: confirmed.objects,
            not_covered: confirmed.not_covered,
            problems,
        }
    }

    fn of_schedule(history: &History, schedule: &Schedule) -> Answer {
        let confirmed = confirm_schedule(history, schedule);
        Answer {
            proof: "schedule",
            objects: Vec::new(),
            not_covered: Vec::new(),
            problems: confirmed
                .err()
                .map(NotConfirmed::Wrong)
                .into_iter()
                .collect(),
        }
    }

    fn of_violations(history: &History, guarantee: Guarantee, violations: &[Violation]) -> Answer {
        let checked = violations.iter().enumerate().filter_map(|(at, violation)| {
            let problem = confirm_violation(history, guarantee, violation).err()?;
            let kind = violation.kind().unwrap_or("no version order");
            Some(NotConfirmed::Wrong(format!(
                "anomaly {at}, {kind}: {problem}"
            )))
        });
        let mut problems: Vec<NotConfirmed> = checked.collect();
        if violations.is_empty() {
            problems.push(NotConfirmed::Wrong("it shows no anomaly".to_owned()));
        }
        Answer {
            proof: "violation",
            objects: Vec::new(),
            not_covered: Vec::new(),
            problems,
        }
    }

    fn of_certificates(history: &History, certificates: &[Certificate]) -> Answer {
        let mut answer = Answer {
            proof: "certificate",
            objects: Vec::new(),
            not_covered: Vec::new(),
            problems: Vec::new(),
        };
        for certificate in certificates {
            match confirm_certificate(history, certificate) {
                Ok(object) => answer.objects.push(object),
                Err(problem) => answer.problems.push(problem.about(&certificate.keys)),
            }
        }
        if certificates.is_empty() {
            let problem = "it is about no object".to_owned();
            answer.problems.push(NotConfirmed::Wrong(problem));
        }
        answer
    }

    /// Whether it stands; `None` if there was too much to try.
    fn stands(&self) -> Option<bool> {
        let wrong = |problem: &NotConfirmed| matches!(problem, NotConfirmed::Wrong(_));
        match self.problems.is_empty() {
            true => Some(true),
            false => self.problems.iter().any(wrong).then_some(false),
        }
    }

    fn exit(&self) -> u8 {
        match self.stands() {
            Some(true) => exit::OK,
            Some(false) => exit::VIOLATED,
            None => exit::UNKNOWN,
        }
    }

    /// What is proved of the whole history.
    fn verdict(&self) -> &'static str {
        match (self.stands(), self.proof) {
            (Some(true), "certificate" | "violation") => "violated",
            (Some(true), _) if self.not_covered.is_empty() => "holds",
            (Some(true), _) | (None, _) => "unknown",
            (Some(false), _) => "none",
        }
    }
}

/// What is printed with `--json`.
#[derive(Serialize)]
struct Report<'a> {
    polygraph: u32,
    command: &'static str,
    /// What is proved of the whole history: `holds` or `violated`; `unknown` if the proof covers
    /// only some of it or is too large; `none` if it does not stand.
    verdict: &'static str,
    exit: u8,
    /// Whether the proof stands; null if there is too much to try.
    stands: Option<bool>,
    proof: &'static str,
    objects: Vec<ObjectReport<'a>>,
    not_covered: &'a [Key],
    problems: Vec<String>,
    operations: Counts,
    truncated: bool,
    assumptions: Vec<String>,
    warnings: &'a [String],
}

#[derive(Serialize)]
struct ObjectReport<'a> {
    keys: &'a [Key],
    model: String,
    operations: usize,
}

impl ObjectReport<'_> {
    fn new(object: &ConfirmedObject) -> ObjectReport<'_> {
        ObjectReport {
            keys: &object.keys,
            model: object.model.to_string(),
            operations: object.operations,
        }
    }
}

/// The same for a person.
fn text(history: &History, file: &ProofFile, answer: &Answer, report: &Report<'_>) -> String {
    let mut text = match answer.stands() {
        Some(true) => "the proof stands: ".to_owned(),
        Some(false) => "the proof does not stand\n".to_owned(),
        None => "the proof is too large to be confirmed\n".to_owned(),
    };
    for problem in &answer.problems {
        text += &format!("  {problem}\n");
    }
    if answer.problems.is_empty() {
        text += &match file {
            ProofFile::Witness(_) => held(answer),
            ProofFile::Certificates(certificates) => violated(history, certificates),
            ProofFile::Schedule(schedule) => isolated(schedule),
            ProofFile::Violations(guarantee, violations) => broken(*guarantee, violations),
        };
    }
    text += &format!("assumed: {}\n", report.assumptions.join(" · "));
    for warning in report.warnings {
        text += &format!("note: {warning}\n");
    }
    text
}

fn held(answer: &Answer) -> String {
    let mut text = String::new();
    let all = answer.objects.len();
    let operations: usize = answer.objects.iter().map(|object| object.operations).sum();
    if answer.not_covered.is_empty() {
        text += "the history is linearizable\n";
    } else {
        text += &format!("{} linearizable\n", are(all, "object"));
    }
    text += &format!(
        "  {} of {} in an order\n",
        counted(operations, "operation"),
        counted(all, "object")
    );
    for object in answer.objects.iter().take(SHOWN) {
        text += &format!(
            "    {}: {}, {}\n",
            names(&object.keys),
            object.model,
            counted(object.operations, "operation")
        );
    }
    if all > SHOWN {
        text += &format!("    and {} more\n", all - SHOWN);
    }
    if !answer.not_covered.is_empty() {
        text += &format!(
            "  it says nothing of {}: so it does not prove that the history is linearizable\n",
            names(&answer.not_covered)
        );
    }
    text
}

fn broken(guarantee: Guarantee, violations: &[Violation]) -> String {
    let names = violations.iter();
    let names = names.map(|violation| violation.kind().unwrap_or("no version order"));
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    names.dedup();
    format!(
        "{guarantee} is violated\n  {}: {}\n",
        match violations.len() {
            1 => "1 anomaly".to_owned(),
            count => format!("{count} anomalies"),
        },
        names.join(", ")
    )
}

fn isolated(schedule: &Schedule) -> String {
    let moments = schedule.moments.len();
    let (count, what) = match at_one_moment(schedule.guarantee) {
        true => (moments, "one after the other"),
        false => (moments / 2, "each from its snapshot to its commit"),
    };
    format!(
        "{} holds\n  {} in an order, {what}\n",
        schedule.guarantee,
        counted(count, "transaction")
    )
}

fn violated(history: &History, certificates: &[Certificate]) -> String {
    let mut text = "the history is not linearizable\n".to_owned();
    for certificate in certificates.iter().take(SHOWN) {
        text += &format!(
            "  {}, as {}: by event {} no order explains\n",
            names(&certificate.keys),
            certificate.model,
            certificate.until
        );
        for kept in &certificate.operations {
            let operations = history.operations();
            let at = operations.iter().find(|other| other.invoke == kept.invoke);
            if let Some(operation) = at {
                let op = history.op(operation);
                let as_write = if kept.expectation {
                    ""
                } else {
                    " (as a write)"
                };
                let client = operation.process;
                text += &format!(
                    "    event {}: client {client}, {op}{as_write}\n",
                    kept.invoke
                );
            }
        }
        if let Some(since) = certificate.since {
            text += &format!("    all of them after event {since}, which tells the state\n");
        }
        if let Some(claim) = certificate.rule.claim() {
            text += &format!("    for among all operations by then {claim}\n");
        }
        for state in impasses(history, certificate, STATES).unwrap_or_default() {
            text += &format!("    {}\n", impasse(&state));
        }
    }
    if certificates.len() > SHOWN {
        text += &format!("  and {} more\n", certificates.len() - SHOWN);
    }
    text
}

/// `after events 0, 4: event 8 cannot read 1 where 2 is`.
fn impasse(state: &Impasse) -> String {
    let order: Vec<String> = state.order.iter().map(ToString::to_string).collect();
    let refused = state.refused.iter();
    let refused: Vec<String> = refused
        .map(|refused| format!("event {} {}", refused.invoke, refused.why))
        .collect();
    let after = match order.len() {
        0 => "at first".to_owned(),
        1 => format!("after event {}", order[0]),
        _ => format!("after events {}", order.join(", ")),
    };
    format!("{after}: {}", refused.join("; "))
}

/// Keys as they are named in a sentence.
fn names(keys: &[Key]) -> String {
    let shown: Vec<&str> = keys.iter().take(SHOWN).map(|key| &*key.0).collect();
    let more = match keys.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("key{} {}{more}", plural(keys.len()), shown.join(", "))
}

fn are(count: usize, what: &str) -> String {
    let verb = if count == 1 { "is" } else { "are" };
    format!("{} {verb}", counted(count, what))
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", plural(count))
}

const fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}
