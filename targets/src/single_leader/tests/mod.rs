//! Tests: transcripts of the protocol, and many runs in the simulator.

mod checks;
mod fuzz;
mod script;
mod stage;

use super::config::Config;
use super::node::SingleLeader as Node;

#[test]
fn both_drivers_make_the_same_of_it() {
    for settings in [&[][..], &[("replication", "sync"), ("failover", "timeout")]] {
        crate::conformance::agree(&super::SingleLeader, settings, |deployment, _| {
            Node::new(Config::of(deployment))
        });
    }
}
