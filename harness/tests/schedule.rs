//! Schedules that are given: followed, verified, recorded and replayed like those that are drawn.

mod program;

use std::fs;
use std::path::{Path, PathBuf};

use program::{Ran, polygraph};
use serde_json::Value;
use tempfile::TempDir;

/// A folder with a file in it that is called `faults.jsonl`.
fn with_faults(faults: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("there is room for temporary files");
    fs::write(folder.path().join("faults.jsonl"), faults).expect("there is room");
    folder
}

/// Runs a line, its words parted by spaces.
fn line(folder: &TempDir, line: &str) -> Ran {
    polygraph(folder.path(), &line.split_whitespace().collect::<Vec<_>>())
}

/// The file of a run.
fn stored(run: &Path, name: &str) -> String {
    fs::read_to_string(run.join(name)).expect("the run has it")
}

/// The lines of a file of a run, parsed.
fn lines(run: &Path, name: &str) -> Vec<Value> {
    let parse = |line: &str| serde_json::from_str(line).expect("JSON");
    stored(run, name).lines().map(parse).collect()
}

/// The run that was last.
fn latest(folder: &TempDir) -> PathBuf {
    let path = folder.path().join("runs/latest");
    path.canonicalize().expect("there was a run")
}

/// Whoever leads is cut off, then killed; two nodes stand still at once; two die, one by one. No
/// draw has so many kills in ten seconds.
const FAULTS: &str = r#"{"start":"2s","end":"3500ms","what":{"alone":{"role":"leader","hold":false}}}
{"start":"5s","end":"5300ms","shape":"the leader dies","what":{"kill":"leader"}}
{"start":"7s","end":"7500ms","what":{"effect":{"pause":["n1","n4"]}}}
{"start":"7s","end":"8s","what":{"effect":{"slow":{"links":[["n2","n3"]],"delay_ns":30000000,"jitter_ns":0,"loss":0.1,"duplicate":0,"reorder":0}}}}
{"start":"8200ms","end":"8400ms","what":{"effect":{"kill":["n2"]}}}
{"start":"8600ms","end":"8800ms","what":{"effect":{"kill":["n3"]}}}
"#;

/// How many of these are of each family.
const COUNTS: &[(&str, u64)] = &[("partition", 1), ("kill", 3), ("pause", 1), ("slow", 1)];

/// Asserts that a report of so many runs has all of these, and that all were seen.
fn assert_all_seen(report: &Value, runs: u64) {
    let families = report["faults"].as_array().expect("a list");
    assert_eq!(families.len(), COUNTS.len(), "{report}");
    for (family, (name, count)) in families.iter().zip(COUNTS) {
        let count = Value::from(count * runs);
        assert_eq!(family["kind"], *name);
        assert_eq!(
            [&family["planned"], &family["applied"], &family["verified"]],
            [&count; 3],
            "{family}"
        );
    }
}

