//! Small histories against the definitions; planted anomalies against definitions and checker.

use polygraph_checker::isolation::{IMPLICATIONS, implies, survey};
use polygraph_checker::{GUARANTEES, Options, Validity};
use polygraph_history::{Guarantee, History, Micro, Op, ReadOptions, Value, jsonl, read};

use super::definitions::{DEFINED, holds};
use super::*;

fn written(plan: &Plan) -> (Vec<u8>, Summary) {
    let mut bytes = Vec::new();
    let summary = write(plan, &mut bytes).unwrap_or_else(|error| panic!("{plan:?}: {error:?}"));
    assert_eq!(summary.bytes, bytes.len() as u64);
    (bytes, summary)
}

fn history(plan: &Plan) -> (History, Summary) {
    let (bytes, summary) = written(plan);
    let history = jsonl::read(&bytes[..]).expect("what is written can be read");
    (history, summary)
}

/// So many random histories of each store; the long run is scaled by `POLYGRAPH_FUZZ`.
fn seeds(normal: u64, long: bool) -> u64 {
    let scale = std::env::var("POLYGRAPH_FUZZ").ok();
    let scale: u64 = scale.and_then(|text| text.parse().ok()).unwrap_or(1);
    if long { normal * 50 * scale } else { normal }
}

/// A few transactions that get in one another's way.
fn small(store: Store, workload: Workload, seed: u64) -> Plan {
    let replicas = is_replicated(store);
    Plan {
        store,
        workload,
        clients: 3 + (seed % 2) as usize,
        transactions: if replicas { 6 } else { 4 + seed % 3 },
        keys: 2,
        spread: Spread::Uniform,
        length: if replicas { (2, 2) } else { (1, 3) },
        read_ppm: 600_000,
        read_first: seed.is_multiple_of(5),
        crash_ppm: if seed.is_multiple_of(7) { 150_000 } else { 0 },
        fail_ppm: if seed.is_multiple_of(11) { 150_000 } else { 0 },
        seed,
        ..Plan::default()
    }
}

/// What these show beyond others takes several transactions that are seen one by one.
fn is_replicated(store: Store) -> bool {
    matches!(store, Store::ParallelSnapshot | Store::ReadAtomic)
}

/// Of each store a stronger level that it does not keep.
const FREEDOM: [(Store, Guarantee); 11] = [
    (Store::SessionSerializable, Guarantee::StrictSerializable),
    (Store::Serializable, Guarantee::StrongSessionSerializable),
    (Store::StrongSnapshot, Guarantee::Serializable),
    (Store::SessionSnapshot, Guarantee::StrongSnapshotIsolation),
    (Store::Snapshot, Guarantee::StrongSessionSnapshotIsolation),
    (Store::ParallelSnapshot, Guarantee::PrefixConsistency),
    (Store::Prefix, Guarantee::SnapshotIsolation),
    (Store::Causal, Guarantee::ParallelSnapshotIsolation),
    (Store::ReadAtomic, Guarantee::TransactionalCausal),
    (Store::ReadCommitted, Guarantee::ReadAtomic),
    (Store::ReadUncommitted, Guarantee::ReadCommitted),
];

fn stores_keep_their_level_and_no_more(seeds: u64) {
    for workload in Workload::ALL {
        for store in Store::ALL {
            let stronger = FREEDOM.iter().find(|(it, _)| *it == store);
            let mut broken = false;
            let seeds = if is_replicated(store) {
                5 * seeds
            } else {
                seeds
            };
            for seed in 0..seeds {
                let plan = small(store, workload, seed);
                let (history, _) = history(&plan);
                assert!(
                    holds(store.level(), &history),
                    "{plan:?} is not {}",
                    store.level()
                );
                // To try every order in vain takes time: once is enough.
                if let Some((_, level)) = stronger.filter(|_| !broken) {
                    broken = !holds(*level, &history);
                }
            }
            assert!(
                broken || stronger.is_none(),
                "{store} {workload} looks like {stronger:?}"
            );
        }
    }
}

#[test]
fn every_store_keeps_its_level_by_definition_and_no_more() {
    stores_keep_their_level_and_no_more(seeds(400, false));
}

#[test]
#[ignore = "a million histories; minutes"]
fn every_store_keeps_its_level_by_definition_and_no_more_at_length() {
    stores_keep_their_level_and_no_more(seeds(400, true));
}

