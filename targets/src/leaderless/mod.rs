//! A leaderless store in the manner of Dynamo: n copies of a key, writes to w, reads from r.
//!
//! The node that a client asks coordinates the request: it sends it to all n replicas of the key
//! and answers when enough of them have. See `coordinator` for the rounds of a request and for
//! why they give what `claims` promises, `replica` for a node's own copy.
//!
//! Registers are values with versions; an element of a set is a register of its own, placed where
//! the set is (`key/element`), so that two adds never compete. A key that has elements is read as
//! a set, any other as a register.
//!
//! Sources: `DeCandia` et al., "Dynamo: Amazon's Highly Available Key-value Store", SOSP 2007,
//! sections 4.5 and 4.6; Kleppmann, "Designing Data-Intensive Applications", chapter 5,
//! "Leaderless Replication".

mod claims;
mod config;
mod coordinator;
mod message;
mod node;
mod replica;
#[cfg(test)]
mod tests;

use std::io;

use polygraph_cluster::{Deployment, World, local, sim};
use polygraph_history::settings::{Accepts, Knob, Settings};
use polygraph_history::{Key, NodeId, OpKind};

use crate::{Bug, BuiltIn, Claim, Deploy, ErrorRow, Target};
use config::{Config, Repair};
use node::Leaderless as Node;

/// The target.
#[derive(Debug)]
pub struct Leaderless;

const KNOBS: &[Knob] = &[
    Knob {
        key: "n",
        accepts: Accepts::Integer(1, 99),
        default: "3",
        about: "copies of a key",
    },
    Knob {
        key: "w",
        accepts: Accepts::Integer(1, 99),
        default: "2",
        about: "replicas that must have synced a write before it is acknowledged",
    },
    Knob {
        key: "r",
        accepts: Accepts::Integer(1, 99),
        default: "2",
        about: "replicas that must have answered a read",
    },
    Knob {
        key: "version",
        accepts: Accepts::Word(&["lww", "abd"]),
        default: "lww",
        about: "where a write's version comes from: the coordinator's wall clock, or a read quorum",
    },
    Knob {
        key: "repair",
        accepts: Accepts::Word(&["off", "async", "sync"]),
        default: "off",
        about: "whether reads bring replicas what they lack, after they have answered or before",
    },
    Knob {
        key: "coordinator",
        accepts: Accepts::Word(&["node"]),
        default: "node",
        about: "who asks the replicas: the node that the client asks",
    },
];

const BUGS: &[Bug] = &[
    Bug {
        name: "ack-before-fsync",
        about: "a replica acknowledges writes at once and syncs its log once a second, as Cassandra \
                does by default (commitlog_sync: periodic): a node that dies forgets what it \
                acknowledged",
    },
    Bug {
        name: "abd-no-write-back",
        about: "with repair=sync a read returns the newest version without waiting until a write \
                quorum has it, as quorum stores do whose read repair does not block: of two reads \
                one after the other the second may return the older value",
    },
    Bug {
        name: "repair-overwrites-newer",
        about: "a replica takes what a read repair brings without comparing versions, so that a \
                repair that is late puts an old value over a newer one: hints and repairs must \
                carry the write's own version and be merged like writes",
    },
];

const ERRORS: &[ErrorRow] = &[
    ErrorRow {
        error: "too-few-acks",
        outcome: "info",
        why: "fewer than w replicas confirmed the write in time; those that stored it keep it",
    },
    ErrorRow {
        error: "unavailable",
        outcome: "fail",
        why: "too few replicas answered a read, which has no effect, or the first round of a write \
              (version=abd), before which nothing is sent to be stored",
    },
    ErrorRow {
        error: "not-supported",
        outcome: "fail",
        why: "the operation is not offered, or a peek was asked of another node than its own",
    },
];

impl Target for Leaderless {
    fn name(&self) -> &'static str {
        "leaderless"
    }

    fn about(&self) -> &'static str {
        "a quorum store in the manner of Dynamo: n copies of a key, writes to w, reads from r"
    }

    fn knobs(&self) -> &'static [Knob] {
        KNOBS
    }

    fn bugs(&self) -> &'static [Bug] {
        BUGS
    }

    fn errors(&self) -> &'static [ErrorRow] {
        ERRORS
    }

    fn validate(&self, deployment: &Deployment) -> Result<(), String> {
        let Config { n, w, r, .. } = Config::from_settings(&deployment.settings);
        if n > deployment.nodes {
            return Err(format!(
                "`n={n}` copies of a key need as many nodes, and there are {}; `n` may be 1 to {}",
                deployment.nodes, deployment.nodes
            ));
        }
        for (key, count) in [("w", w), ("r", r)] {
            if count > n {
                return Err(format!(
                    "`{key}={count}` is more than the copies of a key (`n={n}`); `{key}` may be 1 \
                     to {n}"
                ));
            }
        }
        bug_fits(&Config::of(deployment))
    }

    fn supports(&self, _: &Settings) -> &'static [OpKind] {
        &[OpKind::Read, OpKind::Write, OpKind::Add, OpKind::Peek]
    }

    fn has_leader(&self) -> bool {
        false
    }

    fn reads_anywhere(&self, _: &Settings) -> bool {
        false
    }

    fn replicas(&self, deployment: &Deployment, key: &Key) -> Vec<NodeId> {
        Config::of(deployment).replicas(key, &NodeId::all(deployment.nodes))
    }

    fn claims(&self, settings: &Settings) -> Vec<Claim> {
        claims::claims(&Config::from_settings(settings))
    }

    fn deploy(&self) -> Deploy<'_> {
        Deploy::BuiltIn(self)
    }
}

impl BuiltIn for Leaderless {
    fn simulate(&self, deployment: &Deployment, options: &sim::Options) -> Box<dyn World> {
        let config = Config::of(deployment);
        Box::new(sim::Sim::new(deployment, options, move |_| {
            Node::new(config)
        }))
    }

    fn serve(&self, deployment: &Deployment, seat: local::Seat) -> io::Result<()> {
        let config = Config::of(deployment);
        local::serve(deployment, seat, move |_| Node::new(config))
    }
}

/// Whether the planted bug can do anything with these settings.
fn bug_fits(config: &Config) -> Result<(), String> {
    if config.abd_no_write_back && config.repair != Repair::Sync {
        return Err("the bug `abd-no-write-back` needs `repair=sync`".to_owned());
    }
    if config.repair_overwrites_newer && config.repair == Repair::Off {
        return Err(
            "the bug `repair-overwrites-newer` needs `repair=async` or `repair=sync`".to_owned(),
        );
    }
    Ok(())
}
