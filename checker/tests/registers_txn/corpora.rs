//! Other people's histories: what we answer must be what is known of them.

use std::path::{Path, PathBuf};

use polygraph_checker::isolation::weak::{Level, check};
use polygraph_checker::{Options, Validity};
use polygraph_history::{History, ReadOptions};

use super::plume;

/// Where the corpora are, if they are there.
fn corpora() -> Option<PathBuf> {
    let shared = std::env::var_os("POLYGRAPH_SHARED").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared")),
        PathBuf::from,
    );
    let txn = shared.join("corpora/txn");
    let found = txn.join("MANIFEST.tsv").is_file();
    if !found {
        println!("skipped: there are no corpora at {}", txn.display());
    }
    found.then_some(txn)
}

/// A row of the manifest.
struct Row {
    path: String,
    format: String,
    verdict: String,
    anomalies: String,
    /// What AWDIT says of read committed, read atomic and causal, where it was asked.
    awdit: Option<[Validity; 3]>,
}

fn rows(corpora: &Path) -> Vec<Row> {
    let manifest = std::fs::read_to_string(corpora.join("MANIFEST.tsv")).expect("it was there");
    manifest
        .lines()
        .map(|line| line.split('\t').collect::<Vec<_>>())
        .filter(|row| row[4] == "rw-register")
        .map(|row| Row {
            path: row[2].to_owned(),
            format: row[3].to_owned(),
            verdict: row[5].to_owned(),
            anomalies: row[6].to_owned(),
            awdit: awdit_column(row[6]),
        })
        .collect()
}

fn awdit_column(note: &str) -> Option<[Validity; 3]> {
    let (_, said) = note.split_once("AWDIT: ")?;
    let mut of = ["read-committed=", "read-atomic=", "causal="]
        .into_iter()
        .map(|name| {
            let (_, answer) = said.split_once(name)?;
            Some(match answer.starts_with("Consistent") {
                true => Validity::Holds,
                false => Validity::Violated,
            })
        });
    Some([of.next()??, of.next()??, of.next()??])
}

fn read(corpora: &Path, row: &Row) -> Option<History> {
    let path = corpora.join(&row.path);
    let text = std::fs::read_to_string(&path).expect("the corpus has the file");
    if row.format.starts_with("awdit") {
        Some(plume::awdit(&text))
    } else if row.format.starts_with("plume") {
        Some(plume::plume(&text))
    } else {
        let read = polygraph_history::read(text.as_bytes(), ReadOptions::default());
        read.ok().map(|reading| reading.history)
    }
}

/// The levels as AWDIT has them.
const AWDIT: [Level; 3] = [
    Level::MONOTONIC_ATOMIC_VIEW.in_sessions(),
    Level::READ_ATOMIC.in_sessions(),
    Level::CAUSAL,
];

/// The answer, whose evidence is confirmed.
fn answer(history: &History, level: Level) -> (Validity, Vec<&'static str>) {
    let verdict = check(level, history, &Options::default());
    for anomaly in &verdict.anomalies {
        anomaly
            .confirm(history)
            .unwrap_or_else(|problem| panic!("{problem}: {anomaly:#?}"));
    }
    let kinds = verdict.anomalies.iter().map(|anomaly| anomaly.kind);
    (verdict.validity, kinds.collect())
}

#[test]
fn our_answers_are_awdits_where_the_author_of_each_value_is_known() {
    let Some(corpora) = corpora() else { return };
    let (mut same, mut violated, mut differ) = (0, [0; 3], Vec::new());
    for row in rows(&corpora) {
        let Some(awdit) = row.awdit else { continue };
        let history = read(&corpora, &row).expect("it can be read");
        for (at, level) in AWDIT.into_iter().enumerate() {
            let (validity, kinds) = answer(&history, level);
            violated[at] += u32::from(validity == Validity::Violated);
            if validity == awdit[at] {
                same += 1;
            } else {
                differ.push(format!(
                    "{} {level:?}: {validity:?} {kinds:?}, AWDIT {:?}",
                    row.path, awdit[at]
                ));
            }
        }
    }
    println!("{same} answers alike, {violated:?} violated at RC, RA, CC");
    differ.iter().for_each(|line| println!("differs: {line}"));
    // Values that several transactions wrote: AWDIT takes one of them for the author.
    let known = ["veristrong/fig5/BL-1k/", "veristrong/fig5/rubis-1k"];
    differ.retain(|line| !known.iter().any(|path| line.starts_with(path)));
    assert!(differ.is_empty(), "{differ:#?}");
    assert!(same >= 270);
}

