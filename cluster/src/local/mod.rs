//! The same node as an operating-system process on loopback.
//!
//! - [`Local`]: a cluster of processes; a [`crate::World`]. [`Program`], [`Options`].
//! - [`serve`], [`Seat`]: the other side: one node in a process that a harness started.
//! - [`Driver`], [`Input`]: the heart of such a process, without sockets and files.
//! - [`sweep`], [`Registry`]: cleans up what harnesses that died left behind.
//! - [`survives`]: whether a message between nodes can be sent as bytes.
//!
//! ```text
//! harness ─┬─ standard input and output of every node: seat, orders; notices
//!          ├─ a proxy for every ordered pair: n1 → proxy(n1→n2) → n2
//!          └─ a connection for every client and node it talks to
//! ```
//!
//! **Invariant:** nothing survives a run: no process, port or file. A harness that is dropped ends
//! its nodes and removes their folder. When it is killed, the system kills its nodes (Linux) and
//! their standard input ends (everywhere); its files are removed by the next [`sweep`].

mod client;
mod cluster;
mod control;
mod disk;
mod driver;
mod frame;
mod link;
mod proxy;
mod seat;
mod serve;
mod station;
mod traffic;
mod wire;

pub use crate::host::{Registry, Swept, sweep};
pub use cluster::{Local, Options, Program};
pub use control::CAPABILITIES;
pub use driver::{Driver, Input};
pub use seat::Seat;
pub use serve::serve;
pub use wire::survives;
