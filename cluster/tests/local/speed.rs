//! How fast the world is; run with `--release --ignored --nocapture`.

use std::time::{Duration, Instant};

use polygraph_cluster::World;
use polygraph_history::Op;

use crate::echo::{Cluster, start};

/// Every client asks as soon as it was answered; operations a second.
fn rate(cluster: &mut Cluster, clients: usize, op: &Op) -> u64 {
    let began = Instant::now();
    let span = Duration::from_secs(2);
    let mut asked = std::collections::BTreeMap::new();
    for client in 0..clients {
        asked.insert(cluster.submit_as(client, client % 3, op.clone()), client);
    }
    let mut answered = 0;
    while began.elapsed() < span {
        let occurrence = cluster.next(span).expect("an answer");
        let client = asked.remove(&occurrence.request).unwrap();
        asked.insert(cluster.submit_as(client, client % 3, op.clone()), client);
        answered += 1;
    }
    let rate = answered * 1000 / began.elapsed().as_millis() as u64;
    while !asked.is_empty() {
        asked.remove(&cluster.next(span).expect("an answer").request);
    }
    assert!(cluster.local.advance(cluster.local.now()).is_none());
    rate
}

#[test]
#[ignore = "a measurement"]
fn operations_a_second() {
    let mut cluster = start("datagram", 3);
    let echo = Op::Custom {
        name: "echo".to_owned(),
        args: 1.into(),
    };
    let write = Op::Write {
        key: "synced".into(),
        value: 1.into(),
    };
    for clients in [1, 10, 100] {
        let (echoes, writes) = (
            rate(&mut cluster, clients, &echo),
            rate(&mut cluster, clients, &write),
        );
        println!("{clients} clients: {echoes} echoes, {writes} synced writes a second");
    }
    let began = Instant::now();
    cluster.send(0, 1, 100_000);
    cluster.hears(1, 0, 100_000);
    println!("100000 messages in {:?}", began.elapsed());
}
