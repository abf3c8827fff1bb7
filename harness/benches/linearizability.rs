//! Linearizability from end to end: read, parse, check, on histories that `generate` makes.
//!
//! `cargo bench -p polygraph --bench linearizability -- [OPERATIONS] [--runs N] [WORD]` makes
//! every history with so many operations (100000 unless said), checks each in a process of its
//! own, and prints a table: user time, the best of the runs, the peak of memory, the time on the
//! clock of the check alone, the best as well, and the verdict, which must be the one by
//! construction. A word selects rows. `docs/benchmarks.md` says more.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use nix::sys::resource::{UsageWho, getrusage};
use serde_json::Value;

const POLYGRAPH: &str = env!("CARGO_BIN_EXE_polygraph");
/// With this as its first argument, this program runs the rest and says what that took.
const MEASURE: &str = "--measure";

/// A history and what to ask of it.
struct Row {
    name: String,
    /// The arguments of `generate lin`.
    make: String,
    /// What may be expected of a release build on a quiet machine.
    aim: &'static str,
}

fn row(name: impl Into<String>, make: impl Into<String>, aim: &'static str) -> Row {
    Row {
        name: name.into(),
        make: make.into(),
        aim,
    }
}

/// Every row but the corpus, for histories of so many operations.
fn rows(ops: u64) -> Vec<Row> {
    let mut rows = Vec::new();
    for (keys, clients) in [(1, 5), (1, 20), (1, 100), (10, 20)] {
        for violation in ["none", "stale-read"] {
            rows.push(row(
                format!("register, unique values, keys: {keys}, clients: {clients}, {violation}"),
                format!(
                    "--model register --ops {ops} --keys {keys} --clients {clients} \
                     --crash-rate 1% --violation {violation}"
                ),
                "10^6: 0.5 s, 250 MB",
            ));
        }
    }
    for violation in ["none", "stale-read"] {
        rows.push(row(
            format!("register in EDN, unique values, keys: 1, clients: 100, {violation}"),
            format!(
                "--model register --ops {ops} --clients 100 --crash-rate 1% \
                 --violation {violation} --format jepsen-edn"
            ),
            "10^6: 0.5 s, 250 MB",
        ));
        rows.push(row(
            format!("cas-register, unique values, 1 key, 20 clients, {violation}"),
            format!(
                "--model cas-register --ops {ops} --clients 20 --crash-rate 1% \
                 --violation {violation}"
            ),
            "10^6: 0.5 s, 250 MB",
        ));
        rows.push(row(
            format!("the same in EDN, {violation}"),
            format!(
                "--model cas-register --ops {ops} --clients 20 --crash-rate 1% \
                 --violation {violation} --format jepsen-edn"
            ),
            "10^6: 0.5 s, 250 MB",
        ));
    }
    for violation in ["none", "stale-read"] {
        rows.push(row(
            format!("register, unique values, 1000 keys, 100 clients, {violation}"),
            format!(
                "--model register --ops {ops} --keys 1000 --clients 100 --crash-rate 1% \
                 --violation {violation}"
            ),
            "10^6: 0.45 s",
        ));
    }
    for times in [1, 2, 4, 8] {
        rows.push(row(
            format!(
                "doubling: register, 10 keys, 20 clients, {} operations",
                ops * times
            ),
            format!(
                "--model register --ops {} --keys 10 --clients 20 --crash-rate 1%",
                ops * times
            ),
            "each at most 2.2 times the one before; 10^7: 6 s, 2 GB",
        ));
    }
    for model in ["fifo-queue", "stack", "priority-queue"] {
        for violation in ["none", "overtake", "empty-while-not-empty"] {
            rows.push(row(
                format!("{model}, 20 clients, {violation}"),
                format!("--model {model} --ops {ops} --clients 20 --violation {violation}"),
                match model {
                    "fifo-queue" => "10^6: check 0.45 s",
                    "stack" => "10^6: check 1.0 s, 300 MB",
                    _ => "",
                },
            ));
        }
    }
    for (model, violations) in [
        ("set", ["none", "lost-element"]),
        ("mutex", ["none", "double-acquire"]),
        ("list", ["none", "stale-read"]),
        ("counter", ["none", "stale-read"]),
    ] {
        for violation in violations {
            rows.push(row(
                format!("{model}, 20 clients, {violation}"),
                format!("--model {model} --ops {ops} --clients 20 --violation {violation}"),
                "",
            ));
        }
    }
    rows.extend(duplicates());
    rows
}

