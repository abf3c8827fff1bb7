//! The node: takes inputs, hands them to its two halves, its own copy and its coordinator.

use std::collections::BTreeMap;
use std::time::Duration;

use polygraph_cluster::{Context, Disk, Node, Reply, RequestId, SyncFailed, SyncId, Timer};
use polygraph_history::{ErrorName, Key, NodeId, Op};

use super::config::Config;
use super::coordinator::Request;
use super::message::{Body, Message, Which};
use super::replica::{Replica, Take, rendered};

/// A request has waited long enough; the key is its number.
pub(super) const REQUEST: u32 = 1;
/// The log is to be synced: only with the planted bug `ack-before-fsync`.
const SYNC: u32 = 2;

/// How long after a write the planted bug `ack-before-fsync` syncs.
const SYNC_PERIOD: Duration = Duration::from_secs(1);

/// One node: a copy of the keys that the ring gives it, and the coordinator of whoever asks it.
pub(super) struct Leaderless {
    pub(super) config: Config,
    /// From the start on.
    pub(super) replica: Option<Replica>,
    /// Requests that are not finished.
    pub(super) requests: BTreeMap<RequestId, Request>,
    /// The sync of the start, until it has completed.
    starting: Option<SyncId>,
    /// Requests that came before that.
    early: Vec<(RequestId, Op)>,
    sync_is_due: bool,
}

impl Leaderless {
    pub(super) const fn new(config: Config) -> Leaderless {
        Leaderless {
            config,
            replica: None,
            requests: BTreeMap::new(),
            starting: None,
            early: Vec::new(),
            sync_is_due: false,
        }
    }

    /// Sends a message, or hands it over if it is for this node.
    pub(super) fn send(&mut self, to: NodeId, message: Message, ctx: &mut Context<'_, Message>) {
        if to == ctx.me() {
            self.on_message(to, message, ctx);
        } else {
            ctx.send(to, message);
        }
    }

    fn peek(&self, request: RequestId, key: &Key, node: NodeId, ctx: &mut Context<'_, Message>) {
        let reply = match &self.replica {
            Some(replica) if node == ctx.me() => {
                let value = rendered(&replica.fetch(key, &Which::All));
                Reply::ok(Op::Peek {
                    key: key.clone(),
                    node,
                    value: Some(value),
                })
            }
            _ => Reply::fail(ErrorName::NOT_SUPPORTED),
        };
        ctx.reply(request, reply);
    }

    /// A coordinator asks this node's copy to take registers.
    fn on_store(&mut self, from: NodeId, message: Message, ctx: &mut Context<'_, Message>) {
        let Some(replica) = &mut self.replica else {
            return;
        };
        let answer = Message {
            body: Body::Stored,
            ..message
        };
        let Body::Store { key, cells, repair } = message.body else {
            return;
        };
        let how = match repair && self.config.repair_overwrites_newer {
            true => Take::Always,
            false => Take::IfNewer,
        };
        let stored = if self.config.ack_before_fsync {
            replica.store_unsynced(&key, cells, how, ctx);
            if !self.sync_is_due {
                self.sync_is_due = true;
                ctx.set_timer(Timer::of(SYNC), SYNC_PERIOD);
            }
            Some((from, answer))
        } else {
            replica.store(key, cells, how, (from, answer), ctx)
        };
        if let Some((to, answer)) = stored {
            self.send(to, answer, ctx);
        }
    }
}

impl Node for Leaderless {
    type Message = Message;

    fn start(&mut self, disk: &Disk, ctx: &mut Context<'_, Message>) {
        let (replica, sync) = Replica::open(disk, ctx);
        self.replica = Some(replica);
        self.starting = Some(sync);
    }

    fn on_message(&mut self, from: NodeId, message: Message, ctx: &mut Context<'_, Message>) {
        let Message { request, round, .. } = message;
        match message.body {
            Body::Fetch { key, which } => {
                let Some(replica) = &self.replica else {
                    return;
                };
                let body = Body::Fetched(replica.fetch(&key, &which));
                let answer = Message {
                    request,
                    round,
                    body,
                };
                self.send(from, answer, ctx);
            }
            Body::Store { .. } => self.on_store(from, message, ctx),
            Body::Fetched(cells) => self.on_fetched(from, request, round, cells, ctx),
            Body::Stored => self.on_stored(from, request, round, ctx),
        }
    }

    fn on_request(&mut self, request: RequestId, op: &Op, ctx: &mut Context<'_, Message>) {
        match op {
            Op::Peek { key, node, .. } => self.peek(request, key, *node, ctx),
            _ if self.starting.is_some() => self.early.push((request, op.clone())),
            _ => self.coordinate(request, op, ctx),
        }
    }

    fn on_timer(&mut self, timer: Timer, ctx: &mut Context<'_, Message>) {
        match timer.kind {
            REQUEST => self.on_timeout(RequestId(timer.key), ctx),
            SYNC => {
                self.sync_is_due = false;
                if let Some(replica) = &mut self.replica {
                    replica.sync(ctx);
                }
            }
            _ => {}
        }
    }

    fn on_synced(
        &mut self,
        sync: SyncId,
        result: Result<(), SyncFailed>,
        ctx: &mut Context<'_, Message>,
    ) {
        if result.is_err() {
            ctx.halt("the disk could not sync");
            return;
        }
        let waiting = self
            .replica
            .as_mut()
            .and_then(|replica| replica.synced(sync));
        if let Some((to, answer)) = waiting {
            self.send(to, answer, ctx);
        }
        if self.starting == Some(sync) {
            self.starting = None;
            for (request, op) in std::mem::take(&mut self.early) {
                self.coordinate(request, &op, ctx);
            }
        }
    }
}
