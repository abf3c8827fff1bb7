//! What a follower does: it fetches the log, and takes over when the leader is silent.
//!
//! With fencing, every message carries the sender's epoch, and the highest that a node has heard
//! of is the only one that it listens to. Without, a node listens to the leader that it follows,
//! whatever its epoch; it turns to another when that one announces itself, when its own says that
//! it leads no longer, or when its own has been silent for half the failover timeout.

use std::time::Duration;

use polygraph_cluster::Timer;
use polygraph_history::random::below;
use polygraph_history::{NodeId, Time};

use super::config::{Mistake, Replication};
use super::epoch::{Epoch, Position, Reign};
use super::log::Start;
use super::message::{Answer, Body, Entries, Message};
use super::node::{Ctx, FAILOVER, PULL, Role, SingleLeader};

/// How long a follower waits for the answer to a pull before it asks again.
const PULL_AGAIN: Duration = Duration::from_millis(500);

impl SingleLeader {
    /// Compares the epoch of a message with the node's own; gives back whether to listen.
    pub(super) fn meet(&mut self, from: NodeId, message: &Message, ctx: &mut Ctx<'_>) -> bool {
        self.seen = self.seen.max(message.epoch.number);
        if !self.config.fencing || message.epoch == self.epoch {
            return true;
        }
        if message.epoch > self.epoch {
            self.follow(message.epoch, ctx);
            return true;
        }
        match &message.body {
            // It has not been and will not be done here, and nobody sends it again.
            Body::Forward { request, .. } => {
                let (request, answer) = (*request, Answer::NotLeader);
                self.send(from, Body::Answer { request, answer }, ctx);
            }
            Body::Lead { .. } | Body::Pull { .. } => self.send(from, Body::NotLeader, ctx),
            _ => {}
        }
        false
    }

    /// Follows the leader of an epoch. The record needs no sync of its own: it comes before any
    /// entry that is taken from that leader.
    pub(super) fn follow(&mut self, epoch: Epoch, ctx: &mut Ctx<'_>) {
        self.epoch = epoch;
        self.step_down(ctx);
        self.journal().follow(epoch, ctx);
        self.begin_to_follow(ctx);
    }

    pub(super) fn begin_to_follow(&mut self, ctx: &mut Ctx<'_>) {
        self.role = Role::Follower;
        self.pulled = None;
        self.patience = self.draw_patience(ctx);
        self.hear(ctx);
        if self.config.replication != Replication::Sync {
            ctx.set_timer(Timer::of(PULL), self.config.ship);
        }
        self.pull(ctx);
    }

    /// The leader lives.
    fn hear(&mut self, ctx: &mut Ctx<'_>) {
        self.heard = ctx.mono();
        if self.config.failover {
            ctx.set_timer(Timer::of(FAILOVER), self.patience);
        }
    }

    /// The failover timeout, staggered so that usually one node comes first: the next behind the
    /// leader, each further one a quarter later, and a random eighth besides.
    fn draw_patience(&self, ctx: &mut Ctx<'_>) -> Duration {
        let timeout = self.config.failover_timeout;
        let nodes = ctx.nodes().len();
        let (me, leader) = (ctx.me().position(), self.epoch.leader.position());
        let place = (me + nodes - 1 - leader % nodes) % nodes;
        let turn = timeout / 4 * u32::try_from(place).unwrap_or(u32::MAX);
        let eighth = u64::try_from(timeout.as_nanos() / 8).unwrap_or(u64::MAX);
        timeout + turn + Duration::from_nanos(below(ctx.random("failover"), eighth))
    }

    /// The leader has been silent for too long. Nobody is asked: that is the naive protocol.
    pub(super) fn on_failover_due(&mut self, ctx: &mut Ctx<'_>) {
        if matches!(self.role, Role::Follower) && self.config.failover {
            let number = self.seen.max(self.epoch.number) + 1;
            let leader = ctx.me();
            self.promote(Epoch { number, leader }, ctx);
        }
    }

    /// Will lead in an epoch as soon as its disk cannot forget it.
    pub(super) fn promote(&mut self, epoch: Epoch, ctx: &mut Ctx<'_>) {
        let nonce = ctx.random("reign");
        let reign = Reign { epoch, nonce };
        self.epoch = epoch;
        self.journal().lead(reign, ctx);
        let sync = self.sync(ctx);
        self.role = Role::Promoting(reign, sync);
        ctx.cancel_timer(Timer::of(PULL));
        ctx.cancel_timer(Timer::of(FAILOVER));
    }

