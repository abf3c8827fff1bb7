//! Histories of other people's, each with the verdict that their manifest gives it, or with why
//! not: read, recognised and judged as `polygraph check` does, and every answer proved.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use polygraph_checker::linearizable::{confirm_certificate, confirm_witness};
use polygraph_checker::model::ModelKind;
use polygraph_checker::{Options, Validity, entry};
use polygraph_history::{
    Body, Event, Guarantee, History, Key, Kind, Op, Order, Process, ReadOptions, Reading, Time,
    Value, read,
};

/// The rows for which the answer here is not the label, each with what it is, and why.
const EXCEPT: &[(&str, &str, &str)] = &[
    ("polylin/deque_intermediate.1.log", "none", DEQUE),
    ("polylin/deque_simple.0.log", "none", DEQUE),
    ("polylin/deque_simple.1.log", "none", DEQUE),
    ("porcupine/jepsen/etcd_095.log", "none", "no operation"),
    (
        "ahorn/jepsen/",
        "none",
        "a folder, which has a test of its own",
    ),
    ("fastlin/queue/nonlin_simple_0.log", "holds", TIES),
    ("polylin/queue_simple.0.log", "holds", TIES),
    ("fptlin/set/nonlin_simple_0.log", "holds", TIES),
    ("fptlin/stack/nonlin_simple_0.log", "holds", TIES),
    (
        "limo/simple/stack/violation/test3.hist",
        "holds",
        "three pops return without saying what: they may have found the stack empty",
    ),
    (
        "limo/generated/small/ScalObject-bkq/ScalObject-bkq.51.log",
        "holds",
        UNLABELLED,
    ),
    (
        "limo/generated/small/ScalObject-bkq/ScalObject-bkq.71.log",
        "violated",
        UNLABELLED,
    ),
    (
        "limo/generated/small/ScalObject-rdq/ScalObject-rdq.03.log",
        "holds",
        UNLABELLED,
    ),
    (
        "limo/generated/small/ScalObject-rdq/ScalObject-rdq.27.log",
        "holds",
        UNLABELLED,
    ),
    (
        "limo/generated/small/ScalObject-rdq/ScalObject-rdq.67.log",
        "holds",
        UNLABELLED,
    ),
    (
        "limo/generated/small/ScalObject-sl/ScalObject-sl.31.log",
        "holds",
        UNLABELLED,
    ),
    (
        "limo/generated/small/ScalObject-ts/ScalObject-ts.23.log",
        "holds",
        UNLABELLED,
    ),
];

const DEQUE: &str = "there is no model of queues with two ends";
const UNLABELLED: &str = "the manifest knows no verdict";
/// Times are closed intervals here, as for clocks that may tick slowly. fptlin lets what ends at
/// a moment end before what begins at the same; so do all labels of its kin.
const TIES: &str = "what begins when another ends may take effect before it";

/// Orders are asked for where there are no more operations than these.
const MOST_ORDERED: usize = 5_000;

/// Where the histories are, if they are there.
fn corpora() -> Option<PathBuf> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared");
    let shared = std::env::var("POLYGRAPH_SHARED").unwrap_or_else(|_| default.to_owned());
    let corpora = Path::new(&shared).join("corpora/lin");
    let found = corpora.join("MANIFEST.tsv").is_file();
    if !found {
        println!("skipped: there are no corpora at {}", corpora.display());
    }
    found.then_some(corpora)
}

/// A row of the manifest.
#[derive(Clone, Debug)]
struct Row {
    path: String,
    model: String,
    label: String,
    note: String,
}

fn rows(corpora: &Path) -> Vec<Row> {
    let manifest = fs::read_to_string(corpora.join("MANIFEST.tsv")).expect("it was there");
    let mut rows = Vec::new();
    for line in manifest.lines().skip(1) {
        let fields: Vec<&str> = line.split('\t').collect();
        let row = Row {
            path: fields[2].to_owned(),
            model: fields[4].to_owned(),
            label: fields[5].to_owned(),
            note: fields[7].to_owned(),
        };
        rows.push(row);
    }
    rows
}

