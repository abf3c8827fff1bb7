//! What the store promises, by its settings.
//!
//! Where clocks were right, a claim for right clocks and one for any clocks both apply: then what
//! holds counts.

use polygraph_history::{Bound, FaultKind, Guarantee, Side};

use super::config::{Config, Repair, Version};
use crate::{Claim, Faults, Stance};

/// The claims; `coordinator` argues the first of them.
pub(super) fn claims(config: &Config) -> Vec<Claim> {
    let mut claims = vec![Claim {
        guarantee: Guarantee::Recovers,
        bound: None,
        stance: Stance::Holds,
        faults: Faults::WITH_CLOCKS,
        world: None,
        row: "",
        why: "a node keeps no state between requests but its copy, and serves as soon as it has \
              read its log",
    }];
    match config.repair {
        Repair::Off => claims.push(broken(
            Guarantee::Converges,
            Faults::WITH_CLOCKS,
            "",
            "a replica that missed a write is never told of it",
        )),
        Repair::Async | Repair::Sync => claims.push(broken(
            Guarantee::Converges,
            Faults::WITH_CLOCKS,
            "LL-08",
            "a replica that missed a write is told of it only when somebody reads the key",
        )),
    }
    claims.extend(available(config));
    match (config.version, config.repair) {
        (Version::Abd, Repair::Sync) if config.quorums_meet() => abd(&mut claims),
        // It is not claimed to be anything.
        (Version::Abd, _) => {}
        (Version::Lww, _) => lww(config, &mut claims),
    }
    claims
}

const fn holds(
    guarantee: Guarantee,
    faults: Faults,
    row: &'static str,
    why: &'static str,
) -> Claim {
    Claim {
        guarantee,
        bound: None,
        stance: Stance::Holds,
        faults,
        world: None,
        row,
        why,
    }
}

const fn broken(
    guarantee: Guarantee,
    faults: Faults,
    row: &'static str,
    why: &'static str,
) -> Claim {
    Claim {
        guarantee,
        bound: None,
        stance: Stance::Broken,
        faults,
        world: None,
        row,
        why,
    }
}

/// So many replicas of a key may be missing; when a majority of them must be there is asked of
/// either side of a partition.
fn available(config: &Config) -> Vec<Claim> {
    let needed = config.w.max(config.r);
    let missing = config.n.saturating_sub(needed);
    let row = match (config.n, config.w, config.r) {
        (3, 2, 2) => "LL-01",
        (_, 1, 1) => "LL-02",
        (5, 3, 3) => "LL-03",
        _ => "",
    };
    let down = Faults {
        at_most_nodes_at_once: Some(missing),
        ..Faults::of(&[FaultKind::Kill, FaultKind::Pause])
    };
    let mut claims = Vec::new();
    if missing > 0 {
        claims.push(Claim {
            bound: Some(Bound::Side(Side::Any)),
            ..holds(
                Guarantee::Available,
                down,
                row,
                "every node coordinates, and enough replicas of a key are left to answer it",
            )
        });
    }
    if needed * 2 <= config.n + 1 {
        claims.push(Claim {
            bound: Some(Bound::Side(Side::QuorumOfKey)),
            ..holds(
                Guarantee::Available,
                Faults::SEPARATING,
                row,
                "every node coordinates, and a majority of the replicas of a key is enough",
            )
        });
    } else {
        claims.push(Claim {
            bound: Some(Bound::Side(Side::QuorumOfKey)),
            ..broken(
                Guarantee::Available,
                Faults::WITH_CLOCKS,
                "LL-04",
                "writes or reads wait for more than a majority of the replicas of a key",
            )
        });
    }
    claims
}

fn abd(claims: &mut Vec<Claim>) {
    let implied = "follows from linearizable";
    claims.extend([
        holds(
            Guarantee::Linearizable,
            Faults::WITH_CLOCKS,
            "LL-06",
            "an operation leaves its version or a newer one on w replicas before it ends, and every \
             later one hears r of them first; no clock is asked",
        ),
        holds(Guarantee::ReadYourWrites, Faults::WITH_CLOCKS, "", implied),
        holds(Guarantee::MonotonicReads, Faults::WITH_CLOCKS, "", implied),
        holds(
            Guarantee::Durable,
            Faults::WITH_CLOCKS,
            "",
            "what is acknowledged is synced on w replicas, and only a newer version replaces it: \
             one that was written later or at the same time",
        ),
    ]);
}

fn lww(config: &Config, claims: &mut Vec<Claim>) {
    claims.push(holds(
        Guarantee::Durable,
        Faults::DEFAULT,
        "",
        "what is acknowledged is synced on w replicas, an element of a set is replaced by nothing, \
         and with right clocks a register only by a write that did not end before it began",
    ));
    match (config.quorums_meet(), config.repair) {
        (true, Repair::Sync) => {
            let implied = "follows from linearizable";
            let clock = "a write stamped by a slow clock loses to an earlier one";
            claims.extend([
                holds(
                    Guarantee::Linearizable,
                    Faults::DEFAULT,
                    "LL-07",
                    "with right clocks the later of two writes that do not overlap has the newer \
                     version, and a read ends when w replicas have what it returns",
                ),
                holds(Guarantee::ReadYourWrites, Faults::DEFAULT, "LL-07", implied),
                holds(Guarantee::MonotonicReads, Faults::DEFAULT, "", implied),
                broken(Guarantee::Linearizable, Faults::WITH_CLOCKS, "LL-07", clock),
                broken(
                    Guarantee::ReadYourWrites,
                    Faults::WITH_CLOCKS,
                    "LL-07",
                    clock,
                ),
            ]);
        }
        (true, Repair::Off | Repair::Async) => {
            claims.push(holds(
                Guarantee::ReadYourWrites,
                Faults::DEFAULT,
                "LL-01",
                "a read hears one of the w replicas that have the session's write, and with right \
                 clocks no write that ended before that one began has a newer version",
            ));
            // A read that hears every replica sees what any earlier read saw.
            if config.r < config.n {
                let why = "during a write one reader hears a replica that has it, and a later \
                           reader r that do not";
                claims.extend([
                    broken(Guarantee::Linearizable, Faults::DEFAULT, "LL-01", why),
                    broken(Guarantee::MonotonicReads, Faults::DEFAULT, "LL-01", why),
                ]);
            }
        }
        (false, _) => {
            let why = "a read may hear only replicas that a write has not reached";
            claims.extend([
                broken(Guarantee::Linearizable, Faults::DEFAULT, "LL-02", why),
                broken(Guarantee::ReadYourWrites, Faults::DEFAULT, "LL-02", why),
                broken(Guarantee::MonotonicReads, Faults::DEFAULT, "LL-02", why),
            ]);
        }
    }
}
