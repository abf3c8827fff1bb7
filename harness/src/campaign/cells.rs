//! The tests of a campaign: the product of its lists, what is left out of it, and the runs.

use std::time::Duration;

use polygraph_cluster::{local, sim};
use polygraph_results::campaign::LeftOut;

use super::memory::Failure;
use super::place::Source;
use super::product::{Draft, products};
use super::rules::Rules;
use super::spec::{self, Word, Wrong};
use crate::spec::Resolved;

/// One test: everything of a run but its seed.
#[derive(Clone)]
pub(crate) struct Cell {
    /// `target[settings]/workload/nemesis/world`, which no other test is called.
    pub(crate) name: String,
    /// The line of the file that makes it.
    pub(crate) line: u64,
    /// What the settings go by.
    pub(crate) variant: Option<String>,
    /// The fault families, as they are written.
    pub(crate) nemesis: String,
    /// What is run, with the first seed.
    pub(crate) resolved: Resolved,
    /// The command that runs it, but for the seeds.
    pub(crate) command: String,
    /// What is expected to be violated or undecided.
    pub(crate) expectations: Vec<Expectation>,
    /// The seeds, without those that are remembered.
    seeds: Vec<u64>,
}

/// What is expected of a guarantee.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Expectation {
    /// Of which.
    pub(crate) guarantee: String,
    /// Whether it is expected to stay undecided; else to be violated.
    pub(crate) unknown: bool,
    /// Only by these anomalies; by any if there are none.
    pub(crate) anomalies: Vec<String>,
    /// Whether it fails the campaign when it is not seen.
    pub(crate) must_be_seen: bool,
    /// The reason.
    pub(crate) why: String,
}

/// One run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Unit {
    /// Which test.
    pub(crate) cell: usize,
    /// With which seed.
    pub(crate) seed: u64,
}

/// Everything that a campaign is to do.
#[derive(Clone)]
pub(crate) struct Plan {
    /// Its name.
    pub(crate) name: String,
    /// Its file, as it was named.
    pub(crate) file: String,
    /// The profile.
    pub(crate) profile: Option<String>,
    /// The tests.
    pub(crate) cells: Vec<Cell>,
    /// Those that are not possible.
    pub(crate) incompatible: Vec<LeftOut>,
    /// Those that the file excludes.
    pub(crate) excluded: Vec<LeftOut>,
    /// The runs, in the order in which they begin: what failed before, then every test once, then
    /// every test once more.
    pub(crate) units: Vec<Unit>,
    /// What failed before.
    pub(crate) remembered: Vec<Failure>,
    /// How long runs may be begun.
    pub(crate) budget: Option<Duration>,
    /// Whether the first failure ends it.
    pub(crate) fail_fast: bool,
}

impl Plan {
    /// Reads a file and makes the product.
    ///
    /// # Errors
    /// What is wrong with the file: line, column, field, and what would be right.
    pub(crate) fn new(
        source: Source<'_>,
        profile: Option<&str>,
        remembered: &[Failure],
    ) -> Result<Plan, Wrong> {
        let file = spec::read(source)?;
        let profile_of = |name: &str| {
            let found = file.profile.iter().find(|(it, _)| it.get_ref() == name);
            found.map(|(_, profile)| profile).ok_or_else(|| {
                let known: Vec<&str> = file
                    .profile
                    .keys()
                    .map(|it| it.get_ref().as_str())
                    .collect();
                let known = match known.is_empty() {
                    true => "a [profile.…] in the file: it has none".to_owned(),
                    false => format!("one of {}", known.join(", ")),
                };
                source.wrong(
                    &(0..0),
                    "profile",
                    format!("there is no profile `{name}`"),
                    &known,
                )
            })
        };
        let chosen = profile
            .map(profile_of)
            .transpose()?
            .cloned()
            .unwrap_or_default();
        let time = spec::duration(source, "time", chosen.time.as_ref())?;
        let budget = spec::duration(
            source,
            "budget",
            chosen.budget.as_ref().or(file.budget.as_ref()),
        )?;
        let mut drafts = Vec::new();
        for product in products(source, &file)? {
            drafts.extend(product.drafts(source)?);
        }
        let mut made = Made::default();
        let rules = Rules::new(source, &file, &drafts)?;
        for mut draft in drafts {
            if !keeps(&chosen.targets, &draft.target)
                || !keeps(&chosen.workloads, &draft.workload)
                || !keeps(&chosen.nemeses, &draft.nemesis)
                || !keeps(&chosen.worlds, &draft.world)
            {
                continue;
            }
            draft.request.time = time.or(draft.request.time);
            if let Some(seeds) = &chosen.seeds {
                draft.seeds.1 = *seeds.get_ref();
            }
            if let Some(first) = &chosen.first_seed {
                draft.seeds.0 = *first.get_ref();
            }
            made.take(source, draft, &rules)?;
        }
        let Made {
            cells,
            incompatible,
            excluded,
        } = made;
        let mut plan = Plan {
            name: file.name.clone().unwrap_or_else(|| stem(source.file)),
            file: source.file.to_owned(),
            profile: profile.map(str::to_owned),
            cells,
            incompatible,
            excluded,
            units: Vec::new(),
            remembered: remembered.to_vec(),
            budget,
            fail_fast: chosen.fail_fast.or(file.fail_fast).unwrap_or(false),
        };
        plan.units = plan.in_order();
        if let Some(most) = chosen.runs.or(file.runs) {
            plan.units
                .truncate(usize::try_from(most).unwrap_or(usize::MAX));
        }
        Ok(plan)
    }

