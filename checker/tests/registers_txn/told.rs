//! Histories in which the store says which version each transaction made: what follows from that
//! is said to, and an order that the data contradict counts for nothing.

use std::collections::BTreeMap;

use polygraph_checker::isolation::{self, contradicts};
use polygraph_checker::{Entry, Options, Proof, Validity, Verdict, entry};
use polygraph_history::{Guarantee as G, History, Key, Micro, Op, Operation, Outcome};

use super::brute;
use super::build::{self, Txn, read, write};
use super::fuzz::factor;
use super::generate::{self, Dice};

fn answer(entry: &Entry, history: &History) -> Verdict {
    let verdict = (entry.check)(history, &Options::default());
    for anomaly in &verdict.anomalies {
        anomaly
            .confirm(history)
            .unwrap_or_else(|problem| panic!("{problem}: {anomaly:#?}"));
        if let Proof::Isolation(proof) = &anomaly.proof {
            contradicts(history, entry.guarantee, proof)
                .unwrap_or_else(|problem| panic!("{problem}: {anomaly:#?}"));
        }
    }
    verdict
}

fn by_name(guarantee: G) -> &'static Entry {
    entry(guarantee).expect("every level has a checker")
}

/// The versions that a store tells: as it took the transactions, with some told wrongly, of some
/// nothing, and of two the same.
fn versions(dice: &mut Dice, txns: &[Txn]) -> Vec<Option<u64>> {
    let mut versions: Vec<Option<u64>> = (0..txns.len() as u64).map(|at| Some(10 * at)).collect();
    let (wrong, missing) = (
        [0, 0, 30][dice.below(3) as usize],
        [0, 0, 20][dice.below(3) as usize],
    );
    for at in 0..versions.len() {
        if dice.percent(wrong) {
            let other = dice.below(versions.len() as u64) as usize;
            versions.swap(at, other);
        }
    }
    for version in &mut versions {
        if dice.percent(missing) {
            *version = None;
        } else if dice.percent(2) {
            *version = Some(0);
        }
    }
    versions
}

/// By definition: whether the order that the store tells of a register's versions contradicts
/// what was read, or the order that a level asks for.
struct Told<'h> {
    history: &'h History,
    sessions: bool,
    real_time: bool,
}

impl Told<'_> {
    fn version(&self, operation: &Operation) -> Option<u64> {
        self.history.version(operation.complete?)
    }

    fn micros(&self, operation: &Operation) -> Vec<Micro> {
        match self.history.op(operation) {
            Op::Txn(micros) => micros.to_vec(),
            other => panic!("{other} is no transaction"),
        }
    }

    /// Those that certainly took place and wrote the register, with what they left.
    fn writers(&self, key: &Key) -> Vec<(&Operation, Micro)> {
        let operations = self.history.operations().iter();
        let last = |operation| {
            let mut writes = self.micros(operation).into_iter().rev();
            writes.find(|micro| matches!(micro, Micro::Write { key: k, .. } if k == key))
        };
        operations
            .filter(|operation| self.took_place(operation))
            .filter_map(|operation| last(operation).map(|write| (operation, write)))
            .collect()
    }

    /// Acknowledged, or the only one that can have written what an acknowledged one read of it.
    fn took_place(&self, operation: &Operation) -> bool {
        let operations = || self.history.operations().iter();
        match operation.outcome {
            Outcome::Ok => true,
            Outcome::Fail => false,
            Outcome::Info => self.micros(operation).iter().any(|micro| {
                let Micro::Write { key, value } = micro else {
                    return false;
                };
                let may = operations().filter(|other| {
                    other.outcome != Outcome::Fail && self.micros(other).contains(micro)
                });
                let left = {
                    let mut writes = self.micros(operation).into_iter().rev();
                    writes.find(|other| matches!(other, Micro::Write { key: k, .. } if k == key))
                };
                may.count() == 1
                    && left.as_ref() == Some(micro)
                    && operations().any(|reader| {
                        reader.outcome == Outcome::Ok
                            && reader.invoke != operation.invoke
                            && self.sees(reader, key).contains(value)
                    })
            }),
        }
    }

    /// What a transaction read of a register, own writes not counted.
    fn sees(&self, operation: &Operation, key: &Key) -> Vec<polygraph_history::Value> {
        let micros = self.micros(operation);
        let mut seen = Vec::new();
        for micro in &micros {
            match micro {
                Micro::Read {
                    key: k,
                    value: Some(value),
                } if k == key => seen.push(value.clone()),
                _ => {}
            }
        }
        seen
    }

    fn counts(&self, key: &Key) -> bool {
        let writers = self.writers(key);
        let told: Vec<(u64, &Operation, &Micro)> = writers
            .iter()
            .filter_map(|(operation, write)| Some((self.version(operation)?, *operation, write)))
            .collect();
        told.iter().all(|&(one, a, left)| {
            told.iter().all(|&(other, b, _)| {
                if a.invoke == b.invoke {
                    return true;
                }
                let reads = self.micros(b);
                let own = reads
                    .iter()
                    .position(|micro| matches!(micro, Micro::Write { key: k, .. } if k == key));
                let over = own.is_some_and(|own| {
                    reads[..own].iter().any(|micro| match (micro, left) {
                        (
                            Micro::Read {
                                key: k,
                                value: Some(seen),
                            },
                            Micro::Write { value, .. },
                        ) => k == key && seen == value && self.only(key, seen),
                        _ => false,
                    })
                });
                let in_session = a.session == b.session
                    && a.outcome == Outcome::Ok
                    && a.complete.is_some_and(|end| end < b.invoke);
                let must = (over && b.outcome == Outcome::Ok)
                    || (self.sessions && in_session)
                    || (self.real_time && a.precedes(b));
                one != other && (!must || one < other)
            })
        })
    }

    /// Whether only one operation can have written a value.
    fn only(&self, key: &Key, value: &polygraph_history::Value) -> bool {
        let write = Micro::Write {
            key: key.clone(),
            value: value.clone(),
        };
        let operations = self.history.operations().iter();
        let may = operations.filter(|operation| {
            operation.outcome != Outcome::Fail && self.micros(operation).contains(&write)
        });
        may.count() == 1
    }

    fn serial(&self) -> bool {
        brute::serial_with(
            self.history,
            self.sessions,
            self.real_time,
            |a, b, key| match (self.version(a), self.version(b)) {
                (Some(a), Some(b)) if self.counts(key) => a < b,
                _ => true,
            },
        )
    }

    /// Whether every register has a full order that counts.
    fn is_whole(&self) -> bool {
        ["x", "y", "z"].map(Key::from).iter().all(|key| {
            let writers = self.writers(key);
            writers.len() < 2
                || (writers
                    .iter()
                    .all(|(writer, _)| self.version(writer).is_some())
                    && self.counts(key))
        })
    }
}

