//! The program as its users meet it: what it says, where it says it, and its exit codes.

mod program;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use program::{Ran, polygraph};
use serde_json::{Map, Value};
use tempfile::TempDir;

fn folder() -> TempDir {
    tempfile::tempdir().expect("there is room for temporary files")
}

/// Runs a line, its words parted by spaces.
fn line(folder: &Path, line: &str) -> Ran {
    polygraph(folder, &line.split_whitespace().collect::<Vec<_>>())
}

/// Runs a line in a folder of its own, and gives its JSON.
fn json(text: &str) -> Value {
    let folder = folder();
    let ran = line(folder.path(), &format!("{text} --json"));
    let report = one_line(&ran);
    assert_eq!(report["exit"], ran.code, "{text}");
    assert_eq!(ran.err, "", "{text}");
    report
}

/// What a run wrote, which is one line of JSON.
fn one_line(ran: &Ran) -> Value {
    assert!(ran.out.ends_with('\n'), "{ran:?}");
    assert_eq!(ran.out.lines().count(), 1, "{ran:?}");
    serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {ran:?}"))
}

fn list<'v>(value: &'v Value, field: &str) -> &'v [Value] {
    let list = value[field].as_array();
    list.unwrap_or_else(|| panic!("{field} of {value} is no list"))
}

/// What a report says of a guarantee.
fn guarantee<'v>(report: &'v Value, name: &str) -> &'v Value {
    let all = list(report, "guarantees").iter();
    let mut named = all.filter(|guarantee| guarantee["name"] == name);
    named
        .next()
        .unwrap_or_else(|| panic!("{name} is not in {report}"))
}

/// Asserts that a guarantee was violated, with evidence that the second check confirmed.
fn assert_violated(report: &Value, name: &str, outcome: &str, kinds: &[&str]) {
    let guarantee = guarantee(report, name);
    assert_eq!(guarantee["verdict"], "violated", "{report}");
    assert_eq!(guarantee["outcome"], outcome, "{report}");
    let anomalies = list(guarantee, "anomalies");
    assert!(!anomalies.is_empty(), "{guarantee}");
    for anomaly in anomalies {
        assert_eq!(anomaly["confirmed"], true, "{anomaly}");
        assert!(!list(anomaly, "operations").is_empty(), "{anomaly}");
        assert!(anomaly["explanation"].as_str().expect("words").len() > 20);
        let kind = anomaly["kind"].as_str().expect("a name");
        assert!(kinds.contains(&kind), "{anomaly}");
    }
}

fn assert_holds(report: &Value, name: &str, seeds: usize) {
    assert_eq!(report["exit"], 0, "{report}");
    let runs = list(report, "runs");
    assert_eq!(runs.len(), seeds);
    for run in runs {
        assert_eq!(guarantee(run, name)["outcome"], "holds", "{run}");
    }
}

#[test]
fn leaderless_shows_a_table_and_what_is_documented() {
    let folder = folder();
    let ran = line(folder.path(), "test leaderless");
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{ran:?}");
    for part in [
        "guarantee",
        "claimed",
        "observed",
        "evidence",
        "linearizable",
        "violated as documented",
        "confirmed",
        "replay: polygraph replay runs/",
    ] {
        assert!(ran.out.contains(part), "{part}: {}", ran.out);
    }
    let report = json("test leaderless");
    assert_eq!(guarantee(&report, "read-your-writes")["outcome"], "holds");
    assert_eq!(guarantee(&report, "read-your-writes")["claimed"], true);
    let documented = "violated-as-documented";
    assert_violated(&report, "linearizable", documented, STALE);
    assert_violated(
        &report,
        "monotonic-reads",
        documented,
        &["non-monotonic-read"],
    );
}

/// How a register may show that it is not linearizable.
const STALE: &[&str] = &["stale-read"];
/// With two leaders a compare-and-set may also find what had been replaced.
const BRAINS: &[&str] = &["stale-read", "lost-write"];

#[test]
fn consensus_holds_under_every_fault() {
    let faults = "test consensus --nemesis partition,kill,pause,clock --seeds 8 --keep-going";
    let registers = json(&format!("{faults} --workload register"));
    assert_holds(&registers, "linearizable", 8);
    let lists = json(&format!("{faults} --workload append"));
    assert_holds(&lists, "strict-serializable", 8);
}

#[test]
fn a_deposed_leader_reads_the_past() {
    let report = json(
        "test consensus --set read=leader-local --nemesis partition --guarantee linearizable --seeds 20",
    );
    assert_eq!(report["exit"], 1);
    assert_violated(&report, "linearizable", "violated", STALE);
}

