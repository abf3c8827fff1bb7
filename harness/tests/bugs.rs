//! Every planted bug is found, each by a seed that is written down, two of them with a schedule;
//! the same seed finds nothing where the bug is not planted.

use std::fs;
use std::path::Path;
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
    /// Instead of a nemesis: the file of a schedule, in `schedules`. For bugs that no random run
    /// of ours has found, because each needs a handful of coincidences within milliseconds.
    schedule: &'static str,
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
    schedule: "",
    guarantee: "linearizable",
    seed: 1,
};

/// Faults that are short and follow each other at once, as some bugs need.
const OFTEN: &str = "nemesis.first=500ms,nemesis.fault-min=100ms,nemesis.fault-max=600ms,\
                     nemesis.quiet-min=20ms,nemesis.quiet-max=300ms";

/// Links that are slow while elections are quick: an answer may come from an earlier reign.
const LATE: &str = "nemesis.first=500ms,nemesis.fault-min=500ms,nemesis.fault-max=1500ms,\
                    nemesis.quiet-min=300ms,nemesis.quiet-max=600ms,\
                    election-min=60ms,election-max=120ms,heartbeat=20ms";

/// Election timers that differ little, so that moments of a schedule lie between them.
const EVEN: &str = "election-min=290ms,election-max=300ms";

const ROWS: &[Row] = &[
    // Two candidates of one term, and a voter that dies after its vote for the first.
    Row {
        target: "consensus",
        bug: "forget-vote",
        set: EVEN,
        nodes: 3,
        schedule: "forget-vote.jsonl",
        ..USUAL
    },
    // Figure 8 of the Raft paper. What was applied and then overwritten stays where it was
    // applied. Few operations, so that followers keep up, of many clients, so that there are
    // enough that cannot be answered.
    Row {
        target: "consensus",
        bug: "count-old-term-entries",
        set: EVEN,
        rate: 100,
        clients: 60,
        workload: "set",
        schedule: "count-old-term-entries.jsonl",
        guarantee: "converges",
        ..USUAL
    },
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
        nemesis: match row.schedule {
            "" => row.nemesis.split(',').map(str::to_owned).collect(),
            _ => Vec::new(),
        },
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
    let mut resolved = Resolved::new(&request).expect("the row names what there is");
    if !row.schedule.is_empty() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schedules");
        let schedule = fs::read(folder.join(row.schedule)).expect("it is there");
        resolved.follow(&schedule).expect("the row's cluster can");
    }
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
    let mut listed: Vec<_> = ROWS.iter().map(|row| (row.target, row.bug)).collect();
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
        for family in with.faults.iter().filter(|_| !row.schedule.is_empty()) {
            assert_eq!(family.verified, family.planned, "{name}: {family:?}");
        }
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
