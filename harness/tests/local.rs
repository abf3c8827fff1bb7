//! The program with real processes: runs go through, and nothing of them is left, however they
//! end.
#![cfg(target_os = "linux")]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, geteuid};
use serde_json::Value;

/// How long a run of a few seconds may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// Waits until something is so.
fn eventually(what: &str, within: Duration, mut is: impl FnMut() -> bool) {
    let deadline = Instant::now() + within;
    while !is() {
        assert!(Instant::now() < deadline, "not within {within:?}: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// A process, told from later ones of the same number by when it started.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Process {
    pid: u32,
    started: String,
}

/// The parent of a process that lives, and the process.
fn look(pid: u32) -> Option<(u32, Process)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may contain anything; what follows are fields 3 and on.
    let fields: Vec<_> = stat.rsplit_once(") ")?.1.split(' ').collect();
    // One that has ended and that nobody waits for is a name only.
    if matches!(fields[0], "Z" | "X") {
        return None;
    }
    let started = fields[19].to_owned();
    Some((fields[1].parse().ok()?, Process { pid, started }))
}

fn lives(process: &Process) -> bool {
    look(process.pid).is_some_and(|(_, found)| found == *process)
}

/// The processes that a process has started.
fn children(parent: u32) -> Vec<Process> {
    let entries = fs::read_dir("/proc").unwrap();
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let mut children: Vec<_> = pids
        .filter_map(look)
        .filter(|(of, _)| *of == parent)
        .map(|(_, process)| process)
        .collect();
    children.sort();
    children
}

/// The folder in the registry of runs that knows one of these processes.
fn folder_of(nodes: &[Process]) -> Option<PathBuf> {
    let registry = PathBuf::from(format!("/tmp/polygraph-{}", geteuid()));
    let entries = fs::read_dir(registry).ok()?;
    let mut folders = entries.filter_map(|entry| Some(entry.ok()?.path()));
    folders.find(|folder| {
        let list = fs::read_to_string(folder.join("processes")).unwrap_or_default();
        let of = |line: &str| line.split(' ').next().and_then(|pid| pid.parse().ok());
        let pids: Vec<u32> = list.lines().filter_map(of).collect();
        nodes.iter().any(|node| pids.contains(&node.pid))
    })
}

/// A harness that runs, and where its runs go.
struct Harness {
    child: Child,
    place: tempfile::TempDir,
}

impl Harness {
    fn start(arguments: &[&str]) -> Harness {
        let place = tempfile::tempdir().unwrap();
        let file = |name: &str| Stdio::from(File::create(place.path().join(name)).unwrap());
        let child = Command::new(env!("CARGO_BIN_EXE_polygraph"))
            .arg("test")
            .args(arguments)
            .args(["--world", "local", "--json", "--out"])
            .arg(place.path().join("runs"))
            .stdin(Stdio::null())
            .stdout(file("stdout"))
            .stderr(file("stderr"))
            .spawn()
            .unwrap();
        Harness { child, place }
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().cast_signed()), signal).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.place.path().join(name)).unwrap_or_default()
    }

    /// The folder of its run.
    fn run(&self) -> Option<PathBuf> {
        fs::canonicalize(self.place.path().join("runs/latest")).ok()
    }

    /// How many events it has recorded so far.
    fn events(&self) -> usize {
        let history = self.run().map(|run| run.join("history.jsonl"));
        let history = history.and_then(|path| fs::read_to_string(path).ok());
        history.map_or(0, |history| history.lines().count())
    }

    /// Waits until it works; gives back its nodes and the folder of their data.
    fn working(&self, nodes: usize) -> (Vec<Process>, PathBuf) {
        eventually("a harness that works", PATIENCE, || {
            self.events() > 100 && children(self.child.id()).len() == nodes
        });
        let nodes = children(self.child.id());
        let folder = folder_of(&nodes).expect("the run is registered");
        (nodes, folder)
    }

    /// Waits for its end; gives back its exit code and its report.
    fn end(&mut self, within: Duration) -> (Option<i32>, Value) {
        let mut status: Option<ExitStatus> = None;
        eventually("the end of a harness", within, || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        let report = serde_json::from_str(&self.read("stdout")).unwrap_or(Value::Null);
        (status.and_then(|status| status.code()), report)
    }
}

