//! How long the check of a large list-append history takes: `cargo bench -p polygraph-checker
//! --bench isolation [-- TRANSACTIONS]`.
//!
//! Each row is the median of five runs on one machine; the first column is how many transactions
//! the history has, made by a store that is strictly serializable, or that answers one transaction
//! in a thousand from a hundred transactions ago.

use std::time::{Duration, Instant};

use polygraph_checker::isolation::{SERIALIZABLE, STRICT_SERIALIZABLE, survey};
use polygraph_checker::{Options, Verdict};
use polygraph_history::History;

#[path = "../tests/isolation/large.rs"]
mod large;

const RUNS: usize = 5;

fn median(mut run: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..RUNS)
        .map(|_| {
            let started = Instant::now();
            run();
            started.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[RUNS / 2]
}

fn row(name: &str, history: &History) {
    let options = Options::default();
    let told = |verdict: &Verdict| {
        let kind = verdict.anomalies.first().map_or("", |anomaly| anomaly.kind);
        format!("{} {kind}", verdict.validity.name())
    };
    for entry in [SERIALIZABLE, STRICT_SERIALIZABLE] {
        let verdict = (entry.check)(history, &options);
        let time = median(|| drop((entry.check)(history, &options)));
        println!(
            "{:>9} {name:<8} {:<20} {:>9.1} ms  {} ({} anomalies, {} opportunities)",
            verdict.operations_checked,
            entry.guarantee.name(),
            time.as_secs_f64() * 1e3,
            told(&verdict),
            verdict.anomaly_count,
            verdict.opportunities,
        );
    }
    let kinds = survey(history, &options).anomalies.len();
    let time = median(|| drop(survey(history, &options)));
    println!(
        "{:>9} {name:<8} {:<20} {:>9.1} ms  {kinds} kinds",
        history.operations().len(),
        "survey",
        time.as_secs_f64() * 1e3,
    );
}

fn main() {
    // cargo passes `--bench`.
    let asked = std::env::args()
        .skip(1)
        .find_map(|argument| argument.parse().ok());
    let sizes = asked.map_or(vec![1_000, 10_000, 100_000], |txns| vec![txns]);
    for txns in sizes {
        let good = large::Large {
            txns,
            clients: 20,
            stale: 0,
            unknown: 1,
        };
        row("good", &large::history(good));
        row("stale", &large::history(large::Large { stale: 1, ..good }));
    }
}
