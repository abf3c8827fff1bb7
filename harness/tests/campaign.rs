//! Campaigns, as their users run them: the product, expectations, resuming, shards, memory.

#![cfg(unix)]

mod program;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;
use program::{Ran, polygraph};
use serde_json::Value;
use tempfile::TempDir;

/// Ten tests, of which two are not possible; a second or so in all.
const SMALL: &str = r#"
name = "small"
targets = ["leaderless", "consensus"]
workloads = ["register", "append"]
nemeses = ["partition", "kill"]
seeds = 3
time = "20s"
"#;

/// Without fencing two leaders answer: some seed of these shows it.
const BRAINS: &str = r#"
name = "brains"
targets = ["single-leader"]
nemeses = ["partition"]
seeds = 8
guarantees = ["linearizable"]

[settings.single-leader]
split = { failover = "timeout", fencing = "off" }
"#;

fn folder(campaign: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("there is room for temporary files");
    fs::write(folder.path().join("c.toml"), campaign).expect("there is room");
    folder
}

fn line(folder: &Path, line: &str) -> Ran {
    polygraph(folder, &line.split_whitespace().collect::<Vec<_>>())
}

/// The newest folder of `out`.
fn latest(folder: &Path, out: &str) -> PathBuf {
    let path = folder.join(out).join("latest");
    fs::canonicalize(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"))
}

fn bytes(folder: &Path, out: &str) -> String {
    let file = latest(folder, out).join("verdicts.json");
    fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file:?}: {error}"))
}

fn verdicts(folder: &Path, out: &str) -> Value {
    serde_json::from_str(&bytes(folder, out)).expect("verdicts are JSON")
}

fn list<'v>(value: &'v Value, field: &str) -> &'v [Value] {
    let list = value[field].as_array();
    list.unwrap_or_else(|| panic!("{field} of {value} is no list"))
}

/// What a campaign says of a guarantee of a test.
fn status(verdicts: &Value, cell: &str, guarantee: &str) -> String {
    let named = list(verdicts, "cells").iter().find(|it| it["name"] == cell);
    let named = named.unwrap_or_else(|| panic!("{cell} is not in {verdicts}"));
    let found = list(named, "guarantees")
        .iter()
        .find(|it| it["name"] == guarantee);
    let found = found.unwrap_or_else(|| panic!("{guarantee} is not in {named}"));
    found["status"].as_str().expect("a status").to_owned()
}

#[test]
fn the_product_runs_and_what_is_not_possible_is_listed() {
    let folder = folder(SMALL);
    let ran = line(folder.path(), "campaign c.toml --events events.jsonl");
    assert_eq!(ran.code, 0, "{ran:?}");
    let found = verdicts(folder.path(), "campaigns");
    assert_eq!(
        (list(&found, "cells").len(), &found["ran"]),
        (6, &18.into())
    );
    let incompatible = list(&found, "incompatible");
    assert_eq!(incompatible.len(), 2);
    for it in incompatible {
        assert_eq!(it["line"], 3, "{it}");
        assert!(
            it["why"]
                .as_str()
                .expect("why")
                .contains("does not support"),
            "{it}"
        );
    }
    let (cell, documented) = (
        "leaderless/register/partition/sim",
        "violated-as-documented",
    );
    assert_eq!(status(&found, cell, "linearizable"), documented);
    assert_eq!(
        status(&found, "consensus/append/kill/sim", "strict-serializable"),
        "holds"
    );
    // One line a test, which says how it is run alone; and so it is.
    let told: Vec<&str> = ran
        .err
        .lines()
        .filter(|it| it.contains(" · polygraph test "))
        .collect();
    assert_eq!(told.len(), 6, "{}", ran.err);
    let alone = told
        .iter()
        .find(|it| it.contains(cell))
        .expect("it is told");
    let (_, alone) = alone.split_once(" · polygraph ").expect("a command");
    let again = line(folder.path(), &format!("{alone} --json"));
    let again: Value = serde_json::from_str(&again.out).expect("one line of JSON");
    assert_eq!((&again["exit"], list(&again, "runs").len()), (&0.into(), 3));
    let counted = list(&found, "cells")
        .iter()
        .find(|it| it["name"] == cell)
        .expect("a test");
    assert_eq!(again["operations"], counted["operations"], "the same runs");
    for row in ran.out.lines() {
        assert!(row.chars().count() <= 80, "{row}");
    }
    for part in [
        "partition",
        "kill",
        "leaderless register",
        "consensus append",
        "ok d",
    ] {
        assert!(ran.out.contains(part), "{part}: {}", ran.out);
    }
    let events = fs::read_to_string(folder.path().join("events.jsonl")).expect("events");
    let kinds: Vec<String> = events
        .lines()
        .map(|it| serde_json::from_str::<Value>(it).expect("an event"))
        .map(|it| it["event"].as_str().expect("a kind").to_owned())
        .collect();
    let count = |kind: &str| kinds.iter().filter(|it| *it == kind).count();
    assert_eq!(
        (kinds[0].as_str(), count("run-finished")),
        ("campaign-started", 18)
    );
    assert_eq!((count("cell-finished"), count("campaign-finished")), (6, 1));
}

