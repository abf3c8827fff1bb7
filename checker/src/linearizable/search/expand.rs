//! What follows from a configuration: the part that both searches share.

use super::budget::{Meter, Owner};
use super::config::{Config, Mask, Usage, has, set};
use super::machine::Machine;
use super::observed::Observed;
use super::timeline::{NONE, Timeline};
use super::trace::Past;

/// What one of the halves notes down.
pub(super) struct Notes<const W: usize> {
    /// How its configurations came about.
    pub(super) past: Past,
    /// What it has found out about observations.
    observed: Observed<W>,
}

impl<const W: usize> Notes<W> {
    /// Nothing yet.
    pub(super) const fn new(owner: Owner) -> Notes<W> {
        Notes {
            past: Past::new(owner),
            observed: Observed::new(owner),
        }
    }
}

/// The problem, and what was learnt about its states.
pub(super) struct Core<'a> {
    /// The order of events.
    pub(super) timeline: &'a Timeline,
    /// The model.
    pub(super) machine: Machine<'a>,
    /// Which operations of unknown outcome were used.
    pub(super) usage: Usage,
    /// What was spent.
    pub(super) meter: Meter<'a>,
    /// What may be used at `at_level`, by class of operations of unknown outcome.
    ready: Vec<Ready>,
    at_level: usize,
    /// The class of operations of unknown outcome by class, or [`NONE`].
    crashed_of: Vec<u32>,
    /// The rank by which all has ended because of which anything was left out.
    pub(super) looked_ahead: u64,
    machine_bytes: u64,
}

/// What may be used of a class of operations of unknown outcome at a level.
#[derive(Clone, Copy)]
struct Ready {
    /// How many have begun, if they are of any use.
    begun: u32,
    /// The open operation that does the same and ends last: it is certain to be used, so that
    /// all of these go first.
    certain: u32,
}