/// Whether the checker may call an anomaly so: by its name, or by that of its cycle.
fn is_called(anomaly: Anomaly, kind: &str) -> bool {
    let cycle = match anomaly {
        // Every read that shows it shows the failed transaction's element as well.
        Anomaly::DirtyUpdate => "G1a",
        Anomaly::WriteSkew => "G2",
        Anomaly::LongFork => "G-nonadjacent",
        Anomaly::FracturedRead | Anomaly::GMonotonic | Anomaly::ObservedVanishes => "G-single",
        other => other.name(),
    };
    // Some cycles of these classes have names of their own.
    let class = match kind {
        "long-fork" => "G-nonadjacent",
        "write-skew" => "G2",
        "fractured-read" => "G-single",
        other => other,
    };
    kind == anomaly.name() || without_item(class) == without_item(cycle)
}

/// The name of a cycle, whether or not it says that it is one of items.
fn without_item(kind: &str) -> String {
    kind.replace("-item", "")
}

fn verdict(history: &History, guarantee: Guarantee) -> Validity {
    let entry = GUARANTEES.iter().find(|it| it.guarantee == guarantee);
    let entry = entry.expect("it is checked");
    (entry.check)(history, &Options::default()).validity
}

#[test]
fn exactly_what_is_planted_is_found_in_lists() {
    for &anomaly in Anomaly::ALL {
        for seed in 0..4 {
            let plan = Plan {
                anomaly: Some(anomaly),
                transactions: 200,
                fail_ppm: 20_000,
                crash_ppm: 20_000,
                at_ppm: [0, 500_000, 900_000, 1_000_000][seed as usize],
                seed,
                ..Plan::default()
            };
            let (history, summary) = history(&plan);
            assert_eq!(summary.transactions, 200);
            let planted = summary.planted.expect("it was planted");
            let found = survey(&history, &Options::default()).anomalies;
            assert!(is_called(anomaly, found[0].kind), "{anomaly}: {found:?}");
            for found in &found {
                assert!(
                    found
                        .operations
                        .iter()
                        .all(|event| planted.operations.contains(event)),
                    "{anomaly}: {found:?} is not {planted:?}"
                );
            }
            let strict = verdict(&history, Guarantee::StrictSerializable);
            assert_eq!(strict, Validity::Violated, "{anomaly}");
        }
    }
}

/// Whether a store's lists may show an anomaly of this name.
fn may_show(store: Store, kind: &str) -> bool {
    let snapshots = !matches!(store, Store::ReadCommitted | Store::ReadUncommitted);
    let kind = without_item(kind);
    let (plain, needs) = match kind.rsplit_once('-') {
        Some((plain, needs @ ("process" | "realtime"))) => (plain, needs),
        _ => (kind.as_str(), ""),
    };
    let first_wins = matches!(
        store,
        Store::StrongSnapshot | Store::SessionSnapshot | Store::Snapshot | Store::ParallelSnapshot
    );
    let serial = matches!(
        store,
        Store::StrictSerializable | Store::SessionSerializable | Store::Serializable
    );
    let keeps = match needs {
        "process" => !matches!(store, Store::Serializable | Store::Snapshot),
        "realtime" => matches!(store, Store::StrictSerializable | Store::StrongSnapshot),
        _ => true,
    };
    match plain {
        "internal" => !snapshots,
        "lost-update" => !first_wins && !serial,
        "G0" => !keeps,
        "G1c" => !keeps || store == Store::ReadUncommitted,
        "G-single" | "G-monotonic" | "fractured-read" => !keeps || !(first_wins || serial),
        "G-nonadjacent" | "long-fork" => {
            !keeps || !(serial || first_wins && store != Store::ParallelSnapshot)
        }
        "G2" | "write-skew" => !keeps || !serial,
        _ => false,
    }
}

#[test]
fn the_lists_of_a_store_show_nothing_that_it_rules_out() {
    let mut shown = std::collections::BTreeSet::new();
    for store in Store::ALL {
        for seed in 0..10_u64 {
            let plan = Plan {
                store,
                transactions: 300,
                keys: 4,
                read_first: seed.is_multiple_of(3),
                crash_ppm: 20_000,
                fail_ppm: 20_000,
                seed,
                ..Plan::default()
            };
            for found in survey(&history(&plan).0, &Options::default()).anomalies {
                assert!(may_show(store, found.kind), "{store}: {found:?}");
                shown.insert((store.name(), without_item(found.kind)));
            }
        }
    }
    for (store, kind) in [
        (Store::Serializable, "G-single-realtime"),
        (Store::StrongSnapshot, "G2"),
        (Store::Snapshot, "G-single-process"),
        (Store::Prefix, "lost-update"),
        (Store::ReadCommitted, "internal"),
        (Store::ReadUncommitted, "G1c"),
    ] {
        assert!(
            shown.contains(&(store.name(), kind.to_owned())),
            "{store} shows no {kind}"
        );
    }
}

