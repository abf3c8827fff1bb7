//! Proofs as a user meets them: what is written, what `confirm` says of it, and its exit codes.

mod program;

use std::fs;

use program::{Ran, polygraph};
use serde_json::Value;
use tempfile::TempDir;

fn folder() -> TempDir {
    tempfile::tempdir().expect("there is room for temporary files")
}

fn write(folder: &TempDir, name: &str, text: &str) {
    fs::write(folder.path().join(name), text).expect("there is room");
}

/// Runs a line, its words parted by spaces.
fn line(folder: &TempDir, line: &str) -> Ran {
    polygraph(folder.path(), &line.split_whitespace().collect::<Vec<_>>())
}

fn json(folder: &TempDir, text: &str) -> Value {
    let ran = line(folder, &format!("{text} --json"));
    assert_eq!(ran.out.lines().count(), 1, "{ran:?}");
    let report: Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!(report["exit"], ran.code, "{report}");
    report
}

/// Two keys; `y` is read as it was before its last write.
const STALE: &str = r#"{"polygraph":1}
{"index":0,"time":0,"process":0,"type":"invoke","op":{"write":{"key":"x","value":1}}}
{"index":1,"time":1,"process":0,"type":"ok","op":{"write":{"key":"x","value":1}}}
{"index":2,"time":2,"process":0,"type":"invoke","op":{"write":{"key":"y","value":1}}}
{"index":3,"time":3,"process":0,"type":"ok","op":{"write":{"key":"y","value":1}}}
{"index":4,"time":4,"process":1,"type":"invoke","op":{"write":{"key":"y","value":2}}}
{"index":5,"time":5,"process":1,"type":"ok","op":{"write":{"key":"y","value":2}}}
{"index":6,"time":6,"process":2,"type":"invoke","op":{"read":{"key":"y"}}}
{"index":7,"time":7,"process":2,"type":"ok","op":{"read":{"key":"y","value":1}}}
"#;

/// The same, read as it was.
fn fresh() -> String {
    STALE
        .replace(
            r#""y","value":1}}}
"#,
            "\0",
        )
        .replacen("\0", "\"y\",\"value\":1}}}\n", 2)
        .replace('\0', "\"y\",\"value\":2}}}\n")
}

const HEADER: &str = r#"{"polygraph":1,"proof":"witness","guarantee":"linearizable","failed_cas":"observe","objects":2}
"#;

fn witness(x: &str, y: &str) -> String {
    format!(
        "{HEADER}{{\"key\":\"x\",\"model\":\"register\",\"order\":[{x}]}}\n\
         {{\"key\":\"y\",\"model\":\"cas-register\",\"order\":[{y}]}}\n"
    )
}

#[test]
fn a_violation_is_written_and_confirmed() {
    let folder = folder();
    write(&folder, "stale.jsonl", STALE);
    let ran = line(&folder, "check stale.jsonl --witness stale.proof");
    assert_eq!((ran.code, ran.err.as_str()), (1, ""), "{ran:?}");
    assert!(ran.out.contains("polygraph confirm"), "{ran:?}");
    let text = fs::read_to_string(folder.path().join("stale.proof")).expect("it was written");
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert_eq!(lines[0]["proof"], "certificate");
    assert_eq!(lines[0]["objects"], 1);
    assert_eq!(lines[1]["key"], "y");
    assert_eq!(lines[1]["kind"], "stale-read");
    assert_eq!(
        lines[1]["before"][0]["refused"][0]["why"],
        "cannot read 1 where 2 is"
    );

    let ran = line(&folder, "confirm stale.jsonl stale.proof");
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{ran:?}");
    for part in [
        "the proof stands: the history is not linearizable",
        "key y, as cas-register: by event 7 no order explains",
        "event 6: client 2, read y → 1",
        "event 6 cannot read 1 where 2 is",
    ] {
        assert!(ran.out.contains(part), "{part}: {}", ran.out);
    }
    let report = json(&folder, "confirm stale.jsonl stale.proof");
    assert_eq!(report["verdict"], "violated");
    assert_eq!(report["stands"], true);
    assert_eq!(report["objects"][0]["keys"][0], "y");

    // It says nothing against another history.
    write(&folder, "fresh.jsonl", &fresh());
    let ran = line(&folder, "confirm fresh.jsonl stale.proof");
    assert_eq!((ran.code, ran.err.as_str()), (1, ""), "{ran:?}");
    let said = "key y: an order explains these operations";
    assert!(
        ran.out.contains("does not stand") && ran.out.contains(said),
        "{ran:?}"
    );
    let report = json(&folder, "confirm fresh.jsonl stale.proof");
    assert_eq!(report["verdict"], "none");
    assert_eq!(report["problems"][0], said);
}

