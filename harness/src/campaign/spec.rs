//! The file of a campaign: lists that are multiplied, budgets, profiles, expectations.
//!
//! What is read here is well-formed and names what there is; [`super::cells`] makes tests of it.

use std::collections::BTreeMap;
use std::time::Duration;

use polygraph_history::parse_duration;
use polygraph_results::ErrorBody;
use serde::{Deserialize, Deserializer};
use toml::Spanned;

use super::names::Names;
use super::place::Source;

/// A text and where it stands.
pub(super) type Word = Spanned<String>;
/// Settings as they are written.
pub(super) type Table = BTreeMap<Word, Spanned<toml::Value>>;
/// What is wrong with a file.
pub(super) type Wrong = Box<ErrorBody>;

/// The file as it is written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct File {
    /// The name; the file's own if it is left out.
    pub(super) name: Option<String>,
    /// What it is for, for those who read the file.
    #[serde(rename = "about")]
    _about: Option<String>,
    /// Stores that are multiplied with the lists below.
    pub(super) targets: Vec<Word>,
    /// What clients do.
    pub(super) workloads: Vec<Word>,
    /// Fault families, several joined by `+`.
    pub(super) nemeses: Vec<Word>,
    /// Where it runs.
    pub(super) worlds: Vec<Word>,
    /// Of each target: settings by the name that they go by here.
    pub(super) settings: BTreeMap<Word, BTreeMap<Word, Table>>,
    /// How many seeds each test has.
    pub(super) seeds: Option<Spanned<u64>>,
    /// The first of them.
    pub(super) first_seed: Option<Spanned<u64>>,
    /// As `--nodes`.
    pub(super) nodes: Option<usize>,
    /// As `--clients`.
    pub(super) clients: Option<usize>,
    /// As `--rate`.
    pub(super) rate: Option<u64>,
    /// As `--ops`.
    pub(super) ops: Option<u64>,
    /// As `--time`.
    pub(super) time: Option<Word>,
    /// As `--guarantee`.
    pub(super) guarantees: Vec<Word>,
    /// How long runs may be begun.
    pub(super) budget: Option<Word>,
    /// How many runs may be begun.
    pub(super) runs: Option<u64>,
    /// Whether the first failure ends it.
    pub(super) fail_fast: Option<bool>,
    /// Further tests.
    pub(super) include: Vec<Include>,
    /// Tests that are left out.
    pub(super) exclude: Vec<Exclude>,
    /// Violations that are known.
    pub(super) expect: Vec<Expect>,
    /// Smaller and larger versions of the same.
    pub(super) profile: BTreeMap<Word, Profile>,
}

/// Further tests: a product of its own.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct Include {
    pub(super) targets: Vec<Word>,
    pub(super) workloads: Vec<Word>,
    pub(super) nemeses: Vec<Word>,
    pub(super) worlds: Vec<Word>,
    /// What the settings go by.
    pub(super) name: Option<Word>,
    pub(super) set: Table,
    pub(super) bug: Option<Word>,
    pub(super) seeds: Option<Spanned<u64>>,
    pub(super) first_seed: Option<Spanned<u64>>,
    pub(super) nodes: Option<usize>,
    pub(super) clients: Option<usize>,
    pub(super) rate: Option<u64>,
    pub(super) ops: Option<u64>,
    pub(super) time: Option<Word>,
    pub(super) guarantees: Vec<Word>,
}

/// Which tests are meant: those that fit everything that is said.
#[derive(Clone, Debug, Default)]
pub(super) struct Matching {
    pub(super) target: Option<Spanned<Words>>,
    pub(super) settings: Option<Spanned<Words>>,
    pub(super) workload: Option<Spanned<Words>>,
    pub(super) nemesis: Option<Spanned<Words>>,
    pub(super) world: Option<Spanned<Words>>,
}

/// Tests that are left out.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Exclude {
    target: Option<Spanned<Words>>,
    settings: Option<Spanned<Words>>,
    workload: Option<Spanned<Words>>,
    nemesis: Option<Spanned<Words>>,
    world: Option<Spanned<Words>>,
    pub(super) why: Word,
}

/// A violation that is known, or an answer that is known to stay open.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Expect {
    target: Option<Spanned<Words>>,
    settings: Option<Spanned<Words>>,
    workload: Option<Spanned<Words>>,
    nemesis: Option<Spanned<Words>>,
    world: Option<Spanned<Words>>,
    /// Of what.
    pub(super) guarantee: Word,
    /// `violated`, unless it says `unknown`.
    #[serde(default)]
    pub(super) verdict: Expected,
    /// Only these kinds of anomalies.
    pub(super) anomaly: Option<Words>,
    /// Whether it fails the campaign when it is not seen any more.
    #[serde(default)]
    pub(super) must_be_seen: bool,
    /// The reason.
    pub(super) why: Word,
}

/// What is expected of a guarantee.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Expected {
    #[default]
    Violated,
    Unknown,
}

/// A smaller or larger version: lists keep those tests that they name, values replace.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct Profile {
    pub(super) targets: Vec<Word>,
    pub(super) workloads: Vec<Word>,
    pub(super) nemeses: Vec<Word>,
    pub(super) worlds: Vec<Word>,
    pub(super) seeds: Option<Spanned<u64>>,
    pub(super) first_seed: Option<Spanned<u64>>,
    pub(super) time: Option<Word>,
    pub(super) budget: Option<Word>,
    pub(super) runs: Option<u64>,
    pub(super) fail_fast: Option<bool>,
}

