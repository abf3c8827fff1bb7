//! A node that does as it is told, and the clusters of it that the tests run.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use polygraph_cluster::local::{self, Local, Options, Program, Registry, Seat};
use polygraph_cluster::wal::Wal;
use polygraph_cluster::{
    Context, Deployment, Disk, LinkKind, Node, Occurrence, Reply, RequestId, Submission,
    SyncFailed, SyncId, Timer, World,
};
use polygraph_history::settings::{Accepts, Knob, Settings};
use polygraph_history::{NodeId, Op, Value};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// What makes the test program a node.
pub(crate) const NODE: &str = "POLYGRAPH_TEST_NODE";

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Numbered(pub(crate) i64);

/// A node whose links are streams if `STREAM`, else datagrams.
#[derive(Default)]
pub(crate) struct Echo<const STREAM: bool> {
    log: Option<Wal>,
    /// What was written and synced, or read back at the start.
    kept: Vec<Value>,
    /// What is to be kept, and who waits, by sync.
    syncing: BTreeMap<SyncId, (RequestId, Value)>,
    heard: BTreeMap<NodeId, Vec<Value>>,
    timers: BTreeMap<Timer, RequestId>,
    epoch: Option<u64>,
    starts: i64,
    next: u64,
}

impl<const STREAM: bool> Echo<STREAM> {
    fn custom(
        &mut self,
        request: RequestId,
        name: &str,
        args: &serde_json::Value,
        ctx: &mut Context<'_, Numbered>,
    ) {
        match name {
            "send" => {
                let to: NodeId = args["to"].as_str().unwrap().parse().unwrap();
                for number in 0..args["count"].as_i64().unwrap() {
                    ctx.send(to, Numbered(number));
                }
            }
            "lead" => self.epoch = args.as_u64(),
            "halt" => return ctx.halt("as it was told"),
            "print" => println!("not a notice"),
            "timer" => {
                let timer = Timer {
                    kind: 1,
                    key: request.0,
                };
                self.timers.insert(timer, request);
                return ctx.set_timer(timer, Duration::from_millis(args.as_u64().unwrap()));
            }
            "echo" => {}
            other => panic!("{other}"),
        }
        let (name, args) = (name.to_owned(), args.clone());
        ctx.reply(request, Reply::ok(Op::Custom { name, args }));
    }
}

impl<const STREAM: bool> Node for Echo<STREAM> {
    type Message = Numbered;

    const LINKS: LinkKind = if STREAM {
        LinkKind::Stream
    } else {
        LinkKind::Datagram
    };

    fn start(&mut self, disk: &Disk, ctx: &mut Context<'_, Numbered>) {
        let (log, records) = Wal::open("log", disk, ctx);
        let text = |record: Vec<u8>| Value::from(String::from_utf8(record).unwrap().as_str());
        self.kept = records.into_iter().map(text).collect();
        self.log = Some(log);
        self.starts += 1;
        eprintln!("{} begins with {}", ctx.me(), self.kept.len());
    }

    fn on_message(&mut self, from: NodeId, message: Numbered, _: &mut Context<'_, Numbered>) {
        self.heard.entry(from).or_default().push(message.0.into());
    }

    fn on_request(&mut self, request: RequestId, op: &Op, ctx: &mut Context<'_, Numbered>) {
        match op {
            Op::Write { key, value } => {
                let log = self.log.as_mut().unwrap();
                log.append(ctx, value.to_string().as_bytes());
                if &*key.0 == "unsynced" {
                    return ctx.reply(request, Reply::ok(op.clone()));
                }
                self.next += 1;
                self.syncing
                    .insert(SyncId(self.next), (request, value.clone()));
                ctx.sync(SyncId(self.next));
            }
            Op::Read { key, .. } => {
                let value = match key.0.strip_prefix("from:") {
                    Some(from) => {
                        let heard = self.heard.get(&from.parse().unwrap());
                        Value::list(heard.into_iter().flatten().cloned())
                    }
                    None => Value::list(self.kept.iter().cloned()),
                };
                let (key, value) = (key.clone(), Some(value));
                ctx.reply(request, Reply::ok(Op::Read { key, value }));
            }
            Op::Custom { name, args } => self.custom(request, name, args, ctx),
            other => panic!("{other:?}"),
        }
    }

    fn on_timer(&mut self, timer: Timer, ctx: &mut Context<'_, Numbered>) {
        let request = self.timers.remove(&timer).unwrap();
        let args = json!(ctx.mono().as_nanos());
        let name = "timer".to_owned();
        ctx.reply(request, Reply::ok(Op::Custom { name, args }));
    }

    fn on_synced(
        &mut self,
        sync: SyncId,
        result: Result<(), SyncFailed>,
        ctx: &mut Context<'_, Numbered>,
    ) {
        assert_eq!(result, Ok(()));
        let (request, value) = self.syncing.remove(&sync).unwrap();
        self.kept.push(value.clone());
        let key = "synced".into();
        ctx.reply(request, Reply::ok(Op::Write { key, value }));
    }

    fn leadership(&self) -> Option<u64> {
        self.epoch
    }
}

