//! The heart of a node process, without sockets and files: inputs go in, effects come out.

use std::collections::{BTreeMap, BTreeSet};

use polygraph_history::random::{keyed, text};
use polygraph_history::{NodeId, Op, Time};

use crate::{
    Context, ContextParts, Deployment, Disk, Effect, Node, RequestId, SyncFailed, SyncId, Timer,
};

/// Something that a node is told.
#[derive(Clone, Debug)]
pub enum Input<M> {
    /// It starts, with what is on its disk.
    Start(Disk),
    /// A message has arrived.
    Message {
        /// From whom.
        from: NodeId,
        /// What.
        message: M,
    },
    /// A client asks.
    Request {
        /// Which request.
        request: RequestId,
        /// What for.
        op: Op,
    },
    /// A timer is due; see [`Driver::due`].
    Timer(Timer),
    /// A sync has completed or failed.
    Synced {
        /// Which.
        sync: SyncId,
        /// How.
        result: Result<(), SyncFailed>,
    },
}

/// One life of a node: its state machine, its timers and its random numbers, which are those that
/// it would draw in the simulator.
#[derive(Debug)]
pub struct Driver<N: Node> {
    node: N,
    me: NodeId,
    nodes: Vec<NodeId>,
    random_key: u64,
    random_drawn: u64,
    timers: BTreeMap<Timer, Time>,
    by_due: BTreeSet<(Time, Timer)>,
    /// The last reading of the monotonic clock.
    mono: Time,
    effects: Vec<Effect<N::Message>>,
}

impl<N: Node> Driver<N> {
    /// A life of a node, not yet started; lives are counted from 1.
    #[must_use]
    pub fn new(deployment: &Deployment, me: NodeId, life: u64, node: N) -> Driver<N> {
        Driver {
            node,
            me,
            nodes: NodeId::all(deployment.nodes),
            random_key: keyed(&[deployment.seed, text("node"), me.position() as u64, life]),
            random_drawn: 0,
            timers: BTreeMap::new(),
            by_due: BTreeSet::new(),
            mono: Time::ZERO,
            effects: Vec::new(),
        }
    }

    /// Runs one handler to its end; gives its effects in order. Timers are kept here, those
    /// effects are only shown.
    pub fn step(
        &mut self,
        input: Input<N::Message>,
        wall_ns: i64,
        mono: Time,
    ) -> impl Iterator<Item = Effect<N::Message>> + use<'_, N> {
        self.mono = self.mono.max(mono);
        let parts = ContextParts {
            me: self.me,
            nodes: &self.nodes,
            wall_ns,
            mono: self.mono,
            random_key: self.random_key,
            random_drawn: &mut self.random_drawn,
        };
        let ctx = &mut Context::new(parts, &mut self.effects);
        match input {
            Input::Start(disk) => self.node.start(&disk, ctx),
            Input::Message { from, message } => self.node.on_message(from, message, ctx),
            Input::Request { request, op } => self.node.on_request(request, &op, ctx),
            Input::Timer(timer) => self.node.on_timer(timer, ctx),
            Input::Synced { sync, result } => self.node.on_synced(sync, result, ctx),
        }
        self.keep_timers();
        self.effects.drain(..)
    }

    fn keep_timers(&mut self) {
        for effect in &self.effects {
            match effect {
                Effect::SetTimer { timer, due, .. } => {
                    if let Some(old) = self.timers.insert(*timer, *due) {
                        self.by_due.remove(&(old, *timer));
                    }
                    self.by_due.insert((*due, *timer));
                }
                Effect::CancelTimer(timer) => {
                    if let Some(old) = self.timers.remove(timer) {
                        self.by_due.remove(&(old, *timer));
                    }
                }
                _ => {}
            }
        }
    }

    /// Takes the timer that is due first, if one is due when the monotonic clock shows `mono`.
    pub fn due(&mut self, mono: Time) -> Option<Timer> {
        let &(due, timer) = self.by_due.first()?;
        if due > mono {
            return None;
        }
        self.by_due.remove(&(due, timer));
        self.timers.remove(&timer);
        Some(timer)
    }

    /// When the next timer is due, on the node's monotonic clock.
    #[must_use]
    pub fn next_due(&self) -> Option<Time> {
        self.by_due.first().map(|&(due, _)| due)
    }

    /// The epoch that the node believes to lead.
    #[must_use]
    pub fn leadership(&self) -> Option<u64> {
        self.node.leadership()
    }
}
