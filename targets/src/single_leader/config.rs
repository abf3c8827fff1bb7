//! The settings of a deployment, read once.

use std::time::Duration;

use polygraph_cluster::Deployment;
use polygraph_history::settings::{Accepts, Knob, Settings};

use crate::Bug;

/// The settings.
pub(super) const KNOBS: &[Knob] = &[
    Knob {
        key: "replication",
        accepts: Accepts::Word(&["sync", "semi-sync", "async"]),
        default: "async",
        about: "Who has synced a write before it is acknowledged: all nodes, the leader and one follower, the leader.",
    },
    Knob {
        key: "read",
        accepts: Accepts::Word(&["leader", "any"]),
        default: "leader",
        about: "Who answers reads: the leader, or any node from its own copy.",
    },
    Knob {
        key: "failover",
        accepts: Accepts::Word(&["none", "timeout"]),
        default: "none",
        about: "Whether a follower that no longer hears the leader makes itself leader.",
    },
    Knob {
        key: "fencing",
        accepts: Accepts::Word(&["off", "epoch"]),
        default: "epoch",
        about: "Whether nodes refuse what comes from an older epoch.",
    },
    Knob {
        key: "ship",
        accepts: Accepts::Duration,
        default: "50ms",
        about: "How often followers fetch the log, unless they are synchronous.",
    },
    Knob {
        key: "failover-timeout",
        accepts: Accepts::Duration,
        default: "1s",
        about: "How long the leader must be silent before a follower takes its place.",
    },
];

/// The planted bugs.
pub(super) const BUGS: &[Bug] = &[
    Bug {
        name: "ack-before-fsync",
        about: "the leader shows and acknowledges a write when it is written and syncs every 200 ms only, \
                as stores with a periodic fsync do; a crash forgets acknowledged writes",
    },
    Bug {
        name: "skip-truncation",
        about: "a node that rejoins continues behind its own last entry without comparing it with the \
                leader's, as replicas do that keep only a number of their position; an old leader \
                keeps its divergent tail",
    },
];

/// Who has synced a write before it is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Replication {
    /// The leader and all followers.
    Sync,
    /// The leader and one follower, whichever is first.
    SemiSync,
    /// The leader.
    Async,
}

/// A mistake to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mistake {
    AckBeforeFsync,
    SkipTruncation,
}

/// The settings of a deployment, as the protocol uses them.
#[derive(Clone, Debug)]
pub(super) struct Config {
    pub(super) replication: Replication,
    /// Reads are answered by the node that is asked.
    pub(super) read_any: bool,
    /// Followers promote themselves.
    pub(super) failover: bool,
    /// Lower epochs are refused.
    pub(super) fencing: bool,
    pub(super) ship: Duration,
    pub(super) failover_timeout: Duration,
    pub(super) mistake: Option<Mistake>,
}

impl Config {
    /// The settings and the bug of a deployment. An unknown bug is none; `validate` refuses it.
    pub(super) fn of(deployment: &Deployment) -> Config {
        let settings = &deployment.settings;
        Config {
            replication: replication(settings),
            read_any: settings.word("read") == "any",
            failover: settings.word("failover") == "timeout",
            fencing: settings.word("fencing") == "epoch",
            ship: settings.duration("ship"),
            failover_timeout: settings.duration("failover-timeout"),
            mistake: match deployment.bug.as_deref() {
                Some("ack-before-fsync") => Some(Mistake::AckBeforeFsync),
                Some("skip-truncation") => Some(Mistake::SkipTruncation),
                _ => None,
            },
        }
    }

    pub(super) fn makes(&self, mistake: Mistake) -> bool {
        self.mistake == Some(mistake)
    }

    /// How many followers must have synced a write of so many.
    pub(super) fn needed(&self, followers: usize) -> usize {
        match self.replication {
            Replication::Sync => followers,
            Replication::SemiSync => followers.min(1),
            Replication::Async => 0,
        }
    }

    /// How often the leader says that it lives: five times within the failover timeout.
    pub(super) fn heartbeat(&self) -> Duration {
        (self.failover_timeout / 5).min(Duration::from_millis(200))
    }
}

/// The word of the setting `replication`.
pub(super) fn replication(settings: &Settings) -> Replication {
    match settings.word("replication") {
        "sync" => Replication::Sync,
        "semi-sync" => Replication::SemiSync,
        _ => Replication::Async,
    }
}

/// Whether settings and cluster fit together.
pub(super) fn validate(deployment: &Deployment) -> Result<(), String> {
    let least = |key: &str, least: Duration| match deployment.settings.duration(key) < least {
        true => Err(format!("`{key}` wants at least {}ms", least.as_millis())),
        false => Ok(()),
    };
    if deployment.nodes == 0 {
        return Err("`single-leader` wants at least one node".to_owned());
    }
    least("ship", Duration::from_millis(1))?;
    least("failover-timeout", Duration::from_millis(50))?;
    if deployment.bug.as_deref() == Some("skip-truncation")
        && deployment.settings.word("failover") == "none"
    {
        return Err("`skip-truncation` wants failover=timeout: without, no log is cut".to_owned());
    }
    match &deployment.bug {
        Some(bug) if BUGS.iter().all(|known| known.name != bug) => {
            let names: Vec<_> = BUGS.iter().map(|bug| bug.name).collect();
            Err(format!(
                "`single-leader` has no bug `{bug}`; it has {}",
                names.join(", ")
            ))
        }
        _ => Ok(()),
    }
}
