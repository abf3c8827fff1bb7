//! Runs and files that are judged while events arrive.

mod program;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use program::{Ran, polygraph};
use serde_json::Value;

fn line(folder: &Path, line: &str) -> Ran {
    polygraph(folder, &line.split_whitespace().collect::<Vec<_>>())
}

fn report(ran: &Ran) -> Value {
    serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("one line of JSON: {ran:?}"))
}

#[test]
fn a_run_ends_as_soon_as_it_is_violated_and_is_replayed_as_it_was() {
    let folder = tempfile::tempdir().expect("there is room");
    let test = "test leaderless --guarantee linearizable --json";
    let whole = report(&line(folder.path(), test));
    let ran = line(folder.path(), &format!("{test} --stop-early"));
    let early = report(&ran);
    assert_eq!((ran.code, &early["verdict"]), (1, &Value::from("violated")));
    let count = |report: &Value| report["operations"]["ok"].as_u64().expect("a number");
    assert!(
        count(&early) < count(&whole) / 2,
        "{} of {}",
        count(&early),
        count(&whole)
    );
    let replayed = line(folder.path(), "replay runs/latest");
    assert_eq!(replayed.code, 1, "{replayed:?}");
    assert!(replayed.out.contains("identical bytes"), "{replayed:?}");
}

#[test]
fn a_run_without_violation_is_the_same_but_for_the_word() {
    let folder = tempfile::tempdir().expect("there is room");
    let events = |flag: &str| {
        let ran = line(folder.path(), &format!("test consensus --time 10s {flag}"));
        assert_eq!(ran.code, 0, "{ran:?}");
        let path = folder.path().join("runs/latest/history.jsonl");
        let text = fs::read_to_string(path).expect("a run is recorded");
        text.split_once('\n').map(|(_, events)| events.to_owned())
    };
    assert_eq!(events(""), events("--stop-early"));
}

#[test]
fn what_nobody_demands_is_not_watched() {
    let folder = tempfile::tempdir().expect("there is room");
    let ran = line(
        folder.path(),
        "test single-leader --set replication=async,read=any --stop-early",
    );
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.err.contains("--guarantee linearizable"), "{ran:?}");
}

/// Two lines: an operation of a process, begun and ended.
fn operation(at: usize, process: u64, op: &str, done: &str) -> String {
    let event = |index: usize, kind: &str, op: &str| {
        format!(
            "{{\"index\":{index},\"time\":{index},\"process\":{process},\"type\":\"{kind}\",\"op\":{op}}}\n"
        )
    };
    event(at, "invoke", op) + &event(at + 1, "ok", done)
}

#[test]
fn a_file_is_judged_while_it_grows() {
    let folder = tempfile::tempdir().expect("there is room");
    let path = folder.path().join("growing.jsonl");
    let write = "{\"write\":{\"key\":\"x\",\"value\":1}}";
    let read = "{\"read\":{\"key\":\"x\"}}";
    let begin = format!("{{\"polygraph\":1}}\n{}", operation(0, 0, write, write));
    fs::write(&path, &begin).expect("there is room");
    let growing = path.clone();
    let writer = thread::spawn(move || {
        thread::sleep(Duration::from_millis(300));
        let mut file = fs::OpenOptions::new()
            .append(true)
            .open(growing)
            .expect("it is there");
        let stale = operation(2, 1, read, "{\"read\":{\"key\":\"x\",\"value\":null}}");
        let (first, rest) = stale.split_at(30);
        file.write_all(first.as_bytes()).expect("there is room");
        thread::sleep(Duration::from_millis(200));
        file.write_all(rest.as_bytes()).expect("there is room");
        Instant::now()
    });
    // Without the violation it would wait much longer than the test takes.
    let ran = line(
        folder.path(),
        "check growing.jsonl --follow --idle 60s --json",
    );
    let ended = Instant::now();
    let written = writer.join().expect("it does not fail");
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.err.contains("by event 3"), "{ran:?}");
    let report = report(&ran);
    assert_eq!(
        report["guarantees"][0]["anomalies"][0]["kind"],
        "stale-read"
    );
    assert!(ended > written);
    fs::write(&path, begin).expect("there is room");
    let ran = line(folder.path(), "check growing.jsonl --follow --idle 100ms");
    assert_eq!(ran.code, 0, "{ran:?}");
}

#[test]
fn what_cannot_be_followed_is_refused() {
    let folder = tempfile::tempdir().expect("there is room");
    fs::write(folder.path().join("x.edn"), "{:process 0, :type :invoke}\n").expect("there is room");
    for (arguments, part) in [
        ("check nowhere --follow", "nowhere"),
        ("check x.edn --follow --idle 100ms", "line 1"),
        ("check x.edn y.edn --follow", "one file"),
        ("check x.edn --idle 1s", "--follow"),
    ] {
        let ran = line(folder.path(), arguments);
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.err.contains(part), "{ran:?}");
    }
}
