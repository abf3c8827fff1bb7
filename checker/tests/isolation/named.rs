//! One small history for each kind of anomaly, and for what is easily taken for one.

use std::collections::BTreeSet;
use std::path::Path;

use polygraph_checker::isolation::{
    Class, Kind, SERIALIZABLE, STRICT_SERIALIZABLE, Suffix, survey,
};
use polygraph_checker::{Entry, Options, Reason, Validity, Verdict};
use polygraph_history::{History, jsonl};

use super::{brute, fuzz::proof};

const H: Validity = Validity::Holds;
const V: Validity = Validity::Violated;
const U: Validity = Validity::Unknown;

/// File, serializable, strict-serializable, the kind that it is an example of.
const HISTORIES: &[(&str, Validity, Validity, &str)] = &[
    ("thin-air-read", V, V, "thin-air-read"),
    ("not-a-list", V, V, "thin-air-read"),
    ("duplicate-elements", V, V, "duplicate-elements"),
    ("incompatible-order", V, V, "incompatible-order"),
    ("incompatible-order-reordered", V, V, "incompatible-order"),
    ("incompatible-order-missing", V, V, "incompatible-order"),
    ("internal", V, V, "internal"),
    ("internal-repeated-read", V, V, "internal"),
    ("future-read", V, V, "future-read"),
    ("g1a", V, V, "G1a"),
    ("dirty-update", V, V, "dirty-update"),
    ("g1b", V, V, "G1b"),
    ("lost-update", V, V, "lost-update"),
    ("g0", V, V, "G0"),
    ("g1c", V, V, "G1c"),
    ("g-single", V, V, "G-single-item"),
    ("g-nonadjacent", V, V, "G-nonadjacent-item"),
    ("g2-item", V, V, "G2-item"),
    ("g0-process", H, V, "G0-process"),
    ("g1c-process", H, V, "G1c-process"),
    ("g-single-process", H, V, "G-single-item-process"),
    ("g-nonadjacent-process", H, V, "G-nonadjacent-item-process"),
    ("g2-item-process", H, V, "G2-item-process"),
    ("g0-realtime", H, V, "G0-realtime"),
    ("g1c-realtime", H, V, "G1c-realtime"),
    ("g-single-realtime", H, V, "G-single-item-realtime"),
    (
        "g-nonadjacent-realtime",
        H,
        V,
        "G-nonadjacent-item-realtime",
    ),
    ("g2-item-realtime", H, V, "G2-item-realtime"),
    ("info-half-applied", V, V, "G-single-item"),
    ("info-before-invocation", H, V, "G1c-realtime"),
    ("unobserved-appends", H, H, ""),
    ("holds", H, H, ""),
    ("holds-late-info", H, H, ""),
    ("holds-never-info", H, H, ""),
    ("appended-twice", U, U, ""),
    ("registers", H, H, ""),
];

/// Files of the same with what else they are an example of.
const TELLING: &[(&str, &str)] = &[
    ("g-single", "fractured-read"),
    ("g-single", "G-monotonic"),
    ("g2-item", "write-skew"),
    ("g-nonadjacent", "long-fork"),
];

#[test]
fn cycles_of_a_telling_shape_have_their_names() {
    for &(name, kind) in TELLING {
        let history = load(name);
        let survey = survey(&history, &Options::default());
        let found = survey.anomalies.iter().find(|anomaly| anomaly.kind == kind);
        let found = found.unwrap_or_else(|| panic!("{name}: no {kind}"));
        println!("{kind}: {}", found.explanation);
        assert_eq!(found.confirm(&history), Ok(()), "{name}");
    }
}