#[test]
fn a_schedule_is_followed_recorded_and_replayed() {
    let folder = with_faults(FAULTS);
    let test = "test consensus --schedule faults.jsonl --time 10s --json";
    let ran = line(&folder, test);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{ran:?}");
    let report: Value = serde_json::from_str(&ran.out).expect("one line of JSON");
    assert_eq!(
        report["nemesis"],
        Value::from(vec!["partition", "kill", "pause", "slow"])
    );
    assert_all_seen(&report, 1);
    let run = latest(&folder);
    let history = lines(&run, "history.jsonl");
    let faults: Vec<_> = history
        .iter()
        .filter(|event| event["process"] == "nemesis")
        .collect();
    assert_eq!(faults.len(), 24, "begun, seen, ended and seen to be healed");
    let killed = faults
        .iter()
        .find(|event| event["fault"]["shape"] == "the leader dies")
        .expect("it took place");
    assert_eq!(killed["time"], 5_000_000_000_u64);
    assert_eq!(killed["fault"]["role"], "leader");
    let nodes = killed["fault"]["effect"]["kill"].as_array().expect("nodes");
    assert_eq!(nodes.len(), 1);
    // What was resolved is kept with what was asked for.
    let kept = lines(&run, "schedule.jsonl");
    assert_eq!(kept.len(), 6);
    assert_eq!(kept[1]["planned"]["what"]["kill"], "leader");
    assert_eq!(&kept[1]["effect"], &killed["fault"]["effect"]);
    let digest = history[0]["spec"]["schedule"].as_str().expect("a digest");
    let spec = stored(&run, "spec.toml");
    assert!(spec.contains(&format!("schedule = \"{digest}\"")), "{spec}");
    assert!(!spec.contains("faults.jsonl"), "no path is recorded");

    // A replay obeys the folder, whatever has become of the file.
    fs::remove_file(folder.path().join("faults.jsonl")).expect("it was there");
    let replayed = line(&folder, "replay runs/latest --json");
    assert_eq!((replayed.code, replayed.err.as_str()), (0, ""));
    let again: Value = serde_json::from_str(&replayed.out).expect("one line of JSON");
    assert_all_seen(&again, 1);
    assert_ne!(latest(&folder), run);
    for name in ["history.jsonl", "schedule.jsonl", "spec.toml"] {
        assert_eq!(stored(&latest(&folder), name), stored(&run, name), "{name}");
    }
}

#[test]
fn what_a_run_leaves_behind_can_be_given_to_another() {
    let folder = with_faults("");
    let options = "--nemesis partition,kill,slow,clock,disk --time 30s --quiet";
    line(&folder, &format!("test leaderless {options}"));
    let drawn = latest(&folder);
    let kept = drawn.join("schedule.jsonl");
    fs::copy(kept, folder.path().join("faults.jsonl")).expect("there is room");
    let options = "--schedule faults.jsonl --time 30s --quiet";
    line(&folder, &format!("test leaderless {options}"));
    let given = latest(&folder);
    let events = |run| {
        let history = stored(run, "history.jsonl");
        let (_, events) = history.split_once('\n').expect("a header");
        events.to_owned()
    };
    assert_ne!(drawn, given);
    assert_eq!(
        events(&drawn),
        events(&given),
        "the same faults, the same run"
    );
    line(&folder, &format!("test leaderless {options} --seed 2"));
    assert_ne!(events(&latest(&folder)), events(&given));
}

#[test]
fn a_schedule_holds_under_every_seed() {
    let folder = with_faults(FAULTS);
    let test = "test consensus --schedule faults.jsonl --time 10s --seeds 3 --keep-going --json";
    let ran = line(&folder, test);
    let report: Value = serde_json::from_str(&ran.out).expect("one line of JSON");
    assert_eq!((ran.code, &report["seeds"]), (0, &3.into()), "{ran:?}");
    assert_all_seen(&report, 3);
}

#[test]
fn a_role_that_nobody_has_is_a_fault_that_failed() {
    let folder = with_faults(
        r#"{"start":"0s","end":"1s","what":{"kill":"leader"}}
{"start":"3s","end":"4s","what":{"kill":"leader"}}"#,
    );
    let ran = line(
        &folder,
        "test consensus --schedule faults.jsonl --time 6s --guarantee linearizable",
    );
    assert_eq!(ran.code, 0, "{ran:?}");
    let history = lines(&latest(&folder), "history.jsonl");
    assert_eq!(history[1]["fault"]["phase"], "start");
    assert_eq!(
        (&history[2]["type"], &history[2]["error"]),
        (&"fail".into(), &"no-such-role".into())
    );
    let replayed = line(&folder, "replay runs/latest");
    assert!(replayed.out.contains("identical bytes"), "{replayed:?}");
}

