//! What the store promises, by its settings.
//!
//! Where clocks were right, a claim for right clocks and one for any clocks both apply: then what
//! holds counts.

use polygraph_history::Guarantee;

use super::config::{Config, Repair, Version};
use crate::{Claim, Faults, Stance};

/// The claims; `coordinator` argues the first of them.
pub(super) fn claims(config: &Config) -> Vec<Claim> {
    let mut claims = vec![Claim {
        guarantee: Guarantee::Recovers,
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
        stance: Stance::Broken,
        faults,
        world: None,
        row,
        why,
    }
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
