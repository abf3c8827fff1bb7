//! What runs mean together: a pure function of the plan and the runs that are over.

use std::collections::BTreeMap;

use polygraph_results::campaign::{
    CellVerdict, GuaranteeVerdict, RunVerdict, SeedAnomaly, Verdicts,
};
use polygraph_results::{Counts, Latency, Status, Stored, StoredGuarantee, VERSION};

use super::cells::{Cell, Plan, Unit};
use super::journal::Line;
use super::memory;
use crate::judge::{exit, whole};

/// Why not everything was run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The time was over.
    Budget,
    /// The first failure ended it.
    FailFast,
    /// The rest is another machine's.
    Shard,
    /// The user ended it.
    Interrupted,
    /// The shards that are there do not make a whole.
    Incomplete,
}

impl Ended {
    const fn name(self) -> &'static str {
        match self {
            Ended::Budget => "budget-time",
            Ended::FailFast => "fail-fast",
            Ended::Shard => "shard",
            Ended::Interrupted => "interrupted",
            Ended::Incomplete => "shards-missing",
        }
    }
}

/// What the runs that are over mean. What was violated in `baseline` too is known.
pub(crate) fn verdicts(
    plan: &Plan,
    lines: &[Line],
    baseline: Option<&Verdicts>,
    ended: Option<Ended>,
) -> Verdicts {
    let mut by_cell: BTreeMap<&str, Vec<&Line>> = BTreeMap::new();
    for line in lines {
        by_cell.entry(&line.cell).or_default().push(line);
    }
    let cells: Vec<CellVerdict> = plan
        .cells
        .iter()
        .enumerate()
        .map(|(at, it)| {
            let ran = by_cell.get(it.name.as_str()).map_or(&[][..], Vec::as_slice);
            let before = baseline.and_then(|all| all.cells.iter().find(|old| old.name == it.name));
            cell(it, &seeds(plan, at), ran, before)
        })
        .collect();
    let mut all = Verdicts {
        polygraph: VERSION,
        command: "campaign".to_owned(),
        name: plan.name.clone(),
        file: plan.file.clone(),
        profile: plan.profile.clone(),
        planned: plan.units.len() as u64,
        ran: lines.len() as u64,
        ended: ended.map(|ended| ended.name().to_owned()),
        cells,
        incompatible: plan.incompatible.clone(),
        excluded: plan.excluded.clone(),
        remembered: memory::review(&plan.remembered, lines),
        ..Verdicts::default()
    };
    all.exit = code(&all, ended);
    all.verdict = whole(all.exit).to_owned();
    all
}

/// The exit code: a violation outweighs a failure of the harness, that an interruption, and that
/// what is not decided. A test of which nothing was run is not decided.
fn code(all: &Verdicts, ended: Option<Ended>) -> u8 {
    let some = |wanted: fn(Status) -> bool| {
        let answers = all.cells.iter().flat_map(|cell| &cell.guarantees);
        let answers = answers.map(|guarantee| guarantee.status);
        answers
            .chain(all.cells.iter().map(|cell| cell.status))
            .any(wanted)
    };
    let missing = ended != Some(Ended::Shard)
        && (some(|status| status == Status::NotRun) || all.cells.is_empty());
    match () {
        () if some(Status::fails) => exit::VIOLATED,
        () if some(|status| status == Status::Error) => exit::HARNESS,
        () if ended == Some(Ended::Interrupted) => exit::INTERRUPTED,
        () if some(|status| status == Status::Unknown) || missing => exit::UNKNOWN,
        () if ended == Some(Ended::Incomplete) => exit::UNKNOWN,
        () => exit::OK,
    }
}

/// The seeds of a test, in order.
fn seeds(plan: &Plan, cell: usize) -> Vec<u64> {
    let units = plan.units.iter().filter(|unit| unit.cell == cell);
    let mut seeds: Vec<u64> = units.map(|unit| unit.seed).collect();
    seeds.sort_unstable();
    seeds
}

/// Whether a run fails the campaign; `baseline` knows what failed before.
pub(crate) fn fails(cell: &Cell, line: &Line, baseline: Option<&Verdicts>) -> bool {
    let before = baseline.and_then(|all| all.cells.iter().find(|old| old.name == cell.name));
    let guarantees = line.report.iter().flat_map(|report| &report.guarantees);
    guarantees
        .map(|it| status(cell, it, before))
        .any(|status| status == Status::Violated)
}

