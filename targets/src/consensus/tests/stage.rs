//! The stage of the transcripts: nodes, links and disks on which nothing happens by itself.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use polygraph_cluster::{
    Context, ContextParts, Disk, Effect, Node, Reply, RequestId, SyncFailed, SyncId, Timer,
};
use polygraph_history::{NodeId, Op, Time};

use super::super::command::{Answer, Ask, Command, Step};
use super::super::config::Config;
use super::super::message::{Entry, Message, Position};
use super::super::raft::{Ctx, ELECTION, Raft, Role};
use super::fuzz::deployment;

/// Everything that the script can touch.
#[derive(Default)]
pub(super) struct Stage {
    config: Option<Config>,
    nodes: Vec<Seat>,
    now: Time,
    links: Vec<(NodeId, NodeId, Message)>,
    cut: BTreeSet<NodeId>,
    requests: u64,
    /// What happened, a line each.
    pub(super) out: Vec<String>,
}

/// A node and its disk.
#[derive(Default)]
struct Seat {
    raft: Option<Raft>,
    lives: u64,
    drawn: u64,
    timers: BTreeMap<Timer, Time>,
    durable: BTreeMap<String, Vec<u8>>,
    written: VecDeque<(u64, &'static str, u64, Vec<u8>)>,
    writes: u64,
    syncs: VecDeque<(SyncId, u64)>,
}

impl Stage {
    pub(super) fn new(nodes: usize, read: &str, bug: Option<&str>) -> Stage {
        let deployment = deployment(nodes, 1, &[("read", read)], bug);
        let mut stage = Stage {
            config: Some(Config::of(&deployment)),
            nodes: (0..nodes).map(|_| Seat::default()).collect(),
            now: Time::from_millis(1000),
            ..Stage::default()
        };
        for node in NodeId::all(nodes) {
            stage.start(node);
        }
        stage.out.clear();
        stage
    }

    pub(super) fn start(&mut self, node: NodeId) {
        let config = self.config.expect("a script begins with a cluster");
        let seat = &mut self.nodes[node.position()];
        seat.raft = Some(Raft::new(config, node));
        seat.lives += 1;
        let disk = Disk::new(seat.durable.clone());
        self.out.push(format!("{node} starts"));
        self.handle(node, |raft, ctx| raft.start(&disk, ctx));
    }

    pub(super) fn crash(&mut self, node: NodeId) {
        let seat = &mut self.nodes[node.position()];
        let lost = seat.written.len();
        *seat = Seat {
            durable: std::mem::take(&mut seat.durable),
            lives: seat.lives,
            drawn: seat.drawn,
            ..Seat::default()
        };
        self.out
            .push(format!("{node} dies, {lost} writes are lost"));
    }

    pub(super) fn fire(&mut self, node: NodeId, timer: Timer) -> Result<(), String> {
        let seat = &mut self.nodes[node.position()];
        let mut due = seat.timers.remove(&timer).ok_or("it is not set")?;
        if let Some(raft) = seat.raft.as_ref().filter(|_| timer == ELECTION) {
            // An election timer that is due too early is set again; the script means the last.
            due = due.max(raft.heard + raft.timeout);
        }
        self.now = self.now.max(due);
        self.handle(node, |raft, ctx| raft.on_timer(timer, ctx));
        Ok(())
    }

    pub(super) fn pass(&mut self, span: Duration) {
        self.now = self.now + span;
    }

    pub(super) fn deliver(&mut self, from: Option<NodeId>, to: Option<NodeId>) {
        for (from, to, message) in self.take(from, to) {
            self.out.push(format!("{to} ← {from} {}", said(&message)));
            self.handle(to, |raft, ctx| raft.on_message(from, message, ctx));
        }
    }

    pub(super) fn double(&mut self, from: NodeId, to: NodeId) {
        let again: Vec<_> = self.take(Some(from), Some(to));
        self.links.extend(again.clone());
        self.links.extend(again);
    }

    pub(super) fn lose(&mut self, from: Option<NodeId>, to: Option<NodeId>) {
        for (from, to, message) in self.take(from, to) {
            self.out.push(format!("{from} ✗ {to} {}", said(&message)));
        }
    }

    fn take(&mut self, from: Option<NodeId>, to: Option<NodeId>) -> Vec<(NodeId, NodeId, Message)> {
        let is_meant = |(a, b, _): &(NodeId, NodeId, Message)| {
            from.is_none_or(|from| from == *a) && to.is_none_or(|to| to == *b)
        };
        let (taken, rest) = std::mem::take(&mut self.links)
            .into_iter()
            .partition(is_meant);
        self.links = rest;
        taken
    }

