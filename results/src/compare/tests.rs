//! Differences between small verdicts.

use super::*;
use crate::campaign::{CellVerdict, GuaranteeVerdict, SeedAnomaly};
use crate::{Counts, Status, StoredAnomaly};

fn cell(name: &str, kinds: &[&str], ok: u64, p50_ns: u64) -> CellVerdict {
    let anomaly = |kind: &&str| SeedAnomaly {
        seed: 1,
        seeds: 1,
        replay: format!("again {kind}"),
        anomaly: StoredAnomaly {
            kind: (*kind).to_owned(),
            ..StoredAnomaly::default()
        },
    };
    CellVerdict {
        name: name.to_owned(),
        operations: Counts {
            ok,
            info: 1000 - ok,
            ..Counts::default()
        },
        latency: Some(Latency {
            p50_ns,
            ..Latency::default()
        }),
        runs: vec![crate::campaign::RunVerdict {
            seed: 1,
            exit: Some(0),
            error: None,
        }],
        guarantees: vec![GuaranteeVerdict {
            name: "durable".to_owned(),
            status: match kinds.is_empty() {
                true => Status::Holds,
                false => Status::Violated,
            },
            claimed: Some(true),
            anomalies: kinds.iter().map(anomaly).collect(),
            ..GuaranteeVerdict::default()
        }],
        ..CellVerdict::default()
    }
}

fn compared(before: Vec<CellVerdict>, after: Vec<CellVerdict>) -> Comparison {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, cells| {
        let path = folder.path().join(name);
        let verdicts = Verdicts {
            polygraph: 1,
            cells,
            ..Verdicts::default()
        };
        std::fs::write(&path, verdicts.to_json()).unwrap();
        path
    };
    compare(&write("a.json", before), &write("b.json", after)).unwrap()
}

#[test]
fn what_is_new_gone_and_changed_is_told_apart() {
    let same = compared(
        vec![cell("a", &["x"], 900, 100)],
        vec![cell("a", &["x"], 895, 105)],
    );
    assert!(same.is_empty(), "within what is the same: {same:?}");
    let other = compared(
        vec![
            cell("a", &["x"], 900, 100),
            cell("b", &[], 900, 100),
            cell("c", &["x"], 900, 100),
        ],
        vec![
            cell("a", &["y"], 880, 120),
            cell("b", &["z"], 900, 100),
            cell("d", &["w"], 900, 100),
        ],
    );
    let new: Vec<_> = other
        .new
        .iter()
        .map(|it| (&*it.cell, &*it.anomaly))
        .collect();
    assert_eq!(new, [("a", "y"), ("b", "z"), ("d", "w")]);
    assert_eq!(other.new[0].replay, "again y");
    // Of a test that is not there nobody knows whether it is gone.
    let gone: Vec<_> = other
        .gone
        .iter()
        .map(|it| (&*it.cell, &*it.anomaly))
        .collect();
    assert_eq!(gone, [("a", "x")]);
    let changed: Vec<_> = other
        .changed
        .iter()
        .map(|it| (&*it.cell, &*it.what))
        .collect();
    let expected = [
        ("b", "status of durable"),
        ("a", "availability"),
        ("a", "latency p50"),
    ];
    assert_eq!(changed, expected);
    assert_eq!(
        (other.added, other.removed),
        (vec!["d".to_owned()], vec!["c".to_owned()])
    );
}
