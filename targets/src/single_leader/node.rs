//! One node: its parts, how it starts, and who handles what.

use std::collections::BTreeMap;
use std::time::Duration;

use polygraph_cluster::{Context, Disk, LinkKind, Node, RequestId, SyncFailed, SyncId, Timer};
use polygraph_history::{NodeId, Op, Time};

use super::config::{Config, Mistake};
use super::epoch::{Epoch, Reign};
use super::journal::Journal;
use super::leader::Leading;
use super::log::Log;
use super::message::{Body, Message};
use super::store::Store;

/// The leader says that it lives.
pub(super) const HEARTBEAT: u32 = 1;
/// A follower fetches the log.
pub(super) const PULL: u32 = 2;
/// A follower has not heard the leader for too long.
pub(super) const FAILOVER: u32 = 3;
/// A forwarded request was not answered in time; by request.
pub(super) const FORWARD: u32 = 4;
/// An unfenced leader that heard of a later one gives way.
pub(super) const RECONCILE: u32 = 5;

/// What a handler is given.
pub(super) type Ctx<'a> = Context<'a, Message>;

/// A node of the store.
#[derive(Debug)]
pub(crate) struct SingleLeader {
    pub(super) config: Config,
    /// Opened at start.
    journal: Option<Journal>,
    pub(super) log: Log,
    /// How many entries the disk cannot forget.
    pub(super) synced: u64,
    pub(super) store: Store,
    /// How many entries the store has applied, and clients can see.
    pub(super) shown: u64,
    /// Whom it follows, itself if it leads.
    pub(super) epoch: Epoch,
    /// The highest number of an epoch that it heard of.
    pub(super) seen: u64,
    pub(super) role: Role,
    /// When it last heard the leader that it follows, on its monotonic clock.
    pub(super) heard: Time,
    /// How long that leader must be silent before this node takes its place.
    pub(super) patience: Duration,
    /// When it asked for entries and was not answered yet.
    pub(super) pulled: Option<Time>,
    /// The requests that it has forwarded, until they are answered or given up.
    pub(super) forwarded: BTreeMap<RequestId, Op>,
}

/// What a node is.
#[derive(Debug)]
pub(super) enum Role {
    /// It follows the leader of its epoch.
    Follower,
    /// It will lead in this reign when that is durable.
    Promoting(Reign, SyncId),
    /// It leads.
    Leader(Leading),
}

impl SingleLeader {
    /// A node that has not started yet.
    pub(crate) fn new(config: Config) -> SingleLeader {
        SingleLeader {
            config,
            journal: None,
            log: Log::default(),
            synced: 0,
            store: Store::default(),
            shown: 0,
            epoch: Epoch::first(),
            seen: 0,
            role: Role::Follower,
            heard: Time::ZERO,
            patience: Duration::ZERO,
            pulled: None,
            forwarded: BTreeMap::new(),
        }
    }

    pub(super) const fn journal(&mut self) -> &mut Journal {
        self.journal
            .as_mut()
            .expect("a node starts before anything else")
    }

    pub(super) fn send(&self, to: NodeId, body: Body, ctx: &mut Ctx<'_>) {
        let epoch = self.epoch;
        ctx.send(to, Message { epoch, body });
    }

    pub(super) const fn leads(&self) -> bool {
        matches!(self.role, Role::Leader(_))
    }

    pub(super) fn makes(&self, mistake: Mistake) -> bool {
        self.config.makes(mistake)
    }

    /// How many followers must have synced a write before it is acknowledged.
    pub(super) fn needed(&self, ctx: &Ctx<'_>) -> usize {
        self.config.needed(ctx.nodes().len() - 1)
    }

    /// Asks that the whole log becomes durable.
    pub(super) fn sync(&mut self, ctx: &mut Ctx<'_>) -> SyncId {
        let entries = self.log.len();
        self.journal().sync(entries, ctx)
    }

