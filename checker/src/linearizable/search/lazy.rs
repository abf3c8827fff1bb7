//! The search by depth: the deepest configuration first, and of those the one that used fewest
//! operations of unknown outcome. Such operations are spent only where the search is stuck, so
//! that it is fast where an order exists; the configurations are those of the search by breadth.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use super::Progress;
use super::config::{Config, Seen, clear, has};
use super::expand::Core;
use super::timeline::Level;

/// A configuration that waits to be looked at.
struct Node<const W: usize> {
    level: u32,
    used: u32,
    age: u64,
    config: Config<W>,
}

impl<const W: usize> Node<W> {
    const fn key(&self) -> (u32, Reverse<u32>, u64) {
        (self.level, Reverse(self.used), self.age)
    }
}

impl<const W: usize> PartialEq for Node<W> {
    fn eq(&self, other: &Node<W>) -> bool {
        self.key() == other.key()
    }
}

impl<const W: usize> Eq for Node<W> {}

impl<const W: usize> PartialOrd for Node<W> {
    fn partial_cmp(&self, other: &Node<W>) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<const W: usize> Ord for Node<W> {
    fn cmp(&self, other: &Node<W>) -> Ordering {
        self.key().cmp(&other.key())
    }
}

/// The search, which can be paused between any two steps.
pub(in crate::linearizable) struct Lazy<const W: usize> {
    /// The deepest return that was reached: everything before it is explained.
    pub(in crate::linearizable) deepest: usize,
    waiting: BinaryHeap<Node<W>>,
    seen: Seen<W>,
    pushed: u64,
    buffer: Vec<Config<W>>,
}

impl<const W: usize> Lazy<W> {
    /// Before the first event.
    pub(in crate::linearizable) fn new(core: &mut Core<'_>) -> Lazy<W> {
        let mut lazy = Lazy {
            deepest: 0,
            waiting: BinaryHeap::new(),
            seen: Seen::new(),
            pushed: 0,
            buffer: Vec::new(),
        };
        let mut start = Core::start();
        if !core.timeline.levels.is_empty() {
            core.observe(0, &mut start);
        }
        lazy.push(core, 0, start);
        lazy
    }

    /// Goes on until it knows, or until the core has made so many steps in all.
    pub(in crate::linearizable) fn run(&mut self, core: &mut Core<'_>, until: u64) -> Progress {
        while core.steps < until {
            if self.deepest == core.timeline.levels.len() {
                return Progress::Linearizable;
            }
            core.steps += 1;
            let Some(Node { level, config, .. }) = self.waiting.pop() else {
                return Progress::Violated(self.deepest);
            };
            // A better one may have come in the meantime.
            if !self.seen.has(level, &config) {
                continue;
            }
            let mut buffer = std::mem::take(&mut self.buffer);
            core.successors(level as usize, &config, &mut buffer);
            for config in buffer.drain(..) {
                self.push(core, level as usize, config);
            }
            self.buffer = buffer;
        }
        Progress::Paused
    }

    /// Takes a configuration past every return whose operation it has done, and keeps it.
    fn push(&mut self, core: &mut Core<'_>, mut level: usize, mut config: Config<W>) {
        while let Some(&Level { slot, .. }) = core.timeline.levels.get(level) {
            if !has(&config.done, slot) {
                break;
            }
            clear(&mut config.done, slot);
            level += 1;
            if level < core.timeline.levels.len() {
                core.steps += 1;
                core.observe(level, &mut config);
            }
        }
        self.deepest = self.deepest.max(level);
        if level < core.timeline.levels.len()
            && self.seen.insert(&core.usage, level as u32, &config)
        {
            self.pushed += 1;
            self.waiting.push(Node {
                level: level as u32,
                used: core.usage.total(config.used),
                age: self.pushed,
                config,
            });
        }
    }

    /// About how many bytes it holds.
    pub(in crate::linearizable) fn bytes(&self) -> u64 {
        (self.waiting.capacity() * size_of::<Node<W>>()) as u64 + self.seen.bytes()
    }
}
