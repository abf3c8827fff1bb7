//! A cluster by hand: nothing happens but what a script says, and everything is written down.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write as _;
use std::time::Duration;

use polygraph_cluster::{
    Context, ContextParts, Deployment, Disk, Effect, Node, Reply, RequestId, SyncId, Timer,
};
use polygraph_history::random::keyed;
use polygraph_history::{NodeId, Op, Time};

use crate::single_leader::config::Config;
use crate::single_leader::log::Command;
use crate::single_leader::message::{Answer, Ask, Body, Message};
use crate::single_leader::node::{
    FAILOVER, FORWARD, HEARTBEAT, PULL, RECONCILE, Role, SingleLeader,
};

/// How many entries of a log are shown.
const SHOWN: u64 = 10;

/// One node, its disk and its timers.
struct Seat {
    node: Option<SingleLeader>,
    durable: BTreeMap<String, Vec<u8>>,
    written: Vec<(&'static str, u64, Vec<u8>)>,
    /// Each with how many of the writes it covers.
    syncs: VecDeque<(SyncId, usize)>,
    timers: BTreeMap<Timer, Time>,
    life: u64,
    drawn: u64,
}

/// The cluster.
pub(super) struct Stage {
    config: Config,
    ids: Vec<NodeId>,
    seats: Vec<Seat>,
    links: BTreeMap<(NodeId, NodeId), VecDeque<Message>>,
    cut: BTreeSet<(NodeId, NodeId)>,
    now: Time,
    requests: u64,
    /// Whether heartbeats and empty fetches are written down too.
    pub(super) everything: bool,
    transcript: String,
}

impl Stage {
    /// Starts all nodes of a deployment.
    pub(super) fn new(deployment: &Deployment) -> Stage {
        let ids = NodeId::all(deployment.nodes);
        let seat = |_: &NodeId| Seat {
            node: None,
            durable: BTreeMap::new(),
            written: Vec::new(),
            syncs: VecDeque::new(),
            timers: BTreeMap::new(),
            life: 0,
            drawn: 0,
        };
        let mut stage = Stage {
            config: Config::of(deployment),
            seats: ids.iter().map(seat).collect(),
            ids: ids.clone(),
            links: BTreeMap::new(),
            cut: BTreeSet::new(),
            now: Time::ZERO,
            requests: 0,
            everything: false,
            transcript: String::new(),
        };
        for id in ids {
            stage.start(id);
        }
        stage
    }

    pub(super) fn nodes(&self) -> &[NodeId] {
        &self.ids
    }

    /// What was written down since it was last taken.
    pub(super) fn take_transcript(&mut self) -> String {
        std::mem::take(&mut self.transcript)
    }

    fn seat(&mut self, id: NodeId) -> &mut Seat {
        &mut self.seats[id.position()]
    }

    /// Starts a dead node with what is on its disk.
    pub(super) fn start(&mut self, id: NodeId) {
        let node = SingleLeader::new(self.config.clone());
        let seat = self.seat(id);
        seat.node = Some(node);
        seat.life += 1;
        seat.drawn = 0;
        let disk = Disk::new(seat.durable.clone());
        self.handle(id, "starts", false, |node, ctx| node.start(&disk, ctx));
    }

    /// A node dies, and loses what it has not synced.
    pub(super) fn kill(&mut self, id: NodeId) {
        let seat = self.seat(id);
        seat.node = None;
        seat.written.clear();
        seat.syncs.clear();
        seat.timers.clear();
        let _ = writeln!(self.transcript, "{id} dies");
    }

    /// The disk of a dead node is emptied.
    pub(super) fn wipe(&mut self, id: NodeId) {
        self.seat(id).durable.clear();
    }

    /// Cuts both directions between two nodes.
    pub(super) fn cut(&mut self, a: NodeId, b: NodeId) {
        self.cut.extend([(a, b), (b, a)]);
    }

    /// Cuts one direction between two nodes.
    pub(super) fn cut_one_way(&mut self, a: NodeId, b: NodeId) {
        self.cut.insert((a, b));
    }

    /// All links are whole again.
    pub(super) fn heal(&mut self) {
        self.cut.clear();
    }

    /// A client asks a node.
    pub(super) fn request(&mut self, id: NodeId, op: &Op) {
        self.requests += 1;
        let request = RequestId(self.requests);
        if self.seat(id).node.is_none() {
            let _ = writeln!(self.transcript, "{id} is dead");
            return;
        }
        let what = format!("⇐ r{} {op}", request.0);
        self.handle(id, &what, false, |node, ctx| {
            node.on_request(request, op, ctx);
        });
    }

