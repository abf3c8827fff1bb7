//! The consensus store as the harness sees it.

use std::time::Duration;

use polygraph_cluster::sim::Options;
use polygraph_cluster::{Deployment, Reply, RequestId, Submission, World};
use polygraph_history::settings::Settings;
use polygraph_history::{Link, NodeId, Op, Value};
use polygraph_targets::{Claim, Stance, Target, target};

fn consensus() -> &'static dyn Target {
    target("consensus").unwrap()
}

fn deployment(set: &[(&str, &str)]) -> Deployment {
    let mut settings = Settings::defaults(consensus().knobs());
    for (key, value) in set {
        settings.set(consensus().knobs(), key, value).unwrap();
    }
    Deployment {
        nodes: 3,
        settings,
        bug: None,
        seed: 1,
    }
}

#[test]
fn settings_that_contradict_each_other_are_refused() {
    for (set, expected) in [
        (
            ("heartbeat", "150ms"),
            "leaves no heartbeat in `election-min=150ms`",
        ),
        (("heartbeat", "1us"), "the shortest is 100us"),
        (
            ("election-min", "301ms"),
            "longer than `election-max=300ms`",
        ),
    ] {
        let error = consensus().validate(&deployment(&[set])).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
    consensus().validate(&deployment(&[])).unwrap();
}

#[test]
fn no_claim_contradicts_another() {
    for (read, row) in [("quorum", "CO-01"), ("leader-local", "CO-02")] {
        let claims = consensus().claims(&deployment(&[("read", read)]).settings);
        for claim in &claims {
            let same = |other: &&Claim| other.guarantee == claim.guarantee;
            assert_eq!(claims.iter().filter(same).count(), 1, "{}", claim.guarantee);
            assert_eq!(claim.row, row);
            assert!(read == "leader-local" || claim.stance == Stance::Holds);
        }
    }
}

/// A client of a cluster, with one request at a time.
struct Client {
    world: Box<dyn World>,
    asked: u64,
}

impl Client {
    fn new(set: &[(&str, &str)]) -> Client {
        let mut client = Client {
            world: consensus()
                .built_in()
                .unwrap()
                .simulate(&deployment(set), &Options::default()),
            asked: 0,
        };
        client.pass(Duration::from_secs(1));
        client
    }

    fn ask(&mut self, node: NodeId, op: Op) -> Option<Reply> {
        self.asked += 1;
        let request = RequestId(self.asked);
        self.world.submit(Submission {
            request,
            client: 0,
            node,
            op,
        });
        let until = self.world.now() + Duration::from_secs(1);
        while let Some(seen) = self.world.advance(until) {
            if seen.request == request {
                return Some(seen.reply);
            }
        }
        None
    }

    fn write(&mut self, node: NodeId, value: i64) -> Option<Reply> {
        let (key, value) = ("x".into(), value.into());
        self.ask(node, Op::Write { key, value })
    }

    fn read(&mut self, node: NodeId) -> Option<Value> {
        let key = "x".into();
        match self.ask(node, Op::Read { key, value: None }) {
            Some(Reply::Ok {
                op: Op::Read { value, .. },
                ..
            }) => value,
            _ => None,
        }
    }

    fn leader(&mut self) -> NodeId {
        let leaders = self.world.leaders();
        leaders.iter().max_by_key(|leader| leader.1).unwrap().0
    }

    fn pass(&mut self, span: Duration) {
        let until = self.world.now() + span;
        while self.world.advance(until).is_some() {}
    }

    fn cut_off(&mut self, node: NodeId) {
        let others = NodeId::all(3).into_iter().filter(|&other| other != node);
        let links: Vec<_> = others
            .flat_map(|other| [(node, other), (other, node)])
            .map(Link::from)
            .collect();
        self.world.cut(1, &links);
    }

    fn heal(&mut self) {
        self.world.release(1);
        self.pass(Duration::from_secs(1));
    }
}

/// Rows CO-01 and CO-02: what a leader says that was deposed without hearing of it.
#[test]
fn a_leader_that_is_cut_off_is_silent_or_stale() {
    for (read, expected) in [("quorum", None), ("leader-local", Some(Value::Int(1)))] {
        let mut client = Client::new(&[("read", read)]);
        let old = client.leader();
        assert!(matches!(client.write(old, 1), Some(Reply::Ok { .. })));
        client.cut_off(old);
        client.pass(Duration::from_secs(1));
        let new = client.leader();
        assert_ne!(new, old);
        assert!(matches!(client.write(new, 2), Some(Reply::Ok { .. })));
        assert_eq!(client.read(new), Some(Value::Int(2)));
        assert_eq!(client.read(old), expected, "{read}");
        client.heal();
        assert_eq!(client.read(old), Some(Value::Int(2)));
    }
}

/// Row CO-01: the minority side is unavailable, and does not lie about it.
#[test]
fn a_minority_refuses_or_does_not_know() {
    let mut client = Client::new(&[]);
    let old = client.leader();
    client.cut_off(old);
    // It still leads, and takes the change: nobody knows what becomes of it.
    assert!(matches!(client.write(old, 1), Some(Reply::Info { .. })));
    // By now it has given up leading, and does not take it.
    assert!(matches!(client.write(old, 2), Some(Reply::Fail { .. })));
    client.heal();
    assert_eq!(client.read(old), Some(Value::Null));
}
