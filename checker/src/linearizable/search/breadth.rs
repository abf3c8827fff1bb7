//! The search by breadth: all configurations that are possible, return by return.
//!
//! Lowe, *Testing for linearizability*, CCPE 2017, section 5 (just-in-time linearization),
//! breadth first: an operation takes effect only when one must that returns. It holds the
//! configurations of one moment, not the history; when none is left, the return at hand ends the
//! shortest prefix that no order explains.

use super::Progress;
use super::config::{Config, Seen, clear, has};
use super::expand::Core;

/// The search, which can be paused between any two steps.
pub(in crate::linearizable) struct Breadth<const W: usize> {
    /// The return at hand: everything before it is explained.
    pub(in crate::linearizable) level: usize,
    frontier: Vec<Config<W>>,
    /// How many of the frontier were looked at.
    cursor: usize,
    work: Vec<Config<W>>,
    seen: Seen<W>,
    arrived: Vec<Config<W>>,
    arrived_set: Seen<W>,
    buffer: Vec<Config<W>>,
}

impl<const W: usize> Breadth<W> {
    /// Before the first event.
    pub(in crate::linearizable) fn new() -> Breadth<W> {
        Breadth {
            level: 0,
            frontier: vec![Core::start()],
            cursor: 0,
            work: Vec::new(),
            seen: Seen::new(),
            arrived: Vec::new(),
            arrived_set: Seen::new(),
            buffer: Vec::new(),
        }
    }

    /// Goes on until it knows, or until the core has made so many steps in all.
    pub(in crate::linearizable) fn run(&mut self, core: &mut Core<'_>, until: u64) -> Progress {
        while let Some(&level) = core.timeline.levels.get(self.level) {
            while !self.work.is_empty() || self.cursor < self.frontier.len() {
                if core.steps >= until {
                    return Progress::Paused;
                }
                core.steps += 1;
                self.advance(core, level.slot);
            }
            if !self.next_level(level.slot) {
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
                core.successors(self.level, &config, &mut buffer);
            }
        } else {
            let mut config = self.frontier[self.cursor];
            self.cursor += 1;
            core.observe(self.level, &mut config);
            buffer.push(config);
        }
        for config in buffer.drain(..) {
            if has(&config.done, slot) {
                if self.arrived_set.insert(&core.usage, 0, &config) {
                    self.arrived.push(config);
                }
            } else if self.seen.insert(&core.usage, 0, &config) {
                self.work.push(config);
            }
        }
        self.buffer = buffer;
    }

    /// Turns what arrived into the next frontier; `false` if nothing did.
    fn next_level(&mut self, slot: u32) -> bool {
        self.frontier.clear();
        for mut config in self.arrived.drain(..) {
            if self.arrived_set.has(0, &config) {
                clear(&mut config.done, slot);
                self.frontier.push(config);
            }
        }
        if self.frontier.is_empty() {
            return false;
        }
        self.cursor = 0;
        self.seen.clear();
        self.arrived_set.clear();
        self.level += 1;
        true
    }

    /// About how many bytes it holds.
    pub(in crate::linearizable) fn bytes(&self) -> u64 {
        let configs = self.frontier.capacity() + self.work.capacity() + self.arrived.capacity();
        (configs * size_of::<Config<W>>()) as u64 + self.seen.bytes() + self.arrived_set.bytes()
    }
}