/// The model of a row by our name; `None` if there is none here.
fn model(row: &Row) -> Option<ModelKind> {
    let name = row.model.split(['(', ' ']).next().unwrap_or_default();
    Some(match name {
        "cas-register" | "rmw" => ModelKind::CasRegister,
        "queue" | "atomic-queue" => ModelKind::FifoQueue,
        "stack" | "atomic-stack" => ModelKind::Stack,
        "priorityqueue" | "pqueue" => ModelKind::PriorityQueue,
        "set" => ModelKind::Set,
        "semaphore" => ModelKind::Semaphore,
        "mutex" => ModelKind::Mutex,
        "kv" => ModelKind::Text,
        _ => return None,
    })
}

/// The same history as Knossos understands it: a read of nil says nothing, and where its test
/// gives the register an initial value, somebody wrote it before the history began.
fn of_knossos(history: &History, initial: Option<i64>) -> History {
    let mut events = history.events().to_vec();
    for event in &mut events {
        if let Body::Op(Op::Read { value, .. }) = &mut event.body
            && *value == Some(Value::Null)
        {
            *value = None;
        }
    }
    if let Some(initial) = initial {
        let write = || Op::Write {
            key: Key::from("x"),
            value: Value::Int(initial),
        };
        let nobody = Process::Client(1_000_000);
        let first = [Kind::Invoke, Kind::Ok]
            .map(|kind| Event::new(0, Time(0), nobody, kind, Body::Op(write())));
        events.splice(0..0, first);
    }
    for (at, event) in events.iter_mut().enumerate() {
        event.index = at as u64;
    }
    History::new(None, history.order(), events).expect("it was one before")
}

/// What was found of a row: its verdict, or why there is none.
fn judge(corpora: &Path, path: &str, row: &Row) -> Result<Validity, String> {
    model(row).ok_or("no model here")?;
    let text = fs::read(corpora.join(path)).map_err(|error| error.to_string())?;
    let Reading {
        history,
        format,
        object,
        ..
    } = read(&*text, ReadOptions::default()).map_err(|error| error.to_string())?;
    let history = match (row.model.as_str(), path.starts_with("knossos/")) {
        ("cas-register", true) => of_knossos(&history, row.note.contains("init 0").then_some(0)),
        _ => history,
    };
    let options = Options {
        model: object.and_then(|name| name.parse().ok()),
        witness: history.operations().len() <= MOST_ORDERED,
        ..Options::of_format(format)
    };
    Ok(judge_history(path, row, &history, &options))
}

/// The verdict of a history of a row, proved.
fn judge_history(path: &str, row: &Row, history: &History, options: &Options) -> Validity {
    let kind = model(row).expect("one that is covered");
    let check = entry(Guarantee::Linearizable).expect("it is one").check;
    let verdict = check(history, options);
    match verdict.validity {
        Validity::Violated => {
            assert!(!verdict.anomalies.is_empty(), "{path}");
            for anomaly in &verdict.anomalies {
                assert_eq!(anomaly.confirm(history), Ok(()), "{path}");
                let certificate = anomaly.certificate();
                let certificate = certificate.unwrap_or_else(|| panic!("{path}: no certificate"));
                let confirmed = confirm_certificate(history, &certificate);
                assert!(confirmed.is_ok(), "{path}: {confirmed:?}");
                is_of(kind, certificate.model.kind, path);
            }
        }
        Validity::Holds if options.witness => {
            let witness = verdict.witness;
            let witness = witness.unwrap_or_else(|| panic!("{path}: holds without an order"));
            let confirmed = confirm_witness(history, &witness);
            let confirmed = confirmed.unwrap_or_else(|error| panic!("{path}: {error}"));
            assert_eq!(confirmed.not_covered, [], "{path}");
            for object in &witness.objects {
                is_of(kind, object.model.kind, path);
            }
        }
        _ => {}
    }
    verdict.validity
}

