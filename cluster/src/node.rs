//! A protocol without I/O: what a store implements, and what it may ask of the world.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use polygraph_history::random::{keyed, text};
use polygraph_history::{NodeId, Op, Time};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::Reply;

/// One node of a store, as a deterministic state machine.
///
/// Every handler is atomic: it takes inputs and leaves effects in its [`Context`], in the order in
/// which they are to happen. A node is made anew for every start; whatever it must not forget is
/// on its disk. It holds no clock, socket, thread or random generator, and iterates over nothing
/// whose order differs from run to run.
pub trait Node {
    /// What nodes say to each other.
    type Message: Clone + fmt::Debug + Serialize + DeserializeOwned + Send + 'static;

    /// What links between nodes promise to this protocol.
    const LINKS: LinkKind = LinkKind::Datagram;

    /// The node starts, for the first time or again, with what is on its disk. A node that keeps
    /// nothing has nothing to do.
    fn start(&mut self, disk: &Disk, ctx: &mut Context<'_, Self::Message>) {
        let _ = (disk, ctx);
    }

    /// A message arrives.
    fn on_message(
        &mut self,
        from: NodeId,
        message: Self::Message,
        ctx: &mut Context<'_, Self::Message>,
    );

    /// A client asks for an operation. It is answered by [`Context::reply`], now or later, once;
    /// a request that is never answered times out at the client.
    fn on_request(&mut self, request: RequestId, op: &Op, ctx: &mut Context<'_, Self::Message>);

    /// A timer that was set is due; never called where none is set.
    fn on_timer(&mut self, timer: Timer, ctx: &mut Context<'_, Self::Message>) {
        let _ = (timer, ctx);
    }

    /// All writes before [`Context::sync`] are durable, or the disk says that it failed. After a
    /// failure nothing is known of them; a careful node halts. Never called where nothing is
    /// synced.
    fn on_synced(
        &mut self,
        sync: SyncId,
        result: Result<(), SyncFailed>,
        ctx: &mut Context<'_, Self::Message>,
    ) {
        let _ = (sync, result, ctx);
    }

    /// The epoch that this node believes to lead, if it believes so: who `leader` is for faults.
    fn leadership(&self) -> Option<u64> {
        None
    }
}

/// What links between nodes promise to a protocol. No link promises that a message arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkKind {
    /// Messages may be lost, doubled and overtake each other.
    Datagram,
    /// Messages may be lost, but those that arrive do so once and in order.
    Stream,
}

/// A client's request. Its number is that of the operation in the plan of the run, so that it
/// stays the same when other operations are removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RequestId(pub u64);

/// Names a sync for [`Node::on_synced`]; chosen by the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SyncId(pub u64);

/// Names a timer. Setting a timer that is set already moves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Timer {
    /// What it is for: `"election"`, `"heartbeat"`, …; a constant of the protocol.
    pub kind: u32,
    /// Which of that kind, for timers of single requests; otherwise 0.
    pub key: u64,
}

impl Timer {
    /// The only timer of a kind.
    #[must_use]
    pub const fn of(kind: u32) -> Timer {
        Timer { kind, key: 0 }
    }
}

/// A disk that could not make writes durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyncFailed;

/// What was on a node's disk when it started, by file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Disk {
    files: BTreeMap<String, Vec<u8>>,
}

impl Disk {
    /// A disk with these files.
    #[must_use]
    pub const fn new(files: BTreeMap<String, Vec<u8>>) -> Disk {
        Disk { files }
    }

    /// The bytes of a file; none if it was never written.
    #[must_use]
    pub fn file(&self, name: &str) -> &[u8] {
        self.files.get(name).map_or(&[], Vec::as_slice)
    }
}

/// Something that a node wants to happen.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect<M> {
    /// Bytes go to a place in a file; a gap before it is filled with zeros. Not durable yet: a
    /// crash may lose it, or keep the first part of it.
    Write {
        /// The file.
        file: &'static str,
        /// Where in it, bytes from its beginning.
        offset: u64,
        /// What.
        bytes: Vec<u8>,
    },
    /// Everything written so far is to become durable; [`Node::on_synced`] tells when it has.
    Sync(SyncId),
    /// A message goes to another node, or to the node itself.
    Send {
        /// Whereto.
        to: NodeId,
        /// What.
        message: M,
    },
    /// A client is answered.
    Reply {
        /// Which request.
        request: RequestId,
        /// How.
        reply: Reply,
    },
    /// A timer is set, or moved if it was set.
    SetTimer {
        /// Which.
        timer: Timer,
        /// When it is due, on the node's own monotonic clock.
        due: Time,
        /// How long it was set for: its period, if it recurs.
        after: Duration,
    },
    /// A timer is forgotten.
    CancelTimer(Timer),
    /// The node gives up, as by a crash of its own: its disk failed, an invariant broke.
    Halt(String),
}

