//! `polygraph test`: deploys a store, breaks it, and judges what its clients saw.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::Args;
use polygraph_checker::Options;
use polygraph_history::parse_duration;
use polygraph_results::{
    Counts, ErrorBody, FaultCounts, Folder, Observed, Outcome, Report, test_table,
};

use super::drawing::Drawing;
use super::failure::Failure;
use super::progress::Line;
use super::signals::{INTERRUPT, listen};
use super::target_file;
use crate::defaults;
use crate::judge::{self, exit};
use crate::run::{Conduct, run as run_one};
use crate::spec::{Request, Resolved};

/// Deploy a store, break it, and judge what its clients saw.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The store (`polygraph list targets`)
    #[arg(required_unless_present = "target_file")]
    target: Option<String>,
    /// Test the store that this file describes (docs/targets.md)
    #[arg(long, value_name = "FILE", conflicts_with = "target")]
    target_file: Option<PathBuf>,
    /// What clients do (`polygraph list workloads`) [default: register]
    #[arg(long, value_name = "NAME")]
    workload: Option<String>,
    /// Fault families, with commas; `none`, `all` [default: partition]
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    nemesis: Vec<String>,
    /// Follow the faults of this file, one a line as in a run's schedule.jsonl, instead of drawing
    /// them from the seed
    #[arg(long, value_name = "FILE", conflicts_with = "nemesis")]
    schedule: Option<PathBuf>,
    /// Where nodes run: sim or local [default: sim]
    #[arg(long, value_name = "NAME")]
    world: Option<String>,
    /// How many nodes the cluster has [default: 5]
    #[arg(long, value_name = "N")]
    nodes: Option<usize>,
    /// How many clients are driven [default: 10]
    #[arg(long, value_name = "N")]
    clients: Option<usize>,
    /// Operations a second, of all clients together [default: 200]
    #[arg(long, value_name = "N")]
    rate: Option<u64>,
    /// How long clients work, of the world's clock [default: 60s in sim, 15s elsewhere]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    time: Option<Duration>,
    /// Clients stop after so many operations
    #[arg(long, value_name = "N")]
    ops: Option<u64>,
    /// From which everything random is drawn: a number, or `random` [default: 1]
    #[arg(long, value_name = "SEED")]
    seed: Option<String>,
    /// Run so many seeds, on all cores; stop at the lowest that is violated
    #[arg(long, value_name = "N")]
    seeds: Option<u64>,
    /// Run all seeds, whatever they show
    #[arg(long)]
    keep_going: bool,
    /// End the run as soon as it is proved not to be linearizable
    #[arg(long)]
    stop_early: bool,
    /// Settings: of the target, `workload.key=…` or `nemesis.key=…`
    #[arg(long, value_name = "KEY=VALUE,…", value_delimiter = ',', value_parser = setting)]
    set: Vec<(String, String)>,
    /// Plant a bug (`polygraph explain TARGET`)
    #[arg(long, value_name = "NAME")]
    bug: Option<String>,
    /// Judge by these guarantees alone, with commas (`polygraph list guarantees`)
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    guarantee: Vec<String>,
    /// Where the folders of runs go
    #[arg(long, value_name = "DIR", default_value = "runs")]
    out: PathBuf,
    /// Print the verdict as one line of JSON
    #[arg(long)]
    json: bool,
    /// Show no progress and no diagrams
    #[arg(long)]
    quiet: bool,
    #[command(flatten)]
    drawing: Drawing,
}

/// The largest number that every reader of JSON keeps exactly.
const LARGEST_SEED: u64 = (1 << 53) - 1;

/// Reads `key=value`.
fn setting(text: &str) -> Result<(String, String), String> {
    text.split_once('=')
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .ok_or_else(|| format!("`{text}` is not a setting; write key=value"))
}