/// One word or several.
#[derive(Clone, Debug, Default)]
pub(super) struct Words(pub(super) Vec<String>);

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Words, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "a name, or a list of names")]
        enum Written {
            One(String),
            Many(Vec<String>),
        }
        Ok(Words(match Written::deserialize(deserializer)? {
            Written::One(word) => vec![word],
            Written::Many(words) => words,
        }))
    }
}

impl Exclude {
    pub(super) fn matching(&self) -> Matching {
        Matching {
            target: self.target.clone(),
            settings: self.settings.clone(),
            workload: self.workload.clone(),
            nemesis: self.nemesis.clone(),
            world: self.world.clone(),
        }
    }
}

impl Expect {
    pub(super) fn matching(&self) -> Matching {
        Matching {
            target: self.target.clone(),
            settings: self.settings.clone(),
            workload: self.workload.clone(),
            nemesis: self.nemesis.clone(),
            world: self.world.clone(),
        }
    }
}

/// Reads the file of a campaign.
pub(super) fn read(source: Source<'_>) -> Result<File, Wrong> {
    let file: File = toml::from_str(source.text).map_err(|error| source.not_toml(&error))?;
    let names = Names { source };
    names.lists(&file.targets, &file.workloads, &file.nemeses, &file.worlds)?;
    names.guarantees(&file.guarantees)?;
    for (target, variants) in &file.settings {
        names.target("settings", target)?;
        for (variant, table) in variants {
            names.variant("settings", target.get_ref(), variant)?;
            texts(source, table)?;
        }
    }
    for include in &file.include {
        let Include {
            targets,
            workloads,
            nemeses,
            worlds,
            ..
        } = include;
        names.lists(targets, workloads, nemeses, worlds)?;
        names.guarantees(&include.guarantees)?;
        texts(source, &include.set)?;
        duration(source, "time", include.time.as_ref())?;
        seeds(source, include.seeds.as_ref(), include.first_seed.as_ref())?;
    }
    for exclude in &file.exclude {
        names.matching(&exclude.matching())?;
    }
    for expect in &file.expect {
        names.matching(&expect.matching())?;
        names.guarantees(std::slice::from_ref(&expect.guarantee))?;
    }
    for profile in file.profile.values() {
        let Profile {
            targets,
            workloads,
            nemeses,
            worlds,
            ..
        } = profile;
        names.lists(targets, workloads, nemeses, worlds)?;
        duration(source, "time", profile.time.as_ref())?;
        duration(source, "budget", profile.budget.as_ref())?;
        seeds(source, profile.seeds.as_ref(), profile.first_seed.as_ref())?;
    }
    duration(source, "time", file.time.as_ref())?;
    duration(source, "budget", file.budget.as_ref())?;
    seeds(source, file.seeds.as_ref(), file.first_seed.as_ref())?;
    if file.targets.is_empty() && file.include.is_empty() {
        return Err(source.wrong(
            &(0..0),
            "targets",
            "there is nothing to run",
            "targets = [\"…\"], or an [[include]] that has some",
        ));
    }
    Ok(file)
}

/// Reads a duration.
pub(super) fn duration(
    source: Source<'_>,
    field: &str,
    word: Option<&Word>,
) -> Result<Option<Duration>, Wrong> {
    let Some(word) = word else { return Ok(None) };
    match parse_duration(word.get_ref()) {
        Ok(duration) if !duration.is_zero() => Ok(Some(duration)),
        Ok(_) => Err(source.wrong(
            &word.span(),
            field,
            "it leaves no time",
            "a duration like 10s",
        )),
        Err(problem) => Err(source.wrong(&word.span(), field, problem, "a duration like 10s")),
    }
}

/// The largest seed that every reader of JSON keeps exactly.
const LARGEST_SEED: u64 = (1 << 53) - 1;

fn seeds(
    source: Source<'_>,
    seeds: Option<&Spanned<u64>>,
    first: Option<&Spanned<u64>>,
) -> Result<(), Wrong> {
    for (field, value, least, most) in [
        ("seeds", seeds, 1, 1_000_000),
        ("first-seed", first, 0, LARGEST_SEED - 1_000_000),
    ] {
        if let Some(value) = value
            && !(least..=most).contains(value.get_ref())
        {
            let problem = format!("{} is not possible", value.get_ref());
            let expected = format!("a number from {least} to {most}");
            return Err(source.wrong(&value.span(), field, problem, &expected));
        }
    }
    Ok(())
}

/// Settings as the command line writes them.
pub(super) fn texts(source: Source<'_>, table: &Table) -> Result<Vec<(String, String)>, Wrong> {
    let text = |(key, value): (&Word, &Spanned<toml::Value>)| {
        let text = match value.get_ref() {
            toml::Value::String(text) => text.clone(),
            toml::Value::Integer(number) => number.to_string(),
            toml::Value::Float(number) => number.to_string(),
            toml::Value::Boolean(true) => "on".to_owned(),
            toml::Value::Boolean(false) => "off".to_owned(),
            _ => {
                return Err(source.wrong(
                    &value.span(),
                    key.get_ref(),
                    "it is no setting",
                    "a number, a word in quotes, true or false",
                ));
            }
        };
        Ok((key.get_ref().clone(), text))
    };
    table.iter().map(text).collect()
}

/// The fault families of one test, as they are written: `kill+pause`, `none`, `all`.
pub(super) fn families(nemesis: &str) -> Vec<String> {
    nemesis
        .split('+')
        .map(|name| name.trim().to_owned())
        .collect()
}