/// Runs a node in this process.
pub(crate) fn serve(kind: &str) {
    let seat = Seat::read().unwrap();
    let deployment = seat.deployment(KNOBS).unwrap();
    assert_eq!(deployment, self::deployment(deployment.nodes));
    match kind {
        "stream" => local::serve(&deployment, seat, |_| Echo::<true>::default()),
        "datagram" => local::serve(&deployment, seat, |_| Echo::<false>::default()),
        other => panic!("{other}"),
    }
    .unwrap();
}

/// A setting whose type is lost on the way to a node.
const KNOBS: &[Knob] = &[Knob {
    key: "pace",
    accepts: Accepts::Duration,
    default: "1500us",
    about: "nothing",
}];

pub(crate) fn deployment(nodes: usize) -> Deployment {
    Deployment {
        nodes,
        settings: Settings::defaults(KNOBS),
        bug: Some("none".to_owned()),
        seed: 7,
    }
}

/// This program, as a node.
pub(crate) fn program(kind: &str) -> Program {
    Program {
        path: std::env::current_exe().unwrap(),
        arguments: ["node_process", "--exact", "--ignored", "--nocapture"]
            .map(Into::into)
            .into(),
        environment: vec![(NODE.into(), kind.into())],
    }
}

/// A cluster and its place, which is a test's own.
pub(crate) struct Cluster {
    pub(crate) local: Local,
    pub(crate) registry: Registry,
    requests: u64,
    // Removed last.
    pub(crate) place: tempfile::TempDir,
}

pub(crate) fn start(kind: &str, nodes: usize) -> Cluster {
    let place = tempfile::tempdir().unwrap();
    let registry = Registry::at(place.path().join("runs"));
    let local = start_in(&registry, kind, nodes);
    Cluster {
        local,
        registry,
        requests: 0,
        place,
    }
}

pub(crate) fn start_in(registry: &Registry, kind: &str, nodes: usize) -> Local {
    let deployment = deployment(nodes);
    let options = Options {
        registry: registry.clone(),
    };
    Local::start(&program(kind), &deployment, &options).unwrap()
}

/// How long anything may take; a test that waits so long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

impl Cluster {
    pub(crate) fn submit(&mut self, node: usize, op: Op) -> RequestId {
        self.submit_as(node, node, op)
    }

    pub(crate) fn submit_as(&mut self, client: usize, node: usize, op: Op) -> RequestId {
        self.requests += 1;
        let request = RequestId(self.requests);
        self.local.submit(Submission {
            request,
            client,
            node: NodeId::at(node),
            op,
        });
        request
    }

    /// The next reply, within a time.
    pub(crate) fn next(&mut self, within: Duration) -> Option<Occurrence> {
        let until = self.local.now() + within;
        self.local.advance(until)
    }

    /// Asks and waits for the answer, which is the next reply.
    pub(crate) fn ask(&mut self, node: usize, op: Op) -> Reply {
        let request = self.submit(node, op);
        let occurrence = self.next(PATIENCE).expect("an answer");
        assert_eq!(occurrence.request, request);
        occurrence.reply
    }

    pub(crate) fn custom(
        &mut self,
        node: usize,
        name: &str,
        args: serde_json::Value,
    ) -> serde_json::Value {
        let name = name.to_owned();
        match self.ask(node, Op::Custom { name, args }) {
            Reply::Ok {
                op: Op::Custom { args, .. },
                ..
            } => args,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn read(&mut self, node: usize, key: &str) -> Vec<Value> {
        let read = Op::Read {
            key: key.into(),
            value: None,
        };
        match self.ask(node, read) {
            Reply::Ok {
                op: Op::Read { value, .. },
                ..
            } => value.unwrap().elements().unwrap().to_vec(),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn write(&mut self, node: usize, key: &str, value: &str) -> Reply {
        let (key, value) = (key.into(), value.into());
        self.ask(node, Op::Write { key, value })
    }

    /// Has one node send numbered messages to another.
    pub(crate) fn send(&mut self, from: usize, to: usize, count: usize) {
        let to = NodeId::at(to).to_string();
        self.custom(from, "send", json!({"to": to, "count": count}));
    }

    /// What a node has heard of another, in order.
    pub(crate) fn heard(&mut self, at: usize, from: usize) -> Vec<i64> {
        let number = |value: Value| match value {
            Value::Int(number) => number,
            other => panic!("{other}"),
        };
        let heard = self.read(at, &format!("from:{}", NodeId::at(from)));
        heard.into_iter().map(number).collect()
    }

    /// Waits until a node has heard so much of another.
    pub(crate) fn hears(&mut self, at: usize, from: usize, count: usize) -> Vec<i64> {
        let mut heard = Vec::new();
        eventually(|| {
            heard = self.heard(at, from);
            heard.len() >= count
        });
        heard
    }
}

/// Asks again and again until it is so.
pub(crate) fn eventually(mut is_so: impl FnMut() -> bool) {
    assert!(within(PATIENCE, &mut is_so), "it never is");
}

pub(crate) fn within(patience: Duration, mut is_so: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + patience;
    loop {
        if is_so() {
            return true;
        }
        if Instant::now() > deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}
