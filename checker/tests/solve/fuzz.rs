//! Random small problems against the definitions.

use polygraph_checker::isolation::solve::{
    Answer, Budget, Effort, Isolation, Level, Order, Problem, confirm, decide, replay,
};

use super::generate::{Dice, knot, small, tangled};
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
    checked_with_effort(problem, level).0
}

fn checked_with_effort(problem: &Problem, level: Level) -> (bool, Effort) {
    let (answer, effort) = decide(problem, level, PLENTY);
    let held = match answer {
        Answer::Holds(moments) => {
            replay(problem, level, &moments).expect("a witness plays");
            true
        }
        Answer::Violated(proof) => {
            confirm(problem, &proof).expect("a proof stands");
            false
        }
        Answer::Unknown(why) => panic!("{why:?} of {problem:?} at {level:?}"),
    };
    (held, effort)
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

/// How problems were decided: by saturation, by decisions that were all right, by conflicts; and
/// how many of each were violated and held.
#[derive(Default)]
struct Ways([[u32; 2]; 3]);

impl Ways {
    fn count(&mut self, held: bool, effort: Effort) {
        let way = match effort {
            Effort { decisions: 0, .. } => 0,
            Effort { conflicts: 0, .. } => 1,
            _ => 2,
        };
        self.0[way][usize::from(held)] += 1;
    }

    fn tell(&self) {
        for (way, [violated, held]) in ["saturation", "decisions", "conflicts"].iter().zip(self.0) {
            println!("{way}: {held} hold, {violated} violated");
        }
    }
}

fn compare_tangled(seeds: std::ops::Range<u64>, most: u32) {
    let mut ways = Ways::default();
    for seed in seeds {
        let problem = tangled(&mut Dice(seed), most);
        for level in LEVELS
            .into_iter()
            .filter(|level| level.order == Order::Free)
        {
            let (answer, effort) = checked_with_effort(&problem, level);
            let expected = brute::by_moments(&problem, level);
            assert_eq!(answer, expected, "seed {seed}: {problem:?} at {level:?}");
            ways.count(answer, effort);
        }
    }
    ways.tell();
}

/// Too large for the definitions; but every answer shows itself.
fn untie(seeds: std::ops::Range<u64>, variables: u32, clauses: u32) -> Ways {
    let mut ways = Ways::default();
    let mut most = Effort::default();
    for seed in seeds {
        let problem = knot(&mut Dice(seed), variables, clauses);
        for level in LEVELS
            .into_iter()
            .filter(|level| level.order == Order::Sessions)
        {
            let (answer, effort) = checked_with_effort(&problem, level);
            ways.count(answer, effort);
            most.conflicts = most.conflicts.max(effort.conflicts);
            most.steps = most.steps.max(effort.steps);
        }
    }
    println!("{variables} variables, {clauses} clauses, at most {most:?}");
    ways.tell();
    ways
}

#[test]
fn knots_are_untied_or_shown_to_be_none() {
    let mut learned = [0; 2];
    for (variables, clauses) in [(3, 4), (3, 12), (5, 15)] {
        let [_, _, [violated, held]] = untie(0..often(50), variables, clauses).0;
        learned = [learned[0] + violated, learned[1] + held];
    }
    assert!(
        learned[0] > 0 && learned[1] > 0,
        "both answers came of conflicts"
    );
}

#[test]
fn tangled_problems_are_decided_as_defined() {
    compare_tangled(0..often(2_000), 6);
}

#[test]
#[ignore = "minutes"]
fn very_many_tangled_problems_are_decided_as_defined() {
    compare_tangled(1_000_000..1_000_000 + often(300_000), 7);
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