    /// The disk of a node does what it was asked to, or fails to.
    pub(super) fn sync(&mut self, id: NodeId, works: bool) -> bool {
        let seat = self.seat(id);
        let Some((sync, covers)) = seat.syncs.pop_front() else {
            return false;
        };
        let result = match works {
            true => Ok(()),
            false => Err(polygraph_cluster::SyncFailed),
        };
        let done: Vec<_> = seat.written.drain(..covers).collect();
        for (_, later) in &mut seat.syncs {
            *later -= covers;
        }
        for (file, offset, bytes) in done {
            put(
                seat.durable.entry(file.to_owned()).or_default(),
                offset,
                &bytes,
            );
        }
        let what = if works { "synced" } else { "failed to sync" };
        self.handle(id, what, false, |node, ctx| {
            node.on_synced(sync, result, ctx);
        });
        true
    }

    /// Delivers all messages that are under way, and those that follow from them.
    pub(super) fn deliver(&mut self) -> bool {
        let mut delivered = false;
        while let Some(link) = self
            .links
            .iter()
            .find(|(_, queue)| !queue.is_empty())
            .map(|(&link, _)| link)
        {
            let message = self.links.get_mut(&link).and_then(VecDeque::pop_front);
            let (Some(message), (from, to)) = (message, link) else {
                continue;
            };
            delivered = true;
            let routine = is_routine(&message.body);
            if self.cut.contains(&link) || self.seat(to).node.is_none() {
                if self.everything || !routine {
                    let _ = writeln!(self.transcript, "{to} ↚ {from} {}", tell(&message));
                }
                continue;
            }
            let what = format!("← {from} {}", tell(&message));
            self.handle(to, &what, routine, |node, ctx| {
                node.on_message(from, message, ctx);
            });
        }
        delivered
    }

    /// Delivers messages and lets disks work until nothing is under way.
    pub(super) fn settle(&mut self) {
        loop {
            let mut busy = self.deliver();
            for id in self.ids.clone() {
                busy |= self.sync(id, true);
            }
            if !busy {
                return;
            }
        }
    }

    /// Lets time pass: timers run when they are due, everything else takes no time.
    pub(super) fn advance(&mut self, span: Duration) {
        let until = self.now + span;
        self.settle();
        loop {
            let due = |(at, seat): (usize, &Seat)| {
                let (&timer, &due) = seat
                    .timers
                    .iter()
                    .min_by_key(|&(&timer, &due)| (due, timer))?;
                Some((due, at, timer))
            };
            let next = self.seats.iter().enumerate().filter_map(due).min();
            let Some((due, at, timer)) = next.filter(|&(due, ..)| due <= until) else {
                break;
            };
            self.now = self.now.max(due);
            let id = self.ids[at];
            self.seat(id).timers.remove(&timer);
            let routine = matches!(timer.kind, HEARTBEAT | PULL);
            let what = match timer.kind {
                HEARTBEAT => "⏰ heartbeat".to_owned(),
                PULL => "⏰ pull".to_owned(),
                FAILOVER => "⏰ failover".to_owned(),
                FORWARD => format!("⏰ r{}", timer.key),
                RECONCILE => "⏰ reconcile".to_owned(),
                other => format!("⏰ {other}"),
            };
            self.handle(id, &what, routine, |node, ctx| node.on_timer(timer, ctx));
            self.settle();
        }
        self.now = until;
    }

    /// What every node is and has.
    pub(super) fn status(&mut self) {
        for (id, seat) in self.ids.iter().zip(&self.seats) {
            let Some(node) = &seat.node else {
                let _ = writeln!(self.transcript, "{id} dead");
                continue;
            };
            let role = match &node.role {
                Role::Leader(_) => "leads",
                Role::Promoting(..) => "is about to lead",
                Role::Follower => "follows",
            };
            let first = node.log.len().saturating_sub(SHOWN) + 1;
            let entries: Vec<_> = (first..=node.log.len())
                .map(|index| {
                    let mark = if index > node.synced { "?" } else { "" };
                    format!("{}{mark}", brief(node.log.get(index)))
                })
                .collect();
            let _ = writeln!(
                self.transcript,
                "{id} {role} {} log {} [{}{}]",
                node.epoch,
                node.log.end(),
                if first > 1 { "… " } else { "" },
                entries.join(" ")
            );
        }
    }