#[test]
fn what_is_listed_is_what_runs() {
    let text = format!(
        "{SMALL}\n[[exclude]]\ntarget = \"leaderless\"\nnemesis = [\"kill\"]\nwhy = \"slow\"\n\
         [profile.pr]\nseeds = 1\ntargets = [\"consensus\"]\nruns = 3\n"
    );
    let folder = folder(&text);
    let ran = line(folder.path(), "campaign c.toml --list");
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{ran:?}");
    assert!(
        ran.out
            .contains("5 tests, 15 runs; 1 incompatible, 2 excluded"),
        "{}",
        ran.out
    );
    assert!(!folder.path().join("campaigns").exists(), "nothing runs");
    let ran = line(folder.path(), "campaign c.toml --profile pr --json");
    let found: Value = serde_json::from_str(&ran.out).expect("one line of JSON");
    // Three runs, one of each test as far as they go; of the fourth nothing is known.
    assert_eq!(
        (ran.code, &found["ran"], &found["verdict"]),
        (3, &3.into(), &"unknown".into())
    );
    assert_eq!(list(&found, "cells").len(), 4);
    assert_eq!(ran.err, "");
}

#[test]
fn quiet_says_the_table_only_and_colours_are_not_written_to_files() {
    let folder = folder(SMALL);
    let ran = line(folder.path(), "campaign c.toml --quiet");
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{ran:?}");
    assert!(!ran.out.contains('\u{1b}'), "{ran:?}");
}

