//! Other people's histories, with their verdicts.

use std::path::PathBuf;

use polygraph_checker::{Validity, scenario};
use polygraph_history::{Guarantee, ReadOptions, read};

use super::{check, kinds};

#[test]
fn the_histories_of_elle_cli_are_judged_as_labelled() {
    let shared = std::env::var_os("POLYGRAPH_SHARED").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared")),
        PathBuf::from,
    );
    let folder = shared.join("corpora/txn/elle-cli/jepsen");
    if !folder.is_dir() {
        println!("skipped: there are no corpora at {}", folder.display());
        return;
    }
    let judge = |name: &str, guarantee: Guarantee| {
        let bytes = std::fs::read(folder.join(name)).expect("the file");
        let history = read(&*bytes, ReadOptions::default())
            .expect("a history")
            .history;
        let verdict = check(&history, guarantee);
        (scenario::recognise(&history), verdict)
    };
    let (made_for, bank) = judge("bank.edn", Guarantee::ConstantSum);
    assert_eq!(made_for, [Guarantee::ConstantSum]);
    assert_eq!(bank.validity, Validity::Holds);
    println!("bank.edn: holds over {} reads", bank.opportunities);
    // elle-cli forbids balances below zero; both totals are 100.
    let (made_for, negative) = judge("bank-negative-balances.json", Guarantee::ConstantSum);
    assert_eq!(made_for, [Guarantee::ConstantSum]);
    assert_eq!(negative.validity, Validity::Holds);
    assert!(negative.warnings[0].starts_with("negative-balance"));
    // It has no writes, so that nobody knows how often its registers are written.
    let (_, fork) = judge("long-fork.edn", Guarantee::ConsistentPrefixTotal);
    println!("long-fork.edn: {} {:?}", fork.validity.name(), kinds(&fork));
}
