//! Single-leader replication by log: one node orders all changes, the others copy its log.
//!
//! - `node`: one node, how it starts and who handles what.
//! - `leader`: ordering, shipping, acknowledging; why reads at the leader are linearizable.
//! - `follower`: fetching, and taking over when the leader is silent.
//! - `clients`: requests, and how they are forwarded.
//! - `epoch`, `log`, `journal`, `store`, `message`: what these are about.
//! - `config`, `claims`: settings, planted bugs, promises.
//!
//! **The protocol.** The first node leads at the beginning. Any node takes requests and forwards
//! to the leader what the leader must do. The leader appends a change to its log, and when its
//! disk cannot forget it, shows it, acknowledges it (`replication=async`) and offers it to its
//! followers; with `semi-sync` it acknowledges when one of them has synced it, with `sync` when
//! all have. Followers fetch the log from their own end every `ship`; synchronous ones are sent
//! it at once, and fetch only what they have missed. What a node has synced it shows.
//!
//! **Failover** (`failover=timeout`). A follower that has not heard the leader for too long makes
//! itself leader: in an epoch with a number above all that it has heard of, and its own name, so
//! that no two are equal; it is on its disk before it is used. It asks nobody, so it may lack
//! what the old leader acknowledged, and the old leader may still serve. Every node follows the
//! highest epoch that it hears of and cuts its own log where that leader's is another. This is
//! the naive protocol of the textbooks, without the quorum that would make it safe.
//!
//! **No fencing** (`fencing=off`). Nobody compares epochs when it serves or takes data. An old
//! leader goes on with everybody who believes in it, during the partition and after. Only five
//! failover timeouts after it first heard of a later leader is it reconfigured to follow, as by
//! a slow supervisor or an operator; then it cuts its log.
//!
//! **Invariant:** what is shown, sent to followers or acknowledged is on the node's own disk.
//!
//! **Invariant:** two logs that hold the same position are equal up to it.
//!
//! Where this is told: M. Kleppmann, *Designing Data-Intensive Applications*, chapter 5,
//! "Leaders and followers" and "Handling node outages".

mod claims;
mod clients;
mod config;
mod epoch;
mod follower;
mod journal;
mod leader;
mod log;
mod message;
mod node;
mod store;
#[cfg(test)]
mod tests;

use std::io;

use polygraph_cluster::sim::{self, Sim};
use polygraph_cluster::{Deployment, World, local};
use polygraph_history::settings::{Knob, Settings};
use polygraph_history::{Key, NodeId, OpKind};

use crate::{Bug, BuiltIn, Claim, Deploy, ErrorRow, Target};
use config::Config;

/// Single-leader replication by log.
#[derive(Debug)]
pub struct SingleLeader;

const ERRORS: &[ErrorRow] = &[
    ErrorRow {
        error: "cas-mismatch",
        outcome: "fail",
        why: "the leader found another value, and logged nothing",
    },
    ErrorRow {
        error: "not-leader",
        outcome: "fail",
        why: "the node that was asked to lead did not, logged nothing, and nobody asks again",
    },
    ErrorRow {
        error: "unavailable",
        outcome: "fail",
        why: "a leader that does not lead yet logs nothing; a forwarded read that was not answered \
              in time had no effect",
    },
    ErrorRow {
        error: "not-supported",
        outcome: "fail",
        why: "the store does not offer the operation, or was asked to peek at another node",
    },
    ErrorRow {
        error: "timeout",
        outcome: "info",
        why: "a forwarded change, or its answer, was lost or is late; or too few followers have \
              confirmed a change that is in the leader's log",
    },
    ErrorRow {
        error: message::LEADERSHIP_LOST,
        outcome: "info",
        why: "the change is in the log of a leader that gave way to another, which may have it or \
              not",
    },
];

impl Target for SingleLeader {
    fn name(&self) -> &'static str {
        "single-leader"
    }

    fn about(&self) -> &'static str {
        "One node orders all changes in a log that the others copy: synchronously or not, with or \
         without failover."
    }

    fn knobs(&self) -> &'static [Knob] {
        config::KNOBS
    }

    fn bugs(&self) -> &'static [Bug] {
        config::BUGS
    }

    fn errors(&self) -> &'static [ErrorRow] {
        ERRORS
    }

    fn validate(&self, deployment: &Deployment) -> Result<(), String> {
        config::validate(deployment)
    }

    fn supports(&self, _settings: &Settings) -> &'static [OpKind] {
        &[
            OpKind::Read,
            OpKind::Write,
            OpKind::Cas,
            OpKind::Add,
            OpKind::Peek,
        ]
    }

    fn has_leader(&self) -> bool {
        true
    }

    fn reads_anywhere(&self, settings: &Settings) -> bool {
        settings.word("read") == "any"
    }

    fn replicas(&self, deployment: &Deployment, _key: &Key) -> Vec<NodeId> {
        NodeId::all(deployment.nodes)
    }

    fn claims(&self, settings: &Settings) -> Vec<Claim> {
        claims::claims(settings)
    }

    fn deploy(&self) -> Deploy<'_> {
        Deploy::BuiltIn(self)
    }
}

impl BuiltIn for SingleLeader {
    fn simulate(&self, deployment: &Deployment, options: &sim::Options) -> Box<dyn World> {
        let config = Config::of(deployment);
        let make = move |_| node::SingleLeader::new(config.clone());
        Box::new(Sim::new(deployment, options, make))
    }

    fn serve(&self, deployment: &Deployment, seat: local::Seat) -> io::Result<()> {
        let config = Config::of(deployment);
        let make = move |_| node::SingleLeader::new(config.clone());
        local::serve(deployment, seat, make)
    }
}