#[test]
fn expectations_decide() {
    // Nobody expects it: it fails.
    let folder = folder(BRAINS);
    let ran = line(folder.path(), "campaign c.toml --no-memory");
    let cell = "single-leader[split]/register/partition/sim";
    assert_eq!(ran.code, 1, "{ran:?}");
    let found = verdicts(folder.path(), "campaigns");
    assert_eq!(status(&found, cell, "linearizable"), "violated");
    assert!(
        ran.out.contains("--seed"),
        "how it is had again: {}",
        ran.out
    );
    let violated = list(&list(&found, "cells")[0], "guarantees")[0]["violated"].clone();
    // The record of a run that fails is kept, and can be replayed.
    let runs = latest(folder.path(), "campaigns").join("runs");
    let kept = fs::read_dir(runs)
        .expect("records")
        .next()
        .expect("one at least");
    let kept = kept.expect("it can be read").path();
    let again = polygraph(
        folder.path(),
        &["replay", kept.to_str().expect("a name"), "--quiet"],
    );
    assert_eq!(again.code, 1, "{again:?}");
    assert!(again.out.contains("identical bytes"), "{again:?}");
    // Expected: it passes, and says so.
    let expect = "\n[[expect]]\ntarget = \"single-leader\"\nguarantee = \"linearizable\"\n\
                  must-be-seen = true\nwhy = \"no fencing\"\n";
    fs::write(folder.path().join("c.toml"), format!("{BRAINS}{expect}")).expect("there is room");
    let ran = line(folder.path(), "campaign c.toml --no-memory");
    assert_eq!(ran.code, 0, "{ran:?}");
    let found = verdicts(folder.path(), "campaigns");
    assert_eq!(status(&found, cell, "linearizable"), "expected");
    assert_eq!(
        list(&list(&found, "cells")[0], "guarantees")[0]["violated"],
        violated
    );
    // Expected by another anomaly: it fails.
    let other = format!(
        "{BRAINS}{}",
        expect.replace("must", "anomaly = \"lost-add\"\nmust")
    );
    fs::write(folder.path().join("c.toml"), other).expect("there is room");
    assert_eq!(line(folder.path(), "campaign c.toml --no-memory").code, 1);
    // Expected, and gone.
    let fenced = format!("{BRAINS}{expect}").replace("fencing = \"off\"", "fencing = \"epoch\"");
    let fenced = fenced.replace("failover = \"timeout\", ", "");
    fs::write(folder.path().join("c.toml"), &fenced).expect("there is room");
    let ran = line(folder.path(), "campaign c.toml --no-memory");
    assert_eq!(ran.code, 1, "{ran:?}");
    let found = verdicts(folder.path(), "campaigns");
    assert_eq!(status(&found, cell, "linearizable"), "not-seen");
    // Nobody asks that it be seen: gone is fine.
    let relaxed = fenced.replace("must-be-seen = true\n", "");
    fs::write(folder.path().join("c.toml"), relaxed).expect("there is room");
    assert_eq!(line(folder.path(), "campaign c.toml --no-memory").code, 0);
}

#[test]
fn the_first_failure_ends_it_if_asked() {
    let folder = folder(BRAINS);
    let whole = line(folder.path(), "campaign c.toml --no-memory --quiet");
    assert_eq!(whole.code, 1);
    let all = verdicts(folder.path(), "campaigns");
    let first = list(&list(&all, "cells")[0], "guarantees")[0]["violated"][0].clone();
    let ran = line(
        folder.path(),
        "campaign c.toml --no-memory --fail-fast --out f --quiet",
    );
    assert_eq!(ran.code, 1, "{ran:?}");
    let found = verdicts(folder.path(), "f");
    // One test: seed after seed, up to the first that is violated and no further.
    assert_eq!(
        (&found["ran"], &found["ended"]),
        (&first, &"fail-fast".into())
    );
}

/// The lines of the journal: test and seed of each run.
fn journal(folder: &Path) -> Vec<(String, u64)> {
    let text = fs::read_to_string(folder.join("journal.jsonl")).unwrap_or_default();
    let lines = text.lines().skip(1);
    let lines = lines.filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines
        .map(|line| {
            let cell = line["cell"].as_str().expect("a test").to_owned();
            (cell, line["seed"].as_u64().expect("a seed"))
        })
        .collect()
}

