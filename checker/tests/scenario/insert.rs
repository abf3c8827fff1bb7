//! `exclusive-insert`: at most one insert under a predicate.

use polygraph_checker::{Reason, Validity, scenario};
use polygraph_history::{Guarantee, Op, Outcome};
use serde_json::json;

use super::build::{Call, Rng, interleave};
use super::{check, histories};

const GUARANTEE: Guarantee = Guarantee::ExclusiveInsert;

#[test]
fn random_inserts_are_decided_by_counting() {
    let mut violated = 0;
    for seed in 0..histories() {
        let mut rng = Rng(seed);
        let mut calls: Vec<Call> = Vec::new();
        let mut committed = [0_u64; 4];
        let mut tried = [0_u64; 4];
        for id in 0..1 + rng.below(8) {
            let predicate = rng.below(4);
            let ids = if id % 2 == 0 {
                json!([id, null])
            } else {
                json!([null, id])
            };
            let outcome = [Outcome::Ok, Outcome::Fail, Outcome::Info][rng.below(3)];
            tried[predicate] += 1;
            committed[predicate] += u64::from(outcome == Outcome::Ok);
            let args = match seed % 2 {
                0 => json!([predicate, ids]),
                _ => json!({ "key": predicate, "value": ids }),
            };
            let name = "insert".to_owned();
            calls.push(Call {
                process: id as u64,
                op: Op::Custom { name, args },
                outcome,
            });
        }
        let history = interleave(&calls, &mut rng);
        let verdict = check(&history, GUARANTEE);
        let extra: u64 = committed.iter().map(|count| count.saturating_sub(1)).sum();
        assert_eq!(verdict.anomaly_count, extra, "seed {seed}");
        assert_eq!(verdict.validity == Validity::Violated, extra > 0);
        let shown = committed
            .iter()
            .zip(tried)
            .any(|(&ok, all)| ok > 0 && all > 1);
        assert_eq!(
            verdict.reason == Some(Reason::NotObservable),
            extra == 0 && !shown
        );
        assert_eq!(scenario::recognise(&history), [GUARANTEE]);
        violated += u64::from(extra > 0);
    }
    println!("{violated} violated");
    assert!(violated > 1000);
}
