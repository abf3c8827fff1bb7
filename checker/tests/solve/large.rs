//! Large histories of simulated stores: what a store keeps holds, and what was planted is found.

use polygraph_checker::isolation::solve::{
    Answer, Budget, Isolation, Key, Level, Order, Precedes, Problem, RanOut, Read, Span, Unknown,
    decide,
};

use super::fuzz::{LEVELS, checked};
use super::generate::{Dice, Keys, Store};

fn store(isolation: Isolation, transactions: u32, keys: Keys) -> Store {
    Store {
        isolation,
        transactions,
        clients: 20,
        operations: 8,
        reads: 50,
        keys,
    }
}

/// Whether a store of one isolation keeps another, always and by construction.
fn keeps(store: Isolation, level: Level) -> bool {
    matches!(
        (store, level.isolation),
        (Isolation::Serializable, _)
            | (Isolation::Snapshot, Isolation::Snapshot | Isolation::Prefix)
            | (Isolation::Prefix, Isolation::Prefix)
    )
}

#[test]
fn what_a_store_keeps_holds() {
    for isolation in [
        Isolation::Serializable,
        Isolation::Snapshot,
        Isolation::Prefix,
    ] {
        for keys in [Keys::Hot(32), Keys::Uniform(64)] {
            let problem = store(isolation, 2_000, keys).run(&mut Dice(1));
            for level in LEVELS {
                let held = checked(&problem, level);
                // With so many transactions on so few keys a weaker store shows that it is one.
                assert_eq!(held, keeps(isolation, level), "{isolation:?} at {level:?}");
            }
        }
    }
}

#[test]
fn ten_thousand_transactions_on_hot_keys_are_decided() {
    for isolation in [Isolation::Serializable, Isolation::Snapshot] {
        let problem = store(isolation, 10_000, Keys::Hot(32)).run(&mut Dice(7));
        for level in LEVELS {
            assert_eq!(
                checked(&problem, level),
                keeps(isolation, level),
                "{level:?}"
            );
        }
    }
}

/// What a transaction writes, and whose versions of which keys it reads.
type Body<'a> = (&'a [u32], &'a [(u32, Option<u32>)]);

