//! How long the check of a large list-append history takes: `cargo bench -p polygraph-checker
//! --bench isolation [-- TRANSACTIONS]`.
//!
//! Each row is the median of five runs, and the mean of the processor's time, which a busy machine
//! disturbs less; the first column is how many transactions
//! the history has, made by a store that is strictly serializable, or that answers one transaction
//! in a thousand from a hundred transactions ago.

use std::time::{Duration, Instant};

use polygraph_checker::isolation::{
    PREFIX_CONSISTENCY, READ_ATOMIC, READ_COMMITTED, SERIALIZABLE, SNAPSHOT_ISOLATION,
    STRICT_SERIALIZABLE, TRANSACTIONAL_CAUSAL, survey,
};
use polygraph_checker::{Options, Verdict};
use polygraph_history::History;

#[path = "../tests/isolation/large.rs"]
mod large;

const RUNS: usize = 5;

/// The processor's time that this process has had, in all threads, where the system tells it.
fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace();
    let ticks: u64 = fields
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<u64>().ok())
        .sum();
    Duration::from_millis(10 * ticks)
}

/// The median of the times of some runs, and the mean of the processor's times.
fn measure(mut run: impl FnMut()) -> String {
    let before = processor_time();
    let mut times: Vec<Duration> = (0..RUNS)
        .map(|_| {
            let started = Instant::now();
            run();
            started.elapsed()
        })
        .collect();
    let processor = (processor_time() - before) / RUNS as u32;
    times.sort_unstable();
    let millis = |time: Duration| time.as_secs_f64() * 1e3;
    format!(
        "{:>8.1} ms ({:>5.0} ms CPU)",
        millis(times[RUNS / 2]),
        millis(processor)
    )
}

fn row(name: &str, history: &History) {
    let options = Options::default();
    let told = |verdict: &Verdict| {
        let kind = verdict.anomalies.first().map_or("", |anomaly| anomaly.kind);
        format!("{} {kind}", verdict.validity.name())
    };
    for entry in [
        READ_COMMITTED,
        READ_ATOMIC,
        TRANSACTIONAL_CAUSAL,
        PREFIX_CONSISTENCY,
        SNAPSHOT_ISOLATION,
        SERIALIZABLE,
        STRICT_SERIALIZABLE,
    ] {
        let verdict = (entry.check)(history, &options);
        let time = measure(|| drop((entry.check)(history, &options)));
        println!(
            "{:>9} {name:<8} {:<20} {time}  {} ({} anomalies, {} opportunities)",
            verdict.operations_checked,
            entry.guarantee.name(),
            told(&verdict),
            verdict.anomaly_count,
            verdict.opportunities,
        );
    }
    let kinds = survey(history, &options).anomalies.len();
    let time = measure(|| drop(survey(history, &options)));
    println!(
        "{:>9} {name:<8} {:<20} {time}  {kinds} kinds",
        history.operations().len(),
        "survey",
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
