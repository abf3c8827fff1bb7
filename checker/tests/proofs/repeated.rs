//! Containers whose elements repeat: what counting shows, against the definition.

use polygraph_checker::linearizable::{Rule, Tally};
use polygraph_checker::{Options, Validity, entry};
use polygraph_history::Guarantee;

use crate::brute::{order, steps};
use crate::histories;
use crate::random::{Rng, history, keys};
use crate::things::Thing;

/// Whether the verdict is that of the definition, whichever way decided; and how often counting
/// showed what.
fn agrees(thing: Thing, seeds: std::ops::Range<u64>) -> [u64; Tally::ALL.len()] {
    let check = entry(Guarantee::Linearizable).unwrap().check;
    let options = Options {
        model: Some(thing.model()),
        ..Options::default()
    };
    let (mut seen, mut counted) = ([0_u64; 2], [0_u64; Tally::ALL.len()]);
    for seed in seeds {
        let rng = &mut Rng(seed ^ 7 << 40);
        let tampered = rng.percent(70);
        let history = history(rng, thing, tampered);
        let verdict = check(&history, &options);
        let mut keys = keys(&history).into_iter();
        let expected = keys.all(|key| order(thing, &steps(&history, &key, None)).is_some());
        match verdict.validity {
            Validity::Unknown => continue,
            validity => assert_eq!(
                validity == Validity::Holds,
                expected,
                "{thing:?}, seed {seed}: {verdict:?} {history:?}"
            ),
        }
        seen[usize::from(expected)] += 1;
        for anomaly in &verdict.anomalies {
            let certificate = anomaly.certificate().unwrap();
            if let Rule::Tally(tally) = certificate.rule {
                assert!(certificate.operations.len() <= 7, "{thing:?}, seed {seed}");
                counted[tally as usize] += 1;
            }
        }
    }
    println!("{thing:?}: {seen:?} violated and not, {counted:?} by counting");
    assert!(seen.iter().all(|&seen| seen > 100), "{thing:?}: {seen:?}");
    counted
}

fn all_agree(seeds: u64) {
    let of_all = [Tally::TooOften, Tally::NotEmpty];
    for (thing, more) in [
        (Thing::Queue, Some(Tally::Overtaken)),
        (Thing::Stack, None),
        (Thing::Priority, Some(Tally::Outranked)),
        (Thing::Bag, None),
    ] {
        let counted = agrees(thing, 0..seeds);
        for tally in of_all.into_iter().chain(more) {
            // Otherwise the comparison would say little.
            assert!(
                counted[tally as usize] > seeds / 1000,
                "{thing:?}: {tally:?}"
            );
        }
    }
}

#[test]
fn what_counting_shows_is_so() {
    all_agree(histories());
}

#[test]
#[ignore = "takes minutes"]
fn what_counting_shows_is_so_a_million_times() {
    all_agree(1_000_000);
}
