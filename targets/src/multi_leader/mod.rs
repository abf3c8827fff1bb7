//! A multi-leader store: every node takes writes at once and ships them to the others later.
//!
//! A node stamps a write with its wall clock, appends it to its own log, and acknowledges it when
//! it is synced. Every `ship` interval it sends each peer what that peer is not known to have: of
//! its own log, and with `relay=on` of all others', so that what a dead or cut-off node had sent to
//! one reaches all. Entries are numbered by the log that they stand in; a vector of numbers says
//! what somebody has. Links lose messages: entries are sent again until they are confirmed, and
//! taken in the order of their numbers. Only what is synced is shipped, since a number that a crash
//! takes back is given out again.
//!
//! Registers keep the write with the greatest stamp (time, node). An element of a set is a register
//! of its own (`key/element`), so that two adds never compete. A key that has elements is read as a
//! set, any other as a register.
//!
//! A node whose disk was emptied would number its writes from one again, and nobody would take
//! them: no claim covers that.
//!
//! Sources: Petersen et al., "Flexible Update Propagation for Weakly Consistent Replication" (Bayou),
//! SOSP 1997, section 3; Kleppmann, "Designing Data-Intensive Applications", chapter 5,
//! "Multi-Leader Replication".

mod claims;
mod copy;
mod message;
mod node;
#[cfg(test)]
mod tests;

use std::io;
use std::time::Duration;

use polygraph_cluster::{Deployment, World, local, sim};
use polygraph_history::settings::{Accepts, Knob, Settings};
use polygraph_history::{Key, NodeId, OpKind, format_duration};

use crate::{Bug, BuiltIn, Claim, Deploy, ErrorRow, Target};
use node::{Config, MultiLeader as Node};

/// The target.
#[derive(Debug)]
pub struct MultiLeader;

const KNOBS: &[Knob] = &[
    Knob {
        key: "topology",
        accepts: Accepts::Word(&["all-to-all"]),
        default: "all-to-all",
        about: "who ships to whom",
    },
    Knob {
        key: "conflict",
        accepts: Accepts::Word(&["lww"]),
        default: "lww",
        about: "which of two writes stays: that with the later time on the wall clock of its node",
    },
    Knob {
        key: "ship",
        accepts: Accepts::Duration,
        default: "50ms",
        about: "how often a node ships what others lack",
    },
    Knob {
        key: "relay",
        accepts: Accepts::Switch,
        default: "on",
        about: "whether a node ships what it has from others, besides its own writes",
    },
];

/// What `ship` may be: shorter is not shipping at intervals, longer never converges in time.
const SHIP: (Duration, Duration) = (Duration::from_millis(1), Duration::from_secs(60));

const BUGS: &[Bug] = &[
    Bug {
        name: "ack-before-fsync",
        about: "writes are acknowledged and shipped at once and the log is synced once a second, \
                as databases are set up that trade safety for speed (innodb_flush_log_at_trx_commit \
                = 2, appendfsync everysec): a node that dies forgets what it acknowledged, and \
                numbers new writes like lost ones that others have",
    },
    Bug {
        name: "version-vector-forgets-node",
        about: "after a restart the vectors of what others have lack the node's own entry, and a \
                missing entry is taken for all: what it had acknowledged and not yet shipped is \
                never shipped, as with a replication position that starts at the end of the log",
    },
];

const ERRORS: &[ErrorRow] = &[ErrorRow {
    error: "not-supported",
    outcome: "fail",
    why: "the operation is not offered, or a peek was asked of another node than its own",
}];

impl Target for MultiLeader {
    fn name(&self) -> &'static str {
        "multi-leader"
    }

    fn about(&self) -> &'static str {
        "a store in which every node takes writes and ships them to the others later"
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
        let ship = deployment.settings.duration("ship");
        if ship < SHIP.0 || ship > SHIP.1 {
            return Err(format!(
                "`ship={}` is not possible; `ship` may be {} to {}",
                format_duration(ship),
                format_duration(SHIP.0),
                format_duration(SHIP.1)
            ));
        }
        Ok(())
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

    fn replicas(&self, deployment: &Deployment, _: &Key) -> Vec<NodeId> {
        NodeId::all(deployment.nodes)
    }

    fn claims(&self, _: &Settings) -> Vec<Claim> {
        claims::CLAIMS.to_vec()
    }

    fn deploy(&self) -> Deploy<'_> {
        Deploy::BuiltIn(self)
    }
}

impl BuiltIn for MultiLeader {
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