#[test]
fn nothing_is_wrong_where_nothing_is_planted() {
    for seed in 0..20_u64 {
        let plan = Plan {
            transactions: 500,
            fail_ppm: 20_000,
            crash_ppm: 20_000,
            spread: Spread::ALL[seed as usize % 3],
            read_first: seed.is_multiple_of(2),
            seed,
            ..Plan::default()
        };
        let (history, summary) = history(&plan);
        assert_eq!(summary.planted, None);
        assert!(summary.failed > 0 && summary.indeterminate > 0);
        let strict = verdict(&history, Guarantee::StrictSerializable);
        assert_eq!(strict, Validity::Holds, "{plan:?}");
    }
}

/// The levels that a planted anomaly violates are those that it is said to violate, by their
/// definitions, for the anomaly alone.
#[test]
fn an_anomaly_violates_what_it_is_said_to_and_nothing_weaker() {
    for workload in Workload::ALL {
        for &anomaly in Anomaly::ALL.iter().filter(|it| it.fits(workload)) {
            let plan = Plan {
                workload,
                ..anomaly.alone()
            };
            let (history, _) = history(&plan);
            for level in DEFINED {
                // Definitions by orders ask every level that transactions see their own writes,
                // and the weakest that reads show what some order of all writes shows.
                let stricter = match anomaly {
                    Anomaly::Internal => implies(Guarantee::ReadCommitted, level),
                    _ => level == Guarantee::ReadUncommitted,
                };
                if stricter {
                    continue;
                }
                let violated = anomaly
                    .violates()
                    .iter()
                    .any(|&weakest| implies(level, weakest));
                assert_eq!(
                    !holds(level, &history),
                    violated,
                    "{anomaly} {workload} {level}"
                );
            }
        }
    }
}

/// Levels that differ are told apart by an anomaly, but for what only predicates show.
#[test]
fn an_anomaly_tells_each_level_from_those_that_it_implies() {
    for &(stronger, weaker) in IMPLICATIONS {
        let apart = Anomaly::ALL.iter().any(|it| it.separates(stronger, weaker));
        let by_predicates =
            (stronger, weaker) == (Guarantee::Serializable, Guarantee::RepeatableRead);
        assert_eq!(apart, !by_predicates, "{stronger} and {weaker}");
    }
}

#[test]
fn the_same_plan_is_the_same_history_and_seeds_differ() {
    for store in Store::ALL {
        let plan = Plan {
            store,
            transactions: 300,
            crash_ppm: 20_000,
            ..Plan::default()
        };
        let (first, _) = written(&plan);
        assert_eq!(first, written(&plan).0);
        assert_ne!(first, written(&Plan { seed: 2, ..plan }).0);
    }
}

/// What each transaction did, without the names of keys.
fn outline(history: &History) -> Vec<String> {
    let operations = history.operations().iter();
    operations
        .map(|operation| {
            let Op::Txn(micros) = history.op(operation) else {
                panic!("there are transactions only");
            };
            let micros: Vec<String> = micros
                .iter()
                .map(|micro| {
                    let key = micro
                        .key()
                        .expect("a key")
                        .0
                        .trim_start_matches('x')
                        .to_owned();
                    match micro {
                        Micro::Read { value, .. } => format!("{key} is {value:?}"),
                        Micro::Write { value, .. } => format!("{key} := {value}"),
                        Micro::Append { value, .. } => format!("{key} + {value}"),
                        other => unreachable!("{other} is not generated"),
                    }
                })
                .collect();
            format!("{} {:?} {micros:?}", operation.process, operation.outcome)
        })
        .collect()
}

#[test]
fn formats_say_the_same_and_lines_are_written_as_histories_write_them() {
    for workload in Workload::ALL {
        let plan = Plan {
            workload,
            anomaly: Some(Anomaly::LongFork),
            transactions: 300,
            crash_ppm: 20_000,
            fail_ppm: 20_000,
            ..Plan::default()
        };
        let (bytes, _) = written(&plan);
        let ours = jsonl::read(&bytes[..]).expect("what is written can be read");
        let mut again = jsonl::Writer::new(Vec::new(), None).expect("memory can be written to");
        for event in ours.events() {
            again.write(&event).expect("memory can be written to");
        }
        let again = again.finish().expect("memory can be written to");
        assert_eq!(
            String::from_utf8_lossy(&again),
            String::from_utf8_lossy(&bytes)
        );
        for format in [Format::JepsenEdn, Format::JepsenJson] {
            let (bytes, _) = written(&Plan {
                format,
                ..plan.clone()
            });
            let theirs = read(&bytes[..], ReadOptions::default())
                .unwrap_or_else(|error| panic!("{format:?}: {error}"))
                .history;
            assert_eq!(outline(&theirs), outline(&ours), "{format:?}");
        }
    }
}

