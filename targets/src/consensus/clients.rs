//! Clients: who waits for an answer at this node, and for how long.
//!
//! A request goes to the leader once and is never sent again. What is not answered in time is
//! indeterminate if it may change something, and has failed if it was never sent or only reads.

use std::collections::VecDeque;
use std::time::Duration;

use polygraph_cluster::{Reply, RequestId};
use polygraph_history::{ErrorName, NodeId, Time};
use rustc_hash::FxHashMap;

use super::command::{Answer, Ask};
use super::message::Message;
use super::raft::{Ctx, REQUESTS, Raft, Role};

/// How long a request that was passed on may go unanswered. With the time for which it may be
/// held before that it is less than the second for which clients themselves wait.
const PATIENCE: Duration = Duration::from_millis(700);
/// How long a request is kept while no leader is known: as long as an election mostly takes.
const HOLD: Duration = Duration::from_millis(250);
/// How often requests are looked through, at most.
const PAUSE: Duration = Duration::from_millis(20);

/// The requests of clients that are not answered yet.
#[derive(Debug, Default)]
pub(super) struct Clients {
    /// Only looked up, never iterated over.
    open: FxHashMap<RequestId, Ask>,
    /// Those that were passed on, by the time at which they are given up.
    sent: VecDeque<(Time, RequestId)>,
    /// Those that wait for a leader, by that time.
    held: VecDeque<(Time, RequestId)>,
    /// When the timer is due, if it is set.
    wake: Option<Time>,
    /// This life of the node, and how many requests it has forwarded.
    life: u64,
    forwarded: u64,
}

impl Clients {
    /// The node starts a life.
    pub(super) const fn begin(&mut self, life: u64) {
        self.life = life;
    }

    /// Answers a client, unless it was given up or answered before.
    pub(super) fn answer(&mut self, ctx: &mut Ctx<'_>, request: RequestId, answer: Answer) {
        if let Some(ask) = self.open.remove(&request) {
            ctx.reply(request, ask.reply(answer));
        }
    }

    /// Gives up what has waited for too long.
    pub(super) fn on_timer(&mut self, ctx: &mut Ctx<'_>) {
        self.wake = None;
        let now = ctx.mono();
        let mut next = None;
        for (queue, is_sent) in [(&mut self.held, false), (&mut self.sent, true)] {
            while let Some(&(due, request)) = queue.front() {
                if due > now && self.open.contains_key(&request) {
                    break;
                }
                queue.pop_front();
                let Some(ask) = self.open.remove(&request) else {
                    continue;
                };
                let reply = match ask {
                    Ask::Change(_) if is_sent => Reply::info(ErrorName::TIMEOUT),
                    _ => Reply::fail(ErrorName::UNAVAILABLE),
                };
                ctx.reply(request, reply);
            }
            let due = queue.front().map(|&(due, _)| due);
            next = [next, due].into_iter().flatten().min();
        }
        if let Some(due) = next {
            self.wake_at(ctx, due);
        }
    }

    fn wake_at(&mut self, ctx: &mut Ctx<'_>, due: Time) {
        if self.wake.is_none_or(|wake| due < wake) {
            let after = due.since(ctx.mono()).max(PAUSE);
            self.wake = Some(ctx.mono() + after);
            ctx.set_timer(REQUESTS, after);
        }
    }
}

impl Raft {
    /// A client asks for something.
    pub(super) fn on_ask(&mut self, ctx: &mut Ctx<'_>, request: RequestId, ask: Ask) {
        self.clients.open.insert(request, ask.clone());
        match self.known_leader() {
            Some(leader) => self.pass_on(ctx, leader, request, ask),
            None => {
                let due = ctx.mono() + HOLD;
                self.clients.held.push_back((due, request));
                self.clients.wake_at(ctx, due);
            }
        }
    }

    /// Passes on what waited for a leader, once there is one.
    pub(super) fn release_held(&mut self, ctx: &mut Ctx<'_>) {
        if self.clients.held.is_empty() {
            return;
        }
        let Some(leader) = self.known_leader() else {
            return;
        };
        for (_, request) in std::mem::take(&mut self.clients.held) {
            if let Some(ask) = self.clients.open.get(&request).cloned() {
                self.pass_on(ctx, leader, request, ask);
            }
        }
    }

    /// The leader that requests go to. Not before its term is on disk: a node that forgot it in a
    /// crash might go back to an earlier leader, and its clients to an earlier state.
    fn known_leader(&self) -> Option<NodeId> {
        self.leader.filter(|_| self.storage().is_state_durable())
    }

    fn pass_on(&mut self, ctx: &mut Ctx<'_>, leader: NodeId, request: RequestId, ask: Ask) {
        let due = ctx.mono() + PATIENCE;
        self.clients.sent.push_back((due, request));
        self.clients.wake_at(ctx, due);
        if leader == self.me {
            return self.take(leader, request, ask);
        }
        let number = self.clients.forwarded;
        self.clients.forwarded += 1;
        let (term, life) = (self.term(), self.clients.life);
        ctx.send(
            leader,
            Message::Forward {
                term,
                life,
                number,
                request,
                ask,
            },
        );
    }

    /// Another node passes on a client's request. If it is not for us, or came before, silence is
    /// right: the other node gives it up by itself.
    pub(super) fn on_forward(
        &mut self,
        from: NodeId,
        stamp: (u64, u64, u64),
        request: RequestId,
        ask: Ask,
    ) {
        if self.is_new(from, stamp) && matches!(self.role, Role::Leader(_)) {
            self.take(from, request, ask);
        }
    }
}
