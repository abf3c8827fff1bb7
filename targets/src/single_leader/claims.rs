//! What the store promises, by its settings: rows SL-01, 02, 04, 05, 06 and 10 of the catalogue.

use polygraph_history::settings::Settings;
use polygraph_history::{FaultKind, Guarantee};

use super::config::{Replication, replication};
use crate::{Claim, Faults, Stance};

/// Every fault there is: what is documented to break stays broken, whatever else goes wrong.
const ANY_FAULT: Faults = Faults::of(&[
    FaultKind::PartitionCut,
    FaultKind::PartitionHold,
    FaultKind::PartitionOneWay,
    FaultKind::ClockJump,
    FaultKind::ClockDrift,
    FaultKind::ClockStrobe,
    FaultKind::Kill,
    FaultKind::Pause,
    FaultKind::SlowDelay,
    FaultKind::SlowLoss,
    FaultKind::Duplicate,
    FaultKind::Reorder,
    FaultKind::DiskLose,
    FaultKind::DiskTorn,
    FaultKind::DiskSyncError,
    FaultKind::DiskWipe,
]);

/// A promise. No clock decides what is in a log, connections neither double nor reorder, and
/// nothing is shown, sent or acknowledged before the disk has it; so it is kept under every fault
/// but an emptied disk.
const fn holds(row: &'static str, guarantee: Guarantee, why: &'static str) -> Claim {
    Claim {
        guarantee,
        bound: None,
        stance: Stance::Holds,
        faults: Faults::ALL_BUT_WIPE,
        world: None,
        row,
        why,
    }
}

/// What some run shows to be broken. Where a promise applies too, it is the one that counts.
const fn broken(row: &'static str, guarantee: Guarantee, why: &'static str) -> Claim {
    Claim {
        stance: Stance::Broken,
        faults: ANY_FAULT,
        ..holds(row, guarantee, why)
    }
}

const RECOVERS: Claim = holds(
    "",
    Guarantee::Recovers,
    "a node that starts resumes what it was, a leader says so all the time, and nobody waits for \
     anything that is not sent again",
);

const SYNC_READ_LEADER: &[Claim] = &[
    broken(
        "SL-01",
        Guarantee::Available,
        "a write waits for every node, also for one that cannot be reached",
    ),
    holds(
        "SL-01",
        Guarantee::Linearizable,
        "the only leader shows exactly what its disk cannot forget, in the order of its log",
    ),
    holds(
        "SL-01",
        Guarantee::Durable,
        "a write is acknowledged when every node has synced it, and no log is ever cut",
    ),
    holds(
        "SL-01",
        Guarantee::ReadYourWrites,
        "follows from linearizable",
    ),
    holds(
        "SL-01",
        Guarantee::MonotonicReads,
        "follows from linearizable",
    ),
];

const SYNC_READ_ANY: &[Claim] = &[
    broken(
        "SL-02",
        Guarantee::Available,
        "a write waits for every node, also for one that cannot be reached",
    ),
    holds(
        "SL-02",
        Guarantee::ReadYourWrites,
        "a write is acknowledged when every node has synced and applied it, and a restarted node \
         has applied what it had synced before it answers",
    ),
    holds(
        "SL-02",
        Guarantee::Durable,
        "a write is acknowledged when every node has synced it, and no log is ever cut",
    ),
    broken(
        "SL-02",
        Guarantee::Linearizable,
        "a node shows a write before it is acknowledged: one reader sees the new value, a later \
         one at another node the old",
    ),
    broken(
        "SL-02",
        Guarantee::MonotonicReads,
        "a session moves from a node that has applied a write to one that has not",
    ),
];

const ASYNC_READ_LEADER: &[Claim] = &[
    holds(
        "SL-04",
        Guarantee::Linearizable,
        "the only leader shows and acknowledges exactly what its disk cannot forget, in the order \
         of its log",
    ),
    holds(
        "SL-04",
        Guarantee::Durable,
        "the only leader acknowledges what its disk cannot forget, and never cuts its log",
    ),
    holds("", Guarantee::ReadYourWrites, "follows from linearizable"),
    holds("", Guarantee::MonotonicReads, "follows from linearizable"),
    broken(
        "SL-04",
        Guarantee::Durable,
        "a leader whose disk is emptied begins a new log, which its followers adopt",
    ),
];

const ASYNC_FAILOVER: &[Claim] = &[
    holds(
        "SL-05",
        Guarantee::Converges,
        "all nodes follow the highest epoch, whose leader resumes it after a restart, and cut what \
         is not in that leader's log",
    ),
    broken(
        "SL-05",
        Guarantee::Durable,
        "acknowledged writes that the new leader never had are cut off when the old one rejoins",
    ),
    broken(
        "SL-05",
        Guarantee::Linearizable,
        "the old leader answers reads and writes until it hears of the new one, which begins \
         without its last writes",
    ),
];

const ASYNC_READ_ANY: &[Claim] = &[
    holds(
        "SL-06",
        Guarantee::Converges,
        "every node has a beginning of the only leader's log and fetches the rest",
    ),
    holds(
        "SL-06",
        Guarantee::ConsistentPrefixTotal,
        "every node shows a beginning of the only leader's log, which extends the real-time order \
         of writes",
    ),
    broken(
        "SL-06",
        Guarantee::ReadYourWrites,
        "a session reads from a node that has not fetched its write yet",
    ),
    broken(
        "SL-06",
        Guarantee::MonotonicReads,
        "a session moves from a node that has fetched a write to one that has not",
    ),
    broken(
        "SL-06",
        Guarantee::Linearizable,
        "a node answers reads without what it has not fetched yet",
    ),
];

const ASYNC_UNFENCED: &[Claim] = &[
    broken(
        "SL-10",
        Guarantee::Linearizable,
        "two leaders serve their clients side by side, during the partition and for a while after",
    ),
    broken(
        "SL-10",
        Guarantee::Durable,
        "what the old leader acknowledged is cut off when it gives way at last",
    ),
];

/// What the store promises with these settings.
pub(super) fn claims(settings: &Settings) -> Vec<Claim> {
    let failover = settings.word("failover") == "timeout";
    let fencing = settings.word("fencing") == "epoch";
    let read_any = settings.word("read") == "any";
    let rows = match (replication(settings), read_any, failover) {
        (Replication::Sync, false, false) => SYNC_READ_LEADER,
        (Replication::Sync, true, false) => SYNC_READ_ANY,
        (Replication::Async, false, false) => ASYNC_READ_LEADER,
        (Replication::Async, true, false) => ASYNC_READ_ANY,
        (Replication::Async, false, true) if fencing => ASYNC_FAILOVER,
        (Replication::Async, false, true) => ASYNC_UNFENCED,
        _ => &[],
    };
    let mut claims = rows.to_vec();
    claims.push(RECOVERS);
    claims
}
