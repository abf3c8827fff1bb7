//! What campaigns tell others: JUnit, SARIF, GitHub, clusters; and what they say of files that are
//! damaged, missing, newer, or do not fit.

#![cfg(unix)]

mod program;

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use program::{Ran, polygraph};
use quick_junit::{NonSuccessKind, Report as Junit, TestCaseStatus};
use serde::Deserialize as _;
use serde_json::Value;
use serde_sarif::sarif::Sarif;
use tempfile::TempDir;

/// Two stores; the second splits its brain if it is told to.
const CAMPAIGN: &str = r#"name = "pr & co"
targets = ["consensus", "single-leader"]
nemeses = ["partition"]
seeds = 8
guarantees = ["linearizable", "converges"]

[settings.single-leader]
main = { failover = "FAILOVER", fencing = "off" }
"#;

fn campaign(failover: &str) -> String {
    CAMPAIGN.replace("FAILOVER", failover)
}

fn folder(campaign: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("there is room for temporary files");
    fs::write(folder.path().join("c.toml"), campaign).expect("there is room");
    folder
}

fn line(folder: &Path, line: &str) -> Ran {
    polygraph(folder, &line.split_whitespace().collect::<Vec<_>>())
}

/// Runs a line as a step of GitHub Actions.
fn step(folder: &Path, line: &str) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_polygraph"))
        .args(line.split_whitespace())
        .current_dir(folder)
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_STEP_SUMMARY", folder.join("summary.md"))
        .stdin(Stdio::null())
        .output()
        .expect("the program is built");
    let out = String::from_utf8(output.stdout).expect("text");
    (output.status.code().expect("nobody killed it"), out)
}

