//! Other people's histories: nothing that would cast doubt on a verdict is said of those whose
//! verdict is known to be good.

use std::path::PathBuf;

use polygraph_checker::lint;
use polygraph_history::{ReadOptions, read};

/// Findings that say that outcomes or values are recorded wrongly.
const DOUBTS: &[&str] = &[
    "failed-but-observed",
    "unwritten-value",
    "duplicate-write",
    "open-failure",
    "process-after-info",
    "reads-find-nothing",
    "never-written-key",
    "mixed-types",
    "missing-answer",
    "ends-before-it-begins",
];

/// Good histories that have such a finding nevertheless, and why it is right.
const RIGHT: &[(&str, &str)] = &[
    // Elle calls reads of values that nobody wrote valid.
    ("051-checker-test.edn", "unwritten-value"),
    ("069-checker-test.edn", "unwritten-value"),
    ("073-checker-test.edn", "unwritten-value"),
    ("elle/rw-register.json", "unwritten-value"),
    // Values are written twice there, and keys are read that have only their initial value.
    ("BL-1k/hist-00000/history.plume.txt", "duplicate-write"),
    ("rubis-10000/hist-00000.plume.txt", "never-written-key"),
    // Pops without what they took.
    ("stack/safe/allowed-empty.hist", "missing-answer"),
];

fn shared() -> PathBuf {
    std::env::var_os("POLYGRAPH_SHARED").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared")),
        PathBuf::from,
    )
}

#[test]
fn good_histories_of_others_raise_no_doubt() {
    let (mut read_in, mut unreadable) = (0, 0);
    let mut wrong = Vec::new();
    for folder in ["lin", "txn"] {
        let folder = shared().join("corpora").join(folder);
        let Ok(manifest) = std::fs::read_to_string(folder.join("MANIFEST.tsv")) else {
            println!("skipped: there are no corpora at {}", folder.display());
            return;
        };
        for row in manifest.lines().skip(1) {
            let fields: Vec<&str> = row.split('\t').collect();
            let good = [
                "true",
                "valid",
                "ok",
                "linearizable",
                "satisf",
                "strict-ser",
            ];
            let says = |field: &str| good.iter().any(|good| field.starts_with(good));
            let path = fields.get(2).copied().unwrap_or_default();
            let field = fields.get(5).copied().unwrap_or_default();
            let named_good = path.contains("/good/") || path.contains("-ok.");
            let labelled = says(field) && !field.contains("=false") && !field.contains("=:");
            if !labelled && !named_good {
                continue;
            }
            let Ok(bytes) = std::fs::read(folder.join(path)) else {
                continue;
            };
            let Ok(reading) = read(&*bytes, ReadOptions::default()) else {
                unreadable += 1;
                continue;
            };
            read_in += 1;
            for finding in lint(&reading.history) {
                let right = RIGHT
                    .iter()
                    .any(|(end, name)| path.ends_with(end) && *name == finding.name);
                if DOUBTS.contains(&finding.name) && !right {
                    wrong.push(format!(
                        "{path}: {} {:?}",
                        finding.name,
                        finding.examples.first()
                    ));
                }
            }
        }
    }
    println!("{read_in} good histories read, {unreadable} in formats that are not");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(read_in >= 100, "{read_in}");
}
