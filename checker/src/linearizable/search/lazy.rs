//! The search by depth: the deepest configuration first, and of those the one that used fewest
//! operations of unknown outcome. Such operations are spent only where the search is stuck, so
//! that it is fast where an order exists; the configurations are those of the search by breadth.
//!
//! At a moment at which nothing is open it turns to what still waits before that moment, at the
//! expense of some configurations for each that it has looked at ahead. If nothing waits there any
//! more, all that is possible then is known: what was seen before is forgotten, so that memory does
//! not grow with the history, and if nothing is possible, that part of the history alone shows it.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use super::Progress;
use super::budget::Owner;
use super::config::{Config, Seen, clear, has};
use super::expand::{Core, Notes};
use super::timeline::Level;

/// So many configurations that wait before a cut may be looked at for each one that was ahead:
/// more wait than are gone through where the first choice is a good one.
const BEHIND: usize = 8;

/// A configuration that waits to be looked at.
#[derive(Clone, Copy)]
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
    /// What waits at the cut or after it, while what waits before it is looked at.
    ahead: BinaryHeap<Node<W, T>>,
    /// The return after which nothing is open before which everything is being looked at.
    cut: Option<usize>,
    /// The last such moment that was reached, and the last at which this was considered.
    quiet: usize,
    tried: usize,
    /// How many configurations may be looked at before a cut.
    credit: usize,
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
            ahead: BinaryHeap::new(),
            cut: None,
            quiet: 0,
            tried: 0,
            credit: 0,
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
                if self.cut.take().is_none() {
                    return Progress::Violated(self.deepest);
                }
                self.forget(core);
                continue;
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
            self.account(core);
        }
    }

    /// Turns to what waits before a cut, or ends that if it takes too long.
    fn account(&mut self, core: &mut Core<'_>) {
        match self.cut {
            Some(_) if self.credit == 0 => {
                self.cut = None;
                let mut nodes = std::mem::take(&mut self.ahead).into_vec();
                for &node in &nodes {
                    wait(&mut self.waiting, core, node);
                }
                nodes.clear();
                self.ahead = BinaryHeap::from(nodes);
            }
            Some(_) => self.credit -= 1,
            None => {
                self.credit += BEHIND;
                // Later, what was seen behind the cut would be forgotten with the rest.
                if self.tried < self.quiet {
                    self.tried = self.quiet;
                    if self.waiting.len() <= self.credit {
                        self.turn_back(core);
                    }
                }
            }
        }
    }

    /// Turns to what waits before the last moment at which nothing is open.
    fn turn_back(&mut self, core: &mut Core<'_>) {
        let cut = self.quiet;
        let mut before = std::mem::take(&mut self.waiting).into_vec();
        let is_ahead = |node: &Node<W, T>| node.level as usize >= cut;
        for &node in before.iter().filter(|node| is_ahead(node)) {
            wait(&mut self.ahead, core, node);
        }
        before.retain(|node| !is_ahead(node));
        self.waiting = BinaryHeap::from(before);
        self.cut = Some(cut);
    }

    /// Forgets what was seen before a cut, where nothing waits any more.
    fn forget(&mut self, core: &mut Core<'_>) {
        std::mem::swap(&mut self.waiting, &mut self.ahead);
        self.seen.clear(&mut core.meter);
        for Node { level, config, .. } in &self.waiting {
            (self.seen).insert(&core.usage, &mut core.meter, *level, config);
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
        while let Some(&Level { slot, quiet, .. }) = core.timeline.levels.get(level) {
            if !has(&config.done, slot) {
                break;
            }
            clear(&mut config.done, slot);
            level += 1;
            if quiet {
                self.quiet = self.quiet.max(level);
            }
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
            let heap = match self.cut {
                Some(cut) if level >= cut => &mut self.ahead,
                _ => &mut self.waiting,
            };
            wait(heap, core, node);
        }
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
        for heap in [&mut self.waiting, &mut self.ahead] {
            let bytes = std::mem::take(heap).capacity() * size_of::<Node<W, T>>();
            core.meter.shrink(Owner::Lazy, bytes as u64);
        }
        self.cut = None;
        (self.quiet, self.tried) = (level, level);
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
        let heaps = [&mut self.waiting, &mut self.ahead];
        let mut heaps = heaps.map(|heap| std::mem::take(heap).into_vec());
        let nodes = heaps.iter().flatten().map(|node| &node.config);
        for config in nodes.chain(&self.last) {
            past.mark(&mut sweep, config);
        }
        let renumbered = past.finish(&mut core.meter, &sweep);
        let nodes = heaps.iter_mut().flatten().map(|node| &mut node.config);
        for config in nodes.chain(&mut self.last) {
            renumbered.apply(config);
        }
        [self.waiting, self.ahead] = heaps.map(BinaryHeap::from);
    }
}

/// Has a configuration wait, if there is room.
fn wait<const W: usize, const T: usize>(
    heap: &mut BinaryHeap<Node<W, T>>,
    core: &mut Core<'_>,
    node: Node<W, T>,
) {
    let (len, capacity) = (heap.len(), heap.capacity());
    if len == capacity {
        let size = size_of::<Node<W, T>>() as u64;
        let wanted = (2 * capacity).max(16);
        let (old, new) = (capacity as u64 * size, wanted as u64 * size);
        if !core.meter.grow(Owner::Lazy, old, new) {
            return;
        }
        heap.reserve_exact(wanted - len);
    }
    heap.push(node);
}