#[test]
fn quorums_without_order_show_new_and_then_old() {
    let report = json("test leaderless --guarantee linearizable --seeds 50");
    assert_eq!(report["exit"], 1);
    assert_violated(&report, "linearizable", "violated", STALE);
}

#[test]
fn quorums_with_order_hold_under_every_fault() {
    let report = json(
        "test leaderless --set version=abd,repair=sync --nemesis partition,kill,pause,clock,slow \
         --guarantee linearizable --seeds 8 --keep-going",
    );
    assert_holds(&report, "linearizable", 8);
}

#[test]
fn followers_lag_as_documented() {
    let report = json("test single-leader --set replication=async,read=any --seeds 5");
    assert_eq!(report["exit"], 0);
    for name in ["read-your-writes", "monotonic-reads"] {
        let guarantee = guarantee(&report, name);
        assert_eq!(guarantee["outcome"], "violated-as-documented", "{name}");
    }
}

#[test]
fn failover_without_fencing_splits_the_brain() {
    let report = json(
        "test single-leader --set replication=async,failover=timeout,fencing=off \
         --guarantee linearizable --seeds 20",
    );
    assert_eq!(report["exit"], 1);
    assert_violated(&report, "linearizable", "violated", BRAINS);
}

#[test]
fn failover_of_an_asynchronous_leader_loses_adds() {
    let report = json(
        "test single-leader --set replication=async,failover=timeout --workload set \
         --nemesis partition,kill --guarantee durable --seeds 20",
    );
    assert_eq!(report["exit"], 1);
    assert_violated(&report, "durable", "violated", &["lost-add"]);
}

#[test]
fn a_fast_clock_wins_over_later_writes() {
    let report = json("test multi-leader --nemesis clock --guarantee read-your-writes --seeds 20");
    assert_eq!(report["exit"], 1);
    assert_violated(
        &report,
        "read-your-writes",
        "violated",
        &["stale-own-read", "lost-own-write"],
    );
}

#[test]
fn a_replay_has_identical_bytes() {
    let folder = folder();
    for test in [
        "test consensus --nemesis all --time 20s --seed 5",
        "test leaderless --workload set --nemesis kill,disk --time 20s",
        "test single-leader --nemesis partition,clock --seeds 2 --time 20s",
    ] {
        let ran = line(folder.path(), test);
        let runs = folder.path().join("runs");
        let first = fs::read(runs.join("latest/history.jsonl")).expect("a run is recorded");
        let before = fs::canonicalize(runs.join("latest")).expect("it is there");
        let again = line(folder.path(), "replay runs/latest");
        assert_eq!(again.code, ran.code, "{again:?}");
        assert!(again.out.contains("identical bytes"), "{again:?}");
        let after = fs::canonicalize(runs.join("latest")).expect("it is there");
        assert_ne!(before, after, "a replay writes its own folder");
        let second = fs::read(runs.join("latest/history.jsonl")).expect("it is recorded too");
        assert!(first == second && !first.is_empty());
        let report = one_line(&line(folder.path(), "replay runs/latest --json"));
        assert_eq!(report["exit"], ran.code);
    }
}

#[test]
fn a_replay_of_a_changed_record_says_so() {
    let folder = folder();
    assert_eq!(
        line(folder.path(), "test consensus --time 5s --nemesis none").code,
        0
    );
    let history = folder.path().join("runs/latest/history.jsonl");
    let text = fs::read_to_string(&history).expect("a run is recorded");
    fs::write(&history, text.replacen("\"time\":", "\"time\":1", 1)).expect("it can be changed");
    let ran = line(folder.path(), "replay runs/latest");
    assert_eq!(ran.code, 4, "{ran:?}");
    assert!(ran.out.contains("DIFFERENT BYTES"), "{ran:?}");
}

/// Takes away what may differ between two runs of a seed.
fn timeless(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for name in ["checked_in_ms", "run", "replay"] {
                fields.remove(name);
            }
            fields.values_mut().for_each(timeless);
        }
        Value::Array(items) => items.iter_mut().for_each(timeless),
        _ => {}
    }
}

#[test]
fn a_seed_twice_differs_in_times_and_folders_only() {
    for test in [
        "test leaderless --time 20s --seed 3",
        "test consensus --workload append --nemesis all --time 10s --seeds 3 --keep-going",
    ] {
        let (mut first, mut second) = (json(test), json(test));
        timeless(&mut first);
        timeless(&mut second);
        assert_eq!(first, second, "{test}");
    }
}

fn names(fields: &Map<String, Value>) -> BTreeSet<&str> {
    fields.keys().map(String::as_str).collect()
}

