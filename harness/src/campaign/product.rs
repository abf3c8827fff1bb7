//! Lists multiplied: the tests that a file describes, before anybody knows whether they are possible.

use std::collections::BTreeMap;

use polygraph_workloads::WORKLOADS;

use super::place::Source;
use super::spec::{self, File, Include, Matching, Table, Word, Words, Wrong, families};
use crate::defaults;
use crate::spec::{Request, Resolved, WORLDS};

/// A test before anybody knows whether it is possible.
#[derive(Clone)]
pub(super) struct Draft {
    pub(super) target: String,
    pub(super) variant: Option<String>,
    pub(super) workload: String,
    pub(super) nemesis: String,
    pub(super) world: String,
    pub(super) line: u64,
    pub(super) at: usize,
    /// The first seed, and how many.
    pub(super) seeds: (u64, u64),
    pub(super) request: Request,
}

impl Draft {
    pub(super) fn name(&self) -> String {
        let variant = match (&self.variant, &self.request.bug) {
            (None, None) => String::new(),
            (Some(variant), None) => format!("[{variant}]"),
            (None, Some(bug)) => format!("[bug={bug}]"),
            (Some(variant), Some(bug)) => format!("[{variant} bug={bug}]"),
        };
        let Draft {
            target,
            workload,
            nemesis,
            world,
            ..
        } = self;
        format!("{target}{variant}/{workload}/{nemesis}/{world}")
    }

    pub(super) fn fits(&self, matching: &Matching) -> bool {
        let fits = |words: &Option<toml::Spanned<Words>>, name: &str| {
            words
                .as_ref()
                .is_none_or(|it| it.get_ref().0.iter().any(|word| word == name))
        };
        fits(&matching.target, &self.target)
            && fits(
                &matching.settings,
                self.variant.as_deref().unwrap_or("default"),
            )
            && fits(&matching.workload, &self.workload)
            && fits(&matching.nemesis, &self.nemesis)
            && fits(&matching.world, &self.world)
    }

    /// The command that runs it alone, but for the seeds.
    pub(super) fn command(&self) -> String {
        let Request {
            nodes,
            clients,
            rate,
            time,
            ops,
            set,
            bug,
            guarantees,
            ..
        } = &self.request;
        let mut command = format!(
            "polygraph test {} --workload {} --nemesis {}",
            self.target,
            self.workload,
            families(&self.nemesis).join(",")
        );
        let mut say = |option: &str, value: Option<String>| {
            if let Some(value) = value {
                command += &format!(" --{option} {value}");
            }
        };
        say("world", (self.world != "sim").then(|| self.world.clone()));
        for (key, value) in set {
            say("set", Some(format!("{key}={value}")));
        }
        say("bug", bug.clone());
        say("nodes", nodes.map(|it| it.to_string()));
        say("clients", clients.map(|it| it.to_string()));
        say("rate", rate.map(|it| it.to_string()));
        say("time", time.map(polygraph_history::format_duration));
        say("ops", ops.map(|it| it.to_string()));
        say(
            "guarantee",
            (!guarantees.is_empty()).then(|| guarantees.join(",")),
        );
        command
    }
}

/// Lists that are multiplied.
pub(super) struct Product<'a> {
    targets: &'a [Word],
    /// Of a target: what settings go by, and the settings.
    variants: BTreeMap<&'a str, Vec<(Option<&'a Word>, &'a Table)>>,
    workloads: Vec<String>,
    nemeses: Vec<String>,
    worlds: Vec<String>,
    seeds: (u64, u64),
    request: Request,
}

