//! Every kind of anomaly that a history shows, whatever guarantee is asked for.

use polygraph_history::History;

use crate::{Anomaly, Options, Reason};

use super::Suffix;
use super::cycles::Cycles;
use super::dependencies::{Dependencies, Sessions};
use super::direct::{self, Findings};
use super::orders::Orders;
use super::timeline::Timeline;
use super::verdict::{ambiguous, spans, work_out};
use super::view::View;
use super::witness;

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
    let view = match View::new(history) {
        Ok(view) => view,
        Err(why) => {
            survey.unknown = Some(Reason::NotApplicable);
            survey.warnings.push(why);
            return survey;
        }
    };
    let orders = Orders::new(&view);
    let timeline = Timeline::new(&view, &orders);
    let spans = spans(&view);
    let mut findings = Findings::new(1);
    direct::find(&view, &orders, &mut findings);
    for suffix in Suffix::ALL {
        let (sessions, times) = match suffix {
            Suffix::Plain => (Sessions::Ignored, None),
            Suffix::Process => (Sessions::All, None),
            Suffix::Realtime => (Sessions::Ignored, Some(&timeline)),
        };
        let dependencies = Dependencies::new(&view, &orders, sessions, times);
        let mut cycles = Cycles::new(&dependencies, &spans, suffix.labels());
        for (kind, cycle) in cycles.each_kind(suffix, options.budget.max_steps) {
            findings.add(kind, || witness::prove(&view, &orders, &cycle).evidence);
        }
    }
    if let Some(warning) = ambiguous(&view) {
        survey.unknown = Some(Reason::NotObservable);
        survey.warnings.push(warning);
    }
    survey.anomalies = work_out(history, findings, usize::MAX);
    survey
}