/// Few values, each written very often: the general search, at sizes of its own.
fn duplicates() -> Vec<Row> {
    let mut rows = Vec::new();
    for (clients, ops, crash) in [
        (5, 1_000, "0"),
        (5, 10_000, "0"),
        (5, 10_000, "1%"),
        (10, 1_000, "1%"),
        (10, 10_000, "0"),
        (20, 1_000, "0"),
        (20, 1_000, "1%"),
        (20, 10_000, "0"),
        (20, 10_000, "0.5%"),
        (50, 1_000, "0"),
    ] {
        for violation in ["none", "phantom-read"] {
            let aim = match (clients, violation) {
                (50, "none") => "",
                (50, _) => "unknown within the budget",
                (_, "none") => "0.5 s",
                _ => "4 s",
            };
            rows.push(row(
                format!(
                    "5 values, {clients} clients, {ops} operations, {crash} crashed, {violation}"
                ),
                format!(
                    "--model cas-register --values 5 --clients {clients} --ops {ops} \
                     --crash-rate {crash} --violation {violation}"
                ),
                aim,
            ));
        }
    }
    rows
}

/// What a process took: user time in seconds, the peak of its memory in megabytes, and the time of
/// the check alone on the clock, in milliseconds.
#[derive(Clone, Copy)]
struct Cost {
    user: f64,
    peak: f64,
    check: u64,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == MEASURE) {
        return measure(&arguments[1..]);
    }
    let mut words = Vec::new();
    let (mut ops, mut runs) = (100_000, 3);
    let mut arguments = arguments.into_iter().filter(|word| word != "--bench");
    while let Some(word) = arguments.next() {
        match (word.parse(), word.as_str()) {
            (Ok(number), _) => ops = number,
            (_, "--runs") => {
                let number = arguments.next().and_then(|number| number.parse().ok());
                runs = number.expect("--runs takes a number");
            }
            _ => words.push(word),
        }
    }
    let chosen = |name: &str| words.iter().all(|word| name.contains(word.as_str()));
    let folder = tempfile::tempdir().expect("there is room for histories");
    println!("| history | MB | user s | peak MB | check ms | verdict | algorithm | aim |");
    println!("|---|---:|---:|---:|---:|---|---|---|");
    let mut wrong = 0;
    if chosen("etcd logs") {
        corpus(runs);
    }
    for row in rows(ops).iter().filter(|row| chosen(&row.name)) {
        wrong += u32::from(!run(row, folder.path(), runs));
    }
    if wrong > 0 {
        eprintln!("{wrong} verdicts differ from those by construction");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// Makes the history of a row and checks it; whether the verdict did not contradict.
fn run(row: &Row, folder: &Path, runs: usize) -> bool {
    let file = folder.join("history");
    let mut make = Command::new(POLYGRAPH);
    make.args(["generate", "lin", "--json", "--output"])
        .arg(&file);
    let made = make.args(row.make.split_whitespace()).output();
    let made = made.expect("the program is built");
    let problem = String::from_utf8_lossy(&made.stderr);
    assert!(made.status.success(), "{}: {problem}", row.name);
    let made: Value = serde_json::from_slice(&made.stdout).expect("it prints JSON");
    let model = made["model"].as_str().expect("a name");
    let file = file.to_str().expect("a temporary path is text");
    let check = [
        "check",
        file,
        "--json",
        "--guarantee",
        "linearizable",
        "--model",
        model,
        "--max-time",
        "60s",
    ];
    let (report, cost) = best(&check, folder, runs);
    let guarantee = &report["guarantees"][0];
    let (expected, verdict) = (&made["verdict"], &guarantee["verdict"]);
    let text = |value: &Value| value.as_str().unwrap_or("?").to_owned();
    let reason = match guarantee["reason"].as_str() {
        Some(reason) => format!(" ({reason})"),
        None => String::new(),
    };
    let right = expected == verdict || *verdict == "unknown";
    println!(
        "| {} | {:.1} | {:.3} | {:.0} | {} | {}{reason}{} | {} | {} |",
        row.name,
        made["bytes"].as_f64().unwrap_or_default() / 1e6,
        cost.user,
        cost.peak,
        cost.check,
        text(verdict),
        if right { "" } else { " **WRONG**" },
        text(&guarantee["algorithm"]),
        row.aim,
    );
    right
}

/// Porcupine's corpus of etcd logs, all files in one process.
fn corpus(runs: usize) {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared");
    let shared = env::var("POLYGRAPH_SHARED").unwrap_or_else(|_| default.to_owned());
    let folder = Path::new(&shared).join("corpora/lin/porcupine/jepsen");
    let Ok(entries) = fs::read_dir(&folder) else {
        println!("| etcd logs: none at {} | | | | | | | |", folder.display());
        return;
    };
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "log"));
    files.sort();
    let mut check = vec!["check", "--json"];
    check.extend(files.iter().filter_map(|file| file.to_str()));
    let scratch = tempfile::tempdir().expect("there is room for a report");
    let (report, cost) = best(&check, scratch.path(), runs);
    let runs = report["runs"].as_array().map_or(&[][..], Vec::as_slice);
    let count = |verdict: &str| runs.iter().filter(|run| run["verdict"] == verdict).count();
    println!(
        "| etcd logs, {} files in one process | | {:.3} | {:.0} | {} | {} hold, {} violated, {} unknown, {} unreadable | | 30 ms, check 4 ms |",
        files.len(),
        cost.user,
        cost.peak,
        cost.check,
        count("holds"),
        count("violated"),
        count("unknown"),
        count("none"),
    );
}

