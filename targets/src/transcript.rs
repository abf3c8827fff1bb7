//! Scripts that read like the transcript of a protocol: a few nodes, every message shown.
//!
//! Whatever a command leads to happens at once, messages in the order in which they were sent,
//! until nothing is left but timers; time passes only by `advance`, and by a millisecond before
//! each request. Commands:
//!
//! - `cluster nodes=3 [bug=NAME] [SETTING=VALUE…]`: first of all; later, everything anew.
//! - `write n1 x 7`, `add n1 s 7`, `read n1 x`, `peek n1 x`: a client asks a node.
//! - `cut n1 n2…`, `hold n1 n2…`: messages between the first and the others are lost, or kept;
//!   with `one-way` only those that the first sends. `heal` ends all that and delivers what was kept.
//! - `stall n1…`: syncs do not complete until `flow n1…`.
//! - `kill n1…`, `start n1…`; `clock n1 5s`, `clock n1 5s back`: how wrong its wall clock is.
//! - `advance 50ms`.

use std::collections::{BTreeMap, VecDeque};
use std::error::Error;
use std::fmt::{Display, Write};

use goldenscript::{Argument, Command, Runner};
use polygraph_cluster::local::survives;
use polygraph_cluster::{
    Context, ContextParts, Deployment, Disk, Effect, Node, Reply, RequestId, SyncId, Timer,
};
use polygraph_history::settings::Settings;
use polygraph_history::{Key, NodeId, Op, Time, Value, parse_duration};

use crate::Target;

/// Runs a script and compares it with what is recorded in it.
pub(crate) fn run<N: Node<Message: Display>>(
    target: &'static dyn Target,
    make: fn(&Deployment) -> N,
    script: &str,
) {
    let mut transcript = Transcript {
        target,
        make,
        deployment: None,
        ids: Vec::new(),
        seats: Vec::new(),
        now: Time::ZERO,
        queue: VecDeque::new(),
        kept: VecDeque::new(),
        links: BTreeMap::new(),
        requests: 0,
        shown: String::new(),
    };
    let path = format!("{}/src/{script}", env!("CARGO_MANIFEST_DIR"));
    goldenscript::run(&mut transcript, path).expect("the script runs");
}

struct Transcript<N: Node> {
    target: &'static dyn Target,
    make: fn(&Deployment) -> N,
    deployment: Option<Deployment>,
    ids: Vec<NodeId>,
    seats: Vec<Seat<N>>,
    now: Time,
    queue: VecDeque<Happening<N::Message>>,
    kept: VecDeque<Happening<N::Message>>,
    /// The links that are not whole, and whether they keep messages instead of losing them.
    links: BTreeMap<(NodeId, NodeId), bool>,
    requests: u64,
    shown: String,
}

