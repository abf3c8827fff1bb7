//! The same node on virtual time: one thread, one seed.
//!
//! - [`Sim`]: a cluster of simulated nodes; a [`crate::World`].
//! - [`Options`], [`Delay`]: its network and disks.
//! - [`Trace`], [`Sent`]: what became of every message, for who wants to know.
//!
//! A run is a sequence of *happenings* in order of virtual time: a message or a request arrives, a
//! timer is due, a sync completes. Each runs one handler of one node to its end, and the handler's
//! effects become happenings to come. Nothing here knows a real clock, a thread or a hash map's
//! order, so that a seed is a run.

mod control;
mod disk;
mod network;
mod node;
mod queue;
mod trace;

use std::time::Duration;

use polygraph_history::random::{keyed, text};
use polygraph_history::{ErrorName, Link, NodeId, Time};

pub use control::CAPABILITIES;
pub use network::Delay;
pub use trace::{Sent, Trace, cause_of};

use crate::{
    Deployment, Effect, FaultId, Node, Occurrence, Reply, RequestId, Submission, SyncFailed,
    SyncId, Timer, World,
};
use network::{Fate, Network};
use node::SimNode;
use queue::Queue;

/// The network, the disks and the clocks of a simulated cluster.
#[derive(Clone, Debug)]
pub struct Options {
    /// How long messages between nodes take.
    pub node_links: Delay,
    /// How long requests and replies take.
    pub client_links: Delay,
    /// The share of messages between nodes that are lost without any fault, parts per million.
    pub loss_ppm: u32,
    /// The share that arrives twice.
    pub duplicate_ppm: u32,
    /// How long a sync takes.
    pub disk_sync: Duration,
    /// Where it is noted what becomes of every message between nodes.
    pub trace: Option<Trace>,
}

impl Default for Options {
    /// Links exponential with a mean of 2 ms on top of 0.2 ms, client links alike, no loss; a sync
    /// takes 1 ms.
    fn default() -> Options {
        let link = Delay::Exponential {
            base: Duration::from_micros(200),
            mean: Duration::from_millis(2),
        };
        Options {
            node_links: link,
            client_links: link,
            loss_ppm: 0,
            duplicate_ppm: 0,
            disk_sync: Duration::from_millis(1),
            trace: None,
        }
    }
}

/// How long a node takes to hear itself.
const TO_ITSELF: Duration = Duration::from_micros(1);
/// A node that is killed in the middle of a handler dies by then even if none runs.
const DIES_WITHIN: Duration = Duration::from_millis(20);
/// The same where a crash should find something unsynced.
const DIES_WRITING_WITHIN: Duration = Duration::from_millis(500);

/// Something that is going to happen.
#[derive(Debug)]
enum Happening<M> {
    /// A message arrives at a node; it may have been kept or lost meanwhile.
    Message { link: Link, message: M, cause: u64 },
    /// A message that had arrived at a node that stood still is handled.
    Arrived { link: Link, message: M, cause: u64 },
    /// A request arrives at a node.
    Request(Submission),
    /// A reply arrives at its client.
    Reply(RequestId, Reply),
    /// A timer may be due.
    Timer {
        node: NodeId,
        timer: Timer,
        setting: u64,
    },
    /// A sync completes.
    Synced {
        node: NodeId,
        life: u64,
        sync: SyncId,
        up_to: u64,
        cause: u64,
    },
    /// A sync that completed while its node stood still is told.
    Told {
        node: NodeId,
        life: u64,
        sync: SyncId,
        result: Result<(), SyncFailed>,
        cause: u64,
    },
    /// A node that was to die in the middle of a handler, and ran none, dies.
    Dies { node: NodeId, life: u64 },
}

/// A simulated cluster.
pub struct Sim<N: Node> {
    now: Time,
    seed: u64,
    ids: Vec<NodeId>,
    nodes: Vec<SimNode<N>>,
    make: Box<dyn Fn(NodeId) -> N>,
    network: Network<Happening<N::Message>>,
    queue: Queue<Happening<N::Message>>,
    options: Options,
    /// A handler's effects; kept so that its memory is.
    effects: Vec<Effect<N::Message>>,
}

impl<N: Node> Sim<N> {
    /// Deploys a cluster whose nodes `make` makes, anew for every start.
    #[must_use]
    pub fn new(
        deployment: &Deployment,
        options: &Options,
        make: impl Fn(NodeId) -> N + 'static,
    ) -> Sim<N> {
        let ids = NodeId::all(deployment.nodes);
        let mut sim = Sim {
            now: Time::ZERO,
            seed: deployment.seed,
            nodes: ids.iter().map(|&id| SimNode::new(id)).collect(),
            network: Network::new(deployment.seed, ids.len(), N::LINKS, options),
            ids,
            make: Box::new(make),
            queue: Queue::new(),
            options: options.clone(),
            effects: Vec::new(),
        };
        for id in sim.ids.clone() {
            sim.start(id);
        }
        sim
    }

    fn node(&mut self, id: NodeId) -> &mut SimNode<N> {
        &mut self.nodes[id.position()]
    }

