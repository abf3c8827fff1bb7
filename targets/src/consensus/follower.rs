//! Following (Raft, section 5.3): taking the leader's log, and saying how far it is on disk.

use polygraph_history::NodeId;

use super::config::Mistake;
use super::message::{Entry, Message, Position};
use super::raft::{Ctx, Raft, Role};

impl Raft {
    /// Somebody says that it leads. Whether it does, as far as we know.
    pub(super) fn follow(
        &mut self,
        ctx: &mut Ctx<'_>,
        from: NodeId,
        term: u64,
        prev: Position,
    ) -> bool {
        self.notice_term(ctx, term);
        if term < self.term() {
            let refused = Message::Refused {
                term: self.term(),
                prev: prev.index,
                hint: 0,
            };
            ctx.send(from, refused);
            return false;
        }
        // Two leaders in one term cannot be, but for a planted bug; then neither gives way.
        if matches!(self.role, Role::Leader(_)) {
            return false;
        }
        self.role = Role::Follower;
        self.leader = Some(from);
        self.heard = ctx.mono();
        true
    }

    pub(super) fn on_append(
        &mut self,
        ctx: &mut Ctx<'_>,
        prev: Position,
        entries: &[Entry],
        commit: u64,
        round: u64,
    ) {
        self.round = self.round.max(round);
        if self.storage().position(prev.index) != Some(prev) {
            return self.refuse(ctx, prev);
        }
        let is_new = self.storage_mut().accept(prev.index, entries);
        self.matched = self.matched.max(prev.index + entries.len() as u64);
        // Beyond what was compared with the leader's log ours may be another.
        let known = match self.config.errs(Mistake::ApplyUncommitted) {
            true => self.storage().last().index,
            false => self.matched,
        };
        self.commit = self.commit.max(commit.min(known));
        self.apply(ctx);
        // What was just taken is acknowledged when it is on disk; a read should not wait for it.
        self.owes_ack |=
            !is_new || self.round > self.round_told || self.config.errs(Mistake::AckBeforeFsync);
    }

    fn refuse(&self, ctx: &mut Ctx<'_>, prev: Position) {
        let Some(leader) = self.leader else {
            return;
        };
        let refused = Message::Refused {
            term: self.term(),
            prev: prev.index,
            // A whole term at a time (section 5.3, the last optimisation); what is committed is
            // the same everywhere.
            hint: self.storage().before_term_at(prev.index).max(self.commit),
        };
        ctx.send(leader, refused);
    }

    /// Tells the leader how much of its log is on disk here.
    pub(super) fn acknowledge(&mut self, ctx: &mut Ctx<'_>) {
        let Some(leader) = self.leader.filter(|&leader| leader != self.me) else {
            return;
        };
        self.round_told = self.round;
        let appended = Message::Appended {
            term: self.term(),
            matched: self.matched.min(self.durable()),
            round: self.round,
        };
        ctx.send(leader, appended);
    }
}
