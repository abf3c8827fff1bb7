//! Containers whose elements repeat: what counting shows, against the definition.

use polygraph_checker::linearizable::{Certificate, Kept, Rule, Tally, confirm_certificate};
use polygraph_checker::model::ModelKind;
use polygraph_checker::{FailedCas, Options, Validity, entry};
use polygraph_history::{
    Body, Event, Guarantee, History, Key, Kind, Op, Order, Process, Time, Value,
};

use crate::brute::{order, steps};
use crate::histories;
use crate::random::{Rng, history, keys};
use crate::things::Thing;

/// Whether the verdict is that of the definition, whichever way decided; and how often counting
/// showed what.
fn agrees(thing: Thing, seeds: std::ops::Range<u64>) -> [u64; Tally::ALL.len()] {
    let check = entry(Guarantee::Linearizable).unwrap().check;
    let options = Options {
        model: Some(thing.model()),
        ..Options::default()
    };
    let (mut seen, mut counted) = ([0_u64; 2], [0_u64; Tally::ALL.len()]);
    for seed in seeds {
        let rng = &mut Rng(seed ^ 7 << 40);
        let tampered = rng.percent(70);
        let history = history(rng, thing, tampered);
        let verdict = check(&history, &options);
        let mut keys = keys(&history).into_iter();
        let expected = keys.all(|key| order(thing, &steps(&history, &key, None)).is_some());
        // Not even unknown: evidence that was wrong and therefore rejected would leave that.
        let right = match expected {
            true => Validity::Holds,
            false => Validity::Violated,
        };
        assert!(
            verdict.validity == right && verdict.warnings.is_empty(),
            "{thing:?}, seed {seed}: {verdict:?} {history:?}"
        );
        seen[usize::from(expected)] += 1;
        for anomaly in &verdict.anomalies {
            let certificate = anomaly.certificate().unwrap();
            if let Rule::Tally(tally) = certificate.rule {
                assert!(certificate.operations.len() <= 7, "{thing:?}, seed {seed}");
                counted[tally as usize] += 1;
            }
        }
    }
    println!("{thing:?}: {seen:?} violated and not, {counted:?} by counting");
    assert!(seen.iter().all(|&seen| seen > 100), "{thing:?}: {seen:?}");
    counted
}

fn all_agree(seeds: u64) {
    let of_all = [Tally::TooOften, Tally::NotEmpty];
    for (thing, more) in [
        (Thing::Queue, Some(Tally::Overtaken)),
        (Thing::Stack, None),
        (Thing::Priority, Some(Tally::Outranked)),
        (Thing::Bag, None),
    ] {
        let counted = agrees(thing, 0..seeds);
        for tally in of_all.into_iter().chain(more) {
            // Otherwise the comparison would say little.
            assert!(
                counted[tally as usize] > seeds / 1000,
                "{thing:?}: {tally:?}"
            );
        }
    }
}

#[test]
fn what_counting_shows_is_so() {
    all_agree(histories());
}

#[test]
#[ignore = "takes minutes"]
fn what_counting_shows_is_so_a_million_times() {
    all_agree(1_000_000);
}

/// A history by time: of each operation what was asked and shown, and when it began and ended.
fn timed(operations: &[Timed]) -> History {
    let mut events: Vec<(u64, usize, Kind, Op)> = Vec::new();
    for (client, (asked, shown, start, end)) in operations.iter().enumerate() {
        events.push((*start, client, Kind::Invoke, asked.clone()));
        events.push((*end, client, Kind::Ok, shown.clone()));
    }
    // What ends comes first where times tie, as if it had ended before.
    events.sort_by_key(|(time, client, kind, _)| (*time, *kind == Kind::Invoke, *client));
    let event = |(at, (time, client, kind, op)): (usize, (u64, usize, Kind, Op))| {
        let process = Process::Client(client as u64);
        Event::new(at as u64, Time(time), process, kind, Body::Op(op))
    };
    let events = events.into_iter().enumerate().map(event).collect();
    History::new(None, Order::Time, events).unwrap()
}

fn key() -> Key {
    Key::from("x")
}

type Timed = (Op, Op, u64, u64);

fn put(value: i64, start: u64, end: u64) -> Timed {
    let op = Op::Enqueue {
        key: key(),
        value: Value::Int(value),
    };
    (op.clone(), op, start, end)
}

