//! Leading (Raft, sections 5.3 and 5.4; Ongaro's dissertation, sections 6.2, 6.4 and 10.2.1).
//!
//! To each follower at most one message with entries is under way; what comes meanwhile goes with
//! the next. The leader writes its own disk at the same time, and counts itself when that is done.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use polygraph_cluster::RequestId;
use polygraph_history::{Key, NodeId, Time};

use super::command::{Answer, Ask, Command};
use super::config::Mistake;
use super::message::{Entry, Message};
use super::raft::{Ctx, HEARTBEAT, Raft, Role};
use super::seen::Seen;

/// What a leader knows.
#[derive(Debug)]
pub(super) struct Leader {
    /// The index of the entry with which its term begins.
    first: u64,
    /// All nodes but itself, in order.
    peers: Vec<Peer>,
    /// Who waits for which entry, in order.
    waiters: VecDeque<(u64, NodeId, RequestId)>,
    /// Reads, in the order in which they came.
    reads: VecDeque<Read>,
    /// The latest round of confirmation that was sent, and the latest that a majority has heard.
    round: u64,
    confirmed: u64,
    /// Which forwarded requests it has taken, by who forwarded them in which life.
    seen: BTreeMap<(NodeId, u64), Seen>,
}

/// What a leader knows of another node.
#[derive(Debug)]
struct Peer {
    id: NodeId,
    /// The index of the next entry to send.
    next: u64,
    /// Up to where its log is known to be the leader's.
    matched: u64,
    /// Up to where entries are under way, and since when.
    under_way: Option<(u64, Time)>,
    /// The latest round it has heard.
    round: u64,
    /// When it was heard.
    heard: Time,
}

/// A read that waits.
#[derive(Debug)]
struct Read {
    /// Until a majority has heard this round, and so has not followed another leader by then.
    round: u64,
    /// Until this is applied: everything that was committed when the read came.
    index: u64,
    origin: NodeId,
    request: RequestId,
    key: Key,
}

impl Leader {
    /// Who waits for the entry at this index.
    pub(super) fn waits_for(&mut self, index: u64) -> Option<(NodeId, RequestId)> {
        let &(at, origin, request) = self.waiters.front().filter(|waiter| waiter.0 == index)?;
        debug_assert_eq!(at, index);
        self.waiters.pop_front();
        Some((origin, request))
    }

    /// The highest number that a majority has reached, from those of all peers and our own.
    fn by_majority(&self, majority: usize, own: u64, of: impl Fn(&Peer) -> u64) -> u64 {
        let all = || self.peers.iter().map(&of).chain([own]);
        let is_reached = |level: u64| all().filter(|&at| at >= level).count() >= majority;
        all().filter(|&level| is_reached(level)).max().unwrap_or(0)
    }

    fn peer(&mut self, id: NodeId) -> Option<&mut Peer> {
        self.peers.iter_mut().find(|peer| peer.id == id)
    }
}

impl Raft {
    /// The node is elected. It begins with an entry of its own, since only when that is committed
    /// it knows that all before it is (section 5.4.2; dissertation, section 6.4).
    pub(super) fn lead(&mut self, ctx: &mut Ctx<'_>) {
        let term = self.term();
        let command = Arc::new(Command::Begin);
        let first = self.storage_mut().push(Entry { term, command });
        let peer = |id| Peer {
            id,
            next: first,
            matched: 0,
            under_way: None,
            round: 0,
            heard: ctx.mono(),
        };
        self.role = Role::Leader(Box::new(Leader {
            first,
            peers: ctx.peers().map(peer).collect(),
            waiters: VecDeque::new(),
            reads: VecDeque::new(),
            round: 0,
            confirmed: 0,
            seen: BTreeMap::new(),
        }));
        self.leader = Some(self.me);
        ctx.set_timer(HEARTBEAT, self.config.heartbeat);
        self.release_held(ctx);
    }

    pub(super) fn on_heartbeat_timer(&mut self, ctx: &mut Ctx<'_>) {
        let (now, config) = (ctx.mono(), self.config);
        let Role::Leader(leader) = &mut self.role else {
            return;
        };
        let is_heard = |peer: &&Peer| now.since(peer.heard) < config.election_max;
        let heard = leader.peers.iter().filter(is_heard).count() + 1;
        // Whoever hears from no majority may have been deposed long ago ("check quorum").
        if config.confirm && heard < self.majority {
            return self.step_down(ctx);
        }
        if leader
            .reads
            .back()
            .is_some_and(|read| read.round > leader.round)
        {
            leader.round += 1;
        }
        for peer in &mut leader.peers {
            if peer
                .under_way
                .is_some_and(|(_, since)| now.since(since) >= config.heartbeat)
            {
                peer.under_way = None;
            }
        }
        self.send_all(ctx, true);
        ctx.set_timer(HEARTBEAT, config.heartbeat);
    }

    /// Takes a request, our own client's or one that another node has forwarded.
    pub(super) fn take(&mut self, origin: NodeId, request: RequestId, ask: Ask) {
        let (term, config) = (self.term(), self.config);
        let commit = self.commit;
        match ask {
            Ask::Change(command) => {
                let index = self.storage_mut().push(Entry { term, command });
                if let Role::Leader(leader) = &mut self.role {
                    leader.waiters.push_back((index, origin, request));
                }
            }
            Ask::Read(key) => {
                let Role::Leader(leader) = &mut self.role else {
                    return;
                };
                // A round that is already under way may have been answered before the read came.
                let is_reused =
                    config.errs(Mistake::ReadIndexReused) && leader.confirmed < leader.round;
                let round = leader.round + u64::from(!is_reused);
                leader.reads.push_back(Read {
                    round: if config.confirm { round } else { 0 },
                    index: commit.max(leader.first),
                    origin,
                    request,
                    key,
                });
            }
        }
    }