/// Asserts that an object has these fields at least.
fn assert_fields(value: &Value, fields: &[&str]) {
    let object = value.as_object();
    let object = object.unwrap_or_else(|| panic!("{value} is no object"));
    for field in fields {
        assert!(names(object).contains(field), "{field} is not in {value}");
    }
}

const OF_ALL: &[&str] = &[
    "polygraph",
    "command",
    "verdict",
    "exit",
    "operations",
    "faults",
    "truncated",
    "assumptions",
    "warnings",
    "guarantees",
];

const OF_TESTS: &[&str] = &[
    "target", "settings", "workload", "nemesis", "world", "seed", "seeds", "replay", "run",
];

const OF_GUARANTEES: &[&str] = &[
    "name",
    "verdict",
    "outcome",
    "claimed",
    "asked",
    "algorithm",
    "operations_checked",
    "indeterminate",
    "opportunities",
    "established",
    "reason",
    "anomalies",
    "anomaly_count",
    "checked_in_ms",
];

#[test]
fn reports_have_the_fields_of_the_contract() {
    let folder = folder();
    let ran = line(folder.path(), "test leaderless --json");
    let report = one_line(&ran);
    assert_fields(&report, OF_ALL);
    assert_fields(&report, OF_TESTS);
    assert_fields(&report["operations"], &["ok", "fail", "info"]);
    for family in list(&report, "faults") {
        assert_fields(family, &["kind", "planned", "applied", "verified"]);
        assert!(family["verified"].as_u64() > Some(0), "{family}");
    }
    for guarantee in list(&report, "guarantees") {
        assert_fields(guarantee, OF_GUARANTEES);
        for anomaly in list(guarantee, "anomalies") {
            assert_fields(anomaly, &["kind", "explanation", "operations", "confirmed"]);
        }
    }
    assert!(report.get("runs").is_none(), "only with --seeds");
    let path = report["run"].as_str().expect("a folder");
    let stored = fs::read_to_string(folder.path().join(path).join("verdict.json"));
    let mut stored: Value = serde_json::from_str(&stored.expect("it is there")).expect("JSON");
    let mut printed = report.clone();
    timeless(&mut stored);
    timeless(&mut printed);
    assert_eq!(stored, printed, "verdict.json is what --json prints");
    let history = format!("check {path}/history.jsonl --json");
    let checked = one_line(&line(folder.path(), &history));
    assert_fields(&checked, OF_ALL);
    assert_eq!(checked["command"], "check");
    assert_eq!(checked["exit"], 1, "linearizable is asked: {checked}");
}

#[test]
fn many_seeds_have_a_report_each() {
    let report = json("test consensus --nemesis kill --time 10s --seed 7 --seeds 3");
    assert_eq!((&report["seed"], &report["seeds"]), (&7.into(), &3.into()));
    let seeds: Vec<_> = list(&report, "runs")
        .iter()
        .map(|run| &run["seed"])
        .collect();
    assert_eq!(seeds, [7, 8, 9]);
    for run in list(&report, "runs") {
        assert_fields(run, OF_ALL);
    }
}

/// Asserts that a line is refused: exit 2, one sentence on stderr that has these parts, and nothing
/// on stdout but an error with `--json`.
fn assert_refused(folder: &Path, text: &str, parts: &[&str]) {
    let ran = line(folder, text);
    assert_eq!(ran.code, 2, "{text}: {ran:?}");
    assert_eq!(ran.out, "", "{text}");
    assert!(ran.err.starts_with("polygraph: "), "{text}: {ran:?}");
    assert!(!ran.err.contains("panicked"), "{text}: {ran:?}");
    assert_eq!(ran.err.lines().count(), 1, "one sentence: {text}: {ran:?}");
    for part in parts {
        assert!(ran.err.contains(part), "{text}: no `{part}` in {}", ran.err);
    }
    let with_json = line(folder, &format!("{text} --json"));
    assert_eq!((with_json.code, &with_json.err), (2, &ran.err), "{text}");
    let report = one_line(&with_json);
    assert_eq!(
        (&report["polygraph"], &report["exit"]),
        (&1.into(), &2.into())
    );
    assert_fields(&report["error"], &["kind", "message"]);
    let kind = report["error"]["kind"].as_str().expect("a kind");
    assert!(matches!(kind, "usage" | "input"), "{report}");
    let message = report["error"]["message"].as_str().expect("a sentence");
    assert_eq!(format!("polygraph: {message}\n"), ran.err);
    assert!(!folder.join("runs").exists(), "{text}: nothing runs");
}

