//! Everything that a history shows, whatever guarantee is asked for: every kind of anomaly, and
//! where each level stands.

use polygraph_history::{Guarantee, History};

use crate::graph::strongly_connected;
use crate::{Anomaly, Options, Reason};

use super::cycles::Cycles;
use super::dependencies::Dependencies;
use super::direct::Findings;
use super::lattice::{IMPLICATIONS, LEVELS, implies};
use super::level::{Level, Shape};
use super::lists::Lists;
use super::model::Model;
use super::refine::telling;
use super::relations::{DATA, IN_SESSION, REALTIME, WW};
use super::verdict::{judge, work_out};
use super::{Kind, Suffix};

/// What a history shows.
#[derive(Clone, Debug, Default)]
pub struct Survey {
    /// One of each kind that was found, the most severe first.
    pub anomalies: Vec<Anomaly>,
    /// Where each level stands, each after all that imply it ([`super::LEVELS`]); empty if the
    /// history is not one of transactions over lists.
    pub levels: Vec<Standing>,
    /// Why something may be missing: the history is not one of transactions over lists, or does
    /// not tell who appended what.
    pub unknown: Option<Reason>,
    /// What a reader should know besides.
    pub warnings: Vec<String>,
}

/// Where a level stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The level.
    pub level: Guarantee,
    /// What the history says of it.
    pub status: Status,
    /// The kinds of anomalies that rule it out, the most severe first.
    pub because: Vec<Kind>,
}

/// What a history says of a level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Something contradicts it.
    Violated,
    /// An execution that keeps it explains the history.
    Holds,
    /// The history cannot show it: it has no cursors, or does not tell the order of writes.
    NotObservable,
    /// Not decided; the reason says what ran out.
    Unknown(Reason),
}

impl Survey {
    /// Where a level stands, if it is one of transactions.
    #[must_use]
    pub fn standing(&self, level: Guarantee) -> Option<&Standing> {
        self.levels.iter().find(|standing| standing.level == level)
    }

    /// The levels that are ruled out and imply no other one that is.
    #[must_use]
    pub fn weakest_violated(&self) -> Vec<Guarantee> {
        self.extreme(true)
    }

    /// The levels that are not ruled out and that no other such level implies.
    #[must_use]
    pub fn strongest_possible(&self) -> Vec<Guarantee> {
        self.extreme(false)
    }

    fn extreme(&self, violated: bool) -> Vec<Guarantee> {
        let such = self
            .levels
            .iter()
            .filter(|standing| (standing.status == Status::Violated) == violated);
        let such: Vec<Guarantee> = such.map(|standing| standing.level).collect();
        let beaten = |level: Guarantee| {
            such.iter().any(|&other| {
                other != level
                    && match violated {
                        true => implies(level, other),
                        false => implies(other, level),
                    }
            })
        };
        such.iter()
            .copied()
            .filter(|&level| !beaten(level))
            .collect()
    }

    /// The implications between levels that follow from no others, for a picture:
    /// the first of each pair implies the second.
    #[must_use]
    pub const fn implications() -> &'static [(Guarantee, Guarantee)] {
        IMPLICATIONS
    }
}

/// Looks for every kind of anomaly, each with and without orders of sessions and real time, and
/// decides every level.
///
/// If a history has a cycle of data, or one with sessions, or one with real time, then a kind
/// with that suffix (or a weaker one) is listed. Of the classes of cycles only those are listed
/// that the search finds within the steps of the budget.
#[must_use]
pub fn survey(history: &History, options: &Options) -> Survey {
    match Lists::new(history) {
        Ok(lists) => of(&lists, options),
        Err(why) => Survey {
            unknown: Some(Reason::NotApplicable),
            warnings: vec![why],
            ..Survey::default()
        },
    }
}

/// The same of transactions over any sort of data. The graph is built once; only its strongly
/// connected components are looked at again for each level.
pub(super) fn of(model: &impl Model, options: &Options) -> Survey {
    let participants = model.participants();
    let mut findings = Findings::new(1);
    model.find_direct(&mut findings);
    let direct: Vec<Kind> = findings.counts.keys().copied().collect();

    let all = DATA | IN_SESSION | REALTIME;
    let whole = Dependencies::new(model.relations(), participants, all);
    let components = strongly_connected(&whole.graph, all);
    let cyclic = whole.within(&components);
    drop(whole);

    for suffix in Suffix::ALL {
        let mut cycles = Cycles::new(&cyclic, participants, suffix.labels());
        for (kind, cycle) in cycles.each_kind(suffix, options.budget.max_steps) {
            findings.add(kind, || model.prove(&cycle));
        }
    }
    let mut cycles = Cycles::new(&cyclic, participants, DATA);
    let mut steps = options.budget.max_steps;
    for at in 0..cycles.count() {
        let known = |kind| findings.counts.contains_key(&kind);
        if known(Kind::WriteSkew) && known(Kind::LongFork) {
            break;
        }
        for cycle in telling(&cycles.part(at), model, &mut steps) {
            findings.add(cycle.kind, || model.prove(&cycle));
        }
    }

    let one = Options {
        max_anomalies: 1,
        ..*options
    };
    let levels = LEVELS
        .iter()
        .filter_map(|&guarantee| Level::of(guarantee))
        .map(|level| stand(model, level, &direct, &cyclic, &mut findings, &one));
    let mut survey = Survey {
        levels: levels.collect(),
        ..Survey::default()
    };
    if let Some(warning) = model.doubt() {
        survey.unknown = Some(Reason::NotObservable);
        survey.warnings.push(warning);
    }
    survey.anomalies = work_out(participants.history, findings, usize::MAX);
    survey
}

fn stand(
    model: &impl Model,
    level: Level,
    direct: &[Kind],
    cyclic: &Dependencies,
    findings: &mut Findings,
    options: &Options,
) -> Standing {
    let mut found = Findings::new(1);
    let judged =
        if level.shape == Shape::Writes && !strongly_connected(&cyclic.graph, WW).is_empty() {
            let writes = Dependencies::new(model.writes(), model.participants(), level.labels);
            judge(model, level, &writes, &mut found, options)
        } else {
            judge(model, level, cyclic, &mut found, options)
        };
    let mut because: Vec<Kind> = direct
        .iter()
        .copied()
        .filter(|&kind| level.proscribes(kind))
        .chain(found.counts.keys().copied())
        .collect();
    because.sort_unstable();
    let contradictory = direct.contains(&Kind::IncompatibleOrder);
    let status = if judged.violations > 0 || !because.is_empty() {
        Status::Violated
    } else {
        match judged.open(model, level, contradictory) {
            None => Status::Holds,
            Some((Reason::NotObservable, _)) => Status::NotObservable,
            Some((reason, _)) => Status::Unknown(reason),
        }
    };
    findings.take(found);
    Standing {
        level: level.guarantee,
        status,
        because,
    }
}
