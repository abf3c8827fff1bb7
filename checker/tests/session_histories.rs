//! Small named histories, each with what is said of it.

mod session_support;

use std::path::PathBuf;

use polygraph_checker::{Options, Validity, entry};
use polygraph_history::{Guarantee, History, jsonl};
use session_support::confirmed;

const RYW: Guarantee = Guarantee::ReadYourWrites;
const MR: Guarantee = Guarantee::MonotonicReads;
const CONVERGES: Guarantee = Guarantee::Converges;
const DURABLE: Guarantee = Guarantee::Durable;

/// Name of the history, guarantee, and what is said: the kind of the first anomaly and its
/// sentence, or else the validity and the beginning of the first warning.
const EXPECTED: &[(&str, Guarantee, &str, &str)] = &[
    (
        "replicas-concurrent-writes-prove-nothing",
        CONVERGES,
        "holds",
        "",
    ),
    (
        "replicas-concurrent-writes-prove-nothing",
        DURABLE,
        "holds",
        "",
    ),
    (
        "replicas-diverged",
        CONVERGES,
        "diverged",
        "the replicas of x differ in the end: n1 answers 2 (peeked at 0.250 s), n2 answers 1 (peeked at 0.350 s), n3 answers 2 (peeked at 0.450 s); the last operation that could change it was client 2's, begun at 0.150 s",
    ),
    ("replicas-diverged", DURABLE, "holds", ""),
    ("replicas-lost-adds", CONVERGES, "holds", ""),
    (
        "replicas-lost-adds",
        DURABLE,
        "lost-add",
        "4 acknowledged adds to s are on no replica, and nobody removed them: 2, 3, 4 …; the first, 2, was acknowledged to client 1 at 0.200 s",
    ),
    ("replicas-lost-write", CONVERGES, "holds", ""),
    (
        "replicas-lost-write",
        DURABLE,
        "lost-write",
        "x=2, acknowledged to client 2 at 0.200 s, is lost: its replicas hold 1, last written by client 1 (finished 0.100 s)",
    ),
    (
        "replicas-one-does-not-answer",
        CONVERGES,
        "unknown",
        "no-answer: n2 gave no answer for s in the end",
    ),
    (
        "replicas-one-does-not-answer",
        DURABLE,
        "unknown",
        "no-answer: a replica gave no answer in the end, and the others do not settle it (key s)",
    ),
    ("replicas-sets-in-any-order", CONVERGES, "holds", ""),
    ("replicas-sets-in-any-order", DURABLE, "holds", ""),
    (
        "session-aborted-read",
        RYW,
        "unknown",
        "phantom-value: a value was read that nobody wrote, or only an operation that failed; what is not violated of read-your-writes there is unknown (key x)",
    ),
    (
        "session-aborted-read",
        MR,
        "unknown",
        "phantom-value: a value was read that nobody wrote, or only an operation that failed; what is not violated of monotonic-reads there is unknown (key x)",
    ),
    (
        "session-cyclic-version-order",
        RYW,
        "unknown",
        "cyclic-version-order: real-time order, session order and the data contradict each other; what is not violated of read-your-writes there is unknown (key x)",
    ),
    (
        "session-cyclic-version-order",
        MR,
        "unknown",
        "cyclic-version-order: real-time order, session order and the data contradict each other; what is not violated of monotonic-reads there is unknown (key x)",
    ),
    ("session-element-seen-once", RYW, "holds", ""),
    (
        "session-element-seen-once",
        MR,
        "non-monotonic-read",
        "client 2 read 1 in l (finished 0.200 s) and then read l at 0.250 s without it, though nobody removes it",
    ),
    (
        "session-indeterminate-write-obliges-nobody",
        RYW,
        "holds",
        "",
    ),
    (
        "session-indeterminate-write-obliges-nobody",
        MR,
        "holds",
        "",
    ),
    (
        "session-initial-after-own-write",
        RYW,
        "stale-own-read",
        "client 4 wrote x=9 (finished 0.100 s) and then found nothing in x at 0.150 s, which is older, whoever put it there",
    ),
    ("session-initial-after-own-write", MR, "holds", ""),
    (
        "session-lost-own-add",
        RYW,
        "lost-own-write",
        "client 1 added 2 to s (finished 0.200 s) and then read s at 0.350 s without it, though nobody removes it",
    ),
    ("session-lost-own-add", MR, "holds", ""),
    ("session-non-monotonic-jointly", RYW, "holds", ""),
    (
        "session-non-monotonic-jointly",
        MR,
        "non-monotonic-read",
        "client 3 read x=1 (finished 0.300 s) and then read x=2 at 0.350 s; but client 4 read x=1 at 0.550 s after it read x=2: no order of the writes explains it all",
    ),
    ("session-non-monotonic-read", RYW, "holds", ""),
    (
        "session-non-monotonic-read",
        MR,
        "non-monotonic-read",
        "client 4 read x=9 (finished 0.300 s) and then read x=7 at 0.350 s, which client 2's write of 7 had put there before (finished 0.100 s), when client 3's write of 9 had not begun (0.150 s)",
    ),
    ("session-older-than-cas-chain", RYW, "holds", ""),
    (
        "session-older-than-cas-chain",
        MR,
        "non-monotonic-read",
        "client 3 read x=5 (finished 0.400 s) and then read x=2 at 0.450 s; but client 4 read x=5 at 0.650 s after it read x=1: no order of the writes explains it all (and a compare-and-set comes right after what it replaced)",
    ),
    ("session-own-add-removed-by-somebody", RYW, "holds", ""),
    ("session-own-add-removed-by-somebody", MR, "holds", ""),
    (
        "session-own-remove-undone",
        RYW,
        "stale-own-read",
        "client 2 removed 1 from s (finished 0.200 s) and then read s with 1 at 0.250 s, which client 1's add of 1 had put there before (finished 0.100 s)",
    ),
    ("session-own-remove-undone", MR, "holds", ""),
    ("session-own-write-replaced-meanwhile", RYW, "holds", ""),
    ("session-own-write-replaced-meanwhile", MR, "holds", ""),
    ("session-read-inside-cas-chain", RYW, "holds", ""),
    (
        "session-read-inside-cas-chain",
        MR,
        "non-monotonic-read",
        "client 4 read x=3 (finished 0.400 s) and then read x=2 at 0.450 s, which compare-and-sets had replaced before",
    ),
    (
        "session-reversed-own-appends",
        RYW,
        "reversed-own-writes",
        "client 1 appended first 1 and then 2 to l (finished 0.200 s) and then read 2 before 1 at 0.250 s",
    ),
    (
        "session-reversed-own-appends",
        MR,
        "unknown",
        "cyclic-version-order: real-time order, session order and the data contradict each other; what is not violated of monotonic-reads there is unknown (key l)",
    ),
    (
        "session-stale-own-read",
        RYW,
        "stale-own-read",
        "client 4 wrote x=9 (finished 0.200 s) and then read x=7 at 0.250 s, which client 2's write of 7 had put there before (finished 0.100 s)",
    ),
    ("session-stale-own-read", MR, "holds", ""),
];