pub(super) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    let seed = match arguments.seed.as_deref() {
        None => defaults::SEED,
        Some("random") => random_seed(),
        Some(text) => text.parse().ok().filter(|&seed| seed <= LARGEST_SEED).ok_or_else(|| {
            Failure::usage(format!(
                "`--seed {text}` is not possible; write a number from 0 to {LARGEST_SEED}, or `random`"
            ))
        })?,
    };
    let file = arguments.target_file.as_deref().map(target_file::read);
    let request = Request {
        target: arguments.target.clone().unwrap_or_default(),
        file: file.transpose()?,
        workload: arguments.workload.clone(),
        nemesis: arguments.nemesis.clone(),
        world: arguments.world.clone(),
        nodes: arguments.nodes,
        clients: arguments.clients,
        rate: arguments.rate,
        time: arguments.time,
        ops: arguments.ops,
        seed: Some(seed),
        set: arguments.set.clone(),
        bug: arguments.bug.clone(),
        stop_early: arguments.stop_early,
        guarantees: arguments.guarantee.clone(),
    };
    let mut resolved = Resolved::new(&request).map_err(Failure::usage)?;
    if let Some(file) = &arguments.schedule {
        follow(&mut resolved, file, arguments)?;
    }
    listen();
    if arguments.seed.as_deref() == Some("random") {
        eprintln!("seed {seed}");
    }
    let line = Line::new(arguments.quiet || arguments.json);
    let report = match arguments.seeds {
        None => single(&resolved, &arguments.out, &line),
        Some(0) => return Err(Failure::usage("`--seeds 0` runs nothing; give 1 or more")),
        Some(seeds) => several(&resolved, arguments, seeds, &line),
    };
    drop(line);
    let report = report.map_err(|error| match INTERRUPT.load(Ordering::Relaxed) {
        0 => Failure::harness(&error),
        _ => Failure::interrupted(&error),
    })?;
    show(&report, arguments.json, arguments.quiet, arguments.drawing);
    Ok(report.exit)
}

/// Takes the faults from a file.
fn follow(resolved: &mut Resolved, file: &Path, arguments: &Arguments) -> Result<(), Failure> {
    let of_nemesis = |(key, _): &&(String, String)| key.starts_with("nemesis.");
    if let Some((key, _)) = arguments.set.iter().find(of_nemesis) {
        return Err(Failure::usage(format!(
            "`{key}` is about faults that are drawn from the seed, and `--schedule` gives them; leave out one of the two"
        )));
    }
    let bytes = fs::read(file).map_err(|error| {
        Failure::input(ErrorBody {
            message: format!("{}: it cannot be read: {error}", file.display()),
            file: Some(file.display().to_string()),
            expected: Some("the file of a schedule".to_owned()),
            ..ErrorBody::default()
        })
    })?;
    let wrong = |error| Failure::unreadable(file, error);
    resolved.follow(&bytes).map_err(wrong)
}

/// Runs one seed.
fn single(resolved: &Resolved, out: &Path, line: &Line) -> anyhow::Result<Report> {
    let folder = Folder::create(out, &folder_name(resolved))?;
    let progress = |progress| line.show(progress);
    let conduct = Conduct {
        interrupt: &INTERRUPT,
        progress: &progress,
        replay: None,
    };
    run_one(resolved, &Options::default(), conduct, Some(&folder))
}

/// How many folders of runs are kept of many seeds.
const KEPT: usize = 10;

/// Runs many seeds on all cores. Only what is worth a look keeps a folder: the runs that decide
/// the exit code, or else the first one.
fn several(
    resolved: &Resolved,
    arguments: &Arguments,
    seeds: u64,
    line: &Line,
) -> anyhow::Result<Report> {
    let first = resolved.spec.seed;
    // The lowest violated offset so far; nothing above it is begun.
    let stop_at = AtomicU64::new(u64::MAX);
    let next = AtomicU64::new(0);
    let done = Mutex::new(Vec::new());
    let work = || -> anyhow::Result<()> {
        loop {
            let offset = next.fetch_add(1, Ordering::Relaxed);
            let interrupted = INTERRUPT.load(Ordering::Relaxed) > 0;
            if offset >= seeds || offset > stop_at.load(Ordering::Relaxed) || interrupted {
                return Ok(());
            }
            let mut resolved = resolved.clone();
            resolved.spec.seed = first.wrapping_add(offset);
            let conduct = Conduct {
                interrupt: &INTERRUPT,
                progress: &|_| (),
                replay: None,
            };
            let report = run_one(&resolved, &Options::default(), conduct, None)?;
            if report.exit == exit::VIOLATED && !arguments.keep_going {
                stop_at.fetch_min(offset, Ordering::Relaxed);
            }
            let mut done = done.lock().expect("no thread panics while it holds this");
            done.push((offset, report));
            let violated = done
                .iter()
                .filter(|(_, report)| report.exit == exit::VIOLATED)
                .count();
            line.say(format!(
                "{} of {seeds} seeds · {violated} violated",
                done.len()
            ));
        }
    };
    let workers = rayon::current_num_threads().max(1);
    let results: Vec<anyhow::Result<()>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        threads
            .into_iter()
            .map(|thread| {
                thread
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
            .collect()
    });
    results.into_iter().collect::<anyhow::Result<()>>()?;
    let mut runs = done.into_inner().expect("no thread panicked");
    runs.sort_by_key(|(offset, _)| *offset);
    let stop_at = stop_at.into_inner();
    let mut runs: Vec<Report> = runs
        .into_iter()
        .filter(|(offset, _)| *offset <= stop_at)
        .map(|(_, report)| report)
        .collect();
    keep(&mut runs, resolved, &arguments.out)?;
    anyhow::ensure!(
        !runs.is_empty(),
        "interrupted before the first seed had ended"
    );
    Ok(together(runs, resolved))
}

