//! The ten interleavings: none is what one transaction after the other would show, and each level
//! rules out those that the literature says.

use std::collections::BTreeMap;

use polygraph_checker::Validity;
use polygraph_checker::isolation::{LEVELS, implies};
use polygraph_checker::scenario::hermitage::SCENARIOS;
use polygraph_history::{Guarantee as G, History, Micro, Op, Outcome, Value};

/// Whether committed transactions, one after the other in this order, see what they saw.
fn runs(history: &History, order: &[usize]) -> bool {
    let mut objects: BTreeMap<String, Value> = BTreeMap::new();
    order.iter().all(|&id| {
        let Op::Txn(micros) = history.op(&history.operations()[id]) else {
            return false;
        };
        micros.iter().all(|micro| match micro {
            Micro::Read { key, value } => objects.get(&key.to_string()) == value.as_ref(),
            Micro::Write { key, value } | Micro::Insert { key, value } => {
                objects.insert(key.to_string(), value.clone());
                true
            }
            Micro::Init { objects: all } => {
                for item in all.iter().flatten() {
                    objects.insert(item.key.to_string(), item.value.clone());
                }
                true
            }
            Micro::PredicateRead(read) => {
                let found: BTreeMap<String, Value> = read
                    .found
                    .iter()
                    .flatten()
                    .map(|item| (item.key.to_string(), item.value.clone()))
                    .collect();
                let matching = objects
                    .iter()
                    .filter(|(_, value)| read.predicate.matches(value));
                matching
                    .map(|(key, value)| (key.clone(), value.clone()))
                    .eq(found)
            }
            other => panic!("{other} is not Hermitage's"),
        })
    })
}

fn serial(history: &History, order: &mut Vec<usize>, left: &[usize]) -> bool {
    if left.is_empty() {
        return runs(history, order);
    }
    (0..left.len()).any(|at| {
        let mut rest = left.to_vec();
        order.push(rest.remove(at));
        let found = serial(history, order, &rest);
        order.pop();
        found
    })
}

#[test]
fn every_scenario_shows_what_no_serial_order_shows() {
    assert_eq!(SCENARIOS.len(), 10);
    for scenario in SCENARIOS {
        let history = scenario.history().expect("a history");
        let committed = history.operations().iter().enumerate();
        let committed = committed.filter(|(_, it)| it.outcome == Outcome::Ok);
        let mut all: Vec<usize> = committed.map(|(id, _)| id).collect();
        let first = all.remove(0);
        let last = scenario.name == "G0";
        // What is read in the end is read by the last.
        let end = last.then(|| all.pop()).flatten();
        let mut orders = vec![all];
        if let Some(end) = end {
            orders = vec![
                vec![orders[0][0], orders[0][1]],
                vec![orders[0][1], orders[0][0]],
            ];
            orders.iter_mut().for_each(|order| order.push(end));
            let explained = orders
                .iter()
                .any(|order| runs(&history, &[&[first], order.as_slice()].concat()));
            assert!(!explained, "{}", scenario.name);
            continue;
        }
        assert!(
            !serial(&history, &mut vec![first], &orders[0]),
            "{}",
            scenario.name
        );
    }
}

#[test]
fn levels_grow_from_one_scenario_to_the_next() {
    let names: Vec<&str> = SCENARIOS.iter().map(|scenario| scenario.name).collect();
    let expected = [
        "G0", "G1a", "G1b", "G1c", "OTV", "PMP", "P4", "G-single", "G2-item", "G2",
    ];
    assert_eq!(names, expected);
}

/// The weakest levels that rule a scenario out (Kleppmann's table; Berenson et al. 1995 and Adya
/// 1999, section 4.3, for the levels that it lacks), and those of them and below others that its
/// history alone does not show: which of two blind writes came first no read tells.
const TABLE: &[(&str, &[G], &[G])] = &[
    (
        "G0",
        &[G::ReadUncommitted],
        &[
            G::ReadUncommitted,
            G::ReadCommitted,
            G::CursorStability,
            G::MonotonicAtomicView,
            G::MonotonicView,
        ],
    ),
    ("G1a", &[G::ReadCommitted], &[]),
    ("G1b", &[G::ReadCommitted], &[]),
    ("G1c", &[G::ReadCommitted], &[]),
    (
        "OTV",
        &[G::MonotonicAtomicView],
        &[G::MonotonicAtomicView, G::MonotonicView],
    ),
    ("PMP", &[G::ConsistentView, G::TransactionalCausal], &[]),
    ("P4", &[G::CursorStability], &[]),
    // The writer that is seen in part wrote both objects: that is a fractured read as well.
    ("G-single", &[G::ReadAtomic], &[]),
    ("G2-item", &[G::RepeatableRead, G::UpdateSerializable], &[]),
    ("G2", &[G::Serializable, G::UpdateSerializable], &[]),
];

#[test]
fn levels_rule_out_what_the_table_says() {
    for (scenario, (name, weakest, not_shown)) in SCENARIOS.iter().zip(TABLE) {
        assert_eq!(scenario.name, *name);
        let prevented_by = scenario.prevented_by;
        assert!(weakest.iter().any(|&weak| implies(prevented_by, weak)));
        let history = scenario.history().expect("a history");
        for &level in LEVELS {
            let verdict = super::check(&history, level);
            let ruled_out = weakest.iter().any(|&weak| implies(level, weak));
            let shown = ruled_out && !not_shown.contains(&level);
            println!(
                "{name} {level}: {:?} {:?}",
                verdict.validity,
                super::kinds(&verdict)
            );
            assert_eq!(
                verdict.validity == Validity::Violated,
                shown,
                "{name} at {level}: {verdict:#?}"
            );
        }
    }
}
