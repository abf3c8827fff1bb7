//! Whether evidence of an anomaly is evidence against a level: a second look at that too, by the
//! facts alone.

use polygraph_history::{Guarantee as G, History, Micro, MicroRef, Op, Outcome};

use super::{Because, Evidence, Fact, Kind, Proof, Step, confirm};

/// Checks the evidence against the history, and that it contradicts the level.
///
/// # Errors
/// What is wrong with it, as a sentence.
pub fn contradicts(history: &History, level: G, proof: &Proof) -> Result<(), String> {
    confirm(history, proof)?;
    is_against(history, level, proof)
        .then_some(())
        .ok_or_else(|| format!("{level} allows such a {}", proof.kind.name()))
}

/// Whether evidence that stands contradicts the level.
pub(super) fn is_against(history: &History, level: G, proof: &Proof) -> bool {
    match &proof.evidence {
        Evidence::Cycle(steps) => cycle(history, level, proof.kind, steps),
        other => facts(level, proof.kind, other),
    }
}

fn facts(level: G, kind: Kind, evidence: &Evidence) -> bool {
    let weak = matches!(
        level,
        G::ReadCommitted | G::MonotonicAtomicView | G::MonotonicView | G::CursorStability
    );
    match kind {
        Kind::ThinAirRead | Kind::DuplicateElements => true,
        Kind::Internal => !weak && level != G::ReadUncommitted,
        Kind::LostUpdate => !matches!(
            level,
            G::ReadUncommitted
                | G::ReadCommitted
                | G::MonotonicAtomicView
                | G::MonotonicView
                | G::ReadAtomic
                | G::TransactionalCausal
                | G::PrefixConsistency
        ),
        Kind::FracturedRead => match (level, evidence) {
            (G::ReadUncommitted | G::ReadCommitted | G::CursorStability, _) => false,
            (
                G::MonotonicAtomicView | G::MonotonicView,
                Evidence::Fractured { seen, missing, .. },
            ) => seen.position < missing.position,
            _ => true,
        },
        _ => level != G::ReadUncommitted,
    }
}

fn cycle(history: &History, level: G, kind: Kind, steps: &[Step]) -> bool {
    let missed = |step: &Step| {
        matches!(
            step.because,
            Because::Missed { .. } | Because::Register(Fact::Missed { .. })
        )
    };
    let observed = |step: &Step| {
        matches!(
            step.because,
            Because::Observed { .. } | Because::Register(Fact::Read(_))
        )
    };
    let session = |step: &Step| matches!(step.because, Because::Session);
    let count = steps.iter().filter(|step| missed(step)).count();
    let sessions = matches!(
        level,
        G::TransactionalCausal
            | G::ParallelSnapshotIsolation
            | G::PrefixConsistency
            | G::StrongSessionSnapshotIsolation
            | G::StrongSessionSerializable
            | G::StrongSnapshotIsolation
            | G::StrictSerializable
    );
    let real_time = matches!(level, G::StrongSnapshotIsolation | G::StrictSerializable);
    let operation = |event| {
        let operations = history.operations();
        let at = operations.binary_search_by_key(&event, |operation| operation.invoke);
        at.ok().map(|at| &operations[at])
    };
    let ended = |step: &Step| match (operation(step.from), operation(step.to)) {
        (Some(from), Some(to)) => from.precedes(to),
        _ => false,
    };
    let ordered = steps.iter().all(|step| match step.because {
        Because::Session => sessions && (!real_time || ended(step)),
        Because::RealTime => real_time,
        _ => true,
    });
    let before = |at: usize| &steps[(at + steps.len() - 1) % steps.len()];
    let each_after = |may: &dyn Fn(&Step) -> bool| {
        (0..steps.len()).all(|at| !missed(&steps[at]) || may(before(at)))
    };
    ordered
        && match level {
            G::ReadUncommitted => {
                let told =
                    |step: &Step| matches!(step.because, Because::Register(Fact::Installed { .. }));
                let written =
                    |step: &Step| matches!(step.because, Because::Followed { .. }) || told(step);
                let acknowledged = |step: &Step| {
                    operation(step.from).is_some_and(|operation| operation.outcome == Outcome::Ok)
                };
                steps.iter().all(|step| written(step) && acknowledged(step))
                    && steps.iter().all(|step| told(step) || agreed(history, step))
            }
            G::ReadCommitted | G::CursorStability | G::MonotonicAtomicView | G::ReadAtomic => {
                count == 0
            }
            G::MonotonicView => count == 0 || kind == Kind::GMonotonic,
            G::TransactionalCausal => {
                let rest = steps.iter().filter(|step| !missed(step));
                count == 0 || (count == 1 && rest.into_iter().all(|s| observed(s) || session(s)))
            }
            G::ConsistentView | G::ParallelSnapshotIsolation => count <= 1,
            G::PrefixConsistency => each_after(&|before| observed(before) || session(before)),
            G::SnapshotIsolation
            | G::StrongSessionSnapshotIsolation
            | G::StrongSnapshotIsolation => each_after(&|before| !missed(before)),
            G::UpdateSerializable => {
                let only_reads = |step: &&Step| {
                    let micros = operation(step.from).map(|operation| history.op(operation));
                    let Some(Op::Txn(micros)) = micros else {
                        return false;
                    };
                    let mut micros = micros.iter();
                    micros.all(|micro| matches!(micro, Micro::Read { .. }))
                };
                steps.iter().filter(only_reads).count() <= 1
            }
            _ => true,
        }
}

/// Whether all reads of the list that a step is about agree.
fn agreed(history: &History, step: &Step) -> bool {
    let Because::Followed { key, .. } = &step.because else {
        return false;
    };
    let acknowledged = history.operations().iter();
    let acknowledged = acknowledged.filter(|operation| operation.outcome == Outcome::Ok);
    let mut reads = Vec::new();
    for operation in acknowledged {
        for micro in history.micros(operation).into_iter().flatten() {
            if let MicroRef::Read {
                key: list,
                value: Some(value),
            } = micro
                && list == key
                && let Some(elements) = value.elements()
            {
                reads.push(elements);
            }
        }
    }
    let longest = reads.iter().max_by_key(|elements| elements.len()).copied();
    longest.is_some_and(|longest| reads.iter().all(|elements| longest.starts_with(elements)))
}