fn take(value: Option<i64>, start: u64, end: u64) -> Timed {
    let op = |value| Op::Dequeue { key: key(), value };
    let got = value.map_or(Value::Null, Value::Int);
    (op(None), op(Some(got)), start, end)
}

fn look(value: i64, start: u64, end: u64) -> Timed {
    let op = |value| Op::Front { key: key(), value };
    (op(None), op(Some(Value::Int(value))), start, end)
}

/// A certificate that keeps what these clients did, each one thing, until the last of them ended.
fn of_clients(history: &History, clients: &[usize], rule: Rule) -> Certificate {
    let operations = history.operations();
    let of_client = |&client: &usize| {
        let found = operations.iter().find(|it| it.process == client as u64);
        found.unwrap()
    };
    let mut kept: Vec<Kept> = clients
        .iter()
        .map(|client| Kept {
            invoke: of_client(client).invoke,
            expectation: true,
        })
        .collect();
    kept.sort_by_key(|kept| kept.invoke);
    Certificate {
        keys: vec![key()],
        model: ModelKind::FifoQueue.into(),
        failed_cas: FailedCas::Observe,
        until: of_client(clients.last().unwrap()).complete.unwrap(),
        operations: kept,
        rule,
        since: None,
    }
}

/// What touches the operation that all others come after may have come before it, or after it.
#[test]
fn what_touches_a_state_that_is_told_belongs_to_no_side() {
    for later in [0, 1] {
        // It was put in after it was seen that nothing is there.
        let history = timed(&[put(1, 0, 2), take(None, 2 + later, 4), take(Some(1), 5, 6)]);
        let mut certificate = of_clients(&history, &[1, 2], Rule::Observers);
        certificate.since = Some(certificate.operations[0].invoke);
        let confirmed = confirm_certificate(&history, &certificate);
        assert_eq!(confirmed.is_ok(), later == 1, "{confirmed:?}");
        // It was taken before.
        let history = timed(&[put(1, 0, 1), take(None, 2, 4), take(Some(1), 4 + later, 6)]);
        let mut certificate = of_clients(&history, &[1, 2], Rule::Observers);
        certificate.since = Some(certificate.operations[0].invoke);
        let confirmed = confirm_certificate(&history, &certificate);
        assert_eq!(confirmed.is_ok(), later == 1, "{confirmed:?}");
    }
}

/// Where one operation ends at the moment at which another one begins, they overlapped.
#[test]
fn what_only_touches_shows_nothing() {
    let check = entry(Guarantee::Linearizable).unwrap().check;
    let options = Options {
        model: Some(ModelKind::FifoQueue),
        ..Options::default()
    };
    // The last of each touches what makes it possible; a moment later it would not be.
    let cases = |later: u64| {
        [
            (
                Tally::TooOften,
                vec![put(1, 2 + later, 4), take(Some(1), 1, 2)],
            ),
            (
                Tally::TooOften,
                vec![put(1, 0, 1), take(Some(1), 2, 3), look(1, 3 + later, 5)],
            ),
            (
                Tally::NotEmpty,
                vec![put(1, 0, 2), take(None, 2 + later, 4)],
            ),
            (
                Tally::Overtaken,
                vec![put(1, 0, 2), put(2, 2 + later, 4), take(Some(2), 5, 6)],
            ),
            (
                Tally::Overtaken,
                vec![
                    put(1, 0, 1),
                    put(2, 2, 3),
                    take(Some(1), 6 + later, 8),
                    take(Some(2), 4, 6),
                ],
            ),
        ]
    };
    for later in [0, 1] {
        for (tally, operations) in cases(later) {
            let history = timed(&operations);
            let context = format!("{tally:?}, {later}: {history:?}");
            // What had not begun by then is in no prefix that ends then.
            let last = operations.len() - 1;
            let begun = |client: &usize| operations[*client].2 <= operations[last].3;
            let clients: Vec<usize> = (0..=last).filter(begun).collect();
            let certificate = of_clients(&history, &clients, Rule::Tally(tally));
            let confirmed = confirm_certificate(&history, &certificate);
            assert_eq!(confirmed.is_ok(), later == 1, "{context} {confirmed:?}");
            let tried = Certificate {
                rule: Rule::Observers,
                ..certificate
            };
            let confirmed = confirm_certificate(&history, &tried);
            assert_eq!(confirmed.is_ok(), later == 1, "{context} {confirmed:?}");
            let holds = check(&history, &options).validity == Validity::Holds;
            assert_eq!(holds, later == 0, "{context}");
        }
    }
}
