//! What the store promises, by its settings.

use polygraph_history::Guarantee;

use crate::{Claim, Faults, Stance};

/// The claims: rows CO-01 and CO-02 of the catalogue, and what follows from them.
pub(super) fn claims(is_quorum: bool) -> Vec<Claim> {
    if is_quorum { quorum() } else { leader_local() }
}

/// A claim under every fault but an emptied disk.
const fn claim(
    guarantee: Guarantee,
    stance: Stance,
    row: &'static str,
    why: &'static str,
) -> Claim {
    Claim {
        guarantee,
        bound: None,
        stance,
        faults: Faults::ALL_BUT_WIPE,
        world: None,
        row,
        why,
    }
}

fn quorum() -> Vec<Claim> {
    let holds = |guarantee, row, why| claim(guarantee, Stance::Holds, row, why);
    let mut claims = vec![
        holds(
            Guarantee::Linearizable,
            "CO-01",
            "changes take effect where they stand in one log, reads where a majority confirmed the \
             leader after they came",
        ),
        holds(
            Guarantee::StrictSerializable,
            "CO-01",
            "a transaction is one entry of the log, its reads inside",
        ),
        holds(
            Guarantee::Serializable,
            "CO-01",
            "it is strictly serializable",
        ),
        holds(Guarantee::ReadYourWrites, "CO-01", "it is linearizable"),
        holds(Guarantee::MonotonicReads, "CO-01", "it is linearizable"),
        holds(
            Guarantee::ConsistentPrefixTotal,
            "CO-01",
            "every read sees a beginning of the one log",
        ),
    ];
    claims.extend(log("CO-01"));
    claims
}

fn leader_local() -> Vec<Claim> {
    let mut claims = vec![
        claim(
            Guarantee::Linearizable,
            Stance::Broken,
            "CO-02",
            "a leader that was deposed and has not heard of it answers from the past",
        ),
        claim(
            Guarantee::StrictSerializable,
            Stance::Broken,
            "CO-02",
            "as linearizable: transactions go through the log, single reads do not",
        ),
        claim(
            Guarantee::MonotonicReads,
            Stance::Broken,
            "CO-02",
            "a session that moves to another node meets the new leader and then the old one; with \
             one node for the whole session it holds",
        ),
        claim(
            Guarantee::Serializable,
            Stance::Holds,
            "CO-02",
            "every read sees the state after some entry of the one log",
        ),
        claim(
            Guarantee::ConsistentPrefixTotal,
            Stance::Holds,
            "CO-02",
            "every read sees a beginning of the one log",
        ),
    ];
    claims.extend(log("CO-02"));
    claims
}

/// What the log alone gives, however reads are served.
fn log(row: &'static str) -> [Claim; 5] {
    let holds = |guarantee, why| claim(guarantee, Stance::Holds, row, why);
    [
        holds(
            Guarantee::Durable,
            "what is acknowledged is on the disks of a majority, and no node leads without it",
        ),
        holds(
            Guarantee::Converges,
            "every node applies the same entries in the same order",
        ),
        holds(
            Guarantee::NoResurrection,
            "a removal stands in the one log, after the adds that ended before it",
        ),
        Claim {
            faults: Faults::SEPARATING,
            ..holds(
                Guarantee::Available,
                "a majority that can talk has a leader within two seconds, and whoever is not it \
                 sends its clients' requests there",
            )
        },
        holds(
            Guarantee::Recovers,
            "a majority that can talk elects a leader, and whoever comes back catches up from it",
        ),
    ]
}