struct Seat<N> {
    node: Option<N>,
    life: u64,
    drawn: u64,
    wall_offset_ns: i64,
    stalled: bool,
    durable: BTreeMap<String, Vec<u8>>,
    unsynced: Vec<(&'static str, u64, Vec<u8>)>,
    timers: BTreeMap<Timer, Time>,
}

enum Happening<M> {
    Message(NodeId, NodeId, M),
    Synced(NodeId, u64, SyncId, usize),
}

impl<N: Node<Message: Display>> Transcript<N> {
    fn handle(&mut self, id: NodeId, handler: impl FnOnce(&mut N, &mut Context<'_, N::Message>)) {
        let seat = &mut self.seats[id.position()];
        let Some(node) = &mut seat.node else {
            return;
        };
        let mut effects = Vec::new();
        let parts = ContextParts {
            me: id,
            nodes: &self.ids,
            wall_ns: i64::try_from(self.now.as_nanos()).unwrap() + seat.wall_offset_ns,
            mono: self.now,
            random_key: id.position() as u64,
            random_drawn: &mut seat.drawn,
        };
        handler(node, &mut Context::new(parts, &mut effects));
        for effect in effects {
            self.perform(id, effect);
        }
    }

    fn perform(&mut self, id: NodeId, effect: Effect<N::Message>) {
        let seat = &mut self.seats[id.position()];
        match effect {
            Effect::Write {
                file,
                offset,
                bytes,
            } => seat.unsynced.push((file, offset, bytes)),
            Effect::Sync(sync) => {
                let covered = seat.unsynced.len();
                let synced = Happening::Synced(id, seat.life, sync, covered);
                self.queue.push_back(synced);
            }
            Effect::Send { to, message } => {
                survives(&message).expect("every message can be sent as bytes");
                self.queue.push_back(Happening::Message(id, to, message));
            }
            Effect::Reply { request, reply } => {
                let shown = match reply {
                    Reply::Ok { op, .. } => format!("ok, {op}"),
                    Reply::Fail { error, detail } => format!("fail, {error}: {detail}"),
                    Reply::Info { error, detail } => format!("info, {error}: {detail}"),
                };
                writeln!(self.shown, "r{}: {shown}", request.0).unwrap();
            }
            Effect::SetTimer { timer, due, .. } => {
                seat.timers.insert(timer, due);
            }
            Effect::CancelTimer(timer) => {
                seat.timers.remove(&timer);
            }
            Effect::Halt(why) => {
                writeln!(self.shown, "{id} halts: {why}").unwrap();
                self.kill(id);
            }
        }
    }

    /// Lets everything happen but timers.
    fn settle(&mut self) {
        let mut stalled = VecDeque::new();
        while let Some(happening) = self.queue.pop_front() {
            match happening {
                Happening::Message(from, to, message) => {
                    let fate = self.links.get(&(from, to)).copied();
                    let dead = self.seats[to.position()].node.is_none();
                    let arrow = match fate {
                        None if !dead => "→",
                        Some(true) => "⇢",
                        _ => "✗",
                    };
                    writeln!(self.shown, "{from} {arrow} {to}  {message}").unwrap();
                    match fate {
                        None => self.handle(to, |node, ctx| node.on_message(from, message, ctx)),
                        Some(true) => {
                            self.kept.push_back(Happening::Message(from, to, message));
                        }
                        Some(false) => {}
                    }
                }
                Happening::Synced(id, life, sync, covered) => {
                    let seat = &mut self.seats[id.position()];
                    if seat.life != life || seat.node.is_none() {
                        continue;
                    }
                    if seat.stalled {
                        stalled.push_back(Happening::Synced(id, life, sync, covered));
                        continue;
                    }
                    seat.sync(covered);
                    for other in self.queue.iter_mut().chain(&mut stalled) {
                        if let Happening::Synced(other, _, _, theirs) = other
                            && *other == id
                        {
                            *theirs -= covered;
                        }
                    }
                    self.handle(id, |node, ctx| node.on_synced(sync, Ok(()), ctx));
                }
            }
        }
        self.queue = stalled;
    }

    /// Lets time pass, and timers with it.
    fn advance(&mut self, until: Time) {
        loop {
            let due = self.ids.iter().flat_map(|&id| {
                let timers = self.seats[id.position()].timers.iter();
                timers.map(move |(&timer, &due)| (due, id, timer))
            });
            let Some((due, id, timer)) = due.min().filter(|(due, ..)| *due <= until) else {
                break;
            };
            self.now = self.now.max(due);
            self.seats[id.position()].timers.remove(&timer);
            self.handle(id, |node, ctx| node.on_timer(timer, ctx));
            self.settle();
        }
        self.now = until;
    }

    fn kill(&mut self, id: NodeId) {
        let seat = &mut self.seats[id.position()];
        seat.node = None;
        seat.unsynced.clear();
        seat.timers.clear();
    }

    fn start(&mut self, id: NodeId) {
        let deployment = self.deployment.as_ref().expect("the cluster comes first");
        let seat = &mut self.seats[id.position()];
        seat.node = Some((self.make)(deployment));
        seat.life += 1;
        let disk = Disk::new(seat.durable.clone());
        self.handle(id, |node, ctx| node.start(&disk, ctx));
    }

    fn deploy(&mut self, args: &[Argument]) -> Result<(), Box<dyn Error>> {
        let knobs = self.target.knobs();
        let mut deployment = Deployment {
            nodes: 3,
            settings: Settings::defaults(knobs),
            bug: None,
            seed: 1,
        };
        for arg in args {
            match arg {
                Argument::KeyValue(key, value) if key == "nodes" => {
                    deployment.nodes = value.parse()?;
                }
                Argument::KeyValue(key, value) if key == "bug" => {
                    deployment.bug = Some(value.clone());
                }
                Argument::KeyValue(key, value) => deployment.settings.set(knobs, key, value)?,
                other => return Err(format!("`{other}` is not key=value").into()),
            }
        }
        self.target.validate(&deployment)?;
        self.ids = NodeId::all(deployment.nodes);
        self.seats = self.ids.iter().map(|_| Seat::new()).collect();
        self.deployment = Some(deployment);
        self.now = Time::ZERO;
        self.requests = 0;
        self.links.clear();
        self.queue.clear();
        self.kept.clear();
        for id in self.ids.clone() {
            self.start(id);
        }
        Ok(())
    }

    fn request(&mut self, name: &str, args: &[String]) -> Result<(), Box<dyn Error>> {
        let node: NodeId = args.first().ok_or("which node?")?.parse()?;
        let key = Key::from(args.get(1).ok_or("which key?")?.as_str());
        let value = || -> Result<Value, Box<dyn Error>> {
            Ok(Value::Int(args.get(2).ok_or("which value?")?.parse()?))
        };
        let op = match name {
            "write" => Op::Write {
                key,
                value: value()?,
            },
            "add" => Op::Add {
                key,
                value: value()?,
            },
            "read" => Op::Read { key, value: None },
            _ => Op::Peek {
                key,
                node,
                value: None,
            },
        };
        self.advance(Time(self.now.as_nanos() + 1_000_000));
        self.requests += 1;
        let request = RequestId(self.requests);
        self.handle(node, |node, ctx| node.on_request(request, &op, ctx));
        Ok(())
    }
}

impl<N> Seat<N> {
    fn new() -> Seat<N> {
        Seat {
            node: None,
            life: 0,
            drawn: 0,
            wall_offset_ns: 0,
            stalled: false,
            durable: BTreeMap::new(),
            unsynced: Vec::new(),
            timers: BTreeMap::new(),
        }
    }