fn rounds(count: u64, most: u64, seed: u64) {
    let mut dice = Dice(seed);
    let mut answers: BTreeMap<(&str, bool), u64> = BTreeMap::new();
    let mut kinds = BTreeMap::new();
    for _ in 0..count {
        let txns = generate::txns(&mut dice, most);
        let writes = |txn: &Txn| {
            txn.micros
                .iter()
                .any(|it| matches!(it, Micro::Write { .. }))
        };
        if !txns.iter().any(writes) {
            // What is only read may be anything.
            continue;
        }
        let versions = versions(&mut dice, &txns);
        let history = build::with_versions(&txns, |at| versions[at]);
        let ambiguous = super::fuzz::may_be_unknown(&txns);
        for (guarantee, sessions, real_time) in [
            (G::Serializable, false, false),
            (G::StrongSessionSerializable, true, false),
            (G::StrictSerializable, true, true),
        ] {
            let told = Told {
                history: &history,
                sessions,
                real_time,
            };
            let verdict = answer(by_name(guarantee), &history);
            let by_data = brute::serial_with(&history, sessions, real_time, |_, _, _| true);
            let show = || format!("{guarantee}: {txns:#?}\n{versions:?}\n{verdict:#?}");
            let relative = !verdict.assumptions.is_empty();
            match verdict.validity {
                Validity::Holds => assert!(by_data, "missed {}", show()),
                Validity::Violated if !relative => assert!(!by_data, "false alarm {}", show()),
                Validity::Violated => assert!(!told.serial(), "false alarm by versions {}", show()),
                Validity::Unknown => assert!(ambiguous, "unknown {}", show()),
            }
            if !ambiguous && told.is_whole() && !told.serial() {
                assert_eq!(verdict.validity, Validity::Violated, "missed {}", show());
            }
            *answers
                .entry((verdict.validity.name(), relative))
                .or_default() += 1;
            for anomaly in &verdict.anomalies {
                *kinds.entry(anomaly.kind).or_insert(0) += 1;
            }
        }
        // No level is violated by the data if a stronger one holds by them.
        let all: Vec<(G, Verdict)> = isolation::LEVELS
            .iter()
            .map(|&level| (level, answer(by_name(level), &history)))
            .collect();
        for (strong, holds) in all.iter().filter(|(_, it)| it.validity == Validity::Holds) {
            for (weak, violated) in &all {
                assert!(
                    violated.validity != Validity::Violated
                        || !violated.assumptions.is_empty()
                        || !isolation::implies(*strong, *weak),
                    "{strong} holds and {weak} does not: {txns:#?}\n{versions:?}\n{holds:#?}"
                );
            }
        }
    }
    println!("{count} histories: {answers:?}; {kinds:?}");
    for answer in [("holds", false), ("violated", false), ("violated", true)] {
        assert!(answers.contains_key(&answer), "never {answer:?}");
    }
}

