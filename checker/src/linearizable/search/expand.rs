//! What follows from a configuration: the part that both searches share.

use super::config::{Config, Mask, Usage, has, set};
use super::machine::Machine;
use super::timeline::{NONE, Timeline};
use crate::model::CasRegister;

/// The problem, and what was learnt about its states.
pub(in crate::linearizable) struct Core<'a> {
    /// The order of events.
    pub(in crate::linearizable) timeline: &'a Timeline,
    /// The model.
    pub(in crate::linearizable) machine: Machine<CasRegister<u32>>,
    /// Which operations of unknown outcome were used.
    pub(in crate::linearizable) usage: Usage,
    /// How many may be used at `available_at`, by class.
    available: Vec<u32>,
    available_at: usize,
    /// How many transitions were looked at.
    pub(in crate::linearizable) steps: u64,
    /// Whether anything was left out because of what happens later.
    pub(in crate::linearizable) looked_ahead: bool,
}

impl<'a> Core<'a> {
    /// Nothing learnt yet.
    pub(in crate::linearizable) fn new(timeline: &'a Timeline) -> Core<'a> {
        let model = CasRegister {
            initial: crate::linearizable::register::view::INITIAL,
        };
        Core {
            timeline,
            machine: Machine::new(model, timeline.classes.clone()),
            usage: Usage::new(timeline.crashed.len()),
            available: Vec::new(),
            available_at: usize::MAX,
            steps: 0,
            looked_ahead: false,
        }
    }

    /// Where every search begins.
    pub(in crate::linearizable) const fn start<const W: usize>() -> Config<W> {
        Config {
            state: Machine::<CasRegister<u32>>::START,
            used: Usage::NOTHING,
            done: [0; W],
        }
    }

    /// Performs all open operations that only observe and are possible: a configuration that
    /// has done so stands for the one that has not.
    pub(in crate::linearizable) fn observe<const W: usize>(
        &mut self,
        level: usize,
        config: &mut Config<W>,
    ) {
        let timeline = self.timeline;
        for open in timeline.observers(&timeline.levels[level]) {
            if !has(&config.done, open.slot) {
                self.steps += 1;
                if self.machine.step(config.state, open.class).is_some() {
                    set(&mut config.done, open.slot);
                }
            }
        }
    }

    /// Appends every configuration that one more operation leads to. The operation that ends
    /// first comes last, those of unknown outcome first: a stack takes them in that order.
    pub(in crate::linearizable) fn successors<const W: usize>(
        &mut self,
        level: usize,
        config: &Config<W>,
        out: &mut Vec<Config<W>>,
    ) {
        self.crashed(level, config, out);
        let timeline = self.timeline;
        let (value, rank) = (
            *self.machine.state(config.state),
            timeline.levels[level].rank,
        );
        for open in timeline.mutators(&timeline.levels[level]).iter().rev() {
            if has(&config.done, open.slot) || waits(&config.done, open.twin) {
                continue;
            }
            self.steps += 1;
            if !timeline.obligations.may_leave(value, open.class, rank) {
                self.looked_ahead = true;
                continue;
            }
            if let Some(state) = self.machine.step(config.state, open.class) {
                let mut next = Config { state, ..*config };
                set(&mut next.done, open.slot);
                self.observe(level, &mut next);
                out.push(next);
            }
        }
    }

    /// Operations of unknown outcome; using one that changes nothing helps nobody.
    fn crashed<const W: usize>(
        &mut self,
        level: usize,
        config: &Config<W>,
        out: &mut Vec<Config<W>>,
    ) {
        let timeline = self.timeline;
        if timeline.crashed.is_empty() {
            return;
        }
        let (value, rank) = (
            *self.machine.state(config.state),
            timeline.levels[level].rank,
        );
        if self.available_at != level {
            self.available.clear();
            self.available
                .extend(timeline.crashed.iter().map(|crashed| crashed.begun(rank)));
            self.available_at = level;
        }
        for (at, crashed) in timeline.crashed.iter().enumerate() {
            if self.usage.of(config.used, at) >= self.available[at] {
                continue;
            }
            self.steps += 1;
            if !timeline.obligations.may_leave(value, crashed.class, rank) {
                self.looked_ahead = true;
                continue;
            }
            match self.machine.step(config.state, crashed.class) {
                Some(state) if state != config.state => {
                    let used = self.usage.plus(config.used, at);
                    let mut next = Config {
                        state,
                        used,
                        done: config.done,
                    };
                    self.observe(level, &mut next);
                    out.push(next);
                }
                _ => {}
            }
        }
    }

    /// About how many bytes it holds.
    pub(in crate::linearizable) fn bytes(&self) -> u64 {
        self.timeline.bytes() + self.machine.bytes() + self.usage.bytes()
    }
}

/// Whether an operation that does the same, but ends earlier, has not taken effect yet.
const fn waits<const W: usize>(done: &Mask<W>, twin: u32) -> bool {
    twin != NONE && !has(done, twin)
}