    fn sync(&mut self, covered: usize) {
        for (file, offset, bytes) in self.unsynced.drain(..covered) {
            let file = self.durable.entry(file.to_owned()).or_default();
            let from = usize::try_from(offset).unwrap();
            file.resize(file.len().max(from + bytes.len()), 0);
            file[from..from + bytes.len()].copy_from_slice(&bytes);
        }
    }
}

impl<N: Node<Message: Display>> Runner for Transcript<N> {
    type Command = Command;

    fn run(
        &mut self,
        command: &Command,
        _: &goldenscript::Context,
    ) -> Result<String, Box<dyn Error>> {
        if command.name == "cluster" {
            self.deploy(&command.args)?;
            self.settle();
            return Ok(std::mem::take(&mut self.shown));
        }
        let args: Vec<String> = command.args.iter().map(Argument::to_string).collect();
        let nodes = || -> Vec<NodeId> { args.iter().filter_map(|arg| arg.parse().ok()).collect() };
        match command.name.as_str() {
            "write" | "add" | "read" | "peek" => self.request(&command.name, &args)?,
            name @ ("cut" | "hold") => {
                let nodes = nodes();
                for &other in &nodes[1..] {
                    self.links.insert((nodes[0], other), name == "hold");
                    if !args.contains(&"one-way".to_owned()) {
                        self.links.insert((other, nodes[0]), name == "hold");
                    }
                }
            }
            "heal" => {
                self.links.clear();
                self.queue.append(&mut self.kept);
            }
            name @ ("stall" | "flow") => {
                for id in nodes() {
                    self.seats[id.position()].stalled = name == "stall";
                }
            }
            "kill" => nodes().into_iter().for_each(|id| self.kill(id)),
            "start" => nodes().into_iter().for_each(|id| self.start(id)),
            "clock" => {
                let text = args.get(1).ok_or("by how much?")?;
                let span = i64::try_from(parse_duration(text)?.as_nanos())?;
                let sign = if args.len() > 2 { -1 } else { 1 };
                self.seats[nodes()[0].position()].wall_offset_ns = sign * span;
            }
            "advance" => {
                let span = parse_duration(args.first().ok_or("how long?")?)?;
                self.advance(self.now + span);
            }
            other => return Err(format!("there is no command `{other}`").into()),
        }
        self.settle();
        Ok(std::mem::take(&mut self.shown))
    }
}
