//! Requests of clients: answered here, or forwarded to whoever is believed to lead.

use std::time::Duration;

use polygraph_cluster::{Reply, RequestId, Timer};
use polygraph_history::{ErrorName, NodeId, Op};

use super::epoch::Epoch;
use super::leader::Origin;
use super::message::{Answer, Ask, Body, with_value};
use super::node::{Ctx, FORWARD, SingleLeader};

/// How long a forwarded request may take; below what its client waits.
const FORWARD_WITHIN: Duration = Duration::from_millis(800);

impl SingleLeader {
    /// A client asks for an operation.
    pub(super) fn on_client(&mut self, request: RequestId, op: &Op, ctx: &mut Ctx<'_>) {
        match op {
            Op::Peek { key, node, .. } if *node == ctx.me() => {
                let seen = self.store.read(key);
                return ctx.reply(request, Reply::ok(with_value(op, seen)));
            }
            Op::Read { key, .. } if self.config.read_any => {
                let seen = self.store.read(key);
                return ctx.reply(request, Reply::ok(with_value(op, seen)));
            }
            _ => {}
        }
        let Some(ask) = Ask::of(op) else {
            return ctx.reply(request, Reply::fail(ErrorName::NOT_SUPPORTED));
        };
        if self.epoch.leader == ctx.me() {
            self.serve(Origin::Client(request, op.clone()), ask, ctx);
        } else {
            self.forward(request, op, ask, ctx);
        }
    }

    /// Forwards a request, once: whether a second one would do it twice nobody could tell.
    fn forward(&mut self, request: RequestId, op: &Op, ask: Ask, ctx: &mut Ctx<'_>) {
        self.forwarded.insert(request, op.clone());
        self.send(self.epoch.leader, Body::Forward { request, ask }, ctx);
        let kind = FORWARD;
        let key = request.0;
        ctx.set_timer(Timer { kind, key }, FORWARD_WITHIN);
    }

    /// Another node forwards a request of a client of its own.
    pub(super) fn on_forward(
        &mut self,
        from: NodeId,
        request: RequestId,
        ask: Ask,
        ctx: &mut Ctx<'_>,
    ) {
        self.serve(Origin::Node(from, request), ask, ctx);
    }

    /// Answers whoever asked.
    pub(super) fn answer(&self, origin: Origin, answer: Answer, ctx: &mut Ctx<'_>) {
        match origin {
            Origin::Client(request, op) => ctx.reply(request, answer.reply(&op)),
            Origin::Node(node, request) => {
                self.send(node, Body::Answer { request, answer }, ctx);
            }
        }
    }

    /// A forwarded request is answered, unless it was given up before.
    pub(super) fn on_answer(
        &mut self,
        from: NodeId,
        epoch: Epoch,
        request: RequestId,
        answer: Answer,
        ctx: &mut Ctx<'_>,
    ) {
        if answer == Answer::NotLeader {
            self.on_not_leader(from, epoch, ctx);
        }
        let Some(op) = self.forwarded.remove(&request) else {
            return;
        };
        let kind = FORWARD;
        let key = request.0;
        ctx.cancel_timer(Timer { kind, key });
        ctx.reply(request, answer.reply(&op));
    }

    /// A forwarded request was lost, or its answer, or it is late. A read had no effect; anything
    /// else may take effect yet.
    pub(super) fn on_forward_due(&mut self, request: RequestId, ctx: &mut Ctx<'_>) {
        let Some(op) = self.forwarded.remove(&request) else {
            return;
        };
        let reply = match op.is_read_only() {
            true => Reply::fail(ErrorName::UNAVAILABLE),
            false => Reply::info(ErrorName::TIMEOUT),
        };
        ctx.reply(request, reply);
    }
}
