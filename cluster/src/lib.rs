//! The system, running: one node interface in several worlds, and the controls that faults are
//! made of.
//!
//! - [`Node`], [`Context`], [`Effect`]: a protocol without sockets, clock, disk or randomness.
//! - [`World`]: a cluster that runs: requests go in, replies come out. [`Reply`], [`Submission`].
//! - [`Control`]: the primitives that faults are made of, and what can be seen of them.
//! - [`wal`]: a log on a node's disk that survives lost and torn writes.
//! - [`clock`]: how wrong clocks are computed.
//! - [`sim`]: the same node on virtual time, one thread, one seed.
//! - [`host`]: what real worlds have of the operating system.
//! - [`local`]: the same node as an operating-system process on loopback.
//! - [`external`]: programs that are not ours, started and broken, or as they run already.
//!
//! **Invariant:** a node learns the time, a number or a byte only from its [`Context`].
//!
//! **Invariant:** the order of effects is the order in which they happen: a message sent after a
//! `Sync` does not wait for it; what must be durable first waits for [`Node::on_synced`].

pub mod clock;
mod control;
pub mod external;
pub mod host;
pub mod local;
mod node;
pub mod sim;
pub mod wal;
mod world;

pub use control::{ClockReading, Control, FaultId, Probe, ProcessState};
pub use node::{
    Context, ContextParts, Disk, Effect, LinkKind, Node, RequestId, SyncFailed, SyncId, Timer,
};
pub use world::{Deployment, Occurrence, Reply, Submission, World};