/// Asserts that the model is the one of the manifest: that it was recognised.
fn is_of(expected: ModelKind, found: ModelKind, path: &str) {
    let plain = |model| match model {
        ModelKind::Register => ModelKind::CasRegister,
        model => model,
    };
    // A key to which everybody only appends may as well be a list.
    if (expected, found) == (ModelKind::Text, ModelKind::List) {
        return;
    }
    assert_eq!(plain(found), plain(expected), "{path}");
}

/// The answer in a word.
fn word(found: &Result<Validity, String>) -> &'static str {
    match found {
        Ok(Validity::Holds) => "holds",
        Ok(Validity::Violated) => "violated",
        Ok(_) => "unknown",
        Err(_) => "none",
    }
}

/// What a label says, if it says anything.
fn label(row: &Row) -> &str {
    match row.label.as_str() {
        "valid" => "holds",
        "invalid" => "violated",
        other => other,
    }
}

#[test]
fn every_label_is_found_again_or_it_is_said_why_not() {
    let Some(corpora) = corpora() else { return };
    let mut except: BTreeMap<&str, &str> =
        EXCEPT.iter().map(|&(path, word, _)| (path, word)).collect();
    let (mut agree, mut wrong) = (BTreeMap::new(), Vec::new());
    for row in rows(&corpora) {
        let began = std::time::Instant::now();
        let found = judge(&corpora, &row.path, &row);
        if began.elapsed().as_millis() > 200 {
            println!("{:?} {}", began.elapsed(), row.path);
        }
        let (found_word, label) = (word(&found), label(&row));
        match except.remove(row.path.as_str()) {
            None if found_word == label => *agree.entry(found_word).or_insert(0) += 1,
            Some(expected) if found_word == expected && found_word != label => {}
            excepted => wrong.push(format!("{}: {label}, {found:?}, {excepted:?}", row.path)),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(except.is_empty(), "not in the manifest: {except:?}");
    println!("{agree:?}; {} excepted", EXCEPT.len());
    assert_eq!(agree, BTreeMap::from([("holds", 342), ("violated", 144)]));
}

#[test]
fn whole_logs_have_the_verdicts_of_what_porcupine_took_of_them() {
    let Some(corpora) = corpora() else { return };
    let mut files = 0;
    for row in rows(&corpora) {
        let Some(name) = row.path.strip_prefix("porcupine/jepsen/") else {
            continue;
        };
        let found = judge(&corpora, &format!("ahorn/jepsen/{name}"), &row);
        let expected = match name {
            // Of a run that failed before its first operation.
            "etcd_095.log" => "none",
            _ => label(&row),
        };
        assert_eq!(word(&found), expected, "{name}: {found:?}");
        files += 1;
    }
    assert_eq!(files, 103);
}

/// Where what begins when another ends comes after it, the labels of all these texts are right.
#[test]
fn ties_are_what_labels_differ_by() {
    let Some(corpora) = corpora() else { return };
    let (mut compared, mut ties) = (0, 0);
    for row in rows(&corpora) {
        let path = row.path.as_str();
        let folder = path.split('/').next().unwrap_or_default();
        let is_text = matches!(folder, "fastlin" | "fptlin" | "polylin");
        if !is_text || model(&row).is_none() {
            continue;
        }
        let text = fs::read(corpora.join(path)).expect("the manifest lists it");
        let reading = read(&*text, ReadOptions::default()).expect("a history");
        let mut events = reading.history.events().to_vec();
        events.sort_by_key(|event| (event.time, event.kind == Kind::Invoke));
        for (at, event) in events.iter_mut().enumerate() {
            event.index = at as u64;
        }
        let apart = History::new(None, Order::Index, events).expect("one after the other");
        let options = Options {
            model: reading.object.and_then(|name| name.parse().ok()),
            witness: true,
            ..Options::of_format(reading.format)
        };
        let found = word(&Ok(judge_history(path, &row, &apart, &options)));
        if EXCEPT.iter().any(|&(other, ..)| other == path) {
            assert_eq!(found, "violated", "{path}");
            ties += 1;
        } else {
            assert_eq!(found, label(&row), "{path}");
        }
        compared += 1;
    }
    assert_eq!((compared, ties), (35, 4));
}
