//! The sweep through time, against the definitions on small problems and by its answers on large
//! ones.

use std::time::Instant;

use polygraph_checker::isolation::solve::{
    Answer, Isolation, Level, Order, Problem, Swept, confirm, decide, replay, sweep,
};

use super::fuzz::PLENTY;
use super::generate::{Dice, Keys, Store, small};
use super::{brute, often};

const STRICT: Level = Level {
    isolation: Isolation::Serializable,
    order: Order::RealTime,
};

fn compare(seeds: std::ops::Range<u64>, most: u32) {
    let mut counts = [0; 3];
    for seed in seeds {
        let problem = small(&mut Dice(seed), most);
        let expected = brute::by_moments(&problem, STRICT);
        match sweep(&problem) {
            Swept::Order(moments) => {
                replay(&problem, STRICT, &moments).expect("the order plays");
                assert!(expected, "seed {seed}: {problem:?}");
                counts[0] += 1;
            }
            // An order may be overlooked, if rarely: then others look for it.
            Swept::Stuck(_) => counts[1 + usize::from(expected)] += 1,
        }
    }
    println!("{counts:?} orders, none where there is none, overlooked");
    assert!(counts[1] > 0 && 1000 * counts[2] <= counts[0]);
}

#[test]
fn sweeps_find_an_order_where_there_is_one() {
    compare(0..often(20_000), 6);
}

#[test]
#[ignore = "minutes"]
fn sweeps_find_an_order_where_there_is_one_very_often() {
    compare(1_000_000..1_000_000 + often(1_000_000), 7);
}

fn store(transactions: u32, keys: Keys, dice: &mut Dice) -> Problem {
    let store = Store {
        isolation: Isolation::Serializable,
        transactions,
        clients: 20,
        operations: 8,
        reads: 50,
        keys,
    };
    let mut problem = store.run(dice);
    // Of some nobody knows when they ended, and their session goes on without them.
    let open: Vec<bool> = problem.spans.iter().map(|_| dice.percent(2)).collect();
    for (span, &open) in problem.spans.iter_mut().zip(&open) {
        if open {
            span.end = u64::MAX;
        }
    }
    problem.precedes.retain(|pair| !open[pair.before as usize]);
    problem
}

#[test]
fn large_histories_of_a_good_store_are_swept() {
    for keys in [Keys::Hot(32), Keys::Uniform(4)] {
        let problem = store(100_000, keys, &mut Dice(5));
        let began = Instant::now();
        let swept = sweep(&problem);
        let Swept::Order(moments) = swept else {
            panic!("there is an order ({keys:?}): {:?}", began.elapsed());
        };
        println!("swept in {:?}", began.elapsed());
        replay(&problem, STRICT, &moments).expect("the order plays");
    }
}

/// One read somewhere is of a version that had been overwritten.
#[test]
fn a_wrong_read_in_a_large_history_is_found() {
    let mut dice = Dice(6);
    let mut answers = [0; 2];
    for turn in 0..often(6) {
        let keys = [Keys::Hot(32), Keys::Uniform(4)][(turn % 2) as usize];
        let mut problem = store(10_000, keys, &mut dice);
        let key = loop {
            let key = dice.below(problem.keys.len() as u64) as usize;
            let register = &problem.keys[key];
            if register.writers.len() > 20 && register.reads.len() > 20 {
                break key;
            }
        };
        let register = &mut problem.keys[key];
        let at = dice.below(register.reads.len() as u64) as usize;
        let from = register.reads[at].from;
        let place = register.writers.iter().position(|&it| Some(it) == from);
        let older = place.and_then(|place| place.checked_sub(1 + dice.below(3) as usize));
        if let Some(writer) = older.map(|older| register.writers[older])
            && register.reads[at].reader != writer
        {
            register.reads[at].from = Some(writer);
        }
        match decide(&problem, STRICT, PLENTY).0 {
            Answer::Holds(moments) => {
                replay(&problem, STRICT, &moments).expect("the order plays");
                answers[0] += 1;
            }
            Answer::Violated(proof) => {
                confirm(&problem, &proof).expect("the proof stands");
                assert!(proof.facts.len() < 200, "{} facts", proof.facts.len());
                answers[1] += 1;
            }
            Answer::Unknown(why) => panic!("{why:?}"),
        }
    }
    println!("{answers:?} hold, violated");
    assert!(answers[1] > 0);
}