    /// A node says that it leads, and that its log ends there.
    pub(super) fn on_lead(
        &mut self,
        from: NodeId,
        epoch: Epoch,
        end: Position,
        new: bool,
        ctx: &mut Ctx<'_>,
    ) {
        if self.leads() {
            return self.hear_of_rival(epoch, ctx);
        }
        if !matches!(self.role, Role::Follower) {
            return;
        }
        // With fencing an epoch that is not the node's own does not come this far.
        if epoch != self.epoch {
            let silent = ctx.mono().since(self.heard) >= self.config.failover_timeout / 2;
            if from != self.epoch.leader && !new && !silent {
                return;
            }
            self.follow(epoch, ctx);
        }
        self.hear(ctx);
        if self.config.replication == Replication::Sync && end != self.log.end() {
            self.pull(ctx);
        }
        self.confirm(ctx);
    }

    /// Tells the leader what is durable here, if it wants to know.
    pub(super) fn confirm(&self, ctx: &mut Ctx<'_>) {
        if matches!(self.role, Role::Follower) && self.needed(ctx) > 0 {
            let to = self.log.position(self.synced);
            self.send(self.epoch.leader, Body::Synced { to }, ctx);
        }
    }

    pub(super) fn on_pull_due(&mut self, ctx: &mut Ctx<'_>) {
        if matches!(self.role, Role::Follower) {
            ctx.set_timer(Timer::of(PULL), self.config.ship);
            self.pull(ctx);
        }
    }

    /// Asks the leader for more, unless it was asked a moment ago.
    fn pull(&mut self, ctx: &mut Ctx<'_>) {
        let now = ctx.mono();
        let asked = |at: Time| now.since(at) < PULL_AGAIN;
        // A node that its own disk forgot to be the leader has nobody to ask.
        if self.epoch.leader == ctx.me() || self.pulled.is_some_and(asked) {
            return;
        }
        self.pulled = Some(now);
        let from = self.log.end();
        self.send(self.epoch.leader, Body::Pull { from }, ctx);
    }

    /// Whether this is the leader that the node follows.
    fn follows(&self, node: NodeId) -> bool {
        matches!(self.role, Role::Follower) && self.epoch.leader == node
    }

    /// Entries come from the leader.
    pub(super) fn on_entries(&mut self, from: NodeId, entries: Entries, ctx: &mut Ctx<'_>) {
        if !self.follows(from) {
            return;
        }
        self.hear(ctx);
        if entries.pulled {
            self.pulled = None;
        }
        let (pulled, end) = (entries.pulled, entries.end);
        let fits = self.take(entries, ctx);
        if !fits || (pulled && end > self.log.len()) {
            self.pull(ctx);
        }
    }

    /// Appends what is new, if it belongs behind what is here.
    fn take(&mut self, entries: Entries, ctx: &mut Ctx<'_>) -> bool {
        let Entries {
            prev,
            reign,
            mut commands,
            ..
        } = entries;
        let careless = self.makes(Mistake::SkipTruncation);
        let fits = match careless {
            true => prev.index <= self.log.len(),
            false => self.log.holds(prev),
        };
        let Some(reign) = reign.filter(|_| fits) else {
            return fits;
        };
        let known = (self.log.len() - prev.index).min(commands.len() as u64);
        let last_known = Position {
            index: prev.index + known,
            reign: Some(reign),
        };
        if known > 0 && !careless && !self.log.holds(last_known) {
            return false;
        }
        commands.drain(..usize::try_from(known).expect("no more than there are"));
        if !commands.is_empty() {
            for command in &commands {
                self.log.push(reign, command.clone());
            }
            self.journal().append(reign, commands, ctx);
            self.sync(ctx);
        }
        true
    }

    /// The leader's log is another than this one from somewhere on: what was not the leader's is
    /// forgotten, acknowledged or not.
    pub(super) fn on_diverged(
        &mut self,
        from: NodeId,
        starts: &[Start],
        end: u64,
        ctx: &mut Ctx<'_>,
    ) {
        if !self.follows(from) {
            return;
        }
        self.hear(ctx);
        self.pulled = None;
        let common = self.log.common(starts, end);
        if common < self.log.len() {
            self.truncate(common, ctx);
        }
        self.pull(ctx);
    }

    /// Somebody does not lead, and says who does. With fencing the epoch has said it already;
    /// without, the word is taken when the leader has missed a heartbeat, so that two nodes that
    /// each believe in the other do not send a third to and fro.
    pub(super) fn on_not_leader(&mut self, from: NodeId, epoch: Epoch, ctx: &mut Ctx<'_>) {
        if !self.follows(from) {
            return;
        }
        self.pulled = None;
        let elsewhere = epoch.leader != from && epoch.leader != ctx.me();
        let silent = ctx.mono().since(self.heard) >= self.config.heartbeat();
        if !self.config.fencing && elsewhere && silent {
            self.follow(epoch, ctx);
        }
    }
}
