//! What a node is told when it is made: settings, and the planted bug if there is one.

use std::time::Duration;

use polygraph_cluster::Deployment;

/// The settings of a node.
#[derive(Clone, Copy, Debug)]
pub(super) struct Config {
    /// Whether a majority confirms the leader before it answers a read, and whether a leader that
    /// hears from no majority stops leading: the same question, asked on demand and all the time.
    pub(super) confirm: bool,
    /// The shortest election timeout.
    pub(super) election_min: Duration,
    /// The longest.
    pub(super) election_max: Duration,
    /// How often a leader is heard at least.
    pub(super) heartbeat: Duration,
    /// The most entries in one message.
    pub(super) batch: usize,
    /// The mistake it is to make.
    pub(super) bug: Option<Mistake>,
}

/// The planted bugs; [`super::target::BUGS`] says of each what it is and where it was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mistake {
    CommitBeforeQuorum,
    CountOldTermEntries,
    ForgetVote,
    AckBeforeFsync,
    StaleLeaderReads,
    ReadIndexReused,
    ApplyUncommitted,
}

impl Mistake {
    /// The mistake of this name.
    fn named(name: &str) -> Option<Mistake> {
        Some(match name {
            "commit-before-quorum" => Mistake::CommitBeforeQuorum,
            "count-old-term-entries" => Mistake::CountOldTermEntries,
            "forget-vote" => Mistake::ForgetVote,
            "ack-before-fsync" => Mistake::AckBeforeFsync,
            "stale-leader-reads" => Mistake::StaleLeaderReads,
            "read-index-reused" => Mistake::ReadIndexReused,
            "apply-uncommitted" => Mistake::ApplyUncommitted,
            _ => return None,
        })
    }
}

impl Config {
    /// The configuration of every node of a deployment.
    pub(super) fn of(deployment: &Deployment) -> Config {
        let settings = &deployment.settings;
        let bug = deployment.bug.as_deref().and_then(Mistake::named);
        Config {
            confirm: settings.word("read") == "quorum" && bug != Some(Mistake::StaleLeaderReads),
            election_min: settings.duration("election-min"),
            election_max: settings.duration("election-max"),
            heartbeat: settings.duration("heartbeat"),
            // Together with an entry of the leader's own term those of earlier ones are safe; the
            // mistake shows only where they may travel alone.
            batch: if bug == Some(Mistake::CountOldTermEntries) {
                1
            } else {
                4096
            },
            bug,
        }
    }

    /// Whether the node makes this mistake.
    pub(super) fn errs(&self, mistake: Mistake) -> bool {
        self.bug == Some(mistake)
    }
}