#[test]
fn awdits_own_tests_have_the_answers_that_it_expects() {
    let Some(corpora) = corpora() else { return };
    let rows = rows(&corpora);
    let rows = rows.iter().filter(|row| row.format.starts_with("awdit"));
    let mut count = 0;
    for row in rows {
        let history = read(&corpora, row).expect("it can be read");
        let broken = row
            .verdict
            .split(';')
            .find(|part| part.contains("violated"));
        for (name, level) in ["RC", "RA", "CC"].into_iter().zip(AWDIT) {
            let expected = match broken.is_some_and(|broken| broken.contains(name)) {
                true => Validity::Violated,
                false => Validity::Holds,
            };
            assert_eq!(answer(&history, level).0, expected, "{} {name}", row.path);
            count += 1;
        }
    }
    println!("{count} answers");
    assert_eq!(count, 33);
}

/// The answers at all four levels.
fn answers(history: &History) -> [(Validity, Vec<&'static str>); 4] {
    [
        Level::READ_COMMITTED,
        Level::MONOTONIC_ATOMIC_VIEW,
        Level::READ_ATOMIC,
        Level::CAUSAL,
    ]
    .map(|level| answer(history, level))
}

/// One anomaly among a thousand good transactions is named at the weakest level that forbids it,
/// and none is seen where there is none.
#[test]
fn planted_anomalies_are_found() {
    let Some(corpora) = corpora() else { return };
    let mut count = 0;
    for row in rows(&corpora) {
        if !row.path.starts_with("gen/") && !row.path.starts_with("elle-fp/") {
            continue;
        }
        let history = read(&corpora, &row).expect("it can be read");
        let planted = [
            ("g1a", "G1a", 0),
            ("g1b", "G1b", 0),
            ("g1c", "G1c", 0),
            ("gsingle", "fractured-read", 2),
        ];
        let planted = planted.iter().find(|(name, _, _)| row.path.contains(name));
        for (at, (validity, kinds)) in answers(&history).into_iter().enumerate() {
            match planted {
                Some(&(_, kind, weakest)) if at >= weakest => assert_eq!(kinds, [kind]),
                _ => assert_eq!(validity, Validity::Holds, "{} {at}", row.path),
            }
            count += 1;
        }
    }
    println!("{count} answers");
    assert_eq!(count, 64);
}

/// What Elle calls not read committed for what reads show by themselves or in a circle, we do. It
/// says nothing of values that nobody wrote; where it calls a history valid, that is all we may
/// find beyond what it was asked for.
#[test]
fn elles_register_tests() {
    let Some(corpora) = corpora() else { return };
    let mut count = [0, 0];
    for row in rows(&corpora) {
        if !row.path.starts_with("elle-tests/") || row.verdict.contains("unknown") {
            continue;
        }
        let history = read(&corpora, &row).expect("it can be read");
        let [(committed, kinds), _, (atomic, _), _] = answers(&history);
        let shown = ["G1a", "G1b", "G1c "]
            .iter()
            .any(|kind| row.anomalies.replace(']', " ").contains(kind));
        if shown {
            assert_eq!(committed, Validity::Violated, "{}", row.path);
            count[0] += 1;
        }
        if row.anomalies.contains(":internal") {
            assert_eq!(atomic, Validity::Violated, "{}", row.path);
        }
        if row.verdict.contains("true") && row.verdict.contains("erializable") {
            let unexplained = kinds.iter().any(|&kind| kind != "thin-air-read");
            assert!(!unexplained, "{} {kinds:?}", row.path);
            count[1] += 1;
        }
    }
    println!("{count:?} with G1, valid");
    assert!(count[0] >= 6 && count[1] >= 5);
}
