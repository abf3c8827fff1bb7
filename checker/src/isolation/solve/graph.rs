//! A growing and shrinking acyclic graph of moments: its topological order, and who reaches whom.
//!
//! The order is kept up as edges come (Pearce and Kelly, *A Dynamic Topological Sort Algorithm for
//! Directed Acyclic Graphs*, JEA 11, 2006) and stays as it is when they go. Reachability is kept
//! for *lanes*, paths that cover the transactions: of each moment, how many moments of each lane
//! come before it. That takes moments × lanes words where a matrix would take moments² bits.

/// No edge, no lane.
pub(super) const NONE: u32 = u32::MAX;

/// Why an edge is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tag {
    /// A transaction starts before it commits.
    Within,
    /// The known order with this number.
    Known(u32),
    /// To or from a moment at which something had ended.
    Time,
    /// The read with this number: its version was committed before it, or it counts among those
    /// that saw the version before it was overwritten.
    Read(u32),
    /// The first read saw what the writer of the second, which saw it too, overwrote.
    Overwritten(u32, u32),
    /// The initial version, and what was written on top of it, comes before this run.
    First(u32),
    /// The entry of the trail with this number.
    Entry(u32),
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Edge {
    pub(super) from: u32,
    pub(super) to: u32,
    next_out: u32,
    next_in: u32,
    pub(super) tag: Tag,
}

/// One word of a clock, as it was.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change {
    pub(super) node: u32,
    pub(super) lane: u32,
    pub(super) old: u32,
}

/// Where a graph was, to go back to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    edges: usize,
    changes: usize,
}

/// The direction of a walk.
#[derive(Clone, Copy, Debug)]
enum Way {
    Forward,
    Back,
}

#[derive(Debug)]
pub(super) struct Graph {
    edges: Vec<Edge>,
    out: Vec<u32>,
    into: Vec<u32>,
    /// The place of each moment in the topological order, and the moment at each place.
    place: Vec<u32>,
    at: Vec<u32>,
    /// The lane of each moment, and the place in it.
    lane: Vec<u32>,
    step: Vec<u32>,
    lanes: usize,
    clocks: Vec<u32>,
    changes: Vec<Change>,
    /// Moments whose clock grew and whose successors have not been told, by place.
    dirty: Vec<u64>,
    lowest: usize,
    seen: Vec<u32>,
    stamp: u32,
    /// What has been done so far, in steps of the budget.
    pub(super) steps: u64,
}

impl Graph {
    pub(super) fn new(nodes: usize) -> Graph {
        Graph {
            edges: Vec::new(),
            out: vec![NONE; nodes],
            into: vec![NONE; nodes],
            place: (0..nodes as u32).collect(),
            at: (0..nodes as u32).collect(),
            lane: vec![NONE; nodes],
            step: vec![0; nodes],
            lanes: 0,
            clocks: Vec::new(),
            changes: Vec::new(),
            dirty: vec![0; nodes.div_ceil(64)],
            lowest: usize::MAX,
            seen: vec![0; nodes],
            stamp: 0,
            steps: 0,
        }
    }

    pub(super) fn add_node(&mut self) -> u32 {
        let node = self.out.len() as u32;
        self.out.push(NONE);
        self.into.push(NONE);
        self.place.push(node);
        self.at.push(node);
        self.lane.push(NONE);
        self.step.push(0);
        self.seen.push(0);
        self.dirty.resize(self.out.len().div_ceil(64), 0);
        node
    }

    pub(super) fn nodes(&self) -> usize {
        self.out.len()
    }

    pub(super) fn edge_count(&self) -> usize {
        self.edges.len()
    }

    pub(super) fn edge(&self, edge: u32) -> Edge {
        self.edges[edge as usize]
    }

    pub(super) fn place(&self, node: u32) -> u32 {
        self.place[node as usize]
    }

    /// The moments in topological order.
    pub(super) fn in_order(&self) -> &[u32] {
        &self.at
    }

    pub(super) fn lane(&self, node: u32) -> u32 {
        self.lane[node as usize]
    }

    pub(super) fn step(&self, node: u32) -> u32 {
        self.step[node as usize]
    }