    pub(super) fn sync(&mut self, node: NodeId, is_good: bool) -> Result<(), String> {
        let seat = &mut self.nodes[node.position()];
        let (sync, up_to) = seat.syncs.pop_front().ok_or("no sync is under way")?;
        if is_good {
            seat.put(up_to);
        }
        let result = if is_good { Ok(()) } else { Err(SyncFailed) };
        let how = if is_good {
            "has synced"
        } else {
            "could not sync"
        };
        self.out.push(format!("{node} {how}"));
        self.handle(node, |raft, ctx| raft.on_synced(sync, result, ctx));
        Ok(())
    }

    pub(super) fn settle(&mut self) {
        loop {
            self.deliver(None, None);
            for node in NodeId::all(self.nodes.len()) {
                if !self.nodes[node.position()].syncs.is_empty() {
                    self.sync(node, true).expect("one is under way");
                }
            }
            if self.links.is_empty() && self.nodes.iter().all(|seat| seat.syncs.is_empty()) {
                return;
            }
        }
    }

    pub(super) fn cut(&mut self, node: NodeId) {
        self.cut.insert(node);
    }

    pub(super) fn heal(&mut self) {
        self.cut.clear();
    }

    pub(super) fn request(&mut self, node: NodeId, op: Op) {
        self.requests += 1;
        let request = RequestId(self.requests);
        self.handle(node, |raft, ctx| raft.on_request(request, &op, ctx));
    }

    pub(super) fn show(&mut self) {
        for (at, seat) in self.nodes.iter().enumerate() {
            let node = NodeId::at(at);
            let Some(raft) = &seat.raft else {
                self.out.push(format!("{node} is dead"));
                continue;
            };
            let vote = raft
                .storage()
                .vote()
                .map_or("nobody".into(), |vote| vote.to_string());
            let log: Vec<_> = (1..).zip(raft.storage().after(0, 100)).map(entry).collect();
            self.out.push(format!(
                "{} voted={vote} log=[{}] durable={} commit={} applied={}",
                role(raft),
                log.join(", "),
                raft.storage().durable(),
                raft.commit,
                raft.applied
            ));
        }
    }

