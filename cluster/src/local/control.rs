//! The controls of a local cluster.

use std::time::{Duration, Instant};

use polygraph_history::{ClockEffect, DiskEffect, FaultKind, Link, NodeId, SlowEffect};

use super::cluster::Local;
use super::seat::Order;
use super::station::STARTING;
use crate::{ClockReading, Control, FaultId, LinkKind, Probe, ProcessState};

/// How long a question to a node may take before the run goes on without an answer.
const CLOCK: Duration = Duration::from_millis(200);
/// The same for a probe; it can be asked for again, and there are many links.
const PROBE: Duration = Duration::from_millis(2);

const STREAMS: &[FaultKind] = &[
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
];

/// The kinds of faults that local clusters can have; those whose links are streams, all of these
/// but duplicates and reordering.
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
];

impl Control for Local {
    fn nodes(&self) -> &[NodeId] {
        &self.ids
    }

    fn capabilities(&self) -> &'static [FaultKind] {
        match self.kind {
            LinkKind::Stream => STREAMS,
            LinkKind::Datagram => CAPABILITIES,
        }
    }

    fn cut(&mut self, fault: FaultId, links: &[Link]) {
        for proxy in links.iter().filter_map(|link| self.proxies.get(link)) {
            proxy.with(|link, _| link.cut(fault));
        }
    }

    fn hold(&mut self, fault: FaultId, links: &[Link]) {
        for proxy in links.iter().filter_map(|link| self.proxies.get(link)) {
            proxy.with(|link, _| link.hold(fault));
        }
    }

    fn slow(&mut self, fault: FaultId, effect: &SlowEffect) {
        for proxy in effect
            .links
            .iter()
            .filter_map(|link| self.proxies.get(link))
        {
            proxy.with(|link, _| link.slow(fault, effect));
        }
    }

    fn release(&mut self, fault: FaultId) {
        for proxy in self.proxies.values() {
            proxy.with(|link, now| link.release(now, fault));
        }
    }

    fn kill(&mut self, fault: FaultId, node: NodeId) {
        let now = self.time.now();
        let station = &mut self.stations[node.position()];
        station.down.insert(fault);
        station.strike();
        station.bury();
        station.note(now, "is killed");
    }

    fn pause(&mut self, fault: FaultId, node: NodeId) {
        let now = self.time.now();
        let station = &mut self.stations[node.position()];
        station.paused.insert(fault);
        station.halt();
        station.note(now, "is paused");
    }

    fn revive(&mut self, fault: FaultId, node: NodeId) {
        let now = self.time.now();
        let station = &mut self.stations[node.position()];
        station.down.remove(&fault);
        let goes_on = station.paused.remove(&fault) && station.paused.is_empty();
        if station.state() == ProcessState::Dead {
            if station.down.is_empty() {
                self.start_again(node);
            }
        } else if goes_on {
            station.go_on();
            station.note(now, "goes on");
        }
    }

    fn set_clock(&mut self, effect: &ClockEffect) {
        let now = self.time.now();
        let station = &mut self.stations[effect.node.position()];
        // A node that starts later, or again, is on the same machine.
        station.clock = Some((now, effect.clone()));
        station.order(Order::Clock(effect.clone()));
    }

    /// Not in this world: see [`Control::capabilities`].
    fn set_disk(&mut self, _: FaultId, effect: &DiskEffect) {
        let now = self.time.now();
        self.stations[effect.node.position()].note(now, "has a disk that this world cannot break");
    }

    fn wipe(&mut self, node: NodeId) {
        let now = self.time.now();
        let station = &mut self.stations[node.position()];
        match station.wipe() {
            Ok(()) => station.note(now, "loses its disk, if it is dead"),
            Err(error) => station.note(now, &format!("keeps its disk: {error}")),
        }
    }

    /// An answer that takes longer than a moment is given to a later call, as long as nothing is
    /// done to the link in between.
    fn probe(&mut self, link: Link) -> Probe {
        self.probes += 1;
        let number = self.probes;
        self.proxies
            .get(&link)
            .map_or(Probe::Unknown, |proxy| proxy.probe(number, PROBE))
    }

    fn process(&mut self, node: NodeId) -> ProcessState {
        self.stations[node.position()].state()
    }

    fn read_clock(&mut self, node: NodeId) -> Option<ClockReading> {
        self.stations[node.position()].read_clock(CLOCK)
    }

    fn acted(&self, fault: FaultId) -> u64 {
        self.proxies.values().map(|proxy| proxy.acted(fault)).sum()
    }

    fn leaders(&mut self) -> Vec<(NodeId, u64)> {
        let epoch = |&id: &NodeId| Some((id, self.stations[id.position()].voice.leads()?));
        self.ids.iter().filter_map(epoch).collect()
    }

    fn log(&mut self, node: NodeId) -> String {
        self.stations[node.position()].log()
    }
}

impl Local {
    /// Starts a dead node with what is on its disk.
    fn start_again(&mut self, node: NodeId) {
        let now = self.time.now();
        let launched = self.launch(node, true);
        let station = &mut self.stations[node.position()];
        match launched {
            Ok(()) => station.note(now, "starts again"),
            // It stays dead; whoever looks at it sees that.
            Err(error) => station.note(now, &format!("does not start: {error}")),
        }
        if !station.paused.is_empty() {
            // A fault that began while it was dead wants it to stand still once it is there.
            station.voice.listens(Instant::now() + STARTING);
            station.halt();
        }
    }
}
