//! The same node as an operating-system process on loopback.

/// What a node process is told by the harness that started it.
#[derive(Debug)]
pub struct Seat {}
