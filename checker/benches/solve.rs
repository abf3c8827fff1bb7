//! How long levels take that depend on an order of versions which nobody knows: `cargo bench -p
//! polygraph-checker --bench solve [-- TRANSACTIONS]`.
//!
//! Each row is the median of five runs. The histories are those of a store that is strictly
//! serializable: 20 clients, one to eight operations a transaction; with writes that nobody read
//! before, with 1 percent of unknown outcomes, and with half of the reads followed by a write, of
//! which the order is known.

use std::time::{Duration, Instant};

use polygraph_checker::Options;
use polygraph_checker::isolation::solve::check;
use polygraph_history::Guarantee;

#[path = "../tests/registers_txn/large.rs"]
mod large;

const RUNS: usize = 5;

const LEVELS: [Guarantee; 5] = [
    Guarantee::PrefixConsistency,
    Guarantee::SnapshotIsolation,
    Guarantee::Serializable,
    Guarantee::StrongSessionSerializable,
    Guarantee::StrictSerializable,
];

fn row(txns: usize, unknown: u64, modified: u64) {
    let history = large::history(large::Large {
        txns,
        clients: 20,
        unknown,
        modified,
    });
    println!("{txns} transactions, {unknown} % unknown, {modified} % of reads modified");
    for level in LEVELS {
        let mut times = Vec::with_capacity(RUNS);
        let mut said = String::new();
        for _ in 0..RUNS {
            let started = Instant::now();
            let verdict = check(level, &history, &Options::default());
            times.push(started.elapsed());
            said = match verdict.reason {
                Some(reason) => format!("{} ({reason:?})", verdict.validity.name()),
                None => verdict.validity.name().to_owned(),
            };
        }
        times.sort_unstable();
        let median: Duration = times[RUNS / 2];
        let milliseconds = median.as_secs_f64() * 1e3;
        println!("  {:<28} {milliseconds:>9.1} ms  {said}", level.name());
    }
}

fn main() {
    // cargo passes `--bench`.
    let asked = std::env::args()
        .skip(1)
        .find_map(|argument| argument.parse().ok());
    for txns in asked.map_or(vec![1_000, 10_000], |txns| vec![txns]) {
        row(txns, 0, 0);
        row(txns, 1, 0);
        row(txns, 0, 50);
    }
}
