//! One simulated node: its process, clocks, timers and disk.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write;
use std::time::Duration;

use polygraph_history::random::{below, keyed, mix, text};
use polygraph_history::{NodeId, Time};

use super::disk::SimDisk;
use super::{Happening, network};
use crate::clock::{Clock, WALL_EPOCH_NS};
use crate::{Context, ContextParts, Effect, FaultId, Node, RequestId, Timer};

/// A node and everything that is its own.
pub(super) struct SimNode<N: Node> {
    id: NodeId,
    /// The state machine, while the process is alive.
    protocol: Option<N>,
    /// How often it was started.
    life: u64,
    random_drawn: u64,
    pub(super) clock: Clock,
    pub(super) disk: SimDisk,
    timers: BTreeMap<Timer, Setting>,
    settings: u64,
    /// Requests that have not been answered.
    open: BTreeSet<RequestId>,
    /// The faults that keep the process dead.
    pub(super) down: BTreeSet<FaultId>,
    /// The faults that keep it standing still.
    pub(super) paused: BTreeSet<FaultId>,
    /// What arrived while it stood still.
    waiting: VecDeque<Happening<N::Message>>,
    dying: Option<Dying>,
    /// How often faults were seen to act on this node.
    pub(super) acted: BTreeMap<FaultId, u64>,
    log: String,
}

/// A timer as it is set.
#[derive(Clone, Copy, Debug)]
struct Setting {
    number: u64,
    due: Time,
    period: Duration,
}

/// A process that dies in the middle of a handler.
#[derive(Clone, Copy, Debug)]
struct Dying {
    draw: u64,
    /// Only in a handler that writes.
    writing: bool,
}

impl<N: Node> SimNode<N> {
    pub(super) fn new(id: NodeId) -> SimNode<N> {
        SimNode {
            id,
            protocol: None,
            life: 0,
            random_drawn: 0,
            clock: Clock::new(WALL_EPOCH_NS),
            disk: SimDisk::default(),
            timers: BTreeMap::new(),
            settings: 0,
            open: BTreeSet::new(),
            down: BTreeSet::new(),
            paused: BTreeSet::new(),
            waiting: VecDeque::new(),
            dying: None,
            acted: BTreeMap::new(),
            log: String::new(),
        }
    }

    pub(super) const fn is_alive(&self) -> bool {
        self.protocol.is_some()
    }

    pub(super) fn is_paused(&self) -> bool {
        self.protocol.is_some() && !self.paused.is_empty()
    }

    pub(super) const fn life(&self) -> u64 {
        self.life
    }

    pub(super) fn leadership(&self) -> Option<u64> {
        self.protocol.as_ref()?.leadership()
    }

    pub(super) fn begin_life(&mut self, now: Time, protocol: N) {
        self.life += 1;
        self.random_drawn = 0;
        self.protocol = Some(protocol);
        self.note(now, "starts");
    }

    /// The process dies; gives back the requests whose connections break.
    pub(super) fn end_life(&mut self, now: Time, key: u64) -> Vec<RequestId> {
        self.protocol = None;
        self.dying = None;
        self.timers.clear();
        self.waiting.clear();
        // Whatever made the process stand still died with it.
        self.paused.clear();
        let (fault, harmed) = self.disk.crash(key);
        match fault {
            Some(fault) => {
                *self.acted.entry(fault).or_default() += harmed;
                self.note(
                    now,
                    &format!("dies; its disk lost or tore {harmed} unsynced writes"),
                );
            }
            None => self.note(now, "dies"),
        }
        std::mem::take(&mut self.open).into_iter().collect()
    }

    /// Runs a handler, if the process is alive.
    pub(super) fn run(
        &mut self,
        now: Time,
        seed: u64,
        nodes: &[NodeId],
        effects: &mut Vec<Effect<N::Message>>,
        handler: impl FnOnce(&mut N, &mut Context<'_, N::Message>),
    ) {
        let Some(protocol) = &mut self.protocol else {
            return;
        };
        let parts = ContextParts {
            me: self.id,
            nodes,
            wall_ns: self.clock.wall_ns(now),
            mono: self.clock.mono(now),
            random_key: keyed(&[seed, text("node"), network::place(self.id), self.life]),
            random_drawn: &mut self.random_drawn,
        };
        handler(protocol, &mut Context::new(parts, effects));
    }

    /// Marks the process to die in the middle of its next handler.
    pub(super) const fn die_in_handler(&mut self, draw: u64, writing: bool) {
        self.dying = Some(Dying { draw, writing });
    }

    pub(super) const fn is_dying(&self) -> bool {
        self.dying.is_some()
    }

    /// Whether the process dies in the handler that left these effects, and after how many.
    pub(super) fn dies_in_handler(
        &self,
        seed: u64,
        effects: &[Effect<N::Message>],
    ) -> Option<usize> {
        let Dying { draw, writing } = self.dying?;
        let first_write = effects
            .iter()
            .position(|effect| matches!(effect, Effect::Write { .. }));
        let (from, to) = match (writing, first_write) {
            // After the write and before the end, so that there is something to lose.
            (true, Some(first)) => (first + 1, effects.len()),
            (true, None) if self.disk.has_pending() => (0, effects.len()),
            (true, None) => return None,
            (false, _) => (0, effects.len()),
        };
        Some(from + below(mix(draw ^ seed), (to - from + 1) as u64) as usize)
    }

    pub(super) fn open(&mut self, request: RequestId) {
        self.open.insert(request);
    }

    /// A request is answered; whether it was open.
    pub(super) fn close(&mut self, request: RequestId) -> bool {
        self.open.remove(&request)
    }

    /// Keeps what arrives while the process stands still.
    pub(super) fn wait(&mut self, happening: Happening<N::Message>) {
        self.waiting.push_back(happening);
    }

    /// What arrived while the process stood still.
    pub(super) fn waited(&mut self) -> VecDeque<Happening<N::Message>> {
        std::mem::take(&mut self.waiting)
    }

    /// Sets a timer; gives back the number of the setting and the true time of its end.
    pub(super) fn set_timer(&mut self, timer: Timer, due: Time, period: Duration) -> (u64, Time) {
        self.settings += 1;
        self.timers.insert(
            timer,
            Setting {
                number: self.settings,
                due,
                period,
            },
        );
        (self.settings, self.clock.when(due))
    }

    pub(super) fn cancel_timer(&mut self, timer: Timer) {
        self.timers.remove(&timer);
    }

    /// A timer is due, if it is still set so; gives back its period in nanoseconds.
    pub(super) fn take_timer(&mut self, timer: Timer, number: u64) -> Option<u64> {
        let setting = self
            .timers
            .get(&timer)
            .filter(|setting| setting.number == number)?;
        let period = setting.period.as_nanos();
        self.timers.remove(&timer);
        Some(u64::try_from(period).unwrap_or(u64::MAX))
    }

    /// All timers anew, after the clock has changed its pace: each with the number of its new
    /// setting and the true time of its end.
    pub(super) fn reset_timers(&mut self) -> Vec<(Timer, u64, Time)> {
        let mut reset = Vec::with_capacity(self.timers.len());
        for (&timer, setting) in &mut self.timers {
            self.settings += 1;
            setting.number = self.settings;
            reset.push((timer, setting.number, self.clock.when(setting.due)));
        }
        reset
    }

    /// Adds a line to the node's log.
    pub(super) fn note(&mut self, now: Time, what: &str) {
        let _ = writeln!(self.log, "{now}  {what}");
    }

    pub(super) fn log(&self) -> &str {
        &self.log
    }
}