    fn handle(&mut self, id: NodeId, handler: impl FnOnce(&mut Raft, &mut Ctx<'_>)) {
        let nodes = NodeId::all(self.nodes.len());
        let seat = &mut self.nodes[id.position()];
        let Some(raft) = &mut seat.raft else {
            self.out.push(format!("{id} is dead"));
            return;
        };
        let before = raft.storage.as_ref().map(|_| role(raft));
        let mut effects = Vec::new();
        let parts = ContextParts {
            me: id,
            nodes: &nodes,
            wall_ns: 0,
            mono: self.now,
            random_key: id.position() as u64 * 1000 + seat.lives,
            random_drawn: &mut seat.drawn,
        };
        handler(raft, &mut Context::new(parts, &mut effects));
        let after = role(raft);
        if let Some(before) = before.filter(|before| *before != after) {
            self.out.push(format!("{before} ⇨ {after}"));
        }
        for effect in effects {
            self.perform(id, effect);
        }
    }

    fn perform(&mut self, id: NodeId, effect: Effect<Message>) {
        let seat = &mut self.nodes[id.position()];
        match effect {
            Effect::Write {
                file,
                offset,
                bytes,
            } => {
                seat.writes += 1;
                seat.written.push_back((seat.writes, file, offset, bytes));
            }
            Effect::Sync(sync) => {
                seat.syncs.push_back((sync, seat.writes));
                self.out.push(format!("{id} syncs"));
            }
            Effect::Send { to, message } => {
                let is_cut = self.cut.contains(&id) || self.cut.contains(&to);
                let arrow = if is_cut { "✗" } else { "→" };
                self.out
                    .push(format!("{id} {arrow} {to} {}", said(&message)));
                if !is_cut {
                    self.links.push((id, to, message));
                }
            }
            Effect::Reply { request, reply } => {
                self.out
                    .push(format!("{id} answers r{}: {}", request.0, replied(&reply)));
            }
            Effect::SetTimer { timer, due, .. } => {
                seat.timers.insert(timer, due);
            }
            Effect::CancelTimer(timer) => {
                seat.timers.remove(&timer);
            }
            Effect::Halt(why) => {
                self.out.push(format!("{id} halts: {why}"));
                self.crash(id);
            }
        }
    }
}

impl Seat {
    fn put(&mut self, up_to: u64) {
        while self.written.front().is_some_and(|write| write.0 <= up_to) {
            let (_, file, offset, bytes) = self.written.pop_front().expect("just seen");
            let file = self.durable.entry(file.to_owned()).or_default();
            file.resize(file.len().max(offset as usize + bytes.len()), 0);
            file[offset as usize..offset as usize + bytes.len()].copy_from_slice(&bytes);
        }
    }
}

fn role(raft: &Raft) -> String {
    let (me, term) = (raft.me, raft.term());
    match (&raft.role, raft.leader) {
        (Role::Follower, Some(leader)) => format!("{me}@{term} follows {leader}"),
        (Role::Follower, None) => format!("{me}@{term} waits"),
        (Role::PreCandidate(_), _) => format!("{me}@{term} asks around"),
        (Role::Candidate(_), _) => format!("{me}@{term} stands"),
        (Role::Leader(_), _) => format!("{me}@{term} leads"),
    }
}

fn at(position: Position) -> String {
    format!("{}@{}", position.index, position.term)
}

fn entry((index, entry): (u64, &Entry)) -> String {
    format!("{index}@{} {}", entry.term, command(&entry.command))
}

fn command(command: &Command) -> String {
    match command {
        Command::Begin => "begin".to_owned(),
        Command::Write(key, value) => format!("write {key} {value}"),
        Command::Cas(key, from, to) => format!("cas {key} {from} {to}"),
        Command::Add(key, value) => format!("add {key} {value}"),
        Command::Remove(key, value) => format!("remove {key} {value}"),
        Command::Txn(steps) => {
            let step = |step: &Step| match step {
                Step::Read(key) => format!("read {key}"),
                Step::Append(key, value) => format!("append {key} {value}"),
                Step::Write(key, value) => format!("write {key} {value}"),
            };
            format!(
                "txn {{{}}}",
                steps.iter().map(step).collect::<Vec<_>>().join(" ")
            )
        }
    }
}

fn said(message: &Message) -> String {
    let yes = |granted: &bool| if *granted { "yes" } else { "no" };
    match message {
        Message::PreVote { term, last } => format!("PreVote@{term} last={}", at(*last)),
        Message::PreVoted {
            term,
            current,
            granted,
        } => {
            format!("PreVoted@{term} {} term={current}", yes(granted))
        }
        Message::Vote { term, last } => format!("Vote@{term} last={}", at(*last)),
        Message::Voted { term, granted } => format!("Voted@{term} {}", yes(granted)),
        Message::Append {
            term,
            prev,
            entries,
            commit,
            round,
        } => {
            let entries: Vec<_> = (prev.index + 1..).zip(entries.iter()).map(entry).collect();
            let entries = entries.join(", ");
            format!(
                "Append@{term} {} +[{entries}] commit={commit} round={round}",
                at(*prev)
            )
        }
        Message::Appended {
            term,
            matched,
            round,
        } => {
            format!("Appended@{term} matched={matched} round={round}")
        }
        Message::Refused { term, prev, hint } => format!("Refused@{term} prev={prev} hint={hint}"),
        Message::Forward {
            term, request, ask, ..
        } => {
            let what = match ask {
                Ask::Read(key) => format!("read {key}"),
                Ask::Change(change) => command(change),
            };
            format!("Forward@{term} r{} {what}", request.0)
        }
        Message::Answers(answers) => {
            let one = |(request, answer): &(RequestId, Answer)| match answer {
                Answer::Done { .. } => format!("r{} done", request.0),
                Answer::Found { value, .. } => format!("r{} {value}", request.0),
                Answer::AllFound(values) => format!("r{} {values:?}", request.0),
                Answer::Mismatch => format!("r{} mismatch", request.0),
            };
            format!(
                "Answers {}",
                answers.iter().map(one).collect::<Vec<_>>().join(", ")
            )
        }
    }
}

fn replied(reply: &Reply) -> String {
    match reply {
        Reply::Ok { op, version: None } => format!("ok {op}"),
        Reply::Ok {
            op,
            version: Some(version),
        } => format!("ok {op}, version {version}"),
        Reply::Fail { error, .. } => format!("fail {error}"),
        Reply::Info { error, .. } => format!("info {error}"),
    }
}
