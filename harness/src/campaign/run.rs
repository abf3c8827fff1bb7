//! Runs a plan: simulated runs on all cores, real ones one at a time, each written down as soon as
//! it is over.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use anyhow::Context as _;
use polygraph_checker::Options;
use polygraph_results::campaign::{CellVerdict, Verdicts};
use polygraph_results::{Folder, Stored};

use super::archive::Archive;
use super::cells::{Plan, Unit};
use super::journal::{Journal, Line};
use super::shard::Shard;
use super::verdicts::{Ended, fails, verdicts};
use crate::interpreter::Interrupt;
use crate::judge::exit;
use crate::run::{Conduct, judge, record};

/// What decides a campaign besides its plan.
pub(crate) struct Way<'a> {
    /// The folder of the campaign.
    pub(crate) folder: &'a Path,
    /// The part that is run here.
    pub(crate) shard: Option<Shard>,
    /// Whether the first failure ends it.
    pub(crate) fail_fast: bool,
    /// What is known to fail.
    pub(crate) baseline: Option<&'a Verdicts>,
    /// Where records go before they are checked.
    pub(crate) archive: Option<&'a Archive>,
    /// Told from outside to end early.
    pub(crate) interrupt: &'a Interrupt,
    /// Told what happens.
    pub(crate) witness: &'a dyn Witness,
}

/// Somebody who is told what happens, from any thread.
pub(crate) trait Witness: Sync {
    /// A run is over; so many of so many are, and so many of them failed.
    fn run(&self, line: &Line, fails: bool, done: usize, all: usize);
    /// All runs of a test that take place here are over.
    fn cell(&self, cell: &CellVerdict);
}

/// So many records of runs are kept of each test: of those that decide its exit code.
const KEPT: usize = 3;

/// Runs what is not done yet; gives all runs that are over, and why some are not.
///
/// # Errors
/// What writing the journal gives.
pub(crate) fn run(
    plan: &Plan,
    way: &Way<'_>,
    journal: Journal,
    done: Vec<Line>,
) -> anyhow::Result<(Vec<Line>, Option<Ended>)> {
    let mine = |unit: &Unit| {
        let name = &plan.cells[unit.cell].name;
        way.shard.is_none_or(|shard| shard.has(name, unit.seed))
    };
    let units: Vec<Unit> = plan.units.iter().copied().filter(mine).collect();
    let round = Round {
        plan,
        way,
        began: Instant::now(),
        stop_at: AtomicUsize::new(usize::MAX),
        desk: Mutex::new(Desk {
            journal,
            lines: Vec::new(),
            kept: vec![0; plan.cells.len()],
        }),
        units: &units,
    };
    for line in done {
        round.resume(line);
    }
    let is_real = |at: &usize| plan.cells[units[*at].cell].resolved.spec.world != "sim";
    let begun = round.finished();
    let left = (0..units.len()).filter(|at| !begun.contains(at));
    let (real, simulated): (Vec<usize>, Vec<usize>) = left.partition(is_real);
    round.side_by_side(&simulated)?;
    for at in real {
        if round.goes_on(at) {
            round.one(at)?;
        }
    }
    let stop_at = round.stop_at.into_inner();
    let desk = round
        .desk
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    let mut lines = desk.lines;
    lines.sort_by_key(|(at, _)| *at);
    // What was begun beside the failure that ends it depends on the machine: it does not count.
    lines.retain(|(at, _)| *at <= stop_at);
    let whole = lines.len() == units.len();
    let ended = match () {
        () if way.interrupt.load(Ordering::Relaxed) > 0 && !whole => Some(Ended::Interrupted),
        () if stop_at < units.len() && !whole => Some(Ended::FailFast),
        () if !whole => Some(Ended::Budget),
        () if units.len() < plan.units.len() => Some(Ended::Shard),
        () => None,
    };
    Ok((lines.into_iter().map(|(_, line)| line).collect(), ended))
}

/// A campaign that is running.
struct Round<'a> {
    plan: &'a Plan,
    way: &'a Way<'a>,
    began: Instant,
    units: &'a [Unit],
    /// The first run that failed, if failures end it.
    stop_at: AtomicUsize,
    desk: Mutex<Desk>,
}

/// What all threads write to.
struct Desk {
    journal: Journal,
    lines: Vec<(usize, Line)>,
    kept: Vec<usize>,
}