/// Two transactions of which each misses what the other appends, after a third.
const SKEW: &str = r#"{"polygraph":1}
{"index":0,"time":0,"process":0,"type":"invoke","op":{"txn":[{"append":{"key":"x","value":1}}]}}
{"index":1,"time":1,"process":0,"type":"ok","op":{"txn":[{"append":{"key":"x","value":1}}]}}
{"index":2,"time":2,"process":1,"type":"invoke","op":{"txn":[{"read":{"key":"y"}},{"append":{"key":"x","value":2}}]}}
{"index":3,"time":3,"process":2,"type":"invoke","op":{"txn":[{"read":{"key":"x"}},{"append":{"key":"y","value":1}}]}}
{"index":4,"time":4,"process":1,"type":"ok","op":{"txn":[{"read":{"key":"y","value":[]}},{"append":{"key":"x","value":2}}]}}
{"index":5,"time":5,"process":2,"type":"ok","op":{"txn":[{"read":{"key":"x","value":[1]}},{"append":{"key":"y","value":1}}]}}
"#;

#[test]
fn what_is_wrong_with_transactions_is_written_and_confirmed() {
    let folder = folder();
    write(&folder, "skew.jsonl", SKEW);
    let check = "check skew.jsonl --guarantee serializable --witness skew.proof";
    let ran = line(&folder, check);
    assert_eq!((ran.code, ran.err.as_str()), (1, ""), "{ran:?}");
    assert!(ran.out.contains("polygraph confirm"), "{ran:?}");
    let text = fs::read_to_string(folder.path().join("skew.proof")).expect("it was written");
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert_eq!(lines[0]["proof"], "violation");
    assert_eq!(lines[0]["guarantee"], "serializable");
    let shown = &lines[1]["violation"]["dependencies"];
    assert_eq!(shown["kind"], "G2-item", "{text}");
    assert_eq!(shown["evidence"]["cycle"].as_array().map(Vec::len), Some(2));

    let ran = line(&folder, "confirm skew.jsonl skew.proof");
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{ran:?}");
    let said = "the proof stands: serializable is violated\n  1 anomaly: G2-item";
    assert!(ran.out.contains(said), "{ran:?}");
    let report = json(&folder, "confirm skew.jsonl skew.proof");
    assert_eq!(report["verdict"], "violated");
    assert_eq!(report["proof"], "violation");

    // A level that allows it, a fact that is none, another history, and a line too few.
    let other = SKEW.replace(
        r#""read":{"key":"x","value":[1]}"#,
        r#""read":{"key":"x","value":[1,2]}"#,
    );
    write(&folder, "other.jsonl", &other);
    let missed = r#""missed":{"key":"x","element":2"#;
    assert!(text.contains(missed), "{text}");
    for (history, proof, said) in [
        (
            "skew.jsonl",
            text.replace(
                r#""guarantee":"serializable""#,
                r#""guarantee":"snapshot-isolation""#,
            ),
            "snapshot-isolation allows",
        ),
        (
            "skew.jsonl",
            text.replace(missed, r#""missed":{"key":"x","element":1"#),
            "anomaly 0, G2-item",
        ),
        ("other.jsonl", text.clone(), "anomaly 0, G2-item"),
    ] {
        write(&folder, "wrong.proof", &proof);
        let report = json(&folder, &format!("confirm {history} wrong.proof"));
        assert_eq!(
            (&report["exit"], &report["stands"]),
            (&1.into(), &false.into())
        );
        let problem = report["problems"][0].as_str().unwrap_or("");
        assert!(problem.contains(said), "{problem}");
    }
    let first = text.lines().next().map(|line| format!("{line}\n"));
    write(&folder, "short.proof", &first.expect("a header"));
    refused(
        &folder,
        "confirm skew.jsonl short.proof",
        &["ends after 0", "1 objects"],
    );
    let word = text.replace("G2-item", "G2-items");
    write(&folder, "word.proof", &word);
    refused(
        &folder,
        "confirm skew.jsonl word.proof",
        &["G2-items", "expected"],
    );
    let level = text.replace("serializable", "durable");
    write(&folder, "level.proof", &level);
    refused(
        &folder,
        "confirm skew.jsonl level.proof",
        &["durable", "a level of isolation"],
    );
}

#[test]
fn orders_are_confirmed_or_it_is_said_what_is_wrong() {
    let folder = folder();
    write(&folder, "fresh.jsonl", &fresh());
    write(&folder, "good", &witness("0", "2,4,6"));
    let ran = line(&folder, "confirm fresh.jsonl good");
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{ran:?}");
    assert!(
        ran.out
            .contains("the proof stands: the history is linearizable"),
        "{ran:?}"
    );
    assert!(
        ran.out.contains("key y: cas-register, 3 operations"),
        "{ran:?}"
    );
    let report = json(&folder, "confirm fresh.jsonl good");
    assert_eq!(report["verdict"], "holds");
    assert_eq!(report["objects"][1]["operations"], 3);
    assert_eq!(report["not_covered"].as_array().map(Vec::len), Some(0));

    // Orders may be continued in lines of their own.
    let continued = witness("0", "2").replace("\"objects\":2", "\"objects\":2,\"later\":[]")
        + "{\"order\":[4,6]}\n\n{\"order\":[]}\n";
    write(&folder, "continued", &continued);
    assert_eq!(line(&folder, "confirm fresh.jsonl continued").code, 0);

    for (order, said) in [
        (
            "4,2,6",
            "key y: the operation of event 4 is placed before that of event 2, after which it began",
        ),
        (
            "2,4",
            "key y: the operation of event 6 is missing, which has ended",
        ),
        ("2,4,6,6", "key y: the operation of event 6 is there twice"),
        (
            "2,4,0",
            "key y: the operation of event 0 is about another object",
        ),
        ("2,4,99", "key y: event 99 begins no operation"),
    ] {
        write(&folder, "bad", &witness("0", order));
        let report = json(&folder, "confirm fresh.jsonl bad");
        assert_eq!(report["exit"], 1, "{report}");
        assert_eq!(report["stands"], false);
        assert_eq!(report["problems"][0], said, "{report}");
    }
    let report = {
        write(&folder, "stale.jsonl", STALE);
        json(&folder, "confirm stale.jsonl good")
    };
    assert_eq!(
        report["problems"][0],
        "key y: the operation of event 6, placed after 2 others, is not possible there: cannot \
         read 1 where 2 is"
    );
}

#[test]
fn what_is_not_covered_is_said() {
    let folder = folder();
    write(&folder, "fresh.jsonl", &fresh());
    let header = HEADER.replace("\"objects\":2", "\"objects\":1");
    let half = format!("{header}{{\"key\":\"x\",\"model\":\"cas-register\",\"order\":[0]}}\n");
    write(&folder, "half", &half);
    let ran = line(&folder, "confirm fresh.jsonl half");
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{ran:?}");
    assert!(ran.out.contains("1 object is linearizable"), "{ran:?}");
    assert!(ran.out.contains("it says nothing of key y"), "{ran:?}");
    let report = json(&folder, "confirm fresh.jsonl half");
    assert_eq!(report["verdict"], "unknown");
    assert_eq!(report["not_covered"][0], "y");
}

/// Whatever holds either has a proof that stands, or it is said that there is none.
#[test]
fn a_check_that_holds_gives_a_proof_or_says_that_it_has_none() {
    let folder = folder();
    write(&folder, "fresh.jsonl", &fresh());
    let ran = line(&folder, "check fresh.jsonl --witness fresh.proof");
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{ran:?}");
    if folder.path().join("fresh.proof").exists() {
        let report = json(&folder, "confirm fresh.jsonl fresh.proof");
        assert_eq!(report["verdict"], "holds", "{report}");
    } else {
        let report = json(&folder, "check fresh.jsonl --witness fresh.proof");
        let warning = report["guarantees"][0]["warnings"][0]
            .as_str()
            .unwrap_or("");
        assert!(
            warning.starts_with("no proof was written to fresh.proof"),
            "{report}"
        );
    }
}

#[test]
fn nothing_is_written_where_the_answer_is_unknown() {
    let folder = folder();
    write(&folder, "fresh.jsonl", &fresh());
    let report = json(
        &folder,
        "check fresh.jsonl --max-steps 0 --witness unknown.proof",
    );
    assert_eq!(report["exit"], 3, "{report}");
    let warning = report["guarantees"][0]["warnings"].to_string();
    assert!(
        warning.contains("no proof was written to unknown.proof"),
        "{report}"
    );
    assert!(!folder.path().join("unknown.proof").exists());
    assert!(report.get("proof").is_none());
}

/// Asserts that a line is refused with one sentence that has these parts; gives the error.
fn refused(folder: &TempDir, text: &str, parts: &[&str]) -> Value {
    let ran = line(folder, text);
    assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{text}: {ran:?}");
    assert_eq!(ran.err.lines().count(), 1, "{text}: {ran:?}");
    for part in parts {
        assert!(ran.err.contains(part), "{text}: no `{part}` in {}", ran.err);
    }
    json(folder, text)["error"].clone()
}

#[test]
fn a_proof_that_has_nowhere_to_go_is_refused() {
    let folder = folder();
    write(&folder, "fresh.jsonl", &fresh());
    write(&folder, "stale.jsonl", STALE);
    fs::create_dir(folder.path().join("here")).expect("there is room");
    let check = "check fresh.jsonl --witness";
    for (text, parts) in [
        (format!("{check} here"), &["here", "directory"][..]),
        (
            format!("{check} nowhere/proof"),
            &["nowhere/proof", "folder"],
        ),
        (
            format!("{check} fresh.jsonl"),
            &["fresh.jsonl", "the history itself"],
        ),
        (
            format!("{check} proof --guarantee read-your-writes"),
            &["linearizable", "--guarantee"],
        ),
        (
            "check fresh.jsonl stale.jsonl --witness proof".to_owned(),
            &["one file", "2 files"],
        ),
    ] {
        let error = refused(&folder, &text, parts);
        assert_eq!(error["kind"], "usage", "{text}");
    }
    let before = fs::read_to_string(folder.path().join("fresh.jsonl")).expect("it is there");
    assert_eq!(before, fresh());
    assert!(!folder.path().join("proof").exists());
}

#[test]
fn what_is_no_proof_is_refused_with_the_place() {
    let folder = folder();
    write(&folder, "fresh.jsonl", &fresh());
    fs::create_dir(folder.path().join("folder")).expect("there is room");
    let good = witness("0", "2,4,6");
    let cut = |fields: &str| {
        let header = HEADER
            .replace("witness", "certificate")
            .replace(":2}", ":1}");
        format!("{header}{{\"key\":\"y\",\"model\":\"cas-register\",{fields}}}\n")
    };
    let bad: &[(&str, String, u64, &str, &[&str])] = &[
        ("empty", String::new(), 1, "", &["empty", "check --witness"]),
        ("text", "hello\n".to_owned(), 1, "", &["header"]),
        ("history", fresh(), 1, "proof", &["missing field `proof`"]),
        (
            "later",
            good.replace("\"polygraph\":1", "\"polygraph\":2"),
            1,
            "polygraph",
            &["version 2", "expected version 1"],
        ),
        (
            "other",
            good.replace("linearizable", "durable"),
            1,
            "guarantee",
            &["durable", "expected linearizable"],
        ),
        (
            "how",
            good.replace("observe", "guess"),
            1,
            "failed_cas",
            &["guess", "observe or ignore"],
        ),
        (
            "kind",
            good.replace("witness", "oath"),
            1,
            "",
            &["oath", "witness", "certificate"],
        ),
        (
            "short",
            good.lines()
                .take(2)
                .map(|line| format!("{line}\n"))
                .collect(),
            2,
            "objects",
            &["ends after 1", "2 objects"],
        ),
        (
            "model",
            good.replace("cas-register", "chess"),
            3,
            "model",
            &["chess", "one of", "fifo-queue"],
        ),
        (
            "nobody",
            good.replace("\"key\":\"y\",", ""),
            3,
            "key",
            &["`key`, or `keys`"],
        ),
        (
            "nothing",
            good.replace("\"model\":\"cas-register\",", ""),
            3,
            "model",
            &["no model"],
        ),
        (
            "negative",
            witness("0", "2,-4,6"),
            3,
            "",
            &["-4", "an order like"],
        ),
        (
            "torn",
            good[..good.len() - 4].to_owned(),
            3,
            "",
            &["EOF", "an order like"],
        ),
        (
            "rule",
            cut("\"rule\":\"might\",\"until\":7,\"operations\":[2,4]"),
            2,
            "rule",
            &["might", "observers, elements, origins"],
        ),
        (
            "until",
            cut("\"rule\":\"origins\",\"operations\":[2,4]"),
            2,
            "until",
            &["missing field `until`"],
        ),
        (
            "writes",
            cut("\"rule\":\"origins\",\"until\":7,\"operations\":[2,4],\"as_writes\":[6]"),
            2,
            "as_writes",
            &["event 6", "some of `operations`"],
        ),
    ];
    for (name, text, at, field, parts) in bad {
        write(&folder, name, text);
        let error = refused(&folder, &format!("confirm fresh.jsonl {name}"), parts);
        assert_eq!(error["kind"], "input", "{name}: {error}");
        assert_eq!(error["file"], *name, "{name}: {error}");
        assert_eq!(error["line"], *at, "{name}: {error}");
        assert!(error["column"].as_u64() >= Some(1), "{name}: {error}");
        assert!(error["expected"].is_string(), "{name}: {error}");
        let named = error["field"].as_str().unwrap_or("");
        assert_eq!(named, *field, "{name}: {error}");
    }
    write(&folder, "good", &good);
    for (text, part) in [
        ("confirm fresh.jsonl nowhere", "nowhere"),
        ("confirm nowhere good", "nowhere"),
        ("confirm fresh.jsonl folder", "directory"),
        ("confirm fresh.jsonl", "PROOF"),
        ("confirm fresh.jsonl good --format papyrus", "papyrus"),
    ] {
        refused(&folder, text, &[part]);
    }
}
