//! What a leader does: it orders changes, ships them, and answers when enough have synced them.
//!
//! **Why reads at the only leader are linearizable** (failover=none). The order is that of the
//! log. A change takes effect when the leader's own sync of it completes: from then on the
//! leader shows it, and, since the log is on its disk, never forgets it, whether it dies or not.
//! That is after the change was asked for. It is before it is acknowledged, in every mode of
//! replication: followers only delay the acknowledgement. A read sees exactly the changes that
//! have taken effect. So a read may show a change that a follower has not got yet and that is
//! not acknowledged; nothing can come after it that does not see it too. A change that was never
//! acknowledged (its client hears `info`) takes effect at its sync, or at the restart that finds
//! it on the disk, or never. A compare-and-set is decided by everything before it in the log; one
//! that finds another value reads, and answers only when what it read has taken effect.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use polygraph_cluster::{RequestId, Timer};
use polygraph_history::{Key, NodeId, Op, Time, Value};

use super::config::{Mistake, Replication};
use super::epoch::{Epoch, Position, Reign};
use super::log::Command;
use super::message::{Answer, Ask, Body, Entries, Unknown};
use super::node::{Ctx, HEARTBEAT, RECONCILE, Role, SingleLeader};
use super::store::Store;

/// How long a request waits for followers; below what its client waits.
const PATIENCE: Duration = Duration::from_millis(700);

/// The most entries of a message.
const BATCH: u64 = 500;

/// What a leader knows.
#[derive(Debug)]
pub(super) struct Leading {
    reign: Reign,
    /// How much of the log each follower has synced.
    confirmed: BTreeMap<NodeId, u64>,
    /// What waits for the leader's own disk, in order of the log.
    unsynced: VecDeque<Waiter>,
    /// What waits for followers, in order of the log.
    unconfirmed: VecDeque<Waiter>,
    /// The registers as the entries not shown yet will leave them, each with the last of these.
    coming: BTreeMap<Key, (u64, Value)>,
    /// The latest epoch of another leader, heard of without fencing.
    rival: Option<Epoch>,
}

/// A request that is not answered yet.
#[derive(Debug)]
struct Waiter {
    /// What must be synced first.
    index: u64,
    since: Time,
    origin: Origin,
    answer: Answer,
}

/// Who asked.
#[derive(Clone, Debug)]
pub(super) enum Origin {
    /// A client of this node.
    Client(RequestId, Op),
    /// A client of another.
    Node(NodeId, RequestId),
}

impl Leading {
    fn new(reign: Reign) -> Leading {
        Leading {
            reign,
            confirmed: BTreeMap::new(),
            unsynced: VecDeque::new(),
            unconfirmed: VecDeque::new(),
            coming: BTreeMap::new(),
            rival: None,
        }
    }

    /// An entry is in the store now.
    pub(super) fn shown(&mut self, index: u64, command: &Command) {
        if let Command::Write(key, _) = command
            && self.coming.get(key).is_some_and(|(last, _)| *last == index)
        {
            self.coming.remove(key);
        }
    }

    /// The value that a compare-and-set at the end of the log finds, and whether it is shown yet.
    fn value(&self, key: &Key, store: &Store) -> (Value, bool) {
        match self.coming.get(key) {
            Some((_, value)) => (value.clone(), false),
            None => (store.register(key), true),
        }
    }

    /// How much of the log so many followers have synced; everything, if none is needed.
    fn confirmed_by(&self, needed: usize) -> u64 {
        if needed == 0 {
            return u64::MAX;
        }
        let mut ends: Vec<_> = self.confirmed.values().copied().collect();
        ends.sort_unstable_by(|a, b| b.cmp(a));
        ends.get(needed - 1).copied().unwrap_or_default()
    }
}

/// Takes the waiters at the front for which something holds.
fn take_while(queue: &mut VecDeque<Waiter>, holds: impl Fn(&Waiter) -> bool) -> Vec<Waiter> {
    let mut taken = Vec::new();
    while queue.front().is_some_and(&holds) {
        taken.extend(queue.pop_front());
    }
    taken
}

