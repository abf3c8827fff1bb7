//! Every kind of anomaly that a history shows, whatever guarantee is asked for.

use polygraph_history::History;

use crate::{Anomaly, Options, Reason};

use super::Suffix;
use super::cycles::Cycles;
use super::dependencies::Dependencies;
use super::direct::Findings;
use super::lists::Lists;
use super::model::Model;
use super::verdict::work_out;

/// Which kinds of anomalies a history shows.
#[derive(Clone, Debug, Default)]
pub struct Survey {
    /// One of each kind that was found, the most severe first.
    pub anomalies: Vec<Anomaly>,
    /// Why something may be missing: the history is not one of transactions over lists, or does
    /// not tell who appended what.
    pub unknown: Option<Reason>,
    /// What a reader should know besides.
    pub warnings: Vec<String>,
}

/// Looks for every kind of anomaly, each with and without orders of sessions and real time.
///
/// If a history has a cycle of data, or one with sessions, or one with real time, then a kind
/// with that suffix (or a weaker one) is listed. Of the classes of cycles only those are listed
/// that the search finds within the steps of the budget.
#[must_use]
pub fn survey(history: &History, options: &Options) -> Survey {
    let mut survey = Survey::default();
    let lists = match Lists::new(history) {
        Ok(lists) => lists,
        Err(why) => {
            survey.unknown = Some(Reason::NotApplicable);
            survey.warnings.push(why);
            return survey;
        }
    };
    let mut findings = Findings::new(1);
    lists.find_direct(&mut findings);
    for suffix in Suffix::ALL {
        let labels = suffix.labels();
        let dependencies = Dependencies::new(lists.relations(), lists.participants(), labels);
        let mut cycles = Cycles::new(&dependencies, lists.participants(), labels);
        for (kind, cycle) in cycles.each_kind(suffix, options.budget.max_steps) {
            findings.add(kind, || lists.prove(&cycle));
        }
    }
    if let Some(warning) = lists.doubt() {
        survey.unknown = Some(Reason::NotObservable);
        survey.warnings.push(warning);
    }
    survey.anomalies = work_out(history, findings, usize::MAX);
    survey
}
