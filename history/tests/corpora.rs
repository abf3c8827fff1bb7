//! Every history of the public corpora is read, if they are there.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use polygraph_history::{Format, Op, Operation, Order, ReadOptions, read};

/// Files that are no history, each with what is said of it.
const NOT_HISTORIES: &[(&str, &str)] = &[
    ("lin/porcupine/jepsen/etcd_095.log", "the file is empty"),
    // A run that failed before its first operation.
    ("lin/ahorn/jepsen/etcd_095.log", "the history has no event"),
    // The script that names the verdicts.
    (
        "txn/elle-cli/elle-cli.expected.txt",
        "the beginning is of no format known here",
    ),
];

fn corpora() -> Option<PathBuf> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared");
    let shared = std::env::var("POLYGRAPH_SHARED").unwrap_or_else(|_| default.to_owned());
    let corpora = Path::new(&shared).join("corpora");
    if !corpora.is_dir() {
        eprintln!("skipped: there are no corpora at {}", corpora.display());
        return None;
    }
    Some(corpora)
}

/// All files under a folder, in order.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let each = paths.into_iter().flat_map(|path| match path.is_dir() {
        true => files(&path),
        false => vec![path],
    });
    each.collect()
}

fn is_history(path: &Path) -> bool {
    let name = path.to_string_lossy();
    !name.ends_with(".verdict.edn") && !name.ends_with(".plume.txt")
}

#[test]
fn all_of_them_are_read() {
    let Some(corpora) = corpora() else { return };
    let folders: [(&str, usize); 8] = [
        ("lin/porcupine", 109),
        ("lin/knossos", 61),
        ("lin/ahorn", 103),
        ("txn/elle-tests", 89),
        ("txn/elle-cli", 14),
        ("txn/elle-histories", 3),
        ("txn/elle-fp", 2),
        ("txn/gen", 15),
    ];
    for (folder, count) in folders {
        let histories: Vec<PathBuf> = files(&corpora.join(folder))
            .into_iter()
            .filter(|path| is_history(path))
            .collect();
        assert_eq!(histories.len(), count, "{folder}");
        for path in histories {
            let name = path
                .strip_prefix(&corpora)
                .unwrap()
                .to_string_lossy()
                .into_owned();
            let expected = NOT_HISTORIES.iter().find(|(file, _)| *file == name);
            let result = read(File::open(&path).unwrap(), ReadOptions::default());
            match (result, expected) {
                (Ok(reading), None) => assert!(!reading.history.operations().is_empty(), "{name}"),
                (Err(error), Some((_, problem))) => assert_eq!(error.problem, *problem, "{name}"),
                (Ok(_), Some(_)) => panic!("{name} was read"),
                (Err(error), None) => panic!("{name}: {error}"),
            }
        }
    }
}

/// Which format the manifest means by a name of its own.
fn formats(name: &str) -> &'static [Format] {
    match name {
        "json" => &[Format::JepsenJson],
        "awdit-test-text" => &[Format::Awdit],
        _ if name.starts_with("edn") => &[Format::JepsenEdn],
        _ if name.starts_with("plume-text") => &[Format::Plume],
        _ if name.starts_with("timekiller-json") => &[Format::TimeKiller],
        _ => &[],
    }
}

/// Every row of the manifest of transactions is a history in the format that it names.
#[test]
fn the_manifest_of_transactions_is_read() {
    let Some(corpora) = corpora() else { return };
    let manifest = fs::read_to_string(corpora.join("txn/MANIFEST.tsv")).unwrap();
    let mut read_files = 0;
    for row in manifest.lines().skip(1) {
        let columns: Vec<&str> = row.split('\t').collect();
        let (file, format) = (columns[2], columns[3]);
        let opened = File::open(corpora.join("txn").join(file)).unwrap();
        let reading = read(opened, ReadOptions::default());
        let reading = reading.unwrap_or_else(|error| panic!("{file}: {error}"));
        assert!(
            formats(format).contains(&reading.format),
            "{file}: {format}"
        );
        assert!(!reading.history.operations().is_empty(), "{file}");
        read_files += 1;
    }
    assert_eq!(read_files, 236);
}

/// Histories of sessions are transactions on registers or lists, of which no real time is known.
#[test]
fn sessions_have_no_real_time() {
    let Some(corpora) = corpora() else { return };
    for folder in ["awdit", "isovista", "polysi", "timekiller", "veristrong"] {
        for path in files(&corpora.join("txn").join(folder)) {
            let reading = read(File::open(&path).unwrap(), ReadOptions::default());
            let history = reading
                .unwrap_or_else(|error| panic!("{path:?}: {error}"))
                .history;
            assert_eq!(history.order(), Order::Session, "{path:?}");
            let operations = history.operations();
            assert!(
                operations
                    .iter()
                    .all(|one| matches!(history.op(one), Op::Txn(_)))
            );
            let times = |one: &Operation| (one.start, one.end);
            assert!(
                operations
                    .iter()
                    .all(|one| times(one) == times(&operations[0]))
            );
        }
    }
}

/// Two programs wrote the same hundred runs down in two ways.
#[test]
fn raw_logs_and_their_extracts_are_the_same_histories() {
    let Some(corpora) = corpora() else { return };
    for path in files(&corpora.join("lin/porcupine/jepsen")) {
        let name = path.file_name().unwrap();
        if name == "etcd_095.log" {
            continue;
        }
        let raw = corpora.join("lin/ahorn/jepsen").join(name);
        let read_file = |path: &Path| read(File::open(path).unwrap(), ReadOptions::default());
        let (raw, extract) = (read_file(&raw).unwrap(), read_file(&path).unwrap());
        assert_eq!(
            (raw.format, extract.format),
            (Format::JepsenLog, Format::JepsenLog)
        );
        assert_eq!(raw.history.events(), extract.history.events(), "{name:?}");
    }
}

/// Elle's suites and the generated histories are transactions throughout, but for predicates.
#[test]
fn transactions_are_understood() {
    let Some(corpora) = corpora() else { return };
    let folders = [
        "txn/elle-tests/list-append",
        "txn/elle-tests/rw-register",
        "txn/elle-histories",
        "txn/elle-fp",
        "txn/gen",
    ];
    for folder in folders {
        for path in files(&corpora.join(folder))
            .iter()
            .filter(|path| is_history(path))
        {
            let reading = read(File::open(path).unwrap(), ReadOptions::default()).unwrap();
            for event in reading.history.events() {
                let transaction = matches!(event.op(), Some(Op::Txn(_)));
                assert!(transaction, "{path:?}: {event:?}");
            }
        }
    }
}
