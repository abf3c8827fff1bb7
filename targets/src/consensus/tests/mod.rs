//! Tests of the whole node: transcripts that read like the protocol, and random runs under faults.

mod faults;
mod fuzz;
mod session;
mod stage;
mod transcripts;
mod watch;

use super::config::Config;
use super::raft::Raft;

#[test]
fn both_drivers_make_the_same_of_it() {
    crate::conformance::agree(&super::Consensus, &[], |deployment, id| {
        Raft::new(Config::of(deployment), id)
    });
}
