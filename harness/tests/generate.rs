//! `generate` and `check` end to end: the verdict is the one by construction.

mod program;

use std::path::Path;

use program::{Ran, polygraph};
use serde_json::Value;
use tempfile::TempDir;

fn folder() -> TempDir {
    tempfile::tempdir().expect("there is room for temporary files")
}

/// Runs a line, its words parted by spaces.
fn line(folder: &Path, line: &str) -> Ran {
    polygraph(folder, &line.split_whitespace().collect::<Vec<_>>())
}

fn json(ran: &Ran) -> Value {
    serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {ran:?}"))
}

#[test]
fn check_finds_the_verdict_by_construction() {
    let folder = folder();
    let register = ["none", "stale-read", "phantom-read"];
    let cas_register = [
        "none",
        "stale-read",
        "phantom-read",
        "lost-write",
        "cas-double-success",
    ];
    for (model, violations) in [("register", &register[..]), ("cas-register", &cas_register)] {
        for violation in violations {
            for (shape, format) in [
                ("--clients 5 --crash-rate 1%", "polygraph"),
                ("--clients 20 --keys 4 --crash-rate 1%", "polygraph"),
                ("--clients 20 --keys 4", "jepsen-edn"),
                ("--clients 5", "jepsen-edn"),
            ] {
                let make = format!(
                    "generate lin --model {model} --ops 4000 {shape} --format {format} \
                     --violation {violation} --json -o h"
                );
                let made = line(folder.path(), &make);
                assert_eq!(made.code, 0, "{make}: {made:?}");
                let made = json(&made);
                let check = "check h --json --guarantee linearizable";
                let checked = line(folder.path(), &format!("{check} --model {model}"));
                let report = json(&checked);
                let guarantee = &report["guarantees"][0];
                assert_eq!(guarantee["verdict"], made["verdict"], "{make}: {report}");
                assert_eq!(made["verdict"] == "violated", *violation != "none");
                if *violation != "none" {
                    let anomaly = &guarantee["anomalies"][0];
                    assert_eq!(anomaly["confirmed"], true, "{make}: {report}");
                    assert_eq!(anomaly["key"], made["violation"]["key"], "{make}");
                }
            }
        }
    }
}

#[test]
fn porcupine_s_rows_are_judged_alike() {
    let folder = folder();
    for (violation, code) in [("none", 0), ("stale-read", 1)] {
        let make = format!(
            "generate lin --ops 2000 --keys 3 --format porcupine-kv --violation {violation} -o h"
        );
        let made = line(folder.path(), &make);
        assert!(made.out.contains("by construction"), "{made:?}");
        assert_eq!(line(folder.path(), "check h").code, code);
    }
}

#[test]
fn histories_go_to_the_standard_output_and_are_the_same_each_time() {
    let folder = folder();
    let make = "generate lin --model cas-register --ops 100 --crash-rate 5% --seed 7";
    let first = line(folder.path(), make);
    assert_eq!(first.code, 0);
    assert!(first.out.starts_with("{\"polygraph\":1}\n{\"index\":0,"));
    assert_eq!(first.out, line(folder.path(), make).out);
    line(folder.path(), &format!("{make} -o h"));
    let file = std::fs::read_to_string(folder.path().join("h")).expect("it was written");
    assert_eq!(first.out, file);
}

#[test]
fn contradictions_are_usage_errors_that_leave_no_file() {
    let folder = folder();
    for (arguments, said) in [
        (
            "--model fifo-queue --violation stale-read",
            "it can have overtake",
        ),
        ("--model nothing", "there are register"),
        ("--violation nothing", "there are stale-read"),
        ("--values some", "unique"),
        ("--crash-rate 2", "a ratio from 0 to 1"),
        (
            "--model stack --values 5 --violation overtake",
            "--values unique",
        ),
        (
            "--model stack --format jepsen-edn",
            "it has those of register",
        ),
        ("--clients 0", "at least one"),
        ("--ops 3 --violation stale-read", "more operations"),
        ("--json", "--output"),
    ] {
        let output = if arguments == "--json" { "" } else { "-o h" };
        let ran = line(folder.path(), &format!("generate lin {arguments} {output}"));
        assert_eq!(ran.code, 2, "{arguments}: {ran:?}");
        assert!(ran.err.contains(said), "{arguments}: {}", ran.err);
        assert!(!folder.path().join("h").exists(), "{arguments}");
    }
    let ran = line(folder.path(), "generate");
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("there are lin, txn"), "{}", ran.err);
}

#[test]
fn evidence_is_drawn_below_the_table() {
    let folder = folder();
    line(
        folder.path(),
        "generate lin --ops 400 --violation stale-read -o h",
    );
    let ran = line(folder.path(), "check h");
    let (_, below) = ran.out.split_once("╯\n").expect("a table");
    assert!(below.contains("(linearizable)"), "{}", ran.out);
    for drawn in ["├", "┤", "┴", " s"] {
        assert!(below.contains(drawn), "{drawn}: {}", ran.out);
    }
    assert!(
        below.lines().all(|line| line.chars().count() <= 80),
        "{below}"
    );
    let ran = line(folder.path(), "check h --ascii");
    assert!(ran.out.is_ascii() && ran.out.contains("|-"), "{}", ran.out);
    let ran = line(folder.path(), "check h --json");
    assert_eq!(ran.out.lines().count(), 1);
}

