//! Tests of the whole node: transcripts that read like the protocol, and random runs under faults.

mod faults;
mod fuzz;
mod session;
mod stage;
mod transcripts;
mod watch;