/// Runs what is worth a look once more, into a folder: the same seed is the same run.
fn keep(runs: &mut [Report], resolved: &Resolved, out: &Path) -> anyhow::Result<()> {
    let decides = |report: &Report| report.exit != exit::OK;
    let any = runs.iter().any(decides);
    let worth = runs.iter_mut().enumerate();
    let worth = worth.filter(|(at, report)| if any { decides(report) } else { *at == 0 });
    for (_, report) in worth.take(KEPT) {
        let mut again = resolved.clone();
        again.spec.seed = report.seed.unwrap_or(again.spec.seed);
        let folder = Folder::create(out, &folder_name(&again))?;
        let conduct = Conduct {
            interrupt: &INTERRUPT,
            progress: &|_| (),
            replay: None,
        };
        *report = run_one(&again, &Options::default(), conduct, Some(&folder))?;
    }
    Ok(())
}

/// One report of many: each guarantee as in the run that decides it.
fn together(runs: Vec<Report>, resolved: &Resolved) -> Report {
    let rank = |outcome: Outcome| match outcome {
        Outcome::ClaimBroken => 6,
        Outcome::Violated => 5,
        Outcome::Unknown => 4,
        Outcome::ViolatedAsDocumented => 3,
        Outcome::Holds => 2,
        Outcome::NotExhibited => 1,
        Outcome::NotExercised => 0,
    };
    let mut whole = runs.first().cloned().expect("at least one seed ran");
    let deciding = |code| runs.iter().find(|report| report.exit == code);
    let codes = [
        exit::VIOLATED,
        exit::HARNESS,
        exit::INTERRUPTED,
        exit::UNKNOWN,
    ];
    let decides = codes.into_iter().find_map(deciding).unwrap_or(&runs[0]);
    (whole.exit, whole.verdict) = (decides.exit, judge::whole(decides.exit));
    (whole.replay, whole.run) = (decides.replay.clone(), decides.run.clone());
    (whole.seed, whole.seeds) = (Some(resolved.spec.seed), runs.len() as u64);
    whole.operations = runs
        .iter()
        .fold(Counts::default(), |sum, report| sum.and(report.operations));
    whole.faults = sum_faults(&runs);
    for guarantee in &mut whole.guarantees {
        let same = runs.iter().flat_map(|report| &report.guarantees);
        let same: Vec<_> = same.filter(|other| other.name == guarantee.name).collect();
        // The worst outcome, and of those the first seed's.
        let worst = same.iter().copied().max_by_key(|other| rank(other.outcome));
        let worst = worst.map_or(0, |worst| rank(worst.outcome));
        if let Some(deciding) = same.iter().find(|other| rank(other.outcome) == worst) {
            let total = |of: fn(&polygraph_results::GuaranteeReport) -> u64| {
                same.iter().map(|other| of(other)).sum()
            };
            *guarantee = (*deciding).clone();
            if guarantee.verdict != Observed::Violated {
                guarantee.operations_checked = total(|other| other.operations_checked);
                guarantee.indeterminate = total(|other| other.indeterminate);
                guarantee.opportunities = total(|other| other.opportunities);
            }
            guarantee.checked_in_ms = total(|other| other.checked_in_ms);
        }
    }
    whole.runs = runs;
    whole
}

fn sum_faults(runs: &[Report]) -> Vec<FaultCounts> {
    let mut sums = runs
        .first()
        .map(|report| report.faults.clone())
        .unwrap_or_default();
    for report in &runs[1..] {
        for (sum, family) in sums.iter_mut().zip(&report.faults) {
            sum.planned += family.planned;
            sum.applied += family.applied;
            sum.verified += family.verified;
        }
    }
    sums
}

