//! One node: what it knows, and which part of it answers what.

use std::time::Duration;

use polygraph_cluster::{Context, Disk, Node, Reply, RequestId, SyncFailed, SyncId, Timer};
use polygraph_history::random::below;
use polygraph_history::{ErrorName, NodeId, Op, Time};

use super::clients::Clients;
use super::command::{Answer, Ask};
use super::config::{Config, Mistake};
use super::election::Votes;
use super::leader::Leader;
use super::machine::Machine;
use super::message::Message;
use super::storage::Storage;

/// What handlers ask of the world.
pub(super) type Ctx<'a> = Context<'a, Message>;

/// Nothing was heard of a leader for too long.
pub(super) const ELECTION: Timer = Timer::of(1);
/// The leader is to be heard again.
pub(super) const HEARTBEAT: Timer = Timer::of(2);
/// Requests may have waited for too long.
pub(super) const REQUESTS: Timer = Timer::of(3);

/// With the planted bug `ack-before-fsync`: the log is to be synced.
const FSYNC: Timer = Timer::of(4);
const FSYNC_PERIOD: Duration = Duration::from_secs(1);

/// What a node is in its term.
#[derive(Debug)]
pub(super) enum Role {
    /// It follows a leader, or waits for one.
    Follower,
    /// It asks whether it would be elected.
    PreCandidate(Votes),
    /// It asks to be elected.
    Candidate(Votes),
    /// It was.
    Leader(Box<Leader>),
}

/// A node.
#[derive(Debug)]
pub(super) struct Raft {
    pub(super) config: Config,
    pub(super) me: NodeId,
    /// How many nodes are a majority.
    pub(super) majority: usize,
    /// Present from the start on.
    pub(super) storage: Option<Storage>,
    pub(super) machine: Machine,
    pub(super) role: Role,
    /// Whom the node follows, which may be itself.
    pub(super) leader: Option<NodeId>,
    /// When its election timer began: it heard a leader, gave its vote or began to ask for votes.
    pub(super) heard: Time,
    /// How long that timer runs.
    pub(super) timeout: Duration,
    /// Up to where the log is known to be that of the leader of this term.
    pub(super) matched: u64,
    /// The latest round of confirmation heard in this term, and the latest acknowledged.
    pub(super) round: u64,
    pub(super) round_told: u64,
    /// The leader is to be told how far the log is, or a candidate that it has the vote, as soon
    /// as what was promised is on disk.
    pub(super) owes_ack: bool,
    pub(super) owes_vote: bool,
    pub(super) commit: u64,
    pub(super) applied: u64,
    pub(super) clients: Clients,
    /// Answers to other nodes, by position: those of one handler go in one message.
    pub(super) answers: Vec<Vec<(RequestId, Answer)>>,
}

impl Raft {
    /// A node that has not started.
    pub(super) fn new(config: Config, me: NodeId) -> Raft {
        Raft {
            config,
            me,
            majority: 1,
            storage: None,
            machine: Machine::default(),
            role: Role::Follower,
            leader: None,
            heard: Time::ZERO,
            timeout: config.election_max,
            matched: 0,
            round: 0,
            round_told: 0,
            owes_ack: false,
            owes_vote: false,
            commit: 0,
            applied: 0,
            clients: Clients::default(),
            answers: Vec::new(),
        }
    }

    pub(super) const fn storage(&self) -> &Storage {
        self.storage.as_ref().expect("a node starts first")
    }

    pub(super) const fn storage_mut(&mut self) -> &mut Storage {
        self.storage.as_mut().expect("a node starts first")
    }

    pub(super) const fn term(&self) -> u64 {
        self.storage().term()
    }

    /// Up to where this node has the log for good.
    pub(super) fn durable(&self) -> u64 {
        match self.config.errs(Mistake::AckBeforeFsync) {
            true => self.storage().last().index,
            false => self.storage().durable(),
        }
    }

    /// Begins to wait for a leader anew.
    pub(super) fn restart_election_timer(&mut self, ctx: &mut Ctx<'_>) {
        let spread = self.config.election_max - self.config.election_min;
        let nanos = u64::try_from(spread.as_nanos()).unwrap_or(u64::MAX);
        let extra = below(ctx.random("election"), nanos.saturating_add(1));
        self.timeout = self.config.election_min + Duration::from_nanos(extra);
        self.heard = ctx.mono();
        ctx.set_timer(ELECTION, self.timeout);
    }

    /// Applies what is committed, and answers whoever waits for it. Only what is on this node's
    /// own disk: what it shows must survive its crash.
    pub(super) fn apply(&mut self, ctx: &mut Ctx<'_>) {
        let until = self.commit.min(self.durable());
        let storage = self.storage.as_ref().expect("a node starts first");
        while self.applied < until {
            let Some(entry) = storage.entry(self.applied + 1) else {
                return;
            };
            self.applied += 1;
            let waiter = match &mut self.role {
                Role::Leader(leader) => leader.waits_for(self.applied),
                _ => None,
            };
            let told = waiter.is_some();
            let answer = self.machine.apply(self.applied, &entry.command, told);
            match waiter {
                Some((origin, request)) if origin == self.me => {
                    self.clients.answer(ctx, request, answer);
                }
                Some((origin, request)) => {
                    self.answers[origin.position()].push((request, answer));
                }
                None => {}
            }
        }
    }

