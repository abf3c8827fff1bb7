//! The page of a run: one HTML file that needs nothing else and can be read without scripts.
//!
//! - [`of_run`]: start here; the page of a run's folder. [`of_check`]: that of a check.
//!   [`of_campaign`]: that of a campaign; [`of_folder`]: of whichever it is.
//!
//! It is built from the folder alone: `verdict.json`, `history.jsonl`, `spec.toml` and the logs. What
//! is drawn is of a window or counted in bins, so that its size does not grow with the run; the
//! whole stays in the folder. Everything that comes from a store or a user goes through the
//! template, which escapes it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use maud::{Markup, html};
use polygraph_history::{History, ReadOptions, Time};

use crate::Report;
use crate::campaign::{FILE, Verdicts};

mod around;
mod availability;
mod campaign;
pub(crate) mod chart;
mod clocks;
mod course;
mod evidence;
mod faults;
mod latency;
mod logs;
mod matrix;
mod rate;
pub(crate) mod shell;
mod spec;
mod staleness;
pub(crate) mod verdict;
mod windows;
pub(crate) mod words;

pub(crate) use campaign::headline as campaign_headline;
use course::Course;
use evidence::Evidence;
use logs::Log;
use verdict::{Anomaly, Verdict};
use windows::Window;

/// The page of a folder: of a run, or of a campaign.
///
/// # Errors
/// If it is the folder of nothing that is known.
pub fn of_folder(folder: &Path) -> Result<String, NoPage> {
    served(folder, None)
}

/// What a page has besides where it is served.
pub(crate) struct Served {
    /// Whether it is of a run that is under way: it then reloads itself.
    pub(crate) live: bool,
    /// Above everything.
    pub(crate) nav: Markup,
}

/// The page of a folder, as it is served or as a file.
pub(crate) fn served(folder: &Path, served: Option<Served>) -> Result<String, NoPage> {
    if folder.join(FILE).is_file() || folder.is_file() {
        let verdicts = read_campaign(folder).map_err(NoPage)?;
        let (title, body) = campaign::body(&verdicts);
        return Ok(whole(&title, &body, served));
    }
    run(folder, served)
}

/// What a campaign found, from its folder or file.
pub(crate) fn read_campaign(path: &Path) -> Result<Verdicts, String> {
    let file = match path.is_file() {
        true => path.to_owned(),
        false => within(path, FILE)?,
    };
    Verdicts::read(&file).map_err(|error| error.message)
}

fn whole(title: &str, body: &Markup, served: Option<Served>) -> String {
    match served {
        Some(Served { live, nav }) => {
            let head = html! { @if live { meta http-equiv="refresh" content="2"; } };
            shell::file(title, Some(head), &html! { (nav) (body) })
        }
        None => shell::file(title, None, body),
    }
}

/// The page of a campaign.
#[must_use]
pub fn of_campaign(verdicts: &Verdicts) -> String {
    let (title, body) = campaign::body(verdicts);
    whole(&title, &body, None)
}

/// Why there is no page.
#[derive(Debug)]
pub struct NoPage(String);

impl std::fmt::Display for NoPage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NoPage {}

/// The page of the run in a folder, as the text of an HTML file.
///
/// A folder that lacks something, as that of a run that was cut short does, gives a page that says
/// what is missing.
///
/// # Errors
/// If there is neither a verdict nor a history.
pub fn of_run(folder: &Path) -> Result<String, NoPage> {
    run(folder, None)
}

fn run(folder: &Path, served: Option<Served>) -> Result<String, NoPage> {
    let verdict = read_verdict(folder);
    let history = read_history(folder);
    let mut notes = Vec::new();
    if let (Err(verdict), Err(history)) = (&verdict, &history) {
        return Err(NoPage(format!(
            "{} is not the folder of a run: {verdict}; {history}",
            folder.display()
        )));
    }
    notes.extend(verdict.as_ref().err().cloned());
    notes.extend(history.as_ref().err().cloned());
    let name = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let name = name
        .file_name()
        .map_or_else(String::new, |it| it.to_string_lossy().into_owned());
    let spec = within(folder, "spec.toml")
        .ok()
        .and_then(|it| fs::read_to_string(it).ok());
    let logs = within(folder, "logs").map_or_else(|_| Vec::new(), |it| logs::read(&it));
    let material = Material {
        name,
        verdict: verdict.ok(),
        history: history.as_ref().ok(),
        spec,
        logs,
        notes,
        live: served.as_ref().is_some_and(|it| it.live),
    };
    Ok(material.page(served))
}