impl Drop for Harness {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// No process and no file is left of a run.
fn is_gone(nodes: &[Process], folder: &Path) -> bool {
    !nodes.iter().any(lives) && !folder.exists()
}

/// A run of a target goes through: claims are kept, every fault was seen, nothing is left.
fn goes_through(target: &str, arguments: &[&str]) {
    let arguments = [
        &[target, "--time", "6s", "--nemesis", "partition,kill,pause"],
        arguments,
    ]
    .concat();
    let mut harness = Harness::start(&arguments);
    let (nodes, folder) = harness.working(5);
    let (code, report) = harness.end(PATIENCE);
    let shown = || format!("{target}: {code:?} {report}\n{}", harness.read("stderr"));
    assert_eq!(code, Some(0), "{}", shown());
    assert!(is_gone(&nodes, &folder), "{}", shown());
    assert!(folder_of(&nodes).is_none());
    let ok = report["operations"]["ok"].as_u64().unwrap();
    assert!(ok > 300, "{}", shown());
    let faults = report["faults"].as_array().unwrap();
    assert_eq!(faults.len(), 3);
    for fault in faults {
        let of = |what: &str| fault[what].as_u64().unwrap();
        assert!(of("applied") >= 1, "{}", shown());
        assert_eq!(of("verified"), of("applied"), "{}", shown());
    }
    let outcomes: BTreeMap<_, _> = report["guarantees"]
        .as_array()
        .unwrap()
        .iter()
        .map(|guarantee| (guarantee["name"].as_str(), guarantee["outcome"].as_str()))
        .collect();
    assert_eq!(outcomes[&Some("recovers")], Some("holds"), "{}", shown());
    assert!(
        !outcomes
            .values()
            .any(|outcome| *outcome == Some("claim-broken")),
        "{}",
        shown()
    );
    // Every node has written to its log, and the history is a whole one.
    let run = harness.run().unwrap();
    for node in 1..=5 {
        assert!(run.join(format!("logs/n{node}.log")).exists());
    }
}

#[test]
fn leaderless_goes_through() {
    goes_through("leaderless", &[]);
}

#[test]
fn consensus_goes_through() {
    goes_through("consensus", &["--workload", "append"]);
}

#[test]
fn single_leader_goes_through() {
    goes_through("single-leader", &[]);
}

#[test]
fn multi_leader_goes_through() {
    goes_through("multi-leader", &[]);
}

#[test]
fn an_interruption_heals_writes_and_judges_what_there_is() {
    let mut harness = Harness::start(&[
        "leaderless",
        "--time",
        "5m",
        "--nemesis",
        "partition,pause",
        "--set",
        "nemesis.first=200ms",
    ]);
    let (nodes, folder) = harness.working(5);
    harness.signal(Signal::SIGINT);
    let (code, report) = harness.end(Duration::from_secs(15));
    let stderr = harness.read("stderr");
    assert!(matches!(code, Some(130 | 1)), "{code:?} {report} {stderr}");
    assert!(is_gone(&nodes, &folder));
    let run = harness.run().unwrap();
    let history = fs::read_to_string(run.join("history.jsonl")).unwrap();
    let lines: Vec<Value> = history
        .lines()
        .map(|line| serde_json::from_str(line).expect("no line is torn"))
        .collect();
    // What began has ended: operations and faults.
    let of = |kind: &str| lines.iter().filter(|line| line["type"] == kind).count();
    assert_eq!(of("invoke"), of("ok") + of("fail") + of("info"));
    let phase = |phase: &str| {
        let of = |line: &&Value| line["fault"]["phase"] == phase;
        lines.iter().filter(of).count()
    };
    assert_eq!(phase("start"), phase("end"));
    assert_eq!(report["exit"], code.unwrap(), "{report}");
    assert!(run.join("verdict.json").exists());
}

#[test]
fn a_second_interruption_leaves_at_once() {
    let mut harness = Harness::start(&["single-leader", "--time", "5m", "--nemesis", "none"]);
    let (nodes, folder) = harness.working(5);
    harness.signal(Signal::SIGINT);
    harness.signal(Signal::SIGINT);
    let (code, report) = harness.end(Duration::from_secs(10));
    assert!(matches!(code, Some(130 | 1)), "{code:?} {report}");
    // One signal may have swallowed the other; the processes are gone in any case.
    eventually("nothing is left", Duration::from_secs(2), || {
        is_gone(&nodes, &folder)
    });
}

#[test]
fn a_killed_harness_takes_its_nodes_along_and_leaves_others_alone() {
    let mut other = Harness::start(&["consensus", "--time", "12s", "--nemesis", "none"]);
    let killed = Harness::start(&["leaderless", "--time", "5m", "--nemesis", "pause"]);
    let (others, others_folder) = other.working(5);
    let (nodes, folder) = killed.working(5);
    killed.signal(Signal::SIGKILL);
    eventually("no node is left", Duration::from_secs(2), || {
        !nodes.iter().any(lives)
    });
    assert!(others.iter().all(lives));
    // Files are removed by the next start, and only those of the dead.
    let mut next = Harness::start(&["leaderless", "--time", "1s", "--nemesis", "none"]);
    eventually("the files are gone", PATIENCE, || !folder.exists());
    assert!(others_folder.exists() && others.iter().all(lives));
    let (code, report) = other.end(PATIENCE);
    assert_eq!(code, Some(0), "{report} {}", other.read("stderr"));
    assert!(is_gone(&others, &others_folder));
    // So short a run shows little; what it ends with is not the matter here.
    let (code, report) = next.end(PATIENCE);
    assert!(matches!(code, Some(0 | 3)), "{code:?} {report}");
}