    /// The end of every handler: what can be said by now is said, what has changed goes to disk.
    fn finish(&mut self, ctx: &mut Ctx<'_>) {
        self.speak(ctx);
        if matches!(self.role, Role::Leader(_)) {
            self.advance(ctx);
            self.replicate(ctx);
        }
        for (place, answers) in self.answers.iter_mut().enumerate() {
            if !answers.is_empty() {
                let answers = std::mem::take(answers);
                ctx.send(NodeId::at(place), Message::Answers(answers));
            }
        }
        if !self.config.errs(Mistake::AckBeforeFsync) || !self.storage().is_state_durable() {
            self.storage_mut().flush(ctx);
        }
    }

    /// Says what waited for term and vote to be on disk.
    fn speak(&mut self, ctx: &mut Ctx<'_>) {
        if !self.storage().is_state_durable() {
            return;
        }
        self.stand(ctx);
        if std::mem::take(&mut self.owes_vote)
            && let Some(candidate) = self.storage().vote()
        {
            let (term, granted) = (self.term(), true);
            ctx.send(candidate, Message::Voted { term, granted });
        }
        if std::mem::take(&mut self.owes_ack) {
            self.acknowledge(ctx);
        }
        self.release_held(ctx);
    }
}

impl Node for Raft {
    type Message = Message;

    fn start(&mut self, disk: &Disk, ctx: &mut Ctx<'_>) {
        let forgets_vote = self.config.errs(Mistake::ForgetVote);
        self.storage = Some(Storage::open(disk, ctx, forgets_vote));
        self.majority = ctx.nodes().len() / 2 + 1;
        self.answers = vec![Vec::new(); ctx.nodes().len()];
        self.clients.begin(ctx.random("life"));
        self.restart_election_timer(ctx);
        if self.config.errs(Mistake::AckBeforeFsync) {
            ctx.set_timer(FSYNC, FSYNC_PERIOD);
        }
    }

    fn on_message(&mut self, from: NodeId, message: Message, ctx: &mut Ctx<'_>) {
        match message {
            Message::PreVote { term, last } => self.on_pre_vote(ctx, from, term, last),
            Message::PreVoted {
                term,
                current,
                granted,
            } => self.on_pre_voted(ctx, from, term, current, granted),
            Message::Vote { term, last } => self.on_vote(ctx, from, term, last),
            Message::Voted { term, granted } => self.on_voted(ctx, from, term, granted),
            Message::Append {
                term,
                prev,
                entries,
                commit,
                round,
            } => {
                if self.follow(ctx, from, term, prev) {
                    self.on_append(ctx, prev, &entries, commit, round);
                }
            }
            Message::Appended {
                term,
                matched,
                round,
            } => self.on_appended(ctx, from, term, matched, round),
            Message::Refused { term, prev, hint } => self.on_refused(ctx, from, term, prev, hint),
            Message::Forward {
                term,
                life,
                number,
                request,
                ask,
            } => self.on_forward(from, (term, life, number), request, ask),
            Message::Answers(answers) => {
                for (request, answer) in answers {
                    self.clients.answer(ctx, request, answer);
                }
            }
        }
        self.finish(ctx);
    }

    fn on_request(&mut self, request: RequestId, op: &Op, ctx: &mut Ctx<'_>) {
        if let Op::Peek { key, node, .. } = op {
            let op = Op::Peek {
                key: key.clone(),
                node: *node,
                value: Some(self.machine.read(key).0),
            };
            return ctx.reply(request, Reply::ok(op));
        }
        match Ask::of(op) {
            Some(ask) => self.on_ask(ctx, request, ask),
            None => ctx.reply(request, Reply::fail(ErrorName::NOT_SUPPORTED)),
        }
        self.finish(ctx);
    }

    fn on_timer(&mut self, timer: Timer, ctx: &mut Ctx<'_>) {
        match timer {
            ELECTION => self.on_election_timer(ctx),
            HEARTBEAT => self.on_heartbeat_timer(ctx),
            REQUESTS => self.clients.on_timer(ctx),
            FSYNC => {
                self.storage_mut().flush(ctx);
                ctx.set_timer(FSYNC, FSYNC_PERIOD);
            }
            _ => {}
        }
        self.finish(ctx);
    }

    fn on_synced(&mut self, _: SyncId, result: Result<(), SyncFailed>, ctx: &mut Ctx<'_>) {
        if result.is_err() {
            // Nothing is known of what it covered, and a second sync that succeeds would not
            // tell either (the kernel forgets the pages that it could not write).
            return ctx.halt("the disk failed to make writes durable");
        }
        let before = self.durable();
        self.storage_mut().synced();
        if self.durable() > before {
            self.owes_ack = true;
            self.apply(ctx);
        }
        self.finish(ctx);
    }

    fn leadership(&self) -> Option<u64> {
        matches!(self.role, Role::Leader(_)).then(|| self.term())
    }
}
