//! What a campaign says while it runs, and its final table.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use console::style;
use polygraph_results::campaign::{CellVerdict, Verdicts};
use polygraph_results::{Counts, Status};
use serde_json::{Value, json};
use tabled::builder::Builder;
use tabled::settings::Style;

use super::progress::Line as Progress;
use crate::campaign::cells::Plan;
use crate::campaign::journal::Line;
use crate::campaign::run::Witness;
use crate::campaign::shard::Shard;

/// Tells of a campaign: a line of progress and a line for each test on standard error, events in a
/// file.
pub(super) struct Herald {
    began: Instant,
    progress: Progress,
    quiet: bool,
    failed: Mutex<u64>,
    events: Option<Mutex<File>>,
}

impl Herald {
    /// Makes the file of events, too.
    pub(super) fn new(
        plan: &Plan,
        quiet: bool,
        json: bool,
        events: Option<&Path>,
    ) -> Result<Herald, (PathBuf, io::Error)> {
        let create = |path: &Path| File::create(path).map_err(|error| (path.to_owned(), error));
        let quiet = quiet || json;
        let herald = Herald {
            began: Instant::now(),
            progress: Progress::new(quiet),
            quiet,
            failed: Mutex::new(0),
            events: events.map(create).transpose()?.map(Mutex::new),
        };
        herald.progress.say(format!("{} runs", plan.units.len()));
        Ok(herald)
    }

    /// The campaign begins.
    pub(super) fn begins(&self, plan: &Plan, shard: Option<Shard>, done: usize) {
        self.event(json!({
            "event": "campaign-started",
            "polygraph": polygraph_results::VERSION,
            "campaign": plan.name,
            "file": plan.file,
            "profile": plan.profile,
            "shard": shard.map(|shard| shard.to_string()),
            "cells": plan.cells.len(),
            "runs": plan.units.len(),
            "done": done,
        }));
    }

    /// The campaign is over.
    pub(super) fn ends(&self, verdicts: &Verdicts, folder: &Path) {
        self.event(json!({
            "event": "campaign-finished",
            "verdict": verdicts.verdict,
            "exit": verdicts.exit,
            "ran": verdicts.ran,
            "planned": verdicts.planned,
            "seconds": self.began.elapsed().as_secs_f64(),
        }));
        if !self.quiet {
            eprintln!(
                "{} runs in {:.1} s: {}",
                verdicts.ran,
                self.began.elapsed().as_secs_f64(),
                folder.display()
            );
        }
    }

    /// Events are an aid: a file that is full does not end a campaign.
    fn event(&self, event: Value) {
        if let Some(file) = &self.events {
            let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = file.write_all(format!("{event}\n").as_bytes());
        }
    }
}

impl Witness for Herald {
    fn run(&self, line: &Line, fails: bool, done: usize, all: usize) {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        *failed += u64::from(fails);
        self.progress.say(format!(
            "{done} of {all} runs · {failed} failed · {}",
            line.cell
        ));
        drop(failed);
        let report = line.report.as_ref();
        let violated = report.iter().flat_map(|report| &report.guarantees);
        let violated: Vec<&str> = violated
            .filter(|guarantee| guarantee.verdict == "violated")
            .map(|guarantee| guarantee.name.as_str())
            .collect();
        self.event(json!({
            "event": "run-finished",
            "cell": line.cell,
            "seed": line.seed,
            "exit": report.map(|report| report.exit),
            "error": line.error,
            "violated": violated,
            "fails": fails,
            "done": done,
            "runs": all,
        }));
    }

    fn cell(&self, cell: &CellVerdict) {
        self.event(json!({
            "event": "cell-finished",
            "cell": cell.name,
            "status": cell.status,
            "runs": cell.runs.len(),
            "alone": cell.alone,
        }));
        if !self.quiet {
            self.progress.above(&format!(
                "{} {} · {}",
                word(cell.status),
                cell.name,
                cell.alone
            ));
        }
    }
}

/// A status in one short word, in colour where colours are wanted.
fn word(status: Status) -> String {
    let (word, paint): (&str, fn(&str) -> String) = match status {
        Status::Violated | Status::NotSeen => {
            ("FAILS", |it| style(it).for_stderr().red().to_string())
        }
        Status::Error => ("ERROR", |it| style(it).for_stderr().red().to_string()),
        Status::Unknown => ("open ", |it| style(it).for_stderr().yellow().to_string()),
        Status::NotRun => ("-    ", str::to_owned),
        _ => ("ok   ", |it| style(it).for_stderr().green().to_string()),
    };
    paint(word)
}

/// The letters of the table.
const fn letter(status: Status) -> &'static str {
    match status {
        Status::Violated => "FAIL",
        Status::NotSeen => "GONE",
        Status::Error => "ERR",
        Status::Unknown => "?",
        Status::NotRun => "-",
        Status::Expected | Status::Known => "ok x",
        Status::ViolatedAsDocumented => "ok d",
        _ => "ok",
    }
}