/// The page of a check of a history, which has this name.
#[must_use]
pub fn of_check(report: &Report, history: &History, name: &str) -> String {
    let material = Material {
        name: name.to_owned(),
        verdict: Some(Verdict::of(report)),
        history: Some(history),
        spec: None,
        logs: Vec::new(),
        notes: Vec::new(),
        live: false,
    };
    material.page(None)
}

/// Something in a folder, wherever links lead from there: a folder may be served to others, and is
/// not to show what lies elsewhere.
pub(crate) fn within(folder: &Path, name: &str) -> Result<PathBuf, String> {
    let unreadable = |error| format!("{name} cannot be read: {error}");
    let folder = folder.canonicalize().map_err(unreadable)?;
    let real = folder.join(name).canonicalize().map_err(unreadable)?;
    match real.starts_with(&folder) {
        true => Ok(real),
        false => Err(format!("{name} is a link to another place")),
    }
}

/// The verdict in a folder, or why there is none.
pub(crate) fn read_verdict(folder: &Path) -> Result<Verdict, String> {
    let text = fs::read_to_string(within(folder, "verdict.json")?)
        .map_err(|error| format!("verdict.json cannot be read: {error}"))?;
    Verdict::read(&text).map_err(|error| format!("verdict.json is no verdict: {error}"))
}

fn read_history(folder: &Path) -> Result<History, String> {
    let file = File::open(within(folder, "history.jsonl")?)
        .map_err(|error| format!("history.jsonl cannot be read: {error}"))?;
    let reading = polygraph_history::read(file, ReadOptions::default());
    let reading = reading.map_err(|error| format!("history.jsonl is no history: {error}"))?;
    Ok(reading.history)
}

/// What a page is made of.
struct Material<'a> {
    name: String,
    verdict: Option<Verdict>,
    history: Option<&'a History>,
    spec: Option<String>,
    logs: Vec<Log>,
    notes: Vec<String>,
    /// Whether it is being written while it is read.
    live: bool,
}

/// Of each guarantee so many pieces of evidence are drawn, and so many told.
const DRAWN: usize = 4;
const TOLD: usize = 20;

