//! Large histories in which one thing is wrong.

use std::time::{Duration, Instant};

use polygraph_checker::Validity;
use polygraph_checker::linearizable::confirm_certificate;
use polygraph_history::History;

use crate::generate::{KINDS, Kind, Plan, Rng, history};
use crate::small::checked;

/// What is kept lies between reads, of which three of a hundred operations are some.
const MOST_KEPT: usize = 100;

/// A history in which a few operations go wrong towards the end.
fn large(kind: Kind, operations: usize, distinct: bool, seed: u64) -> History {
    let plan = Plan {
        kind,
        operations,
        clients: 8,
        crash: 0,
        reads: 3,
        distinct,
        amounts: !distinct,
        ties: false,
    };
    let rng = &mut Rng(seed);
    let from = operations * 4 / 5 + rng.below(operations / 10);
    history(rng, &plan, |_, begun| (from..from + 40).contains(&begun))
}

fn evidence_of(
    kind: Kind,
    operations: usize,
    distinct: bool,
    seed: u64,
) -> Option<(usize, Duration)> {
    let history = large(kind, operations, distinct, seed);
    let verdict = checked(&history, kind);
    let context = || format!("{kind:?}, seed {seed}: {verdict:?}");
    assert_ne!(verdict.validity, Validity::Unknown, "{}", context());
    let anomaly = verdict.anomalies.first()?;
    let certificate = anomaly.certificate().unwrap();
    let began = Instant::now();
    let confirmed = confirm_certificate(&history, &certificate);
    let took = began.elapsed();
    assert!(confirmed.is_ok(), "{confirmed:?}: {}", context());
    let text = &anomaly.explanation;
    println!(
        "{kind:?}: {} by {}: {text}",
        certificate.operations.len(),
        certificate.rule.name()
    );
    Some((certificate.operations.len(), took))
}

#[test]
fn of_ten_thousand_operations_a_handful_is_evidence() {
    for kind in KINDS {
        if kind == Kind::AnybodysMutex {
            continue;
        }
        let mut found = 0;
        for seed in 0..8 {
            if let Some((kept, took)) = evidence_of(kind, 10_000, true, seed) {
                assert!(kept <= 6, "{kind:?}, seed {seed}: {kept}");
                assert!(
                    took < Duration::from_secs(5),
                    "{kind:?}, seed {seed}: {took:?}"
                );
                found += 1;
            }
        }
        assert!(found >= 4, "{kind:?}: {found}");
    }
}

/// Where values are not distinct no near-linear way says what is wrong. Then what is kept begins
/// with a read that tells the state, shortly before it goes wrong.
#[test]
fn of_ten_thousand_operations_that_are_not_distinct_a_few_are_evidence() {
    for kind in [Kind::List, Kind::Log, Kind::Counter, Kind::GrowSet] {
        let mut found = 0;
        for seed in 0..4 {
            if let Some((kept, took)) = evidence_of(kind, 10_000, false, seed) {
                assert!(kept <= MOST_KEPT, "{kind:?}, seed {seed}: {kept}");
                assert!(
                    took < Duration::from_secs(5),
                    "{kind:?}, seed {seed}: {took:?}"
                );
                found += 1;
            }
        }
        assert!(found >= 2, "{kind:?}: {found}");
    }
}

#[test]
fn a_thousand_operations_that_are_not_distinct_are_evidence() {
    for kind in [Kind::List, Kind::Log, Kind::Counter] {
        let found = (0..4).filter_map(|seed| evidence_of(kind, 1_000, false, seed));
        assert!(found.count() > 0, "{kind:?}");
    }
}
