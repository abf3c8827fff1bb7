//! Other people's histories through `polygraph check`: what it answers is what their manifests
//! say, or a disagreement that is named here.

mod program;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use polygraph_checker::{Options, isolation};
use polygraph_history::{ReadOptions, read};
use program::{Ran, polygraph};
use serde_json::Value;

/// Where histories of one kind are, if they are there.
fn corpora(kind: &str) -> Option<PathBuf> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared");
    let shared = std::env::var("POLYGRAPH_SHARED").unwrap_or_else(|_| default.to_owned());
    let corpora = Path::new(&shared).join("corpora").join(kind);
    let found = corpora.join("MANIFEST.tsv").is_file();
    if !found {
        println!("skipped: there are no corpora at {}", corpora.display());
    }
    found.then_some(corpora)
}

/// The rows of a manifest whose files are in a folder, each as its fields.
fn rows(corpora: &Path, folder: &str) -> Vec<Vec<String>> {
    let manifest = fs::read_to_string(corpora.join("MANIFEST.tsv")).expect("it was there");
    let rows = manifest
        .lines()
        .map(|line| line.split('\t').map(str::to_owned).collect::<Vec<_>>());
    rows.filter(|row| row[2].starts_with(folder)).collect()
}

/// `polygraph check FILE --json …`.
fn check(corpora: &Path, file: &str, more: &[&str]) -> (Ran, Value) {
    let mut arguments = vec!["check", file, "--json"];
    arguments.extend(more);
    let ran = polygraph(corpora, &arguments);
    assert_eq!(ran.out.lines().count(), 1, "{file}: {ran:?}");
    let report = serde_json::from_str(&ran.out).expect("a line of JSON");
    (ran, report)
}

/// Asserts that the exit code, the verdict and its evidence fit together.
fn assert_answer(file: &str, ran: &Ran, report: &Value, holds: bool) {
    let (code, verdict) = if holds { (0, "holds") } else { (1, "violated") };
    assert_eq!((ran.code, ran.err.as_str()), (code, ""), "{file}: {ran:?}");
    assert_eq!(report["exit"], code, "{file}");
    assert_eq!(report["verdict"], verdict, "{file}");
    let guarantee = &report["guarantees"][0];
    assert_eq!(guarantee["verdict"], verdict, "{file}");
    assert_eq!(guarantee["asked"], true, "{file}");
    let anomalies = guarantee["anomalies"].as_array().expect("a list");
    assert_eq!(anomalies.is_empty(), holds, "{file}: {guarantee}");
    for anomaly in anomalies {
        assert_eq!(anomaly["confirmed"], true, "{file}: {anomaly}");
    }
}

/// The log of a run in which etcd did not start. Porcupine calls a history without operations
/// linearizable; we call a file without events no history.
const WITHOUT_EVENTS: &str = "porcupine/jepsen/etcd_095.log";

#[test]
fn etcd_logs_have_the_verdicts_of_their_manifest() {
    let Some(corpora) = corpora("lin") else {
        return;
    };
    let rows = rows(&corpora, "porcupine/jepsen/");
    assert_eq!(rows.len(), 103);
    let (mut valid, mut invalid, mut disagreements) = (0, 0, Vec::new());
    for row in &rows {
        let (file, expected) = (row[2].as_str(), row[5].as_str());
        let (ran, report) = check(&corpora, file, &["--model", "cas-register"]);
        if file == WITHOUT_EVENTS {
            assert_eq!((ran.code, &report["error"]["kind"]), (2, &"input".into()));
            assert!(ran.err.contains("empty"), "{ran:?}");
            disagreements.push(file);
            continue;
        }
        assert!(
            matches!(expected, "valid" | "invalid"),
            "{file}: {expected}"
        );
        assert_answer(file, &ran, &report, expected == "valid");
        *(if expected == "valid" {
            &mut valid
        } else {
            &mut invalid
        }) += 1;
    }
    println!("{valid} valid, {invalid} invalid; disagreements: {disagreements:?}");
    assert_eq!((valid + invalid, disagreements.len()), (102, 1));
}

