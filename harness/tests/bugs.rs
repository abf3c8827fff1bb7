//! Every planted bug is found, each by a seed that is written down; the same seed finds nothing
//! where the bug is not planted.

use std::sync::atomic::AtomicU8;

use polygraph::run::{Conduct, run};
use polygraph::spec::{Request, Resolved};
use polygraph_checker::Options;
use polygraph_results::{Observed, Report};
use polygraph_targets::TARGETS;

/// A bug, and the test that finds it.
struct Row {
    target: &'static str,
    bug: &'static str,
    /// `key=value`, with commas.
    set: &'static str,
    nodes: usize,
    rate: u64,
    clients: usize,
    workload: &'static str,
    nemesis: &'static str,
    guarantee: &'static str,
    /// The lowest that finds it.
    seed: u64,
}

/// What rows have unless they say otherwise.
const USUAL: Row = Row {
    target: "",
    bug: "",
    set: "",
    nodes: 5,
    rate: 200,
    clients: 10,
    workload: "register",
    nemesis: "partition",
    guarantee: "linearizable",
    seed: 1,
};

/// Faults that are short and follow each other at once, as some bugs need.
const OFTEN: &str = "nemesis.first=500ms,nemesis.fault-min=100ms,nemesis.fault-max=600ms,\
                     nemesis.quiet-min=20ms,nemesis.quiet-max=300ms";

/// Bugs that no random run of ours has found: each needs a handful of coincidences within
/// milliseconds. The transcripts of the store have the schedule that shows each.
const BY_SCHEDULE_ONLY: &[(&str, &str)] = &[
    ("consensus", "count-old-term-entries"),
    ("consensus", "forget-vote"),
];

/// Links that are slow while elections are quick: an answer may come from an earlier reign.
const LATE: &str = "nemesis.first=500ms,nemesis.fault-min=500ms,nemesis.fault-max=1500ms,\
                    nemesis.quiet-min=300ms,nemesis.quiet-max=600ms,\
                    election-min=60ms,election-max=120ms,heartbeat=20ms";

const ROWS: &[Row] = &[
    Row {
        target: "consensus",
        bug: "read-index-reused",
        set: LATE,
        rate: 1000,
        clients: 60,
        nemesis: "slow,pause",
        seed: 121,
        ..USUAL
    },
    Row {
        target: "single-leader",
        bug: "ack-before-fsync",
        workload: "set",
        nemesis: "kill",
        guarantee: "durable",
        ..USUAL
    },
    Row {
        target: "single-leader",
        bug: "skip-truncation",
        set: "failover=timeout",
        workload: "set",
        nemesis: "partition,kill",
        guarantee: "converges",
        ..USUAL
    },
    Row {
        target: "multi-leader",
        bug: "ack-before-fsync",
        workload: "set",
        nemesis: "kill",
        guarantee: "durable",
        ..USUAL
    },
    Row {
        target: "multi-leader",
        bug: "version-vector-forgets-node",
        workload: "set",
        nemesis: "partition,kill",
        guarantee: "converges",
        ..USUAL
    },
    Row {
        target: "leaderless",
        bug: "ack-before-fsync",
        workload: "set",
        nemesis: "kill",
        guarantee: "durable",
        ..USUAL
    },
    Row {
        target: "leaderless",
        bug: "abd-no-write-back",
        set: "version=abd,repair=sync",
        nemesis: "slow",
        seed: 2,
        ..USUAL
    },
    Row {
        target: "leaderless",
        bug: "repair-overwrites-newer",
        set: "repair=async",
        nemesis: "partition,slow",
        guarantee: "read-your-writes",
        ..USUAL
    },
    Row {
        target: "consensus",
        bug: "commit-before-quorum",
        workload: "append",
        guarantee: "strict-serializable",
        ..USUAL
    },
    Row {
        target: "consensus",
        bug: "ack-before-fsync",
        nemesis: "kill",
        ..USUAL
    },
    Row {
        target: "consensus",
        bug: "stale-leader-reads",
        ..USUAL
    },
    Row {
        target: "consensus",
        bug: "apply-uncommitted",
        set: OFTEN,
        nemesis: "partition,kill",
        seed: 4,
        ..USUAL
    },
];

/// The run of a row, with or without its bug.
fn conduct(row: &Row, bug: bool) -> Report {
    let pairs = row.set.split(',').filter(|pair| !pair.is_empty());
    let set = pairs.map(|pair| pair.split_once('=').expect("key=value"));
    let request = Request {
        target: row.target.to_owned(),
        workload: Some(row.workload.to_owned()),
        nemesis: row.nemesis.split(',').map(str::to_owned).collect(),
        nodes: Some(row.nodes),
        rate: Some(row.rate),
        clients: Some(row.clients),
        seed: Some(row.seed),
        set: set
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect(),
        bug: bug.then(|| row.bug.to_owned()),
        guarantees: vec![row.guarantee.to_owned()],
        ..Request::default()
    };
    let resolved = Resolved::new(&request).expect("the row names what there is");
    let conduct = Conduct {
        interrupt: &AtomicU8::new(0),
        progress: &|_| (),
        replay: None,
    };
    run(&resolved, &Options::default(), conduct, None).expect("the simulator runs")
}

#[test]
fn every_bug_has_a_row_and_every_row_a_bug() {
    let mut planted: Vec<_> = TARGETS
        .iter()
        .flat_map(|target| target.bugs().iter().map(|bug| (target.name(), bug.name)))
        .collect();
    for target in TARGETS {
        assert!(!target.bugs().is_empty(), "{} has none", target.name());
    }
    let rows = ROWS.iter().map(|row| (row.target, row.bug));
    let mut listed: Vec<_> = rows.chain(BY_SCHEDULE_ONLY.iter().copied()).collect();
    planted.sort_unstable();
    listed.sort_unstable();
    assert_eq!(planted, listed);
}

#[test]
fn each_is_found_by_its_seed_and_nothing_where_it_is_not_planted() {
    for row in ROWS {
        let name = format!("{} --bug {}", row.target, row.bug);
        let with = conduct(row, true);
        let found = &with.guarantees[0];
        assert_eq!(found.name, row.guarantee, "{name}");
        assert_eq!(found.verdict, Observed::Violated, "{name}: {with:?}");
        assert_eq!(with.exit, 1, "{name}");
        assert!(
            found.anomalies.iter().all(|anomaly| anomaly.confirmed),
            "{name}: {found:?}"
        );
        println!("{name}: {}", found.anomalies[0].explanation);
        let without = conduct(row, false);
        let clean = &without.guarantees[0];
        assert_eq!(clean.verdict, Observed::Holds, "{name}: {without:?}");
        assert_eq!(without.exit, 0, "{name}");
    }
}
