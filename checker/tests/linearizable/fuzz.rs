//! Random histories against the definition.

use polygraph_checker::{FailedCas, Options, Validity};

use crate::brute::linearizable;
use crate::build::check;
use crate::random::{Rng, factor, small_history};

#[test]
fn verdicts_are_those_of_the_definition() {
    let (mut holds, mut violated) = (0_u64, 0_u64);
    for seed in 0..20_000 * factor() {
        let history = small_history(&mut Rng(seed));
        for failed_cas in [FailedCas::Observe, FailedCas::Ignore] {
            let options = Options {
                failed_cas,
                ..Options::default()
            };
            let verdict = check(&history, &options);
            let expected = match linearizable(&history, failed_cas) {
                true => Validity::Holds,
                false => Validity::Violated,
            };
            assert_eq!(
                verdict.validity,
                expected,
                "seed {seed}, {failed_cas:?}: {:#?}",
                history
                    .events()
                    .iter()
                    .map(|e| format!("{} {:?} {}", e.process, e.kind, e.op().unwrap()))
                    .collect::<Vec<_>>()
            );
            match expected {
                Validity::Holds => holds += 1,
                _ => violated += 1,
            }
        }
    }
    // Otherwise the comparison would say little.
    assert!(
        holds > violated / 4 && violated > holds / 4,
        "{holds} hold, {violated} do not"
    );
}