#[test]
fn the_text_of_plume_is_that_of_what_committed() {
    let plan = Plan {
        workload: Workload::Register,
        fail_ppm: 50_000,
        format: Format::Plume,
        transactions: 100,
        ..Plan::default()
    };
    let (bytes, summary) = written(&plan);
    let text = String::from_utf8(bytes).expect("it is text");
    let mut expected = String::new();
    let (ours, _) = history(&Plan {
        format: Format::Polygraph,
        ..plan
    });
    let mut done: Vec<_> = ours.operations().iter().collect();
    done.retain(|it| it.outcome == polygraph_history::Outcome::Ok);
    done.sort_by_key(|it| it.complete);
    for (number, operation) in done.iter().enumerate() {
        let Op::Txn(micros) = ours.op(operation) else {
            panic!("there are transactions only");
        };
        for micro in micros {
            let (what, value) = match micro {
                Micro::Read { value, .. } => ('r', value.clone().expect("it was read")),
                Micro::Write { value, .. } | Micro::Append { value, .. } => ('w', value.clone()),
                other => unreachable!("{other} is not generated"),
            };
            let value = match value {
                Value::Null => "0".to_owned(),
                value => value.to_string(),
            };
            let key = &micro.key().expect("a key").0[1..];
            let process = operation.process;
            expected += &format!("{what}({key},{value},{process},{number})\n");
        }
    }
    assert_eq!(text, expected);
    assert_eq!(summary.events, text.lines().count() as u64);
}

#[test]
fn reads_come_before_writes_where_they_are_wanted() {
    let plan = Plan {
        workload: Workload::Register,
        read_first: true,
        transactions: 500,
        ..Plan::default()
    };
    let (history, _) = history(&plan);
    for operation in history.operations() {
        let Op::Txn(micros) = history.op(operation) else {
            panic!("there are transactions only");
        };
        for (at, micro) in micros.iter().enumerate() {
            let read = |it: &Micro| matches!(it, Micro::Read { .. }) && it.key() == micro.key();
            assert!(matches!(micro, Micro::Read { .. }) || micros[..at].iter().any(read));
        }
    }
}

#[test]
fn plans_that_contradict_themselves_are_refused() {
    let fine = Plan::default();
    let plume = Plan {
        format: Format::Plume,
        workload: Workload::Register,
        ..fine
    };
    let planted = |anomaly| Plan {
        anomaly: Some(anomaly),
        ..fine.clone()
    };
    for (plan, said) in [
        (
            Plan {
                clients: 0,
                ..fine.clone()
            },
            "at least one",
        ),
        (
            Plan {
                length: (3, 2),
                ..fine.clone()
            },
            "--length 1-8",
        ),
        (
            Plan {
                length: (0, 2),
                ..fine.clone()
            },
            "--length 1-8",
        ),
        (
            Plan {
                keys: 1 << 40,
                ..fine.clone()
            },
            "too much",
        ),
        (
            Plan {
                workload: Workload::Append,
                ..plume.clone()
            },
            "--workload register",
        ),
        (
            Plan {
                crash_ppm: 1,
                ..plume.clone()
            },
            "--crash-rate 0",
        ),
        (
            Plan {
                anomaly: Some(Anomaly::G1a),
                ..plume.clone()
            },
            "no G1a",
        ),
        (
            Plan {
                anomaly: Some(Anomaly::G1cRealtime),
                ..plume
            },
            "no G1c-realtime",
        ),
        (
            Plan {
                workload: Workload::Register,
                ..planted(Anomaly::G0)
            },
            "it can have G1a",
        ),
        (
            Plan {
                clients: 3,
                ..planted(Anomaly::LongFork)
            },
            "--clients 4",
        ),
        (
            Plan {
                transactions: 3,
                ..planted(Anomaly::LongFork)
            },
            "--txns 4",
        ),
    ] {
        let Err(Error::Plan(sentence)) = write(&plan, std::io::sink()) else {
            panic!("{plan:?} was written");
        };
        assert!(sentence.contains(said), "{sentence}");
    }
}