/// What a handler may know and ask for.
#[derive(Debug)]
pub struct Context<'a, M> {
    parts: ContextParts<'a>,
    effects: &'a mut Vec<Effect<M>>,
}

/// What a driver tells a handler.
#[derive(Debug)]
pub struct ContextParts<'a> {
    /// Which node it is.
    pub me: NodeId,
    /// All nodes of the cluster, itself included, in order.
    pub nodes: &'a [NodeId],
    /// The node's wall clock: nanoseconds since an epoch that all nodes share when clocks are
    /// right. It may jump, also back.
    pub wall_ns: i64,
    /// The node's monotonic clock: it may drift, never goes back, and starts anywhere.
    pub mono: Time,
    /// The key of the node's random numbers: seed, node and start.
    pub random_key: u64,
    /// How many were drawn already.
    pub random_drawn: &'a mut u64,
}

impl<'a, M> Context<'a, M> {
    /// The context of one handler's call.
    pub const fn new(parts: ContextParts<'a>, effects: &'a mut Vec<Effect<M>>) -> Context<'a, M> {
        Context { parts, effects }
    }

    /// This node.
    #[must_use]
    pub const fn me(&self) -> NodeId {
        self.parts.me
    }

    /// All nodes of the cluster, this one included, in order.
    #[must_use]
    pub const fn nodes(&self) -> &'a [NodeId] {
        self.parts.nodes
    }

    /// All other nodes, in order.
    pub fn peers(&self) -> impl Iterator<Item = NodeId> + use<'a, M> {
        let me = self.parts.me;
        self.parts
            .nodes
            .iter()
            .copied()
            .filter(move |&node| node != me)
    }

    /// The wall clock, for timestamps and ids: nanoseconds since an epoch shared by all nodes
    /// whose clocks are right.
    #[must_use]
    pub const fn wall(&self) -> i64 {
        self.parts.wall_ns
    }

    /// The monotonic clock, for timeouts and leases.
    #[must_use]
    pub const fn mono(&self) -> Time {
        self.parts.mono
    }

    /// 64 random bits for a purpose.
    pub fn random(&mut self, purpose: &str) -> u64 {
        *self.parts.random_drawn += 1;
        keyed(&[
            self.parts.random_key,
            text(purpose),
            *self.parts.random_drawn,
        ])
    }

    /// Writes bytes to a place in a file; see [`Effect::Write`].
    pub fn write(&mut self, file: &'static str, offset: u64, bytes: Vec<u8>) {
        self.effects.push(Effect::Write {
            file,
            offset,
            bytes,
        });
    }

    /// Asks that everything written so far becomes durable.
    pub fn sync(&mut self, sync: SyncId) {
        self.effects.push(Effect::Sync(sync));
    }

    /// Sends a message.
    pub fn send(&mut self, to: NodeId, message: M) {
        self.effects.push(Effect::Send { to, message });
    }

    /// Answers a client.
    pub fn reply(&mut self, request: RequestId, reply: Reply) {
        self.effects.push(Effect::Reply { request, reply });
    }

    /// Sets a timer, or moves it if it is set.
    pub fn set_timer(&mut self, timer: Timer, after: Duration) {
        let due = self.parts.mono + after;
        self.effects.push(Effect::SetTimer { timer, due, after });
    }

    /// Forgets a timer.
    pub fn cancel_timer(&mut self, timer: Timer) {
        self.effects.push(Effect::CancelTimer(timer));
    }

    /// What this handler has asked for so far.
    #[must_use]
    pub fn effects(&self) -> &[Effect<M>] {
        self.effects
    }

    /// Gives up: the node is dead after this handler, as by a crash.
    pub fn halt(&mut self, why: impl Into<String>) {
        self.effects.push(Effect::Halt(why.into()));
    }
}
