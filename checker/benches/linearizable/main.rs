//! How long linearizability takes, on histories that everybody can make again.
//!
//! `cargo bench -p polygraph-checker --bench linearizable`; a word on the command line picks the
//! rows that contain it. Times are the best and the median of the runs, of the check alone: the
//! history is in memory. The etcd logs are found beside the repository or by `POLYGRAPH_SHARED`.

mod cells;
mod etcd;
mod run;
mod shapes;

use std::time::{Duration, Instant};

use polygraph_checker::{Options, Verdict, entry};
use polygraph_history::{Guarantee, History};

use cells::{budgets, cells};
use etcd::etcd_logs;
use run::history;
use shapes::SHAPES;

fn check(history: &History) -> Verdict {
    let entry = entry(Guarantee::Linearizable).expect("it is in the registry");
    (entry.check)(history, &Options::default())
}

/// Best and median.
fn timed(mut run: impl FnMut()) -> (Duration, Duration) {
    let begin = Instant::now();
    let mut times = Vec::new();
    while times.len() < 3 || (times.len() < 15 && begin.elapsed() < Duration::from_secs(2)) {
        let begin = Instant::now();
        run();
        times.push(begin.elapsed());
    }
    times.sort_unstable();
    (times[0], times[times.len() / 2])
}

fn main() {
    let wanted = std::env::args().skip(1).find(|word| !word.starts_with('-'));
    let chosen = |name: &str| {
        wanted
            .as_ref()
            .is_none_or(|wanted| name.contains(wanted.as_str()))
    };
    println!(
        "{:<36} {:>10} {:>10} {:>10}  verdict",
        "history", "operations", "best", "median"
    );
    for shape in SHAPES.iter().filter(|shape| chosen(shape.name)) {
        let history = history(shape);
        let verdict = check(&history);
        let (best, median) = timed(|| drop(check(&history)));
        println!(
            "{:<36} {:>10} {:>8.2}ms {:>8.2}ms  {} by {}{}{}",
            shape.name,
            history.operations().len(),
            best.as_secs_f64() * 1e3,
            median.as_secs_f64() * 1e3,
            verdict.validity.name(),
            verdict.algorithm,
            verdict
                .reason
                .map_or(String::new(), |reason| format!(" ({})", reason.name())),
            verdict
                .anomalies
                .first()
                .map_or(String::new(), |anomaly| format!(
                    ", {} of {} operations",
                    anomaly.kind,
                    anomaly.operations.len()
                )),
        );
        if let Some(anomaly) = verdict.anomalies.first() {
            println!("    {}", anomaly.explanation);
        }
    }
    if chosen("cells")
        || wanted
            .as_ref()
            .is_some_and(|wanted| wanted.starts_with("cells"))
    {
        cells(chosen);
    }
    if chosen("budgets") {
        budgets();
    }
    let logs = if chosen("etcd logs") {
        etcd_logs()
    } else {
        Vec::new()
    };
    if !logs.is_empty() {
        let operations: usize = logs.iter().map(|log| log.operations().len()).sum();
        let (best, median) = timed(|| logs.iter().for_each(|log| drop(check(log))));
        println!(
            "{:<36} {:>10} {:>8.2}ms {:>8.2}ms  all",
            format!("{} etcd logs, with evidence", logs.len()),
            operations,
            best.as_secs_f64() * 1e3,
            median.as_secs_f64() * 1e3
        );
    }
}