    /// Whether a forwarded request with this number is for this leader and has not come before.
    pub(super) fn is_new(&mut self, from: NodeId, stamp: (u64, u64, u64)) -> bool {
        let (term, life, number) = stamp;
        let is_ours = term == self.term();
        let Role::Leader(leader) = &mut self.role else {
            return false;
        };
        is_ours && leader.seen.entry((from, life)).or_default().is_new(number)
    }

    pub(super) fn on_appended(
        &mut self,
        ctx: &mut Ctx<'_>,
        from: NodeId,
        term: u64,
        matched: u64,
        round: u64,
    ) {
        self.notice_term(ctx, term);
        let is_ours = term == self.term();
        if let Role::Leader(leader) = &mut self.role
            && is_ours
            && let Some(peer) = leader.peer(from)
        {
            peer.heard = ctx.mono();
            peer.round = peer.round.max(round);
            peer.matched = peer.matched.max(matched);
            peer.next = peer.next.max(peer.matched + 1);
            if peer.under_way.is_some_and(|(end, _)| end <= peer.matched) {
                peer.under_way = None;
            }
        }
    }

    pub(super) fn on_refused(
        &mut self,
        ctx: &mut Ctx<'_>,
        from: NodeId,
        term: u64,
        prev: u64,
        hint: u64,
    ) {
        self.notice_term(ctx, term);
        let is_ours = term == self.term();
        if let Role::Leader(leader) = &mut self.role
            && is_ours
            && let Some(peer) = leader.peer(from)
        {
            peer.heard = ctx.mono();
            // An older refusal than of what was asked last says nothing new.
            if prev > 0 && prev + 1 == peer.next {
                peer.next = hint.min(prev - 1) + 1;
                peer.matched = peer.matched.min(peer.next - 1);
                peer.under_way = None;
            }
        }
    }

    /// Commits what a majority has, applies it, and answers the reads that may be.
    pub(super) fn advance(&mut self, ctx: &mut Ctx<'_>) {
        let (own, term) = (self.durable(), self.term());
        let Role::Leader(leader) = &mut self.role else {
            return;
        };
        let reached = match self.config.errs(Mistake::CommitBeforeQuorum) {
            true => own,
            false => leader.by_majority(self.majority, own, |peer| peer.matched),
        };
        leader.confirmed = leader.by_majority(self.majority, leader.round, |peer| peer.round);
        // An entry of an earlier term that a majority has can still be overwritten (figure 8).
        let counts_old = self.config.errs(Mistake::CountOldTermEntries);
        let is_own_term = |at: &Raft| at.storage().entry(reached).is_some_and(|e| e.term == term);
        if reached > self.commit && (counts_old || is_own_term(self)) {
            self.commit = reached;
        }
        self.apply(ctx);
        self.answer_reads(ctx);
    }

    fn answer_reads(&mut self, ctx: &mut Ctx<'_>) {
        let Role::Leader(leader) = &mut self.role else {
            return;
        };
        let (confirmed, applied) = (leader.confirmed, self.applied);
        let is_due = |read: &Read| read.round <= confirmed && read.index <= applied;
        while leader.reads.front().is_some_and(is_due) {
            let read = leader.reads.pop_front().expect("just seen");
            let (value, version) = self.machine.read(&read.key);
            let answer = Answer::Found { value, version };
            match read.origin == self.me {
                true => self.clients.answer(ctx, read.request, answer),
                false => self.answers[read.origin.position()].push((read.request, answer)),
            }
        }
    }

    /// Sends what followers lack and can take; to all, if a round of confirmation is to begin.
    pub(super) fn replicate(&mut self, ctx: &mut Ctx<'_>) {
        let Role::Leader(leader) = &mut self.role else {
            return;
        };
        // One round at a time: reads that come during one share the next.
        let waits = leader
            .reads
            .back()
            .is_some_and(|read| read.round > leader.round);
        let begins = waits && leader.confirmed == leader.round;
        leader.round += u64::from(begins);
        self.send_all(ctx, begins);
        if begins && self.majority == 1 {
            self.advance(ctx);
        }
    }

    /// Sends entries to every peer that lacks some and has none under way; to the others nothing,
    /// or a message without entries if they are to hear from us anyway.
    fn send_all(&mut self, ctx: &mut Ctx<'_>, anyway: bool) {
        let (term, commit, batch) = (self.term(), self.commit, self.config.batch);
        let (Role::Leader(leader), Some(storage)) = (&mut self.role, &self.storage) else {
            return;
        };
        let last = storage.last().index;
        let round = leader.round;
        // Followers mostly lack the same entries, which are then shared.
        let mut shared: Option<(u64, Arc<[Entry]>)> = None;
        for peer in &mut leader.peers {
            let is_behind = peer.under_way.is_none() && peer.next <= last;
            if !is_behind && !anyway {
                continue;
            }
            let prev = storage.position(peer.next - 1).unwrap_or_default();
            let entries = match &shared {
                _ if !is_behind => Arc::default(),
                Some((after, entries)) if *after == prev.index => Arc::clone(entries),
                _ => {
                    let entries: Arc<[_]> = storage.after(prev.index, batch).into();
                    shared = Some((prev.index, Arc::clone(&entries)));
                    entries
                }
            };
            if is_behind {
                peer.under_way = Some((prev.index + entries.len() as u64, ctx.mono()));
            }
            ctx.send(
                peer.id,
                Message::Append {
                    term,
                    prev,
                    entries,
                    commit,
                    round,
                },
            );
        }
    }
}
