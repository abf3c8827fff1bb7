//! The same node on virtual time: one thread, one seed.

/// The network, the disks and the clocks of a simulated cluster.
#[derive(Clone, Debug)]
pub struct Options {}