fn load(name: &str) -> History {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/histories");
    let file = std::fs::read(folder.join(format!("isolation-{name}.jsonl"))).expect("it is listed");
    jsonl::read(file.as_slice()).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn check(history: &History, entry: &Entry) -> Verdict {
    let verdict = (entry.check)(history, &Options::default());
    for anomaly in &verdict.anomalies {
        anomaly
            .confirm(history)
            .unwrap_or_else(|problem| panic!("{problem}: {anomaly:#?}"));
    }
    verdict
}

#[test]
fn each_has_its_verdict_and_its_kind() {
    for &(name, serializable, strict, kind) in HISTORIES {
        let history = load(name);
        let plain = check(&history, &SERIALIZABLE);
        let timed = check(&history, &STRICT_SERIALIZABLE);
        assert_eq!(
            (plain.validity, timed.validity),
            (serializable, strict),
            "{name}"
        );
        // The definition here is that of lists.
        if serializable != U && name != "registers" {
            assert_eq!(brute::serializable(&history), serializable == H, "{name}");
            assert_eq!(brute::strict_serializable(&history), strict == H, "{name}");
        }
        let survey = survey(&history, &Options::default());
        let found: Vec<&str> = survey
            .anomalies
            .iter()
            .map(|anomaly| anomaly.kind)
            .collect();
        let shown: Vec<&str> = timed.anomalies.iter().map(|anomaly| anomaly.kind).collect();
        if kind.is_empty() {
            assert!(found.is_empty() && shown.is_empty(), "{name}: {found:?}");
        } else {
            assert!(shown.contains(&kind), "{name}: {shown:?}");
            assert!(found.contains(&kind), "{name}: {found:?}");
        }
    }
}

#[test]
fn every_kind_has_its_history_and_every_history_is_listed() {
    let mut kinds: BTreeSet<&str> = [
        Kind::ThinAirRead,
        Kind::DuplicateElements,
        Kind::IncompatibleOrder,
        Kind::Internal,
        Kind::FutureRead,
        Kind::G1a,
        Kind::DirtyUpdate,
        Kind::G1b,
        Kind::LostUpdate,
    ]
    .map(Kind::name)
    .into();
    for suffix in Suffix::ALL {
        let of_items = Class::ALL.iter().filter(|class| !class.has_predicates());
        kinds.extend(of_items.map(|&class| Kind::Cycle(suffix, class).name()));
    }
    assert_eq!(kinds.len(), 24);
    let shown: BTreeSet<&str> = HISTORIES
        .iter()
        .map(|row| row.3)
        .filter(|kind| !kind.is_empty())
        .collect();
    assert_eq!(shown, kinds);

    let listed: BTreeSet<String> = HISTORIES
        .iter()
        .map(|row| format!("isolation-{}.jsonl", row.0))
        .collect();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/histories");
    let files: BTreeSet<String> = std::fs::read_dir(folder)
        .expect("the folder is there")
        .map(|entry| {
            entry
                .expect("it can be listed")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .filter(|name| name.starts_with("isolation-"))
        .collect();
    assert_eq!(files, listed);
}

#[test]
fn what_cannot_be_known_says_why() {
    let twice = check(&load("appended-twice"), &SERIALIZABLE);
    assert_eq!(twice.reason, Some(Reason::NotObservable));
    assert!(
        twice.warnings[0].contains("appended more than once"),
        "{:?}",
        twice.warnings
    );
}

/// The words, once, in full.
#[test]
fn explanations_say_who_when_and_why() {
    let told = |name: &str| {
        let history = load(name);
        let verdict = check(&history, &STRICT_SERIALIZABLE);
        verdict
            .anomalies
            .iter()
            .map(|anomaly| anomaly.explanation.clone())
            .collect::<Vec<_>>()
    };
    for &(name, ..) in HISTORIES {
        for text in told(name) {
            println!("{name}: {text}");
        }
    }
    assert_eq!(
        told("g-single"),
        [
            "Let T1 (client 1, 0.011–0.051 s) { read x → [1], read y → [] }, \
          T2 (client 0, 0.010–0.050 s) { append x 1, append y 1 }. \
          Then T1 < T2, because T1 read y = [], before T2 appended 1; \
          T2 < T1, because T1 observed T2's append of 1 to x: a contradiction."
        ]
    );
    assert_eq!(
        told("g1a"),
        [
            "T2 (client 1, 0.030–0.040 s) { read x → [1] } read x = [1], with 1, which \
          T1 (client 0, 0.010–0.020 s) { append x 1 } tried to append; but T1 failed."
        ]
    );
}

#[test]
fn evidence_names_transactions_by_their_invocations() {
    let history = load("g-nonadjacent-process");
    let verdict = check(&history, &STRICT_SERIALIZABLE);
    let anomaly = &verdict.anomalies[0];
    assert_eq!(
        proof(anomaly).kind,
        Kind::Cycle(Suffix::Process, Class::GNonadjacentItem)
    );
    assert_eq!(anomaly.key, None, "it is about two lists");
    let mut operations = anomaly.operations.clone();
    operations.sort_unstable();
    let invocations: Vec<u64> = history
        .operations()
        .iter()
        .map(|operation| operation.invoke as u64)
        .collect();
    assert_eq!(operations, invocations);
}
