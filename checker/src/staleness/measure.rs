//! Staleness in numbers: how many reads were stale and how old what they returned was, by node and
//! by fault; how soon writes become visible, and how many versions reads lag behind.
//!
//! The curves are those of Bailis et al., *Probabilistically Bounded Staleness for Practical
//! Partial Quorums* (VLDB 2012): t-visibility is the share of reads that return the latest version
//! that was there, or a newer one, by how long it had been there when the read began; k-staleness
//! the share that returns one of the k latest.

use std::collections::BTreeMap;
use std::time::Duration;

use polygraph_history::{History, format_duration};

use super::age::Age;
use super::view::{Register, start};
use crate::available::{Window, windows};
use crate::measured::{Figure, Measured, Share, spread};

/// From so many nanoseconds on a version is in the next class of the curve of t-visibility.
const STEPS: &[u64] = &[
    0,
    1_000_000,
    2_000_000,
    5_000_000,
    10_000_000,
    20_000_000,
    50_000_000,
    100_000_000,
    200_000_000,
    500_000_000,
    1_000_000_000,
    10_000_000_000,
];

/// The numbers of some reads.
#[derive(Default)]
struct Group {
    stale: Share,
    nanos: Vec<u64>,
    versions: u64,
}

impl Group {
    fn add(&mut self, age: &Age, nanos: u64) {
        self.stale.count(age.since.is_some());
        if age.since.is_some() {
            self.nanos.push(nanos);
            self.versions = self.versions.max(age.versions);
        }
    }

    fn row(mut self, name: String) -> Vec<Figure> {
        self.nanos.sort_unstable();
        let mut row = vec![Figure::Text(name), Figure::Share(self.stale)];
        row.extend(spread(&self.nanos));
        row.push(Figure::Count(self.versions));
        row
    }
}

/// The tables of `bounded-staleness`.
pub(super) fn measure(history: &History, keys: &[(&Register<'_>, Vec<Age>)]) -> Vec<Measured> {
    let windows = windows(history);
    let during = |age: &Age| -> Vec<&'static str> {
        let began = history.invoked_at(&history.operations()[age.read]);
        let inside = |it: &&Window| it.from <= began && began <= it.to;
        let mut families: Vec<_> = windows.iter().filter(inside).map(|it| it.family).collect();
        families.sort_unstable();
        families.dedup();
        families
    };
    let (mut all, mut quiet) = (Group::default(), Group::default());
    let mut nodes: BTreeMap<String, Group> = BTreeMap::new();
    let mut faults: BTreeMap<&str, Group> = BTreeMap::new();
    let mut visible: BTreeMap<u64, Share> = BTreeMap::new();
    let mut lags: BTreeMap<u64, u64> = BTreeMap::new();
    for (register, ages) in keys {
        let mut took: Vec<(u64, polygraph_history::Time)> = register
            .versions
            .iter()
            .skip(1)
            .map(|it| (it.took, it.took_at))
            .collect();
        took.sort_unstable();
        for age in ages {
            let operation = &history.operations()[age.read];
            let nanos = age.nanos(history);
            all.add(age, nanos);
            *lags.entry(age.versions).or_default() += 1;
            if let Some(node) = history.node(operation.invoke) {
                nodes.entry(node.to_string()).or_default().add(age, nanos);
            }
            let families = during(age);
            if families.is_empty() {
                quiet.add(age, nanos);
            }
            for family in families {
                faults.entry(family).or_default().add(age, nanos);
            }
            // The latest version that was there when the read began.
            let there = took.partition_point(|it| it.0 < start(operation));
            if let Some(&(_, since)) = there.checked_sub(1).and_then(|at| took.get(at)) {
                let old = history.invoked_at(operation).since(since).as_nanos();
                let step = STEPS.iter().rev().find(|&&step| u128::from(step) <= old);
                let step = step.copied().unwrap_or_default();
                visible.entry(step).or_default().count(age.since.is_none());
            }
        }
    }
    if all.stale.whole == 0 {
        return Vec::new();
    }
    let whole = all.stale.whole;
    let mut rows = vec![all.row("all".to_owned())];
    if !windows.is_empty() {
        rows.push(quiet.row("outside of faults".to_owned()));
    }
    rows.extend(
        faults
            .into_iter()
            .map(|(name, group)| group.row(format!("during {name}"))),
    );
    rows.extend(
        nodes
            .into_iter()
            .map(|(name, group)| group.row(format!("at {name}"))),
    );
    let below = |step: u64| STEPS.iter().copied().find(|&next| next > step);
    let curve = visible.into_iter().map(|(step, share)| {
        let from = format_duration(Duration::from_nanos(step));
        let class = match below(step) {
            Some(next) => format!("{from} – {}", format_duration(Duration::from_nanos(next))),
            None => format!("from {from} on"),
        };
        let from = Figure::span(Some(step));
        vec![Figure::Text(class), from, Figure::Share(share)]
    });
    let mut up_to = 0;
    let k_curve = lags.iter().map(|(&lag, &count)| {
        up_to += count;
        vec![
            Figure::Count(lag + 1),
            Figure::Share(Share { part: up_to, whole }),
        ]
    });
    vec![
        Measured {
            name: "stale reads",
            about: "reads that returned what had certainly been replaced when they began, for how \
                    long at least, and the most versions that one was behind at least",
            columns: &[
                "reads",
                "stale",
                "median_ns",
                "p99_ns",
                "longest_ns",
                "most versions",
            ],
            rows,
        },
        Measured {
            name: "t-visibility",
            about: "reads that returned the latest version that was there when they began, or a \
                    newer one, by how long it had been there",
            columns: &["there for", "from_ns", "returned it"],
            rows: curve.collect(),
        },
        Measured {
            name: "k-staleness",
            about: "reads that returned one of the k latest versions, as far as real time proves",
            columns: &["k", "reads"],
            rows: k_curve.collect(),
        },
    ]
}