/// Runs the program several times; what it printed, and the best time. Memory is the same.
fn best(arguments: &[&str], folder: &Path, runs: usize) -> (Value, Cost) {
    let out = folder.join("report.json");
    let this = env::current_exe().expect("this program is somewhere");
    let mut best: Option<(Value, Cost)> = None;
    for _ in 0..runs {
        let measured = Command::new(&this)
            .args([MEASURE, out.to_str().expect("a temporary path is text")])
            .args(arguments)
            .output()
            .expect("this program can be run again");
        let text = String::from_utf8_lossy(&measured.stdout);
        let mut numbers = text
            .split_whitespace()
            .map(|word| word.parse().unwrap_or(f64::NAN));
        let mut number = || numbers.next().unwrap_or(f64::NAN);
        let (user, peak) = (number(), number());
        let report = fs::read(&out).expect("the report was written");
        let report = serde_json::from_slice(&report).unwrap_or(Value::Null);
        let check = checked_in_ms(&report);
        // A row that takes long is noisy in proportion only.
        let enough = user > 5.0;
        let before = best.take().map(|(_, before)| before);
        let cost = Cost {
            user: before.map_or(user, |before| before.user.min(user)),
            peak,
            check: before.map_or(check, |before| before.check.min(check)),
        };
        best = Some((report, cost));
        if enough {
            break;
        }
    }
    best.expect("at least one run")
}

/// How long all checks of a report took.
fn checked_in_ms(report: &Value) -> u64 {
    let lists = match report["runs"].as_array() {
        Some(runs) => runs.iter().map(|run| &run["guarantees"]).collect(),
        None => vec![&report["guarantees"]],
    };
    let checks = lists.into_iter().filter_map(|list| list.as_array());
    let times = checks
        .flatten()
        .map(|check| check["checked_in_ms"].as_u64());
    times.flatten().sum()
}

/// Runs the program once, with its output in a file, as the only child of this process.
fn measure(arguments: &[String]) -> ExitCode {
    let [out, arguments @ ..] = arguments else {
        return ExitCode::FAILURE;
    };
    let out = fs::File::create(out).expect("there is room for a report");
    let status = Command::new(POLYGRAPH)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(out)
        .status();
    status.expect("the program is built");
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("the system counts");
    let time = usage.user_time();
    let user = time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    println!("{user} {}", usage.max_rss() as f64 / 1024.0);
    ExitCode::SUCCESS
}
