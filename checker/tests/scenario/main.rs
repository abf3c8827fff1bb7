//! Promises that workloads are made for: each against its definition on small random histories,
//! with planted anomalies in large ones, and on other people's histories.

mod bank;
mod build;
mod corpora;
mod hermitage;
mod insert;
mod log;
mod prefix;

use polygraph_checker::{Entry, Options, Validity, Verdict, entry};
use polygraph_history::{Guarantee, History};

/// How many random histories of each kind are tried: `POLYGRAPH_FUZZ` times as many as usual.
fn histories() -> u64 {
    let factor = std::env::var("POLYGRAPH_FUZZ").ok();
    20_000 * factor.and_then(|text| text.parse().ok()).unwrap_or(1)
}

/// Decides a guarantee; all evidence must stand.
fn check(history: &History, guarantee: Guarantee) -> Verdict {
    let entry: &Entry = entry(guarantee).expect("it is registered");
    let options = Options {
        max_anomalies: 1000,
        ..Options::default()
    };
    let verdict = (entry.check)(history, &options);
    for anomaly in &verdict.anomalies {
        if let Err(problem) = anomaly.confirm(history) {
            panic!("{}: {problem}: {}", anomaly.kind, anomaly.explanation);
        }
    }
    let violated = verdict.validity == Validity::Violated;
    assert_eq!(violated, !verdict.anomalies.is_empty());
    verdict
}

/// The kinds of anomalies of a verdict, sorted, each once.
fn kinds(verdict: &Verdict) -> Vec<&'static str> {
    let mut kinds: Vec<_> = verdict.anomalies.iter().map(|it| it.kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}
