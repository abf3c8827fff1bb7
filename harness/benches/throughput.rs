//! Client operations per second: of the simulator on one core, and of the local world, recording
//! on and checking off.
//!
//! `cargo bench -p polygraph --bench throughput` prints one line a case; a word selects cases.

use std::io;
use std::sync::atomic::AtomicU8;
use std::time::{Duration, Instant};

use polygraph::run::{Conduct, conduct, deploy};
use polygraph::spec::{Request, Resolved};

fn main() {
    let word = std::env::args()
        .skip(1)
        .find(|word| !word.starts_with("--"))
        .unwrap_or_default();
    let cases = [
        (
            "sim consensus 3 nodes",
            "consensus",
            "register",
            3,
            100_000,
            100,
        ),
        (
            "sim consensus 3 nodes, transactions",
            "consensus",
            "append",
            3,
            50_000,
            100,
        ),
        (
            "sim leaderless 5 nodes",
            "leaderless",
            "register",
            5,
            100_000,
            100,
        ),
        (
            "sim single-leader 5 nodes",
            "single-leader",
            "register",
            5,
            100_000,
            100,
        ),
        (
            "sim multi-leader 5 nodes",
            "multi-leader",
            "register",
            5,
            100_000,
            100,
        ),
    ];
    for (name, target, workload, nodes, rate, clients) in cases {
        if !name.contains(&word) {
            continue;
        }
        // The best of three: the machine is shared, and nothing makes a run faster than it is.
        let best = (0..3)
            .map(|_| once(target, workload, nodes, rate, clients))
            .max();
        println!("{name}: {} operations per second", best.unwrap_or_default());
    }
}

/// Operations per second of real time in one run of two seconds of virtual time.
fn once(target: &str, workload: &str, nodes: usize, rate: u64, clients: usize) -> u64 {
    let request = Request {
        target: target.to_owned(),
        workload: Some(workload.to_owned()),
        nemesis: vec!["none".to_owned()],
        nodes: Some(nodes),
        // Each client waits for its answer, about ten milliseconds: so many keep the rate.
        clients: Some(clients * 20),
        rate: Some(rate),
        time: Some(Duration::from_secs(2)),
        ..Request::default()
    };
    let resolved = Resolved::new(&request).expect("a request of ours");
    let mut world = deploy(&resolved).expect("the simulator always deploys");
    let interrupt = AtomicU8::new(0);
    let how = Conduct {
        interrupt: &interrupt,
        progress: &|_| (),
        replay: None,
    };
    let began = Instant::now();
    let finished = conduct(&resolved, world.as_mut(), how, Some(Box::new(io::sink())))
        .expect("nothing is written that could fail");
    let operations = finished.history.operations().len();
    (operations as f64 / began.elapsed().as_secs_f64()) as u64
}