#[cfg(unix)]
#[test]
fn real_processes_follow_a_schedule_too() {
    let folder = with_faults(
        r#"{"start":"1s","end":"2s","what":{"effect":{"kill":["n2"]}}}
{"start":"1s","end":"2500ms","what":{"effect":{"cut":[["n1","n3"],["n3","n1"]]}}}"#,
    );
    let test = "test leaderless --world local --schedule faults.jsonl --time 3s --json";
    let ran = line(&folder, test);
    let report: Value = serde_json::from_str(&ran.out).expect("one line of JSON");
    let faults = report["faults"].as_array().expect("a list");
    assert_eq!(faults.len(), 2, "{report}");
    for family in faults {
        assert_eq!(
            (&family["applied"], &family["verified"]),
            (&1.into(), &1.into())
        );
    }
    fs::write(
        folder.path().join("faults.jsonl"),
        r#"{"start":"1s","end":"2s","what":{"effect":{"wipe":["n2"]}}}"#,
    )
    .expect("there is room");
    let ran = line(&folder, test);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(
        ran.err.contains("cannot make faults of the kind disk.wipe"),
        "{ran:?}"
    );
}

#[test]
fn what_is_no_schedule_is_refused() {
    let folder = with_faults(FAULTS);
    let write = |name: &str, bytes: &[u8]| {
        fs::write(folder.path().join(name), bytes).expect("there is room");
    };
    write("empty", b"\n\n");
    write("binary", &[0, 255, 254, 7]);
    write("torn", FAULTS.as_bytes().split_at(120).0);
    write(
        "nine",
        br#"{"start":"2s","end":"3s","what":{"effect":{"kill":["n9"]}}}"#,
    );
    write(
        "plan",
        br#"{"id":0,"client":1,"at":5,"node":"n2","op":{"read":{"key":"x"}}}"#,
    );
    write("deep", "[".repeat(100_000).as_bytes());
    fs::create_dir(folder.path().join("folder")).expect("there is room");
    let given = "test consensus --schedule";
    let refused: &[(String, &[&str])] = &[
        (format!("{given} nowhere"), &["nowhere", "cannot be read"]),
        (format!("{given} folder"), &["folder", "cannot be read"]),
        (
            format!("{given} empty"),
            &["empty: line 1, column 1: the file holds no fault; expected a fault a line"],
        ),
        (
            format!("{given} binary"),
            &["binary: line 1, column 1", "expected a fault a line"],
        ),
        (
            format!("{given} torn"),
            &["torn: line 2", "EOF", "expected a fault a line"],
        ),
        (format!("{given} deep"), &["deep: line 1, column 1"]),
        (
            format!("{given} plan"),
            &["plan: line 1", "unknown field `client`", "`start`"],
        ),
        (
            format!("{given} nine"),
            &["nine: line 1, column 52: there is no node n9; expected n1 to n5"],
        ),
        (
            format!("{given} faults.jsonl --time 7s"),
            &[
                "faults.jsonl: line 3, column 15: the fault ends at 7500ms, after the run",
                "by 7s",
                "--time",
            ],
        ),
        (
            "test leaderless --schedule faults.jsonl".to_owned(),
            &[
                "faults.jsonl: line 1",
                "the target has no leader; expected nodes by name",
            ],
        ),
        (
            format!("{given} faults.jsonl --nemesis kill"),
            &["--schedule", "--nemesis", "cannot be used with"],
        ),
        (
            format!("{given} faults.jsonl --set nemesis.first=1s"),
            &["nemesis.first", "--schedule"],
        ),
    ];
    for (text, parts) in refused {
        let ran = line(&folder, text);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{text}: {ran:?}");
        assert_eq!(ran.err.lines().count(), 1, "one sentence: {text}: {ran:?}");
        for part in *parts {
            assert!(ran.err.contains(part), "{text}: no `{part}` in {}", ran.err);
        }
    }
    let ran = line(&folder, &format!("{given} nine --json"));
    let report: Value = serde_json::from_str(&ran.out).expect("one line of JSON");
    let error = &report["error"];
    assert_eq!(
        (
            &error["kind"],
            &error["file"],
            &error["line"],
            &error["column"]
        ),
        (&"input".into(), &"nine".into(), &1.into(), &52.into())
    );
    assert_eq!(
        (&error["field"], &error["expected"]),
        (&"what".into(), &"n1 to n5".into())
    );
    assert!(!folder.path().join("runs").exists(), "nothing runs");
}
