//! The node: takes writes into its log, ships logs, merges what others ship.

use std::collections::BTreeMap;
use std::time::Duration;

use polygraph_cluster::wal::Wal;
use polygraph_cluster::{
    Context, Deployment, Disk, Node, Reply, RequestId, SyncFailed, SyncId, Timer,
};
use polygraph_history::{ErrorName, Key, NodeId, Op, Value};

use super::copy::Copy;
use super::message::{Entry, Message, Stamp, Vector};

/// Logs are shipped.
const SHIP: u32 = 1;
/// The log is to be synced: only with the planted bug `ack-before-fsync`.
const SYNC: u32 = 2;

/// How long after a write the planted bug `ack-before-fsync` syncs.
const SYNC_PERIOD: Duration = Duration::from_secs(1);

/// How many entries of one log a message carries at most.
const BATCH: usize = 128;

/// The settings and the planted bug.
#[derive(Clone, Copy, Debug)]
pub(super) struct Config {
    ship: Duration,
    relay: bool,
    ack_before_fsync: bool,
    version_vector_forgets_node: bool,
}

impl Config {
    pub(super) fn of(deployment: &Deployment) -> Config {
        let bug = |name| deployment.bug.as_deref() == Some(name);
        Config {
            ship: deployment.settings.duration("ship"),
            relay: deployment.settings.switch("relay"),
            ack_before_fsync: bug("ack-before-fsync"),
            version_vector_forgets_node: bug("version-vector-forgets-node"),
        }
    }
}

/// Entries that are written and not yet synced, and who waits for them.
#[derive(Debug)]
struct Unsynced {
    entries: Vec<Entry>,
    waiting: Waiting,
}

/// Who waits for a sync.
#[derive(Debug)]
enum Waiting {
    /// A client, whose write is acknowledged then.
    Client(RequestId, Op),
    /// A node that has shipped something.
    Peer { node: NodeId, more: bool },
}

/// One node.
pub(super) struct MultiLeader {
    config: Config,
    /// What is synced.
    copy: Copy,
    wal: Option<Wal>,
    unsynced: BTreeMap<SyncId, Unsynced>,
    syncs: u64,
    sync_is_due: bool,
    /// How much of each log is written, synced or not.
    written: Vector,
    /// The time of the last write that this node took.
    last_time: i64,
    /// What each node is known to have, by position.
    theirs: Vec<Vector>,
    /// What each node was last told that this one has, by position.
    told: Vec<Vector>,
    /// What this node had when it last shipped. Others' entries are relayed when they are older:
    /// meanwhile most have come by the direct way.
    relayed: Vector,
}

impl MultiLeader {
    pub(super) fn new(config: Config) -> MultiLeader {
        MultiLeader {
            config,
            copy: Copy::default(),
            wal: None,
            unsynced: BTreeMap::new(),
            syncs: 0,
            sync_is_due: false,
            written: Vector::new(),
            last_time: i64::MIN,
            theirs: Vec::new(),
            told: Vec::new(),
            relayed: Vector::new(),
        }
    }

    /// A client writes: the node stamps it, and answers when it is synced.
    ///
    /// The time is the wall clock's, but later than that of the node's last write even if the
    /// clock stands or was set back. It does not follow what arrives from others.
    fn write(
        &mut self,
        request: RequestId,
        op: &Op,
        (key, element, value): (&Key, bool, &Value),
        ctx: &mut Context<'_, Message>,
    ) {
        self.last_time = ctx.wall().max(self.last_time.saturating_add(1));
        let entry = Entry {
            number: self.written[ctx.me().position()] + 1,
            stamp: Stamp {
                time: self.last_time,
                node: ctx.me(),
            },
            key: key.clone(),
            element,
            value: value.clone(),
        };
        self.append(vec![entry], Waiting::Client(request, op.clone()), ctx);
    }

    /// Writes entries to the log on disk. Each is the next of its node's log.
    fn append(&mut self, entries: Vec<Entry>, waiting: Waiting, ctx: &mut Context<'_, Message>) {
        let Some(wal) = &mut self.wal else {
            return;
        };
        for entry in &entries {
            let bytes =
                postcard::to_stdvec(entry).expect("entries have a shape that can be written");
            wal.append(ctx, &bytes);
            self.written[entry.origin().position()] = entry.number;
        }
        let done = Unsynced { entries, waiting };
        if self.config.ack_before_fsync {
            self.synced(done, ctx);
            if !self.sync_is_due {
                self.sync_is_due = true;
                ctx.set_timer(Timer::of(SYNC), SYNC_PERIOD);
            }
            return;
        }
        let sync = self.next_sync();
        self.unsynced.insert(sync, done);
        ctx.sync(sync);
    }

    fn next_sync(&mut self) -> SyncId {
        self.syncs += 1;
        SyncId(self.syncs)
    }

    /// Shows what is synced, and answers who waited for it.
    fn synced(&mut self, done: Unsynced, ctx: &mut Context<'_, Message>) {
        for entry in done.entries {
            self.copy.take(entry);
        }
        match done.waiting {
            Waiting::Client(request, op) => ctx.reply(request, Reply::ok(op)),
            Waiting::Peer { node, more } => self.tell(node, more, ctx),
        }
    }

    /// Tells a node what this one has.
    fn tell(&mut self, node: NodeId, more: bool, ctx: &mut Context<'_, Message>) {
        let known = self.copy.known();
        self.told[node.position()].clone_from(&known);
        ctx.send(node, Message::Known { known, more });
    }

