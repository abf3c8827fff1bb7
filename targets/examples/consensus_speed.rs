//! How many client operations of the consensus store the simulator runs in a second on one core: `cargo run --release -p polygraph-targets --example consensus_speed`.

use std::time::{Duration, Instant};

use polygraph_cluster::sim::Options;
use polygraph_cluster::{Deployment, Reply, RequestId, Submission};
use polygraph_history::random::Random;
use polygraph_history::settings::Settings;
use polygraph_history::{Key, Micro, NodeId, Op, Time};

const OPERATIONS: u64 = 300_000;

fn main() {
    println!("rate/s  workload    ok       seconds  operations/s");
    for rate in [200, 2_000, 20_000] {
        for workload in ["register", "append"] {
            run(rate, workload);
        }
    }
}

fn run(rate: u64, workload: &str) {
    let target = polygraph_targets::target("consensus").expect("it is registered");
    let deployment = Deployment {
        nodes: 3,
        settings: Settings::defaults(target.knobs()),
        bug: None,
        seed: 1,
    };
    let store = target.built_in().expect("a store of ours");
    let mut world = store.simulate(&deployment, &Options::default());
    let mut random = Random::keyed(&[1]);
    let (begun, mut answered) = (spent(), 0_u64);
    for number in 0..OPERATIONS {
        let at = Time(1_000_000_000 + number * 1_000_000_000 / rate);
        while let Some(seen) = world.advance(at) {
            answered += u64::from(matches!(seen.reply, Reply::Ok { .. }));
        }
        let client = random.below(10) as usize;
        world.submit(Submission {
            request: RequestId(number),
            client,
            node: NodeId::at(client % 3),
            op: operation(workload, number, &mut random),
        });
    }
    let end = world.now() + Duration::from_secs(1);
    while let Some(seen) = world.advance(end) {
        answered += u64::from(matches!(seen.reply, Reply::Ok { .. }));
    }
    let seconds = (spent() - begun).as_secs_f64();
    let speed = OPERATIONS as f64 / seconds;
    println!("{rate:<7} {workload:<11} {answered:<8} {seconds:<8.3} {speed:.0}");
}

/// The processor time of this process, which others on the machine do not change; where the
/// system does not tell, real time.
fn spent() -> Duration {
    static BEGUN: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    let begun = BEGUN.get_or_init(Instant::now);
    std::fs::read_to_string("/proc/self/schedstat")
        .ok()
        .and_then(|stat| stat.split(' ').next()?.parse().ok())
        .map_or_else(|| begun.elapsed(), Duration::from_nanos)
}

fn operation(workload: &str, number: u64, random: &mut Random) -> Op {
    let value = (number as i64).into();
    // Ten live keys, each of which retires after a hundred operations.
    let key = Key::from(format!("k{}", number / 1000 * 10 + random.below(10)).as_str());
    if workload == "append" {
        let steps = (0..random.between(1, 8)).map(|step| match step % 2 {
            0 => Micro::Append {
                key: key.clone(),
                value: ((number * 8 + step) as i64).into(),
            },
            _ => Micro::Read {
                key: key.clone(),
                value: None,
            },
        });
        return Op::Txn(steps.collect());
    }
    match random.below(10) {
        0..=4 => Op::Read { key, value: None },
        5..=7 => Op::Write { key, value },
        _ => Op::Cas {
            key,
            from: ((number - number.min(random.below(20))) as i64).into(),
            to: value,
        },
    }
}