fn load(name: &str) -> History {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/histories");
    let text = std::fs::read(folder.join(format!("{name}.jsonl"))).expect("a named history");
    jsonl::read(&text[..]).expect("a history")
}

#[test]
fn named_histories() {
    for &(name, guarantee, kind, text) in EXPECTED {
        let history = load(name);
        let check = entry(guarantee).expect("a checker").check;
        let verdict = confirmed(&history, check(&history, &Options::default()));
        let said = match verdict.validity {
            Validity::Violated => {
                let first = &verdict.anomalies[0];
                (first.kind, first.explanation.as_str())
            }
            other => (
                other.name(),
                verdict.warnings.first().map_or("", String::as_str),
            ),
        };
        assert_eq!(said, (kind, text), "{name}, {guarantee}");
    }
}

#[test]
fn every_history_is_expected_to_be_something() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/histories");
    for file in std::fs::read_dir(folder).expect("the folder") {
        let name = file
            .expect("a file")
            .file_name()
            .into_string()
            .expect("a name");
        if let Some(name) = name.strip_suffix(".jsonl")
            && (name.starts_with("session-") || name.starts_with("replicas-"))
        {
            assert!(
                EXPECTED.iter().any(|&(expected, ..)| expected == name),
                "{name}"
            );
        }
    }
}