/// What a run says of a guarantee, given what is expected and what is known.
fn status(cell: &Cell, found: &StoredGuarantee, before: Option<&CellVerdict>) -> Status {
    let status = Status::of(found);
    let kinds = || found.anomalies.iter().map(|anomaly| anomaly.kind.as_str());
    let expected = cell.expectations.iter().any(|it| {
        let by_these = it.anomalies.is_empty()
            || kinds().all(|kind| it.anomalies.iter().any(|one| one == kind));
        it.guarantee == found.name
            && match status {
                Status::Violated => !it.unknown && by_these,
                Status::Unknown => it.unknown,
                _ => false,
            }
    });
    let known = || {
        let old = before.into_iter().flat_map(|cell| &cell.guarantees);
        let old = old.filter(|it| it.name == found.name && it.status.is_violation());
        let old: Vec<&str> = old
            .flat_map(|it| &it.anomalies)
            .map(|it| it.anomaly.kind.as_str())
            .collect();
        !old.is_empty() && kinds().all(|kind| old.contains(&kind))
    };
    match status {
        Status::Violated if expected => Status::Expected,
        Status::Violated if known() => Status::Known,
        Status::Unknown if expected => Status::Undecided,
        other => other,
    }
}

fn cell(cell: &Cell, seeds: &[u64], lines: &[&Line], before: Option<&CellVerdict>) -> CellVerdict {
    let mut lines = lines.to_vec();
    lines.sort_by_key(|line| line.seed);
    let complete = seeds
        .iter()
        .all(|seed| lines.iter().any(|line| line.seed == *seed));
    let reports: Vec<(u64, &Stored)> = lines
        .iter()
        .filter_map(|line| Some((line.seed, line.report.as_ref()?)))
        .collect();
    let mut names: Vec<&str> = Vec::new();
    for guarantee in reports.iter().flat_map(|(_, report)| &report.guarantees) {
        if !names.contains(&guarantee.name.as_str()) {
            names.push(&guarantee.name);
        }
    }
    let named = names
        .iter()
        .map(|name| guarantee(cell, name, &reports, before, complete));
    let guarantees: Vec<GuaranteeVerdict> = named.collect();
    let run = |&seed: &u64| {
        let line = lines.iter().find(|line| line.seed == seed);
        RunVerdict {
            seed,
            exit: line.map(|line| line.report.as_ref().map_or(exit::HARNESS, |it| it.exit)),
            error: line.and_then(|line| error(line)),
        }
    };
    let runs: Vec<RunVerdict> = seeds.iter().map(run).collect();
    let worst = guarantees.iter().map(|it| it.status).max();
    let status = match worst {
        _ if lines.is_empty() => Status::NotRun,
        Some(Status::Violated | Status::NotSeen) => worst.unwrap_or_default(),
        _ if runs.iter().any(|run| run.error.is_some()) => Status::Error,
        _ => worst.unwrap_or_default(),
    };
    let latencies: Vec<Latency> = reports.iter().filter_map(|(_, it)| it.latency).collect();
    CellVerdict {
        name: cell.name.clone(),
        line: cell.line,
        target: cell.resolved.spec.target.clone(),
        variant: cell.variant.clone(),
        workload: cell.resolved.spec.workload.name.clone(),
        nemesis: cell.nemesis.clone(),
        world: cell.resolved.spec.world.clone(),
        alone: cell.alone(seeds),
        status,
        operations: reports
            .iter()
            .fold(Counts::default(), |sum, (_, it)| sum.and(it.operations)),
        latency: Latency::median(&latencies),
        runs,
        guarantees,
    }
}

/// What failed in a run, if the harness did.
fn error(line: &Line) -> Option<String> {
    let report = match &line.report {
        None => return Some(line.error.clone().unwrap_or_else(|| "it failed".to_owned())),
        Some(report) => report,
    };
    (report.exit == exit::HARNESS).then(|| match report.warnings.is_empty() {
        true => "the run has no verdict".to_owned(),
        false => report.warnings.join("; "),
    })
}