/// A campaign that is running, and has done ten runs at least.
fn begun(folder: &Path, out: &str) -> Child {
    let child = Command::new(env!("CARGO_BIN_EXE_polygraph"))
        .args(["campaign", "c.toml", "--out", out, "--quiet"])
        .current_dir(folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let done = fs::canonicalize(folder.join(out).join("latest")).map(|it| journal(&it));
        if done.is_ok_and(|done| done.len() >= 10) {
            return child;
        }
        assert!(Instant::now() < deadline, "nothing is written down");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn interrupted_it_says_what_there_is_and_goes_on() {
    let folder = folder(&SMALL.replace("seeds = 3", "seeds = 20"));
    let mut child = begun(folder.path(), "c");
    let pid = Pid::from_raw(i32::try_from(child.id()).expect("a pid"));
    signal::kill(pid, Signal::SIGINT).expect("it runs");
    let code = child.wait().expect("it ends").code();
    assert_eq!(code, Some(130));
    let found = verdicts(folder.path(), "c");
    assert_eq!(found["ended"], "interrupted");
    let ran = line(folder.path(), "campaign c.toml --out c --resume --quiet");
    assert_eq!(ran.code, 0, "{ran:?}");
    let resumed = bytes(folder.path(), "c");
    assert_eq!(
        line(folder.path(), "campaign c.toml --out whole --quiet").code,
        0
    );
    assert!(
        resumed == bytes(folder.path(), "whole"),
        "what was cut short does not count"
    );
}

#[test]
fn killed_and_resumed_is_the_same_and_nothing_runs_twice() {
    let folder = folder(&SMALL.replace("seeds = 3", "seeds = 20"));
    assert_eq!(
        line(folder.path(), "campaign c.toml --out whole --quiet").code,
        0
    );
    let mut child = begun(folder.path(), "killed");
    child.kill().expect("it is killed with SIGKILL");
    child.wait().expect("it is dead");
    let killed = latest(folder.path(), "killed");
    let before = journal(&killed);
    assert!(before.len() < 120, "it was killed before it was over");
    assert!(!killed.join("verdicts.json").exists());
    // A run that was being written down when the machine died.
    let mut text = fs::read_to_string(killed.join("journal.jsonl")).expect("a journal");
    text += "{\"cell\":\"leaderless/regi";
    fs::write(killed.join("journal.jsonl"), text).expect("there is room");
    let ran = line(folder.path(), "campaign c.toml --out killed --resume");
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(
        ran.err
            .contains(&format!("{} of its runs are done", before.len())),
        "{}",
        ran.err
    );
    assert_eq!(
        latest(folder.path(), "killed"),
        killed,
        "it goes on in the same folder"
    );
    assert_eq!(
        bytes(folder.path(), "killed"),
        bytes(folder.path(), "whole")
    );
    let after = journal(&killed);
    assert_eq!(after[..before.len()], before);
    let distinct: BTreeSet<_> = after.iter().collect();
    assert_eq!(
        (after.len(), distinct.len()),
        (120, 120),
        "nothing runs twice"
    );
    // Once more: nothing is left to do.
    let ran = line(
        folder.path(),
        "campaign c.toml --out killed --resume --quiet",
    );
    assert_eq!((ran.code, journal(&killed).len()), (0, 120));
    // Of another campaign it is not.
    fs::write(folder.path().join("c.toml"), SMALL).expect("there is room");
    let name = killed
        .file_name()
        .expect("a name")
        .to_string_lossy()
        .into_owned();
    let ran = line(
        folder.path(),
        &format!("campaign c.toml --resume=killed/{name}"),
    );
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.err.contains("of another campaign"), "{ran:?}");
}

#[test]
fn shards_merged_are_the_whole() {
    let folder = folder(SMALL);
    assert_eq!(
        line(folder.path(), "campaign c.toml --out whole --quiet").code,
        0
    );
    let whole = bytes(folder.path(), "whole");
    for count in 1..=7 {
        let mut merge = format!("merge --out m{count} --quiet");
        let mut ran = Vec::new();
        for index in 1..=count {
            let out = format!("s{count}-{index}");
            let shard = format!("campaign c.toml --shard {index}/{count} --out {out} --quiet");
            let code = line(folder.path(), &shard).code;
            assert_eq!(code, 0, "{shard}");
            merge += &format!(" {out}/latest");
            ran.extend(journal(&latest(folder.path(), &out)));
        }
        let distinct: BTreeSet<_> = ran.iter().collect();
        assert_eq!(
            (ran.len(), distinct.len()),
            (18, 18),
            "each run is one shard's"
        );
        let merged = line(folder.path(), &merge);
        assert_eq!(merged.code, 0, "{merged:?}");
        assert!(
            bytes(folder.path(), &format!("m{count}")) == whole,
            "{count} shards"
        );
    }
    // One is missing: that is not a whole.
    let ran = line(folder.path(), "merge s3-1/latest s3-3/latest --out missing");
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.err.contains("are in none of these folders"), "{ran:?}");
    // Another campaign's shard.
    fs::write(
        folder.path().join("c.toml"),
        SMALL.replace("seeds = 3", "seeds = 2"),
    )
    .expect("room");
    assert_eq!(
        line(
            folder.path(),
            "campaign c.toml --shard 2/3 --out other --quiet"
        )
        .code,
        0
    );
    let ran = line(
        folder.path(),
        "merge s3-1/latest other/latest s3-3/latest --out missing",
    );
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.err.contains("of another campaign"), "{ran:?}");
}