/// Adds transactions that go wrong in a known way, on keys of their own.
fn plant(problem: &mut Problem, bodies: &[Body<'_>]) {
    let first = problem.transactions;
    let keys = problem.keys.len() as u32;
    let end = problem
        .spans
        .iter()
        .map(|span| span.begin)
        .max()
        .unwrap_or_default();
    for (at, (writes, reads)) in (0..).zip(bodies) {
        let txn = first + at;
        problem.transactions += 1;
        problem.spans.push(Span {
            begin: end,
            end: u64::MAX,
        });
        for &key in *writes {
            let key = (keys + key) as usize;
            problem
                .keys
                .resize(problem.keys.len().max(key + 1), Key::default());
            problem.keys[key].writers.push(txn);
        }
        for &(key, from) in *reads {
            let key = (keys + key) as usize;
            problem
                .keys
                .resize(problem.keys.len().max(key + 1), Key::default());
            let from = from.map(|from| first + from);
            problem.keys[key].reads.push(Read { reader: txn, from });
        }
    }
}

#[test]
fn planted_anomalies_are_found() {
    let lost: &[Body<'_>] = &[(&[0], &[(0, None)]), (&[0], &[(0, None)])];
    let skew: &[Body<'_>] = &[
        (&[0], &[(0, None), (1, None)]),
        (&[1], &[(0, None), (1, None)]),
    ];
    let fork: &[Body<'_>] = &[
        (&[0], &[]),
        (&[1], &[]),
        (&[], &[(0, Some(0)), (1, None)]),
        (&[], &[(0, None), (1, Some(1))]),
    ];
    // Two blind writers of one key whose readers disagree on which came first.
    let split: &[Body<'_>] = &[
        (&[0, 1], &[]),
        (&[0, 2], &[]),
        (&[], &[(0, Some(0)), (2, Some(1))]),
        (&[], &[(0, Some(1)), (1, Some(0))]),
    ];
    use Isolation::{Prefix, Serializable, Snapshot};
    for (name, bodies, broken) in [
        ("lost update", lost, &[Serializable, Snapshot][..]),
        ("write skew", skew, &[Serializable]),
        ("long fork", fork, &[Serializable, Snapshot, Prefix]),
        ("split", split, &[Serializable, Snapshot, Prefix]),
    ] {
        let mut problem = store(Serializable, 2_000, Keys::Hot(32)).run(&mut Dice(3));
        plant(&mut problem, bodies);
        for level in LEVELS {
            let Answer::Violated(proof) = decide(&problem, level, super::fuzz::PLENTY).0 else {
                assert!(!broken.contains(&level.isolation), "{name} at {level:?}");
                continue;
            };
            assert!(broken.contains(&level.isolation), "{name} at {level:?}");
            let planted = problem.transactions - bodies.len() as u32;
            assert!(
                proof.facts.transactions().iter().all(|&txn| txn >= planted),
                "{name} at {level:?} is shown by others"
            );
        }
    }
}

/// Whoever has no budget gets no answer, but learns what is open.
#[test]
fn a_budget_that_ends_leaves_it_open() {
    let problem = store(Isolation::Serializable, 500, Keys::Hot(32)).run(&mut Dice(5));
    let level = Level {
        isolation: Isolation::Serializable,
        order: Order::Sessions,
    };
    for (budget, expected) in [
        (
            Budget {
                max_steps: 1,
                max_bytes: 1 << 30,
            },
            RanOut::Steps,
        ),
        (
            Budget {
                max_steps: u64::MAX,
                max_bytes: 1,
            },
            RanOut::Bytes,
        ),
    ] {
        let mut problem = problem.clone();
        problem.spans.clear();
        let (answer, _) = decide(&problem, level, budget);
        let Answer::Unknown(Unknown::Undecided(open)) = answer else {
            panic!("{answer:?}");
        };
        assert_eq!(open.ran_out, expected);
        assert!(!open.keys.is_empty() && !open.transactions.is_empty());
    }
}

/// The same problem gives the same answer, with the same effort.
#[test]
fn answers_do_not_change() {
    let problem = store(Isolation::Snapshot, 1_000, Keys::Hot(32)).run(&mut Dice(11));
    for level in LEVELS {
        let (one, other) = (
            decide(&problem, level, super::fuzz::PLENTY),
            decide(&problem, level, super::fuzz::PLENTY),
        );
        assert_eq!(one, other);
    }
}

/// What is said of a problem that is none.
#[test]
fn malformed_problems_are_refused() {
    let because = polygraph_checker::isolation::solve::Because::Session;
    let problem = |change: &dyn Fn(&mut Problem)| {
        let mut problem = store(Isolation::Serializable, 10, Keys::Uniform(2)).run(&mut Dice(1));
        change(&mut problem);
        problem
    };
    for problem in [
        problem(&|problem| {
            problem.precedes.push(Precedes {
                before: 0,
                after: 99,
                because,
            });
        }),
        problem(&|problem| problem.spans.truncate(3)),
        problem(&|problem| problem.keys[0].writers.push(99)),
        problem(&|problem| {
            problem.keys.push(Key {
                writers: vec![1, 1],
                reads: Vec::new(),
            });
        }),
        problem(&|problem| {
            problem.keys[0].reads.push(Read {
                reader: 0,
                from: Some(98),
            });
        }),
    ] {
        for level in LEVELS {
            let (answer, _) = decide(&problem, level, super::fuzz::PLENTY);
            assert!(
                matches!(answer, Answer::Unknown(Unknown::Malformed(_))),
                "{answer:?}"
            );
        }
    }
}
