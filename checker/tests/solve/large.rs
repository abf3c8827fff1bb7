//! Large histories of simulated stores.

use std::time::Instant;

use polygraph_checker::isolation::solve::{Isolation, decide};

use super::fuzz::{LEVELS, PLENTY};
use super::generate::{Dice, Keys, Store};

#[test]
fn hot_keys_are_decided() {
    for (transactions, isolation) in [
        (1_000, Isolation::Serializable),
        (1_000, Isolation::Snapshot),
        (10_000, Isolation::Serializable),
        (10_000, Isolation::Snapshot),
    ] {
        let store = Store {
            isolation,
            transactions,
            clients: 20,
            operations: 8,
            reads: 50,
            keys: Keys::Hot(32),
        };
        let problem = store.run(&mut Dice(7));
        for level in LEVELS {
            let begun = Instant::now();
            let (answer, effort) = decide(&problem, level, PLENTY);
            println!(
                "{isolation:?} {} {level:?} {:?} {:.1} ms {effort:?}",
                problem.transactions,
                answer.holds(),
                begun.elapsed().as_secs_f64() * 1e3
            );
        }
    }
}
