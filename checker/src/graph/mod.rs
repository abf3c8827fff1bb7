//! Directed graphs in compact arrays, for checkers whose evidence is a cycle.
//!
//! - [`Graph`]: labelled edges, sorted by where they begin; it implements petgraph's `visit`
//!   traits, so that petgraph's algorithms run on it.
//! - [`strongly_connected`]: the parts of a graph in which every node reaches every other.
//!
//! **Invariant:** nothing here recurses: a history of ten million operations may be one chain.

mod compact;
mod components;
mod visit;

pub(crate) use compact::{Edge, Graph, Labels};
pub(crate) use components::strongly_connected;