    /// The edges into a moment, the newest first.
    pub(super) fn edges_into(&self, node: u32) -> impl Iterator<Item = (u32, Edge)> + '_ {
        walk(self.into[node as usize], &self.edges, |edge| edge.next_in)
    }

    /// Adds an edge and nothing else: neither order nor clocks know of it.
    pub(super) fn link(&mut self, from: u32, to: u32, tag: Tag) {
        let edge = self.edges.len() as u32;
        let next_out = std::mem::replace(&mut self.out[from as usize], edge);
        let next_in = std::mem::replace(&mut self.into[to as usize], edge);
        self.edges.push(Edge {
            from,
            to,
            next_out,
            next_in,
            tag,
        });
        self.steps += 1;
    }

    /// Puts the moments into a topological order, at each place what is ready and has the lowest
    /// rank, or says of which moments each has another of them before it.
    pub(super) fn sort(&mut self, rank: impl Fn(u32) -> u64) -> Result<(), Vec<u32>> {
        let nodes = self.nodes();
        let mut missing = vec![0u32; nodes];
        for edge in &self.edges {
            missing[edge.to as usize] += 1;
        }
        let mut ready = std::collections::BinaryHeap::new();
        let ready_now = |node: u32| std::cmp::Reverse((rank(node), node));
        ready.extend(
            (0..nodes as u32)
                .filter(|&node| missing[node as usize] == 0)
                .map(ready_now),
        );
        let mut order = Vec::with_capacity(nodes);
        while let Some(std::cmp::Reverse((_, node))) = ready.pop() {
            order.push(node);
            for (_, edge) in walk(self.out[node as usize], &self.edges, |edge| edge.next_out) {
                missing[edge.to as usize] -= 1;
                if missing[edge.to as usize] == 0 {
                    ready.push(ready_now(edge.to));
                }
            }
        }
        self.steps += nodes as u64 + self.edges.len() as u64;
        if order.len() < nodes {
            return Err((0..nodes as u32)
                .filter(|&node| missing[node as usize] > 0)
                .collect());
        }
        for (place, &node) in order.iter().enumerate() {
            self.place[node as usize] = place as u32;
        }
        self.at = order;
        Ok(())
    }

    /// Gives each moment its place in a lane; a moment without one has the lane [`NONE`]. All that
    /// is linked is taken into the clocks when the graph settles next.
    pub(super) fn begin_clocks(&mut self, lane: Vec<u32>, step: Vec<u32>, lanes: usize) {
        self.lane = lane;
        self.step = step;
        self.lanes = lanes;
        self.clocks = vec![0; self.nodes() * lanes];
        for node in 0..self.nodes() {
            if self.lane[node] != NONE {
                self.raise(node as u32, self.lane[node], self.step[node] + 1);
            }
            self.touch(node as u32);
        }
    }

    fn raise(&mut self, node: u32, lane: u32, to: u32) {
        let word = &mut self.clocks[node as usize * self.lanes + lane as usize];
        if *word < to {
            self.changes.push(Change {
                node,
                lane,
                old: *word,
            });
            *word = to;
        }
    }

    fn touch(&mut self, node: u32) {
        let place = self.place[node as usize] as usize;
        self.dirty[place / 64] |= 1 << (place % 64);
        self.lowest = self.lowest.min(place / 64);
    }

    /// How many moments of a lane come before a moment, itself included.
    pub(super) fn clock(&self, node: u32, lane: u32) -> u32 {
        self.clocks[node as usize * self.lanes + lane as usize]
    }

    /// Whether the first, which is in a lane, is the second or comes before it, as far as the
    /// clocks are settled.
    pub(super) fn reaches(&self, from: u32, to: u32) -> bool {
        self.clock(to, self.lane[from as usize]) > self.step[from as usize]
    }

    /// Takes an edge that was linked into the clock of its end.
    pub(super) fn join(&mut self, edge: u32) {
        let Edge { from, to, .. } = self.edges[edge as usize];
        if self.merge(from, to) {
            self.touch(to);
        }
    }

    fn merge(&mut self, from: u32, to: u32) -> bool {
        let lanes = self.lanes;
        self.steps += 1 + lanes as u64 / 8;
        let (from, into) = (from as usize * lanes, to as usize * lanes);
        let mut grew = false;
        for lane in 0..lanes {
            let (new, old) = (self.clocks[from + lane], self.clocks[into + lane]);
            if new > old {
                self.changes.push(Change {
                    node: to,
                    lane: lane as u32,
                    old,
                });
                self.clocks[into + lane] = new;
                grew = true;
            }
        }
        grew
    }

    /// Tells the successors of all whose clocks grew, in topological order.
    pub(super) fn settle(&mut self) {
        let mut word = self.lowest;
        while word < self.dirty.len() {
            let bits = self.dirty[word];
            if bits == 0 {
                word += 1;
                continue;
            }
            self.dirty[word] &= bits - 1;
            let node = self.at[word * 64 + bits.trailing_zeros() as usize];
            let mut next = self.out[node as usize];
            while next != NONE {
                let Edge { to, next_out, .. } = self.edges[next as usize];
                if self.merge(node, to) {
                    self.touch(to);
                }
                next = next_out;
            }
        }
        self.lowest = usize::MAX;
    }

    /// Adds an edge that closes no cycle, and settles.
    pub(super) fn insert(&mut self, from: u32, to: u32, tag: Tag) {
        self.link(from, to, tag);
        if self.place[from as usize] > self.place[to as usize] {
            self.reorder(from, to);
        }
        self.join(self.edges.len() as u32 - 1);
        self.settle();
    }

    /// Moves what reaches `from` before what `to` reaches, within the places between them.
    fn reorder(&mut self, from: u32, to: u32) {
        let (low, high) = (self.place[to as usize], self.place[from as usize]);
        let after = self.region(to, Way::Forward, |place| place <= high);
        let before = self.region(from, Way::Back, |place| place >= low);
        let moved: Vec<u32> = before.into_iter().chain(after).collect();
        let mut places: Vec<u32> = moved.iter().map(|&node| self.place(node)).collect();
        places.sort_unstable();
        for (node, place) in moved.into_iter().zip(places) {
            self.place[node as usize] = place;
            self.at[place as usize] = node;
        }
    }

    /// What is reached from a moment without leaving some places, in topological order.
    fn region(&mut self, start: u32, way: Way, within: impl Fn(u32) -> bool) -> Vec<u32> {
        let stamp = self.begin_walk();
        self.seen[start as usize] = stamp;
        let mut found = vec![start];
        let mut at = 0;
        while at < found.len() {
            let node = found[at] as usize;
            let mut next = match way {
                Way::Forward => self.out[node],
                Way::Back => self.into[node],
            };
            while next != NONE {
                let edge = self.edges[next as usize];
                let node = match way {
                    Way::Forward => edge.to,
                    Way::Back => edge.from,
                };
                next = match way {
                    Way::Forward => edge.next_out,
                    Way::Back => edge.next_in,
                };
                self.steps += 1;
                if within(self.place[node as usize]) && self.visit(node, stamp) {
                    found.push(node);
                }
            }
            at += 1;
        }
        found.sort_unstable_by_key(|&node| self.place[node as usize]);
        found
    }

    /// A stamp that no moment carries yet.
    pub(super) fn begin_walk(&mut self) -> u32 {
        self.stamp = match self.stamp.checked_add(1) {
            Some(stamp) => stamp,
            None => {
                self.seen.fill(0);
                1
            }
        };
        self.stamp
    }

    /// Stamps a moment; `false` if it carried the stamp already.
    pub(super) fn visit(&mut self, node: u32, stamp: u32) -> bool {
        std::mem::replace(&mut self.seen[node as usize], stamp) != stamp
    }

    /// The words of clocks that changed since the last [`Graph::forget_changes`].
    pub(super) fn changes(&self) -> &[Change] {
        &self.changes
    }

    pub(super) fn forget_changes(&mut self) {
        self.changes.clear();
    }

    pub(super) fn mark(&self) -> Mark {
        Mark {
            edges: self.edges.len(),
            changes: self.changes.len(),
        }
    }

    /// Takes back edges and clocks. The order of places stays: it serves fewer edges as well.
    pub(super) fn back_to(&mut self, mark: Mark) {
        while self.edges.len() > mark.edges {
            let Some(edge) = self.edges.pop() else { break };
            self.out[edge.from as usize] = edge.next_out;
            self.into[edge.to as usize] = edge.next_in;
        }
        while self.changes.len() > mark.changes {
            let Some(change) = self.changes.pop() else {
                break;
            };
            self.clocks[change.node as usize * self.lanes + change.lane as usize] = change.old;
        }
    }

    /// Roughly what it holds, in bytes.
    pub(super) fn bytes(&self) -> u64 {
        let edges = self.edges.capacity() * size_of::<Edge>();
        let changes = self.changes.capacity() * size_of::<Change>();
        (edges + changes + self.clocks.capacity() * 4 + self.nodes() * 32) as u64
    }
}

fn walk(
    first: u32,
    edges: &[Edge],
    next: impl Fn(&Edge) -> u32,
) -> impl Iterator<Item = (u32, Edge)> {
    let mut at = first;
    std::iter::from_fn(move || {
        let edge = *edges.get(at as usize)?;
        let number = std::mem::replace(&mut at, next(&edge));
        Some((number, edge))
    })
}
