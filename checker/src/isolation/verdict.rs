//! The two guarantees.

use polygraph_history::{Guarantee, History, Outcome};

use crate::{Anomaly, Entry, Options, Reason, Validity, Verdict};

use super::cycles::Cycles;
use super::dependencies::Dependencies;
use super::direct::Findings;
use super::explain;
use super::lists::Lists;
use super::model::Model;
use super::participants::Participants;
use super::relations::{DATA, PROCESS, REALTIME};
use super::{Kind, Proof, Suffix};

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
    match Lists::new(history) {
        Ok(lists) => {
            let mut verdict = decide(&lists, options, guarantee);
            if lists.view.left_out > 0 {
                verdict.warnings.push(format!(
                    "{} operations that are no transactions were not looked at",
                    lists.view.left_out
                ));
            }
            verdict
        }
        Err(why) => {
            let verdict = Verdict::holds(guarantee, "list-append-cycles");
            let mut verdict = verdict.unknown(Reason::NotApplicable);
            verdict.warnings.push(why);
            verdict
        }
    }
}

/// Decides whether transactions over any sort of data keep a level.
fn decide(model: &impl Model, options: &Options, guarantee: Guarantee) -> Verdict {
    let participants = model.participants();
    let mut verdict = Verdict::holds(guarantee, model.algorithm());
    let count = |outcome| outcomes(participants, outcome);
    verdict.operations_checked = u64::from(participants.count());
    verdict.indeterminate = count(Outcome::Info);
    verdict.opportunities = model.opportunities();

    let mut findings = Findings::new(options.max_anomalies);
    model.find_direct(&mut findings);

    let strict = guarantee == Guarantee::StrictSerializable;
    let (labels, suffixes): (_, &[Suffix]) = if strict {
        (DATA | PROCESS | REALTIME, &Suffix::ALL)
    } else {
        (DATA, &[Suffix::Plain])
    };
    let dependencies = Dependencies::new(model.relations(), participants, labels);
    let mut cycles = Cycles::new(&dependencies, participants, labels);
    let anomalies = findings.counts.values().sum::<u64>() + cycles.count() as u64;
    if anomalies > 0 {
        let found = cycles.most_severe(suffixes, options.max_anomalies, options.budget.max_steps);
        for cycle in found {
            findings.add(cycle.kind, || model.prove(&cycle));
        }
        verdict.validity = Validity::Violated;
        verdict.anomaly_count = anomalies;
        verdict.anomalies = work_out(participants.history, findings, options.max_anomalies);
        return verdict;
    }
    match model.doubt() {
        None if count(Outcome::Ok) == 0 => verdict.unknown(Reason::TooFewOpportunities),
        None => verdict,
        Some(warning) => {
            verdict.warnings.push(warning);
            verdict.unknown(Reason::NotObservable)
        }
    }
}

fn outcomes(participants: &Participants<'_>, outcome: Outcome) -> u64 {
    let all = 0..participants.count();
    let matching = all.filter(|&txn| participants.operation(txn).outcome == outcome);
    matching.count() as u64
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