impl SingleLeader {
    /// Leads from now on; `new` if it did not before its last start.
    pub(super) fn lead(&mut self, reign: Reign, new: bool, ctx: &mut Ctx<'_>) {
        self.role = Role::Leader(Leading::new(reign));
        self.say_that_it_leads(new, ctx);
        ctx.set_timer(Timer::of(HEARTBEAT), self.config.heartbeat());
    }

    fn say_that_it_leads(&self, new: bool, ctx: &mut Ctx<'_>) {
        let end = self.log.position(self.synced);
        for peer in ctx.peers() {
            self.send(peer, Body::Lead { end, new }, ctx);
        }
    }

    /// Leads no longer. What is in the log may be cut off it or not: nobody knows.
    pub(super) fn step_down(&mut self, ctx: &mut Ctx<'_>) {
        let Role::Leader(leading) = std::mem::replace(&mut self.role, Role::Follower) else {
            return;
        };
        ctx.cancel_timer(Timer::of(HEARTBEAT));
        ctx.cancel_timer(Timer::of(RECONCILE));
        for waiter in leading.unconfirmed.into_iter().chain(leading.unsynced) {
            let answer = Answer::Unknown(Unknown::LeadershipLost);
            self.answer(waiter.origin, answer, ctx);
        }
    }

    pub(super) fn on_heartbeat_due(&mut self, ctx: &mut Ctx<'_>) {
        if !self.leads() {
            return;
        }
        ctx.set_timer(Timer::of(HEARTBEAT), self.config.heartbeat());
        self.say_that_it_leads(false, ctx);
        if self.makes(Mistake::AckBeforeFsync) && self.synced < self.log.len() {
            self.sync(ctx);
        }
        self.give_up_old_requests(ctx);
    }

    /// The entries stay in the log: the followers that return will get them.
    fn give_up_old_requests(&mut self, ctx: &mut Ctx<'_>) {
        let now = ctx.mono();
        let Role::Leader(leading) = &mut self.role else {
            return;
        };
        let is_old = |waiter: &Waiter| now.since(waiter.since) >= PATIENCE;
        let mut old = take_while(&mut leading.unconfirmed, is_old);
        old.extend(take_while(&mut leading.unsynced, is_old));
        for waiter in old {
            self.answer(waiter.origin, Answer::Unknown(Unknown::Timeout), ctx);
        }
    }

    /// Does what a client asks for, if it leads.
    pub(super) fn serve(&mut self, origin: Origin, ask: Ask, ctx: &mut Ctx<'_>) {
        let Role::Leader(leading) = &self.role else {
            let answer = match self.epoch.leader == ctx.me() {
                true => Answer::Unavailable,
                false => Answer::NotLeader,
            };
            return self.answer(origin, answer, ctx);
        };
        match ask {
            Ask::Read(key) => {
                let value = self.store.read(&key);
                self.answer(origin, Answer::Value(value), ctx);
            }
            Ask::Change(command) => self.change(origin, command, ctx),
            Ask::Cas(key, from, to) => match leading.value(&key, &self.store) {
                (found, _) if found == from => self.change(origin, Command::Write(key, to), ctx),
                (_, true) => self.answer(origin, Answer::Mismatch, ctx),
                (_, false) => self.wait(origin, Answer::Mismatch, ctx),
            },
        }
    }

    /// Appends a change to the log, and answers when it is where it must be.
    fn change(&mut self, origin: Origin, command: Command, ctx: &mut Ctx<'_>) {
        let Role::Leader(leading) = &mut self.role else {
            return;
        };
        let reign = leading.reign;
        let index = self.log.push(reign, command.clone());
        if let Command::Write(key, value) = &command {
            leading.coming.insert(key.clone(), (index, value.clone()));
        }
        self.journal().append(reign, vec![command], ctx);
        self.wait(origin, Answer::Done, ctx);
        if self.makes(Mistake::AckBeforeFsync) {
            self.show(index);
            self.answer_what_is_settled(ctx);
        } else {
            self.sync(ctx);
        }
    }

    /// Gives an answer as soon as the log up to here is where it must be.
    fn wait(&mut self, origin: Origin, answer: Answer, ctx: &Ctx<'_>) {
        let (index, since) = (self.log.len(), ctx.mono());
        if let Role::Leader(leading) = &mut self.role {
            leading.unsynced.push_back(Waiter {
                index,
                since,
                origin,
                answer,
            });
        }
    }

