//! How long weak levels of isolation take on large histories of registers: `cargo bench -p
//! polygraph-checker --bench registers_txn [-- TRANSACTIONS]`.
//!
//! Each row is the median of five runs, and the mean of the processor's time, which a busy machine
//! disturbs less. The history is one of a store that is strictly serializable: 20 clients, one to
//! eight operations a transaction, no, 1 or 10 percent of unknown outcomes, each of which ends a
//! session.

use std::time::{Duration, Instant};

use polygraph_checker::Options;
use polygraph_checker::isolation::weak::{Level, check};

#[path = "../tests/registers_txn/large.rs"]
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

/// Resident bytes now, where the system tells it.
fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split_whitespace().nth(1);
    4096 * pages
        .and_then(|pages| pages.parse::<u64>().ok())
        .unwrap_or(0)
}

/// The most that was resident since [`forget_peak`], in bytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1));
    1024 * kib.and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0)
}

/// Lets [`peak`] begin anew, where the system can.
fn forget_peak() {
    let forgotten = std::fs::write("/proc/self/clear_refs", "5");
    if forgotten.is_err() {
        println!("the peak is that of the whole process");
    }
}

fn row(txns: usize, unknown: u64) {
    let history = large::history(large::Large {
        txns,
        clients: 20,
        unknown,
        modified: 0,
    });
    let options = Options::default();
    let before = resident();
    println!(
        "{txns} transactions, {unknown} % unknown, {} MB resident",
        before >> 20
    );
    let levels = [
        ("read-committed", Level::READ_COMMITTED),
        ("monotonic-atomic-view", Level::MONOTONIC_ATOMIC_VIEW),
        ("  in sessions", Level::MONOTONIC_ATOMIC_VIEW.in_sessions()),
        ("read-atomic", Level::READ_ATOMIC),
        ("  in sessions", Level::READ_ATOMIC.in_sessions()),
        ("causal", Level::CAUSAL),
    ];
    for (name, level) in levels {
        forget_peak();
        let mut verdict = check(level, &history, &options);
        let processor = processor_time();
        let mut times: Vec<Duration> = (0..RUNS)
            .map(|_| {
                let started = Instant::now();
                verdict = check(level, &history, &options);
                started.elapsed()
            })
            .collect();
        let processor = (processor_time() - processor) / RUNS as u32;
        times.sort_unstable();
        println!(
            "{name:<22} {:<8} {:>8.1} ms ({:>5.0} ms CPU)  {} MB besides the history, {} opportunities",
            verdict.validity.name(),
            times[RUNS / 2].as_secs_f64() * 1e3,
            processor.as_secs_f64() * 1e3,
            peak().saturating_sub(before) >> 20,
            verdict.opportunities,
        );
    }
}

fn main() {
    // cargo passes `--bench`.
    let asked = std::env::args()
        .skip(1)
        .find_map(|argument| argument.parse().ok());
    for txns in asked.map_or(vec![10_000, 100_000], |txns| vec![txns]) {
        for unknown in [0, 1, 10] {
            row(txns, unknown);
        }
    }
}