#[test]
fn transactions_have_the_verdict_by_construction() {
    let folder = folder();
    for (make, code) in [
        ("--workload append --fail-rate 2% --crash-rate 2%", 0),
        (
            "--workload append --format jepsen-edn --rmw --distribution zipf",
            0,
        ),
        ("--anomaly G-single-process --format jepsen-edn", 1),
        ("--anomaly incompatible-order --distribution uniform", 1),
    ] {
        let make = format!("generate txn {make} --json -o h");
        let made = line(folder.path(), &make);
        assert_eq!(made.code, 0, "{make}: {made:?}");
        let made = json(&made);
        let verdict = ["holds", "violated"][code as usize];
        assert_eq!(made["verdict"], verdict, "{make}: {made}");
        let checked = line(
            folder.path(),
            "check h --json --guarantee strict-serializable",
        );
        assert_eq!(checked.code, code, "{make}: {checked:?}");
        let report = json(&checked);
        assert_eq!(
            report["guarantees"][0]["verdict"], verdict,
            "{make}: {report}"
        );
        if code == 1 {
            let anomaly = &report["guarantees"][0]["anomalies"][0];
            // Cycles of items say so in their names.
            let kind = anomaly["kind"]
                .as_str()
                .expect("a kind")
                .replace("-item", "");
            assert_eq!(kind, made["anomaly"]["kind"], "{make}");
            assert_eq!(anomaly["confirmed"], true, "{make}");
        }
    }
}

#[test]
fn plans_of_transactions_that_contradict_themselves_leave_no_file() {
    let folder = folder();
    for (arguments, said) in [
        ("--store nothing", "there are strict-serializable"),
        ("--anomaly nothing", "there are G0"),
        ("--workload register --anomaly G0", "it can have G1a"),
        ("--length 8-1", "--length 1-8"),
        ("--format plume", "--workload register"),
        ("--anomaly long-fork --clients 2", "--clients 4"),
    ] {
        let ran = line(folder.path(), &format!("generate txn {arguments} -o h"));
        assert_eq!(ran.code, 2, "{arguments}: {ran:?}");
        assert!(ran.err.contains(said), "{arguments}: {}", ran.err);
        assert!(!folder.path().join("h").exists(), "{arguments}");
    }
}

#[test]
fn cycles_are_drawn_below_the_table_and_as_files() {
    let folder = folder();
    line(folder.path(), "generate txn --anomaly G0 -o h");
    let ran = line(folder.path(), "check h --cycles drawn");
    let (_, below) = ran.out.split_once("╯\n").expect("a table");
    assert!(below.contains("G0 (strict-serializable)"), "{}", ran.out);
    for drawn in ["╭─▶│ ", "T2 (client ", "ww x", "╰─────╯"] {
        assert!(below.contains(drawn), "{drawn}: {}", ran.out);
    }
    assert!(
        below.lines().all(|line| line.chars().count() <= 80),
        "{below}"
    );
    assert!(below.contains("drawn in drawn as SVG and DOT"), "{below}");
    let file = |name| std::fs::read_to_string(folder.path().join("drawn").join(name));
    let svg = file("G0-1.svg").expect("it was written");
    assert!(
        svg.starts_with("<svg ") && svg.contains(">T2 (client "),
        "{svg}"
    );
    let dot = file("G0-1.dot").expect("it was written");
    assert!(dot.contains("T2 -> T1"), "{dot}");
    let ran = line(folder.path(), "check h --ascii");
    assert!(
        ran.out.is_ascii() && ran.out.contains("+->|"),
        "{}",
        ran.out
    );
    let report = json(&line(folder.path(), "check h --json"));
    let steps = &report["guarantees"][0]["anomalies"][0]["cycle"]["steps"];
    assert_eq!(steps.as_array().map(Vec::len), Some(2), "{report}");
    let ran = line(folder.path(), "check h h --cycles drawn");
    assert_eq!(ran.code, 2, "{ran:?}");
}

#[test]
fn levels_are_explained_by_the_histories_that_tell_them_apart() {
    let folder = folder();
    let ran = line(folder.path(), "explain snapshot-isolation");
    assert_eq!(ran.code, 0, "{ran:?}");
    for said in [
        "implied by\n  strong-session-snapshot-isolation, serializable\n",
        "implies\n  consistent-view\n",
        "it allows what serializable rules out: write-skew\n",
        "it rules out what consistent-view allows: ",
        "T1 read [], before T2 wrote 1",
    ] {
        assert!(ran.out.contains(said), "{said}: {}", ran.out);
    }
    let ran = line(folder.path(), "explain repeatable-read");
    assert!(
        ran.out.contains("only where predicates are read"),
        "{}",
        ran.out
    );
}