fn guarantee(
    cell: &Cell,
    name: &str,
    reports: &[(u64, &Stored)],
    before: Option<&CellVerdict>,
    complete: bool,
) -> GuaranteeVerdict {
    let answers: Vec<(u64, &StoredGuarantee, Status)> = reports
        .iter()
        .filter_map(|(seed, report)| {
            let found = report.guarantees.iter().find(|it| it.name == name)?;
            Some((*seed, found, status(cell, found, before)))
        })
        .collect();
    let violated: Vec<u64> = answers
        .iter()
        .filter(|(_, _, status)| status.is_violation())
        .map(|(seed, ..)| *seed)
        .collect();
    let undecided = |status: Status| matches!(status, Status::Unknown | Status::Undecided);
    let unknown: Vec<_> = answers.iter().filter(|(_, _, it)| undecided(*it)).collect();
    let worst = answers
        .iter()
        .map(|(_, _, it)| *it)
        .max()
        .unwrap_or_default();
    let expectation = cell.expectations.iter().find(|it| it.guarantee == name);
    let gone = complete
        && violated.is_empty()
        && cell
            .expectations
            .iter()
            .any(|it| it.guarantee == name && it.must_be_seen && !it.unknown);
    // Of those of the worst status, the first seed's; runs that only say it was not exercised
    // know nothing of how it is claimed.
    let decides = answers
        .iter()
        .find(|(_, _, it)| *it == worst)
        .map(|(_, it, _)| *it);
    let sum = |of: fn(&StoredGuarantee) -> u64| answers.iter().map(|(_, it, _)| of(it)).sum();
    let reason = unknown.iter().find_map(|(_, it, _)| it.reason.clone());
    GuaranteeVerdict {
        name: name.to_owned(),
        status: if gone {
            worst.max(Status::NotSeen)
        } else {
            worst
        },
        claimed: decides.and_then(|it| it.claimed),
        asked: decides.is_some_and(|it| it.asked),
        reason: reason.or_else(|| decides.and_then(|it| it.reason.clone())),
        expected: expectation.map(|it| it.why.clone()),
        operations_checked: sum(|it| it.operations_checked),
        indeterminate: sum(|it| it.indeterminate),
        opportunities: sum(|it| it.opportunities),
        anomalies: anomalies(cell, &answers),
        unknown: unknown.iter().map(|(seed, ..)| *seed).collect(),
        violated,
    }
}

/// The first of each kind, those that fail the campaign before others.
fn anomalies(cell: &Cell, answers: &[(u64, &StoredGuarantee, Status)]) -> Vec<SeedAnomaly> {
    let mut ordered: Vec<_> = answers
        .iter()
        .filter(|(_, _, it)| it.is_violation())
        .collect();
    ordered.sort_by_key(|(seed, _, status)| (std::cmp::Reverse(*status), *seed));
    let mut found: Vec<SeedAnomaly> = Vec::new();
    for (seed, answer, _) in ordered {
        let mut counted: Vec<&str> = Vec::new();
        for anomaly in &answer.anomalies {
            if counted.contains(&anomaly.kind.as_str()) {
                continue;
            }
            counted.push(&anomaly.kind);
            match found.iter_mut().find(|it| it.anomaly.kind == anomaly.kind) {
                Some(same) => same.seeds += 1,
                None => found.push(SeedAnomaly {
                    seed: *seed,
                    seeds: 1,
                    replay: format!("{} --seed {seed}", cell.command),
                    anomaly: anomaly.clone(),
                }),
            }
        }
    }
    found
}

impl Cell {
    /// The command that runs this test alone, with these seeds.
    pub(crate) fn alone(&self, seeds: &[u64]) -> String {
        let (first, count) = (
            seeds.first().copied().unwrap_or_default(),
            seeds.len() as u64,
        );
        let command = &self.command;
        // Seeds that were remembered may leave gaps.
        let dense = seeds.last().is_some_and(|last| last - first + 1 == count);
        match (count, dense) {
            (1, _) | (_, false) => format!("{command} --seed {first}"),
            _ if first == crate::defaults::SEED => {
                format!("{command} --seeds {count} --keep-going")
            }
            _ => format!("{command} --seed {first} --seeds {count} --keep-going"),
        }
    }
}

/// What one run of a plan is, for messages.
pub(crate) fn unit_name(plan: &Plan, unit: Unit) -> String {
    format!("{} seed {}", plan.cells[unit.cell].name, unit.seed)
}