    /// Lets clients see the log up to this entry.
    pub(super) fn show(&mut self, to: u64) {
        while self.shown < to {
            self.shown += 1;
            let command = self.log.get(self.shown);
            self.store.apply(command);
            if let Role::Leader(leading) = &mut self.role {
                leading.shown(self.shown, command);
            }
        }
    }

    /// Forgets all entries behind this one, and what they did.
    pub(super) fn truncate(&mut self, to: u64, ctx: &mut Ctx<'_>) {
        self.log.truncate(to);
        self.journal().truncate(to, ctx);
        self.sync(ctx);
        self.synced = self.synced.min(to);
        if self.shown > to {
            self.store = Store::default();
            self.shown = 0;
            self.show(self.synced);
        }
    }
}

impl Node for SingleLeader {
    type Message = Message;

    /// Replication over connections, as stores of this kind have it. Nothing relies on more than
    /// that forwarded requests are not doubled: entries are appended only where they belong.
    const LINKS: LinkKind = LinkKind::Stream;

    /// A node resumes what it was. That a leader which was away leads on until it hears of a
    /// later one is what makes failover without a quorum lose writes.
    fn start(&mut self, disk: &Disk, ctx: &mut Ctx<'_>) {
        let (journal, memory) = Journal::open(disk, ctx);
        self.journal = Some(journal);
        self.log = memory.log;
        // What was read back is on the disk: no later crash loses it.
        self.synced = self.log.len();
        self.show(self.synced);
        self.epoch = memory.epoch.unwrap_or_else(Epoch::first);
        self.seen = self.epoch.number;
        match memory.reign {
            Some(reign) => self.lead(reign, false, ctx),
            None if memory.epoch.is_none() && self.epoch.leader == ctx.me() => {
                self.promote(self.epoch, ctx);
            }
            None => self.begin_to_follow(ctx),
        }
    }

    fn on_message(&mut self, from: NodeId, message: Message, ctx: &mut Ctx<'_>) {
        if !self.meet(from, &message, ctx) {
            return;
        }
        let epoch = message.epoch;
        match message.body {
            Body::Lead { end, new } => self.on_lead(from, epoch, end, new, ctx),
            Body::Pull { from: position } => self.on_pull(from, position, ctx),
            Body::Entries(entries) => self.on_entries(from, entries, ctx),
            Body::Diverged { starts, end } => self.on_diverged(from, &starts, end, ctx),
            Body::Synced { to } => self.on_confirmed(from, to, ctx),
            Body::NotLeader => self.on_not_leader(from, epoch, ctx),
            Body::Forward { request, ask } => self.on_forward(from, request, ask, ctx),
            Body::Answer { request, answer } => {
                self.on_answer(from, epoch, request, answer, ctx);
            }
        }
    }

    fn on_request(&mut self, request: RequestId, op: &Op, ctx: &mut Ctx<'_>) {
        self.on_client(request, op, ctx);
    }

    fn on_timer(&mut self, timer: Timer, ctx: &mut Ctx<'_>) {
        match timer.kind {
            HEARTBEAT => self.on_heartbeat_due(ctx),
            PULL => self.on_pull_due(ctx),
            FAILOVER => self.on_failover_due(ctx),
            FORWARD => self.on_forward_due(RequestId(timer.key), ctx),
            RECONCILE => self.on_reconcile_due(ctx),
            _ => {}
        }
    }

    fn on_synced(&mut self, sync: SyncId, result: Result<(), SyncFailed>, ctx: &mut Ctx<'_>) {
        if result.is_err() {
            // What was written may be on the disk or not, and no second sync would tell.
            return ctx.halt("the disk failed to sync");
        }
        let before = self.synced;
        self.synced = before.max(self.journal().synced(sync));
        self.show(self.synced);
        match self.role {
            Role::Promoting(reign, due) if sync >= due => self.lead(reign, true, ctx),
            Role::Leader(_) => self.on_more_synced(before, ctx),
            Role::Follower | Role::Promoting(..) => self.confirm(ctx),
        }
    }

    fn leadership(&self) -> Option<u64> {
        self.leads().then(|| self.epoch.rank())
    }
}