    /// The leader's disk has more of the log.
    pub(super) fn on_more_synced(&mut self, before: u64, ctx: &mut Ctx<'_>) {
        if self.config.replication == Replication::Sync {
            let mut from = before;
            while from < self.synced {
                let entries = self.entries(self.log.position(from), false);
                from += entries.commands.len() as u64;
                for peer in ctx.peers() {
                    self.send(peer, Body::Entries(entries.clone()), ctx);
                }
            }
        }
        self.answer_what_is_settled(ctx);
    }

    /// What comes behind a position and is durable.
    fn entries(&self, prev: Position, pulled: bool) -> Entries {
        let found = self.log.after(prev.index, self.synced, BATCH);
        let (reign, commands) = match found {
            Some((reign, commands)) => (Some(reign), commands),
            None => (None, Vec::new()),
        };
        Entries {
            prev,
            reign,
            commands,
            end: self.synced,
            pulled,
        }
    }

    /// A compare-and-set that found another value has only read: it needs no followers.
    fn answer_what_is_settled(&mut self, ctx: &mut Ctx<'_>) {
        let (shown, needed) = (self.shown, self.needed(ctx));
        let Role::Leader(leading) = &mut self.role else {
            return;
        };
        let mut settled = Vec::new();
        for waiter in take_while(&mut leading.unsynced, |waiter| waiter.index <= shown) {
            match waiter.answer {
                Answer::Done if needed > 0 => leading.unconfirmed.push_back(waiter),
                _ => settled.push(waiter),
            }
        }
        if !leading.unconfirmed.is_empty() {
            let end = leading.confirmed_by(needed);
            settled.extend(take_while(&mut leading.unconfirmed, |w| w.index <= end));
        }
        for waiter in settled {
            self.answer(waiter.origin, waiter.answer, ctx);
        }
    }

    /// A follower asks for what comes behind a position.
    pub(super) fn on_pull(&mut self, from: NodeId, position: Position, ctx: &mut Ctx<'_>) {
        if !self.leads() {
            return self.send(from, Body::NotLeader, ctx);
        }
        let body = if self.takes_for_its_own(position) {
            Body::Entries(self.entries(position, true))
        } else {
            let durable = |start: &&super::log::Start| start.first <= self.synced;
            let starts = self.log.starts().iter().filter(durable).copied().collect();
            let end = self.synced;
            Body::Diverged { starts, end }
        };
        self.send(from, body, ctx);
    }

    /// Whether a follower's log is, up to a position, the same as this one. Whoever compares
    /// only how long they are takes what an old leader kept for its own.
    pub(super) fn takes_for_its_own(&self, position: Position) -> bool {
        self.makes(Mistake::SkipTruncation) || self.log.holds(position)
    }

    /// A follower has synced the log up to a position.
    pub(super) fn on_confirmed(&mut self, from: NodeId, to: Position, ctx: &mut Ctx<'_>) {
        if !self.takes_for_its_own(to) {
            return;
        }
        if let Role::Leader(leading) = &mut self.role {
            let end = leading.confirmed.entry(from).or_default();
            *end = to.index.max(*end);
            self.answer_what_is_settled(ctx);
        }
    }

    /// Without fencing, a leader that hears of a later one goes on: nothing in the way of its
    /// clients compares epochs. Only some time after it first heard does it give way, as where a
    /// supervisor or an operator reconfigures what was left behind.
    pub(super) fn hear_of_rival(&mut self, epoch: Epoch, ctx: &mut Ctx<'_>) {
        let own = self.epoch;
        let Role::Leader(leading) = &mut self.role else {
            return;
        };
        if epoch <= own {
            return;
        }
        if leading.rival.is_none() {
            ctx.set_timer(Timer::of(RECONCILE), self.config.failover_timeout * 5);
        }
        leading.rival = leading.rival.max(Some(epoch));
    }

    pub(super) fn on_reconcile_due(&mut self, ctx: &mut Ctx<'_>) {
        if let Role::Leader(leading) = &self.role
            && let Some(rival) = leading.rival
        {
            self.follow(rival, ctx);
        }
    }
}