    /// Starts a dead node with what is on its disk.
    fn start(&mut self, id: NodeId) {
        let protocol = (self.make)(id);
        let now = self.now;
        let node = self.node(id);
        node.begin_life(now, protocol);
        let disk = node.disk.image();
        let cause = keyed(&[text("start"), network::place(id), node.life()]);
        self.handle(id, cause, |protocol, ctx| protocol.start(&disk, ctx));
    }

    /// A node dies: it forgets all but its disk, and its clients' connections break.
    fn crash(&mut self, id: NodeId) {
        let (now, seed) = (self.now, self.seed);
        let key = keyed(&[seed, text("crash"), network::place(id), now.as_nanos()]);
        for request in self.node(id).end_life(now, key) {
            self.answer(id, request, Reply::info(ErrorName::CONNECTION_LOST));
        }
    }

    /// Runs a handler of a node that is alive, and lets its effects happen.
    fn handle(
        &mut self,
        id: NodeId,
        cause: u64,
        handler: impl FnOnce(&mut N, &mut crate::Context<'_, N::Message>),
    ) {
        let mut effects = std::mem::take(&mut self.effects);
        let (now, seed) = (self.now, self.seed);
        let ids = &self.ids;
        self.nodes[id.position()].run(now, seed, ids, &mut effects, handler);
        let dies = self.node(id).dies_in_handler(seed, &effects);
        if let Some(kept) = dies {
            effects.truncate(kept);
        }
        let mut halts = None;
        for effect in effects.drain(..) {
            if let Effect::Halt(why) = effect {
                halts = Some(why);
                break;
            }
            self.perform(id, cause, effect);
        }
        self.effects = effects;
        if let Some(why) = &halts {
            self.node(id).note(now, &format!("halts: {why}"));
        }
        if dies.is_some() || halts.is_some() {
            self.crash(id);
        }
    }

    fn perform(&mut self, id: NodeId, cause: u64, effect: Effect<N::Message>) {
        let now = self.now;
        match effect {
            Effect::Write {
                file,
                offset,
                bytes,
            } => self.node(id).disk.write(file, offset, bytes),
            Effect::Sync(sync) => {
                let node = self.node(id);
                let (life, up_to) = (node.life(), node.disk.written());
                let at = now + self.options.disk_sync;
                self.queue.push(
                    at,
                    Happening::Synced {
                        node: id,
                        life,
                        sync,
                        up_to,
                        cause,
                    },
                );
            }
            Effect::Send { to, message } => {
                self.send(Link { from: id, to }, message, cause);
            }
            Effect::Reply { request, reply } => {
                if self.node(id).close(request) {
                    self.answer(id, request, reply);
                }
            }
            Effect::SetTimer { timer, due, after } => {
                let (setting, at) = self.node(id).set_timer(timer, due, after);
                self.queue.push(
                    at.max(now),
                    Happening::Timer {
                        node: id,
                        timer,
                        setting,
                    },
                );
            }
            Effect::CancelTimer(timer) => self.node(id).cancel_timer(timer),
            Effect::Halt(_) => {}
        }
    }

    fn send(&mut self, link: Link, message: N::Message, cause: u64) {
        if link.from == link.to {
            let happening = Happening::Message {
                link,
                message,
                cause,
            };
            self.queue.push(self.now + TO_ITSELF, happening);
            return;
        }
        match self.network.send(self.now, link, cause) {
            Fate::Lost => {}
            Fate::Held => self.network.keep(
                link,
                Happening::Message {
                    link,
                    message,
                    cause,
                },
            ),
            Fate::Arrives(at, again) => {
                if let Some(again) = again {
                    let message = message.clone();
                    self.queue.push(
                        again,
                        Happening::Message {
                            link,
                            message,
                            cause,
                        },
                    );
                }
                self.queue.push(
                    at,
                    Happening::Message {
                        link,
                        message,
                        cause,
                    },
                );
            }
        }
    }

    /// Sends a reply to its client.
    fn answer(&mut self, from: NodeId, request: RequestId, reply: Reply) {
        let delay = self.client_delay(from, request, "reply");
        self.queue
            .push(self.now + delay, Happening::Reply(request, reply));
    }

    fn client_delay(&self, node: NodeId, request: RequestId, direction: &str) -> Duration {
        let bits = keyed(&[self.seed, text(direction), network::place(node), request.0]);
        self.options.client_links.draw(bits)
    }

    /// Lets the next thing happen; gives back a reply that reaches its client.
    fn happen(&mut self, happening: Happening<N::Message>) -> Option<Occurrence> {
        match happening {
            Happening::Reply(request, reply) => {
                return Some(Occurrence {
                    time: self.now,
                    request,
                    reply,
                });
            }
            Happening::Message {
                link,
                message,
                cause,
            } => self.deliver(link, message, cause),
            Happening::Arrived {
                link,
                message,
                cause,
            } => self.arrived(link, message, cause),
            Happening::Request(submission) => self.request(submission),
            Happening::Timer {
                node,
                timer,
                setting,
            } => {
                if self.node(node).is_paused() {
                    let waits = Happening::Timer {
                        node,
                        timer,
                        setting,
                    };
                    self.node(node).wait(waits);
                } else if let Some(period) = self.node(node).take_timer(timer, setting) {
                    // The due time rounded to the period, not a count: it stays the same when
                    // other timers do not run.
                    let rounded = self.now.as_nanos() / period.max(1);
                    let place = network::place(node);
                    let key = [text("timer"), place, timer.kind.into(), timer.key, rounded];
                    self.handle(node, keyed(&key), |protocol, ctx| {
                        protocol.on_timer(timer, ctx);
                    });
                }
            }
            Happening::Synced {
                node,
                life,
                sync,
                up_to,
                cause,
            } => {
                self.synced(node, life, sync, up_to, cause);
            }
            Happening::Told {
                node,
                life,
                sync,
                result,
                cause,
            } => {
                self.told(node, life, sync, result, cause);
            }
            Happening::Dies { node, life } => {
                if self.node(node).is_alive() && self.node(node).life() == life {
                    self.crash(node);
                }
            }
        }
        None
    }

    fn deliver(&mut self, link: Link, message: N::Message, cause: u64) {
        if link.from != link.to {
            match self.network.arrive(link) {
                Fate::Lost => return,
                Fate::Held => {
                    let kept = Happening::Message {
                        link,
                        message,
                        cause,
                    };
                    return self.network.keep(link, kept);
                }
                Fate::Arrives(..) => {}
            }
        }
        self.arrived(link, message, cause);
    }

    fn arrived(&mut self, link: Link, message: N::Message, cause: u64) {
        let node = self.node(link.to);
        if !node.is_alive() {
            return;
        }
        if node.is_paused() {
            return node.wait(Happening::Message {
                link,
                message,
                cause,
            });
        }
        self.handle(link.to, cause, |protocol, ctx| {
            protocol.on_message(link.from, message, ctx);
        });
    }

    fn request(&mut self, submission: Submission) {
        let (id, request) = (submission.node, submission.request);
        let node = self.node(id);
        if !node.is_alive() {
            return self.answer(id, request, Reply::fail(ErrorName::REFUSED));
        }
        node.open(request);
        if node.is_paused() {
            return node.wait(Happening::Request(submission));
        }
        let cause = cause_of(request);
        self.handle(id, cause, |protocol, ctx| {
            protocol.on_request(request, &submission.op, ctx);
        });
    }

    fn synced(&mut self, id: NodeId, life: u64, sync: SyncId, up_to: u64, cause: u64) {
        let node = self.node(id);
        if !node.is_alive() || node.life() != life {
            return;
        }
        // The disk works on while the process stands still.
        let result = match node.disk.failing_sync() {
            Some(fault) => {
                *node.acted.entry(fault).or_default() += 1;
                Err(SyncFailed)
            }
            None => {
                node.disk.synced(up_to);
                Ok(())
            }
        };
        self.told(id, life, sync, result, cause);
    }

    fn told(
        &mut self,
        id: NodeId,
        life: u64,
        sync: SyncId,
        result: Result<(), SyncFailed>,
        cause: u64,
    ) {
        let node = self.node(id);
        if !node.is_alive() || node.life() != life {
            return;
        }
        if node.is_paused() {
            return node.wait(Happening::Told {
                node: id,
                life,
                sync,
                result,
                cause,
            });
        }
        self.handle(id, cause, |protocol, ctx| {
            protocol.on_synced(sync, result, ctx);
        });
    }

    /// Marks a node to die: at once, or in the middle of what it does next.
    fn kill_node(&mut self, fault: FaultId, id: NodeId) {
        let (now, seed) = (self.now, self.seed);
        let draw = keyed(&[seed, text("kill"), fault, network::place(id)]);
        let node = self.node(id);
        node.down.insert(fault);
        if !node.is_alive() || node.is_dying() {
            return;
        }
        let writing = node.disk.lossy().is_some();
        if node.is_paused() || (!writing && draw & 1 == 0) {
            return self.crash(id);
        }
        node.die_in_handler(draw, writing);
        let life = node.life();
        let within = if writing {
            DIES_WRITING_WITHIN
        } else {
            DIES_WITHIN
        };
        self.queue
            .push(now + within, Happening::Dies { node: id, life });
    }
}

impl<N: Node> World for Sim<N> {
    fn now(&self) -> Time {
        self.now
    }

    fn submit(&mut self, submission: Submission) {
        let delay = self.client_delay(submission.node, submission.request, "request");
        self.queue
            .push(self.now + delay, Happening::Request(submission));
    }

    fn advance(&mut self, until: Time) -> Option<Occurrence> {
        while let Some((at, happening)) = self.queue.pop(until) {
            self.now = at;
            if let Some(occurrence) = self.happen(happening) {
                return Some(occurrence);
            }
        }
        self.now = self.now.max(until);
        None
    }

    fn stop(&mut self) {}
}