#[test]
fn verdicts_with_versions_are_those_of_the_definitions() {
    rounds(3_000 * factor(), 5, 21);
}

#[test]
#[ignore = "a million histories"]
fn verdicts_with_versions_are_those_of_the_definitions_on_very_many() {
    rounds(1_000_000 * factor(), 5, 22);
}

fn txn(process: u64, begin: u64, end: u64, micros: &[Micro]) -> Txn {
    Txn {
        process,
        session: None,
        begin,
        end,
        outcome: Outcome::Ok,
        micros: micros.to_vec(),
    }
}

/// Two blind writers of two registers, whose versions the store put in two orders.
#[test]
fn write_cycles_show_by_versions_alone() {
    let txns = [
        txn(0, 0, 10, &[write("x", 1), write("y", 1)]),
        txn(1, 0, 10, &[write("x", 2), write("y", 2)]),
        txn(2, 20, 30, &[read("x", 2), read("y", 2)]),
    ];
    // One revision a transaction cannot show it: then all registers have one order.
    let history = build::with_versions(&txns, |at| Some([1, 2, 3][at]));
    let verdict = answer(by_name(G::ReadUncommitted), &history);
    assert_eq!(verdict.validity, Validity::Holds, "{verdict:#?}");
    let verdict = answer(by_name(G::Serializable), &history);
    assert_eq!(verdict.validity, Validity::Holds, "{verdict:#?}");
    // The other way round the last state is not what the reader saw.
    let history = build::with_versions(&txns, |at| Some([2, 1, 3][at]));
    let verdict = answer(by_name(G::StrictSerializable), &history);
    assert_eq!(verdict.validity, Validity::Violated, "{verdict:#?}");
    assert_eq!(verdict.anomalies[0].kind, "G-single-item-realtime");
    assert!(verdict.anomalies[0].explanation.contains("the store says"));
    assert_eq!(verdict.assumptions.len(), 1);
    let verdict = answer(by_name(G::Serializable), &history);
    assert_eq!(verdict.validity, Validity::Holds, "{verdict:#?}");
}

/// A reader goes back from a later version to an earlier one.
#[test]
fn a_session_that_goes_back_shows_by_versions() {
    let txns = [
        txn(0, 0, 10, &[write("x", 1)]),
        txn(1, 0, 10, &[write("x", 2)]),
        txn(2, 0, 10, &[read("x", 2)]),
        txn(2, 20, 30, &[read("x", 1)]),
    ];
    let verdict = answer(by_name(G::StrictSerializable), &build::history(&txns));
    assert_eq!(verdict.validity, Validity::Holds);
    let history = build::with_versions(&txns, |at| [Some(1), Some(2), None, None][at]);
    let verdict = answer(by_name(G::StrongSessionSerializable), &history);
    assert_eq!(verdict.validity, Validity::Violated);
    assert!(verdict.assumptions[0].contains("the store's own versions"));
}

/// Versions that contradict what was read count for nothing, and that is said.
#[test]
fn versions_that_contradict_a_read_are_dropped() {
    let txns = [
        txn(0, 0, 10, &[write("x", 1)]),
        txn(1, 0, 10, &[read("x", 1), write("x", 2)]),
        txn(2, 20, 30, &[read("x", 2), write("x", 3)]),
        txn(3, 0, 30, &[write("x", 4)]),
    ];
    let history = build::with_versions(&txns, |at| Some([3, 2, 1, 4][at]));
    for level in [G::Serializable, G::StrictSerializable, G::SnapshotIsolation] {
        let verdict = answer(by_name(level), &history);
        assert_eq!(verdict.validity, Validity::Holds, "{verdict:#?}");
        let said = verdict
            .warnings
            .iter()
            .any(|it| it.starts_with("versions-contradict-order"));
        assert!(said, "{verdict:#?}");
    }
}

/// Of two transactions each wrote over what the other had written.
#[test]
fn versions_in_a_circle_have_a_name() {
    let txns = [
        txn(0, 0, 10, &[read("x", 2), write("x", 1)]),
        txn(1, 0, 10, &[read("x", 1), write("x", 2)]),
    ];
    let history = build::history(&txns);
    let verdict = answer(by_name(G::Serializable), &history);
    assert_eq!(verdict.validity, Validity::Violated);
    assert_eq!(verdict.anomalies[0].kind, "cyclic-versions");
    let verdict = answer(by_name(G::ReadUncommitted), &history);
    assert_ne!(verdict.validity, Validity::Violated);
}
