//! The search by breadth: all configurations that are possible, return by return.
//!
//! Lowe, *Testing for linearizability*, CCPE 2017, section 5 (just-in-time linearization),
//! breadth first: an operation takes effect only when one must that returns. It holds the
//! configurations of one moment, not the history; when none is left, the return at hand ends the
//! shortest prefix that no order explains.

use super::budget::Owner;
use super::config::{Config, Seen, clear, has};
use super::expand::{Core, Notes};
use super::{Growth, Progress};

/// How many configurations are looked at to say what made them many.
const SAMPLE: usize = 1 << 12;

/// The search, which can be paused between any two steps.
pub(super) struct Breadth<const W: usize, const T: usize> {
    /// The return at hand: everything before it is explained.
    pub(super) level: usize,
    /// The configurations after the return before.
    pub(super) frontier: Vec<Config<W, T>>,
    /// How many of the frontier were looked at.
    cursor: usize,
    work: Vec<Config<W, T>>,
    seen: Seen<W>,
    arrived: Vec<Config<W, T>>,
    arrived_set: Seen<W>,
    buffer: Vec<Config<W, T>>,
    /// How the configurations came about, among others.
    pub(super) notes: Notes<W>,
    /// Whether to keep everything that was seen since the last return.
    all: Option<Vec<Config<W, T>>>,
}

impl<const W: usize, const T: usize> Breadth<W, T> {
    /// Before the first event.
    pub(super) fn new() -> Breadth<W, T> {
        Breadth {
            level: 0,
            frontier: vec![Core::start()],
            cursor: 0,
            work: Vec::new(),
            seen: Seen::new(Owner::Breadth),
            arrived: Vec::new(),
            arrived_set: Seen::new(Owner::Breadth),
            buffer: Vec::new(),
            notes: Notes::new(Owner::Breadth),
            all: None,
        }
    }

    /// The same, which remembers all configurations since the last return.
    pub(super) fn remembering() -> Breadth<W, T> {
        Breadth {
            all: Some(Vec::new()),
            ..Breadth::new()
        }
    }

    /// The configurations in which the search ended, if it was to remember them.
    pub(super) fn remembered(&self) -> &[Config<W, T>] {
        self.all.as_deref().unwrap_or_default()
    }

    /// Goes on until it knows, or until so many steps were made in all.
    pub(super) fn run(&mut self, core: &mut Core<'_>, until: u64) -> Progress {
        while let Some(&level) = core.timeline.levels.get(self.level) {
            while !self.work.is_empty() || self.cursor < self.frontier.len() {
                if core.meter.steps >= until || !core.meter.tick() {
                    return Progress::Paused;
                }
                self.advance(core, level.slot);
                if core.meter.out.is_some() || core.meter.is_full(Owner::Breadth) {
                    return Progress::Paused;
                }
            }
            if !self.next_level(core, level.slot) {
                return Progress::Violated(self.level);
            }
        }
        Progress::Linearizable
    }

    fn advance(&mut self, core: &mut Core<'_>, slot: u32) {
        let mut buffer = std::mem::take(&mut self.buffer);
        if let Some(config) = self.work.pop() {
            // A better one may have come in the meantime.
            if self.seen.has(0, &config) {
                core.successors(&mut self.notes, self.level, &config, &mut buffer);
            }
        } else {
            let mut config = self.frontier[self.cursor];
            self.cursor += 1;
            core.observe(&mut self.notes, self.level, &mut config);
            buffer.push(config);
        }
        let meter = &mut core.meter;
        for config in buffer.drain(..) {
            if has(&config.done, slot) {
                if self.arrived_set.insert(&core.usage, meter, 0, &config) {
                    meter.push(Owner::Breadth, &mut self.arrived, config);
                }
            } else if self.seen.insert(&core.usage, meter, 0, &config) {
                meter.push(Owner::Breadth, &mut self.work, config);
                if let Some(all) = &mut self.all {
                    meter.push(Owner::Breadth, all, config);
                }
            }
        }
        self.buffer = buffer;
    }

    /// Turns what arrived into the next frontier; `false` if nothing did.
    fn next_level(&mut self, core: &mut Core<'_>, slot: u32) -> bool {
        if self.arrived.is_empty() {
            return false;
        }
        self.frontier.clear();
        std::mem::swap(&mut self.frontier, &mut self.arrived);
        let arrived = &self.arrived_set;
        self.frontier.retain_mut(|config| {
            let best = arrived.has(0, config);
            clear(&mut config.done, slot);
            best
        });
        self.cursor = 0;
        self.seen.clear(&mut core.meter);
        self.arrived_set.clear(&mut core.meter);
        self.level += 1;
        if let Some(all) = &mut self.all {
            all.clear();
        }
        if self.notes.past.crowded() {
            self.sweep(core);
        }
        true
    }

    /// Forgets how configurations came about that are no more. Nothing is in work.
    fn sweep(&mut self, core: &mut Core<'_>) {
        let past = &mut self.notes.past;
        let Some(mut sweep) = past.sweep(&mut core.meter) else {
            return;
        };
        for config in &self.frontier {
            past.mark(&mut sweep, config);
        }
        let renumbered = past.finish(&mut core.meter, &sweep);
        for config in &mut self.frontier {
            renumbered.apply(config);
        }
    }

    /// How many configurations there are, and what made them many.
    pub(super) fn growth(&self, core: &Core<'_>) -> Growth {
        let Some(level) = core.timeline.levels.get(self.level) else {
            return Growth::default();
        };
        let configs = || {
            let unseen = &self.frontier[self.cursor.min(self.frontier.len())..];
            unseen.iter().chain(&self.work).chain(&self.arrived)
        };
        let mut growth = Growth {
            frontier: configs().count(),
            items: Vec::new(),
        };
        let stride = growth.frontier / SAMPLE + 1;
        let sample: Vec<&Config<W, T>> = configs().step_by(stride).collect();
        let mut add = |item: u32, with: usize| {
            let choices = with.min(sample.len() - with);
            if choices > 0 {
                growth.items.push((choices, item));
            }
        };
        for open in core.timeline.open(level) {
            let with = sample.iter().filter(|config| has(&config.done, open.slot));
            add(open.item, with.count());
        }
        for (at, crashed) in core.timeline.crashed.iter().enumerate() {
            for count in 0..crashed.begun(level.rank) {
                let with = sample
                    .iter()
                    .filter(|config| core.usage.of(config.used, at) > count);
                add(crashed.item(count), with.count());
            }
        }
        growth
            .items
            .sort_by_key(|&(choices, item)| (usize::MAX - choices, item));
        growth
    }
}