#[test]
fn what_cannot_be_meant_is_refused() {
    let folder = folder();
    let refused: &[(&str, &[&str])] = &[
        ("test atlantis", &["atlantis", "leaderless", "consensus"]),
        (
            "test leaderless --guarantee perfect",
            &["perfect", "linearizable"],
        ),
        (
            "test leaderless --guarantee linearizable+durable",
            &["jointly", "commas"],
        ),
        ("test leaderless --set speed=9", &["speed", "repair"]),
        ("test leaderless --set w=9", &["w=9", "n=3"]),
        ("test leaderless --set w", &["key=value"]),
        ("test leaderless --set w=many", &["w=many", "integer"]),
        (
            "test leaderless --set moon.phase=full",
            &["moon", "workload.key"],
        ),
        ("test leaderless --set n=9", &["n=9", "5"]),
        ("test leaderless --nodes 0", &["--nodes 0", "1"]),
        (
            "test leaderless --nodes many",
            &["many", "--nodes", "whole number"],
        ),
        ("test leaderless --clients 0", &["--clients 0", "1"]),
        ("test leaderless --rate 0", &["--rate 0", "1"]),
        ("test leaderless --time never", &["never", "--time", "10ms"]),
        ("test leaderless --time 0s", &["--time", "10s"]),
        ("test leaderless --seeds 0", &["--seeds 0", "1"]),
        ("test leaderless --seed soon", &["soon", "random"]),
        ("test leaderless --world mars", &["mars", "sim", "local"]),
        (
            "test leaderless --workload append",
            &["append", "register", "set"],
        ),
        (
            "test leaderless --workload banking",
            &["banking", "register"],
        ),
        (
            "test leaderless --nemesis gremlins",
            &["gremlins", "partition"],
        ),
        ("test leaderless --nemesis none,kill", &["none", "alone"]),
        ("test leaderless --bug nope", &["nope", "ack-before-fsync"]),
        (
            "test consensus --set election-min=1s",
            &["election-min=1s", "election-max=300ms"],
        ),
        (
            "test single-leader --set failover=sometimes",
            &["sometimes", "timeout"],
        ),
        ("test", &["TARGET"]),
        (
            "dance",
            &[
                "dance",
                "test, check, lint, confirm, replay, report, serve, campaign, merge, compare, list, explain",
            ],
        ),
        ("test leaderless --speed 9", &["--speed", "--help"]),
        ("replay runs/none", &["runs/none"]),
    ];
    for (text, parts) in refused {
        assert_refused(folder.path(), text, parts);
    }
    for (text, part) in [
        ("explain atlantis", "list targets"),
        ("list atlantis", "targets"),
        ("list", "targets"),
        ("", "list"),
    ] {
        let ran = line(folder.path(), text);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{text}: {ran:?}");
        assert_eq!(ran.err.lines().count(), 1, "{text}: {ran:?}");
        assert!(ran.err.contains(part), "{text}: {ran:?}");
    }
}

#[test]
fn what_is_no_history_is_refused() {
    let folder = folder();
    let write = |name: &str, bytes: &[u8]| {
        fs::write(folder.path().join(name), bytes).expect("there is room");
    };
    let mut state = 1_u32;
    let random: Vec<u8> = (0..4096)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_le_bytes()[3]
        })
        .collect();
    write("empty", b"");
    write("random", &random);
    write(
        "cut.edn",
        b"{:process 0, :type :invoke, :f :read, :value nil}\n{:process 0, :type :o",
    );
    write("brackets", "[".repeat(200_000).as_bytes());
    write("braces", "{\"a\":".repeat(200_000).as_bytes());
    write(
        "headless.jsonl",
        b"{\"index\":0,\"time\":1,\"process\":0,\"type\":\"invoke\"}\n",
    );
    write("header.jsonl", b"{\"polygraph\":1}\n");
    write(
        "bad.jsonl",
        b"{\"polygraph\":1}\n{\"index\":0,\"time\":1,\"process\":0,\"type\":\"invoke\",\"op\":{\"read\":{\"key\":\"x\"}}}\nno\n{}\n",
    );
    write("fine.edn", b"{:process 0, :type :invoke, :f :write, :value 1}\n{:process 0, :type :ok, :f :write, :value 1}\n");
    fs::create_dir(folder.path().join("folder")).expect("there is room");
    let refused: &[(&str, &[&str])] = &[
        ("check empty", &["empty"]),
        ("check folder", &["folder", "directory", "history.jsonl"]),
        ("check random", &["random", "line 1"]),
        ("check cut.edn", &["cut.edn", "line 2"]),
        ("check brackets", &["brackets", "line 1"]),
        ("check braces", &["braces", "line 1"]),
        ("check headless.jsonl", &["headless.jsonl"]),
        ("check header.jsonl", &["header.jsonl", "no event"]),
        ("check bad.jsonl", &["bad.jsonl", "line 3"]),
        ("check nowhere", &["nowhere"]),
        (
            "check fine.edn --model list-append",
            &["list-append", "`register`"],
        ),
        ("check fine.edn --model chess", &["chess", "register"]),
        (
            "check fine.edn --guarantee perfect",
            &["perfect", "linearizable"],
        ),
        (
            "check fine.edn --format papyrus",
            &["papyrus", "jepsen-edn"],
        ),
        ("check fine.edn --max-time never", &["never", "10ms"]),
    ];
    for (text, parts) in refused {
        assert_refused(folder.path(), text, parts);
    }
    let fine = line(folder.path(), "check fine.edn");
    assert_eq!((fine.code, fine.err.as_str()), (0, ""), "{fine:?}");
}

