//! Other people's histories.

use std::path::{Path, PathBuf};
use std::time::Instant;

use polygraph_checker::isolation::solve::{Answer, Case, Isolation, Level, Order, decide};

use super::fuzz::PLENTY;
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

#[test]
fn labelled_histories_are_decided() {
    let Some(corpora) = corpora() else { return };
    let manifest = std::fs::read_to_string(corpora.join("MANIFEST.tsv")).expect("it was there");
    for row in manifest
        .lines()
        .map(|line| line.split('\t').collect::<Vec<_>>())
    {
        if !row[3].starts_with("plume-text") || row[4] != "rw-register" {
            continue;
        }
        look(&corpora, row[2], row[5]);
    }
}

fn look(corpora: &Path, path: &str, label: &str) {
    let text = std::fs::read_to_string(corpora.join(path)).expect("a history of the manifest");
    let text = plume::parse(&text);
    let mut told = String::new();
    for isolation in [
        Isolation::Serializable,
        Isolation::Snapshot,
        Isolation::Prefix,
    ] {
        let level = Level {
            isolation,
            order: Order::Sessions,
        };
        let begun = Instant::now();
        let (answer, effort) = decide(&text.problem, level, PLENTY);
        let took = begun.elapsed();
        let answer = match answer {
            Answer::Holds(_) => "holds".to_owned(),
            Answer::Violated(proof) => {
                let splits = proof
                    .cases
                    .iter()
                    .filter(|case| matches!(case, Case::Either { .. }));
                format!("violated({}f {}c)", proof.facts.len(), splits.count())
            }
            Answer::Unknown(_) => "unknown".to_owned(),
        };
        told += &format!(
            " {answer} {:.1}ms {}d {}x {}o",
            took.as_secs_f64() * 1e3,
            effort.decisions,
            effort.conflicts,
            effort.orders
        );
    }
    println!(
        "{path} n={} wrong={} [{label}]{told}",
        text.problem.transactions, text.wrong
    );
}