    /// The test of a name.
    pub(crate) fn cell(&self, name: &str) -> Option<usize> {
        self.cells.iter().position(|cell| cell.name == name)
    }

    /// All runs, in the order in which they begin.
    fn in_order(&self) -> Vec<Unit> {
        let mut units: Vec<Unit> = Vec::new();
        for failure in &self.remembered {
            if let Some(cell) = self.cell(&failure.cell) {
                let unit = Unit {
                    cell,
                    seed: failure.seed,
                };
                if !units.contains(&unit) {
                    units.push(unit);
                }
            }
        }
        let first = units.len();
        let most = self
            .cells
            .iter()
            .map(|cell| cell.seeds.len())
            .max()
            .unwrap_or(0);
        for at in 0..most {
            for (cell, it) in self.cells.iter().enumerate() {
                let Some(&seed) = it.seeds.get(at) else {
                    continue;
                };
                let unit = Unit { cell, seed };
                if !units[..first].contains(&unit) {
                    units.push(unit);
                }
            }
        }
        units
    }
}

/// The tests so far.
#[derive(Default)]
struct Made {
    cells: Vec<Cell>,
    incompatible: Vec<LeftOut>,
    excluded: Vec<LeftOut>,
}

impl Made {
    fn take(&mut self, source: Source<'_>, draft: Draft, rules: &Rules) -> Result<(), Wrong> {
        let name = draft.name();
        let left_out = |why: String| LeftOut {
            cell: name.clone(),
            line: draft.line,
            why,
        };
        if let Some((_, why)) = rules.excludes.iter().find(|(it, _)| draft.fits(it)) {
            self.excluded.push(left_out(why.clone()));
            return Ok(());
        }
        let mut request = draft.request.clone();
        request.seed = Some(draft.seeds.0);
        let resolved = match Resolved::new(&request).and_then(in_world) {
            Ok(resolved) => resolved,
            Err(why) => {
                self.incompatible.push(left_out(why));
                return Ok(());
            }
        };
        let (first, count) = draft.seeds;
        if let Some(same) = self.cells.iter_mut().find(|cell| cell.name == name) {
            let mut spec = resolved.spec;
            spec.seed = same.resolved.spec.seed;
            if same.resolved.spec == spec {
                // The same test with other seeds has all of them.
                let new = (first..first + count).filter(|seed| !same.seeds.contains(seed));
                let new: Vec<u64> = new.collect();
                same.seeds.extend(new);
                return Ok(());
            }
            let problem = format!("there are two different tests called `{name}`");
            let expected = "a `name` of its own for one of them";
            return Err(source.wrong(&(draft.at..draft.at), "name", problem, expected));
        }
        let expects = rules.expects.iter().filter(|(it, _)| draft.fits(it));
        let expectations = expects
            .map(|(_, expectation)| expectation.clone())
            .collect();
        self.cells.push(Cell {
            line: draft.line,
            command: draft.command(),
            variant: draft.variant,
            nemesis: draft.nemesis,
            resolved,
            expectations,
            seeds: (first..first + count).collect(),
            name,
        });
        Ok(())
    }
}

/// Refuses fault families of which the world can make nothing.
fn in_world(resolved: Resolved) -> Result<Resolved, String> {
    let world = resolved.spec.world.as_str();
    let able = match world {
        "sim" => sim::CAPABILITIES,
        _ => local::CAPABILITIES,
    };
    let cannot = |it: &&&'static dyn polygraph_nemesis::Nemesis| {
        !it.kinds().iter().any(|kind| able.contains(kind))
    };
    match resolved.nemeses.iter().find(cannot) {
        Some(nemesis) => Err(format!(
            "the world {world} cannot make {} faults",
            nemesis.family()
        )),
        None => Ok(resolved),
    }
}

/// Whether a list of a profile keeps a name: it does if it has it, or is not there.
fn keeps(list: &[Word], name: &str) -> bool {
    list.is_empty() || list.iter().any(|word| word.get_ref() == name)
}

/// The name of a file without its folders and its ending.
fn stem(file: &str) -> String {
    let stem = std::path::Path::new(file).file_stem();
    stem.map_or_else(
        || "campaign".to_owned(),
        |stem| stem.to_string_lossy().into_owned(),
    )
}
