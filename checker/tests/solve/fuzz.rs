//! Random small problems against the definitions.

use polygraph_checker::isolation::solve::{
    Answer, Budget, Isolation, Level, Order, Problem, confirm, decide, replay,
};

use super::generate::{Dice, small};
use super::{brute, often};

pub(crate) const PLENTY: Budget = Budget {
    max_steps: 1_000_000_000,
    max_bytes: 1 << 30,
};

pub(crate) const LEVELS: [Level; 9] = {
    const fn level(isolation: Isolation, order: Order) -> Level {
        Level { isolation, order }
    }
    [
        level(Isolation::Serializable, Order::Free),
        level(Isolation::Serializable, Order::Sessions),
        level(Isolation::Serializable, Order::RealTime),
        level(Isolation::Snapshot, Order::Free),
        level(Isolation::Snapshot, Order::Sessions),
        level(Isolation::Snapshot, Order::RealTime),
        level(Isolation::Prefix, Order::Free),
        level(Isolation::Prefix, Order::Sessions),
        level(Isolation::Prefix, Order::RealTime),
    ]
};

/// The answer, after what shows it has been looked at.
pub(crate) fn checked(problem: &Problem, level: Level) -> bool {
    match decide(problem, level, PLENTY).0 {
        Answer::Holds(moments) => {
            replay(problem, level, &moments).expect("a witness plays");
            true
        }
        Answer::Violated(proof) => {
            confirm(problem, &proof).expect("a proof stands");
            false
        }
        Answer::Unknown(why) => panic!("{why:?} of {problem:?} at {level:?}"),
    }
}

fn compare(seeds: std::ops::Range<u64>, most: u32) {
    let mut counts = [[0u32; 2]; LEVELS.len()];
    for seed in seeds {
        let problem = small(&mut Dice(seed), most);
        for (level, counts) in LEVELS.into_iter().zip(&mut counts) {
            let expected = brute::by_moments(&problem, level);
            let versions = brute::by_versions(&problem, level);
            assert_eq!(
                expected, versions,
                "the definitions differ: {problem:?} at {level:?}"
            );
            let answer = checked(&problem, level);
            assert_eq!(answer, expected, "seed {seed}: {problem:?} at {level:?}");
            counts[usize::from(expected)] += 1;
        }
    }
    for (level, [violated, held]) in LEVELS.iter().zip(counts) {
        println!(
            "{:?} {:?}: {held} hold, {violated} violated",
            level.isolation, level.order
        );
        assert!(violated > 0 && held > 0);
    }
}

#[test]
fn small_problems_are_decided_as_defined() {
    compare(0..often(4_000), 5);
}

#[test]
#[ignore = "minutes"]
fn very_many_small_problems_are_decided_as_defined() {
    compare(1_000_000..1_000_000 + often(120_000), 6);
}