/// What a row of Elle's asks for.
#[derive(Debug)]
enum Question {
    /// Whether it keeps all of these.
    Guarantees(Vec<&'static str>),
    /// Whether any of these is in the history.
    Anomalies(Vec<&'static str>),
    NotCovered,
}

/// Reads `valid?=false opts={:consistency-models [:serializable]}`.
fn question(verdict: &str) -> Question {
    let (valid, options) = verdict.split_once(" opts=").expect("a row of Elle's");
    if !matches!(valid, "valid?=true" | "valid?=false") {
        return Question::NotCovered;
    }
    if options == "{}" {
        return Question::Guarantees(vec!["strict-serializable"]);
    }
    if let Some((_, names)) = options.split_once(":anomalies [") {
        return Question::Anomalies(family(names.trim_end_matches("]}")));
    }
    let names = options.split_once("{:consistency-models [");
    let names = names.map_or("", |(_, names)| names.trim_end_matches("]}"));
    let levels = names.split_whitespace().map(|name| {
        let ours = isolation::LEVELS.iter().map(|level| level.name());
        ours.into_iter()
            .find(|ours| name.strip_prefix(':') == Some(ours))
    });
    match levels.collect::<Option<Vec<_>>>() {
        Some(levels) if !levels.is_empty() => Question::Guarantees(levels),
        _ => Question::NotCovered,
    }
}

/// What Elle looks for when it is asked for one of these.
fn family(name: &str) -> Vec<&'static str> {
    match name {
        ":G0" => vec!["G0"],
        ":G1" => vec!["G0", "G1a", "G1b", "G1c"],
        ":G2" => vec!["G-single-item", "G-nonadjacent-item", "G2-item"],
        ":G-single" => vec!["G-single-item"],
        ":internal" => vec!["internal"],
        ":dirty-update" => vec!["dirty-update"],
        other => panic!("{other} is asked for and not listed here"),
    }
}

/// The anomalies of a row, `[:G-single-item :G1b] not=[…]`, by our names: items are all we have,
/// and a graph without transactions is no anomaly.
fn anomalies(row: &str) -> BTreeSet<String> {
    let (list, _) = row.split_once(']').expect("a list");
    let names = list.trim_start_matches('[').split_whitespace();
    let names = names.map(|name| name.trim_start_matches(':'));
    names
        .filter(|name| *name != "empty-transaction-graph")
        .map(|name| match name.contains("-item") {
            true => name.to_owned(),
            false => name
                .replace("G-single", "G-single-item")
                .replace("G-nonadjacent", "G-nonadjacent-item"),
        })
        .collect()
}

#[test]
fn transactions_have_the_verdicts_of_elles_own_tests() {
    let Some(corpora) = corpora("txn") else {
        return;
    };
    let rows = rows(&corpora, "elle-tests/list-append/");
    let (mut guarantees, mut surveys, mut not_covered) = (0, 0, Vec::new());
    for row in &rows {
        let (file, verdict) = (row[2].as_str(), row[5].as_str());
        let valid = verdict.starts_with("valid?=true");
        match question(verdict) {
            Question::Guarantees(names) => {
                guarantees += 1;
                let mut violated = 0;
                for name in &names {
                    let more = ["--model", "list-append", "--guarantee", name];
                    let (ran, report) = check(&corpora, file, &more);
                    let holds = report["verdict"] == "holds";
                    assert_answer(file, &ran, &report, holds);
                    violated += usize::from(!holds);
                }
                assert_eq!(violated == 0, valid, "{file}: {names:?}");
            }
            Question::Anomalies(asked) => {
                surveys += 1;
                let opened = File::open(corpora.join(file)).expect("the manifest lists it");
                let history = read(opened, ReadOptions::default())
                    .expect("a history")
                    .history;
                let survey = isolation::survey(&history, &Options::default());
                let kinds = survey
                    .anomalies
                    .iter()
                    .map(|anomaly| anomaly.kind.to_owned());
                let found: BTreeSet<String> = kinds.collect();
                let expected = anomalies(&row[6]);
                assert!(
                    expected.is_subset(&found),
                    "{file}: {expected:?}, {found:?}"
                );
                let shown = asked.iter().any(|name| found.contains(*name));
                assert_eq!(shown, !valid, "{file}: {asked:?}, {found:?}");
                // A survey is no failure, whatever it finds.
                let all = ["--model", "list-append", "--guarantee", "all"];
                let (ran, _) = check(&corpora, file, &all);
                assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{file}: {ran:?}");
            }
            Question::NotCovered => not_covered.push(format!("{file}: {verdict}")),
        }
    }
    println!("{guarantees} of guarantees, {surveys} of anomalies, no disagreement");
    println!("not covered:\n{}", not_covered.join("\n"));
    assert_eq!((guarantees, surveys, not_covered.len()), (25, 21, 4));
}
