//! Stores that files describe: tested as the built-in ones are, and nothing of them is left.
#![cfg(target_os = "linux")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

fn polygraph() -> Command {
    Command::new(env!("CARGO_BIN_EXE_polygraph"))
}

fn example(name: &str) -> String {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../targets/examples");
    examples
        .join(name)
        .join("target.toml")
        .display()
        .to_string()
}

/// Whether Python is there; a test that needs it says that it skips.
fn has_python() -> bool {
    let found = Command::new("python3").arg("--version").output().is_ok();
    if !found {
        eprintln!("skipped: there is no python3");
    }
    found
}

/// Runs a test into a folder of its own; the folder, and what it printed.
fn run(arguments: &[&str]) -> (tempfile::TempDir, Output) {
    let out = tempfile::tempdir().unwrap();
    let output = polygraph()
        .args(["test", "--json", "--out"])
        .arg(out.path())
        .args(arguments)
        .output()
        .unwrap();
    (out, output)
}

fn verdict(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&text).unwrap_or_else(|error| {
        let stderr = String::from_utf8_lossy(&output.stderr);
        panic!("{error}: {text}{stderr}")
    })
}

fn guarantee<'a>(verdict: &'a Value, name: &str) -> &'a Value {
    let all = verdict["guarantees"].as_array().unwrap();
    all.iter().find(|it| it["name"] == name).unwrap()
}

/// The command lines of all processes that live.
fn processes() -> Vec<(u32, String)> {
    let entries = fs::read_dir("/proc").unwrap();
    let line = |entry: fs::DirEntry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        let words = fs::read_to_string(entry.path().join("cmdline")).ok()?;
        (!words.is_empty()).then(|| (pid, words.replace('\0', " ")))
    };
    entries.filter_map(|entry| line(entry.ok()?)).collect()
}

/// Waits until no process has this in its command line.
fn gone(what: &str) -> bool {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        if processes().iter().all(|(_, line)| !line.contains(what)) {
            return true;
        }
        if Instant::now() > deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn the_python_example_keeps_its_promise_under_faults() {
    if !has_python() {
        return;
    }
    let file = example("python");
    let faults = [
        "--nemesis",
        "partition,kill,pause,slow",
        "--time",
        "8s",
        "--rate",
        "60",
    ];
    let arguments = [&["--target-file", &file][..], &faults].concat();
    let (out, output) = run(&arguments);
    let verdict = verdict(&output);
    let linearizable = guarantee(&verdict, "linearizable");
    assert_eq!(linearizable["verdict"], "holds", "{verdict:#}");
    assert_eq!(linearizable["claimed"], true);
    assert_eq!(
        (output.status.code(), &verdict["world"]),
        (Some(0), &Value::from("local"))
    );
    let seen = |family: &Value| family["verified"].as_u64() == family["applied"].as_u64();
    let faults = verdict["faults"].as_array().unwrap();
    assert!(faults.iter().all(seen), "{faults:#?}");
    let applied: u64 = faults.iter().filter_map(|it| it["applied"].as_u64()).sum();
    assert!(applied > 0);
    assert!(
        verdict["operations"]["ok"].as_u64() > Some(50),
        "{verdict:#}"
    );
    assert!(out.path().join("latest/target.toml").is_file());
}

#[test]
fn the_python_example_is_caught_where_it_promises_nothing() {
    if !has_python() {
        return;
    }
    let file = example("python");
    let (_out, output) = run(&[
        "--target-file",
        &file,
        "--set",
        "read=local,replication=async",
        "--guarantee",
        "linearizable",
        "--nemesis",
        "partition",
        "--time",
        "8s",
    ]);
    let verdict = verdict(&output);
    assert_eq!(output.status.code(), Some(1), "{verdict:#}");
    let anomaly = &guarantee(&verdict, "linearizable")["anomalies"][0];
    assert_eq!(anomaly["confirmed"], true, "{verdict:#}");
}

#[test]
fn the_shell_example_works_and_can_be_broken() {
    let file = example("shell");
    let plain = [
        "--target-file",
        &file,
        "--nemesis",
        "none",
        "--time",
        "3s",
        "--rate",
        "100",
    ];
    let (_out, output) = run(&plain);
    let verdict_of_rename = verdict(&output);
    assert_eq!(output.status.code(), Some(0), "{verdict_of_rename:#}");
    assert_eq!(
        guarantee(&verdict_of_rename, "linearizable")["verdict"],
        "holds"
    );
    let (_out, output) = run(&[&plain[..], &["--set", "write=in-place"]].concat());
    let verdict = verdict(&output);
    let outcome = &guarantee(&verdict, "linearizable")["outcome"];
    assert_eq!(outcome, "violated-as-documented", "{verdict:#}");
}

#[test]
fn a_new_target_works_and_is_not_written_twice() {
    let folder = tempfile::tempdir().unwrap();
    let new = |name: &str| {
        let mut command = polygraph();
        let command = command
            .args(["new-target", name, "--out"])
            .arg(folder.path());
        command.output().unwrap()
    };
    assert_eq!(new("my-store").status.code(), Some(0));
    let again = new("my-store");
    assert_eq!(again.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&again.stderr).contains("cannot be made"));
    assert_eq!(new("My Store").status.code(), Some(2));
    assert!(!folder.path().join("My Store").exists());
    if !has_python() {
        return;
    }
    let file = folder
        .path()
        .join("my-store/target.toml")
        .display()
        .to_string();
    let (_out, output) = run(&["--target-file", &file, "--nemesis", "none", "--time", "2s"]);
    let verdict = verdict(&output);
    assert_eq!(output.status.code(), Some(0), "{verdict:#}");
    assert_eq!(verdict["target"], "my-store");
}