fn read(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// A pull request that lets followers take over without fencing: exactly what is new fails it, in every format.
#[test]
fn a_pull_request_fails_by_what_is_new() {
    let folder = folder(&campaign("none"));
    let at = folder.path();
    let (_, out) = step(at, "campaign c.toml --no-memory --out main");
    assert!(at.join("summary.md").exists(), "{out}");
    fs::write(at.join("c.toml"), campaign("timeout")).expect("there is room");
    fs::write(at.join("summary.md"), "what another step said\n").expect("there is room");
    let (code, out) = step(
        at,
        "campaign c.toml --no-memory --out pr --baseline main/latest --junit out/junit.xml \
         --sarif out/p.sarif --markdown out/p.md --archive out/a.tar.gz",
    );
    assert_eq!(code, 1, "{out}");
    let cell = "single-leader[main]/register/partition/sim";
    let errors: Vec<&str> = out
        .lines()
        .filter(|it| it.starts_with("::error "))
        .collect();
    assert_eq!(errors.len(), 1, "{out}");
    assert!(
        errors[0].starts_with("::error file=c.toml,line=8,title=single-leader"),
        "{errors:?}"
    );
    assert!(
        errors[0].contains("%0Areplay: polygraph test single-leader"),
        "{errors:?}"
    );
    let summary = read(at, "summary.md");
    assert!(
        summary.starts_with("what another step said\n## ❌"),
        "{summary}"
    );
    assert!(
        summary.contains("linearizable") && summary.contains("--seed "),
        "{summary}"
    );

    let text = read(at, "out/junit.xml");
    let junit = Junit::deserialize_from_str(&text).expect("it is JUnit XML");
    assert_eq!((junit.failures, junit.errors), (1, 0), "{text}");
    let suite = &junit.test_suites[0];
    assert_eq!(suite.name.as_str(), "pr & co");
    let failed = suite.test_cases.iter().find(|case| {
        matches!(
            case.status,
            TestCaseStatus::NonSuccess {
                kind: NonSuccessKind::Failure,
                ..
            }
        )
    });
    let failed = failed.expect("one fails");
    assert_eq!(failed.name.as_str(), "linearizable");
    assert_eq!(failed.classname.as_ref().map(|it| it.as_str()), Some(cell));
    let TestCaseStatus::NonSuccess {
        ty, description, ..
    } = &failed.status
    else {
        panic!("{failed:?}");
    };
    let kind = ty.as_ref().expect("the anomaly").as_str().to_owned();
    assert!(matches!(&*kind, "stale-read" | "lost-write"), "{kind}");
    let body = description.as_ref().expect("evidence").as_str();
    assert!(
        body.contains("(confirmed)") && body.contains("replay: polygraph test"),
        "{body}"
    );

    let text = read(at, "out/p.sarif");
    let sarif: Sarif = serde_json::from_str(&text).expect("it is SARIF");
    let results = sarif.runs[0].results.as_ref().expect("results");
    let value: Value = serde_json::from_str(&text).expect("JSON");
    assert_sarif(&value);
    let errors = value["runs"][0]["results"].as_array().expect("results");
    let errors: Vec<&Value> = errors.iter().filter(|it| it["level"] == "error").collect();
    assert!(!errors.is_empty() && errors.len() <= results.len());
    for error in &errors {
        let place = &error["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "c.toml");
        assert_eq!(place["region"]["startLine"], 8);
        assert_eq!(error["properties"]["guarantee"], "linearizable");
    }
    // The same finding is the same one the next time, whatever its seed.
    let once_more = CAMPAIGN
        .replace("FAILOVER", "timeout")
        .replace("seeds", "first-seed = 9\nseeds");
    fs::write(at.join("c.toml"), once_more).expect("there is room");
    let (code, _) = step(
        at,
        "campaign c.toml --no-memory --out again --sarif out/again.sarif",
    );
    assert_eq!(code, 1);
    let again: Value = serde_json::from_str(&read(at, "out/again.sarif")).expect("JSON");
    let prints = |value: &Value| {
        let results = value["runs"][0]["results"]
            .as_array()
            .expect("results")
            .clone();
        let of = |kind: &str| {
            let same = results.iter().find(|it| it["ruleId"] == kind);
            same.map(|it| it["partialFingerprints"].clone())
        };
        of(&kind)
    };
    assert!(prints(&again).is_none() || prints(&again) == prints(&value));

    // Compared, it says the same.
    let ran = line(at, "compare main/latest pr/latest --fail-on-new --json");
    assert_eq!(ran.code, 1, "{ran:?}");
    let compared: Value = serde_json::from_str(&ran.out).expect("one line of JSON");
    for new in compared["new"].as_array().expect("what is new") {
        assert_eq!(
            (&new["cell"], &new["guarantee"]),
            (&cell.into(), &"linearizable".into())
        );
    }
    assert_eq!(
        line(at, "compare main/latest pr/latest").code,
        0,
        "only if asked"
    );
    assert_eq!(
        line(at, "compare pr/latest pr/latest --fail-on-new").out,
        "0 new, 0 gone, 0 changed\n"
    );
    let back = line(at, "compare pr/latest main/latest --fail-on-new");
    assert!(back.code == 0 && back.out.contains("gone "), "{back:?}");

    // The next pull request knows it.
    fs::write(at.join("c.toml"), campaign("timeout")).expect("there is room");
    let (code, out) = step(
        at,
        "campaign c.toml --no-memory --out next --baseline pr/latest",
    );
    assert!(code == 0 && !out.contains("::error"), "{out}");

    // Reports of the folder afterwards are those that were written.
    for (format, file) in [
        ("junit", "junit.xml"),
        ("sarif", "p.sarif"),
        ("markdown", "p.md"),
    ] {
        let ran = line(at, &format!("report pr/latest --format {format}"));
        assert_eq!(ran.out, read(at, &format!("out/{file}")), "{format}");
    }
    archive_has_evidence(&at.join("out/a.tar.gz"));
}

/// Reads the archive with libraries of others, and with tar.
fn archive_has_evidence(path: &Path) {
    let file = fs::File::open(path).expect("an archive");
    let mut tar = tar::Archive::new(flate2::read::MultiGzDecoder::new(file));
    let mut names = Vec::new();
    for entry in tar.entries().expect("entries") {
        let mut entry = entry.expect("an entry");
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).expect("its bytes");
        names.push(entry.path().expect("a name").to_string_lossy().into_owned());
    }
    for end in [
        "history.jsonl",
        "spec.toml",
        "plan.jsonl",
        "logs/n1.log",
        "campaign.toml",
    ] {
        assert!(
            names.iter().any(|name| name.ends_with(end)),
            "{end}: {names:?}"
        );
    }
    assert!(
        names.iter().any(|name| name == "verdicts.json"),
        "{names:?}"
    );
    assert!(
        names.iter().all(|name| !name.contains("consensus")),
        "nothing to see: {names:?}"
    );
    let listed = Command::new("tar").arg("tzf").arg(path).output();
    let listed = listed.expect("there is tar");
    assert!(
        listed.status.success(),
        "{}",
        String::from_utf8_lossy(&listed.stderr)
    );
    assert_eq!(
        String::from_utf8_lossy(&listed.stdout).lines().count(),
        names.len()
    );
}

/// The fields that SARIF 2.1.0 requires and that code scanning needs.
fn assert_sarif(sarif: &Value) {
    assert_eq!(sarif["version"], "2.1.0");
    let run = &sarif["runs"][0];
    let driver = &run["tool"]["driver"];
    assert_eq!(driver["name"], "polygraph");
    let rules = driver["rules"].as_array().expect("rules");
    for result in run["results"].as_array().expect("results") {
        let rule = result["ruleId"].as_str().expect("a rule");
        assert!(
            rules.iter().any(|it| it["id"] == rule),
            "{rule} is described"
        );
        assert!(
            !result["message"]["text"]
                .as_str()
                .expect("a text")
                .is_empty()
        );
        let place = &result["locations"][0]["physicalLocation"];
        assert!(place["region"]["startLine"].as_u64() >= Some(1), "{result}");
        let uri = place["artifactLocation"]["uri"].as_str().expect("a file");
        assert!(!uri.starts_with('/') && !uri.contains(' '), "{uri}");
        let print = result["partialFingerprints"]["polygraph/v1"].as_str();
        assert_eq!(print.expect("a fingerprint").len(), 16);
    }
}

#[test]
fn what_is_not_decided_is_skipped_or_an_error() {
    // Registers say nothing about the sum of accounts.
    let folder = folder(
        "name = \"short\"\ntargets = [\"consensus\"]\nnemeses = [\"none\"]\ntime = \"5s\"\n\
         guarantees = [\"constant-sum\"]\n",
    );
    let at = folder.path();
    let ran = line(at, "campaign c.toml --junit a.xml --no-memory");
    assert_eq!(ran.code, 3, "{ran:?}");
    let junit = Junit::deserialize_from_str(&read(at, "a.xml")).expect("it is JUnit XML");
    let skipped = &junit.test_suites[0].test_cases[0].status;
    assert!(
        matches!(skipped, TestCaseStatus::Skipped { .. }),
        "{skipped:?}"
    );
    assert_eq!((junit.failures, junit.errors), (0, 0));
    let ran = line(at, "report campaigns/latest --format junit --strict");
    let junit = Junit::deserialize_from_str(&ran.out).expect("it is JUnit XML");
    assert_eq!((junit.failures, junit.errors), (0, 1), "{ran:?}");
    let (code, out) = step(at, "campaign c.toml --no-memory");
    assert_eq!(code, 3);
    assert_eq!(
        out.lines()
            .filter(|it| it.starts_with("::warning "))
            .count(),
        1,
        "{out}"
    );
}

#[test]
fn a_run_is_reported_and_compared_too() {
    let folder = folder("");
    let at = folder.path();
    assert_eq!(line(at, "test leaderless --seed 1 --out a --quiet").code, 0);
    assert_eq!(
        line(
            at,
            "test leaderless --seed 1 --nemesis partition --set w=1 --out b --quiet"
        )
        .code,
        0
    );
    for format in ["markdown", "json", "junit", "sarif"] {
        let ran = line(at, &format!("report a/latest --format {format}"));
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{format}");
        assert!(
            ran.out.contains("read-your-writes") || format == "sarif",
            "{format}: {}",
            ran.out
        );
    }
    let ran = line(at, "compare a/latest b/latest --json");
    let compared: Value = serde_json::from_str(&ran.out).expect("one line of JSON");
    // With w=1 nobody claims that a client reads its own writes.
    let changed = compared["changed"].as_array().expect("changes");
    let claim = changed
        .iter()
        .find(|it| it["what"] == "claim of read-your-writes");
    assert_eq!(claim.expect("it is told")["before"], "holds", "{compared}");
}

#[test]
fn mistakes_in_the_file_are_told_with_their_place() {
    let cases: &[(&str, &[&str])] = &[
        ("", &["field `targets`", "[[include]]"]),
        ("targets = [\"consensus\"", &["line 1", "column"]),
        (
            "\ntargets = [\"atlantis\"]",
            &[
                "line 2, column 12",
                "field `targets`",
                "`atlantis`",
                "leaderless",
            ],
        ),
        (
            "targets = [\"consensus\"]\nworkload = \"x\"",
            &["line 2, column 1", "`workload`", "workloads"],
        ),
        (
            "targets = [\"consensus\"]\nworkloads = [\"x\"]",
            &["line 2, column 14", "`x`", "register"],
        ),
        (
            "targets = [\"consensus\"]\nnemeses = [\"kill+x\"]",
            &["line 2", "`x`", "partition"],
        ),
        (
            "targets = [\"consensus\"]\nnemeses = [\"kill+none\"]",
            &["line 2", "`none`"],
        ),
        (
            "targets = [\"consensus\"]\nworlds = [\"mars\"]",
            &["line 2", "`mars`", "sim, local"],
        ),
        (
            "targets = [\"consensus\"]\nseeds = 0",
            &["line 2, column 9", "field `seeds`", "from 1"],
        ),
        (
            "targets = [\"consensus\"]\nseeds = \"many\"",
            &["line 2, column 9", "field `seeds`", "u64"],
        ),
        (
            "targets = [\"consensus\"]\ntime = \"soon\"",
            &["line 2, column 8", "field `time`", "10s"],
        ),
        (
            "targets = [\"consensus\"]\nbudget = \"0s\"",
            &["line 2", "field `budget`", "no time"],
        ),
        (
            "targets = [\"consensus\"]\nguarantees = [\"perfect\"]",
            &["line 2", "perfect", "linearizable"],
        ),
        (
            "targets = [\"leaderless\"]\n[settings.leaderless]\nbig = { w = 9 }",
            &["line 3, column 1", "w=9", "n=3"],
        ),
        (
            "targets = [\"leaderless\"]\n[settings.leaderless]\nodd = { speed = 9 }",
            &["line 3, column 1", "speed", "repair"],
        ),
        (
            "targets = [\"leaderless\"]\n[settings.leaderless]\nodd = { w = [1] }",
            &["line 3, column 13", "field `w`", "no setting"],
        ),
        (
            "targets = [\"consensus\"]\n[settings.atlantis]\na = {}",
            &["line 2", "`atlantis`"],
        ),
        (
            "targets = [\"consensus\"]\n[[expect]]\ntarget = \"leaderless\"\nguarantee = \"durable\"\nwhy = \"x\"",
            &["line 5", "about no test"],
        ),
        (
            "targets = [\"consensus\"]\n[[expect]]\nguarantee = \"durable\"",
            &["missing field `why`", "line 2"],
        ),
        (
            "targets = [\"consensus\"]\n[[exclude]]\nworld = \"mars\"\nwhy = \"x\"",
            &["line 3, column 9", "field `world`", "`mars`"],
        ),
        (
            "targets = [\"consensus\"]\n[[include]]\ntargets = [\"consensus\"]\nrate = 7",
            &[
                "line 3",
                "two different tests",
                "consensus/register/partition/sim",
            ],
        ),
        ("[[include]]\nname = \"a\"", &["line 2", "targets"]),
    ];
    let folder = folder("");
    for (text, parts) in cases {
        fs::write(folder.path().join("c.toml"), text).expect("there is room");
        let ran = line(folder.path(), "campaign c.toml");
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{text}: {ran:?}");
        assert_eq!(ran.err.lines().count(), 1, "{text}: {ran:?}");
        assert!(
            ran.err.starts_with("polygraph: c.toml: line "),
            "{text}: {}",
            ran.err
        );
        for part in *parts {
            assert!(ran.err.contains(part), "{text}: no `{part}` in {}", ran.err);
        }
        let told = line(folder.path(), "campaign c.toml --json");
        let error: Value = serde_json::from_str(&told.out).expect("one line of JSON");
        assert_eq!(error["error"]["file"], "c.toml", "{text}");
        assert!(error["error"]["line"].as_u64() >= Some(1), "{text}");
    }
    fs::write(folder.path().join("c.toml"), "targets = [\"consensus\"]\n").expect("there is room");
    for (text, part) in [
        ("campaign c.toml --profile night", "`night`"),
        ("campaign c.toml --shard 4/3", "I/N"),
        ("campaign nowhere.toml", "nowhere.toml"),
        ("campaign c.toml --baseline nowhere", "nowhere"),
        (
            "campaign c.toml --fail-fast --keep-going",
            "cannot be used with",
        ),
        ("campaign c.toml --resume=nowhere", "nowhere"),
        ("merge", "DIR"),
        ("merge nowhere", "nowhere"),
        ("compare nowhere nowhere", "nowhere"),
        ("report nowhere", "nowhere"),
        ("report c.toml", "damaged"),
    ] {
        let ran = line(folder.path(), text);
        assert_eq!(
            (ran.code, ran.err.lines().count()),
            (2, 1),
            "{text}: {ran:?}"
        );
        assert!(ran.err.contains(part), "{text}: {ran:?}");
    }
    assert!(!folder.path().join("campaigns").exists(), "nothing runs");
}

#[test]
fn damaged_newer_and_missing_files_are_told() {
    let folder =
        folder("targets = [\"consensus\"]\ntime = \"5s\"\nnemeses = [\"none\"]\nseeds = 2\n");
    let at = folder.path();
    let ran = line(at, "campaign c.toml --quiet");
    assert!(matches!(ran.code, 0 | 3), "{ran:?}");
    let of = fs::canonicalize(at.join("campaigns/latest")).expect("a folder");
    let name = format!(
        "campaigns/{}",
        of.file_name().expect("a name").to_string_lossy()
    );
    let journal = read(&of, "journal.jsonl");
    let write = |file: &str, text: &str| fs::write(of.join(file), text).expect("there is room");
    let told = |text: &str, parts: &[&str]| {
        let ran = line(at, text);
        assert_eq!(
            (ran.code, ran.err.lines().count()),
            (2, 1),
            "{text}: {ran:?}"
        );
        for part in parts {
            assert!(ran.err.contains(part), "{text}: no `{part}` in {}", ran.err);
        }
    };
    let resume = format!("campaign c.toml --resume={name}");
    let merge = format!("merge {name}");
    write(
        "journal.jsonl",
        &journal.replacen("{\"cell\"", "{\"cell", 1),
    );
    told(&resume, &["journal.jsonl", "line 2", "damaged"]);
    told(&merge, &["journal.jsonl", "line 2", "damaged"]);
    write(
        "journal.jsonl",
        &journal.replacen("\"polygraph\":1", "\"polygraph\":7", 1),
    );
    told(&resume, &["version 7", "newer polygraph"]);
    write("journal.jsonl", "");
    told(&merge, &["journal.jsonl", "empty"]);
    fs::remove_file(of.join("journal.jsonl")).expect("it was there");
    told(&merge, &["journal.jsonl", "folder of a campaign"]);
    write("journal.jsonl", &journal);
    let verdicts = read(&of, "verdicts.json");
    write(
        "verdicts.json",
        &verdicts.replacen("\"polygraph\": 1", "\"polygraph\": 2", 1),
    );
    told(&format!("report {name}"), &["version 2", "newer polygraph"]);
    told(
        &format!("campaign c.toml --baseline {name}"),
        &["version 2"],
    );
    write("verdicts.json", &verdicts[..verdicts.len() / 2]);
    told(
        &format!("compare {name} {name}"),
        &["verdicts.json", "damaged"],
    );
    write("campaign.toml", "targets = [\"consensus\"]\nseeds = 9\n");
    told(&merge, &["another plan"]);
    fs::remove_file(of.join("campaign.toml")).expect("it was there");
    told(&merge, &["campaign.toml"]);
    fs::write(at.join("c.failures.jsonl"), "\nno\n").expect("there is room");
    told("campaign c.toml", &["c.failures.jsonl", "line 2"]);
}

#[test]
fn a_full_disk_is_told() {
    let folder =
        folder("targets = [\"consensus\"]\ntime = \"5s\"\nnemeses = [\"none\"]\nseeds = 2\n");
    let at = folder.path();
    for option in ["junit", "sarif", "markdown"] {
        let ran = line(at, &format!("campaign c.toml --quiet --{option} /dev/full"));
        assert_eq!(ran.code, 4, "{option}: {ran:?}");
        assert!(
            ran.err.contains("/dev/full: it cannot be written"),
            "{option}: {ran:?}"
        );
    }
    let ran = line(at, "campaign c.toml --out c.toml");
    assert_eq!(ran.code, 4, "{ran:?}");
    assert!(ran.err.contains("c.toml: it cannot be written"), "{ran:?}");
    // Files may have a few kilobytes: the history of a run is larger.
    let script = format!(
        "trap '' XFSZ; ulimit -f 16; exec {} campaign c.toml --out quota",
        env!("CARGO_BIN_EXE_polygraph")
    );
    let output = Command::new("bash")
        .args(["-c", &script])
        .current_dir(at)
        .output();
    let output = output.expect("there is bash");
    let text = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(4), "{text}");
    assert!(text.contains("File too large"), "{text}");
    assert!(!text.contains("panicked"), "{text}");
}

