//! Proofs as files: JSON Lines, a header and then one line or more an object (docs/proofs.md).
//!
//! - [`write_witness`], [`write_certificates`]: proofs of *holds* and of *violated*;
//!   [`write_schedule`], [`write_violations`]: the same where they are about transactions.
//! - [`read_proof`]: either of them, back.

use polygraph_checker::FailedCas;
use polygraph_checker::isolation::{Schedule, Violation};
use polygraph_checker::linearizable::{Certificate, Witness};
use polygraph_history::Guarantee;

mod line;
mod read;
mod write;

pub use read::read_proof;
pub use write::{write_certificates, write_schedule, write_violations, write_witness};

/// The version of the format.
const VERSION: u32 = 1;

/// What a file of a proof has.
#[derive(Clone, Debug)]
pub enum ProofFile {
    /// That a history is linearizable: orders.
    Witness(Witness),
    /// That it is not: what is wrong with each of some objects.
    Certificates(Vec<Certificate>),
    /// That transactions are isolated: when they took their snapshots and committed.
    Schedule(Schedule),
    /// That they are not: what each of some anomalies shows, and what it is evidence against.
    Violations(Guarantee, Vec<Violation>),
}

const fn name(failed_cas: FailedCas) -> &'static str {
    match failed_cas {
        FailedCas::Observe => "observe",
        FailedCas::Ignore => "ignore",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use polygraph_checker::linearizable::{Kept, Linearization, ModelName, Proof, Rule};
    use polygraph_checker::model::ModelKind;
    use polygraph_checker::{Anomaly, Proof as Evidence};
    use polygraph_history::{Body, Event, History, Key, Kind, Op, Order, Process, Time, Value};

    use super::*;

    fn linearization(key: &str, order: Vec<usize>) -> Linearization {
        Linearization {
            keys: vec![Key::from(key)],
            model: ModelKind::CasRegister.into(),
            order,
        }
    }

    fn read_back(text: &[u8]) -> ProofFile {
        read_proof(text).unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn orders_are_read_as_they_were_written() {
        let several = Linearization {
            keys: vec![Key::from("a b"), Key::from("\"")],
            model: ModelName::from(ModelKind::Semaphore).with("permits", Value::Int(3)),
            order: vec![5],
        };
        let objects = vec![
            linearization("x", (0..25_001).rev().collect()),
            linearization("y", Vec::new()),
            several,
        ];
        for failed_cas in [FailedCas::Observe, FailedCas::Ignore] {
            let witness = Witness {
                failed_cas,
                objects: objects.clone(),
            };
            let mut text = Vec::new();
            write_witness(&mut text, &witness).unwrap();
            let longest = text.split(|&byte| byte == b'\n').map(<[u8]>::len).max();
            assert!(longest < Some(100_000), "{longest:?}");
            let ProofFile::Witness(read) = read_back(&text) else {
                panic!("it was a witness");
            };
            assert_eq!(read.objects, objects);
            assert_eq!(read.failed_cas, failed_cas);
        }
    }

    #[test]
    fn schedules_are_read_as_they_were_written() {
        let schedule = Schedule {
            guarantee: Guarantee::SnapshotIsolation,
            moments: (0..25_001).chain(0..25_001).collect(),
        };
        let mut text = Vec::new();
        write_schedule(&mut text, &schedule).unwrap();
        let ProofFile::Schedule(read) = read_back(&text) else {
            panic!("it was a schedule");
        };
        assert_eq!(read, schedule);
        let cut = &text[..text.len() / 2];
        let end = cut.iter().rposition(|&byte| byte == b'\n').unwrap();
        let error = read_proof(&cut[..=end]).unwrap_err();
        assert!(error.to_string().contains("50002"), "{error}");
        let wrong = br#"{"polygraph":1,"proof":"schedule","guarantee":"durable","failed_cas":"observe","objects":0}"#;
        let error = read_proof(&wrong[..]).unwrap_err();
        assert!(error.to_string().contains("durable"), "{error}");
    }

    #[test]
    fn certificates_are_read_as_they_were_written() {
        let op = Op::Write {
            key: Key::from("x"),
            value: Value::Int(1),
        };
        let event = |(index, kind)| {
            let (time, process) = (Time::from_millis(index), Process::Client(0));
            Event::new(index, time, process, kind, Body::Op(op.clone()))
        };
        let events = [(0, Kind::Invoke), (1, Kind::Ok)].map(event).to_vec();
        let history = History::new(None, Order::Index, events).unwrap();
        let proof = Proof {
            key: Key::from("x"),
            until: 1,
            operations: vec![
                Kept {
                    invoke: 0,
                    expectation: true,
                },
                Kept {
                    invoke: 7,
                    expectation: false,
                },
            ],
            failed_cas: FailedCas::Ignore,
        };
        let anomaly = Anomaly {
            kind: "stale-read",
            explanation: "a \"quoted\" reason".to_owned(),
            operations: vec![0],
            key: None,
            proof: Evidence::Linearizable(proof.clone()),
        };
        let mut text = Vec::new();
        assert_eq!(
            write_certificates(&mut text, &history, [&anomaly]).unwrap(),
            1
        );
        let ProofFile::Certificates(read) = read_back(&text) else {
            panic!("they were certificates");
        };
        let [read] = read.as_slice() else {
            panic!("there was one");
        };
        assert_eq!(read.keys, [Key::from("x")]);
        assert_eq!(read.model.parameters, BTreeMap::new());
        assert_eq!((read.until, read.rule), (1, Rule::Origins));
        assert_eq!(read.operations, proof.operations);
        assert_eq!(read.failed_cas, FailedCas::Ignore);

        let mut nothing = Vec::new();
        assert_eq!(write_certificates(&mut nothing, &history, []).unwrap(), 0);
        assert!(nothing.is_empty());
    }
}