    /// Runs a handler, writes it down with its effects, and lets these happen.
    fn handle(
        &mut self,
        id: NodeId,
        what: &str,
        routine: bool,
        handler: impl FnOnce(&mut SingleLeader, &mut Context<'_, Message>),
    ) {
        let (now, ids) = (self.now, self.ids.clone());
        let seat = self.seat(id);
        let Some(node) = &mut seat.node else { return };
        let mut effects = Vec::new();
        let parts = ContextParts {
            me: id,
            nodes: &ids,
            wall_ns: 0,
            mono: now,
            random_key: keyed(&[id.position() as u64, seat.life]),
            random_drawn: &mut seat.drawn,
        };
        handler(node, &mut Context::new(parts, &mut effects));
        let mut told = Vec::new();
        let mut quiet = routine;
        for effect in effects {
            quiet &= match &effect {
                Effect::Send { message, .. } => is_routine(&message.body),
                Effect::SetTimer { .. } | Effect::CancelTimer(_) => true,
                _ => false,
            };
            told.extend(self.perform(id, effect));
        }
        if self.everything || !quiet {
            let _ = writeln!(self.transcript, "{id} {what}");
            for line in told {
                let _ = writeln!(self.transcript, "   {line}");
            }
        }
    }

    fn perform(&mut self, id: NodeId, effect: Effect<Message>) -> Option<String> {
        let seat = self.seat(id);
        match effect {
            Effect::Write {
                file,
                offset,
                bytes,
            } => {
                seat.written.push((file, offset, bytes));
                Some("writes".to_owned())
            }
            Effect::Sync(sync) => {
                // Earlier syncs of the queue cover the first of the writes.
                seat.syncs.push_back((sync, seat.written.len()));
                Some("syncs".to_owned())
            }
            Effect::Send { to, message } => {
                polygraph_cluster::local::survives(&message).expect("it can be sent as bytes");
                let line = format!("→ {to} {}", tell(&message));
                self.links.entry((id, to)).or_default().push_back(message);
                Some(line)
            }
            Effect::Reply { request, reply } => {
                Some(format!("⇒ r{} {}", request.0, outcome(&reply)))
            }
            Effect::SetTimer { timer, due, .. } => {
                seat.timers.insert(timer, due);
                None
            }
            Effect::CancelTimer(timer) => {
                seat.timers.remove(&timer);
                None
            }
            Effect::Halt(why) => {
                seat.node = None;
                seat.timers.clear();
                Some(format!("halts: {why}"))
            }
        }
    }
}

fn put(file: &mut Vec<u8>, offset: u64, bytes: &[u8]) {
    let from = usize::try_from(offset).expect("scripts are short");
    if file.len() < from + bytes.len() {
        file.resize(from + bytes.len(), 0);
    }
    file[from..from + bytes.len()].copy_from_slice(bytes);
}

/// What is said all the time and tells nothing new.
fn is_routine(body: &Body) -> bool {
    match body {
        Body::Lead { new, .. } => !new,
        Body::Pull { .. } | Body::Synced { .. } => true,
        Body::Entries(entries) => entries.commands.is_empty(),
        _ => false,
    }
}

fn brief(command: &Command) -> String {
    match command {
        Command::Write(key, value) => format!("{key}={value}"),
        Command::Add(key, value) => format!("{key}+{value}"),
    }
}

fn outcome(reply: &Reply) -> String {
    match reply {
        Reply::Ok { op, .. } => format!("ok {op}"),
        Reply::Fail { error, .. } => format!("fail {error}"),
        Reply::Info { error, .. } => format!("info {error}"),
    }
}

fn tell(message: &Message) -> String {
    let what = match &message.body {
        Body::Lead { end, new: true } => format!("I lead now, up to {end}"),
        Body::Lead { end, new: false } => format!("I lead, up to {end}"),
        Body::Pull { from } => format!("what comes behind {from}?"),
        Body::Entries(entries) => {
            let list: Vec<_> = entries.commands.iter().map(brief).collect();
            format!("behind {}: [{}]", entries.prev, list.join(" "))
        }
        Body::Diverged { starts, end } => {
            let list: Vec<_> = starts
                .iter()
                .map(|start| format!("{}@{}", start.first, start.reign.epoch))
                .collect();
            format!("no: mine begins [{}] and goes to {end}", list.join(" "))
        }
        Body::Synced { to } => format!("synced {to}"),
        Body::NotLeader => "I do not lead".to_owned(),
        Body::Forward { request, ask } => format!("r{} {}", request.0, tell_ask(ask)),
        Body::Answer { request, answer } => format!("r{} {}", request.0, tell_answer(answer)),
    };
    format!("({}) {what}", message.epoch)
}

fn tell_ask(ask: &Ask) -> String {
    match ask {
        Ask::Read(key) => format!("read {key}"),
        Ask::Change(command) => brief(command),
        Ask::Cas(key, from, to) => format!("{key}={from}→{to}"),
    }
}

fn tell_answer(answer: &Answer) -> String {
    match answer {
        Answer::Value(value) => format!("is {value}"),
        Answer::Done => "is done".to_owned(),
        Answer::Mismatch => "finds another value".to_owned(),
        Answer::NotLeader => "is not for me".to_owned(),
        Answer::Unavailable => "comes too early".to_owned(),
        Answer::Unknown(why) => format!("may be done: {why:?}"),
    }
}