#[test]
fn jobs_of_clusters_are_well_formed_and_work() {
    let folder = folder(&campaign("none"));
    let at = folder.path();
    let ran = line(
        at,
        "campaign c.toml --emit kubernetes --shards 3 --image registry/p:1",
    );
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let documents: Vec<serde_yaml_ng::Value> = serde_yaml_ng::Deserializer::from_str(&ran.out)
        .map(|it| serde_yaml_ng::Value::deserialize(it).expect("it is YAML"))
        .collect();
    let kinds: Vec<_> = documents
        .iter()
        .map(|it| it["kind"].as_str().expect("a kind"))
        .collect();
    assert_eq!(kinds, ["ConfigMap", "PersistentVolumeClaim", "Job", "Job"]);
    assert_eq!(
        documents[0]["data"]["campaign.toml"].as_str(),
        Some(&*campaign("none"))
    );
    let spec = &documents[2]["spec"];
    assert_eq!(spec["completionMode"].as_str(), Some("Indexed"));
    assert_eq!(
        (spec["completions"].as_u64(), spec["parallelism"].as_u64()),
        (Some(3), Some(3))
    );
    let container = &spec["template"]["spec"]["containers"][0];
    assert_eq!(container["image"].as_str(), Some("registry/p:1"));
    let script = container["args"][0].as_str().expect("a script");
    assert!(
        script.contains("--shard \"$shard/3\"") && parses(script),
        "{script}"
    );

    let ran = line(at, "campaign c.toml --emit github-matrix --shards 3");
    let workflow: serde_yaml_ng::Value = serde_yaml_ng::from_str(&ran.out).expect("it is YAML");
    let matrix = &workflow["jobs"]["shard"]["strategy"]["matrix"]["shard"];
    assert_eq!(matrix.as_sequence().map(Vec::len), Some(3), "{}", ran.out);
    assert_eq!(workflow["jobs"]["merge"]["needs"].as_str(), Some("shard"));

    let ran = line(at, "campaign c.toml --emit slurm --shards 3");
    assert!(parses(&ran.out), "{}", ran.out);
    slurm(at, &ran.out);
}

