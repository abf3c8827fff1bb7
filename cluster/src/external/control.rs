//! The controls of a cluster of programs that are not ours.

use std::time::Duration;

use polygraph_history::{ClockEffect, DiskEffect, FaultKind, Link, NodeId, SlowEffect};

use super::cluster::External;
use super::forward;
use super::programs::{Nodes, Programs};
use crate::{ClockReading, Control, FaultId, Probe, ProcessState};

/// How long a probe may take; it can be asked for again, and there are many links.
const PROBE: Duration = Duration::from_millis(2);
/// How long a node may take to say whether it leads.
const LEADS: Duration = Duration::from_millis(500);

const PROCESSES: &[FaultKind] = &[FaultKind::Kill, FaultKind::Pause];
const PROCESSES_AND_LINKS: &[FaultKind] = &[
    FaultKind::PartitionCut,
    FaultKind::PartitionHold,
    FaultKind::PartitionOneWay,
    FaultKind::Kill,
    FaultKind::Pause,
    FaultKind::SlowDelay,
    FaultKind::SlowLoss,
];

impl Programs {
    /// The kinds of faults that a cluster of these programs can have.
    #[must_use]
    pub const fn capabilities(&self) -> &'static [FaultKind] {
        match &self.nodes {
            Nodes::Running(_) => &[],
            Nodes::Started(started) => match started.links {
                Some(_) => PROCESSES_AND_LINKS,
                None => PROCESSES,
            },
        }
    }
}

impl Control for External {
    fn nodes(&self) -> &[NodeId] {
        &self.map.ids
    }

    fn capabilities(&self) -> &'static [FaultKind] {
        self.map.programs.capabilities()
    }

    fn cut(&mut self, fault: FaultId, links: &[Link]) {
        for gate in links.iter().filter_map(|link| self.gates.get(link)) {
            gate.cut(fault);
        }
    }

    fn hold(&mut self, fault: FaultId, links: &[Link]) {
        for gate in links.iter().filter_map(|link| self.gates.get(link)) {
            gate.hold(fault);
        }
    }

    fn slow(&mut self, fault: FaultId, effect: &SlowEffect) {
        for gate in effect.links.iter().filter_map(|link| self.gates.get(link)) {
            gate.slow(fault, effect);
        }
    }

    fn release(&mut self, fault: FaultId) {
        for gate in self.gates.values() {
            gate.release(fault);
        }
    }

    fn kill(&mut self, fault: FaultId, node: NodeId) {
        let now = self.time.now();
        let station = &mut self.stations[node.position()];
        station.down.insert(fault);
        // Whatever made it stand still dies with it.
        station.paused.clear();
        station.server = None;
        station.note(now, "is killed");
    }

    fn pause(&mut self, fault: FaultId, node: NodeId) {
        let now = self.time.now();
        let station = &mut self.stations[node.position()];
        station.paused.insert(fault);
        if let Some(server) = &mut station.server {
            server.halt();
        }
        station.note(now, "is paused");
    }

    fn revive(&mut self, fault: FaultId, node: NodeId) {
        let now = self.time.now();
        let station = &mut self.stations[node.position()];
        station.down.remove(&fault);
        let goes_on = station.paused.remove(&fault) && station.paused.is_empty();
        if self.process(node) == ProcessState::Dead {
            if self.stations[node.position()].down.is_empty() {
                self.start_again(node);
            }
        } else if goes_on {
            let station = &mut self.stations[node.position()];
            if let Some(server) = &mut station.server {
                server.go_on();
            }
            station.note(now, "goes on");
        }
    }

    /// Not in this world: see [`Control::capabilities`].
    fn set_clock(&mut self, effect: &ClockEffect) {
        let now = self.time.now();
        self.stations[effect.node.position()].note(now, "has clocks that this world cannot set");
    }

    /// Not in this world: see [`Control::capabilities`].
    fn set_disk(&mut self, _: FaultId, effect: &DiskEffect) {
        let now = self.time.now();
        self.stations[effect.node.position()].note(now, "has a disk that this world cannot break");
    }

    /// Not in this world: see [`Control::capabilities`].
    fn wipe(&mut self, node: NodeId) {
        let now = self.time.now();
        self.stations[node.position()].note(now, "has a disk that this world does not wipe");
    }

    /// An answer that takes longer than a moment is given to a later call, as long as nothing is
    /// done to the link in between.
    fn probe(&mut self, link: Link) -> Probe {
        self.probes += 1;
        let (Some(gate), Some(engine)) = (self.gates.get(&link), &self.engine) else {
            return Probe::Unknown;
        };
        forward::probe(engine.handle(), gate, self.probes, PROBE)
    }

    fn process(&mut self, node: NodeId) -> ProcessState {
        let server = self.stations[node.position()].server.as_mut();
        server.map_or(ProcessState::Dead, |server| server.state())
    }

    fn read_clock(&mut self, _: NodeId) -> Option<ClockReading> {
        None
    }

    fn acted(&self, fault: FaultId) -> u64 {
        self.gates.values().map(|gate| gate.acted(fault)).sum()
    }

    fn leaders(&mut self) -> Vec<(NodeId, u64)> {
        let Some(words) = self.map.programs.leads.clone() else {
            return Vec::new();
        };
        let epoch = |id: NodeId| {
            let asker = self.asker(id, &words)?;
            Some(std::thread::spawn(move || {
                let (good, said) = asker.ask(LEADS)?;
                Some((id, said.trim().parse().ok().filter(|_| good)?))
            }))
        };
        // All at once: those that stand still do not answer.
        let asked: Vec<_> = self.map.ids.iter().filter_map(|&id| epoch(id)).collect();
        let answers = asked.into_iter().filter_map(|thread| thread.join().ok()?);
        answers.collect()
    }

    fn log(&mut self, node: NodeId) -> String {
        self.stations[node.position()].log()
    }
}

impl External {
    /// Starts a dead node with what is on its disk.
    fn start_again(&mut self, node: NodeId) {
        let now = self.time.now();
        let launched = self.launch(node);
        let station = &mut self.stations[node.position()];
        match launched {
            Ok(()) => station.note(now, "starts again"),
            // It stays dead; whoever looks at it sees that.
            Err(error) => station.note(now, &format!("does not start: {error}")),
        }
        if let (Some(server), false) = (&mut station.server, station.paused.is_empty()) {
            // A fault that began while it was dead wants it to stand still once it is there.
            server.halt();
        }
    }
}
