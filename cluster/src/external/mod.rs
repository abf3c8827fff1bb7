//! A system of programs that are not ours, on loopback or wherever it runs already.
//!
//! - [`External`]: start here; a cluster of them, a [`crate::World`].
//! - [`Programs`], [`Nodes`], [`Started`], [`Words`]: what it consists of. [`Unfillable`].
//! - [`Guard`]: how every program gets a guard that ends it when the harness dies.
//!
//! ```text
//! harness ─┬─ guard ── node                 one of each for every node
//!          ├─ gates for every ordered pair: n1 → port → gate(n1→n2) → n2
//!          └─ guard ── client program       one for every client and node it talks to
//! ```
//!
//! **Invariant:** nothing survives a run: no process, port or file. A harness that is dropped ends
//! what it started and removes its folder. When it is killed, the guards' standard input ends, and
//! they kill what they guard with all that it has started; files are removed by the next
//! [`crate::host::sweep`].

mod client;
mod cluster;
mod control;
mod forward;
mod gate;
mod program;
mod programs;
mod speech;
mod template;

pub use cluster::External;
pub use program::Guard;
pub use programs::{Nodes, Programs, Started, Words};
pub use template::Unfillable;
