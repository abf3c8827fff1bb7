//! What faults do to links.

use std::time::{Duration, Instant};

use polygraph_cluster::{Control, Probe, World};
use polygraph_history::{FaultKind, Link, NodeId, SlowEffect};

use crate::echo::{Cluster, eventually, start};

fn link(from: usize, to: usize) -> Link {
    Link {
        from: NodeId::at(from),
        to: NodeId::at(to),
    }
}

fn slow(links: &[Link]) -> SlowEffect {
    SlowEffect {
        links: links.to_vec(),
        delay_ns: 0,
        jitter_ns: 0,
        loss: 0,
        duplicate: 0,
        reorder: 0,
    }
}

fn numbers(count: i64) -> Vec<i64> {
    (0..count).collect()
}

/// Whether a probe sees this before long.
fn is_seen(cluster: &mut Cluster, link: Link, what: impl Fn(Probe) -> bool) {
    eventually(|| what(cluster.local.probe(link)));
}

#[test]
fn messages_arrive_in_order_and_requests_are_answered() {
    let mut cluster = start("datagram", 3);
    for from in 0..3 {
        for to in 0..3 {
            cluster.send(from, to, 100);
        }
    }
    for from in 0..3 {
        for to in 0..3 {
            assert_eq!(cluster.hears(to, from, 100), numbers(100), "{from} to {to}");
        }
    }
    let clients: Vec<_> = (0..6)
        .map(|client| {
            let name = "echo".to_owned();
            let args = client.into();
            let op = polygraph_history::Op::Custom { name, args };
            cluster.submit_as(client, client % 3, op)
        })
        .collect();
    let mut answered: Vec<_> = (0..6)
        .map(|_| cluster.next(crate::echo::PATIENCE).unwrap().request)
        .collect();
    answered.sort_unstable();
    assert_eq!(answered, clients);
    // What a program prints itself disturbs nobody.
    cluster.custom(0, "print", serde_json::Value::Null);
    assert!(cluster.local.read_clock(NodeId::at(0)).is_some());
}

#[test]
fn cuts_drop_what_is_sent_in_one_direction() {
    let mut cluster = start("datagram", 3);
    is_seen(&mut cluster, link(0, 1), |probe| {
        matches!(probe, Probe::Arrives(_))
    });
    cluster.local.cut(5, &[link(0, 1)]);
    cluster.local.cut(6, &[link(0, 1)]);
    cluster.send(0, 1, 10);
    cluster.send(1, 0, 10);
    cluster.send(0, 2, 10);
    assert_eq!(cluster.hears(0, 1, 10), numbers(10));
    assert_eq!(cluster.hears(2, 0, 10), numbers(10));
    eventually(|| cluster.local.acted(5) == 10);
    assert_eq!(cluster.local.acted(6), 10);
    assert_eq!(cluster.local.probe(link(0, 1)), Probe::Lost);
    // Still cut by the other.
    cluster.local.release(5);
    assert_eq!(cluster.local.probe(link(0, 1)), Probe::Lost);
    cluster.local.release(6);
    is_seen(&mut cluster, link(0, 1), |probe| {
        matches!(probe, Probe::Arrives(_))
    });
    assert_eq!(cluster.heard(1, 0), [0; 0]);
    // The connection was kept all the time.
    cluster.send(0, 1, 3);
    assert_eq!(cluster.hears(1, 0, 3), numbers(3));
    // Ten messages and the probes.
    assert_eq!((cluster.local.acted(5), cluster.local.acted(6)), (11, 12));
}

#[test]
fn held_messages_come_later_and_in_order() {
    let mut cluster = start("datagram", 2);
    cluster.local.hold(1, &[link(0, 1)]);
    cluster.local.hold(2, &[link(0, 1)]);
    cluster.send(0, 1, 50);
    eventually(|| cluster.local.acted(1) == 50);
    assert_eq!(cluster.local.probe(link(0, 1)), Probe::Held);
    cluster.local.release(1);
    assert_eq!(cluster.local.probe(link(0, 1)), Probe::Held);
    assert_eq!(cluster.heard(1, 0), [0; 0]);
    cluster.local.release(2);
    assert_eq!(cluster.hears(1, 0, 50), numbers(50));
    assert_eq!((cluster.local.acted(1), cluster.local.acted(2)), (51, 52));
}

#[test]
fn slow_links_delay() {
    let mut cluster = start("datagram", 2);
    let mut effect = slow(&[link(0, 1)]);
    effect.delay_ns = 100_000_000;
    effect.jitter_ns = 50_000_000;
    cluster.local.slow(9, &effect);
    let sent = Instant::now();
    cluster.send(0, 1, 20);
    let heard = cluster.hears(1, 0, 20);
    assert!(
        sent.elapsed() >= Duration::from_millis(100),
        "{:?}",
        sent.elapsed()
    );
    // Jitter alone lets nothing overtake.
    assert_eq!(heard, numbers(20));
    assert_eq!(cluster.local.acted(9), 20);
    is_seen(
        &mut cluster,
        link(0, 1),
        |probe| matches!(probe, Probe::Arrives(span) if span >= Duration::from_millis(100)),
    );
    cluster.local.release(9);
    is_seen(
        &mut cluster,
        link(0, 1),
        |probe| matches!(probe, Probe::Arrives(span) if span < Duration::from_millis(100)),
    );
}

#[test]
fn datagrams_are_lost_doubled_and_overtaken() {
    let mut cluster = start("datagram", 3);
    assert!(cluster.local.capabilities().contains(&FaultKind::Reorder));
    let mut effect = slow(&[link(0, 1)]);
    effect.loss = 300_000;
    cluster.local.slow(1, &effect);
    cluster.send(0, 1, 1000);
    cluster.local.release(77);
    eventually(|| {
        let lost = cluster.local.acted(1) as usize;
        lost > 0 && cluster.heard(1, 0).len() + lost == 1000
    });
    let lost = cluster.local.acted(1);
    assert!((200..400).contains(&lost), "{lost}");
    let mut effect = slow(&[link(0, 2)]);
    effect.duplicate = 200_000;
    effect.reorder = 200_000;
    cluster.local.slow(2, &effect);
    cluster.send(0, 2, 1000);
    let heard = cluster.hears(2, 0, 1100);
    assert!(heard.len() < 1300 && !heard.is_sorted());
    let mut distinct = heard;
    distinct.sort_unstable();
    distinct.dedup();
    eventually(|| {
        distinct = cluster.heard(2, 0);
        distinct.sort_unstable();
        distinct.dedup();
        distinct.len() == 1000
    });
}

#[test]
fn streams_lose_nothing_and_keep_their_order() {
    let mut cluster = start("stream", 2);
    assert!(!cluster.local.capabilities().contains(&FaultKind::Duplicate));
    let mut effect = slow(&[link(0, 1)]);
    effect.loss = 10_000;
    effect.jitter_ns = 5_000_000;
    effect.duplicate = 500_000;
    effect.reorder = 500_000;
    cluster.local.slow(1, &effect);
    let sent = Instant::now();
    cluster.send(0, 1, 300);
    assert_eq!(cluster.hears(1, 0, 300), numbers(300));
    // Something was sent again.
    assert!(
        sent.elapsed() >= Duration::from_millis(200),
        "{:?}",
        sent.elapsed()
    );
    assert!(cluster.local.now().as_nanos() > 0);
}
