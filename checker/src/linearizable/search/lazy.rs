//! The search by depth: the deepest configuration first, and of those the one that used fewest
//! operations of unknown outcome. Such operations are spent only where the search is stuck, so
//! that it is fast where an order exists; the configurations are those of the search by breadth.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use super::Progress;
use super::budget::Owner;
use super::config::{Config, Seen, clear, has};
use super::expand::{Core, Notes};
use super::timeline::Level;

/// A configuration that waits to be looked at.
struct Node<const W: usize, const T: usize> {
    level: u32,
    used: u32,
    age: u64,
    config: Config<W, T>,
}

impl<const W: usize, const T: usize> Node<W, T> {
    const fn key(&self) -> (u32, Reverse<u32>, u64) {
        (self.level, Reverse(self.used), self.age)
    }
}

impl<const W: usize, const T: usize> PartialEq for Node<W, T> {
    fn eq(&self, other: &Node<W, T>) -> bool {
        self.key() == other.key()
    }
}

impl<const W: usize, const T: usize> Eq for Node<W, T> {}

impl<const W: usize, const T: usize> PartialOrd for Node<W, T> {
    fn partial_cmp(&self, other: &Node<W, T>) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<const W: usize, const T: usize> Ord for Node<W, T> {
    fn cmp(&self, other: &Node<W, T>) -> Ordering {
        self.key().cmp(&other.key())
    }
}

/// The search, which can be paused between any two steps.
pub(super) struct Lazy<const W: usize, const T: usize> {
    /// The deepest return that was reached: everything before it is explained.
    pub(super) deepest: usize,
    /// How the configurations came about, among others.
    pub(super) notes: Notes<W>,
    /// The configuration in which everything is explained, once there is one.
    pub(super) last: Option<Config<W, T>>,
    waiting: BinaryHeap<Node<W, T>>,
    seen: Seen<W>,
    pushed: u64,
    /// The level at which it began.
    since: usize,
    buffer: Vec<Config<W, T>>,
}

impl<const W: usize, const T: usize> Lazy<W, T> {
    /// Before the first event.
    pub(super) fn new(core: &mut Core<'_>) -> Lazy<W, T> {
        let mut lazy = Lazy {
            deepest: 0,
            notes: Notes::new(Owner::Lazy),
            last: None,
            waiting: BinaryHeap::new(),
            seen: Seen::new(Owner::Lazy),
            pushed: 0,
            since: 0,
            buffer: Vec::new(),
        };
        lazy.begin(core, 0, Core::start());
        lazy
    }

    /// Goes on until it knows, or until so many steps were made in all.
    pub(super) fn run(&mut self, core: &mut Core<'_>, until: u64) -> Progress {
        loop {
            if core.meter.out.is_some() || core.meter.is_full(Owner::Lazy) {
                return Progress::Paused;
            }
            if self.last.is_some() {
                return Progress::Linearizable;
            }
            if core.meter.steps >= until || !core.meter.tick() {
                return Progress::Paused;
            }
            let Some(Node { level, config, .. }) = self.waiting.pop() else {
                return Progress::Violated(self.deepest);
            };
            // A better one may have come in the meantime.
            if !self.seen.has(level, &config) {
                continue;
            }
            let mut buffer = std::mem::take(&mut self.buffer);
            core.successors(&mut self.notes, level as usize, &config, &mut buffer);
            for config in buffer.drain(..) {
                self.push(core, level as usize, config);
            }
            self.buffer = buffer;
            if self.notes.past.crowded() {
                self.sweep(core);
            }
        }
    }

    /// Begins at a configuration in which nothing was observed yet.
    fn begin(&mut self, core: &mut Core<'_>, level: usize, mut config: Config<W, T>) {
        if level < core.timeline.levels.len() {
            core.observe(&mut self.notes, level, &mut config);
        }
        self.push(core, level, config);
    }

    /// Takes a configuration past every return whose operation it has done, and keeps it.
    fn push(&mut self, core: &mut Core<'_>, mut level: usize, mut config: Config<W, T>) {
        while let Some(&Level { slot, .. }) = core.timeline.levels.get(level) {
            if !has(&config.done, slot) {
                break;
            }
            clear(&mut config.done, slot);
            level += 1;
            if level < core.timeline.levels.len() {
                if !core.meter.tick() {
                    break;
                }
                core.observe(&mut self.notes, level, &mut config);
            }
        }
        self.deepest = self.deepest.max(level);
        if level == core.timeline.levels.len() {
            self.last.get_or_insert(config);
        } else if self
            .seen
            .insert(&core.usage, &mut core.meter, level as u32, &config)
        {
            self.pushed += 1;
            let node = Node {
                level: level as u32,
                used: core.usage.total(config.used),
                age: self.pushed,
                config,
            };
            self.wait(core, node);
        }
    }

    fn wait(&mut self, core: &mut Core<'_>, node: Node<W, T>) {
        let (len, capacity) = (self.waiting.len(), self.waiting.capacity());
        if len == capacity {
            let size = size_of::<Node<W, T>>() as u64;
            let wanted = (2 * capacity).max(16);
            let allowed =
                core.meter
                    .grow(Owner::Lazy, capacity as u64 * size, wanted as u64 * size);
            if !allowed {
                return;
            }
            self.waiting.reserve_exact(wanted - len);
        }
        self.waiting.push(node);
    }

    /// Begins again, out of memory, with everything that is possible at a level, as the other half
    /// found out: what was remembered of before is needed no more. Says whether there is room.
    pub(super) fn begin_again(
        &mut self,
        core: &mut Core<'_>,
        level: usize,
        frontier: &[Config<W, T>],
    ) -> bool {
        // The other half numbers the past by itself; and the same level again would be of no use.
        if T > 0 || level <= self.since {
            return false;
        }
        // When something is refused, parts of what was seen are missing in what waits.
        let waiting = std::mem::take(&mut self.waiting).capacity() * size_of::<Node<W, T>>();
        core.meter.shrink(Owner::Lazy, waiting as u64);
        self.seen.reset(&mut core.meter);
        core.meter.try_again(Owner::Lazy);
        self.since = level;
        for &config in frontier {
            self.begin(core, level, config);
        }
        !core.meter.is_full(Owner::Lazy)
    }

    /// Forgets how configurations came about that are no more.
    fn sweep(&mut self, core: &mut Core<'_>) {
        let past = &mut self.notes.past;
        let Some(mut sweep) = past.sweep(&mut core.meter) else {
            return;
        };
        let mut nodes = std::mem::take(&mut self.waiting).into_vec();
        for config in nodes.iter().map(|node| &node.config).chain(&self.last) {
            past.mark(&mut sweep, config);
        }
        let renumbered = past.finish(&mut core.meter, &sweep);
        let configs = nodes.iter_mut().map(|node| &mut node.config);
        for config in configs.chain(&mut self.last) {
            renumbered.apply(config);
        }
        self.waiting = BinaryHeap::from(nodes);
    }
}
