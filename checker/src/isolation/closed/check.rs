//! Levels where objects are found by predicates: those of the history as one of registers.

use polygraph_history::{Guarantee, History, Micro, MicroRef};

use crate::{Anomaly, Options, Reason, Validity, Verdict};

use super::super::level::Level;
use super::super::registers::Decider;
use super::super::{Because, Class, Evidence, Fact, Kind};
use super::proof::{ClosedProof, Miss};
use super::translation::Closed;

/// Whether transactions find objects by predicates, or create, delete or establish them.
pub(in super::super) fn are_used(history: &History) -> bool {
    let finds = |micro: MicroRef<'_>| {
        matches!(
            micro,
            MicroRef::Other(
                Micro::PredicateRead(_)
                    | Micro::Insert { .. }
                    | Micro::Delete { .. }
                    | Micro::Init { .. }
            )
        )
    };
    let mut transactions = history
        .operations()
        .iter()
        .filter_map(|it| history.micros(it));
    transactions.any(|mut micros| micros.any(finds))
}

/// Whether a level is about reads of objects, and about what no predicate may show either.
pub(in super::super) const fn is_of_items(level: Guarantee) -> bool {
    matches!(
        level,
        Guarantee::MonotonicAtomicView
            | Guarantee::ReadAtomic
            | Guarantee::CursorStability
            | Guarantee::RepeatableRead
    )
}

/// Decides a level.
pub(in super::super) fn check(history: &History, options: &Options, level: Level) -> Verdict {
    let full = with(history, options, level, true);
    if !is_of_items(level.guarantee) || full.validity != Validity::Violated {
        return full;
    }
    let items = with(history, options, level, false);
    if items.validity == Validity::Violated {
        return items;
    }
    let committed = Level::of(Guarantee::ReadCommitted);
    let committed = committed.map(|committed| with(history, options, committed, true));
    if let Some(verdict) = committed.filter(|it| it.validity == Validity::Violated) {
        return Verdict {
            guarantee: level.guarantee,
            ..verdict
        };
    }
    let mut verdict = items.unknown(Reason::NotObservable);
    verdict.warnings.push(format!(
        "{} is violated only if reads by predicate count as reads of objects do",
        level.guarantee
    ));
    verdict
}

/// The same, with reads by predicate or without them.
fn with(history: &History, options: &Options, level: Level, predicates: bool) -> Verdict {
    let guarantee = level.guarantee;
    let unknown = |why: String| {
        let verdict = Verdict::holds(guarantee, "closed-predicates");
        let mut verdict = verdict.unknown(Reason::NotApplicable);
        verdict.warnings.push(why);
        verdict
    };
    let closed = match Closed::new(history, predicates) {
        Ok(closed) => closed,
        Err(why) => return unknown(why),
    };
    let options = Options {
        witness: false,
        ..*options
    };
    let mut verdict = match Decider::new(&closed.history, &options) {
        Ok(mut decider) => decider.check(level),
        Err(why) => return unknown(why),
    };
    for anomaly in &mut verdict.anomalies {
        closed.name(anomaly);
    }
    let counts = |miss: &&Miss| match miss.own {
        true => level.proscribes(Kind::Internal),
        false => guarantee != Guarantee::ReadUncommitted,
    };
    let misses: Vec<&Miss> = closed.misses.iter().filter(counts).collect();
    if !misses.is_empty() {
        verdict.anomaly_count += misses.len() as u64;
        let misses = misses.into_iter().take(options.max_anomalies);
        let misses = misses.map(|miss| miss.anomaly(history));
        verdict.anomalies.splice(0..0, misses);
        verdict.anomalies.truncate(options.max_anomalies.max(1));
        verdict.validity = Validity::Violated;
        verdict.reason = None;
    }
    if verdict.validity == Validity::Holds && closed.open > 0 {
        verdict = verdict.unknown(Reason::NotObservable);
        verdict.warnings.push(format!(
            "of {} objects that reads did not find it is not known which version they saw",
            closed.open
        ));
    }
    verdict
}

impl Closed {
    /// Names an anomaly of the translation as one of this history.
    fn name(&self, anomaly: &mut Anomaly) {
        if let crate::Proof::Isolation(proof) = &anomaly.proof
            && let (Kind::Cycle(suffix, class), Evidence::Cycle(steps)) =
                (proof.kind, &proof.evidence)
        {
            let by_predicate = steps.iter().any(|step| match step.because {
                Because::Register(Fact::Missed { read, .. }) => {
                    self.by_predicate.contains(&(step.from, read))
                }
                _ => false,
            });
            let class = match class {
                Class::GSingleItem if by_predicate => Class::GSingle,
                Class::GNonadjacentItem if by_predicate => Class::GNonadjacent,
                Class::G2Item if by_predicate => Class::G2,
                other => other,
            };
            anomaly.kind = Kind::Cycle(suffix, class).name();
        }
        anomaly.explanation += " (null stands for what an object was in the beginning, and a read \
                                by predicate for reads of the objects.)";
        let proof = Box::new(anomaly.proof.clone());
        anomaly.proof = crate::Proof::Closed(ClosedProof::Registers {
            predicates: self.predicates,
            proof,
        });
    }
}
