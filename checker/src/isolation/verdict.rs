//! The two guarantees.

use polygraph_history::{Guarantee, History, Outcome};

use crate::{Anomaly, Entry, Options, Reason, Validity, Verdict};

use super::cycles::{Cycles, Spans};
use super::dependencies::{DATA, Dependencies, PROCESS, REALTIME, Sessions};
use super::direct::{self, Findings};
use super::explain;
use super::orders::Orders;
use super::timeline::Timeline;
use super::view::View;
use super::witness;
use super::{Kind, Proof, Suffix};

const ALGORITHM: &str = "list-append-cycles";

const OPPORTUNITY: &str = "two acknowledged transactions overlap in time and use a common list \
                           that at least one of them appends to";

/// How many such pairs a test must have before *holds* means something.
const MINIMUM: u64 = 10;

/// Some order of the transactions explains what they saw.
pub const SERIALIZABLE: Entry = Entry {
    guarantee: Guarantee::Serializable,
    opportunity: OPPORTUNITY,
    minimum: MINIMUM,
    check: |history, options| check(history, options, Guarantee::Serializable),
};

/// Some order of the transactions that extends real time explains what they saw.
pub const STRICT_SERIALIZABLE: Entry = Entry {
    guarantee: Guarantee::StrictSerializable,
    opportunity: OPPORTUNITY,
    minimum: MINIMUM,
    check: |history, options| check(history, options, Guarantee::StrictSerializable),
};

fn check(history: &History, options: &Options, guarantee: Guarantee) -> Verdict {
    let verdict = Verdict::holds(guarantee, ALGORITHM);
    let view = match View::new(history) {
        Ok(view) => view,
        Err(why) => {
            let mut verdict = verdict.unknown(Reason::NotApplicable);
            verdict.warnings.push(why);
            return verdict;
        }
    };
    let orders = Orders::new(&view);
    let timeline = Timeline::new(&view, &orders);
    let mut verdict = begin(verdict, &view);
    verdict.opportunities = timeline.opportunities(&view);

    let mut findings = Findings::new(options.max_anomalies);
    direct::find(&view, &orders, &mut findings);

    let strict = guarantee == Guarantee::StrictSerializable;
    let (sessions, times, labels, suffixes): (_, _, _, &[Suffix]) = if strict {
        let labels = DATA | PROCESS | REALTIME;
        (Sessions::InRealTime, Some(&timeline), labels, &Suffix::ALL)
    } else {
        (Sessions::Ignored, None, DATA, &[Suffix::Plain])
    };
    let dependencies = Dependencies::new(&view, &orders, sessions, times);
    let spans = spans(&view);
    let mut cycles = Cycles::new(&dependencies, &spans, labels);
    let count = findings.counts.values().sum::<u64>() + cycles.count() as u64;
    if count > 0 {
        let found = cycles.most_severe(suffixes, options.max_anomalies, options.budget.max_steps);
        for cycle in found {
            let proof = witness::prove(&view, &orders, &cycle);
            findings.add(cycle.kind, || proof.evidence);
        }
        verdict.validity = Validity::Violated;
        verdict.anomaly_count = count;
        verdict.anomalies = work_out(history, findings, options.max_anomalies);
        return verdict;
    }
    match ambiguous(&view) {
        None if verdict.operations_checked == verdict.indeterminate + failed(&view) => {
            verdict.unknown(Reason::TooFewOpportunities)
        }
        None => verdict,
        Some(warning) => {
            verdict.warnings.push(warning);
            verdict.unknown(Reason::NotObservable)
        }
    }
}

fn begin(mut verdict: Verdict, view: &View<'_>) -> Verdict {
    let unknown = view.txns.iter().filter(|txn| txn.outcome == Outcome::Info);
    verdict.operations_checked = view.txns.len() as u64;
    verdict.indeterminate = unknown.count() as u64;
    if view.left_out > 0 {
        verdict.warnings.push(format!(
            "{} operations that are no transactions were not looked at",
            view.left_out
        ));
    }
    verdict
}

fn failed(view: &View<'_>) -> u64 {
    let failed = view.txns.iter().filter(|txn| txn.outcome == Outcome::Fail);
    failed.count() as u64
}

/// When each transaction began and ended, as ranks of real time.
pub(super) fn spans(view: &View<'_>) -> Spans {
    let operation = |txn: &super::view::Txn| &view.history.operations()[txn.operation as usize];
    Spans {
        start: view.txns.iter().map(|txn| operation(txn).start).collect(),
        end: view.txns.iter().map(|txn| operation(txn).end).collect(),
    }
}

/// Says so if the author of some element cannot be known.
pub(super) fn ambiguous(view: &View<'_>) -> Option<String> {
    let several = view.elements.iter().filter(|element| element.appends > 1);
    let count = several.clone().count();
    let append = &view.appends[several.clone().next()?.append as usize];
    Some(format!(
        "{count} elements were appended more than once, the first of them {} to {}: who appended \
         what was read cannot be known",
        append.value, view.keys[append.key as usize]
    ))
}

/// The most telling anomalies in full: the first of each kind, then more of each.
pub(super) fn work_out(history: &History, findings: Findings, most: usize) -> Vec<Anomaly> {
    let mut chosen: Vec<(usize, Kind, Proof)> = Vec::new();
    for (kind, kept) in findings.kept {
        for (at, evidence) in kept.into_iter().enumerate() {
            chosen.push((at, kind, Proof { kind, evidence }));
        }
    }
    chosen.sort_by_key(|&(at, kind, _)| (at > 0, kind, at));
    chosen.truncate(most.max(1));
    chosen.sort_by_key(|&(at, kind, _)| (kind, at));
    chosen
        .into_iter()
        .map(|(_, kind, proof)| {
            let told = explain::tell(history, &proof);
            Anomaly {
                kind: kind.name(),
                explanation: told.explanation,
                operations: told.operations,
                key: told.key,
                proof: crate::Proof::Isolation(proof),
            }
        })
        .collect()
}