/// The final table, at most so wide: a row for each store, settings and workload, a column for each
/// nemesis; then what failed.
pub(super) fn shown(verdicts: &Verdicts, width: usize) -> String {
    let mut text = matrix(verdicts, width);
    for cell in &verdicts.cells {
        text += &failures(cell);
    }
    for it in &verdicts.remembered {
        let what = format!(
            "{} seed {}: {} ({})",
            it.cell, it.seed, it.guarantee, it.anomaly
        );
        text += &match it.fails {
            Some(true) => format!("still fails: {what}\n"),
            Some(false) => format!("no longer fails: {what}, seen by {}\n", it.version),
            None => String::new(),
        };
    }
    let sum = verdicts
        .cells
        .iter()
        .fold(Counts::default(), |sum, it| sum.and(it.operations));
    let ended = match &verdicts.ended {
        Some(ended) => format!(" of {} ({ended})", verdicts.planned),
        None => String::new(),
    };
    text + &format!(
        "{}: {} · {} tests, {} runs{ended}, {} operations · {} incompatible, {} excluded\n",
        verdicts.name,
        verdicts.verdict,
        verdicts.cells.len(),
        verdicts.ran,
        sum.ok + sum.fail + sum.info,
        verdicts.incompatible.len(),
        verdicts.excluded.len(),
    )
}

fn failures(cell: &CellVerdict) -> String {
    let mut text = String::new();
    let bad = |it: Status| it.fails() || it == Status::Unknown;
    for guarantee in cell.guarantees.iter().filter(|it| bad(it.status)) {
        let found = match guarantee.anomalies.first() {
            Some(found) if guarantee.status.fails() => {
                format!(
                    "{}: {}\n  {}",
                    found.anomaly.kind, found.anomaly.explanation, found.replay
                )
            }
            _ => format!(
                "{}\n  {}",
                guarantee
                    .reason
                    .as_deref()
                    .unwrap_or("an expected violation was not seen"),
                cell.alone
            ),
        };
        let of = format!(
            "{} · {}: {}",
            cell.name,
            guarantee.name,
            guarantee.status.name()
        );
        text += &format!("{of}\n  {found}\n");
    }
    for run in &cell.runs {
        if let Some(error) = &run.error {
            text += &format!("{} seed {}: {error}\n", cell.name, run.seed);
        }
    }
    text
}

/// The matrix; where it does not fit, as many columns at a time as do.
fn matrix(verdicts: &Verdicts, width: usize) -> String {
    let column = |cell: &CellVerdict| match cell.world.as_str() {
        "sim" => cell.nemesis.clone(),
        world => format!("{} {world}", cell.nemesis),
    };
    let row = |cell: &CellVerdict| {
        let settings = cell.name.split('/').next().unwrap_or_default();
        format!("{settings} {}", cell.workload)
    };
    let mut columns: Vec<String> = Vec::new();
    let mut rows: Vec<String> = Vec::new();
    let mut marks: BTreeMap<(String, String), &str> = BTreeMap::new();
    for cell in &verdicts.cells {
        let (row, column) = (row(cell), column(cell));
        if !rows.contains(&row) {
            rows.push(row.clone());
        }
        if !columns.contains(&column) {
            columns.push(column.clone());
        }
        marks.insert((row, column), letter(cell.status));
    }
    let most = width.saturating_sub(24).max(16);
    let name = |row: &String| match row.chars().count() > most {
        true => row.chars().take(most - 1).chain(['…']).collect::<String>(),
        false => row.clone(),
    };
    let first = rows
        .iter()
        .map(|row| name(row).chars().count())
        .max()
        .unwrap_or(0)
        + 4;
    let mut text = String::new();
    let mut left = columns.as_slice();
    while !left.is_empty() {
        let mut used = first;
        let fits = left
            .iter()
            .take_while(|column| {
                used += column.chars().count().clamp(4, most) + 3;
                used <= width
            })
            .count()
            .max(1);
        let (shown, rest) = left.split_at(fits);
        left = rest;
        let mut builder = Builder::default();
        let head = std::iter::once(String::new()).chain(shown.iter().map(name));
        builder.push_record(head);
        for row in &rows {
            let mark = |column: &String| {
                let mark = marks.get(&(row.clone(), column.clone()));
                mark.copied().unwrap_or("").to_owned()
            };
            builder.push_record(std::iter::once(name(row)).chain(shown.iter().map(mark)));
        }
        text += &builder
            .build()
            .with(Style::modern_rounded().remove_horizontal())
            .to_string();
        text.push('\n');
    }
    text + LEGEND
}

const LEGEND: &str = "ok: holds · d: some violated as documented · x: some as expected or known\n";