/// Whether bash understands a script.
fn parses(script: &str) -> bool {
    let output = Command::new("bash").args(["-n", "-c", script]).output();
    output.expect("there is bash").status.success()
}

/// Runs a job array as Slurm would, one task after the other, and then what it queued.
fn slurm(at: &Path, script: &str) {
    fs::write(at.join("job.sh"), script).expect("there is room");
    let bin = at.join("bin");
    fs::create_dir(&bin).expect("there is room");
    let stub = "#!/bin/sh\nfor option; do case $option in --wrap=*) echo \"${option#--wrap=}\" >> queued ;; esac; done\n";
    fs::write(bin.join("sbatch"), stub).expect("there is room");
    let executable = fs::Permissions::from_mode(0o755);
    fs::set_permissions(bin.join("sbatch"), executable).expect("it is ours");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_polygraph"), bin.join("polygraph"))
        .expect("a link");
    let path = std::env::var("PATH").unwrap_or_default();
    let path = format!("{}:{path}", bin.display());
    let bash = |script: &str, task: &str| {
        let output = Command::new("bash")
            .arg(script)
            .current_dir(at)
            .env("PATH", &path)
            .env("SLURM_ARRAY_TASK_ID", task)
            .env("SLURM_ARRAY_JOB_ID", "77")
            .output()
            .expect("there is bash");
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    for task in ["1", "2", "3", "1"] {
        let (code, err) = bash("job.sh", task);
        assert_eq!(code, Some(0), "task {task}: {err}");
    }
    let queued = read(at, "queued");
    assert_eq!(
        queued.matches("polygraph merge").count(),
        1,
        "a task that is requeued queues no more"
    );
    let (merged, err) = bash("queued", "");
    let whole = line(at, "campaign c.toml --no-memory --out whole --quiet");
    assert_eq!(merged, Some(whole.code), "{err}");
    let merged = read(at, "polygraph-pr---co/merged/latest/verdicts.json");
    assert!(
        merged == read(at, "whole/latest/verdicts.json"),
        "the shards are the whole"
    );
}

/// The blocks of a language in docs/ci.md.
fn blocks(language: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/ci.md");
    let text = fs::read_to_string(path).expect("there is a page about it");
    let start = format!("```{language}\n");
    let parts = text.split(&start).skip(1);
    parts
        .map(|part| part.split("\n```").next().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn the_documentation_can_be_copied() {
    let [campaign] = &blocks("toml")[..] else {
        panic!("one campaign");
    };
    let folder = folder(campaign);
    for profile in ["", " --profile pr"] {
        let ran = line(folder.path(), &format!("campaign c.toml --list{profile}"));
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(
            ran.out
                .contains("consensus[deposed]/register/partition/sim"),
            "{}",
            ran.out
        );
        assert!(ran.out.contains("expects    linearizable"), "{}", ran.out);
        assert!(
            ran.out
                .contains("excluded     leaderless/set/kill+clock/sim"),
            "{}",
            ran.out
        );
    }
    let workflows = blocks("yaml");
    assert_eq!(workflows.len(), 2, "GitHub and GitLab");
    for workflow in workflows {
        let read: serde_yaml_ng::Value = serde_yaml_ng::from_str(&workflow).expect("it is YAML");
        assert!(read.is_mapping());
        // Every option of ours that it uses is one.
        let help =
            line(folder.path(), "campaign --help").out + &line(folder.path(), "merge --help").out;
        for commands in workflow.split("polygraph campaign ").skip(1) {
            let command = commands.split("\n\n").next().unwrap_or_default();
            let words = command
                .split_whitespace()
                .take_while(|word| !word.starts_with('-') || word.starts_with("--"));
            for option in words.filter(|word| word.starts_with("--")) {
                assert!(help.contains(option), "{option}");
            }
        }
    }
}