    /// Ships to a node what it is not known to have; gives back whether there was anything.
    fn ship(&mut self, to: NodeId, ctx: &mut Context<'_, Message>) -> bool {
        let theirs = &self.theirs[to.position()];
        let (mut entries, mut more) = (Vec::new(), false);
        for origin in ctx.nodes() {
            let at = origin.position();
            let upto = match *origin == ctx.me() {
                true => u64::MAX,
                // A node's own entries are not brought back to it.
                false if self.config.relay && *origin != to => self.relayed[at],
                false => continue,
            };
            let lacking = self.copy.entries(at, theirs[at], upto, BATCH + 1);
            more |= lacking.len() > BATCH;
            entries.extend_from_slice(&lacking[..lacking.len().min(BATCH)]);
        }
        if entries.is_empty() {
            return false;
        }
        let known = self.copy.known();
        self.told[to.position()].clone_from(&known);
        let message = Message::Ship {
            entries,
            known,
            more,
        };
        ctx.send(to, message);
        true
    }

    /// A node has told what it has; gives back whether that is news.
    fn learn(&mut self, from: NodeId, known: &[u64]) -> bool {
        let mut is_news = false;
        if let Some(theirs) = self.theirs.get_mut(from.position()) {
            for (ours, new) in theirs.iter_mut().zip(known) {
                is_news |= *new > *ours;
                *ours = (*ours).max(*new);
            }
        }
        is_news
    }

    /// A node ships entries: those that are next in their logs are taken, others come again.
    fn on_ship(
        &mut self,
        from: NodeId,
        mut entries: Vec<Entry>,
        more: bool,
        ctx: &mut Context<'_, Message>,
    ) {
        let mut next = self.written.clone();
        entries.retain(|entry| {
            let Some(last) = next.get_mut(entry.origin().position()) else {
                return false;
            };
            let is_next = entry.number == *last + 1;
            *last += u64::from(is_next);
            is_next
        });
        if entries.is_empty() {
            self.tell(from, more, ctx);
        } else {
            self.append(entries, Waiting::Peer { node: from, more }, ctx);
        }
    }
}

impl Node for MultiLeader {
    type Message = Message;

    fn start(&mut self, disk: &Disk, ctx: &mut Context<'_, Message>) {
        let nodes = ctx.nodes().len();
        let (wal, records) = Wal::open("wal", disk, ctx);
        self.wal = Some(wal);
        self.copy = Copy::new(nodes);
        for bytes in records {
            // A record that cannot be read was written by another version; it is skipped.
            if let Ok(entry) = postcard::from_bytes(&bytes) {
                self.copy.take(entry);
            }
        }
        self.written = self.copy.known();
        self.relayed = vec![0; nodes];
        self.last_time = self.copy.last_time(ctx.me()).unwrap_or(i64::MIN);
        self.theirs = vec![vec![0; nodes]; nodes];
        self.told = vec![vec![0; nodes]; nodes];
        if self.config.version_vector_forgets_node {
            let me = ctx.me().position();
            for theirs in &mut self.theirs {
                theirs[me] = self.written[me];
            }
        }
        ctx.set_timer(Timer::of(SHIP), self.config.ship);
    }

    fn on_message(&mut self, from: NodeId, message: Message, ctx: &mut Context<'_, Message>) {
        if from.position() >= self.theirs.len() {
            return;
        }
        match message {
            Message::Ship {
                entries,
                known,
                more,
            } => {
                self.learn(from, &known);
                self.on_ship(from, entries, more, ctx);
            }
            Message::Known { known, more } => {
                // Only who got further is sent more at once. A node that lost what it had told
                // others it has cannot take what they send, and would be sent it for ever.
                if self.learn(from, &known) && more {
                    self.ship(from, ctx);
                }
            }
        }
    }

    fn on_request(&mut self, request: RequestId, op: &Op, ctx: &mut Context<'_, Message>) {
        match op {
            Op::Read { key, .. } => {
                let (key, value) = (key.clone(), Some(self.copy.read(key)));
                ctx.reply(request, Reply::ok(Op::Read { key, value }));
            }
            Op::Peek { key, node, .. } if *node == ctx.me() => {
                let (key, node, value) = (key.clone(), *node, Some(self.copy.read(key)));
                ctx.reply(request, Reply::ok(Op::Peek { key, node, value }));
            }
            Op::Write { key, value } => self.write(request, op, (key, false, value), ctx),
            Op::Add { key, value } => self.write(request, op, (key, true, value), ctx),
            _ => ctx.reply(request, Reply::fail(ErrorName::NOT_SUPPORTED)),
        }
    }

    fn on_timer(&mut self, timer: Timer, ctx: &mut Context<'_, Message>) {
        match timer.kind {
            SHIP => {
                for peer in ctx.peers() {
                    let shipped = self.ship(peer, ctx);
                    if !shipped && self.told[peer.position()] != self.copy.known() {
                        self.tell(peer, false, ctx);
                    }
                }
                self.relayed = self.copy.known();
                ctx.set_timer(Timer::of(SHIP), self.config.ship);
            }
            SYNC => {
                self.sync_is_due = false;
                let sync = self.next_sync();
                ctx.sync(sync);
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
        // A sync covers all that was written before it, in whatever order syncs are told.
        let later = self.unsynced.split_off(&SyncId(sync.0 + 1));
        for done in std::mem::replace(&mut self.unsynced, later).into_values() {
            self.synced(done, ctx);
        }
    }
}
