//! Transcripts, and runs in the simulator under faults.

use polygraph_cluster::Deployment;
use polygraph_history::settings::Settings;

use super::config::Config;
use super::{KNOBS, Leaderless, Node};
use crate::exercise::{DEFAULT, Fault, Outcome, Plan, Record, judge};
use crate::{Target, transcript};

const WITH_CLOCKS: &[Fault] = &[
    Fault::Partition,
    Fault::Kill,
    Fault::KillAll,
    Fault::Pause,
    Fault::Slow,
    Fault::Clock,
];

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

fn plan(settings: &'static str, faults: &'static [Fault]) -> Plan {
    Plan {
        faults,
        ..Plan::new(&Leaderless, settings)
    }
}

fn sets(settings: &'static str, faults: &'static [Fault]) -> Plan {
    Plan {
        sets: true,
        ..plan(settings, faults)
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
    for script in ["quorum", "abd", "repair", "set", "bugs"] {
        transcript::run(
            &Leaderless,
            |deployment| Node::new(Config::of(deployment)),
            &format!("leaderless/scripts/{script}"),
        );
    }
}

#[test]
fn abd_is_linearizable_whatever_happens() {
    let judges: &[Judge] = &[judge::stale_read, judge::lost_own_write, judge::lost_write];
    for settings in [
        "version=abd,repair=sync",
        "version=abd,repair=sync,w=3,r=1",
        "version=abd,repair=sync,w=1,r=3",
        "version=abd,repair=sync,n=5,w=3,r=3",
    ] {
        holds(&plan(settings, EVERYTHING), 12, judges);
    }
}

#[test]
fn sets_are_linearizable_with_sync_repair() {
    let judges: &[Judge] = &[
        judge::torn_set,
        judge::lost_own_write,
        judge::went_back_in_time,
        judge::lost_element,
    ];
    // Clocks play no part, since elements never compete.
    for settings in [
        "version=abd,repair=sync",
        "version=lww,repair=sync",
        "version=lww,repair=sync,w=3,r=1",
        "version=lww,repair=sync,w=1,r=3",
    ] {
        holds(&sets(settings, EVERYTHING), 8, judges);
    }
}

#[test]
fn lww_with_sync_repair_is_linearizable_while_clocks_are_right() {
    let judges: &[Judge] = &[judge::stale_read, judge::lost_write];
    holds(&plan("repair=sync", DEFAULT), 20, judges);
    broken(&plan("repair=sync", WITH_CLOCKS), 10, judge::stale_read);
    broken(&plan("repair=sync", WITH_CLOCKS), 10, judge::lost_own_write);
}

#[test]
fn lww_quorums_read_your_writes_and_no_more() {
    let kept: &[Judge] = &[judge::lost_own_write, judge::lost_write];
    for settings in [
        "",
        "w=3",
        "repair=async",
        "w=3,r=1",
        "w=1,r=3",
        "n=5,w=3,r=3",
    ] {
        holds(&plan(settings, DEFAULT), 8, kept);
    }
    holds(
        &sets("", EVERYTHING),
        8,
        &[judge::lost_own_write, judge::lost_element],
    );
    for settings in ["", "w=3", "repair=async", "n=5,w=3,r=3"] {
        broken(&plan(settings, DEFAULT), 60, judge::stale_read);
        broken(&plan(settings, DEFAULT), 120, judge::went_back_in_time);
    }
}

#[test]
fn small_quorums_read_stale() {
    for settings in ["w=1,r=1", "w=2,r=1", "w=1,r=2", "w=1,r=1,repair=sync"] {
        let plan = plan(settings, DEFAULT);
        broken(&plan, 10, judge::stale_read);
        broken(&plan, 60, judge::lost_own_write);
        broken(&plan, 60, judge::went_back_in_time);
    }
    holds(&sets("w=1,r=1", EVERYTHING), 8, &[judge::lost_element]);
}

#[test]
fn copies_stay_apart_without_repair() {
    let cut = |settings| plan(settings, &[Fault::Partition]);
    broken(&cut(""), 10, judge::differing_copies);
    broken(&cut("repair=async"), 10, judge::differing_copies);
}

#[test]
fn planted_bugs_are_caught() {
    let with = |bug, plan: Plan| Plan {
        bug: Some(bug),
        ..plan
    };
    let no_write_back = "abd-no-write-back";
    let plan = |settings, faults| plan(settings, faults);
    let stale = with(
        no_write_back,
        plan("version=abd,repair=sync,w=3,r=1", DEFAULT),
    );
    broken(&stale, 3, judge::stale_read);
    let stale = with(
        no_write_back,
        plan("version=abd,repair=sync", &[Fault::Slow]),
    );
    broken(&stale, 60, judge::stale_read);

    let overwrites = "repair-overwrites-newer";
    let loses = with(overwrites, plan("repair=async", &[Fault::Slow]));
    broken(&loses, 5, judge::lost_own_write);
    let loses = with(overwrites, plan("version=abd,repair=sync", &[Fault::Slow]));
    broken(&loses, 15, judge::stale_read);

    let kill: &[Fault] = &[Fault::Kill, Fault::KillAll];
    let forgets = with("ack-before-fsync", plan("version=abd,repair=sync", kill));
    broken(&forgets, 5, judge::stale_read);
    let forgets = with("ack-before-fsync", sets("", kill));
    broken(&forgets, 5, judge::lost_element);
}

#[test]
fn a_seed_is_a_run() {
    let of = || {
        let records: Vec<_> = plan("version=abd,repair=sync", EVERYTHING)
            .records(1)
            .collect();
        format!("{records:?}")
    };
    assert_eq!(of(), of());
}

#[test]
fn says_what_is_allowed() {
    let error = |nodes, set: &[(&str, &str)], bug: Option<&str>| {
        let mut settings = Settings::defaults(KNOBS);
        for (key, value) in set {
            settings.set(KNOBS, key, value).unwrap();
        }
        Leaderless
            .validate(&Deployment {
                nodes,
                settings,
                bug: bug.map(str::to_owned),
                seed: 1,
            })
            .unwrap_err()
    };
    let text = error(5, &[("w", "9")], None);
    assert!(
        text.contains("`w=9`") && text.contains("`w` may be 1 to 3"),
        "{text}"
    );
    let text = error(5, &[("n", "7")], None);
    assert!(
        text.contains("`n=7`") && text.contains("`n` may be 1 to 5"),
        "{text}"
    );
    let text = error(5, &[("r", "4"), ("n", "3")], None);
    assert!(text.contains("`r=4`"), "{text}");
    let text = error(5, &[], Some("repair-overwrites-newer"));
    assert!(text.contains("repair=sync"), "{text}");
}

#[test]
fn replicas_follow_each_other_on_the_ring() {
    let deployment = plan("", &[]).deployment();
    let mut firsts = [0; 5];
    for n in 0..100 {
        let key = format!("k{n}").as_str().into();
        let replicas = Leaderless.replicas(&deployment, &key);
        let at: Vec<_> = replicas.iter().map(|node| node.position()).collect();
        assert_eq!(at, [at[0], (at[0] + 1) % 5, (at[0] + 2) % 5]);
        firsts[at[0]] += 1;
    }
    assert!(firsts.iter().all(|&count| count > 8), "{firsts:?}");
}

#[test]
fn both_drivers_make_the_same_of_it() {
    for settings in [&[][..], &[("version", "abd"), ("repair", "sync")]] {
        crate::conformance::agree(&Leaderless, settings, |deployment, _| {
            Node::new(Config::of(deployment))
        });
    }
}
