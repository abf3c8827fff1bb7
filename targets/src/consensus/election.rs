//! Elections (Raft, section 5.2; Ongaro's dissertation, sections 3.4, 6.2 and 9.6): who leads.
//!
//! A node that hears of no leader first asks whether it would be elected (*pre-vote*), which
//! changes nothing anywhere: so a node that was cut off or paused does not end the term of a
//! leader that all others hear. Terms and votes are on disk before anybody is told of them.

use polygraph_history::NodeId;

use super::message::{Message, Position};
use super::raft::{Ctx, ELECTION, Raft, Role};

/// The votes that a candidate has.
#[derive(Debug, Default)]
pub(super) struct Votes {
    /// Who gave one.
    from: Vec<NodeId>,
    /// Whether others were asked yet: not before the candidate's own is on disk.
    asked: bool,
}

impl Votes {
    /// Counts a vote, once; whether they are so many now.
    fn add(&mut self, from: NodeId, majority: usize) -> bool {
        if !self.from.contains(&from) {
            self.from.push(from);
        }
        self.from.len() >= majority
    }
}

impl Raft {
    pub(super) fn on_election_timer(&mut self, ctx: &mut Ctx<'_>) {
        if matches!(self.role, Role::Leader(_)) {
            return;
        }
        // The timer is not moved at every heartbeat, only looked at when it is due.
        let due = self.heard + self.timeout;
        if ctx.mono() < due {
            return ctx.set_timer(ELECTION, due.since(ctx.mono()));
        }
        self.leader = None;
        self.restart_election_timer(ctx);
        let mut votes = Votes::default();
        if votes.add(self.me, self.majority) {
            return self.stand_for_election();
        }
        self.role = Role::PreCandidate(votes);
        let (term, last) = (self.term() + 1, self.storage().last());
        for peer in ctx.peers() {
            ctx.send(peer, Message::PreVote { term, last });
        }
    }

    pub(super) fn on_pre_vote(
        &mut self,
        ctx: &mut Ctx<'_>,
        from: NodeId,
        term: u64,
        last: Position,
    ) {
        let silence = ctx.mono().since(self.heard);
        let has_leader = matches!(self.role, Role::Leader(_))
            || (self.leader.is_some() && silence < self.config.election_min);
        let current = self.term();
        let granted = term > current && !has_leader && last.covers(self.storage().last());
        ctx.send(
            from,
            Message::PreVoted {
                term,
                current,
                granted,
            },
        );
    }

    pub(super) fn on_pre_voted(
        &mut self,
        ctx: &mut Ctx<'_>,
        from: NodeId,
        term: u64,
        current: u64,
        granted: bool,
    ) {
        self.notice_term(ctx, current);
        let is_ours = term == self.term() + 1;
        if let Role::PreCandidate(votes) = &mut self.role
            && is_ours
            && granted
            && votes.add(from, self.majority)
        {
            self.stand_for_election();
        }
    }

    /// Begins a term as a candidate; the others are asked when the vote for itself is on disk.
    fn stand_for_election(&mut self) {
        let (term, me) = (self.term() + 1, self.me);
        self.begin_term(term, Some(me));
        self.role = Role::Candidate(Votes::default());
    }

    /// A candidate whose own vote is on disk counts it and asks the others.
    pub(super) fn stand(&mut self, ctx: &mut Ctx<'_>) {
        let Role::Candidate(votes) = &mut self.role else {
            return;
        };
        if std::mem::replace(&mut votes.asked, true) {
            return;
        }
        let is_elected = votes.add(self.me, self.majority);
        let (term, last) = (self.term(), self.storage().last());
        for peer in ctx.peers() {
            ctx.send(peer, Message::Vote { term, last });
        }
        if is_elected {
            self.lead(ctx);
        }
    }

    pub(super) fn on_vote(&mut self, ctx: &mut Ctx<'_>, from: NodeId, term: u64, last: Position) {
        if term < self.term() {
            let (term, granted) = (self.term(), false);
            return ctx.send(from, Message::Voted { term, granted });
        }
        self.notice_term(ctx, term);
        let is_free = matches!(self.role, Role::Follower | Role::PreCandidate(_))
            && self.storage().vote().is_none_or(|vote| vote == from);
        if is_free && last.covers(self.storage().last()) {
            if self.storage().vote().is_none() {
                self.storage_mut().set_state(term, Some(from));
            }
            self.role = Role::Follower;
            self.owes_vote = true;
            self.restart_election_timer(ctx);
        }
    }

    pub(super) fn on_voted(&mut self, ctx: &mut Ctx<'_>, from: NodeId, term: u64, granted: bool) {
        self.notice_term(ctx, term);
        let is_ours = term == self.term();
        if let Role::Candidate(votes) = &mut self.role
            && is_ours
            && granted
            && votes.add(from, self.majority)
        {
            self.lead(ctx);
        }
    }

    /// Somebody is in this term: if it is later than ours, whatever we were is over.
    pub(super) fn notice_term(&mut self, ctx: &mut Ctx<'_>, term: u64) {
        if term > self.term() {
            self.step_down(ctx);
            self.begin_term(term, None);
        }
    }

    /// Stops whatever the node was; it knows of no leader.
    pub(super) fn step_down(&mut self, ctx: &mut Ctx<'_>) {
        if let Role::Leader(_) = self.role {
            ctx.cancel_timer(super::raft::HEARTBEAT);
            self.restart_election_timer(ctx);
        }
        self.role = Role::Follower;
        self.leader = None;
    }

    fn begin_term(&mut self, term: u64, vote: Option<NodeId>) {
        self.storage_mut().set_state(term, vote);
        (self.matched, self.round, self.round_told) = (0, 0, 0);
        (self.owes_ack, self.owes_vote) = (false, false);
    }
}