impl<'a> Core<'a> {
    /// Nothing learnt yet.
    pub(super) fn new(timeline: &'a Timeline, machine: Machine<'a>, meter: Meter<'a>) -> Core<'a> {
        let mut crashed_of = Vec::new();
        if !timeline.crashed.is_empty() {
            crashed_of = vec![NONE; timeline.classes];
            for (at, crashed) in (0_u32..).zip(&timeline.crashed) {
                crashed_of[crashed.class as usize] = at;
            }
        }
        let mut core = Core {
            timeline,
            machine,
            usage: Usage::new(timeline.crashed.len()),
            meter,
            ready: Vec::new(),
            at_level: usize::MAX,
            crashed_of,
            looked_ahead: 0,
            machine_bytes: 0,
        };
        core.account();
        core
    }

    /// Where every search begins.
    pub(super) const fn start<const W: usize, const T: usize>() -> Config<W, T> {
        Config {
            state: Machine::START,
            used: Usage::NOTHING,
            done: [0; W],
            past: [Past::START; T],
        }
    }

    /// The state after an operation, if it is possible.
    #[inline]
    fn step(&mut self, state: u32, class: u32) -> Option<u32> {
        let next = self.machine.step(state, class);
        if self.machine.asked() {
            // Nobody knows how long that took, and how large the state is.
            self.meter.look();
            self.account();
        }
        next
    }

    fn account(&mut self) {
        let bytes = self.machine.bytes();
        if bytes > self.machine_bytes {
            let more = bytes - self.machine_bytes;
            self.meter.grow(Owner::Core, 0, more);
            self.machine_bytes = bytes;
        }
    }

    /// Performs all open operations that only observe and are possible: a configuration that
    /// has done so stands for the one that has not.
    #[inline]
    pub(super) fn observe<const W: usize, const T: usize>(
        &mut self,
        notes: &mut Notes<W>,
        level: usize,
        config: &mut Config<W, T>,
    ) {
        let mask = match notes.observed.get(level, config.state) {
            Some(mask) => mask,
            None => self.observable(notes, level, config.state),
        };
        if T > 0 {
            let timeline = self.timeline;
            for open in timeline.observers(&timeline.levels[level]) {
                if has(&mask, open.slot) && !has(&config.done, open.slot) {
                    notes.past.add(&mut self.meter, config, open.item);
                }
            }
        }
        for (done, mask) in config.done.iter_mut().zip(mask) {
            *done |= mask;
        }
    }

    /// Which open operations only observe and are possible in a state.
    fn observable<const W: usize>(
        &mut self,
        notes: &mut Notes<W>,
        level: usize,
        state: u32,
    ) -> Mask<W> {
        let timeline = self.timeline;
        let mut mask = [0; W];
        for open in timeline.observers(&timeline.levels[level]) {
            if !self.meter.tick() {
                return mask;
            }
            if self.step(state, open.class).is_some() {
                set(&mut mask, open.slot);
            }
        }
        notes.observed.set(&mut self.meter, state, mask);
        mask
    }

    /// Appends every configuration that one more operation leads to. The operation that ends
    /// first comes last, those of unknown outcome first: a stack takes them in that order.
    pub(super) fn successors<const W: usize, const T: usize>(
        &mut self,
        notes: &mut Notes<W>,
        level: usize,
        config: &Config<W, T>,
        out: &mut Vec<Config<W, T>>,
    ) {
        self.crashed(notes, level, config, out);
        let timeline = self.timeline;
        let rank = timeline.levels[level].rank;
        let leave = self.machine.leave(config.state);
        for open in timeline.mutators(&timeline.levels[level]).iter().rev() {
            if has(&config.done, open.slot) || waits(&config.done, open.twin) {
                continue;
            }
            if !self.meter.tick() {
                return;
            }
            if !leave.allows(open.class, rank) {
                self.looked_ahead = self.looked_ahead.max(leave.known);
                continue;
            }
            if let Some(state) = self.step(config.state, open.class) {
                let mut next = Config { state, ..*config };
                set(&mut next.done, open.slot);
                notes.past.add(&mut self.meter, &mut next, open.item);
                self.observe(notes, level, &mut next);
                out.push(next);
            }
        }
    }

    /// Operations of unknown outcome; using one that changes nothing helps nobody.
    fn crashed<const W: usize, const T: usize>(
        &mut self,
        notes: &mut Notes<W>,
        level: usize,
        config: &Config<W, T>,
        out: &mut Vec<Config<W, T>>,
    ) {
        let timeline = self.timeline;
        if timeline.crashed.is_empty() {
            return;
        }
        if self.at_level != level {
            self.get_ready(level);
        }
        let rank = timeline.levels[level].rank;
        let leave = self.machine.leave(config.state);
        for (at, crashed) in timeline.crashed.iter().enumerate() {
            let ready = self.ready[at];
            let count = self.usage.of(config.used, at);
            if count >= ready.begun || waits(&config.done, ready.certain) {
                continue;
            }
            if !self.meter.tick() {
                return;
            }
            if !leave.allows(crashed.class, rank) {
                self.looked_ahead = self.looked_ahead.max(leave.known);
                continue;
            }
            match self.step(config.state, crashed.class) {
                Some(state) if state != config.state => {
                    let plus = self.usage.plus(&mut self.meter, config.used, at as u32);
                    let Some(used) = plus else {
                        return;
                    };
                    let mut next = Config {
                        state,
                        used,
                        ..*config
                    };
                    notes
                        .past
                        .add(&mut self.meter, &mut next, crashed.item(count));
                    self.observe(notes, level, &mut next);
                    out.push(next);
                }
                _ => {}
            }
        }
    }

    /// Works out what may be used at a level.
    fn get_ready(&mut self, level: usize) {
        let timeline = self.timeline;
        let here = &timeline.levels[level];
        self.ready.clear();
        self.ready
            .extend(timeline.crashed.iter().map(|crashed| Ready {
                begun: crashed.usable(here.rank),
                certain: NONE,
            }));
        for open in timeline.mutators(here) {
            let crashed = self.crashed_of[open.class as usize];
            if crashed != NONE {
                self.ready[crashed as usize].certain = open.slot;
            }
        }
        self.at_level = level;
    }
}

/// Whether an operation that does the same, but ends earlier, has not taken effect yet.
const fn waits<const W: usize>(done: &Mask<W>, twin: u32) -> bool {
    twin != NONE && !has(done, twin)
}