#[test]
fn several_files_have_a_line_each_and_one_answer() {
    let folder = folder();
    let write = |name: &str, text: &str| {
        fs::write(folder.path().join(name), text).expect("there is room");
    };
    let written = "{:process 0, :type :invoke, :f :write, :value 1}\n{:process 0, :type :ok, :f :write, :value 1}\n";
    let read = |value: u8| {
        format!(
            "{{:process 1, :type :invoke, :f :read, :value nil}}\n{{:process 1, :type :ok, :f :read, :value {value}}}\n"
        )
    };
    write("fine.edn", &format!("{written}{}", read(1)));
    write("wrong.edn", &format!("{written}{}", read(2)));
    write("empty.edn", "");
    let ran = line(folder.path(), "check fine.edn wrong.edn");
    assert_eq!(ran.code, 1, "{ran:?}");
    let lines: Vec<&str> = ran.out.lines().collect();
    assert_eq!(lines.len(), 3, "{ran:?}");
    assert!(lines[0].starts_with("holds") && lines[0].ends_with("fine.edn"));
    assert!(lines[1].starts_with("violated") && lines[1].contains("phantom-read"));
    assert_eq!(lines[2], "2 files: 1 hold, 1 violated, 0 unknown");
    // One that cannot be read does not hide what the others say.
    let ran = line(folder.path(), "check fine.edn empty.edn wrong.edn --json");
    assert_eq!(ran.code, 2, "{ran:?}");
    let report = one_line(&ran);
    let codes: Vec<_> = list(&report, "runs")
        .iter()
        .map(|run| &run["exit"])
        .collect();
    assert_eq!(codes, [0, 2, 1]);
    assert_eq!(report["verdict"], "none");
    assert_eq!(report["runs"][2]["file"], "wrong.edn");
    assert_eq!(report["operations"]["ok"], 4);
}

#[test]
fn abd_that_does_not_write_back_claims_nothing() {
    // Allowed, and silent: it wants repair=sync to claim anything of what clients see.
    let report = json("test leaderless --set version=abd --time 20s");
    assert_eq!(report["exit"], 0);
    for guarantee in list(&report, "guarantees") {
        let claimed = guarantee["claimed"] == true;
        assert!(!claimed || guarantee["name"] == "recovers", "{guarantee}");
    }
}

#[test]
fn lists_and_explanations_know_every_name() {
    let folder = folder();
    let kinds: &[(&str, &[&str])] = &[
        (
            "targets",
            &["single-leader", "multi-leader", "leaderless", "consensus"],
        ),
        ("workloads", &["register", "set", "append"]),
        (
            "nemeses",
            &["partition", "clock", "kill", "pause", "slow", "disk"],
        ),
        ("guarantees", &["linearizable", "durable", "converges"]),
        ("formats", &["polygraph", "jepsen-edn", "porcupine-kv"]),
    ];
    for (kind, names) in kinds {
        let ran = line(folder.path(), &format!("list {kind}"));
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{kind}: {ran:?}");
        for name in *names {
            assert!(ran.out.contains(name), "{kind}: {}", ran.out);
        }
    }
    for name in kinds[..4].iter().flat_map(|(_, names)| *names) {
        let ran = line(folder.path(), &format!("explain {name}"));
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{name}: {ran:?}");
        assert!(ran.out.contains(name), "{ran:?}");
    }
    let help = line(folder.path(), "--help");
    assert_eq!((help.code, help.err.as_str()), (0, ""));
    assert!(
        help.out.contains("replay") && !help.out.contains("node"),
        "{help:?}"
    );
}
