//! Random faults for random runs: everything but an emptied disk, several at once.

use polygraph_cluster::Control;
use polygraph_history::random::Random;
use polygraph_history::{ClockEffect, DiskEffect, Link, Lose, NodeId, SlowEffect, Time};

/// Faults that come and go.
pub(super) struct Faults {
    random: Random,
    nodes: Vec<NodeId>,
    next: Time,
    numbered: u64,
    current: Vec<(Time, u64, Fault)>,
}

#[derive(Clone, Copy)]
enum Fault {
    Links,
    Process(NodeId),
    Clock(NodeId),
    Disk(NodeId),
}

const MILLI: u64 = 1_000_000;

impl Faults {
    pub(super) fn new(seed: u64, nodes: usize) -> Faults {
        Faults {
            random: Random::keyed(&[seed, 77]),
            nodes: NodeId::all(nodes),
            next: Time::from_millis(500),
            numbered: 0,
            current: Vec::new(),
        }
    }

    /// When something begins or ends next.
    pub(super) fn due(&self) -> Time {
        let ends = self.current.iter().map(|&(end, ..)| end);
        ends.chain([self.next]).min().expect("there is one")
    }

    /// Begins and ends what is due.
    pub(super) fn step(&mut self, now: Time, world: &mut dyn Control) {
        let (over, current) = self.current.iter().partition(|&&(end, ..)| end <= now);
        self.current = current;
        let over: Vec<_> = over;
        for (_, id, fault) in over {
            end(world, id, fault);
        }
        if self.next <= now {
            self.numbered += 1;
            let fault = self.begin(world);
            let lasts = self.random.between(100, 2000) * MILLI;
            self.current
                .push((Time(now.0 + lasts), self.numbered, fault));
            self.next = Time(now.0 + self.random.between(100, 1500) * MILLI);
        }
    }

    /// Ends everything for good.
    pub(super) fn heal(&mut self, world: &mut dyn Control) {
        for (_, id, fault) in std::mem::take(&mut self.current) {
            end(world, id, fault);
        }
        self.next = Time::MAX;
    }

    fn begin(&mut self, world: &mut dyn Control) -> Fault {
        let id = self.numbered;
        let node = match world.leaders().first() {
            Some(&(leader, _)) if self.random.below(2) == 0 => leader,
            _ => *self.random.choose(&self.nodes),
        };
        match self.random.below(10) {
            0..=2 => {
                let links = self.links(node);
                match self.random.below(3) {
                    0 => world.hold(id, &links),
                    _ => world.cut(id, &links),
                }
                Fault::Links
            }
            3 => {
                world.kill(id, node);
                Fault::Process(node)
            }
            4 | 5 => {
                world.pause(id, node);
                Fault::Process(node)
            }
            6 => {
                let rate_ppm = self.random.between(0, 200_000).cast_signed() - 100_000;
                world.set_clock(&ClockEffect {
                    node,
                    wall_offset_ns: -1_000_000_000,
                    rate_ppm,
                    strobe: None,
                });
                Fault::Clock(node)
            }
            7 => {
                world.set_disk(id, &self.disk(node));
                Fault::Disk(node)
            }
            _ => {
                let slow = SlowEffect {
                    links: self.links(node),
                    delay_ns: self.random.below(200) * MILLI,
                    jitter_ns: self.random.below(50) * MILLI,
                    loss: self.random.below(300_000) as u32,
                    duplicate: self.random.below(300_000) as u32,
                    reorder: self.random.below(300_000) as u32,
                };
                world.slow(id, &slow);
                Fault::Links
            }
        }
    }

    /// Links between two sides: one node and the rest or any halves, both ways or one.
    fn links(&mut self, node: NodeId) -> Vec<Link> {
        let alone = self.random.below(2) == 0;
        let sides: Vec<_> = self
            .nodes
            .iter()
            .map(|&other| {
                if alone {
                    other == node
                } else {
                    self.random.below(2) == 0
                }
            })
            .collect();
        let ways = self.random.below(4);
        let mut links = Vec::new();
        for &from in &self.nodes {
            for &to in &self.nodes {
                let (a, b) = (sides[from.position()], sides[to.position()]);
                if a != b && (ways > 1 || a == (ways == 0)) {
                    links.push(Link { from, to });
                }
            }
        }
        links
    }

    fn disk(&mut self, node: NodeId) -> DiskEffect {
        let what = self.random.below(4);
        DiskEffect {
            node,
            lose: if what == 0 { Lose::Subset } else { Lose::All },
            torn: what <= 1,
            sync_error: what == 3,
        }
    }
}

fn end(world: &mut dyn Control, id: u64, fault: Fault) {
    let right = |node| ClockEffect {
        node,
        wall_offset_ns: 0,
        rate_ppm: 0,
        strobe: None,
    };
    match fault {
        Fault::Links => world.release(id),
        Fault::Process(node) => world.revive(id, node),
        Fault::Clock(node) => world.set_clock(&right(node)),
        Fault::Disk(node) => {
            let whole = DiskEffect {
                node,
                lose: Lose::None,
                torn: false,
                sync_error: false,
            };
            // It crashes while it still misbehaves, so that there is something to lose.
            world.kill(id, node);
            world.revive(id, node);
            world.set_disk(id, &whole);
        }
    }
}
