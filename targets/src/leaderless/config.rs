//! The settings of a node, read once.

use polygraph_cluster::Deployment;
use polygraph_history::random::text;
use polygraph_history::settings::Settings;
use polygraph_history::{Key, NodeId};

/// How a write gets its version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// From the coordinator's wall clock: the last writer wins.
    Lww,
    /// From a read quorum.
    Abd,
}

/// What a read does about replicas that turn out to be behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repair {
    /// Nothing.
    Off,
    /// It brings them what they lack after it has answered.
    Async,
    /// It answers when a write quorum has what it returns.
    Sync,
}

/// The settings and the planted bug.
#[derive(Clone, Copy, Debug)]
pub(super) struct Config {
    /// Copies of a key.
    pub(super) n: usize,
    /// Replicas that must have synced a write before it is acknowledged.
    pub(super) w: usize,
    /// Replicas that must have answered a read.
    pub(super) r: usize,
    pub(super) version: Version,
    pub(super) repair: Repair,
    pub(super) ack_before_fsync: bool,
    pub(super) abd_no_write_back: bool,
    pub(super) repair_overwrites_newer: bool,
}

impl Config {
    pub(super) fn of(deployment: &Deployment) -> Config {
        let bug = |name| deployment.bug.as_deref() == Some(name);
        Config {
            ack_before_fsync: bug("ack-before-fsync"),
            abd_no_write_back: bug("abd-no-write-back"),
            repair_overwrites_newer: bug("repair-overwrites-newer"),
            ..Config::from_settings(&deployment.settings)
        }
    }

    /// Without a bug.
    pub(super) fn from_settings(settings: &Settings) -> Config {
        let count = |key| usize::try_from(settings.integer(key)).unwrap_or(1);
        Config {
            n: count("n"),
            w: count("w"),
            r: count("r"),
            version: match settings.word("version") {
                "abd" => Version::Abd,
                _ => Version::Lww,
            },
            repair: match settings.word("repair") {
                "sync" => Repair::Sync,
                "async" => Repair::Async,
                _ => Repair::Off,
            },
            ack_before_fsync: false,
            abd_no_write_back: false,
            repair_overwrites_newer: false,
        }
    }

    /// Whether every set of w replicas shares one with every set of r.
    pub(super) const fn quorums_meet(&self) -> bool {
        self.w + self.r > self.n
    }

    /// The replicas of a key: n consecutive nodes of the ring, from the hash of the key on. The
    /// elements of a set are where the set is.
    pub(super) fn replicas(&self, key: &Key, nodes: &[NodeId]) -> Vec<NodeId> {
        if nodes.is_empty() {
            return Vec::new();
        }
        let first = (text(&key.0) % nodes.len() as u64) as usize;
        let count = self.n.min(nodes.len());
        (0..count)
            .map(|step| nodes[(first + step) % nodes.len()])
            .collect()
    }
}
