//! What the store tells of itself, and how it is deployed.

use std::io;
use std::time::Duration;

use polygraph_cluster::{Deployment, World, local, sim};
use polygraph_history::settings::{Accepts, Knob, Settings};
use polygraph_history::{Key, NodeId, OpKind, format_duration};

use super::config::Config;
use super::raft::Raft;
use crate::{Bug, BuiltIn, Claim, Deploy, ErrorRow, Target};

/// The target `consensus`.
#[derive(Debug)]
pub struct Consensus;

const KNOBS: &[Knob] = &[
    Knob {
        key: "read",
        accepts: Accepts::Word(&["quorum", "leader-local"]),
        default: "quorum",
        about: "whether a majority confirms the leader before it answers a read",
    },
    Knob {
        key: "election-min",
        accepts: Accepts::Duration,
        default: "150ms",
        about: "the shortest time without a leader after which a node stands for election",
    },
    Knob {
        key: "election-max",
        accepts: Accepts::Duration,
        default: "300ms",
        about: "the longest such time; each node draws its own, anew for every wait",
    },
    Knob {
        key: "heartbeat",
        accepts: Accepts::Duration,
        default: "50ms",
        about: "how often a leader is heard at least",
    },
];

/// The planted bugs.
pub(super) const BUGS: &[Bug] = &[
    Bug {
        name: "commit-before-quorum",
        about: "the leader commits what it alone has on disk, as if it were a cluster of one: a \
                new leader lacks acknowledged changes (d-engine issue 186)",
    },
    Bug {
        name: "count-old-term-entries",
        about: "a leader commits entries of earlier terms by counting replicas, which a later \
                leader may still overwrite (figure 8 of the Raft paper; LogCabin issue 44, \
                canonical/raft issue 220)",
    },
    Bug {
        name: "forget-vote",
        about: "a node keeps its vote in memory only: it crashes, votes again in the same term, \
                and two nodes lead it (in akka-raft, issue 56, and Hazelcast, pull request 16643, \
                a change of role was enough to forget)",
    },
    Bug {
        name: "ack-before-fsync",
        about: "nodes count entries before they are on disk and sync them once a second: crashes \
                take acknowledged changes with them (NATS JetStream 2.12.1, as Jepsen found, with \
                two minutes; d-engine issue 329)",
    },
    Bug {
        name: "stale-leader-reads",
        about: "read=quorum is served as read=leader-local: a deposed leader answers from the past \
                (etcd 0.4.1 and Consul 0.4.1, as Jepsen found)",
    },
    Bug {
        name: "read-index-reused",
        about: "a read takes part in a round of confirmation that was under way when it came, and \
                may have been answered before (of the kind of etcd issue 20418)",
    },
    Bug {
        name: "apply-uncommitted",
        about: "a follower takes the leader's commit index for entries that it has not compared \
                with the leader's log, and applies its own uncommitted ones (ScyllaDB issue 10578)",
    },
];

const ERRORS: &[ErrorRow] = &[
    ErrorRow {
        error: "cas-mismatch",
        outcome: "fail",
        why: "a committed entry of the log found another value and changed nothing",
    },
    ErrorRow {
        error: "unavailable",
        outcome: "fail",
        why: "no leader was known while the request was held, so that it was never sent; or a read \
              was not confirmed in time, and a read changes nothing",
    },
    ErrorRow {
        error: "timeout",
        outcome: "info",
        why: "a change was given to a leader and nothing came back: it may be committed yet",
    },
    ErrorRow {
        error: "not-supported",
        outcome: "fail",
        why: "the operation is not offered",
    },
];

impl Target for Consensus {
    fn name(&self) -> &'static str {
        "consensus"
    }

    fn about(&self) -> &'static str {
        "registers, lists, sets and transactions, replicated by consensus (Raft)"
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
        let config = Config::of(deployment);
        let [heartbeat, min, max] =
            [config.heartbeat, config.election_min, config.election_max].map(format_duration);
        if config.heartbeat < Duration::from_micros(100) {
            return Err(format!(
                "`heartbeat={heartbeat}` is too short; the shortest is 100us"
            ));
        }
        if config.heartbeat >= config.election_min {
            return Err(format!(
                "`heartbeat={heartbeat}` leaves no heartbeat in `election-min={min}`; it must be \
                 shorter"
            ));
        }
        if config.election_min > config.election_max {
            return Err(format!(
                "`election-min={min}` is longer than `election-max={max}`; it may be as long"
            ));
        }
        Ok(())
    }

    fn supports(&self, _: &Settings) -> &'static [OpKind] {
        &[
            OpKind::Read,
            OpKind::Write,
            OpKind::Cas,
            OpKind::Peek,
            OpKind::Add,
            OpKind::Remove,
            OpKind::Txn,
        ]
    }

    fn has_leader(&self) -> bool {
        true
    }

    fn reads_anywhere(&self, _: &Settings) -> bool {
        false
    }

    fn replicas(&self, deployment: &Deployment, _: &Key) -> Vec<NodeId> {
        NodeId::all(deployment.nodes)
    }

    fn claims(&self, settings: &Settings) -> Vec<Claim> {
        super::claims::claims(settings.word("read") == "quorum")
    }

    fn deploy(&self) -> Deploy<'_> {
        Deploy::BuiltIn(self)
    }
}

impl BuiltIn for Consensus {
    fn simulate(&self, deployment: &Deployment, options: &sim::Options) -> Box<dyn World> {
        let config = Config::of(deployment);
        Box::new(sim::Sim::new(deployment, options, move |id| {
            Raft::new(config, id)
        }))
    }

    fn serve(&self, deployment: &Deployment, seat: local::Seat) -> io::Result<()> {
        let config = Config::of(deployment);
        local::serve(deployment, seat, move |id| Raft::new(config, id))
    }
}