/// The file's own product, and one for each include.
pub(super) fn products<'a>(source: Source<'_>, file: &'a File) -> Result<Vec<Product<'a>>, Wrong> {
    let number = |it: &Option<toml::Spanned<u64>>| it.as_ref().map(|it| *it.get_ref());
    let first = number(&file.first_seed).unwrap_or(defaults::SEED);
    let seeds = number(&file.seeds).unwrap_or(1);
    let time = spec::duration(source, "time", file.time.as_ref())?;
    let mut variants: BTreeMap<&str, Vec<_>> = BTreeMap::new();
    for (target, named) in &file.settings {
        let named = named.iter().map(|(name, table)| (Some(name), table));
        variants.insert(target.get_ref(), named.collect());
    }
    let base = Request {
        nodes: file.nodes,
        clients: file.clients,
        rate: file.rate,
        ops: file.ops,
        time,
        guarantees: plain(&file.guarantees),
        ..Request::default()
    };
    let mut products = vec![Product {
        targets: &file.targets,
        variants,
        workloads: or_default(&file.workloads, defaults::WORKLOAD),
        nemeses: or_default(&file.nemeses, defaults::NEMESIS),
        worlds: or_default(&file.worlds, WORLDS[0]),
        seeds: (first, seeds),
        request: base.clone(),
    }];
    for include in &file.include {
        let Include {
            targets,
            name,
            set,
            bug,
            ..
        } = include;
        if targets.is_empty() {
            let at = name
                .as_ref()
                .or(bug.as_ref())
                .map_or(0..0, toml::Spanned::span);
            return Err(source.wrong(
                &at,
                "targets",
                "an [[include]] has none",
                "targets = [\"…\"]",
            ));
        }
        let of = |target: &'a Word| (target.get_ref().as_str(), vec![(name.as_ref(), set)]);
        products.push(Product {
            targets,
            variants: targets.iter().map(of).collect(),
            workloads: or_default(&include.workloads, defaults::WORKLOAD),
            nemeses: or_default(&include.nemeses, defaults::NEMESIS),
            worlds: or_default(&include.worlds, WORLDS[0]),
            seeds: (
                number(&include.first_seed).unwrap_or(first),
                number(&include.seeds).unwrap_or(seeds),
            ),
            request: Request {
                nodes: include.nodes.or(base.nodes),
                clients: include.clients.or(base.clients),
                rate: include.rate.or(base.rate),
                ops: include.ops.or(base.ops),
                time: spec::duration(source, "time", include.time.as_ref())?.or(base.time),
                bug: bug.as_ref().map(|bug| bug.get_ref().clone()),
                guarantees: match include.guarantees.is_empty() {
                    true => base.guarantees.clone(),
                    false => plain(&include.guarantees),
                },
                ..Request::default()
            },
        });
    }
    Ok(products)
}

impl Product<'_> {
    pub(super) fn drafts(&self, source: Source<'_>) -> Result<Vec<Draft>, Wrong> {
        let nothing = Table::new();
        let none = vec![(None, &nothing)];
        let mut drafts = Vec::new();
        for target in self.targets {
            for &(name, table) in self
                .variants
                .get(target.get_ref().as_str())
                .unwrap_or(&none)
            {
                let set = spec::texts(source, table)?;
                let at = name.map_or(target.span().start, |name| name.span().start);
                let pairs = || set.iter().map(|(key, value)| format!("{key}={value}"));
                let variant = match name {
                    Some(name) if name.get_ref() == "default" && set.is_empty() => None,
                    Some(name) => Some(name.get_ref().clone()),
                    None if set.is_empty() => None,
                    None => Some(pairs().collect::<Vec<_>>().join(" ")),
                };
                let mut request = self.request.clone();
                request.target = target.get_ref().clone();
                request.set = set;
                possible(source, at, &request)?;
                for workload in &self.workloads {
                    for nemesis in &self.nemeses {
                        for world in &self.worlds {
                            let mut request = request.clone();
                            request.workload = Some(workload.clone());
                            request.nemesis = families(nemesis);
                            request.world = Some(world.clone());
                            drafts.push(Draft {
                                target: target.get_ref().clone(),
                                variant: variant.clone(),
                                workload: workload.clone(),
                                nemesis: nemesis.clone(),
                                world: world.clone(),
                                line: source.line(at),
                                at,
                                seeds: self.seeds,
                                request,
                            });
                        }
                    }
                }
            }
        }
        Ok(drafts)
    }
}

/// Refuses settings that are possible with no workload at all: they are a mistake in the file, and
/// not a combination that happens not to fit.
fn possible(source: Source<'_>, at: usize, request: &Request) -> Result<(), Wrong> {
    let mut problem = None;
    for workload in WORKLOADS {
        let mut request = request.clone();
        request.workload = Some(workload.name().to_owned());
        request.nemesis = vec!["none".to_owned()];
        match Resolved::new(&request) {
            Ok(_) => return Ok(()),
            // What is wrong with one workload's own settings is not what is wrong with all.
            Err(error) => problem = Some(problem.unwrap_or(error)),
        }
    }
    Err(source.wrong(&(at..at), "", problem.unwrap_or_default(), ""))
}

fn plain(words: &[Word]) -> Vec<String> {
    words.iter().map(|word| word.get_ref().clone()).collect()
}

fn or_default(words: &[Word], default: &str) -> Vec<String> {
    match words.is_empty() {
        true => vec![default.to_owned()],
        false => plain(words),
    }
}