impl Material<'_> {
    fn page(&self, served: Option<Served>) -> String {
        let windows = self.history.map(windows::windows).unwrap_or_default();
        let title = match &self.verdict {
            Some(verdict) => {
                let headline = words::headline(verdict);
                format!("{} {}", headline.sign, headline.sentence)
            }
            None => self.name.clone(),
        };
        let body = html! {
            (self.answer(&windows))
            @if let Some(verdict) = &self.verdict {
                @if let Some(section) = matrix::section(verdict) { (section) }
            }
            (self.over_time(&windows))
            (self.anomalies(&windows))
            (spec::section(self.verdict.as_ref(), self.spec.as_deref(), &self.notes))
        };
        whole(&title, &body, served)
    }

    /// The answer in words, and the evidence that tells most.
    fn answer(&self, windows: &[Window]) -> Markup {
        let Some(verdict) = &self.verdict else {
            return html! {
                header.answer.unsure {
                    p.what { (self.name) }
                    @if self.live {
                        h1 { span.sign { "▶" } " Under way" }
                        p { (self.so_far()) }
                    } @else {
                        h1 { span.sign { "?" } " There is no verdict" }
                        p { "The run was cut short before it was judged, or its verdict is lost. " (self.so_far()) }
                    }
                }
            };
        };
        let spec = self.history.and_then(History::spec);
        html! {
            (words::answer(&self.name, verdict, spec))
            @if let Some((answer, anomaly)) = verdict.telling() {
                section {
                    h2 { "The evidence: " (anomaly.kind) }
                    p.note { "It rules out " strong { (answer.name) } ". " (answer.about()) }
                    (self.piece(anomaly, windows, true))
                    (self.replay(verdict))
                }
            } @else if verdict.replay.is_some() {
                section { h2 { "Run it again" } (self.replay(verdict)) }
            }
        }
    }

    /// How far a run without a verdict is.
    fn so_far(&self) -> String {
        let Some(history) = self.history else {
            return "Nothing was recorded yet.".to_owned();
        };
        let last = history
            .events()
            .len()
            .checked_sub(1)
            .map(|at| history.time(at));
        let planned = history
            .spec()
            .map(|spec| format!(" of {}", Time(spec.time_ns)));
        format!(
            "{} operations were recorded until {}{}.",
            history.operations().len(),
            last.unwrap_or(Time::ZERO),
            planned.unwrap_or_default(),
        )
    }

    fn replay(&self, verdict: &Verdict) -> Markup {
        let command = match &verdict.replay {
            Some(replay) => replay.clone(),
            None => format!("polygraph check {}", self.name),
        };
        html! {
            p.command { "To see it again: " code { (command) } }
        }
    }

    /// A piece of evidence: what happened in words, and what it looks like.
    fn piece(&self, anomaly: &Anomaly, windows: &[Window], first: bool) -> Markup {
        let drawn = self
            .history
            .and_then(|it| Evidence::of(it, windows, &anomaly.operations));
        html! {
            p.lead[first && anomaly.explanation.len() < 300] { (sentence(&anomaly.explanation)) }
            @if anomaly.confirmed {
                p.note { span.confirmed { "✓ Confirmed" } " by a second function that shares nothing with the search that found it." }
            } @else {
                p.note { span.refuted { "✗ Not confirmed" } " by the second function: do not rely on it." }
            }
            @match (&anomaly.cycle, drawn) {
                (Some(cycle), _) if cycle.can_be_drawn() => { div.wide { (cycle.inline(760)) } div.narrow { (cycle.inline(340)) } }
                (_, Some(drawn)) => (drawn.draw()),
                (_, None) => {}
            }
            @if let Some(history) = self.history {
                @if let Some(table) = around::table(history, &anomaly.operations) { (table) }
                @if let Some((from, to)) = span(history, &anomaly.operations) {
                    @if let Some(logs) = logs::around(&self.logs, from, to) { (logs) }
                }
            }
        }
    }

    /// Faults, rates, latencies, and what follows from them.
    fn over_time(&self, windows: &[Window]) -> Markup {
        let Some(history) = self.history else {
            return html! {};
        };
        let Some(course) = Course::of(history) else {
            return html! {};
        };
        let sections = [
            faults::section(windows, course.end),
            rate::section(&course, windows),
            latency::section(&course, windows),
            availability::section(history, windows),
            staleness::section(history, &course, windows),
            clocks::section(windows, course.end),
        ];
        html! { @for section in sections.iter().flatten() { (section) } }
    }

    /// All other evidence.
    fn anomalies(&self, windows: &[Window]) -> Markup {
        let Some(verdict) = &self.verdict else {
            return html! {};
        };
        let violated = verdict.violated();
        html! {
            @for answer in violated.iter().filter(|it| !it.anomalies.is_empty()) {
                section id=(answer.name) {
                    h2 { "What rules out " (answer.name) }
                    p.note {
                        (matrix::count(answer.anomaly_count.max(answer.anomalies.len() as u64), "piece")) " of evidence"
                        @if answer.anomaly_count > TOLD as u64 { ", of which the first " (TOLD.min(answer.anomalies.len())) " are told" }
                        "."
                    }
                    @for (at, anomaly) in answer.anomalies.iter().take(TOLD).enumerate() {
                        @if at < DRAWN {
                            details {
                                summary { (at + 1) ". " (anomaly.kind) @if let Some(key) = &anomaly.key { " of " (key) } ": " (evidence::clip(&anomaly.explanation, 150)) }
                                (self.piece(anomaly, windows, false))
                            }
                        } @else {
                            p { (at + 1) ". " strong { (anomaly.kind) } ": " (sentence(&anomaly.explanation)) }
                        }
                    }
                }
            }
        }
    }
}

/// A sentence begins with a capital and ends with a full stop.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first: String = chars
        .next()
        .map(|c| c.to_uppercase().collect())
        .unwrap_or_default();
    let end = if text.ends_with(['.', '!', '?']) {
        ""
    } else {
        "."
    };
    format!("{first}{}{end}", chars.as_str())
}

/// From when until when operations were under way, nanoseconds; `None` where there are no times.
fn span(history: &History, invocations: &[u64]) -> Option<(u64, u64)> {
    let operations = invocations
        .iter()
        .filter_map(|&at| evidence::find(history, at));
    let times = operations.map(|it| {
        let begin = history.invoked_at(it);
        (begin, history.completed_at(it).unwrap_or(begin))
    });
    let (from, to) = times.fold((Time::MAX, Time::ZERO), |(from, to), (begin, end)| {
        (from.min(begin), to.max(end))
    });
    (to > Time::ZERO).then_some((from.as_nanos(), to.as_nanos()))
}
