//! Judging while events arrive, against the check of every prefix.

use polygraph_checker::linearizable::{Deferred, Online};
use polygraph_checker::{FailedCas, Options, Validity};
use polygraph_history::{History, Kind, Op, Order, Process};

use crate::build::{Build, cas, check, read, reading, write};
use crate::random::{Rng, Shape, atomic_run, factor, tamper};

const IGNORE: FailedCas = FailedCas::Ignore;

fn options() -> Options {
    Options {
        failed_cas: IGNORE,
        ..Options::default()
    }
}

/// The first event by which the check of what happened up to there is violated.
fn first_violated(build: &Build) -> Option<usize> {
    let violated = |events: usize| {
        let prefix = build.events[..events].to_vec();
        let history = History::new(None, Order::Index, prefix).unwrap();
        check(&history, &options()).validity == Validity::Violated
    };
    (1..=build.events.len())
        .find(|&events| violated(events))
        .map(|events| events - 1)
}

/// The event at which it is known online, with evidence that is confirmed.
fn online(build: &Build, seed: u64) -> (Option<usize>, Online) {
    let mut online = Online::new(&options());
    let mut known = None;
    for (at, event) in build.events.iter().enumerate() {
        if online.push(event).is_some() && known.is_none() {
            known = Some(at);
            let prefix = build.events[..=at].to_vec();
            let history = History::new(None, Order::Index, prefix).unwrap();
            let evidence = online.evidence(&history).expect("evidence");
            assert_eq!(evidence.confirm(&history), Ok(()), "seed {seed}");
            let later = online.evidence(&build.history()).expect("evidence");
            assert_eq!(later.confirm(&build.history()), Ok(()), "seed {seed}");
        }
    }
    (known, online)
}

fn agrees(seeds: std::ops::Range<u64>, operations: u64, processes: u64) -> [u64; 2] {
    let mut counts = [0, 0];
    for seed in seeds {
        let rng = &mut Rng(seed);
        let shape = Shape {
            operations: 2 + rng.below(operations) as usize,
            processes: 1 + rng.below(processes) as usize,
            domain: 0,
            ..Shape::small(rng)
        };
        let mut build = atomic_run(rng, &shape);
        if rng.percent(80) {
            tamper(rng, &mut build);
        }
        let expected = first_violated(&build);
        let (known, online) = online(&build, seed);
        assert_eq!(known, expected, "seed {seed}: {:#?}", lines(&build));
        assert_eq!(online.deferred().count(), 0, "seed {seed}");
        counts[usize::from(expected.is_some())] += 1;
    }
    counts
}

fn lines(build: &Build) -> Vec<String> {
    let line = |event: &polygraph_history::Event| {
        format!(
            "{} {} {:?} {}",
            event.index,
            event.process,
            event.kind,
            event.op().unwrap()
        )
    };
    build.events.iter().map(line).collect()
}

#[test]
fn a_violation_is_known_at_the_event_that_proves_it() {
    let [holds, violated] = agrees(0..20_000 * factor(), 9, 5);
    assert!(holds > 4_000 && violated > 4_000, "{holds} {violated}");
}

/// Long enough that values are forgotten.
#[test]
fn what_is_forgotten_does_not_matter() {
    let [holds, violated] = agrees(0..60 * factor(), 400, 4);
    assert!(holds > 5 && violated > 20, "{holds} {violated}");
}

#[test]
#[ignore = "a million histories take minutes"]
fn a_violation_is_known_at_the_event_that_proves_it_a_million_times() {
    agrees(1_000_000..1_990_000, 9, 5);
    agrees(2_000_000..2_010_000, 80, 6);
}

/// Only what may still be found is kept, however long the run.
#[test]
fn memory_is_that_of_the_open_window() {
    let rng = &mut Rng(7);
    let shape = Shape {
        operations: 30_000,
        processes: 8,
        keys: 1,
        domain: 0,
        crash_percent: 0,
        refuse_percent: 10,
        cas_percent: 30,
        read_percent: 40,
    };
    let build = atomic_run(rng, &shape);
    let mut online = Online::new(&options());
    let mut most = 0;
    for event in &build.events {
        assert_eq!(online.push(event), None);
        most = most.max(online.kept());
    }
    assert!(most < 300, "{most}");
}

/// A value that cannot be found any more may be written again.
#[test]
fn values_that_come_back_late_are_decided() {
    let mut build = Build::new();
    for round in 0..50 {
        build.whole(0, write("x", round % 3));
        build.whole(1, read("x", round % 3));
    }
    build.whole(1, read("x", 0));
    let (known, online) = online(&build, 0);
    assert_eq!(online.deferred().count(), 0);
    assert_eq!(known, Some(build.events.len() - 1));
    assert_eq!(known, first_violated(&build));
}

#[test]
fn what_distinct_values_do_not_decide_is_deferred() {
    let mut build = Build::new();
    build.invoke(0, write("x", 1)).invoke(1, write("x", 1));
    build
        .invoke(2, cas("y", 5, 6))
        .fail(2, cas("y", 5, 6), None);
    build.whole(3, read("z", -1));
    let mut online = Online::new(&Options::default());
    for event in &build.events {
        assert_eq!(online.push(event), None);
    }
    let mut deferred: Vec<String> = online
        .deferred()
        .map(|(key, why)| format!("{key} {why:?}"))
        .collect();
    deferred.sort();
    assert_eq!(deferred, ["x WrittenTwice", "y FailedCompareAndSet"]);
    assert!(
        online
            .deferred()
            .any(|(_, why)| why == Deferred::WrittenTwice)
    );
}

/// A compare-and-set that was found to have taken effect, and then fails.
#[test]
fn a_failure_may_be_what_proves_it() {
    let mut build = Build::new();
    build
        .invoke(0, write("x", 1))
        .invoke(1, reading("x"))
        .ok(1, read("x", 1));
    build.fail(0, write("x", 1), None);
    let (known, _) = online(&build, 0);
    assert_eq!(known, Some(3));
    let is_write = |op: Option<&Op>| matches!(op, Some(Op::Write { .. }));
    let failed = &build.events[3];
    assert!(failed.kind == Kind::Fail && is_write(failed.op()));
    assert_eq!(failed.process, Process::Client(0));
}
