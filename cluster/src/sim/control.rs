//! The controls of a simulated cluster: everything can be broken, and seen to be.

use polygraph_history::{ClockEffect, DiskEffect, FaultKind, Link, NodeId, SlowEffect};

use super::network::Fate;
use super::queue::Rank;
use super::{Happening, Sim};
use crate::{ClockReading, Control, FaultId, LinkKind, Node, Probe, ProcessState};

/// The kinds of faults that simulated clusters can have.
pub const CAPABILITIES: &[FaultKind] = &[
    FaultKind::PartitionCut,
    FaultKind::PartitionHold,
    FaultKind::PartitionOneWay,
    FaultKind::ClockJump,
    FaultKind::ClockDrift,
    FaultKind::ClockStrobe,
    FaultKind::Kill,
    FaultKind::Pause,
    FaultKind::SlowDelay,
    FaultKind::SlowLoss,
    FaultKind::Duplicate,
    FaultKind::Reorder,
    FaultKind::DiskLose,
    FaultKind::DiskTorn,
    FaultKind::DiskSyncError,
    FaultKind::DiskWipe,
];

impl<N: Node> Control for Sim<N> {
    fn nodes(&self) -> &[NodeId] {
        &self.ids
    }

    fn capabilities(&self) -> &'static [FaultKind] {
        CAPABILITIES
    }

    fn cut(&mut self, fault: FaultId, links: &[Link]) {
        self.network.cut(fault, links);
    }

    fn hold(&mut self, fault: FaultId, links: &[Link]) {
        self.network.hold(fault, links);
    }

    fn slow(&mut self, fault: FaultId, effect: &SlowEffect) {
        self.network.slow(fault, effect);
    }

    fn release(&mut self, fault: FaultId) {
        let released = self.network.release(fault);
        if N::LINKS == LinkKind::Stream {
            // They have come as far as the place where they were kept; what was sent later has
            // not, and must not overtake them.
            for message in released {
                self.queue.push_as(Rank::Released, self.now, message);
            }
            return;
        }
        for happening in released {
            if let Happening::Message {
                link,
                message,
                cause,
            } = happening
            {
                self.send(link, message, cause);
            }
        }
    }

    fn kill(&mut self, fault: FaultId, node: NodeId) {
        self.kill_node(fault, node);
    }

    fn pause(&mut self, fault: FaultId, node: NodeId) {
        let now = self.now;
        let node = self.node(node);
        node.paused.insert(fault);
        node.note(now, "is paused");
    }

    fn revive(&mut self, fault: FaultId, node: NodeId) {
        let now = self.now;
        let seat = self.node(node);
        if seat.is_dying() && seat.down.contains(&fault) {
            // It is to be dead for a moment at least, and then to start.
            self.crash(node);
        }
        let seat = self.node(node);
        seat.down.remove(&fault);
        let was_paused = seat.paused.remove(&fault) && seat.paused.is_empty();
        if !seat.is_alive() {
            if seat.down.is_empty() {
                self.start(node);
            }
            return;
        }
        if was_paused {
            seat.note(now, "goes on");
            // Before what arrives at this very moment: streams keep their order.
            for happening in seat.waited() {
                self.queue.push_as(Rank::Waited, now, again(happening));
            }
        }
    }

    fn set_clock(&mut self, effect: &ClockEffect) {
        let now = self.now;
        let node = self.node(effect.node);
        node.clock.set(now, effect);
        let timers = node.reset_timers();
        for (timer, setting, at) in timers {
            let happening = Happening::Timer {
                node: effect.node,
                timer,
                setting,
            };
            self.queue.push(at.max(now), happening);
        }
    }

    fn set_disk(&mut self, fault: FaultId, effect: &DiskEffect) {
        self.node(effect.node).disk.set(fault, effect);
    }

    fn wipe(&mut self, node: NodeId) {
        let now = self.now;
        let node = self.node(node);
        if !node.is_alive() {
            node.disk.wipe();
            node.note(now, "loses its disk");
        }
    }

    fn probe(&mut self, link: Link) -> Probe {
        match self.network.probe(self.now, link) {
            Fate::Arrives(at, _) => Probe::Arrives(at.since(self.now)),
            Fate::Held => Probe::Held,
            Fate::Lost => Probe::Lost,
        }
    }

    fn process(&mut self, node: NodeId) -> ProcessState {
        let node = self.node(node);
        match (node.is_alive(), node.is_paused()) {
            (false, _) => ProcessState::Dead,
            (true, true) => ProcessState::Paused,
            (true, false) => ProcessState::Running,
        }
    }

    fn read_clock(&mut self, node: NodeId) -> Option<ClockReading> {
        let now = self.now;
        let node = self.node(node);
        Some(ClockReading {
            at: now,
            wall_ns: node.clock.wall_ns(now),
            mono: node.clock.mono(now),
        })
    }

    fn acted(&self, fault: FaultId) -> u64 {
        let on_nodes = self
            .nodes
            .iter()
            .filter_map(|node| node.acted.get(&fault))
            .sum::<u64>();
        self.network.acted(fault) + on_nodes
    }

    fn leaders(&mut self) -> Vec<(NodeId, u64)> {
        let epoch = |&id: &NodeId| Some((id, self.nodes[id.position()].leadership()?));
        self.ids.iter().filter_map(epoch).collect()
    }

    fn log(&mut self, node: NodeId) -> String {
        self.node(node).log().to_owned()
    }
}

/// What waited for a node that stood still happens when it goes on. A message has already
/// arrived: it is not to be lost by a link that was cut meanwhile.
fn again<M>(happening: Happening<M>) -> Happening<M> {
    match happening {
        Happening::Message {
            link,
            message,
            cause,
        } => Happening::Arrived {
            link,
            message,
            cause,
        },
        other => other,
    }
}
