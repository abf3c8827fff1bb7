//! Runs in the simulator.

use polygraph_cluster::{Deployment, Reply, RequestId, Submission, sim};
use polygraph_history::settings::Settings;
use polygraph_history::{NodeId, Op, Value};

use super::{KNOBS, Leaderless};
use crate::Target;

#[test]
fn what_is_written_is_read() {
    for settings in [
        "lww off",
        "lww async",
        "lww sync",
        "abd off",
        "abd async",
        "abd sync",
    ] {
        let (version, repair) = settings.split_once(' ').unwrap();
        let mut deployment = Deployment {
            nodes: 5,
            settings: Settings::defaults(KNOBS),
            bug: None,
            seed: 1,
        };
        deployment.settings.set(KNOBS, "version", version).unwrap();
        deployment.settings.set(KNOBS, "repair", repair).unwrap();
        let mut world = Leaderless.simulate(&deployment, &sim::Options::default());
        let mut ask = |request: u64, node: usize, op: Op| {
            world.submit(Submission {
                request: RequestId(request),
                client: node,
                node: NodeId::at(node),
                op,
            });
            let until = world.now() + std::time::Duration::from_secs(2);
            world.advance(until).expect("an answer").reply
        };
        let (key, set) = ("x".into(), polygraph_history::Key::from("s"));
        let write = Op::Write {
            key,
            value: Value::Int(7),
        };
        assert_eq!(ask(1, 0, write.clone()), Reply::ok(write));
        let read = |key: &str, value| Op::Read {
            key: key.into(),
            value,
        };
        for node in 0..5 {
            let got = ask(2 + node as u64, node, read("x", None));
            assert_eq!(got, Reply::ok(read("x", Some(Value::Int(7)))), "{settings}");
        }
        assert_eq!(
            ask(10, 0, read("y", None)),
            Reply::ok(read("y", Some(Value::Null)))
        );
        for n in 0..4 {
            let add = Op::Add {
                key: set.clone(),
                value: Value::Int(9 - n),
            };
            assert_eq!(ask(20 + n as u64, n as usize, add.clone()), Reply::ok(add));
        }
        let all = Value::list((6..10).map(Value::Int));
        for node in 0..5 {
            let got = ask(30 + node as u64, node, read("s", None));
            assert_eq!(got, Reply::ok(read("s", Some(all.clone()))), "{settings}");
        }
    }
}
