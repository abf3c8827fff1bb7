//! Transcripts, and runs in the simulator under faults.

use polygraph_cluster::Deployment;
use polygraph_history::settings::Settings;

use super::node::Config;
use super::{KNOBS, MultiLeader, Node};
use crate::exercise::{DEFAULT, Fault, Outcome, Plan, Record, judge};
use crate::{Target, transcript};

/// Everything that the protocol survives, whatever claims say.
const EVERYTHING: &[Fault] = &[
    Fault::Partition,
    Fault::Kill,
    Fault::KillAll,
    Fault::Pause,
    Fault::Slow,
    Fault::Shuffle,
    Fault::Clock,
    Fault::Disk,
];

type Judge = fn(&Record) -> Option<String>;

fn plan(settings: &'static str, faults: &'static [Fault], sets: bool) -> Plan {
    Plan {
        faults,
        sets,
        ..Plan::new(&MultiLeader, settings)
    }
}

/// No run shows a violation, every node recovers, and there was something to see.
fn holds(plan: &Plan, seeds: u64, judges: &[Judge]) {
    let label = plan.label();
    for (seed, record) in plan.records(seeds) {
        for judge in judges {
            if let Some(violation) = judge(&record) {
                panic!("{label}, seed {seed}: {violation}");
            }
        }
        assert!(record.recovered, "{label}, seed {seed}: a node is lost");
        let ok = record.done.iter().filter(|d| d.outcome == Outcome::Ok);
        assert!(
            ok.count() > 400,
            "{label}, seed {seed}: too little was done"
        );
    }
}

/// Some run shows a violation.
fn broken(plan: &Plan, seeds: u64, judge: Judge) {
    let found = plan
        .records(seeds)
        .find_map(|(seed, record)| Some((seed, judge(&record)?)));
    let label = plan.label();
    let (seed, violation) = found.unwrap_or_else(|| panic!("{label}: none in {seeds} seeds"));
    println!("{label}, seed {seed}: {violation}");
}

#[test]
fn transcripts() {
    for script in ["shipping", "conflict", "restart", "bugs"] {
        transcript::run(
            &MultiLeader,
            |deployment| Node::new(Config::of(deployment)),
            &format!("multi_leader/scripts/{script}"),
        );
    }
}

#[test]
fn converges_whatever_happens_and_loses_no_element() {
    for settings in ["", "relay=off", "ship=5ms"] {
        holds(
            &plan(settings, EVERYTHING, false),
            10,
            &[judge::differing_copies],
        );
        let kept: &[Judge] = &[
            judge::differing_copies,
            judge::lost_element,
            judge::lost_own_write,
            judge::went_back_in_time,
        ];
        holds(&plan(settings, EVERYTHING, true), 6, kept);
    }
}

#[test]
fn sessions_are_kept_while_clocks_are_right() {
    let kept: &[Judge] = &[
        judge::differing_copies,
        judge::lost_own_write,
        judge::went_back_in_time,
        judge::lost_write,
    ];
    holds(&plan("", DEFAULT, false), 20, kept);
    holds(&plan("relay=off", DEFAULT, false), 10, kept);
}

#[test]
fn is_not_linearizable() {
    broken(&plan("", DEFAULT, false), 3, judge::stale_read);
    broken(&plan("", &[], true), 3, judge::torn_set);
}

#[test]
fn a_fast_clock_wins_over_later_writes() {
    let clock: &[Fault] = &[Fault::Clock];
    broken(&plan("", clock, false), 5, judge::lost_own_write);
    broken(&plan("", clock, false), 20, judge::lost_write);
}

#[test]
fn planted_bugs_are_caught() {
    let with = |bug, faults, sets| Plan {
        bug: Some(bug),
        ..plan("", faults, sets)
    };
    let kill: &[Fault] = &[Fault::Kill];
    broken(
        &with("ack-before-fsync", kill, true),
        5,
        judge::lost_element,
    );
    broken(
        &with("ack-before-fsync", kill, false),
        5,
        judge::differing_copies,
    );
    let forgets = "version-vector-forgets-node";
    broken(&with(forgets, kill, true), 5, judge::differing_copies);
    broken(&with(forgets, kill, false), 5, judge::differing_copies);
    // Nothing else is wrong with it: what is acknowledged is on the node's own disk.
    holds(&with(forgets, DEFAULT, true), 5, &[judge::lost_element]);
}

#[test]
fn a_seed_is_a_run() {
    let of = || {
        let records: Vec<_> = plan("", EVERYTHING, true).records(1).collect();
        format!("{records:?}")
    };
    assert_eq!(of(), of());
}

#[test]
fn says_what_is_allowed() {
    let mut deployment = Deployment {
        nodes: 5,
        settings: Settings::defaults(KNOBS),
        bug: None,
        seed: 1,
    };
    assert_eq!(MultiLeader.validate(&deployment), Ok(()));
    deployment.settings.set(KNOBS, "ship", "500us").unwrap();
    let error = MultiLeader.validate(&deployment).unwrap_err();
    assert!(
        error.contains("`ship=500us`") && error.contains("1ms to 1m"),
        "{error}"
    );
}

#[test]
fn both_drivers_make_the_same_of_it() {
    crate::conformance::agree(&MultiLeader, &[], |deployment, _| {
        Node::new(Config::of(deployment))
    });
}
