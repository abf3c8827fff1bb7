//! What faults do to processes, their memory and their clocks.

use std::time::{Duration, Instant};

use polygraph_cluster::{ClockReading, Control, ProcessState, Reply, World};
use polygraph_history::{ClockEffect, ErrorName, NodeId, Op, Strobe, Time, Value};
use serde_json::json;

use crate::echo::{Cluster, PATIENCE, eventually, start};

fn echo(number: u64) -> Op {
    Op::Custom {
        name: "echo".to_owned(),
        args: number.into(),
    }
}

fn is_up(cluster: &mut Cluster, node: usize) {
    eventually(|| matches!(cluster.ask(node, echo(0)), Reply::Ok { .. }));
}

#[test]
fn a_kill_loses_what_was_not_synced_and_nothing_else() {
    let mut cluster = start("datagram", 3);
    let n2 = NodeId::at(1);
    assert_eq!(cluster.local.process(n2), ProcessState::Running);
    assert!(matches!(cluster.write(1, "synced", "a"), Reply::Ok { .. }));
    assert!(matches!(cluster.write(1, "synced", "b"), Reply::Ok { .. }));
    assert!(matches!(
        cluster.write(1, "unsynced", "c"),
        Reply::Ok { .. }
    ));
    assert_eq!(cluster.read(1, "all"), ["a", "b"].map(Value::from));
    // A request that is open when the node dies is not known to have failed.
    let timer = Op::Custom {
        name: "timer".to_owned(),
        args: json!(60_000),
    };
    let open = cluster.submit(1, timer);
    cluster.submit_as(7, 1, echo(1));
    assert!(cluster.next(PATIENCE).is_some());
    cluster.local.kill(1, n2);
    cluster.local.kill(2, n2);
    assert_eq!(cluster.local.process(n2), ProcessState::Dead);
    let lost = cluster.next(PATIENCE).unwrap();
    assert_eq!(
        (lost.request, lost.reply),
        (open, Reply::info(ErrorName::CONNECTION_LOST))
    );
    assert_eq!(cluster.ask(1, echo(2)), Reply::fail(ErrorName::REFUSED));
    assert_eq!(cluster.local.read_clock(n2), None);
    // What is sent to a dead node is lost.
    cluster.send(0, 1, 5);
    cluster.local.revive(1, n2);
    assert_eq!(cluster.local.process(n2), ProcessState::Dead);
    cluster.local.revive(2, n2);
    assert_eq!(cluster.local.process(n2), ProcessState::Running);
    is_up(&mut cluster, 1);
    assert_eq!(cluster.read(1, "all"), ["a", "b"].map(Value::from));
    assert_eq!(cluster.heard(1, 0), [0; 0]);
    // The proxies have learnt where it listens now, and it where they do.
    cluster.send(0, 1, 5);
    cluster.send(1, 2, 5);
    assert_eq!(cluster.hears(1, 0, 5).len(), 5);
    assert_eq!(cluster.hears(2, 1, 5).len(), 5);
    let log = cluster.local.log(n2);
    assert!(
        log.contains("n2 begins with 0") && log.contains("n2 begins with 2"),
        "{log}"
    );
    // Not while it lives.
    cluster.local.wipe(n2);
    cluster.local.kill(3, n2);
    cluster.local.revive(3, n2);
    is_up(&mut cluster, 1);
    assert_eq!(cluster.read(1, "all").len(), 2);
    cluster.local.kill(4, n2);
    cluster.local.wipe(n2);
    cluster.local.revive(4, n2);
    is_up(&mut cluster, 1);
    assert_eq!(cluster.read(1, "all"), []);
}

#[test]
fn a_paused_node_answers_when_it_goes_on() {
    let mut cluster = start("datagram", 2);
    let n1 = NodeId::at(0);
    is_up(&mut cluster, 0);
    cluster.local.pause(1, n1);
    cluster.local.pause(2, n1);
    assert_eq!(cluster.local.process(n1), ProcessState::Paused);
    assert_eq!(cluster.local.read_clock(n1), None);
    let requests: Vec<_> = (0..5)
        .map(|client| cluster.submit_as(client, 0, echo(1)))
        .collect();
    cluster.send(1, 0, 5);
    assert!(cluster.next(Duration::from_millis(100)).is_none());
    cluster.local.revive(1, n1);
    assert_eq!(cluster.local.process(n1), ProcessState::Paused);
    cluster.local.revive(2, n1);
    let mut answered: Vec<_> = (0..5)
        .map(|_| cluster.next(PATIENCE).unwrap().request)
        .collect();
    answered.sort_unstable();
    assert_eq!(answered, requests);
    assert_eq!(cluster.hears(0, 1, 5).len(), 5);
    assert_eq!(cluster.local.process(n1), ProcessState::Running);
    // A pause dies with its process.
    cluster.local.pause(3, n1);
    cluster.local.kill(4, n1);
    assert_eq!(cluster.local.process(n1), ProcessState::Dead);
    cluster.local.revive(4, n1);
    is_up(&mut cluster, 0);
    // A pause that begins while the node is dead holds it once it is there.
    cluster.local.kill(5, n1);
    cluster.local.pause(6, n1);
    cluster.local.revive(5, n1);
    assert_eq!(cluster.local.process(n1), ProcessState::Paused);
    cluster.local.revive(6, n1);
    is_up(&mut cluster, 0);
}