/// A target whose nodes and clients are each a line of shell.
fn target(folder: &Path, start: &str, client: &str) -> PathBuf {
    // Neither has places to be filled in.
    let client = client.replace('{', "{{").replace('}', "}}");
    let text = format!(
        "name = \"odd\"\nabout = \"odd\"\noperations = [\"read\", \"write\"]\n\
         [nodes]\nstart = [\"sh\", \"-c\", {start:?}]\nports = [\"none\"]\nready = [\"true\"]\n\
         ready-within = \"3s\"\n[client]\ncommand = [\"sh\", \"-c\", {client:?}]\n"
    );
    let file = folder.join("odd.toml");
    fs::write(&file, text).unwrap();
    file
}

#[test]
fn clients_that_talk_nonsense_hang_or_die_hang_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let open = "read a; echo '{\"ok\":{}}'; ";
    let cases = [
        ("nonsense", "read b; echo hello", "says `hello`"),
        (
            "another",
            "read b; echo '{\"id\":0,\"ok\":{\"read\":{\"key\":\"no\"}}}'; cat",
            "another",
        ),
        ("hangs", "sleep 1000", ""),
        ("dies", "exit 3", ""),
    ];
    let root = folder.path();
    let hangs_nothing = &|(name, does, says): (&str, &str, &str)| {
        let folder = root.join(name);
        fs::create_dir(&folder).unwrap();
        let client = format!("{open}{does}");
        let file = target(&folder, "exec sleep 1000", &client);
        let file = file.display().to_string();
        let few = [
            "--nemesis",
            "none",
            "--time",
            "2s",
            "--rate",
            "5",
            "--clients",
            "2",
        ];
        let (_out, output) = run(&[&["--target-file", &file][..], &few].concat());
        let verdict = verdict(&output);
        assert_eq!(verdict["operations"]["ok"], 0, "{name}: {verdict:#}");
        let linearizable = &guarantee(&verdict, "linearizable")["verdict"];
        assert_eq!(linearizable, "unknown", "{name}");
        let warnings = verdict["warnings"].to_string();
        assert!(warnings.contains(says), "{name}: {warnings}");
        // That it does not recover is a finding about the store.
        let recovers = &guarantee(&verdict, "recovers")["verdict"];
        assert_eq!(recovers, "violated", "{name}");
    };
    // Each waits most of the time, for the deadline of recovery.
    std::thread::scope(|scope| {
        for case in cases {
            scope.spawn(move || hangs_nothing(case));
        }
    });
}

#[test]
fn a_node_that_does_not_start_is_a_failure_of_the_harness_and_its_log_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let file = target(folder.path(), "echo no such disk; exit 1", "true");
    let (_out, output) = run(&["--target-file", &file.display().to_string()]);
    assert_eq!(output.status.code(), Some(4));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        stderr.contains("n1 has ended instead of running"),
        "{stderr}"
    );
    assert!(stderr.contains("no such disk"), "{stderr}");
}

#[test]
fn what_a_killed_harness_has_started_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    // A node that starts another process, which notices nothing either, and a client that hangs.
    let mark = format!("1{}", std::process::id());
    let file = target(
        folder.path(),
        &format!("sleep {mark}.25 & sleep {mark}.5"),
        &format!("sleep {mark}.75"),
    );
    let mut harness = polygraph()
        .args([
            "test",
            "--quiet",
            "--nemesis",
            "pause",
            "--time",
            "60s",
            "--out",
        ])
        .arg(folder.path().join("runs"))
        .arg("--target-file")
        .arg(&file)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    let started = |part: &str| {
        let word = format!("sleep {mark}.{part}");
        let is = |(_, line): &(u32, String)| line.starts_with(&word);
        processes().iter().any(is)
    };
    while !["25", "5", "75"].into_iter().all(started) {
        assert!(Instant::now() < deadline, "it does not start");
        std::thread::sleep(Duration::from_millis(20));
    }
    let pid = Pid::from_raw(harness.id().cast_signed());
    kill(pid, Signal::SIGKILL).unwrap();
    harness.wait().unwrap();
    assert!(gone(&format!("sleep {mark}")));
}

#[test]
fn what_cannot_be_is_said_before_anything_runs() {
    let folder = tempfile::tempdir().unwrap();
    let file = target(folder.path(), "exec sleep 1000", "true");
    let file = file.display().to_string();
    let said = |arguments: &[&str]| {
        let (_out, output) = run(&[&["--target-file", &file][..], arguments].concat());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let partition = said(&["--nemesis", "partition"]);
    assert!(partition.contains("can have kill, pause"), "{partition}");
    assert!(said(&["--world", "sim"]).contains("world `local`"));
    let workload = said(&["--workload", "append"]);
    assert!(
        workload.contains("workloads that fit: register"),
        "{workload}"
    );
    fs::write(&file, "name = \"x\"\nabot = \"y\"\n").unwrap();
    let unknown = said(&[]);
    assert!(unknown.contains("line 2, column 1"), "{unknown}");
    fs::remove_file(&file).unwrap();
    assert!(said(&[]).contains("cannot be read"));
}
