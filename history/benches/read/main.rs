//! How fast histories are read, and what they take in memory: `cargo bench -p polygraph-history
//! --bench read [-- OPERATIONS…]`, by default 100000 and 1000000 operations.
//!
//! Files are made in the system's folder for temporary files, read in a process of their own, and
//! removed. Each row is the least of some runs: seconds of the processor in user mode (all
//! threads), which other programs disturb less than the time that passes, and that time; the
//! memory is the peak of the process, over that of a process that reads nothing.
//!
//! `-- --make CASE OPERATIONS FILE` only makes a file, such as `transactions, EDN`.

mod transactions;

use std::error::Error;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use nix::sys::resource::{UsageWho, getrusage};
use polygraph_history::{
    Body, ErrorName, Event, Key, Kind, Op, Process, ReadOptions, Time, Value, jsonl, read,
};

const RUNS: usize = 5;
const CLIENTS: u64 = 20;
/// One in so many operations has an unknown outcome.
const CRASHES: u64 = 100;

type Failure = Box<dyn Error>;
type Make = fn(u64, BufWriter<File>) -> Result<(), Failure>;

const CASES: &[(&str, Make)] = &[
    ("registers, JSON Lines", registers_as_lines),
    ("registers, EDN", registers_as_edn),
    ("list-append, JSON Lines", appends_as_lines),
    ("list-append, EDN", appends_as_edn),
    ("transactions, EDN", transactions::appends_as_edn),
];

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [first, path] = arguments.as_slice()
        && first == "--child"
    {
        return child(Path::new(path));
    }
    if let [first, name, count, path] = arguments.as_slice()
        && first == "--make"
    {
        let case = CASES.iter().find(|(case, _)| case == name);
        let (_, make) = case.ok_or("there is no such case")?;
        return make(count.parse()?, BufWriter::new(File::create(path)?));
    }
    let mut counts: Vec<u64> = arguments
        .iter()
        .filter_map(|text| text.parse().ok())
        .collect();
    if counts.is_empty() {
        counts = vec![100_000, 1_000_000];
    }
    println!(
        "{:<26} {:>10} {:>7} {:>8} {:>8} {:>7} {:>8} {:>8}",
        "", "operations", "MB", "user s", "passed s", "MB/s", "peak MB", "bytes/op"
    );
    for &(name, make) in CASES {
        for &count in &counts {
            measure(name, make, count)?;
        }
    }
    Ok(())
}

/// A file that is removed in the end.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn measure(name: &str, make: Make, operations: u64) -> Result<(), Failure> {
    let file = format!("polygraph-read-{}", std::process::id());
    let file = Temporary(std::env::temp_dir().join(file));
    make(operations, BufWriter::new(File::create(&file.0)?))?;
    let bytes = fs::metadata(&file.0)?.len();
    let idle = run(Path::new("-"))?;
    let mut best = run(&file.0)?;
    for _ in 1..RUNS {
        let next = run(&file.0)?;
        best = [0, 1, 2].map(|at| best[at].min(next[at]));
    }
    let [user, passed, peak] = best;
    let peak = peak - idle[2];
    println!(
        "{name:<26} {operations:>10} {:>7.1} {user:>8.3} {passed:>8.3} {:>7.0} {:>8.1} {:>8.0}",
        bytes as f64 / 1e6,
        bytes as f64 / 1e6 / passed,
        peak / 1e6,
        peak / operations as f64,
    );
    Ok(())
}

/// Reads a file in a process of its own: seconds in user mode, seconds passed, bytes at the peak.
fn run(path: &Path) -> Result<[f64; 3], Failure> {
    let output = Command::new(std::env::current_exe()?)
        .arg("--child")
        .arg(path)
        .output()?;
    let text = String::from_utf8(output.stdout)?;
    let numbers: Result<Vec<f64>, _> = text.split_whitespace().map(str::parse).collect();
    numbers?
        .try_into()
        .map_err(|_| String::from_utf8_lossy(&output.stderr).into())
}

fn child(path: &Path) -> Result<(), Failure> {
    let (user, begin) = (user_seconds()?, Instant::now());
    let reading = match path.to_str() {
        Some("-") => None,
        _ => Some(read(File::open(path)?, ReadOptions::default())?),
    };
    let passed = begin.elapsed().as_secs_f64();
    println!("{} {passed} {}", user_seconds()? - user, peak_bytes());
    // What a checker would do with it does not belong to reading it; nor does giving it back.
    std::mem::forget(reading);
    Ok(())
}

/// Seconds of the processor in user mode, of all threads.
fn user_seconds() -> Result<f64, Failure> {
    let time = getrusage(UsageWho::RUSAGE_SELF)?.user_time();
    Ok(time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6)
}

fn peak_bytes() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    kilobytes.unwrap_or(f64::NAN) * 1024.0
}