#[test]
fn failures_are_remembered_and_run_first() {
    let folder = folder(BRAINS);
    let memory = folder.path().join("c.failures.jsonl");
    assert_eq!(line(folder.path(), "campaign c.toml --quiet").code, 1);
    let text = fs::read_to_string(&memory).expect("failures are kept beside the campaign");
    let first: Value = serde_json::from_str(text.lines().next().expect("one")).expect("JSON");
    let seed = first["seed"].as_u64().expect("a seed");
    for (field, value) in [
        ("cell", "single-leader[split]/register/partition/sim"),
        ("guarantee", "linearizable"),
        ("version", env!("CARGO_PKG_VERSION")),
    ] {
        assert_eq!(first[field], value, "{first}");
    }
    assert_eq!(first["fails"], true);
    assert!(!first["anomaly"].as_str().expect("a kind").is_empty());
    // A profile with other seeds runs what failed all the same, and first.
    let nightly = format!("{BRAINS}\n[profile.other]\nseeds = 1\nfirst-seed = 5000\n");
    fs::write(folder.path().join("c.toml"), &nightly).expect("there is room");
    let ran = line(folder.path(), "campaign c.toml --profile other --out n");
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.out.contains("still fails"), "{}", ran.out);
    let ran = journal(&latest(folder.path(), "n"));
    assert!(ran.iter().any(|(_, it)| *it == 5000) && ran.iter().any(|(_, it)| *it == seed));
    // Mended: it says so, and goes on looking.
    let mended = nightly.replace(
        "failover = \"timeout\", fencing = \"off\"",
        "read = \"leader\"",
    );
    fs::write(folder.path().join("c.toml"), mended).expect("there is room");
    let ran = line(folder.path(), "campaign c.toml --profile other");
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.contains("no longer fails"), "{}", ran.out);
    let text = fs::read_to_string(&memory).expect("it is kept");
    assert!(
        text.contains("\"fails\":false") && !text.contains("\"fails\":true"),
        "{text}"
    );
}

#[test]
fn real_processes_run_one_at_a_time_in_the_same_campaign() {
    let folder = folder(
        "targets = [\"consensus\"]\nnemeses = [\"none\"]\nworlds = [\"sim\", \"local\"]\n\
         time = \"2s\"\nguarantees = [\"recovers\"]\n",
    );
    let ran = line(folder.path(), "campaign c.toml");
    assert_eq!(ran.code, 0, "{ran:?}");
    let found = verdicts(folder.path(), "campaigns");
    assert_eq!(
        status(&found, "consensus/register/none/local", "recovers"),
        "holds"
    );
    assert!(ran.out.contains("none local"), "{}", ran.out);
    // No seed brings it back: its record is kept.
    let runs = latest(folder.path(), "campaigns").join("runs");
    let kept = fs::read_dir(runs).expect("records").count();
    assert_eq!(kept, 1);
}