#[test]
fn a_node_that_gives_up_is_dead_until_it_is_started_again() {
    let mut cluster = start("datagram", 2);
    let n1 = NodeId::at(0);
    cluster.custom(0, "lead", json!(3));
    cluster.custom(1, "lead", json!(2));
    let both = vec![(n1, 3), (NodeId::at(1), 2)];
    eventually(|| cluster.local.leaders() == both);
    let halt = Op::Custom {
        name: "halt".to_owned(),
        args: json!(null),
    };
    assert_eq!(
        cluster.ask(0, halt),
        Reply::info(ErrorName::CONNECTION_LOST)
    );
    eventually(|| cluster.local.process(n1) == ProcessState::Dead);
    eventually(|| cluster.local.leaders() == both[1..]);
    eventually(|| cluster.ask(0, echo(1)) == Reply::fail(ErrorName::REFUSED));
    assert!(cluster.local.log(n1).contains("n1 halts: as it was told"));
    cluster.local.revive(9, n1);
    is_up(&mut cluster, 0);
    cluster.custom(1, "lead", json!(null));
    eventually(|| cluster.local.leaders().is_empty());
}

/// How far a wall clock is off another, nanoseconds.
fn apart(one: ClockReading, other: ClockReading) -> i64 {
    let passed = |at: Time| i64::try_from(at.as_nanos()).unwrap();
    (one.wall_ns - passed(one.at)) - (other.wall_ns - passed(other.at))
}

#[test]
fn clocks_go_wrong_and_right_again() {
    let mut cluster = start("datagram", 2);
    let (n1, n2) = (NodeId::at(0), NodeId::at(1));
    let right = ClockEffect {
        node: n1,
        wall_offset_ns: 0,
        rate_ppm: 0,
        strobe: None,
    };
    let both = |cluster: &mut Cluster| {
        let read = |node| {
            // A busy machine may let a question go unanswered.
            let mut reading = None;
            eventually(|| {
                reading = cluster.local.read_clock(node);
                reading.is_some()
            });
            reading.unwrap()
        };
        [n1, n2].map(read)
    };
    let [one, other] = both(&mut cluster);
    assert_eq!(apart(one, other), 0);
    cluster.local.set_clock(&ClockEffect {
        wall_offset_ns: -60_000_000_000,
        ..right.clone()
    });
    let [one, other] = both(&mut cluster);
    assert_eq!(apart(one, other), -60_000_000_000);
    assert_eq!(one.mono.as_nanos(), one.at.as_nanos());
    // The machine keeps its clock when the process dies.
    cluster.local.kill(1, n1);
    cluster.local.revive(1, n1);
    is_up(&mut cluster, 0);
    let [one, other] = both(&mut cluster);
    assert_eq!(apart(one, other), -60_000_000_000);
    // Half as fast again: timers run by it.
    cluster.local.set_clock(&ClockEffect {
        rate_ppm: 500_000,
        ..right.clone()
    });
    let before = both(&mut cluster);
    eventually(|| {
        let began = Instant::now();
        cluster.custom(0, "timer", json!(300));
        let took = began.elapsed();
        assert!(took >= Duration::from_millis(200), "{took:?}");
        // A busy machine may be late, but not always.
        took < Duration::from_millis(290)
    });
    let after = both(&mut cluster);
    let gained = apart(after[0], after[1]) - apart(before[0], before[1]);
    let passed = after[0].at.since(before[0].at).as_nanos() as i64;
    assert!((gained - passed / 2).abs() <= 2, "{gained} in {passed}");
    let gained = after[0].mono.since(before[0].mono).as_nanos() as i64 - passed;
    assert!((gained - passed / 2).abs() <= 2, "{gained} in {passed}");
    cluster.local.set_clock(&ClockEffect {
        strobe: Some(Strobe {
            amplitude_ns: 5_000_000_000,
            period_ns: 20_000_000,
        }),
        ..right.clone()
    });
    for off in [0, 5_000_000_000, 0, 5_000_000_000] {
        eventually(|| {
            let [one, other] = both(&mut cluster);
            apart(one, other) == off
        });
    }
    cluster.local.set_clock(&right);
    let [one, other] = both(&mut cluster);
    assert_eq!(apart(one, other), 0);
    assert!(one.mono > after[0].mono);
    assert!(cluster.local.now() >= one.at);
}
