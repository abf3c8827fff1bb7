//! Random histories against the definition.

use polygraph_checker::linearizable::{self, Kept};
use polygraph_checker::{FailedCas, Options, Proof, Validity, Verdict};
use polygraph_history::{Body, History, Kind, Order, Process};

use crate::brute;
use crate::build::check;
use crate::random::{Rng, Shape, atomic_run, factor, small_history};

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
            let expected = match brute::linearizable(&history, failed_cas) {
                true => Validity::Holds,
                false => Validity::Violated,
            };
            assert_eq!(verdict.validity, expected, "seed {seed}, {failed_cas:?}");
            match expected {
                Validity::Holds => holds += 1,
                _ => violated += 1,
            }
            evidence_stands(&history, &verdict, seed);
        }
    }
    // Otherwise the comparison would say little.
    assert!(
        holds > violated / 4 && violated > holds / 4,
        "{holds} hold, {violated} do not"
    );
}

/// Every violation has evidence that is confirmed, and of which nothing can be left out.
fn evidence_stands(history: &History, verdict: &Verdict, seed: u64) {
    assert_eq!(
        verdict.anomalies.len() as u64,
        verdict.anomaly_count,
        "seed {seed}"
    );
    assert!(
        verdict.warnings.is_empty(),
        "seed {seed}: {:?}",
        verdict.warnings
    );
    for anomaly in &verdict.anomalies {
        assert_eq!(anomaly.confirm(history), Ok(()), "seed {seed}");
        for &event in &anomaly.operations {
            assert_eq!(
                history.event(event as usize).kind,
                Kind::Invoke,
                "seed {seed}"
            );
        }
        let Proof::Linearizable(proof) = &anomaly.proof else {
            panic!("seed {seed}")
        };
        for left_out in 0..proof.operations.len() {
            let mut tampered = proof.clone();
            tampered.operations.remove(left_out);
            let rejected = linearizable::confirm(history, &tampered).is_err();
            assert!(rejected, "seed {seed}: {left_out} of {proof:?}");
        }
    }
}

#[test]
fn no_evidence_is_accepted_against_a_linearizable_history() {
    for seed in 0..10_000 * factor() {
        let rng = &mut Rng(seed);
        let shape = Shape::small(rng);
        let history = atomic_run(rng, &shape).history();
        for _ in 0..5 {
            let mut operations = Vec::new();
            for operation in history.operations() {
                if rng.percent(60) {
                    let expectation = rng.percent(70);
                    operations.push(Kept {
                        invoke: operation.invoke,
                        expectation,
                    });
                }
            }
            let until = rng.below(history.events().len() as u64) as usize;
            let failed_cas = FailedCas::Observe;
            let key = crate::build::key("x");
            let proof = linearizable::Proof {
                key,
                until,
                operations,
                failed_cas,
            };
            assert!(
                linearizable::confirm(&history, &proof).is_err(),
                "seed {seed}: {proof:?}"
            );
        }
    }
}

#[test]
fn names_of_processes_and_keys_do_not_matter() {
    for seed in 0..3_000 * factor() {
        let history = small_history(&mut Rng(seed));
        let mut events = history.events().to_vec();
        for event in &mut events {
            if let Process::Client(process) = event.process {
                event.process = Process::Client(1_000_000 - 7 * process);
            }
            if let Body::Op(op) = &mut event.body {
                rename_key(op);
            }
        }
        let renamed = History::new(None, history.order(), events).unwrap();
        let options = Options::default();
        let (before, after) = (check(&history, &options), check(&renamed, &options));
        assert_eq!(before.validity, after.validity, "seed {seed}");
        assert_eq!(before.anomaly_count, after.anomaly_count, "seed {seed}");
        let operations = |verdict: &Verdict| -> Vec<Vec<u64>> {
            verdict
                .anomalies
                .iter()
                .map(|anomaly| anomaly.operations.clone())
                .collect()
        };
        assert_eq!(operations(&before), operations(&after), "seed {seed}");
    }
}