/// Shows a report.
pub(super) fn show(report: &Report, json: bool, quiet: bool, drawing: Drawing) {
    if json {
        let line = serde_json::to_string(report).expect("reports are JSON");
        return super::print(&format!("{line}\n"));
    }
    let mut text = headline(report);
    text += &test_table(report, super::width());
    text.push('\n');
    if !quiet {
        text += &drawing.pictures(report);
        text += &drawing.measurements(report);
    }
    for warning in &report.warnings {
        text += &format!("note: {warning}\n");
    }
    if report.seeds > 1 {
        text += &seeds_line(report);
    }
    if let Some(replay) = &report.replay {
        text += &format!("replay: {replay}\n");
    }
    drawing.print(&text);
}

/// Who was tested, what was done to it, and how its operations ended.
fn headline(report: &Report) -> String {
    let Counts {
        ok,
        fail,
        info,
        not_issued,
    } = report.operations;
    let name = |name: &Option<String>| name.clone().unwrap_or_default();
    let settings: Vec<_> = report
        .settings
        .iter()
        .flat_map(|settings| settings.iter())
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    let faults: Vec<_> = report
        .faults
        .iter()
        .map(|family| {
            format!(
                "{} {} ({} seen)",
                family.applied, family.kind, family.verified
            )
        })
        .collect();
    let faults = if faults.is_empty() {
        "none".to_owned()
    } else {
        faults.join(", ")
    };
    let not_issued = match not_issued {
        0 => String::new(),
        count => format!(", {count} not issued"),
    };
    format!(
        "{} [{}] · {} · {} · seed {}\noperations: {ok} ok, {fail} fail, {info} info{not_issued} · faults: {faults}\n",
        name(&report.target),
        settings.join(" "),
        name(&report.workload),
        name(&report.world),
        report.seed.unwrap_or_default(),
    )
}

fn seeds_line(report: &Report) -> String {
    let count = |verdict| {
        report
            .runs
            .iter()
            .filter(|run| run.verdict == verdict)
            .count()
    };
    let violated: Vec<_> = report
        .runs
        .iter()
        .filter(|run| run.exit == exit::VIOLATED)
        .filter_map(|run| run.seed)
        .take(10)
        .map(|seed| seed.to_string())
        .collect();
    let which = match violated.is_empty() {
        true => String::new(),
        false => format!(" (seeds {})", violated.join(", ")),
    };
    format!(
        "{} seeds: {} hold, {} violated{which}, {} unknown, {} without a verdict\n",
        report.seeds,
        count("holds"),
        count("violated"),
        count("unknown"),
        count("none"),
    )
}

/// `20261120T143754Z-leaderless-register-1`.
pub(super) fn folder_name(resolved: &Resolved) -> String {
    let spec = &resolved.spec;
    format!(
        "{}-{}-{}-{}",
        timestamp(),
        spec.target,
        spec.workload.name,
        spec.seed
    )
}

/// The time of day in UTC, as it stands in the names of folders (and nowhere else).
pub(super) fn timestamp() -> String {
    let secs = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let (days, second) = (secs / 86_400, secs % 86_400);
    let (year, month, day) = civil(days);
    let (hour, minute) = (second / 3600, second / 60 % 60);
    format!(
        "{year:04}{month:02}{day:02}T{hour:02}{minute:02}{:02}Z",
        second % 60
    )
}

/// The date of a day counted from 1970-01-01, by the Gregorian calendar.
fn civil(days: u64) -> (u64, u64, u64) {
    // Counted in years that begin in March, so that the leap day comes last.
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let march_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 {
        march_month + 3
    } else {
        march_month - 9
    };
    (year + era * 400 + u64::from(month <= 2), month, day)
}

fn random_seed() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let nanos = u64::try_from(since.as_nanos()).unwrap_or(u64::MAX);
    // Small enough to be typed again, and exact in every JSON reader.
    polygraph_history::random::keyed(&[nanos, u64::from(std::process::id())]) >> 32
}

#[cfg(test)]
mod tests {
    #[test]
    fn days_are_counted_by_the_calendar() {
        assert_eq!(super::civil(0), (1970, 1, 1));
        assert_eq!(super::civil(11_016), (2000, 2, 29));
        assert_eq!(super::civil(20_777), (2026, 11, 20));
    }
}