impl Round<'_> {
    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a run that was over before.
    fn resume(&self, line: Line) {
        let same =
            |unit: &Unit| unit.seed == line.seed && self.plan.cells[unit.cell].name == line.cell;
        let Some(at) = self.units.iter().position(same) else {
            return;
        };
        self.notice(at, &line);
        let mut desk = self.desk();
        if desk.lines.iter().all(|(other, _)| *other != at) {
            desk.lines.push((at, line));
        }
    }

    /// The runs that are over.
    fn finished(&self) -> Vec<usize> {
        self.desk().lines.iter().map(|(at, _)| *at).collect()
    }

    /// Whether a run may still begin.
    fn goes_on(&self, at: usize) -> bool {
        let in_time = self
            .plan
            .budget
            .is_none_or(|budget| self.began.elapsed() < budget);
        let asked = self.way.interrupt.load(Ordering::Relaxed) == 0;
        in_time && asked && at <= self.stop_at.load(Ordering::Relaxed)
    }

    /// Runs on all cores.
    fn side_by_side(&self, runs: &[usize]) -> anyhow::Result<()> {
        let next = AtomicUsize::new(0);
        let work = || -> anyhow::Result<()> {
            while let Some(&at) = runs.get(next.fetch_add(1, Ordering::Relaxed)) {
                if self.goes_on(at) {
                    self.one(at).inspect_err(|_| {
                        // Nobody can write: nobody need go on.
                        self.stop_at.store(0, Ordering::Relaxed);
                    })?;
                }
            }
            Ok(())
        };
        let workers = rayon::current_num_threads().clamp(1, runs.len().max(1));
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
            let ended = threads.into_iter().map(|thread| {
                thread
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            });
            ended.collect::<anyhow::Result<Vec<()>>>().map(|_| ())
        })
    }

    /// Runs one and writes it down.
    fn one(&self, at: usize) -> anyhow::Result<()> {
        let unit = self.units[at];
        let cell = &self.plan.cells[unit.cell];
        let caught = catch_unwind(AssertUnwindSafe(|| self.perform(unit)));
        // What was cut short is not what the seed gives: it is not over, and is run again.
        if self.way.interrupt.load(Ordering::Relaxed) > 0 {
            return Ok(());
        }
        let (report, error) = match caught {
            Ok(Ok(report)) => (Some(report), None),
            Ok(Err(error)) => (None, Some(format!("{error:#}"))),
            Err(_) => (
                None,
                Some("a bug of polygraph: it panicked (see above)".to_owned()),
            ),
        };
        let line = Line {
            cell: cell.name.clone(),
            seed: unit.seed,
            report,
            error,
        };
        let fails = self.notice(at, &line);
        let mut desk = self.desk();
        desk.journal
            .add(&line)
            .context("the journal of the campaign cannot be written")?;
        desk.lines.push((at, line.clone()));
        let done = desk.lines.len();
        let of_cell = |it: &&Unit| it.cell == unit.cell;
        let wanted = self.units.iter().filter(of_cell).count();
        let ended: Vec<Line> = desk
            .lines
            .iter()
            .filter(|(_, it)| it.cell == cell.name)
            .map(|(_, it)| it.clone())
            .collect();
        drop(desk);
        self.way.witness.run(&line, fails, done, self.units.len());
        if ended.len() == wanted {
            let all = verdicts(self.plan, &ended, self.way.baseline, Some(Ended::Shard));
            if let Some(verdict) = all.cells.get(unit.cell) {
                self.way.witness.cell(verdict);
            }
        }
        Ok(())
    }

    /// Notes whether a run that is over ends the campaign.
    fn notice(&self, at: usize, line: &Line) -> bool {
        let cell = &self.plan.cells[self.units[at].cell];
        let fails = fails(cell, line, self.way.baseline);
        if fails && self.way.fail_fast {
            self.stop_at.fetch_min(at, Ordering::Relaxed);
        }
        fails
    }

    /// One run, from deployment to judgement. Its record is whole before it is checked; it is kept
    /// if there is something to see, or if no seed would bring it back.
    fn perform(&self, unit: Unit) -> anyhow::Result<Stored> {
        let cell = &self.plan.cells[unit.cell];
        let mut resolved = cell.resolved.clone();
        resolved.spec.seed = unit.seed;
        let name = record_name(&cell.name, unit.seed);
        let path = self.way.folder.join("runs").join(&name);
        if path.exists() {
            // Of a campaign that was killed in the middle of it.
            fs::remove_dir_all(&path).with_context(|| path.display().to_string())?;
        }
        fs::create_dir_all(&path).with_context(|| path.display().to_string())?;
        let folder = Folder::open(&path);
        let how = Conduct {
            interrupt: self.way.interrupt,
            progress: &|_| (),
            replay: None,
        };
        let finished = record(&resolved, how, Some(&folder))?;
        let part = self.way.archive.map(|archive| {
            let part = archive.put(&format!("runs/{name}"), &path);
            part.context("the archive cannot be written")
        });
        let part = part.transpose()?;
        let report = judge(&resolved, &finished, &Options::default(), Some(&folder))?;
        let mut stored = Stored::from(&report);
        // What differs from folder to folder.
        stored.replay = None;
        let worth = self.is_worth_keeping(unit, report.exit) || resolved.spec.world != "sim";
        if !worth {
            fs::remove_dir_all(&path).with_context(|| path.display().to_string())?;
            if let (Some(archive), Some(part)) = (self.way.archive, part) {
                archive.forget(part);
            }
        }
        Ok(stored)
    }

    fn is_worth_keeping(&self, unit: Unit, code: u8) -> bool {
        let mut desk = self.desk();
        let kept = &mut desk.kept[unit.cell];
        let worth = code != exit::OK && *kept < KEPT;
        *kept += usize::from(worth);
        worth
    }
}

/// The folder of a run.
fn record_name(cell: &str, seed: u64) -> String {
    let plain = |c: char| {
        if c.is_alphanumeric() || c == '-' {
            c
        } else {
            '_'
        }
    };
    format!("{}-{seed}", cell.chars().map(plain).collect::<String>())
}