/// What the clients do: at each step the one whose turn it is completes what it did and begins
/// something else, so that as many operations overlap as there are clients.
fn steps(
    operations: u64,
    mut each: impl FnMut(Step) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut process: Vec<u64> = (0..CLIENTS).collect();
    for turn in 0..operations + CLIENTS {
        let client = (turn % CLIENTS) as usize;
        if let Some(operation) = turn.checked_sub(CLIENTS) {
            let crashes = operation % CRASHES == CRASHES - 1;
            each(Step {
                operation,
                process: process[client],
                kind: if crashes { Kind::Info } else { Kind::Ok },
            })?;
            process[client] += if crashes { CLIENTS } else { 0 };
        }
        if turn < operations {
            each(Step {
                operation: turn,
                process: process[client],
                kind: Kind::Invoke,
            })?;
        }
    }
    Ok(())
}

struct Step {
    operation: u64,
    process: u64,
    kind: Kind,
}

impl Step {
    /// A register's operation: every second writes what is new, every second reads.
    fn register(&self) -> Op {
        let key = Key::from(format!("k{}", self.operation / 2 % 10).as_str());
        match self.operation % 2 {
            0 => Op::Write {
                key,
                value: Value::Int(self.operation as i64),
            },
            _ => Op::Read {
                key,
                value: (self.kind == Kind::Ok).then_some(Value::Int(self.operation as i64 - 1)),
            },
        }
    }

    /// The key of a transaction and what its list holds: keys change, so that lists stay short.
    fn list(&self) -> (u64, Vec<u64>) {
        let key = self.operation / 320 * 10 + self.operation % 10;
        let first = self.operation / 320 * 320 + self.operation % 10;
        (key, (first..self.operation).step_by(10).collect())
    }
}

fn lines(operations: u64, out: BufWriter<File>, op: impl Fn(&Step) -> Op) -> Result<(), Failure> {
    let mut writer = jsonl::Writer::new(out, None)?;
    let mut index = 0_u64;
    steps(operations, |step| {
        let process = Process::Client(step.process);
        let time = Time(index * 50_123);
        let mut event = Event::new(index, time, process, step.kind, Body::Op(op(&step)));
        if step.kind == Kind::Info {
            event.error = Some(ErrorName::TIMEOUT);
        }
        index += 1;
        Ok(writer.write(&event)?)
    })?;
    writer.finish()?.flush()?;
    Ok(())
}

fn registers_as_lines(operations: u64, out: BufWriter<File>) -> Result<(), Failure> {
    lines(operations, out, Step::register)
}

fn appends_as_lines(operations: u64, out: BufWriter<File>) -> Result<(), Failure> {
    use polygraph_history::Micro;
    lines(operations, out, |step| {
        let (key, list) = step.list();
        let key = Key::from(key.to_string().as_str());
        let seen = || Value::list(list.iter().map(|&value| Value::Int(value as i64)));
        Op::Txn(vec![
            Micro::Read {
                key: key.clone(),
                value: (step.kind == Kind::Ok).then(seen),
            },
            Micro::Append {
                key,
                value: Value::Int(step.operation as i64),
            },
        ])
    })
}

fn edn(
    operations: u64,
    mut out: BufWriter<File>,
    value: impl Fn(&Step) -> (&'static str, String),
) -> Result<(), Failure> {
    let mut index = 0_u64;
    steps(operations, |step| {
        let kind = match step.kind {
            Kind::Invoke => "invoke",
            Kind::Ok => "ok",
            Kind::Fail => "fail",
            Kind::Info => "info",
        };
        let (f, value) = value(&step);
        let (process, time) = (step.process, index * 50_123);
        write!(
            out,
            "{{:type :{kind}, :f :{f}, :value {value}, :process {process}, :time {time}, \
             :index {index}"
        )?;
        let error = if step.kind == Kind::Info {
            ", :error :timeout"
        } else {
            ""
        };
        writeln!(out, "{error}}}")?;
        index += 1;
        Ok(())
    })?;
    out.flush()?;
    Ok(())
}

fn registers_as_edn(operations: u64, out: BufWriter<File>) -> Result<(), Failure> {
    edn(operations, out, |step| {
        let key = step.operation / 2 % 10;
        match step.register() {
            Op::Read { value: None, .. } => ("read", format!("[{key} nil]")),
            Op::Read {
                value: Some(value), ..
            } => ("read", format!("[{key} {value}]")),
            _ => ("write", format!("[{key} {}]", step.operation)),
        }
    })
}

fn appends_as_edn(operations: u64, out: BufWriter<File>) -> Result<(), Failure> {
    edn(operations, out, |step| {
        let (key, list) = step.list();
        let seen = match step.kind {
            Kind::Ok => format!("{list:?}").replace(',', ""),
            _ => "nil".to_owned(),
        };
        let value = format!("[[:r {key} {seen}] [:append {key} {}]]", step.operation);
        ("txn", value)
    })
}
