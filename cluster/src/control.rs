//! The primitives that faults are made of, and what can be seen of them.

use std::time::Duration;

use polygraph_history::{ClockEffect, DiskEffect, FaultKind, Link, NodeId, SlowEffect, Time};

/// Which fault of the schedule: several may hold the same link or node at once, and it is whole
/// again when the last of them has ended.
pub type FaultId = u64;

/// What became of a message that was sent to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe {
    /// It arrives after so long.
    Arrives(Duration),
    /// It is kept for later.
    Held,
    /// It is lost.
    Lost,
    /// This world cannot tell (yet).
    Unknown,
}

/// What the world sees of a node's process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProcessState {
    /// It runs.
    Running,
    /// It exists and stands still.
    Paused,
    /// It does not exist.
    Dead,
}

/// A node's clocks as it would read them itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockReading {
    /// The world's time at the reading.
    pub at: Time,
    /// The node's wall clock, nanoseconds.
    pub wall_ns: i64,
    /// The node's monotonic clock.
    pub mono: Time,
}

/// What can be broken, and seen to be broken, in a world.
pub trait Control {
    /// The nodes, in order.
    fn nodes(&self) -> &[NodeId];

    /// Which kinds of faults this world can make.
    fn capabilities(&self) -> &'static [FaultKind];

    /// Drops every message over these links.
    fn cut(&mut self, fault: FaultId, links: &[Link]);

    /// Keeps every message over these links until [`Control::release`].
    fn hold(&mut self, fault: FaultId, links: &[Link]);

    /// Delays and loses messages over links.
    fn slow(&mut self, fault: FaultId, effect: &SlowEffect);

    /// Ends what this fault does to links.
    fn release(&mut self, fault: FaultId);

    /// Kills a node, at any point of what it is doing.
    fn kill(&mut self, fault: FaultId, node: NodeId);

    /// Makes a node stand still.
    fn pause(&mut self, fault: FaultId, node: NodeId);

    /// Ends what this fault does to a node's process: starts it again or lets it go on, unless
    /// another fault still holds it.
    fn revive(&mut self, fault: FaultId, node: NodeId);

    /// Sets how wrong a node's clocks are; with nothing but zeros they are right again (the
    /// monotonic clock keeps what it has gained or lost).
    fn set_clock(&mut self, effect: &ClockEffect);

    /// Sets how a node's disk misbehaves from now on, at its next crash above all.
    fn set_disk(&mut self, fault: FaultId, effect: &DiskEffect);

    /// Empties the disk of a dead node.
    fn wipe(&mut self, node: NodeId);

    /// Sends a message over a link to see what becomes of it.
    fn probe(&mut self, link: Link) -> Probe;

    /// Looks at a node's process.
    fn process(&mut self, node: NodeId) -> ProcessState;

    /// Reads a node's clocks, as it would itself; `None` if it does not answer.
    fn read_clock(&mut self, node: NodeId) -> Option<ClockReading>;

    /// How often this fault was seen to act: messages dropped, held or delayed by it, writes lost
    /// or torn, syncs failed.
    fn acted(&self, fault: FaultId) -> u64;

    /// The nodes that believe to lead, each with its epoch.
    fn leaders(&mut self) -> Vec<(NodeId, u64)>;

    /// What a node wrote to its log, for people.
    fn log(&mut self, node: NodeId) -> String;
}