fn rename_key(op: &mut polygraph_history::Op) {
    use polygraph_history::{Key, Op};
    if let Op::Read { key, .. } | Op::Write { key, .. } | Op::Cas { key, .. } = op {
        *key = Key::from(format!("an/other {key}").as_str());
    }
}

/// An unknown outcome allows whatever the known one did.
#[test]
fn forgetting_an_outcome_never_makes_a_history_wrong() {
    let mut tried = 0;
    for seed in 0..5_000 * factor() {
        let rng = &mut Rng(seed);
        let history = small_history(rng);
        if check(&history, &Options::default()).validity != Validity::Holds {
            continue;
        }
        let mut events = history.events().to_vec();
        let completions: Vec<usize> = (0..events.len())
            .filter(|&at| events[at].kind == Kind::Ok)
            .collect();
        if completions.is_empty() {
            continue;
        }
        let at = completions[rng.below(completions.len() as u64) as usize];
        let (process, fresh) = (events[at].process, Process::Client(1_000_000));
        events[at].kind = Kind::Info;
        // The client goes on under another number, as the contract says.
        for event in events[at + 1..]
            .iter_mut()
            .filter(|event| event.process == process)
        {
            event.process = fresh;
        }
        let forgotten = History::new(None, history.order(), events).unwrap();
        let verdict = check(&forgotten, &Options::default());
        assert_eq!(verdict.validity, Validity::Holds, "seed {seed}, event {at}");
        tried += 1;
    }
    assert!(tried > 1_000, "only {tried} tried");
}

/// A sequential run whose operations are stretched to both sides.
#[test]
fn sequential_runs_with_widened_intervals_are_linearizable() {
    for seed in 0..3_000 * factor() {
        let rng = &mut Rng(seed);
        let shape = Shape {
            processes: 1,
            operations: 12,
            crash_percent: 0,
            ..Shape::small(rng)
        };
        let mut events = atomic_run(rng, &shape).events;
        for event in &mut events {
            let shift = rng.below(4_000_000);
            let moment = 10_000_000 + 1_000_000 * event.index;
            event.time.0 = match event.kind {
                Kind::Invoke => moment - shift,
                _ => moment + shift,
            };
            // Every operation is its own process, so that they may overlap.
            event.process = Process::Client(event.index / 2);
        }
        let history = History::new(None, Order::Time, events).unwrap();
        let verdict = check(&history, &Options::default());
        assert_eq!(verdict.validity, Validity::Holds, "seed {seed}");
    }
}

#[test]
fn longer_runs_of_an_atomic_store_are_linearizable() {
    for seed in 0..200 * factor() {
        let rng = &mut Rng(seed);
        let shape = Shape {
            operations: 300,
            processes: 6,
            ..Shape::small(rng)
        };
        let history = atomic_run(rng, &shape).history();
        let verdict = check(&history, &Options::default());
        assert_eq!(verdict.validity, Validity::Holds, "seed {seed} {shape:?}");
        assert!(verdict.opportunities > 0, "seed {seed}");
    }
}

/// Too large for the definition; what is said to be wrong must be confirmed all the same.
#[test]
fn evidence_against_larger_histories_is_confirmed() {
    let (mut violated, mut largest) = (0, 0);
    for seed in 0..400 * factor() {
        let rng = &mut Rng(seed);
        let processes = 2 + rng.below(8) as usize;
        let shape = Shape {
            operations: 80,
            processes,
            ..Shape::small(rng)
        };
        let mut build = atomic_run(rng, &shape);
        crate::random::tamper(rng, &mut build);
        let history = build.history();
        let verdict = check(&history, &Options::default());
        assert_ne!(verdict.validity, Validity::Unknown, "seed {seed}");
        evidence_stands(&history, &verdict, seed);
        violated += u64::from(verdict.validity == Validity::Violated);
        let sizes = verdict
            .anomalies
            .iter()
            .map(|anomaly| anomaly.operations.len());
        largest = largest.max(sizes.max().unwrap_or(0));
    }
    assert!(violated > 50 * factor(), "only {violated}");
    println!("{violated} violated, the largest evidence has {largest} operations");
}
